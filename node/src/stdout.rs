//! Results go to stdout, everything else to stderr.

use std::io::Write;

/// Prints a line. A closed pipe (`basalt … | head`) is not an error.
pub(crate) fn line(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}
