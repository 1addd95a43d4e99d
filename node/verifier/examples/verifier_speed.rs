//! How many signatures a second: schnorrkel's batch verification alone, against the whole verifier.
//!
//! `cargo run -p basalt-verifier --example verifier_speed [signatures]`. The machine should be idle. As many senders as signatures. The
//! plain figure flatters: keys and signatures are parsed beforehand.
#![allow(clippy::print_stdout, reason = "it is a report")]

#[path = "../tests/it/toy.rs"]
mod toy;

use std::{sync::Arc, time::Instant};

use basalt_primitives::{
    H256, MultiSignature, hashing,
    keys::{Pair, Scheme},
};
use basalt_runtime_api::{Head, Runtime, Transaction};
use basalt_state::Memory;
use basalt_verifier::Verifier;
use rayon::prelude::*;
use schnorrkel::{PublicKey, Signature, signing_context, verify_batch};
use toy::{Order, Toy, signed};

const ROUNDS: usize = 5;

fn main() {
    let count: usize = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(20_480);
    println!("{count} sr25519 signatures on {} threads, best of {ROUNDS}", rayon::current_num_threads());
    let pairs: Vec<_> = (0..count as u32)
        .into_par_iter()
        .map(|seed| {
            let seed = hashing::blake2_256(&seed.to_le_bytes());
            Pair::from_seed(Scheme::Sr25519, &seed).unwrap_or_else(|error| panic!("{error}"))
        })
        .collect();
    let transactions: Vec<Arc<Transaction>> = (0..count)
        .into_par_iter()
        .map(|index| {
            let order = Order { payload: vec![7; 80], ..Order::new(0, 1) };
            let bytes = signed(&pairs[index], order);
            Arc::new(Toy.inspect(bytes).unwrap_or_else(|refusal| panic!("{}", refusal.detail)))
        })
        .collect();

    let plain = best(|| plain(&transactions));
    let fresh = best(|| whole(&Verifier::new(0), &transactions));
    // Remembers no transaction, but its keys.
    let known = Verifier::new(0);
    let again = best(|| whole(&known, &transactions));
    let report = |what, seconds: f64| {
        println!("{what:<44} {:>9.0} signatures/s, ratio {:.3}", count as f64 / seconds, plain / seconds);
    };
    report("schnorrkel's verify_batch alone, keys parsed", plain);
    report("Verifier, each sender new", fresh);
    report("Verifier, senders seen before", again);
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

/// The verifier as pool and chain use it.
fn whole(verifier: &Verifier, transactions: &[Arc<Transaction>]) -> f64 {
    let state = Memory::default();
    let batch = transactions.to_vec();
    let start = Instant::now();
    let verdicts = verifier.verify(&Toy, 0, H256::zero(), &state, batch, false);
    let seconds = start.elapsed().as_secs_f64();
    assert!(verdicts.iter().all(Result::is_ok));
    seconds
}
