mod curves;
mod properties;
mod refused;

use alloc::{boxed::Box, vec, vec::Vec};
use core::marker::PhantomData;

use basalt_pallet_preimage::{Bounded, InlineCall};
use basalt_pallet_scheduler::{self as scheduler, DispatchTime};
use basalt_pallet_system::System;
use basalt_primitives::{
    AccountId32, Digest, DispatchError, ModuleError, Perbill, RuntimeVersion, hashing::blake2_256,
};
use basalt_state::{Memory, Overlay};
use basalt_support::{BlockEnv, BlockLimits, CallFailure, CallResult, DispatchInfo, Pallet, PostInfo};
use parity_scale_codec::{Decode, DecodeAll, Encode};
use scale_info::TypeInfo;

use super::*;

const ALICE: AccountId = AccountId32([1; 32]);
const BOB: AccountId = AccountId32([2; 32]);
const TREASURY: AccountId = AccountId32([9; 32]);
const START: Balance = 1_000_000;
/// How many tokens could support a referendum.
const ELECTORATE: Balance = 1_000;
const LIMITS: BlockLimits = BlockLimits {
    weight_max: Weight::MAX,
    weight_normal_max: Weight::MAX,
    weight_base: Weight::zero(),
    weight_base_transaction: Weight::zero(),
    bytes_max: u32::MAX,
    bytes_normal_max: u32::MAX,
};
const SYSTEM: System = System { index: 0, limits: LIMITS, ss58_prefix: 42, version: RuntimeVersion::default };
const BALANCES: Balances = Balances { index: 2, system: SYSTEM, existential_deposit: 10 };
const PREIMAGES: Preimages =
    Preimages { index: 20, balances: BALANCES, deposit_base: 100, deposit_per_byte: 2 };
const SCHEDULER: Scheduler<Toy, Who> = Scheduler {
    index: 21,
    preimages: PREIMAGES,
    weight_max: Weight::new(10_000_000_000, u64::MAX),
    types: PhantomData,
};
const TRACK: TrackInfo = TrackInfo {
    name: "root",
    max_deciding: 1,
    decision_deposit: 500,
    prepare_period: 4,
    decision_period: 20,
    confirm_period: 5,
    min_enactment_period: 3,
    min_approval: Curve::LinearDecreasing {
        length: Perbill::from_percent(100),
        floor: Perbill::from_percent(50),
        ceil: Perbill::from_percent(100),
    },
    min_support: Curve::LinearDecreasing {
        length: Perbill::from_percent(100),
        floor: Perbill::from_percent(0),
        ceil: Perbill::from_percent(50),
    },
};
const REFERENDA: Referenda<Toy, Who> = Referenda {
    index: 22,
    balances: BALANCES,
    preimages: PREIMAGES,
    scheduler: SCHEDULER,
    tracks: &[(0, TRACK), (7, TrackInfo { name: "small", max_deciding: 2, ..TRACK })],
    track_for: |origin| match origin {
        Who::Root => Some(0),
        Who::Small => Some(7),
        Who::Signed(_) => None,
    },
    review: |origin, call| match (origin, call) {
        (_, Toy::Write(0, _)) => Err(Refusal::OutOfBounds),
        (Who::Small, Toy::Write(n, _)) if *n > 99 => Err(Refusal::Forbidden),
        _ => Ok(()),
    },
    canceller: |origin| *origin == Origin::Root,
    killer: |origin| *origin == Origin::Root,
    electorate: |_| Ok(ELECTORATE),
    submission_deposit: |_| Ok(50),
    undeciding_timeout: |_| Ok(30),
    defaults: (50, 30),
    treasury: TREASURY,
};

#[derive(Debug, Clone, PartialEq, Encode, Decode, TypeInfo)]
enum Who {
    Root,
    Signed([u8; 32]),
    Small,
}

impl StoredOrigin for Who {
    fn into_origin(self) -> Origin {
        match self {
            Self::Root => Origin::Root,
            Self::Signed(who) => Origin::Signed(AccountId32(who)),
            Self::Small => Origin::Pallet { index: 24, origin: vec![7] },
        }
    }

    fn of(origin: &Origin) -> Option<Self> {
        (*origin == Origin::Root).then_some(Self::Root)
    }
}

#[derive(Debug, Clone, PartialEq, Encode, Decode, TypeInfo)]
enum Toy {
    /// Writes who called under its number, and weighs so many units.
    #[codec(index = 0)]
    Write(u8, u8),
    #[codec(index = 1)]
    Fail,
    #[codec(index = 2)]
    Long(Vec<u8>),
}

impl RuntimeCall for Toy {
    fn info(&self) -> DispatchInfo {
        let units = if let Self::Write(_, units) = self { *units } else { 1 };
        DispatchInfo::normal(Weight::new(u64::from(units) * 1_000_000_000, 0))
    }

    fn dispatch(self, origin: Origin, ctx: &mut Context<'_, '_>) -> CallResult {
        ctx.layered(|ctx| match self {
            Self::Write(number, _) => {
                ctx.put(&[number], vec![u8::from(origin == Origin::Root)]);
                Ok(PostInfo::default())
            }
            Self::Long(_) => Ok(PostInfo::default()),
            Self::Fail => {
                ctx.put(b"failed", vec![]);
                Err(DispatchError::Exhausted.into())
            }
        })
    }
}

struct Chain {
    state: Memory,
    number: BlockNumber,
    /// Events of this pallet and of the scheduler.
    told: Vec<Event>,
    enacted: Vec<scheduler::Event>,
}

impl Chain {
    fn new() -> Self {
        let base = Memory::default();
        let mut state = Overlay::new(&base);
        BALANCES.genesis(&mut state, &[(ALICE, START), (BOB, START), (TREASURY, START)]).unwrap();
        let mut memory = Memory::default();
        memory.apply(&state.into_change_set().unwrap());
        Self { state: memory, number: 1, told: Vec::new(), enacted: Vec::new() }
    }

    fn run<R>(&mut self, body: impl FnOnce(&mut Context<'_, '_>) -> R) -> R {
        let env = BlockEnv {
            number: self.number,
            parent_hash: H256::zero(),
            digest: Digest::default(),
            author: None,
        };
        let mut state = Overlay::new(&self.state);
        let mut ctx = Context::new(&mut state, &env, None);
        let result = body(&mut ctx);
        for event in ctx.events().iter() {
            match event.bytes[0] {
                22 => self.told.push(Event::decode_all(&mut &event.bytes[1..]).unwrap()),
                21 => self.enacted.push(scheduler::Event::decode_all(&mut &event.bytes[1..]).unwrap()),
                _ => {}
            }
        }
        let changes = state.into_change_set().unwrap();
        self.state.apply(&changes);
        assert_eq!(REFERENDA.try_state(&self.state), Ok(()));
        assert_eq!(SCHEDULER.try_state(&self.state), Ok(()));
        assert_eq!(PREIMAGES.try_state(&self.state), Ok(()));
        assert_eq!(BALANCES.try_state_with(&self.state, 0), Ok(()));
        result
    }

    fn call_as(&mut self, origin: Origin, call: Call<Who>) -> Result<(), DispatchError> {
        self.run(|ctx| match ctx.layered(|ctx| REFERENDA.dispatch(call, origin, ctx)) {
            Ok(_) => Ok(()),
            Err(CallFailure { failure: Failure::Dispatch(error), .. }) => Err(error),
            Err(other) => panic!("{other:?}"),
        })
    }

    fn call(&mut self, call: Call<Who>) -> Result<(), DispatchError> {
        self.call_as(Origin::Signed(ALICE), call)
    }

    fn submit(&mut self, origin: Who, call: &Toy) -> Result<(), DispatchError> {
        self.call(Call::submit {
            proposal_origin: Box::new(origin),
            proposal: inline(call),
            enactment_moment: DispatchTime::After(0),
        })
    }

    fn deposit(&mut self, index: u32) -> Result<(), DispatchError> {
        self.call_as(Origin::Signed(BOB), Call::place_decision_deposit { index })
    }

    /// Sets the votes of a referendum, as voting does.
    fn votes(&mut self, index: u32, ayes: Balance, nays: Balance) {
        let tally = Tally { ayes, nays, support: ayes };
        self.run(|ctx| REFERENDA.set_tally(ctx, index, tally)).unwrap();
    }

    fn to(&mut self, number: BlockNumber) {
        while self.number < number {
            self.number += 1;
            self.run(|ctx| {
                REFERENDA.service(ctx).unwrap();
                SCHEDULER.service(ctx).unwrap();
            });
        }
    }

    fn info(&self, index: u32) -> ReferendumInfo<Who> {
        Referenda::<Toy, Who>::INFO_FOR.get(&self.state, &index).unwrap().unwrap()
    }

    fn status(&self, index: u32) -> ReferendumStatus<Who> {
        let ReferendumInfo::Ongoing(status) = self.info(index) else { panic!("{:?}", self.info(index)) };
        status
    }

    fn held(&self, who: AccountId) -> Balance {
        let of = |reason| BALANCES.balance_on_hold(&self.state, REFERENDA.reason(reason), &who).unwrap();
        of(HoldReason::SubmissionDeposit) + of(HoldReason::DecisionDeposit)
    }

    fn wrote(&self, number: u8) -> Option<Vec<u8>> {
        self.state.get(&[number]).unwrap()
    }
}

fn inline(call: &Toy) -> Bounded {
    Bounded::Inline(InlineCall::try_from(call.encode()).unwrap())
}

fn error(error: Error) -> DispatchError {
    DispatchError::Module(ModuleError { index: 22, error: [error as u8, 0, 0, 0] })
}

#[test]
fn what_passes_long_enough_is_enacted_as_its_tracks_origin() {
    let mut chain = Chain::new();
    chain.submit(Who::Root, &Toy::Write(1, 1)).unwrap();
    chain.deposit(0).unwrap();
    assert_eq!((chain.held(ALICE), chain.held(BOB)), (50, 500));
    chain.votes(0, 900, 0);
    chain.to(4);
    assert_eq!(chain.status(0).deciding, None, "it is prepared until block 5");
    chain.to(5);
    let deciding = DecidingStatus { since: 5, confirming: Some(10) };
    assert_eq!(chain.status(0).deciding, Some(deciding));
    chain.to(9);
    assert_eq!(chain.status(0).deciding, Some(deciding));
    chain.to(10);
    let deposit = |who, amount| Some(Deposit { who, amount });
    assert_eq!(chain.info(0), ReferendumInfo::Approved(10, deposit(ALICE, 50), deposit(BOB, 500)));
    chain.to(12);
    assert_eq!(chain.wrote(1), None);
    chain.to(13);
    assert_eq!(chain.wrote(1), Some(vec![1]), "root, three blocks after the approval");
    let tally = Tally { ayes: 900, nays: 0, support: 900 };
    let proposal = inline(&Toy::Write(1, 1));
    assert_eq!(
        chain.told,
        [
            Event::Submitted { index: 0, track: 0, proposal: proposal.clone() },
            Event::DecisionDepositPlaced { index: 0, who: BOB, amount: 500 },
            Event::DecisionStarted { index: 0, track: 0, proposal, tally },
            Event::ConfirmStarted { index: 0 },
            Event::Confirmed { index: 0, tally },
            Event::Approved { index: 0 },
        ]
    );
    chain.call(Call::refund_decision_deposit { index: 0 }).unwrap();
    chain.call(Call::refund_submission_deposit { index: 0 }).unwrap();
    assert_eq!((chain.held(ALICE), chain.held(BOB)), (0, 0));
    assert_eq!(chain.call(Call::refund_decision_deposit { index: 0 }), Err(error(Error::NoDeposit)));
}

#[test]
fn the_alarm_goes_off_at_the_block_at_which_the_curves_let_it_pass() {
    let mut chain = Chain::new();
    chain.submit(Who::Small, &Toy::Write(1, 1)).unwrap();
    chain.deposit(0).unwrap();
    // 75 % approval are enough after half of the period, 30 % support after 40 %.
    chain.votes(0, 300, 100);
    chain.to(5);
    assert_eq!(chain.status(0).alarm.map(|(at, _)| at), Some(15));
    chain.to(14);
    assert_eq!(chain.status(0).deciding, Some(DecidingStatus { since: 5, confirming: None }));
    chain.to(15);
    assert_eq!(chain.status(0).deciding, Some(DecidingStatus { since: 5, confirming: Some(20) }));
    // Votes against it stop that in the next block, and votes for it begin anew.
    chain.votes(0, 300, 300);
    assert!(chain.status(0).deciding.unwrap().confirming.is_some());
    chain.to(16);
    assert_eq!(chain.status(0).deciding, Some(DecidingStatus { since: 5, confirming: None }));
    chain.votes(0, 600, 100);
    chain.to(17);
    assert_eq!(chain.status(0).deciding, Some(DecidingStatus { since: 5, confirming: Some(22) }));
    chain.to(22 + 3);
    assert_eq!(chain.wrote(1), Some(vec![0]), "not as root");
}

#[test]
fn what_does_not_pass_in_time_is_rejected_and_does_nothing() {
    let mut chain = Chain::new();
    chain.submit(Who::Root, &Toy::Write(1, 1)).unwrap();
    chain.deposit(0).unwrap();
    chain.votes(0, 400, 500);
    chain.to(24);
    assert!(matches!(chain.info(0), ReferendumInfo::Ongoing(_)));
    chain.to(25);
    assert!(matches!(chain.info(0), ReferendumInfo::Rejected(25, Some(_), Some(_))));
    assert_eq!(chain.call(Call::refund_submission_deposit { index: 0 }), Err(error(Error::BadStatus)));
    chain.call(Call::refund_decision_deposit { index: 0 }).unwrap();
    chain.to(60);
    assert_eq!((chain.wrote(1), chain.held(BOB), chain.held(ALICE)), (None, 0, 50));
}

#[test]
fn without_a_decision_deposit_nothing_is_decided() {
    let mut chain = Chain::new();
    chain.submit(Who::Root, &Toy::Write(1, 1)).unwrap();
    chain.votes(0, 900, 0);
    chain.to(30);
    assert!(matches!(chain.info(0), ReferendumInfo::Ongoing(_)));
    chain.to(31);
    assert!(matches!(chain.info(0), ReferendumInfo::TimedOut(31, Some(_), None)));
    assert_eq!(chain.deposit(0), Err(error(Error::NotOngoing)));
}

#[test]
fn a_track_decides_so_many_at_once_and_the_most_wanted_next() {
    let mut chain = Chain::new();
    for number in 1..=4 {
        chain.submit(Who::Root, &Toy::Write(number, 1)).unwrap();
        chain.deposit(u32::from(number) - 1).unwrap();
    }
    chain.votes(2, 10, 0);
    chain.to(5);
    assert!(chain.status(0).deciding.is_some());
    let queue = |chain: &Chain| TRACK_QUEUE.get_or_default(&chain.state, &0).unwrap();
    assert_eq!(queue(&chain), [(3, 0), (1, 0), (2, 10)], "of equals the older is next");
    chain.votes(3, 20, 0);
    chain.to(6);
    assert_eq!(queue(&chain), [(1, 0), (2, 10), (3, 20)]);
    chain.to(25);
    assert!(matches!(chain.info(0), ReferendumInfo::Rejected(25, ..)));
    assert!(chain.status(3).deciding.is_some(), "at once");
    chain.call_as(Origin::Root, Call::cancel { index: 3 }).unwrap();
    assert!(chain.status(2).deciding.is_some());
    chain.call_as(Origin::Root, Call::cancel { index: 1 }).unwrap();
    assert_eq!(queue(&chain), []);
    assert_eq!(
        chain.call_as(Origin::Root, Call::one_fewer_deciding { track: 0 }),
        Err(error(Error::QueueEmpty))
    );
}

#[test]
fn who_cancels_returns_the_deposits_and_who_kills_takes_them() {
    let mut chain = Chain::new();
    let before = BALANCES.free_balance(&chain.state, &TREASURY).unwrap();
    for index in 0..2 {
        chain.submit(Who::Root, &Toy::Write(1, 1)).unwrap();
        chain.deposit(index).unwrap();
    }
    assert_eq!(chain.call(Call::cancel { index: 0 }), Err(DispatchError::BadOrigin));
    assert_eq!(chain.call(Call::kill { index: 0 }), Err(DispatchError::BadOrigin));
    chain.call_as(Origin::Root, Call::cancel { index: 0 }).unwrap();
    assert_eq!(chain.call(Call::refund_decision_deposit { index: 1 }), Err(error(Error::Unfinished)));
    chain.call(Call::refund_decision_deposit { index: 0 }).unwrap();
    chain.call(Call::refund_submission_deposit { index: 0 }).unwrap();
    chain.call_as(Origin::Root, Call::kill { index: 1 }).unwrap();
    assert_eq!((chain.held(ALICE), chain.held(BOB)), (0, 0));
    assert_eq!(BALANCES.free_balance(&chain.state, &TREASURY).unwrap(), before + 550);
    assert_eq!(chain.info(1), ReferendumInfo::Killed(1));
    assert_eq!(chain.call(Call::refund_decision_deposit { index: 1 }), Err(error(Error::NoDeposit)));
    chain.to(60);
    assert_eq!(chain.wrote(1), None);
}

#[test]
fn an_enactment_that_fails_is_seen_and_changes_nothing() {
    let mut chain = Chain::new();
    chain.submit(Who::Root, &Toy::Fail).unwrap();
    chain.deposit(0).unwrap();
    chain.votes(0, 900, 0);
    chain.to(13);
    let id = Some(decide::enactment_name(0));
    let result = Err(DispatchError::Exhausted);
    assert!(chain.enacted.contains(&scheduler::Event::Dispatched { task: (13, 0), id, result }));
    assert_eq!(chain.state.get(b"failed").unwrap(), None);
}

#[test]
fn a_long_proposal_is_kept_until_it_is_enacted() {
    let mut chain = Chain::new();
    let call = Toy::Long(vec![5; 300]);
    let bytes = call.encode();
    let hash = H256(blake2_256(&bytes));
    let note = |chain: &mut Chain| {
        let note = basalt_pallet_preimage::Call::note_preimage { bytes: bytes.clone() };
        chain.run(|ctx| PREIMAGES.dispatch(note, Origin::Signed(BOB), ctx)).unwrap();
    };
    let submit = |chain: &mut Chain| {
        chain.call(Call::submit {
            proposal_origin: Box::new(Who::Root),
            proposal: Bounded::Lookup { hash, len: bytes.len() as u32 },
            enactment_moment: DispatchTime::At(20),
        })
    };
    // The bytes may come later than the referendum.
    submit(&mut chain).unwrap();
    note(&mut chain);
    chain.deposit(0).unwrap();
    chain.votes(0, 900, 0);
    chain.to(10);
    let unnote = basalt_pallet_preimage::Call::unnote_preimage { hash };
    chain.run(|ctx| PREIMAGES.dispatch(unnote, Origin::Signed(BOB), ctx)).unwrap();
    chain.to(20);
    let id = Some(decide::enactment_name(0));
    assert!(chain.enacted.contains(&scheduler::Event::Dispatched { task: (20, 0), id, result: Ok(()) }));
    assert_eq!(PREIMAGES.len(&chain.state, &hash), Ok(None));
}

#[test]
fn an_enactment_finds_room_in_a_later_block() {
    let mut chain = Chain::new();
    for block in [13, 14] {
        for _ in 0..scheduler::AGENDA_MAX {
            let task = scheduler::Scheduled {
                maybe_id: None,
                priority: 200,
                call: inline(&Toy::Fail),
                maybe_periodic: None,
                origin: Who::Root,
            };
            chain.run(|ctx| SCHEDULER.schedule(ctx, DispatchTime::At(block), task)).unwrap();
        }
    }
    chain.submit(Who::Root, &Toy::Write(1, 1)).unwrap();
    chain.deposit(0).unwrap();
    chain.votes(0, 900, 0);
    chain.to(10);
    let id = decide::enactment_name(0);
    assert_eq!(scheduler::LOOKUP.get(&chain.state, &id), Ok(Some((15, 0))));
}

#[test]
fn alarms_that_find_no_room_go_off_a_little_later() {
    let mut chain = Chain::new();
    let many = ALARMS_MAX + 10;
    for _ in 0..many {
        chain.submit(Who::Small, &Toy::Write(1, 1)).unwrap();
    }
    let at = |chain: &Chain, index| chain.status(index).alarm.unwrap().0;
    assert_eq!((at(&chain, 0), at(&chain, ALARMS_MAX - 1), at(&chain, ALARMS_MAX)), (31, 31, 32));
    chain.to(31);
    assert!(matches!(chain.info(0), ReferendumInfo::TimedOut(..)));
    assert!(matches!(chain.info(many - 1), ReferendumInfo::Ongoing(_)));
    chain.to(32);
    assert!(matches!(chain.info(many - 1), ReferendumInfo::TimedOut(..)));
}

#[test]
fn a_quick_chain_divides_its_periods() {
    let mut chain = Chain::new();
    chain.run(|ctx| REFERENDA.genesis(ctx, 4));
    chain.submit(Who::Root, &Toy::Write(1, 1)).unwrap();
    chain.deposit(0).unwrap();
    chain.votes(0, 900, 0);
    // One block each of preparation, confirmation and waiting.
    chain.to(4);
    assert_eq!(chain.wrote(1), Some(vec![1]));
}

#[test]
fn a_referendum_can_be_described() {
    let mut chain = Chain::new();
    chain.submit(Who::Root, &Toy::Write(1, 1)).unwrap();
    let hash = H256(blake2_256(b"why"));
    let set = |maybe_hash| Call::set_metadata { index: 0, maybe_hash };
    assert_eq!(chain.call(set(Some(hash))), Err(error(Error::PreimageNotExist)));
    let note = basalt_pallet_preimage::Call::note_preimage { bytes: b"why".to_vec() };
    chain.run(|ctx| PREIMAGES.dispatch(note, Origin::Signed(BOB), ctx)).unwrap();
    let bob = Origin::Signed(BOB);
    assert_eq!(chain.call_as(bob.clone(), set(Some(hash))), Err(error(Error::NoPermission)));
    chain.call(set(Some(hash))).unwrap();
    assert_eq!(chain.call_as(bob.clone(), set(None)), Err(error(Error::NoPermission)));
    chain.call_as(Origin::Root, Call::cancel { index: 0 }).unwrap();
    assert_eq!(chain.call(set(Some(hash))), Err(error(Error::NotOngoing)));
    chain.call_as(bob, set(None)).unwrap();
    assert_eq!(METADATA_OF.get(&chain.state, &0), Ok(None));
}
