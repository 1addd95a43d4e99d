//! Our crates, who depends on whom, and where others' crates come from.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context, Result};
use cargo_metadata::{DependencyKind, MetadataCommand};

/// Where every third-party crate comes from.
const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// One crate of this workspace.
#[derive(Debug, Clone, Default)]
pub(super) struct Member {
    /// The folder from the root, as in `node/pool`.
    pub(super) folder: String,
    /// The `description` of its manifest.
    pub(super) description: String,
    /// Names of the crates that it needs to be built, ours and others', without those for its tests only.
    pub(super) dependencies: BTreeSet<String>,
}

/// What `cargo metadata` says, as far as the checks need it.
#[derive(Debug, Default)]
pub(super) struct Workspace {
    /// Our crates by package name.
    pub(super) members: BTreeMap<String, Member>,
    /// What each third-party crate needs, by name. Versions and features are ignored: a crate that is reached by any of
    /// them counts as reached.
    pub(super) third_party: BTreeMap<String, BTreeSet<String>>,
    /// Name with version, and source, of each third-party crate in the lock file.
    pub(super) sources: Vec<(String, String)>,
}

impl Workspace {
    /// Asks cargo.
    pub(super) fn read(root: &Path) -> Result<Self> {
        let metadata = MetadataCommand::new()
            .manifest_path(root.join("Cargo.toml"))
            .other_options(["--locked", "--filter-platform", "x86_64-unknown-linux-gnu"].map(String::from))
            .exec()
            .context("cargo metadata failed")?;
        let resolve = metadata.resolve.as_ref().context("cargo metadata gave no dependency graph")?;
        let names: BTreeMap<_, _> = metadata.packages.iter().map(|p| (&p.id, p.name.to_string())).collect();
        let mut edges: BTreeMap<_, BTreeSet<String>> = BTreeMap::new();
        for node in &resolve.nodes {
            let not_only_for_tests = node.deps.iter().filter(|needed| {
                needed.dep_kinds.iter().any(|kind| kind.kind != DependencyKind::Development)
            });
            edges
                .entry(&node.id)
                .or_default()
                .extend(not_only_for_tests.map(|needed| names[&needed.pkg].clone()));
        }

        let mut workspace = Self::default();
        for package in &metadata.packages {
            let dependencies = edges.remove(&package.id).unwrap_or_default();
            if let Some(source) = &package.source {
                workspace
                    .sources
                    .push((format!("{} {}", package.name, package.version), source.repr.clone()));
                workspace.third_party.entry(package.name.to_string()).or_default().extend(dependencies);
                continue;
            }
            let folder = package.manifest_path.parent().context("a manifest without a folder")?;
            let folder =
                folder.as_std_path().strip_prefix(root).context("a member outside of the repository")?;
            workspace.members.insert(
                package.name.to_string(),
                Member {
                    folder: folder.to_string_lossy().into_owned(),
                    description: package.description.clone().unwrap_or_default(),
                    dependencies,
                },
            );
        }
        Ok(workspace)
    }

    /// Everything that `member` needs to be built, directly or through others: name → the chain that leads there.
    pub(super) fn reach(&self, member: &str) -> BTreeMap<String, Vec<String>> {
        let mut reached = BTreeMap::new();
        let mut queue = std::collections::VecDeque::from([vec![member.to_owned()]]);
        while let Some(chain) = queue.pop_front() {
            let Some(name) = chain.last() else { continue };
            let next = match self.members.get(name) {
                Some(ours) => Some(&ours.dependencies),
                None => self.third_party.get(name),
            };
            for dependency in next.into_iter().flatten() {
                if dependency != member && !reached.contains_key(dependency) {
                    let longer: Vec<String> = chain.iter().cloned().chain([dependency.clone()]).collect();
                    reached.insert(dependency.clone(), longer.clone());
                    queue.push_back(longer);
                }
            }
        }
        reached
    }
}

/// Every third-party crate comes from crates.io: no git, no other registry.
pub(super) fn check_sources(workspace: &Workspace) -> Vec<String> {
    workspace
        .sources
        .iter()
        .filter(|(_, source)| source != CRATES_IO)
        .map(|(name, source)| {
            format!("{name} comes from {source}: only crates.io is allowed, where a version cannot change or vanish")
        })
        .collect()
}

/// Versions stand in the root manifest only; members say `workspace = true`.
pub(super) fn check_manifests(root: &Path, workspace: &Workspace) -> Result<Vec<String>> {
    let mut problems = Vec::new();
    for member in workspace.members.values() {
        let path = format!("{}/Cargo.toml", member.folder);
        let text = std::fs::read_to_string(root.join(&path)).with_context(|| path.clone())?;
        problems.extend(check_manifest(&path, &text));
    }
    Ok(problems)
}

/// Members that may say `unsafe`: they repeat the lints of the workspace, but deny what it forbids, so that each place must
/// give its reason.
const OWN_LINTS: &[&str] = &["contracts/vm/Cargo.toml"];

/// [`check_manifests`] for one file.
pub(super) fn check_manifest(path: &str, text: &str) -> Vec<String> {
    let mut problems = Vec::new();
    let mut in_dependencies = false;
    let mut inherits_lints = false;
    let mut section = "";
    for line in text.lines().map(str::trim) {
        if let Some(header) = line.strip_prefix('[') {
            section = header.trim_end_matches(']');
            // Both `[dependencies]` and `[dependencies.tokio]`, for any target.
            in_dependencies = section.split('.').any(|part| part.ends_with("dependencies"));
            continue;
        }
        inherits_lints |= section == "lints" && line == "workspace = true";
        let Some((key, value)) = line.split_once('=').filter(|_| in_dependencies && !line.starts_with('#'))
        else {
            continue;
        };
        let (key, value) = (key.trim(), value.trim());
        // In `[dependencies]` each line is a dependency, in `[dependencies.tokio]` each line says something of one.
        let is_own = if section.ends_with("dependencies") {
            !key.ends_with(".workspace") && !value.contains("workspace = true")
        } else {
            ["version", "git", "path"].contains(&key)
        };
        if is_own {
            problems.push(format!(
                "{path} says `{line}`: put the version into [workspace.dependencies] of the root, and `{}` here",
                "workspace = true"
            ));
        }
    }
    let own_lints = OWN_LINTS.contains(&path) && text.contains("unsafe_code = \"deny\"");
    if !inherits_lints && !own_lints {
        problems.push(format!("{path} does not inherit the lints: add `[lints]` with `workspace = true`"));
    }
    problems
}
