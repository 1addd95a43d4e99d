//! Metadata paths that no module layout of ours can yield.

use scale_info::Path;

/// The type path made of these segments.
pub(crate) fn path<const N: usize>(segments: [&'static str; N]) -> Path {
    Path::from_segments(segments)
        .expect("every caller passes Rust identifiers, and at least one; tests call all")
}
