//! The real host with its real log, run again on every sequence of a few events: restarts in the middle of a step, sets
//! that change between two heights, and blocks that come by another way at any moment.

use std::{collections::BTreeMap, time::Duration};

use basalt_chain::BlockId;
use basalt_consensus_bft::{
    Action, Config, Event, Ground, Host, Log, LogError, Members, Message, Pace, SignedVote, SlotStep,
    Timeouts, Timer, Verdict, seed_after, verify_justification,
};
use basalt_primitives::{H256, Header};
use basalt_runtime_api::ValidatorSet;
use basalt_sim::{Disk, DiskKeys, File, Light, Purpose, Reached, Signer};
use stateright::{Checker, Model, Property};

/// What can happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Choice {
    /// The proposal of the height, by its first proposer.
    Propose,
    /// Its execution is done.
    Execute,
    /// The time for a proposal is over.
    Timeout,
    /// Some of the others prevote: for the block, or for none.
    Prevotes(bool),
    /// One of the others precommits for the block.
    Precommit(usize),
    /// Somebody who is in the set below only precommits, for that set.
    OldPrecommit,
    /// Blocks up to this height come by another way.
    Durable(u32),
}

/// When the power fails while an event is dealt with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Crash {
    Before,
    /// While the disk syncs.
    During(Reached),
    After,
}

type Step = (Choice, Option<Crash>);

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct State {
    history: Vec<Step>,
    decided: bool,
    problem: Option<String>,
}

/// One host among others that are played.
struct Scene {
    /// Who decides heights 1, 2, …; the last one all others.
    sets: Vec<ValidatorSet>,
    signers: Vec<Signer>,
    /// Which of them is the host.
    own: usize,
    /// The height that is decided.
    height: u32,
    blocks: Vec<Header>,
    choices: Vec<Choice>,
    crashes: Vec<Crash>,
    depth: usize,
}

fn genesis() -> H256 {
    Light::genesis().hash()
}

fn config() -> Config {
    Config {
        genesis: genesis(),
        pace: Pace { block_time: Duration::ZERO, empty_block_time: Duration::ZERO },
        timeouts: Timeouts::default(),
        listen: Duration::ZERO,
    }
}

fn place(height: u32) -> usize {
    usize::try_from(height).unwrap()
}

impl Scene {
    fn new(sets: Vec<ValidatorSet>, signers: Vec<Signer>, own: usize, height: u32) -> Self {
        let blocks = vec![Light::genesis()];
        let (choices, crashes) = (Vec::new(), Vec::new());
        let mut scene = Self { sets, signers, own, height, blocks, choices, crashes, depth: 0 };
        for number in 1..=height + 3 {
            let header = scene.block(&scene.blocks[place(number - 1)]);
            scene.blocks.push(header);
        }
        scene
    }

    fn set(&self, height: u32) -> &ValidatorSet {
        &self.sets[(place(height) - 1).min(self.sets.len() - 1)]
    }

    fn proposer(&self, parent: &Header) -> usize {
        let seed = seed_after(parent, &genesis()).unwrap();
        let members = Members::new(self.set(parent.number + 1), seed).unwrap();
        let key = members.proposer(0).1.vote_key();
        self.signers.iter().position(|signer| signer.vote_key() == key).unwrap()
    }

    fn ground(&self, parent: &Header) -> Ground {
        let id = BlockId { hash: parent.hash(), number: parent.number };
        let validators = self.set(parent.number + 1).clone();
        Ground { parent: id, header: parent.clone(), validators }
    }

    fn keys(&self, signer: usize, disk: &Disk) -> Box<DiskKeys> {
        Box::new(DiskKeys { signer: self.signers[signer].clone(), disk: disk.clone(), honest: true })
    }

    /// With the claim that a host of the proposer asks for.
    fn block(&self, parent: &Header) -> Header {
        let keys = self.keys(self.proposer(parent), &Disk::default());
        let (mut host, mut actions) =
            Host::new(config(), keys, self.ground(parent), None, Duration::ZERO).unwrap();
        actions.extend(host.handle(Duration::ZERO, Event::Ready(true)).unwrap());
        let digest = actions.into_iter().find_map(|action| match action {
            Action::Build { digest, .. } => Some(digest),
            _ => None,
        });
        Header {
            parent_hash: parent.hash(),
            number: parent.number + 1,
            state_root: H256([7; 32]),
            extrinsics_root: H256([8; 32]),
            digest: digest.expect("the proposer builds at once"),
        }
    }

    fn play(&self, history: Vec<Step>) -> State {
        let mut rig = Rig::new(self);
        let problem = history.iter().find_map(|(choice, crash)| rig.happen(self, *choice, *crash).err());
        State { history, decided: rig.decided, problem }
    }

    /// Whether two thirds of the right set can have precommitted: those who were played, and the host.
    fn enough(&self, history: &[Step]) -> bool {
        let set = self.set(self.height);
        let voted = |key: &[u8; 32]| {
            *key == self.signers[self.own].vote_key()
                || history.iter().any(|(choice, _)| {
                    matches!(choice, Choice::Precommit(one) if self.signers[*one].vote_key() == *key)
                })
        };
        let total: u64 = set.validators.iter().map(|one| one.power).sum();
        let power: u64 = set.validators.iter().filter(|one| voted(&one.vote_key)).map(|one| one.power).sum();
        power * 3 > total * 2
    }
}

/// The host, its disk, and what it has sent so far.
struct Rig {
    disk: Disk,
    durable: u32,
    host: Host,
    log: Log<File>,
    executing: Vec<H256>,
    timers: Vec<Timer>,
    sent: BTreeMap<(u64, u32, SlotStep), Option<H256>>,
    decided: bool,
}

impl Rig {
    fn new(scene: &Scene) -> Self {
        let disk = Disk::default();
        let durable = scene.height - 1;
        let (host, log, actions) = Self::open(scene, &disk, durable).unwrap();
        let (executing, timers, sent) = (Vec::new(), Vec::new(), BTreeMap::new());
        let mut rig = Self { disk, durable, host, log, executing, timers, sent, decided: false };
        rig.carry_out(scene, actions, None).unwrap();
        rig
    }

    fn open(scene: &Scene, disk: &Disk, durable: u32) -> Result<(Host, Log<File>, Vec<Action>), String> {
        let (log, recovered) = Log::open(File(disk.clone()), genesis()).map_err(|error| error.to_string())?;
        let ground = scene.ground(&scene.blocks[place(durable)]);
        let (host, actions) =
            Host::new(config(), scene.keys(scene.own, disk), ground, recovered, Duration::ZERO)
                .map_err(|error| error.to_string())?;
        Ok((host, log, actions))
    }

    fn events(&mut self, scene: &Scene, choice: Choice) -> Vec<Event> {
        let height = scene.height;
        let header = &scene.blocks[place(height)];
        let purpose = Purpose { genesis: genesis(), set: scene.set(height).id };
        let message = |signer: usize, message: Message| Event::Message { peer: signer as u64, message };
        let vote = |signer: usize, precommit: bool, block: Option<H256>, purpose: &Purpose| {
            let (voter, signature) = ([0; 32], [0; 64]);
            let vote = SignedVote { precommit, height: height.into(), round: 0, block, voter, signature };
            message(signer, scene.signers[signer].vote(purpose, vote))
        };
        match choice {
            Choice::Propose => {
                let proposer = scene.proposer(&scene.blocks[place(height - 1)]);
                vec![message(proposer, scene.signers[proposer].proposal(&purpose, 0, None, header.clone()))]
            }
            Choice::Execute => std::mem::take(&mut self.executing)
                .into_iter()
                .map(|hash| Event::Executed { hash, verdict: Verdict::Valid })
                .collect(),
            Choice::Timeout => {
                let running = |timer: &&Timer| matches!(timer, Timer::Propose(_));
                self.timers.iter().filter(running).map(|timer| Event::Elapsed(*timer)).collect()
            }
            Choice::Prevotes(for_it) => {
                let others: Vec<_> = (0..scene.signers.len()).filter(|one| *one != scene.own).collect();
                // Two of three each time, one of them both times would be a crime: the others of the two are told apart.
                let (some, block) =
                    if for_it { (&others[..2], Some(header.hash())) } else { (&others[2..], None) };
                some.iter().map(|signer| vote(*signer, false, block, &purpose)).collect()
            }
            Choice::Precommit(signer) => vec![vote(signer, true, Some(header.hash()), &purpose)],
            Choice::OldPrecommit => {
                let old = Purpose { set: scene.set(height - 1).id, ..purpose };
                vec![vote(0, true, Some(header.hash()), &old)]
            }
            Choice::Durable(to) => {
                self.durable = self.durable.max(to);
                vec![Event::Durable(scene.ground(&scene.blocks[place(self.durable)]))]
            }
        }
    }

    fn happen(&mut self, scene: &Scene, choice: Choice, crash: Option<Crash>) -> Result<(), String> {
        let before = self.host.height();
        let events = self.events(scene, choice);
        if crash == Some(Crash::Before) {
            return self.restart(scene, Reached::Nothing);
        }
        let mut crashed = false;
        for event in events {
            let actions = self.host.handle(Duration::ZERO, event).map_err(|error| error.to_string())?;
            crashed = self.carry_out(scene, actions, crash)?;
            if crashed {
                break;
            }
        }
        if crash.is_some() && !crashed {
            self.restart(scene, Reached::Nothing)?;
        }
        let after = self.host.height();
        if after < before { Err(format!("it went back from height {before} to {after}")) } else { Ok(()) }
    }

    fn restart(&mut self, scene: &Scene, reached: Reached) -> Result<(), String> {
        self.disk.lose(reached);
        let (host, log, actions) = Self::open(scene, &self.disk, self.durable)?;
        (self.host, self.log) = (host, log);
        self.timers.clear();
        self.executing.clear();
        self.carry_out(scene, actions, None)?;
        // It holds what was sent, or else does not sign: but no crash in this order leads to that.
        if self.host.status().muted {
            return Err("after a restart it only watches".to_owned());
        }
        Ok(())
    }

    /// Whether it crashed.
    fn carry_out(
        &mut self,
        scene: &Scene,
        actions: Vec<Action>,
        crash: Option<Crash>,
    ) -> Result<bool, String> {
        let text = |error: LogError| error.to_string();
        for action in actions {
            match action {
                Action::Begin(height) => self.log.begin(height).map_err(text)?,
                Action::Append(entry) => self.log.append(&entry).map_err(text)?,
                Action::Sync => {
                    if let Some(Crash::During(reached)) = crash {
                        self.restart(scene, reached)?;
                        return Ok(true);
                    }
                    self.log.sync().map_err(text)?;
                    self.host.sync_keys().map_err(|error| error.to_string())?;
                }
                Action::Broadcast(message) => self.send(scene, &message)?,
                Action::Schedule(timer, _) => self.timers.push(timer),
                Action::Cancel(timer) => self.timers.retain(|other| *other != timer),
                Action::CancelSteps => self.timers.retain(|timer| !timer.is_step()),
                Action::Execute { hash, .. } => self.executing.push(hash),
                Action::Commit { block, justification, .. } => {
                    verify_justification(scene.set(block.number), &justification, &block)
                        .map_err(|error| error.to_string())?;
                    self.decided = true;
                }
                Action::Punish(evidence) => return Err(format!("nobody signed twice: {evidence:?}")),
                // Votes for another set look as if somebody else had signed them.
                Action::Report { offence, .. } if !scene.choices.contains(&Choice::OldPrecommit) => {
                    return Err(format!("nobody did anything wrong: {offence}"));
                }
                Action::Report { .. } | Action::Build { .. } | Action::Behind { .. } => {}
            }
        }
        Ok(false)
    }

    fn send(&mut self, scene: &Scene, message: &Message) -> Result<(), String> {
        let Message::Vote(vote) = message else { return Ok(()) };
        if vote.voter != scene.signers[scene.own].vote_key() {
            return Ok(());
        }
        let step = if vote.precommit { SlotStep::Precommit } else { SlotStep::Prevote };
        let slot = (vote.height, vote.round, step);
        let known = *self.sent.entry(slot).or_insert(vote.block);
        if known == vote.block { Ok(()) } else { Err(format!("two votes for {slot:?}")) }
    }
}

impl Model for Scene {
    type State = State;
    type Action = Step;

    fn init_states(&self) -> Vec<State> {
        vec![self.play(Vec::new())]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Step>) {
        if state.problem.is_some() || state.history.len() >= self.depth {
            return;
        }
        let crashed = state.history.iter().any(|(_, crash)| crash.is_some());
        for choice in &self.choices {
            // Each at most once, but what a crash has swallowed may come again.
            let done = state.history.iter().any(|(other, crash)| other == choice && crash.is_none());
            if done && *choice != Choice::Execute {
                continue;
            }
            actions.push((*choice, None));
            if !crashed {
                actions.extend(self.crashes.iter().map(|crash| (*choice, Some(*crash))));
            }
        }
    }

    fn next_state(&self, last: &State, step: Step) -> Option<State> {
        let mut history = last.history.clone();
        history.push(step);
        Some(self.play(history))
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("nothing goes wrong", |_, state: &State| state.problem.is_none()),
            Property::always("only the set of the height decides it", |scene: &Self, state: &State| {
                !state.decided || scene.enough(&state.history)
            }),
            Property::sometimes("a block is decided", |_, state: &State| state.decided),
        ]
    }
}

fn check(scene: Scene) {
    scene.checker().threads(2).spawn_bfs().join().assert_properties();
}

fn signers(count: u8) -> Vec<Signer> {
    (0..count).map(Signer::new).collect()
}

fn set(id: u64, signers: &[Signer]) -> ValidatorSet {
    ValidatorSet { id, validators: signers.iter().map(|signer| signer.validator(1)).collect() }
}

/// A host that does not propose first, and the three others.
fn one_of_four() -> (Scene, Vec<usize>) {
    let signers = signers(4);
    let mut scene = Scene::new(vec![set(0, &signers)], signers, 0, 1);
    scene.own = (scene.proposer(&scene.blocks[0]) + 1) % 4;
    let others = (0..4).filter(|other| *other != scene.own).collect();
    (scene, others)
}

#[test]
fn a_restart_in_the_middle_of_any_step_contradicts_nothing_that_was_sent() {
    let (mut scene, others) = one_of_four();
    scene.choices = vec![
        Choice::Propose,
        Choice::Execute,
        Choice::Timeout,
        Choice::Prevotes(true),
        Choice::Prevotes(false),
        Choice::Precommit(others[0]),
        Choice::Precommit(others[1]),
    ];
    scene.crashes = vec![
        Crash::Before,
        Crash::During(Reached::Nothing),
        Crash::During(Reached::Log),
        Crash::During(Reached::Keys),
        Crash::After,
    ];
    // Proposal, execution, prevotes and two precommits decide.
    scene.depth = 5;
    check(scene);
}

#[test]
fn a_block_may_come_by_another_way_at_any_moment() {
    let (mut scene, others) = one_of_four();
    scene.choices = vec![
        Choice::Propose,
        Choice::Execute,
        Choice::Prevotes(true),
        Choice::Precommit(others[0]),
        Choice::Precommit(others[1]),
        Choice::Durable(1),
        Choice::Durable(3),
    ];
    scene.crashes = vec![Crash::During(Reached::Log), Crash::After];
    scene.depth = 5;
    check(scene);
}

#[test]
fn a_height_is_decided_by_its_own_set_and_no_other() {
    // Of the first four the last three stay, and two come.
    let signers = signers(6);
    let sets = vec![set(0, &signers[..4]), set(1, &signers[1..])];
    let mut scene = Scene::new(sets, signers, 5, 2);
    let proposer = scene.proposer(&scene.blocks[1]);
    scene.own = if proposer == 5 { 4 } else { 5 };
    let others: Vec<_> = (1..6).filter(|one| *one != scene.own).collect();
    // Of five, four are needed.
    scene.choices = vec![Choice::Propose, Choice::Execute, Choice::OldPrecommit];
    scene.choices.extend(others.into_iter().map(Choice::Precommit));
    scene.depth = 6;
    check(scene);
}
