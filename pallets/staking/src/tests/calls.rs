//! Each call in its good case, and each of its errors.

use basalt_primitives::{Percent, TokenError};
use types::{ConfigOp, UnlockChunk, ValidatorPrefs};

use super::*;

#[test]
fn what_is_bonded_cannot_be_moved_and_comes_back_after_the_bonding_duration() {
    let mut world = World::new(&four());
    assert_eq!(world.call(14, bond(5_000)), Ok(()));
    assert_eq!(world.free(account(14)), START - 5_000);
    assert_eq!(world.call(14, bond(1)), error(Error::AlreadyBonded));
    world.block(|ctx| {
        let all = BALANCES.transfer(ctx, &account(14), &account(1), START - 4_999, false).unwrap_err();
        assert_eq!(all, TokenError::FundsUnavailable.into());
    });
    assert_eq!(world.call(14, Call::bond_extra { max_additional: 1_000 }), Ok(()));
    assert_eq!(world.ledger(14).unwrap().active, 6_000);
    // More than there is: all but the existential deposit.
    assert_eq!(world.call(13, Call::bond_extra { max_additional: Balance::MAX }), Ok(()));
    assert_eq!(world.free(account(13)), ED);
    assert_eq!(world.call(13, Call::bond_extra { max_additional: 1 }), error(Error::NotEnoughFunds));

    let epoch = 4;
    world.reach_epoch(epoch);
    assert_eq!(world.call(14, Call::unbond { value: 1_500 }), Ok(()));
    let until = epoch + 1 + STAKING.durations.bonding;
    assert_eq!(world.ledger(14).unwrap().unlocking, [UnlockChunk { value: 1_500, era: until }]);
    world.reach_epoch(until - 2);
    assert_eq!(world.call(14, withdraw()), Ok(()));
    assert_eq!(world.ledger(14).unwrap().total, 6_000, "one era too early");
    world.reach_epoch(until - 1);
    assert_eq!(world.call(14, withdraw()), Ok(()));
    assert_eq!(world.ledger(14).unwrap().total, 4_500);
    assert_eq!(world.free(account(14)), START - 4_500);

    // All of it, because what would be left is less than the existential deposit: then nothing is known of the stash.
    assert_eq!(world.call(14, Call::unbond { value: 4_495 }), Ok(()));
    assert_eq!(world.ledger(14).unwrap().active, 0);
    let epoch = world.epoch() + STAKING.durations.bonding;
    world.reach_epoch(epoch);
    assert_eq!(world.call(14, withdraw()), Ok(()));
    assert!(world.events.contains(&Event::StakerRemoved { stash: account(14) }));
    assert_eq!((world.ledger(14), world.free(account(14))), (None, START));
    assert_eq!(PAYEE.get(&world.state, &account(14)), Ok(None));
}

#[test]
fn what_is_unbonding_can_be_put_back_newest_first() {
    let mut world = World::new(&four());
    for (epoch, value) in [(0, 100), (1, 20), (1, 3)] {
        world.reach_epoch(epoch);
        assert_eq!(world.call(11, Call::unbond { value }), Ok(()));
    }
    let chunks = |world: &World| -> Vec<_> {
        world.ledger(11).unwrap().unlocking.iter().map(|chunk| (chunk.value, chunk.era)).collect()
    };
    assert_eq!(chunks(&world), [(100, 8), (23, 9)], "one chunk for each era");
    assert_eq!(world.call(11, Call::rebond { value: 30 }), Ok(()));
    assert!(world.events.contains(&Event::Bonded { stash: account(11), amount: 30 }));
    assert_eq!(chunks(&world), [(93, 8)]);
    assert_eq!(world.ledger(11).unwrap().active, 407);
    assert_eq!(world.call(11, Call::rebond { value: Balance::MAX }), Ok(()));
    assert_eq!(world.call(11, Call::rebond { value: 1 }), error(Error::NoUnlockChunk));
    assert_eq!(world.ledger(11).unwrap().active, 500);
}

#[test]
fn there_are_only_so_many_chunks_and_old_ones_make_room() {
    // Of a chain where bonds last longer than chunks are many.
    let durations = Some(Durations { bonding: 40, slash_defer: 2 });
    let mut world = World::new(&StakingGenesis { durations, ..four() });
    for epoch in 0..MAX_UNLOCKING_CHUNKS {
        world.reach_epoch(epoch);
        assert_eq!(world.call(11, Call::unbond { value: 1 }), Ok(()));
    }
    world.reach_epoch(MAX_UNLOCKING_CHUNKS);
    assert_eq!(world.call(11, Call::unbond { value: 1 }), error(Error::NoMoreChunks));
    world.reach_epoch(40);
    assert_eq!(world.call(11, Call::unbond { value: 1 }), Ok(()), "the first is due, and withdrawn");
    assert_eq!(world.ledger(11).unwrap().unlocking.len(), MAX_UNLOCKING_CHUNKS as usize);
}

#[test]
fn wrong_calls_about_bonds_say_what_is_wrong() {
    let mut world = World::new(&four());
    assert_eq!(world.call(14, bond(ED - 1)), error(Error::InsufficientBond));
    let payee = RewardDestination::Controller;
    assert_eq!(world.call(14, Call::bond { value: 100, payee }), error(Error::ControllerDeprecated));
    assert_eq!(world.call(1, Call::set_payee { payee }), error(Error::ControllerDeprecated));
    assert_eq!(world.call(14, Call::bond_extra { max_additional: 1 }), error(Error::NotStash));
    for what in [
        Call::unbond { value: 1 },
        withdraw(),
        Call::rebond { value: 1 },
        Call::set_payee { payee: RewardDestination::None },
        Call::chill,
        validate(0),
        nominate(&[1]),
        Call::kick { who: vec![] },
        Call::chill_other { stash: account(14) },
    ] {
        assert_eq!(world.call(14, what.clone()), error(Error::NotController), "{what:?}");
    }
    let reap = |number| Call::reap_stash { stash: account(number), num_slashing_spans: 0 };
    assert_eq!(world.call(14, reap(14)), error(Error::NotStash));
    assert_eq!(world.call(14, reap(1)), error(Error::FundedTarget));
    assert_eq!(world.root(bond(1)), Err(DispatchError::BadOrigin));
}

#[test]
fn roles_change_and_say_what_is_wrong() {
    let mut world = World::new(&four());
    assert_eq!(world.call(14, bond(700)), Ok(()));
    assert_eq!(world.call(14, nominate(&[])), error(Error::EmptyTargets));
    assert_eq!(world.call(14, nominate(&[1, 1])), error(Error::DuplicateIndex));
    assert_eq!(world.call(14, nominate(&[1, 9])), error(Error::BadTarget));
    let many: Vec<u8> = (1..=17).collect();
    assert_eq!(world.call(14, nominate(&many)), error(Error::TooManyTargets));
    assert_eq!(world.call(14, nominate(&[1, 2])), Ok(()));
    assert_eq!(COUNTER_FOR_NOMINATORS.get(&world.state), Ok(Some(4)));

    // Who is blocked keeps those it has.
    let prefs = ValidatorPrefs { blocked: true, ..Default::default() };
    assert_eq!(world.call(1, Call::validate { prefs }), Ok(()));
    assert_eq!(world.call(14, nominate(&[2, 1])), Ok(()));
    assert_eq!(world.call(13, nominate(&[1])), error(Error::BadTarget));
    assert_eq!(world.call(1, Call::kick { who: vec![account(14).into(), account(13).into()] }), Ok(()));
    let kicked: Vec<_> = world.events.iter().filter(|event| matches!(event, Event::Kicked { .. })).collect();
    assert_eq!(kicked, [&Event::Kicked { nominator: account(14), stash: account(1) }]);
    assert_eq!(NOMINATORS.get(&world.state, &account(14)).unwrap().unwrap().targets, [account(2)]);

    assert_eq!(world.call(14, validate(5)), Ok(()));
    assert_eq!(NOMINATORS.get(&world.state, &account(14)), Ok(None));
    assert_eq!(COUNTER_FOR_NOMINATORS.get(&world.state), Ok(Some(3)));
    assert_eq!(COUNTER_FOR_VALIDATORS.get(&world.state), Ok(Some(5)));
    assert_eq!(world.call(14, Call::chill), Ok(()));
    let chilled = Event::Chilled { stash: account(14) };
    assert!(world.events.contains(&chilled));
    assert_eq!(world.call(14, Call::chill), Ok(()));
    assert!(!world.events.contains(&chilled), "once is enough");
    assert_eq!(COUNTER_FOR_VALIDATORS.get(&world.state), Ok(Some(4)));
}

fn configs() -> Call {
    Call::set_staking_configs {
        min_nominator_bond: ConfigOp::Set(400),
        min_validator_bond: ConfigOp::Set(900),
        max_nominator_count: ConfigOp::Set(3),
        max_validator_count: ConfigOp::Set(4),
        chill_threshold: ConfigOp::Noop,
        min_commission: ConfigOp::Set(Perbill::from_percent(3)),
        max_staked_rewards: ConfigOp::Remove,
    }
}

#[test]
fn limits_hold_for_whoever_comes_and_whoever_shrinks() {
    let mut world = World::new(&four());
    assert_eq!(world.call(1, configs()), Err(DispatchError::BadOrigin));
    assert_eq!(world.root(configs()), Ok(()));
    assert_eq!(world.call(14, bond(399)), Ok(()));
    assert_eq!(world.call(14, nominate(&[1])), error(Error::InsufficientBond));
    assert_eq!(world.call(14, validate(3)), error(Error::InsufficientBond));
    assert_eq!(world.call(14, Call::bond_extra { max_additional: 1_000 }), Ok(()));
    assert_eq!(world.call(14, nominate(&[1])), error(Error::TooManyNominators));
    assert_eq!(world.call(14, validate(2)), error(Error::CommissionTooLow));
    assert_eq!(world.call(14, validate(3)), error(Error::TooManyValidators));
    assert_eq!(world.call(1, validate(3)), Ok(()), "who validates may change its terms");
    assert_eq!(world.call(11, Call::unbond { value: 101 }), error(Error::InsufficientBond));
    assert_eq!(world.call(11, Call::unbond { value: 100 }), Ok(()));
    assert_eq!(world.call(1, Call::unbond { value: 101 }), error(Error::InsufficientBond));
    // Who chills first may take out all.
    assert_eq!(world.call(1, Call::chill), Ok(()));
    assert_eq!(world.call(1, Call::unbond { value: 1_000 }), Ok(()));

    assert_eq!(
        world.call(5, Call::force_apply_min_commission { validator_stash: account(2) }),
        Ok(()),
        "anybody may ask for it"
    );
    let prefs = VALIDATORS.get(&world.state, &account(2)).unwrap().unwrap();
    assert_eq!(prefs.commission, Perbill::from_percent(3));
    let of_none = Call::force_apply_min_commission { validator_stash: account(9) };
    assert_eq!(world.call(5, of_none), error(Error::NotStash));
}

#[test]
fn others_chill_only_small_stakes_of_a_crowded_chain() {
    let mut world = World::new(&four());
    let other = |number| Call::chill_other { stash: account(number) };
    assert_eq!(world.call(5, other(11)), error(Error::CannotChillOther));
    assert_eq!(world.root(configs()), Ok(()));
    assert_eq!(world.call(5, other(11)), error(Error::CannotChillOther), "no threshold");
    let set = |threshold, least| Call::set_staking_configs {
        min_nominator_bond: ConfigOp::Set(least),
        min_validator_bond: ConfigOp::Noop,
        max_nominator_count: ConfigOp::Noop,
        max_validator_count: ConfigOp::Noop,
        chill_threshold: ConfigOp::Set(Percent::from_percent(threshold)),
        min_commission: ConfigOp::Noop,
        max_staked_rewards: ConfigOp::Noop,
    };
    assert_eq!(world.root(set(100, 501)), Ok(()));
    assert_eq!(world.call(5, other(11)), error(Error::CannotChillOther), "not crowded: 3 of 3");
    assert_eq!(world.root(set(60, 500)), Ok(()));
    assert_eq!(world.call(5, other(11)), error(Error::CannotChillOther), "has enough");
    assert_eq!(world.root(set(60, 501)), Ok(()));
    assert_eq!(world.call(5, other(11)), Ok(()));
    assert!(world.events.contains(&Event::Chilled { stash: account(11) }));
    assert_eq!(world.call(12, other(12)), Ok(()), "oneself always");
}

#[test]
fn root_sets_and_unstakes() {
    let mut world = World::new(&four());
    let count = |world: &World| VALIDATOR_COUNT.get_or_default(&world.state).unwrap();
    assert_eq!(count(&world), 4);
    assert_eq!(world.root(Call::set_validator_count { new: 401 }), error(Error::TooManyValidators));
    assert_eq!(world.root(Call::set_validator_count { new: 10 }), Ok(()));
    assert_eq!(world.root(Call::increase_validator_count { additional: 5 }), Ok(()));
    assert_eq!(world.root(Call::scale_validator_count { factor: Percent::from_percent(20) }), Ok(()));
    assert_eq!(count(&world), 18);
    let too_many = Call::increase_validator_count { additional: u32::MAX };
    assert_eq!(world.root(too_many), error(Error::TooManyValidators));
    for what in [
        Call::force_no_eras,
        Call::set_validator_count { new: 1 },
        Call::set_min_commission { new: Perbill::from_percent(1) },
    ] {
        assert_eq!(world.call(1, what), Err(DispatchError::BadOrigin));
    }
    let all = (0..=INVULNERABLES_MAX as u8).map(account).collect();
    assert_eq!(world.root(Call::set_invulnerables { invulnerables: all }), error(Error::BoundNotMet));

    let unstake = |number| Call::force_unstake { stash: account(number), num_slashing_spans: 0 };
    assert_eq!(world.root(unstake(14)), error(Error::NotStash));
    assert_eq!(world.root(unstake(11)), Ok(()));
    assert_eq!((world.ledger(11), world.free(account(11))), (None, START));
    assert_eq!(COUNTER_FOR_NOMINATORS.get(&world.state), Ok(Some(2)));
}
