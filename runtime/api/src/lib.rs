//! Define what a node asks of any chain: the runtime door.
//!
//! # Responsibility
//!
//! - [`Runtime`] is all that pool, executor, block making and RPC know of a chain's logic. Bytes go in, bytes come
//!   out, so that a runtime hosted in Wasm fits behind it later.
//! - The types that cross the door: [`Transaction`], [`Verified`], [`BlockEnv`], [`Receipt`], [`BlockRecord`].
//!
//! # Flow
//!
//! ```text
//! bytes ─inspect─► Transaction ─proof─► SignatureCheck ─(node verifies in batches)─► Verified
//!                                                     ├─validate─► ValidTransaction (pool)
//! begin_block ─► apply(Verified) … ─► end_block        └─apply───► Receipt          (executor)
//! ```
//!
//! # Invariants
//!
//! - Whose fault an error is, is part of its type: a transaction's ([`TransactionValidityError`]), a block's
//!   ([`InherentError`]), or the node's own ([`StateError`], [`Fatal`]). They are never mixed.
//! - The same inputs give the same outputs on every machine: no clock, no randomness, no floats behind this door.
//!
//! # Assumptions
//!
//! A [`Verified`] transaction's signature really was checked: only [`Verified::assume`] makes one, and its callers
//! are the batch verifier and tests.
//!
//! # Out of scope
//!
//! How blocks are stored, agreed on or transported; what pallets are (that is `basalt-support`).
#![no_std]
#![cfg_attr(not(test), deny(clippy::unwrap_used))]

extern crate alloc;

use alloc::{string::String, sync::Arc, vec::Vec};
use core::{cell::Cell, ops::Deref};

use basalt_primitives::{
    AccountId, Balance, BlockNumber, Digest, DispatchClass, DispatchError, DispatchEventInfo, Era, H256,
    Header, InvalidTransaction, Moment, MultiSignature, Nonce, Pays, RuntimeVersion,
    TransactionValidityError, UnknownTransaction, ValidTransaction, Weight, votes::Evidence,
};
use basalt_state::{ChangeSet, Key, Overlay, StateError, StateRead};
use parity_scale_codec::{Decode, Encode};
use scale_info::TypeInfo;

mod events;

pub use events::{Event, EventRef, Events};

/// What a call costs at most, known before it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DispatchInfo {
    /// The most it can weigh, without the base weight of a transaction.
    pub weight: Weight,
    /// Which share of the block it may use.
    pub class: DispatchClass,
    /// Whether its sender pays a fee.
    pub pays_fee: Pays,
}

impl DispatchInfo {
    /// A call that anyone pays for: what most calls are.
    pub const fn normal(weight: Weight) -> Self {
        Self { weight, class: DispatchClass::Normal, pays_fee: Pays::Yes }
    }
}

/// A decoded, not yet verified transaction. Cheap to share: pool, executor and RPC hold the same `Arc`.
#[derive(Debug, Clone)]
pub struct Transaction {
    /// Blake2-256 of the whole encoding, length prefix included: what clients call the extrinsic hash.
    pub hash: H256,
    /// The encoding without its length prefix.
    pub bytes: Vec<u8>,
    /// Where in `bytes` the call begins.
    pub call_offset: usize,
    /// Who signed and with what; `None` for inherents, and for what proves itself.
    pub signed: Option<Signed>,
    /// What the call costs at most.
    pub info: DispatchInfo,
    /// What the transaction will surely do to which keys: by this the parallel executor knows what has to run before
    /// what. A hint, not a promise: what is missing or not done costs time and changes no result. Only the runtime that
    /// inspected the transaction lists keys here, and takes them for its own when it runs it, so as not to hash again.
    pub touches: Vec<Touch>,
}

/// What a transaction will surely do to one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Touch {
    /// The raw storage key.
    pub key: Key,
    /// What will happen to it.
    pub kind: TouchKind,
}

/// How a transaction touches a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TouchKind {
    /// It reads the value and writes another: it comes after all that touched the key before.
    Update,
    /// It adds to a number in the value under a condition ([`StateWrite::add_if`](basalt_state::StateWrite::add_if)):
    /// it waits for nobody, and only an update has to wait for it.
    Credit,
}

impl Transaction {
    /// Bytes in a block: the encoding with its length prefix. Fees and block limits count these.
    pub fn encoded_len(&self) -> u32 {
        // The size limit of a transaction is far below 4 GiB; saturating keeps this total.
        u32::try_from(self.bytes.encoded_size()).unwrap_or(u32::MAX)
    }

    /// The encoded call.
    pub fn call(&self) -> &[u8] {
        self.bytes.get(self.call_offset..).unwrap_or_default()
    }
}

/// The signed part of a [`Transaction`].
#[derive(Debug, Clone)]
pub struct Signed {
    /// The sender.
    pub signer: AccountId,
    /// The signature over [`Runtime::proof`]'s message.
    pub signature: MultiSignature,
    /// For how long it is valid.
    pub era: Era,
    /// Its place in the sender's sequence.
    pub nonce: Nonce,
    /// What the sender adds to be included sooner.
    pub tip: Balance,
}

/// What must be checked before a transaction counts as signed. It needs state only for the hash of the birth block.
#[derive(Debug, Clone)]
pub struct SignatureCheck {
    /// Who must have signed.
    pub signer: AccountId,
    /// The signature.
    pub signature: MultiSignature,
    /// The bytes signed (already hashed if longer than 256).
    pub message: Vec<u8>,
    /// The birth block's hash that went into `message`.
    pub birth_hash: H256,
}

/// A transaction whose signature was checked, once, for one birth hash. Bare transactions need no check.
#[derive(Debug, Clone)]
pub struct Verified {
    transaction: Arc<Transaction>,
    birth_hash: H256,
}

impl Verified {
    /// Marks a transaction as verified. Call this only after its [`SignatureCheck`] passed, or for inherents.
    pub fn assume(transaction: Arc<Transaction>, birth_hash: H256) -> Self {
        Self { transaction, birth_hash }
    }

    /// The transaction.
    pub fn transaction(&self) -> &Arc<Transaction> {
        &self.transaction
    }

    /// The birth hash the signature was checked for. On a branch where that block is another one the check says
    /// nothing, so [`Runtime::apply`] compares.
    pub fn birth_hash(&self) -> H256 {
        self.birth_hash
    }
}

impl Deref for Verified {
    type Target = Transaction;

    fn deref(&self) -> &Transaction {
        &self.transaction
    }
}

/// What is fixed about a block before its first transaction runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockEnv {
    /// Height of the block.
    pub number: BlockNumber,
    /// Hash of the block below.
    pub parent_hash: H256,
    /// What the engine puts in before execution (`PreRuntime` items).
    pub digest: Digest,
    /// Who makes the block and earns the author's share of fees, as far as the engine knows.
    pub author: Option<AccountId>,
}

impl BlockEnv {
    /// The environment that a header stands for; `author` comes from the engine's reading of the digest.
    pub fn of(header: &Header, author: Option<AccountId>) -> Self {
        let logs = header
            .digest
            .logs
            .iter()
            .filter(|item| matches!(item, basalt_primitives::DigestItem::PreRuntime(..)))
            .cloned()
            .collect();
        Self { number: header.number, parent_hash: header.parent_hash, digest: Digest { logs }, author }
    }
}

/// A transaction's place in its block. It remembers whether anybody asked for it: a builder may have to guess it, and
/// only a transaction that asked has to run again when the guess was wrong.
#[derive(Debug, Clone)]
pub struct Position {
    index: u32,
    observed: Cell<bool>,
}

impl Position {
    /// The place with this index, counted from 0, inherents included.
    pub fn new(index: u32) -> Self {
        Self { index, observed: Cell::new(false) }
    }

    /// The index.
    pub fn index(&self) -> u32 {
        self.observed.set(true);
        self.index
    }

    /// Whether anybody asked for the index.
    pub fn is_observed(&self) -> bool {
        self.observed.get()
    }
}

/// What the node knows and the runtime turns into inherents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InherentData {
    /// Milliseconds since 1970.
    pub timestamp: Moment,
    /// The votes for the block below, as [`Runtime::votes`] wrote them. Means nothing where inherents are checked.
    pub votes: Option<Vec<u8>>,
}

impl InherentData {
    /// Only the time.
    pub const fn at(timestamp: Moment) -> Self {
        Self { timestamp, votes: None }
    }
}

/// Who voted for a block, as its validators know it. Whoever is asked to believe it verifies it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Certificate {
    /// The round in which the block was decided.
    pub round: u32,
    /// Vote keys and their signatures of GRANDPA's precommit.
    pub signatures: Vec<([u8; 32], [u8; 64])>,
}

/// The most a block may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockLimits {
    /// Weight of all transactions, base weights included.
    pub weight_max: Weight,
    /// Weight of normal transactions: the rest is kept for operational ones.
    pub weight_normal_max: Weight,
    /// Fixed weight of each block.
    pub weight_base: Weight,
    /// Fixed weight of each transaction, added to its call's.
    pub weight_base_transaction: Weight,
    /// Bytes of all transactions.
    pub bytes_max: u32,
    /// Bytes of normal transactions.
    pub bytes_normal_max: u32,
}

/// What one transaction did.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Receipt {
    /// Whether the call succeeded. A failed call keeps fee and nonce, and nothing else.
    pub result: Result<(), DispatchError>,
    /// What it really cost, base weight included.
    pub info: DispatchEventInfo,
    /// The fee paid, without the tip.
    pub fee: Balance,
    /// The tip paid.
    pub tip: Balance,
    /// Its events in order; the last one is `System.ExtrinsicSuccess` or `ExtrinsicFailed`.
    pub events: Events,
}

/// All that happened in a block, for [`Runtime::end_block`].
#[derive(Debug, Clone, Copy)]
pub struct BlockRecord<'a> {
    /// Events of [`Runtime::begin_block`].
    pub initialization: &'a Events,
    /// One receipt per transaction, in order.
    pub receipts: &'a [Receipt],
    /// Bytes of all transactions.
    pub bytes: u32,
}

/// Why a transaction cannot be part of a block, or why that cannot be said.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApplyError {
    /// The transaction's fault.
    #[error("{0}")]
    Invalid(TransactionValidityError),
    /// Ours.
    #[error(transparent)]
    State(#[from] StateError),
}

impl From<TransactionValidityError> for ApplyError {
    fn from(error: TransactionValidityError) -> Self {
        Self::Invalid(error)
    }
}

impl From<InvalidTransaction> for ApplyError {
    fn from(error: InvalidTransaction) -> Self {
        Self::Invalid(TransactionValidityError::Invalid(error))
    }
}

impl From<UnknownTransaction> for ApplyError {
    fn from(error: UnknownTransaction) -> Self {
        Self::Invalid(TransactionValidityError::Unknown(error))
    }
}

/// Why a transaction was refused, with what its sender can do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The reference error.
    pub error: TransactionValidityError,
    /// A sentence with amounts and the remedy, for people.
    pub detail: String,
}

/// The outcome of [`Runtime::validate`] when the transaction cannot go in now, or when that cannot be said.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ValidateError {
    /// The transaction's fault.
    #[error("{}: {}", .0.error, .0.detail)]
    Refused(Refusal),
    /// Ours.
    #[error(transparent)]
    State(#[from] StateError),
}

/// Why a block's inherents are wrong: the author's fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InherentError {
    /// An inherent is missing.
    #[error("the block lacks the inherent {0}")]
    Missing(&'static str),
    /// An inherent is there that nobody expects, or at the wrong place.
    #[error("transaction {index} of the block is an inherent that does not belong there")]
    Misplaced {
        /// Its place in the block.
        index: u32,
    },
    /// The block claims a time too far ahead of ours.
    #[error(
        "the block's time {block_ms} ms is more than {drift_max_ms} ms ahead of this node's {now_ms} ms; check both clocks"
    )]
    TooFarAhead {
        /// The block's.
        block_ms: Moment,
        /// Ours.
        now_ms: Moment,
        /// The tolerance.
        drift_max_ms: Moment,
    },
}

/// The chain's logic failed at something that must not fail: the node stops rather than guess.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fatal {
    /// The state could not be read.
    #[error(transparent)]
    State(#[from] StateError),
    /// An invariant of a pallet is broken.
    #[error("pallet {pallet}: {what}")]
    Broken {
        /// Name of the pallet.
        pallet: &'static str,
        /// What does not hold.
        what: String,
    },
}

/// Why a genesis configuration makes no chain.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GenesisError {
    /// It is not the JSON that this runtime reads.
    #[error("the genesis configuration is not valid: {0}")]
    Malformed(String),
    /// It is readable but contradictory.
    #[error("the genesis configuration makes no sense: {0}")]
    Inconsistent(String),
    /// The state failed, which an empty one never does.
    #[error(transparent)]
    State(#[from] StateError),
}

/// Why a runtime API call gave no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// There is no such function.
    #[error("Exported method {0} is not found")]
    Unknown(String),
    /// The arguments do not decode.
    #[error("the arguments of {function} do not decode: {what}")]
    Arguments {
        /// The function.
        function: String,
        /// What is wrong.
        what: String,
    },
    /// The function failed.
    #[error("{0}")]
    Failed(String),
    /// Ours.
    #[error(transparent)]
    State(#[from] StateError),
}

/// The block that a transaction would follow: what validity is judged against.
///
/// Its hash and number come with its state, because a block's own hash is not part of its state, and most
/// transactions name just that block as their birth.
#[derive(Clone, Copy)]
pub struct Head<'a> {
    /// Height.
    pub number: BlockNumber,
    /// Hash.
    pub hash: H256,
    /// State after it.
    pub state: &'a dyn StateRead,
}

/// Who decides a block.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub struct Validator {
    /// Earns for its blocks, and is punished for misbehaviour.
    pub account: AccountId,
    /// Ed25519: signs proposals and votes.
    pub vote_key: [u8; 32],
    /// Sr25519: makes the randomness in its headers.
    pub vrf_key: [u8; 32],
    /// Weight of its votes, in proportion to its stake. At least 1.
    pub power: u64,
}

/// Those who decide a block, in an order that all agree on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub struct ValidatorSet {
    /// Counts sets: signed by every vote, so that votes of one set mean nothing in another.
    pub id: u64,
    /// No vote key twice. The sum of powers is below 2^61.
    pub validators: Vec<Validator>,
}

/// What a node asks of any chain.
pub trait Runtime: Send + Sync {
    /// Name, versions and API list.
    fn version(&self) -> RuntimeVersion;

    /// The metadata of this version, with magic and version byte; `None` if it cannot be produced.
    fn metadata(&self, version: u32) -> Option<Vec<u8>>;

    /// The state at block 0 for a genesis configuration (JSON).
    fn genesis(&self, config: &[u8]) -> Result<ChangeSet, GenesisError>;

    /// The most a block may hold, given the state it builds on.
    fn limits(&self, state: &dyn StateRead) -> Result<BlockLimits, StateError>;

    /// Everything that needs no state: decode, who signs, what it costs at most, which keys it surely touches.
    /// `bytes` come without the length prefix.
    fn inspect(&self, bytes: Vec<u8>) -> Result<Transaction, Refusal>;

    /// What has to be verified for this transaction on top of `head`; `None` for bare transactions.
    /// Refuses an expired mortality, a block hash nobody keeps any more.
    fn proof(
        &self,
        transaction: &Transaction,
        head: &Head<'_>,
    ) -> Result<Option<SignatureCheck>, ValidateError>;

    /// Whether the transaction may enter the pool on top of `head`: nonce, era, fee. Does not look at the signature. One
    /// without a sender may, too, if it proves itself: it names what it does in `provides`, and the pool holds one for that.
    fn validate(&self, transaction: &Transaction, head: &Head<'_>)
    -> Result<ValidTransaction, ValidateError>;

    /// The sender's next nonce in `state`.
    fn nonce(&self, account: &AccountId, state: &dyn StateRead) -> Result<Nonce, StateError>;

    /// The bare transactions that open a block, encoded without length prefix.
    fn inherents(&self, data: &InherentData) -> Vec<Vec<u8>>;

    /// Whether a block's inherents are complete, in place, and believable at `data`.
    fn check_inherents(&self, transactions: &[Verified], data: &InherentData) -> Result<(), InherentError>;

    /// Opens a block. Returns the events of that phase.
    fn begin_block(&self, env: &BlockEnv, state: &mut Overlay<'_>) -> Result<Events, Fatal>;

    /// What the hooks at the block's beginning weighed, beyond the fixed weight of a block: asked of the state that
    /// [`Runtime::begin_block`] has left.
    fn opening_weight(&self, opened: &dyn StateRead) -> Result<Weight, StateError> {
        let _ = opened;
        Ok(Weight::zero())
    }

    /// Runs one transaction. On an error the caller drops what was written.
    fn apply(
        &self,
        transaction: &Verified,
        position: &Position,
        env: &BlockEnv,
        state: &mut Overlay<'_>,
    ) -> Result<Receipt, ApplyError>;

    /// Closes a block: pays the author, adjusts the fee multiplier, stores the events. Returns the digest items that
    /// execution adds to the header.
    fn end_block(
        &self,
        env: &BlockEnv,
        record: &BlockRecord<'_>,
        state: &mut Overlay<'_>,
    ) -> Result<Digest, Fatal>;

    /// A named runtime API for `state_call`, for example `AccountNonceApi_account_nonce`, on top of `header`'s state.
    fn call(
        &self,
        function: &str,
        arguments: &[u8],
        header: &Header,
        state: &mut Overlay<'_>,
    ) -> Result<Vec<u8>, CallError>;

    /// Who decides the block that stands on this state; nobody on a chain whose blocks one node makes alone.
    fn validators(&self, state: &dyn StateRead) -> Result<ValidatorSet, StateError> {
        let _ = state;
        Ok(ValidatorSet::default())
    }

    /// The last block that they decide for sure: above it others may, who are known once it is executed. None if they stay.
    fn validators_until(&self, state: &dyn StateRead) -> Result<Option<BlockNumber>, StateError> {
        let _ = state;
        Ok(None)
    }

    /// How a block on this state holds the votes for the block below ([`InherentData::votes`]), from a certificate of that
    /// one. None if no votes belong there, or if these did not decide it.
    fn votes(&self, certificate: &Certificate, state: &dyn StateRead) -> Result<Option<Vec<u8>>, StateError> {
        let _ = (certificate, state);
        Ok(None)
    }

    /// Whether a block has the inherents which the state that it stands on asks for, beside those that every block has.
    fn check_inherents_on(
        &self,
        transactions: &[Verified],
        state: &dyn StateRead,
    ) -> Result<Result<(), InherentError>, StateError> {
        let _ = (transactions, state);
        Ok(Ok(()))
    }

    /// The earliest time, in milliseconds since 1970, that the block which stands on this state may carry.
    fn earliest_time(&self, state: &dyn StateRead) -> Result<Moment, StateError> {
        let _ = state;
        Ok(0)
    }

    /// The bare transaction, without length prefix, that reports to the chain that a validator signed twice; none on a
    /// chain that punishes nobody.
    fn report(&self, evidence: &Evidence) -> Option<Vec<u8>> {
        let _ = evidence;
        None
    }

    /// Checks what must hold in every state (sum of balances = issuance …). For tests, simulations and `db check`.
    fn try_state(&self, state: &dyn StateRead) -> Result<(), Fatal>;
}
