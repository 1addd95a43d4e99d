//! What happens when other validators take over.

use std::{sync::Arc, time::Duration};

use basalt_chain::BlockId;
use basalt_consensus_bft::{
    FRNK, Pace, claim_digest,
    justification::{GrandpaJustification, SignedPrecommit},
    verify_justification,
};
use basalt_network::{BlockRequest, BlockResponse, Fields, Justification, Start};
use basalt_primitives::{Claim, H256};
use basalt_runtime_api::ValidatorSet;
use basalt_sim::{
    App, Decided, Fault, Full, Kind, Order, Purpose, Request, Scenario, Shared, Signer, run_scenario,
};
use basalt_sync::{Batch, End, Importer, Server};
use parity_scale_codec::Encode;

/// Blocks of an epoch.
const EPOCH: u32 = 4;

/// Sets of four out of eight, of whom one, or all, are other ones each epoch.
fn sets(epochs: u32, all_new: bool) -> Arc<Vec<ValidatorSet>> {
    let set_of = |epoch: u32| {
        let first = if all_new { epoch * 4 } else { epoch };
        let member = |place: u32| Signer::new(u8::try_from((first + place) % 8).unwrap()).validator(1);
        ValidatorSet { id: epoch.into(), validators: (0..4).map(member).collect() }
    };
    Arc::new((0..epochs * EPOCH).map(|height| set_of(height / EPOCH)).collect())
}

fn scenario(request: &Request, all_new: bool) -> Scenario {
    let mut scenario = Scenario::new(request);
    scenario.plain(Duration::from_millis(50));
    scenario.sets = sets(200, all_new);
    scenario.pace = Pace { block_time: Duration::from_secs(1), empty_block_time: Duration::from_secs(1) };
    scenario.fsync = Duration::from_millis(4);
    scenario.execution = Duration::from_millis(5);
    scenario
}

/// The block times are those between any two blocks: even where nobody of the old set is in the new one.
#[test]
fn finality_does_not_pause_for_two_block_times_when_validators_change() {
    for (kind, heights, all_new) in
        [(Kind::Light, 80, false), (Kind::Light, 80, true), (Kind::Full, 24, false), (Kind::Full, 24, true)]
    {
        let request = Request { nodes: Some(8), faults: Vec::new(), heights, kind, ..Request::new(1) };
        let outcome = run_scenario(scenario(&request, all_new), false).unwrap();
        assert_eq!(outcome.violations, Vec::<String>::new());
        assert!(outcome.heights >= heights);
        let times: Vec<_> = outcome.decided.values().collect();
        let longest = times.windows(2).map(|pair| *pair[1] - *pair[0]).max().unwrap();
        assert!(longest <= Duration::from_secs(2), "{kind:?}, all new: {all_new}: {longest:?}");
    }
}

/// Real chains, whose runtime hands over each few blocks while nodes crash and cannot hear each other.
#[test]
fn sets_take_over_through_crashes_partitions_and_power_losses() {
    let faults = vec![Fault::Crash, Fault::Partition, Fault::PowerLoss, Fault::Loss];
    let (mut crashes, mut heights) = (0, 0);
    for seed in 0..6 {
        let request = Request {
            // As many as there are keys in the sets below.
            nodes: Some(8),
            faults: faults.clone(),
            heights: 14,
            kind: Kind::Full,
            ..Request::new(seed)
        };
        let mut scenario = Scenario::new(&request);
        if scenario.sets.len() < 2 {
            scenario.sets = sets(200, false);
        }
        let outcome = run_scenario(scenario, false).unwrap();
        assert_eq!(outcome.violations, Vec::<String>::new(), "seed {seed}");
        crashes += outcome.crashes;
        heights += outcome.heights;
    }
    // They would prove nothing otherwise.
    assert!(crashes > 6 && heights > 40, "{crashes} crashes, {heights} heights");
}

/// What proves a block by the word of a set.
fn certificate(set: &ValidatorSet, block: &BlockId) -> ([u8; 4], Vec<u8>) {
    let purpose = Purpose { genesis: H256::zero(), set: set.id };
    let mut precommits: Vec<_> = (0..8)
        .map(Signer::new)
        .filter(|signer| set.validators.iter().any(|one| one.vote_key == signer.vote_key()))
        .map(|signer| SignedPrecommit {
            target_hash: block.hash,
            target_number: block.number,
            signature: signer.sign_precommit(&purpose, block.number.into(), 0, block.hash),
            id: signer.vote_key(),
        })
        .collect();
    precommits.sort_by_key(|one| one.id);
    let justification = GrandpaJustification {
        round: u64::from(block.number) << 32,
        target_hash: block.hash,
        target_number: block.number,
        precommits,
        votes_ancestries: Vec::new(),
    };
    (FRNK, justification.encode())
}

fn chain(sets: &Arc<Vec<ValidatorSet>>) -> Full {
    Full::new(sets.clone(), Arc::new(Shared::new(100, sets).unwrap())).unwrap()
}

fn importer(of: &Full) -> Importer {
    Importer {
        chain: of.chain().unwrap().clone(),
        verify: Arc::new(|set, justification, block| {
            verify_justification(set, justification, block).map_err(|error| error.to_string())
        }),
        author: basalt_consensus_api::author_of,
    }
}

fn batch(first: u32, response: BlockResponse) -> Batch {
    Batch::check(first, 64, response).unwrap().unwrap()
}

/// A full node that comes late learns each set from the state below it, with real certificates over real blocks.
#[test]
fn a_late_node_checks_each_certificate_by_the_set_of_its_height_over_ten_changes() {
    let sets = sets(20, true);
    let mut there = chain(&sets);
    let blocks = 11 * EPOCH + 1;
    for number in 1..=blocks {
        let ground = there.ground();
        let author = ground.validators.validators[0].account;
        let claim = Claim { round: 0, validator: 0, vrf_output: [number as u8; 32], vrf_proof: [0; 64] };
        let (header, body) = there
            .build(Order {
                parent: ground.parent.hash,
                digest: claim_digest(&claim, &author),
                author,
                time: 1_780_000_000_000 + u64::from(number) * 1_000,
                salt: 3,
                votes: None,
            })
            .unwrap();
        let proof = certificate(&ground.validators, &BlockId { hash: header.hash(), number });
        there.commit(Decided { header, body, proof }).unwrap();
    }
    assert_eq!(there.ground().validators.id, 11);
    let server = Server { chain: there.chain().unwrap().clone(), proposed: Arc::new(|_| None) };
    let answer = || {
        let request = BlockRequest { start: Start::Number(1), count: 64, fields: Fields::ALL };
        server.answer(&request).unwrap()
    };

    let here = chain(&sets);
    let outcome = importer(&here).import(batch(1, answer()));
    assert_eq!((outcome.end, outcome.finalized.number), (End::Done, blocks));
    assert_eq!(here.ground().validators, there.ground().validators);

    // The same keys sign, but for the set before; or the set before signs: each of which is a stranger to the new one.
    for border in [EPOCH + 1, 6 * EPOCH + 1] {
        let place = usize::try_from(border).unwrap();
        let (old, new) = (&sets[place - 2], &sets[place - 1]);
        assert_ne!(old.id, new.id);
        let renamed = ValidatorSet { id: old.id, ..new.clone() };
        let aged = ValidatorSet { id: new.id, ..old.clone() };
        for liar in [old, &renamed, &aged] {
            let mut forged = answer();
            let block = &mut forged.blocks[place - 1];
            let (engine, data) = certificate(liar, &BlockId { hash: block.hash, number: border });
            block.justification = Some(Justification { engine, data });
            let here = chain(&sets);
            let outcome = importer(&here).import(batch(1, forged));
            assert!(
                matches!(outcome.end, End::Wrong(_)),
                "block {border} by set {}: {:?} at {:?}",
                liar.id,
                outcome.end,
                outcome.finalized
            );
            assert_eq!(outcome.finalized.number, border - 1);
        }
    }
}
