//! When blocks are made, and what is in them.

use std::time::Duration;

use basalt_consensus_api::{EngineError, author_of};
use basalt_consensus_instant::{Config, Seal};
use basalt_pool::TransactionStatus;
use basalt_primitives::{AccountId, H256};
use basalt_state::StateRead;

use crate::{
    kit::{Kit, Parts, START},
    toy::{BLOCK_TRANSACTIONS, Call, put, signed},
};

fn manual() -> Config {
    Config { seal: Seal::Manual, ..Config::default() }
}

fn burst(count: u32) -> Vec<Vec<u8>> {
    (0..count).map(|nonce| put(nonce, b"k", &nonce.to_le_bytes())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_burst_goes_into_one_final_block() {
    let parts = Parts::new();
    assert!(parts.pool.submit_many(burst(5)).await.iter().all(Result::is_ok));
    let mut kit = parts.run(Config::default());
    let block = kit.next_block().await;
    assert_eq!(kit.transactions(&block.hash), 5);
    assert_eq!(kit.next_final().await, block);

    kit.pool.submit(put(5, b"k", b"later")).await.unwrap();
    let next = kit.next_block().await;
    assert_eq!((next.number, kit.transactions(&next.hash)), (2, 1));
    kit.settle().await;
    assert_eq!(kit.pool.status().await.ready, 0);
    kit.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_fit_goes_into_the_next_block_at_once() {
    let parts = Parts::new();
    let count = BLOCK_TRANSACTIONS as u32 * 2 + 5;
    assert!(parts.pool.submit_many(burst(count)).await.iter().all(Result::is_ok));
    let mut kit = parts.run(Config::default());
    let mut sizes = Vec::new();
    for _ in 0..3 {
        let block = kit.next_block().await;
        sizes.push(kit.transactions(&block.hash) as u64);
    }
    assert_eq!(sizes, [BLOCK_TRANSACTIONS, BLOCK_TRANSACTIONS, 5]);
    kit.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_transactions_there_is_no_block() {
    let kit = Kit::new(Config::default());
    kit.clock.turn(1_000_000);
    // The request comes after whatever the engine did before: nothing.
    assert_eq!(kit.handle.create_block(true, true, None).await.unwrap().id.number, 1);
    kit.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interval_makes_a_block_each_time_it_has_passed() {
    let period = Duration::from_secs(2);
    let mut kit = Kit::new(Config { seal: Seal::Interval(period), ..Config::default() });
    // A fence: the engine has started, and taken its time, when it answers.
    kit.handle.create_block(true, true, None).await.unwrap();
    kit.clock.turn_on_sleepers(1999).await;
    assert_eq!(kit.handle.create_block(true, true, None).await.unwrap().id.number, 2, "no block in between");
    assert_eq!((kit.next_block().await.number, kit.next_block().await.number), (1, 2));

    kit.clock.turn_on_sleepers(1).await;
    let block = kit.next_block().await;
    assert_eq!((block.number, kit.transactions(&block.hash), kit.time(&block.hash)), (3, 0, START + 2000));
    kit.pool.submit(put(0, b"k", b"v")).await.unwrap();
    assert_eq!(kit.next_final().await, block);
    kit.clock.turn_on_sleepers(2000).await;
    let block = kit.next_block().await;
    assert_eq!((block.number, kit.transactions(&block.hash), kit.time(&block.hash)), (4, 1, START + 4000));
    kit.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interval_may_skip_empty_blocks() {
    let period = Duration::from_secs(2);
    let config = Config { seal: Seal::Interval(period), create_empty: false, ..Config::default() };
    let mut kit = Kit::new(config);
    kit.handle.create_block(true, true, None).await.unwrap();
    kit.clock.turn_on_sleepers(10_000).await;
    assert_eq!(kit.handle.create_block(true, true, None).await.unwrap().id.number, 2);
    kit.pool.submit(put(0, b"k", b"v")).await.unwrap();
    kit.clock.turn_on_sleepers(2000).await;
    assert_eq!((kit.next_block().await.number, kit.next_block().await.number), (1, 2));
    let block = kit.next_block().await;
    assert_eq!((block.number, kit.transactions(&block.hash)), (3, 1));
    kit.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn time_advances_even_if_the_clock_stands_still() {
    let kit = Kit::new(manual());
    for passed in 0..3 {
        let block = kit.handle.create_block(true, true, None).await.unwrap();
        assert_eq!(kit.time(&block.id.hash), START + passed);
    }
    kit.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn blocks_are_made_and_finalised_on_request() {
    let kit = Kit::new(manual());
    let root = kit.chain.genesis_hash();
    assert!(matches!(kit.handle.create_block(false, false, None).await, Err(EngineError::EmptyPool)));
    assert_eq!(kit.chain.best().number, 0);

    kit.pool.submit(put(0, b"k", b"v")).await.unwrap();
    let one = kit.handle.create_block(false, false, None).await.unwrap();
    assert_eq!((one.id.number, one.new_best, one.transactions), (1, true, 1));
    assert_eq!(kit.chain.finalized().number, 0);
    kit.handle.finalize_block(one.id.hash).await.unwrap();
    assert_eq!(kit.chain.finalized(), one.id);

    let two = kit.handle.create_block(true, true, Some(one.id.hash)).await.unwrap();
    assert_eq!(kit.chain.finalized(), two.id);
    for unknown in [H256::repeat_byte(1), root] {
        let error = kit.handle.create_block(true, true, Some(unknown)).await.unwrap_err();
        assert!(matches!(error, EngineError::UnknownBlock(hash) if hash == unknown), "{error}");
        assert_eq!(error.code(), 13_000);
    }
    let error = kit.handle.finalize_block(H256::repeat_byte(1)).await.unwrap_err();
    assert!(matches!(error, EngineError::UnknownBlock(_)), "{error}");
    kit.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watcher_hears_of_a_block_that_can_be_read_then_of_its_finality() {
    let kit = Kit::new(Config::default());
    for nonce in 0..20 {
        let bytes = put(nonce, b"k", b"v");
        let (_, mut statuses) = kit.pool.submit_and_watch(bytes.clone()).await.unwrap();
        let mut seen = Vec::new();
        while let Some(status) = statuses.recv().await {
            if let TransactionStatus::InBlock(hash) = status {
                assert!(kit.chain.body(&hash).unwrap().unwrap().iter().any(|extrinsic| extrinsic.0 == bytes));
                assert!(kit.chain.state_at(&hash).is_ok());
            }
            let last = status.is_last();
            seen.push(status);
            if last {
                break;
            }
        }
        let block = kit.chain.hash_at(nonce + 1).unwrap().unwrap();
        let end = [TransactionStatus::InBlock(block), TransactionStatus::Finalized(block)];
        assert!(seen.ends_with(&end), "{seen:?}");
    }
    kit.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_builder_refuses_leaves_the_pool() {
    let kit = Kit::new(Config::default());
    // The pool finds nothing wrong with it; when it runs, its time is in the past.
    let bad = signed(0, Call::Now(1));
    let (_, mut statuses) = kit.pool.submit_and_watch(bad).await.unwrap();
    loop {
        let status = statuses.recv().await.expect("a last status");
        if status.is_last() {
            assert_eq!(status, TransactionStatus::Invalid);
            break;
        }
    }
    assert_eq!(kit.chain.best().number, 0, "no block was made of nothing");
    kit.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_header_names_the_author() {
    let author = AccountId::from([3; 32]);
    let kit = Kit::new(Config { author: Some(author), ..manual() });
    let block = kit.handle.create_block(true, true, None).await.unwrap().id;
    let header = kit.chain.header(&block.hash).unwrap().unwrap();
    assert_eq!(author_of(&header), Some(author));
    let state = kit.chain.state_at(&block.hash).unwrap();
    assert_eq!(state.get(b"author").unwrap(), Some(author.0.to_vec()));
    kit.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fork_by_hand_gives_transactions_back() {
    let kit = Kit::new(manual());
    let root = kit.chain.genesis_hash();
    kit.pool.submit(put(0, b"k", b"v")).await.unwrap();
    let a1 = kit.handle.create_block(false, false, None).await.unwrap();
    assert_eq!(a1.transactions, 1);
    let b1 = kit.handle.create_block(true, false, Some(root)).await.unwrap();
    assert!(!b1.new_best, "the first of two stays the head");
    // The losing branch is forgotten in this moment, its transactions are not.
    kit.handle.finalize_block(b1.id.hash).await.unwrap();
    assert_eq!(kit.chain.best(), b1.id);
    assert!(kit.chain.body(&a1.id.hash).unwrap().is_none());
    let b2 = kit.handle.create_block(false, true, None).await.unwrap();
    assert_eq!((b2.id.number, b2.transactions), (2, 1));
    kit.stop().await;
}
