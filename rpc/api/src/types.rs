//! Answers that are more than bytes, hashes and numbers.

use basalt_primitives::{Block, DispatchClass, EngineId, U256, Weight};
use serde::{Deserialize, Serialize};

use crate::text::{Bytes, Hash};

mod consensus;

pub use consensus::{ConsensusReport, ConsensusStep, ValidatorReport, VoteReport};

/// A block with what proves it final.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedBlock {
    /// Header and extrinsics.
    pub block: Block,
    /// The engine and its proof as numbers; null if there is none.
    pub justifications: Option<Vec<(EngineId, Vec<u8>)>>,
}

/// What some keys hold at one block.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StorageChangeSet {
    /// The block.
    pub block: Hash,
    /// Each key with its value; null if there is none.
    pub changes: Vec<(Bytes, Option<Bytes>)>,
}

/// Proofs that some keys hold what they hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadProof {
    /// The block whose state root the proofs lead to.
    pub at: Hash,
    /// One per key, in the order asked for: SCALE of (key, value or none, proof).
    pub proof: Vec<Bytes>,
}

/// New keys of a validator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GeneratedSessionKeys {
    /// Their public keys one after the other.
    pub keys: Bytes,
    /// That whoever has their secrets is the account that was named.
    pub proof: Option<Bytes>,
}

/// Where a transaction is on its way: an item of `author_extrinsicUpdate`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum TransactionStatus {
    /// Valid once others of its sender are in.
    Future,
    /// Waiting for a block.
    Ready,
    /// Sent to these peers.
    Broadcast(Vec<String>),
    /// In this block.
    InBlock(Hash),
    /// This block is not in the best chain any more.
    Retracted(Hash),
    /// This block has not become final for too long; nobody watches it any more.
    FinalityTimeout(Hash),
    /// In this block for good.
    Finalized(Hash),
    /// Replaced by this transaction with the same nonce.
    Usurped(Hash),
    /// Pushed out of a full pool.
    Dropped,
    /// Not valid any more.
    Invalid,
}

/// How a node is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Health {
    /// Connected peers.
    pub peers: u32,
    /// Whether it is catching up.
    pub is_syncing: bool,
    /// Whether it is meant to have peers.
    pub should_have_peers: bool,
}

/// What kind of chain this is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ChainType {
    /// One node, for development.
    Development,
    /// A few nodes, for tests.
    Local,
    /// A public network.
    Live,
    /// Anything else.
    Custom(String),
}

/// What a node does in its network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum NodeRole {
    /// Follows the chain.
    Full,
    /// Makes blocks, too.
    Authority,
}

/// A connected peer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PeerInfo {
    /// Its id.
    pub peer_id: String,
    /// What it does.
    pub roles: String,
    /// Its best block.
    pub best_hash: Hash,
    /// And that block's height.
    pub best_number: u32,
}

/// How far a node has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SyncState {
    /// Its height when it started.
    pub starting_block: u32,
    /// Its height now.
    pub current_block: u32,
    /// The greatest height it has heard of.
    pub highest_block: u32,
}

/// What a transaction would cost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct QueryInfo {
    /// Its weight, base weight included.
    pub weight: Weight,
    /// Its class.
    pub class: DispatchClass,
    /// The fee without tip, as decimal text: it may exceed what JavaScript holds in a number.
    pub partial_fee: String,
}

/// What a transaction's fee is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FeeDetails {
    /// The parts; null for what is free.
    pub inclusion_fee: Option<InclusionFee>,
}

/// The parts of a fee, as hex text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InclusionFee {
    /// For being a transaction.
    pub base_fee: U256,
    /// For its bytes.
    pub len_fee: U256,
    /// For its weight, by the present congestion.
    pub adjusted_weight_fee: U256,
}

/// A block made on request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreatedBlock {
    /// Its hash.
    pub hash: Hash,
    /// How its import went.
    pub aux: ImportedAux,
    /// Bytes of its storage proof; blocks here carry none, so 0.
    pub proof_size: u32,
}

/// How the import of a block went, in the reference node's terms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportedAux {
    /// Imported without its body: never here.
    pub header_only: bool,
    /// Waiting justifications became pointless: never here.
    pub clear_justification_requests: bool,
    /// A justification is needed before it becomes final: never here.
    pub needs_justification: bool,
    /// Its justification was wrong: never here.
    pub bad_justification: bool,
    /// Whether it is the new head.
    pub is_new_best: bool,
}

/// How a node ran a block. It depends on the machine and on timing; what the block did does not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExecutionReport {
    /// The block.
    pub block_hash: Hash,
    /// Its height.
    pub block_number: u32,
    /// Whether this node made it; else it checked somebody else's.
    pub built_here: bool,
    /// How transactions were run: `sequential` or `parallel=N`, with N threads.
    pub mode: String,
    /// Transactions in the block, inherents included.
    pub transactions: u32,
    /// How often a transaction was run, in all.
    pub executions: u32,
    /// Transactions that were run again, because something they had read ahead was changed by one before them.
    pub re_executions: u32,
    /// Transactions that were not run ahead at all, because that would have wasted work.
    pub sequential: u32,
    /// Transactions that waited for one before them which is known to touch the same key.
    pub parked: u32,
    /// The keys that caused re-executions, the most frequent first.
    pub conflicts: Vec<ExecutionConflict>,
    /// The block's way into the chain, in microseconds on the clock.
    pub stage_micros: StageMicros,
    /// The inside of the stage `execute`, in microseconds.
    pub execution_micros: ExecutionMicros,
}

/// A key over which transactions of a block conflicted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExecutionConflict {
    /// The storage key.
    pub key: Bytes,
    /// The pallet that it belongs to; null if no pallet of the runtime owns it.
    pub pallet: Option<String>,
    /// The storage item that it belongs to; null as above.
    pub item: Option<String>,
    /// The entry of a map as text, one per part of its key: addresses, numbers, hex. Empty for a single value.
    pub map_key: Vec<String>,
    /// How it was read.
    pub kind: ExecutionConflictKind,
    /// How many re-executions it caused.
    pub count: u32,
    /// The first transaction that was run again because of it, by its index in the block.
    pub first: u32,
}

/// How a transaction that had to run again had read a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ExecutionConflictKind {
    /// Its value.
    Value,
    /// Whether a condition holds for it, such as "at least so much".
    Condition,
    /// Which key comes after it.
    Range,
}

/// A block's way into the chain, in microseconds on the clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StageMicros {
    /// Decoding and signatures; 0 for blocks made here, whose transactions the pool checked.
    pub verify: u64,
    /// Running the transactions, and picking them if the block was made here.
    pub execute: u64,
    /// The state root.
    pub root: u64,
    /// Writing it all to the database.
    pub commit: u64,
}

/// Where the time of an execution went, in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExecutionMicros {
    /// From start to end, on the clock.
    pub whole: u64,
    /// The block's opening and closing, on one thread.
    pub hooks: u64,
    /// Finding out what has to wait for what; over all threads.
    pub plan: u64,
    /// Running transactions; over all threads.
    pub execute: u64,
    /// Checking what was read and taking over what was written, re-executions included; one thread at a time.
    pub commit: u64,
    /// Threads with nothing to do; over all threads.
    pub idle: u64,
    /// Forming the change set.
    pub collect: u64,
}
