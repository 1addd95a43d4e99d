//! What became of a transaction in a block.

use basalt_pallet_system::{self as system, EventRecord, Phase};
use basalt_pallet_transaction_payment as transaction_payment;
use basalt_primitives::{
    Balance, BlockNumber, DispatchError, H256, ModuleError, OpaqueExtrinsic, TokenError,
};
use basalt_runtime::{RuntimeError, RuntimeEvent};
use parity_scale_codec::Decode;
use serde_json::{Map, Value, json};

use super::{
    amount::Token,
    client::{Chain, Node, decode_all},
    error::TxError,
};

/// Where a transaction is, and how it went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cli) struct Included {
    /// Height of the block.
    pub(in crate::cli) number: BlockNumber,
    /// Hash of the block.
    pub(in crate::cli) block: H256,
    /// Place in the block, from 0.
    pub(in crate::cli) index: u32,
    /// How it went, or why that cannot be told.
    pub(in crate::cli) outcome: Result<Outcome, String>,
}

/// How a transaction went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cli) struct Outcome {
    /// Why it failed; none if it did not.
    pub(in crate::cli) error: Option<DispatchError>,
    /// What it cost, tip included; none if it was free.
    pub(in crate::cli) fee: Option<Balance>,
}

impl Included {
    /// Looks for a transaction in a block, and how it went there.
    pub(in crate::cli) async fn find(
        node: &Node,
        chain: &Chain,
        block_hash: H256,
        transaction: H256,
    ) -> Result<Option<Self>, TxError> {
        let Some(block) = node.block(block_hash).await? else { return Ok(None) };
        let Some(index) = place(&block.extrinsics, transaction) else { return Ok(None) };
        let outcome = if chain.is_ours() {
            match node.events(block_hash).await {
                Ok(bytes) => Outcome::read(&bytes, index)?,
                // The block is there, its state is not any more.
                Err(error @ TxError::Ask { .. }) => Err(error.to_string()),
                Err(error) => return Err(error),
            }
        } else {
            Err("the node runs another version, whose events this program cannot read".to_owned())
        };
        Ok(Some(Self { number: block.header.number, block: block_hash, index, outcome }))
    }

    /// The members of a result in JSON.
    pub(in crate::cli) fn json(included: Option<&Self>) -> Map<String, Value> {
        let outcome = included.and_then(|included| included.outcome.as_ref().ok());
        let mut members = Map::new();
        let block = included.map(|at| json!({ "number": at.number, "hash": format!("{:#x}", at.block) }));
        members.insert("block".to_owned(), json!(block));
        members.insert("extrinsicIndex".to_owned(), json!(included.map(|at| at.index)));
        members.insert("success".to_owned(), json!(outcome.map(|outcome| outcome.error.is_none())));
        let error = outcome.and_then(|outcome| outcome.error.as_ref()).map(describe);
        members.insert("error".to_owned(), json!(error));
        // Text, since JavaScript's numbers are too short for amounts.
        members.insert("fee".to_owned(), json!(outcome.and_then(|at| at.fee).map(|fee| fee.to_string())));
        members
    }

    /// For people: what became of it.
    pub(in crate::cli) fn text(&self, token: &Token) -> String {
        match &self.outcome {
            Ok(Outcome { error, fee }) => {
                let fee = fee.map_or_else(|| "no fee".to_owned(), |fee| format!("fee {}", token.show(fee)));
                match error {
                    None => format!("succeeded, {fee}"),
                    Some(error) => format!("failed, {fee}: {}", describe(error)),
                }
            }
            Err(why) => format!("how it went is not known: {why}"),
        }
    }
}

/// The place of a transaction among others.
pub(in crate::cli) fn place(extrinsics: &[OpaqueExtrinsic], transaction: H256) -> Option<u32> {
    extrinsics.iter().zip(0..).find(|(extrinsic, _)| extrinsic.hash() == transaction).map(|(_, index)| index)
}

impl Outcome {
    /// How the transaction at a place of a block went, from the block's encoded events.
    fn read(events: &[u8], index: u32) -> Result<Result<Self, String>, TxError> {
        let events: Vec<EventRecord<RuntimeEvent>> = decode_all("the events of a block", events)?;
        Ok(Self::of(&events, index).ok_or_else(|| "the block has no event about it".to_owned()))
    }

    pub(in crate::cli) fn of(events: &[EventRecord<RuntimeEvent>], index: u32) -> Option<Self> {
        let mut error = None;
        let mut fee = None;
        for record in events.iter().filter(|record| record.phase == Phase::ApplyExtrinsic(index)) {
            match &record.event {
                RuntimeEvent::System(system::Event::ExtrinsicSuccess { .. }) => error = Some(None),
                RuntimeEvent::System(system::Event::ExtrinsicFailed { dispatch_error, .. }) => {
                    error = Some(Some(*dispatch_error));
                }
                RuntimeEvent::TransactionPayment(transaction_payment::Event::TransactionFeePaid {
                    actual_fee,
                    ..
                }) => fee = Some(*actual_fee),
                _ => {}
            }
        }
        error.map(|error| Self { error, fee })
    }
}

/// An error by name, and what helps if that is known.
pub(in crate::cli) fn describe(error: &DispatchError) -> String {
    let text = match error {
        DispatchError::Module(module) => module_error(module),
        other => other.to_string(),
    };
    let remedy = match error {
        DispatchError::Token(TokenError::NotExpendable | TokenError::OnlyProvider) => {
            "send less, or add --allow-death to let the sender's account end"
        }
        DispatchError::Token(TokenError::FundsUnavailable) => "send less, or give the sender more first",
        DispatchError::Token(TokenError::Frozen) => "send less, or wait until the locks on the account end",
        DispatchError::Token(TokenError::BelowMinimum | TokenError::CannotCreate) => {
            "send at least the existential deposit to a new account"
        }
        _ => return text,
    };
    format!("{text}; {remedy}")
}

/// Such as `Balances.InsufficientBalance`.
fn module_error(error: &ModuleError) -> String {
    let mut bytes = vec![error.index];
    bytes.extend_from_slice(&error.error);
    match RuntimeError::decode(&mut &bytes[..]) {
        // `Debug` gives `Balances(InsufficientBalance)`, and stays right when pallets are added.
        Ok(known) => format!("{known:?}").replace('(', ".").replace(')', ""),
        Err(_) => format!("error {} of the pallet with index {}", error.error[0], error.index),
    }
}
