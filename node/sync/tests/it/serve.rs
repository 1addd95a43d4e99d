//! What a node answers.

use basalt_network::{
    BlockRequest, Fields, Start,
    limits::{BLOCK_RESPONSE_BYTES_MAX, BLOCKS_PER_REQUEST_MAX},
};
use basalt_primitives::H256;
use basalt_sync::Batch;
use parity_scale_codec::Encode;

use crate::kit::Node;

#[test]
fn answers_are_as_long_as_asked_for_as_the_chain_and_as_fits() {
    let node = Node::with(100, true);
    assert_eq!(node.answer(98, 2).blocks.len(), 2);
    assert_eq!(node.answer(98, 64).blocks.len(), 3);
    assert!(node.answer(101, 1).blocks.is_empty());
    assert!(node.answer(u32::MAX, 64).blocks.is_empty());
    // Every seventh block has a MiB.
    let full = node.answer(1, BLOCKS_PER_REQUEST_MAX);
    let bytes = full.encoded_size();
    assert!(bytes <= BLOCK_RESPONSE_BYTES_MAX, "{bytes}");
    assert_eq!(full.blocks.len(), 55, "up to the eighth large one, which does not fit");
    assert_eq!(Batch::check(1, 64, full).unwrap().unwrap().len(), 55);
}

#[test]
fn any_block_may_be_asked_for_by_hash_with_what_stands_on_it() {
    let node = Node::with(20, false);
    let ask = |hash, count, fields| {
        node.server().answer(&BlockRequest { start: Start::Hash(hash), count, fields }).unwrap().blocks
    };
    let fifth = node.chain.hash_at(5).unwrap().unwrap();
    let three = ask(fifth, 3, Fields::ALL);
    assert_eq!(three, node.answer(5, 3).blocks);
    assert!(ask(H256::repeat_byte(1), 3, Fields::ALL).is_empty());

    let header = ask(fifth, 1, Fields::HEADER).remove(0);
    assert!(header.header.is_some() && header.body.is_none() && header.justification.is_none());
    let body = ask(fifth, 1, Fields::BODY).remove(0);
    assert!(body.header.is_none() && body.body.is_some() && body.justification.is_none());

    // Of a block beside the chain, nothing that does not stand on it.
    let lost = node.build();
    let lost_hash = lost.id().hash;
    let mut winner = Node::build(&node).block().clone();
    winner.header.digest.logs.push(basalt_primitives::DigestItem::Seal(*b"test", vec![1]));
    node.chain
        .import(
            winner,
            basalt_chain::ImportOptions {
                author: Some(basalt_primitives::AccountId::from([21; 32])),
                ..Default::default()
            },
        )
        .unwrap();
    node.chain.import_built(lost, Default::default()).unwrap();
    assert_eq!(ask(lost_hash, 5, Fields::ALL).len(), 1);
    assert_ne!(node.answer(21, 1).blocks[0].hash, lost_hash);
}
