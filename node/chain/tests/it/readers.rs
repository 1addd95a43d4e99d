//! Readers, provers and builders while a writer moves the chain on.

use std::{
    sync::atomic::{AtomicBool, AtomicU32, Ordering},
    thread,
};

use basalt_chain::{BlockId, Chain, ChainError, ImportOptions};
use basalt_state::StateRead;

use crate::{
    kit::{Kit, build},
    toy::{ALICE, nonce_key, put},
};

const BLOCKS: u32 = 150;

/// Whatever happens meanwhile: a block's state is that of its height, and proofs fit its root.
fn check(chain: &Chain, id: BlockId) {
    let key = nonce_key(&ALICE.account_id());
    let expected = (id.number > 0).then(|| id.number.to_le_bytes().to_vec());
    let header = chain.header(&id.hash).unwrap().unwrap();
    assert_eq!(chain.state_at(&id.hash).unwrap().get(&key).unwrap(), expected);
    let (_, value, proof) = chain.prove(&id.hash, std::slice::from_ref(&key)).unwrap().remove(0);
    assert_eq!(value, expected);
    proof.verify(&header.state_root.0, &key, value.as_deref()).unwrap();
}

#[test]
fn readers_see_whole_blocks_while_the_chain_moves_on() {
    let kit = Kit::new();
    let done = AtomicBool::new(false);
    let checked = AtomicU32::new(0);
    thread::scope(|scope| {
        for reader in 0..3u32 {
            let (chain, done, checked) = (&kit.chain, &done, &checked);
            scope.spawn(move || {
                let mut step = reader;
                loop {
                    step = step.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    check(chain, chain.best());
                    check(chain, chain.finalized());
                    let number = (step >> 8) % (chain.finalized().number + 1);
                    let hash = chain.hash_at(number).unwrap().expect("below the finalised block");
                    check(chain, BlockId { hash, number });
                    let parent = chain.best();
                    match build(chain, &parent.hash, vec![put(parent.number, b"other", b"v")]) {
                        Ok(built) => assert_eq!(built.id().number, parent.number + 1),
                        // Another block became final on it meanwhile.
                        Err(ChainError::UnknownBlock(hash)) => assert_eq!(hash, parent.hash),
                        Err(error) => panic!("{error}"),
                    }
                    checked.fetch_add(1, Ordering::Relaxed);
                    if done.load(Ordering::Relaxed) {
                        break;
                    }
                }
            });
        }
        for nonce in 0..BLOCKS {
            let parent = kit.chain.best();
            let built = kit.build(&parent.hash, vec![put(nonce, &nonce.to_le_bytes(), b"v")]);
            // By turns final at once, and three at a time.
            let finalize = nonce < BLOCKS / 2 || nonce % 3 == 0;
            kit.chain.import_built(built, ImportOptions { finalize, ..Default::default() }).unwrap();
        }
        done.store(true, Ordering::Relaxed);
    });
    assert!(checked.into_inner() >= 3);
}
