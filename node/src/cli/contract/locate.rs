//! Which metadata describes a contract: what is named, else what has the hash of its code.
//!
//! Looked for in this order: the file named with `--metadata`; the files in `target/ink` of the project around the current
//! folder; what was remembered when code was uploaded from this machine. The last two are known by the code's hash, so
//! that a contract is never read with the metadata of another.

use std::path::{Path, PathBuf};

use basalt_contracts_codec::Metadata;
use basalt_primitives::H256;
use clap::Args;
use serde_json::Value;

use super::error::ContractError;
use crate::folder;

/// Where builds leave their files, from the folder of the contract; `cargo contract` leaves them there, too.
pub(super) const OUT_FOLDER: &str = "target/ink";
/// What bundles are called.
const BUNDLE: &str = "contract";

/// The flag that names metadata.
#[derive(Debug, Clone, Args)]
pub(super) struct MetadataFlag {
    /// The .contract or .json file of the contract [default: the one in target/ink, or remembered from an upload, that
    /// has the code's hash].
    #[arg(long, value_name = "FILE")]
    pub(super) metadata: Option<PathBuf>,
}

/// Metadata and where it was found.
pub(super) struct Found {
    pub(super) metadata: Metadata,
    pub(super) path: PathBuf,
}

impl Found {
    /// Reads a file.
    pub(super) fn read(path: &Path) -> Result<Self, ContractError> {
        let bytes =
            std::fs::read(path).map_err(|error| ContractError::File { path: path.to_owned(), error })?;
        let metadata = Metadata::from_json(&bytes)
            .map_err(|error| ContractError::Metadata { path: path.to_owned(), error })?;
        Ok(Self { metadata, path: path.to_owned() })
    }

    /// Keeps it for later commands, without the code. That it cannot be kept is no reason to fail.
    pub(super) fn remember(&self) -> Result<(), String> {
        let hash = self.metadata.code_hash().ok_or("it does not say which code it describes")?;
        let path = remembered(hash.into()).ok_or("there is no folder for data")?;
        let text = |error: std::io::Error| error.to_string();
        let mut file: Value = serde_json::from_slice(&std::fs::read(&self.path).map_err(text)?)
            .map_err(|error| error.to_string())?;
        if let Some(Value::Object(source)) = file.get_mut("source") {
            source.remove("wasm");
            // Without the code, the hash is all there is to go by.
            source.insert("hash".to_owned(), Value::String(const_hex::encode_prefixed(hash)));
        }
        let folder = path.parent().ok_or("there is no folder for data")?;
        std::fs::create_dir_all(folder).map_err(text)?;
        // A rename, so that nobody reads half of it.
        let part = tempfile::NamedTempFile::new_in(folder).map_err(text)?;
        std::fs::write(part.path(), file.to_string()).map_err(text)?;
        part.persist(path).map(drop).map_err(|error| error.to_string())
    }
}

impl MetadataFlag {
    /// The metadata of code that the chain knows by this hash. `note` hears of what looks wrong.
    pub(super) fn locate(&self, code_hash: H256, note: impl Fn(&str)) -> Result<Found, ContractError> {
        if let Some(path) = &self.metadata {
            let found = Found::read(path)?;
            match found.metadata.code_hash().map(H256) {
                Some(other) if other != code_hash => note(&format!(
                    "Warning: {} describes code {other:#x}, but the contract has {code_hash:#x}",
                    path.display()
                )),
                _ => {}
            }
            return Ok(found);
        }
        known(code_hash).ok_or(ContractError::NoMetadata { code_hash })
    }

    /// The metadata that is named, or that of the project.
    pub(super) fn without_chain(&self) -> Result<Found, ContractError> {
        bundle(self.metadata.as_deref())
    }
}

/// What this machine knows about code.
pub(super) fn known(code_hash: H256) -> Option<Found> {
    let built = project_bundles().into_iter();
    let is_of = |found: &Found| found.metadata.code_hash() == Some(code_hash.0);
    // A file that cannot be read is not the one that is looked for.
    built.chain(remembered(code_hash)).filter_map(|path| Found::read(&path).ok()).find(is_of)
}

/// The file that is named, or the only one that the project has built.
pub(super) fn bundle(named: Option<&Path>) -> Result<Found, ContractError> {
    if let Some(path) = named {
        return Found::read(path);
    }
    match project_bundles().as_slice() {
        [] => Err(ContractError::WhichFile(format!(
            "there is no .contract file in {OUT_FOLDER} of this project; build it first: `basalt contract build`"
        ))),
        [only] => Found::read(only),
        several => Err(ContractError::WhichFile(format!(
            "there are {} .contract files in {OUT_FOLDER}",
            several.len()
        ))),
    }
}

/// The bundles of the project around the current folder.
fn project_bundles() -> Vec<PathBuf> {
    let Ok(here) = std::env::current_dir() else { return Vec::new() };
    let project = here.ancestors().map(|folder| folder.join(OUT_FOLDER)).find(|folder| folder.is_dir());
    let Some(files) = project.and_then(|folder| std::fs::read_dir(folder).ok()) else { return Vec::new() };
    let mut bundles: Vec<PathBuf> = files
        .filter_map(|file| file.ok().map(|file| file.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == BUNDLE))
        .collect();
    bundles.sort();
    bundles
}

/// Where metadata of this code is kept.
fn remembered(code_hash: H256) -> Option<PathBuf> {
    let base = folder::default_base().ok()?;
    Some(base.join("contracts").join(format!("{}.json", const_hex::encode(code_hash))))
}
