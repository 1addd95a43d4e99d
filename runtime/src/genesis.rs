//! Block 0 from a configuration.

use alloc::{format, string::ToString, vec::Vec};
use core::fmt;

use basalt_pallet_session::SessionKeys;
use basalt_pallet_staking::{
    self as staking, StakingGenesis,
    issuance::{Curve, Fixed, Halving, IssuanceModel},
    types::{Durations, Forcing},
};
use basalt_primitives::{AccountId, Balance, H256, Perbill};
use basalt_runtime_api::{GenesisError, Validator};
use basalt_state::{ChangeSet, Memory, Overlay, StateWrite};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::{BALANCES, REFERENDA, SESSION, STAKING, SUDO, SYSTEM, TECHNICAL_COMMITTEE, version};

/// The key under which clients look for a runtime's code.
pub(crate) const CODE_KEY: &[u8] = b":code";

/// What a chain starts with, in the shape of Substrate's `runtimeGenesis.patch`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GenesisConfig {
    /// Who owns what.
    pub balances: BalancesGenesis,
    /// Who is root.
    pub sudo: SudoGenesis,
    /// Who validates.
    pub session: SessionGenesis,
    /// Who has what at stake.
    pub staking: StakingConfig,
    /// How the chain decides.
    pub governance: GovernanceGenesis,
}

/// How the chain decides, at the start.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "camelCase")]
pub struct GovernanceGenesis {
    /// By what all periods of governance are divided: 0 or 1 for chains of people, more for development and tests.
    pub pace: u32,
    /// The technical committee. Nobody if empty: then nothing can be put on the whitelist but by root.
    pub technical_committee: Vec<AccountId>,
}

/// Who owns what at the start.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BalancesGenesis {
    /// Account and amount; each account once, each amount at least the existential deposit.
    pub balances: Vec<(AccountId, Amount)>,
}

/// Who is root at the start.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SudoGenesis {
    /// Nobody if absent: right for everything but development.
    pub key: Option<AccountId>,
}

/// Who validates at the start.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "camelCase")]
pub struct SessionGenesis {
    /// A set that stays until somebody else is elected. Nobody if empty: right for chains whose blocks one node makes alone,
    /// and for those whose first set is elected from stakes and `keys`.
    pub validators: Vec<ValidatorGenesis>,
    /// Keys that accounts have registered.
    pub keys: Vec<(AccountId, KeysGenesis)>,
    /// Blocks of an epoch; the first one never ends if 0.
    pub epoch_length: u32,
}

/// Keys that an account has registered at the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeysGenesis {
    /// The Ed25519 key that signs its votes, in hex.
    pub grandpa: H256,
    /// The sr25519 key that makes the randomness in its headers, in hex.
    pub vrf: H256,
}

impl From<KeysGenesis> for SessionKeys {
    fn from(keys: KeysGenesis) -> Self {
        Self { grandpa: keys.grandpa.0, vrf: keys.vrf.0 }
    }
}

/// One who validates at the start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ValidatorGenesis {
    /// Earns for its blocks.
    pub account: AccountId,
    /// The Ed25519 key that signs its votes, in hex.
    pub vote_key: H256,
    /// The sr25519 key that makes the randomness in its headers, in hex.
    pub vrf_key: H256,
    /// Weight of its votes.
    pub power: u64,
}

impl From<ValidatorGenesis> for Validator {
    fn from(entry: ValidatorGenesis) -> Self {
        Self {
            account: entry.account,
            vote_key: entry.vote_key.0,
            vrf_key: entry.vrf_key.0,
            power: entry.power,
        }
    }
}

/// Stakes at the start, and the rules for them. Shares are in billionths.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "camelCase")]
pub struct StakingConfig {
    /// Who has how much at stake, and what for. Without any the validators are those of `session.validators`, and nobody
    /// is elected until root sets a `validatorCount`.
    pub stakers: Vec<(AccountId, Amount, StakerStatus)>,
    /// How many are elected; as many as validate among the stakers if absent.
    pub validator_count: Option<u32>,
    /// With fewer than these an election counts as failed.
    pub minimum_validator_count: u32,
    /// Whom no slash reaches.
    pub invulnerables: Vec<AccountId>,
    /// Whether validators are elected.
    pub force_era: Forcing,
    /// What of a slash its reporters get.
    pub slash_reward_fraction: u32,
    /// The least active stake of a nominator.
    pub min_nominator_bond: Option<Amount>,
    /// The least active stake of a validator.
    pub min_validator_bond: Option<Amount>,
    /// The least commission.
    pub min_commission: u32,
    /// Eras from unbonding to withdrawing; the runtime's if absent.
    pub bonding_duration: Option<u32>,
    /// Eras from an offence's report to its punishment; the runtime's if absent.
    pub slash_defer_duration: Option<u32>,
    /// What is issued; the runtime's curve if absent.
    pub issuance: Option<IssuanceConfig>,
}

/// What is issued for stakers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub enum IssuanceConfig {
    /// A share of the supply that depends on how much is at stake. All in billionths; the first two per year.
    #[serde(rename_all = "camelCase")]
    Curve {
        /// Stakers' rate with nothing at stake.
        min: u32,
        /// Stakers' rate with the ideal stake, and what is issued in any case.
        max: u32,
        /// The ideal stake.
        ideal_stake: u32,
        /// After how much more stake the rate above the minimum halves.
        falloff: u32,
    },
    /// The same amount each year.
    #[serde(rename_all = "camelCase")]
    Fixed {
        /// How much.
        per_year: Amount,
    },
    /// An amount per year that halves again and again.
    #[serde(rename_all = "camelCase")]
    Halving {
        /// How much at first.
        per_year: Amount,
        /// After how many milliseconds it halves.
        interval_ms: u64,
    },
}

impl From<IssuanceConfig> for IssuanceModel {
    fn from(config: IssuanceConfig) -> Self {
        match config {
            IssuanceConfig::Curve { min, max, ideal_stake, falloff } => {
                Self::Curve(Curve { min, max, ideal_stake, falloff })
            }
            IssuanceConfig::Fixed { per_year } => Self::Fixed(Fixed { per_year: per_year.0 }),
            IssuanceConfig::Halving { per_year, interval_ms } => {
                Self::Halving(Halving { per_year: per_year.0, interval_ms })
            }
        }
    }
}

/// What a staker does at the start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum StakerStatus {
    /// It validates, with its entry in `session.keys`.
    Validator,
    /// It nominates these.
    Nominator(Vec<AccountId>),
    /// Nothing.
    Idle,
}

impl From<StakingConfig> for StakingGenesis {
    fn from(config: StakingConfig) -> Self {
        let durations = match (config.bonding_duration, config.slash_defer_duration) {
            (None, None) => None,
            (bonding, defer) => Some(Durations {
                bonding: bonding.unwrap_or(STAKING.durations.bonding),
                slash_defer: defer.unwrap_or(STAKING.durations.slash_defer),
            }),
        };
        let status = |status| match status {
            StakerStatus::Validator => staking::StakerStatus::Validator,
            StakerStatus::Nominator(targets) => staking::StakerStatus::Nominator(targets),
            StakerStatus::Idle => staking::StakerStatus::Idle,
        };
        Self {
            stakers: config
                .stakers
                .into_iter()
                .map(|(who, stake, does)| (who, stake.0, status(does)))
                .collect(),
            validator_count: config.validator_count,
            minimum_validator_count: config.minimum_validator_count,
            invulnerables: config.invulnerables,
            force_era: config.force_era,
            slash_reward_fraction: Perbill::from_parts(config.slash_reward_fraction),
            min_nominator_bond: config.min_nominator_bond.map_or(0, |amount| amount.0),
            min_validator_bond: config.min_validator_bond.map_or(0, |amount| amount.0),
            min_commission: Perbill::from_parts(config.min_commission),
            durations,
            issuance: config.issuance.map(IssuanceModel::from),
        }
    }
}

/// An amount in JSON: a number as long as that is exact, else a decimal string.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Amount(pub Balance);

impl From<Balance> for Amount {
    fn from(amount: Balance) -> Self {
        Self(amount)
    }
}

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match u64::try_from(self.0) {
            Ok(small) => serializer.serialize_u64(small),
            Err(_) => serializer.serialize_str(&self.0.to_string()),
        }
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Amount;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an amount as an integer or, above 2^64, as a decimal string")
            }
            fn visit_u64<E: de::Error>(self, value: u64) -> Result<Amount, E> {
                Ok(Amount(value.into()))
            }
            fn visit_str<E: de::Error>(self, value: &str) -> Result<Amount, E> {
                value.parse().map(Amount).map_err(|_| E::invalid_value(de::Unexpected::Str(value), &self))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

/// What stands under `:code`: clients need something there, and it changes exactly when the specification does.
pub(crate) fn code_blob() -> Vec<u8> {
    let version = version();
    format!("native runtime {} {}", version.spec_name, version.spec_version).into_bytes()
}

pub(crate) fn build(config: &[u8]) -> Result<ChangeSet, GenesisError> {
    let config: GenesisConfig =
        serde_json::from_slice(config).map_err(|error| GenesisError::Malformed(error.to_string()))?;
    let empty = Memory::default();
    let mut state = Overlay::new(&empty);
    state.put(CODE_KEY, code_blob());
    SYSTEM.genesis(&mut state, &version());
    let accounts: Vec<(AccountId, Balance)> =
        config.balances.balances.into_iter().map(|(account, amount)| (account, amount.0)).collect();
    BALANCES.genesis(&mut state, &accounts).map_err(GenesisError::Inconsistent)?;
    SUDO.genesis(&mut state, config.sudo.key.as_ref());
    SESSION.genesis_epochs(&mut state, config.session.epoch_length);
    let keys: Vec<_> = config.session.keys.into_iter().map(|(who, keys)| (who, keys.into())).collect();
    SESSION
        .genesis_keys(&mut state, &keys)
        .map_err(|error| GenesisError::Inconsistent(format!("session.keys: {error}")))?;
    let elected = STAKING
        .genesis(&mut state, &config.staking.into())
        .map_err(|what| GenesisError::Inconsistent(format!("staking.stakers: {what}")))?;
    let listed: Vec<_> = config.session.validators.into_iter().map(Validator::from).collect();
    if !listed.is_empty() && !elected.is_empty() {
        return Err(GenesisError::Inconsistent(
            "session.validators and staking.stakers both say who validates; leave one of them out"
                .to_string(),
        ));
    }
    let validators = if elected.is_empty() { listed } else { elected };
    SESSION
        .genesis(&mut state, validators)
        .map_err(|error| GenesisError::Inconsistent(format!("session.validators: {error}")))?;
    REFERENDA.genesis(&mut state, config.governance.pace);
    TECHNICAL_COMMITTEE
        .genesis(&mut state, config.governance.technical_committee)
        .map_err(|error| GenesisError::Inconsistent(format!("governance.technicalCommittee: {error}")))?;
    Ok(state.into_change_set()?)
}
