//! Block 0 from a configuration.

use alloc::{format, string::ToString, vec::Vec};
use core::fmt;

use basalt_primitives::{AccountId, Balance, H256};
use basalt_runtime_api::{GenesisError, Validator};
use basalt_state::{ChangeSet, Memory, Overlay, StateWrite};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::{BALANCES, REFERENDA, SESSION, SUDO, SYSTEM, TECHNICAL_COMMITTEE, version};

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
#[serde(deny_unknown_fields, default)]
pub struct SessionGenesis {
    /// Nobody if empty: right for chains whose blocks one node makes alone.
    pub validators: Vec<ValidatorGenesis>,
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
    let validators = config.session.validators.into_iter().map(Validator::from).collect();
    SESSION
        .genesis(&mut state, validators)
        .map_err(|error| GenesisError::Inconsistent(format!("session.validators: {error}")))?;
    REFERENDA.genesis(&mut state, config.governance.pace);
    TECHNICAL_COMMITTEE
        .genesis(&mut state, config.governance.technical_committee)
        .map_err(|error| GenesisError::Inconsistent(format!("governance.technicalCommittee: {error}")))?;
    Ok(state.into_change_set()?)
}
