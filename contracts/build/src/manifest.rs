//! What a contract's manifest and lock file say.

use crate::{error::BuildError, module::ModuleError, toolchain::Toolchain};
use serde::Deserialize;
use std::{
    fs,
    path::{Path, PathBuf},
};

/// The one version of ink! whose contracts `pallet-contracts` runs.
const INK: &str = "5.";

/// A contract's crate.
#[derive(Debug, Clone)]
pub(crate) struct Contract {
    /// The package's name, and of the files made from it.
    pub(crate) name: String,
    /// Its folder, absolute.
    pub(crate) folder: PathBuf,
    /// The folder of the workspace that it is in; its own if it is in none.
    pub(crate) workspace: PathBuf,
    /// The library, as other crates name it.
    pub(crate) library: String,
    /// The ink! that it resolved to.
    pub(crate) ink: Package,
    /// What goes into the metadata.
    pub(crate) package: Package,
}

impl Contract {
    pub(crate) fn bad_module(&self, source: ModuleError) -> BuildError {
        BuildError::Module { package: self.name.clone(), source }
    }
}

/// What `cargo metadata` prints, as far as it matters here.
#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    resolve: Resolve,
    workspace_root: PathBuf,
}

#[derive(Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    id: String,
    dependencies: Vec<String>,
}

/// A package, as `cargo metadata` prints it.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Package {
    id: String,
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) manifest_path: PathBuf,
    pub(crate) source: Option<String>,
    pub(crate) authors: Vec<String>,
    pub(crate) description: Option<String>,
    pub(crate) documentation: Option<String>,
    pub(crate) repository: Option<String>,
    pub(crate) homepage: Option<String>,
    pub(crate) license: Option<String>,
    targets: Vec<Target>,
}

#[derive(Debug, Clone, Deserialize)]
struct Target {
    kind: Vec<String>,
    name: String,
}

/// Reads the contract in `folder`.
pub(crate) fn read(toolchain: &Toolchain, folder: &Path, locked: bool) -> Result<Contract, BuildError> {
    let manifest = folder.join("Cargo.toml");
    if !manifest.is_file() {
        return Err(BuildError::NoManifest(folder.to_owned()));
    }
    let folder = fs::canonicalize(folder).map_err(|source| BuildError::io("find", folder, source))?;
    let manifest = folder.join("Cargo.toml");

    let mut command = toolchain.cargo(&folder);
    command.args(["metadata", "--format-version=1"]).args(locked.then_some("--locked"));
    let output = command.output().map_err(|source| BuildError::io("start", Path::new("cargo"), source))?;
    if !output.status.success() {
        return Err(BuildError::Failed {
            doing: format!("reading {}", manifest.display()),
            status: output.status.to_string(),
            output: String::from_utf8_lossy(&output.stderr).into_owned(),
        });
    }
    let bad = |reason: String| BuildError::Manifest { path: manifest.clone(), reason };
    let metadata: Metadata =
        serde_json::from_slice(&output.stdout).map_err(|error| bad(error.to_string()))?;

    let package = metadata.packages.iter().find(|package| package.manifest_path == manifest);
    let package =
        package.ok_or_else(|| bad("it has no [package]; name the folder of one contract".into()))?;
    let library = package
        .targets
        .iter()
        .find(|target| target.kind.iter().any(|kind| matches!(kind.as_str(), "lib" | "rlib" | "cdylib")));
    let library = library.ok_or_else(|| bad("it has no library; a contract is one ([lib])".into()))?;
    let node = metadata.resolve.nodes.iter().find(|node| node.id == package.id);
    let direct = node.map(|node| node.dependencies.as_slice()).unwrap_or_default();
    let ink = metadata.packages.iter().find(|found| found.name == "ink" && direct.contains(&found.id));
    let ink = ink.ok_or_else(|| BuildError::NotInk { package: package.name.clone() })?;
    if !ink.version.starts_with(INK) {
        return Err(BuildError::WrongInk { package: package.name.clone(), found: ink.version.clone() });
    }
    Ok(Contract {
        name: package.name.clone(),
        workspace: metadata.workspace_root,
        library: library.name.replace('-', "_"),
        ink: ink.clone(),
        package: package.clone(),
        folder,
    })
}
