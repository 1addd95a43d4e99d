//! What eras are worth, and who gets it.
//!
//! When an era ends its worth is fixed; nothing is issued yet, except what is left for the treasury. It is issued when somebody
//! asks for a page of it to be paid, to each who has a part in it: so what nobody asks for is never issued.
//!
//! ```text
//! validator's share = worth × its points / all points          rounded down, as all that follows
//! commission        = commission of the share
//! the rest          in proportion to the stakes behind the validator, its own among them
//! ```
//!
//! The validator gets commission and its own part with page 0.

use basalt_primitives::{AccountId, Balance, Moment, multiply_divide};
use basalt_support::{CallResult, Context, Failure, PostInfo};

use crate::{
    ACTIVE_ERA, CLAIMED_REWARDS, ERAS_REWARD_POINTS, ERAS_STAKERS_OVERVIEW, ERAS_STAKERS_PAGED,
    ERAS_TOTAL_STAKE, ERAS_VALIDATOR_PREFS, ERAS_VALIDATOR_REWARD, Error, Event, FIRST_ERA_START,
    HISTORY_DEPTH, ISSUANCE_MODEL, LEDGER, MAX_STAKED_REWARDS, PAYEE, Staking,
    issuance::{EraFacts, EraPayout, Issuance},
    types::{EraIndex, Page, PagedExposureMetadata, RewardDestination},
    weights,
};

impl Staking {
    /// Adds points in the active era. Points of accounts that do not validate in it are dropped.
    pub fn reward_by_ids(
        &self,
        ctx: &mut Context<'_, '_>,
        points: &[(AccountId, u32)],
    ) -> Result<(), Failure> {
        let Some(era) = self.active_era(ctx)? else { return Ok(()) };
        if ERAS_TOTAL_STAKE.get_or_default(ctx, &era)? == 0 {
            return Ok(());
        }
        let mut earned = ERAS_REWARD_POINTS.get_or_default(ctx, &era)?;
        for (who, more) in points {
            if ERAS_STAKERS_OVERVIEW.get(ctx, &era, who)?.is_none() {
                continue;
            }
            // Beyond the range the validator's points and their sum stay as they are, and agree.
            let Some(total) = earned.total.checked_add(*more) else { continue };
            let own = earned.individual.entry(*who).or_default();
            *own = own.saturating_add(*more);
            earned.total = total;
        }
        ERAS_REWARD_POINTS.put(ctx, &era, &earned);
        Ok(())
    }

    /// Fixes what an era is worth, and pays what of it is the treasury's.
    pub(crate) fn close_era(
        &self,
        ctx: &mut Context<'_, '_>,
        era: EraIndex,
        start: Option<Moment>,
    ) -> Result<(), Failure> {
        let staked = ERAS_TOTAL_STAKE.get_or_default(ctx, &era)?;
        let Some(start) = start.filter(|_| staked > 0) else { return Ok(()) };
        let facts = EraFacts {
            supply: self.balances.total_issuance(ctx)?,
            staked,
            duration_ms: self.timestamp.now(ctx)?.saturating_sub(start).min(self.era_duration_max_ms),
            age_ms: start.saturating_sub(FIRST_ERA_START.get(ctx)?.unwrap_or(start)),
        };
        let payout = ISSUANCE_MODEL.get(ctx)?.unwrap_or(self.issuance).payout(&facts);
        let payout = match MAX_STAKED_REWARDS.get(ctx)? {
            None => payout,
            Some(most) => {
                let all = payout.stakers.saturating_add(payout.remainder);
                let stakers = payout.stakers.min(most.mul_floor(all));
                EraPayout { stakers, remainder: all.saturating_sub(stakers) }
            }
        };
        ERAS_VALIDATOR_REWARD.put(ctx, &era, &payout.stakers);
        self.mint(ctx, &self.treasury, payout.remainder)?;
        ctx.emit(
            self.index,
            &Event::EraPaid { era_index: era, validator_payout: payout.stakers, remainder: payout.remainder },
        );
        Ok(())
    }

    /// Pays a page of a validator's rewards: this one, or the first that is not paid.
    pub(crate) fn payout(
        &self,
        ctx: &mut Context<'_, '_>,
        validator: &AccountId,
        era: EraIndex,
        page: Option<Page>,
    ) -> CallResult {
        let invalid = || self.error(Error::InvalidEraToReward);
        let active = ACTIVE_ERA.get(ctx)?.ok_or_else(invalid)?.index;
        if era >= active || era.saturating_add(HISTORY_DEPTH) < active {
            return Err(invalid().into());
        }
        let worth = ERAS_VALIDATOR_REWARD.get(ctx, &era)?.ok_or_else(invalid)?;
        let exposure = ERAS_STAKERS_OVERVIEW.get(ctx, &era, validator)?.ok_or_else(invalid)?;
        let page = self.claim(ctx, validator, era, &exposure, page)?;

        let points = ERAS_REWARD_POINTS.get_or_default(ctx, &era)?;
        let earned = points.individual.get(validator).copied().unwrap_or(0);
        let share = part(worth, earned.into(), points.total.into());
        let prefs = ERAS_VALIDATOR_PREFS.get_or_default(ctx, &era, validator)?;
        let commission = prefs.commission.mul_floor(share);
        let rest = share.saturating_sub(commission);
        if page == 0 {
            let own = part(rest, exposure.own, exposure.total);
            self.pay(ctx, validator, commission.saturating_add(own))?;
        }
        let others = ERAS_STAKERS_PAGED.get(ctx, &era, validator, &page)?.unwrap_or_default().others;
        let paid = others.len() as u64;
        for nominator in others {
            self.pay(ctx, &nominator.who, part(rest, nominator.value, exposure.total))?;
        }
        Ok(PostInfo { actual_weight: Some(weights::payout(paid)), ..PostInfo::default() })
    }

    /// Notes that a page is paid.
    fn claim(
        &self,
        ctx: &mut Context<'_, '_>,
        validator: &AccountId,
        era: EraIndex,
        exposure: &PagedExposureMetadata,
        page: Option<Page>,
    ) -> Result<Page, Failure> {
        let pages = exposure.page_count.max(1);
        let mut claimed = CLAIMED_REWARDS.get_or_default(ctx, &era, validator)?;
        let unclaimed = |claimed: &[Page]| (0..pages).find(|page| !claimed.contains(page));
        let page = match page {
            None => unclaimed(&claimed),
            Some(page) if page >= pages => return Err(self.error(Error::InvalidPage)),
            Some(page) => Some(page).filter(|page| !claimed.contains(page)),
        };
        let page = page.ok_or_else(|| self.error(Error::AlreadyClaimed))?;
        claimed.push(page);
        claimed.sort_unstable();
        CLAIMED_REWARDS.put(ctx, &era, validator, &claimed);
        let next = unclaimed(&claimed);
        ctx.emit(
            self.index,
            &Event::PayoutStarted { era_index: era, validator_stash: *validator, page, next },
        );
        Ok(page)
    }

    /// Pays a reward to where the stash wants it. Who has left gets it as free balance.
    fn pay(&self, ctx: &mut Context<'_, '_>, stash: &AccountId, amount: Balance) -> Result<(), Failure> {
        let mut dest = PAYEE.get(ctx, stash)?.unwrap_or(RewardDestination::Stash);
        let to = match dest {
            RewardDestination::None => return Ok(()),
            RewardDestination::Account(account) => account,
            _ => *stash,
        };
        if amount == 0 || !self.mint(ctx, &to, amount)? {
            return Ok(());
        }
        if dest == RewardDestination::Staked
            && let Some(ledger) = LEDGER.get(ctx, stash)?
        {
            match self.bond_more(ctx, ledger, amount) {
                Ok(()) => {}
                // One stash that cannot bond more must not keep a page of others from being paid.
                Err(Failure::Dispatch(_)) => dest = RewardDestination::Stash,
                Err(failure) => return Err(failure),
            }
        }
        ctx.emit(self.index, &Event::Rewarded { stash: *stash, dest, amount });
        Ok(())
    }

    /// Issues an amount. Returns whether the account could have it: not if it is too little to open an account, or if there
    /// would be more than there may be.
    fn mint(&self, ctx: &mut Context<'_, '_>, to: &AccountId, amount: Balance) -> Result<bool, Failure> {
        if amount == 0 {
            return Ok(false);
        }
        match self.balances.mint_into(ctx, to, amount) {
            Ok(()) => Ok(true),
            Err(Failure::Dispatch(_)) => Ok(false),
            Err(failure) => Err(failure),
        }
    }
}

/// `amount × of / whole`, rounded down.
fn part(amount: Balance, of: Balance, whole: Balance) -> Balance {
    multiply_divide(amount, of, whole).unwrap_or(0)
}
