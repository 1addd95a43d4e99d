//! What a validator signs with: the keys that the set names, whichever of the keystore's these are.

use std::io;

use basalt_consensus_bft::{Keys, Refusal, Slot, SlotStep, vrf_transcript};
use basalt_keystore::{
    KeyType, Keystore, VotePair, VrfPair,
    guard::{Guard, GuardFile, Record, Step as GuardStep, Turn, Verdict},
};
use basalt_primitives::H256;
use basalt_runtime_api::ValidatorSet;

use crate::error::NodeError;

#[cfg(test)]
mod tests;

/// A validator's keys, with the guard that survives what its log does not.
///
/// A keystore may hold several: those of now, and those that it will sign with once the set that names them begins.
pub(crate) struct ValidatorKeys {
    keystore: Keystore,
    hand: Hand,
}

/// The keys that are used.
struct Hand {
    vote: VotePair,
    vrf: VrfPair,
    file: GuardFile,
    /// With what was signed since the last sync.
    guard: Guard,
    unsynced: Option<Record>,
}

/// Public keys: votes, randomness.
type Public = ([u8; 32], [u8; 32]);

impl ValidatorKeys {
    /// The keys of the validator that this node is, or is to become: in a set that names none of them, the node watches.
    ///
    /// # Errors
    ///
    /// If the keystore has none, or those that the set names cannot be used.
    pub(crate) fn open(keystore: &Keystore, set: &ValidatorSet) -> Result<Self, NodeError> {
        let chosen = match member(keystore, set)? {
            Some(chosen) => chosen,
            None => {
                let first = |kind| -> Result<[u8; 32], NodeError> {
                    let missing = || NodeError::NoValidatorKeys(keystore.folder().to_owned());
                    keystore.keys(kind)?.first().copied().ok_or_else(missing)
                };
                (first(KeyType::Vote)?, first(KeyType::Vrf)?)
            }
        };
        let keystore = keystore.clone();
        Hand::open(&keystore, chosen).map(|hand| Self { keystore, hand })
    }

    /// Takes the keys that this set names, if it names others than those in use.
    fn change(&mut self, set: &ValidatorSet) -> Result<(), NodeError> {
        let now = (self.hand.vote.public(), self.hand.vrf.public());
        let Some(next) = member(&self.keystore, set)?.filter(|next| *next != now) else { return Ok(()) };
        // What was signed with the old ones must be on record before they are put away: they may come back.
        self.sync().map_err(|error| NodeError::System {
            what: "what was signed could not be put on record",
            error,
        })?;
        if next.0 == now.0 {
            // Only one process may hold a guard, this one included.
            self.hand.vrf = vrf_pair(&self.keystore, &next.1)?;
        } else {
            self.hand = Hand::open(&self.keystore, next)?;
        }
        tracing::info!(vote_key = %const_hex::encode_prefixed(next.0), "this node signs with these keys from here on");
        Ok(())
    }
}

impl Hand {
    fn open(keystore: &Keystore, (vote_key, vrf_key): Public) -> Result<Self, NodeError> {
        let vote = keystore.vote_pair(&vote_key)?;
        let vote = vote.ok_or_else(|| NodeError::NoValidatorKeys(keystore.folder().to_owned()))?;
        let vrf = vrf_pair(keystore, &vrf_key)?;
        let file = GuardFile::open(keystore.folder(), &vote_key)?;
        let guard = Guard { last: file.last() };
        Ok(Self { vote, vrf, file, guard, unsynced: None })
    }
}

fn vrf_pair(keystore: &Keystore, public: &[u8; 32]) -> Result<VrfPair, NodeError> {
    keystore.vrf_pair(public)?.ok_or_else(|| NodeError::NoValidatorKeys(keystore.folder().to_owned()))
}

/// The first of a set whose vote key is in the keystore.
fn member(keystore: &Keystore, set: &ValidatorSet) -> Result<Option<Public>, NodeError> {
    let votes = keystore.keys(KeyType::Vote)?;
    let member = set.validators.iter().find(|validator| votes.contains(&validator.vote_key));
    Ok(member.map(|member| (member.vote_key, member.vrf_key)))
}

impl Keys for ValidatorKeys {
    fn vote_key(&self) -> [u8; 32] {
        self.hand.vote.public()
    }

    fn enter(&mut self, set: &ValidatorSet) -> [u8; 32] {
        // The keys in use are no member's then, so nothing is signed: others go on, and the operator can help.
        if let Err(error) = self.change(set) {
            tracing::error!(%error, "the keys that the new set of validators names cannot be used: watching only");
        }
        self.vote_key()
    }

    fn sign(&mut self, slot: Slot, digest: H256, payload: &[u8]) -> Result<[u8; 64], Refusal> {
        let step = match slot.step {
            SlotStep::Proposal => GuardStep::Proposal,
            SlotStep::Prevote => GuardStep::Prevote,
            SlotStep::Precommit => GuardStep::Precommit,
        };
        let next = Record { turn: Turn { height: slot.height, round: slot.round, step }, hash: digest.0 };
        match self.hand.guard.check(&next) {
            Verdict::SameAgain => {}
            Verdict::Allowed => {
                self.hand.guard.last = Some(next);
                self.hand.unsynced = Some(next);
            }
            Verdict::Refused { last } => {
                return Err(Refusal(format!(
                    "the {} was signed before, and {} comes after it",
                    last.turn, next.turn
                )));
            }
        }
        Ok(self.hand.vote.sign(payload))
    }

    fn sync(&mut self) -> io::Result<()> {
        // Turns only go on, so the last one stands for all before it.
        if let Some(record) = self.hand.unsynced {
            self.hand.file.admit(record).map_err(io::Error::other)?;
            self.hand.unsynced = None;
        }
        Ok(())
    }

    fn last_height(&self) -> Option<u64> {
        self.hand.guard.last.map(|last| last.turn.height)
    }

    fn vrf_sign(&self, input: &[u8]) -> ([u8; 32], [u8; 64]) {
        let signature = self.hand.vrf.vrf_sign(vrf_transcript(input));
        (signature.output, signature.proof)
    }
}
