//! Keep a validator's secret keys, and never sign two things for one turn.
//!
//! # Responsibility
//!
//! - [`Keystore`]: a folder of secret keys in the layout of Substrate's nodes, which their tools read and write too.
//! - [`VotePair`] and [`VrfPair`]: what is done with a key. Only they hold secrets.
//! - [`guard`]: a durable record, per vote key, of the last turn for which something was signed; [`VoteSigner`] is a vote key
//!   that cannot be used without it.
//!
//! # Flow
//!
//! ```text
//! keystore/6772616e<public key>     "//Alice"           secret of a vote key        (gran, Ed25519)
//! keystore/62767266<public key>     "0x…"               secret of a VRF key         (bvrf, sr25519)
//! keystore/<public key>.guard       two slots, a lock   last turn signed with that vote key
//!
//! VoteSigner::sign(turn, message) ─► guard: later turn? ─► write, fdatasync ─► sign ─► signature
//!                                          └─ no, and another message ─► refused
//! ```
//!
//! # Invariants
//!
//! - A secret is never in an error, a log or `Debug`, is wiped from memory when dropped, and its file is readable by its owner
//!   only: others are refused, not repaired, since who could read it may have.
//! - Of all signatures that a [`VoteSigner`] gave out, whenever and however often the process or the machine died in between,
//!   no two are of different messages for one turn (property test with torn writes in `guard/tests.rs`).
//! - A guard is held by one process at a time.
//! - A write that failed is final: nothing is signed after it.
//!
//! # Assumptions
//!
//! - The disk keeps what it confirmed. If it loses or damages the newest slot afterwards, the slot before that is believed.
//! - The folder is on a local disk: locks of network file systems may not exclude other machines.
//! - The folder is used in one place. A copy of the whole machine, or of this folder, is a second validator with the same
//!   keys, and no file can know that: see `docs/validator.md`.
//!
//! # Usage
//!
//! ```
//! use basalt_keystore::{KeyType, Keystore, VoteSigner, guard::{Step, Turn}};
//!
//! let folder = tempfile::tempdir()?;
//! let keystore = Keystore::open(folder.path().join("keystore"))?;
//! let public = keystore.insert(KeyType::Vote, "//Alice")?;
//! let mut signer = VoteSigner::open(&keystore, &public)?.expect("the key was just put there");
//! let turn = Turn { height: 1, round: 0, step: Step::Prevote };
//! let signature = signer.sign(turn, b"for block A")?;
//! assert_eq!(signer.sign(turn, b"for block A")?, signature);
//! assert!(signer.sign(turn, b"for block B").is_err());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Out of scope
//!
//! - What is signed: `basalt-consensus-bft` makes the messages and the VRF transcripts.
//! - Keys of accounts: they stay in wallets.
#![cfg_attr(not(test), deny(clippy::unwrap_used))]

mod error;
mod files;
pub mod guard;
mod pairs;
mod store;
#[cfg(test)]
mod tests;

use core::{fmt, str::FromStr};

use basalt_primitives::keys::Scheme;

pub use error::KeystoreError;
pub use guard::{SignerError, VoteSigner};
pub use pairs::{VotePair, VrfPair, VrfSignature};
pub use store::Keystore;

/// What a key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyType {
    /// Signs proposals and votes: Ed25519. Its name is GRANDPA's, whose votes they look like.
    Vote,
    /// Makes the randomness in headers: sr25519.
    Vrf,
}

impl KeyType {
    /// All there are.
    pub const ALL: [Self; 2] = [Self::Vote, Self::Vrf];

    /// The four letters that files and tools name it by.
    pub const fn id(self) -> [u8; 4] {
        match self {
            Self::Vote => *b"gran",
            Self::Vrf => *b"bvrf",
        }
    }

    /// The scheme of its keys.
    pub const fn scheme(self) -> Scheme {
        match self {
            Self::Vote => Scheme::Ed25519,
            Self::Vrf => Scheme::Sr25519,
        }
    }
}

impl fmt::Display for KeyType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Vote => "gran",
            Self::Vrf => "bvrf",
        })
    }
}

impl FromStr for KeyType {
    type Err = KeystoreError;

    fn from_str(text: &str) -> Result<Self, KeystoreError> {
        let known = Self::ALL.into_iter().find(|known| known.id() == text.as_bytes());
        known.ok_or_else(|| KeystoreError::UnknownType(text.chars().take(8).collect()))
    }
}
