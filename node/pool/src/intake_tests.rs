//! The intake without pool or threads.

use basalt_primitives::{DispatchClass, Pays, Weight};
use basalt_runtime_api::DispatchInfo;
use tokio::sync::{Semaphore, oneshot};

use super::*;

type Answer = oneshot::Receiver<Vec<Result<H256, PoolError>>>;

fn hash(number: u64) -> H256 {
    let mut hash = H256::zero();
    hash.0[..8].copy_from_slice(&number.to_be_bytes());
    hash
}

fn transaction(number: u64) -> Transaction {
    let info = DispatchInfo { weight: Weight::default(), class: DispatchClass::Normal, pays_fee: Pays::Yes };
    Transaction {
        hash: hash(number),
        bytes: Vec::new(),
        call_offset: 0,
        signed: None,
        info,
        touches: Vec::new(),
    }
}

/// A call for these transactions, all of which wait.
fn submit(intake: &mut Intake, numbers: std::ops::Range<u64>) -> Answer {
    let (reply, answer) = oneshot::channel();
    let permit = || Arc::new(Semaphore::new(1)).try_acquire_owned().expect("it is new");
    let count = numbers.clone().count();
    let call = intake.begin_call(count, reply, Room::new(permit(), permit()));
    for (place, number) in numbers.enumerate() {
        intake.wait(call, place, transaction(number), false);
    }
    answer
}

fn done(number: u64) -> Done {
    Done { number, height: 0, outcomes: Ok(Vec::new()) }
}

fn hashes(items: &[Item]) -> Vec<H256> {
    items.iter().map(|item| item.transaction.hash).collect()
}

#[test]
fn batches_finish_in_the_order_of_submission_whoever_is_done_first() {
    let mut intake = Intake::default();
    let mut answer = submit(&mut intake, 0..6);
    for number in 0..3 {
        let (begun, transactions) = intake.next(2, 2).expect("six wait");
        assert_eq!((begun, transactions.len()), (number, 2));
    }
    assert_eq!(intake.last_begun(), Some(2));
    intake.done(done(2));
    intake.done(done(1));
    assert!(intake.finish().is_none(), "the first is not done");
    intake.done(done(0));
    for expected in [[0, 1], [2, 3], [4, 5]] {
        assert!(answer.try_recv().is_err(), "not all are settled");
        let (items, _) = intake.finish().expect("all are done");
        assert_eq!(hashes(&items), expected.map(hash));
        for item in &items {
            assert!(!intake.contains(&item.transaction.hash));
            intake.settle_item(item, Ok(item.transaction.hash));
        }
    }
    let outcomes = answer.try_recv().expect("all are settled");
    assert_eq!(outcomes, (0..6).map(|number| Ok(hash(number))).collect::<Vec<_>>());
    assert_eq!(intake.last_begun(), None);
}

#[test]
fn each_thread_has_one_batch_and_one_is_in_line() {
    let mut intake = Intake::default();
    let _answer = submit(&mut intake, 0..10);
    for _ in 0..3 {
        assert!(intake.next(2, 1).is_some());
    }
    assert!(intake.next(2, 1).is_none(), "two threads are busy, and one batch is in line");
    intake.done(done(1));
    assert!(intake.next(2, 1).is_some());
}

#[test]
fn idle_threads_share_what_is_worth_it() {
    let len = |waiting, batch_max| {
        let mut intake = Intake::default();
        let _answer = submit(&mut intake, 0..waiting);
        intake.next(4, batch_max).map(|(_, transactions)| transactions.len())
    };
    assert_eq!(len(0, 1024), None);
    assert_eq!(len(1, 1024), Some(1));
    assert_eq!(len(200, 1024), Some(200), "a batch as small as that is not divided");
    assert_eq!(len(2000, 1024), Some(500));
    assert_eq!(len(8000, 1024), Some(1024));
    assert_eq!(len(8000, 0), Some(1), "a nonsensical limit does not stop the pool");
}
