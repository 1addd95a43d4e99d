//! Which keys are used, and what they remember.

use basalt_primitives::hashing::blake2_256;
use basalt_runtime_api::Validator;

use super::*;

#[test]
fn keys_are_found_by_the_set_and_remember_what_they_signed() {
    let folder = tempfile::tempdir().unwrap();
    let keystore = Keystore::open(folder.path().join("keystore")).unwrap();
    let empty = ValidatorSet::default();
    assert!(matches!(ValidatorKeys::open(&keystore, &empty), Err(NodeError::NoValidatorKeys(_))));
    let vote = keystore.insert(KeyType::Vote, "//Alice").unwrap();
    keystore.insert(KeyType::Vrf, "//Alice//vrf").unwrap();
    let slot = |height, step| Slot { height, round: 0, step };
    let sign =
        |keys: &mut ValidatorKeys, slot, payload: &[u8]| keys.sign(slot, H256(blake2_256(payload)), payload);
    {
        let mut keys = ValidatorKeys::open(&keystore, &empty).unwrap();
        assert_eq!(keys.vote_key(), vote);
        assert_eq!(keys.last_height(), None);
        sign(&mut keys, slot(5, SlotStep::Prevote), b"a").unwrap();
        keys.sync().unwrap();
        // Never left, so it may be forgotten.
        sign(&mut keys, slot(6, SlotStep::Prevote), b"b").unwrap();
        assert_eq!(keys.last_height(), Some(6));
    }
    let mut keys = ValidatorKeys::open(&keystore, &empty).unwrap();
    assert_eq!(keys.last_height(), Some(5));
    assert!(sign(&mut keys, slot(5, SlotStep::Prevote), b"c").is_err());
    assert!(sign(&mut keys, slot(5, SlotStep::Proposal), b"c").is_err());
    sign(&mut keys, slot(5, SlotStep::Prevote), b"a").unwrap();
    sign(&mut keys, slot(5, SlotStep::Precommit), b"c").unwrap();
}

#[test]
fn the_keys_are_those_that_each_set_names_and_each_has_a_memory_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let keystore = Keystore::open(folder.path().join("keystore")).unwrap();
    let insert = |name: &str| {
        let vote = keystore.insert(KeyType::Vote, &format!("//{name}")).unwrap();
        (vote, keystore.insert(KeyType::Vrf, &format!("//{name}//vrf")).unwrap())
    };
    let (old, new, other) = (insert("Old"), insert("New"), insert("Other"));
    let set = |id, keys: &[Public]| ValidatorSet {
        id,
        validators: keys
            .iter()
            .map(|(vote, vrf)| Validator {
                account: [7; 32].into(),
                vote_key: *vote,
                vrf_key: *vrf,
                power: 1,
            })
            .collect(),
    };
    let stranger = ([1; 32], [2; 32]);
    let vrf_of = |keys: &ValidatorKeys| keys.hand.vrf.public();
    let sign = |keys: &mut ValidatorKeys, height, payload: &[u8]| {
        let slot = Slot { height, round: 0, step: SlotStep::Prevote };
        keys.sign(slot, H256(blake2_256(payload)), payload)
    };

    let mut keys = ValidatorKeys::open(&keystore, &set(0, &[stranger, old])).unwrap();
    assert_eq!((keys.vote_key(), vrf_of(&keys)), old);
    sign(&mut keys, 10, b"a").unwrap();
    // Not synced: that is done before the keys are put away.
    assert_eq!(keys.enter(&set(1, &[new, stranger])), new.0);
    assert_eq!((vrf_of(&keys), keys.last_height()), (new.1, None));
    sign(&mut keys, 11, b"b").unwrap();
    assert_eq!(keys.enter(&set(2, &[stranger])), new.0, "nothing to choose from");
    assert_eq!(keys.enter(&set(3, &[(new.0, other.1)])), new.0, "another VRF key alone");
    assert_eq!((vrf_of(&keys), keys.last_height()), (other.1, Some(11)));
    assert_eq!(keys.enter(&set(4, &[old])), old.0);
    assert_eq!(keys.last_height(), Some(10));
    assert!(sign(&mut keys, 10, b"other").is_err());
    // A key whose randomness cannot be made is of no use.
    assert_eq!(keys.enter(&set(5, &[(new.0, [9; 32])])), old.0);
}
