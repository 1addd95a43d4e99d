//! The way from the chain to the pool.

use std::task::Poll;

use basalt_chain::{BuildRequest, ImportOptions, limits::EVENTS_KEPT};
use basalt_consensus_api::feed_pool;
use basalt_primitives::Digest;
use basalt_runtime_api::InherentData;

use crate::{
    kit::Parts,
    toy::{put, verified},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_feed_that_missed_events_tells_the_pool_all_the_same() {
    let parts = Parts::new();
    // Signed once: signatures differ each time, and so do hashes.
    let transaction = put(0, b"k", b"v");
    let (_, mut statuses) = parts.pool.submit_and_watch(transaction.clone()).await.unwrap();
    let mut feed = Box::pin(feed_pool(parts.chain.clone(), parts.pool.clone()));
    // It begins to listen, and is then held up.
    assert!(matches!(futures::poll!(&mut feed), Poll::Pending));
    for height in 1..=EVENTS_KEPT as u64 {
        let candidates = if height == 1 { vec![transaction.clone()] } else { Vec::new() };
        let request = BuildRequest {
            parent: parts.chain.best().hash,
            digest: Digest::default(),
            author: None,
            inherents: InherentData::at(height),
            candidates: &mut candidates.into_iter().map(verified),
            deadline: None,
        };
        let built = parts.chain.build(request).unwrap();
        parts.chain.import_built(built, ImportOptions { finalize: true, ..Default::default() }).unwrap();
    }
    let best = parts.chain.best();
    let feed = tokio::spawn(feed);
    parts.pool.subscribe_head().wait_for(|(hash, _)| *hash == best.hash).await.unwrap();

    use basalt_pool::TransactionStatus::{Finalized, InBlock, Ready};
    let block = parts.chain.hash_at(1).unwrap().unwrap();
    let mut seen = Vec::new();
    while let Some(status) = statuses.recv().await {
        seen.push(status);
    }
    assert_eq!(seen, [Ready, InBlock(block), Finalized(block)]);
    feed.abort();
}
