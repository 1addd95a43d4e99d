//! `basalt tx status`.

use basalt_primitives::{BlockNumber, H256, hashing::blake2_256};
use clap::Args;
use serde_json::{Value, json};

use super::{
    NodeFlags, Report,
    client::{Chain, Node},
    error::TxError,
    outcome::{Included, place},
};
/// Flags of `tx status`.
#[derive(Debug, Args)]
pub(crate) struct StatusArgs {
    /// The transaction: the hash that `tx transfer` and wallets show.
    #[arg(value_name = "HASH", value_parser = parse_hash)]
    hash: H256,

    /// In how many of the last blocks to look for it.
    #[arg(long, value_name = "COUNT", default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..))]
    blocks: u32,

    #[command(flatten)]
    node: NodeFlags,
}

fn parse_hash(text: &str) -> Result<H256, String> {
    const_hex::decode_to_array(text)
        .map(H256)
        .map_err(|error| format!("{error}; the hash of a transaction is 0x and 64 hex digits"))
}

/// Where a transaction is.
enum Found {
    /// In the pool.
    Pending,
    /// In a block, and whether that is final.
    Included(Included, bool),
    /// Nowhere in these blocks.
    Nowhere {
        /// First block searched.
        oldest: BlockNumber,
        /// Last block searched.
        newest: BlockNumber,
    },
}

impl StatusArgs {
    pub(super) async fn run(&self) -> Result<Report, TxError> {
        let node = Node::connect(&self.node.url).await?;
        let chain = node.chain().await?;
        let found = self.find(&node, &chain).await?;
        let text =
            if self.node.json { Some(self.json(&found).to_string()) } else { self.text(&chain, &found) };
        let failure = match found {
            Found::Pending | Found::Included(..) => None,
            Found::Nowhere { oldest, newest } => {
                Some(TxError::NotFound { hash: self.hash, oldest, newest, url: self.node.url.clone() })
            }
        };
        Ok(Report { text, failure })
    }

    async fn find(&self, node: &Node, chain: &Chain) -> Result<Found, TxError> {
        // The pool first: what leaves it meanwhile is in a block that is read afterwards.
        let is_pending = node.pending().await?.iter().any(|encoded| blake2_256(encoded) == self.hash.0);
        // What is final now stays so, while the best block may change.
        let finalized = node.finalized().await?.number;
        let mut hash = node.best_hash().await?;
        let mut range: Option<(BlockNumber, BlockNumber)> = None;
        for _ in 0..self.blocks {
            // Some nodes keep fewer blocks.
            let Some(block) = node.block(hash).await? else { break };
            let number = block.header.number;
            range = Some((number, range.map_or(number, |(_, newest)| newest)));
            if place(&block.extrinsics, self.hash).is_some()
                && let Some(included) = Included::find(node, chain, hash, self.hash).await?
            {
                return Ok(Found::Included(included, number <= finalized));
            }
            if number == 0 {
                break;
            }
            hash = block.header.parent_hash;
        }
        if is_pending {
            return Ok(Found::Pending);
        }
        let (oldest, newest) = range.unwrap_or_default();
        Ok(Found::Nowhere { oldest, newest })
    }

    fn text(&self, chain: &Chain, found: &Found) -> Option<String> {
        let hash = self.hash;
        match found {
            Found::Pending => Some(format!("Transaction {hash:#x}\n  Waiting in the pool for a block")),
            Found::Included(included, is_final) => Some(format!(
                "Transaction {hash:#x}\n  Block:   #{} {:#x} ({})\n  Outcome: {}",
                included.number,
                included.block,
                if *is_final { "final" } else { "not yet final" },
                included.text(&chain.token),
            )),
            Found::Nowhere { .. } => None,
        }
    }

    fn json(&self, found: &Found) -> Value {
        let (status, included) = match found {
            Found::Pending => ("pending", None),
            Found::Included(included, true) => ("finalized", Some(included)),
            Found::Included(included, false) => ("inBlock", Some(included)),
            Found::Nowhere { .. } => ("notFound", None),
        };
        let mut result = json!({ "hash": format!("{:#x}", self.hash), "status": status });
        if let Value::Object(members) = &mut result {
            members.extend(Included::json(included));
        }
        result
    }
}
