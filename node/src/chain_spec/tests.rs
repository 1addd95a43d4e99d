use basalt_runtime::NativeRuntime;
use basalt_runtime_api::{Runtime as _, ValidatorSet};
use basalt_state::Memory;

use super::*;

fn validators(spec: &ChainSpec) -> ValidatorSet {
    let mut state = Memory::default();
    state.apply(&NativeRuntime::default().genesis(&spec.genesis_json()).unwrap());
    NativeRuntime::default().try_state(&state).unwrap();
    NativeRuntime::default().validators(&state).unwrap()
}

#[test]
fn a_local_network_has_as_many_validators_as_asked_for_and_a_development_chain_none() {
    assert_eq!(validators(&ChainSpec::dev()).validators, []);
    let local = ChainSpec::load("local").unwrap();
    assert_eq!((local.id.as_str(), &local.chain_type), ("basalt_local", &ChainType::Local));
    for count in 1..=LOCAL_VALIDATORS_MAX {
        assert_eq!(validators(&ChainSpec::local(count).unwrap()).validators.len(), count);
    }
    assert_eq!(ChainSpec::local(LOCAL_VALIDATORS).unwrap(), local);
    for wrong in [0, LOCAL_VALIDATORS_MAX + 1, usize::MAX] {
        let error = ChainSpec::local(wrong).unwrap_err().to_string();
        assert!(error.contains("1 to 6"), "{error}");
    }
}

#[test]
fn keys_of_local_validators_are_those_of_their_names() {
    let set = validators(&ChainSpec::local(4).unwrap());
    let alice = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY";
    let alice = set.validators.iter().find(|validator| validator.account.to_string() == alice).unwrap();
    assert_eq!(
        const_hex::encode(alice.vote_key),
        "88dc3417d5058ec4b4503e0c12ea1a0a89be200fe98922423d4334014fa6b0ee"
    );
    assert_eq!(alice.vrf_key, public(&dev_pair(Scheme::Sr25519, "//Alice//vrf")).0);
    assert_ne!(alice.vrf_key, alice.account.0);
    assert!(set.validators.iter().all(|validator| validator.power == alice.power));
}

#[test]
fn a_specification_survives_its_file() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let local = ChainSpec::local(2).unwrap();
    std::fs::write(file.path(), serde_json::to_vec_pretty(&local).unwrap()).unwrap();
    assert_eq!(ChainSpec::load(file.path().to_str().unwrap()).unwrap(), local);
}
