//! Nodes, the network between them, and time.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
    time::Duration,
};

use basalt_consensus_bft::{Action, Entry, Event, Host, HostError, Log, Message, Step, Timer};
use basalt_primitives::{AccountId, H256, Header};
use parity_scale_codec::{Decode, Encode};

use crate::{
    app::{App, Body, Decided, Full, Light, Shared},
    check::Check,
    dice::Dice,
    disk::{Disk, File},
    fault::Fault,
    scenario::{Kind, Scenario},
};

mod evil;
mod jobs;
mod node;

/// More events than this, and something turns in circles.
const EVENTS_MAX: u64 = 3_000_000;

/// Heights above the height of the healing that all must reach.
const HEIGHTS_AFTER: u32 = 3;

/// Where all clocks begin, in milliseconds: some time in 2026.
const EPOCH: u64 = 1_780_000_000_000;

/// What nodes send each other.
#[derive(Debug, Clone, Encode, Decode)]
enum Packet {
    /// A [`Message`], encoded.
    Consensus(Vec<u8>),
    /// The last final block is this high.
    Status(u32),
    /// Final blocks, please, from this height on.
    Ask(u32),
    /// Here they are.
    Blocks(Vec<Decided>),
    /// A body, please.
    Want(H256),
    /// Here it is.
    Have(H256, Body),
}

/// What happens.
#[derive(Debug)]
enum Happening {
    Arrive {
        to: usize,
        from: usize,
        packet: Packet,
    },
    Ring {
        node: usize,
        life: u32,
        timer: Timer,
        id: u64,
    },
    Synced {
        node: usize,
        life: u32,
    },
    Job {
        node: usize,
        life: u32,
        job: Job,
    },
    /// To the host of a node.
    Tell {
        node: usize,
        life: u32,
        event: Event,
    },
    Gossip {
        node: usize,
        life: u32,
    },
    Restart {
        node: usize,
    },
    PowerLoss,
    Heal,
    Audit,
}

/// What takes a while.
#[derive(Debug)]
enum Job {
    Built {
        round: u32,
        header: Header,
        body: Body,
    },
    /// Try again to get the body.
    Again {
        hash: H256,
    },
    Executed {
        hash: H256,
    },
    Committed {
        hash: H256,
    },
    /// Ask this peer for blocks.
    Ask {
        peer: usize,
    },
}

/// A block whose body is needed.
#[derive(Debug, Clone)]
struct Work {
    header: Header,
    from: usize,
    tries: u32,
    /// The proof, if it is decided.
    proof: Option<([u8; 4], Vec<u8>)>,
    /// The body is here, and what takes time goes on.
    running: bool,
}

/// What is lost in a crash.
struct Running {
    host: Host,
    log: Log<File>,
    todo: VecDeque<Action>,
    inbox: VecDeque<Event>,
    syncing: bool,
    timers: BTreeMap<Timer, u64>,
    bodies: BTreeMap<H256, Body>,
    logged: BTreeSet<H256>,
    executing: BTreeMap<H256, Work>,
    committing: BTreeMap<H256, Work>,
    /// Blocks were asked for, and are waited for until then.
    asked: Option<Duration>,
}

struct Node {
    app: Box<dyn App>,
    disk: Disk,
    life: u32,
    running: Option<Running>,
    /// When it last got to another height.
    progress: (u32, Duration),
    /// When it began the height, for the report.
    began: BTreeMap<u32, Duration>,
}

/// What came of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// What did not hold: empty if all is well.
    pub violations: Vec<String>,
    /// Names all that happened.
    pub trace_hash: u64,
    /// How many heights were decided.
    pub heights: u32,
    /// How many crashes there were.
    pub crashes: u32,
    /// How many equivocations were found by those who had to.
    pub caught: usize,
    /// When it ended, in virtual time.
    pub time: Duration,
    /// To each node's decision of a height: from when the first proposer began to build, and from when the first node began
    /// the height.
    pub latencies: Vec<(Duration, Duration)>,
    /// When each height was decided first, from height 1 on.
    pub decided: BTreeMap<u32, Duration>,
    /// Who made the block of each height.
    pub authors: BTreeMap<u32, AccountId>,
    /// What happened, if it was to be kept.
    pub trace: Vec<String>,
}

impl Outcome {
    /// A run that ended with a panic.
    pub(crate) fn panicked(why: String) -> Self {
        Self {
            violations: vec![format!("panicked: {why}")],
            trace_hash: 0,
            heights: 0,
            crashes: 0,
            caught: 0,
            time: Duration::ZERO,
            latencies: Vec::new(),
            decided: BTreeMap::new(),
            authors: BTreeMap::new(),
            trace: Vec::new(),
        }
    }
}

/// All of it.
pub struct World {
    scenario: Scenario,
    nodes: Vec<Node>,
    queue: BTreeMap<(Duration, u64), Happening>,
    sequence: u64,
    now: Duration,
    dice: Dice,
    check: Check,
    genesis: H256,
    healed: Option<Duration>,
    target: Option<u32>,
    crashes: u32,
    /// When the last packet of a way arrives, where they keep their order.
    arrivals: BTreeMap<(usize, usize), Duration>,
    latencies: Vec<(Duration, Duration)>,
    decided: BTreeMap<u32, Duration>,
    authors: BTreeMap<u32, AccountId>,
    /// When the first proposer of a height began to build.
    building: BTreeMap<u32, Duration>,
    evil: evil::Evil,
}

impl World {
    /// The nodes of a scenario, at height 1.
    ///
    /// # Errors
    ///
    /// If a chain cannot be made.
    pub fn new(scenario: Scenario, shared: Option<&Arc<Shared>>, trace: bool) -> anyhow::Result<Self> {
        let mut nodes = Vec::new();
        let mut genesis = Light::genesis().hash();
        for _ in &scenario.roles {
            let app: Box<dyn App> = match (scenario.kind, shared) {
                (Kind::Full, Some(shared)) => {
                    let app = Full::new(scenario.sets.clone(), shared.clone())?;
                    genesis = app.genesis()?.hash();
                    Box::new(app)
                }
                _ => Box::new(Light::new(scenario.sets.clone())),
            };
            nodes.push(Node {
                app,
                disk: Disk::default(),
                life: 0,
                running: None,
                progress: (0, Duration::ZERO),
                began: BTreeMap::new(),
            });
        }
        let mut world = Self {
            dice: Dice::of(scenario.seed, 2),
            scenario,
            nodes,
            queue: BTreeMap::new(),
            sequence: 0,
            now: Duration::ZERO,
            check: Check::new(trace),
            genesis,
            healed: None,
            target: None,
            crashes: 0,
            arrivals: BTreeMap::new(),
            latencies: Vec::new(),
            decided: BTreeMap::new(),
            authors: BTreeMap::new(),
            building: BTreeMap::new(),
            evil: evil::Evil::default(),
        };
        for node in 0..world.nodes.len() {
            let after = world.dice.millis(0, 500);
            world.later(after, Happening::Restart { node });
        }
        for at in world.scenario.power_losses.clone() {
            world.later(at, Happening::PowerLoss);
        }
        world.later(world.scenario.heal, Happening::Heal);
        Ok(world)
    }

    /// Runs until all honest nodes are some heights above where the world healed, or until something does not hold.
    pub fn run(mut self) -> Outcome {
        let mut events = 0u64;
        while let Some(((at, _), happening)) = self.queue.pop_first() {
            self.now = at;
            events += 1;
            self.happen(happening);
            if self.is_done() || !self.check.violations.is_empty() {
                break;
            }
            if events > EVENTS_MAX {
                self.check.violated(format!("{events} events, and no end: something turns in circles"));
            }
        }
        Outcome {
            trace_hash: self.check.trace_hash(),
            heights: self.check.heights(),
            crashes: self.crashes,
            caught: self.check.caught,
            time: self.now,
            latencies: self.latencies,
            decided: self.decided,
            authors: self.authors,
            trace: self.check.trace.unwrap_or_default(),
            violations: self.check.violations,
        }
    }

    fn honest(&self) -> impl Iterator<Item = usize> + use<> {
        let honest: Vec<_> =
            (0..self.nodes.len()).filter(|node| self.scenario.roles[*node].is_honest()).collect();
        honest.into_iter()
    }

    fn is_done(&self) -> bool {
        self.target.is_some_and(|target| self.honest().all(|node| self.nodes[node].progress.0 >= target))
    }

    fn later(&mut self, after: Duration, happening: Happening) {
        self.sequence += 1;
        self.queue.insert((self.now + after, self.sequence), happening);
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Arrive { to, from, packet } => {
                if self.nodes[to].running.is_some() {
                    let bytes = packet.encode();
                    self.check.hash(self.now, to, &bytes);
                    if !matches!(packet, Packet::Consensus(_)) {
                        self.check.note(self.now, to, || format!("from {from}: {packet:?}"));
                    }
                    self.arrive(to, from, packet);
                }
            }
            Happening::Ring { node, life, timer, id } => {
                if let Some(running) = self.alive(node, life)
                    && running.timers.get(&timer) == Some(&id)
                {
                    running.timers.remove(&timer);
                    self.tell(node, Event::Elapsed(timer));
                }
            }
            Happening::Synced { node, life } => self.synced(node, life),
            Happening::Job { node, life, job } => {
                if self.alive(node, life).is_some() {
                    self.on_job(node, job);
                }
            }
            Happening::Tell { node, life, event } => {
                if self.alive(node, life).is_some() {
                    self.tell(node, event);
                }
            }
            Happening::Gossip { node, life } => {
                if self.alive(node, life).is_some() {
                    self.gossip(node);
                    // Not all in step: whoever is asked is the first to be heard of.
                    let after = self.dice.millis(700, 1_300);
                    self.later(after, Happening::Gossip { node, life });
                }
            }
            Happening::Restart { node } => self.start(node),
            Happening::PowerLoss => {
                if self.healed.is_none() {
                    self.check.note(self.now, usize::MAX, || "power loss".to_owned());
                    for node in 0..self.nodes.len() {
                        self.crash(node);
                    }
                }
            }
            Happening::Heal => self.heal(),
            Happening::Audit => self.audit(),
        }
    }

    fn alive(&mut self, node: usize, life: u32) -> Option<&mut Running> {
        let node = &mut self.nodes[node];
        if node.life == life { node.running.as_mut() } else { None }
    }

    /// From now on nothing is lost, nobody crashes, and all hear all.
    fn heal(&mut self) {
        if self.healed.is_some() {
            return;
        }
        self.healed = Some(self.now);
        self.check.note(self.now, usize::MAX, || "the world heals".to_owned());
        for node in 0..self.nodes.len() {
            self.start(node);
            self.nodes[node].progress.1 = self.now;
        }
        self.target = Some(self.check.heights() + HEIGHTS_AFTER);
        self.later(Duration::from_secs(1), Happening::Audit);
    }

    /// Whether everybody gets on.
    fn audit(&mut self) {
        let nodes = u32::try_from(self.nodes.len()).unwrap_or(u32::MAX);
        // The longest waits of a round are three, and it takes as many rounds as there are validators until an honest
        // one proposes; and as many again, since rounds may be far apart at first.
        let pace = self.scenario.pace.empty_block_time + self.scenario.listen;
        let bound = self.scenario.timeouts.max * 6 * (nodes + 2) + pace + Duration::from_secs(30);
        for node in self.honest() {
            let (height, since) = self.nodes[node].progress;
            if self.now - since > bound {
                let status = self.nodes[node].running.as_ref().map(|running| running.host.status());
                self.check.violated(format!(
                    "node {node} stands at height {height} since {since:?}, though the world healed at {:?}: {status:?}",
                    self.healed
                ));
            }
        }
        self.later(Duration::from_secs(1), Happening::Audit);
    }

    /// Sends over the network as it is now.
    fn send(&mut self, from: usize, to: usize, packet: Packet, extra: Duration) {
        if from == to {
            return;
        }
        let healed = self.healed.is_some();
        let links = &self.scenario.links;
        let (loss, twice, slow) = if healed { (0, 0, 0) } else { (links.loss, links.twice, links.slow) };
        let least = links.delay[from][to];
        let jitter = links.jitter;
        let ordered = links.ordered;
        if self.dice.chance(loss) {
            return;
        }
        let mut wait = Duration::ZERO;
        if !healed {
            let now = self.now;
            let cut = self
                .scenario
                .windows
                .iter()
                .filter(|window| {
                    window.from <= now && now < window.to && window.blocked.contains(&(from, to))
                })
                .map(|window| window.to - now)
                .max();
            if let Some(left) = cut {
                // Some connections live through it.
                if self.dice.chance(700) {
                    return;
                }
                wait = left;
            }
        }
        let copies = 1 + u32::from(self.dice.chance(twice));
        for _ in 0..copies {
            let mut delay = least + self.dice.between(Duration::ZERO, jitter) + wait + extra;
            if self.dice.chance(slow) {
                delay += self.dice.millis(100, 3_000);
            }
            if ordered {
                let last = self.arrivals.get(&(from, to)).copied().unwrap_or_default();
                delay = delay.max(last.saturating_sub(self.now));
                self.arrivals.insert((from, to), self.now + delay);
            }
            self.later(delay, Happening::Arrive { to, from, packet: packet.clone() });
        }
    }

    fn send_all(&mut self, from: usize, packet: &Packet) {
        for to in 0..self.nodes.len() {
            self.send(from, to, packet.clone(), Duration::ZERO);
        }
    }

    fn gossip(&mut self, node: usize) {
        if self.scenario.roles[node].does(Fault::Silent) {
            return;
        }
        let height = self.nodes[node].progress.0;
        self.send_all(node, &Packet::Status(height));
    }

    /// What a node's own clock shows, in milliseconds.
    fn clock(&self, node: usize) -> u64 {
        let role = &self.scenario.roles[node];
        let millis = (self.now + role.ahead).as_millis();
        EPOCH + u64::try_from(millis).unwrap_or(u64::MAX)
    }

    /// What a node's own stopwatch shows.
    fn local(&self, node: usize) -> Duration {
        self.now * self.scenario.roles[node].rate / 1000
    }
}
