//! Who is elected when, and what is kept of it.

use alloc::{format, string::ToString};

use types::{Forcing, PagedExposureMetadata};

use super::*;

fn numbers(set: &[AccountId]) -> Vec<u8> {
    set.iter().map(|who| who.0[0]).collect()
}

fn overview(world: &World, era: u32, who: u8) -> Option<PagedExposureMetadata> {
    ERAS_STAKERS_OVERVIEW.get(&world.state, &era, &account(who)).unwrap()
}

#[test]
fn the_set_of_genesis_has_all_stakes_and_stays_for_two_epochs() {
    let mut world = World::new(&four());
    assert_eq!(numbers(&world.set()), [1, 2, 3, 4]);
    let stakes =
        |world: &World, era| (1..=4).map(|who| overview(world, era, who).unwrap().total).sum::<Balance>();
    assert_eq!(stakes(&world, 0), 5_500);
    assert_eq!(ERAS_TOTAL_STAKE.get(&world.state, &0), Ok(Some(5_500)));
    assert_eq!((CURRENT_ERA.get(&world.state), STAKING.active_era(&world.state)), (Ok(Some(0)), Ok(Some(0))));
    world.block(|_| ());
    assert_eq!((CURRENT_ERA.get(&world.state), STAKING.active_era(&world.state)), (Ok(Some(1)), Ok(Some(0))));
    assert_eq!(overview(&world, 1, 1), overview(&world, 0, 1));
    world.reach_epoch(1);
    assert!(world.events.contains(&Event::StakersElected), "for epoch 2, from what was frozen in epoch 0");
    assert_eq!((CURRENT_ERA.get(&world.state), STAKING.active_era(&world.state)), (Ok(Some(2)), Ok(Some(1))));
    // Power is what stands behind each: nobody is capped here.
    let powers: Vec<_> =
        SESSION.validators(&world.state).unwrap().validators.iter().map(|one| one.power).collect();
    assert_eq!(powers.iter().sum::<u64>(), 5_500);
    world.reach_epoch(9);
    assert_eq!(stakes(&world, 10), 5_500);
}

#[test]
fn who_offers_itself_in_an_epoch_validates_in_the_third_after_it_and_who_chills_leaves_then() {
    let mut world = World::new(&StakingGenesis { validator_count: Some(3), ..four() });
    world.reach_epoch(2);
    assert_eq!(world.call(5, bond(9_000)), Ok(()));
    assert_eq!(world.call(5, validate(0)), Ok(()));
    assert_eq!(world.epoch(), 2);
    world.reach_epoch(4);
    assert!(!world.set().contains(&account(5)));
    assert_eq!(overview(&world, 5, 5).unwrap().own, 9_000, "announced an epoch ahead");
    let next: Vec<_> = SESSION.next(&world.state).unwrap().iter().map(|one| one.account).collect();
    assert!(next.contains(&account(5)));
    world.reach_epoch(5);
    assert!(world.set().contains(&account(5)));
    assert_eq!(world.call(5, Call::chill), Ok(()));
    world.reach_epoch(7);
    assert!(world.set().contains(&account(5)));
    world.reach_epoch(8);
    assert!(!world.set().contains(&account(5)));
}

#[test]
fn who_has_no_keys_or_too_little_is_no_candidate() {
    let mut world = World::new(&StakingGenesis { min_validator_bond: 900, ..four() });
    assert_eq!(world.call(14, bond(50_000)), Ok(()));
    assert_eq!(world.call(14, validate(0)), Ok(()), "keys may come later");
    world.reach_epoch(3);
    let frozen = SNAPSHOTS.get(&world.state, &3).unwrap().unwrap();
    let candidates: Vec<_> = frozen.candidates.iter().map(|one| one.who.0[0]).collect();
    assert_eq!(candidates, [1, 2, 3, 4], "largest first, then by account");
    let voters = SNAPSHOT_VOTERS.get(&world.state, &3, &0).unwrap().unwrap();
    assert_eq!(voters.len(), 3);
    assert_eq!(voters[2].targets, [1, 2, 3]);
    assert_eq!(MINIMUM_ACTIVE_STAKE.get(&world.state), Ok(Some(500)));
    // Only what was frozen last is kept: the one before it is used.
    assert_eq!(SNAPSHOTS.get(&world.state, &2), Ok(None));
    assert_eq!(SNAPSHOT_VOTERS.get(&world.state, &2, &0), Ok(None));
}

#[test]
fn without_enough_candidates_the_set_stays_with_what_stands_behind_it() {
    let mut world = World::new(&StakingGenesis { minimum_validator_count: 3, ..four() });
    for who in [1, 2] {
        assert_eq!(world.call(who, Call::chill), Ok(()));
    }
    world.reach_epoch(1);
    assert!(world.events.contains(&Event::StakersElected), "frozen before");
    world.reach_epoch(2);
    assert!(world.events.contains(&Event::StakingElectionFailed));
    world.reach_epoch(6);
    assert_eq!(numbers(&world.set()), [1, 2, 3, 4]);
    assert_eq!(overview(&world, 7, 1), overview(&world, 2, 1));
    assert_eq!(world.call(1, validate(0)), Ok(()));
    world.reach_epoch(9);
    assert_eq!(numbers(&world.set()), [1, 3, 4]);
}

#[test]
fn root_stops_elections_and_starts_them_again() {
    let mut world = World::new(&StakingGenesis { force_era: Forcing::ForceNone, ..four() });
    assert_eq!(world.call(1, Call::chill), Ok(()));
    world.reach_epoch(5);
    assert_eq!(numbers(&world.set()), [1, 2, 3, 4]);
    assert_eq!(STAKING.active_era(&world.state), Ok(Some(5)), "eras go on");
    assert_eq!(world.root(Call::force_new_era), Ok(()));
    world.reach_epoch(7);
    assert_eq!(numbers(&world.set()), [2, 3, 4], "by what was frozen meanwhile");
}

#[test]
fn a_chain_without_stakers_goes_on_without_elections_until_root_wants_some() {
    let mut world = World::new(&StakingGenesis::default());
    assert_eq!(world.set(), []);
    assert_eq!(world.call(5, bond(500)), Ok(()));
    assert_eq!(world.call(5, validate(0)), Ok(()));
    assert_eq!(world.call(6, bond(500)), Ok(()));
    assert_eq!(world.call(6, Call::unbond { value: 500 }), Ok(()));
    world.reach_epoch(8);
    assert_eq!(world.call(6, withdraw()), Ok(()));
    assert_eq!(world.ledger(6), None, "what is bonded comes back there, too");
    assert_eq!((world.set(), world.issuance()), (vec![], 14 * START), "nobody is elected, nothing issued");
    assert_eq!(world.root(Call::set_validator_count { new: 4 }), Ok(()));
    world.reach_epoch(10);
    assert_eq!(numbers(&world.set()), [5]);
}

#[test]
fn old_eras_are_forgotten() {
    let mut world = World::new(&four());
    world.reach_epoch(3);
    let sizes = |world: &World| world.state.0.len();
    world.reach_epoch(HISTORY_DEPTH + 20);
    let full = sizes(&world);
    assert_eq!(overview(&world, 18, 1), None);
    assert!(overview(&world, 20, 1).is_some());
    assert_eq!(ERAS_VALIDATOR_REWARD.get(&world.state, &19), Ok(None));
    world.reach_epoch(HISTORY_DEPTH + 40);
    assert_eq!(sizes(&world), full, "nothing grows");
}

#[test]
fn a_genesis_that_makes_no_sense_says_which_entry_does_not() {
    let fails = |change: &dyn Fn(&mut StakingGenesis)| {
        let mut config = four();
        change(&mut config);
        match World::try_new(&config) {
            Ok(_) => panic!("it makes a chain"),
            Err(error) => error,
        }
    };
    let at = |number| account(number).to_string();
    for (text, wanted) in [
        (fails(&|config| config.stakers[1].1 = 2 * START), format!("{} cannot have 2000000", at(2))),
        (fails(&|config| config.stakers[1].1 = ED - 1), format!("{}: InsufficientBond", at(2))),
        (fails(&|config| config.stakers[1].0 = account(1)), format!("{}: AlreadyBonded", at(1))),
        (
            fails(&|config| config.stakers[4].2 = StakerStatus::Nominator(vec![account(9)])),
            format!("{}: BadTarget", at(11)),
        ),
        (
            fails(&|config| config.stakers.push((account(14), 100, StakerStatus::Validator))),
            format!("{} is to validate, but has no keys", at(14)),
        ),
        (fails(&|config| config.validator_count = Some(401)), "validatorCount is 401".to_string()),
        (fails(&|config| config.minimum_validator_count = 5), "minimumValidatorCount is 5".to_string()),
        (
            fails(&|config| config.durations = Some(Durations { bonding: 4, slash_defer: 1 })),
            "bondingDuration is 4".to_string(),
        ),
        (
            fails(&|config| config.durations = Some(Durations { bonding: 85, slash_defer: 1 })),
            "bondingDuration is 85".to_string(),
        ),
        (fails(&|config| config.invulnerables = vec![account(1); 21]), "21 invulnerables".to_string()),
        (
            fails(&|config| {
                config.stakers.retain(|(_, _, does)| *does != StakerStatus::Validator);
                config.stakers.clear();
                config.stakers.push((account(1), 100, StakerStatus::Validator));
                config.validator_count = Some(2);
                config.minimum_validator_count = 2;
            }),
            "1 validators are elected".to_string(),
        ),
    ] {
        assert!(text.contains(&wanted), "{text} // {wanted}");
    }
}
