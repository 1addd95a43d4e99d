use proptest::prelude::*;

use super::*;
use crate::{BlockId, Roles};
use basalt_primitives::H256;

fn status(version: u32, genesis: u8) -> Status {
    let (best, finalized) = (BlockId::default(), BlockId::default());
    Status { version, genesis: H256::repeat_byte(genesis), roles: Roles::FULL, best, finalized }
}

#[test]
fn the_chain_is_looked_at_before_the_version() {
    let ours = status(1, 1);
    assert_eq!(judge(&ours, &status(1, 1)), Ok(()));
    assert!(matches!(judge(&ours, &status(2, 1)), Err(Refusal::Version { ours: 1, theirs: 2 })));
    assert!(matches!(judge(&ours, &status(2, 2)), Err(Refusal::Genesis { .. })));
}

#[test]
fn reasons_name_values_and_remedies() {
    let refusal = judge(&status(1, 1), &status(1, 2)).unwrap_err();
    let text = refusal.to_string();
    assert!(
        text.contains("0x0202") && text.contains("0x0101") && text.contains("chain specification"),
        "{text}"
    );
}

#[test]
fn all_messages_fit_their_limit() {
    assert!(status(u32::MAX, 255).encoded_size() <= limits::HANDSHAKE_BYTES_MAX);
    let refusal = Refusal::Genesis { ours: H256::zero(), theirs: H256::zero() };
    assert!(Verdict::Refused(refusal).encoded_size() <= limits::HANDSHAKE_BYTES_MAX);
    assert!(crate::Heads::default().encoded_size() <= limits::STATUS_BYTES_MAX);
    let hashes = vec![H256::zero(); limits::TRANSACTIONS_PER_PULL_MAX];
    assert!(crate::message::PullRequest { hashes }.encoded_size() <= limits::REQUEST_BYTES_MAX);
    let hashes = vec![H256::zero(); limits::TRANSACTIONS_PER_ANNOUNCE_MAX];
    let announce = crate::message::TransactionMessage::Announce(hashes);
    assert!(announce.encoded_size() <= limits::TRANSACTIONS_MESSAGE_BYTES_MAX);
}

proptest! {
    #[test]
    fn no_bytes_make_a_decoder_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        use crate::message::{BlockReply, PullRequest, PullResponse, TransactionMessage};
        let _ = Status::decode_all(&mut &bytes[..]);
        let _ = Verdict::decode_all(&mut &bytes[..]);
        let _ = crate::Heads::decode_all(&mut &bytes[..]);
        let _ = crate::BlockRequest::decode_all(&mut &bytes[..]);
        let _ = BlockReply::decode_all(&mut &bytes[..]);
        let _ = TransactionMessage::decode_all(&mut &bytes[..]);
        let _ = PullRequest::decode_all(&mut &bytes[..]);
        let _ = PullResponse::decode_all(&mut &bytes[..]);
    }
}
