//! What stands in the files: leftovers, links, lengths, and rules that are repeated by hand.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

/// A file longer than this is worth splitting by concept. Reported, not refused: some concepts are long.
const LINES_MAX: usize = 800;

/// What never reaches the main branch. In two parts each, so that this file does not contain them.
const LEFTOVERS: &[(&str, &str, &str)] = &[
    ("todo", "!(", "finish it, or open an issue and return an error"),
    ("unimplemented", "!(", "finish it, or open an issue and return an error"),
    ("dbg", "!(", "it was for debugging: remove it, or use `tracing`"),
    ("FIX", "ME", "fix it, or name the issue that will"),
    ("XX", "X", "say it in a sentence, or name the issue"),
    ("TO", "DO", "do it, or name the issue that will"),
];

/// Every file that is in git or could be added to it, from the root, sorted.
pub(super) fn all(root: &Path) -> Result<Vec<String>> {
    let output = Command::new("git")
        .current_dir(root)
        .args(["ls-files", "--cached", "--others", "--exclude-standard", "-z"])
        .output()
        .context("could not start git")?;
    ensure!(output.status.success(), "git ls-files failed: {}", String::from_utf8_lossy(&output.stderr));
    let names = String::from_utf8_lossy(&output.stdout);
    let mut files: Vec<String> = names
        .split('\0')
        .filter(|name| !name.is_empty() && root.join(name).is_file())
        .map(str::to_owned)
        .collect();
    files.sort();
    files.dedup();
    Ok(files)
}

/// Finds what was left lying around in code.
pub(super) fn check_leftovers(path: &str, text: &str) -> Vec<String> {
    if ![".rs", ".sh", ".mjs", ".toml"].iter().any(|ending| path.ends_with(ending)) && path != "Makefile" {
        return Vec::new();
    }
    let mut problems = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        for (head, tail, instead) in LEFTOVERS {
            let word = format!("{head}{tail}");
            if contains_word(line, &word) {
                problems.push(format!("{path}:{number} contains `{word}`: {instead}"));
            }
        }
    }
    problems
}

/// Does `line` contain `word`, not as part of a longer one?
fn contains_word(line: &str, word: &str) -> bool {
    let part_of_word = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(start, _)| {
        let before = line[..start].chars().next_back();
        let after = line[start + word.len()..].chars().next();
        let ends_open = word.ends_with('(');
        !before.is_some_and(part_of_word) && (ends_open || !after.is_some_and(part_of_word))
    })
}

/// Notes a long source file.
pub(super) fn check_length(path: &str, text: &str) -> Option<String> {
    let lines = text.lines().count();
    let is_source = path.ends_with(".rs") || path.ends_with(".mjs") || path.ends_with(".sh");
    (is_source && lines > LINES_MAX)
        .then(|| format!("{path} has {lines} lines, more than {LINES_MAX}: does it hold two concepts?"))
}

/// Finds links of Markdown files to files that are not there.
pub(super) fn check_links(root: &Path, path: &str, text: &str) -> Vec<String> {
    if !path.ends_with(".md") {
        return Vec::new();
    }
    let folder = root.join(path).parent().map_or_else(|| root.to_path_buf(), Path::to_path_buf);
    links(text)
        .into_iter()
        .filter(|(_, target)| !folder.join(target).exists())
        .map(|(number, target)| format!("{path}:{number} links to `{target}`, which does not exist"))
        .collect()
}

/// Line number and target, without its `#section`, of each link to a file. Code is left out.
pub(super) fn links(text: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut fenced = false;
    for (number, line) in (1..).zip(text.lines()) {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        }
        if fenced {
            continue;
        }
        // Every second piece between backticks is code; a link's text may be code, its target is not.
        for (start, _) in line.match_indices("](") {
            let in_code = line[..start].matches('`').count() % 2 == 1;
            let target = line[start + 2..].split([')', ' ']).next().unwrap_or_default();
            let file = target.split('#').next().unwrap_or_default();
            let elsewhere = target.contains("://") || target.starts_with("mailto:");
            if !in_code && !elsewhere && !file.is_empty() {
                found.push((number, file));
            }
        }
    }
    found
}

/// The Clippy rules below the root repeat the root's, because Clippy reads only the nearest file.
pub(super) fn check_clippy_rules(root: &Path) -> Result<Vec<String>> {
    let read = |path: &str| std::fs::read_to_string(root.join(path)).with_context(|| path.to_owned());
    let rules = read("clippy.toml")?;
    let mut problems = Vec::new();
    for path in ["runtime/clippy.toml", "runtime/executor/clippy.toml", "pallets/clippy.toml"] {
        let text = read(path)?;
        for rule in
            rules.lines().filter(|line| line.trim_start().starts_with('{') && !text.contains(line.trim()))
        {
            problems.push(format!("{path} lacks a rule of the root's clippy.toml: {}", rule.trim()));
        }
    }
    Ok(problems)
}
