//! The description of a contract for its clients, version 5.
//!
//! ink!'s macros put a function into the contract that returns its description. A generator, a crate of two statements,
//! links the contract as an ordinary library, calls that function, and prints what it returns.

use crate::{
    Progress,
    error::BuildError,
    manifest::{Contract, Package},
    toolchain::{self, Toolchain},
};
use serde_json::{Map, Value, json};
use std::{
    fs, io,
    path::{Path, PathBuf},
    process::Command,
};
use toml_edit::{DocumentMut, Item, Table, value};

/// The program. `extern crate` because nothing of the contract is named: it only has to be linked.
const MAIN: &str = r#"extern crate contract as _;

unsafe extern "Rust" {
    fn __ink_generate_metadata() -> ink::metadata::InkProject;
}

fn main() {
    // SAFETY: the ink! of the same version defines this function in the contract, with this type.
    let project = unsafe { __ink_generate_metadata() };
    println!("{}", serde_json::to_string(&project).expect("metadata is made of strings and numbers"));
}
"#;

/// Builds and runs the generator for `contract`. Returns the `InkProject`: the metadata but for `source` and `contract`.
pub(crate) fn generate(
    toolchain: &Toolchain,
    contract: &Contract,
    target_dir: &Path,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<Map<String, Value>, BuildError> {
    let name = format!("metadata-of-{}", contract.name);
    let folder = target_dir.join("generators").join(&contract.name);
    let std_dir = target_dir.join("std");
    write_generator(contract, &name, &folder)?;

    // In the contract's folder, so that the settings which hold there (`.cargo/config.toml`) hold for it.
    let mut command = toolchain.cargo(&contract.folder);
    command.arg("build").arg("--manifest-path").arg(folder.join("Cargo.toml"));
    command.arg("--target-dir").arg(&std_dir);
    let doing = format!("building the generator of {}'s metadata", contract.name);
    toolchain::run(&mut command, &doing, &mut |line| progress(Progress::Cargo(line)))?;

    let program = std_dir.join("debug").join(&name);
    let output =
        Command::new(&program).output().map_err(|source| BuildError::io("start", &program, source))?;
    if !output.status.success() {
        return Err(BuildError::Failed {
            doing: format!("generating the metadata of {}", contract.name),
            status: output.status.to_string(),
            output: String::from_utf8_lossy(&output.stderr).into_owned(),
        });
    }
    let unreadable = |reason: String| BuildError::Metadata { package: contract.name.clone(), reason };
    let project: Map<String, Value> =
        serde_json::from_slice(&output.stdout).map_err(|error| unreadable(error.to_string()))?;
    match project.get("version").and_then(Value::as_u64) {
        Some(5) => Ok(project),
        other => Err(unreadable(format!("its version is {other:?}, not 5"))),
    }
}

/// Writes the generator's crate. Files that stay the same are left alone, so that cargo sees nothing new.
fn write_generator(contract: &Contract, name: &str, folder: &Path) -> Result<(), BuildError> {
    let bad = |reason: String| BuildError::Manifest { path: contract.package.manifest_path.clone(), reason };
    let mut manifest = DocumentMut::new();
    // A workspace of its own, wherever the folder is.
    manifest["workspace"] = Item::Table(Table::new());
    manifest["package"] = Item::Table(Table::new());
    manifest["package"]["name"] = value(name);
    manifest["package"]["version"] = value("0.0.0");
    manifest["package"]["edition"] = value("2024");
    manifest["profile"]["dev"]["debug"] = value(false);
    manifest["profile"]["dev"]["incremental"] = value(false);
    manifest["dependencies"]["contract"]["package"] = value(&contract.name);
    manifest["dependencies"]["contract"]["path"] =
        value(text(&contract.folder).ok_or_else(|| bad(not_utf8(&contract.folder)))?);
    manifest["dependencies"]["ink"] = same_source(&contract.ink).ok_or_else(|| {
        bad(format!(
            "its `ink` comes from {:?}, which is no registry, git repository or path",
            contract.ink.source
        ))
    })?;
    manifest["dependencies"]["serde_json"] = value("1");
    if let Some(patch) = patches(&contract.workspace)? {
        manifest["patch"] = patch;
    }

    write_if_new(&folder.join("Cargo.toml"), manifest.to_string().as_bytes())?;
    write_if_new(&folder.join("src/main.rs"), MAIN.as_bytes())?;
    // The contract's own versions. Cargo adds the generator to its copy, hence a second one to compare with.
    let lock = contract.workspace.join("Cargo.lock");
    let lock = fs::read(&lock).map_err(|source| BuildError::io("read", &lock, source))?;
    if write_if_new(&folder.join("Cargo.lock.contract"), &lock)? || !folder.join("Cargo.lock").is_file() {
        write_if_new(&folder.join("Cargo.lock"), &lock)?;
    }
    Ok(())
}

/// The dependency that resolves to the very `package`, whatever the contract's manifest says about it.
fn same_source(package: &Package) -> Option<Item> {
    let mut item = Item::Table(Table::new());
    match package.source.as_deref() {
        None => item["path"] = value(text(package.manifest_path.parent()?)?),
        Some(source) if source.starts_with("registry+") => {
            item["version"] = value(format!("={}", package.version))
        }
        Some(source) => {
            let (url, revision) = source.strip_prefix("git+")?.split_once('#')?;
            item["git"] = value(url.split('?').next()?);
            item["rev"] = value(revision);
        }
    }
    Some(item)
}

/// The `[patch]` tables of the workspace, with paths that hold elsewhere too.
fn patches(workspace: &Path) -> Result<Option<Item>, BuildError> {
    let path = workspace.join("Cargo.toml");
    let source = fs::read_to_string(&path).map_err(|source| BuildError::io("read", &path, source))?;
    let bad = |reason: String| BuildError::Manifest { path: path.clone(), reason };
    let mut manifest: DocumentMut =
        source.parse().map_err(|error: toml_edit::TomlError| bad(error.to_string()))?;
    let Some(mut patch) = manifest.remove("patch") else { return Ok(None) };
    for (_, registry) in patch.as_table_like_mut().into_iter().flat_map(|table| table.iter_mut()) {
        for (_, entry) in registry.as_table_like_mut().into_iter().flat_map(|table| table.iter_mut()) {
            let Some(relative) = entry.get("path").and_then(Item::as_str) else { continue };
            let absolute = workspace.join(relative);
            entry["path"] = value(text(&absolute).ok_or_else(|| bad(not_utf8(&absolute)))?);
        }
    }
    Ok(Some(patch))
}

/// A path as manifests have them.
fn text(path: &Path) -> Option<&str> {
    path.to_str()
}

fn not_utf8(path: &Path) -> String {
    format!("the folder {} is not named in UTF-8, which a manifest must be", path.display())
}

/// Writes `bytes` unless the file has them already. Says whether it wrote.
fn write_if_new(path: &Path, bytes: &[u8]) -> Result<bool, BuildError> {
    match fs::read(path) {
        Ok(there) if there == bytes => return Ok(false),
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(source) => return Err(BuildError::io("read", path, source)),
    }
    let folder = path.parent().map(PathBuf::from).unwrap_or_default();
    fs::create_dir_all(&folder).map_err(|source| BuildError::io("create", &folder, source))?;
    fs::write(path, bytes).map_err(|source| BuildError::io("write", path, source))?;
    Ok(true)
}

/// Metadata, complete but for the code.
pub(crate) struct Bundle(Map<String, Value>);

/// Adds to what ink! said what only the builder knows.
pub(crate) fn bundle(
    contract: &Contract,
    toolchain: &Toolchain,
    optimizer: Option<&str>,
    code_hash: [u8; 32],
    mut project: Map<String, Value>,
) -> Bundle {
    let package = &contract.package;
    let mut about = Map::new();
    about.insert("name".into(), json!(package.name));
    about.insert("version".into(), json!(package.version));
    about.insert("authors".into(), json!(package.authors));
    let optional = [
        ("description", &package.description),
        ("documentation", &package.documentation),
        ("repository", &package.repository),
        ("homepage", &package.homepage),
        ("license", &package.license),
    ];
    for (key, field) in optional {
        if let Some(text) = field {
            about.insert(key.into(), json!(text));
        }
    }
    let source = json!({
        "hash": format!("0x{}", const_hex::encode(code_hash)),
        "language": format!("ink! {}", contract.ink.version),
        "compiler": toolchain.version(),
        "build_info": {
            "builder": concat!(env!("CARGO_PKG_NAME"), " ", env!("CARGO_PKG_VERSION")),
            "build_mode": "Release",
            "rust_toolchain": toolchain.to_string(),
            "wasm_opt": optimizer,
        },
    });
    project.insert("source".into(), source);
    project.insert("contract".into(), Value::Object(about));
    project.insert("image".into(), Value::Null);
    Bundle(project)
}

impl Bundle {
    /// `NAME.json`.
    pub(crate) fn without_code(&self) -> String {
        format!("{:#}\n", Value::Object(self.0.clone()))
    }

    /// `NAME.contract`.
    pub(crate) fn with_code(&self, wasm: &[u8]) -> String {
        let mut whole = Value::Object(self.0.clone());
        whole["source"]["wasm"] = json!(format!("0x{}", const_hex::encode(wasm)));
        format!("{whole}\n")
    }
}

#[cfg(test)]
mod tests;
