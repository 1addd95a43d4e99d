use super::*;

const ORIGINS: Origins = Origins { index: 24 };

#[test]
fn each_origin_is_known_again_and_no_other_is_taken_for_one() {
    for origin in Origin::ALL {
        assert_eq!(ORIGINS.named(&ORIGINS.origin(origin)), Some(origin));
        assert_eq!(Origins { index: 25 }.named(&ORIGINS.origin(origin)), None);
    }
    for other in [
        AnyOrigin::Root,
        AnyOrigin::None,
        AnyOrigin::Signed(basalt_primitives::AccountId32([1; 32])),
        AnyOrigin::Pallet { index: 24, origin: alloc::vec![2] },
        AnyOrigin::Pallet { index: 24, origin: alloc::vec![0, 0] },
        AnyOrigin::Pallet { index: 24, origin: alloc::vec![] },
    ] {
        assert_eq!(ORIGINS.named(&other), None, "{other:?}");
    }
}

#[test]
fn indices_never_change() {
    let indices = Origin::ALL.map(|origin| origin.encode()[0]);
    assert_eq!(indices, [0, 1, 3, 6, 7, 10, 11, 13, 20]);
}
