//! Say who validates, now and next, and with which keys and power.
//!
//! # State
//!
//! | item                   | value                                           | changed by                            |
//! |------------------------|-------------------------------------------------|---------------------------------------|
//! | `CurrentSet`           | who decides the next block: the truth           | [`Session::genesis`], [`Session::rotate`] |
//! | `NextSet`              | who will, if that is announced                  | [`Session::announce`], [`Session::rotate`] |
//! | `CurrentIndex`         | how many sessions have ended                    | [`Session::rotate`]                   |
//! | `Validators`           | the accounts of `CurrentSet`                    | with `CurrentSet`                     |
//! | `Grandpa.CurrentSetId` | the id of `CurrentSet`                          | with `CurrentSet`                     |
//! | `Grandpa.Authorities`  | vote keys and powers of `CurrentSet`            | with `CurrentSet`                     |
//!
//! The last three repeat what `CurrentSet` says, under the names by which existing tools read it. One function writes
//! all four.
//!
//! # Flow
//!
//! ```text
//! genesis list ──► CurrentSet ◄──rotate (end of a session)── NextSet ◄──announce── who elects
//!                      │
//!                      └──► Runtime::validators: who decides the block that stands on this state
//! ```
//!
//! # Invariants
//!
//! - A set that is not empty keeps the rules of [`check`]: no account and no key twice, each key a point of its curve,
//!   each power at least 1, their sum below 2^61. Checked by `try_state`.
//! - A set's id is above those of all sets before it: votes of one set mean nothing in another.
//! - The items that repeat `CurrentSet` agree with it. Checked by `try_state`.
//!
//! # Assumptions
//!
//! Who calls [`Session::announce`] and [`Session::rotate`] does so inside a block, the latter once per session: so the
//! set of a block is known from its parent's state alone.
//!
//! # Out of scope
//!
//! - Who is elected, when sessions end, and calls with which validators register keys: that comes with staking.
//! - Verifying votes: `basalt-consensus-bft`.
#![no_std]
#![cfg_attr(not(test), deny(clippy::unwrap_used))]

extern crate alloc;

pub mod grandpa;
mod keys;
mod set;
#[cfg(test)]
mod tests;

use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};

use basalt_primitives::AccountId;
use basalt_runtime_api::{Validator, ValidatorSet};
use basalt_state::{StateError, StateRead, StateWrite};
use basalt_support::{
    CallResult, Context, DispatchInfo, Fatal, Origin, Pallet, Value,
    metadata::{Constant, PalletMetadata},
};
use parity_scale_codec::{Decode, Encode};
use scale_info::TypeInfo;

pub use grandpa::{AuthorityId, Grandpa};
pub use keys::{KEY_TYPE_VOTE, KEY_TYPE_VRF, KeyTypeId, SessionKeys};
pub use set::{Fault, POWER_TOTAL_MAX, SetError, VALIDATORS_MAX, check};

/// Who decides the block that stands on this state.
pub const CURRENT_SET: Value<ValidatorSet> = Value::defaulted("Session", "CurrentSet");
/// Who does from the next session on, if they are other ones.
pub const NEXT_SET: Value<Vec<Validator>> = Value::optional("Session", "NextSet");
/// How many sessions have ended.
pub const CURRENT_INDEX: Value<u32> = Value::defaulted("Session", "CurrentIndex");
/// The accounts of [`CURRENT_SET`], in its order.
pub const VALIDATORS: Value<Vec<AccountId>> = Value::defaulted("Session", "Validators");

/// This pallet has no calls yet.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub enum Call {}

/// The pallet.
#[derive(Debug, Clone, Copy)]
pub struct Session {
    /// Its index in the runtime.
    pub index: u8,
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
        install(state, &ValidatorSet { id: 0, validators });
        Ok(())
    }

    /// Who decides the block that stands on this state, in an order that all agree on.
    pub fn validators(&self, state: &(impl StateRead + ?Sized)) -> Result<ValidatorSet, StateError> {
        CURRENT_SET.get_or_default(state)
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
        NEXT_SET.put(state, &validators);
        Ok(())
    }

    /// Ends the session: whoever is announced validates from the next block on. Says whether the set changed.
    pub fn rotate(&self, state: &mut impl StateWrite) -> Result<bool, Fatal> {
        let overflow = |what: &str| Fatal::Broken { pallet: Self::NAME, what: format!("no {what} is left") };
        let index = CURRENT_INDEX.get_or_default(state)?.checked_add(1);
        CURRENT_INDEX.put(state, &index.ok_or_else(|| overflow("session index"))?);
        let Some(validators) = NEXT_SET.get(state)? else { return Ok(false) };
        let id = self.validators(state)?.id.checked_add(1).ok_or_else(|| overflow("set id"))?;
        install(state, &ValidatorSet { id, validators });
        NEXT_SET.remove(state);
        Ok(true)
    }
}

/// The only place that writes the current set, and with it all that repeats it.
fn install(state: &mut impl StateWrite, set: &ValidatorSet) {
    CURRENT_SET.put(state, set);
    VALIDATORS.put(state, &accounts(set));
    grandpa::CURRENT_SET_ID.put(state, &set.id);
    grandpa::AUTHORITIES.put(state, &grandpa::authorities(set));
}

fn accounts(set: &ValidatorSet) -> Vec<AccountId> {
    set.validators.iter().map(|validator| validator.account).collect()
}

impl Pallet for Session {
    const NAME: &'static str = "Session";
    type Call = Call;

    fn index(&self) -> u8 {
        self.index
    }

    fn metadata(&self) -> PalletMetadata {
        PalletMetadata {
            name: Self::NAME,
            index: self.index,
            storage: [
                VALIDATORS.entry(&["Who validates, by account."]),
                CURRENT_INDEX.entry(&["How many sessions have ended."]),
                CURRENT_SET.entry(&["Who decides the next block, with keys and power."]),
                NEXT_SET.entry(&["Who does from the next session on, if they are other ones."]),
            ]
            .into(),
            calls: None,
            event: None,
            error: None,
            constants: [Constant::new("MaxValidators", &VALIDATORS_MAX, &["The most validators of a set."])]
                .into(),
            docs: ["Who validates, now and next."].into(),
        }
    }

    fn info(&self, call: &Call) -> DispatchInfo {
        match *call {}
    }

    fn dispatch(&self, call: Call, _origin: Origin, _ctx: &mut Context<'_, '_>) -> CallResult {
        match call {}
    }

    fn try_state(&self, state: &dyn StateRead) -> Result<(), String> {
        let told = |error: StateError| error.to_string();
        let set = self.validators(state).map_err(told)?;
        check(&set.validators).map_err(|error| format!("CurrentSet: {error}"))?;
        if let Some(next) = NEXT_SET.get(state).map_err(told)? {
            if next.is_empty() {
                return Err("NextSet is empty: the chain would end with this session".to_string());
            }
            check(&next).map_err(|error| format!("NextSet: {error}"))?;
        }
        let repeated = [
            ("Validators", VALIDATORS.get_or_default(state).map_err(told)? == accounts(&set)),
            ("Grandpa.CurrentSetId", grandpa::CURRENT_SET_ID.get_or_default(state).map_err(told)? == set.id),
            (
                "Grandpa.Authorities",
                grandpa::AUTHORITIES.get_or_default(state).map_err(told)? == grandpa::authorities(&set),
            ),
        ];
        match repeated.iter().find(|(_, agrees)| !agrees) {
            Some((item, _)) => Err(format!("{item} does not say what CurrentSet says")),
            None => Ok(()),
        }
    }
}
