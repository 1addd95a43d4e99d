//! How fast the pool is around the signatures: submitting, offering, taking a block out.
//!
//! `cargo run -p basalt-pool --example throughput [transactions]`. The chain is a toy whose validation costs next to
//! nothing, so what is not signatures here is the pool itself. 200 senders.
#![allow(clippy::print_stdout, reason = "it is a report")]

#[path = "../../verifier/tests/it/toy.rs"]
mod toy;

use std::{sync::Arc, time::Instant};

use basalt_pool::{BlockUpdate, Head, Limits, start};
use basalt_primitives::{H256, keys::Scheme};
use basalt_state::Memory;
use basalt_verifier::{REMEMBERED_MAX, Verifier};
use toy::{Order, Toy, block_hash, pair, set_nonce, signed};

fn main() -> std::io::Result<()> {
    let count: usize = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(10_000);
    let pairs: Vec<_> = (1..=200).map(|seed| pair(Scheme::Sr25519, seed)).collect();
    let bytes: Vec<_> = (0..count)
        .map(|index| {
            let nonce = u32::try_from(index / pairs.len()).unwrap_or(u32::MAX);
            signed(&pairs[index % pairs.len()], Order::new(nonce, index as u64 % 97))
        })
        .collect();
    let head = |number, state: Memory| Head { hash: block_hash(number), number, state: Arc::new(state) };
    let verifier = Arc::new(Verifier::new(REMEMBERED_MAX));
    let (pool, service) = start(Arc::new(Toy), verifier, head(0, Memory::default()), Limits::production())?;

    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    runtime.block_on(async {
        let clock = Instant::now();
        let outcomes = pool.submit_many(bytes).await;
        let seconds = clock.elapsed().as_secs_f64();
        let hashes: Vec<H256> = outcomes.into_iter().flatten().collect();
        assert_eq!(hashes.len(), count);
        println!("submit   {:>9.0} transactions/s", count as f64 / seconds);

        let clock = Instant::now();
        let ready = pool.pending().await;
        println!("pending  {:>9.1} µs for all {} in order", clock.elapsed().as_secs_f64() * 1e6, ready.len());

        let clock = Instant::now();
        let ready = pool.ready().await;
        println!(
            "ready    {:>9.1} µs for the {} of a block",
            clock.elapsed().as_secs_f64() * 1e6,
            ready.len()
        );

        let mut state = Memory::default();
        let included = hashes.len() / pairs.len() / 2 * pairs.len();
        for pair in &pairs {
            set_nonce(&mut state, &pair.account_id(), u32::try_from(included / pairs.len()).unwrap_or(0));
        }
        let enacted = vec![(block_hash(1), hashes[..included].to_vec())];
        let clock = Instant::now();
        pool.on_block(BlockUpdate { head: head(1, state), enacted, retracted: vec![] }).await;
        println!("on_block {:>9.1} µs with {included} included", clock.elapsed().as_secs_f64() * 1e6);
        assert_eq!(pool.status().await.ready, count - included);
    });
    service.stop();
    Ok(())
}
