//! What a seed stands for: who takes part, with which weight, and what goes wrong when.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use basalt_consensus_bft::{Pace, Timeouts};
use basalt_runtime_api::ValidatorSet;
use clap::ValueEnum;

use crate::{dice::Dice, fault::Fault, keys::Signer};

/// The most nodes: more take too long for what they show.
pub const NODES_MAX: usize = 16;

/// Heights for which sets are made: no run gets that far.
const HEIGHTS_MAX: u32 = 2_000;

/// What the nodes agree on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// Headers whose roots are hashes: fast.
    Light,
    /// Blocks of signed transfers, executed by the native runtime into databases.
    Full,
}

/// What is asked for.
#[derive(Debug, Clone)]
pub struct Request {
    /// Decides all that is left open.
    pub seed: u64,
    /// Kinds of trouble that may happen.
    pub faults: Vec<Fault>,
    /// How many nodes; none: four to seven.
    pub nodes: Option<usize>,
    /// After so many heights nothing goes wrong any more.
    pub heights: u32,
    /// What they agree on.
    pub kind: Kind,
}

impl Request {
    /// All kinds of trouble, small.
    pub fn new(seed: u64) -> Self {
        let faults = Fault::value_variants().to_vec();
        Self { seed, faults, nodes: None, heights: 10, kind: Kind::Light }
    }

    /// The command that does this again.
    pub fn command(&self) -> String {
        let all = Fault::value_variants();
        let mut command =
            format!("cargo xtask sim --seeds {}..{} --heights {}", self.seed, self.seed + 1, self.heights);
        if self.faults.len() != all.len() {
            let names: Vec<_> = self.faults.iter().map(|fault| fault.name()).collect();
            let names = if names.is_empty() { "none".to_owned() } else { names.join(",") };
            command.push_str(&format!(" --faults {names}"));
        }
        if let Some(nodes) = self.nodes {
            command.push_str(&format!(" --nodes {nodes}"));
        }
        if self.kind == Kind::Full {
            command.push_str(" --app full");
        }
        command + " --trace"
    }
}

/// Nobody hears these on these ways, for a while.
#[derive(Debug, Clone)]
pub struct Window {
    /// From when.
    pub from: Duration,
    /// Until when.
    pub to: Duration,
    /// From whom, to whom.
    pub blocked: BTreeSet<(usize, usize)>,
}

/// A node.
#[derive(Clone)]
pub struct Role {
    /// Its keys.
    pub signer: Signer,
    /// What it does wrong; honest if nothing.
    pub faults: Vec<Fault>,
    /// How fast its clock runs, in thousandths.
    pub rate: u32,
    /// By how much its clock is ahead.
    pub ahead: Duration,
}

impl Role {
    /// Whether it follows the rules.
    pub fn is_honest(&self) -> bool {
        self.faults.is_empty()
    }

    /// Whether it does this.
    pub fn does(&self, fault: Fault) -> bool {
        self.faults.contains(&fault)
    }
}

/// How the network behaves until it heals.
#[derive(Debug, Clone)]
pub struct Links {
    /// The least that each way takes, by sender and receiver.
    pub delay: Vec<Vec<Duration>>,
    /// And at most so much more.
    pub jitter: Duration,
    /// Of a thousand packets, so many are lost.
    pub loss: u64,
    /// Come twice.
    pub twice: u64,
    /// Take very long.
    pub slow: u64,
    /// Packets of one way keep their order.
    pub ordered: bool,
    /// Nodes would pass on what is new to them. Drawn, and without effect: decision 14 says why.
    pub relay: bool,
}

/// All that is decided before a run.
#[derive(Clone)]
pub struct Scenario {
    /// The nodes. Twins have a place each.
    pub roles: Vec<Role>,
    /// Who decides which height, from height 1 on.
    pub sets: Arc<Vec<ValidatorSet>>,
    /// Real chains elect their validators: the first set is only what they begin with.
    pub staked: bool,
    /// The network.
    pub links: Links,
    /// Who hears whom.
    pub windows: Vec<Window>,
    /// Of a thousand actions, after so many a node crashes: in tenths.
    pub crash: u64,
    /// When all crash.
    pub power_losses: Vec<Duration>,
    /// From here on nothing goes wrong but what Byzantine validators do.
    pub heal: Duration,
    /// What hosts wait for.
    pub pace: Pace,
    /// And how long for others.
    pub timeouts: Timeouts,
    /// And to see whether somebody signs with their key.
    pub listen: Duration,
    /// What a sync of the disk takes at most.
    pub fsync: Duration,
    /// What building or executing a block takes at most.
    pub execution: Duration,
    /// Heights until nothing goes wrong any more.
    pub heights: u32,
    /// What they agree on.
    pub kind: Kind,
    /// Decides what happens on the way.
    pub seed: u64,
}

impl Scenario {
    /// What a seed stands for.
    pub fn new(request: &Request) -> Self {
        let dice = &mut Dice::of(request.seed, 1);
        let count = request.nodes.unwrap_or_else(|| 4 + dice.place(4)).clamp(1, NODES_MAX);
        // Each kind of trouble that is allowed, in half of the runs.
        let drawn = |dice: &mut Dice, fault| request.faults.contains(&fault) && dice.chance(500);
        let world: BTreeSet<_> = Fault::value_variants()
            .iter()
            .copied()
            .filter(|fault| !fault.is_byzantine() && drawn(dice, *fault))
            .collect();
        let roles = roles(request, count, &world, dice);
        let sets = Arc::new(sets(&roles, dice));
        let heal = dice.millis(4_000, 30_000);
        let nodes = roles.len();
        let near = dice.millis(1, 40);
        let far = near + dice.millis(0, 120);
        let delay = (0..nodes).map(|_| (0..nodes).map(|_| dice.between(near, far)).collect()).collect();
        let links = Links {
            delay,
            jitter: dice.millis(1, 30),
            loss: if world.contains(&Fault::Loss) { dice.below(250) } else { 0 },
            twice: if world.contains(&Fault::Duplication) { dice.below(200) } else { 0 },
            slow: if world.contains(&Fault::Reorder) { dice.below(60) } else { 0 },
            ordered: !world.contains(&Fault::Reorder),
            relay: dice.chance(600),
        };
        let windows = if world.contains(&Fault::Partition) { windows(nodes, heal, dice) } else { Vec::new() };
        let power_losses = if world.contains(&Fault::PowerLoss) {
            (0..=dice.below(3)).map(|_| dice.between(Duration::ZERO, heal)).collect()
        } else {
            Vec::new()
        };
        let block_time = dice.millis(0, 400);
        Self {
            sets,
            staked: false,
            links,
            windows,
            crash: if world.contains(&Fault::Crash) { 5 + dice.below(60) } else { 0 },
            power_losses,
            heal,
            pace: Pace { block_time, empty_block_time: block_time + dice.millis(0, 1500) },
            timeouts: Timeouts {
                propose_min: dice.millis(200, 600),
                vote_min: dice.millis(100, 300),
                max: dice.millis(2_000, 6_000),
            },
            listen: if dice.chance(300) { dice.millis(100, 2_000) } else { Duration::ZERO },
            fsync: dice.millis(1, 15),
            execution: dice.millis(1, 80),
            heights: request.heights,
            kind: request.kind,
            roles,
            seed: request.seed,
        }
    }

    /// Who decides this height.
    pub fn set(&self, height: u32) -> &ValidatorSet {
        set_of(&self.sets, height)
    }
}

/// Who decides this height.
pub(crate) fn set_of(sets: &[ValidatorSet], height: u32) -> &ValidatorSet {
    let place = usize::try_from(height.saturating_sub(1)).unwrap_or(usize::MAX);
    &sets[place.min(sets.len() - 1)]
}

fn roles(request: &Request, count: usize, world: &BTreeSet<Fault>, dice: &mut Dice) -> Vec<Role> {
    let skewed = world.contains(&Fault::ClockSkew);
    let role = |number: usize, faults: Vec<Fault>, dice: &mut Dice| Role {
        signer: Signer::new(u8::try_from(number).unwrap_or(u8::MAX)),
        faults,
        rate: if skewed { u32::try_from(960 + dice.below(80)).unwrap_or(1000) } else { 1000 },
        ahead: if skewed { dice.millis(0, 700) } else { Duration::ZERO },
    };
    let byzantine: Vec<_> = request.faults.iter().copied().filter(|fault| fault.is_byzantine()).collect();
    let most = if byzantine.is_empty() { 0 } else { (count - 1) / 3 + usize::from(count > 4) };
    let bad = dice.place(most + 1);
    let mut roles = Vec::new();
    for number in 0..count {
        let mut faults = Vec::new();
        if number < bad {
            faults.push(byzantine[dice.place(byzantine.len())]);
            if dice.chance(250) {
                faults.push(byzantine[dice.place(byzantine.len())]);
            }
        }
        roles.push(role(number, faults, dice));
    }
    for number in 0..count {
        if roles[number].does(Fault::Twins) {
            roles.push(role(number, roles[number].faults.clone(), dice));
        }
    }
    roles
}

/// Sets that change every few heights, in which the Byzantine ones have less than a third.
fn sets(roles: &[Role], dice: &mut Dice) -> Vec<ValidatorSet> {
    let every = if dice.chance(700) { u32::try_from(1 + dice.below(5)).unwrap_or(1) } else { u32::MAX };
    let largest = [1, 3, 100, 1_000_000_007][dice.place(4)];
    let watching = if dice.chance(500) { 250 } else { 0 };
    let mut sets = Vec::new();
    let mut current = ValidatorSet::default();
    for height in 0..HEIGHTS_MAX {
        if height % every == 0 {
            current = draw_set(u64::from(height / every), roles, largest, watching, dice);
        }
        sets.push(current.clone());
        if every == u32::MAX {
            break;
        }
    }
    sets
}

fn draw_set(id: u64, roles: &[Role], largest: u64, watching: u64, dice: &mut Dice) -> ValidatorSet {
    let mut members: Vec<(&Role, u64)> = Vec::new();
    for role in roles {
        let known = members.iter().any(|(other, _)| other.signer.vote_key() == role.signer.vote_key());
        if !known && !dice.chance(watching) {
            members.push((role, 1 + dice.below(largest)));
        }
    }
    if !members.iter().any(|(role, _)| role.is_honest()) {
        members
            .extend(roles.iter().filter(|role| role.is_honest()).map(|role| (role, 1 + dice.below(largest))));
    }
    let honest: u64 = members.iter().filter(|(role, _)| role.is_honest()).map(|(_, power)| power).sum();
    // Less than half of the honest power is less than a third of all.
    let mut left = honest.saturating_sub(1) / 2;
    members.retain_mut(|(role, power)| {
        if !role.is_honest() {
            *power = (*power).min(left);
            left -= *power;
        }
        *power > 0
    });
    // In an order of its own each time, so that places mean nothing.
    let turn = dice.place(members.len());
    members.rotate_left(turn);
    let validators = members.into_iter().map(|(role, power)| role.signer.validator(power)).collect();
    ValidatorSet { id, validators }
}

fn windows(nodes: usize, heal: Duration, dice: &mut Dice) -> Vec<Window> {
    let mut windows = Vec::new();
    for _ in 0..=dice.below(5) {
        let from = dice.between(Duration::ZERO, heal);
        let to = (from + dice.millis(200, 8_000)).min(heal);
        let side: Vec<bool> = (0..nodes).map(|_| dice.chance(500)).collect();
        let lonely = dice.place(nodes);
        let kind = dice.below(4);
        let mut blocked = BTreeSet::new();
        for sender in 0..nodes {
            for receiver in 0..nodes {
                let cut = match kind {
                    0 => side[sender] != side[receiver],
                    1 => side[sender] && !side[receiver],
                    2 => receiver == lonely,
                    _ => dice.chance(300),
                };
                if cut && sender != receiver {
                    blocked.insert((sender, receiver));
                }
            }
        }
        windows.push(Window { from, to, blocked });
    }
    windows
}

impl Scenario {
    /// Nothing goes wrong, all weigh the same, and every packet takes this long.
    pub fn plain(&mut self, delay: Duration) {
        let nodes = self.roles.len();
        self.links = Links {
            delay: vec![vec![delay; nodes]; nodes],
            jitter: Duration::ZERO,
            loss: 0,
            twice: 0,
            slow: 0,
            ordered: true,
            relay: false,
        };
        let validators = self.roles.iter().map(|role| role.signer.validator(1)).collect();
        self.sets = Arc::new(vec![ValidatorSet { id: 0, validators }]);
        self.timeouts = Timeouts::default();
        self.listen = Duration::ZERO;
        self.windows.clear();
        self.power_losses.clear();
        self.crash = 0;
        self.heal = Duration::from_secs(1_000_000);
    }
}
