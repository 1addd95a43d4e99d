//! `basalt key insert` and `basalt key generate-validator`: keys that a node signs with.

use std::path::{Path, PathBuf};

use basalt_keystore::{KeyType, Keystore, KeystoreError};
use basalt_primitives::{AccountId, H256};
use basalt_runtime::ValidatorGenesis;
use clap::Args;

use super::{SecretText, read_stdin};
use crate::{chain_spec::ChainSpec, folder};

#[cfg(test)]
mod tests;

/// Which keystore is meant.
#[derive(Debug, Args)]
struct Place {
    /// The chain that the node runs: a preset, or the path of a chain specification file.
    #[arg(long, value_name = "PRESET|FILE", env = "BASALT_CHAIN", required_unless_present = "keystore_path")]
    chain: Option<String>,

    /// Where the node keeps its data [default: $XDG_DATA_HOME/basalt or ~/.local/share/basalt].
    #[arg(short = 'd', long, value_name = "FOLDER", env = "BASALT_BASE_PATH")]
    base_path: Option<PathBuf>,

    /// The folder of the keys itself, instead of --chain and --base-path.
    #[arg(long, value_name = "FOLDER", conflicts_with = "base_path")]
    keystore_path: Option<PathBuf>,
}

impl Place {
    fn open(&self) -> anyhow::Result<Keystore> {
        match &self.keystore_path {
            Some(path) => Ok(Keystore::open(path)?),
            None => open_keystore(self.chain.as_deref().unwrap_or_default(), self.base_path.as_deref()),
        }
    }
}

/// The keystore that a node of this chain uses, below its base path.
pub(in crate::cli) fn open_keystore(chain: &str, base_path: Option<&Path>) -> anyhow::Result<Keystore> {
    let spec = ChainSpec::load(chain)?;
    let base = match base_path {
        Some(base) => base.to_owned(),
        None => folder::default_base()?,
    };
    Ok(Keystore::open(folder::keystore(&folder::of_chain(&base, &spec)))?)
}

/// Flags of `key insert`.
#[derive(Debug, Args)]
pub(crate) struct InsertArgs {
    /// What the key is for: gran (votes, Ed25519) or bvrf (randomness, sr25519).
    #[arg(long = "type", alias = "key-type", value_name = "gran|bvrf", value_parser = key_type)]
    kind: KeyType,

    /// The secret: phrase//hard///password, 0xseed, //Alice; `-` or nothing reads it from stdin, which keeps it out of
    /// the shell's history.
    #[arg(long, value_name = "SECRET")]
    suri: Option<SecretText>,

    #[command(flatten)]
    place: Place,
}

fn key_type(text: &str) -> Result<KeyType, KeystoreError> {
    text.parse()
}

impl InsertArgs {
    /// Puts the key there; says which it is.
    pub(super) fn run(self) -> anyhow::Result<String> {
        let secret = match self.suri {
            Some(SecretText(text)) if text != "-" => text,
            _ => read_stdin("Secret")?,
        };
        let public = self.place.open()?.insert(self.kind, &secret)?;
        Ok(const_hex::encode_prefixed(public))
    }
}

/// Flags of `key generate-validator`.
#[derive(Debug, Args)]
pub(crate) struct GenerateValidatorArgs {
    /// The account that earns and answers for what the validator does. Its key stays where it is.
    #[arg(long, value_name = "ADDRESS")]
    account: AccountId,

    /// The weight of its votes.
    #[arg(long, value_name = "NUMBER", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    power: u64,

    #[command(flatten)]
    place: Place,
}

impl GenerateValidatorArgs {
    /// Makes both keys; answers the entry for `session.validators` of a chain specification.
    pub(super) fn run(self) -> anyhow::Result<String> {
        let keystore = self.place.open()?;
        let entry = ValidatorGenesis {
            account: self.account,
            vote_key: H256(keystore.generate(KeyType::Vote)?),
            vrf_key: H256(keystore.generate(KeyType::Vrf)?),
            power: self.power,
        };
        Ok(serde_json::to_string_pretty(&entry)?)
    }
}
