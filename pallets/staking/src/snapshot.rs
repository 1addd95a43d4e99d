//! Who could be elected and by whom, frozen before the randomness that decides about them is known.

use alloc::{collections::BTreeMap, vec::Vec};

use basalt_primitives::{AccountId, Balance};
use basalt_state::StateRead;
use basalt_support::{Context, Failure, Map, storage::Identity};
use parity_scale_codec::{Decode, Encode};
use scale_info::TypeInfo;

use crate::{
    Event, MIN_NOMINATOR_BOND, MIN_VALIDATOR_BOND, MINIMUM_ACTIVE_STAKE, NOMINATORS, NOMINATORS_BY_STAKE,
    SNAPSHOT_VOTERS, SNAPSHOTS, Staking, VALIDATORS, VALIDATORS_BY_STAKE,
    order::Rank,
    types::{EraIndex, Page, ValidatorPrefs},
};

pub use basalt_election::{CANDIDATES_MAX, VOTERS_MAX};

/// Frozen nominators are stored this many at a time: 40 KB with 16 targets each.
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

/// Who could be elected by whom.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// Who could be elected, largest own stake first.
    pub candidates: Vec<FrozenCandidate>,
    /// By whom, largest stake first.
    pub voters: Vec<FrozenNominator>,
}

impl Staking {
    /// Freezes who could be elected and by whom, for the election after the next.
    ///
    /// Candidates are the [`CANDIDATES_MAX`] validators with the largest active stake of their own (by account among equals)
    /// that have at least `MinValidatorBond`, except those without session keys. Voters are the [`VOTERS_MAX`] nominators with
    /// the largest active stake that have at least `MinNominatorBond`, with those of their targets that are candidates, except
    /// those without any. Nobody without stake is either. A nominator who is left out for the number loses nothing but its
    /// vote: more stake or fewer others bring it back.
    pub(crate) fn freeze(&self, ctx: &mut Context<'_, '_>, era: EraIndex) -> Result<(), Failure> {
        let Snapshot { candidates, voters } = self.frozen(ctx)?;
        MINIMUM_ACTIVE_STAKE.put(ctx, &voters.last().map_or(0, |voter| voter.stake));
        let mut pages: Page = 0;
        for page in voters.chunks(VOTERS_PER_PAGE as usize) {
            SNAPSHOT_VOTERS.put(ctx, &era, &pages, &page.to_vec());
            pages = pages.saturating_add(1);
        }
        SNAPSHOTS.put(ctx, &era, &Frozen { candidates, pages });
        Ok(())
    }

    /// Who could be elected by whom, as things are now.
    pub(crate) fn frozen(&self, ctx: &mut Context<'_, '_>) -> Result<Snapshot, Failure> {
        let candidates = self.candidates(ctx)?;
        let places: BTreeMap<AccountId, u16> =
            (0..).zip(&candidates).map(|(at, one)| (one.who, at)).collect();
        let voters = self.voters(ctx, &places)?;
        Ok(Snapshot { candidates, voters })
    }

    fn candidates(&self, ctx: &mut Context<'_, '_>) -> Result<Vec<FrozenCandidate>, Failure> {
        let least = MIN_VALIDATOR_BOND.get_or_default(ctx)?.max(1);
        let (ranks, more) = largest(ctx, &VALIDATORS_BY_STAKE, least, CANDIDATES_MAX)?;
        let mut candidates = Vec::with_capacity(ranks.len());
        for rank in &ranks {
            let who = rank.who();
            let Some(keys) = self.session.keys(ctx, &who)? else { continue };
            let prefs = VALIDATORS.get_or_default(ctx, &who)?;
            let (vote_key, vrf_key) = (keys.grandpa, keys.vrf);
            candidates.push(FrozenCandidate { who, stake: rank.stake(), vote_key, vrf_key, prefs });
        }
        if more {
            ctx.emit(self.index, &Event::SnapshotTargetsSizeExceeded { size: CANDIDATES_MAX });
        }
        Ok(candidates)
    }

    fn voters(
        &self,
        ctx: &mut Context<'_, '_>,
        places: &BTreeMap<AccountId, u16>,
    ) -> Result<Vec<FrozenNominator>, Failure> {
        let least = MIN_NOMINATOR_BOND.get_or_default(ctx)?.max(1);
        let (ranks, more) = largest(ctx, &NOMINATORS_BY_STAKE, least, VOTERS_MAX)?;
        let mut voters = Vec::with_capacity(ranks.len());
        for rank in &ranks {
            let Some(nominations) = NOMINATORS.get(ctx, &rank.who())? else { continue };
            let targets: Vec<u16> =
                nominations.targets.iter().filter_map(|target| places.get(target).copied()).collect();
            if !targets.is_empty() {
                voters.push(FrozenNominator { who: rank.who(), stake: rank.stake(), targets });
            }
        }
        if more {
            ctx.emit(self.index, &Event::SnapshotVotersSizeExceeded { size: VOTERS_MAX });
        }
        Ok(voters)
    }

    /// What was frozen in an era; it is used once, and removed.
    pub(crate) fn thaw(&self, ctx: &mut Context<'_, '_>, era: EraIndex) -> Result<Option<Snapshot>, Failure> {
        let Some(frozen) = SNAPSHOTS.take(ctx, &era)? else { return Ok(None) };
        let mut voters = Vec::new();
        for page in 0..frozen.pages {
            voters.extend(SNAPSHOT_VOTERS.get(ctx, &era, &page)?.unwrap_or_default());
            SNAPSHOT_VOTERS.remove(ctx, &era, &page);
        }
        Ok(Some(Snapshot { candidates: frozen.candidates, voters }))
    }
}

/// The first `most` of an order with at least `least` at stake, and whether there are more.
fn largest(
    state: &impl StateRead,
    order: &Map<Identity, Rank, ()>,
    least: Balance,
    most: u32,
) -> Result<(Vec<Rank>, bool), Failure> {
    let mut ranks = Vec::new();
    for entry in order.iter(state) {
        let (rank, ()) = entry?;
        if rank.stake() < least {
            break;
        }
        if ranks.len() >= most as usize {
            return Ok((ranks, true));
        }
        ranks.push(rank);
    }
    Ok((ranks, false))
}
