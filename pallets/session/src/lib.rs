//! Say who validates, now and next, and with which keys and power.
//!
//! # State
//!
//! | item                   | value                                           | changed by                            |
//! |------------------------|-------------------------------------------------|---------------------------------------|
//! | `CurrentSet`           | who decides the next block: the truth           | [`Session::genesis`], [`Session::rotate`] |
//! | `NextSet`              | who will, if that is announced                  | [`Session::announce`], [`Session::rotate`] |
//! | `CurrentIndex`         | how many sessions have ended                    | [`Session::rotate`]                   |
//! | `EpochLength`          | blocks of a session                             | [`Session::genesis_epochs`]           |
//! | `NextKeys`, `KeyOwner` | keys by account, and accounts by key            | [`Call`], [`Session::genesis_keys`]   |
//! | `Leaving`              | who is left out of the next two sets            | [`Session::disable`], [`Session::rotate`] |
//! | `HistoricalSets`       | the newest sets, for evidence                   | with `CurrentSet`                     |
//! | `Validators`, `QueuedKeys`, `DisabledValidators` | what tools read of it | with `CurrentSet` and `NextSet`       |
//! | `Grandpa.*`            | id, vote keys and powers of `CurrentSet`        | with `CurrentSet`                     |
//!
//! The last four repeat what `CurrentSet` says, under the names by which existing tools read it. One function writes
//! all of them.
//!
//! # Flow
//!
//! ```text
//! genesis list ──► CurrentSet ◄──rotate (end of a session)── NextSet ◄──announce── who elects ◄── NextKeys ◄── set_keys
//!                      │                  ▲
//!                      │                  └── without those who are Leaving ◄──disable── offences, absence
//!                      └──► Runtime::validators: who decides the block that stands on this state
//! ```
//!
//! # Epochs
//!
//! A session is an epoch of `EpochLength` blocks; epoch 0 begins with block 1. The last block of an epoch ends it, because
//! a block's set must be known from its parent's state alone: so `CurrentIndex` is the epoch of the block that runs, until
//! its end.
//!
//! # Proof of possession
//!
//! `set_keys` takes a proof that the sender has the secrets of both keys: each signs `POP_` and the sender's account. That
//! is what newer Substrate nodes make with `author_rotateKeysWithOwner`, and so do ours. Tools that still send an empty
//! proof get `InvalidProof`: with another validator's keys, an account could copy a good name, and make the owner's
//! votes count twice.
//!
//! # Invariants
//!
//! - A set that is not empty keeps the rules of [`check`]: no account and no key twice, each key a point of its curve,
//!   each power at least 1, their sum below 2^61. Checked by `try_state`.
//! - A set's id is above those of all sets before it: votes of one set mean nothing in another.
//! - The items that repeat `CurrentSet` agree with it. Checked by `try_state`.
//! - No key is registered by two accounts, and an account with keys exists. Checked by `try_state`.
//!
//! # Assumptions
//!
//! - Who calls [`Session::announce`] does so inside a block.
//! - [`HISTORY_SETS`] sets last longer than evidence is taken: staking asserts it of its bonding duration.
//!
//! # Out of scope
//!
//! - Who is elected: staking.
//! - Verifying votes: `basalt-consensus-bft`.
#![no_std]
#![cfg_attr(not(test), deny(clippy::unwrap_used))]

extern crate alloc;

pub mod grandpa;
mod invariants;
mod keys;
mod leaving;
pub mod pallet;
mod registry;
mod set;
#[cfg(test)]
mod tests;

use alloc::{format, vec::Vec};

use basalt_pallet_system::System;
use basalt_primitives::{AccountId, BlockNumber};
use basalt_runtime_api::{Validator, ValidatorSet};
use basalt_state::{StateError, StateRead, StateWrite};
use basalt_support::{Context, Fatal, Map, Pallet, Value, storage::Twox64Concat};

pub use grandpa::{AuthorityId, Grandpa};
pub use keys::{KEY_TYPE_VOTE, KEY_TYPE_VRF, KeyTypeId, SessionKeys};
pub use leaving::LEAVING_MAX;
pub use pallet::{Call, Error, Event};
pub use registry::KeysError;
pub use set::{Fault, POWER_TOTAL_MAX, SetError, VALIDATORS_MAX, check};

/// How many sets are remembered, the current one included. As a rule a set lasts an epoch: so these are four times as many
/// as bonds last on Substrate's chains. At most 5 MB with sets of the largest size.
pub const HISTORY_SETS: u32 = 96;

/// Who decides the block that stands on this state.
pub const CURRENT_SET: Value<ValidatorSet> = Value::defaulted("Session", "CurrentSet");
/// Who does from the next session on, if they are other ones.
pub const NEXT_SET: Value<Vec<Validator>> = Value::optional("Session", "NextSet");
/// How many sessions have ended.
pub const CURRENT_INDEX: Value<u32> = Value::defaulted("Session", "CurrentIndex");
/// Blocks of a session. 0: the first one never ends.
pub const EPOCH_LENGTH: Value<u32> = Value::defaulted("Session", "EpochLength");
/// The accounts of [`CURRENT_SET`], in its order.
pub const VALIDATORS: Value<Vec<AccountId>> = Value::defaulted("Session", "Validators");
/// Accounts and keys of those who validate in the next session, as far as announced.
pub const QUEUED_KEYS: Value<Vec<(AccountId, SessionKeys)>> = Value::defaulted("Session", "QueuedKeys");
/// Places in [`VALIDATORS`] of those who leave with the end of the session, in order.
pub const DISABLED_VALIDATORS: Value<Vec<u32>> = Value::defaulted("Session", "DisabledValidators");
/// Who is left out of new sets, up to the one that begins with this session; in the order in which they were disabled.
pub const LEAVING: Value<Vec<(AccountId, u32)>> = Value::defaulted("Session", "Leaving");
/// The keys that an account has registered.
pub const NEXT_KEYS: Map<Twox64Concat, AccountId, SessionKeys> = Map::optional("Session", "NextKeys");
/// Who has registered a key.
pub const KEY_OWNER: Map<Twox64Concat, (KeyTypeId, Vec<u8>), AccountId> =
    Map::optional("Session", "KeyOwner");
/// The newest sets by id, with the session that each began in.
pub const HISTORICAL_SETS: Map<Twox64Concat, u64, (u32, ValidatorSet)> =
    Map::optional("Session", "HistoricalSets");

/// A run of blocks with one set: what Substrate calls a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Epoch {
    /// Its number.
    pub index: u32,
    /// Its first block.
    pub first: BlockNumber,
    /// How many blocks it has. 0: it never ends.
    pub length: u32,
}

impl Epoch {
    /// Its last block, if it ever ends.
    pub const fn last(&self) -> Option<BlockNumber> {
        match self.length.checked_sub(1) {
            Some(more) => self.first.checked_add(more),
            None => None,
        }
    }
}

/// The pallet.
#[derive(Debug, Clone, Copy)]
pub struct Session {
    /// Its index in the runtime.
    pub index: u8,
    /// Accounts with keys stay.
    pub system: System,
}

impl Session {
    /// Sets who validates from block 1 on. Nobody is right for a chain whose blocks one node makes alone.
    ///
    /// # Errors
    ///
    /// If the list breaks a rule of [`check`]; the error names the entry.
    pub fn genesis(&self, state: &mut impl StateWrite, validators: Vec<Validator>) -> Result<(), SetError> {
        if validators.is_empty() {
            return Ok(());
        }
        check(&validators)?;
        QUEUED_KEYS.put(state, &queued(&validators));
        install(state, 0, &ValidatorSet { id: 0, validators });
        Ok(())
    }

    /// Sets how many blocks a session has. 0: the first one never ends.
    pub fn genesis_epochs(&self, state: &mut impl StateWrite, length: u32) {
        if length > 0 {
            EPOCH_LENGTH.put(state, &length);
        }
    }

    /// Who decides the block that stands on this state, in an order that all agree on.
    pub fn validators(&self, state: &(impl StateRead + ?Sized)) -> Result<ValidatorSet, StateError> {
        CURRENT_SET.get_or_default(state)
    }

    /// Who decides from the next session on: those who are announced, or the same as now, without those who leave.
    pub fn next(&self, state: &(impl StateRead + ?Sized)) -> Result<Vec<Validator>, StateError> {
        let next = match NEXT_SET.get(state)? {
            Some(next) => next,
            None => self.validators(state)?.validators,
        };
        Ok(leaving::without(next, &LEAVING.get_or_default(state)?))
    }

    /// The set with this id and the session that it began in, if it is the current one or one of the
    /// [`HISTORY_SETS`] newest.
    pub fn set_by_id(
        &self,
        state: &(impl StateRead + ?Sized),
        id: u64,
    ) -> Result<Option<(u32, ValidatorSet)>, StateError> {
        HISTORICAL_SETS.get(state, &id)
    }

    /// The session of the block that runs; after its end, that of the next block.
    pub fn epoch(&self, state: &(impl StateRead + ?Sized)) -> Result<Epoch, StateError> {
        let (index, length) = (CURRENT_INDEX.get_or_default(state)?, EPOCH_LENGTH.get_or_default(state)?);
        Ok(Epoch { index, first: index.saturating_mul(length).saturating_add(1), length })
    }

    /// The session of any block: sessions have the same length from the first one on. Genesis counts to the first.
    pub fn epoch_of(&self, state: &(impl StateRead + ?Sized), block: BlockNumber) -> Result<u32, StateError> {
        Ok(block.saturating_sub(1).checked_div(EPOCH_LENGTH.get_or_default(state)?).unwrap_or(0))
    }

    /// The number of the session that begins with the block that runs, if one does.
    pub fn starts(&self, ctx: &Context<'_, '_>) -> Result<Option<u32>, Fatal> {
        let epoch = self.epoch(ctx)?;
        Ok((ctx.block_number() == epoch.first).then_some(epoch.index))
    }

    /// Whether a session ends with the block that runs.
    pub(crate) fn is_last(&self, ctx: &Context<'_, '_>) -> Result<bool, Fatal> {
        Ok(self.epoch(ctx)?.last() == Some(ctx.block_number()))
    }

    /// Says who validates from the next session on, instead of what was announced before.
    ///
    /// # Errors
    ///
    /// If the list is empty, which would end the chain, or breaks a rule of [`check`].
    pub fn announce(&self, state: &mut impl StateWrite, validators: Vec<Validator>) -> Result<(), SetError> {
        if validators.is_empty() {
            return Err(SetError::Empty);
        }
        check(&validators)?;
        QUEUED_KEYS.put(state, &queued(&validators));
        NEXT_SET.put(state, &validators);
        Ok(())
    }

    /// Ends the session: whoever is announced validates from the next block on, except who is leaving. Says whether the set
    /// changed.
    pub fn rotate(&self, state: &mut impl StateWrite) -> Result<bool, Fatal> {
        let overflow = |what: &str| Fatal::Broken { pallet: Self::NAME, what: format!("no {what} is left") };
        let index = CURRENT_INDEX.get_or_default(state)?.checked_add(1);
        let index = index.ok_or_else(|| overflow("session index"))?;
        let announced = NEXT_SET.get(state)?.is_some();
        let validators = self.next(state)?;
        let set = self.validators(state)?;
        CURRENT_INDEX.put(state, &index);
        let mut leaving = LEAVING.get_or_default(state)?;
        if !leaving.is_empty() {
            leaving.retain(|(_, until)| *until > index);
            LEAVING.put(state, &leaving);
        }
        DISABLED_VALIDATORS.remove(state);
        if !announced && validators == set.validators {
            return Ok(false);
        }
        let id = set.id.checked_add(1).ok_or_else(|| overflow("set id"))?;
        QUEUED_KEYS.put(state, &queued(&validators));
        install(state, index, &ValidatorSet { id, validators });
        NEXT_SET.remove(state);
        Ok(true)
    }
}

/// The only place that writes the current set, and with it all that repeats it.
fn install(state: &mut impl StateWrite, epoch: u32, set: &ValidatorSet) {
    CURRENT_SET.put(state, set);
    VALIDATORS.put(state, &accounts(&set.validators));
    grandpa::CURRENT_SET_ID.put(state, &set.id);
    grandpa::AUTHORITIES.put(state, &grandpa::authorities(set));
    HISTORICAL_SETS.put(state, &set.id, &(epoch, set.clone()));
    if let Some(old) = set.id.checked_sub(HISTORY_SETS.into()) {
        HISTORICAL_SETS.remove(state, &old);
    }
}

fn accounts(validators: &[Validator]) -> Vec<AccountId> {
    validators.iter().map(|validator| validator.account).collect()
}

/// Accounts and keys, as [`QUEUED_KEYS`] has them.
fn queued(validators: &[Validator]) -> Vec<(AccountId, SessionKeys)> {
    let keys = |one: &Validator| SessionKeys { grandpa: one.vote_key, vrf: one.vrf_key };
    validators.iter().map(|one| (one.account, keys(one))).collect()
}
