//! Vectors and properties.

use alloc::{string::ToString, vec, vec::Vec};

use proptest::prelude::*;

use super::*;
use crate::{AccountId, OpaqueExtrinsic, hashing::blake2_256};

const CALL: &[u8] = &[5, 0, 1, 2, 3];

fn extra() -> Extra {
    Extra { era: Era::Mortal(64, 42), nonce: 64, tip: 1 << 30, metadata_hash_mode: 0 }
}

fn additional() -> Additional {
    Additional {
        spec_version: 0x0102_0304,
        transaction_version: 7,
        genesis_hash: H256([0xaa; 32]),
        birth_hash: H256([0xbb; 32]),
        metadata_hash: None,
    }
}

#[test]
fn the_signing_payload_is_call_extra_additional_in_the_order_that_clients_hard_code() {
    let mut wanted = CALL.to_vec();
    wanted.extend([0xa5, 0x02]); // era
    wanted.extend([0x01, 0x01]); // compact 64
    wanted.extend([0x03, 0, 0, 0, 0x40]); // compact 2^30
    wanted.push(0); // mode
    wanted.extend([4, 3, 2, 1, 7, 0, 0, 0]);
    wanted.extend([0xaa; 32]);
    wanted.extend([0xbb; 32]);
    wanted.push(0); // no metadata hash
    assert_eq!(signing_payload(CALL, &extra(), &additional()), wanted);

    let hashed = Additional { metadata_hash: Some([0xcc; 32]), ..additional() };
    wanted.pop();
    wanted.push(1);
    wanted.extend([0xcc; 32]);
    assert_eq!(signing_payload(CALL, &extra(), &hashed), wanted);
}

#[test]
fn only_a_payload_above_256_bytes_is_hashed() {
    let fixed = signing_payload(&[], &extra(), &additional()).len();
    let call = vec![1; PAYLOAD_BYTES_MAX - fixed];
    let payload = signing_payload(&call, &extra(), &additional());
    assert_eq!(payload.len(), PAYLOAD_BYTES_MAX);

    let longer = [&[1][..], &call].concat();
    let unhashed = [&[1][..], &payload].concat();
    assert_eq!(signing_payload(&longer, &extra(), &additional()), blake2_256(&unhashed));
}

#[test]
fn a_signed_extrinsic_has_the_bytes_of_version_4() {
    let bytes = encode_signed(
        &MultiAddress::Id(AccountId::from([1; 32])),
        &MultiSignature::Sr25519([2; 64]),
        &extra(),
        CALL,
    );
    let mut wanted = vec![0x84, 0x00];
    wanted.extend([1; 32]);
    wanted.push(0x01);
    wanted.extend([2; 64]);
    wanted.extend([0xa5, 0x02, 0x01, 0x01, 0x03, 0, 0, 0, 0x40, 0]);
    let call_offset = wanted.len();
    wanted.extend(CALL);
    assert_eq!(bytes, wanted);
    assert_eq!(
        split(&bytes),
        Ok(Preamble::Signed {
            address: MultiAddress::Id(AccountId::from([1; 32])),
            signature: MultiSignature::Sr25519([2; 64]),
            extra: extra(),
            extra_range: call_offset - 10..call_offset,
            call_offset,
        })
    );
}

/// The timestamp inherent of a public chain, as explorers show it.
#[test]
fn a_bare_extrinsic_of_a_live_chain_splits_behind_its_version() {
    let wire = const_hex::decode("280402000b50055ee97001").unwrap();
    let extrinsic = OpaqueExtrinsic::from_encoded(&wire).unwrap();
    assert_eq!(split(&extrinsic.0), Ok(Preamble::Bare { call_offset: 1 }));
    assert_eq!(encode_bare(&extrinsic.0[1..]), extrinsic.0);
    assert_eq!(split(&[BARE_V5, 0, 0]), Ok(Preamble::Bare { call_offset: 1 }));
}

#[test]
fn errors_name_the_version_byte_or_the_part() {
    assert_eq!(split(&[]), Err(ExtrinsicError::Empty));
    for version in (0..=255).filter(|v| ![BARE_V4, BARE_V5, SIGNED_V4].contains(v)) {
        assert_eq!(split(&[version, 0, 0]), Err(ExtrinsicError::UnsupportedVersion(version)));
    }
    assert!(split(&[0x45]).unwrap_err().to_string().contains("0x45"));

    let address = MultiAddress::Id(AccountId::default());
    let bytes = encode_signed(&address, &MultiSignature::Ecdsa([0; 65]), &extra(), &[]);
    for (length, part) in [(20, "address"), (60, "signature"), (bytes.len() - 1, "extra")] {
        let text = split(&bytes[..length]).unwrap_err().to_string();
        assert!(text.contains(part), "{text}");
    }
    let mut bad_mode = bytes;
    *bad_mode.last_mut().unwrap() = 2;
    assert!(split(&bad_mode).unwrap_err().to_string().contains("extra"));
}

prop_compose! {
    fn extras()(
        era in prop_oneof![Just(Era::Immortal), (any::<u64>(), any::<u64>()).prop_map(|(p, c)| Era::mortal(p, c))],
        nonce in any::<u32>(),
        tip in any::<u128>(),
        metadata_hash_mode in 0u8..2,
    ) -> Extra {
        Extra { era, nonce, tip, metadata_hash_mode }
    }
}

proptest! {
    #[test]
    fn what_is_encoded_splits_into_its_parts(
        account in any::<[u8; 32]>(),
        key in any::<[u8; 32]>(),
        extra in extras(),
        call in any::<Vec<u8>>(),
    ) {
        let mut ecdsa = [0; 65];
        ecdsa[..32].copy_from_slice(&key);
        let mut short = [0; 64];
        short[32..].copy_from_slice(&key);
        for signature in [
            MultiSignature::Ed25519(short),
            MultiSignature::Sr25519(short),
            MultiSignature::Ecdsa(ecdsa),
        ] {
            let address = MultiAddress::Id(account.into());
            let bytes = encode_signed(&address, &signature, &extra, &call);
            let Ok(Preamble::Signed { address: a, signature: s, extra: e, extra_range, call_offset }) = split(&bytes)
            else {
                panic!("not signed")
            };
            prop_assert_eq!((a, s, e), (address, signature, extra));
            prop_assert_eq!(&bytes[extra_range], &extra.encode());
            prop_assert_eq!(&bytes[call_offset..], &call);
        }
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in any::<Vec<u8>>(), tail in prop::collection::vec(any::<u8>(), 0..250)) {
        for bytes in [bytes, [&[SIGNED_V4, 0][..], &tail].concat(), [&[SIGNED_V4][..], &tail].concat()] {
            if let Ok(preamble) = split(&bytes) {
                prop_assert!(preamble.call_offset() <= bytes.len());
            }
        }
    }
}
