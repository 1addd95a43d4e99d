//! Where a node keeps its data.

use std::path::{Path, PathBuf};

use crate::{chain_spec::ChainSpec, cli::NodeArgs, error::NodeError};

/// A folder for a chain's data, for good or only while the node runs.
pub(crate) enum Folder {
    /// Stays.
    Kept(PathBuf),
    /// Is removed when this is dropped.
    Temporary(tempfile::TempDir),
}

impl Folder {
    /// The folder that the flags ask for, made if it is not there.
    pub(crate) fn choose(arguments: &NodeArgs, spec: &ChainSpec) -> Result<Self, NodeError> {
        if arguments.tmp || (arguments.dev && arguments.base_path.is_none()) {
            let made = tempfile::Builder::new().prefix("basalt-").tempdir();
            return made
                .map(Self::Temporary)
                .map_err(|error| NodeError::Folder { path: std::env::temp_dir(), error });
        }
        let base = match &arguments.base_path {
            Some(base) => base.clone(),
            None => default_base()?,
        };
        let path = of_chain(&base, spec);
        std::fs::create_dir_all(&path).map_err(|error| NodeError::Folder { path: path.clone(), error })?;
        Ok(Self::Kept(path))
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        match self {
            Self::Kept(path) => path,
            Self::Temporary(folder) => folder.path(),
        }
    }
}

/// A chain's folder below the base path, as Substrate's nodes have it.
pub(crate) fn of_chain(base: &Path, spec: &ChainSpec) -> PathBuf {
    base.join("chains").join(&spec.id)
}

/// Where keys lie in a chain's folder: beside the database, so that a restored backup of the one does not replace the other.
pub(crate) fn keystore(chain: &Path) -> PathBuf {
    chain.join("keystore")
}

/// `$XDG_DATA_HOME/basalt`, or `~/.local/share/basalt`.
pub(crate) fn default_base() -> Result<PathBuf, NodeError> {
    if let Some(data) = std::env::var_os("XDG_DATA_HOME").filter(|data| !data.is_empty()) {
        return Ok(PathBuf::from(data).join("basalt"));
    }
    std::env::var_os("HOME")
        .filter(|home| !home.is_empty())
        .map(|home| PathBuf::from(home).join(".local/share/basalt"))
        .ok_or(NodeError::NoHome)
}
