use std::vec::Vec;

use ed25519_zebra::SigningKey;
use parity_scale_codec::DecodeAll;
use proptest::prelude::*;

use super::*;

const GENESIS: H256 = H256([9; 32]);
const PLACE: Place = Place { set_id: 3, height: 7, round: 2 };

fn key() -> SigningKey {
    SigningKey::from([5; 32])
}

fn signed<T>(content: T, payload: &[u8]) -> Signed<T> {
    Signed { content, signature: key().sign(payload).into() }
}

fn evidence(contradiction: Contradiction) -> Evidence {
    Evidence { place: PLACE, key: key().verification_key().into(), contradiction }
}

fn block(byte: u8) -> H256 {
    H256([byte; 32])
}

fn all() -> [Evidence; 3] {
    let one = Proposed { block: block(1), pol_round: None };
    let other = Proposed { block: block(1), pol_round: Some(0) };
    let prevote = |of| signed(of, &PLACE.prevote(&GENESIS, of));
    let precommit = |of| signed(of, &PLACE.precommit(&GENESIS, of));
    [
        evidence(Contradiction::Proposals(
            signed(one, &PLACE.proposal(&GENESIS, &one)),
            signed(other, &PLACE.proposal(&GENESIS, &other)),
        )),
        evidence(Contradiction::Prevotes(prevote(Some(block(1))), prevote(None))),
        evidence(Contradiction::Precommits(precommit(Some(block(2))), precommit(Some(block(1))))),
    ]
}

#[test]
fn payloads_are_pinned() {
    let number = 7u32.to_le_bytes();
    let set = 3u64.to_le_bytes();
    let grandpa = [&[1][..], &[2; 32], &number, &2u32.to_le_bytes(), &7u32.to_le_bytes(), &set].concat();
    assert_eq!(PLACE.precommit(&GENESIS, Some(block(2))), grandpa);
    let named = |name: &str, rest: &[u8]| {
        let mut bytes = name.encode();
        bytes.extend_from_slice(&GENESIS.0);
        bytes.extend_from_slice(&set);
        bytes.extend_from_slice(&7u64.to_le_bytes());
        bytes.extend_from_slice(&2u32.to_le_bytes());
        bytes.extend_from_slice(rest);
        bytes
    };
    assert_eq!(PLACE.precommit(&GENESIS, None), named("basalt/precommit", &[0]));
    assert_eq!(PLACE.prevote(&GENESIS, None), named("basalt/prevote", &[0]));
    let some: Vec<u8> = [&[1][..], &[2; 32]].concat();
    assert_eq!(PLACE.prevote(&GENESIS, Some(block(2))), named("basalt/prevote", &some));
    let proposed = Proposed { block: block(2), pol_round: Some(1) };
    let terms: Vec<u8> = [&[1, 1, 0, 0, 0][..], &[2; 32]].concat();
    assert_eq!(PLACE.proposal(&GENESIS, &proposed), named("basalt/proposal", &terms));
}

#[test]
fn two_signatures_prove_it_and_nothing_less_does() {
    for whole in all() {
        assert!(whole.contradiction.differs() && whole.is_signed(&GENESIS));
        assert_eq!(Evidence::decode_all(&mut &whole.encode()[..]), Ok(whole));
        assert!(whole.encode().len() <= Evidence::max_encoded_len());
        let elsewhere =
            [Place { set_id: 4, ..PLACE }, Place { height: 8, ..PLACE }, Place { round: 3, ..PLACE }];
        for place in elsewhere {
            assert!(!Evidence { place, ..whole }.is_signed(&GENESIS), "{place:?}");
        }
        assert!(!Evidence { key: [1; 32], ..whole }.is_signed(&GENESIS));
        let ordered = whole.contradiction.ordered();
        assert!(Evidence { contradiction: ordered, ..whole }.is_signed(&GENESIS));
        assert_eq!(ordered, ordered.ordered());
    }
    // Precommits for blocks sign what GRANDPA's do, which does not name the chain.
    let other = H256([8; 32]);
    assert_eq!(all().map(|whole| whole.is_signed(&other)), [false, false, true]);
}

#[test]
fn a_forged_half_is_seen() {
    for whole in all() {
        for half in 0..2 {
            let mut forged = whole;
            let spoil = |signature: &mut [u8; 64]| signature[3] ^= 1;
            match &mut forged.contradiction {
                Contradiction::Proposals(first, second) => {
                    spoil(&mut if half == 0 { first } else { second }.signature);
                }
                Contradiction::Prevotes(first, second) | Contradiction::Precommits(first, second) => {
                    spoil(&mut if half == 0 { first } else { second }.signature);
                }
            }
            assert!(!forged.is_signed(&GENESIS));
        }
    }
    // What was signed as one thing is not the other.
    let [_, prevotes, _] = all();
    let Contradiction::Prevotes(first, second) = prevotes.contradiction else { panic!() };
    assert!(!evidence(Contradiction::Precommits(first, second)).is_signed(&GENESIS));
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        if let Ok(evidence) = Evidence::decode_all(&mut &bytes[..]) {
            prop_assert!(!evidence.is_signed(&GENESIS));
            prop_assert_eq!(evidence.encode(), bytes);
        }
    }

    /// The order is the same, whoever found which first.
    #[test]
    fn order_does_not_depend_on_who_found_which_first(one in any::<[u8; 32]>(), other in any::<[u8; 32]>()) {
        let vote = |hash| Signed { content: Some(H256(hash)), signature: [0; 64] };
        prop_assert_eq!(
            Contradiction::Prevotes(vote(one), vote(other)).ordered(),
            Contradiction::Prevotes(vote(other), vote(one)).ordered()
        );
    }
}
