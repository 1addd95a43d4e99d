use alloc::vec;

use basalt_primitives::{Digest, H256, Weight};
use basalt_state::{Memory, Overlay};
use basalt_support::BlockEnv;

use super::*;

/// A block whose normal transactions used all but the time to remove this many values.
fn block_with_room_for(values: u64) -> BlockSummary {
    let most = Weight::new(1_500_000 * weight::MICROSECOND, u64::MAX);
    BlockSummary {
        weight_normal: Weight::new(most.ref_time - values * DELETION_PICOSECONDS, 0),
        weight_operational: Weight::zero(),
        weight_mandatory: Weight::zero(),
        weight_normal_max: most,
        transactions: 1,
        bytes: 0,
    }
}

fn trie(number: u8) -> BoundedBytes {
    BoundedBytes(vec![number; 32])
}

/// How many values are left below each of these.
fn left<const N: usize>(state: &impl StateRead, tries: [u8; N]) -> [usize; N] {
    tries.map(|number| {
        let prefix = child_prefix(&trie(number).0);
        let mut cursor = prefix.clone();
        let mut count = 0;
        while let Some(key) = state.next_key(&cursor).unwrap().filter(|key| key.starts_with(&prefix)) {
            count += 1;
            cursor = key;
        }
        count
    })
}

#[test]
fn storage_is_removed_oldest_first_as_fast_as_blocks_have_time() {
    let base = Memory::default();
    let mut state = Overlay::new(&base);
    let env = BlockEnv { number: 1, parent_hash: H256::zero(), digest: Digest::default(), author: None };
    let mut ctx = Context::new(&mut state, &env, None);
    for (number, values) in [(1, 5), (2, 0), (3, 4), (4, 3)] {
        for value in 0..values {
            ctx.put(&[&child_prefix(&trie(number).0)[..], &[value]].concat(), vec![]);
        }
    }
    for number in [1, 2, 3] {
        enqueue(&mut ctx, &trie(number)).unwrap();
    }
    let mut steps = vec![];
    for room in [0, 3, 3, 3, 3, 3] {
        work(&mut ctx, &block_with_room_for(room)).unwrap();
        let queue = DELETION_QUEUE_COUNTER.get_or_default(&ctx).unwrap();
        steps.push((left(&ctx, [1, 3, 4]), queue.delete_counter, queue.insert_counter));
    }
    assert_eq!(
        steps,
        [
            ([5, 4, 3], 0, 3),
            ([2, 4, 3], 0, 3),
            // The first is done, and the second, which was empty.
            ([0, 3, 3], 2, 3),
            ([0, 0, 3], 3, 3),
            ([0, 0, 3], 3, 3),
            ([0, 0, 3], 3, 3),
        ]
    );
    assert!(DELETION_QUEUE.iter(&ctx).next().is_none());
}

#[test]
fn a_block_removes_only_so_much_however_empty_it_is() {
    assert_eq!(budget(&block_with_room_for(DELETIONS_MAX + 1)), DELETIONS_MAX);
    assert_eq!(budget(&block_with_room_for(7)), 7);
    let mut over = block_with_room_for(0);
    over.weight_normal.ref_time += 1;
    assert_eq!(budget(&over), 0);
}

#[test]
fn the_queue_goes_round() {
    let base = Memory::default();
    let mut state = Overlay::new(&base);
    let env = BlockEnv { number: 1, parent_hash: H256::zero(), digest: Digest::default(), author: None };
    let mut ctx = Context::new(&mut state, &env, None);
    let last = crate::types::DeletionQueueManager { insert_counter: u32::MAX, delete_counter: u32::MAX };
    DELETION_QUEUE_COUNTER.put(&mut ctx, &last);
    for number in [1, 2] {
        ctx.put(&[&child_prefix(&trie(number).0)[..], &[0]].concat(), vec![]);
        enqueue(&mut ctx, &trie(number)).unwrap();
    }
    work(&mut ctx, &block_with_room_for(5)).unwrap();
    assert_eq!(left(&ctx, [1, 2]), [0, 0]);
    let queue = DELETION_QUEUE_COUNTER.get_or_default(&ctx).unwrap();
    assert_eq!((queue.delete_counter, queue.insert_counter), (1, 1));
}
