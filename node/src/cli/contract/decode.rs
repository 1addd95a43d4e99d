//! `basalt contract decode`: what bytes mean, without a node.

use basalt_contracts_codec::{Returned, Value};
use basalt_primitives::ss58::GENERIC_PREFIX;
use clap::{Args, Subcommand};
use serde_json::{Map, Value as Json, json};

use super::{Report, error::ContractError, locate::MetadataFlag};

/// Say what bytes mean; asks no node.
#[derive(Debug, Subcommand)]
pub(crate) enum DecodeCommand {
    /// Call data: which constructor or message, and its arguments
    Call(DecodeCallArgs),
    /// What a message returned, or its error
    Return(DecodeReturnArgs),
    /// The data of an event
    Event(DecodeEventArgs),
}

/// Flags that all share.
#[derive(Debug, Args)]
struct Common {
    #[command(flatten)]
    metadata: MetadataFlag,

    /// The prefix of addresses.
    #[arg(long, value_name = "PREFIX", default_value_t = GENERIC_PREFIX)]
    network: u16,

    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Flags of `contract decode call`.
#[derive(Debug, Args)]
pub(crate) struct DecodeCallArgs {
    /// The data: selector and arguments, in hex.
    #[arg(value_name = "HEX", value_parser = parse_bytes)]
    data: Bytes,

    #[command(flatten)]
    common: Common,
}

/// Flags of `contract decode return`.
#[derive(Debug, Args)]
pub(crate) struct DecodeReturnArgs {
    /// The message that returned it.
    #[arg(value_name = "MESSAGE")]
    message: String,

    /// What it returned, in hex.
    #[arg(value_name = "HEX", value_parser = parse_bytes)]
    data: Bytes,

    #[command(flatten)]
    common: Common,
}

/// Flags of `contract decode event`.
#[derive(Debug, Args)]
pub(crate) struct DecodeEventArgs {
    /// Its data, in hex.
    #[arg(value_name = "HEX", value_parser = parse_bytes)]
    data: Bytes,

    /// A topic, in hex: all of them, in their order.
    #[arg(long = "topic", value_name = "HASH", value_parser = parse_topic)]
    topics: Vec<Topic>,

    #[command(flatten)]
    common: Common,
}

/// Bytes of an argument. A `Vec` would be an argument that is given several times.
#[derive(Debug, Clone)]
struct Bytes(Vec<u8>);

/// A topic of an event.
#[derive(Debug, Clone, Copy)]
struct Topic([u8; 32]);

fn parse_bytes(text: &str) -> Result<Bytes, String> {
    const_hex::decode(text).map(Bytes).map_err(|error| format!("{error}; give bytes in hex, such as 0x01"))
}

fn parse_topic(text: &str) -> Result<Topic, String> {
    const_hex::decode_to_array(text)
        .map(Topic)
        .map_err(|error| format!("{error}; a topic is 0x and 64 hex digits"))
}

impl DecodeCommand {
    pub(super) fn run(&self) -> Result<Report, ContractError> {
        match self {
            Self::Call(args) => args.run(),
            Self::Return(args) => args.run(),
            Self::Event(args) => args.run(),
        }
    }
}

/// `name { a: 1, b: 2 }`, or the same as JSON.
fn named(kind: &str, label: &str, fields: &[(String, Value)], common: &Common) -> String {
    let prefix = common.network;
    if common.json {
        let members: Map<String, Json> =
            fields.iter().map(|(name, value)| (name.clone(), value.json(prefix))).collect();
        return json!({ "kind": kind, "name": label, "fields": members }).to_string();
    }
    let fields: Vec<String> =
        fields.iter().map(|(name, value)| format!("{name}: {}", value.display(prefix))).collect();
    format!("{kind} {label}({})", fields.join(", "))
}

impl DecodeCallArgs {
    fn run(&self) -> Result<Report, ContractError> {
        let metadata = self.common.metadata.without_chain()?.metadata;
        let data = &self.data.0;
        let Some(call) = metadata.decode_call(data)? else {
            let selector = data.iter().take(4).copied().collect();
            return Err(ContractError::NoSelector { contract: metadata.name().to_owned(), selector });
        };
        let kind = if call.is_constructor { "constructor" } else { "message" };
        Ok(named(kind, &call.label, &call.args, &self.common).into())
    }
}

impl DecodeReturnArgs {
    fn run(&self) -> Result<Report, ContractError> {
        let metadata = self.common.metadata.without_chain()?.metadata;
        // Constructors return their errors the same way.
        let returned = match metadata.message(&self.message) {
            Ok(message) => metadata.decode_return(message, &self.data.0)?,
            Err(unknown) => match metadata.constructor(&self.message) {
                Ok(constructor) => metadata.decode_constructor_return(constructor, &self.data.0)?,
                Err(_) => return Err(unknown.into()),
            },
        };
        let prefix = self.common.network;
        let (kind, value) = match &returned {
            Returned::Value(value) => ("value", value),
            Returned::Error(value) => ("error", value),
            Returned::Language(value) => ("not understood", value),
        };
        Ok(match self.common.json {
            true => json!({ "kind": kind, "value": value.json(prefix) }).to_string(),
            false => format!("{kind}: {}", value.display(prefix)),
        }
        .into())
    }
}

impl DecodeEventArgs {
    fn run(&self) -> Result<Report, ContractError> {
        let metadata = self.common.metadata.without_chain()?.metadata;
        let topics: Vec<[u8; 32]> = self.topics.iter().map(|topic| topic.0).collect();
        let event = metadata.decode_event(&topics, &self.data.0)?;
        Ok(named("event", &event.label, &event.fields, &self.common).into())
    }
}
