//! What makes a list of validators a set that can agree.

use alloc::collections::BTreeMap;

use basalt_primitives::{AccountId, signature};
use basalt_runtime_api::Validator;

/// The most validators of a set. Each adds 132 bytes to every block's certificate (132 KB at this limit), and each sends its
/// votes to all others.
pub const VALIDATORS_MAX: u32 = 1_000;

/// The most that all powers may add up to. Votes are counted in 64 bits against `2/3` of it, which takes three times the
/// sum; the rest is margin.
pub const POWER_TOTAL_MAX: u64 = (1 << 61) - 1;

/// Why a list of validators is no set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SetError {
    /// Nobody would decide.
    #[error("there are no validators: nobody could decide the next block")]
    Empty,
    /// Too many.
    #[error("there are {0} validators, and at most {VALIDATORS_MAX} can agree in time")]
    TooMany(usize),
    /// One entry is wrong.
    #[error("validator {position} of the list ({account}): {fault}")]
    Entry {
        /// Which entry, counted from 1.
        position: usize,
        /// Its account.
        account: AccountId,
        /// What is wrong.
        fault: Fault,
    },
}

/// What is wrong with an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Its account comes twice.
    #[error("validator {0} has the same account; list each account once")]
    SameAccount(usize),
    /// Its vote key comes twice: one key would vote twice, which counts as misbehaviour.
    #[error("validator {0} has the same vote key; each needs its own")]
    SameVoteKey(usize),
    /// Its VRF key comes twice.
    #[error("validator {0} has the same VRF key; each needs its own")]
    SameVrfKey(usize),
    /// Nothing could be signed with it.
    #[error("its vote key is no Ed25519 public key")]
    BadVoteKey,
    /// No randomness could be made with it.
    #[error("its VRF key is no sr25519 public key")]
    BadVrfKey,
    /// Its votes would not count.
    #[error("its power is 0; give it 1 at least, or leave the validator out")]
    NoPower,
    /// Together they are too powerful to be counted.
    #[error("with its power of {0} the sum exceeds {POWER_TOTAL_MAX}; divide all powers by the same number")]
    PowerTooLarge(u64),
}

/// Checks what must hold of every set but the empty one, of which everything holds.
///
/// # Errors
///
/// [`SetError`] names the first entry that is wrong.
pub fn check(validators: &[Validator]) -> Result<(), SetError> {
    if u32::try_from(validators.len()).map_or(true, |count| count > VALIDATORS_MAX) {
        return Err(SetError::TooMany(validators.len()));
    }
    let mut seen = Seen::default();
    for (validator, position) in validators.iter().zip(1..) {
        let entry = |fault| SetError::Entry { position, account: validator.account, fault };
        seen.add(validator, position).map_err(entry)?;
    }
    Ok(())
}

/// What the entries so far have used up.
#[derive(Default)]
struct Seen {
    accounts: BTreeMap<AccountId, usize>,
    vote_keys: BTreeMap<[u8; 32], usize>,
    vrf_keys: BTreeMap<[u8; 32], usize>,
    power: u64,
}

impl Seen {
    fn add(&mut self, validator: &Validator, position: usize) -> Result<(), Fault> {
        if let Some(first) = self.accounts.insert(validator.account, position) {
            return Err(Fault::SameAccount(first));
        }
        if let Some(first) = self.vote_keys.insert(validator.vote_key, position) {
            return Err(Fault::SameVoteKey(first));
        }
        if let Some(first) = self.vrf_keys.insert(validator.vrf_key, position) {
            return Err(Fault::SameVrfKey(first));
        }
        if !signature::is_ed25519_public(&validator.vote_key) {
            return Err(Fault::BadVoteKey);
        }
        if !signature::is_sr25519_public(&validator.vrf_key) {
            return Err(Fault::BadVrfKey);
        }
        if validator.power == 0 {
            return Err(Fault::NoPower);
        }
        let sum = self.power.checked_add(validator.power).filter(|sum| *sum <= POWER_TOTAL_MAX);
        self.power = sum.ok_or(Fault::PowerTooLarge(validator.power))?;
        Ok(())
    }
}
