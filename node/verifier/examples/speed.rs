//! How many signatures a second: schnorrkel's batch verification alone, against the whole verifier.
//!
//! `cargo run -p basalt-verifier --example speed [signatures]`. The machine should be idle. What flatters: keys are
//! few, so the memory caches are warm; and for the plain figure they are parsed beforehand.
#![allow(clippy::print_stdout, reason = "it is a report")]

#[path = "../tests/it/toy.rs"]
mod toy;

use std::{sync::Arc, time::Instant};

use basalt_primitives::{H256, MultiSignature, keys::Scheme};
use basalt_runtime_api::{Head, Runtime, Transaction};
use basalt_state::Memory;
use basalt_verifier::{REMEMBERED_MAX, Verifier};
use rayon::prelude::*;
use schnorrkel::{PublicKey, Signature, signing_context, verify_batch};
use toy::{Order, Toy, pair, signed};

const ROUNDS: usize = 5;

fn main() {
    let count: usize = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(20_480);
    println!("{count} sr25519 signatures on {} threads, best of {ROUNDS}", rayon::current_num_threads());
    let pairs: Vec<_> = (1..=200).map(|seed| pair(Scheme::Sr25519, seed)).collect();
    let transactions: Vec<Arc<Transaction>> = (0..count)
        .into_par_iter()
        .map(|index| {
            let nonce = u32::try_from(index / pairs.len()).unwrap_or(u32::MAX);
            let order = Order { payload: vec![7; 80], ..Order::new(nonce, 1) };
            let bytes = signed(&pairs[index % pairs.len()], order);
            Arc::new(Toy.inspect(bytes).unwrap_or_else(|refusal| panic!("{}", refusal.detail)))
        })
        .collect();

    let plain = best(|| plain(&transactions));
    let whole = best(|| whole(&transactions));
    let rate = |seconds: f64| count as f64 / seconds;
    println!("verify_batch alone, keys parsed {:>9.0} signatures/s", rate(plain));
    println!("Verifier, from transactions     {:>9.0} signatures/s", rate(whole));
    println!("ratio                           {:>9.3}", plain / whole);
}

/// The shortest of some rounds, each of which returns its seconds.
fn best(round: impl Fn() -> f64) -> f64 {
    (0..ROUNDS).map(|_| round()).fold(f64::INFINITY, f64::min)
}

/// Batches of 1024 over all cores, and nothing else.
fn plain(transactions: &[Arc<Transaction>]) -> f64 {
    let state = Memory::default();
    let head = Head { number: 0, hash: H256::zero(), state: &state };
    let parsed: Vec<_> = transactions
        .iter()
        .filter_map(|transaction| {
            let check = Toy.proof(transaction, &head).ok()??;
            let MultiSignature::Sr25519(signature) = check.signature else { return None };
            let key = PublicKey::from_bytes(&check.signer.0).ok()?;
            Some((check.message, Signature::from_bytes(&signature).ok()?, key))
        })
        .collect();
    assert_eq!(parsed.len(), transactions.len());
    let columns: Vec<_> = parsed
        .chunks(1024)
        .map(|chunk| {
            let messages: Vec<&[u8]> = chunk.iter().map(|(message, ..)| &message[..]).collect();
            let signatures: Vec<_> = chunk.iter().map(|(_, signature, _)| *signature).collect();
            let keys: Vec<_> = chunk.iter().map(|(.., key)| *key).collect();
            (messages, signatures, keys)
        })
        .collect();
    let context = signing_context(b"substrate");
    let start = Instant::now();
    let good = columns.par_iter().all(|(messages, signatures, keys)| {
        verify_batch(messages.iter().map(|message| context.bytes(message)), signatures, keys, false).is_ok()
    });
    let seconds = start.elapsed().as_secs_f64();
    assert!(good);
    seconds
}

/// The verifier as pool and chain use it, with a memory that knows nothing yet.
fn whole(transactions: &[Arc<Transaction>]) -> f64 {
    let verifier = Verifier::new(REMEMBERED_MAX);
    let state = Memory::default();
    let batch = transactions.to_vec();
    let start = Instant::now();
    let verdicts = verifier.verify(&Toy, 0, H256::zero(), &state, batch, false);
    let seconds = start.elapsed().as_secs_f64();
    assert!(verdicts.iter().all(Result::is_ok));
    seconds
}
