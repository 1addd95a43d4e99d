//! A host, and what it wants done, as the engine of a node does it.

use super::*;
use crate::keys::DiskKeys;
use basalt_consensus_bft::{Config, Keys, verify_justification};

impl World {
    /// Starts a node that is down.
    pub(super) fn start(&mut self, at: usize) {
        if self.nodes[at].running.is_some() {
            return;
        }
        let role = &self.scenario.roles[at];
        let honest = role.is_honest();
        let keys = DiskKeys { signer: role.signer.clone(), disk: self.nodes[at].disk.clone(), honest };
        let config = Config {
            genesis: self.genesis,
            pace: self.scenario.pace,
            timeouts: self.scenario.timeouts,
            // Twins would notice each other.
            listen: if honest { self.scenario.listen } else { Duration::ZERO },
        };
        let now = self.local(at);
        let node = &mut self.nodes[at];
        node.life += 1;
        let life = node.life;
        let opened = Log::open(File(node.disk.clone()), self.genesis);
        let (log, recovered) = match opened {
            Ok(opened) => opened,
            Err(error) => return self.check.violated(format!("node {at} cannot open its log: {error}")),
        };
        let mut bodies = BTreeMap::new();
        for entry in recovered.iter().flat_map(|found| &found.entries) {
            if let Entry::Body(hash, body) = entry {
                bodies.insert(*hash, body.clone());
            }
        }
        let logged = bodies.keys().copied().collect();
        let found = recovered.as_ref().map(|found| (found.height, found.entries.len(), found.torn));
        let signed = keys.last_height();
        let ground = node.app.ground();
        let height = ground.parent.number + 1;
        let started = Host::new(config, Box::new(keys), ground, recovered, now);
        self.check
            .note(self.now, at, || format!("starts at height {height}; log {found:?}, signed {signed:?}"));
        let (host, actions) = match started {
            Ok(started) => started,
            Err(error) => return self.failed(at, &error),
        };
        self.nodes[at].running = Some(Running {
            host,
            log,
            todo: actions.into(),
            inbox: VecDeque::new(),
            syncing: false,
            timers: BTreeMap::new(),
            bodies,
            logged,
            executing: BTreeMap::new(),
            committing: BTreeMap::new(),
            asked: None,
        });
        let ready = self.dice.chance(500);
        self.later(Duration::ZERO, Happening::Tell { node: at, life, event: Event::Ready(ready) });
        let after = self.dice.millis(0, 1000);
        self.later(after, Happening::Gossip { node: at, life });
        self.turn(at);
    }

    /// Takes everything from a node that is not durable.
    pub(super) fn crash(&mut self, at: usize) {
        let Some(running) = self.nodes[at].running.take() else { return };
        self.crashes += 1;
        self.check.note(self.now, at, || "crashes".to_owned());
        let node = &mut self.nodes[at];
        let (synced, syncing) = (node.disk.is_synced(), running.syncing);
        drop(running);
        node.disk.crash(&mut self.dice, syncing);
        self.check.hash(self.now, at, &[u8::from(synced), u8::from(syncing)]);
        if let Err(error) = self.nodes[at].app.reopen() {
            self.check.violated(format!("node {at} cannot open its chain: {error:#}"));
        }
        let after = if self.dice.chance(300) { self.dice.millis(0, 20) } else { self.dice.millis(50, 6_000) };
        self.later(after, Happening::Restart { node: at });
    }

    /// A host that must not be used any more. Byzantine nodes begin anew; honest ones must not get here.
    fn failed(&mut self, at: usize, error: &HostError) {
        if self.scenario.roles[at].is_honest() {
            self.check.violated(format!("node {at} is honest and stopped: {error}"));
            return;
        }
        self.nodes[at].running = None;
        self.nodes[at].disk = Disk::default();
        self.later(Duration::from_millis(500), Happening::Restart { node: at });
    }

    pub(super) fn tell(&mut self, at: usize, event: Event) {
        if let Some(running) = &mut self.nodes[at].running {
            running.inbox.push_back(event);
            self.turn(at);
        }
    }

    pub(super) fn synced(&mut self, at: usize, life: u32) {
        let Some(running) = self.alive(at, life) else { return };
        running.syncing = false;
        let result = running.log.sync().map_err(|error| error.to_string());
        let keys = running.host.sync_keys().map_err(|error| error.to_string());
        if let Err(error) = result.and(keys) {
            self.check.violated(format!("node {at} cannot sync: {error}"));
        }
        self.turn(at);
    }

    /// Does what is to be done, until it has to wait for the disk or nothing is left.
    pub(super) fn turn(&mut self, at: usize) {
        loop {
            let now = self.local(at);
            let Some(running) = &mut self.nodes[at].running else { return };
            if running.syncing {
                return;
            }
            if let Some(action) = running.todo.pop_front() {
                self.act(at, action);
                let crash = self.scenario.crash;
                // Tenths of thousandths; not all fall on actions, but enough do.
                if self.healed.is_none() && crash > 0 && self.dice.below(10_000) < crash {
                    self.crash(at);
                }
                continue;
            }
            let Some(event) = running.inbox.pop_front() else { return };
            self.listen(at, &event);
            let Some(running) = &mut self.nodes[at].running else { return };
            self.check.note(self.now, at, || format!("< {event:?}"));
            match running.host.handle(now, event) {
                Ok(actions) => running.todo.extend(actions),
                Err(error) => self.failed(at, &error),
            }
        }
    }

    /// What an honest node gets of a Byzantine one, if it decides that very round.
    fn listen(&mut self, at: usize, event: &Event) {
        let Event::Message { message, .. } = event else { return };
        let Some((place, _)) = crate::keys::published(message) else { return };
        let (key, height, round, _) = place;
        let honest = |key: [u8; 32]| {
            self.scenario.roles.iter().all(|role| role.signer.vote_key() != key || role.is_honest())
        };
        if !self.scenario.roles[at].is_honest() || honest(key) {
            return;
        }
        let node = &self.nodes[at];
        let Some(running) = &node.running else { return };
        let status = running.host.status();
        let decides = matches!(status.step, Step::Propose | Step::Prevote | Step::Precommit);
        let member = status.validators.iter().any(|(member, ..)| *member == key);
        // Of proposals only the one whose turn it is counts, and only what looks right.
        let counts = match message {
            Message::Vote(_) => true,
            Message::Proposal(proposal, _) => {
                status.proposer == key
                    && proposal.pol_round.is_none()
                    && self.evil.is_twin(&proposal.header.hash())
            }
            Message::Polka(_) | Message::Round(_) => false,
        };
        if decides && member && counts && u64::from(status.height) == height && status.round == round {
            self.check.hear(at, node.life, message);
        }
    }

    fn act(&mut self, at: usize, action: Action) {
        self.check.note(self.now, at, || format!("> {action:?}"));
        let life = self.nodes[at].life;
        let Some(running) = &mut self.nodes[at].running else { return };
        let logged = match action {
            Action::Begin(height) => {
                running.logged.clear();
                let now = self.now;
                let begun = running.log.begin(height);
                self.nodes[at].began.entry(height).or_insert(now);
                begun
            }
            Action::Append(entry) => running.log.append(&entry),
            Action::Sync => {
                running.syncing = true;
                let after = self.disk_time();
                self.later(after, Happening::Synced { node: at, life });
                Ok(())
            }
            Action::Broadcast(message) => {
                self.publish(at, message);
                Ok(())
            }
            Action::Schedule(timer, after) => {
                self.sequence += 1;
                let id = self.sequence;
                running.timers.insert(timer, id);
                // Rounded up: a clock must have got there when it rings.
                let after = after * 1000 / self.scenario.roles[at].rate + Duration::from_micros(1);
                self.later(after, Happening::Ring { node: at, life, timer, id });
                Ok(())
            }
            Action::Cancel(timer) => {
                running.timers.remove(&timer);
                Ok(())
            }
            Action::CancelSteps => {
                running.timers.retain(|timer, _| !timer.is_step());
                Ok(())
            }
            Action::Build { round, parent, author, digest, votes, .. } => {
                self.build(at, round, parent, author, digest, votes);
                Ok(())
            }
            Action::Execute { hash, header, body, from } => {
                let from = usize::try_from(from).unwrap_or(usize::MAX);
                self.execute(at, hash, header, body, from);
                Ok(())
            }
            Action::Commit { block, header, justification } => {
                self.decide(at, &block, &header, &justification);
                self.commit(at, block.hash, header, (justification.engine, justification.data));
                Ok(())
            }
            Action::Behind { peer, .. } => {
                if let Ok(peer) = usize::try_from(peer) {
                    self.catch_up(at, peer);
                }
                Ok(())
            }
            Action::Report { peer, offence } => {
                let peer = usize::try_from(peer).unwrap_or(usize::MAX);
                let honest =
                    |node: usize| self.scenario.roles.get(node).is_some_and(crate::scenario::Role::is_honest);
                if honest(at) && honest(peer) {
                    self.check
                        .violated(format!("node {at} reports node {peer}, and both are honest: {offence}"));
                }
                Ok(())
            }
            Action::Punish(evidence) => {
                let (key, height) = (evidence.key, evidence.place.height);
                let innocent =
                    self.scenario.roles.iter().any(|role| role.is_honest() && role.signer.vote_key() == key);
                if innocent && self.scenario.roles[at].is_honest() {
                    self.check.violated(format!("node {at} accuses an honest validator: {evidence:?}"));
                }
                self.check.punish(at, life, height, key);
                Ok(())
            }
        };
        if let Err(error) = logged {
            self.check.violated(format!("node {at} cannot write its log: {error}"));
        }
    }

    pub(super) fn disk_time(&mut self) -> Duration {
        let most = self.scenario.fsync;
        self.dice.between(most / 2, most)
    }

    /// The host says that a block is decided.
    fn decide(
        &mut self,
        at: usize,
        block: &basalt_chain::BlockId,
        header: &Header,
        justification: &basalt_chain::Justification,
    ) {
        if !self.scenario.roles[at].is_honest() {
            return;
        }
        if header.hash() != block.hash || header.number != block.number {
            self.check.violated(format!("node {at} decided {block:?} with another header: {header:?}"));
        }
        let set = self.scenario.set(block.number);
        if let Err(error) = verify_justification(set, justification, block) {
            self.check.violated(format!("node {at} decided block {}, but: {error}", block.number));
        }
        self.check.decided(at, block);
        self.decided.entry(block.number).or_insert(self.now);
        if let Some(author) = crate::app::author(header) {
            self.authors.insert(block.number, author);
        }
        let life = self.nodes[at].life;
        self.check.judge(at, life, u64::from(block.number));
        let first = self.nodes.iter().filter_map(|node| node.began.get(&block.number)).min();
        if let (Some(first), Some(built)) = (first, self.building.get(&block.number)) {
            self.latencies.push((self.now - *built, self.now - *first));
        }
    }

    /// A message of this node leaves.
    fn publish(&mut self, at: usize, message: Message) {
        let role = &self.scenario.roles[at];
        let Some(running) = &self.nodes[at].running else { return };
        let message = with_body(message, &running.bodies);
        if !role.is_honest() {
            return self.tamper(at, &message);
        }
        if let Some(((key, height, round, step), _)) = crate::keys::published(&message)
            && key == role.signer.vote_key()
        {
            let slot = basalt_consensus_bft::Slot { height, round, step };
            if self.nodes[at].disk.durably_signed().is_none_or(|last| last < slot) {
                self.check.violated(format!("node {at} sends what its keys could forget: {slot:?}"));
            }
            self.check.publish(at, &message);
        }
        self.send_all(at, &Packet::Consensus(message.encode()));
    }
}

/// Bodies that are small travel along.
fn with_body(message: Message, bodies: &BTreeMap<H256, Body>) -> Message {
    match message {
        Message::Proposal(proposal, None) => {
            let body = bodies.get(&proposal.header.hash()).cloned();
            Message::Proposal(proposal, body)
        }
        other => other,
    }
}
