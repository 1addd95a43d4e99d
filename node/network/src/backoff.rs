//! How long to wait before something is tried again.
//!
//! Pure: randomness comes in as a number.

use std::time::Duration;

#[cfg(test)]
mod tests;

/// The pause after `failures` in a row (at least one): `first`, doubled each time, at most `max`; then longer or shorter by up to a
/// quarter, as `random` says, so that nodes that failed together do not come back together.
pub(crate) fn pause(first: Duration, max: Duration, failures: u32, random: u64) -> Duration {
    let doublings = failures.saturating_sub(1).min(31);
    let base = first.saturating_mul(1 << doublings).min(max);
    let quarter = base / 4;
    let span_ns = u64::try_from(quarter.as_nanos()).unwrap_or(u64::MAX / 2).saturating_mul(2);
    let jitter = Duration::from_nanos(random.checked_rem(span_ns).unwrap_or(0));
    (base - quarter).saturating_add(jitter)
}

/// A number that nobody can predict. Only for pauses and for where to begin: nothing depends on its quality.
pub(crate) fn random() -> u64 {
    use std::hash::{BuildHasher, Hasher};
    std::hash::RandomState::new().build_hasher().finish()
}
