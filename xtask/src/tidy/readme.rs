//! Each crate has one sentence that starts with a verb, the same in its manifest, its documentation and the README.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};

use super::workspace::Workspace;

/// Compares the three places for every crate.
pub(super) fn check_descriptions(root: &Path, workspace: &Workspace) -> Result<Vec<String>> {
    let mut problems = Vec::new();
    let readme = std::fs::read_to_string(root.join("README.md")).unwrap_or_default();
    let table = crate_table(&readme);
    if table.is_empty() {
        problems.push(
            "README.md has no table of crates, with rows like | `node/pool` | Hold valid transactions. |"
                .into(),
        );
    }
    for (name, member) in &workspace.members {
        let folder = root.join(&member.folder);
        let path = ["src/lib.rs", "src/main.rs"]
            .map(|file| folder.join(file))
            .into_iter()
            .find(|path| path.is_file());
        let path = path.with_context(|| format!("{name} has neither src/lib.rs nor src/main.rs"))?;
        let source = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        problems.extend(
            check_sentence(&member.description).map(|reason| format!("the description of {name} {reason}")),
        );
        let doc = first_doc_line(&source);
        if doc != member.description {
            problems.push(format!(
                "{name} describes itself twice: Cargo.toml says `{}`, {} begins with `{doc}`; make them equal",
                member.description,
                path.strip_prefix(root).unwrap_or(&path).display()
            ));
        }
        if table.is_empty() {
            continue;
        }
        match table.get(member.folder.as_str()) {
            None => problems.push(format!("README.md's table of crates has no row for `{}`", member.folder)),
            Some(sentence) if *sentence != member.description => problems.push(format!(
                "README.md says `{sentence}` of `{}`, its Cargo.toml says `{}`; make them equal",
                member.folder, member.description
            )),
            Some(_) => {}
        }
    }
    for folder in table.keys().filter(|folder| !root.join(folder).exists()) {
        problems.push(format!("README.md's table of crates has a row for `{folder}`, which does not exist"));
    }
    Ok(problems)
}

/// The first line of a file's own documentation, if the file begins with one.
pub(super) fn first_doc_line(source: &str) -> &str {
    source.lines().next().and_then(|line| line.strip_prefix("//!")).map_or("", str::trim)
}

/// Rows like ``| `node/pool` | Hold valid transactions. |``: folder → sentence. Other tables and rows are ignored.
pub(super) fn crate_table(markdown: &str) -> BTreeMap<&str, &str> {
    let mut rows = BTreeMap::new();
    for line in markdown.lines() {
        let cells: Vec<&str> = line.trim().split('|').map(str::trim).collect();
        if let ["", path, sentence, ..] = cells.as_slice()
            && let Some(path) = path.strip_prefix('`').and_then(|path| path.strip_suffix('`'))
            && sentence.ends_with('.')
        {
            rows.insert(path.trim_end_matches('/'), *sentence);
        }
    }
    rows
}

/// What is wrong with a description, if anything: it is one sentence, and an imperative. Without a dictionary, the
/// latter is judged by what cannot begin one.
pub(super) fn check_sentence(description: &str) -> Option<String> {
    let first = description.split_whitespace().next().unwrap_or_default();
    let not_a_verb = ["The", "A", "An", "This", "It", "Our", "For", "In", "Of", "Basalt"].contains(&first)
        || first.ends_with("ing") && first != "Bring"
        || first.ends_with('s') && !first.ends_with("ss");
    if !first.starts_with(char::is_uppercase) || not_a_verb {
        return Some(format!("is `{description}`: begin with a verb, as in `Hold valid transactions.`"));
    }
    if !description.ends_with('.') {
        return Some(format!("is `{description}`: end the sentence with a full stop"));
    }
    if description.contains(". ") {
        return Some(format!("is `{description}`: one sentence is enough; who needs two has two crates"));
    }
    None
}
