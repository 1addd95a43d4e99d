//! A contract to start from.

use crate::error::BuildError;
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Names that Rust keeps for itself and that a crate could otherwise have, `std`'s crates among them.
const RESERVED: [&str; 51] = [
    "abstract",
    "alloc",
    "as",
    "async",
    "await",
    "become",
    "box",
    "break",
    "const",
    "continue",
    "core",
    "crate",
    "do",
    "dyn",
    "else",
    "enum",
    "extern",
    "false",
    "final",
    "fn",
    "for",
    "gen",
    "if",
    "impl",
    "in",
    "ink",
    "let",
    "loop",
    "macro",
    "match",
    "mod",
    "move",
    "mut",
    "priv",
    "proc_macro",
    "pub",
    "ref",
    "return",
    "self",
    "static",
    "std",
    "struct",
    "super",
    "test",
    "trait",
    "true",
    "try",
    "type",
    "unsafe",
    "use",
    "where",
];

/// Longest name, so that file names made from it stay legal everywhere.
const MAX_NAME: usize = 64;

/// The files, with `{{name}}`, `{{module}}` and `{{Type}}` to fill in.
const FILES: [(&str, &str); 3] = [
    ("Cargo.toml", include_str!("../template/Cargo.toml.txt")),
    ("lib.rs", include_str!("../template/lib.rs.txt")),
    (".gitignore", "/target\n"),
];

/// Writes a contract called `name` into the new folder `dir/name`, and returns that folder.
pub fn new(name: &str, dir: &Path) -> Result<PathBuf, BuildError> {
    if !is_good(name) {
        return Err(BuildError::BadName { name: name.to_owned() });
    }
    let folder = dir.join(name);
    if folder.exists() {
        return Err(BuildError::Exists(folder));
    }
    fs::create_dir_all(&folder).map_err(|source| BuildError::io("create", &folder, source))?;
    for (file, text) in FILES {
        let path = folder.join(file);
        fs::write(&path, fill(text, name)).map_err(|source| BuildError::io("write", &path, source))?;
    }
    Ok(folder)
}

/// Can a crate, its module and its files have this name?
fn is_good(name: &str) -> bool {
    name.len() <= MAX_NAME
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-')
        && !RESERVED.contains(&name.replace('-', "_").as_str())
}

fn fill(text: &str, name: &str) -> String {
    let module = name.replace('-', "_");
    let words = module.split('_').filter(|word| !word.is_empty());
    let type_name: String = words
        .map(|word| {
            let (first, rest) = word.split_at(1);
            first.to_ascii_uppercase() + rest
        })
        .collect();
    text.replace("{{name}}", name).replace("{{module}}", &module).replace("{{Type}}", &type_name)
}

#[cfg(test)]
mod tests;
