use std::{collections::HashMap, convert::Infallible};

use proptest::prelude::*;

use super::*;

/// A block tree by hand. The hash of a block repeats its name, so that two forks never share one.
#[derive(Default)]
struct Blocks {
    parents: HashMap<H256, (u32, Option<BlockId>)>,
}

impl Blocks {
    fn add(&mut self, name: u8, parent: Option<BlockId>) -> BlockId {
        let number = parent.map_or(0, |parent| parent.number + 1);
        let id = BlockId { hash: H256::repeat_byte(name), number };
        self.parents.insert(id.hash, (number, parent));
        id
    }

    fn parent(&self, block: &BlockId) -> Result<Option<BlockId>, Infallible> {
        Ok(self.parents.get(&block.hash).and_then(|(_, parent)| *parent))
    }

    fn chain(&self, head: BlockId) -> Vec<BlockId> {
        let mut chain = vec![head];
        while let Ok(Some(below)) = self.parent(&chain[chain.len() - 1]) {
            chain.push(below);
        }
        chain.reverse();
        chain
    }
}

#[test]
fn after_a_reorganisation_the_new_branch_is_told_from_where_it_left() {
    let mut blocks = Blocks::default();
    let genesis = blocks.add(0, None);
    let a1 = blocks.add(1, Some(genesis));
    let a2 = blocks.add(2, Some(a1));
    let a3 = blocks.add(3, Some(a2));
    let b2 = blocks.add(12, Some(a1));
    let b3 = blocks.add(13, Some(b2));
    let b4 = blocks.add(14, Some(b3));
    let mut line = Line::new(a3, 0, 100, |b| blocks.parent(b)).unwrap();
    assert_eq!(line.head(), Some(a3));
    assert_eq!(line.advance(a3, 0, |b| blocks.parent(b)).unwrap(), Some(vec![]));
    assert_eq!(line.advance(b4, 0, |b| blocks.parent(b)).unwrap(), Some(vec![b2, b3, b4]));
    assert_eq!(line.advance(a3, 0, |b| blocks.parent(b)).unwrap(), Some(vec![a2, a3]));
    assert_eq!(line.head(), Some(a3));
}

#[test]
fn a_head_that_was_dropped_meanwhile_changes_nothing() {
    let mut blocks = Blocks::default();
    let genesis = blocks.add(0, None);
    let a1 = blocks.add(1, Some(genesis));
    let mut line = Line::new(a1, 0, 100, |b| blocks.parent(b)).unwrap();
    let lost = BlockId { hash: H256::repeat_byte(99), number: 2 };
    assert_eq!(line.advance(lost, 0, |b| blocks.parent(b)).unwrap(), None);
    assert_eq!(line.head(), Some(a1));
}

#[test]
fn the_fork_that_was_told_may_be_dropped_once_another_one_is_final() {
    let mut blocks = Blocks::default();
    let genesis = blocks.add(0, None);
    let a1 = blocks.add(1, Some(genesis));
    let a2 = blocks.add(2, Some(a1));
    let b1 = blocks.add(11, Some(genesis));
    let b2 = blocks.add(12, Some(b1));
    let b3 = blocks.add(13, Some(b2));
    let mut line = Line::new(a2, 0, 100, |b| blocks.parent(b)).unwrap();
    blocks.parents.remove(&a1.hash);
    blocks.parents.remove(&a2.hash);
    assert_eq!(line.advance(b3, 2, |b| blocks.parent(b)).unwrap(), Some(vec![b1, b2, b3]));
}

proptest! {
    /// However the best block jumps about in a tree, and however few blocks are remembered, what is told leads from
    /// one head to the next: each block's parent was told just before, or is where the new branch left.
    #[test]
    fn what_is_told_always_joins_the_chain_told_before(
        parents in prop::collection::vec(any::<prop::sample::Index>(), 1..40),
        heads in prop::collection::vec(any::<prop::sample::Index>(), 1..20),
        max in 1usize..10,
    ) {
        let mut blocks = Blocks::default();
        let mut all = vec![blocks.add(0, None)];
        for (name, parent) in (1..).zip(&parents) {
            let parent = all[parent.index(all.len())];
            all.push(blocks.add(name, Some(parent)));
        }
        let mut known = blocks.chain(all[heads[0].index(all.len())]);
        let mut line = Line::new(known[known.len() - 1], 0, max, |b| blocks.parent(b)).unwrap();
        let forgetful = known.len() > max || all.iter().any(|block| block.number as usize >= max);
        for head in &heads {
            let head = all[head.index(all.len())];
            let new = line.advance(head, 0, |b| blocks.parent(b)).unwrap().unwrap();
            let expected = blocks.chain(head);
            prop_assert_eq!(line.head(), Some(head));
            if !forgetful {
                let common = known.iter().zip(&expected).take_while(|(a, b)| a == b).count();
                prop_assert_eq!(&new[..], &expected[common..]);
            }
            // Even a forgetful line tells only blocks of the head's chain, gapless and up to the head.
            prop_assert!(expected.ends_with(&new));
            prop_assert!(line.blocks().count() <= max);
            known = expected;
        }
    }

    /// Every block is told once, its parent before it, whatever part of the events is lost.
    #[test]
    fn each_block_of_each_fork_is_told_once_and_after_its_parent(
        parents in prop::collection::vec(any::<prop::sample::Index>(), 1..40),
        seen in prop::collection::vec(any::<bool>(), 40),
    ) {
        let mut blocks = Blocks::default();
        let genesis = blocks.add(0, None);
        let mut all = vec![genesis];
        let mut forks = Forks::new(0, [genesis], 1000);
        let mut told = vec![genesis];
        for ((name, parent), seen) in (1..).zip(&parents).zip(seen) {
            let parent = all[parent.index(all.len())];
            let block = blocks.add(name, Some(parent));
            all.push(block);
            if seen {
                for new in forks.advance(block, |b| blocks.parent(b)).unwrap() {
                    let parent = blocks.parent(&new).unwrap().unwrap();
                    prop_assert!(!told.contains(&new));
                    prop_assert!(told.contains(&parent));
                    told.push(new);
                }
                prop_assert!(told.contains(&block));
            }
        }
    }
}

#[test]
fn final_blocks_are_forgotten_and_not_told_again() {
    let mut blocks = Blocks::default();
    let genesis = blocks.add(0, None);
    let a1 = blocks.add(1, Some(genesis));
    let a2 = blocks.add(2, Some(a1));
    let mut forks = Forks::new(0, [genesis], 1000);
    assert_eq!(forks.advance(a2, |b| blocks.parent(b)).unwrap(), [a1, a2]);
    forks.finalized(1);
    assert_eq!(forks.told.len(), 1);
    assert_eq!(forks.advance(a1, |b| blocks.parent(b)).unwrap(), []);
    assert_eq!(forks.advance(a2, |b| blocks.parent(b)).unwrap(), []);
}
