//! What chain a node runs: Substrate's JSON shape, and the presets.

use std::path::{Path, PathBuf};

use basalt_primitives::{
    AccountId, Balance, H256, MultiSigner,
    keys::{Pair, Scheme},
};
use basalt_runtime::{
    BalancesGenesis, GenesisConfig, KeysGenesis, SS58_PREFIX, SessionGenesis, StakerStatus, StakingConfig,
    SudoGenesis, TREASURY_ACCOUNT, UNIT,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// The most bytes of a chain specification file: a million genesis accounts fit.
pub(crate) const CHAIN_SPEC_BYTES_MAX: u64 = 128 * 1024 * 1024;

/// The development accounts that the presets endow. On local networks the first of them validate.
pub(crate) const DEV_ACCOUNTS: [&str; 6] = ["Alice", "Bob", "Charlie", "Dave", "Eve", "Ferdie"];

/// How many validators the preset `local` has: the fewest of which one may fail.
pub(crate) const LOCAL_VALIDATORS: usize = 4;
/// The most that it can have: each is a development account.
pub(crate) const LOCAL_VALIDATORS_MAX: usize = DEV_ACCOUNTS.len();

/// Blocks of an epoch on local networks: with blocks each second, whoever bonds validates in three minutes at most.
pub(crate) const LOCAL_EPOCH_LENGTH: u32 = 60;
/// What each validator of a local network has at stake: a tenth of what it owns.
const LOCAL_STAKE: Balance = 100_000 * UNIT;
/// How many may validate on local networks: whoever bonds as much as the others, and as little.
const LOCAL_SEATS: u32 = 100;
/// Blocks of an epoch on development chains, where each transaction makes one.
const DEV_EPOCH_LENGTH: u32 = 20;

/// What chain a node runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ChainSpec {
    /// Name for people.
    pub(crate) name: String,
    /// Name for folders: letters, digits, `-` and `_`.
    pub(crate) id: String,
    /// What kind of chain it is.
    pub(crate) chain_type: ChainType,
    /// Peers to find the network by.
    #[serde(default)]
    pub(crate) boot_nodes: Vec<String>,
    /// Substrate tools write it; Basalt sends no telemetry.
    #[serde(default)]
    pub(crate) telemetry_endpoints: Option<Value>,
    /// Part of protocol names on the wire.
    #[serde(default)]
    pub(crate) protocol_id: Option<String>,
    /// Token and address format, for wallets.
    #[serde(default)]
    pub(crate) properties: Map<String, Value>,
    /// The state at block 0.
    pub(crate) genesis: Genesis,
}

/// What kind of chain it is: wallets show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum ChainType {
    /// One node, for development.
    Development,
    /// A few nodes on one machine.
    Local,
    /// A public network.
    Live,
    /// Anything else.
    Custom(String),
}

/// The state at block 0.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Genesis {
    /// As a configuration of the runtime.
    pub(crate) runtime_genesis: RuntimeGenesis,
}

/// A configuration of the runtime.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct RuntimeGenesis {
    /// Substrate tools write it; the runtime is compiled in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) code: Option<String>,
    /// What differs from an empty chain.
    pub(crate) patch: GenesisConfig,
}

/// Why a chain specification cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ChainSpecError {
    /// Neither a preset nor a file.
    #[error(
        "there is no chain '{0}': use a preset ('dev' or 'local'), or the path of a chain specification file (make one with \
         `basalt chain-spec build`)"
    )]
    Unknown(String),
    /// The file cannot be read.
    #[error("the chain specification {path} cannot be read: {error}")]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// The file is too large.
    #[error("the chain specification {path} has {bytes} bytes, at most {CHAIN_SPEC_BYTES_MAX} are read")]
    TooLarge {
        /// Which file.
        path: PathBuf,
        /// How large.
        bytes: u64,
    },
    /// The file is not a chain specification.
    #[error("the chain specification {path} is not valid: {error}")]
    Malformed {
        /// Which file.
        path: PathBuf,
        /// Where and why.
        error: serde_json::Error,
    },
    /// A local network of nobody, or of too many.
    #[error(
        "a local network has 1 to {LOCAL_VALIDATORS_MAX} validators (//Alice to //Ferdie), not {0}; for more, write their keys \
         into a chain specification file (`basalt key generate-validator` makes some)"
    )]
    BadValidators(usize),
    /// The id would not do as a folder.
    #[error("the chain id '{0}' is not usable as a folder name: use letters, digits, '-' and '_'")]
    BadId(String),
}

impl ChainSpec {
    /// The preset of this name, or the specification in this file.
    pub(crate) fn load(chain: &str) -> Result<Self, ChainSpecError> {
        match chain {
            "dev" => return Ok(Self::dev()),
            "local" => return Self::local(LOCAL_VALIDATORS),
            _ => {}
        }
        let path = Path::new(chain);
        if !path.exists() {
            return Err(ChainSpecError::Unknown(chain.to_owned()));
        }
        let read = |error| ChainSpecError::Read { path: path.to_owned(), error };
        let bytes = std::fs::metadata(path).map_err(read)?.len();
        if bytes > CHAIN_SPEC_BYTES_MAX {
            return Err(ChainSpecError::TooLarge { path: path.to_owned(), bytes });
        }
        let text = std::fs::read(path).map_err(read)?;
        let spec: Self = serde_json::from_slice(&text)
            .map_err(|error| ChainSpecError::Malformed { path: path.to_owned(), error })?;
        let usable = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if spec.id.is_empty() || !spec.id.chars().all(usable) {
            return Err(ChainSpecError::BadId(spec.id));
        }
        Ok(spec)
    }

    /// One node for development: instant blocks, known accounts, sudo for //Alice.
    pub(crate) fn dev() -> Self {
        let alice = DevValidator::of("Alice");
        let session = SessionGenesis {
            keys: [(alice.account(), alice.keys())].into(),
            epoch_length: DEV_EPOCH_LENGTH,
            ..SessionGenesis::default()
        };
        let patch = GenesisConfig { session, ..GenesisConfig::default() };
        Self::with_dev_accounts("Basalt Development", "basalt_dev", ChainType::Development, patch)
    }

    /// A few validators on one machine, with the accounts of [`ChainSpec::dev`]. Their keys are derived from the names of
    /// the accounts, see [`DevValidator`].
    pub(crate) fn local(validators: usize) -> Result<Self, ChainSpecError> {
        if !(1..=LOCAL_VALIDATORS_MAX).contains(&validators) {
            return Err(ChainSpecError::BadValidators(validators));
        }
        let validators = || DEV_ACCOUNTS.iter().take(validators).map(|name| DevValidator::of(name));
        let session = SessionGenesis {
            validators: Vec::new(),
            keys: validators().map(|validator| (validator.account(), validator.keys())).collect(),
            epoch_length: LOCAL_EPOCH_LENGTH,
        };
        let staking = StakingConfig {
            stakers: validators()
                .map(|validator| (validator.account(), LOCAL_STAKE.into(), StakerStatus::Validator))
                .collect(),
            validator_count: Some(LOCAL_SEATS),
            minimum_validator_count: 1,
            ..StakingConfig::default()
        };
        let patch = GenesisConfig { session, staking, ..GenesisConfig::default() };
        Ok(Self::with_dev_accounts("Basalt Local", "basalt_local", ChainType::Local, patch))
    }

    /// With epochs of this many blocks.
    pub(crate) fn with_epoch_length(mut self, blocks: u32) -> Self {
        self.genesis.runtime_genesis.patch.session.epoch_length = blocks;
        self
    }

    /// A specification with the development accounts and, of what is in its genesis, this.
    fn with_dev_accounts(name: &str, id: &str, chain_type: ChainType, patch: GenesisConfig) -> Self {
        let account = |suri: String| dev_pair(Scheme::Sr25519, &suri).account_id();
        let accounts = DEV_ACCOUNTS
            .iter()
            .map(|name| format!("//{name}"))
            .chain(["//Alice//stash".to_owned(), "//Bob//stash".to_owned()]);
        Self {
            name: name.to_owned(),
            id: id.to_owned(),
            chain_type,
            boot_nodes: Vec::new(),
            telemetry_endpoints: None,
            protocol_id: None,
            properties: match json!({
                "ss58Format": SS58_PREFIX, "tokenDecimals": 12, "tokenSymbol": "UNIT"
            }) {
                Value::Object(properties) => properties,
                _ => Map::new(),
            },
            genesis: Genesis {
                runtime_genesis: RuntimeGenesis {
                    code: None,
                    patch: GenesisConfig {
                        balances: BalancesGenesis {
                            balances: accounts
                                .map(|suri| (account(suri), (1_000_000 * UNIT).into()))
                                // An account that does not exist could not take small shares of fees.
                                .chain([(TREASURY_ACCOUNT, UNIT.into())])
                                .collect(),
                        },
                        sudo: SudoGenesis { key: Some(account("//Alice".to_owned())) },
                        ..patch
                    },
                },
            },
        }
    }

    /// Whether several decide each block; else one node seals them alone.
    pub(crate) fn has_validators(&self) -> bool {
        let GenesisConfig { session, staking, .. } = &self.genesis.runtime_genesis.patch;
        let validates = |does: &StakerStatus| *does == StakerStatus::Validator;
        !session.validators.is_empty() || staking.stakers.iter().any(|(_, _, does)| validates(does))
    }

    /// The genesis configuration as the runtime reads it.
    pub(crate) fn genesis_json(&self) -> Vec<u8> {
        serde_json::to_vec(&self.genesis.runtime_genesis.patch)
            .expect("a genesis configuration always serialises")
    }
}

/// A validator of a local network. Everyone knows its secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DevValidator {
    /// Secret URI of its account (sr25519) and of its vote key (Ed25519).
    pub(crate) suri: String,
    /// Secret URI of its VRF key (sr25519): another than the account's, so that no signature of one is one of the other.
    pub(crate) vrf_suri: String,
}

impl DevValidator {
    /// The validator with this name: `Alice`, say.
    pub(crate) fn of(name: &str) -> Self {
        Self { suri: format!("//{name}"), vrf_suri: format!("//{name}//vrf") }
    }

    /// Its account.
    pub(crate) fn account(&self) -> AccountId {
        dev_pair(Scheme::Sr25519, &self.suri).account_id()
    }

    /// The keys that it has registered.
    pub(crate) fn keys(&self) -> KeysGenesis {
        KeysGenesis {
            grandpa: public(&dev_pair(Scheme::Ed25519, &self.suri)),
            vrf: public(&dev_pair(Scheme::Sr25519, &self.vrf_suri)),
        }
    }
}

fn dev_pair(scheme: Scheme, suri: &str) -> Pair {
    Pair::from_suri(scheme, suri).expect("the development URIs are valid")
}

fn public(pair: &Pair) -> H256 {
    match pair.public() {
        MultiSigner::Ed25519(key) | MultiSigner::Sr25519(key) => H256(key),
        MultiSigner::Ecdsa(_) => unreachable!("no validator has such a key"),
    }
}

#[cfg(test)]
mod tests;
