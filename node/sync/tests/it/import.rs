//! From an answer to final blocks.

use basalt_network::BlockResponse;
use basalt_primitives::H256;
use basalt_sync::{Batch, End, Fault};

use crate::{
    kit::{Node, blocks, certificate, certificate_by, certify, change},
    toy::{SET_BLOCKS, set_of},
};

fn batch(response: BlockResponse) -> Batch {
    let first = response.blocks[0].header.as_ref().unwrap().number;
    Batch::check(first, 64, response).unwrap().unwrap()
}

#[test]
fn a_batch_is_imported_over_changes_of_validators_with_each_certificate() {
    let there = Node::with(64, false);
    let here = Node::new(false);
    let outcome = here.importer().import(batch(there.answer(1, 64)));
    assert_eq!(outcome.end, End::Done);
    assert_eq!(outcome.finalized, there.chain.finalized());
    assert_eq!((here.chain.best(), here.root()), (there.chain.best(), there.root()));
    assert_eq!(blocks(&here), blocks(&there));
    for number in 1..=64 {
        let hash = here.chain.hash_at(number).unwrap().unwrap();
        let id = basalt_chain::BlockId { hash, number };
        assert_eq!(here.chain.justification(&hash).unwrap(), Some(certificate(id)));
    }
    // Once more, and with what others brought meanwhile.
    assert_eq!(here.importer().import(batch(there.answer(1, 64))).end, End::Done);
    there.grow();
    assert_eq!(here.importer().import(batch(there.answer(40, 64))).end, End::Done);
    assert_eq!(here.chain.finalized(), there.chain.finalized());
}

#[test]
fn nothing_gets_in_from_the_first_block_on_that_is_not_proved() {
    let there = Node::with(40, false);
    for bad in [1, 7, SET_BLOCKS, SET_BLOCKS + 1, 33, 40] {
        let here = Node::new(false);
        let mut answer = there.answer(1, 40);
        let place = bad as usize - 1;
        let id = basalt_chain::BlockId { hash: answer.blocks[place].hash, number: bad };
        certify(&mut answer, place, certificate_by(set_of(bad) + 1, id));
        let outcome = here.importer().import(batch(answer));
        assert!(
            matches!(outcome.end, End::Wrong(Fault::NotProved { number, .. }) if number == bad),
            "{:?}",
            outcome.end
        );
        assert_eq!((outcome.finalized.number, here.chain.best().number), (bad - 1, bad - 1));
    }
}

#[test]
fn validators_that_were_replaced_prove_nothing() {
    let there = Node::with(SET_BLOCKS + 5, false);
    let here = Node::new(false);
    let old = set_of(1);
    let mut answer = there.answer(1, SET_BLOCKS + 5);
    assert_eq!(here.importer().import(batch(there.answer(1, SET_BLOCKS))).end, End::Done);
    for place in SET_BLOCKS as usize..answer.blocks.len() {
        let id = basalt_chain::BlockId { hash: answer.blocks[place].hash, number: place as u32 + 1 };
        certify(&mut answer, place, certificate_by(old, id));
    }
    let outcome = here.importer().import(batch(answer));
    assert!(
        matches!(outcome.end, End::Wrong(Fault::NotProved { number, .. }) if number == SET_BLOCKS + 1),
        "{:?}",
        outcome.end
    );
    assert_eq!(here.chain.finalized().number, SET_BLOCKS);
}

#[test]
fn another_chain_is_a_lie() {
    let (there, here) = (Node::with(9, false), Node::with(4, false));
    let mut answer = there.answer(5, 5);
    change(&mut answer, 0, |header| header.parent_hash = H256::repeat_byte(3));
    answer.blocks.truncate(1);
    let outcome = here.importer().import(batch(answer));
    assert!(matches!(outcome.end, End::Wrong(Fault::BrokenLink { number: 5, .. })), "{:?}", outcome.end);
    assert_eq!(here.chain.finalized().number, 4);
}

#[test]
fn a_proved_block_that_does_not_execute_here_is_no_peers_fault() {
    let (there, here) = (Node::with(9, false), Node::new(false));
    let mut answer = there.answer(1, 9);
    answer.blocks.truncate(6);
    change(&mut answer, 5, |header| header.state_root = H256::repeat_byte(3));
    let outcome = here.importer().import(batch(answer));
    let End::Trouble(trouble) = outcome.end else { panic!("{:?}", outcome.end) };
    assert!(trouble.contains("version") && trouble.contains("state root"), "{trouble}");
    assert_eq!(outcome.finalized.number, 5);
    // What was good is there, and the real block still gets in.
    assert_eq!(here.importer().import(batch(there.answer(6, 64))).end, End::Done);
    assert_eq!(here.root(), there.root());
}
