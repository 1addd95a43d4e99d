//! `basalt staking` and `basalt validator`: put tokens at stake, back validators, become one.
//!
//! ```text
//! node ─► Snapshot (one block) ─► Terms, Staker (as the runtime reads them) ─► Plan ─► sign, check, send ─► Report
//! ```

mod clock;
mod error;
mod nominate;
mod read;
mod rewards;
mod send;
mod setup;
mod snapshot;
mod stake;
mod status;
mod table;
#[cfg(test)]
mod tests;
mod validators;

use clap::Subcommand;

use self::{
    error::StakingError,
    nominate::NominateArgs,
    rewards::RewardsArgs,
    setup::SetupArgs,
    stake::{BondArgs, ChillArgs, UnbondArgs, WithdrawArgs},
    status::StatusArgs,
    validators::ValidatorsArgs,
};
use super::tx::TxError;
use crate::stdout;

/// Put tokens at stake, back validators, and see what that earns.
#[derive(Debug, Subcommand)]
pub(crate) enum StakingCommand {
    /// Show who validates, who will, and who offers to
    Validators(ValidatorsArgs),
    /// Show what an account has at stake, what for, and what is on its way out
    Status(StatusArgs),
    /// Show what an account has earned, and have it paid
    Rewards(RewardsArgs),
    /// Put tokens at stake, for the first time or on top
    Bond(BondArgs),
    /// Back validators with the stake, to share what they earn and what they lose
    Nominate(NominateArgs),
    /// Take tokens out of the stake: they are free after the unbonding period
    Unbond(UnbondArgs),
    /// Free what was unbonded long enough ago
    Withdraw(WithdrawArgs),
    /// Stop validating or nominating; the stake stays bonded
    Chill(ChillArgs),
}

/// Become a validator, or change how one validates.
#[derive(Debug, Subcommand)]
pub(crate) enum ValidatorCommand {
    /// Make keys, bond, register the keys and offer to validate, in one transaction
    ///
    /// Run it beside the node that will validate: it makes the keys there. What is done already is left as it is, so the
    /// same command changes the commission (--commission), adds stake (--bond) or replaces keys (--rotate).
    ///
    /// On the node's machine:        basalt validator setup --bond 1000 --commission 5 --from -
    /// Into the keystore's folder:   basalt validator setup --bond 1000 --keystore-path ./keystore --from - --url ws://...
    /// What it needs, and from when: docs/stake.md
    #[command(verbatim_doc_comment)]
    Setup(SetupArgs),
}

/// What a command found out.
#[derive(Debug)]
struct Report {
    /// For stdout; none if the failure says it all.
    text: Option<String>,
    /// Makes the program end with an error.
    failure: Option<StakingError>,
}

impl From<String> for Report {
    fn from(text: String) -> Self {
        Self { text: Some(text), failure: None }
    }
}

impl StakingCommand {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        print(async move {
            match &self {
                Self::Validators(args) => args.run().await,
                Self::Status(args) => args.run().await,
                Self::Rewards(args) => args.run().await,
                Self::Bond(args) => args.run().await,
                Self::Nominate(args) => args.run().await,
                Self::Unbond(args) => args.run().await,
                Self::Withdraw(args) => args.run().await,
                Self::Chill(args) => args.run().await,
            }
        })
    }
}

impl ValidatorCommand {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        print(async move {
            match &self {
                Self::Setup(args) => args.run().await,
            }
        })
    }
}

/// Runs a command, and prints what it found out.
fn print(command: impl Future<Output = Result<Report, StakingError>>) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let report = runtime.map_err(TxError::Runtime)?.block_on(command)?;
    if let Some(text) = report.text {
        stdout::line(&text);
    }
    report.failure.map_or(Ok(()), |failure| Err(failure.into()))
}
