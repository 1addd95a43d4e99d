//! Who was there, counted over an epoch: what that earns, and who was missing too often.

use alloc::{vec, vec::Vec};

use basalt_primitives::{AccountId, BlockNumber};
use basalt_runtime_api::{Validator, ValidatorSet};
use parity_scale_codec::{Decode, Encode};
use scale_info::TypeInfo;

use crate::{Absence, CERTIFICATES_MIN, POINTS_PER_BLOCK, Votes};

/// How often the members of a set were missing in an epoch.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub struct Attendance {
    /// The set's id.
    pub set: u64,
    /// The epoch's first block. The votes in that one are for a block of the epoch before, and do not count.
    pub since: BlockNumber,
    /// How many certificates were counted.
    pub certificates: u32,
    /// Of how many of them each member was no part, in the order of the set.
    pub missed: Vec<u32>,
}

impl Attendance {
    /// Nothing was counted yet.
    pub fn begin(set: &ValidatorSet, since: BlockNumber) -> Self {
        Self { set: set.id, since, certificates: 0, missed: vec![0; set.validators.len()] }
    }

    /// Counts the votes for one block.
    pub fn count(&mut self, votes: &Votes) {
        // An epoch has far fewer blocks; without epochs, nobody asks.
        let Some(certificates) = self.certificates.checked_add(1) else { return };
        self.certificates = certificates;
        for (place, missed) in self.missed.iter_mut().enumerate() {
            *missed += u32::from(!votes.has(place));
        }
    }

    /// What the votes of the epoch earned. All votes for one block are worth as many points as its author gets
    /// ([`POINTS_PER_BLOCK`]), divided by power, as authors are drawn by power: so points grow with stake, and who was there
    /// all the time gets about as much for its votes as for its blocks. What nobody voted is lost to all. Rounded down, once
    /// per epoch.
    pub fn points(&self, set: &ValidatorSet) -> Vec<(AccountId, u32)> {
        let total = total(&set.validators).max(1);
        let members = set.validators.iter().zip(&self.missed);
        members
            .map(|(member, missed)| {
                let votes = u128::from(self.certificates.saturating_sub(*missed));
                let points = votes * u128::from(POINTS_PER_BLOCK) * u128::from(member.power) / total;
                (member.account, u32::try_from(points).unwrap_or(u32::MAX))
            })
            .filter(|(_, points)| *points > 0)
            .collect()
    }

    /// Who was missing in more than half of the epoch's certificates, the most absent first.
    ///
    /// Those are to be chilled as long as they leave two thirds of the power and `least` validators: an outage of many, or
    /// of the network, must not empty the set. A large one that does not fit may stay while a smaller one goes.
    ///
    /// No proposer gets an honest validator chilled alone. Whoever proposes chooses which votes its block carries, but only
    /// for this one block: more than half of an epoch's blocks must leave a validator out. Proposers are drawn by power, so
    /// less than a third of the power proposes less than a third of the blocks, give or take: in an epoch of 50 blocks more
    /// than half with a chance of 0.5 %, of 100 with 0.02 %, of 200 with 4 in ten million; and one operator with the 20 %
    /// that it may have at most, in an epoch of 50, with 5 in ten million. Shorter epochs are for tests.
    pub fn absent(&self, set: &ValidatorSet, least: u32) -> Vec<Absence> {
        if self.certificates < CERTIFICATES_MIN {
            return Vec::new();
        }
        let mut absent: Vec<(&Validator, u32)> = set
            .validators
            .iter()
            .zip(self.missed.iter().copied())
            .filter(|(_, missed)| u64::from(*missed) * 2 > u64::from(self.certificates))
            .collect();
        absent.sort_by(|one, other| (other.1, one.0.account).cmp(&(one.1, other.0.account)));
        let all = total(&set.validators);
        let (mut power, mut count) = (all, set.validators.len());
        absent
            .into_iter()
            .map(|(validator, missed)| {
                let left = power.saturating_sub(validator.power.into());
                let chilled =
                    left * 3 >= all * 2 && u32::try_from(count - 1).is_ok_and(|count| count >= least.max(1));
                if chilled {
                    (power, count) = (left, count - 1);
                }
                let certificates = self.certificates;
                Absence { validator: validator.account, missed, certificates, chilled }
            })
            .collect()
    }
}

fn total(validators: &[Validator]) -> u128 {
    validators.iter().map(|validator| u128::from(validator.power)).sum()
}
