use basalt_network::Justification;
use basalt_primitives::{Digest, DigestItem, Header, OpaqueExtrinsic};
use proptest::prelude::*;

use super::*;

/// `count` blocks from height 1 on.
fn answer(count: u32) -> BlockResponse {
    let mut parent_hash = H256::repeat_byte(1);
    let blocks = (1..=count)
        .map(|number| {
            let body = vec![OpaqueExtrinsic::from(vec![number as u8; 3])];
            let header = Header {
                parent_hash,
                number,
                state_root: H256::zero(),
                extrinsics_root: extrinsics_root(&body),
                digest: Digest::default(),
            };
            parent_hash = header.hash();
            BlockData {
                hash: parent_hash,
                header: Some(header),
                body: Some(body),
                justification: Some(Justification { engine: *b"test", data: vec![1] }),
            }
        })
        .collect();
    BlockResponse { blocks }
}

/// Changes the header of one block, and gives it the hash that it has then.
fn with_header(mut answer: BlockResponse, place: usize, change: impl FnOnce(&mut Header)) -> BlockResponse {
    let block = &mut answer.blocks[place];
    let header = block.header.as_mut().unwrap();
    change(header);
    block.hash = header.hash();
    answer
}

#[test]
fn an_honest_answer_is_taken_whole_or_from_some_height_on() {
    assert_eq!(Batch::check(1, 5, BlockResponse::default()), Ok(None));
    let batch = Batch::check(1, 5, answer(5)).unwrap().unwrap();
    assert_eq!(batch.len(), 5);
    assert!(batch.blocks().iter().zip(1..).all(|(offered, number)| offered.id.number == number));

    let third = batch.blocks()[2].id;
    let above = batch.clone().above(third).unwrap().unwrap();
    assert_eq!(above.blocks(), &batch.blocks()[3..]);
    assert_eq!(batch.clone().above(batch.blocks()[4].id), Ok(None));
    let other = BlockId { hash: H256::repeat_byte(9), number: 3 };
    assert!(matches!(batch.above(other), Err(Fault::BrokenLink { number: 4, .. })));
}

#[test]
fn each_fault_is_found() {
    let check = |answer| Batch::check(1, 3, answer).unwrap_err();
    assert_eq!(check(answer(4)), Fault::TooMany { got: 4, asked: 3 });
    for part in ["header", "body", "justification"] {
        let mut answer = answer(3);
        let block = &mut answer.blocks[1];
        match part {
            "header" => block.header = None,
            "body" => block.body = None,
            _ => block.justification = None,
        }
        assert_eq!(check(answer), Fault::Missing { number: 2, part });
    }
    let mut called = answer(3);
    called.blocks[2].hash = H256::zero();
    assert!(matches!(check(called), Fault::WrongHash { number: 3, .. }));
    let mut body = answer(3);
    body.blocks[0].body.as_mut().unwrap().push(vec![7].into());
    assert_eq!(check(body), Fault::WrongBody { number: 1 });
    let link = with_header(answer(3), 1, |header| header.parent_hash = H256::zero());
    assert!(matches!(check(link), Fault::BrokenLink { number: 2, .. }));
    let number = with_header(answer(3), 1, |header| header.number = 7);
    assert_eq!(check(number), Fault::WrongNumber { got: 7, expected: 2 });
    assert_eq!(
        Batch::check(2, 3, answer(3)).unwrap_err(),
        Fault::WrongNumber { got: 1, expected: 2 },
        "another range"
    );
    let digest = with_header(answer(3), 2, |header| {
        header.digest.logs = vec![DigestItem::Other(vec![0; DIGEST_BYTES_MAX])];
    });
    assert!(matches!(check(digest), Fault::DigestTooLarge { number: 3, .. }));
    let mut parts = answer(3);
    parts.blocks[1].body = Some(vec![Vec::new().into(); BATCH_PARTS_MAX]);
    assert_eq!(check(parts), Fault::TooManyParts);
}

#[test]
fn heights_do_not_overflow() {
    let last = with_header(answer(1), 0, |header| header.number = BlockNumber::MAX);
    assert!(Batch::check(BlockNumber::MAX, 2, last.clone()).unwrap().is_some());
    let mut two = last.clone();
    two.blocks.extend(last.blocks);
    // There is no height for the second.
    assert!(Batch::check(BlockNumber::MAX, 2, two).unwrap().unwrap().len() == 1);
}

proptest! {
    #[test]
    fn what_is_taken_is_a_chain(
        count in 1u32..8,
        swaps in proptest::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 0..2),
    ) {
        let mut answer = answer(count);
        for (one, other) in swaps {
            let (one, other) = (one.index(count as usize), other.index(count as usize));
            answer.blocks.swap(one, other);
        }
        if let Ok(Some(batch)) = Batch::check(1, count, answer) {
            for pair in batch.blocks().windows(2) {
                prop_assert_eq!(pair[1].block.header.parent_hash, pair[0].id.hash);
                prop_assert_eq!(pair[1].id.number, pair[0].id.number + 1);
            }
        }
    }
}
