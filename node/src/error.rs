//! Why a node does not start, or stops.

use std::{net::SocketAddr, path::PathBuf};

use basalt_chain::ChainError;
use basalt_db::DbError;
use basalt_rpc::RpcError;

use crate::{chain_spec::ChainSpecError, logging::LogError};

/// Why a node does not start, or stops.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NodeError {
    /// No chain was chosen.
    #[error("no chain was chosen: use --dev for a development chain, or --chain with a preset or a file")]
    NoChain,
    /// There is no home folder.
    #[error("there is no folder for data: set --base-path (neither XDG_DATA_HOME nor HOME is set)")]
    NoHome,
    /// The folder cannot be made.
    #[error("the folder {path} cannot be used: {error}; choose another --base-path")]
    Folder {
        /// Which.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// The chain specification is wrong.
    #[error(transparent)]
    ChainSpec(#[from] ChainSpecError),
    /// The log filter is wrong.
    #[error(transparent)]
    Log(#[from] LogError),
    /// A key is wrong, or others may know it.
    #[error(transparent)]
    Keystore(#[from] basalt_keystore::KeystoreError),
    /// The record of what was signed cannot be used.
    #[error(transparent)]
    Guard(#[from] basalt_keystore::guard::GuardError),
    /// There is nothing to sign with.
    #[error(
        "{0} holds no keys of a validator: make some with `basalt key generate-validator`, or start without --validator"
    )]
    NoValidatorKeys(PathBuf),
    /// One node alone seals this chain.
    #[error(
        "the chain '{0}' names no validators, so there is nothing to vote on: leave --validator out, or use a chain with \
         validators (`--chain local`)"
    )]
    NoValidators(String),
    /// The times between blocks do not fit together.
    #[error(transparent)]
    Pace(#[from] crate::cli::PaceError),
    /// Not an address.
    #[error("'{address}' is no address of a node: {why}; write it as /ip4/127.0.0.1/tcp/30333/p2p/12D3KooW…")]
    Address {
        /// What was given.
        address: String,
        /// What is wrong.
        why: String,
    },
    /// The file of the node's key.
    #[error("the node key in {path} cannot be used: {why}")]
    NodeKey {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// There are no peers to be had.
    #[error(transparent)]
    Network(#[from] basalt_network::NetworkError),
    /// The database cannot be opened.
    #[error(transparent)]
    Db(#[from] DbError),
    /// The chain cannot be opened.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// There are no threads to execute blocks with.
    #[error(transparent)]
    Execution(#[from] basalt_executor::ModeError),
    /// Nothing can run contracts.
    #[error(transparent)]
    Contracts(#[from] basalt_contracts_vm::SetupError),
    /// The RPC server cannot start.
    #[error(transparent)]
    Rpc(#[from] RpcError),
    /// Nobody could read the metrics where the operator wants them.
    #[error(
        "metrics cannot be served on {address}: {error}; choose another port with --prometheus-port, or leave them out \
         with --no-prometheus"
    )]
    Metrics {
        /// Where.
        address: SocketAddr,
        /// Why.
        error: std::io::Error,
    },
    /// Two metrics have one name: a mistake in this program.
    #[error("the table of metrics is inconsistent: {0}; this is a bug, please report it")]
    MetricsTable(#[from] prometheus::Error),
    /// The operating system refuses something every node needs.
    #[error("{what}: {error}")]
    System {
        /// What was tried.
        what: &'static str,
        /// Why it failed.
        error: std::io::Error,
    },
    /// A part that must run as long as the node does has ended.
    #[error("{part} stopped: {why}; the node stops too, its data is safe")]
    PartStopped {
        /// Which part.
        part: &'static str,
        /// Why.
        why: String,
    },
}
