//! Loads machine code that this node compiled and wrote to its own disk.
#![expect(unsafe_code, reason = "loading machine code is running it; argued at the one place")]

use wasmtime::{Engine, Module};

use crate::cache::disk::Artefact;

/// The module of an artefact.
///
/// # Errors
///
/// wasmtime's words, if the artefact is of another version, processor or configuration.
pub(super) fn load(engine: &Engine, artefact: &Artefact) -> Result<Module, String> {
    // SAFETY: wasmtime asks that the bytes are what `Module::serialize` gave, unchanged. An `Artefact` is only made from a
    // file in a folder that no other user may enter, whose digest is that of the bytes, and whose key has the digest of
    // engine, settings and module; `Disk::write` is the only place that makes such files and takes `Module::serialize`'s
    // output. Whoever can write into that folder as this node's user can as well replace the node's binary.
    unsafe { Module::deserialize(engine, artefact.bytes()) }.map_err(|error| error.to_string())
}
