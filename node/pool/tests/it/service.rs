//! The service on its real thread, against the toy chain.

use std::{
    future::Future,
    sync::{Arc, Condvar, Mutex},
};

use basalt_pool::{
    BlockUpdate, Full, Head, Limits, PoolErrorKind, PoolHandle, PoolService, TransactionStatus, start,
};
use basalt_primitives::{H256, InvalidTransaction, TransactionValidityError, keys::Scheme};
use basalt_runtime_api::Refusal;
use basalt_state::{Memory, StateError, StateRead};
use basalt_verifier::Verifier;
use parity_scale_codec::Encode;
use tokio::{runtime::Builder, sync::mpsc};

use crate::toy::{self, Order, Toy, badly_signed, block_hash, pair, signed};

struct Fixture {
    pool: PoolHandle,
    service: PoolService,
    verifier: Arc<Verifier>,
}

fn limits() -> Limits {
    Limits { queue_commands_max: 100, queue_bytes_max: 1 << 20, ..Limits::tiny() }
}

fn head(number: u32, state: &Memory) -> Head {
    Head { hash: block_hash(number), number, state: Arc::new(state.clone()) }
}

fn fixture(limits: Limits) -> Fixture {
    let verifier = Arc::new(Verifier::new(1000));
    let (pool, service) = start(Arc::new(Toy), Arc::clone(&verifier), head(0, &Memory::default()), limits)
        .expect("there are threads");
    Fixture { pool, service, verifier }
}

fn run<T>(future: impl Future<Output = T>) -> T {
    Builder::new_current_thread().build().expect("a runtime without drivers needs nothing").block_on(future)
}

fn update(number: u32, state: &Memory, included: &[H256]) -> BlockUpdate {
    BlockUpdate {
        head: head(number, state),
        enacted: vec![(block_hash(number), included.to_vec())],
        retracted: vec![],
    }
}

fn refusal(kind: &PoolErrorKind) -> Option<TransactionValidityError> {
    match kind {
        PoolErrorKind::Refused(Refusal { error, .. }) => Some(*error),
        _ => None,
    }
}

async fn all(mut statuses: mpsc::Receiver<TransactionStatus>) -> Vec<TransactionStatus> {
    let mut seen = Vec::new();
    while let Some(status) = statuses.recv().await {
        seen.push(status);
    }
    seen
}

#[test]
fn a_watched_transaction_is_ready_then_in_a_block_then_final_and_then_the_stream_ends() {
    let Fixture { pool, service, .. } = fixture(limits());
    let alice = pair(Scheme::Sr25519, 1);
    let bytes = signed(&alice, Order::new(0, 1));
    run(async {
        let mut ready = pool.subscribe_ready();
        let (hash, mut statuses) = pool.submit_and_watch(bytes.clone()).await.expect("it is good");
        assert_eq!(hash, toy::hash(&bytes));
        assert_eq!(statuses.recv().await, Some(TransactionStatus::Ready));
        ready.changed().await.expect("the pool runs");
        assert_eq!(*ready.borrow(), 1);
        assert_eq!(pool.pending().await.len(), 1);
        assert_eq!(pool.next_nonce(&alice.account_id()).await, Ok(1));

        let mut state = Memory::default();
        toy::set_nonce(&mut state, &alice.account_id(), 1);
        pool.on_block(update(1, &state, &[hash])).await;
        assert_eq!(*pool.subscribe_head().borrow(), (block_hash(1), 1));
        assert!(pool.ready().await.is_empty());
        assert_eq!(pool.next_nonce(&alice.account_id()).await, Ok(1));
        pool.on_finalized(vec![(block_hash(1), vec![hash])]).await;
        assert_eq!(
            all(statuses).await,
            [TransactionStatus::InBlock(block_hash(1)), TransactionStatus::Finalized(block_hash(1))]
        );
        let again = pool.submit(bytes).await.expect_err("it was just included");
        assert_eq!(again.kind, PoolErrorKind::Banned);
    });
    service.stop();
}

#[test]
fn a_transaction_of_a_retracted_block_is_ready_again() {
    let Fixture { pool, service, .. } = fixture(limits());
    let alice = pair(Scheme::Sr25519, 1);
    let bytes = signed(&alice, Order::new(0, 1));
    run(async {
        let (hash, statuses) = pool.submit_and_watch(bytes.clone()).await.expect("it is good");
        let mut state = Memory::default();
        toy::set_nonce(&mut state, &alice.account_id(), 1);
        pool.on_block(update(1, &state, &[hash])).await;
        let fork = BlockUpdate {
            head: Head { hash: H256::repeat_byte(7), number: 1, state: Arc::new(Memory::default()) },
            enacted: vec![(H256::repeat_byte(7), vec![])],
            retracted: vec![(block_hash(1), vec![bytes])],
        };
        pool.on_block(fork).await;
        assert_eq!(pool.ready().await.iter().map(|ready| ready.hash).collect::<Vec<_>>(), [hash]);
        pool.on_block(update(2, &state, &[hash])).await;
        // The pool goes, and with it the watchers: so the stream ends.
        service.stop();
        assert_eq!(
            all(statuses).await,
            [
                TransactionStatus::Ready,
                TransactionStatus::InBlock(block_hash(1)),
                TransactionStatus::Retracted(block_hash(1)),
                TransactionStatus::Ready,
            ],
            "the tiny limit of unread statuses is four, so the fifth ends the watch"
        );
    });
}

#[test]
fn a_transaction_in_both_old_and_new_blocks_is_not_let_in_again() {
    let Fixture { pool, service, .. } = fixture(limits());
    let alice = pair(Scheme::Sr25519, 1);
    let bytes = signed(&alice, Order::new(0, 1));
    run(async {
        let (hash, mut statuses) = pool.submit_and_watch(bytes.clone()).await.expect("it is good");
        let mut state = Memory::default();
        toy::set_nonce(&mut state, &alice.account_id(), 1);
        pool.on_block(update(1, &state, &[hash])).await;
        let fork =
            BlockUpdate { retracted: vec![(block_hash(1), vec![bytes])], ..update(2, &state, &[hash]) };
        pool.on_block(fork).await;
        assert!(pool.ready().await.is_empty());
        for expected in [
            TransactionStatus::Ready,
            TransactionStatus::InBlock(block_hash(1)),
            TransactionStatus::Retracted(block_hash(1)),
            TransactionStatus::InBlock(block_hash(2)),
        ] {
            assert_eq!(statuses.recv().await, Some(expected));
        }
    });
    service.stop();
}

#[test]
fn each_bad_transaction_gets_its_own_error_and_the_good_ones_beside_it_pass() {
    let Fixture { pool, service, verifier } = fixture(limits());
    let (alice, bob, poor) = (pair(Scheme::Sr25519, 1), pair(Scheme::Ed25519, 2), pair(Scheme::Ecdsa, 3));
    let mut state = Memory::default();
    state.0.insert(toy::poor_key(&poor.account_id()), vec![]);
    toy::set_nonce(&mut state, &bob.account_id(), 5);
    run(async {
        pool.on_block(update(1, &state, &[])).await;
        let good = signed(&alice, Order::new(0, 1));
        let outcomes = pool
            .submit_many(vec![
                good.clone(),
                badly_signed(&alice, Order::new(1, 1)),
                signed(&bob, Order::new(4, 1)),
                signed(&poor, Order::new(0, 1)),
                vec![0xff],
                vec![0; limits().transaction_bytes_max + 1],
                good.clone(),
                signed(&bob, Order::new(5, 1)),
            ])
            .await;
        let invalid = |error| Some(TransactionValidityError::Invalid(error));
        let kinds: Vec<_> =
            outcomes.iter().map(|outcome| outcome.as_ref().map_err(|error| &error.kind)).collect();
        assert_eq!(kinds[0], Ok(&toy::hash(&good)));
        assert_eq!(kinds[1].err().and_then(refusal), invalid(InvalidTransaction::BadProof));
        assert_eq!(kinds[2].err().and_then(refusal), invalid(InvalidTransaction::Stale));
        assert_eq!(kinds[3].err().and_then(refusal), invalid(InvalidTransaction::Payment));
        assert_eq!(kinds[4].err().and_then(refusal), invalid(InvalidTransaction::Call));
        assert_eq!(kinds[5].err().and_then(refusal), invalid(InvalidTransaction::ExhaustsResources));
        assert_eq!(kinds[6].err(), Some(&PoolErrorKind::AlreadyImported));
        assert!(kinds[7].is_ok());
        assert_eq!(pool.status().await.ready, 2);

        let checked = verifier.checked();
        let again = pool.submit(badly_signed(&alice, Order::new(1, 1))).await.expect_err("still bad");
        // sr25519 signatures are randomised, so this one has another hash, and is checked.
        assert_eq!(refusal(&again.kind), invalid(InvalidTransaction::BadProof));
        assert_eq!(verifier.checked(), checked + 1);
        let error = pool.submit(good).await.expect_err("it is there");
        assert_eq!(error.kind, PoolErrorKind::AlreadyImported);
        assert_eq!(verifier.checked(), checked + 1, "what is known is not checked again");
    });
    service.stop();
}

#[test]
fn the_same_bad_transaction_is_checked_once() {
    let Fixture { pool, service, verifier } = fixture(limits());
    let bad = badly_signed(&pair(Scheme::Sr25519, 1), Order::new(0, 1));
    run(async {
        assert!(pool.submit(bad.clone()).await.is_err());
        let error = pool.submit(bad).await.expect_err("still bad");
        assert_eq!(error.kind, PoolErrorKind::Banned);
        assert_eq!(verifier.checked(), 1);
    });
    service.stop();
}

#[test]
fn what_a_block_made_unpayable_is_found_and_its_watcher_told() {
    let Fixture { pool, service, .. } = fixture(limits());
    let alice = pair(Scheme::Sr25519, 1);
    run(async {
        let first = pool.submit(signed(&alice, Order::new(0, 1))).await.expect("it is good");
        let (_, statuses) =
            pool.submit_and_watch(signed(&alice, Order::new(1, 1))).await.expect("it is good");
        let mut state = Memory::default();
        toy::set_nonce(&mut state, &alice.account_id(), 1);
        state.0.insert(toy::poor_key(&alice.account_id()), vec![]);
        pool.on_block(update(1, &state, &[first])).await;
        assert_eq!(all(statuses).await, [TransactionStatus::Ready, TransactionStatus::Invalid]);
        assert_eq!(pool.status().await.ready, 0);
    });
    service.stop();
}

#[test]
fn what_the_block_maker_refused_is_gone_and_its_watcher_told() {
    let Fixture { pool, service, .. } = fixture(limits());
    run(async {
        let bytes = signed(&pair(Scheme::Sr25519, 1), Order::new(0, 1));
        let (hash, statuses) = pool.submit_and_watch(bytes).await.expect("it is good");
        pool.remove(vec![hash]).await;
        assert_eq!(all(statuses).await, [TransactionStatus::Ready, TransactionStatus::Invalid]);
    });
    service.stop();
}

#[test]
fn a_replaced_transaction_hears_of_it() {
    let Fixture { pool, service, .. } = fixture(limits());
    let alice = pair(Scheme::Sr25519, 1);
    run(async {
        let (_, statuses) =
            pool.submit_and_watch(signed(&alice, Order::new(0, 10))).await.expect("it is good");
        let hash = pool.submit(signed(&alice, Order::new(0, 11))).await.expect("it pays a tenth more");
        assert_eq!(all(statuses).await, [TransactionStatus::Ready, TransactionStatus::Usurped(hash)]);
    });
    service.stop();
}

#[test]
fn a_block_that_is_not_finalized_in_time_ends_the_watch() {
    let Fixture { pool, service, .. } = fixture(limits());
    let alice = pair(Scheme::Sr25519, 1);
    run(async {
        let (hash, statuses) =
            pool.submit_and_watch(signed(&alice, Order::new(0, 1))).await.expect("it is good");
        let mut state = Memory::default();
        toy::set_nonce(&mut state, &alice.account_id(), 1);
        pool.on_block(update(1, &state, &[hash])).await;
        for number in 2..=5 {
            pool.on_block(update(number, &state, &[])).await;
        }
        let seen = all(statuses).await;
        assert_eq!(seen.last(), Some(&TransactionStatus::FinalityTimeout(block_hash(1))));
    });
    service.stop();
}

#[test]
fn watchers_are_bounded_and_those_who_left_make_room() {
    let Fixture { pool, service, .. } = fixture(limits());
    let alice = pair(Scheme::Sr25519, 1);
    run(async {
        let (_, first) = pool.submit_and_watch(signed(&alice, Order::new(0, 1))).await.expect("it is good");
        let (_, second) = pool.submit_and_watch(signed(&alice, Order::new(1, 1))).await.expect("it is good");
        let third = signed(&alice, Order::new(2, 1));
        let error = pool.submit_and_watch(third.clone()).await.expect_err("two are the limit");
        assert_eq!(error.kind, PoolErrorKind::Full(Full::Watchers));
        drop(first);
        pool.submit_and_watch(third).await.expect("one left");
        drop(second);
    });
    service.stop();
}

#[test]
fn offers_end_where_a_block_is_full() {
    let Fixture { pool, service, .. } = fixture(Limits {
        bytes_max: 1 << 20,
        sender_bytes_max: 1 << 20,
        transaction_bytes_max: 1 << 20,
        ..limits()
    });
    let alice = pair(Scheme::Sr25519, 1);
    run(async {
        for nonce in 0..4 {
            let payload = vec![0; toy::BLOCK_BYTES_MAX as usize / 2];
            pool.submit(signed(&alice, Order { payload, ..Order::new(nonce, 1) })).await.expect("it is good");
        }
        let nonces: Vec<_> =
            pool.ready().await.iter().map(|ready| ready.signed.as_ref().expect("signed").nonce).collect();
        assert_eq!(nonces, [0, 1]);
    });
    service.stop();
}

/// A state that keeps the pool's thread in a read until told to go on.
#[derive(Default)]
struct Gate {
    /// Readers that wait, and whether the gate is open.
    state: Mutex<(usize, bool)>,
    changed: Condvar,
}

impl Gate {
    fn open(&self) {
        self.state.lock().expect("no test panics here").1 = true;
        self.changed.notify_all();
    }

    fn wait_for_reader(&self) {
        let state = self.state.lock().expect("no test panics here");
        drop(self.changed.wait_while(state, |(readers, _)| *readers == 0).expect("no test panics here"));
    }
}

impl StateRead for Gate {
    fn get(&self, _: &[u8]) -> Result<Option<Vec<u8>>, StateError> {
        let mut state = self.state.lock().expect("no test panics here");
        state.0 += 1;
        self.changed.notify_all();
        drop(self.changed.wait_while(state, |(_, open)| !*open).expect("no test panics here"));
        Ok(None)
    }

    fn next_key(&self, _: &[u8]) -> Result<Option<Vec<u8>>, StateError> {
        Ok(None)
    }
}

/// Starts a pool one of whose threads is at work on a first transaction until the gate opens.
fn busy(limits: Limits) -> (PoolHandle, PoolService, Arc<Gate>, std::thread::JoinHandle<bool>) {
    let gate = Arc::new(Gate::default());
    let head = Head { hash: block_hash(0), number: 0, state: Arc::clone(&gate) as _ };
    let (pool, service) =
        start(Arc::new(Toy), Arc::new(Verifier::new(10)), head, limits).expect("there are threads");
    let first = {
        let pool = pool.clone();
        let bytes = signed(&pair(Scheme::Sr25519, 1), Order::new(0, 1));
        std::thread::spawn(move || run(pool.submit(bytes)).is_ok())
    };
    gate.wait_for_reader();
    (pool, service, gate, first)
}

#[test]
fn questions_and_blocks_do_not_wait_for_signatures() {
    let (pool, service, gate, first) = busy(limits());
    run(async {
        assert_eq!(pool.status().await, basalt_pool::PoolStatus::default());
        assert!(pool.ready().await.is_empty());
        pool.on_block(update(1, &Memory::default(), &[])).await;
        assert_eq!(*pool.subscribe_head().borrow(), (block_hash(1), 1));
        // What is on its way is not checked twice.
        let again = signed(&pair(Scheme::Ed25519, 9), Order::new(0, 1));
        let mut waiting = Box::pin(pool.submit(again.clone()));
        assert!(is_pending(waiting.as_mut()).await);
        let error = pool.submit(again).await.expect_err("it is on its way");
        assert_eq!(error.kind, PoolErrorKind::AlreadyImported);
        gate.open();
        assert!(waiting.await.is_ok());
    });
    assert!(first.join().expect("it does not panic"));
    service.stop();
}

#[test]
fn what_a_block_used_up_during_the_check_is_refused_as_stale() {
    let (pool, service, gate, first) = busy(limits());
    let mut state = Memory::default();
    toy::set_nonce(&mut state, &pair(Scheme::Sr25519, 1).account_id(), 1);
    run(pool.on_block(update(1, &state, &[])));
    gate.open();
    assert!(!first.join().expect("it does not panic"), "its nonce is used in the new state");
    assert_eq!(run(pool.status()), basalt_pool::PoolStatus::default());
    service.stop();
}

#[test]
fn what_was_checked_on_a_retracted_branch_is_checked_again() {
    let (pool, service, gate, first) = busy(limits());
    // On the other branch the birth hash is another one, so the signature is of something else.
    let mut state = Memory::default();
    state.0.insert(b"birth".to_vec(), vec![7; 32]);
    let other = BlockUpdate { retracted: vec![(block_hash(9), vec![])], ..update(1, &state, &[]) };
    run(pool.on_block(other));
    gate.open();
    assert!(!first.join().expect("it does not panic"), "it was signed for the other branch");
    assert_eq!(run(pool.status()), basalt_pool::PoolStatus::default());
    service.stop();
}

#[test]
fn when_too_much_waits_submissions_are_refused_at_once() {
    // One is being checked, and two may wait; so the third of Bob's finds no room.
    let (pool, service, gate, first) = busy(Limits::tiny());
    let bob = pair(Scheme::Sr25519, 2);
    let mut waiting: Vec<_> =
        (0..3).map(|nonce| Box::pin(pool.submit(signed(&bob, Order::new(nonce, 1))))).collect();
    run(async {
        let third = waiting.pop().expect("three were made");
        for submission in &mut waiting {
            assert!(is_pending(submission.as_mut()).await, "it waits for the thread");
        }
        let error = third.await.expect_err("two wait already");
        assert_eq!(error.kind, PoolErrorKind::Full(Full::Queue));
        assert_eq!(error.code(), 1016);
        gate.open();
        for submission in waiting {
            assert!(submission.await.is_ok());
        }
    });
    assert!(first.join().expect("it does not panic"));
    service.stop();
}

#[test]
fn the_bytes_that_wait_are_bounded_too() {
    let limits = Limits { queue_commands_max: 100, queue_bytes_max: 2100, ..Limits::tiny() };
    let (pool, service, gate, first) = busy(limits);
    let bob = pair(Scheme::Sr25519, 2);
    run(async {
        let bytes = |nonce| signed(&bob, Order { payload: vec![0; 100], ..Order::new(nonce, 1) });
        let mut waiting = Box::pin(pool.submit(bytes(0)));
        assert!(is_pending(waiting.as_mut()).await);
        let mut outcomes = Box::pin(pool.submit_many(vec![bytes(1), bytes(2)]));
        assert!(is_pending(outcomes.as_mut()).await);
        gate.open();
        let outcomes = outcomes.await;
        assert!(outcomes[0].is_ok());
        assert_eq!(outcomes[1].as_ref().map_err(|error| &error.kind), Err(&PoolErrorKind::Full(Full::Queue)));
        assert!(waiting.await.is_ok());
        pool.submit(bytes(2)).await.expect("room is given back");
    });
    assert!(first.join().expect("it does not panic"));
    service.stop();
}

/// Polls once; whether it is pending.
async fn is_pending<F: Future>(mut future: std::pin::Pin<&mut F>) -> bool {
    std::future::poll_fn(|context| std::task::Poll::Ready(future.as_mut().poll(context).is_pending())).await
}

#[test]
fn after_the_stop_whoever_asks_is_told_so() {
    let Fixture { pool, service, .. } = fixture(limits());
    service.stop();
    run(async {
        let error = pool.submit(signed(&pair(Scheme::Sr25519, 1), Order::new(0, 1))).await;
        assert_eq!(error.map_err(|error| error.kind), Err(PoolErrorKind::Stopped));
        assert!(pool.ready().await.is_empty());
        pool.on_block(update(1, &Memory::default(), &[])).await;
    });
}

#[test]
fn the_thread_ends_when_the_last_handle_is_dropped() {
    let Fixture { pool, service, .. } = fixture(limits());
    let other = pool.clone();
    drop(pool);
    assert_eq!(run(other.status()), basalt_pool::PoolStatus::default());
    drop(other);
    service.wait();
}

#[test]
fn many_submitters_at_once_all_get_their_own_answer() {
    let Fixture { pool, service, verifier } =
        fixture(Limits { transactions_max: 1000, bytes_max: 1 << 20, queue_commands_max: 1000, ..limits() });
    let threads: Vec<_> = (1..=8_u8)
        .map(|seed| {
            let pool = pool.clone();
            std::thread::spawn(move || {
                let key = pair(Scheme::Sr25519, seed);
                run(async {
                    for nonce in 0..4 {
                        let bytes = signed(&key, Order::new(nonce, 1));
                        assert_eq!(pool.submit(bytes.clone()).await, Ok(toy::hash(&bytes)));
                        let bad = badly_signed(&key, Order::new(nonce, 100));
                        assert!(pool.submit(bad).await.is_err());
                    }
                });
            })
        })
        .collect();
    for thread in threads {
        thread.join().expect("each got its own answer");
    }
    assert_eq!(run(pool.status()).ready, 32);
    assert_eq!(verifier.checked(), 64);
    service.stop();
}

#[test]
fn what_proves_itself_needs_no_sender_goes_first_and_is_held_once() {
    let Fixture { pool, service, .. } = fixture(limits());
    run(async {
        pool.submit(signed(&pair(Scheme::Sr25519, 1), Order::new(0, 1_000))).await.expect("it is good");
        let proof = pool.submit(toy::proof_of(7, 1)).await.expect("it proves itself");
        let offered: Vec<_> = pool.ready().await.iter().map(|ready| ready.hash).collect();
        assert_eq!((offered[0], offered.len()), (proof, 2));
        // The same, proved in another way.
        let error = pool.submit(toy::proof_of(7, 2)).await.expect_err("one is enough");
        assert_eq!((error.kind.clone(), error.code()), (PoolErrorKind::SameBare, 1013));
        assert!(!error.is_bad_transaction(), "whoever sent it saw another proof");
        // Included, it is known to the state, and neither comes back.
        let mut state = Memory::default();
        state.0.insert(vec![7], vec![]);
        pool.on_block(update(1, &state, &[proof])).await;
        for way in [1, 2] {
            let error = pool.submit(toy::proof_of(7, way)).await.expect_err("it is known");
            let known = refusal(&error.kind) == Some(InvalidTransaction::Stale.into());
            assert!(known || error.kind == PoolErrorKind::Banned, "{error}");
        }
        // What others included makes the one that waits here invalid.
        pool.submit(toy::proof_of(8, 1)).await.expect("it proves itself");
        state.0.insert(vec![8], vec![]);
        pool.on_block(update(2, &state, &[H256::repeat_byte(1)])).await;
        assert_eq!(pool.ready().await.len(), 1);
    });
    service.stop();
}

#[test]
fn a_flood_without_signatures_fills_nothing_and_is_blamed_on_its_sender() {
    let Fixture { pool, service, .. } = fixture(limits());
    run(async {
        for way in 0..100 {
            for garbage in [toy::proof_of(0, way), toy::Wire::Bare(vec![way]).encode(), vec![0, 8, way, way]]
            {
                let error = pool.submit(garbage).await.expect_err("it proves nothing");
                assert!(error.is_bad_transaction() || error.kind == PoolErrorKind::Banned, "{error}");
            }
        }
        assert_eq!(pool.status().await.ready, 0);
        // What is right has little room, and takes none of the others'.
        pool.submit(toy::proof_of(1, 0)).await.expect("there is room");
        pool.submit(toy::proof_of(2, 0)).await.expect("there is room");
        for tag in 3..100 {
            let error = pool.submit(toy::proof_of(tag, 0)).await.expect_err("two are as many as may be");
            assert_eq!((error.kind.clone(), error.code()), (PoolErrorKind::Full(Full::Bare), 1016));
            assert!(!error.is_bad_transaction());
        }
        for sender in 1..=6 {
            pool.submit(signed(&pair(Scheme::Sr25519, sender), Order::new(0, 1)))
                .await
                .expect("there is room");
        }
        assert_eq!(pool.status().await.ready, 8);
    });
    service.stop();
}

#[test]
fn what_proves_itself_comes_back_with_a_retracted_block() {
    let Fixture { pool, service, .. } = fixture(limits());
    run(async {
        let bytes = toy::proof_of(7, 1);
        let proof = pool.submit(bytes.clone()).await.expect("it proves itself");
        pool.on_block(update(1, &Memory::default(), &[proof])).await;
        assert!(pool.ready().await.is_empty());
        let fork = BlockUpdate {
            head: Head { hash: H256::repeat_byte(7), number: 1, state: Arc::new(Memory::default()) },
            enacted: vec![(H256::repeat_byte(7), vec![])],
            retracted: vec![(block_hash(1), vec![bytes])],
        };
        pool.on_block(fork).await;
        assert_eq!(pool.ready().await.iter().map(|ready| ready.hash).collect::<Vec<_>>(), [proof]);
    });
    service.stop();
}
