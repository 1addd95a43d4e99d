//! The rules of the pool, one by one.

use std::collections::BTreeSet;

use basalt_pool::{Effects, Full, Inserted, Limits, Pool, PoolError, PoolErrorKind, TransactionStatus};
use basalt_primitives::{H256, ValidTransaction};

use crate::{candidate, toy::Order};

fn insert(pool: &mut Pool, sender: u8, nonce: u32, priority: u64) -> Result<H256, PoolError> {
    let candidate = candidate(sender, Order::new(nonce, priority), 0);
    let hash = candidate.verified.hash;
    pool.insert(candidate, &mut Effects::new()).map(|_| hash)
}

fn offered(pool: &Pool) -> Vec<H256> {
    pool.ready().map(|verified| verified.hash).collect()
}

#[test]
fn a_transaction_that_fills_the_gap_makes_its_successors_ready() {
    let mut pool = Pool::new(Limits::tiny(), 0);
    let later = insert(&mut pool, 1, 1, 5).expect("there is room");
    assert_eq!(offered(&pool), []);
    let mut effects = Effects::new();
    let first = candidate(1, Order::new(0, 1), 0);
    let hash = first.verified.hash;
    assert_eq!(pool.insert(first, &mut effects), Ok(Inserted::Ready));
    assert_eq!(effects, [(hash, TransactionStatus::Ready), (later, TransactionStatus::Ready)]);
    assert_eq!(offered(&pool), [hash, later]);
}

#[test]
fn only_a_tenth_more_replaces_a_transaction() {
    let mut pool = Pool::new(Limits::tiny(), 0);
    let old = insert(&mut pool, 1, 0, 100).expect("there is room");
    let error = insert(&mut pool, 1, 0, 109).expect_err("9 % is too little");
    assert_eq!(error.kind, PoolErrorKind::PriorityTooLow { old: 100, new: 109 });
    assert_eq!(offered(&pool), [old]);
    let mut effects = Effects::new();
    let new = candidate(1, Order::new(0, 110), 0);
    let hash = new.verified.hash;
    pool.insert(new, &mut effects).expect("10 % is enough");
    assert_eq!(effects, [(hash, TransactionStatus::Ready), (old, TransactionStatus::Usurped(hash))]);
    assert_eq!(offered(&pool), [hash]);
}

#[test]
fn equal_priorities_do_not_replace_even_when_nothing_is_paid() {
    let mut pool = Pool::new(Limits::tiny(), 0);
    insert(&mut pool, 1, 0, 0).expect("there is room");
    let same_price = Order { payload: vec![1], ..Order::new(0, 0) };
    let error = pool.insert(candidate(1, same_price, 0), &mut Effects::new());
    assert!(matches!(error, Err(PoolError { kind: PoolErrorKind::PriorityTooLow { .. }, .. })));
}

#[test]
fn a_cheap_beginning_cannot_hide_behind_an_expensive_end() {
    let mut pool = Pool::new(Limits { transactions_max: 3, ..Limits::tiny() }, 0);
    let cheap = insert(&mut pool, 1, 0, 1).expect("there is room");
    let dear = insert(&mut pool, 1, 1, 1000).expect("there is room");
    let middle = insert(&mut pool, 2, 0, 10).expect("there is room");
    let mut effects = Effects::new();
    let new = candidate(3, Order::new(0, 5), 0);
    let hash = new.verified.hash;
    pool.insert(new, &mut effects).expect("it pays more than the cheapest");
    assert_eq!(effects, [(hash, TransactionStatus::Ready), (dear, TransactionStatus::Dropped)]);
    assert_eq!(offered(&pool), [middle, hash, cheap]);
}

#[test]
fn a_newcomer_that_pays_least_stays_out_and_nobody_notices() {
    let mut pool = Pool::new(Limits { transactions_max: 2, ..Limits::tiny() }, 0);
    let first = insert(&mut pool, 1, 0, 5).expect("there is room");
    let second = insert(&mut pool, 2, 0, 5).expect("there is room");
    let mut effects = Effects::new();
    let error = pool.insert(candidate(3, Order::new(0, 5), 0), &mut effects).expect_err("it is no better");
    assert_eq!(error.kind, PoolErrorKind::Full(Full::Pool));
    assert_eq!(effects, []);
    assert_eq!(offered(&pool), [first, second]);
}

#[test]
fn waiting_transactions_go_before_ready_ones_whatever_they_promise() {
    let mut pool = Pool::new(Limits { transactions_max: 2, ..Limits::tiny() }, 0);
    let future = insert(&mut pool, 1, 1, 1_000_000).expect("there is room");
    insert(&mut pool, 2, 0, 1).expect("there is room");
    insert(&mut pool, 3, 0, 1).expect("the future one makes room");
    assert!(!pool.contains(&future));
}

#[test]
fn one_sender_cannot_take_more_than_its_share() {
    let mut pool = Pool::new(Limits::tiny(), 0);
    for nonce in 0..4 {
        insert(&mut pool, 1, nonce, 5).expect("there is room");
    }
    let error = insert(&mut pool, 1, 4, 500).expect_err("four are its share");
    assert_eq!(error.kind, PoolErrorKind::Full(Full::Sender));
    insert(&mut pool, 2, 0, 1).expect("others are not concerned");
}

#[test]
fn a_sender_at_its_limit_can_still_fill_the_gap() {
    let mut pool = Pool::new(Limits::tiny(), 0);
    let mut last = H256::zero();
    for nonce in 1..5 {
        last = insert(&mut pool, 1, nonce, 5).expect("there is room");
    }
    insert(&mut pool, 1, 0, 5).expect("the last one makes room");
    assert!(!pool.contains(&last));
    assert_eq!(pool.status().ready, 4);
}

#[test]
fn a_mortal_transaction_is_invalid_after_its_last_block() {
    let mut pool = Pool::new(Limits::tiny(), 10);
    let order = Order { longevity: 2, ..Order::new(0, 1) };
    let mortal = candidate(1, order, 0);
    let hash = mortal.verified.hash;
    pool.insert(mortal, &mut Effects::new()).expect("there is room");
    let mut effects = Effects::new();
    pool.on_block(11, &[], &mut effects);
    assert_eq!(effects, [], "block 12 may include it");
    pool.on_block(12, &[], &mut effects);
    assert_eq!(effects, [(hash, TransactionStatus::Invalid)]);
    assert_eq!(pool.status().ready, 0);
}

#[test]
fn a_fresh_validation_prolongs_a_mortal_transaction() {
    let mut pool = Pool::new(Limits::tiny(), 10);
    let hash = {
        let mortal = candidate(1, Order { longevity: 1, ..Order::new(0, 1) }, 0);
        let hash = mortal.verified.hash;
        pool.insert(mortal, &mut Effects::new()).expect("there is room");
        hash
    };
    pool.revalidated(&hash, &ValidTransaction { longevity: 5, ..ValidTransaction::default() });
    pool.on_block(14, &[], &mut Effects::new());
    assert!(pool.contains(&hash));
    pool.on_block(15, &[], &mut Effects::new());
    assert!(!pool.contains(&hash));
}

#[test]
fn an_included_transaction_is_refused_for_some_blocks_and_after_a_reorganisation_taken_again() {
    let mut pool = Pool::new(Limits::tiny(), 0);
    let hash = insert(&mut pool, 1, 0, 1).expect("there is room");
    let block = H256::repeat_byte(1);
    let mut effects = Effects::new();
    pool.on_block(1, &[(block, vec![hash])], &mut effects);
    assert_eq!(effects, [(hash, TransactionStatus::InBlock(block))]);
    assert_eq!(pool.admits(&hash).map_err(|error| error.kind), Err(PoolErrorKind::Banned));
    pool.on_retracted(&[hash]);
    assert_eq!(pool.admits(&hash), Ok(()));
    pool.ban(hash);
    pool.on_block(3, &[], &mut effects);
    assert!(pool.admits(&hash).is_err(), "banned at block 1 for two blocks");
    pool.on_block(4, &[], &mut effects);
    assert_eq!(pool.admits(&hash), Ok(()));
}

#[test]
fn bans_are_bounded_and_the_oldest_is_forgotten() {
    let mut pool = Pool::new(Limits::tiny(), 0);
    let hashes: Vec<_> = (1..=5).map(H256::repeat_byte).collect();
    for hash in &hashes {
        pool.ban(*hash);
    }
    assert!(pool.admits(&hashes[0]).is_ok());
    assert!(hashes[1..].iter().all(|hash| pool.admits(hash).is_err()));
}

#[test]
fn revalidation_is_bounded_and_everybody_has_a_turn() {
    for (per_sender, senders) in [(1, 8), (4, 2), (3, 1), (2, 3)] {
        let mut pool = Pool::new(Limits::tiny(), 0);
        let mut all = BTreeSet::new();
        for sender in 1..=senders {
            for nonce in 0..per_sender {
                all.insert(insert(&mut pool, sender, nonce, 1).expect("there is room"));
            }
        }
        let mut seen = BTreeSet::new();
        // Two rounds of four cover eight; a third one for where the first began in the middle.
        for _ in 0..3 {
            let chosen = pool.revalidation(&BTreeSet::new());
            assert!(chosen.len() <= Limits::tiny().revalidated_max);
            let hashes: BTreeSet<_> = chosen.iter().map(|verified| verified.hash).collect();
            assert_eq!(hashes.len(), chosen.len(), "none twice");
            seen.extend(hashes);
        }
        assert_eq!(seen, all);
    }
}

#[test]
fn senders_that_a_block_touched_are_revalidated_first() {
    let mut pool = Pool::new(Limits::tiny(), 0);
    for sender in 1..=7 {
        insert(&mut pool, sender, 0, 1).expect("there is room");
    }
    let touched = insert(&mut pool, 8, 0, 1).expect("there is room");
    let chosen = pool.revalidation(&[[8; 32].into()].into());
    assert_eq!(chosen[0].hash, touched);
    assert_eq!(chosen.len(), 4);
}

#[test]
fn revalidation_passes_over_what_a_flood_left_behind() {
    let limits = Limits {
        transactions_max: 1000,
        bytes_max: 1 << 20,
        evictions_max: 1000,
        revalidated_max: 2,
        ..Limits::tiny()
    };
    let mut pool = Pool::new(limits, 0);
    let hashes: Vec<_> =
        (1..=200).map(|sender| insert(&mut pool, sender, 0, 1).expect("there is room")).collect();
    // All but the first and the last are gone, and their slots are free.
    pool.remove_invalid(&hashes[1..199], &mut Effects::new());
    let mut seen = BTreeSet::new();
    for _ in 0..100 {
        seen.extend(pool.revalidation(&BTreeSet::new()).iter().map(|verified| verified.hash));
    }
    assert_eq!(seen, [hashes[0], hashes[199]].into());
}

#[test]
fn evictions_begin_anew_after_the_pool_was_half_empty() {
    let mut pool = Pool::new(Limits::tiny(), 0);
    for round in 0..2 {
        let cheap = insert(&mut pool, 1, round, 1).expect("there is room");
        let hashes: Vec<_> = (2..=9)
            .map(|sender| insert(&mut pool, sender, round, 5).expect("the cheap one makes room"))
            .collect();
        assert!(!pool.contains(&cheap));
        pool.on_block(round + 1, &[(H256::zero(), hashes)], &mut Effects::new());
        assert_eq!(pool.status().ready, 0);
        for sender in 1..=9 {
            pool.set_nonce(&[sender; 32].into(), round + 1, &mut Effects::new());
        }
    }
}
