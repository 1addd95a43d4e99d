use basalt_primitives::{Digest, DigestItem, H256, Header, OpaqueExtrinsic};
use parity_scale_codec::Encode;
use proptest::prelude::*;

use super::{Message, Polka, RoundChange, SignedProposal, SignedVote, WireError};
use crate::limits::{INLINE_BODY_BYTES_MAX, MESSAGE_BYTES_MAX, VALIDATORS_MAX};

fn header(number: u32, digest: usize) -> Header {
    Header {
        parent_hash: H256([1; 32]),
        number,
        state_root: H256([2; 32]),
        extrinsics_root: H256([3; 32]),
        digest: Digest { logs: vec![DigestItem::PreRuntime(*b"test", vec![0; digest])] },
    }
}

fn proposal(round: u32, pol_round: Option<u32>) -> SignedProposal {
    SignedProposal {
        height: 5,
        round,
        pol_round,
        header: header(5, 9),
        proposer: [4; 32],
        signature: [5; 64],
    }
}

fn message() -> impl Strategy<Value = Message> {
    let vote = (any::<bool>(), any::<u64>(), any::<u32>(), any::<Option<[u8; 32]>>(), any::<[u8; 32]>());
    let signature = any::<[u8; 32]>().prop_map(|half| {
        let mut signature = [0; 64];
        signature[..32].copy_from_slice(&half);
        signature
    });
    prop_oneof![
        (1u32..9, proptest::option::of(proptest::collection::vec(any::<u8>(), 0..40))).prop_map(
            |(round, body)| {
                let body = body.map(|bytes| vec![OpaqueExtrinsic(bytes)]);
                Message::Proposal(proposal(round, Some(round - 1)), body)
            }
        ),
        (vote, signature).prop_map(|((precommit, height, round, block, voter), signature)| {
            Message::Vote(SignedVote { precommit, height, round, block: block.map(H256), voter, signature })
        }),
        (any::<u64>(), any::<u32>(), 0usize..9).prop_map(|(height, round, count)| {
            let prevotes = vec![([6; 32], [7; 64]); count];
            Message::Polka(Polka { height, round, block: H256([8; 32]), prevotes })
        }),
        (any::<u64>(), any::<u32>(), any::<bool>(), 0usize..9).prop_map(|(height, round, skip, count)| {
            let votes = vec![(true, None, [6; 32], [7; 64]); count];
            Message::Round(RoundChange { height, round, skip, votes })
        }),
    ]
}

proptest! {
    #[test]
    fn what_is_written_is_read_and_nothing_beside_it(message in message(), cut in any::<prop::sample::Index>()) {
        let bytes = message.encode();
        prop_assert_eq!(Message::read(&bytes), Ok(message));
        let cut = cut.index(bytes.len());
        prop_assert_eq!(Message::read(&bytes[..cut]), Err(WireError::Undecodable(cut)));
        let longer = [&bytes[..], &[0]].concat();
        prop_assert_eq!(Message::read(&longer), Err(WireError::Undecodable(longer.len())));
    }

    #[test]
    fn the_core_gives_back_what_it_was_given(message in message()) {
        let back = match message.clone() {
            Message::Proposal(proposal, body) => {
                Message::Proposal(SignedProposal::of(&proposal.into_core()), body)
            }
            Message::Vote(vote) => Message::Vote(SignedVote::of(&vote.into_core())),
            Message::Polka(polka) => Message::Polka(Polka::of(&polka.into_core())),
            Message::Round(change) => Message::Round(RoundChange::of(&change.into_core())),
        };
        prop_assert_eq!(back, message);
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = Message::read(&bytes);
    }
}

#[test]
fn what_no_honest_validator_sends_is_refused_with_a_reason() {
    let read = |message: Message| Message::read(&message.encode());
    let mut other_height = proposal(1, None);
    other_height.height = 6;
    let mut large = proposal(1, None);
    large.header = header(5, 40_000);
    let many = vec![([6; 32], [7; 64]); VALIDATORS_MAX + 1];
    for (message, why) in [
        (Message::Proposal(other_height, None), "it proposes a block of another height"),
        (Message::Proposal(proposal(1, Some(1)), None), "it refers to prevotes of a later round"),
        (Message::Proposal(large, None), "its header is too large"),
        (
            Message::Polka(Polka { height: 1, round: 0, block: H256([0; 32]), prevotes: many }),
            "it has too many signatures",
        ),
    ] {
        assert_eq!(read(message), Err(WireError::Malformed(why)));
    }
    let long = vec![0; MESSAGE_BYTES_MAX + 1];
    assert_eq!(Message::read(&long), Err(WireError::TooLong(long.len())));
}

#[test]
fn messages_that_take_much_more_memory_than_bytes_are_refused() {
    let read = |body: Vec<OpaqueExtrinsic>| {
        Message::read(&Message::Proposal(proposal(0, None), Some(body)).encode())
    };
    let longest = vec![OpaqueExtrinsic(vec![1; 96]); INLINE_BODY_BYTES_MAX / 100];
    read(longest.clone()).unwrap();
    // As short as extrinsics can be.
    read(vec![OpaqueExtrinsic::default(); INLINE_BODY_BYTES_MAX / 4]).unwrap();
    let longer = [longest, vec![OpaqueExtrinsic(vec![1; 96])]].concat();
    assert!(matches!(read(longer), Err(WireError::Malformed(_))));
    assert!(matches!(read(vec![OpaqueExtrinsic::default(); 60_000]), Err(WireError::Undecodable(_))));
}
