//! Readers at any kept block while a writer commits.

use std::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    thread,
};

use basalt_db::{Db, Pruning};
use basalt_state::{StateError, Value};

use crate::chain::{TestBlock, commit_final, config, limits};

const KEYS: u32 = 64;
const BLOCKS: u32 = 1500;

fn mix(a: u32, b: u32) -> u32 {
    let mut x = u64::from(a) << 32 | u64::from(b);
    x = (x ^ (x >> 31)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (x >> 32) as u32
}

fn key(index: u32) -> Vec<u8> {
    format!("key {index:03}").into_bytes()
}

/// What block `number` does to a key: nothing, remove it, or set it. Key 0 changes in every block, the last ones rarely.
fn change(index: u32, number: u32) -> Option<Option<Value>> {
    let dice = mix(index, number);
    dice.is_multiple_of(index + 1).then(|| (!dice.is_multiple_of(7)).then(|| number.to_le_bytes().to_vec()))
}

/// All values at all blocks.
fn expected() -> Vec<Vec<Option<Value>>> {
    let mut state = vec![None; KEYS as usize];
    (0..BLOCKS)
        .map(|number| {
            for (index, value) in (0..).zip(&mut state) {
                if let Some(new) = change(index, number) {
                    *value = new;
                }
            }
            state.clone()
        })
        .collect()
}

fn write(db: &Db) {
    let mut parent = None;
    let mut number = 0;
    while number < BLOCKS {
        let together = if mix(number, 1).is_multiple_of(4) { 3 } else { 1 };
        let mut blocks = Vec::new();
        while blocks.len() < together && number < BLOCKS {
            let changes = (0..KEYS).filter_map(|index| Some((key(index), change(index, number)?))).collect();
            let block = TestBlock::new(parent, 0, changes);
            parent = Some(block.id);
            blocks.push(block);
            number += 1;
        }
        commit_final(db, &blocks).unwrap();
    }
}

/// Reads at random kept blocks, mostly recent ones, until the writer is done and then once more.
fn read(db: &Db, seed: u32, done: &AtomicBool, exact: &AtomicU64, expected: &[Vec<Option<Value>>]) {
    let mut turn = seed;
    loop {
        let last = done.load(Ordering::Acquire);
        let Some(finalized) = db.finalized() else { continue };
        for _ in 0..50 {
            turn += 1;
            let dice = mix(turn, seed);
            let back = if dice.is_multiple_of(2) { 0 } else { dice / 2 % 45 };
            let at = finalized.number.saturating_sub(back);
            let index = mix(seed, turn) % KEYS;
            let state = &expected[at as usize];
            let next = state.iter().enumerate().skip(index as usize + 1).find(|(_, value)| value.is_some());
            let answers = [
                db.get_at(at, &key(index)).map(|value| value == state[index as usize]),
                db.next_key_at(at, &key(index))
                    .map(|found| found == next.map(|(index, _)| key(index as u32))),
                // Rarely: all keys, and all changes.
                if dice.is_multiple_of(32) { right_list(db, at, state) } else { Ok(true) },
                if dice.is_multiple_of(64) { right_undo(db, at, state) } else { Ok(true) },
            ];
            for answer in answers {
                match answer {
                    Ok(right) => {
                        assert!(right, "key {index} at block {at}, final {finalized:?}");
                        exact.fetch_add(1, Ordering::Relaxed);
                    }
                    Err(StateError::Pruned(_)) => assert!(db.oldest_state() > at),
                    Err(error) => panic!("{error}"),
                }
            }
        }
        if last {
            return;
        }
    }
}

fn right_list(db: &Db, at: u32, state: &[Option<Value>]) -> Result<bool, StateError> {
    let keys = (0..).zip(state).filter(|(_, value)| value.is_some()).map(|(index, _)| key(index));
    Ok(db.keys_at(at, b"", usize::MAX)? == keys.collect::<Vec<_>>())
}

/// What is undone has the values of that block. Which keys are, depends on the block that is final now.
fn right_undo(db: &Db, at: u32, state: &[Option<Value>]) -> Result<bool, StateError> {
    let undo = db.undo_to(at)?;
    Ok((0..).zip(state).all(|(index, value)| undo.get(&key(index)).is_none_or(|old| old == value.as_ref())))
}

fn race(cache_bytes: usize, blocks: u32) {
    let directory = tempfile::tempdir().unwrap();
    let db = Db::open_with(directory.path(), config(Pruning::Keep(40), cache_bytes), limits(blocks)).unwrap();
    let (done, exact, expected) = (AtomicBool::new(false), AtomicU64::new(0), expected());
    thread::scope(|scope| {
        for seed in 1..4 {
            let (db, done, exact, expected) = (&db, &done, &exact, &expected);
            scope.spawn(move || read(db, seed, done, exact, expected));
        }
        // History is thrown away under the readers.
        scope.spawn(|| {
            while !done.load(Ordering::Acquire) {
                db.compact().unwrap();
            }
        });
        write(&db);
        done.store(true, Ordering::Release);
    });
    assert!(exact.load(Ordering::Relaxed) > 300);
}

#[test]
fn readers_at_a_block_see_its_values_while_others_are_committed() {
    race(1 << 20, 64);
}

#[test]
fn readers_see_the_right_values_when_the_cache_is_too_small() {
    race(2_000, 64);
}

#[test]
fn readers_see_the_right_values_while_few_blocks_at_a_time_are_folded() {
    race(2_000, 5);
}
