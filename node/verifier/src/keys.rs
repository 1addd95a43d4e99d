//! Public keys as points, so that an account that sends again costs less.

use quick_cache::sync::Cache;
use schnorrkel::PublicKey;

/// How many are kept: about 15 MiB when full. As many as a full pool can have senders.
const KEPT_MAX: usize = 1 << 16;

/// Parsed sr25519 keys. To find the point behind 32 bytes takes some 4 µs, beside 32 that a signature takes in a batch
/// (measured, `examples/speed.rs`), and most senders send more than once.
#[derive(Debug)]
pub(crate) struct Keys {
    points: Cache<[u8; 32], PublicKey>,
}

impl Keys {
    pub(crate) fn new() -> Self {
        Self { points: Cache::new(KEPT_MAX) }
    }

    /// The key, or none if the bytes are no point.
    pub(crate) fn parse(&self, bytes: &[u8; 32]) -> Option<PublicKey> {
        if let Some(key) = self.points.get(bytes) {
            return Some(key);
        }
        let key = PublicKey::from_bytes(bytes).ok()?;
        self.points.insert(*bytes, key);
        Some(key)
    }
}
