//! How a node and the other validators stand with the next block.

use basalt_primitives::AccountId;
use serde::{Deserialize, Serialize};

use crate::text::{Bytes, Hash, decimal};

/// How a node sees the agreement on the next block. Two nodes see it differently: each counts the votes that reached it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConsensusReport {
    /// The height that is being decided.
    pub height: u32,
    /// The round of that height, from 0.
    pub round: u32,
    /// What the node waits for in this round.
    pub step: ConsensusStep,
    /// Who proposes in this round.
    pub proposer: Option<AccountId>,
    /// The height of the last final block.
    pub finalized_number: u32,
    /// And its hash.
    pub finalized_hash: Hash,
    /// Milliseconds since the last final block became so here; null if none did since the node started.
    pub finalized_millis_ago: Option<u64>,
    /// Milliseconds that the present height has been at work.
    pub height_millis: u64,
    /// Milliseconds between blocks while no transaction waits: silence up to this is no fault.
    pub empty_block_millis: u64,
    /// Counts validator sets.
    pub set_id: u64,
    /// The validator that this node is; null if it only follows.
    pub local: Option<AccountId>,
    /// The sum of all voting powers, as decimal text: it may exceed what JavaScript holds in a number.
    #[serde(with = "decimal")]
    pub total_power: u64,
    /// The least power that makes a block final: more than two thirds.
    #[serde(with = "decimal")]
    pub needed_power: u64,
    /// Who decides this height, in the order of the set.
    pub validators: Vec<ValidatorReport>,
}

/// What a node knows of one validator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ValidatorReport {
    /// Its account.
    pub account: AccountId,
    /// The ed25519 key that it votes with.
    pub vote_key: Bytes,
    /// Its voting power, as decimal text.
    #[serde(with = "decimal")]
    pub power: u64,
    /// Its first vote in this round; null if it has not arrived.
    pub prevote: Option<VoteReport>,
    /// Its second vote in this round; null if it has not arrived.
    pub precommit: Option<VoteReport>,
    /// The greatest height for which a vote of it arrived since the node started.
    pub last_signed: Option<u32>,
    /// In how many of the last certificates its vote was, as far as they were collected here before the next block: whoever
    /// is below the others is slow or absent.
    pub votes_seen: u32,
    /// How many certificates these were. Zero when nothing was decided here since the node started.
    pub certificates_seen: u32,
    /// Whether the peer is connected that its last vote came from; null if none came and it may be one of the peers.
    pub connected: Option<bool>,
}

/// What a round waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ConsensusStep {
    /// The round has not begun: the time for the next block has not come.
    Unstarted,
    /// The proposal.
    Propose,
    /// First votes.
    Prevote,
    /// Second votes.
    Precommit,
    /// The decided block is being committed.
    Commit,
}

/// What a vote is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum VoteReport {
    /// A block.
    Block,
    /// No block in this round.
    Nil,
}
