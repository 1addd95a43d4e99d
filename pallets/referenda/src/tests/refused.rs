//! What is refused, and the bytes and names that clients know.

use scale_info::Type;

use super::*;

#[test]
fn what_could_never_be_enacted_is_refused_before_anything_is_held() {
    let mut chain = Chain::new();
    let refused = [
        (Who::Signed([1; 32]), Toy::Write(1, 1), Error::NoTrack),
        (Who::Small, Toy::Write(100, 1), Error::Forbidden),
        (Who::Root, Toy::Write(0, 1), Error::OutOfBounds),
        (Who::Root, Toy::Write(1, 10), Error::Overweight),
    ];
    for (origin, call, why) in refused {
        assert_eq!(chain.submit(origin, &call), Err(error(why)), "{call:?}");
    }
    let submit = |proposal| Call::submit {
        proposal_origin: Box::new(Who::Root),
        proposal,
        enactment_moment: DispatchTime::After(0),
    };
    let nonsense = Bounded::Inline(InlineCall::try_from(vec![9]).unwrap());
    assert_eq!(chain.call(submit(nonsense)), Err(error(Error::Undecodable)));
    let note = basalt_pallet_preimage::Call::note_preimage { bytes: vec![0; 200] };
    chain.run(|ctx| PREIMAGES.dispatch(note, Origin::Signed(BOB), ctx)).unwrap();
    let hash = H256(blake2_256(&[0; 200]));
    assert_eq!(
        chain.call(submit(Bounded::Lookup { hash, len: 199 })),
        Err(error(Error::PreimageStoredWithDifferentLength))
    );
    assert_eq!(chain.call(submit(Bounded::Lookup { hash, len: 200 })), Err(error(Error::Undecodable)));
    assert_eq!((chain.held(ALICE), REFERENDUM_COUNT.get(&chain.state)), (0, Ok(None)));
}

#[test]
fn wrong_calls_have_errors_of_their_own() {
    let mut chain = Chain::new();
    let root = || Origin::Root;
    assert_eq!(chain.deposit(0), Err(error(Error::NotOngoing)));
    assert_eq!(chain.call(Call::refund_decision_deposit { index: 0 }), Err(error(Error::BadReferendum)));
    assert_eq!(chain.call_as(root(), Call::nudge_referendum { index: 0 }), Err(error(Error::NotOngoing)));
    assert_eq!(chain.call_as(root(), Call::one_fewer_deciding { track: 1 }), Err(error(Error::BadTrack)));
    chain.submit(Who::Root, &Toy::Fail).unwrap();
    assert_eq!(chain.call(Call::refund_decision_deposit { index: 0 }), Err(error(Error::NoDeposit)));
    chain.deposit(0).unwrap();
    assert_eq!(chain.deposit(0), Err(error(Error::HasDeposit)));
    assert_eq!(chain.call(Call::nudge_referendum { index: 0 }), Err(DispatchError::BadOrigin));
    chain.call_as(root(), Call::nudge_referendum { index: 0 }).unwrap();
    for _ in 1..OPEN_MAX {
        chain.submit(Who::Root, &Toy::Fail).unwrap();
    }
    assert_eq!(chain.submit(Who::Root, &Toy::Fail), Err(error(Error::Full)));
    chain.submit(Who::Small, &Toy::Fail).unwrap();
}

#[test]
fn bytes_and_names_are_those_that_clients_know() {
    let submit = Call::submit {
        proposal_origin: Box::new(Who::Small),
        proposal: inline(&Toy::Fail),
        enactment_moment: DispatchTime::After(3),
    };
    assert_eq!(submit.encode(), [0, 2, 1, 4, 1, 1, 3, 0, 0, 0]);
    assert_eq!(Call::<Who>::kill { index: 1 }.encode(), [4, 1, 0, 0, 0]);
    assert_eq!(Call::<Who>::set_metadata { index: 1, maybe_hash: None }.encode(), [8, 1, 0, 0, 0, 0]);
    let path = |ty: Type| ty.path.segments.join("::");
    assert_eq!(path(ReferendumInfo::<Who>::type_info()), "pallet_referenda::types::ReferendumInfo");
    assert_eq!(path(ReferendumStatus::<Who>::type_info()), "pallet_referenda::types::ReferendumStatus");
    assert_eq!(path(TrackInfo::type_info()), "pallet_referenda::types::TrackInfo");
    assert_eq!(path(Curve::type_info()), "pallet_referenda::types::Curve");
    assert_eq!(path(FixedI64::type_info()), "sp_arithmetic::fixed_point::FixedI64");
    assert_eq!(path(Call::<Who>::type_info()), "pallet_referenda::pallet::Call");
    let name = decide::enactment_name(5);
    let mut bytes = b"assembly".to_vec();
    bytes.push(9 << 2);
    bytes.extend(b"enactment");
    bytes.extend(5u32.to_le_bytes());
    assert_eq!(name, blake2_256(&bytes));
}
