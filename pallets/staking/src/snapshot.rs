//! Who could be elected and by whom, frozen before the randomness that decides about them is known.

use alloc::vec::Vec;

use basalt_primitives::{AccountId, Balance};
use parity_scale_codec::{Decode, Encode};
use scale_info::TypeInfo;

use crate::types::{Page, ValidatorPrefs};

/// The most candidates of an election.
pub const CANDIDATES_MAX: u32 = 1_000;
/// The most nominators of an election.
pub const VOTERS_MAX: u32 = 20_000;
/// Frozen nominators are stored this many at a time: with 16 targets each, 60 KB.
pub const VOTERS_PER_PAGE: u32 = 500;

/// Candidates, and how many pages of nominators there are.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub struct Frozen {
    /// Who may be elected, largest own stake first.
    pub candidates: Vec<FrozenCandidate>,
    /// Pages of `SnapshotVoters`.
    pub pages: Page,
}

/// One who may be elected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub struct FrozenCandidate {
    /// Who.
    pub who: AccountId,
    /// Its own stake.
    pub stake: Balance,
    /// The key that will sign its votes.
    pub vote_key: [u8; 32],
    /// The key that will make the randomness in its headers.
    pub vrf_key: [u8; 32],
    /// On which terms.
    pub prefs: ValidatorPrefs,
}

/// One who nominates.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub struct FrozenNominator {
    /// Who.
    pub who: AccountId,
    /// Its stake.
    pub stake: Balance,
    /// Whom, as places among the candidates.
    pub targets: Vec<u16>,
}
