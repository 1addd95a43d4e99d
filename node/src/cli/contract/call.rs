//! `basalt contract call` and `basalt contract query`.

use basalt_contracts_codec::{Function, Metadata, ReadAmount, Returned, Settings, Value as Decoded};
use basalt_pallet_contracts::{Call, types::ExecReturnValue};
use basalt_primitives::{AccountId, Balance, Weight};
use basalt_runtime::RuntimeCall;
use clap::Args;
use serde_json::json;

use super::{
    Report,
    dry_run::{self, DryRun, Terms},
    error::ContractError,
    failure::explain,
    locate::{Found, MetadataFlag},
    node::contract,
    outcome::{Plan, gas_json},
    sender::{
        Address, DEVELOPMENT_SENDER, DepositFlag, SenderFlags, amount, deposit_with_margin, gas_max,
        with_margin,
    },
};
use crate::cli::tx::{Chain, Node, NodeFlags, TxError};

/// What is called, and with what: of `call` and `query`.
#[derive(Debug, Args)]
struct What {
    /// The contract.
    #[arg(value_name = "ADDRESS")]
    contract: Address,

    /// The message; `basalt contract info ADDRESS` lists them.
    #[arg(value_name = "MESSAGE")]
    message: String,

    /// Its arguments, written as in Rust: 1_000, true, //Bob or an address, hello, Some(1), [1, 2], { x: 1, y: 2 };
    /// amounts also as 1.5UNIT, bytes as 0x0102. See docs/write-a-contract.md.
    #[arg(value_name = "ARGUMENT", allow_negative_numbers = true)]
    arguments: Vec<String>,

    /// How much to send with it: tokens (1.5 or 1.5UNIT), or the smallest unit (15planck).
    #[arg(long, value_name = "AMOUNT", default_value = "0")]
    value: String,

    #[command(flatten)]
    metadata: MetadataFlag,
}

/// Flags of `contract call`.
#[derive(Debug, Args)]
pub(crate) struct CallArgs {
    #[command(flatten)]
    what: What,

    /// Send it even if the message changes nothing, or if it would fail; it costs its fee all the same.
    #[arg(long)]
    force: bool,

    #[command(flatten)]
    deposit: DepositFlag,

    #[command(flatten)]
    sender: SenderFlags,
}

/// Flags of `contract query`.
#[derive(Debug, Args)]
pub(crate) struct QueryArgs {
    #[command(flatten)]
    what: What,

    /// Who asks: an address or a development name; nothing is signed [default: //Alice on development chains, else the
    /// account of zeros].
    #[arg(long, value_name = "ADDRESS")]
    from: Option<Address>,

    #[command(flatten)]
    node: NodeFlags,
}

/// A message of a contract, with its arguments.
struct Prepared {
    contract: AccountId,
    found: Found,
    message: Function,
    data: Vec<u8>,
    value: Balance,
}

impl What {
    async fn prepare(
        &self,
        node: &Node,
        chain: &Chain,
        flags: &NodeFlags,
    ) -> Result<Prepared, ContractError> {
        let account = self.contract.on(chain)?;
        let info = contract(node, chain, &account).await?;
        let found = self.metadata.locate(info.code_hash, |text| flags.note(text))?;
        let message = found.metadata.message(&self.message)?.clone();
        let data = encode(&found.metadata, &message, &self.arguments, chain)?;
        let value = amount(chain, "--value", &self.value)?;
        if value > 0 && !message.payable {
            return Err(ContractError::NotPayable(message.label));
        }
        Ok(Prepared { contract: account, found, message, data, value })
    }
}

/// Selector and arguments.
pub(super) fn encode(
    metadata: &Metadata,
    function: &Function,
    arguments: &[String],
    chain: &Chain,
) -> Result<Vec<u8>, ContractError> {
    let read_amount: &ReadAmount<'_> = &|text| chain.token.parse(text).map_err(|error| error.to_string());
    let settings = Settings { prefix: Some(chain.ss58_prefix), amount: Some(read_amount) };
    Ok(metadata.encode(function, arguments, &settings)?)
}

/// What a message would answer.
enum Answer {
    Value(Decoded),
    /// Not of the type that the metadata tells, from a message that succeeds all the same: it passes on what another
    /// contract answered, as a tail call does.
    Unread(ContractError),
}

impl Answer {
    fn value(self) -> Option<Decoded> {
        match self {
            Self::Value(value) => Some(value),
            Self::Unread(_) => None,
        }
    }
}

impl Prepared {
    /// What the message would answer; an error if it would fail.
    fn answer(&self, dry: &DryRun<ExecReturnValue>, prefix: u16) -> Result<Answer, String> {
        let returned = match &dry.result {
            Err(error) => return Err(explain(error, &dry.said)),
            Ok(returned) => returned,
        };
        match self.found.metadata.decode_return(&self.message, &returned.data) {
            Ok(Returned::Value(value)) if !returned.did_revert() => Ok(Answer::Value(value)),
            Ok(Returned::Value(value) | Returned::Error(value)) => {
                Err(format!("the contract refused with {}", value.display(prefix)))
            }
            Ok(Returned::Language(error)) => Err(format!(
                "the contract did not understand the call ({}); the metadata may be of another version, name the right \
                 file with --metadata",
                error.display(prefix)
            )),
            Err(error) => {
                let (function, data) = (self.message.label.clone(), returned.data.clone());
                let unread = ContractError::Returned { function, data, error };
                if returned.did_revert() { Err(unread.to_string()) } else { Ok(Answer::Unread(unread)) }
            }
        }
    }
}

impl QueryArgs {
    pub(super) async fn run(&self) -> Result<Report, ContractError> {
        let node = Node::connect(&self.node.url).await?;
        let chain = node.chain().await?;
        let prepared = self.what.prepare(&node, &chain, &self.node).await?;
        let origin = match self.from {
            Some(from) => from.on(&chain)?,
            None if node.is_development().await? => development_account(&chain)?,
            None => AccountId::from([0; 32]),
        };
        let terms = Terms { origin, value: prepared.value, limit: None };
        let dry = dry_run::call(&node, terms, prepared.contract, &prepared.data).await?;
        let prefix = chain.ss58_prefix;
        match prepared.answer(&dry, prefix) {
            Ok(Answer::Value(value)) if self.node.json => Ok(json!({
                "returned": value.json(prefix),
                "text": value.display(prefix).to_string(),
                "gasRequired": gas_json(dry.gas_required),
                "said": dry.said,
            })
            .to_string()
            .into()),
            Ok(Answer::Value(value)) => {
                if !dry.said.is_empty() {
                    self.node.note(&format!("It said: {}", dry.said.trim_end()));
                }
                Ok(value.display(prefix).to_string().into())
            }
            Ok(Answer::Unread(why)) => Err(why),
            Err(why) => {
                Err(ContractError::QueryFailed { what: format!("`{}`", prepared.message.label), why })
            }
        }
    }
}

/// The account that asks on development chains.
fn development_account(chain: &Chain) -> Result<AccountId, ContractError> {
    let address: Address = DEVELOPMENT_SENDER
        .parse()
        .map_err(|why| TxError::Address { text: DEVELOPMENT_SENDER.to_owned(), why })?;
    Ok(address.on(chain)?)
}

impl CallArgs {
    pub(super) async fn run(&self) -> Result<Report, ContractError> {
        let node = Node::connect(&self.sender.node.url).await?;
        let chain = node.chain().await?;
        chain.check_runtime()?;
        let prepared = self.what.prepare(&node, &chain, &self.sender.node).await?;
        let label = &prepared.message.label;
        if !prepared.message.mutates && !self.force {
            return Err(ContractError::NotMutating(label.clone()));
        }
        let pair = self.sender.pair(&node).await?;
        let given_limit = self.deposit.limit(&chain)?;
        let terms = Terms { origin: pair.account_id(), value: prepared.value, limit: given_limit };
        let dry = dry_run::call(&node, terms, prepared.contract, &prepared.data).await?;
        let answer = prepared.answer(&dry, chain.ss58_prefix);
        let what = format!("{label} of {}", chain.address(&prepared.contract));
        match &answer {
            Ok(Answer::Value(_)) => {}
            Ok(Answer::Unread(why)) => self.sender.node.note(&format!("Warning: {why}")),
            Err(why) if self.force => {
                self.sender.node.note(&format!("Warning: {what} will fail: {why}"));
            }
            Err(why) => {
                return Err(ContractError::WouldFail { what: format!("`{label}`"), why: why.clone() });
            }
        }
        let deposit_limit = given_limit.unwrap_or_else(|| deposit_with_margin(dry.deposit.charge_or_zero()));
        let with_gas = |gas_limit| Call::call {
            dest: prepared.contract.into(),
            value: prepared.value,
            gas_limit,
            storage_deposit_limit: Some(deposit_limit.into()),
            data: prepared.data.clone(),
        };
        let gas_limit = with_margin(dry.gas_required, gas_max(&with_gas(Weight::zero())));
        let call = RuntimeCall::Contracts(with_gas(gas_limit));
        let plan = Plan {
            what: &format!("Calling {what}"),
            call,
            gas_limit: Some(gas_limit),
            deposit_limit: Some(deposit_limit),
        };
        let sent = plan.send(&node, &chain, &self.sender, &pair).await?;
        let failure = sent.failure();
        let (contract, metadata) = (Some(&prepared.contract), Some(&prepared.found.metadata));
        let prefix = chain.ss58_prefix;
        let data = dry.result.as_ref().ok().map(|returned| const_hex::encode_prefixed(&returned.data));
        let text = if self.sender.node.json {
            let value = answer.ok().and_then(Answer::value).map(|value| value.json(prefix));
            let mut members = sent.json(contract, metadata);
            members.insert("returned".to_owned(), json!(value.filter(|_| failure.is_none())));
            members.insert("returnedData".to_owned(), json!(data.filter(|_| failure.is_none())));
            Some(serde_json::Value::Object(members).to_string())
        } else if failure.is_some() {
            None
        } else {
            let returned = answer.ok().and_then(Answer::value).map(|value| value.display(prefix).to_string());
            let mut lines = vec![format!("Called {what}")];
            lines
                .extend(returned.or(data).map(|text| format!("Returned: {text} (in a dry run just before)")));
            lines.extend(sent.lines(contract, metadata));
            Some(lines.join("\n  "))
        };
        Ok(Report { text, failure })
    }
}

#[cfg(test)]
mod tests;
