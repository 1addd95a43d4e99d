//! Who is left out of new sets before an election can do so.
//!
//! An election sees that somebody misbehaved only in the set that it freezes next, which begins three epochs later. Up to
//! then two sets begin that were frozen before: whoever is disabled is taken out of both.

use alloc::vec::Vec;

use basalt_primitives::AccountId;
use basalt_runtime_api::Validator;
use basalt_support::{Context, Failure};

use crate::{CURRENT_INDEX, CURRENT_SET, DISABLED_VALIDATORS, Event, LEAVING, Session, VALIDATORS_MAX};

/// How many sets may have been frozen when somebody is disabled: the next one, and the one after it.
const FROZEN_SETS: u32 = 2;

/// The most accounts that can be leaving: all of the current set and of the two that are frozen.
pub const LEAVING_MAX: usize = 3 * VALIDATORS_MAX as usize;

impl Session {
    /// Leaves an account out of the sets that begin next, even if they are announced.
    ///
    /// At most a third of a set's power is left out, those first who were disabled first: so the rest can still agree, and
    /// nobody who makes others look guilty or absent gets a set to himself. Whoever is over that stays, as everybody does
    /// where a set has fewer than three validators, until an election without them takes effect.
    pub fn disable(&self, ctx: &mut Context<'_, '_>, account: &AccountId) -> Result<(), Failure> {
        let last = CURRENT_INDEX.get_or_default(ctx)?.saturating_add(FROZEN_SETS);
        let mut leaving = LEAVING.get_or_default(ctx)?;
        match leaving.iter_mut().find(|(who, _)| who == account) {
            Some((_, until)) => *until = last,
            None => {
                // More than all of the three sets: who came first is no member of any of them, or gone by now.
                if leaving.len() >= LEAVING_MAX {
                    leaving.remove(0);
                }
                leaving.push((*account, last));
            }
        }
        LEAVING.put(ctx, &leaving);
        let set = CURRENT_SET.get_or_default(ctx)?;
        let place = (0u32..).zip(&set.validators).find(|(_, validator)| validator.account == *account);
        let Some((place, _)) = place else { return Ok(()) };
        let mut disabled = DISABLED_VALIDATORS.get_or_default(ctx)?;
        if let Err(at) = disabled.binary_search(&place) {
            disabled.insert(at, place);
            DISABLED_VALIDATORS.put(ctx, &disabled);
            ctx.emit(self.index, &Event::ValidatorDisabled { validator: *account });
        }
        Ok(())
    }
}

/// The set without those who leave, as far as a third of its power allows.
pub(crate) fn without(mut validators: Vec<Validator>, leaving: &[(AccountId, u32)]) -> Vec<Validator> {
    let total: u128 = validators.iter().map(|validator| u128::from(validator.power)).sum();
    let mut gone = 0u128;
    for (account, _) in leaving {
        let Some(place) = validators.iter().position(|validator| validator.account == *account) else {
            continue;
        };
        let power = gone + u128::from(validators[place].power);
        if power * 3 <= total {
            validators.remove(place);
            gone = power;
        }
    }
    validators
}
