//! The beginning of an epoch with more stakers than an election takes.

use basalt_election::{CANDIDATES_MAX, VOTERS_MAX};
use basalt_pallet_session::NEXT_KEYS;
use order::Rank;
use types::{Nominations, ValidatorPrefs};

use super::*;

fn numbered(kind: u8, number: u32) -> AccountId {
    let mut bytes = [kind; 32];
    bytes[..4].copy_from_slice(&number.to_be_bytes());
    AccountId32(bytes)
}

/// More stakers than there is room for. Their accounts own nothing, so `try_state` would object: nobody looks there.
fn crowd(world: &World) -> Memory {
    let mut state = Overlay::new(&world.state);
    for number in 0..CANDIDATES_MAX + 5 {
        let (who, stake) = (numbered(101, number), START + Balance::from(number));
        VALIDATORS.put(&mut state, &who, &ValidatorPrefs::default());
        VALIDATORS_BY_STAKE.put(&mut state, &Rank::new(who, stake), &());
        let mut keys = keys(1);
        keys.grandpa[..4].copy_from_slice(&number.to_be_bytes());
        NEXT_KEYS.put(&mut state, &who, &keys);
    }
    for number in 0..VOTERS_MAX + 7 {
        let (who, stake) = (numbered(102, number), START + Balance::from(number));
        let target = |turn: u32| numbered(101, (number * 7 + turn * 61) % CANDIDATES_MAX);
        let targets = (0..MAX_NOMINATIONS).map(target).collect();
        NOMINATORS.put(&mut state, &who, &Nominations { targets, submitted_in: 0, suppressed: false });
        NOMINATORS_BY_STAKE.put(&mut state, &Rank::new(who, stake), &());
    }
    let mut crowded = world.state.clone();
    crowded.apply(&state.into_change_set().unwrap());
    crowded
}

#[test]
fn those_with_least_at_stake_are_cut_and_what_was_frozen_is_exposed_to_the_last_unit() {
    let mut world = World::new(&four());
    world.reach_epoch(2);
    let crowded = crowd(&world);
    let env = BlockEnv { number: 7, parent_hash: H256::zero(), digest: Digest::default(), author: None };
    let mut state = Overlay::new(&crowded);
    let mut ctx = Context::new(&mut state, &env, None);
    STAKING.freeze(&mut ctx, 2).unwrap();
    let cut = told(&ctx);
    assert!(cut.contains(&Event::SnapshotTargetsSizeExceeded { size: CANDIDATES_MAX }));
    assert!(cut.contains(&Event::SnapshotVotersSizeExceeded { size: VOTERS_MAX }));

    let snapshot = STAKING.thaw(&mut ctx, 2).unwrap().unwrap();
    assert_eq!(snapshot.candidates.len(), CANDIDATES_MAX as usize);
    assert_eq!(snapshot.candidates[0].who, numbered(101, CANDIDATES_MAX + 4), "largest first");
    // Who names one of the five smallest candidates has one target less, and nobody has none.
    assert_eq!(snapshot.voters.len(), VOTERS_MAX as usize);
    assert_eq!(MINIMUM_ACTIVE_STAKE.get(&ctx), Ok(Some(START + 7)));

    VALIDATOR_COUNT.put(&mut ctx, &100);
    let elected = STAKING.elected(&ctx, &snapshot, H256::zero()).unwrap().unwrap();
    assert_eq!(elected.len(), 100);
    STAKING.expose(&mut ctx, 4, &elected);
    let total = ERAS_TOTAL_STAKE.get(&ctx, &4).unwrap().unwrap();
    let behind: Balance =
        elected.iter().map(|one| one.own + one.others.iter().map(|other| other.value).sum::<Balance>()).sum();
    assert_eq!(total, behind);
    // Each nominator's stake is divided to the last unit.
    let mut shares = alloc::collections::BTreeMap::new();
    for other in elected.iter().flat_map(|one| &one.others) {
        *shares.entry(other.who).or_insert(0) += other.value;
    }
    let stakes: alloc::collections::BTreeMap<_, _> =
        snapshot.voters.iter().map(|voter| (voter.who, voter.stake)).collect();
    assert!(shares.iter().all(|(who, sum)| stakes[who] == *sum));
    assert!(
        elected
            .iter()
            .all(|one| one.others.len() < slashing::PAGES_MAX as usize * MAX_EXPOSURE_PAGE_SIZE as usize)
    );
}

/// `cargo test -p basalt-pallet-staking -- --ignored --nocapture how_long`
#[test]
#[ignore = "it prints figures"]
#[expect(clippy::disallowed_types, reason = "it measures")]
fn how_long_the_parts_of_an_epochs_beginning_take_at_the_limits() {
    let mut world = World::new(&four());
    world.reach_epoch(2);
    let crowded = crowd(&world);
    let env = BlockEnv { number: 7, parent_hash: H256::zero(), digest: Digest::default(), author: None };
    for _ in 0..5 {
        let mut state = Overlay::new(&crowded);
        let mut ctx = Context::new(&mut state, &env, None);
        let started = std::time::Instant::now();
        STAKING.freeze(&mut ctx, 2).unwrap();
        let frozen = started.elapsed();
        let snapshot = STAKING.thaw(&mut ctx, 2).unwrap().unwrap();
        let thawed = started.elapsed();
        VALIDATOR_COUNT.put(&mut ctx, &100);
        let elected = STAKING.elected(&ctx, &snapshot, H256::zero()).unwrap().unwrap();
        let chosen = started.elapsed();
        STAKING.expose(&mut ctx, 4, &elected);
        let exposed = started.elapsed();
        std::eprintln!(
            "freeze {frozen:?}, thaw {:?}, elect {:?}, expose {:?}",
            thawed - frozen,
            chosen - thawed,
            exposed - chosen
        );
    }
}
