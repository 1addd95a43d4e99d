//! What was signed last, so that nothing else is signed for the same turn.
//!
//! Whoever signs two different proposals or votes for one turn is slashed, even if a crash made the node forget the first. The
//! consensus log prevents that, too; this is the second line, independent of the first: it knows nothing but turns and
//! hashes, it lies beside the keys and not in the database, so that a restored backup of the database does not rewind it, and
//! it is asked for each signature.
//!
//! # Rule
//!
//! Turns are ordered by height, round and step. What is signed must belong to a later turn than everything before; or to the
//! last turn, if it is the very same message. Older turns are refused even where nothing was signed: a validator that is
//! behind its guard has lost its memory, and is better silent.
//!
//! # File
//!
//! Two slots of 4 KiB each, written in turns, so that a write that is torn leaves the other slot whole:
//!
//! ```text
//! magic 8 | sequence u64 | vote key 32 | 0, or 1 and height u64, round u32, step u8, hash 32 | zeros | CRC-32 u32
//! ```
//!
//! One `pwrite` and one `fdatasync` for each signature: no block is allocated, no name changes. The valid slot with the higher
//! sequence is the truth.
//!
//! # What it cannot do
//!
//! It cannot know of a copy of itself: two machines with one key, a snapshot of the whole machine that is started again, a
//! restored keystore folder. Against those only waiting helps (does anybody else sign with this key?), and discipline.

mod file;
mod signer;
mod slots;
#[cfg(test)]
mod tests;

use core::fmt;

pub use file::{GuardError, GuardFile};
pub use signer::{SignerError, VoteSigner};

/// What a validator signs in a round, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// Proposes a block.
    Proposal,
    /// Says whether the proposal is good.
    Prevote,
    /// Binds itself to it.
    Precommit,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Proposal => "proposal",
            Self::Prevote => "prevote",
            Self::Precommit => "precommit",
        })
    }
}

/// A place in the order of all that a validator may sign: once per turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Turn {
    /// The block's height.
    pub height: u64,
    /// Which attempt at that height.
    pub round: u32,
    /// What is signed.
    pub step: Step,
}

impl fmt::Display for Turn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of height {}, round {}", self.step, self.height, self.round)
    }
}

/// What was signed in a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Record {
    /// When.
    pub turn: Turn,
    /// Blake2-256 of the message.
    pub hash: [u8; 32],
}

/// What a guard says of something that is to be signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is later than everything before: record it, then sign.
    Allowed,
    /// It is what was signed last.
    SameAgain,
    /// It is an older turn, or another message for the last one.
    Refused {
        /// What was signed last.
        last: Record,
    },
}

/// What was signed last with a key.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Guard {
    /// Nothing yet, if there is nothing.
    pub last: Option<Record>,
}

impl Guard {
    /// Whether this may be signed.
    pub fn check(&self, next: &Record) -> Verdict {
        match self.last {
            None => Verdict::Allowed,
            Some(last) if next.turn > last.turn => Verdict::Allowed,
            Some(last) if last == *next => Verdict::SameAgain,
            Some(last) => Verdict::Refused { last },
        }
    }
}
