//! What the votes of a block cost to check, in processor time of this thread: `cargo run -p basalt-pallet-authorship --example
//! vote_speed`.
#![expect(clippy::print_stdout, reason = "a benchmark prints its results")]

use basalt_pallet_authorship::{SIGNATURE_WEIGHT, Votes};
use basalt_primitives::{
    AccountId, H256, MultiSignature, MultiSigner,
    keys::{Pair, Scheme},
    votes::precommit_payload,
};
use basalt_runtime_api::{Certificate, Validator, ValidatorSet};

/// Signatures that are checked for each size of set: about a second.
const SIGNATURES: u32 = 20_000;

fn main() {
    for members in [4u16, 100, 400] {
        let (set, certificate) = decided(members);
        let votes = Votes::of(&certificate, &set);
        let times = SIGNATURES / u32::from(members);
        let before = processor_ms();
        for _ in 0..times {
            assert_eq!(votes.check(&set, 1, &H256([1; 32])), Ok(()));
        }
        let spent = processor_ms() - before;
        let each = spent * 1_000 / u64::from(times * u32::from(members));
        println!(
            "{members} validators: {each} µs a signature, {} µs a block; declared: {} µs a signature",
            each * u64::from(members),
            SIGNATURE_WEIGHT.ref_time / 1_000_000
        );
    }
}

/// A set, and all its votes for a block.
fn decided(members: u16) -> (ValidatorSet, Certificate) {
    let payload = precommit_payload(1, 0, 0, &H256([1; 32]));
    let mut set = ValidatorSet::default();
    let mut certificate = Certificate::default();
    for number in 0..members {
        let mut seed = [1; 32];
        seed[..2].copy_from_slice(&number.to_le_bytes());
        let pair = Pair::from_seed(Scheme::Ed25519, &seed).expect("32 bytes");
        let (MultiSigner::Ed25519(vote_key), MultiSignature::Ed25519(signature)) =
            (pair.public(), pair.sign(&payload))
        else {
            unreachable!("an Ed25519 pair")
        };
        let (account, vrf_key) = (AccountId::from(seed), seed);
        set.validators.push(Validator { account, vote_key, vrf_key, power: 1 });
        certificate.signatures.push((vote_key, signature));
    }
    (set, certificate)
}

/// Of this process so far, in user mode: other processes do not disturb it much. Linux counts in hundredths of a second.
fn processor_ms() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("Linux");
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks: u64 = after_name.split_whitespace().nth(11).and_then(|ticks| ticks.parse().ok()).unwrap_or(0);
    ticks * 10
}
