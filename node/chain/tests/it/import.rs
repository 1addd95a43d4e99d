//! Each lie of a block has its own error, and changes nothing.

use basalt_chain::{
    ChainError, ForkChoice, ImportError, ImportOptions, decode_block, extrinsics_root,
    limits::{BLOCK_BYTES_MAX, DIGEST_BYTES_MAX},
};
use basalt_primitives::{Block, DigestItem, H256, InvalidTransaction, OpaqueExtrinsic};
use basalt_runtime_api::{InherentData, InherentError};
use parity_scale_codec::Encode;

use crate::{
    kit::{Kit, author},
    toy::{self, BLOCK_TRANSACTIONS, Call, bare, put},
};

fn options() -> ImportOptions {
    ImportOptions { author: Some(author()), now: Some(InherentData::at(2000)), ..Default::default() }
}

/// A chain of one block, and a good second one.
fn kit_and_block() -> (Kit, Block) {
    let kit = Kit::new();
    let first = kit.build(&kit.chain.genesis_hash(), vec![put(0, b"a", b"1")]);
    let first = kit.chain.import_built(first, ImportOptions::default()).unwrap().id;
    let block = kit.build(&first.hash, vec![put(1, b"a", b"2"), put(2, b"b", b"1")]).block().clone();
    (kit, block)
}

/// Sets the body and the root that commits to it.
fn with_body(mut block: Block, extrinsics: Vec<OpaqueExtrinsic>) -> Block {
    block.header.extrinsics_root = extrinsics_root(&extrinsics);
    block.extrinsics = extrinsics;
    block
}

/// The error of a block that says this of itself; the chain must be as before, and take the honest block after.
#[track_caller]
fn refused(lie: impl FnOnce(Block) -> Block) -> ImportError {
    let (kit, honest) = kit_and_block();
    let before = (kit.chain.best(), kit.chain.finalized());
    let mut events = kit.chain.subscribe();
    let block = lie(honest.clone());
    let hash = block.hash();

    let error = match kit.chain.import(block, options()) {
        Err(ChainError::Import(error)) => error,
        other => panic!("expected an import error, got {other:?}"),
    };
    assert_eq!((kit.chain.best(), kit.chain.finalized()), before);
    assert!(kit.chain.header(&hash).unwrap().is_none());
    assert!(events.try_recv().is_err(), "a refused block is no event");
    assert_eq!(error.to_string(), ChainError::from(error.clone()).to_string());
    assert!(kit.chain.import(honest, options()).unwrap().new_best);
    error
}

#[test]
fn an_honest_block_is_imported_once() {
    let (kit, block) = kit_and_block();
    let imported = kit.chain.import(block.clone(), options()).unwrap();
    assert!(imported.new_best && !imported.known);
    let again = kit.chain.import(block, options()).unwrap();
    assert!(again.known && !again.new_best);
    assert_eq!(again.id, imported.id);
}

#[test]
fn a_known_block_becomes_final_if_that_is_asked_for() {
    let (kit, block) = kit_and_block();
    let id = kit.chain.import(block.clone(), options()).unwrap().id;
    kit.chain.import(block, ImportOptions { finalize: true, ..options() }).unwrap();
    assert_eq!(kit.chain.finalized(), id);
}

#[test]
fn a_wrong_state_root_is_refused() {
    let error = refused(|mut block| {
        block.header.state_root = H256::repeat_byte(7);
        block
    });
    let ImportError::WrongStateRoot { got, expected } = &error else { panic!("{error}") };
    assert_eq!(*got, H256::repeat_byte(7));
    assert_ne!(got, expected);
    assert!(error.is_peer_fault());
}

#[test]
fn a_wrong_author_leads_to_another_state() {
    let (kit, block) = kit_and_block();
    let error =
        kit.chain.import(block, ImportOptions { author: Some([8; 32].into()), ..options() }).unwrap_err();
    assert!(matches!(error, ChainError::Import(ImportError::WrongStateRoot { .. })), "{error}");
}

#[test]
fn a_wrong_extrinsics_root_is_refused() {
    let error = refused(|mut block| {
        block.extrinsics.pop();
        block
    });
    assert!(matches!(error, ImportError::WrongExtrinsicsRoot { .. }), "{error}");
    assert!(error.is_peer_fault());
}

#[test]
fn a_wrong_number_is_refused() {
    for number in [0, 1, 3, u32::MAX] {
        let error = refused(|mut block| {
            block.header.number = number;
            block
        });
        assert_eq!(error, ImportError::WrongNumber { got: number, expected: 2 });
        assert!(error.is_peer_fault());
    }
}

#[test]
fn an_unknown_parent_is_asked_for_and_not_punished() {
    let error = refused(|mut block| {
        block.header.parent_hash = H256::repeat_byte(5);
        block
    });
    assert_eq!(error, ImportError::UnknownParent { number: 2, parent: H256::repeat_byte(5) });
    assert!(!error.is_peer_fault());
}

#[test]
fn a_block_over_the_weight_limit_is_refused() {
    let error = refused(|block| {
        let inherent = block.extrinsics[0].clone();
        let many = (1..=BLOCK_TRANSACTIONS as u32 + 1).map(|nonce| put(nonce, b"k", b"v").into());
        with_body(block, std::iter::once(inherent).chain(many).collect())
    });
    let ImportError::OverLimit { index, .. } = error else { panic!("{error}") };
    assert_eq!(u64::from(index), BLOCK_TRANSACTIONS + 1);
}

#[test]
fn a_wrong_digest_is_refused() {
    for change in [
        |logs: &mut Vec<DigestItem>| drop(logs.pop()),
        |logs: &mut Vec<DigestItem>| logs.push(DigestItem::Other(vec![1])),
        |logs: &mut Vec<DigestItem>| logs.reverse(),
        |logs: &mut Vec<DigestItem>| logs.insert(0, DigestItem::Seal(*b"test", vec![1])),
    ] {
        let error = refused(|mut block| {
            change(&mut block.header.digest.logs);
            block
        });
        assert!(matches!(error, ImportError::WrongDigest { .. }), "{error}");
    }
}

#[test]
fn seals_at_the_end_of_the_digest_are_the_engines_affair() {
    let (kit, mut block) = kit_and_block();
    block.header.digest.push(DigestItem::Seal(*b"test", vec![1]));
    assert!(kit.chain.import(block, options()).unwrap().new_best);
}

#[test]
fn a_huge_digest_is_refused_before_anything_else() {
    let error = refused(|mut block| {
        block.header.digest.push(DigestItem::Seal(*b"test", vec![0; DIGEST_BYTES_MAX]));
        block
    });
    assert!(matches!(error, ImportError::DigestTooLarge { .. }), "{error}");
}

#[test]
fn an_unsigned_transaction_behind_signed_ones_is_refused() {
    let with = |call| {
        refused(|block| {
            let mut body = block.extrinsics.clone();
            body.insert(2, bare(call).into());
            with_body(block, body)
        })
    };
    let error = with(Call::Now(1_000));
    assert!(matches!(error, ImportError::LateInherent { index: 2, .. }), "{error}");
    // The runtime says which others may be unsigned, and this one allows none.
    let error = with(Call::Put(b"mine".to_vec(), vec![1]));
    assert_eq!(error, ImportError::Inherents(InherentError::Misplaced { index: 2 }));
}

#[test]
fn an_inherent_that_nobody_expects_is_refused() {
    let error = refused(|block| {
        let mut body = block.extrinsics.clone();
        body.insert(1, bare(Call::Put(b"mine".to_vec(), vec![1])).into());
        with_body(block, body)
    });
    assert_eq!(error, ImportError::Inherents(InherentError::Misplaced { index: 1 }));
    assert!(error.is_peer_fault());
}

#[test]
fn a_missing_inherent_is_refused_even_if_no_time_is_given() {
    let (kit, block) = kit_and_block();
    let body = block.extrinsics[1..].to_vec();
    let error =
        kit.chain.import(with_body(block, body), ImportOptions { now: None, ..options() }).unwrap_err();
    assert!(matches!(error, ChainError::Import(ImportError::Inherents(InherentError::Missing("Now")))));
}

#[test]
fn a_block_from_the_future_is_refused_for_now_and_not_punished() {
    let (kit, block) = kit_and_block();
    let early = ImportOptions { now: Some(InherentData::at(2000 - toy::DRIFT_MAX - 1)), ..options() };
    let error = kit.chain.import(block.clone(), early).unwrap_err();
    assert!(matches!(error, ChainError::Import(ImportError::Inherents(InherentError::TooFarAhead { .. }))));
    assert!(!error.is_peer_fault() && !error.is_internal());
    assert!(kit.chain.import(block, options()).unwrap().new_best);
}

#[test]
fn a_time_that_does_not_advance_is_refused() {
    let error = refused(|block| {
        let mut body = block.extrinsics.clone();
        body[0] = bare(Call::Now(1000)).into();
        with_body(block, body)
    });
    assert!(
        matches!(&error, ImportError::BadTransaction { index: 0, error, .. }
            if *error == InvalidTransaction::BadMandatory.into()),
        "{error}"
    );
}

#[test]
fn a_bad_signature_is_refused() {
    let error = refused(|block| {
        let mut body = block.extrinsics.clone();
        *body[2].0.last_mut().unwrap() ^= 0x40;
        with_body(block, body)
    });
    assert!(
        matches!(&error, ImportError::BadTransaction { index: 2, error, detail, .. }
            if *error == InvalidTransaction::BadProof.into() && !detail.is_empty()),
        "{error}"
    );
}

#[test]
fn an_unreadable_transaction_is_refused() {
    let error = refused(|block| {
        let mut body = block.extrinsics.clone();
        body[1] = vec![0xff].into();
        with_body(block, body)
    });
    assert!(matches!(error, ImportError::BadTransaction { index: 1, .. }), "{error}");
}

#[test]
fn a_stale_transaction_makes_the_block_invalid() {
    let error = refused(|block| {
        let mut body = block.extrinsics.clone();
        body.push(put(0, b"a", b"again").into());
        with_body(block, body)
    });
    assert!(
        matches!(&error, ImportError::BadTransaction { index: 3, error, .. }
            if *error == InvalidTransaction::Stale.into()),
        "{error}"
    );
}

#[test]
fn bytes_are_measured_before_they_are_decoded() {
    let (_, block) = kit_and_block();
    assert_eq!(decode_block(&block.encode()).unwrap(), block);
    let huge = vec![0; BLOCK_BYTES_MAX + 1];
    assert_eq!(decode_block(&huge), Err(ImportError::TooLarge { bytes: huge.len() }));
    let mut trailing = block.encode();
    trailing.push(0);
    assert!(matches!(decode_block(&trailing), Err(ImportError::Undecodable(_))));
}

#[test]
fn a_block_below_the_finalised_one_is_refused_without_blame() {
    let (kit, block) = kit_and_block();
    let fork = kit.build(&kit.chain.genesis_hash(), vec![]).block().clone();
    kit.chain.import(block, ImportOptions { finalize: true, ..options() }).unwrap();
    let error = kit.chain.import(fork, options()).unwrap_err();
    assert!(
        matches!(error, ChainError::Import(ImportError::BelowFinalized { number: 1, finalized: 2 })),
        "{error}"
    );
    assert!(!error.is_peer_fault() && !error.is_internal());
}

#[test]
fn a_built_block_whose_branch_lost_meanwhile_is_refused() {
    let (kit, block) = kit_and_block();
    let late = kit.build(&block.header.parent_hash, vec![]);
    kit.chain.import(block, ImportOptions { finalize: true, ..options() }).unwrap();
    let error = kit.chain.import_built(late, ImportOptions::default()).unwrap_err();
    assert!(matches!(error, ChainError::Import(ImportError::BelowFinalized { .. })), "{error}");
}

#[test]
fn a_builder_reports_candidates_that_do_not_fit_the_state() {
    let (kit, block) = kit_and_block();
    let candidates = vec![put(0, b"a", b"stale"), put(1, b"a", b"2"), put(7, b"a", b"future")];
    let built = kit.build(&block.header.parent_hash, candidates);
    assert_eq!(built.transactions(), 1);
    assert_eq!(
        built.refused().iter().map(|(_, error)| *error).collect::<Vec<_>>(),
        [InvalidTransaction::Stale.into(), InvalidTransaction::Future.into()]
    );
    assert!(!built.is_full());

    let many = (1..20).map(|nonce| put(nonce, b"a", b"2")).collect();
    let built = kit.build(&block.header.parent_hash, many);
    assert_eq!(built.transactions() as u64, BLOCK_TRANSACTIONS);
    assert!(built.is_full());
}

#[test]
fn the_head_follows_the_choice() {
    let kit = Kit::new();
    let root = kit.chain.genesis_hash();
    let import = |parent: &H256, call: &[u8], fork_choice| {
        let built = kit.build(parent, vec![put(0, b"k", call)]);
        kit.chain.import_built(built, ImportOptions { fork_choice, ..Default::default() }).unwrap()
    };
    let kept = import(&root, b"kept", ForkChoice::Keep);
    assert!(!kept.new_best);
    let longest = import(&root, b"longest", ForkChoice::Longest);
    assert!(longest.new_best);
    let second = import(&root, b"second", ForkChoice::Longest);
    assert!(!second.new_best, "of two at one height the first stays");
    let chosen = import(&root, b"chosen", ForkChoice::Best);
    assert!(chosen.new_best);
    kit.chain.set_best(&kept.id.hash).unwrap();
    assert_eq!(kit.chain.best(), kept.id);
    assert!(matches!(kit.chain.set_best(&H256::zero()), Err(ChainError::UnknownBlock(_))));
}
