//! Why a contract cannot be built, and what to do about it.

use crate::module::ModuleError;
use std::{
    io,
    path::{Path, PathBuf},
};
use thiserror::Error;

/// Why a contract cannot be built. Each message ends with what to do.
#[derive(Debug, Error)]
pub enum BuildError {
    /// Nothing here compiles to Wasm.
    #[error(
        "no Rust toolchain here can build contracts; please run one of:\n  \
         rustup target add wasm32v1-none\n  \
         apt-get install rustc-web cargo-web rust-web-src lld"
    )]
    NoToolchain,
    /// No `Cargo.toml` where one should be.
    #[error("no contract in {}: there is no Cargo.toml; name the folder of a contract's crate", .0.display())]
    NoManifest(PathBuf),
    /// A crate, but not an ink! contract.
    #[error(
        "{package} is no ink! contract: it does not depend on `ink`; start with one from `basalt contract new`"
    )]
    NotInk {
        /// The crate.
        package: String,
    },
    /// Another ink! than the one whose contracts the chain runs.
    #[error(
        "{package} uses ink! {found}, but chains with pallet-contracts run ink! 5: set `ink = \"5\"` in its Cargo.toml"
    )]
    WrongInk {
        /// The crate.
        package: String,
        /// The version of `ink` in its lock file.
        found: String,
    },
    /// A manifest that could not be used.
    #[error("{} cannot be used: {reason}", path.display())]
    Manifest {
        /// The manifest.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A program failed that did not say why in a form we know.
    #[error("{doing} failed ({status}):\n{output}")]
    Failed {
        /// What it was to do.
        doing: String,
        /// How it ended.
        status: String,
        /// The end of what it printed.
        output: String,
    },
    /// The module is not one that a chain accepts.
    #[error("{package} was compiled to a module that no chain accepts: {source}")]
    Module {
        /// The crate.
        package: String,
        /// What is wrong with it.
        source: ModuleError,
    },
    /// What the generator printed is not metadata.
    #[error("the metadata of {package} cannot be read: {reason}; is its ink! version 5?")]
    Metadata {
        /// The crate.
        package: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A name that cannot be a crate's.
    #[error(
        "{name:?} cannot be the name of a contract: use small letters, digits, `_` and `-`, begin with a letter, and \
         avoid Rust's own words"
    )]
    BadName {
        /// The name given.
        name: String,
    },
    /// Something is where a new contract should go.
    #[error("{} exists already; choose another name, or remove it", .0.display())]
    Exists(PathBuf),
    /// A file could not be read or written, or a program not be started.
    #[error("cannot {doing} {}: {source}", path.display())]
    Io {
        /// A verb.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl BuildError {
    pub(crate) fn io(doing: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io { doing, path: path.to_owned(), source }
    }
}
