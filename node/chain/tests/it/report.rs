//! How blocks were run can be asked for, for a while.

use basalt_chain::{BlockId, ChainEvent, ImportOptions, limits::REPORTS_KEPT};
use basalt_primitives::H256;

use crate::{
    kit::{Kit, author},
    toy::put,
};

#[test]
fn a_block_has_a_report_as_soon_as_it_is_told() {
    let kit = Kit::new();
    let mut events = kit.chain.subscribe();
    let mine = kit.build(&kit.chain.genesis_hash(), vec![put(0, b"a", b"1")]);
    let foreign = kit.build(&kit.chain.genesis_hash(), vec![put(0, b"b", b"1")]).block().clone();
    assert_eq!(kit.chain.report(&mine.id().hash), None, "it was not imported yet");

    let mut check = |id: BlockId, built_here| {
        assert!(matches!(events.try_recv(), Ok(ChainEvent::Imported { id: told, .. }) if told == id));
        while events.try_recv().is_ok() {}
        let report = kit.chain.report(&id.hash).unwrap();
        assert_eq!((report.id, report.built_here), (id, built_here));
        assert!(!report.times.execute.is_zero() && !report.times.root.is_zero());
        assert!(!report.times.commit.is_zero());
        assert_eq!(report.times.verify.is_zero(), built_here);
    };
    check(kit.chain.import_built(mine, ImportOptions::default()).unwrap().id, true);
    let options = ImportOptions { author: Some(author()), ..Default::default() };
    check(kit.chain.import(foreign, options).unwrap().id, false);
    assert_eq!(kit.chain.report(&H256::zero()), None);
}

#[test]
fn only_the_last_reports_are_kept() {
    let kit = Kit::new();
    let blocks: Vec<H256> = (0..=REPORTS_KEPT)
        .map(|_| {
            let built = kit.build(&kit.chain.best().hash, vec![]);
            let options = ImportOptions { finalize: true, ..Default::default() };
            kit.chain.import_built(built, options).unwrap().id.hash
        })
        .collect();
    assert_eq!(kit.chain.report(&blocks[0]), None);
    assert!(blocks[1..].iter().all(|hash| kit.chain.report(hash).is_some()));
}
