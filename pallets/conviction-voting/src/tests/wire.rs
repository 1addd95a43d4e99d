//! Bytes and names that clients know.

use scale_info::{Type, TypeInfo};

use super::*;

#[test]
fn bytes_and_names_are_those_that_clients_know() {
    let vote = aye(Locked3x, 5);
    let mut expected = vec![0, 0x80 | 3, 5];
    expected.extend([0; 15]);
    assert_eq!(vote.encode(), expected);
    assert_eq!(Call::vote { poll_index: 7, vote }.encode()[..4], [0, 28, 0, 0x83]);
    assert_eq!(Call::undelegate { class: 258 }.encode(), [2, 2, 1]);
    assert_eq!(Call::remove_vote { class: Some(1), index: 2 }.encode(), [4, 1, 1, 0, 2, 0, 0, 0]);
    assert_eq!(Voting::default().encode(), [vec![0, 0], vec![0; 32 + 4 + 16]].concat());
    assert_eq!(Vote::decode_all(&mut &[6u8][..]), Ok(Vote { aye: false, conviction: Conviction::Locked6x }));
    assert!(Vote::decode_all(&mut &[7u8][..]).is_err());
    let path = |ty: Type| ty.path.segments.join("::");
    assert_eq!(path(Vote::type_info()), "pallet_conviction_voting::vote::Vote");
    assert_eq!(path(AccountVote::type_info()), "pallet_conviction_voting::vote::AccountVote");
    assert_eq!(path(Voting::type_info()), "pallet_conviction_voting::vote::Voting");
    assert_eq!(path(Tally::type_info()), "pallet_conviction_voting::types::Tally");
    assert_eq!(path(Conviction::type_info()), "pallet_conviction_voting::conviction::Conviction");
    assert_eq!(path(Call::type_info()), "pallet_conviction_voting::pallet::Call");
}
