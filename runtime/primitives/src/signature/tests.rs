//! Vectors and properties.

use k256::ecdsa::Signature;
use proptest::prelude::*;

use super::*;

fn signer(seed: u8) -> k256::ecdsa::SigningKey {
    k256::ecdsa::SigningKey::from_slice(&[seed; 32]).unwrap()
}

fn public(key: &k256::ecdsa::SigningKey) -> [u8; 33] {
    key.verifying_key().to_encoded_point(true).as_bytes().try_into().unwrap()
}

fn signed(key: &k256::ecdsa::SigningKey, message: &[u8]) -> [u8; 65] {
    let (scalars, id) = key.sign_prehash_recoverable(&blake2_256(message)).unwrap();
    let mut signature = [id.to_byte(); 65];
    signature[..64].copy_from_slice(&scalars.to_bytes());
    signature
}

#[test]
fn ecdsa_accounts_are_the_hash_of_the_compressed_key() {
    let key = signer(7);
    let account = AccountId::from(blake2_256(&public(&key)));
    let signature = MultiSignature::Ecdsa(signed(&key, b"message"));
    assert!(verify(&signature, b"message", &account));
    assert!(!verify(&signature, b"massage", &account));
    assert!(!verify(&signature, b"message", &AccountId::from([7; 32])));
}

#[test]
fn ecdsa_accepts_what_substrate_accepts() {
    let key = signer(9);
    let low = signed(&key, b"m");
    let prehash = blake2_256(b"m");
    assert_eq!(ecdsa_recover(&low, &prehash), Some(public(&key)));

    // The same with 27 added to the recovery id, as Ethereum writes it.
    let mut ethereum = low;
    ethereum[64] += 27;
    assert_eq!(ecdsa_recover(&ethereum, &prehash), Some(public(&key)));

    // (r, -s) with the other y.
    let scalars = Signature::from_slice(&low[..64]).unwrap();
    let high_s = Signature::from_scalars(scalars.r().to_bytes(), (-*scalars.s()).to_bytes()).unwrap();
    assert!(high_s.normalize_s().is_some(), "the test must have made a high s");
    let mut high = [low[64] ^ 1; 65];
    high[..64].copy_from_slice(&high_s.to_bytes());
    assert_eq!(ecdsa_recover(&high, &prehash), Some(public(&key)));

    for id in [4, 26, 31, 255] {
        let mut wrong = low;
        wrong[64] = id;
        assert_eq!(ecdsa_recover(&wrong, &prehash), None, "recovery id {id}");
    }
    assert_eq!(ecdsa_recover(&[0; 65], &prehash), None);
}

/// Made with the JavaScript tools of Polkadot (`@polkadot/util-crypto`), so with an independent signer.
#[test]
fn sr25519_accepts_a_signature_made_by_another_tool() {
    let account: AccountId = "5Gv8YYFu8H1btvmrJy9FjjAWfb99wrhV3uhPFoNEr918utyR".parse().unwrap();
    let signature = "22f91b41ba12f8663ddce26bfc90dbfe6a51683fd3782ad679ab2a5fdbe7d44c\
                     2a119f22c74eea22555e5483eb7f42b828f189a38379d59c3b607d2461f0858e";
    let signature = MultiSignature::Sr25519(const_hex::decode_to_array(signature).unwrap());
    assert!(verify(&signature, b"test message\n", &account));
    assert!(!verify(&signature, b"another message\n", &account));
}

/// RFC 8032, section 7.1, test 2.
#[test]
fn ed25519_accepts_the_vector_of_its_rfc() {
    let public = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c";
    let signature = "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da\
                     085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00";
    let account = AccountId::from(const_hex::decode_to_array::<_, 32>(public).unwrap());
    let signature = MultiSignature::Ed25519(const_hex::decode_to_array(signature).unwrap());
    assert!(verify(&signature, &[0x72], &account));
    assert!(!verify(&signature, &[0x73], &account));
}

/// The rules of ZIP-215 accept small-order keys; the strict ones of other libraries do not.
#[test]
fn ed25519_accepts_small_order_points_as_zip_215_says() {
    let mut identity = [0; 32];
    identity[0] = 1;
    let mut signature = [0; 64];
    signature[0] = 1;
    assert!(ed25519_verify(&signature, b"any message", &identity));
}

#[test]
fn signers_name_their_account() {
    assert_eq!(MultiSigner::Sr25519([3; 32]).account_id().0, [3; 32]);
    assert_eq!(MultiSigner::Ed25519([4; 32]).account_id().0, [4; 32]);
    assert_eq!(MultiSigner::Ecdsa([2; 33]).account_id().0, blake2_256(&[2; 33]));
    assert_eq!(MultiSigner::Ecdsa([2; 33]).as_ref(), [2; 33]);
}

proptest! {
    #[test]
    fn no_bytes_make_a_check_panic_or_pass(
        a in any::<[u8; 32]>(), b in any::<[u8; 32]>(), id in any::<u8>(), key in any::<[u8; 32]>(),
    ) {
        let short: [u8; 64] = [a, b].concat().try_into().unwrap();
        let mut long = [id; 65];
        long[..64].copy_from_slice(&short);
        for signature in [
            MultiSignature::Ed25519(short),
            MultiSignature::Sr25519(short),
            MultiSignature::Ecdsa(long),
        ] {
            prop_assert!(!verify(&signature, b"message", &AccountId::from(key)));
        }
        let _ = ecdsa_recover(&long, &key);
        long[64] = id % 4;
        let _ = ecdsa_recover(&long, &key);
    }
}
