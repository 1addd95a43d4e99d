//! Vectors and properties.

use alloc::{string::String, vec::Vec};

use proptest::prelude::*;

use super::*;

/// Alice's key on several networks, as published explorers show it.
#[test]
fn one_key_has_the_known_address_on_each_network() {
    let alice =
        const_hex::decode("d43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d").unwrap();
    for (prefix, address) in [
        (42, "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"),
        (0, "15oF4uVJwmo4TdGW7VfQxNLavjCXviqxT9S1MgbjMNHr6Sp5"),
        (2, "HNZata7iMYWmk5RvZRTiAsSDhV8366zq2YGb3tLH5Upf74F"),
    ] {
        assert_eq!(encode(prefix, &alice), address);
        assert_eq!(decode(address).unwrap(), (prefix, alice.clone()));
    }
}

#[test]
fn a_damaged_address_is_refused_with_its_reason() {
    let address = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY";
    assert_eq!(decode(&address.replacen('G', "H", 1)), Err(Ss58Error::BadChecksum));
    assert_eq!(decode(&address.replacen('G', "0", 1)), Err(Ss58Error::NotBase58));
    assert!(matches!(decode(&address[..40]), Err(Ss58Error::BadLength { .. })));
    assert!(matches!(decode(""), Err(Ss58Error::BadLength { length: 0 })));
    assert!(matches!(decode(&"1".repeat(10_000)), Err(Ss58Error::BadLength { length: 10_000 })));
    let refused = |bytes: &[u8]| decode(&bs58::encode(bytes).into_string()).unwrap_err();
    assert_eq!(refused(&[128, 1, 2, 3]), Ss58Error::BadPrefix { first: 128 });
    // Prefix 42 in two bytes.
    assert_eq!(refused(&[0x4a, 0x80, 1, 2]), Ss58Error::BadPrefix { first: 0x4a });
}

proptest! {
    #[test]
    fn every_prefix_and_length_comes_back(
        prefix in prop_oneof![0..=PREFIX_MAX, 60u16..70],
        length in prop::sample::select(&[1usize, 2, 4, 8, 32, 33][..]),
        bytes in any::<[u8; 33]>(),
    ) {
        let payload = &bytes[..length];
        prop_assert_eq!(decode(&encode(prefix, payload)), Ok((prefix, payload.to_vec())));
    }

    #[test]
    fn no_text_makes_it_panic(text in any::<String>(), bytes in any::<Vec<u8>>()) {
        let _ = decode(&text);
        if let Ok((prefix, payload)) = decode(&bs58::encode(&bytes).into_string()) {
            prop_assert_eq!(encode(prefix, &payload), bs58::encode(&bytes).into_string());
        }
    }
}

/// Two bytes of checksum miss one change in 65,536 on average, and none of these 8,925.
#[test]
fn every_change_of_one_byte_is_noticed() {
    let raw = bs58::decode(encode(42, &[7; 32])).into_vec().unwrap();
    for at in 0..raw.len() {
        for change in 1..=255 {
            let mut changed = raw.clone();
            changed[at] ^= change;
            assert!(decode(&bs58::encode(changed).into_string()).is_err(), "byte {at} ^ {change}");
        }
    }
}
