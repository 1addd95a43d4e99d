//! Events come in order, and never before what they tell can be read.

use std::thread;

use basalt_chain::{ChainError, ImportError};
use basalt_chain::{ChainEvent, ForkChoice, ImportOptions, Justification, limits::UNFINALIZED_MAX};
use basalt_state::StateRead;

use crate::{
    kit::Kit,
    toy::{ALICE, nonce_key, put},
};

#[test]
fn whoever_hears_of_a_block_can_read_it() {
    const BLOCKS: u32 = 200;
    let kit = Kit::new();
    let mut events = kit.chain.subscribe();
    let chain = kit.chain.clone();
    let listener = thread::spawn(move || {
        let mut heard = 0;
        while heard < BLOCKS {
            let event = events.blocking_recv().expect("fewer events than are kept");
            match event {
                ChainEvent::Imported { id, parent } => {
                    assert_eq!(chain.header(&id.hash).unwrap().unwrap().parent_hash, parent);
                    assert_eq!(chain.body(&id.hash).unwrap().unwrap().len(), 2);
                    let nonce = chain.state_at(&id.hash).unwrap().get(&nonce_key(&ALICE.account_id()));
                    assert_eq!(nonce.unwrap(), Some(id.number.to_le_bytes().to_vec()));
                    assert_eq!(id.number, heard + 1);
                }
                ChainEvent::NewBest { id, .. } => {
                    assert!(chain.best().number >= id.number);
                    assert_eq!(chain.hash_at(id.number).unwrap(), Some(id.hash));
                }
                ChainEvent::Finalized { ids, .. } => {
                    assert!(chain.finalized().number >= ids.last().unwrap().number);
                    heard += 1;
                }
            }
        }
    });
    for nonce in 0..BLOCKS {
        let built = kit.build(&kit.chain.best().hash, vec![put(nonce, b"k", &nonce.to_le_bytes())]);
        kit.chain.import_built(built, ImportOptions { finalize: true, ..Default::default() }).unwrap();
    }
    listener.join().unwrap();
}

#[test]
fn an_import_that_reorganises_and_finalises_tells_all_in_order() {
    let kit = Kit::new();
    let root = kit.chain.genesis_hash();
    let block = |parent, value: &[u8], nonce| {
        let built = kit.build(parent, vec![put(nonce, b"k", value)]);
        kit.chain.import_built(built, ImportOptions::default()).unwrap().id
    };
    let a1 = block(&root, b"a", 0);
    let a2 = block(&a1.hash, b"a", 1);
    let b1 = block(&root, b"b", 0);
    assert_eq!(kit.chain.best(), a2);

    let mut events = kit.chain.subscribe();
    let b2 = kit.build(&b1.hash, vec![put(1, b"k", b"b")]);
    let justification = Justification { engine: *b"test", data: vec![1] };
    let options = ImportOptions {
        fork_choice: ForkChoice::Keep,
        finalize: true,
        justification: Some(justification.clone()),
        ..Default::default()
    };
    let b2 = kit.chain.import_built(b2, options).unwrap();
    assert!(b2.new_best, "what is final is on the head's branch");
    let b2 = b2.id;
    assert_eq!(events.try_recv().unwrap(), ChainEvent::Imported { id: b2, parent: b1.hash });
    assert_eq!(
        events.try_recv().unwrap(),
        ChainEvent::NewBest { id: b2, retracted: [a1, a2].into(), enacted: [b1, b2].into() }
    );
    assert_eq!(
        events.try_recv().unwrap(),
        ChainEvent::Finalized { ids: [b1, b2].into(), dropped: [a1.hash, a2.hash].into() }
    );
    assert!(events.try_recv().is_err());
    assert_eq!(kit.chain.justification(&b2.hash).unwrap(), Some(justification));
    assert_eq!(kit.chain.justification(&b1.hash).unwrap(), None);
}

#[test]
fn finalising_twice_or_below_changes_nothing_and_an_unknown_block_is_an_error() {
    let kit = Kit::new();
    let one = kit.build(&kit.chain.genesis_hash(), vec![]);
    let lost = kit.build(&kit.chain.genesis_hash(), vec![put(0, b"k", b"v")]);
    let lost = kit.chain.import_built(lost, ImportOptions::default()).unwrap().id;
    let one = kit.chain.import_built(one, ImportOptions::default()).unwrap().id;
    kit.chain.finalize(&one.hash, None).unwrap();
    let mut events = kit.chain.subscribe();
    kit.chain.finalize(&one.hash, None).unwrap();
    kit.chain.finalize(&kit.chain.genesis_hash(), None).unwrap();
    assert!(
        matches!(kit.chain.finalize(&lost.hash, None), Err(ChainError::UnknownBlock(hash)) if hash == lost.hash)
    );
    assert!(events.try_recv().is_err());
}

#[test]
fn unfinalised_blocks_are_bounded_and_finalising_makes_room() {
    let kit = Kit::new();
    for _ in 0..UNFINALIZED_MAX {
        let built = kit.build(&kit.chain.best().hash, vec![]);
        kit.chain.import_built(built, ImportOptions::default()).unwrap();
    }
    let best = kit.chain.best();
    let next = || kit.build(&best.hash, vec![]);
    let error = kit.chain.import_built(next(), ImportOptions::default()).unwrap_err();
    assert!(matches!(error, ChainError::Import(ImportError::TooManyUnfinalized)), "{error}");
    assert_eq!(kit.chain.best(), best);
    kit.chain.import_built(next(), ImportOptions { finalize: true, ..Default::default() }).unwrap();
    assert_eq!(kit.chain.finalized().number, best.number + 1);
}
