//! `basalt contract info` and `basalt contract storage`.

use basalt_contracts_codec::{
    Function, Metadata,
    storage::{Cell, Content, View},
};
use basalt_primitives::Balance;
use clap::Args;
use serde_json::{Value, json};

use super::{
    Report,
    error::ContractError,
    locate::{Found, MetadataFlag},
    node::{code_info, contract, storage},
    sender::Address,
};
use crate::cli::tx::{Node, NodeFlags};

/// Flags of `contract info`.
#[derive(Debug, Args)]
pub(crate) struct InfoArgs {
    /// The contract.
    #[arg(value_name = "ADDRESS")]
    contract: Address,

    #[command(flatten)]
    metadata: MetadataFlag,

    #[command(flatten)]
    node: NodeFlags,
}

/// Flags of `contract storage`.
#[derive(Debug, Args)]
pub(crate) struct StorageArgs {
    /// The contract.
    #[arg(value_name = "ADDRESS")]
    contract: Address,

    /// Show bytes as they are stored, without metadata.
    #[arg(long)]
    raw: bool,

    /// The most values to show.
    #[arg(long, value_name = "COUNT", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,

    #[command(flatten)]
    metadata: MetadataFlag,

    #[command(flatten)]
    node: NodeFlags,
}

impl InfoArgs {
    pub(super) async fn run(&self) -> Result<Report, ContractError> {
        let node = Node::connect(&self.node.url).await?;
        let chain = node.chain().await?;
        let account = self.contract.on(&chain)?;
        let info = contract(&node, &chain, &account).await?;
        let owned = node.account(&account).await?.data;
        let code = code_info(&node, &info.code_hash).await?;
        let found = match self.metadata.locate(info.code_hash, |text| self.node.note(text)) {
            Ok(found) => Some(found),
            Err(ContractError::NoMetadata { .. }) => None,
            Err(error) => return Err(error),
        };
        let metadata = found.as_ref().map(|found| &found.metadata);
        let deposit = info
            .storage_base_deposit
            .saturating_add(info.storage_byte_deposit)
            .saturating_add(info.storage_item_deposit);
        if self.node.json {
            let text = |amount: Balance| amount.to_string();
            return Ok(json!({
                "contract": chain.address(&account),
                "codeHash": format!("{:#x}", info.code_hash),
                "balance": text(owned.free),
                "deposit": { "base": text(info.storage_base_deposit), "bytes": text(info.storage_byte_deposit), "items": text(info.storage_item_deposit) },
                "stored": { "bytes": info.storage_bytes, "items": info.storage_items },
                "code": code.as_ref().map(|code| json!({
                    "owner": chain.address(&code.owner),
                    "deposit": text(code.deposit),
                    "contracts": code.refcount,
                    "bytes": code.code_len,
                })),
                "dependencies": info.delegate_dependencies.0.keys().map(|hash| format!("{hash:#x}")).collect::<Vec<_>>(),
                "name": metadata.map(Metadata::name),
                "messages": metadata.map(|metadata| metadata.messages().iter().map(|message| metadata.signature(message)).collect::<Vec<_>>()),
            })
            .to_string()
            .into());
        }
        let show = |amount| chain.token.show(amount);
        let mut lines = vec![format!("Contract {}", chain.address(&account))];
        lines.extend(
            metadata.map(|metadata| format!("Name:     {} {}", metadata.name(), metadata.contract_version())),
        );
        lines.push(format!("Code:     {:#x}", info.code_hash));
        if let Some(code) = code {
            lines.push(format!(
                "          {} bytes, contracts of it: {}, uploaded by {} for a deposit of {}",
                code.code_len,
                code.refcount,
                chain.address(&code.owner),
                show(code.deposit)
            ));
        }
        lines.push(format!("Balance:  {}", show(owned.free)));
        lines.push(format!(
            "Stores:   {} bytes in {} values, for a deposit of {} in all",
            info.storage_bytes,
            info.storage_items,
            show(deposit)
        ));
        for code_hash in info.delegate_dependencies.0.keys() {
            lines.push(format!("Needs:    code {code_hash:#x}"));
        }
        match metadata {
            Some(metadata) => {
                let kind = |message: &Function| if message.mutates { "call" } else { "query" };
                let of = |message: &Function| {
                    format!("{:<9} {}", format!("{}:", kind(message)), metadata.signature(message))
                };
                lines.push("Messages".to_owned());
                lines.extend(metadata.messages().iter().map(|message| format!("  {}", of(message))));
            }
            None => {
                lines.push("Messages: not known without metadata; name its file with --metadata".to_owned())
            }
        }
        Ok(lines.join("\n  ").into())
    }
}

impl StorageArgs {
    pub(super) async fn run(&self) -> Result<Report, ContractError> {
        let node = Node::connect(&self.node.url).await?;
        let chain = node.chain().await?;
        let account = self.contract.on(&chain)?;
        let info = contract(&node, &chain, &account).await?;
        let pairs = storage(&node, &info, self.limit).await?;
        let found = match self.metadata.locate(info.code_hash, |text| self.node.note(text)) {
            _ if self.raw => None,
            Ok(found) => Some(found),
            Err(error @ ContractError::NoMetadata { .. }) => {
                self.node.note(&format!("Shown as bytes: {error}"));
                None
            }
            Err(error) => return Err(error),
        };
        let view = match found {
            Some(Found { metadata, .. }) => metadata.view_storage(&pairs),
            None => View { cells: Vec::new(), unknown: pairs.into_iter().collect() },
        };
        Ok(if self.node.json {
            json_of(&view, chain.ss58_prefix).to_string()
        } else {
            text_of(&view, chain.ss58_prefix)
        }
        .into())
    }
}

/// The name of the cell without one: it holds all that is packed.
const ROOT_NAME: &str = "(root)";

fn name_of(cell: &Cell) -> &str {
    if cell.name.is_empty() { ROOT_NAME } else { &cell.name }
}

fn text_of(view: &View, prefix: u16) -> String {
    let mut lines = Vec::new();
    for cell in &view.cells {
        let name = name_of(cell);
        match &cell.content {
            Content::Empty => lines.push(format!("{name}: nothing")),
            Content::Value(value) => lines.push(format!("{name}: {}", value.display(prefix))),
            Content::Unreadable(why) => lines.push(format!("{name}: not what the metadata says: {why}")),
            Content::Entries(entries) => {
                lines.push(format!("{name}: {} entries", entries.len()));
                lines.extend(
                    entries
                        .iter()
                        .map(|(key, value)| format!("  {}: {}", key.display(prefix), value.display(prefix))),
                );
            }
            Content::List(values) => {
                lines.push(format!("{name}: {} values", values.len()));
                lines.extend(values.iter().map(|value| format!("  {}", value.display(prefix))));
            }
        }
    }
    for (key, value) in &view.unknown {
        lines.push(format!("{}: {}", const_hex::encode_prefixed(key), const_hex::encode_prefixed(value)));
    }
    if lines.is_empty() {
        lines.push("The contract stores nothing".to_owned());
    }
    lines.join("\n")
}

fn json_of(view: &View, prefix: u16) -> Value {
    let cells: Vec<Value> = view
        .cells
        .iter()
        .map(|cell| {
            let (kind, value) = match &cell.content {
                Content::Empty => ("empty", Value::Null),
                Content::Value(value) => ("value", value.json(prefix)),
                Content::Unreadable(why) => ("unreadable", json!(why.to_string())),
                Content::Entries(entries) => (
                    "entries",
                    entries.iter().map(|(key, value)| json!([key.json(prefix), value.json(prefix)])).collect(),
                ),
                Content::List(values) => ("list", values.iter().map(|value| value.json(prefix)).collect()),
            };
            json!({ "name": cell.name, "key": const_hex::encode_prefixed(cell.key), "kind": kind, "value": value })
        })
        .collect();
    let unknown: Vec<Value> = view
        .unknown
        .iter()
        .map(|(key, value)| json!([const_hex::encode_prefixed(key), const_hex::encode_prefixed(value)]))
        .collect();
    json!({ "cells": cells, "unknown": unknown })
}
