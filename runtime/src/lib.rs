//! Compose this chain from its pallets, in order, and nothing else.
//!
//! # Responsibility
//!
//! - The list of pallets with their fixed indices and configuration, as constants: the whole chain on a page.
//! - The outer enums [`RuntimeCall`], [`RuntimeEvent`], [`RuntimeError`].
//! - [`NativeRuntime`]: the door ([`Runtime`](basalt_runtime_api::Runtime)) for nodes that have this code compiled in.
//!
//! # Invariants
//!
//! - Indices of pallets, calls, events and errors never change; new ones are appended. Pinned by the tests.
//! - Hooks run in the order that `block.rs` lists.
//!
//! # Out of scope
//!
//! What a pallet does is in its crate. How nodes store and agree on blocks is theirs.
#![no_std]
#![cfg_attr(not(test), deny(clippy::unwrap_used))]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod apis;
mod authorship;
mod block;
mod contracts;
mod genesis;
mod native;
mod offences;
#[cfg(test)]
mod tests;
mod transaction;

use alloc::borrow::ToOwned;

use basalt_pallet_authorship::{self as pallet_authorship, Authorship};
use basalt_pallet_balances::{self as balances, Balances};
use basalt_pallet_contracts::{self as pallet_contracts, Contracts, Deposits, HoldReason};
use basalt_pallet_offences::{self as pallet_offences, Offences, grandpa};
use basalt_pallet_randomness::Randomness;
use basalt_pallet_session::{self as session, Grandpa, Session};
use basalt_pallet_staking::{
    self as staking, Staking,
    issuance::{Curve, IssuanceModel},
    types::Durations,
};
use basalt_pallet_sudo::{self as sudo, Sudo};
use basalt_pallet_system::{self as system, System};
use basalt_pallet_timestamp::{self as timestamp, Timestamp};
use basalt_pallet_transaction_payment::{self as transaction_payment, FeeSplit, TransactionPayment};
use basalt_pallet_utility::{self as utility, Utility};
use basalt_primitives::{AccountId, Balance, Perbill, Permill, RuntimeVersion, Weight, api_id};
use basalt_runtime_api::BlockLimits;
use basalt_support::{
    CallResult, Context, DispatchInfo, Origin, Pallet,
    weight::{MICROSECOND, operations},
};
use parity_scale_codec::{Decode, Encode};
use scale_info::TypeInfo;

pub use apis::metadata;
pub use contracts::ContractRandomness;
pub use genesis::{
    Amount, BalancesGenesis, GenesisConfig, IssuanceConfig, KeysGenesis, SessionGenesis, StakerStatus,
    StakingConfig, SudoGenesis, ValidatorGenesis,
};
pub use native::NativeRuntime;
pub use transaction::{CALL_DECODE_DEPTH_MAX, TOUCHES_MAX, TRANSACTION_BYTES_MAX};

/// The whole token in its smallest unit.
pub const UNIT: Balance = 1_000_000_000_000;
/// A thousandth of the token.
pub const MILLIUNIT: Balance = UNIT / 1_000;

/// The prefix of addresses as text.
pub const SS58_PREFIX: u16 = 42;

/// Fixed weight of each transaction: its signature on one core, decoding, nonce, fee and its share of the block.
pub const TRANSACTION_WEIGHT: Weight = operations(3, 2).saturating_add(Weight::new(40 * MICROSECOND, 0));

/// The most a block may hold: two seconds of one core and 5 MiB, of which normal transactions get three quarters.
/// Proof size is not scarce on a chain that is nobody's parachain.
pub const LIMITS: BlockLimits = BlockLimits {
    weight_max: Weight::new(2_000_000 * MICROSECOND, u64::MAX),
    weight_normal_max: Weight::new(1_500_000 * MICROSECOND, u64::MAX),
    weight_base: Weight::new(500 * MICROSECOND, 0),
    weight_base_transaction: TRANSACTION_WEIGHT,
    bytes_max: 5 * 1024 * 1024,
    bytes_normal_max: 5 * 1024 * 1024 / 4 * 3,
};

// ---- The pallets, in order -------------------------------------------------------------------------------------

/// Accounts, nonces, block hashes, events.
pub const SYSTEM: System = System { index: 0, limits: LIMITS, ss58_prefix: SS58_PREFIX, version };
/// The time.
pub const TIMESTAMP: Timestamp = Timestamp { index: 1, minimum_period_ms: 1 };
/// The token.
pub const BALANCES: Balances = Balances { index: 2, system: SYSTEM, existential_deposit: MILLIUNIT };
/// Fees.
pub const TRANSACTION_PAYMENT: TransactionPayment = TransactionPayment {
    index: 3,
    balances: BALANCES,
    limits: LIMITS,
    // A transfer weighs about 80 µs: with its 150 bytes it costs about a thousandth of a token.
    fee_per_microsecond: 10_000_000,
    fee_per_byte: 1_000_000,
    operational_fee_multiplier: 5,
    split: FeeSplit { author: Permill::from_percent(80), treasury: Permill::from_percent(20) },
    treasury: TREASURY_ACCOUNT,
};
/// Batches.
pub const UTILITY: Utility<RuntimeCall> = Utility::new(4);
/// Root for one key, on development chains.
pub const SUDO: Sudo<RuntimeCall> = Sudo::new(5);
/// Who validates.
pub const SESSION: Session = Session { index: 6, system: SYSTEM };
/// The same for those who know GRANDPA.
pub const GRANDPA: Grandpa = Grandpa { index: 7 };

/// Contracts. Its index is the one it has in Substrate's node for contracts.
pub const CONTRACTS: Contracts<RuntimeCall> = Contracts {
    index: 8,
    balances: BALANCES,
    deposits: Deposits {
        // What an account locks, whose record is as large as a small value with its key.
        per_item: MILLIUNIT,
        // 0.01 tokens for a KiB: 2.6 for the largest code, 0.02 for a small one.
        per_byte: MILLIUNIT / 100,
        // 1,024 values and 1 MiB: 11.5 tokens.
        default_limit: 1_024 * MILLIUNIT + 1_024 * 1_024 * (MILLIUNIT / 100),
        // Who uploads code pays for it alone, however many use it.
        code_lockup: Perbill::from_percent(0),
    },
    gas_max: LIMITS.weight_normal_max,
    weight_to_fee: contracts::weight_to_fee,
    callable: contracts::callable,
    unstable: false,
    extensions: &[&ContractRandomness],
};

/// Who makes blocks, and who votes for them.
pub const AUTHORSHIP: Authorship = Authorship { index: 9, session: SESSION, hooks: authorship::HOOKS };
/// Who may validate, and what for.
pub const STAKING: Staking = Staking {
    index: 10,
    balances: BALANCES,
    timestamp: TIMESTAMP,
    session: SESSION,
    randomness: RANDOMNESS,
    treasury: TREASURY_ACCOUNT,
    durations: Durations { bonding: 28, slash_defer: 7 },
    // 10 % per year; all of it for stakers if half of the supply is at stake.
    issuance: IssuanceModel::Curve(Curve {
        min: 25_000_000,
        max: 100_000_000,
        ideal_stake: 500_000_000,
        falloff: 50_000_000,
    }),
    seats_by_stake: Perbill::from_percent(80),
    power_cap: Perbill::from_percent(20),
    // A week: more than any sensible epoch, far less than any mistake of clocks that matters.
    era_duration_max_ms: 7 * 24 * 60 * 60 * 1_000,
};

/// Who signed twice.
pub const OFFENCES: Offences = Offences {
    index: 11,
    window: offences::window,
    epoch: offences::epoch,
    deciders: offences::deciders,
    slash: offences::slash,
    slash_weight: || STAKING.slash_weight(),
};

/// Randomness of headers. Its index follows those of authorship, staking and offences.
pub const RANDOMNESS: Randomness = Randomness { index: 12, session: SESSION };

/// Where the treasury's share goes: the same account as on Substrate chains, `modl` ++ `py/trsry`.
pub const TREASURY_ACCOUNT: AccountId = pallet_account(*b"modlpy/trsry");

const fn pallet_account(name: [u8; 12]) -> AccountId {
    let mut bytes = [0; 32];
    let mut at = 0;
    while at < name.len() {
        bytes[at] = name[at];
        at += 1;
    }
    basalt_primitives::AccountId32(bytes)
}

/// Grows with each change of behaviour. Every signature covers it.
pub const SPEC_VERSION: u32 = 1;
/// Grows when the encoding of calls or extensions changes. Every signature covers it.
pub const TRANSACTION_VERSION: u32 = 1;

/// Name and versions, with the list of runtime APIs.
pub fn version() -> RuntimeVersion {
    RuntimeVersion {
        spec_name: "basalt".to_owned(),
        impl_name: "basalt-node".to_owned(),
        authoring_version: 1,
        spec_version: SPEC_VERSION,
        impl_version: 1,
        apis: apis::APIS.iter().map(|(name, version)| (api_id(name), *version)).collect(),
        transaction_version: TRANSACTION_VERSION,
        system_version: 1,
    }
}

// ---- What clients call and see ---------------------------------------------------------------------------------

/// A call of any pallet.
#[derive(Debug, Clone, PartialEq, Encode, Decode, TypeInfo)]
pub enum RuntimeCall {
    /// Of System.
    #[codec(index = 0)]
    System(system::Call),
    /// Of Timestamp.
    #[codec(index = 1)]
    Timestamp(timestamp::Call),
    /// Of Balances.
    #[codec(index = 2)]
    Balances(balances::Call),
    /// Of Utility.
    #[codec(index = 4)]
    Utility(utility::Call<RuntimeCall>),
    /// Of Sudo.
    #[codec(index = 5)]
    Sudo(sudo::Call<RuntimeCall>),
    /// Of Session.
    #[codec(index = 6)]
    Session(session::Call),
    /// Of Grandpa.
    #[codec(index = 7)]
    Grandpa(grandpa::Call),
    /// Of Contracts.
    #[codec(index = 8)]
    Contracts(pallet_contracts::Call),
    /// Of Authorship.
    #[codec(index = 9)]
    Authorship(pallet_authorship::Call),
    /// Of Staking.
    #[codec(index = 10)]
    Staking(staking::Call),
    /// Of Offences.
    #[codec(index = 11)]
    Offences(pallet_offences::Call),
}

/// An event of any pallet. Pallets record the bytes themselves; this type is what clients decode them by.
#[derive(Debug, Clone, PartialEq, Encode, Decode, TypeInfo)]
pub enum RuntimeEvent {
    /// Of System.
    #[codec(index = 0)]
    System(system::Event),
    /// Of Balances.
    #[codec(index = 2)]
    Balances(balances::pallet::Event<RuntimeHoldReason>),
    /// Of TransactionPayment.
    #[codec(index = 3)]
    TransactionPayment(transaction_payment::Event),
    /// Of Utility.
    #[codec(index = 4)]
    Utility(utility::Event),
    /// Of Sudo.
    #[codec(index = 5)]
    Sudo(sudo::Event),
    /// Of Session.
    #[codec(index = 6)]
    Session(session::Event),
    /// Of Contracts.
    #[codec(index = 8)]
    Contracts(pallet_contracts::Event),
    /// Of Authorship.
    #[codec(index = 9)]
    Authorship(pallet_authorship::Event),
    /// Of Staking.
    #[codec(index = 10)]
    Staking(staking::Event),
    /// Of Offences.
    #[codec(index = 11)]
    Offences(pallet_offences::Event),
}

/// An error of any pallet.
#[derive(Debug, Clone, PartialEq, Encode, Decode, TypeInfo)]
pub enum RuntimeError {
    /// Of System.
    #[codec(index = 0)]
    System(system::Error),
    /// Of Balances.
    #[codec(index = 2)]
    Balances(balances::Error),
    /// Of Utility.
    #[codec(index = 4)]
    Utility(utility::Error),
    /// Of Sudo.
    #[codec(index = 5)]
    Sudo(sudo::Error),
    /// Of Session.
    #[codec(index = 6)]
    Session(session::Error),
    /// Of Grandpa.
    #[codec(index = 7)]
    Grandpa(grandpa::Error),
    /// Of Contracts.
    #[codec(index = 8)]
    Contracts(pallet_contracts::Error),
    /// Of Authorship.
    #[codec(index = 9)]
    Authorship(pallet_authorship::Error),
    /// Of Staking.
    #[codec(index = 10)]
    Staking(staking::Error),
    /// Of Offences.
    #[codec(index = 11)]
    Offences(pallet_offences::Error),
}

/// What an amount of an account is held for. Pallets store the two bytes; this type is what clients decode them by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub enum RuntimeHoldReason {
    /// By Contracts.
    #[codec(index = 8)]
    Contracts(HoldReason),
    /// By Staking.
    #[codec(index = 10)]
    Staking(staking::HoldReason),
}

impl basalt_support::RuntimeCall for RuntimeCall {
    fn info(&self) -> DispatchInfo {
        match self {
            Self::System(call) => SYSTEM.info(call),
            Self::Timestamp(call) => TIMESTAMP.info(call),
            Self::Balances(call) => BALANCES.info(call),
            Self::Utility(call) => UTILITY.info(call),
            Self::Sudo(call) => SUDO.info(call),
            Self::Session(call) => SESSION.info(call),
            Self::Grandpa(_) => grandpa::info(&OFFENCES),
            Self::Contracts(call) => CONTRACTS.info(call),
            Self::Authorship(call) => AUTHORSHIP.info(call),
            Self::Staking(call) => STAKING.info(call),
            Self::Offences(call) => OFFENCES.info(call),
        }
    }

    fn dispatch(self, origin: Origin, ctx: &mut Context<'_, '_>) -> CallResult {
        ctx.layered(|ctx| match self {
            Self::System(call) => SYSTEM.dispatch(call, origin, ctx),
            Self::Timestamp(call) => TIMESTAMP.dispatch(call, origin, ctx),
            Self::Balances(call) => BALANCES.dispatch(call, origin, ctx),
            Self::Utility(call) => UTILITY.dispatch(call, origin, ctx),
            Self::Sudo(call) => SUDO.dispatch(call, origin, ctx),
            Self::Session(call) => SESSION.dispatch(call, origin, ctx),
            Self::Grandpa(call) => grandpa::dispatch(&OFFENCES, GRANDPA.index, &call, origin, ctx),
            Self::Contracts(call) => CONTRACTS.dispatch(call, origin, ctx),
            Self::Authorship(call) => AUTHORSHIP.dispatch(call, origin, ctx),
            Self::Staking(call) => STAKING.dispatch(call, origin, ctx),
            Self::Offences(call) => OFFENCES.dispatch(call, origin, ctx),
        })
    }
}
