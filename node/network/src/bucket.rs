//! Token buckets: how much may pass, in the long run and at once.
//!
//! Pure: time comes in as milliseconds.

use basalt_primitives::Moment;

use crate::limits::Rate;

#[cfg(test)]
mod tests;

/// Two buckets, for messages and for bytes; a message must find enough in both.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bucket {
    rate: Rate,
    /// In thousandths, so that a millisecond refills `per_s` of them.
    messages_milli: u64,
    bytes_milli: u64,
    at: Moment,
}

impl Bucket {
    /// A full one.
    pub(crate) fn new(rate: Rate, now: Moment) -> Self {
        Self {
            rate,
            messages_milli: rate.messages_burst.saturating_mul(1_000),
            bytes_milli: rate.bytes_burst.saturating_mul(1_000),
            at: now,
        }
    }

    fn refill(&mut self, now: Moment) {
        let passed = now.saturating_sub(self.at);
        let fill = |level: u64, per_s: u64, burst: u64| {
            level.saturating_add(passed.saturating_mul(per_s)).min(burst.saturating_mul(1_000))
        };
        self.messages_milli = fill(self.messages_milli, self.rate.messages_per_s, self.rate.messages_burst);
        self.bytes_milli = fill(self.bytes_milli, self.rate.bytes_per_s, self.rate.bytes_burst);
        self.at = self.at.max(now);
    }

    /// Takes what a message of `bytes` needs, or nothing if there is too little.
    pub(crate) fn take(&mut self, bytes: u64, now: Moment) -> bool {
        self.refill(now);
        let bytes_milli = bytes.saturating_mul(1_000);
        if self.messages_milli < 1_000 || self.bytes_milli < bytes_milli {
            return false;
        }
        self.messages_milli -= 1_000;
        self.bytes_milli -= bytes_milli;
        true
    }

    /// How many milliseconds to wait until a message of `bytes` may pass. A message larger than the whole bucket counts as
    /// one that fills it.
    pub(crate) fn wait_ms(&mut self, bytes: u64, now: Moment) -> u64 {
        self.refill(now);
        let wait = |level: u64, need: u64, per_s: u64| need.saturating_sub(level).div_ceil(per_s.max(1));
        let bytes_milli = bytes.min(self.rate.bytes_burst).saturating_mul(1_000);
        wait(self.messages_milli, 1_000, self.rate.messages_per_s).max(wait(
            self.bytes_milli,
            bytes_milli,
            self.rate.bytes_per_s,
        ))
    }
}
