//! What goes on, for people: not a result.

use std::io::Write;

/// Prints a line.
pub(crate) fn line(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}
