//! Whole decisions on the composed runtime, in all execution modes.

use basalt_pallet_conviction_voting as voting;
use basalt_pallet_origins::Origin as TrackOrigin;
use basalt_pallet_preimage::{Bounded, InlineCall};
use basalt_pallet_referenda as referenda;
use basalt_pallet_scheduler as scheduler;
use basalt_primitives::{AccountId, Balance, DispatchError};
use basalt_runtime::{
    Amount, BALANCES, BalancesGenesis, GenesisConfig, GovernanceGenesis, LIMITS, OriginCaller, RuntimeCall,
    RuntimeEvent, SudoGenesis, TREASURY_ACCOUNT, UNIT,
    governance::{HOURS, RawOrigin},
    parameters::{RuntimeParameters, of_governance},
};
use basalt_test_kit::{Ledger, Sender};
use parity_scale_codec::Encode;

use crate::world::{as_root, balances, remark, system, transfer};

/// A chain whose hour is a block: `small_spender` prepares 4, confirms 12 and enacts after 1.
fn quick() -> (Ledger, Sender, Sender) {
    let [alice, bob] = ["Alice", "Bob"].map(Sender::dev);
    let mut rich: Vec<(AccountId, Amount)> =
        [&alice, &bob].iter().map(|who| (who.account(), Amount(100_000 * UNIT))).collect();
    rich.push((TREASURY_ACCOUNT, Amount(5_000 * UNIT)));
    let ledger = Ledger::new(&GenesisConfig {
        balances: BalancesGenesis { balances: rich },
        sudo: SudoGenesis { key: Some(alice.account()) },
        governance: GovernanceGenesis { pace: HOURS, technical_committee: vec![] },
        ..GenesisConfig::default()
    });
    (ledger, alice, bob)
}

fn events(ledger: &Ledger) -> Vec<RuntimeEvent> {
    let records = system::events::<RuntimeEvent>().get_or_default(&ledger.state).unwrap();
    records.into_iter().map(|record| record.event).collect()
}

/// Makes blocks until something happens, at most so many.
fn wait(ledger: &mut Ledger, most: u32, wanted: impl Fn(&RuntimeEvent) -> bool) -> RuntimeEvent {
    for _ in 0..most {
        ledger.block(vec![]).unwrap();
        if let Some(event) = events(ledger).into_iter().find(&wanted) {
            return event;
        }
    }
    panic!("it does not happen within {most} blocks")
}

fn block(ledger: &mut Ledger, who: &mut Sender, calls: &[RuntimeCall]) -> Vec<Result<(), DispatchError>> {
    let signed = calls.iter().map(|call| who.sign(ledger.genesis_hash, call)).collect();
    let executed = ledger.block(signed).unwrap();
    executed.receipts.iter().skip(1).map(|receipt| receipt.result).collect()
}

fn submit(origin: OriginCaller, call: &RuntimeCall) -> RuntimeCall {
    RuntimeCall::Referenda(referenda::Call::submit {
        proposal_origin: Box::new(origin),
        proposal: Bounded::Inline(InlineCall::try_from(call.encode()).unwrap()),
        enactment_moment: scheduler::DispatchTime::After(0),
    })
}

fn small(call: &RuntimeCall) -> RuntimeCall {
    submit(OriginCaller::Origins(TrackOrigin::SmallSpender), call)
}

fn deposit(index: u32) -> RuntimeCall {
    RuntimeCall::Referenda(referenda::Call::place_decision_deposit { index })
}

fn aye(poll_index: u32, balance: Balance) -> RuntimeCall {
    let vote = voting::Vote { aye: true, conviction: voting::Conviction::Locked1x };
    let vote = voting::AccountVote::Standard { vote, balance };
    RuntimeCall::ConvictionVoting(voting::Call::vote { poll_index, vote })
}

fn spend(amount: Balance) -> RuntimeCall {
    RuntimeCall::Treasury(basalt_pallet_treasury::Call::spend_local {
        amount,
        beneficiary: Sender::dev("Eve").address(),
    })
}

fn parameter(value: Balance) -> RuntimeCall {
    let set = of_governance::Parameters::SubmissionDeposit(of_governance::SubmissionDeposit, Some(value));
    RuntimeCall::Parameters(basalt_pallet_parameters::Call::set_parameter {
        key_value: RuntimeParameters::Governance(set),
    })
}

fn approved(event: &RuntimeEvent) -> bool {
    matches!(event, RuntimeEvent::Referenda(referenda::Event::Approved { .. }))
}

#[test]
fn the_treasury_pays_what_a_vote_has_decided() {
    let (mut ledger, mut alice, _) = quick();
    let calls = [small(&spend(700 * UNIT)), deposit(0), aye(0, 90_000 * UNIT)];
    assert_eq!(block(&mut ledger, &mut alice, &calls), [Ok(()); 3]);
    wait(&mut ledger, 20, approved);
    wait(&mut ledger, 40, |event| {
        matches!(event, RuntimeEvent::Treasury(basalt_pallet_treasury::Event::Awarded { .. }))
    });
    let eve = Sender::dev("Eve").account();
    assert_eq!(BALANCES.free_balance(&ledger.state, &eve), Ok(700 * UNIT));
    // The deposits come back.
    let refunds = [
        RuntimeCall::Referenda(referenda::Call::refund_decision_deposit { index: 0 }),
        RuntimeCall::Referenda(referenda::Call::refund_submission_deposit { index: 0 }),
    ];
    assert_eq!(block(&mut ledger, &mut alice, &refunds), [Ok(()); 2]);
    let account = balances::types::AccountData::default();
    let data = system::ACCOUNT.get_or_default(&ledger.state, &alice.account()).unwrap().data;
    assert_eq!((data.reserved, account.reserved), (0, 0));
    // What was voted with is locked.
    let all = transfer(eve, 99_000 * UNIT);
    assert!(block(&mut ledger, &mut alice, &[all])[0].is_err());
}

#[test]
fn who_may_spend_little_does_not_spend_much() {
    let (mut ledger, mut alice, _) = quick();
    // It is the state at enactment that says how much may be spent.
    let calls = [small(&spend(1_001 * UNIT)), deposit(0), aye(0, 90_000 * UNIT)];
    assert_eq!(block(&mut ledger, &mut alice, &calls), [Ok(()); 3]);
    let told = wait(&mut ledger, 40, |event| {
        matches!(event, RuntimeEvent::Scheduler(scheduler::Event::Dispatched { .. }))
    });
    let RuntimeEvent::Scheduler(scheduler::Event::Dispatched { result, .. }) = told else { panic!() };
    let too_much = basalt_pallet_treasury::Error::InsufficientPermission;
    assert_eq!(result, Err(crate::world::module(26, too_much as u8)));
}

#[test]
fn what_no_enactment_could_do_is_refused_at_once() {
    let (mut ledger, mut alice, _) = quick();
    let admin = || OriginCaller::Origins(TrackOrigin::ParameterAdmin);
    let root = || OriginCaller::system(RawOrigin::Root);
    let error = |error: referenda::Error| Err(crate::world::module(22, error as u8));
    let batch = crate::world::batch(vec![remark(1), parameter(0)]);
    let calls = [
        small(&parameter(2 * UNIT)),
        submit(admin(), &parameter(1)),
        submit(root(), &batch),
        submit(OriginCaller::system(RawOrigin::None), &remark(1)),
        submit(root(), &crate::world::heavy(LIMITS.weight_max.ref_time / 5_000_000)),
    ];
    assert_eq!(
        block(&mut ledger, &mut alice, &calls),
        [
            error(referenda::Error::Forbidden),
            error(referenda::Error::OutOfBounds),
            error(referenda::Error::OutOfBounds),
            error(referenda::Error::NoTrack),
            error(referenda::Error::Overweight),
        ]
    );
}

#[test]
fn a_parameter_is_another_one_in_the_next_block() {
    let (mut ledger, mut alice, mut bob) = quick();
    let reserved = |ledger: &Ledger, who: &Sender| {
        system::ACCOUNT.get_or_default(&ledger.state, &who.account()).unwrap().data.reserved
    };
    block(&mut ledger, &mut alice, &[as_root(parameter(3 * UNIT))]);
    assert_eq!(block(&mut ledger, &mut bob, &[small(&spend(1))]), [Ok(())]);
    assert_eq!(reserved(&ledger, &bob), 3 * UNIT);
}

#[test]
fn what_tasks_weigh_counts_in_the_block() {
    let (mut ledger, mut alice, _) = quick();
    let before = ledger.block(vec![]).unwrap().weight.ref_time;
    let heavy = RuntimeCall::Scheduler(scheduler::Call::schedule_after {
        after: 0,
        maybe_periodic: None,
        priority: 0,
        call: Box::new(RuntimeCall::System(system::Call::remark { remark: vec![0; 100_000] })),
    });
    assert_eq!(block(&mut ledger, &mut alice, &[as_root(heavy)]), [Ok(())]);
    let after = ledger.block(vec![]).unwrap().weight.ref_time;
    // 100,000 bytes are looked up and hashed: 100 µs each time at least.
    assert!(after > before + 100_000_000, "{before} {after}");
    let stored = system::BLOCK_WEIGHT.get_or_default(&ledger.state).unwrap();
    assert_eq!(stored.normal.ref_time + stored.operational.ref_time + stored.mandatory.ref_time, after);
}
