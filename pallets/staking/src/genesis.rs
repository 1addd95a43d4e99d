//! Who has what at stake from the start, and who validates because of it.

use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};

use basalt_pallet_session::VALIDATORS_MAX;
use basalt_primitives::{AccountId, Balance, Digest, DispatchError, H256, MultiAddress};
use basalt_runtime_api::Validator;
use basalt_state::{Overlay, StateWrite};
use basalt_support::{BlockEnv, Context, Failure};
use parity_scale_codec::Decode;

use crate::{
    ACTIVE_ERA, CURRENT_ERA, DURATIONS, ERAS_START_SESSION_INDEX, Error, FORCE_ERA, HISTORY_DEPTH,
    INVULNERABLES, INVULNERABLES_MAX, ISSUANCE_MODEL, LEDGER, MIN_COMMISSION, MIN_NOMINATOR_BOND,
    MIN_VALIDATOR_BOND, MINIMUM_VALIDATOR_COUNT, SLASH_REWARD_FRACTION, StakerStatus, Staking,
    StakingGenesis, VALIDATOR_COUNT,
    types::{ActiveEraInfo, Durations, RewardDestination, ValidatorPrefs},
};

impl Staking {
    /// Bonds what the stakers have, elects those who validate in the first two epochs, and returns them: nobody without
    /// stakers. Balances and session keys must be there already.
    ///
    /// # Errors
    ///
    /// A sentence that names the entry that is wrong.
    pub fn genesis(
        &self,
        state: &mut Overlay<'_>,
        config: &StakingGenesis,
    ) -> Result<Vec<Validator>, String> {
        let validators =
            config.stakers.iter().filter(|(_, _, does)| *does == StakerStatus::Validator).count();
        let count = config.validator_count.unwrap_or(u32::try_from(validators).unwrap_or(u32::MAX));
        check(config, count)?;
        self.settings(state, config, count);

        let env = BlockEnv { number: 0, parent_hash: H256::zero(), digest: Digest::default(), author: None };
        let mut ctx = Context::new(state, &env, None);
        for (who, stake, _) in &config.stakers {
            self.bond_at_start(&mut ctx, who, *stake)?;
        }
        // Nominators can only name those who validate already.
        for (who, _, does) in &config.stakers {
            if *does == StakerStatus::Validator {
                self.validate(&mut ctx, who, ValidatorPrefs::default()).map_err(|why| wrong(who, &why))?;
            }
        }
        for (who, _, does) in &config.stakers {
            if let StakerStatus::Nominator(targets) = does {
                let targets: Vec<_> = targets.iter().map(|target| MultiAddress::Id(*target)).collect();
                self.nominate(&mut ctx, who, &targets).map_err(|why| wrong(who, &why))?;
            }
        }
        if validators == 0 {
            return Ok(Vec::new());
        }
        self.first_set(&mut ctx, config)
    }

    fn settings(&self, state: &mut impl StateWrite, config: &StakingGenesis, count: u32) {
        VALIDATOR_COUNT.put(state, &count);
        MINIMUM_VALIDATOR_COUNT.put(state, &config.minimum_validator_count);
        INVULNERABLES.put(state, &config.invulnerables);
        FORCE_ERA.put(state, &config.force_era);
        SLASH_REWARD_FRACTION.put(state, &config.slash_reward_fraction);
        MIN_NOMINATOR_BOND.put(state, &config.min_nominator_bond);
        MIN_VALIDATOR_BOND.put(state, &config.min_validator_bond);
        MIN_COMMISSION.put(state, &config.min_commission);
        if let Some(durations) = &config.durations {
            DURATIONS.put(state, durations);
        }
        if let Some(model) = &config.issuance {
            ISSUANCE_MODEL.put(state, model);
        }
        ACTIVE_ERA.put(state, &ActiveEraInfo { index: 0, start: None });
        CURRENT_ERA.put(state, &0);
        ERAS_START_SESSION_INDEX.put(state, &0, &0);
    }

    fn bond_at_start(
        &self,
        ctx: &mut Context<'_, '_>,
        who: &AccountId,
        stake: Balance,
    ) -> Result<(), String> {
        self.bond(ctx, who, stake, RewardDestination::Staked).map_err(|why| wrong(who, &why))?;
        let bonded =
            LEDGER.get(ctx, who).map_err(|error| error.to_string())?.map_or(0, |ledger| ledger.total);
        if bonded < stake {
            return Err(format!(
                "{who} cannot have {stake} at stake: it owns {bonded} above the existential deposit {}; give it more \
                 among the balances",
                self.balances.existential_deposit
            ));
        }
        Ok(())
    }

    /// Elects by the same rules as later, without a lot that anybody could have chosen: the seed is zero.
    fn first_set(
        &self,
        ctx: &mut Context<'_, '_>,
        config: &StakingGenesis,
    ) -> Result<Vec<Validator>, String> {
        let frozen = self.frozen(ctx).map_err(|why| text(&why))?;
        for (who, _, does) in &config.stakers {
            if *does == StakerStatus::Validator
                && !frozen.candidates.iter().any(|candidate| candidate.who == *who)
            {
                return Err(format!(
                    "{who} is to validate, but has no keys; add an entry for it to session.keys"
                ));
            }
        }
        let elected = self
            .elected(ctx, &frozen, H256::zero())
            .map_err(|why| text(&why))?
            .map_err(|why| format!("the first election: {why}"))?;
        let least = config.minimum_validator_count.max(1);
        if elected.len() < least as usize {
            return Err(format!(
                "{} validators are elected, below the least of {least}; add stakers or lower minimumValidatorCount",
                elected.len()
            ));
        }
        self.expose(ctx, 0, &elected);
        Ok(elected.into_iter().map(|one| one.validator).collect())
    }
}

fn check(config: &StakingGenesis, count: u32) -> Result<(), String> {
    if count > VALIDATORS_MAX {
        return Err(format!("validatorCount is {count}, and at most {VALIDATORS_MAX} can agree in time"));
    }
    if config.minimum_validator_count > count {
        return Err(format!(
            "minimumValidatorCount is {}, above validatorCount {count}: no election could succeed",
            config.minimum_validator_count
        ));
    }
    if config.invulnerables.len() > INVULNERABLES_MAX as usize {
        return Err(format!(
            "{} invulnerables; there may be {INVULNERABLES_MAX}",
            config.invulnerables.len()
        ));
    }
    if let Some(Durations { bonding, .. }) = config.durations
        && bonding > HISTORY_DEPTH
    {
        return Err(format!(
            "bondingDuration is {bonding}, and what stood behind validators is known for {HISTORY_DEPTH} eras: nobody could be \
             punished later"
        ));
    }
    if let Some(durations) = config.durations
        && durations.evidence_window().is_none()
    {
        return Err(format!(
            "bondingDuration is {}; with slashDeferDuration {} it must be at least {}, or stake is gone before it is \
             punished",
            durations.bonding,
            durations.slash_defer,
            u64::from(durations.slash_defer) + 4
        ));
    }
    Ok(())
}

fn wrong(who: &AccountId, why: &Failure) -> String {
    format!("{who}: {}", text(why))
}

fn text(failure: &Failure) -> String {
    match failure {
        Failure::Dispatch(DispatchError::Module(module)) => match Error::decode(&mut &module.error[..]) {
            Ok(error) => format!("{error:?}"),
            Err(_) => module.error[0].to_string(),
        },
        Failure::Dispatch(error) => error.to_string(),
        Failure::State(error) => error.to_string(),
    }
}
