//! Sign a call, send it, and wait for what becomes of it: what all commands share that send something.

use std::{str::FromStr, time::Duration};

use basalt_pallet_system::BLOCK_HASH_COUNT;
use basalt_primitives::{Additional, Balance, Extra, H256, Nonce, generic::era::PERIOD_MIN, keys::Pair};
use basalt_rpc_api::types::TransactionStatus;
use basalt_runtime::RuntimeCall;
use clap::{Args, ValueEnum};

use super::{
    NodeFlags,
    client::{Chain, Node},
    error::TxError,
    outcome::Included,
    prepare::{Signed, sign},
};

/// Flags that all commands share which send a transaction.
#[derive(Debug, Clone, Args)]
pub(in crate::cli) struct SendFlags {
    /// What to add to the fee, for a better place in the queue: an amount.
    #[arg(long, value_name = "AMOUNT", default_value = "0", allow_hyphen_values = true)]
    pub(super) tip: String,

    /// The nonce [default: the next one, counting transactions that wait].
    #[arg(long, value_name = "NONCE")]
    pub(super) nonce: Option<Nonce>,

    /// For how many blocks the transaction is valid (4 to 4096, rounded up to a power of two), or `never` to let it
    /// never expire.
    #[arg(long, value_name = "BLOCKS|never", default_value = "64")]
    mortal: Mortality,

    /// What to wait for.
    #[arg(long, value_enum, value_name = "WHAT", default_value_t = Wait::Finalized)]
    pub(in crate::cli) wait: Wait,

    /// How many seconds to wait for it.
    #[arg(long, value_name = "SECONDS", default_value_t = 120)]
    timeout: u64,
}

/// What to wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Wait {
    /// For nothing: the node took it.
    None,
    /// Until it is in a block, which may still be replaced by another.
    InBlock,
    /// Until that block is final.
    Finalized,
}

impl Wait {
    /// As a state of a transaction.
    pub(in crate::cli) fn state(self) -> &'static str {
        match self {
            Self::None => "submitted",
            Self::InBlock => "inBlock",
            Self::Finalized => "finalized",
        }
    }

    /// How sure it is, for people.
    pub(in crate::cli) fn certainty(self) -> &'static str {
        if self == Self::Finalized { "final" } else { "not yet final" }
    }
}

/// For how many blocks a transaction is valid; none for all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Mortality(Option<u64>);

impl FromStr for Mortality {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let max = u64::from(BLOCK_HASH_COUNT);
        match text.parse() {
            _ if text == "never" => Ok(Self(None)),
            Ok(period) if (PERIOD_MIN..=max).contains(&period) => Ok(Self(Some(period))),
            _ => Err(format!("'{text}' is no number of blocks from {PERIOD_MIN} to {max}, nor `never`")),
        }
    }
}

/// A transaction that is ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cli) struct Ready {
    pub(in crate::cli) nonce: Nonce,
    pub(in crate::cli) tip: Balance,
    /// The most it costs, tip included.
    pub(in crate::cli) fee: Balance,
    pub(in crate::cli) signed: Signed,
}

impl SendFlags {
    /// Asks for what has to be signed, and signs it.
    pub(in crate::cli) async fn sign(
        &self,
        node: &Node,
        chain: &Chain,
        pair: &Pair,
        call: &RuntimeCall,
    ) -> Result<Ready, TxError> {
        let tip = chain.token.parse(&self.tip).map_err(|error| TxError::Amount { flag: "--tip", error })?;
        let nonce = match self.nonce {
            Some(nonce) => nonce,
            None => node.next_nonce(pair.account_id()).await?,
        };
        let (era, birth_hash) = node.era(chain.genesis_hash, self.mortal.0).await?;
        let extra = Extra { era, nonce, tip, metadata_hash_mode: 0 };
        let additional = Additional {
            spec_version: chain.version.spec_version,
            transaction_version: chain.version.transaction_version,
            genesis_hash: chain.genesis_hash,
            birth_hash,
            metadata_hash: None,
        };
        let signed = sign(pair, call, &extra, &additional);
        let fee = node.fee(&signed.encoded).await?.saturating_add(tip);
        Ok(Ready { nonce, tip, fee, signed })
    }

    /// Sends it, and waits for what was asked for.
    pub(in crate::cli) async fn send(
        &self,
        node: &Node,
        flags: &NodeFlags,
        chain: &Chain,
        signed: &Signed,
    ) -> Result<Option<Included>, TxError> {
        let Signed { hash, encoded } = signed;
        if self.wait == Wait::None {
            node.submit(*hash, encoded).await?;
            return Ok(None);
        }
        let waiting = self.watch(node, flags, signed);
        let block = match tokio::time::timeout(Duration::from_secs(self.timeout), waiting).await {
            Ok(block) => block?,
            Err(_) => {
                let awaited = if self.wait == Wait::InBlock { "in a block" } else { "final" };
                return Err(TxError::Timeout { hash: *hash, awaited, seconds: self.timeout });
            }
        };
        let found = Included::find(node, chain, block, *hash).await?;
        let lost = || TxError::Nonsense {
            what: "the block of the transaction",
            why: format!("block {block:#x} does not hold it"),
        };
        found.map(Some).ok_or_else(lost)
    }

    /// The block it is in, as soon as that is what was waited for.
    async fn watch(&self, node: &Node, flags: &NodeFlags, signed: &Signed) -> Result<H256, TxError> {
        let hash = signed.hash;
        let mut updates = node.submit_and_watch(hash, &signed.encoded).await?;
        flags.note(&format!("Sent {hash:#x}"));
        let gave_up = |why: &str| Err(TxError::GivenUp { hash, why: why.to_owned() });
        while let Some(update) = updates.next().await {
            let update = update.map_err(|error| TxError::Nonsense {
                what: "the state of the transaction",
                why: error.to_string(),
            })?;
            match update {
                TransactionStatus::Future => {
                    flags.note("Waiting for transactions of this sender with lower nonces");
                }
                TransactionStatus::Ready | TransactionStatus::Broadcast(_) => {}
                TransactionStatus::InBlock(block) if self.wait == Wait::InBlock => return Ok(block.0),
                TransactionStatus::InBlock(block) => flags.note(&format!("In block {:#x}", block.0)),
                TransactionStatus::Retracted(block) => {
                    flags.note(&format!("Block {:#x} was replaced; waiting again", block.0));
                }
                TransactionStatus::Finalized(block) => return Ok(block.0),
                TransactionStatus::FinalityTimeout(block) => {
                    return gave_up(&format!(
                        "is in block {:#x}, which has not become final for too long; see whether the chain still \
                         finalises, or use --wait in-block",
                        block.0
                    ));
                }
                TransactionStatus::Usurped(by) => {
                    return gave_up(&format!("was replaced by {:#x}, which has the same nonce", by.0));
                }
                TransactionStatus::Dropped => {
                    return gave_up("was pushed out of the full pool; send it again with a higher --tip");
                }
                TransactionStatus::Invalid => {
                    return gave_up(
                        "is not valid any more: it expired, its nonce was used by another, or the sender cannot pay \
                         any more; send it again",
                    );
                }
            }
        }
        Err(TxError::ConnectionLost { hash })
    }
}
