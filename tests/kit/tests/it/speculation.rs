//! What running ahead costs: for blocks of payments that have to do with each other only by fees, issuance, events and
//! hot receivers, nothing is run twice, whatever the timing.

use std::num::NonZeroUsize;

use basalt_executor::{Executor, Mode, Report};
use basalt_primitives::{AccountId, AccountId32, Era, Extra, MultiAddress, MultiSignature, extrinsic};
use basalt_runtime::{RuntimeCall, UNIT};
use basalt_runtime_api::{Runtime as _, Verified};
use parity_scale_codec::Encode;

use crate::world::{World, told_remark, transfer};

/// Accounts that take part, all of whom exist.
const CROWD: u8 = 200;
/// How often each block is run in each mode: timing differs.
const TIMES: usize = 20;

fn who(number: u8) -> AccountId {
    AccountId32([number + 1; 32])
}

fn crowd() -> World {
    World::with(&(0..CROWD).map(who).collect::<Vec<_>>())
}

/// As if the signature had been verified. Each pays a tip: that goes to the author, as a share of the fees does.
fn by(world: &World, sender: u8, nonce: u32, call: &RuntimeCall) -> Verified {
    let extra = Extra { era: Era::Immortal, nonce, tip: 1 + u128::from(sender), metadata_hash_mode: 0 };
    let address = MultiAddress::Id(who(sender));
    let bytes = extrinsic::encode_signed(&address, &MultiSignature::Sr25519([1; 64]), &extra, &call.encode());
    let transaction = world.ledger.runtime.inspect(bytes).unwrap();
    Verified::assume(std::sync::Arc::new(transaction), world.ledger.genesis_hash)
}

/// How the block was run with 2, 4 and 8 threads, many times. Nothing ever was run twice.
fn reports(world: &mut World, signed: Vec<Verified>) -> Vec<Report> {
    let transactions = [world.ledger.transactions(vec![]), signed].concat();
    let mut reports = Vec::new();
    for threads in [2, 4, 8] {
        // Not those that tests share: what other blocks made of their trust would show here.
        let executor = Executor::new(Mode::Parallel(NonZeroUsize::new(threads).unwrap())).unwrap();
        for _ in 0..TIMES {
            let ledger = &world.ledger;
            let (executed, report) =
                executor.execute(&ledger.runtime, &ledger.state, &ledger.env(), &transactions).unwrap();
            assert_eq!(executed.receipts.len(), transactions.len());
            assert_eq!(
                (report.executions as usize, report.re_executions),
                (transactions.len(), 0),
                "{threads} threads: {report:?}"
            );
            reports.push(report);
        }
    }
    world.ledger.block_of(&transactions).expect("the block is valid in every mode");
    reports
}

#[test]
fn distinct_pairs_never_run_twice() {
    let mut world = crowd();
    let half = CROWD / 2;
    let signed = (0..half).map(|sender| by(&world, sender, 0, &transfer(who(half + sender), UNIT))).collect();
    for report in reports(&mut world, signed) {
        assert_eq!(
            (report.sequential, report.parked),
            (1, 0),
            "the time alone is set in sequence: {report:?}"
        );
    }
}

#[test]
fn a_hot_receiver_makes_nothing_run_twice() {
    let mut world = crowd();
    let signed = (1..CROWD).map(|sender| by(&world, sender, 0, &transfer(who(0), UNIT))).collect();
    for report in reports(&mut world, signed) {
        assert_eq!((report.sequential, report.parked), (1, 0), "{report:?}");
    }
}

#[test]
fn one_sender_makes_nothing_run_twice() {
    let mut world = crowd();
    let signed = (1..CROWD).map(|to| by(&world, 0, u32::from(to) - 1, &transfer(who(to), UNIT))).collect();
    for report in reports(&mut world, signed) {
        assert_eq!(report.sequential, u32::from(CROWD), "a chain is faster in sequence: {report:?}");
    }
    // Beside others it waits for itself.
    let nonce = world.account(who(0)).nonce;
    let signed = (1..CROWD)
        .flat_map(|sender| {
            let to = who(sender % (CROWD - 1) + 1);
            let chained = by(&world, 0, nonce + u32::from(sender) - 1, &told_remark("next"));
            [chained, by(&world, sender, 0, &transfer(to, UNIT))]
        })
        .collect();
    for report in reports(&mut world, signed) {
        assert_eq!(report.sequential, 1, "{report:?}");
    }
}

#[test]
fn fees_issuance_and_events_make_nothing_run_twice() {
    let mut world = crowd();
    // Each burns something, tells something, and fails at something: all three are in every block's books.
    let signed = (0..CROWD)
        .map(|sender| match sender % 3 {
            0 => RuntimeCall::Balances(crate::world::balances::Call::burn { value: UNIT, keep_alive: true }),
            1 => told_remark("told"),
            _ => transfer(who(sender), 1_000_000 * UNIT),
        })
        .enumerate()
        .map(|(sender, call)| by(&world, sender as u8, 0, &call))
        .collect();
    for report in reports(&mut world, signed) {
        assert_eq!((report.sequential, report.parked), (1, 0), "{report:?}");
    }
}
