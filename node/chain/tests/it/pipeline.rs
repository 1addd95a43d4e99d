//! Blocks on their way: built on before they are durable, told after; many at once as one by one.

use std::thread;

use basalt_chain::{
    BlockId, Chain, ChainError, ChainEvent, ImportError, ImportOptions, limits::IN_FLIGHT_MAX,
};
use basalt_db::Pruning;
use basalt_primitives::{Block, H256};
use proptest::{collection::vec, prelude::*};

use crate::{
    kit::{Kit, author},
    toy::{Call, signed},
};

fn options(finalize: bool) -> ImportOptions {
    ImportOptions { author: Some(author()), finalize, ..Default::default() }
}

fn number_put(nonce: u32) -> Vec<u8> {
    signed(nonce, Call::Put(vec![b'k', nonce as u8 % 5], nonce.to_le_bytes().to_vec()))
}

/// `count` blocks on each other, of two transactions each.
fn blocks(count: u32) -> Vec<Block> {
    let kit = Kit::new();
    (0..count)
        .map(|index| {
            let parent = kit.chain.best().hash;
            let built = kit.build(&parent, vec![number_put(2 * index), number_put(2 * index + 1)]);
            let block = built.block().clone();
            kit.chain.import_built(built, ImportOptions::default()).unwrap();
            block
        })
        .collect()
}

#[test]
fn a_block_may_stand_on_one_that_is_not_durable_and_all_are_told_in_order() {
    for pruning in [Pruning::Archive, Pruning::Keep(IN_FLIGHT_MAX as u32), Pruning::Keep(0)] {
        const BLOCKS: u32 = 40;
        let kit = Kit::keeping(pruning);
        let mut events = kit.chain.subscribe();
        let chain = kit.chain.clone();
        let listener = thread::spawn(move || {
            let mut heard = Vec::new();
            while heard.len() < BLOCKS as usize {
                if let ChainEvent::Imported { id, parent } = events.blocking_recv().unwrap() {
                    assert_eq!(chain.header(&id.hash).unwrap().unwrap().parent_hash, parent);
                    assert_eq!(chain.contents(&id.hash).unwrap().unwrap().hashes().len(), 2);
                    assert!(chain.best().number >= id.number);
                    heard.push(id);
                }
            }
            heard
        });
        let mut parent = kit.chain.genesis_hash();
        let mut pending = Vec::new();
        for nonce in 0..BLOCKS {
            let built = build_on(&kit.chain, &parent, nonce + 1, vec![number_put(nonce)]);
            parent = built.id().hash;
            pending.push(kit.chain.commit_later(built, options(true)).unwrap());
        }
        let made: Vec<BlockId> = pending.iter().map(|pending| pending.imported().id).collect();
        for pending in pending {
            assert!(pending.wait().unwrap().new_best);
        }
        assert_eq!(kit.chain.finalized(), made[BLOCKS as usize - 1]);
        assert_eq!(listener.join().unwrap(), made);
    }
}

/// As `kit::build`, on a block that readers may not know yet.
fn build_on(
    chain: &Chain,
    parent: &H256,
    number: u32,
    transactions: Vec<Vec<u8>>,
) -> basalt_chain::BuiltBlock {
    chain
        .build(basalt_chain::BuildRequest {
            parent: *parent,
            digest: Default::default(),
            author: Some(author()),
            inherents: basalt_runtime_api::InherentData::at(u64::from(number) * 1000),
            candidates: &mut transactions.into_iter().map(crate::toy::verified),
            deadline: None,
        })
        .unwrap()
}

#[test]
fn what_was_accepted_is_written_before_the_chain_is_gone() {
    let kit = Kit::new();
    let mut parent = kit.chain.genesis_hash();
    for nonce in 0..10 {
        let built = build_on(&kit.chain, &parent, nonce + 1, vec![number_put(nonce)]);
        parent = built.id().hash;
        drop(kit.chain.commit_later(built, options(nonce % 2 == 0)).unwrap());
    }
    let kit = kit.reopen();
    assert_eq!(kit.chain.best().hash, parent);
    assert_eq!(kit.chain.finalized().number, 9);
}

#[test]
fn a_block_that_is_on_its_way_is_known_and_final_when_that_is_asked_for() {
    let kit = Kit::new();
    let one = build_on(&kit.chain, &kit.chain.genesis_hash(), 1, vec![number_put(0)]);
    let (id, block) = (one.id(), one.block().clone());
    let sibling = build_on(&kit.chain, &kit.chain.genesis_hash(), 2, vec![]);
    let pending = kit.chain.commit_later(one, options(true)).unwrap();
    // Whether it is durable by now or not.
    assert!(kit.chain.import(block, options(false)).unwrap().known);
    assert_eq!(kit.chain.finalized(), id);
    kit.chain.finalize(&id.hash, None).unwrap();
    let error = kit.chain.commit_later(sibling, options(false)).unwrap_err();
    assert!(
        matches!(error, ChainError::Import(ImportError::BelowFinalized { number: 1, finalized: 1 })),
        "{error}"
    );
    assert_eq!(pending.wait().unwrap().id, id);
}

#[test]
fn the_contents_of_a_block_are_the_same_from_memory_and_from_disk() {
    let kit = Kit::new();
    let id = kit.chain.import_built(kit.build(&kit.chain.genesis_hash(), vec![number_put(0)]), options(true));
    let hash = id.unwrap().id.hash;
    let before = kit.chain.contents(&hash).unwrap().unwrap();
    let kit = kit.reopen();
    let after = kit.chain.contents(&hash).unwrap().unwrap();
    assert_eq!((before.block(), before.hashes()), (after.block(), after.hashes()));
    assert!(kit.chain.contents(&H256::zero()).unwrap().is_none());
}

/// What may be wrong with a block in the middle.
#[derive(Debug, Clone, Copy)]
enum Lie {
    StateRoot,
    ExtrinsicsRoot,
    Number,
    Parent,
    Signature,
    Body,
    Again,
    Sibling,
}

fn lie(block: &mut Block, lie: Lie) {
    match lie {
        Lie::StateRoot => block.header.state_root = H256::repeat_byte(7),
        Lie::ExtrinsicsRoot => block.header.extrinsics_root = H256::repeat_byte(7),
        Lie::Number => block.header.number += 1,
        Lie::Parent => block.header.parent_hash = H256::repeat_byte(7),
        Lie::Signature => {
            *block.extrinsics[2].0.last_mut().unwrap() ^= 0x40;
            block.header.extrinsics_root = basalt_chain::extrinsics_root(&block.extrinsics);
        }
        Lie::Body => {
            block.extrinsics[1] = vec![0xff].into();
            block.header.extrinsics_root = basalt_chain::extrinsics_root(&block.extrinsics);
        }
        Lie::Again | Lie::Sibling => {}
    }
}

fn any_lie() -> impl Strategy<Value = Lie> {
    prop_oneof![
        3 => Just(Lie::StateRoot),
        1 => Just(Lie::ExtrinsicsRoot),
        1 => Just(Lie::Number),
        1 => Just(Lie::Parent),
        1 => Just(Lie::Signature),
        1 => Just(Lie::Body),
        2 => Just(Lie::Again),
        2 => Just(Lie::Sibling),
    ]
}

/// What a chain says of itself, and what it told.
fn told(chain: &Chain, events: &mut tokio::sync::broadcast::Receiver<ChainEvent>) -> String {
    let mut heard = Vec::new();
    while let Ok(event) = events.try_recv() {
        heard.push(event);
    }
    format!("{:?} {:?} {heard:?}", chain.best(), chain.finalized())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..Default::default() })]

    #[test]
    fn many_blocks_are_imported_as_one_by_one(
        count in 1u32..14,
        lies in vec((any::<prop::sample::Index>(), any_lie()), 0..3),
        finalize_each in 1usize..5,
        known in 0usize..4,
        keep in prop_oneof![Just(Pruning::Archive), Just(Pruning::Keep(0)), Just(Pruning::Keep(7))],
    ) {
        let mut offered = blocks(count);
        for (index, what) in lies {
            let place = index.index(offered.len());
            match what {
                Lie::Again => offered.insert(place + 1, offered[index.index(place + 1)].clone()),
                Lie::Sibling => {
                    // Another block on the same parent.
                    let mut sibling = offered[place].clone();
                    sibling.header.digest.push(basalt_primitives::DigestItem::Seal(*b"test", vec![1]));
                    offered.insert(place + 1, sibling);
                }
                what => lie(&mut offered[place], what),
            }
        }
        let offered: Vec<(Block, ImportOptions)> = offered
            .into_iter()
            .enumerate()
            .map(|(place, block)| (block, options(place % finalize_each == 0)))
            .collect();

        let (single, many) = (Kit::keeping(keep), Kit::keeping(keep));
        for (block, _) in offered.iter().take(known) {
            let _ = single.chain.import(block.clone(), options(false));
            let _ = many.chain.import(block.clone(), options(false));
        }
        let (mut single_events, mut many_events) = (single.chain.subscribe(), many.chain.subscribe());
        let mut expected = Vec::new();
        let mut error = None;
        for (block, options) in offered.clone() {
            match single.chain.import(block, options) {
                Ok(imported) => expected.push(imported),
                Err(found) => {
                    error = Some(found.to_string());
                    break;
                }
            }
        }
        let done = many.chain.import_many(offered);
        prop_assert_eq!(done.error.map(|error| error.to_string()), error);
        prop_assert_eq!(done.imported, expected);
        prop_assert_eq!(told(&many.chain, &mut many_events), told(&single.chain, &mut single_events));
    }
}

#[test]
fn a_long_run_of_blocks_is_imported_over_a_short_history() {
    let offered = blocks(60);
    let kit = Kit::keeping(Pruning::Keep(8));
    let tip = offered.last().unwrap().hash();
    let done = kit.chain.import_many(offered.into_iter().map(|block| (block, options(true))));
    assert!(done.error.is_none(), "{:?}", done.error);
    assert_eq!(done.imported.len(), 60);
    assert_eq!(kit.chain.finalized().hash, tip);
    let kit = kit.reopen();
    assert_eq!(kit.chain.finalized().hash, tip);
}
