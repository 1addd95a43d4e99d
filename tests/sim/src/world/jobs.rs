//! Blocks: built, fetched, executed, made final, and brought to those who lack them.

use super::*;
use crate::app::Order;
use basalt_chain::extrinsics_root;
use basalt_consensus_bft::{limits::FETCHES_MAX, verify_justification};
use basalt_primitives::{AccountId, Digest};
use basalt_runtime_api::Certificate;

/// Between two tries to get a body.
const AGAIN: Duration = Duration::from_millis(50);

/// Blocks of one answer.
const BLOCKS_MAX: u32 = 8;

/// How far the clocks of others may be ahead, in milliseconds.
const AHEAD_MAX: u64 = 500;

impl World {
    pub(super) fn build(
        &mut self,
        at: usize,
        round: u32,
        parent: H256,
        author: AccountId,
        digest: Digest,
        votes: Option<Certificate>,
    ) {
        // Catching up was faster, and the host hears of it next.
        if self.nodes[at].app.ground().parent.hash != parent {
            return;
        }
        self.building.entry(self.nodes[at].progress.0 + 1).or_insert(self.now);
        let time = self.clock(at);
        let salt = self.dice.number();
        let order = Order { parent, digest, author, time, salt, votes };
        let twin = Order { salt: salt.wrapping_add(1), ..order.clone() };
        let role = &self.scenario.roles[at];
        let app = &mut self.nodes[at].app;
        let (mut header, body) = match app.build(order) {
            Ok(built) => built,
            Err(error) => return self.check.violated(format!("node {at} cannot build: {error:#}")),
        };
        if role.does(Fault::EquivocatingProposer)
            && let Ok((other, other_body)) = app.build(twin)
        {
            if let Some(running) = &mut self.nodes[at].running {
                running.bodies.insert(other.hash(), other_body);
            }
            self.evil.pair(&header, other);
        }
        if role.does(Fault::WrongRoot) {
            header.state_root = H256([0xbd; 32]);
        }
        if role.does(Fault::WrongVrf) {
            evil::spoil(&mut header);
        }
        let life = self.nodes[at].life;
        let after = self.dice.between(Duration::ZERO, self.scenario.execution);
        let job = Job::Built { round, header, body };
        self.later(after, Happening::Job { node: at, life, job });
    }

    pub(super) fn execute(&mut self, at: usize, hash: H256, header: Header, body: Option<Body>, from: usize) {
        let Some(running) = &mut self.nodes[at].running else { return };
        if let Some(body) = body.filter(|body| extrinsics_root(body) == header.extrinsics_root) {
            running.bodies.insert(hash, body);
        }
        let work = Work { header, from, tries: 0, proof: None, running: false };
        running.executing.insert(hash, work);
        self.fetch(at, hash);
    }

    pub(super) fn commit(&mut self, at: usize, hash: H256, header: Header, proof: ([u8; 4], Vec<u8>)) {
        let Some(running) = &mut self.nodes[at].running else { return };
        let work = Work { header, from: usize::MAX, tries: 0, proof: Some(proof), running: false };
        running.committing.insert(hash, work);
        self.fetch(at, hash);
    }

    /// Goes on with the work on a block, or asks for its body.
    fn fetch(&mut self, at: usize, hash: H256) {
        let life = self.nodes[at].life;
        let node_count = self.nodes.len();
        let height = self.nodes[at].progress.0;
        let execution = self.dice.between(Duration::ZERO, self.scenario.execution);
        let disk = self.disk_time();
        let clock = self.clock(at);
        let anybody = self.dice.place(node_count);
        let node = &mut self.nodes[at];
        let Some(running) = &mut node.running else { return };
        let have = running.bodies.contains_key(&hash);
        let mut later = Vec::new();
        let mut ask = None;
        let mut lost = false;
        for work in
            [running.executing.get_mut(&hash), running.committing.get_mut(&hash)].into_iter().flatten()
        {
            if work.running {
                continue;
            }
            if have {
                work.running = true;
                let body = &running.bodies[&hash];
                // A block of a clock that is ahead waits.
                let early = node.app.time(body).saturating_sub(clock + AHEAD_MAX);
                let after = execution + Duration::from_millis(early);
                later.push(match work.proof {
                    Some(_) => (after + disk, Job::Committed { hash }),
                    None => (after, Job::Executed { hash }),
                });
                continue;
            }
            work.tries += 1;
            if work.proof.is_none() && work.tries > FETCHES_MAX {
                lost = true;
                continue;
            }
            // Catching up brought it.
            if work.header.number <= height {
                continue;
            }
            ask = Some(if work.tries == 1 && work.from < node_count { work.from } else { anybody });
        }
        if lost {
            running.executing.remove(&hash);
        }
        for (after, job) in later {
            self.later(after, Happening::Job { node: at, life, job });
        }
        if let Some(peer) = ask {
            self.send(at, peer, Packet::Want(hash), Duration::ZERO);
            self.later(AGAIN, Happening::Job { node: at, life, job: Job::Again { hash } });
        }
        if lost {
            let event = Event::Executed { hash, verdict: basalt_consensus_bft::Verdict::Unknown };
            self.tell(at, event);
        }
    }

    /// Keeps a block that was executed here where it survives a crash of all.
    fn keep(&mut self, at: usize, hash: H256, body: Body) {
        let Some(running) = &mut self.nodes[at].running else { return };
        if !running.logged.contains(&hash) && running.log.height() == running.host.height() {
            let entry = Entry::Body(hash, body.clone());
            if let Err(error) = running.log.append(&entry) {
                return self.check.violated(format!("node {at} cannot write its log: {error}"));
            }
            running.logged.insert(hash);
        }
        running.bodies.insert(hash, body);
    }

    pub(super) fn on_job(&mut self, at: usize, job: Job) {
        match job {
            Job::Built { round, header, body } => {
                let height = self.nodes[at].running.as_ref().map(|running| running.host.height());
                if height == Some(header.number) {
                    self.keep(at, header.hash(), body);
                    self.tell(at, Event::Built { round, header });
                }
            }
            Job::Again { hash } => self.fetch(at, hash),
            Job::Executed { hash } => self.executed(at, hash),
            Job::Committed { hash } => self.committed(at, hash),
            Job::Ask { peer } => {
                let from = self.nodes[at].progress.0 + 1;
                self.send(at, peer, Packet::Ask(from), Duration::ZERO);
            }
        }
    }

    fn executed(&mut self, at: usize, hash: H256) {
        let node = &mut self.nodes[at];
        let Some(running) = &mut node.running else { return };
        let Some(work) = running.executing.remove(&hash) else { return };
        let stands_on = node.app.ground().parent;
        if work.header.number != running.host.height() || stands_on.number + 1 != work.header.number {
            return;
        }
        let Some(body) = running.bodies.get(&hash).cloned() else { return };
        let valid = match node.app.execute(&work.header, &body) {
            Ok(valid) => valid,
            Err(error) => return self.check.violated(format!("node {at} cannot execute: {error:#}")),
        };
        let verdict = if valid {
            self.keep(at, hash, body);
            basalt_consensus_bft::Verdict::Valid
        } else {
            basalt_consensus_bft::Verdict::Invalid
        };
        self.tell(at, Event::Executed { hash, verdict });
    }

    fn committed(&mut self, at: usize, hash: H256) {
        let node = &mut self.nodes[at];
        let Some(running) = &mut node.running else { return };
        let Some(Work { header, proof: Some(proof), .. }) = running.committing.remove(&hash) else { return };
        let Some(body) = running.bodies.get(&hash).cloned() else { return };
        if header.number <= node.progress.0.max(node.app.ground().parent.number) {
            return;
        }
        if let Err(error) = node.app.commit(Decided { header, body, proof }) {
            return self.check.violated(format!("node {at} cannot commit: {error:#}"));
        }
        self.advance(at);
    }

    /// A block is durable.
    fn advance(&mut self, at: usize) {
        let ground = self.nodes[at].app.ground();
        let height = ground.parent.number;
        let honest = self.scenario.roles[at].is_honest();
        if honest {
            self.check.decided(at, &ground.parent);
            let (before, _) = self.nodes[at].progress;
            if height <= before {
                self.check.violated(format!("node {at} went back from height {before} to {height}"));
            }
        }
        self.nodes[at].progress = (height, self.now);
        let life = self.nodes[at].life;
        self.gossip(at);
        let ready = self.dice.chance(600);
        self.tell(at, Event::Ready(false));
        self.tell(at, Event::Durable(ground));
        let after = self.dice.millis(0, 20);
        self.later(after, Happening::Tell { node: at, life, event: Event::Ready(ready) });
        if honest && height >= self.scenario.heights {
            self.heal();
        }
    }

    pub(super) fn catch_up(&mut self, at: usize, peer: usize) {
        let now = self.now;
        let (after, again) = (self.dice.millis(5, 200), self.dice.millis(400, 800));
        let life = self.nodes[at].life;
        let Some(running) = &mut self.nodes[at].running else { return };
        if running.asked.is_some_and(|until| now < until) {
            return;
        }
        running.asked = Some(now + again);
        self.later(after, Happening::Job { node: at, life, job: Job::Ask { peer } });
    }

    pub(super) fn arrive(&mut self, to: usize, from: usize, packet: Packet) {
        match packet {
            Packet::Consensus(bytes) => {
                let peer = u64::try_from(from).unwrap_or(u64::MAX);
                match Event::read(peer, &bytes) {
                    Ok(event) => self.tell(to, event),
                    Err(error) if self.scenario.roles[from].is_honest() => {
                        self.check.violated(format!(
                            "node {from} is honest and sent what nobody can read: {error}"
                        ));
                    }
                    Err(_) => {}
                }
            }
            Packet::Status(height) => {
                if height > self.nodes[to].progress.0 {
                    self.catch_up(to, from);
                }
            }
            Packet::Ask(height) => self.answer(to, from, height),
            Packet::Blocks(blocks) => self.take(to, from, blocks),
            Packet::Want(hash) => self.give(to, from, hash),
            Packet::Have(hash, body) => {
                let Some(running) = &mut self.nodes[to].running else { return };
                let wanted = running.executing.get(&hash).or_else(|| running.committing.get(&hash));
                if wanted.is_some_and(|work| extrinsics_root(&body) == work.header.extrinsics_root) {
                    running.bodies.insert(hash, body);
                    self.fetch(to, hash);
                }
            }
        }
    }

    fn give(&mut self, at: usize, to: usize, hash: H256) {
        let role = &self.scenario.roles[at];
        if role.does(Fault::Silent) || (role.does(Fault::BodyWithholder) && to != (at + 1) % self.nodes.len())
        {
            return;
        }
        let node = &self.nodes[at];
        let Some(running) = &node.running else { return };
        if let Some(body) = running.bodies.get(&hash).cloned() {
            self.send(at, to, Packet::Have(hash, body), Duration::ZERO);
        }
    }

    fn answer(&mut self, at: usize, to: usize, from: u32) {
        let role = &self.scenario.roles[at];
        if role.does(Fault::Silent) {
            return;
        }
        let until = from.saturating_add(BLOCKS_MAX);
        let mut blocks: Vec<_> =
            (from.max(1)..until).map_while(|height| self.nodes[at].app.block(height)).collect();
        if role.does(Fault::CertificateForger) {
            self.forge_blocks(at, from, &mut blocks);
        }
        if !blocks.is_empty() {
            self.send(at, to, Packet::Blocks(blocks), Duration::ZERO);
        }
    }

    /// Blocks of a peer: proved, executed, and made final.
    fn take(&mut self, at: usize, from: usize, blocks: Vec<Decided>) {
        if let Some(running) = &mut self.nodes[at].running {
            running.asked = None;
        }
        let one_by_one = self.dice.chance(500);
        let mut came = false;
        for block in blocks {
            let node = &mut self.nodes[at];
            let ground = node.app.ground();
            if block.header.number != ground.parent.number + 1 {
                continue;
            }
            let id = block.id();
            let proved = verify_justification(&ground.validators, &block.justification(), &id)
                .map_err(|error| error.to_string())
                .and_then(|()| {
                    let right = extrinsics_root(&block.body) == block.header.extrinsics_root
                        && block.header.parent_hash == ground.parent.hash;
                    if right { Ok(()) } else { Err("another body, or another parent".to_owned()) }
                });
            if let Err(error) = proved {
                if self.scenario.roles[from].is_honest() {
                    self.check
                        .violated(format!("node {from} is honest and gave block {}: {error}", id.number));
                }
                break;
            }
            if let Err(error) = node.app.commit(block) {
                return self
                    .check
                    .violated(format!("block {} is proved and does not execute: {error:#}", id.number));
            }
            if self.scenario.roles[at].is_honest() {
                self.check.decided(at, &id);
            }
            came = true;
            if one_by_one {
                self.advance(at);
                came = false;
                if self.nodes[at].running.is_none() {
                    return;
                }
            }
        }
        if came {
            self.advance(at);
        }
    }
}
