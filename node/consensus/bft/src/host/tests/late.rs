//! Votes that come after the decision.

use basalt_primitives::votes::precommit_payload;
use ed25519_zebra::{Signature, VerificationKey};

use super::*;
use crate::{SignedVote, host::certificate::Turnouts, limits::TURNOUT_CERTIFICATES};

/// Whose votes for `hash` a certificate holds; all are good.
fn voters(certificate: &Certificate, height: u32, hash: &H256) -> Vec<[u8; 32]> {
    let payload = precommit_payload(height, certificate.round, set().id, hash);
    let good = |(key, signature): &([u8; 32], [u8; 64])| {
        let key = VerificationKey::try_from(*key).unwrap();
        key.verify(&Signature::from(*signature), &payload).unwrap();
    };
    certificate.signatures.iter().for_each(good);
    certificate.signatures.iter().map(|(key, _)| *key).collect()
}

fn key(index: u8) -> [u8; 32] {
    TestKeys::new(index).vote_key()
}

/// For each height that was built: who voted for the block below, by what the builder knew.
fn known(net: &Net) -> Vec<(u32, Option<Vec<[u8; 32]>>)> {
    let of_height = |(at, height, votes): &(usize, u32, Option<Certificate>)| {
        let below = height - 1;
        let voted = votes.as_ref().map(|votes| voters(votes, below, &net.nodes[*at].decided[&below]));
        (*height, voted)
    };
    net.builds.iter().map(of_height).collect()
}

#[test]
fn a_block_tells_of_all_who_voted_for_the_one_below() {
    let mut net = Net::new(config());
    net.reach(20);
    let mut all: Vec<_> = (0..4).map(key).collect();
    all.sort_unstable();
    for (height, voted) in known(&net) {
        assert_eq!(voted, (height > 1).then(|| all.clone()), "height {height}");
    }
    assert_eq!(net.reports, []);
    let status = net.nodes[0].host.status();
    for (_, _, seen) in status.validators {
        assert_eq!(seen.turnout.votes, seen.turnout.certificates);
        assert!(seen.turnout.certificates >= 19, "{seen:?}");
    }
}

#[test]
fn whoever_was_too_slow_to_vote_does_so_when_the_block_is_final() {
    let mut net = Net::new(config());
    // Without others' prevotes it never gets as far as a precommit: it decides by those of the others.
    net.lost = Box::new(|to, message| to == 3 && matches!(message, Message::Vote(vote) if !vote.precommit));
    net.reach(12);
    net.agree();
    assert_eq!((net.reports.len(), net.punished.len()), (0, 0));
    let late = |(at, message): &&(usize, Message)| {
        *at == 3 && matches!(message, Message::Vote(vote) if vote.precommit && vote.block.is_some())
    };
    assert!(net.sent.iter().filter(late).count() >= 10);
    // In time for the next block.
    for (height, voted) in known(&net) {
        assert!(height == 1 || voted.unwrap().contains(&key(3)), "height {height}");
    }
}

#[test]
fn who_is_missing_is_seen() {
    let mut net = Net::new(config());
    net.reach(2);
    net.nodes[3].down = true;
    net.reach(22);
    let turnouts: Vec<_> =
        net.nodes[0].host.status().validators.iter().map(|(.., seen)| seen.turnout).collect();
    assert!(turnouts[0].certificates >= 20);
    assert!(turnouts[..3].iter().all(|turnout| turnout.votes == turnout.certificates), "{turnouts:?}");
    assert!(turnouts[3].votes <= 4, "{turnouts:?}");
    assert!(
        known(&net)
            .iter()
            .filter(|(height, _)| *height > 5)
            .all(|(_, voted)| { voted.as_ref().is_some_and(|voted| voted.len() == 3) })
    );
}

#[test]
fn what_only_looks_like_a_late_vote_counts_for_nothing() {
    let mut net = Net::new(config());
    net.reach(2);
    net.nodes[3].down = true;
    net.reach(6);
    net.queue.clear();
    let decided = net.nodes[0].host.decided.as_ref().unwrap();
    let (hash, height, round) = (decided.block.hash, u64::from(decided.block.number), decided.round);
    let before = decided.certificate();
    assert_eq!(before.signatures.len(), 3);
    let vote = |signer: u8, change: &dyn Fn(&mut SignedVote)| {
        let mut vote = SignedVote {
            precommit: true,
            height,
            round,
            block: Some(hash),
            voter: key(signer),
            signature: [0; 64],
        };
        change(&mut vote);
        let hash = vote.block.unwrap_or(hash);
        let payload = precommit_payload(u32::try_from(vote.height).unwrap(), vote.round, set().id, &hash);
        vote.signature = TestKeys::new(signer).vote.sign(&payload).into();
        vote
    };
    let mut forged = vote(3, &|_| {});
    forged.signature[5] ^= 1;
    let stolen = SignedVote { voter: key(3), ..vote(2, &|_| {}) };
    for (name, vote, guilty) in [
        ("forged", forged, true),
        ("of another key", stolen, true),
        ("of a stranger", vote(9, &|_| {}), true),
        ("a first vote", vote(3, &|vote| vote.precommit = false), true),
        ("of another round", vote(3, &|vote| vote.round += 1), false),
        ("for another block", vote(3, &|vote| vote.block = Some(H256([9; 32]))), false),
        ("for none", vote(3, &|vote| vote.block = None), true),
        ("for the height below", vote(3, &|vote| vote.height -= 1), false),
        ("known", vote(2, &|_| {}), false),
    ] {
        let event = Event::Message { peer: 3, message: Message::Vote(vote) };
        let actions = net.nodes[0].host.handle(net.now, event).unwrap();
        let reports = actions.iter().filter(|action| matches!(action, Action::Report { .. })).count();
        assert_eq!(reports, usize::from(guilty), "{name}");
        assert_eq!(net.nodes[0].host.decided.as_ref().unwrap().certificate(), before, "{name}");
    }
    let good = Event::Message { peer: 3, message: Message::Vote(vote(3, &|_| {})) };
    // It contradicts the one for another block above, but that is its signer's fault, not its sender's.
    let actions = net.nodes[0].host.handle(net.now, good).unwrap();
    assert!(!actions.iter().any(|action| matches!(action, Action::Report { .. })), "{actions:?}");
    let after = net.nodes[0].host.decided.as_ref().unwrap().certificate();
    assert_eq!(voters(&after, height as u32, &hash).len(), 4);
}

#[test]
fn after_a_restart_nothing_is_known_of_the_block_below_until_one_is_decided() {
    let mut net = Net::new(config());
    net.reach(5);
    let keys: Vec<_> = (0..4).map(TestKeys::new).collect();
    net.builds.clear();
    for (at, mut keys) in keys.into_iter().enumerate() {
        // As they remember it: below what comes.
        keys.signed.clear();
        net.restart(at, keys);
    }
    let first = net.nodes[0].host.height();
    net.reach(first + 4);
    for (height, voted) in known(&net) {
        assert_eq!(voted.is_some(), height > first, "height {height}");
    }
}

#[test]
fn the_turnout_is_counted_over_the_last_certificates() {
    let mut net = Net::new(config());
    net.reach(2);
    let members = net.nodes[0].host.members().clone();
    let mut turnouts = Turnouts::default();
    for number in 0..250u32 {
        let block = BlockId { hash: H256([1; 32]), number };
        // The last one misses every fifth.
        let there = (0..4).filter(|index| *index != 3 || number % 5 != 0);
        let signatures = there.map(|index| (key(index), [0; 64])).collect();
        turnouts.push(super::super::certificate::Decided::new(block, 0, members.clone(), signatures));
    }
    let of = |index: usize| turnouts.of(&members.all()[index].address);
    let all = u32::try_from(TURNOUT_CERTIFICATES).unwrap();
    assert_eq!((of(0).votes, of(0).certificates), (all, all));
    assert_eq!((of(3).votes, of(3).certificates), (all / 5 * 4, all));
}
