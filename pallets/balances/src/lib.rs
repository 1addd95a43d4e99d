//! Say who owns how much, and move it.
//!
//! # State
//!
//! | item               | value                       | changed by                                             |
//! |--------------------|-----------------------------|--------------------------------------------------------|
//! | `System.Account`   | [`types::AccountData`]      | everything here, through one function                  |
//! | `TotalIssuance`    | `u128`                      | minting, burning, dust: only by deltas                 |
//! | `InactiveIssuance` | `u128`                      | nothing yet                                            |
//! | `ForcedIssuance`   | `u128`                      | [`Call::force_adjust_total_issuance`]                  |
//! | `Locks`, `Freezes` | amounts that must stay      | [`Balances::set_lock`], [`Balances::set_freeze`]       |
//! | `Holds`            | amounts set aside           | [`Balances::hold`], [`Balances::release`]              |
//! | `Account`, `Reserves` | always empty             | declared for clients                                   |
//!
//! # Invariants
//!
//! - All balances, pots of other pallets and `ForcedIssuance` add up to `TotalIssuance`, which is at most
//!   [`TOTAL_ISSUANCE_MAX`]. Checked by [`Balances::try_state_with`], property-tested.
//! - Who owns something has at least the existential deposit free, or another reason to be.
//! - A transfer writes the two accounts and nothing else. `TotalIssuance` is never read by one, so transfers between
//!   different accounts do not conflict. Nor do transfers to one account that exists already: its balance is added to
//!   under the condition that it has the existential deposit, and not read.
//! - Functions that fail have done nothing, so a caller may go on after an error, but see [`Context::layered`] for
//!   functions that do several things.
//!
//! # Assumptions
//!
//! - The existential deposit is above zero.
//! - Who [takes](Balances::take) an amount keeps it in a pot, and gives or burns it later.
//!
//! # Out of scope
//!
//! Fees (`basalt-pallet-transaction-payment`), other tokens, vesting.
#![no_std]
#![cfg_attr(not(test), deny(clippy::unwrap_used))]

extern crate alloc;

mod issuance;
mod ledger;
pub mod pallet;
mod restrictions;
#[cfg(test)]
extern crate std;
#[cfg(test)]
mod tests;
pub mod types;

use alloc::{
    collections::BTreeSet,
    format,
    string::{String, ToString},
    vec::Vec,
};

use basalt_pallet_system::{ACCOUNT as SYSTEM_ACCOUNT, AccountInfo, System};
use basalt_primitives::{AccountId, Balance, DispatchClass, DispatchError, MultiAddress, Pays, Weight};
use basalt_state::{StateError, StateRead, StateWrite};
use basalt_support::{
    CallResult, Context, DispatchInfo, Failure, Map, Origin, Pallet, PostInfo, Value,
    metadata::{Constant, PalletMetadata},
    storage::Blake2_128Concat,
    weight,
};
use parity_scale_codec::Encode;
use scale_info::{TypeInfo, meta_type};

pub use issuance::TOTAL_ISSUANCE_MAX;
pub use pallet::{Call, Error};
use types::{AccountData, BalanceLock, IdAmount, Reason, ReserveData};

/// The most locks of an account: more than any sensible set of pallets takes.
pub const LOCKS_MAX: u32 = 50;
/// The most named reserves of an account. Nothing uses them: holds took their place.
pub const RESERVES_MAX: u32 = 50;
/// The most freezes of an account.
pub const FREEZES_MAX: u32 = 50;
/// The most holds of an account: one for each reason of each pallet.
pub const HOLDS_MAX: u32 = 50;

/// A map from accounts.
pub type AccountMap<V> = Map<Blake2_128Concat, AccountId, V>;

/// What this pallet tells of.
pub type Event = pallet::Event<Reason>;

/// How much there is, in accounts and pots.
pub const TOTAL_ISSUANCE: Value<Balance> = Value::defaulted("Balances", "TotalIssuance");
/// How much of it takes no part in governance.
pub const INACTIVE_ISSUANCE: Value<Balance> = Value::defaulted("Balances", "InactiveIssuance");
/// How much of it root added without giving it to anybody.
pub const FORCED_ISSUANCE: Value<Balance> = Value::defaulted("Balances", "ForcedIssuance");
/// Always empty: balances are part of `System.Account`.
pub const ACCOUNT: AccountMap<AccountData> = Map::defaulted("Balances", "Account");
/// Amounts that must stay, overlapping.
pub const LOCKS: AccountMap<Vec<BalanceLock>> = Map::defaulted("Balances", "Locks");
/// Always empty.
pub const RESERVES: AccountMap<Vec<ReserveData>> = Map::defaulted("Balances", "Reserves");
/// Amounts set aside, adding up to a part of the reserved balance.
pub const HOLDS: AccountMap<Vec<IdAmount>> = holds();
/// Amounts that must stay, overlapping.
pub const FREEZES: AccountMap<Vec<IdAmount>> = Map::defaulted("Balances", "Freezes");

/// The amounts set aside, for readers that know the runtime's reasons.
pub const fn holds<R: Encode>() -> AccountMap<Vec<IdAmount<R>>> {
    Map::defaulted("Balances", "Holds")
}

/// The pallet.
#[derive(Debug, Clone, Copy)]
pub struct Balances {
    /// Its index in the runtime.
    pub index: u8,
    /// Accounts.
    pub system: System,
    /// The least an account may own, in the smallest unit; above zero.
    pub existential_deposit: Balance,
}

impl Balances {
    /// Writes the balances of block 0. Fails, saying why, if an account comes twice, owns less than the existential
    /// deposit, or all own too much together.
    pub fn genesis(
        &self,
        state: &mut impl StateWrite,
        balances: &[(AccountId, Balance)],
    ) -> Result<(), String> {
        let mut seen = BTreeSet::new();
        let mut total: Balance = 0;
        for (who, free) in balances {
            if !seen.insert(who) {
                return Err(format!("{who} is listed twice among the balances; add its amounts up"));
            }
            if *free < self.existential_deposit {
                return Err(format!(
                    "{who} gets {free}, below the existential deposit {}; give it more or leave it out",
                    self.existential_deposit
                ));
            }
            total =
                total.checked_add(*free).filter(|total| *total <= TOTAL_ISSUANCE_MAX).ok_or_else(|| {
                    format!("the balances add up to more than {TOTAL_ISSUANCE_MAX}; use a larger unit")
                })?;
            let mut info = AccountInfo::default();
            info.add_provider();
            info.data.free = *free;
            SYSTEM_ACCOUNT.put(state, who, &info);
        }
        TOTAL_ISSUANCE.put(state, &total);
        Ok(())
    }

    /// What clients are told, with the runtime's reasons `R` to hold an amount: two bytes, as [`Reason`].
    pub fn metadata_with<R: Encode + TypeInfo + 'static>(&self) -> PalletMetadata {
        PalletMetadata {
            name: <Self as Pallet>::NAME,
            index: self.index,
            storage: [
                TOTAL_ISSUANCE.entry(&["How much there is, in accounts and pots."]),
                INACTIVE_ISSUANCE.entry(&["How much of it takes no part in governance."]),
                FORCED_ISSUANCE.entry(&["How much of it root added without giving it to anybody."]),
                ACCOUNT.entry(&["Always empty: balances are part of `System.Account`."]),
                LOCKS.entry(&["Amounts that must stay, overlapping. Only pallets set them."]),
                RESERVES.entry(&["Always empty: holds took the place of named reserves."]),
                holds::<R>().entry(&["Amounts set aside, part of the reserved balance."]),
                FREEZES.entry(&["Amounts that must stay, overlapping. Only pallets set them."]),
            ]
            .into(),
            calls: Some(meta_type::<Call>()),
            event: Some(meta_type::<pallet::Event<R>>()),
            error: Some(meta_type::<Error>()),
            constants: [
                Constant::new(
                    "ExistentialDeposit",
                    &self.existential_deposit,
                    &["The least an account may own, in the smallest unit."],
                ),
                Constant::new("MaxLocks", &LOCKS_MAX, &["The most locks of an account."]),
                Constant::new("MaxReserves", &RESERVES_MAX, &["The most named reserves of an account."]),
                Constant::new("MaxFreezes", &FREEZES_MAX, &["The most freezes of an account."]),
            ]
            .into(),
            docs: ["Who owns how much, and how it moves."].into(),
        }
    }

    /// Checks what must hold in every state; `pots` is what other pallets hold outside of accounts.
    pub fn try_state_with(&self, state: &(impl StateRead + ?Sized), pots: Balance) -> Result<(), String> {
        let broken = |error: StateError| error.to_string();
        let mut sum = pots.saturating_add(FORCED_ISSUANCE.get_or_default(state).map_err(broken)?);
        for entry in SYSTEM_ACCOUNT.iter(state) {
            let (who, info) = entry.map_err(broken)?;
            sum = sum.saturating_add(info.data.total());
            let locks = LOCKS.get_or_default(state, &who).map_err(broken)?;
            let freezes = FREEZES.get_or_default(state, &who).map_err(broken)?;
            let holds = HOLDS.get_or_default(state, &who).map_err(broken)?;
            self.check_account(&info, &locks, &freezes, &holds).map_err(|what| format!("{who} {what}"))?;
        }
        let issuance = self.total_issuance(state).map_err(broken)?;
        if sum != issuance {
            return Err(format!("all balances add up to {sum}, but TotalIssuance is {issuance}"));
        }
        if issuance > TOTAL_ISSUANCE_MAX {
            return Err(format!("TotalIssuance {issuance} is above {TOTAL_ISSUANCE_MAX}"));
        }
        Ok(())
    }

    fn check_account(
        &self,
        info: &AccountInfo,
        locks: &[BalanceLock],
        freezes: &[IdAmount],
        holds: &[IdAmount],
    ) -> Result<(), String> {
        let data = &info.data;
        if data.free < self.existential_deposit && data.free > 0 && data.reserved == 0 {
            return Err(format!("has {}, less than the existential deposit", data.free));
        }
        if data.total() > 0 && info.providers == 0 {
            return Err(format!("owns {} though nothing provides for it", data.total()));
        }
        if (data.reserved > 0 || data.frozen > 0) && info.consumers == 0 {
            return Err("has reserved or frozen balance and no consumer".to_string());
        }
        let demanded = restrictions::frozen(locks, freezes);
        if data.frozen != demanded {
            return Err(format!("has {} frozen, but its locks and freezes demand {demanded}", data.frozen));
        }
        let held = holds.iter().fold(0, |sum: Balance, hold| sum.saturating_add(hold.amount));
        if held > data.reserved {
            return Err(format!("has {held} on hold, but only {} reserved", data.reserved));
        }
        Ok(())
    }

    fn dispatch_inner(&self, call: Call, origin: Origin, ctx: &mut Context<'_, '_>) -> Result<(), Failure> {
        match call {
            Call::transfer_allow_death { dest, value } => {
                self.transfer(ctx, &origin.signed()?, &lookup(&dest)?, value, false)
            }
            Call::force_transfer { source, dest, value } => {
                origin.root()?;
                self.transfer(ctx, &lookup(&source)?, &lookup(&dest)?, value, false)
            }
            Call::transfer_keep_alive { dest, value } => {
                self.transfer(ctx, &origin.signed()?, &lookup(&dest)?, value, true)
            }
            Call::transfer_all { dest, keep_alive } => {
                let from = origin.signed()?;
                let amount = self.reducible_balance(ctx, &from, keep_alive)?;
                self.transfer(ctx, &from, &lookup(&dest)?, amount, keep_alive)
            }
            Call::force_unreserve { who, amount } => {
                origin.root()?;
                self.unreserve(ctx, &lookup(&who)?, amount).map(drop)
            }
            Call::upgrade_accounts { .. } => origin.signed().map(drop),
            Call::force_set_balance { who, new_free } => {
                origin.root()?;
                self.set_balance(ctx, &lookup(&who)?, new_free)
            }
            Call::force_adjust_total_issuance { direction, delta } => {
                origin.root()?;
                self.adjust_issuance(ctx, direction, delta)
            }
            Call::burn { value, keep_alive } => self.burn_from(ctx, &origin.signed()?, value, keep_alive),
        }
    }
}

/// The account that an address names.
fn lookup(address: &MultiAddress) -> Result<AccountId, Failure> {
    address.account_id().ok_or(Failure::Dispatch(DispatchError::CannotLookup))
}

/// What a call weighs at most: keys read, each once however often it is looked at, and keys written, where dust costs
/// a write of the issuance. Checked against what calls do in `tests/weights.rs`.
fn weigh(call: &Call) -> Weight {
    match call {
        Call::transfer_allow_death { .. } | Call::force_transfer { .. } | Call::transfer_all { .. } => {
            weight::operations(2, 3)
        }
        Call::transfer_keep_alive { .. } => weight::operations(2, 2),
        Call::force_unreserve { .. } => weight::operations(2, 1),
        Call::upgrade_accounts { who } => {
            weight::operations(0, 0).saturating_add(weight::bytes(32).saturating_mul(who.len() as u64))
        }
        Call::force_set_balance { .. } => weight::operations(2, 2),
        Call::force_adjust_total_issuance { .. } => weight::operations(3, 2),
        Call::burn { .. } => weight::operations(1, 2),
    }
}

impl Pallet for Balances {
    const NAME: &'static str = "Balances";
    type Call = Call;

    fn index(&self) -> u8 {
        self.index
    }

    /// Without names for reasons to hold an amount; a runtime uses [`Balances::metadata_with`].
    fn metadata(&self) -> PalletMetadata {
        self.metadata_with::<Reason>()
    }

    fn info(&self, call: &Call) -> DispatchInfo {
        let class = match call {
            Call::force_adjust_total_issuance { .. } => DispatchClass::Operational,
            _ => DispatchClass::Normal,
        };
        DispatchInfo { weight: weigh(call), class, pays_fee: Pays::Yes }
    }

    fn dispatch(&self, call: Call, origin: Origin, ctx: &mut Context<'_, '_>) -> CallResult {
        self.dispatch_inner(call, origin, ctx)?;
        Ok(PostInfo::default())
    }

    /// Without pots: a runtime whose pallets have some uses [`Balances::try_state_with`].
    fn try_state(&self, state: &dyn StateRead) -> Result<(), String> {
        self.try_state_with(state, 0)
    }
}
