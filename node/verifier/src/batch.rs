//! Which of many signatures are good: batches where the scheme has them, all cores everywhere.

use basalt_primitives::{
    MultiSignature,
    signature::{self, SR25519_CONTEXT},
};
use basalt_runtime_api::SignatureCheck;
use rayon::prelude::*;
use schnorrkel::{PublicKey, Signature, context::SigningContext, signing_context, verify_batch};

use crate::keys::Keys;

/// Signatures in one batch equation at most. From 256 to 1024 the cost per signature falls by a few percent, beyond
/// that hardly at all, while a bad signature makes more of its neighbours be checked again.
const BATCH_MAX: usize = 1024;
/// Up to here a batch gains nothing over single checks.
const SINGLE_MAX: usize = 4;
/// Into how many parts a failing batch is split. With one bad signature in 1024, eight parts cost 2.2 times a good
/// batch and two parts 3 times; with nothing but bad ones, eight cost some 5 times and two some 11.
const PARTS: usize = 8;

/// Who does the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Threads {
    /// The calling thread alone.
    One,
    /// All of rayon's.
    All,
}

/// One verdict per check, in order.
pub(crate) fn verify(keys: &Keys, checks: &[&SignatureCheck], threads: Threads) -> Vec<bool> {
    let (sr25519, others): (Vec<usize>, Vec<usize>) =
        (0..checks.len()).partition(|&index| matches!(checks[index].signature, MultiSignature::Sr25519(_)));
    let (sr25519_good, others_good) = match threads {
        Threads::One => (
            sr25519
                .chunks(BATCH_MAX)
                .flat_map(|indices| verify_chunk(keys, checks, indices, threads))
                .collect(),
            others.iter().map(|&index| verify_one(checks[index])).collect(),
        ),
        Threads::All => rayon::join(
            || verify_sr25519(keys, checks, &sr25519),
            || others.par_iter().map(|&index| verify_one(checks[index])).collect::<Vec<_>>(),
        ),
    };
    let mut good = vec![false; checks.len()];
    for (index, verdict) in sr25519.into_iter().zip(sr25519_good).chain(others.into_iter().zip(others_good)) {
        good[index] = verdict;
    }
    good
}

fn verify_one(check: &SignatureCheck) -> bool {
    signature::verify(&check.signature, &check.message, &check.signer)
}

fn verify_sr25519(keys: &Keys, checks: &[&SignatureCheck], indices: &[usize]) -> Vec<bool> {
    if indices.is_empty() {
        return Vec::new();
    }
    indices
        .par_chunks(batch_len(indices.len(), rayon::current_num_threads()))
        .flat_map_iter(|indices| verify_chunk(keys, checks, indices, Threads::All))
        .collect()
}

/// How many signatures a batch has, so that all threads end at about the same time: the number of batches is a
/// multiple of the number of threads.
fn batch_len(signatures: usize, threads: usize) -> usize {
    let batches = signatures.div_ceil(BATCH_MAX).next_multiple_of(threads.max(1));
    signatures.div_ceil(batches).max(SINGLE_MAX)
}

/// Signatures that parse, in columns as schnorrkel wants them.
#[derive(Default)]
struct Columns<'a> {
    messages: Vec<&'a [u8]>,
    signatures: Vec<Signature>,
    keys: Vec<PublicKey>,
}

fn verify_chunk(keys: &Keys, checks: &[&SignatureCheck], indices: &[usize], threads: Threads) -> Vec<bool> {
    let mut columns = Columns::default();
    let mut good = vec![false; indices.len()];
    let mut places = Vec::with_capacity(indices.len());
    for (place, &index) in indices.iter().enumerate() {
        let check = checks[index];
        let MultiSignature::Sr25519(signature) = &check.signature else { continue };
        // Bytes that are no point or no signature of this scheme are simply bad.
        let (Some(key), Ok(signature)) = (keys.parse(&check.signer.0), Signature::from_bytes(signature))
        else {
            continue;
        };
        columns.messages.push(&check.message);
        columns.signatures.push(signature);
        columns.keys.push(key);
        places.push(place);
    }
    let mut parsed_good = vec![false; places.len()];
    let context = signing_context(SR25519_CONTEXT);
    split(&context, &columns.messages, &columns.signatures, &columns.keys, threads, &mut parsed_good);
    for (place, verdict) in places.into_iter().zip(parsed_good) {
        good[place] = verdict;
    }
    good
}

/// Sets `good` for each signature: all at once, or if that fails in parts, down to single signatures.
fn split(
    context: &SigningContext,
    messages: &[&[u8]],
    signatures: &[Signature],
    keys: &[PublicKey],
    threads: Threads,
    good: &mut [bool],
) {
    if signatures.len() <= SINGLE_MAX {
        for (place, good) in good.iter_mut().enumerate() {
            *good = keys[place].verify(context.bytes(messages[place]), &signatures[place]).is_ok();
        }
        return;
    }
    let transcripts = messages.iter().map(|message| context.bytes(message));
    if verify_batch(transcripts, signatures, keys, false).is_ok() {
        good.fill(true);
        return;
    }
    let part = signatures.len().div_ceil(PARTS);
    if threads == Threads::One {
        let parts = messages.chunks(part).zip(signatures.chunks(part)).zip(keys.chunks(part));
        for (((messages, signatures), keys), good) in parts.zip(good.chunks_mut(part)) {
            split(context, messages, signatures, keys, threads, good);
        }
        return;
    }
    messages
        .par_chunks(part)
        .zip(signatures.par_chunks(part))
        .zip(keys.par_chunks(part))
        .zip(good.par_chunks_mut(part))
        .for_each(|(((messages, signatures), keys), good)| {
            split(context, messages, signatures, keys, threads, good);
        });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_are_bounded_and_divide_evenly_among_threads() {
        for threads in [1, 2, 3, 8, 64] {
            for signatures in [1, 5, 100, 1023, 1024, 1025, 3000, 100_000] {
                let len = batch_len(signatures, threads);
                assert!((1..=BATCH_MAX).contains(&len), "{signatures} on {threads}: {len}");
                if len > SINGLE_MAX {
                    let rounds = signatures.div_ceil(len).div_ceil(threads);
                    assert!(rounds * threads * BATCH_MAX < signatures + threads * BATCH_MAX);
                }
            }
        }
    }
}
