//! Keep accounts, nonces, block hashes, digests and events.
//!
//! # State
//!
//! | item                 | value                              | changed by                                          |
//! |----------------------|------------------------------------|-----------------------------------------------------|
//! | `Account`            | [`AccountInfo`] per account        | [`System::store_account`], [`System::inc_nonce`]    |
//! | `Number`             | height of the block                | `begin_block`                                       |
//! | `ParentHash`         | hash of the block below            | `begin_block`                                       |
//! | `Digest`             | what the engine put in             | `begin_block`                                       |
//! | `BlockHash`          | hash per height                    | `begin_block`: block 0 and the last 4,096           |
//! | `Events`             | all events of the block            | [`System::finish_block`]                            |
//! | `EventCount`         | how many                           | [`System::finish_block`]                            |
//! | `BlockWeight`        | weight used per class              | [`System::finish_block`]                            |
//! | `LastRuntimeUpgrade` | version of the runtime             | [`System::genesis`]                                 |
//!
//! `ExtrinsicCount`, `AllExtrinsicsLen` and `ExecutionPhase` are declared for clients; as in Substrate they are absent
//! in the state after any block.
//!
//! # Invariants
//!
//! - An account is stored if and only if something provides for it, or it has a nonce. Checked by `try_state`.
//! - Events live in the context of each transaction while the block runs, and become one value at its end, so that
//!   transactions do not conflict over them.
//! - Block `n` finds the hash of block 0 and of the 4,096 blocks before it in `BlockHash`, and nothing else.
//!
//! # Assumptions
//!
//! [`System::finish_block`] runs after the hooks of all other pallets.
//!
//! # Out of scope
//!
//! Who owns what (`basalt-pallet-balances`), validity of transactions and the block's limits (`basalt-runtime`).
//! Calls for Wasm runtimes: `set_heap_pages`, `kill_prefix`, authorised upgrades.
#![no_std]
#![cfg_attr(not(test), deny(clippy::unwrap_used))]

extern crate alloc;

mod accounts;
mod block;
pub mod dispatch;
pub mod limits;
pub mod pallet;
#[cfg(test)]
mod tests;
pub mod types;

use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};

use basalt_primitives::{
    AccountId, BlockNumber, Digest, DispatchClass, DispatchError, H256, Nonce, Pays, RuntimeVersion, Weight,
    hashing::blake2_256,
};
use basalt_state::{StateRead, StateWrite};
use basalt_support::{
    BlockLimits, CallResult, Context, DispatchInfo, Fatal, Map, Origin, Pallet, PostInfo, Value,
    metadata::{Constant, PalletMetadata},
    module_error,
    storage::{Blake2_128Concat, Twox64Concat},
    weight,
};
use parity_scale_codec::{Decode, Encode, MaxEncodedLen};
use scale_info::{TypeInfo, meta_type};

pub use accounts::{CONSUMERS_MAX, OpenAccount};
pub use block::encode_events;
use dispatch::PerDispatchClass;
use limits::{BlockLength, BlockWeights};
pub use pallet::{Call, Error, Event};
pub use types::{AccountData, ExtraFlags};

/// How many block hashes besides block 0's stay known, and so the longest life of a mortal transaction.
pub const BLOCK_HASH_COUNT: BlockNumber = 4_096;

/// Accounts by id.
pub const ACCOUNT: Map<Blake2_128Concat, AccountId, AccountInfo> = Map::defaulted("System", "Account");
/// Absent between blocks.
pub const EXTRINSIC_COUNT: Value<u32> = Value::optional("System", "ExtrinsicCount");
/// Weight that the block used.
pub const BLOCK_WEIGHT: Value<PerDispatchClass<Weight>> = Value::defaulted("System", "BlockWeight");
/// Absent between blocks.
pub const ALL_EXTRINSICS_LEN: Value<u32> = Value::optional("System", "AllExtrinsicsLen");
/// Block hashes by height.
pub const BLOCK_HASH: Map<Twox64Concat, BlockNumber, H256> = Map::defaulted("System", "BlockHash");
/// Height of the block.
pub const NUMBER: Value<BlockNumber> = Value::defaulted("System", "Number");
/// Hash of the block below.
pub const PARENT_HASH: Value<H256> = Value::defaulted("System", "ParentHash");
/// What the engine put into the header before execution.
pub const DIGEST: Value<Digest> = Value::defaulted("System", "Digest");
/// All events of the block. The runtime's event type is not known here; [`System::finish_block`] writes the bytes.
pub const EVENTS: Value<Vec<EventRecord<Event>>> = events();
/// How many events the block had.
pub const EVENT_COUNT: Value<u32> = Value::defaulted("System", "EventCount");
/// Version of the runtime.
pub const LAST_RUNTIME_UPGRADE: Value<LastRuntimeUpgradeInfo> =
    Value::optional("System", "LastRuntimeUpgrade");
/// Absent between blocks.
pub const EXECUTION_PHASE: Value<Phase> = Value::optional("System", "ExecutionPhase");

/// The events of a block, for readers that know the runtime's event type.
pub const fn events<E: Encode>() -> Value<Vec<EventRecord<E>>> {
    Value::defaulted("System", "Events")
}

/// An account: how many transactions it sent, what refers to it, what it owns.
///
/// Its encoding is of one length, its numbers one after the other. It is written and read in one piece (`accounts.rs`),
/// because every transaction does so several times.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_system", "frame_system"))]
pub struct AccountInfo {
    /// Number of transactions sent: the next one's nonce.
    pub nonce: Nonce,
    /// How many things rely on the account to be; it cannot be removed before they are gone.
    pub consumers: u32,
    /// How many reasons there are for the account to be. Consumers need at least one.
    pub providers: u32,
    /// How many reasons there are for the account to be that no consumer may rely on.
    pub sufficients: u32,
    /// What it owns.
    pub data: AccountData,
}

/// An event of the runtime, and when it happened.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_system", "frame_system"))]
pub struct EventRecord<E, T = H256> {
    /// When in the block.
    pub phase: Phase,
    /// What.
    pub event: E,
    /// By what filters find it.
    pub topics: Vec<T>,
}

/// A part of the execution of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_system", "frame_system"))]
pub enum Phase {
    /// The transaction at this place in the block.
    #[codec(index = 0)]
    ApplyExtrinsic(u32),
    /// Hooks after all transactions.
    #[codec(index = 1)]
    Finalization,
    /// Hooks before all transactions.
    #[codec(index = 2)]
    Initialization,
}

/// Which runtime ran last.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_system", "frame_system"))]
pub struct LastRuntimeUpgradeInfo {
    /// Its version.
    #[codec(compact)]
    pub spec_version: u32,
    /// Its name.
    pub spec_name: String,
}

/// What one access to storage weighs, in picoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_system", "sp_weights"))]
pub struct RuntimeDbWeight {
    /// A read.
    pub read: u64,
    /// A write.
    pub write: u64,
}

/// The pallet.
#[derive(Debug, Clone, Copy)]
pub struct System {
    /// Its index in the runtime.
    pub index: u8,
    /// The most a block may hold.
    pub limits: BlockLimits,
    /// The prefix of addresses as text.
    pub ss58_prefix: u16,
    /// Name and versions of the runtime.
    pub version: fn() -> RuntimeVersion,
}

impl System {
    /// What clients are told, with the runtime's event type `E` in `Events`.
    pub fn metadata_with<E: Encode + TypeInfo + 'static>(&self) -> PalletMetadata {
        let db_weight = RuntimeDbWeight { read: weight::READ.ref_time, write: weight::WRITE.ref_time };
        PalletMetadata {
            name: Self::NAME,
            index: self.index,
            storage: [
                ACCOUNT.entry(&["Accounts by id: nonce, references, balances."]),
                EXTRINSIC_COUNT.entry(&["Number of extrinsics so far. Absent between blocks."]),
                BLOCK_WEIGHT.entry(&["Weight that the block used, per dispatch class."]),
                ALL_EXTRINSICS_LEN.entry(&["Bytes of extrinsics so far. Absent between blocks."]),
                BLOCK_HASH.entry(&["Block hashes by height: block 0 and the last `BlockHashCount`."]),
                NUMBER.entry(&["Height of the block."]),
                PARENT_HASH.entry(&["Hash of the block below."]),
                DIGEST.entry(&["What the engine put into the header before execution."]),
                events::<E>().entry(&["All events of the block."]),
                EVENT_COUNT.entry(&["How many events the block had."]),
                LAST_RUNTIME_UPGRADE.entry(&["Version of the runtime that ran last."]),
                EXECUTION_PHASE.entry(&["The part of the block that runs now. Absent between blocks."]),
            ]
            .into(),
            calls: Some(meta_type::<Call>()),
            event: Some(meta_type::<Event>()),
            error: Some(meta_type::<Error>()),
            constants: [
                Constant::new(
                    "BlockWeights",
                    &BlockWeights::from(&self.limits),
                    &["What a block may weigh, per dispatch class."],
                ),
                Constant::new(
                    "BlockLength",
                    &BlockLength::from(&self.limits),
                    &["How many bytes of extrinsics a block may hold, per dispatch class."],
                ),
                Constant::new(
                    "BlockHashCount",
                    &BLOCK_HASH_COUNT,
                    &["How many block hashes stay known: the longest life of a mortal extrinsic."],
                ),
                Constant::new(
                    "DbWeight",
                    &db_weight,
                    &["What one access to storage weighs, in picoseconds."],
                ),
                Constant::new("Version", &(self.version)(), &["Name and versions of the runtime."]),
                Constant::new("SS58Prefix", &self.ss58_prefix, &["The prefix of addresses as text."]),
            ]
            .into(),
            docs: ["Accounts, nonces, block hashes, digests and events."].into(),
        }
    }
}

impl Pallet for System {
    const NAME: &'static str = "System";
    type Call = Call;

    fn index(&self) -> u8 {
        self.index
    }

    /// With this pallet's own events in `Events`; a runtime uses [`System::metadata_with`].
    fn metadata(&self) -> PalletMetadata {
        self.metadata_with::<Event>()
    }

    fn info(&self, call: &Call) -> DispatchInfo {
        let (weight, class) = match call {
            Call::remark { remark } | Call::remark_with_event { remark } => {
                (weight::operations(0, 0).saturating_add(weigh(remark)), DispatchClass::Normal)
            }
            Call::set_code { .. } => (weight::operations(0, 0), DispatchClass::Operational),
            Call::set_storage { items } => {
                let writes = weight::operations(0, items.len() as u64);
                let bytes = items.iter().map(|(key, value)| weigh(key).saturating_add(weigh(value)));
                (bytes.fold(writes, Weight::saturating_add), DispatchClass::Operational)
            }
            Call::kill_storage { keys } => {
                let writes = weight::operations(0, keys.len() as u64);
                (
                    keys.iter().map(|key| weigh(key)).fold(writes, Weight::saturating_add),
                    DispatchClass::Operational,
                )
            }
        };
        DispatchInfo { weight, class, pays_fee: Pays::Yes }
    }

    fn dispatch(&self, call: Call, origin: Origin, ctx: &mut Context<'_, '_>) -> CallResult {
        match call {
            Call::remark { .. } => match origin {
                Origin::Signed(_) | Origin::Root => {}
                Origin::None | Origin::Pallet { .. } => return Err(DispatchError::BadOrigin.into()),
            },
            Call::set_code { .. } => {
                origin.root()?;
                return Err(module_error(self.index, &Error::FailedToExtractRuntimeVersion).into());
            }
            Call::set_storage { items } => {
                origin.root()?;
                for (key, value) in items {
                    ctx.put(&key, value);
                }
            }
            Call::kill_storage { keys } => {
                origin.root()?;
                for key in keys {
                    ctx.remove(&key);
                }
            }
            Call::remark_with_event { remark } => {
                let sender = origin.signed()?;
                ctx.emit(self.index, &Event::Remarked { sender, hash: H256(blake2_256(&remark)) });
            }
        }
        Ok(PostInfo::default())
    }

    fn begin_block(&self, ctx: &mut Context<'_, '_>) -> Result<(), Fatal> {
        let env = ctx.env().clone();
        self.open(ctx, &env)
    }

    fn try_state(&self, state: &dyn StateRead) -> Result<(), String> {
        let number = NUMBER.get_or_default(state).map_err(|error| error.to_string())?;
        if let Some(parent) = number.checked_sub(1) {
            let parent_hash = PARENT_HASH.get_or_default(state).map_err(|error| error.to_string())?;
            let listed = BLOCK_HASH.get(state, &parent).map_err(|error| error.to_string())?;
            if listed != Some(parent_hash) {
                return Err(format!("BlockHash[{parent}] is {listed:?}, ParentHash is {parent_hash:?}"));
            }
        }
        for entry in ACCOUNT.iter(state) {
            let (who, info) = entry.map_err(|error| error.to_string())?;
            if info.consumers > 0 && info.providers == 0 {
                return Err(format!("{who} has {} consumers and no provider", info.consumers));
            }
            if !info.exists() && (info.nonce == 0 || info.data != AccountData::default()) {
                return Err(format!("{who} is stored though nothing provides for it: {info:?}"));
            }
        }
        Ok(())
    }
}

/// The weight of this many bytes of arguments.
fn weigh(bytes: &[u8]) -> Weight {
    weight::bytes(bytes.len() as u64)
}
