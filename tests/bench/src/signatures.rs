//! What schnorrkel's own batch verification reaches: the ceiling that the pipeline is compared with.

use std::time::{Duration, Instant};

use anyhow::ensure;
use basalt_primitives::MultiSignature;
use basalt_runtime_api::SignatureCheck;
use rayon::prelude::*;
use schnorrkel::{PublicKey, Signature, signing_context, verify_batch};

/// Signatures per batch: the size at which schnorrkel is fastest here (facts/performance.md §2.1).
const BATCH: usize = 1024;

/// Verifies all of them on all cores and says how long it took: decoding included, nothing else.
pub(crate) fn verify_all(checks: &[SignatureCheck]) -> anyhow::Result<Duration> {
    let started = Instant::now();
    let verified = checks.par_chunks(BATCH).map(verify_chunk).collect::<anyhow::Result<Vec<()>>>();
    let elapsed = started.elapsed();
    verified?;
    Ok(elapsed)
}

fn verify_chunk(checks: &[SignatureCheck]) -> anyhow::Result<()> {
    let context = signing_context(b"substrate");
    let mut keys = Vec::with_capacity(checks.len());
    let mut signatures = Vec::with_capacity(checks.len());
    for check in checks {
        let MultiSignature::Sr25519(signature) = &check.signature else {
            anyhow::bail!("the corpus is signed with sr25519");
        };
        keys.push(PublicKey::from_bytes(check.signer.as_ref()).map_err(anyhow::Error::msg)?);
        signatures.push(Signature::from_bytes(signature).map_err(anyhow::Error::msg)?);
    }
    let transcripts = checks.iter().map(|check| context.bytes(&check.message));
    let valid = verify_batch(transcripts, &signatures, &keys, false).is_ok();
    ensure!(valid, "a signature of the corpus is not valid");
    Ok(())
}
