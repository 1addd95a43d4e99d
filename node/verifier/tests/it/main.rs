//! The verifier against a toy chain.

mod toy;

use std::sync::Arc;

use basalt_primitives::{
    H256, InvalidTransaction, MultiSignature, TransactionValidityError,
    keys::{Pair, Scheme},
};
use basalt_runtime_api::{Head, Refusal, Runtime, Transaction, ValidateError, Verified};
use basalt_state::{Memory, StateError, StateRead};
use basalt_verifier::Verifier;
use parity_scale_codec::Encode;
use proptest::prelude::*;
use toy::{Order, Toy, Wire, badly_signed, pair, signed};

fn inspect(bytes: Vec<u8>) -> Arc<Transaction> {
    Arc::new(Toy.inspect(bytes).expect("tests make decodable transactions"))
}

fn verify(
    verifier: &Verifier,
    state: &(dyn StateRead + Sync),
    transactions: &[Arc<Transaction>],
) -> Vec<Result<Verified, ValidateError>> {
    verifier.verify(&Toy, 7, H256::zero(), state, transactions.to_vec(), false)
}

fn is_bad_proof(verdict: &Result<Verified, ValidateError>) -> bool {
    matches!(
        verdict,
        Err(ValidateError::Refused(Refusal {
            error: TransactionValidityError::Invalid(InvalidTransaction::BadProof),
            ..
        }))
    )
}

/// How a generated signature is broken, if at all.
#[derive(Debug, Clone, Copy)]
enum Damage {
    None,
    /// A good signature of other bytes.
    OtherMessage,
    /// One bit flipped: often no longer parseable.
    Bit(usize),
    /// The key of another signer.
    OtherSigner,
}

fn damage() -> impl Strategy<Value = Damage> {
    prop_oneof![
        6 => Just(Damage::None),
        1 => Just(Damage::OtherMessage),
        1 => (0_usize..512).prop_map(Damage::Bit),
        1 => Just(Damage::OtherSigner),
    ]
}

fn scheme() -> impl Strategy<Value = Scheme> {
    prop_oneof![8 => Just(Scheme::Sr25519), 1 => Just(Scheme::Ed25519), 1 => Just(Scheme::Ecdsa)]
}

fn make(pair: &Pair, nonce: u32, damage: Damage) -> Vec<u8> {
    let order = Order::new(nonce, 1);
    match damage {
        Damage::None => signed(pair, order),
        Damage::OtherMessage => badly_signed(pair, order),
        Damage::OtherSigner => {
            let signature = pair.sign(&toy::message(&order, H256::zero()));
            let signer = toy::pair(Scheme::Sr25519, 255).account_id().0;
            Wire::Signed { signer, signature, order }.encode()
        }
        Damage::Bit(bit) => {
            let mut signature = pair.sign(&toy::message(&order, H256::zero()));
            let bytes: &mut [u8] = match &mut signature {
                MultiSignature::Ed25519(bytes) | MultiSignature::Sr25519(bytes) => bytes,
                MultiSignature::Ecdsa(bytes) => bytes,
            };
            bytes[bit / 8] ^= 1 << (bit % 8);
            Wire::Signed { signer: pair.account_id().0, signature, order }.encode()
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn bad_signatures_anywhere_in_a_batch_are_found_and_nothing_else(
        plan in prop::collection::vec((scheme(), 1_u8..6, damage()), 0..90)
    ) {
        let transactions: Vec<_> = plan
            .iter()
            .zip(0..)
            .map(|((scheme, seed, damage), nonce)| inspect(make(&pair(*scheme, *seed), nonce, *damage)))
            .collect();
        let verdicts = verify(&Verifier::new(1000), &Memory::default(), &transactions);
        prop_assert_eq!(verdicts.len(), plan.len());
        let state = Memory::default();
        let head = Head { number: 0, hash: H256::zero(), state: &state };
        let alone = Verifier::new(1000).verify_alone(&Toy, &head, transactions.clone());
        prop_assert_eq!(
            alone.iter().map(Result::is_ok).collect::<Vec<_>>(),
            verdicts.iter().map(Result::is_ok).collect::<Vec<_>>()
        );
        for ((verdict, (.., damage)), transaction) in verdicts.iter().zip(&plan).zip(&transactions) {
            match damage {
                Damage::None => {
                    prop_assert_eq!(verdict.as_ref().expect("it is well signed").hash, transaction.hash);
                }
                _ => prop_assert!(is_bad_proof(verdict), "{damage:?}: {verdict:?}"),
            }
        }
    }
}

#[test]
fn one_bad_signature_among_two_thousand_is_found_wherever_it_is() {
    let alice = pair(Scheme::Sr25519, 1);
    let good: Vec<_> = (0..2050).map(|nonce| inspect(signed(&alice, Order::new(nonce, 0)))).collect();
    for place in [0, 1023, 1024, 2049] {
        let mut transactions = good.clone();
        transactions[place] = inspect(badly_signed(&alice, Order::new(0, 9)));
        let verdicts = verify(&Verifier::new(0), &Memory::default(), &transactions);
        let bad: Vec<_> = (0..verdicts.len()).filter(|&index| is_bad_proof(&verdicts[index])).collect();
        assert_eq!(bad, [place]);
    }
}

/// The sum of all signatures' scalars stays what it should be: only random coefficients tell the difference.
#[test]
fn two_signatures_whose_errors_cancel_out_are_both_refused() {
    let alice = pair(Scheme::Sr25519, 1);
    let mut batch: Vec<_> = (0..16).map(|nonce| signed(&alice, Order::new(nonce, 0))).collect();
    for (place, step) in [(3, 1_i16), (11, -1)] {
        let order = Order::new(place, 0);
        let MultiSignature::Sr25519(mut bytes) = alice.sign(&toy::message(&order, H256::zero())) else {
            panic!("the pair is sr25519")
        };
        // The low bytes of the scalar.
        let low = u16::from_le_bytes([bytes[32], bytes[33]]).wrapping_add_signed(step);
        bytes[32..34].copy_from_slice(&low.to_le_bytes());
        let signature = MultiSignature::Sr25519(bytes);
        batch[place as usize] = Wire::Signed { signer: alice.account_id().0, signature, order }.encode();
    }
    let transactions: Vec<_> = batch.into_iter().map(inspect).collect();
    let verdicts = verify(&Verifier::new(0), &Memory::default(), &transactions);
    let bad: Vec<_> = (0..verdicts.len()).filter(|&index| is_bad_proof(&verdicts[index])).collect();
    assert_eq!(bad, [3, 11]);
}

#[test]
fn each_signature_is_checked_once() {
    let verifier = Verifier::new(100);
    let (alice, bob) = (pair(Scheme::Sr25519, 1), pair(Scheme::Ed25519, 2));
    let one = inspect(signed(&alice, Order::new(0, 0)));
    let two = inspect(signed(&bob, Order::new(0, 0)));
    let batch = [one.clone(), two.clone(), one.clone()];
    assert!(verify(&verifier, &Memory::default(), &batch).iter().all(Result::is_ok));
    assert_eq!(verifier.checked(), 2, "the same transaction twice in a batch is checked once");
    assert!(verify(&verifier, &Memory::default(), &[two, one]).iter().all(Result::is_ok));
    assert_eq!(verifier.checked(), 2, "both are remembered");
}

#[test]
fn a_bad_signature_is_not_remembered_as_good() {
    let verifier = Verifier::new(100);
    let bad = inspect(badly_signed(&pair(Scheme::Sr25519, 1), Order::new(0, 0)));
    for _ in 0..2 {
        assert!(is_bad_proof(&verify(&verifier, &Memory::default(), std::slice::from_ref(&bad))[0]));
    }
}

#[test]
fn what_was_verified_for_one_birth_block_does_not_count_for_another() {
    let verifier = Verifier::new(100);
    let transaction = [inspect(signed(&pair(Scheme::Sr25519, 1), Order::new(0, 0)))];
    let verdict = &verify(&verifier, &Memory::default(), &transaction)[0];
    assert_eq!(verdict.as_ref().expect("signed for birth hash zero").birth_hash(), H256::zero());
    let mut fork = Memory::default();
    fork.0.insert(b"birth".to_vec(), vec![7; 32]);
    assert!(is_bad_proof(&verify(&verifier, &fork, &transaction)[0]));
}

#[test]
fn the_oldest_is_forgotten_first() {
    let verifier = Verifier::new(2);
    let alice = pair(Scheme::Sr25519, 1);
    let three: Vec<_> = (0..3).map(|nonce| inspect(signed(&alice, Order::new(nonce, 0)))).collect();
    for transaction in &three {
        verify(&verifier, &Memory::default(), std::slice::from_ref(transaction));
    }
    verify(&verifier, &Memory::default(), &three[1..]);
    assert_eq!(verifier.checked(), 3);
    verify(&verifier, &Memory::default(), &three[..1]);
    assert_eq!(verifier.checked(), 4);
}

#[test]
fn bare_transactions_pass_only_where_they_are_allowed() {
    let verifier = Verifier::new(2);
    let bare = inspect(Wire::Bare(b"time".to_vec()).encode());
    let verdict =
        |allowed| verifier.verify(&Toy, 0, H256::zero(), &Memory::default(), vec![bare.clone()], allowed);
    assert!(verdict(true)[0].is_ok());
    let Err(ValidateError::Refused(refusal)) = &verdict(false)[0] else { panic!("it must be refused") };
    assert_eq!(refusal.error, InvalidTransaction::Call.into());
}

#[test]
fn a_failing_state_blames_nobody() {
    struct Broken;
    impl StateRead for Broken {
        fn get(&self, _: &[u8]) -> Result<Option<Vec<u8>>, StateError> {
            Err(StateError::Backend("disk".into()))
        }
        fn next_key(&self, _: &[u8]) -> Result<Option<Vec<u8>>, StateError> {
            Err(StateError::Backend("disk".into()))
        }
    }
    let transaction = inspect(signed(&pair(Scheme::Sr25519, 1), Order::new(0, 0)));
    let verdicts = verify(&Verifier::new(2), &Broken, &[transaction]);
    assert!(matches!(&verdicts[0], Err(ValidateError::State(_))), "{verdicts:?}");
}
