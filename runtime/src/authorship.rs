//! What authorship leads to in this chain.

use basalt_pallet_authorship::Hooks;
use basalt_pallet_staking::{MINIMUM_VALIDATOR_COUNT, VALIDATOR_COUNT};

use crate::{SESSION, STAKING};

/// Points and chilling are staking's.
pub(crate) const HOOKS: Hooks = Hooks {
    set_by_id: |state, id| Ok(SESSION.set_by_id(state, id)?.map(|(_, set)| set)),
    reward: |ctx, points| STAKING.reward_by_ids(ctx, points),
    chill: |ctx, validator| STAKING.chill_absent(ctx, validator),
    // Where nobody is elected, nobody could take the place of who is chilled.
    validators_min: |state| match VALIDATOR_COUNT.get_or_default(state)? {
        0 => Ok(u32::MAX),
        _ => MINIMUM_VALIDATOR_COUNT.get_or_default(state),
    },
};
