//! The state machine among simulated peers, in virtual time.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap},
    sync::LazyLock,
};

use basalt_chain::extrinsics_root;
use basalt_network::{BlockData, BlockResponse, Justification};
use basalt_primitives::{Digest, H256, Header, OpaqueExtrinsic};
use proptest::{collection::vec, prelude::*};

use super::*;
use crate::limits::{COOL_OFF, REQUESTS_PER_PEER_MAX};

/// The longest chain in these tests.
const HEIGHT_MAX: u32 = 1_500;
/// Blocks that an honest peer's answer holds at most: as if they were large.
const FITS: usize = 40;

static PEERS: LazyLock<Vec<PeerId>> =
    LazyLock::new(|| (1..=9).map(|byte| PeerId::of_secret(&[byte; 32]).unwrap()).collect());
static HONEST: LazyLock<Vec<BlockData>> = LazyLock::new(|| chain(0, b"good"));
/// Another chain, well linked, without proofs.
static FORGED: LazyLock<Vec<BlockData>> = LazyLock::new(|| chain(7, b"evil"));

fn chain(salt: u8, proof: &[u8; 4]) -> Vec<BlockData> {
    let mut parent_hash = H256::zero();
    (0..=HEIGHT_MAX)
        .map(|number| {
            let body = vec![OpaqueExtrinsic::from(vec![if number == 0 { 0 } else { salt }, 1, 2])];
            let header = Header {
                parent_hash,
                number,
                state_root: H256::zero(),
                extrinsics_root: extrinsics_root(&body),
                digest: Digest::default(),
            };
            parent_hash = header.hash();
            BlockData {
                hash: parent_hash,
                header: Some(header),
                body: Some(body),
                justification: Some(Justification { engine: *b"test", data: proof.to_vec() }),
            }
        })
        .collect()
}

fn id_at(number: u32) -> BlockId {
    BlockId { hash: HONEST[number as usize].hash, number }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manner {
    Honest,
    /// Takes so many milliseconds for an answer: too many, now and then.
    Slow(u64),
    /// Says it has more than there is.
    LiesAboutHeight,
    /// A chain of its own, well linked.
    Forges,
    /// The honest blocks, with certificates that prove nothing.
    BadCertificates,
    /// One block of another chain in the middle.
    BreaksLinks,
    WrongBodies,
    WithoutCertificates,
    /// Blocks of another height.
    OtherRange,
    /// Never answers.
    Silent,
    AlwaysBusy,
    /// One block at a time.
    Drips,
    /// Comes and goes with its answers open.
    Vanishes,
    /// Garbage: the network has charged it.
    Garbage,
    /// Right and wrong in turn.
    Moody,
}

fn manner() -> impl Strategy<Value = Manner> {
    use Manner::*;
    prop_oneof![
        (10u64..12_000).prop_map(Slow),
        prop::sample::select(vec![
            LiesAboutHeight,
            Forges,
            BadCertificates,
            BreaksLinks,
            WrongBodies,
            WithoutCertificates,
            OtherRange,
            Silent,
            AlwaysBusy,
            Drips,
            Vanishes,
            Garbage,
            Moody,
        ])
    ]
}

impl Manner {
    fn claim(self, tip: u32) -> u32 {
        match self {
            Self::LiesAboutHeight => u32::MAX,
            Self::Forges => HEIGHT_MAX,
            _ => tip,
        }
    }

    /// What comes of a question, and after how long; nothing if it is silent.
    fn answer(self, tip: u32, first: u32, count: u32, nth: u64) -> Option<(u64, Result<Batch, Failure>)> {
        let blocks = |of: &[BlockData], tip: u32| -> Vec<BlockData> {
            let last = tip.min(first.saturating_add(count - 1));
            (first..=last).map(|number| of[number as usize].clone()).take(FITS).collect()
        };
        let mut right = blocks(&HONEST, tip);
        let middle = right.len() / 2;
        let mut delay = 80;
        match self {
            Self::Honest | Self::Vanishes | Self::LiesAboutHeight => {}
            Self::Slow(ms) => delay = ms,
            Self::Forges => right = blocks(&FORGED, HEIGHT_MAX),
            Self::BadCertificates => right.iter_mut().for_each(|block| {
                block.justification = FORGED[1].justification.clone();
            }),
            Self::BreaksLinks if right.is_empty() => {}
            Self::BreaksLinks => right[middle] = FORGED[first as usize + middle].clone(),
            Self::WrongBodies => right.iter_mut().for_each(|block| block.body = Some(Vec::new())),
            Self::WithoutCertificates => right.iter_mut().for_each(|block| block.justification = None),
            Self::OtherRange => right.reverse(),
            Self::Silent => return None,
            Self::AlwaysBusy => return Some((delay, Err(Failure::Later))),
            Self::Drips => right.truncate(1),
            Self::Garbage => return Some((delay, Err(Failure::Charged))),
            Self::Moody if nth.is_multiple_of(2) => {}
            Self::Moody => right = blocks(&FORGED, HEIGHT_MAX),
        }
        let result = match Batch::check(first, count, BlockResponse { blocks: right }) {
            Ok(Some(batch)) => Ok(batch),
            Ok(None) => Err(Failure::Empty),
            Err(fault) => Err(Failure::Wrong(fault)),
        };
        Some((delay, result))
    }
}

#[derive(Debug)]
enum Happens {
    Answer(PeerId, RequestId, Result<Batch, Failure>),
    Imported(Outcome),
    Comes(PeerId),
    Goes(PeerId),
    Wake,
    /// The honest chain grows by one block, which the agreement brings here as well.
    Grows,
}

/// One node, its peers, and time.
struct World {
    machine: CatchUp,
    now: Duration,
    /// By time, then by order.
    queue: BinaryHeap<Reverse<(Duration, u64)>>,
    events: BTreeMap<u64, Happens>,
    next_event: u64,
    manners: BTreeMap<PeerId, Manner>,
    present: BTreeMap<PeerId, usize>,
    open: BTreeMap<RequestId, PeerId>,
    questions: u64,
    tip: u32,
    ours: BlockId,
    /// How many imports this node fails by itself.
    troubles: u32,
    costs: Vec<(PeerId, Cost)>,
    /// When each was blamed last.
    blamed: BTreeMap<PeerId, Duration>,
}

impl World {
    fn new(tip: u32, manners: &[Manner], patience: Duration) -> Self {
        let mut world = Self {
            machine: CatchUp::new(id_at(0), patience),
            now: Duration::ZERO,
            queue: BinaryHeap::new(),
            events: BTreeMap::new(),
            next_event: 0,
            manners: PEERS.iter().copied().zip(manners.iter().copied()).collect(),
            present: BTreeMap::new(),
            open: BTreeMap::new(),
            questions: 0,
            tip,
            ours: id_at(0),
            troubles: 0,
            costs: Vec::new(),
            blamed: BTreeMap::new(),
        };
        for peer in world.manners.keys().copied().collect::<Vec<_>>() {
            world.after(0, Happens::Comes(peer));
        }
        world
    }

    fn after(&mut self, ms: u64, happens: Happens) {
        let key = self.next_event;
        self.next_event += 1;
        self.queue.push(Reverse((self.now + Duration::from_millis(ms), key)));
        self.events.insert(key, happens);
    }

    /// Lets time pass until the node is at the tip, and fails after `limit`.
    fn run(&mut self, limit: Duration) {
        while self.ours.number < self.tip {
            self.act();
            let Reverse((at, key)) = self.queue.pop().expect("the node waits for nothing");
            assert!(at < limit, "at block {} of {} after {at:?}", self.ours.number, self.tip);
            self.now = at;
            let Some(event) = self.events.remove(&key) else { continue };
            self.happen(event);
        }
        self.act();
        let progress = self.machine.progress(self.now);
        assert!(progress.finalized == self.tip && progress.highest >= self.tip);
    }

    fn happen(&mut self, event: Happens) {
        let now = self.now;
        match event {
            Happens::Answer(peer, id, result) => {
                // Not if it was cancelled.
                if self.open.remove(&id).is_some() {
                    *self.present.get_mut(&peer).unwrap() -= 1;
                    self.machine.answered(id, result, now);
                }
            }
            Happens::Imported(outcome) => {
                self.ours = outcome.finalized;
                self.machine.imported(outcome, now);
            }
            Happens::Comes(peer) => {
                self.present.insert(peer, 0);
                self.machine.peer(peer, self.manners[&peer].claim(self.tip));
                if self.manners[&peer] == Manner::Vanishes {
                    self.after(450, Happens::Goes(peer));
                }
            }
            Happens::Goes(peer) => {
                self.present.remove(&peer);
                self.open.retain(|_, of| *of != peer);
                self.machine.gone(peer, now);
                self.after(300, Happens::Comes(peer));
            }
            Happens::Grows => {
                self.tip += 1;
                for (peer, manner) in &self.manners {
                    if self.present.contains_key(peer) {
                        self.machine.peer(*peer, manner.claim(self.tip));
                    }
                }
                if self.ours.number + 1 == self.tip {
                    self.ours = id_at(self.tip);
                    self.machine.finalized(self.ours, now);
                }
            }
            Happens::Wake => {}
        }
    }

    fn act(&mut self) {
        for action in self.machine.poll(self.now) {
            match action {
                Action::Request { id, peer, first, count } => self.request(id, peer, first, count),
                Action::Cancel(id) => {
                    if let Some(peer) = self.open.remove(&id) {
                        *self.present.get_mut(&peer).unwrap() -= 1;
                    }
                }
                Action::Import { batch, .. } => self.import(batch),
                Action::Report { peer, cost, .. } => {
                    self.costs.push((peer, cost));
                    self.blamed.insert(peer, self.now);
                }
            }
        }
        let held = self.machine.window.iter().filter(|slot| !slot.is_wanted()).count();
        assert!(held + usize::from(self.machine.importing.is_some()) <= RANGES_MAX, "memory is bounded");
        assert!(self.machine.window.len() <= 4 * RANGES_MAX);
        let consecutive = self.machine.window.iter().zip(self.machine.window.iter().skip(1));
        for (one, next) in consecutive {
            assert_eq!(one.last() + 1, next.first);
        }
        assert!(self.machine.poll(self.now).is_empty(), "all is decided at once");
        if let Some(at) = self.machine.deadline(self.now) {
            assert!(at > self.now);
            self.after((at - self.now).as_millis() as u64 + 1, Happens::Wake);
        }
    }

    fn request(&mut self, id: RequestId, peer: PeerId, first: u32, count: u32) {
        assert!(Action::request(first, count).is_valid());
        let cooled = self.blamed.get(&peer).is_none_or(|at| self.now >= *at + COOL_OFF);
        assert!(cooled, "who did wrong is left alone for a while");
        let open = self.present.get_mut(&peer).expect("nobody asks who is gone");
        *open += 1;
        assert!(*open <= REQUESTS_PER_PEER_MAX);
        self.open.insert(id, peer);
        self.questions += 1;
        let manner = self.manners[&peer];
        assert!(first <= manner.claim(self.tip), "nobody is asked for what it does not claim");
        if let Some((delay, result)) = manner.answer(self.tip, first, count, self.questions) {
            self.after(delay, Happens::Answer(peer, id, result));
        }
    }

    /// What `Importer` does: each block proved before it is taken.
    fn import(&mut self, batch: Batch) {
        if self.troubles > 0 {
            self.troubles -= 1;
            let end = End::Trouble("no space left on device".into());
            self.after(5, Happens::Imported(Outcome { finalized: self.ours, end }));
            return;
        }
        let mut last = self.ours;
        let mut end = End::Done;
        for offered in batch.blocks() {
            assert_eq!(offered.block.header.parent_hash, last.hash, "it stands on what is final");
            if offered.justification.data != b"good" {
                let why = "forged".into();
                end = End::Wrong(Fault::NotProved { number: offered.id.number, why });
                break;
            }
            last = offered.id;
            assert_eq!(last, id_at(last.number), "only the honest chain is imported");
        }
        self.after(20, Happens::Imported(Outcome { finalized: last, end }));
    }

    fn cost_of(&self, peer: usize) -> Vec<Cost> {
        self.costs.iter().filter(|(of, _)| *of == PEERS[peer]).map(|(_, cost)| *cost).collect()
    }
}

const PATIENT: Duration = Duration::from_secs(2);
/// Of virtual time: each lie costs seconds at worst, and there are few.
const LONG: Duration = Duration::from_secs(1_800);

#[test]
fn several_honest_peers_share_the_work_and_nobody_is_blamed() {
    let mut one = World::new(1_000, &[Manner::Honest], Duration::ZERO);
    one.run(LONG);
    let mut three = World::new(1_000, &[Manner::Honest; 3], Duration::ZERO);
    three.run(LONG);
    assert!(three.now < one.now, "{:?} with three, {:?} with one", three.now, one.now);
    assert!(one.costs.is_empty() && three.costs.is_empty());
    // 1,000 blocks of one second each, 20 times faster.
    assert!(one.now < Duration::from_secs(1_000 / 20));
    let progress = three.machine.progress(three.now);
    assert!(!progress.syncing && progress.peers == 3 && progress.highest == 1_000);
}

#[test]
fn each_liar_pays_for_what_it_did() {
    use Manner::*;
    let cases = [
        (LiesAboutHeight, Some(Cost::EmptyAnswer)),
        (BadCertificates, Some(Cost::BadBlock)),
        (BreaksLinks, Some(Cost::WrongAnswer)),
        (WrongBodies, Some(Cost::WrongAnswer)),
        (WithoutCertificates, Some(Cost::WrongAnswer)),
        (OtherRange, Some(Cost::WrongAnswer)),
        (Silent, Some(Cost::Slow)),
        (AlwaysBusy, None),
        (Garbage, None),
    ];
    for (manner, cost) in cases {
        let mut world = World::new(300, &[manner, Honest], Duration::ZERO);
        world.run(LONG);
        // Only a claim is left of the one who lies about that.
        for _ in 0..200 {
            let Some(Reverse((at, key))) = world.queue.pop() else { break };
            world.now = at;
            if let Some(event) = world.events.remove(&key) {
                world.happen(event);
            }
            world.act();
        }
        assert!(world.cost_of(1).is_empty(), "{manner:?}: the honest one paid {:?}", world.costs);
        let paid = world.cost_of(0);
        match cost {
            Some(cost) => assert!(paid.contains(&cost), "{manner:?} paid {paid:?}"),
            None => assert!(paid.is_empty(), "{manner:?} paid {paid:?}"),
        }
    }
}

#[test]
fn a_false_height_is_not_believed_for_long() {
    let mut world = World::new(100, &[Manner::LiesAboutHeight, Manner::Honest], Duration::ZERO);
    world.run(LONG);
    while world.cost_of(0).is_empty() {
        let Reverse((at, key)) = world.queue.pop().expect("an answer comes");
        world.now = at;
        if let Some(event) = world.events.remove(&key) {
            world.happen(event);
        }
        world.act();
    }
    let progress = world.machine.progress(world.now);
    assert_eq!((progress.highest, progress.syncing), (100, false));
    // It says so again, and is neither believed nor asked.
    world.machine.peer(PEERS[0], u32::MAX);
    assert!(world.machine.poll(world.now).is_empty());
    assert_eq!(world.machine.progress(world.now).highest, 100);
    // Nor if it comes back.
    world.machine.gone(PEERS[0], world.now);
    world.machine.peer(PEERS[0], u32::MAX);
    assert!(world.machine.poll(world.now).is_empty());
    assert_eq!(world.machine.progress(world.now).highest, 100);
    assert!(!world.machine.poll(world.now + 2 * COOL_OFF).is_empty(), "it gets another chance");
}

#[test]
fn who_takes_part_in_the_agreement_waits_for_it() {
    let mut machine = CatchUp::new(id_at(0), PATIENT);
    let second = Duration::from_secs(1);
    for number in 1..20 {
        let now = second * number;
        machine.peer(PEERS[0], number);
        assert!(machine.poll(now).is_empty());
        assert_eq!(machine.deadline(now), Some(now + PATIENT));
        machine.finalized(id_at(number), now + second / 20);
        assert!(machine.poll(now + second / 20).is_empty());
    }
    let now = second * 20;
    machine.peer(PEERS[0], 20);
    assert!(machine.poll(now).is_empty());
    let late = machine.poll(now + PATIENT);
    assert!(matches!(late[..], [Action::Request { first: 20, count: 1, .. }]), "{late:?}");

    let mut machine = CatchUp::new(id_at(0), PATIENT);
    machine.peer(PEERS[0], 2);
    assert!(machine.poll(now).is_empty());
    machine.hurry(now);
    assert_eq!(machine.poll(now).len(), 1);

    let mut machine = CatchUp::new(id_at(0), PATIENT);
    machine.peer(PEERS[0], FAR_BEHIND + 1);
    assert_eq!(machine.poll(now).len(), 1, "the agreement does not go back so far");
}

#[test]
fn own_trouble_is_nobodys_fault_and_is_told() {
    let mut world = World::new(200, &[Manner::Honest], Duration::ZERO);
    world.troubles = 2;
    while world.machine.progress(world.now).trouble.is_none() {
        world.act();
        let Reverse((at, key)) = world.queue.pop().unwrap();
        world.now = at;
        if let Some(event) = world.events.remove(&key) {
            world.happen(event);
        }
    }
    world.run(LONG);
    assert!(world.costs.is_empty());
    assert!(world.now > 2 * TROUBLE_PAUSE);
    assert_eq!(world.machine.progress(world.now).trouble, None);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, ..Default::default() })]

    #[test]
    fn one_honest_peer_is_enough(
        tip in 1u32..700,
        mut others in vec(manner(), 0..8),
        place in any::<prop::sample::Index>(),
        patience in prop_oneof![Just(Duration::ZERO), Just(PATIENT)],
        grows in vec(1u64..20_000, 0..40),
        troubles in 0u32..3,
    ) {
        let place = place.index(others.len() + 1);
        others.insert(place, Manner::Honest);
        let mut world = World::new(tip, &others, patience);
        world.troubles = troubles;
        for at in grows {
            world.after(at, Happens::Grows);
        }
        world.run(LONG);
        let blamed = world.costs.iter().any(|(peer, _)| *peer == PEERS[place]);
        prop_assert!(!blamed, "the honest one paid: {:?}", world.costs);
    }
}
