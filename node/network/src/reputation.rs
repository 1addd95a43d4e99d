//! What peers do wrong, what it costs them, and how it is forgotten.
//!
//! Pure: time comes in as milliseconds since 1970.

use basalt_primitives::Moment;

#[cfg(test)]
mod tests;

/// Below this a peer is disconnected, and may come back after `PAUSE_MS`.
pub const DISCONNECT_BELOW: i32 = -500;
/// How long a disconnected peer stays out: 300 points are forgiven meanwhile.
pub(crate) const PAUSE_MS: Moment = 60 * 1_000;
/// Below this it is banned.
pub const BAN_BELOW: i32 = -1_000;
/// No score is lower: a peer does not sink so deep that it never comes back.
pub(crate) const SCORE_MIN: i32 = -2_000;
/// How many points each second returns, until nothing is held against the peer: from a ban's threshold in 200 s.
pub(crate) const FORGIVEN_PER_S: i32 = 5;
/// The first ban.
pub(crate) const BAN_FIRST_MS: Moment = 10 * 60 * 1_000;
/// Each further ban is twice as long, up to this.
pub(crate) const BAN_LONGEST_MS: Moment = 24 * 60 * 60 * 1_000;

/// What a peer did wrong. What only *may* be its fault costs little, what no honest node does costs a ban.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cost {
    /// A message over the agreed rate. Many make a flood.
    Flood,
    /// More streams or requests at once than agreed.
    TooManyStreams,
    /// A message longer than agreed.
    Oversize,
    /// Bytes that do not decode.
    Malformed,
    /// Answers too late, or reads so slowly that a message could not be delivered.
    Slow,
    /// Says the same again, which it sent or was sent before.
    Repetition,
    /// A transaction that no state makes valid: a bad signature, say.
    BadTransaction,
    /// A transaction that was not valid here; it may be elsewhere.
    UselessTransaction,
    /// A consensus message with a bad signature, or of no validator.
    BadConsensusMessage,
    /// A block that breaks the rules, or a proof that proves nothing.
    BadBlock,
    /// An answer that does not fit the question.
    WrongAnswer,
    /// An answer without what the peer said it had.
    EmptyAnswer,
    /// Anything else, with the points it costs.
    Other(u16),
}

impl Cost {
    /// The points it costs: see [`DISCONNECT_BELOW`] and [`BAN_BELOW`].
    pub const fn points(self) -> i32 {
        match self {
            Self::Flood => 1,
            Self::Repetition => 2,
            Self::UselessTransaction => 5,
            Self::EmptyAnswer => 10,
            Self::TooManyStreams => 20,
            Self::BadTransaction => 100,
            Self::Slow => 200,
            Self::Malformed | Self::Oversize | Self::BadConsensusMessage => 260,
            Self::WrongAnswer => 510,
            Self::BadBlock => 1_010,
            Self::Other(points) => points as i32,
        }
    }

    /// What metrics and logs call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Flood => "flood",
            Self::TooManyStreams => "too-many-streams",
            Self::Oversize => "oversize",
            Self::Malformed => "malformed",
            Self::Slow => "slow",
            Self::Repetition => "repetition",
            Self::BadTransaction => "bad-transaction",
            Self::UselessTransaction => "useless-transaction",
            Self::BadConsensusMessage => "bad-consensus-message",
            Self::BadBlock => "bad-block",
            Self::WrongAnswer => "wrong-answer",
            Self::EmptyAnswer => "empty-answer",
            Self::Other(_) => "other",
        }
    }
}

/// What is held against a peer: 0 or less. In thousandths of a point, so that forgiving needs no rounding.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Score {
    millipoints: i64,
    /// When that was right.
    at: Moment,
}

/// What follows from a score.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Welcome.
    Good,
    /// To be disconnected for a while.
    Poor,
    /// To be banned.
    Bad,
}

impl Score {
    /// A score that was read from disk.
    pub(crate) fn new(points: i32, at: Moment) -> Self {
        Self { millipoints: i64::from(points.clamp(SCORE_MIN, 0)) * 1_000, at }
    }

    fn millipoints(&self, now: Moment) -> i64 {
        // A clock that was set back forgives nothing, and charges nothing. 5 points a second are 5 thousandths each ms.
        let passed = i64::try_from(now.saturating_sub(self.at)).unwrap_or(i64::MAX);
        self.millipoints.saturating_add(passed.saturating_mul(i64::from(FORGIVEN_PER_S))).min(0)
    }

    /// The points at `now`.
    pub(crate) fn points(&self, now: Moment) -> i32 {
        i32::try_from(self.millipoints(now) / 1_000).unwrap_or(SCORE_MIN)
    }

    /// Charges `times` times the points of `cost`.
    pub(crate) fn charge(&mut self, cost: Cost, times: u32, now: Moment) {
        let charged = i64::from(cost.points()) * i64::from(times) * 1_000;
        let millipoints = self.millipoints(now).saturating_sub(charged);
        *self = Self { millipoints: millipoints.max(i64::from(SCORE_MIN) * 1_000), at: self.at.max(now) };
    }

    /// Forgets everything: the peer has been banned for it.
    pub(crate) fn clear(&mut self, now: Moment) {
        *self = Self { millipoints: 0, at: now };
    }

    /// What follows at `now`.
    pub(crate) fn standing(&self, now: Moment) -> Standing {
        match self.points(now) {
            points if points < BAN_BELOW => Standing::Bad,
            points if points < DISCONNECT_BELOW => Standing::Poor,
            _ => Standing::Good,
        }
    }
}

/// How long a peer is banned that was banned `before` times already.
pub(crate) fn ban_ms(before: u32) -> Moment {
    let doubled = 1u64.checked_shl(before).unwrap_or(u64::MAX);
    BAN_FIRST_MS.saturating_mul(doubled).min(BAN_LONGEST_MS)
}
