//! Four hosts in one thread, with a queue for a network. Faults by the thousand are in `tests/sim`.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Duration,
};

use basalt_chain::BlockId;
use basalt_primitives::{AccountId, Digest, H256, Header, votes::Evidence};
use basalt_runtime_api::{Certificate, Validator, ValidatorSet};
use ed25519_zebra::SigningKey;
use schnorrkel::{ExpansionMode, Keypair, MiniSecretKey};

use super::{Action, Config, Event, Ground, Host, Offence, Pace, Step, Timer, Verdict};
use crate::{
    Entry, HostError, Keys, Message, Recovered, Refusal, Slot, Timeouts, verify_justification, vrf_transcript,
};

mod late;
mod watching;

const GENESIS: H256 = H256([7; 32]);

#[derive(Clone)]
struct TestKeys {
    vote: SigningKey,
    vrf: Keypair,
    signed: BTreeMap<Slot, H256>,
}

impl TestKeys {
    fn new(index: u8) -> Self {
        let vrf = MiniSecretKey::from_bytes(&[index + 1; 32]).unwrap();
        Self {
            vote: SigningKey::from([index + 1; 32]),
            vrf: vrf.expand_to_keypair(ExpansionMode::Ed25519),
            signed: BTreeMap::new(),
        }
    }

    fn vote_key(&self) -> [u8; 32] {
        self.vote.verification_key().into()
    }
}

impl Keys for TestKeys {
    fn vote_key(&self) -> [u8; 32] {
        self.vote_key()
    }

    fn sign(&mut self, slot: Slot, digest: H256, payload: &[u8]) -> Result<[u8; 64], Refusal> {
        match self.signed.last_key_value() {
            Some((last, of)) if *last > slot || (*last == slot && *of != digest) => {
                return Err(Refusal(format!("signed at {last:?}")));
            }
            _ => self.signed.insert(slot, digest),
        };
        Ok(self.vote.sign(payload).into())
    }

    fn sync(&mut self) -> std::io::Result<()> {
        Ok(())
    }

    fn last_height(&self) -> Option<u64> {
        self.signed.last_key_value().map(|(slot, _)| slot.height)
    }

    fn vrf_sign(&self, input: &[u8]) -> ([u8; 32], [u8; 64]) {
        let (output, proof, _) = self.vrf.vrf_sign(vrf_transcript(input));
        (output.to_preout().to_bytes(), proof.to_bytes())
    }
}

fn set() -> ValidatorSet {
    let validator = |index: u8| {
        let keys = TestKeys::new(index);
        Validator {
            account: AccountId::from([index; 32]),
            vote_key: keys.vote_key(),
            vrf_key: keys.vrf.public.to_bytes(),
            power: 10 + u64::from(index),
        }
    };
    ValidatorSet { id: 3, validators: (0..4).map(validator).collect() }
}

fn genesis() -> Ground {
    let header = Header {
        parent_hash: H256([0; 32]),
        number: 0,
        state_root: H256([0; 32]),
        extrinsics_root: H256([0; 32]),
        digest: Digest::default(),
    };
    Ground { parent: BlockId { hash: GENESIS, number: 0 }, header, validators: set() }
}

fn config() -> Config {
    Config {
        genesis: GENESIS,
        pace: Pace { block_time: Duration::from_millis(100), empty_block_time: Duration::from_millis(100) },
        timeouts: Timeouts::default(),
        listen: Duration::ZERO,
    }
}

/// A block whose root names its parent, so that all blocks differ.
fn block(parent: H256, height: u32, digest: Digest, salt: u8) -> Header {
    Header {
        parent_hash: parent,
        number: height,
        state_root: H256([salt; 32]),
        extrinsics_root: parent,
        digest,
    }
}

struct Node {
    host: Host,
    /// What is durable, and what is not.
    log: (u32, Vec<Entry>, usize),
    decided: BTreeMap<u32, H256>,
    timers: BTreeMap<Timer, Duration>,
    down: bool,
}

/// Who was to build which height, with what votes for the block below.
type Built = (usize, u32, Option<Certificate>);
/// What never arrives: by receiver.
type Lost = Box<dyn Fn(usize, &Message) -> bool>;

/// What happens to whom next, at which time.
struct Net {
    nodes: Vec<Node>,
    queue: VecDeque<(usize, Event)>,
    now: Duration,
    sent: Vec<(usize, Message)>,
    reports: Vec<(usize, Offence)>,
    punished: Vec<Evidence>,
    /// Whose blocks are invalid.
    bad: BTreeSet<H256>,
    /// Blocks that are made.
    salt: Box<dyn Fn(usize) -> u8>,
    errors: Vec<(usize, HostError)>,
    /// Who was to build which height, with what votes for the block below.
    builds: Vec<Built>,
    /// What never arrives: by receiver.
    lost: Lost,
}

impl Net {
    fn new(config: Config) -> Self {
        let mut net = Self {
            nodes: Vec::new(),
            queue: VecDeque::new(),
            now: Duration::ZERO,
            sent: Vec::new(),
            reports: Vec::new(),
            punished: Vec::new(),
            bad: BTreeSet::new(),
            salt: Box::new(|_| 1),
            errors: Vec::new(),
            builds: Vec::new(),
            lost: Box::new(|_, _| false),
        };
        for index in 0..4u8 {
            let keys = Box::new(TestKeys::new(index));
            let (host, actions) = Host::new(config, keys, genesis(), None, Duration::ZERO).unwrap();
            net.nodes.push(Node {
                host,
                log: (0, Vec::new(), 0),
                decided: BTreeMap::new(),
                timers: BTreeMap::new(),
                down: false,
            });
            net.carry_out(index.into(), actions);
        }
        net
    }

    fn carry_out(&mut self, at: usize, actions: Vec<Action>) {
        for action in actions {
            let node = &mut self.nodes[at];
            match action {
                Action::Begin(height) => node.log = (height, Vec::new(), 0),
                Action::Append(entry) => node.log.1.push(entry),
                Action::Sync => node.log.2 = node.log.1.len(),
                Action::Broadcast(message) => {
                    let ours = match &message {
                        Message::Vote(vote) => vote.voter == node.host.status().own,
                        Message::Proposal(proposal, _) => proposal.proposer == node.host.status().own,
                        _ => false,
                    };
                    assert!(!ours || node.log.1.len() == node.log.2, "sent before it was durable");
                    self.sent.push((at, message.clone()));
                    for other in (0..self.nodes.len()).filter(|other| *other != at) {
                        if (self.lost)(other, &message) {
                            continue;
                        }
                        self.queue
                            .push_back((other, Event::Message { peer: at as u64, message: message.clone() }));
                    }
                }
                Action::Schedule(timer, after) => {
                    node.timers.insert(timer, self.now + after);
                }
                Action::Cancel(timer) => {
                    node.timers.remove(&timer);
                }
                Action::CancelSteps => node.timers.retain(|timer, _| !timer.is_step()),
                Action::Build { height, round, parent, digest, votes, .. } => {
                    self.builds.push((at, height, votes));
                    let header = block(parent, height, digest, (self.salt)(at));
                    self.queue.push_back((at, Event::Built { round, header }));
                }
                Action::Execute { hash, .. } => {
                    let verdict = if self.bad.contains(&hash) { Verdict::Invalid } else { Verdict::Valid };
                    self.queue.push_back((at, Event::Executed { hash, verdict }));
                }
                Action::Commit { block, header, justification } => {
                    verify_justification(&set(), &justification, &block).unwrap();
                    // After a restart the same may be decided again.
                    let before = node.decided.insert(block.number, block.hash).unwrap_or(block.hash);
                    assert_eq!(before, block.hash, "two blocks at {}", block.number);
                    let ground = Ground { parent: block, header, validators: set() };
                    self.queue.push_back((at, Event::Durable(ground)));
                }
                Action::Report { peer: _, offence } => self.reports.push((at, offence)),
                Action::Punish(evidence) => self.punished.push(evidence),
                // Catching up: whoever is ahead gives the block it stands on.
                Action::Behind { peer, .. } => {
                    let ground = self.nodes[usize::try_from(peer).unwrap()].host.ground.clone();
                    self.queue.push_back((at, Event::Durable(ground)));
                }
            }
        }
    }

    /// One event, or the next timer if nothing else happens. False if nothing ever will.
    fn step(&mut self) -> bool {
        if self.queue.is_empty() {
            self.catch_up();
        }
        let (at, event) = match self.queue.pop_front() {
            Some(next) => next,
            None => {
                let next = self
                    .nodes
                    .iter()
                    .enumerate()
                    .filter(|(_, node)| !node.down)
                    .flat_map(|(at, node)| node.timers.iter().map(move |(timer, due)| (*due, at, *timer)))
                    .min();
                let Some((due, at, timer)) = next else { return false };
                self.now = self.now.max(due);
                self.nodes[at].timers.remove(&timer);
                (at, Event::Elapsed(timer))
            }
        };
        if self.nodes[at].down {
            return true;
        }
        match self.nodes[at].host.handle(self.now, event) {
            Ok(actions) => self.carry_out(at, actions),
            Err(error) => {
                self.nodes[at].down = true;
                self.errors.push((at, error));
            }
        }
        true
    }

    /// Whoever is behind when nothing else happens gets what the others stand on, as by block sync.
    fn catch_up(&mut self) {
        let ahead = self.nodes.iter().filter(|node| !node.down).max_by_key(|node| node.host.height());
        let Some(ground) = ahead.map(|node| node.host.ground.clone()) else { return };
        for (at, node) in self.nodes.iter().enumerate() {
            if !node.down && node.host.height() <= ground.parent.number {
                self.queue.push_back((at, Event::Durable(ground.clone())));
            }
        }
    }

    /// Until all that run are above this height.
    fn reach(&mut self, height: u32) {
        for _ in 0..200_000 {
            if self.nodes.iter().all(|node| node.down || node.host.height() > height) {
                return;
            }
            assert!(self.step(), "nothing happens any more");
        }
        let status = |node: &Node| {
            let status = node.host.status();
            let seen: Vec<_> = status.validators.iter().map(|(_, _, seen)| *seen).collect();
            (status.height, status.round, status.step, status.muted, seen, node.timers.clone())
        };
        let status: Vec<_> = self.nodes.iter().map(status).collect();
        panic!("height {height} was not decided at {:?}: {status:?}", self.now);
    }

    fn agree(&self) {
        for node in &self.nodes {
            for (height, hash) in &node.decided {
                let first = self.nodes.iter().find_map(|node| node.decided.get(height));
                assert_eq!(first, Some(hash), "two blocks at {height}");
            }
        }
    }

    /// A crash: what was not synced is lost, and timers with it.
    fn restart(&mut self, at: usize, keys: TestKeys) {
        let (height, entries, synced) = self.nodes[at].log.clone();
        let durable = entries[..synced].to_vec();
        let recovered = (height > 0).then(|| Recovered {
            height,
            entries: durable.clone(),
            torn: synced < entries.len(),
        });
        let ground = self.nodes[at].host.ground.clone();
        self.queue.retain(|(to, _)| *to != at);
        let (host, actions) = Host::new(config(), Box::new(keys), ground, recovered, self.now).unwrap();
        self.nodes[at].host = host;
        self.nodes[at].timers.clear();
        self.nodes[at].log = (height, durable, synced);
        self.carry_out(at, actions);
    }
}

#[test]
fn four_validators_decide_block_after_block() {
    let mut net = Net::new(config());
    net.reach(30);
    net.agree();
    assert_eq!(net.reports, []);
    assert_eq!(net.punished, []);
    // Without trouble each height takes one round, and the pace is kept.
    assert!(net.now < Duration::from_millis(100 * 31), "{:?}", net.now);
    let builders: BTreeSet<_> = net
        .sent
        .iter()
        .filter_map(|(_, message)| match message {
            Message::Proposal(proposal, _) => Some(proposal.proposer),
            _ => None,
        })
        .collect();
    assert_eq!(builders.len(), 4, "all have had a turn");
}

#[test]
fn without_one_of_four_the_others_go_on_and_without_two_they_wait() {
    let mut net = Net::new(config());
    net.reach(3);
    net.nodes[1].down = true;
    net.reach(12);
    net.agree();
    net.nodes[2].down = true;
    let decided = net.nodes[0].decided.len();
    for _ in 0..5_000 {
        net.step();
    }
    // One more at most: its votes may have been under way.
    assert!(net.nodes[0].decided.len() <= decided + 1);
    let status = net.nodes[0].host.status();
    assert!(status.step != Step::Commit, "{status:?}");
    let silent: Vec<_> = status
        .validators
        .iter()
        .filter(|(_, _, seen)| seen.height < u64::from(status.height))
        .map(|(key, ..)| *key)
        .collect();
    assert_eq!(silent, [TestKeys::new(1).vote_key(), TestKeys::new(2).vote_key()]);
    // In this net peers are called as the validators.
    let from: Vec<_> = status.validators.iter().map(|(_, _, seen)| seen.from).collect();
    assert_eq!(from, [None, Some(1), Some(2), Some(3)]);
    // They come back, and it goes on.
    net.nodes[1].down = false;
    let ground = net.nodes[0].host.ground.clone();
    let actions = net.nodes[1].host.handle(net.now, Event::Durable(ground)).unwrap();
    net.carry_out(1, actions);
    let next = net.nodes[0].host.height();
    net.reach(next + 3);
    net.agree();
}

#[test]
fn a_block_that_is_invalid_is_not_decided_and_its_maker_is_passed_over() {
    let mut net = Net::new(config());
    // Validator 0 makes blocks that execution finds wrong.
    net.salt = Box::new(|at| if at == 0 { 99 } else { 1 });
    for _ in 0..200_000 {
        if net.nodes[1..].iter().all(|node| node.decided.contains_key(&20)) {
            break;
        }
        for (_, event) in &net.queue {
            if let Event::Message { message: Message::Proposal(proposal, _), .. } = event
                && proposal.header.state_root == H256([99; 32])
            {
                net.bad.insert(proposal.header.hash());
            }
        }
        assert!(net.step());
    }
    net.agree();
    assert!(!net.bad.is_empty(), "validator 0 had a turn");
    assert!(net.nodes[1].decided.values().all(|hash| !net.bad.contains(hash)));
    assert_eq!(net.errors, []);
}

#[test]
fn whoever_finds_a_decided_block_invalid_stops_loudly() {
    let mut net = Net::new(config());
    net.reach(2);
    // Only node 3 judges so.
    for _ in 0..20_000 {
        let Some((at, event)) = net.queue.front().cloned() else {
            net.step();
            continue;
        };
        if at == 3
            && let Event::Executed { hash, .. } = event
        {
            net.queue[0].1 = Event::Executed { hash, verdict: Verdict::Invalid };
        }
        net.step();
        if !net.errors.is_empty() {
            break;
        }
    }
    assert!(matches!(net.errors[..], [(3, HostError::Disagrees { .. })]), "{:?}", net.errors);
}

#[test]
fn after_a_crash_at_any_point_nothing_is_signed_twice_and_it_goes_on() {
    for steps in (0..400).step_by(7) {
        let mut net = Net::new(config());
        for _ in 0..steps {
            net.step();
        }
        let mut keys: Vec<TestKeys> = (0..4).map(TestKeys::new).collect();
        // What the keys remember, as far as it was sent.
        for (at, message) in &net.sent {
            if let Message::Vote(vote) = message {
                let step = if vote.precommit { crate::SlotStep::Precommit } else { crate::SlotStep::Prevote };
                let slot = Slot { height: vote.height, round: vote.round, step };
                let core = vote.clone().into_core().message;
                let payload = crate::payload::vote(&core, 3, &GENESIS);
                keys[*at].signed.insert(slot, H256(basalt_primitives::hashing::blake2_256(&payload)));
            }
        }
        // All at once, as when the power fails.
        for (at, keys) in keys.into_iter().enumerate() {
            net.restart(at, keys);
        }
        let height = net.nodes.iter().map(|node| node.host.height()).max().unwrap();
        // Some may be a block behind; nobody brings it to them here.
        let behind: Vec<_> = (0..4).filter(|at| net.nodes[*at].host.height() < height).collect();
        let ahead =
            net.nodes.iter().map(|node| node.host.ground.clone()).max_by_key(|ground| ground.parent.number);
        for at in behind {
            let ground = ahead.clone().unwrap();
            let actions = net.nodes[at].host.handle(net.now, Event::Durable(ground)).unwrap();
            net.carry_out(at, actions);
        }
        net.reach(height + 3);
        net.agree();
        assert_eq!(net.errors, [], "after {steps} steps");
        let mut votes: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
        for (_, message) in &net.sent {
            if let Message::Vote(vote) = message {
                let slot = (vote.voter, vote.height, vote.round, vote.precommit);
                votes.entry(slot).or_default().insert(vote.block);
            }
        }
        for (slot, blocks) in votes {
            assert_eq!(blocks.len(), 1, "two votes in {slot:?} after {steps} steps");
        }
    }
}

/// The power fails after the log is synced, and before the keys are: what is sent again must not be forgotten by them.
#[test]
fn the_keys_learn_what_only_the_log_holds_before_it_is_sent_again() {
    let mut net = Net::new(config());
    net.reach(2);
    while net.nodes[2].host.status().step != Step::Precommit {
        net.step();
    }
    let (height, entries, synced) = net.nodes[2].log.clone();
    let recovered = Recovered { height, entries: entries[..synced].to_vec(), torn: false };
    let ground = net.nodes[2].host.ground.clone();
    let (mut host, actions) =
        Host::new(config(), Box::new(TestKeys::new(2)), ground, Some(recovered), net.now).unwrap();
    assert_eq!(host.hands.keys().last_height(), Some(u64::from(height)));
    let sync = actions.iter().position(|action| *action == Action::Sync);
    let sent = actions.iter().position(|action| matches!(action, Action::Broadcast(_)));
    assert!(sync.is_some() && sync < sent, "{actions:?}");
}

/// One event can lead to two signatures: of that, either nothing is durable, or all in the log before any in the keys.
#[test]
fn all_that_an_event_leads_to_is_in_the_log_before_the_keys_are_synced() {
    let mut net = Net::new(config());
    net.reach(1);
    let mut signatures = 0;
    for _ in 0..3_000 {
        // One of four is slow: its rounds end by what the others have said, and several things happen at once.
        let at = net.queue.iter().position(|(to, _)| *to != 3).unwrap_or(0);
        if let Some(next) = net.queue.remove(at) {
            net.queue.push_front(next);
        }
        let Some((at, event)) = net.queue.pop_front() else {
            net.step();
            continue;
        };
        let actions = net.nodes[at].host.handle(net.now, event).unwrap();
        let own = net.nodes[at].host.status().own;
        let sync = actions.iter().position(|action| *action == Action::Sync);
        let last = actions
            .iter()
            .rposition(|action| matches!(action, Action::Append(Entry::Vote(vote)) if vote.voter == own));
        if let Some(last) = last {
            signatures += 1;
            assert!(sync.is_some_and(|sync| sync > last), "{actions:?}");
        }
        assert!(actions.iter().filter(|action| **action == Action::Sync).count() <= 1, "{actions:?}");
        net.carry_out(at, actions);
    }
    assert!(signatures > 50);
}

#[test]
fn what_comes_too_early_is_kept_once_and_nobody_is_blamed_for_it() {
    let mut net = Net::new(config());
    net.reach(1);
    let height = u64::from(net.nodes[0].host.height()) + 1;
    let vote = |round| crate::wire::SignedVote {
        precommit: false,
        height,
        round,
        block: None,
        voter: [9; 32],
        signature: [0; 64],
    };
    for round in 0..200 {
        for _ in 0..2 {
            let event = Event::Message { peer: 5, message: Message::Vote(vote(round)) };
            assert_eq!(net.nodes[0].host.handle(net.now, event).unwrap(), []);
        }
    }
    let kept = net.nodes[0].host.early.iter().filter(|(peer, _)| *peer == 5).count();
    assert_eq!(kept, crate::limits::EARLY_PER_PEER_MAX);
}

#[test]
fn without_its_log_a_validator_only_watches_the_height_it_signed_at() {
    let mut net = Net::new(config());
    net.reach(2);
    while net.nodes[2].host.status().step != Step::Prevote {
        net.step();
    }
    let height = net.nodes[2].host.height();
    let mut keys = TestKeys::new(2);
    let slot = Slot { height: height.into(), round: 0, step: crate::SlotStep::Prevote };
    keys.signed.insert(slot, H256([1; 32]));
    net.nodes[2].log = (0, Vec::new(), 0);
    net.restart(2, keys);
    net.sent.clear();
    net.reach(height + 2);
    net.agree();
    let of_two =
        |message: &Message| matches!(message, Message::Vote(vote) if vote.height == u64::from(height));
    assert!(!net.sent.iter().any(|(at, message)| *at == 2 && of_two(message)));
    let later = |message: &Message| matches!(message, Message::Vote(vote) if vote.height > u64::from(height));
    assert!(
        net.sent.iter().any(|(at, message)| *at == 2 && later(message)),
        "and votes again above it: {:?}",
        net.nodes[2].host.status()
    );
}

#[test]
fn whoever_signs_twice_is_found_out() {
    let mut net = Net::new(config());
    net.reach(1);
    // Validator 3 precommits for nothing too, whenever it precommits.
    for _ in 0..100_000 {
        let twice = net.queue.front().and_then(|(at, event)| match event {
            Event::Message { peer: 3, message: Message::Vote(vote) } if vote.precommit && *at == 0 => {
                let mut other = vote.clone();
                other.block = None;
                let core = other.clone().into_core().message;
                let payload = crate::payload::vote(&core, 3, &GENESIS);
                other.signature = TestKeys::new(3).vote.sign(&payload).into();
                Some(Event::Message { peer: 3, message: Message::Vote(other) })
            }
            _ => None,
        });
        if let Some(event) = twice {
            let actions = net.nodes[0].host.handle(net.now, event).unwrap();
            net.carry_out(0, actions);
        }
        if net.nodes.iter().all(|node| node.decided.contains_key(&10)) {
            break;
        }
        net.step();
    }
    net.agree();
    assert!(!net.punished.is_empty());
    for evidence in &net.punished {
        assert_eq!(evidence.key, TestKeys::new(3).vote_key());
        // As the chain will look at it.
        assert_eq!(evidence.place.set_id, set().id);
        assert!(evidence.contradiction.differs() && evidence.is_signed(&GENESIS));
    }
    // Of each height once, though the core finds it too.
    let heights: BTreeSet<_> = net.punished.iter().map(|evidence| evidence.place).collect();
    assert_eq!(heights.len(), net.punished.len());
}

#[test]
fn what_no_honest_peer_sends_is_reported_and_changes_nothing() {
    let mut net = Net::new(config());
    net.reach(2);
    while !matches!(net.sent.last(), Some((_, Message::Proposal(proposal, _))) if proposal.height == 3) {
        net.step();
    }
    let Some((from, Message::Proposal(good, _))) = net.sent.last().cloned() else { unreachable!() };
    let to = (0..4).find(|at| *at != from).unwrap();
    net.queue.clear();
    while net.nodes[to].host.status().step != Step::Propose {
        net.step();
        net.queue.retain(|(at, event)| *at != to || !matches!(event, Event::Message { .. }));
    }
    let resign = |mut proposal: crate::wire::SignedProposal| {
        let core = proposal.clone().into_core().message;
        let payload = crate::payload::proposal(&core, 3, &GENESIS);
        proposal.signature = TestKeys::new(u8::try_from(from).unwrap()).vote.sign(&payload).into();
        Message::Proposal(proposal, None)
    };
    let mut unsigned = good.clone();
    unsigned.header.state_root = H256([5; 32]);
    let mut fork = good.clone();
    fork.header.parent_hash = H256([6; 32]);
    let mut unclaimed = good.clone();
    unclaimed.header.digest = Digest::default();
    let vote = crate::wire::SignedVote {
        precommit: false,
        height: 3,
        round: 0,
        block: None,
        voter: [9; 32],
        signature: [0; 64],
    };
    let mut forged = vote.clone();
    forged.voter = TestKeys::new(u8::try_from(from).unwrap()).vote_key();
    for (message, expected) in [
        (Message::Proposal(unsigned, None), "signature"),
        (resign(fork), "it stands on"),
        (resign(unclaimed), "one author and one claim"),
        (Message::Vote(vote), "no validator"),
        (Message::Vote(forged), "signature"),
    ] {
        let before = net.nodes[to].host.status();
        let actions = net.nodes[to].host.handle(net.now, Event::Message { peer: 77, message }).unwrap();
        // Two bad proposals are two proposals.
        let reports: Vec<_> = actions.iter().filter(|action| !matches!(action, Action::Punish(_))).collect();
        let [Action::Report { peer: 77, offence }] = &reports[..] else { panic!("{actions:?}") };
        assert!(offence.to_string().contains(expected), "{offence}");
        assert_eq!(net.nodes[to].host.status(), before);
    }
}

#[test]
fn a_second_node_with_the_same_key_is_noticed_before_anything_is_signed() {
    let mut net = Net::new(config());
    net.reach(2);
    let listen = Config { listen: Duration::from_secs(5), ..config() };
    let ground = net.nodes[1].host.ground.clone();
    let (mut twin, actions) =
        Host::new(listen, Box::new(TestKeys::new(1)), ground, None, Duration::ZERO).unwrap();
    assert_eq!(actions, [Action::Schedule(Timer::Listen, Duration::from_secs(5))]);
    let height = u64::from(twin.height());
    let own = TestKeys::new(1).vote_key();
    while !net.sent.iter().any(
        |(_, message)| matches!(message, Message::Vote(vote) if vote.voter == own && vote.height == height),
    ) {
        net.step();
    }
    let votes = net.sent.iter().filter(|(_, message)| message.height() == height);
    let heard: Result<Vec<_>, _> = votes
        .map(|(at, message)| {
            twin.handle(net.now, Event::Message { peer: *at as u64, message: message.clone() })
        })
        .collect();
    assert!(matches!(heard, Err(HostError::Doppelganger(_))), "{heard:?}");
}
