//! Verify transactions' signatures in batches on all cores, each once.
//!
//! # Responsibility
//!
//! - [`Verifier::verify`] is the one place that turns a decoded [`Transaction`] into a [`Verified`] one: for the
//!   pool, for blocks of other nodes, for blocks read again after a restart.
//! - It remembers what it verified, so that a transaction which came through the pool costs nothing at import.
//!
//! # Flow
//!
//! ```text
//! transactions ─proof (all cores)─► checks ─known?─► sr25519: batches ─fails─► smaller batches ─► singly
//!                                             │      others:  singly
//!                                             └──────────────► verdicts, in the order of the transactions
//! ```
//!
//! # Invariants
//!
//! - A verdict depends on one transaction alone, never on its neighbours in the batch. schnorrkel's batch equation
//!   holds for a bad signature with a chance of 2⁻¹²⁸ only because its coefficients come from the system's
//!   randomness; with coefficients derived from the batch two bad signatures could be made to cancel out, and one
//!   node would accept what another refuses. Property-tested: batches with bad signatures anywhere.
//! - The same bytes signed over the same message are checked once per process while remembered. Two threads that
//!   meet the same transaction at the same moment may both check it. Tested by counting.
//!
//! # Assumptions
//!
//! - [`Transaction::hash`] covers the signature, so a remembered hash cannot stand for other bytes.
//! - What a signature is verified for can change (birth block on another fork, chain version), so the signed message
//!   is part of what is remembered.
//!
//! # Usage
//!
//! ```
//! use basalt_primitives::H256;
//! use basalt_runtime_api::Runtime;
//! use basalt_state::Memory;
//! use basalt_verifier::{REMEMBERED_MAX, Verifier};
//! fn all_good(runtime: &dyn Runtime, bytes: Vec<u8>) -> bool {
//!     let verifier = Verifier::new(REMEMBERED_MAX);
//!     let Ok(transaction) = runtime.inspect(bytes) else { return false };
//!     let state = Memory::default();
//!     let verdicts = verifier.verify(runtime, 0, H256::zero(), &state, vec![transaction.into()], false);
//!     verdicts.iter().all(Result::is_ok)
//! }
//! ```
//!
//! # Out of scope
//!
//! Nonce, era and fee are [`Runtime::validate`]'s; the schemes themselves are in `basalt-primitives`.
#![cfg_attr(not(test), deny(clippy::unwrap_used))]

mod batch;
mod keys;
mod remembered;

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use basalt_primitives::{BlockNumber, H256, InvalidTransaction, MultiSignature};
use basalt_runtime_api::{Head, Refusal, Runtime, SignatureCheck, Transaction, ValidateError, Verified};
use basalt_state::StateRead;
use parking_lot::Mutex;
use rayon::prelude::*;

use crate::{
    batch::Threads,
    keys::Keys,
    remembered::{Fingerprint, Remembered, fingerprint},
};

/// A good bound for [`Verifier::new`]: twice what a pool holds at most, so that nothing is forgotten between pool
/// and block. About 12 MiB when full.
pub const REMEMBERED_MAX: usize = 1 << 17;

/// Below this many transactions the way to other cores costs more than decoding and hashing on this one.
const PROOFS_PER_JOB: usize = 16;

/// Verifies signatures, and remembers them. Shared as `Arc` by all who need it.
#[derive(Debug)]
pub struct Verifier {
    /// Held while looking up or adding fingerprints, never while verifying.
    remembered: Mutex<Remembered>,
    keys: Keys,
    checked: AtomicU64,
}

/// What is to be checked for a transaction and how that is remembered; `None` for a bare one.
type Proof = Result<Option<(Fingerprint, SignatureCheck)>, ValidateError>;

/// What is known about a transaction before any signature is checked.
enum Step {
    /// The verdict is there already.
    Done(Result<Verified, ValidateError>),
    /// The signature decides: `check` is the place in the list of checks.
    Pending { check: usize, birth_hash: H256 },
}

impl Verifier {
    /// A verifier that remembers this many signatures, the latest.
    pub fn new(remembered_max: usize) -> Self {
        Self {
            remembered: Mutex::new(Remembered::new(remembered_max)),
            keys: Keys::new(),
            checked: AtomicU64::new(0),
        }
    }

    /// One verdict per transaction, in their order.
    ///
    /// `number`, `hash` and `state` are those of the block that the transactions would follow: the head for a pool, the
    /// parent for a block. Bare transactions pass if `allow_bare`: that is for whoever asks the runtime about them next, as it
    /// knows which may be. Blocks the calling thread while rayon's threads work.
    ///
    /// Per transaction: [`ValidateError::Refused`] with `BadProof` if the signature is wrong, with `Call` for a bare
    /// transaction that is not allowed, and whatever [`Runtime::proof`] refuses; [`ValidateError::State`] if the
    /// state could not be read, which says nothing about the transaction.
    pub fn verify(
        &self,
        runtime: &dyn Runtime,
        number: BlockNumber,
        hash: H256,
        state: &(dyn StateRead + Sync),
        transactions: Vec<Arc<Transaction>>,
        allow_bare: bool,
    ) -> Vec<Result<Verified, ValidateError>> {
        let proofs = transactions
            .par_iter()
            .with_min_len(PROOFS_PER_JOB)
            .map(|transaction| proof(runtime, transaction, &Head { number, hash, state }))
            .collect();
        self.decide(Threads::All, transactions, proofs, allow_bare)
    }

    /// As [`Verifier::verify`] with bare transactions, on the calling thread alone: for whoever has batches enough to
    /// give each thread its own. That keeps all of them busy, where one batch for all leaves each waiting at the end of
    /// each step for the slowest.
    pub fn verify_alone(
        &self,
        runtime: &dyn Runtime,
        head: &Head<'_>,
        transactions: Vec<Arc<Transaction>>,
    ) -> Vec<Result<Verified, ValidateError>> {
        let proofs = transactions.iter().map(|transaction| proof(runtime, transaction, head)).collect();
        self.decide(Threads::One, transactions, proofs, true)
    }

    fn decide(
        &self,
        threads: Threads,
        transactions: Vec<Arc<Transaction>>,
        proofs: Vec<Proof>,
        allow_bare: bool,
    ) -> Vec<Result<Verified, ValidateError>> {
        let (steps, checks) = self.plan(&transactions, proofs, allow_bare);
        let good =
            batch::verify(&self.keys, &checks.iter().map(|(_, check)| check).collect::<Vec<_>>(), threads);
        self.checked.fetch_add(checks.len() as u64, Ordering::Relaxed);
        self.remembered.lock().extend(
            checks.iter().zip(&good).filter(|(_, good)| **good).map(|((fingerprint, _), _)| *fingerprint),
        );

        transactions
            .into_iter()
            .zip(steps)
            .map(|(transaction, step)| match step {
                Step::Done(verdict) => verdict,
                Step::Pending { check, birth_hash } if good[check] => {
                    Ok(Verified::assume(transaction, birth_hash))
                }
                Step::Pending { check, .. } => Err(bad_signature(&checks[check].1.signature)),
            })
            .collect()
    }

    /// How many signatures were really checked since the start: a measure of how well remembering works.
    pub fn checked(&self) -> u64 {
        self.checked.load(Ordering::Relaxed)
    }

    /// Decides what needs no check, and lists the checks that are left, none twice.
    fn plan(
        &self,
        transactions: &[Arc<Transaction>],
        proofs: Vec<Proof>,
        allow_bare: bool,
    ) -> (Vec<Step>, Vec<(Fingerprint, SignatureCheck)>) {
        let remembered = self.remembered.lock();
        let mut checks: Vec<(Fingerprint, SignatureCheck)> = Vec::new();
        let mut places: HashMap<Fingerprint, usize> = HashMap::new();
        let steps = transactions
            .iter()
            .zip(proofs)
            .map(|(transaction, proof)| match proof {
                Err(error) => Step::Done(Err(error)),
                Ok(None) if allow_bare => {
                    Step::Done(Ok(Verified::assume(Arc::clone(transaction), H256::zero())))
                }
                Ok(None) => Step::Done(Err(bare())),
                Ok(Some((fingerprint, check))) if remembered.contains(&fingerprint) => {
                    Step::Done(Ok(Verified::assume(Arc::clone(transaction), check.birth_hash)))
                }
                Ok(Some((fingerprint, check))) => {
                    let birth_hash = check.birth_hash;
                    let check = *places.entry(fingerprint).or_insert_with(|| {
                        checks.push((fingerprint, check));
                        checks.len() - 1
                    });
                    Step::Pending { check, birth_hash }
                }
            })
            .collect();
        (steps, checks)
    }
}

fn proof(runtime: &dyn Runtime, transaction: &Transaction, head: &Head<'_>) -> Proof {
    let check = runtime.proof(transaction, head)?;
    Ok(check.map(|check| (fingerprint(&transaction.hash, &check.message), check)))
}

fn bad_signature(signature: &MultiSignature) -> ValidateError {
    let scheme = match signature {
        MultiSignature::Ed25519(_) => "ed25519",
        MultiSignature::Sr25519(_) => "sr25519",
        MultiSignature::Ecdsa(_) => "ECDSA",
    };
    ValidateError::Refused(Refusal {
        error: InvalidTransaction::BadProof.into(),
        detail: format!(
            "the {scheme} signature does not match the sender and the signed bytes; sign again with the sender's key, \
             this chain's genesis hash, spec version and transaction version, and the nonce, era and tip that are sent"
        ),
    })
}

fn bare() -> ValidateError {
    ValidateError::Refused(Refusal {
        error: InvalidTransaction::Call.into(),
        detail: "transactions without a signature come from block authors only; sign it".into(),
    })
}
