use std::sync::Arc;

use basalt_db::BlockId;
use basalt_primitives::{H256, Header};
use basalt_tree::Tree;

use super::{BlockTree, Node, Refused, Route};
use crate::{ForkChoice, limits::UNFINALIZED_MAX};

/// A tree whose blocks are told apart by a letter and their height.
struct Kit {
    tree: BlockTree,
}

fn id(name: char, number: u32) -> BlockId {
    let mut hash = H256::repeat_byte(name as u8);
    hash.0[..4].copy_from_slice(&number.to_be_bytes());
    BlockId { hash, number }
}

impl Kit {
    fn new() -> Self {
        Self { tree: BlockTree::new(id('g', 0), Header::default()) }
    }

    fn add(&mut self, id: BlockId, parent: BlockId, choice: ForkChoice) -> Result<(), Refused> {
        let header = Header { parent_hash: parent.hash, number: id.number, ..Header::default() };
        let empty = Tree::build([]);
        let diff = Arc::new(empty.view(&[]).expect("no diffs").update([]));
        self.tree.insert(Node { id, header, changes: Arc::default(), diff }, choice, false)
    }

    /// Genesis, a1 to a3 and b1 to b2 on b1, c2 on b1 too; the head is a3.
    fn forked() -> Self {
        let mut kit = Self::new();
        for (name, number, parent) in
            [('a', 1, 'g'), ('b', 1, 'g'), ('a', 2, 'a'), ('b', 2, 'b'), ('c', 2, 'b'), ('a', 3, 'a')]
        {
            kit.add(id(name, number), id(parent, number - 1), ForkChoice::Longest).expect("room");
        }
        kit
    }
}

#[test]
fn the_longest_branch_leads_and_of_equals_the_first() {
    let mut kit = Kit::forked();
    assert_eq!(kit.tree.best(), id('a', 3));
    kit.add(id('b', 3), id('b', 2), ForkChoice::Longest).unwrap();
    assert_eq!(kit.tree.best(), id('a', 3));
    kit.add(id('b', 4), id('b', 3), ForkChoice::Keep).unwrap();
    assert_eq!(kit.tree.best(), id('a', 3));
    kit.add(id('d', 1), id('g', 0), ForkChoice::Best).unwrap();
    assert_eq!(kit.tree.best(), id('d', 1));
}

#[test]
fn the_route_leads_down_to_the_fork_and_up_again() {
    let kit = Kit::forked();
    let route = kit.tree.route(&id('c', 2).hash, &id('b', 2).hash);
    assert_eq!(route, Some(Route { retracted: vec![id('c', 2)], enacted: vec![id('b', 2)] }));
    let route = kit.tree.route(&id('a', 3).hash, &id('a', 1).hash);
    assert_eq!(route, Some(Route { retracted: vec![id('a', 2), id('a', 3)], enacted: vec![] }));
    let route = kit.tree.route(&id('g', 0).hash, &id('a', 2).hash);
    assert_eq!(route, Some(Route { retracted: vec![], enacted: vec![id('a', 1), id('a', 2)] }));
    assert_eq!(kit.tree.route(&id('x', 9).hash, &id('a', 1).hash), None);
}

#[test]
fn heights_are_those_of_the_heads_branch() {
    let mut kit = Kit::forked();
    assert_eq!(kit.tree.hash_at(2), Some(id('a', 2).hash));
    assert!(kit.tree.set_best(&id('c', 2).hash));
    assert_eq!(kit.tree.hash_at(1), Some(id('b', 1).hash));
    assert_eq!(kit.tree.hash_at(0), Some(id('g', 0).hash));
    assert_eq!(kit.tree.hash_at(3), None);
}

#[test]
fn finality_drops_the_losers_and_moves_the_head_if_it_must() {
    let mut kit = Kit::forked();
    kit.tree.lead_through(&id('b', 1).hash);
    assert_eq!(kit.tree.best(), id('b', 2), "the first of the highest");
    let done = kit.tree.finalize(&id('b', 1).hash).unwrap();
    assert_eq!(done.path.iter().map(|node| node.id).collect::<Vec<_>>(), [id('b', 1)]);
    assert_eq!(done.dropped, [id('a', 1), id('a', 2), id('a', 3)]);
    assert_eq!(kit.tree.finalized(), id('b', 1));
    assert!(kit.tree.contains(&id('c', 2).hash) && !kit.tree.contains(&id('a', 1).hash));
    assert_eq!(kit.tree.hash_at(0), None);
    assert!(kit.tree.finalize(&id('a', 2).hash).is_none());

    let done = kit.tree.finalize(&id('b', 2).hash).unwrap();
    assert_eq!(done.dropped, [id('c', 2)]);
    assert_eq!(kit.tree.best(), id('b', 2));
}

#[test]
fn a_block_without_a_parent_here_or_one_too_many_is_refused() {
    let mut kit = Kit::new();
    assert_eq!(kit.add(id('a', 2), id('a', 1), ForkChoice::Longest), Err(Refused::NoParent));
    for number in 1..=UNFINALIZED_MAX as u32 {
        let parent = if number == 1 { id('g', 0) } else { id('a', number - 1) };
        kit.add(id('a', number), parent, ForkChoice::Longest).unwrap();
    }
    assert_eq!(kit.add(id('b', 1), id('g', 0), ForkChoice::Longest), Err(Refused::Full));
}
