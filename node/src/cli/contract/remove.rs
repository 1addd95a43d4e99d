//! `basalt contract remove`.

use std::path::PathBuf;

use basalt_pallet_contracts::{Call, types::CodeInfo};
use basalt_primitives::{AccountId, H256};
use basalt_runtime::RuntimeCall;
use clap::Args;
use serde_json::{Value, json};

use super::{
    Report,
    deploy::{Uploadable, parse_hash},
    error::ContractError,
    node::code_info,
    outcome::Plan,
    sender::SenderFlags,
};
use crate::cli::tx::{Chain, Node};

/// Flags of `contract remove`.
#[derive(Debug, Args)]
pub(crate) struct RemoveArgs {
    /// The code: its hash, or its .contract, .json or .wasm file [default: the one in target/ink of this project].
    ///
    /// Only who uploaded it can remove it, when no contract has it or depends on it any more. The deposit comes back, and
    /// there is no fee.
    #[arg(value_name = "HASH|FILE", value_parser = parse_code)]
    code: Option<Code>,

    #[command(flatten)]
    sender: SenderFlags,
}

/// Code as people name it.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Code {
    Hash(H256),
    File(PathBuf),
}

/// What begins with 0x is a hash: a file of such a name is `./0x…`.
fn parse_code(text: &str) -> Result<Code, String> {
    if text.starts_with("0x") { parse_hash(text).map(Code::Hash) } else { Ok(Code::File(text.into())) }
}

impl RemoveArgs {
    pub(super) async fn run(&self) -> Result<Report, ContractError> {
        let code_hash = self.code_hash()?;
        let node = Node::connect(&self.sender.node.url).await?;
        let chain = node.chain().await?;
        chain.check_runtime()?;
        let info = code_info(&node, &code_hash).await?.ok_or(ContractError::NoCodeToRemove(code_hash))?;
        let pair = self.sender.pair(&node).await?;
        check(code_hash, &info, &pair.account_id(), &chain)?;
        let deposit = chain.token.show(info.deposit);
        let what =
            format!("Removing code of {} bytes, for which a deposit of {deposit} comes back", info.code_len);
        let call = RuntimeCall::Contracts(Call::remove_code { code_hash });
        let plan = Plan { what: &what, call, gas_limit: None, deposit_limit: None };
        let sent = plan.send(&node, &chain, &self.sender, &pair).await?;
        let failure = sent.failure();
        let text = if self.sender.node.json {
            let mut members = sent.json(None, None);
            members.insert("codeHash".to_owned(), json!(format!("{code_hash:#x}")));
            Some(Value::Object(members).to_string())
        } else {
            let heading = format!("Removed code {code_hash:#x}");
            let lines: Vec<String> = std::iter::once(heading).chain(sent.lines(None, None)).collect();
            failure.is_none().then(|| lines.join("\n  "))
        };
        Ok(Report { text, failure })
    }

    fn code_hash(&self) -> Result<H256, ContractError> {
        match &self.code {
            Some(Code::Hash(code_hash)) => Ok(*code_hash),
            Some(Code::File(path)) => Uploadable::read(Some(path))?.code_hash(),
            None => Uploadable::read(None)?.code_hash(),
        }
    }
}

/// Whether the chain would remove it. There is no dry run for this, but all that it depends on can be read.
fn check(code_hash: H256, info: &CodeInfo, sender: &AccountId, chain: &Chain) -> Result<(), ContractError> {
    if info.refcount > 0 {
        return Err(ContractError::CodeInUse { code_hash, users: info.refcount });
    }
    if info.owner != *sender {
        let (owner, sender) = (chain.address(&info.owner), chain.address(sender));
        return Err(ContractError::NotCodeOwner { code_hash, owner, sender });
    }
    Ok(())
}
