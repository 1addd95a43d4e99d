//! Beginning a chain, and coming back to it.

use basalt_chain::{ChainError, ImportOptions};
use basalt_db::Pruning;
use basalt_primitives::H256;
use basalt_state::StateRead;

use crate::{
    kit::{GENESIS, Kit, genesis, open},
    toy::put,
};

#[test]
fn genesis_is_best_and_final() {
    let kit = Kit::new();
    let id = genesis(&kit.chain);
    assert_eq!((kit.chain.best(), kit.chain.finalized()), (id, id));
    let header = kit.chain.header(&id.hash).unwrap().unwrap();
    assert_eq!((header.parent_hash, header.number), (H256::zero(), 0));
    assert!(header.digest.logs.is_empty());
    assert_eq!(header.hash(), id.hash);
    assert_eq!(kit.chain.body(&id.hash).unwrap(), Some(vec![]));
    assert_eq!(kit.chain.state_at(&id.hash).unwrap().get(b"genesis").unwrap(), Some(GENESIS.to_vec()));
    let (_, value, proof) = kit.chain.prove(&id.hash, &[b"genesis".to_vec()]).unwrap().remove(0);
    proof.verify(&header.state_root.0, b"genesis", value.as_deref()).unwrap();
}

#[test]
fn the_database_of_another_chain_is_refused_with_both_hashes_and_a_remedy() {
    let Kit { chain, dir, config } = Kit::new();
    let ours = chain.genesis_hash();
    drop(chain);
    let error = open(&dir, config, b"other").unwrap_err();
    let ChainError::OtherGenesis { database, specification } = &error else { panic!("{error}") };
    assert_eq!(*database, ours);
    assert_ne!(*specification, ours);
    let text = error.to_string();
    assert!(
        text.contains(&format!("{database:?}")) && text.contains(&format!("{specification:?}")),
        "{text}"
    );
    assert!(text.contains("--base-path"), "{text}");
    open(&dir, config, GENESIS).unwrap();
}

#[test]
fn discarded_states_are_named_as_clients_expect() {
    let kit = Kit::keeping(Pruning::Keep(2));
    let old = kit.chain.genesis_hash();
    let view = kit.chain.state_at(&old).unwrap();
    for nonce in 0..4 {
        let built = kit.build(&kit.chain.best().hash, vec![put(nonce, b"genesis", b"changed")]);
        kit.chain.import_built(built, ImportOptions { finalize: true, ..Default::default() }).unwrap();
    }
    let expected = format!("State already discarded for {old:?}");
    assert!(expected.len() > 2 * 32, "the hash is written out");
    assert_eq!(kit.chain.state_at(&old).unwrap_err().to_string(), expected);
    assert_eq!(kit.chain.prove(&old, &[]).unwrap_err().to_string(), expected);
    assert_eq!(view.get(b"genesis").unwrap_err().to_string(), expected);
    assert_eq!(view.next_key(b"").unwrap_err().to_string(), expected);
}

#[test]
fn unfinalised_blocks_survive_a_restart() {
    let kit = Kit::new();
    let one = kit.build(&kit.chain.genesis_hash(), vec![put(0, b"k", b"1")]);
    let one = kit.chain.import_built(one, ImportOptions::default()).unwrap().id;
    let two = kit.build(&one.hash, vec![put(1, b"k", b"2")]);
    let two = kit.chain.import_built(two, ImportOptions::default()).unwrap().id;

    let kit = kit.reopen();
    assert_eq!((kit.chain.best(), kit.chain.finalized().number), (two, 0));
    assert_eq!(kit.chain.state_at(&one.hash).unwrap().get(b"k").unwrap(), Some(b"1".to_vec()));
    assert_eq!(kit.chain.state_at(&two.hash).unwrap().get(b"k").unwrap(), Some(b"2".to_vec()));
    assert_eq!(kit.chain.hash_at(1).unwrap(), Some(one.hash));
    kit.chain.finalize(&two.hash, None).unwrap();
    assert_eq!(kit.reopen().chain.finalized(), two);
}
