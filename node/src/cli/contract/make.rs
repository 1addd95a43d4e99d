//! `basalt contract new` and `basalt contract build`.

use std::path::{Path, PathBuf};

use basalt_contracts_build::{Artifacts, Options, Progress, build, new};
use clap::Args;
use serde_json::json;

use super::{Report, error::ContractError, locate::OUT_FOLDER};
use crate::stderr;

/// Flags of `contract new`.
#[derive(Debug, Args)]
pub(crate) struct NewArgs {
    /// What the contract is called: also the name of its folder.
    #[arg(value_name = "NAME")]
    name: String,

    /// Where to put the folder.
    #[arg(long = "in", value_name = "FOLDER", default_value = ".")]
    parent: PathBuf,
}

/// Flags of `contract build`.
#[derive(Debug, Args)]
pub(crate) struct BuildArgs {
    /// The folder of the contract.
    #[arg(value_name = "FOLDER", default_value = ".")]
    folder: PathBuf,

    /// Leave out wasm-opt: faster to build, larger.
    #[arg(long)]
    no_optimize: bool,

    /// Fail rather than change Cargo.lock.
    #[arg(long)]
    locked: bool,

    /// Where to put the files [default: target/ink of the contract's folder].
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,

    /// Where cargo works: contracts that share it share the builds of their dependencies [default: target of the
    /// contract's folder].
    #[arg(long, value_name = "FOLDER", env = "BASALT_CONTRACT_TARGET_DIR")]
    target_dir: Option<PathBuf>,

    /// Print the result as JSON.
    #[arg(long)]
    json: bool,
}

impl NewArgs {
    pub(super) fn run(&self) -> Result<Report, ContractError> {
        let folder = new(&self.name, &self.parent)?;
        Ok(format!(
            "{folder} is ready. Go on with:\n  cd {folder}\n  cargo test\n  basalt contract build",
            folder = folder.strip_prefix(".").unwrap_or(&folder).display()
        )
        .into())
    }
}

impl BuildArgs {
    pub(super) fn run(&self) -> Result<Report, ContractError> {
        let target_dir = self.target_dir.clone().unwrap_or_else(|| self.folder.join("target"));
        let out_dir = self.out.clone().unwrap_or_else(|| self.folder.join(OUT_FOLDER));
        let options =
            Options { out_dir, optimize: !self.no_optimize, locked: self.locked, ..Options::new(target_dir) };
        let built = build(&self.folder, &options, &mut |step: Progress<'_>| stderr::line(&step.to_string()))?;
        Ok(if self.json { json(&built) } else { text(&built) }.into())
    }
}

fn text(built: &Artifacts) -> String {
    let before = built.unoptimized.map(|bytes| format!(", {bytes} before wasm-opt")).unwrap_or_default();
    format!(
        "{}\n  Code:     0x{}\n  Size:     {} bytes{before}\n  Next:     basalt contract instantiate {}",
        shown(&built.bundle),
        built.code_hash_hex(),
        built.size,
        shown(&built.bundle),
    )
}

fn json(built: &Artifacts) -> String {
    json!({
        "name": built.name,
        "bundle": built.bundle,
        "metadata": built.metadata,
        "wasm": built.wasm,
        "codeHash": format!("0x{}", built.code_hash_hex()),
        "bytes": built.size,
    })
    .to_string()
}

/// A path as one would type it here.
fn shown(path: &Path) -> String {
    let here = std::env::current_dir().ok();
    let short = here.as_deref().and_then(|here| path.strip_prefix(here).ok());
    short.unwrap_or(path).display().to_string()
}
