//! Weighted draws without replacement.

use alloc::vec::Vec;

use basalt_primitives::{H256, hashing::blake2_256};

/// How often a value outside the fair range is drawn again. One value is so with a probability below 1/2, and below
/// 2^-64 for weights that sum to less than 2^64; that none of all is fair has a probability below 2^-64.
const ATTEMPTS: u32 = 64;

/// Draws `count` places out of `weights`, each with the probability of its weight among those that are left. Fewer if
/// fewer have a weight. `domain` keeps draws for different purposes independent, though from the same seed.
///
/// Draw `i` takes the first 128 bits (most significant first) of blake2b-256 over domain, seed and `i`, modulo what the
/// remaining weights sum to, and walks the list in order. Values in the last, incomplete multiple of the sum are drawn
/// again from the hash of the hash, so the draw is fair up to 2^-64 at any weights. Weights that sum to 2^128 or more
/// are cut at that sum.
pub fn draw(domain: &[u8], seed: &H256, weights: &[u128], count: usize) -> Vec<usize> {
    let mut total = 0u128;
    let mut left: Vec<(usize, u128)> = Vec::with_capacity(weights.len());
    for (place, weight) in weights.iter().enumerate() {
        let weight = (*weight).min(u128::MAX - total);
        if weight > 0 {
            total += weight;
            left.push((place, weight));
        }
    }
    let mut drawn = Vec::with_capacity(count.min(left.len()));
    let mut message = [domain, seed.as_bytes(), &[0; 4]].concat();
    let turn_at = message.len() - 4;
    for turn in 0u32.. {
        if drawn.len() == count || left.is_empty() {
            break;
        }
        message[turn_at..].copy_from_slice(&turn.to_le_bytes());
        let mut value = below(total, blake2_256(&message));
        let mut picked = left.len() - 1;
        for (place, (_, weight)) in left.iter().enumerate() {
            if value < *weight {
                picked = place;
                break;
            }
            value -= weight;
        }
        // In order, so that the draw does not depend on how the list is kept.
        let (place, weight) = left.remove(picked);
        total -= weight;
        drawn.push(place);
    }
    drawn
}

/// A fair value below `total`, which is not zero.
fn below(total: u128, mut hash: [u8; 32]) -> u128 {
    // 2^128 modulo the sum: so many values at the end of the range are too many.
    let excess = (u128::MAX % total + 1) % total;
    let mut value = 0;
    for _ in 0..ATTEMPTS {
        value = hash[..16].iter().fold(0u128, |sum, byte| (sum << 8) | u128::from(*byte));
        if value <= u128::MAX - excess {
            break;
        }
        hash = blake2_256(&hash);
    }
    value % total
}
