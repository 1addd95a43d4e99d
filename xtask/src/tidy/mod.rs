//! The checks, and the report that they fill.
//!
//! Each check is a function from what was read (the workspace, a file's text) to a list of problems, so that its tests
//! plant a violation instead of trusting that the repository happens to be clean.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

mod files;
mod layers;
mod licences;
mod readme;
#[cfg(test)]
mod tests;
mod workspace;

/// Third-party crates that a build of the node may compile on Linux. The budget; a cold build is minutes long.
const THIRD_PARTY_CRATES_MAX: usize = 430;

/// What was found: problems fail the check, notes do not.
#[derive(Debug, Default)]
pub(crate) struct Report {
    /// Sentences that say what is wrong and what to do.
    pub(crate) problems: Vec<String>,
    /// Sentences worth a look.
    pub(crate) notes: Vec<String>,
}

/// The folder of the workspace's `Cargo.toml`.
///
/// # Errors
///
/// When this program is run from somewhere that has no such folder any more.
pub(crate) fn repository_root() -> Result<PathBuf> {
    // Asked when it runs: clones share a target folder, so this program may have been built from another one of the same
    // content, and must still check the one that it was called for.
    let manifest =
        std::env::var_os("CARGO_MANIFEST_DIR").context("run it by `cargo run -p xtask -- tidy`")?;
    let root = Path::new(&manifest).parent().context("xtask has no parent folder")?;
    ensure!(root.join("Cargo.toml").is_file(), "{} holds no Cargo.toml", root.display());
    Ok(root.to_path_buf())
}

/// Runs every check on the repository at `root`.
///
/// # Errors
///
/// When cargo or a file cannot be read, which says nothing about the code base.
pub(crate) fn check(root: &Path) -> Result<Report> {
    let mut report = Report::default();
    let workspace = workspace::Workspace::read(root)?;

    report.problems.extend(layers::check(&workspace));
    report.problems.extend(readme::check_descriptions(root, &workspace)?);
    report.problems.extend(workspace::check_manifests(root, &workspace)?);
    report.problems.extend(workspace::check_sources(&workspace));

    for path in files::all(root)? {
        let text = std::fs::read_to_string(root.join(&path)).unwrap_or_default(); // Binary files have nothing to check.
        report.problems.extend(files::check_leftovers(&path, &text));
        report.problems.extend(files::check_links(root, &path, &text));
        report.notes.extend(files::check_length(&path, &text));
    }
    report.problems.extend(files::check_clippy_rules(root)?);

    let shipped = node_crates(root, "normal")?;
    report.problems.extend(licences::check(&shipped));
    let built = node_crates(root, "normal,build")?.len();
    report.notes.push(format!(
        "basalt-node compiles {built} third-party crates on Linux (at most {THIRD_PARTY_CRATES_MAX} allowed)"
    ));
    if built > THIRD_PARTY_CRATES_MAX {
        report.problems.push(format!(
            "basalt-node compiles {built} third-party crates, over the budget of {THIRD_PARTY_CRATES_MAX}: see what \
             came in with `cargo tree -p basalt-node -e normal,build`"
        ));
    }
    Ok(report)
}

/// A crate that somebody else wrote.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct ThirdParty {
    /// Name and version, as in `serde v1.0.0`.
    name: String,
    /// The licence field of its manifest, an SPDX expression, or nothing.
    licence: String,
}

/// The third-party crates that the node depends on by edges of `kinds`, with the features that it turns on.
///
/// From `cargo tree` and not from `cargo metadata`, because the latter turns on every feature of the whole workspace.
fn node_crates(root: &Path, kinds: &str) -> Result<Vec<ThirdParty>> {
    let output = Command::new(env!("CARGO"))
        .current_dir(root)
        .args(["tree", "--locked", "-p", "basalt-node", "--target", "x86_64-unknown-linux-gnu", "-e", kinds])
        .args(["--prefix", "none", "--format", "{p}|{l}"])
        .output()
        .context("could not start cargo")?;
    ensure!(output.status.success(), "cargo tree failed: {}", String::from_utf8_lossy(&output.stderr));
    Ok(parse_tree(&String::from_utf8_lossy(&output.stdout)))
}

/// Reads lines of `name vVERSION[ (path or mark)]|licence[ (*)]`, leaves out ours (those with a path), sorts the rest.
fn parse_tree(text: &str) -> Vec<ThirdParty> {
    let mut crates: Vec<ThirdParty> = text
        .lines()
        .filter_map(|line| line.split_once('|'))
        .filter(|(package, _)| !package.contains("(/"))
        .map(|(package, licence)| ThirdParty {
            name: package.replace(" (proc-macro)", ""),
            licence: licence.trim_end_matches(" (*)").to_owned(),
        })
        .collect();
    crates.sort();
    crates.dedup();
    crates
}
