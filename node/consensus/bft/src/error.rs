//! When a validator must not go on.

use crate::members::MembersError;

/// Why a host stops. Nothing is signed after it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HostError {
    /// The log leads to other votes than it holds.
    #[error(
        "the consensus log of height {height} leads to other votes than it holds ({reason}); nothing more is signed. \
         Keep a copy of the log and report this"
    )]
    Diverged {
        /// Which height.
        height: u64,
        /// What the core said.
        reason: String,
    },
    /// More than two thirds decided for a block that is invalid here.
    #[error(
        "the validators decided block {height} ({hash}), which this node finds invalid: its state or its program \
         differs from theirs. Compare versions, and keep the data folder for a report"
    )]
    Disagrees {
        /// Which height.
        height: u64,
        /// Which block.
        hash: String,
    },
    /// Somebody else signs with our key.
    #[error(
        "another node signs with the vote key {0}; stop it before this one is started again, or both will be punished \
         for signing twice"
    )]
    Doppelganger(String),
    /// The set cannot decide.
    #[error(transparent)]
    Members(#[from] MembersError),
    /// The core met something it has no way out of.
    #[error("the agreement of height {height} cannot go on: {reason}; this is a defect, please report it")]
    Core {
        /// Which height.
        height: u64,
        /// What the core said.
        reason: String,
    },
}
