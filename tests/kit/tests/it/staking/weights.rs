//! No call of Staking reads or writes more than it declares, in the worst state for it.

use std::collections::BTreeMap;

use basalt_primitives::Percent;
use basalt_runtime::{BALANCES, MILLIUNIT, UNIT};
use basalt_runtime_api::BlockEnv;
use basalt_support::{Origin, Pallet as _};
use basalt_test_kit::measure;
use parity_scale_codec::Encode as _;
use staking::{
    CHILL_THRESHOLD, CLAIMED_REWARDS, ERAS_STAKERS_OVERVIEW, ERAS_STAKERS_PAGED, ERAS_VALIDATOR_REWARD,
    LEDGER, MAX_NOMINATORS_COUNT, MAX_UNLOCKING_CHUNKS, MAX_VALIDATORS_COUNT, MIN_COMMISSION,
    MIN_NOMINATOR_BOND, NOMINATORS, UNAPPLIED_SLASHES, VALIDATORS,
    types::{
        ConfigOp, ExposurePage, IndividualExposure, Nominations, PagedExposureMetadata, SlashKey,
        UnappliedSlash, UnlockChunk,
    },
};

use super::*;

const HALF: Perbill = Perbill::from_percent(50);
/// Nominators on the page that is paid.
const PAID: u32 = 40;

fn numbered(number: u32) -> AccountId {
    let mut bytes = [3; 32];
    bytes[..4].copy_from_slice(&number.to_be_bytes());
    AccountId::from(bytes)
}

/// A state that is bad for all calls at once: everybody has something on its way out, all limits are set, and there is
/// something to pay, to cancel and to slash.
fn worst() -> (Chain, Memory, BlockEnv) {
    let mut chain = Chain::new();
    chain.reach_epoch(3);
    chain.points(&[(0, 1)]);
    chain.reach_epoch(4);
    let env = chain.ledger.env();
    let alice = chain.account(0);
    let state = changed(&chain.ledger.state, &env, |ctx| {
        MAX_NOMINATORS_COUNT.put(ctx, &100);
        MAX_VALIDATORS_COUNT.put(ctx, &100);
        MIN_NOMINATOR_BOND.put(ctx, &1);
        MIN_COMMISSION.put(ctx, &Perbill::from_parts(1));
        CHILL_THRESHOLD.put(ctx, &Percent::from_percent(1));
        for number in 0..PAID {
            let who = numbered(number);
            BALANCES.mint_into(ctx, &who, START).unwrap();
            let calls = [
                Call::bond { value: STAKE, payee: RewardDestination::Staked },
                Call::nominate { targets: vec![alice.into()] },
            ];
            for call in calls {
                STAKING.dispatch(call, Origin::Signed(who), ctx).unwrap();
            }
        }
        let others =
            (0..PAID).map(|number| IndividualExposure { who: numbered(number), value: STAKE }).collect();
        let page_total = STAKE * Balance::from(PAID);
        ERAS_STAKERS_PAGED.put(ctx, &3, &alice, &0, &ExposurePage { page_total, others });
        let pages = staking::slashing::PAGES_MAX;
        let overview = PagedExposureMetadata {
            total: page_total + STAKE,
            own: STAKE,
            nominator_count: PAID,
            page_count: pages,
        };
        ERAS_STAKERS_OVERVIEW.put(ctx, &3, &alice, &overview);
        ERAS_VALIDATOR_REWARD.put(ctx, &3, &(1_000 * UNIT));
        CLAIMED_REWARDS.remove(ctx, &3, &alice);
        for page in 0..pages {
            let listed = ERAS_STAKERS_PAGED.get(ctx, &3, &alice, &0).unwrap().unwrap();
            ERAS_STAKERS_PAGED.put(ctx, &3, &alice, &page, &listed);
            let slash =
                UnappliedSlash { validator: alice, own: 1, others: vec![], reporters: vec![], payout: 1 };
            UNAPPLIED_SLASHES.put(ctx, &4, &(alice, HALF, page), &slash);
        }
    });
    (chain, state, env)
}

/// With something due to be withdrawn, and as many chunks as there may be; or with nothing but what is due.
fn unlocking(state: &Memory, env: &BlockEnv, who: AccountId, all_due: bool) -> Memory {
    changed(state, env, |ctx| {
        let mut ledger = LEDGER.get(ctx, &who).unwrap().unwrap();
        let count = MAX_UNLOCKING_CHUNKS;
        let value = if all_due { ledger.total / Balance::from(count) } else { MILLIUNIT };
        let due = |number: u32| if all_due { 1 } else { 1 + number * 3 };
        let before = ledger.active;
        ledger.unlocking = (0..count).map(|number| UnlockChunk { value, era: due(number) }).collect();
        ledger.active = ledger.total - value * Balance::from(count);
        ledger.total = ledger.active + value * Balance::from(count);
        // As a call would: the order by stake follows.
        let order = if VALIDATORS.contains(ctx, &who).unwrap() {
            staking::VALIDATORS_BY_STAKE
        } else {
            staking::NOMINATORS_BY_STAKE
        };
        order.remove(ctx, &staking::order::Rank::new(who, before));
        order.put(ctx, &staking::order::Rank::new(who, ledger.active), &());
        LEDGER.put(ctx, &who, &ledger);
    })
}

/// Calls with the state that is worst for each.
fn cases() -> Vec<(Memory, BlockEnv, Origin, Call)> {
    let (chain, state, env) = worst();
    let who = |at: usize| chain.account(at);
    let signed = |at: usize| Origin::Signed(who(at));
    let key = |page| -> SlashKey { (who(0), HALF, page) };
    let payee = RewardDestination::Stash;
    let nominator_chunks = unlocking(&state, &env, who(3), false);
    let validator_gone = unlocking(&state, &env, who(1), true);
    let nominator_gone = unlocking(&state, &env, who(3), true);
    let empty = changed(&state, &env, |ctx| {
        let mut ledger = LEDGER.get(ctx, &who(3)).unwrap().unwrap();
        (ledger.active, ledger.total) = (0, 0);
        LEDGER.put(ctx, &who(3), &ledger);
    });
    let targets: Vec<AccountId> = (0..16).map(|number| numbered(1_000 + number)).collect();
    let many = changed(&state, &env, |ctx| {
        for target in &targets {
            VALIDATORS.put(ctx, target, &ValidatorPrefs::default());
            let backs = Nominations { targets: vec![who(1)], submitted_in: 0, suppressed: false };
            NOMINATORS.put(ctx, target, &backs);
        }
    });
    let addresses: Vec<_> = targets.iter().map(|target| (*target).into()).collect();
    let configs = Call::set_staking_configs {
        min_nominator_bond: ConfigOp::Set(1),
        min_validator_bond: ConfigOp::Set(1),
        max_nominator_count: ConfigOp::Set(1),
        max_validator_count: ConfigOp::Set(1),
        chill_threshold: ConfigOp::Set(Percent::from_percent(1)),
        min_commission: ConfigOp::Set(Perbill::from_percent(1)),
        max_staked_rewards: ConfigOp::Set(Percent::from_percent(1)),
    };
    let small = changed(&state, &env, |ctx| MIN_NOMINATOR_BOND.put(ctx, &(2 * STAKE)));
    let num_slashing_spans = 0;
    let mut cases = vec![
        (&state, signed(5), Call::bond { value: STAKE, payee }),
        (&state, signed(3), Call::bond_extra { max_additional: STAKE }),
        (&nominator_chunks, signed(3), Call::unbond { value: UNIT }),
        (&state, signed(0), Call::unbond { value: UNIT }),
        (&nominator_chunks, signed(3), Call::withdraw_unbonded { num_slashing_spans }),
        (&nominator_gone, signed(3), Call::withdraw_unbonded { num_slashing_spans }),
        (&validator_gone, signed(1), Call::withdraw_unbonded { num_slashing_spans }),
        (&nominator_chunks, signed(3), Call::rebond { value: Balance::MAX }),
        (&state, signed(3), Call::validate { prefs: prefs() }),
        (&state, signed(0), Call::validate { prefs: prefs() }),
        (&many, signed(1), Call::nominate { targets: addresses.clone() }),
        (&many, signed(3), Call::nominate { targets: addresses.clone() }),
        (&state, signed(0), Call::chill),
        (&state, signed(3), Call::chill),
        (&state, signed(3), Call::set_payee { payee }),
        (&state, Origin::Root, Call::set_validator_count { new: 3 }),
        (&state, Origin::Root, Call::increase_validator_count { additional: 3 }),
        (&state, Origin::Root, Call::scale_validator_count { factor: Percent::from_percent(50) }),
        (&state, Origin::Root, Call::force_no_eras),
        (&state, Origin::Root, Call::force_new_era),
        (&state, Origin::Root, Call::force_new_era_always),
        (&state, Origin::Root, Call::set_invulnerables { invulnerables: targets }),
        (&state, Origin::Root, Call::force_unstake { stash: who(3), num_slashing_spans }),
        (&state, Origin::Root, Call::cancel_deferred_slash { era: 4, slash_keys: (0..5).map(key).collect() }),
        (&state, signed(5), Call::payout_stakers { validator_stash: who(0), era: 3 }),
        (&state, signed(5), Call::payout_stakers_by_page { validator_stash: who(0), era: 3, page: 1 }),
        (&empty, signed(5), Call::reap_stash { stash: who(3), num_slashing_spans }),
        (&many, signed(1), Call::kick { who: addresses }),
        (&state, Origin::Root, configs),
        (&small, signed(5), Call::chill_other { stash: who(3) }),
        (&state, signed(5), Call::force_apply_min_commission { validator_stash: who(1) }),
        (&state, Origin::Root, Call::set_min_commission { new: HALF }),
        (&state, Origin::Root, Call::manual_slash { validator_stash: who(0), era: 3, slash_fraction: HALF }),
    ];
    // What only some may call must be cheap enough for everybody to be refused.
    let refused: Vec<_> = cases.iter().map(|(state, _, call)| (*state, signed(5), call.clone())).collect();
    cases.extend(refused);
    cases.into_iter().map(|(state, origin, call)| (state.clone(), env.clone(), origin, call)).collect()
}

fn prefs() -> ValidatorPrefs {
    ValidatorPrefs { commission: Perbill::from_percent(5), blocked: false }
}

/// Which calls the cases cover.
pub(crate) fn covered() -> Vec<RuntimeCall> {
    cases().into_iter().map(|(_, _, _, call)| of(call)).collect()
}

#[test]
fn no_call_of_staking_does_more_than_it_declares_nor_much_less() {
    let cases = cases();
    let worst = cases.len() / 2;
    // By call: the most that any case of it did, and what it declared.
    let mut most: BTreeMap<u8, (u64, u64)> = BTreeMap::new();
    for (number, (state, env, origin, call)) in cases.into_iter().enumerate() {
        let done = measure(&state, &env, origin.clone(), of(call.clone()));
        assert!(done.is_honest(), "{origin:?} {call:?}: {done:?}");
        if number < worst {
            assert!(done.result.is_ok(), "{call:?}: {done:?}");
            let most = most.entry(call.encode()[0]).or_default();
            *most = (*most).max((done.ref_time, done.declared));
        }
    }
    // What handles many bytes declares more than its operations.
    for of_bytes in [Call::cancel_deferred_slash { era: 0, slash_keys: vec![] }.encode()[0], 33] {
        most.remove(&of_bytes);
    }
    let loose: Vec<_> = most.iter().filter(|(_, (done, declared))| done * 4 < declared * 3).collect();
    assert!(loose.is_empty(), "these calls declare a third more than they ever do: {loose:?}");
}
