//! What an offence costs, whom, and when; and that nothing helps against it.

use alloc::collections::BTreeMap;

use types::{Durations, SlashKey};

use super::*;

const HALF: Perbill = Perbill::from_percent(50);
const TENTH: Perbill = Perbill::from_percent(10);

fn slash(world: &mut World, who: u8, epoch: u32, fraction: Perbill) {
    world.block(|ctx| STAKING.slash(ctx, &account(who), epoch, fraction, &[account(9)])).unwrap();
}

/// Who lost how much in the last block.
fn slashed(world: &World) -> BTreeMap<u8, Balance> {
    let mut losses = BTreeMap::new();
    for event in &world.events {
        if let Event::Slashed { staker, amount } = event {
            *losses.entry(staker.0[0]).or_default() += amount;
        }
    }
    losses
}

/// Validator 1 has 1,000 and nominators 11 and 12 with 500 and 250 behind it; the others have 2,000 each, so that it can be
/// left out of a set.
fn config() -> StakingGenesis {
    let stake = |number| if number == 1 { 1_000 } else { 2_000 };
    let mut stakers: Vec<_> =
        (1..=4).map(|number| (account(number), stake(number), StakerStatus::Validator)).collect();
    stakers.push((account(11), 500, StakerStatus::Nominator(vec![account(1)])));
    stakers.push((account(12), 250, StakerStatus::Nominator(vec![account(1)])));
    StakingGenesis { stakers, slash_reward_fraction: TENTH, ..StakingGenesis::default() }
}

#[test]
fn an_offence_costs_exactly_its_fraction_after_the_deferral() {
    let mut world = World::new(&config());
    world.reach_epoch(3);
    slash(&mut world, 1, 3, TENTH);
    let reported = Event::SlashReported { validator: account(1), fraction: TENTH, slash_era: 3 };
    assert!(world.events.contains(&reported));
    assert!(world.events.contains(&Event::Chilled { stash: account(1) }), "at once");
    assert!(world.set().contains(&account(1)));
    world.reach_epoch(4);
    assert!(!world.set().contains(&account(1)), "and out of the next set");
    assert_eq!(world.ledger(1).unwrap().total, 1_000, "not yet");
    let (treasury, reporter) = (world.free(TREASURY), world.free(account(9)));
    world.reach_epoch(5);
    assert_eq!(slashed(&world), BTreeMap::from([(1, 100), (11, 50), (12, 25)]));
    assert_eq!(world.ledger(11).unwrap().active, 450);
    assert_eq!(world.free(account(9)) - reporter, 17, "a tenth of it for who told");
    assert_eq!(world.free(TREASURY) - treasury, 175 - 17);
    world.reach_epoch(6);
    assert_eq!(slashed(&world), BTreeMap::new(), "once");
    world.reach_epoch(8);
    assert!(!world.set().contains(&account(1)));
    // It may come back.
    assert_eq!(world.call(1, validate(0)), Ok(()));
    world.reach_epoch(12);
    assert!(world.set().contains(&account(1)));
}

#[test]
fn of_one_epoch_only_the_largest_fraction_counts_and_epochs_add_up() {
    let mut world = World::new(&config());
    world.reach_epoch(3);
    slash(&mut world, 1, 3, TENTH);
    slash(&mut world, 1, 3, TENTH);
    slash(&mut world, 1, 3, Perbill::from_percent(5));
    slash(&mut world, 1, 3, HALF);
    // The same fraction in the same era for another epoch: it waits under the same key.
    slash(&mut world, 1, 2, HALF);
    world.reach_epoch(5);
    let first = slashed(&world);
    world.reach_epoch(6);
    let mut all = slashed(&world);
    for (who, amount) in first {
        *all.entry(who).or_default() += amount;
    }
    // Half of epoch 3's stake and half of epoch 2's.
    assert_eq!(all, BTreeMap::from([(1, 1_000), (11, 500), (12, 250)]));
    assert_eq!(world.ledger(1).unwrap().total, 0);
    assert_eq!(
        world.call(5, Call::reap_stash { stash: account(1), num_slashing_spans: 0 }),
        Ok(()),
        "nothing is left of it"
    );
}

#[test]
fn nothing_that_a_stash_does_saves_it() {
    type Dodge = fn(&mut World);
    let dodges: [(&str, Dodge); 8] = [
        ("nothing", |_| ()),
        ("unbond", |world| world.call(11, Call::unbond { value: Balance::MAX }).unwrap()),
        ("unbond and rebond", |world| {
            world.call(11, Call::unbond { value: 400 }).unwrap();
            world.call(11, Call::rebond { value: 150 }).unwrap();
        }),
        ("unbond and withdraw", |world| {
            world.call(11, Call::unbond { value: 500 }).unwrap();
            world.call(11, withdraw()).unwrap();
        }),
        ("nominate others", |world| world.call(11, nominate(&[2])).unwrap()),
        ("chill", |world| world.call(11, Call::chill).unwrap()),
        ("be kicked", |world| world.call(1, Call::kick { who: vec![account(11).into()] }).unwrap()),
        ("give all away", |world| {
            world.block(|ctx| {
                let all = BALANCES.reducible_balance(ctx, &account(11), false).unwrap();
                BALANCES.transfer(ctx, &account(11), &account(14), all, false).unwrap();
                // A lock overlaps with what is held: it protects nothing.
                let reasons = basalt_pallet_balances::types::Reasons::All;
                BALANCES.set_lock(ctx, *b"vote    ", &account(11), 500, reasons).unwrap();
            });
        }),
    ];
    for (name, dodge) in dodges {
        let mut world = World::new(&config());
        world.reach_epoch(3);
        world.block(|_| ());
        // In the epoch before the offence, the stake being frozen already.
        dodge(&mut world);
        world.reach_epoch(5);
        slash(&mut world, 1, 4, HALF);
        world.reach_epoch(7);
        assert_eq!(slashed(&world).get(&11), Some(&250), "{name}");
    }
}

#[test]
fn the_latest_report_comes_before_the_stake_can_go() {
    let mut world = World::new(&config());
    let durations = STAKING.durations;
    // Frozen at the beginning of epoch 3, so that it counts until the end of epoch 5, and unbonded right then.
    world.reach_epoch(3);
    assert_eq!(world.call(11, Call::unbond { value: 500 }), Ok(()));
    assert_eq!(world.epoch(), 3);
    let reported = 5 + durations.evidence_window().unwrap();
    world.reach_epoch(reported);
    slash(&mut world, 1, 5, HALF);
    let due = reported + durations.slash_defer;
    world.reach_epoch(due);
    assert_eq!(slashed(&world).get(&11), Some(&250));
    world.reach_epoch(3 + durations.bonding - 1);
    assert_eq!(world.call(11, withdraw()), Ok(()));
    assert_eq!(world.ledger(11).unwrap().total, 250, "not yet");
    world.reach_epoch(3 + durations.bonding);
    assert_eq!(world.call(11, withdraw()), Ok(()));
    assert_eq!(world.ledger(11), None);
    // Later reports are too late.
    slash(&mut world, 1, 5, Perbill::from_percent(100));
    assert!(world.events.contains(&Event::OldSlashingReportDiscarded { session_index: 5 }));
}

#[test]
fn reports_about_those_without_stake_or_above_punishment_change_nothing() {
    let mut world = World::new(&StakingGenesis { invulnerables: vec![account(2)], ..config() });
    world.reach_epoch(3);
    let before = world.state.clone();
    slash(&mut world, 2, 3, HALF);
    slash(&mut world, 5, 3, HALF);
    assert!(UNAPPLIED_SLASHES.iter_prefix(&world.state, &3).next().is_none());
    assert_eq!(VALIDATORS.contains(&world.state, &account(2)), VALIDATORS.contains(&before, &account(2)));
}

#[test]
fn root_takes_slashes_back() {
    let mut world = World::new(&config());
    world.reach_epoch(3);
    slash(&mut world, 1, 3, TENTH);
    slash(&mut world, 2, 3, TENTH);
    let key = |who, fraction| -> SlashKey { (account(who), fraction, 0) };
    let cancel = |slash_keys| Call::cancel_deferred_slash { era: 3, slash_keys };
    world.block(|ctx| {
        let mut root = |keys| call(ctx, Origin::Root, cancel(keys));
        assert_eq!(root(vec![]), error(Error::EmptyTargets));
        assert_eq!(root(vec![key(1, TENTH), key(1, TENTH)]), error(Error::DuplicateIndex));
        assert_eq!(root(vec![key(1, HALF)]), error(Error::InvalidSlashRecord));
        assert_eq!(root(vec![key(1, TENTH), key(1, HALF)]), error(Error::InvalidSlashRecord));
        let by_account = call(ctx, Origin::Signed(account(1)), cancel(vec![key(1, TENTH)]));
        assert_eq!(by_account, Err(DispatchError::BadOrigin));
        assert_eq!(call(ctx, Origin::Root, cancel(vec![key(1, TENTH)])), Ok(()));
    });
    assert_eq!(CANCELED_SLASH_PAYOUT.get(&world.state), Ok(Some(17)));
    world.reach_epoch(5);
    assert_eq!(slashed(&world), BTreeMap::from([(2, 200)]));

    let manual = |era| Call::manual_slash { validator_stash: account(3), era, slash_fraction: HALF };
    assert_eq!(world.root(manual(50)), error(Error::EraNotStarted));
    let of_none = Call::manual_slash { validator_stash: account(9), era: 5, slash_fraction: HALF };
    assert_eq!(world.root(of_none), error(Error::NotStash));
    world.reach_epoch(6);
    assert_eq!(world.root(manual(6)), Ok(()));
    world.reach_epoch(8);
    assert_eq!(slashed(&world), BTreeMap::from([(3, 1_000)]));
}

#[test]
fn a_block_slashes_a_page_and_nothing_is_withdrawn_meanwhile() {
    let mut world = World::new(&config());
    world.reach_epoch(3);
    world.block(|ctx| {
        // Pages that name somebody without a stake take their time, too.
        for page in 0..4 {
            let slash = types::UnappliedSlash {
                validator: account(100),
                own: 1,
                others: vec![(account(100), 7); 511],
                reporters: vec![],
                payout: 0,
            };
            UNAPPLIED_SLASHES.put(ctx, &3, &(account(100), HALF, page), &slash);
        }
    });
    assert_eq!(world.call(12, withdraw()), Ok(()));
    world.reach_epoch(5);
    let left = |world: &World| UNAPPLIED_SLASHES.iter_prefix(&world.state, &3).count();
    assert_eq!(left(&world), 2, "one page for the epoch, and one for the block");
    assert_eq!(world.call(12, withdraw()), error(Error::UnappliedSlashesInPreviousEra));
    assert_eq!(left(&world), 1);
    world.block(|_| ());
    assert_eq!(left(&world), 0);
    assert_eq!(world.call(12, withdraw()), Ok(()));
}

#[test]
fn without_a_deferral_the_next_block_slashes() {
    let durations = Some(Durations { bonding: 7, slash_defer: 0 });
    let mut world = World::new(&StakingGenesis { durations, ..config() });
    world.reach_epoch(3);
    for (fraction, loss) in [(TENTH, 100), (HALF, 400)] {
        slash(&mut world, 1, 3, fraction);
        assert_eq!(slashed(&world), BTreeMap::new());
        world.block(|_| ());
        assert_eq!(slashed(&world).get(&1), Some(&loss));
    }
}

#[test]
fn who_is_absent_is_out_and_loses_nothing() {
    let mut world = World::new(&config());
    world.reach_epoch(3);
    world.block(|ctx| STAKING.chill_absent(ctx, &account(2))).unwrap();
    assert!(world.events.contains(&Event::AbsentChilled { stash: account(2) }));
    world.reach_epoch(4);
    assert!(!world.set().contains(&account(2)));
    world.reach_epoch(9);
    assert!(!world.set().contains(&account(2)));
    assert_eq!(world.ledger(2).unwrap().total, 2_000);
}
