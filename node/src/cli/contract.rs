//! `basalt contract`: write, build, deploy and call contracts.

mod call;
mod decode;
mod deploy;
mod dry_run;
mod error;
mod failure;
mod inspect;
mod locate;
mod make;
mod node;
mod outcome;
mod remove;
mod sender;
#[cfg(test)]
mod tests;

use clap::Subcommand;

use self::{
    call::{CallArgs, QueryArgs},
    decode::DecodeCommand,
    deploy::{InstantiateArgs, UploadArgs},
    error::ContractError,
    inspect::{InfoArgs, StorageArgs},
    make::{BuildArgs, NewArgs},
    remove::RemoveArgs,
};
use crate::{cli::tx::TxError, stdout};

/// Write, build, deploy and call contracts.
#[derive(Debug, Subcommand)]
pub(crate) enum ContractCommand {
    /// Start a contract: a folder with its code, a test and a manifest
    New(NewArgs),
    /// Build a contract: code, metadata, and both in one .contract file
    Build(BuildArgs),
    /// Put code on the chain, for any number of contracts
    Upload(UploadArgs),
    /// Remove code that no contract uses, and get its deposit back
    Remove(RemoveArgs),
    /// Create a contract, and upload its code if it is not there
    Instantiate(InstantiateArgs),
    /// Call a message with a transaction
    Call(CallArgs),
    /// Ask a message without a transaction, and print what it returns
    Query(QueryArgs),
    /// Show a contract's code, balance and deposits
    Info(InfoArgs),
    /// Show what a contract stores
    Storage(StorageArgs),
    /// Say what call data, events and returned bytes mean; asks no node
    #[command(subcommand)]
    Decode(DecodeCommand),
}

/// What a command found out.
#[derive(Debug)]
struct Report {
    /// For stdout; none if the failure says it all.
    text: Option<String>,
    /// Makes the program end with an error.
    failure: Option<ContractError>,
}

impl From<String> for Report {
    fn from(text: String) -> Self {
        Self { text: Some(text), failure: None }
    }
}

impl ContractCommand {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| ContractError::Tx(TxError::Runtime(error)))?;
        let report = runtime.block_on(self.report())?;
        if let Some(text) = report.text {
            stdout::line(&text);
        }
        report.failure.map_or(Ok(()), |failure| Err(failure.into()))
    }

    async fn report(&self) -> Result<Report, ContractError> {
        match self {
            Self::New(args) => args.run(),
            Self::Build(args) => args.run(),
            Self::Upload(args) => args.run().await,
            Self::Remove(args) => args.run().await,
            Self::Instantiate(args) => args.run().await,
            Self::Call(args) => args.run().await,
            Self::Query(args) => args.run().await,
            Self::Info(args) => args.run().await,
            Self::Storage(args) => args.run().await,
            Self::Decode(command) => command.run(),
        }
    }
}
