//! What eras are worth, and who gets it.

use basalt_primitives::Percent;
use types::{ConfigOp, ExposurePage, IndividualExposure, PagedExposureMetadata, ValidatorPrefs};

use super::*;

fn payout(who: u8, era: u32) -> Call {
    Call::payout_stakers { validator_stash: account(who), era }
}

fn by_page(who: u8, era: u32, page: u32) -> Call {
    Call::payout_stakers_by_page { validator_stash: account(who), era, page }
}

/// Who was paid how much in the last block.
fn paid(world: &World) -> Vec<(u8, Balance)> {
    world
        .events
        .iter()
        .filter_map(|event| match event {
            Event::Rewarded { stash, amount, .. } => Some((stash.0[0], *amount)),
            _ => None,
        })
        .collect()
}

fn points(world: &mut World, points: &[(u8, u32)]) {
    let points: Vec<_> = points.iter().map(|(who, more)| (account(*who), *more)).collect();
    world.block(|ctx| STAKING.reward_by_ids(ctx, &points)).unwrap();
}

#[test]
fn an_era_is_worth_its_time_and_goes_to_whoever_earned_it() {
    let stakers = vec![
        (account(1), 1_000, StakerStatus::Validator),
        (account(2), 2_000, StakerStatus::Validator),
        (account(11), 500, StakerStatus::Nominator(vec![account(1)])),
        (account(12), 250, StakerStatus::Nominator(vec![account(1)])),
    ];
    let mut world = World::new(&StakingGenesis { stakers, ..StakingGenesis::default() });
    assert_eq!(world.call(1, validate(10)), Ok(()));
    world.reach_epoch(4);
    // Accounts that do not validate earn nothing.
    points(&mut world, &[(1, 30), (2, 10), (11, 7), (1, 10)]);
    assert_eq!(world.call(7, payout(1, 4)), error(Error::InvalidEraToReward));
    world.reach_epoch(5);
    let era = Event::EraPaid { era_index: 4, validator_payout: 3_000, remainder: 0 };
    assert!(world.events.contains(&era), "three blocks of a second: {:?}", world.events);

    let before = world.issuance();
    assert_eq!(world.call(7, payout(1, 4)), Ok(()));
    // 40 of 50 points: 2,400. 10 %, and then 2,160 in proportion to 1,000, 500 and 250, each rounded down.
    assert_eq!(paid(&world), [(1, 240 + 1_234), (11, 617), (12, 308)]);
    assert_eq!(world.issuance() - before, 240 + 1_234 + 617 + 308, "what is lost in rounding is not issued");
    assert_eq!(world.ledger(1).unwrap().active, 1_000 + 1_474, "genesis stakers put it at stake");
    assert_eq!(world.call(7, payout(1, 4)), error(Error::AlreadyClaimed));
    assert_eq!(world.call(7, by_page(1, 4, 0)), error(Error::AlreadyClaimed));
    assert_eq!(world.call(7, by_page(1, 4, 1)), error(Error::InvalidPage));
    assert_eq!(world.call(7, payout(3, 4)), error(Error::InvalidEraToReward), "it did not validate");
    assert_eq!(world.call(7, payout(1, 3)), Ok(()));
    assert_eq!(paid(&world), [], "nobody earned anything");
    assert_eq!(STAKING.pending_rewards(&world.state, 4, &account(2)), Ok(true));
    assert_eq!(world.call(7, payout(2, 4)), Ok(()));
    assert_eq!(paid(&world), [(2, 600)]);
    assert_eq!(STAKING.pending_rewards(&world.state, 4, &account(2)), Ok(false));
    assert_eq!(STAKING.eras_stakers_page_count(&world.state, 4, &account(2)), Ok(1));
    assert_eq!(STAKING.eras_stakers_page_count(&world.state, 4, &account(3)), Ok(0));

    world.reach_epoch(4 + HISTORY_DEPTH);
    points(&mut world, &[(1, 1)]);
    assert_eq!(world.call(7, payout(1, 2)), error(Error::InvalidEraToReward), "too old");
}

#[test]
fn rewards_go_where_the_stash_wants_them() {
    let mut world = World::new(&four());
    world.reach_epoch(2);
    points(&mut world, &[(1, 1), (2, 1), (3, 1), (4, 1)]);
    let destinations = [
        (1, RewardDestination::Stash),
        (2, RewardDestination::Account(account(99))),
        (3, RewardDestination::None),
    ];
    for (who, payee) in destinations {
        assert_eq!(world.call(who, Call::set_payee { payee }), Ok(()));
    }
    world.reach_epoch(3);
    let (free, issuance) = (world.free(account(1)), world.issuance());
    assert_eq!(world.call(7, payout(1, 2)), Ok(()));
    let to_one = paid(&world)[0].1;
    assert_eq!((world.free(account(1)) - free, world.ledger(1).unwrap().active), (to_one, 1_000));
    assert_eq!(world.call(7, payout(2, 2)), Ok(()));
    assert!(world.free(account(99)) > 0, "it makes an account");
    assert_eq!(world.call(7, payout(3, 2)), Ok(()));
    assert!(!paid(&world).iter().any(|(who, _)| *who == 3));
    assert_eq!(world.call(7, payout(4, 2)), Ok(()));
    assert!(world.ledger(4).unwrap().active > 1_000);
    let issued = world.issuance() - issuance;
    // All but the share of one who wants nothing, and what rounding leaves.
    assert!((2_000..2_500).contains(&issued), "{issued}");
}

#[test]
fn who_has_left_is_still_paid() {
    let mut world = World::new(&four());
    world.reach_epoch(2);
    points(&mut world, &[(1, 1)]);
    assert_eq!(world.root(Call::force_unstake { stash: account(11), num_slashing_spans: 0 }), Ok(()));
    world.reach_epoch(3);
    assert_eq!(world.call(7, payout(1, 2)), Ok(()));
    let reward = paid(&world).iter().find(|(who, _)| *who == 11).unwrap().1;
    assert_eq!((world.free(account(11)), world.ledger(11)), (START + reward, None));
}

#[test]
fn an_era_that_a_clock_made_long_is_paid_up_to_the_bound() {
    let mut world = World::new(&four());
    world.reach_epoch(2);
    points(&mut world, &[(1, 1)]);
    world.now += 1_000_000_000;
    world.reach_epoch(4);
    let worth = ERAS_VALIDATOR_REWARD.get(&world.state, &2).unwrap().unwrap();
    assert_eq!(worth, 1_000 * REWARD_PER_BLOCK);
    assert_eq!(ERAS_VALIDATOR_REWARD.get(&world.state, &3), Ok(Some(3_000)));
}

#[test]
fn the_treasury_gets_what_stakers_do_not() {
    let curve =
        issuance::Curve { min: 50_000_000, max: 100_000_000, ideal_stake: 500_000_000, falloff: 50_000_000 };
    let mut world = World::new(&StakingGenesis { issuance: Some(IssuanceModel::Curve(curve)), ..four() });
    world.now += 900_000_000;
    world.reach_epoch(1);
    let of_stakers = |world: &World, era| ERAS_VALIDATOR_REWARD.get(&world.state, &era).unwrap().unwrap();
    let limit = |percent| Call::set_staking_configs {
        min_nominator_bond: ConfigOp::Noop,
        min_validator_bond: ConfigOp::Noop,
        max_nominator_count: ConfigOp::Noop,
        max_validator_count: ConfigOp::Noop,
        chill_threshold: ConfigOp::Noop,
        min_commission: ConfigOp::Noop,
        max_staked_rewards: ConfigOp::Set(Percent::from_percent(percent)),
    };
    for (era, percent) in [(1, 100), (2, 0)] {
        assert_eq!(world.root(limit(percent)), Ok(()));
        world.now += 900_000;
        let (treasury, issuance) = (world.free(TREASURY), world.issuance());
        world.reach_epoch(era + 1);
        let remainder = world.free(TREASURY) - treasury;
        assert!(remainder > 0);
        assert_eq!(world.issuance() - issuance, remainder, "stakers' part is issued when it is paid");
        assert_eq!(of_stakers(&world, era) == 0, percent == 0);
    }
}

#[test]
fn a_large_exposure_is_paid_page_by_page() {
    let mut world = World::new(&four());
    world.reach_epoch(2);
    points(&mut world, &[(1, 1)]);
    // 600 nominators whose accounts do not exist, with 100 each.
    let who = |number: u16| {
        let mut bytes = [77; 32];
        bytes[..2].copy_from_slice(&number.to_be_bytes());
        AccountId32(bytes)
    };
    let others =
        |from, to| (from..to).map(|number| IndividualExposure { who: who(number), value: 100 }).collect();
    world.block(|ctx| {
        for (page, (from, to)) in [(0, 512), (512, 600)].into_iter().enumerate() {
            let page_total = Balance::from(to - from) * 100;
            let listed = ExposurePage { page_total, others: others(from, to) };
            ERAS_STAKERS_PAGED.put(ctx, &2, &account(1), &(page as u32), &listed);
        }
        let overview =
            PagedExposureMetadata { total: 61_000, own: 1_000, nominator_count: 600, page_count: 2 };
        ERAS_STAKERS_OVERVIEW.put(ctx, &2, &account(1), &overview);
        let rest: Balance = (2..=4)
            .map(|who| ERAS_STAKERS_OVERVIEW.get(ctx, &2, &account(who)).unwrap().unwrap().total)
            .sum();
        ERAS_TOTAL_STAKE.put(ctx, &2, &(rest + 61_000));
        ERAS_VALIDATOR_PREFS.put(
            ctx,
            &2,
            &account(1),
            &ValidatorPrefs { commission: Perbill::from_percent(50), blocked: false },
        );
    });
    world.reach_epoch(3);
    world.block(|ctx| ERAS_VALIDATOR_REWARD.put(ctx, &2, &122_000));
    // 61,000 are commission; of the other 61,000 the validator gets 1,000, and each nominator 100.
    assert_eq!(world.call(7, payout(1, 2)), Ok(()));
    assert!(world.events.contains(&Event::PayoutStarted {
        era_index: 2,
        validator_stash: account(1),
        page: 0,
        next: Some(1)
    }));
    assert_eq!(paid(&world).len(), 1 + 512);
    assert_eq!(paid(&world)[0], (1, 62_000));
    assert_eq!(world.free(who(511)), 100);
    assert_eq!(world.free(who(512)), 0);
    assert_eq!(world.call(7, by_page(1, 2, 1)), Ok(()));
    assert_eq!(paid(&world).len(), 88);
    assert_eq!(CLAIMED_REWARDS.get(&world.state, &2, &account(1)), Ok(Some(vec![0, 1])));
    assert_eq!(world.call(7, payout(1, 2)), error(Error::AlreadyClaimed));
}
