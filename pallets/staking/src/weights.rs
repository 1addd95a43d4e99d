//! What calls weigh at most: keys read and keys written, each once. Checked against what calls do in
//! `tests/kit/tests/it/staking`.

use basalt_primitives::Weight;
use basalt_support::weight::{bytes, operations};

use crate::{Call, MAX_EXPOSURE_PAGE_SIZE, Staking, VALIDATORS_BYTES_MAX, slashing::SLASH_BYTES_MAX};

/// What a call weighs at most.
pub(crate) fn of(staking: &Staking, call: &Call) -> Weight {
    match call {
        // The order by stake is looked for in `Validators` and `Nominators`, and changes in two places.
        Call::bond { .. } => operations(5, 5),
        Call::bond_extra { .. } => operations(5, 5),
        // With the least stake and the withdrawal that makes room.
        Call::unbond { .. } => operations(12, 5),
        // With all that is forgotten if nothing is left.
        Call::withdraw_unbonded { .. } => operations(12, 8),
        Call::rebond { .. } => operations(3, 3),
        Call::validate { .. } => operations(8, 6),
        Call::nominate { targets } => operations(8, 6).saturating_add(each(targets.len(), 1, 0)),
        Call::chill => operations(4, 3),
        Call::set_payee { .. } => operations(1, 1),
        Call::set_validator_count { .. }
        | Call::force_no_eras
        | Call::force_new_era
        | Call::force_new_era_always
        | Call::set_min_commission { .. } => operations(0, 1),
        Call::increase_validator_count { .. } | Call::scale_validator_count { .. } => operations(1, 1),
        Call::set_invulnerables { invulnerables } => {
            operations(0, 1).saturating_add(bytes(32).saturating_mul(invulnerables.len() as u64))
        }
        Call::force_unstake { .. } => operations(6, 8),
        Call::cancel_deferred_slash { slash_keys, .. } => operations(1, 1)
            .saturating_add(each(slash_keys.len(), 1, 1))
            .saturating_add(bytes(SLASH_BYTES_MAX).saturating_mul(slash_keys.len() as u64)),
        Call::payout_stakers { .. } | Call::payout_stakers_by_page { .. } => {
            payout(MAX_EXPOSURE_PAGE_SIZE.into())
        }
        Call::reap_stash { .. } => operations(4, 6),
        Call::kick { who } => operations(1, 0).saturating_add(each(who.len(), 1, 1)),
        Call::set_staking_configs { .. } => operations(0, 7),
        Call::chill_other { .. } => operations(8, 3),
        Call::force_apply_min_commission { .. } => operations(2, 1),
        Call::manual_slash { .. } => staking.slash_weight().saturating_add(operations(2, 0)),
    }
}

/// What paying a page with this many nominators weighs.
pub(crate) fn payout(nominators: u64) -> Weight {
    // Each who is paid: payee, balance, ledger, hold, role, and the place in the order by stake.
    let paid = nominators.saturating_add(1);
    operations(paid.saturating_mul(6).saturating_add(8), paid.saturating_mul(5).saturating_add(2))
        .saturating_add(bytes(nominators.saturating_mul(48).saturating_add(VALIDATORS_BYTES_MAX)))
}

fn each(count: usize, reads: u64, writes: u64) -> Weight {
    let one = Weight::new(
        operations(reads, writes).ref_time - operations(0, 0).ref_time,
        operations(reads, writes).proof_size,
    );
    one.saturating_mul(count as u64)
}
