//! The worst cases of governance's calls, and the state that they are worst in.

use basalt_pallet_collective as collective;
use basalt_pallet_conviction_voting as voting;
use basalt_pallet_origins::Origin as TrackOrigin;
use basalt_pallet_parameters as parameters;
use basalt_pallet_preimage as preimage;
use basalt_pallet_referenda as referenda;
use basalt_pallet_scheduler as scheduler;
use basalt_pallet_treasury as treasury;
use basalt_pallet_whitelist as whitelist;
use basalt_primitives::{AccountId, Balance, H256, Weight, hashing::blake2_256};
use basalt_runtime::{
    ORIGINS, OriginCaller, RuntimeCall, UNIT,
    governance::RawOrigin,
    parameters::{RuntimeParameters, of_governance},
};
use basalt_support::Origin;
use basalt_test_kit::Sender;
use parity_scale_codec::Encode;

use crate::world::{World, as_root, remark};

/// A preimage that Ferdie pays for, and one that is requested as well.
const NOTED: &[u8] = &[7; 1_000];
const REQUESTED: &[u8] = &[8; 1_000];

/// Who keeps preimages, submits and votes: not Bob, who must be able to die.
fn ferdie() -> Sender {
    Sender::dev("Ferdie")
}

fn hash(bytes: &[u8]) -> H256 {
    H256(blake2_256(bytes))
}

fn note(bytes: &[u8]) -> RuntimeCall {
    RuntimeCall::Preimage(preimage::Call::note_preimage { bytes: bytes.to_vec() })
}

fn request(bytes: &[u8]) -> RuntimeCall {
    RuntimeCall::Preimage(preimage::Call::request_preimage { hash: hash(bytes) })
}

/// A call that is too long to be stored whole.
fn long(last: u8) -> RuntimeCall {
    let mut bytes = vec![0; 1_000];
    bytes.push(last);
    RuntimeCall::System(basalt_pallet_system::Call::remark { remark: bytes })
}

fn scheduled(id: u8, when: u32) -> RuntimeCall {
    RuntimeCall::Scheduler(scheduler::Call::schedule_named {
        id: [id; 32],
        when,
        maybe_periodic: Some((5, 5)),
        priority: 1,
        call: Box::new(long(id)),
    })
}

/// Makes the state in which the calls of [`worst_cases`] do the most.
pub(crate) fn prepare(world: &mut World) {
    let ferdie = &mut ferdie();
    let block = vec![
        ferdie.sign(world.ledger.genesis_hash, &note(NOTED)),
        ferdie.sign(world.ledger.genesis_hash, &note(REQUESTED)),
        world.by_alice(&as_root(request(REQUESTED))),
        world.by_alice(&as_root(scheduled(1, 1_000))),
        world.by_alice(&as_root(RuntimeCall::Scheduler(scheduler::Call::set_retry_named {
            id: [1; 32],
            retries: 3,
            period: 1,
        }))),
        world.by_alice(&as_root(RuntimeCall::Scheduler(scheduler::Call::schedule {
            when: 1_000,
            maybe_periodic: None,
            priority: 1,
            call: Box::new(long(2)),
        }))),
        world.by_alice(&as_root(RuntimeCall::Scheduler(scheduler::Call::set_retry {
            task: (1_000, 1),
            retries: 3,
            period: 1,
        }))),
    ];
    succeed(world, block);
    prepare_referenda(world, ferdie);
    prepare_others(world, ferdie);
}

fn succeed(world: &mut World, block: Vec<Vec<u8>>) {
    let receipts = world.run(block);
    assert!(receipts.iter().all(|receipt| receipt.result.is_ok()), "{receipts:?}");
}

/// Three referenda of the track [`SMALL`]: 0 is voted on by all, 1 waits for its deposit, 2 is cancelled.
fn prepare_referenda(world: &mut World, ferdie: &mut Sender) {
    let (alice, bob) = (world.alice.account(), ferdie.account());
    let deposit = |index| RuntimeCall::Referenda(referenda::Call::place_decision_deposit { index });
    let cancel = RuntimeCall::Referenda(referenda::Call::cancel { index: 2 });
    let block = vec![
        ferdie.sign(world.ledger.genesis_hash, &submit(world.charlie.account())),
        ferdie.sign(world.ledger.genesis_hash, &submit(world.charlie.account())),
        ferdie.sign(world.ledger.genesis_hash, &submit(world.charlie.account())),
        world.by_charlie(&deposit(0)),
        world.by_charlie(&deposit(2)),
        world.by_alice(&as_root(cancel)),
        ferdie.sign(world.ledger.genesis_hash, &aye(0)),
        ferdie.sign(world.ledger.genesis_hash, &aye(1)),
        world.by_alice(&delegate(bob)),
        world.by_alice(&aye(0)),
        world.by_charlie(&delegate(alice)),
    ];
    succeed(world, block);
}

fn prepare_others(world: &mut World, ferdie: &mut Sender) {
    let everybody = vec![world.alice.account(), ferdie.account(), world.charlie.account()];
    let committee = RuntimeCall::TechnicalCommittee;
    let members = collective::Call::set_members {
        new_members: everybody.clone(),
        prime: Some(everybody[0]),
        old_count: 0,
    };
    let propose = |last, threshold| {
        committee(collective::Call::propose {
            threshold,
            proposal: Box::new(long(last)),
            length_bound: 2_000,
        })
    };
    let vote = |last: u8, index, approve| {
        let proposal = hash(&long(last).encode());
        committee(collective::Call::vote { proposal, index, approve })
    };
    let treasury = RuntimeCall::Treasury;
    let beneficiary = everybody[1];
    let whitelist = |last: u8| {
        let call_hash = hash(&long(last).encode());
        RuntimeCall::Whitelist(whitelist::Call::whitelist_call { call_hash })
    };
    let block = vec![
        world.by_alice(&as_root(committee(members))),
        world.by_alice(&propose(20, 2)),
        world.by_alice(&propose(21, 2)),
        world.by_alice(&vote(20, 0, true)),
        ferdie.sign(world.ledger.genesis_hash, &vote(20, 0, true)),
        world.by_alice(&as_root(treasury(treasury::Call::spend_local {
            amount: UNIT,
            beneficiary: beneficiary.into(),
        }))),
        world.by_alice(&as_root(spend(beneficiary, UNIT / 2))),
        world.by_alice(&as_root(spend(beneficiary, UNIT / 2))),
        world.by_alice(&as_root(whitelist(30))),
        world.by_alice(&as_root(note(&long(30).encode()))),
        world.by_alice(&as_root(whitelist(31))),
    ];
    succeed(world, block);
}

fn spend(beneficiary: AccountId, amount: Balance) -> RuntimeCall {
    RuntimeCall::Treasury(treasury::Call::spend {
        asset_kind: Box::new(()),
        amount,
        beneficiary: Box::new(beneficiary.into()),
        valid_from: None,
    })
}

/// The track `small_spender`.
const SMALL: u16 = 32;

fn submit(beneficiary: AccountId) -> RuntimeCall {
    let call =
        RuntimeCall::Treasury(treasury::Call::spend_local { amount: UNIT, beneficiary: beneficiary.into() });
    let short = preimage::InlineCall::try_from(call.encode()).expect("the call is short");
    RuntimeCall::Referenda(referenda::Call::submit {
        proposal_origin: Box::new(OriginCaller::Origins(TrackOrigin::SmallSpender)),
        proposal: preimage::Bounded::Inline(short),
        enactment_moment: scheduler::DispatchTime::After(0),
    })
}

fn aye(poll_index: u32) -> RuntimeCall {
    let vote = voting::Vote { aye: true, conviction: voting::Conviction::Locked1x };
    let vote = voting::AccountVote::Standard { vote, balance: UNIT };
    RuntimeCall::ConvictionVoting(voting::Call::vote { poll_index, vote })
}

fn delegate(to: AccountId) -> RuntimeCall {
    let (conviction, balance) = (voting::Conviction::Locked2x, UNIT);
    RuntimeCall::ConvictionVoting(voting::Call::delegate { class: SMALL, to: to.into(), conviction, balance })
}

pub(crate) fn worst_cases(world: &World) -> Vec<(Origin, RuntimeCall)> {
    [
        preimage_cases(),
        scheduler_cases(),
        referenda_cases(),
        voting_cases(world),
        treasury_cases(),
        committee_cases(world),
        other_cases(),
    ]
    .concat()
}

fn referenda_cases() -> Vec<(Origin, RuntimeCall)> {
    use referenda::Call::{
        cancel, kill, nudge_referendum, one_fewer_deciding, place_decision_deposit, refund_decision_deposit,
        refund_submission_deposit, set_metadata,
    };
    let by_ferdie = || Origin::Signed(ferdie().account());
    let own = RuntimeCall::Referenda;
    let lookup = preimage::Bounded::Lookup { hash: hash(NOTED), len: NOTED.len() as u32 };
    vec![
        (by_ferdie(), submit(ferdie().account())),
        (
            by_ferdie(),
            own(referenda::Call::submit {
                proposal_origin: Box::new(OriginCaller::system(RawOrigin::Root)),
                proposal: lookup,
                enactment_moment: scheduler::DispatchTime::At(9),
            }),
        ),
        (by_ferdie(), own(place_decision_deposit { index: 1 })),
        (by_ferdie(), own(refund_decision_deposit { index: 2 })),
        (by_ferdie(), own(refund_submission_deposit { index: 2 })),
        (Origin::Root, own(cancel { index: 0 })),
        (Origin::Root, own(kill { index: 0 })),
        (Origin::Root, own(nudge_referendum { index: 0 })),
        (Origin::Root, own(nudge_referendum { index: 1 })),
        (Origin::Root, own(one_fewer_deciding { track: SMALL })),
        (by_ferdie(), own(set_metadata { index: 0, maybe_hash: Some(hash(NOTED)) })),
        (by_ferdie(), own(set_metadata { index: 0, maybe_hash: None })),
    ]
}

fn voting_cases(world: &World) -> Vec<(Origin, RuntimeCall)> {
    use voting::Call::{remove_other_vote, remove_vote, undelegate, unlock};
    let signed = |who: &Sender| Origin::Signed(who.account());
    let (alice, bob, charlie) = (&world.alice, &ferdie(), &world.charlie);
    let own = RuntimeCall::ConvictionVoting;
    vec![
        (signed(alice), aye(0)),
        // It overrides what it has delegated, and so it does for one who delegates to it.
        (signed(alice), aye(1)),
        (signed(bob), aye(0)),
        (signed(charlie), aye(0)),
        (signed(bob), delegate(charlie.account())),
        (signed(alice), own(undelegate { class: SMALL })),
        (signed(charlie), own(undelegate { class: SMALL })),
        (signed(bob), own(unlock { class: SMALL, target: alice.address() })),
        (signed(alice), own(remove_vote { class: None, index: 0 })),
        (signed(bob), own(remove_vote { class: None, index: 0 })),
        (signed(bob), own(remove_other_vote { target: bob.address(), class: SMALL, index: 0 })),
        (signed(bob), own(remove_other_vote { target: alice.address(), class: SMALL, index: 0 })),
    ]
}

fn treasury_cases() -> Vec<(Origin, RuntimeCall)> {
    use treasury::Call::{check_status, payout, remove_approval, spend_local, void_spend};
    let new = Sender::dev("Eve");
    let by_ferdie = || Origin::Signed(ferdie().account());
    let own = RuntimeCall::Treasury;
    vec![
        (Origin::Root, own(spend_local { amount: UNIT, beneficiary: new.address() })),
        (Origin::Root, own(remove_approval { proposal_id: 0 })),
        (Origin::Root, spend(new.account(), UNIT)),
        (by_ferdie(), own(payout { index: 0 })),
        (by_ferdie(), own(check_status { index: 0 })),
        (Origin::Root, own(void_spend { index: 1 })),
    ]
}

fn committee_cases(world: &World) -> Vec<(Origin, RuntimeCall)> {
    use collective::Call::*;
    let by_alice = || Origin::Signed(world.alice.account());
    let own = RuntimeCall::TechnicalCommittee;
    let (accepted, open) = (hash(&long(20).encode()), hash(&long(21).encode()));
    let (proposal_weight_bound, length_bound) = (Weight::new(1_000_000_000, u64::MAX), 2_000);
    let call = |last| Box::new(long(last));
    let new_members = vec![world.alice.account(); 20];
    vec![
        (Origin::Root, own(set_members { new_members, prime: Some(world.alice.account()), old_count: 3 })),
        (by_alice(), own(execute { proposal: call(22), length_bound })),
        (by_alice(), own(propose { threshold: 1, proposal: call(22), length_bound })),
        (by_alice(), own(propose { threshold: 2, proposal: call(22), length_bound })),
        (by_alice(), own(vote { proposal: open, index: 1, approve: true })),
        (Origin::Root, own(disapprove_proposal { proposal_hash: open })),
        (by_alice(), own(close { proposal_hash: accepted, index: 0, proposal_weight_bound, length_bound })),
        (by_alice(), own(close { proposal_hash: open, index: 1, proposal_weight_bound, length_bound })),
        (Origin::Root, own(kill { proposal_hash: open })),
    ]
}

fn other_cases() -> Vec<(Origin, RuntimeCall)> {
    use whitelist::Call::*;
    let own = RuntimeCall::Whitelist;
    let (call_hash, missing) = (hash(&long(30).encode()), hash(&long(31).encode()));
    let caller = || ORIGINS.origin(TrackOrigin::WhitelistedCaller);
    let call_encoded_len = long(30).encoded_size() as u32;
    let call_weight_witness = Weight::new(1_000_000_000, u64::MAX);
    let parameter = RuntimeParameters::Governance(of_governance::Parameters::SubmissionDeposit(
        of_governance::SubmissionDeposit,
        Some(2 * UNIT),
    ));
    vec![
        (Origin::Root, own(whitelist_call { call_hash: hash(NOTED) })),
        (Origin::Root, own(remove_whitelisted_call { call_hash })),
        (caller(), own(dispatch_whitelisted_call { call_hash, call_encoded_len, call_weight_witness })),
        (
            caller(),
            own(dispatch_whitelisted_call { call_hash: missing, call_encoded_len, call_weight_witness }),
        ),
        (caller(), own(dispatch_whitelisted_call_with_preimage { call: Box::new(long(30)) })),
        (Origin::Root, RuntimeCall::Parameters(parameters::Call::set_parameter { key_value: parameter })),
    ]
}

fn preimage_cases() -> Vec<(Origin, RuntimeCall)> {
    use preimage::Call::*;
    let by_ferdie = || Origin::Signed(ferdie().account());
    let own = RuntimeCall::Preimage;
    vec![
        (by_ferdie(), note(&[9; 1_000])),
        (Origin::Root, note(NOTED)),
        (by_ferdie(), own(unnote_preimage { hash: hash(NOTED) })),
        (by_ferdie(), own(unnote_preimage { hash: hash(REQUESTED) })),
        (Origin::Root, request(NOTED)),
        (Origin::Root, request(&[1])),
        (Origin::Root, own(unrequest_preimage { hash: hash(REQUESTED) })),
        (by_ferdie(), own(ensure_updated { hashes: vec![H256::zero(); 100] })),
    ]
}

fn scheduler_cases() -> Vec<(Origin, RuntimeCall)> {
    use scheduler::Call::*;
    let call = |last| Box::new(long(last));
    let (maybe_periodic, priority) = (Some((7, 7)), 0);
    [
        schedule { when: 1_000, maybe_periodic, priority, call: call(5) },
        schedule { when: 9, maybe_periodic, priority, call: Box::new(remark(5)) },
        cancel { when: 1_000, index: 1 },
        schedule_named { id: [9; 32], when: 1_000, maybe_periodic, priority, call: call(6) },
        cancel_named { id: [1; 32] },
        schedule_after { after: 7, maybe_periodic, priority, call: call(7) },
        schedule_named_after { id: [9; 32], after: 7, maybe_periodic, priority, call: call(8) },
        set_retry { task: (1_000, 1), retries: 1, period: 1 },
        set_retry_named { id: [1; 32], retries: 1, period: 1 },
        cancel_retry { task: (1_000, 1) },
        cancel_retry_named { id: [1; 32] },
    ]
    .map(|call| (Origin::Root, RuntimeCall::Scheduler(call)))
    .into()
}
