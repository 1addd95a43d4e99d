//! Known keys, derivation, refusals.

use std::{format, string::ToString};

use proptest::prelude::*;

use super::*;
use crate::signature::verify;

const SCHEMES: [Scheme; 3] = [Scheme::Sr25519, Scheme::Ed25519, Scheme::Ecdsa];

fn pair(scheme: Scheme, suri: &str) -> Pair {
    Pair::from_suri(scheme, suri).unwrap()
}

fn public(scheme: Scheme, suri: &str) -> String {
    const_hex::encode(pair(scheme, suri).public())
}

#[test]
fn development_accounts_have_their_known_sr25519_keys() {
    for (suri, key) in [
        ("//Alice", "d43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d"),
        ("//Bob", "8eaf04151687736326c9fea17e25fc5287613693c912909cb226aa4794f26a48"),
        ("//Charlie", "90b5ab205c6974c9ea841be688864633dc9ca8a357843eeacf2314649965fe22"),
        ("//Dave", "306721211d5404bd9da88e0204360a1a9ab8b87c66c1bc2fcdd37f3c2222cc20"),
        ("//Eve", "e659a7a1628cdd93febc04a4e0646ea20e9f5f0ce097d9a05290d4a9e054df4e"),
        ("//Ferdie", "1cbd2d43530a44705ad088af313e18f80b53ef16b36177cd4b77b846f2a5f07c"),
        ("//Alice//stash", "be5ddb1579b72e84524fc29e78609e3caf42e85aa118ebfe0b0ad404b5bdd25f"),
        ("//Bob//stash", "fe65717dad0447d715f660a0a58411de509b42e6efb8375f562f58a554d5860e"),
    ] {
        assert_eq!(public(Scheme::Sr25519, suri), key, "{suri}");
    }
    assert_eq!(
        pair(Scheme::Sr25519, "//Alice").account_id().to_string(),
        "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"
    );
}

#[test]
fn development_accounts_have_their_known_ed25519_keys() {
    for (suri, key) in [
        ("//Alice", "88dc3417d5058ec4b4503e0c12ea1a0a89be200fe98922423d4334014fa6b0ee"),
        ("//Bob", "d17c2d7823ebf260fd138f2d7e27d114c0145d968b5ff5006125f2414fadae69"),
        ("//Charlie", "439660b36c6c03afafca027b910b4fecf99801834c62a5e6006f27d978de234f"),
        ("//Dave", "5e639b43e0052c47447dac87d6fd2b6ec50bdd4d0f614e4299c665249bbd09d9"),
        ("//Eve", "1dfe3e22cc0d45c70779c1095f7489a8ef3cf52d62fbd8c2fa38c9f1723502b5"),
        ("//Ferdie", "568cb4a574c6d178feb39c27dfc8b3f789e5f5423e19c71633c748b9acf086b5"),
        ("//Alice//stash", "451781cd0c5504504f69ceec484cc66e4c22a2b6a9d20fb1a426d91ad074a2a8"),
    ] {
        assert_eq!(public(Scheme::Ed25519, suri), key, "{suri}");
    }
}

#[test]
fn development_accounts_have_their_known_ecdsa_keys() {
    for (suri, key) in [
        ("//Alice", "020a1091341fe5664bfa1782d5e04779689068c916b04cb365ec3153755684d9a1"),
        ("//Bob", "0390084fdbf27d2b79d26a4f13f0ccd982cb755a661969143c37cbc49ef5b91f27"),
        ("//Charlie", "0389411795514af1627765eceffcbd002719f031604fadd7d188e2dc585b4e1afb"),
        ("//Dave", "03bc9d0ca094bd5b8b3225d7651eac5d18c1c04bf8ae8f8b263eebca4e1410ed0c"),
        ("//Eve", "031d10105e323c4afce225208f71a6441ee327a65b9e646e772500c74d31f669aa"),
        ("//Ferdie", "0291f1217d5a04cb83312ee3d88a6e6b33284e053e6ccfc3a90339a0299d12967c"),
        ("//Alice//stash", "03c6a1c2194fa966d30bc4b9c4d5140e9a899d456372dae0e4ef230fd7d2197e72"),
    ] {
        assert_eq!(public(Scheme::Ecdsa, suri), key, "{suri}");
    }
}

#[test]
fn a_path_alone_starts_at_the_development_phrase() {
    for scheme in SCHEMES {
        assert_eq!(public(scheme, "//Alice"), public(scheme, &format!("{DEV_PHRASE}//Alice")));
    }
}

#[test]
fn the_seed_of_the_development_phrase_is_the_known_one() {
    let seed = "0xfac7959dbfe72f052e5a0c3c8d6530f202b02fd8f9f5ca3580ec8deb7797479e";
    for scheme in SCHEMES {
        assert_eq!(public(scheme, DEV_PHRASE), public(scheme, seed));
        assert_eq!(public(scheme, "//Alice//stash"), public(scheme, &format!("{seed}//Alice//stash")));
    }
}

#[test]
fn numbers_texts_and_long_names_are_different_junctions() {
    use suri::Junction::{Hard, Soft};
    let junctions = |uri| SecretUri::parse(uri).map(|uri| uri.junctions);
    let mut one = [0; 32];
    one[0] = 1;
    let mut text = [0; 32];
    text[..4].copy_from_slice(b"\x0cone");
    assert_eq!(junctions("//1/one").unwrap(), [Hard(one), Soft(text)]);
    let long = format!("//{}", "x".repeat(40));
    let hashed = blake2_256(&long[2..].encode());
    assert_eq!(junctions(&long).unwrap(), [Hard(hashed)]);
    assert_eq!(junctions("//a///b/c//d").unwrap().len(), 1);
}

#[test]
fn a_password_changes_the_key_of_a_phrase() {
    for scheme in SCHEMES {
        let plain = public(scheme, DEV_PHRASE);
        let protected = public(scheme, &format!("{DEV_PHRASE}///secret/with//slashes"));
        assert_ne!(plain, protected);
        assert_eq!(plain, public(scheme, &format!("{DEV_PHRASE}///")));
    }
}

#[test]
fn soft_derivation_is_for_sr25519_only() {
    let soft = pair(Scheme::Sr25519, "//Alice/soft");
    assert_eq!(soft.public(), pair(Scheme::Sr25519, "//Alice/soft").public());
    assert_ne!(soft.public(), pair(Scheme::Sr25519, "//Alice//soft").public());
    assert!(soft.seed().is_none());
    assert!(verify(&soft.sign(b"m"), b"m", &soft.account_id()));

    for scheme in [Scheme::Ed25519, Scheme::Ecdsa] {
        let error = Pair::from_suri(scheme, "//hard/soft").unwrap_err();
        assert_eq!(error, KeyError::SoftJunction { position: 2, scheme });
    }
}

#[test]
fn every_scheme_signs_what_verifies_and_nothing_else() {
    for scheme in SCHEMES {
        let (alice, bob) = (pair(scheme, "//Alice"), pair(scheme, "//Bob"));
        let signature = alice.sign(b"message");
        assert!(verify(&signature, b"message", &alice.account_id()), "{scheme}");
        assert!(!verify(&signature, b"messages", &alice.account_id()), "{scheme}");
        assert!(!verify(&signature, b"message", &bob.account_id()), "{scheme}");
        assert_eq!(alice.scheme(), scheme);
        assert_eq!(scheme.to_string().parse(), Ok(scheme));
    }
}

#[test]
fn a_generated_phrase_restores_its_key() {
    for scheme in SCHEMES {
        for words in [12, 24] {
            let (pair, phrase) = Pair::generate(scheme, words).unwrap();
            assert_eq!(phrase.as_str().split(' ').count(), words);
            assert_eq!(Pair::from_suri(scheme, phrase.as_str()).unwrap().public(), pair.public());
            let (other, _) = Pair::generate(scheme, words).unwrap();
            assert_ne!(other.public(), pair.public());
        }
    }
    assert_eq!(Pair::generate(Scheme::Sr25519, 13).unwrap_err(), KeyError::GeneratedWordCount(13));
}

#[test]
fn seed_and_secret_restore_the_key() {
    for scheme in SCHEMES {
        let alice = pair(scheme, "//Alice");
        let seed = alice.seed().unwrap();
        assert_eq!(Pair::from_seed(scheme, &seed).unwrap().public(), alice.public());
        match scheme {
            Scheme::Sr25519 => assert_eq!(alice.secret().len(), 64),
            Scheme::Ed25519 | Scheme::Ecdsa => assert_eq!(*alice.secret(), seed.to_vec()),
        }
    }
    assert_eq!(
        const_hex::encode(*pair(Scheme::Sr25519, "//Alice").seed().unwrap()),
        "e5be9a5092b81bca64be81d212e7f2f9eba183bb7a90954f7b76361f6edb5c0a"
    );
}

#[test]
fn errors_name_the_place_and_repeat_no_secret() {
    let word = DEV_PHRASE.replace("curtain", "curtian");
    let swapped = DEV_PHRASE.replace("bottom drive", "drive bottom");
    for (suri, wanted) in [
        ("", KeyError::Empty),
        ("Alice", KeyError::WordCount(1)),
        (word.as_str(), KeyError::UnknownWord(5)),
        (swapped.as_str(), KeyError::Checksum),
        ("0x1234", KeyError::BadSeed),
        (&format!("0x0x{}", "00".repeat(31)), KeyError::BadSeed),
        (&format!("0x{}zz", "00".repeat(31)), KeyError::BadSeed),
        ("//Alice/", KeyError::EmptyJunction(2)),
        ("//", KeyError::EmptyJunction(1)),
    ] {
        let error = Pair::from_suri(Scheme::Sr25519, suri).unwrap_err();
        assert_eq!(error, wanted, "{suri}");
        assert!(!error.to_string().contains("curtian"));
    }
    let zero = format!("0x{}", "00".repeat(32));
    assert_eq!(Pair::from_suri(Scheme::Ecdsa, &zero).unwrap_err(), KeyError::SeedOutOfRange);
}

#[test]
fn debug_shows_the_public_key_only() {
    for scheme in SCHEMES {
        let alice = pair(scheme, "//Alice");
        let text = format!("{alice:?}");
        let secret = alice.secret();
        assert!(!text.contains(&format!("{:?}", &secret[..8]).replace(['[', ']'], "")));
        assert!(text.starts_with("Pair { public: "), "{text}");
    }
    let (_, phrase) = Pair::generate(Scheme::Sr25519, 12).unwrap();
    assert_eq!(format!("{phrase:?}"), "Phrase(…)");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_text_makes_the_parser_panic(text in any::<String>(), path in "[/a0]{0,12}") {
        for suri in [text, format!("{DEV_PHRASE}{path}"), path] {
            if let Ok(pair) = Pair::from_suri(Scheme::Sr25519, &suri) {
                prop_assert_eq!(pair.scheme(), Scheme::Sr25519);
            }
        }
    }
}
