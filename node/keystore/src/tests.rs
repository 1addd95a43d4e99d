//! Files as Substrate has them; what is refused; what keys do.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use basalt_primitives::{keys::KeyError, signature};
use proptest::prelude::*;
use schnorrkel::{
    PublicKey, signing_context,
    vrf::{VRFPreOut, VRFProof},
};

use super::*;

/// Public keys of //Alice: Ed25519 and sr25519.
const ALICE_VOTE: &str = "88dc3417d5058ec4b4503e0c12ea1a0a89be200fe98922423d4334014fa6b0ee";
const ALICE_VRF: &str = "d43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d";

fn key(text: &str) -> [u8; 32] {
    const_hex::decode_to_array(text).unwrap()
}

fn opened() -> (tempfile::TempDir, Keystore) {
    let folder = tempfile::tempdir().unwrap();
    let keystore = Keystore::open(folder.path().join("chains/x/keystore")).unwrap();
    (folder, keystore)
}

/// Puts a file there as somebody else would.
fn put(keystore: &Keystore, name: &str, content: &str, mode: u32) -> PathBuf {
    let path = keystore.folder().join(name);
    fs::write(&path, content).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    path
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn vote_file() -> String {
    format!("6772616e{ALICE_VOTE}")
}

#[test]
fn files_are_those_of_substrate_and_for_their_owner_only() {
    let (_folder, keystore) = opened();
    assert_eq!(mode(keystore.folder()), 0o700);
    assert_eq!(keystore.insert(KeyType::Vote, "//Alice").unwrap(), key(ALICE_VOTE));
    assert_eq!(keystore.insert(KeyType::Vrf, "//Alice").unwrap(), key(ALICE_VRF));
    for name in [vote_file(), format!("62767266{ALICE_VRF}")] {
        let path = keystore.folder().join(name);
        assert_eq!(fs::read_to_string(&path).unwrap(), "\"//Alice\"");
        assert_eq!(mode(&path), 0o600);
    }
    assert_eq!(fs::read_dir(keystore.folder()).unwrap().count(), 2, "nothing else is left there");
}

#[test]
fn what_was_inserted_is_found_also_by_who_has_the_folder_open() {
    let (_folder, keystore) = opened();
    let other = Keystore::open(keystore.folder()).unwrap();
    assert!(!keystore.has(KeyType::Vote, &key(ALICE_VOTE)).unwrap());
    assert!(keystore.vote_pair(&key(ALICE_VOTE)).unwrap().is_none());
    other.insert(KeyType::Vote, "//Alice").unwrap();
    other.insert(KeyType::Vote, "//Alice").expect("twice is no error");
    assert!(keystore.has(KeyType::Vote, &key(ALICE_VOTE)).unwrap());
    assert!(!keystore.has(KeyType::Vrf, &key(ALICE_VOTE)).unwrap(), "types are apart");
    assert_eq!(keystore.keys(KeyType::Vote).unwrap(), [key(ALICE_VOTE)]);
    assert_eq!(keystore.keys(KeyType::Vrf).unwrap(), [[0; 32]; 0]);
    assert_eq!(keystore.vote_pair(&key(ALICE_VOTE)).unwrap().unwrap().public(), key(ALICE_VOTE));
}

#[test]
fn a_new_key_is_new_and_stays() {
    let (_folder, keystore) = opened();
    for kind in KeyType::ALL {
        let (one, two) = (keystore.generate(kind).unwrap(), keystore.generate(kind).unwrap());
        assert_ne!(one, two);
        assert_eq!(Keystore::open(keystore.folder()).unwrap().keys(kind).unwrap().len(), 2);
    }
}

#[test]
fn a_key_is_kept_only_if_it_is_the_expected_one() {
    let (_folder, keystore) = opened();
    let error = keystore.insert_expected(KeyType::Vote, "//Bob", key(ALICE_VOTE)).unwrap_err();
    assert!(matches!(error, KeystoreError::OtherKey { expected, .. } if expected == key(ALICE_VOTE)));
    assert!(keystore.keys(KeyType::Vote).unwrap().is_empty());
    keystore.insert_expected(KeyType::Vote, "//Alice", key(ALICE_VOTE)).unwrap();
    let soft = keystore.insert(KeyType::Vote, "//Alice/soft").unwrap_err();
    assert!(matches!(soft, KeystoreError::Key(KeyError::SoftJunction { .. })));
}

#[test]
fn secrets_in_every_notation_are_read() {
    let (_folder, keystore) = opened();
    let seed = "0xabf8e5bdbe30c65656c0a3cbd181ff8a56294a69dfedd27982aace4a76909115";
    put(&keystore, &vote_file(), &format!("\"{seed}\"\n"), 0o600);
    assert!(keystore.vote_pair(&key(ALICE_VOTE)).unwrap().is_some());
    put(
        &keystore,
        &vote_file(),
        "\"bottom drive obey lake curtain smoke basket hold race lonely fit walk//Alice\"",
        0o400,
    );
    assert!(keystore.vote_pair(&key(ALICE_VOTE)).unwrap().is_some());
}

#[test]
fn a_file_that_others_can_read_is_refused_at_once() {
    let (_folder, keystore) = opened();
    for exposed in [0o604, 0o640, 0o602, 0o777] {
        put(&keystore, &vote_file(), "\"//Alice\"", exposed);
        let error = Keystore::open(keystore.folder()).unwrap_err();
        assert!(matches!(error, KeystoreError::Exposed { mode, .. } if mode == exposed), "{error}");
        assert!(error.to_string().contains("chmod 600"), "{error}");
    }
}

#[test]
fn wrong_files_are_named_and_no_secret_is_repeated() {
    let (_folder, keystore) = opened();
    let hidden = "swordfish";
    let long = format!("\"{}\"", "x".repeat(5_000));
    for (content, wanted) in [
        (format!("\"{hidden}\""), "holds no usable secret"),
        (format!("{{\"{hidden}\":1}}"), "one JSON string"),
        ("31415926535".to_owned(), "one JSON string"),
        (String::new(), "one JSON string"),
        ("\"//Bob\"".to_owned(), "not the key that its name says"),
        (long, "5002 bytes"),
    ] {
        let path = put(&keystore, &vote_file(), &content, 0o600);
        let error = Keystore::open(keystore.folder()).unwrap_err().to_string();
        assert!(error.contains(wanted) && error.contains(path.to_str().unwrap()), "{error}");
        assert!(!error.contains(hidden) && !error.contains("31415"), "{error}");
    }
    assert!(matches!(
        keystore.insert(KeyType::Vote, &format!("//{}", "x".repeat(5_000))),
        Err(KeystoreError::TooLarge { .. })
    ));
}

#[test]
fn files_of_others_are_left_alone() {
    let (_folder, keystore) = opened();
    for name in [
        "README",
        "6772616e",
        &format!("62616265{ALICE_VRF}"),
        &format!("6772616E{}", ALICE_VOTE.to_uppercase()),
        &format!("{ALICE_VOTE}.guard"),
    ] {
        put(&keystore, name, "not a secret", 0o644);
    }
    let keystore = Keystore::open(keystore.folder()).unwrap();
    assert!(keystore.keys(KeyType::Vote).unwrap().is_empty());
}

#[test]
fn a_folder_that_is_none_is_an_error() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let error = Keystore::open(file.path()).unwrap_err();
    assert!(matches!(error, KeystoreError::Folder { .. }), "{error}");
}

#[test]
fn votes_verify_and_the_same_message_has_the_same_signature() {
    let (_folder, keystore) = opened();
    let public = keystore.insert(KeyType::Vote, "//Alice").unwrap();
    let pair = keystore.vote_pair(&public).unwrap().unwrap();
    let signed = pair.sign(b"vote");
    assert_eq!(signed, pair.sign(b"vote"));
    assert!(signature::ed25519_verify(&signed, b"vote", &public));
    assert!(!signature::ed25519_verify(&signed, b"veto", &public));
    assert_eq!(format!("{pair:?}"), format!("VotePair(0x{ALICE_VOTE})"));
}

#[test]
fn a_vrf_output_is_proved_and_determined_by_key_and_input() {
    let (_folder, keystore) = opened();
    // With a soft junction: such keys have no seed.
    let public = keystore.insert(KeyType::Vrf, "//Alice/soft").unwrap();
    let pair = keystore.vrf_pair(&public).unwrap().unwrap();
    assert_eq!(pair.public(), public);
    let input = |height: u8| signing_context(b"test").bytes(&[height]);
    let (one, again, other) = (pair.vrf_sign(input(1)), pair.vrf_sign(input(1)), pair.vrf_sign(input(2)));
    assert_eq!(one.output, again.output);
    assert_ne!(one.output, other.output);
    let key = PublicKey::from_bytes(&public).unwrap();
    let verifies = |height, signature: &VrfSignature| {
        let output = VRFPreOut::from_bytes(&signature.output).unwrap();
        let proof = VRFProof::from_bytes(&signature.proof).unwrap();
        key.vrf_verify(input(height), &output, &proof).is_ok()
    };
    assert!(verifies(1, &one) && verifies(1, &again) && verifies(2, &other));
    assert!(!verifies(2, &one));
    assert!(!verifies(1, &VrfSignature { output: other.output, ..one }));
}

#[test]
fn key_types_have_the_names_that_tools_use() {
    for kind in KeyType::ALL {
        assert_eq!(kind.to_string().as_bytes(), kind.id());
        assert_eq!(kind.to_string().parse::<KeyType>().unwrap(), kind);
    }
    assert!("babe".parse::<KeyType>().unwrap_err().to_string().contains("'babe'"));
}

proptest! {
    #[test]
    fn a_file_name_means_the_key_it_was_made_for(public: [u8; 32], text in "[0-9a-fA-F]{70,74}|.{0,80}") {
        for kind in KeyType::ALL {
            prop_assert_eq!(files::parse_name(&files::name(kind, &public)), Some((kind, public)));
        }
        if let Some((kind, public)) = files::parse_name(&text) {
            prop_assert_eq!(files::name(kind, &public), text);
        }
    }

    #[test]
    fn every_secret_survives_its_file(secret in any::<String>()) {
        let content = files::content(&secret);
        let read = files::parse_content(&content).unwrap();
        prop_assert_eq!(read.as_str(), secret.as_str());
    }
}
