//! Why a local network does not start, or does not do what it is told.

use std::{io, path::PathBuf};

use super::plan::{BASE_PORT_MAX, BASE_PORT_MIN, Use};
use crate::{chain_spec::ChainSpecError, cli::validator::PaceError};

/// Why a local network does not start, or does not do what it is told.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LocalnetError {
    /// The operating system refuses something.
    #[error("{what}: {error}")]
    System {
        /// What was tried.
        what: &'static str,
        /// Why it failed.
        error: io::Error,
    },
    /// A folder or a file in it cannot be used.
    #[error("{path} cannot be used: {error}; choose another --base-path")]
    Folder {
        /// Which.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// A node's keys cannot be put in place.
    #[error(transparent)]
    Keystore(#[from] basalt_keystore::KeystoreError),
    /// No folder for data.
    #[error(transparent)]
    Home(Box<crate::error::NodeError>),
    /// The folder's chain is another one.
    #[error(
        "{path} describes another chain than this localnet would start: data in that folder were made with another \
         number of validators or another version; use those, remove the folder, or choose another --base-path"
    )]
    OtherChain {
        /// The specification in the folder.
        path: PathBuf,
    },
    /// There is one already.
    #[error(
        "a localnet runs in {folder} already; look at it with `basalt localnet ctl status`, stop it with `basalt localnet \
         ctl stop`, or choose another --base-path and --base-port"
    )]
    Running {
        /// Where.
        folder: PathBuf,
    },
    /// A port is not free.
    #[error(
        "port {port}, for {what} of {node}, is taken: another program listens there, perhaps another localnet or node; \
         stop it, or choose other ports with --base-port, such as --base-port {other}"
    )]
    PortTaken {
        /// Which.
        port: u16,
        /// For what.
        what: Use,
        /// Of which node.
        node: &'static str,
        /// Where all are free.
        other: u16,
    },
    /// Some port would not exist.
    #[error("--base-port {0} leaves no room for the other ports: use {BASE_PORT_MIN} to {BASE_PORT_MAX}")]
    BasePort(u16),
    /// Times that contradict each other.
    #[error(transparent)]
    Pace(#[from] PaceError),
    /// No chain.
    #[error(transparent)]
    Spec(#[from] ChainSpecError),
    /// The chain cannot be written down.
    #[error("the chain specification cannot be written as JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// No node came up.
    #[error("none of the nodes could start: the lines above say why")]
    NothingStarted,
    /// `ctl` found none.
    #[error("no localnet is running{}; start one with `basalt localnet`", at(.folder))]
    NoneRunning {
        /// Where it was looked for, if somebody said so.
        folder: Option<PathBuf>,
    },
    /// `ctl` found several.
    #[error("several localnets are running; choose one with --base-path: {}", list(.folders))]
    SeveralRunning {
        /// Where.
        folders: Vec<PathBuf>,
    },
    /// The localnet did not do it.
    #[error("{0}")]
    Refused(String),
    /// The localnet answered nothing that makes sense.
    #[error("the localnet in {folder} gave no answer: {why}; look at its terminal")]
    NoAnswer {
        /// Where.
        folder: PathBuf,
        /// What is wrong.
        why: String,
    },
}

impl LocalnetError {
    /// For `map_err`.
    pub(super) fn folder(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |error| Self::Folder { path, error }
    }

    /// For `map_err`.
    pub(super) fn system(what: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |error| Self::System { what, error }
    }
}

fn at(folder: &Option<PathBuf>) -> String {
    folder.as_ref().map_or_else(String::new, |folder| format!(" in {}", folder.display()))
}

fn list(folders: &[PathBuf]) -> String {
    folders.iter().map(|folder| folder.display().to_string()).collect::<Vec<_>>().join(", ")
}
