//! What others' licences ask of who ships a node: nothing but to keep the notice.

use super::ThirdParty;

/// Licences that we ship; the same list as in `deny.toml`, which a test compares.
pub(super) const ALLOWED: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// One problem for each crate that cannot be shipped under allowed licences alone.
pub(super) fn check(crates: &[ThirdParty]) -> Vec<String> {
    crates
        .iter()
        .filter(|third_party| !is_allowed(&third_party.licence))
        .map(|third_party| {
            let licence = if third_party.licence.is_empty() { "none" } else { &third_party.licence };
            format!(
                "{} has the licence `{licence}`, which is not on the list of xtask/src/tidy/licences.rs: find another \
                 crate, or add it there and to deny.toml if it asks for no more than the notice",
                third_party.name
            )
        })
        .collect()
}

/// Does an SPDX expression leave us a choice of allowed licences? Of `A OR B`, one is enough; of `A AND B`, both count.
/// The old `A/B` means `A OR B`. `AND` binds tighter than `OR`.
pub(super) fn is_allowed(expression: &str) -> bool {
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let tokens: Vec<&str> = spaced.split_whitespace().collect();
    let mut position = 0;
    any_of(&tokens, &mut position) == Some(true) && position == tokens.len()
}

// Each of these reads one level of the grammar from `position` on: `None` when it is not followed.

fn any_of(tokens: &[&str], position: &mut usize) -> Option<bool> {
    let mut allowed = all_of(tokens, position)?;
    while tokens.get(*position) == Some(&"OR") {
        *position += 1;
        allowed |= all_of(tokens, position)?;
    }
    Some(allowed)
}

fn all_of(tokens: &[&str], position: &mut usize) -> Option<bool> {
    let mut allowed = one(tokens, position)?;
    while tokens.get(*position) == Some(&"AND") {
        *position += 1;
        allowed &= one(tokens, position)?;
    }
    Some(allowed)
}

fn one(tokens: &[&str], position: &mut usize) -> Option<bool> {
    let mut next = || {
        *position += 1;
        tokens.get(*position - 1).copied()
    };
    let token = next()?;
    if token == "(" {
        let allowed = any_of(tokens, position)?;
        *position += 1;
        return (tokens.get(*position - 1) == Some(&")")).then_some(allowed);
    }
    if tokens.get(*position) == Some(&"WITH") {
        let exception = tokens.get(*position + 1)?;
        *position += 2;
        return Some(ALLOWED.contains(&format!("{token} WITH {exception}").as_str()));
    }
    Some(ALLOWED.contains(&token))
}
