//! What goes wrong, and the one table that turns it into codes.

use std::{io, net::SocketAddr};

use basalt_chain::{ChainError, limits::REPORTS_KEPT};
use basalt_consensus_api::EngineError;
use basalt_keystore::KeystoreError;
use basalt_pool::PoolError;
use basalt_primitives::H256;
use basalt_rpc_api::codes;
use basalt_runtime_api::CallError;
use basalt_state::StateError;
use jsonrpsee::types::ErrorObjectOwned;

use crate::NetworkError;

/// Why the server did not start.
#[derive(Debug, thiserror::Error)]
pub enum RpcError {
    /// The port is not free.
    #[error(
        "another program listens on {address} already, perhaps another node; stop it, or choose another port with --rpc-port"
    )]
    PortTaken {
        /// Where the server should have listened.
        address: SocketAddr,
    },
    /// The system does not let this user have that port.
    #[error("this user may not listen on {address}; choose a port above 1023 with --rpc-port")]
    PortForbidden {
        /// Where the server should have listened.
        address: SocketAddr,
    },
    /// The address is not this machine's.
    #[error(
        "{address} is not an address of this machine; listen on 127.0.0.1, or on 0.0.0.0 for all of its addresses"
    )]
    NotOurAddress {
        /// Where the server should have listened.
        address: SocketAddr,
    },
    /// Anything else about the socket.
    #[error("the server cannot listen on {address}: {source}")]
    Listen {
        /// Where the server should have listened.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// Two families claim one method name: a mistake in this program.
    #[error("the method table is inconsistent: {0}; this is a bug, please report it")]
    Methods(String),
}

impl RpcError {
    /// What an error of binding a socket means.
    pub(crate) fn listen(address: SocketAddr, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::AddrInUse => Self::PortTaken { address },
            io::ErrorKind::PermissionDenied => Self::PortForbidden { address },
            io::ErrorKind::AddrNotAvailable => Self::NotOurAddress { address },
            _ => Self::Listen { address, source },
        }
    }
}

/// Why a call failed. The texts of the first three are compared by clients, word for word.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("Client error: Execution failed: Other: {0}")]
    Execution(CallError),
    #[error("Client error: Api called for an unknown Block: State already discarded for {0:?}")]
    Pruned(H256),
    #[error("Client error: Api called for an unknown Block: Header was not found in the database: {0:?}")]
    UnknownBlock(H256),
    #[error("Client error: {0}")]
    State(StateError),
    #[error("Client error: Invalid child storage key")]
    NoChild,
    #[error("Client error: {0}")]
    Client(ChainError),
    #[error("Client error: {0}")]
    Chain(ChainError),
    #[error("count exceeds maximum value. value: {value}, max: {max}")]
    TooMany { value: usize, max: usize, remedy: &'static str },
    #[error("Response is too big")]
    AnswerTooBig { max: usize },
    #[error("Invalid params")]
    Params(&'static str),
    #[error("Extrinsic has invalid format: {0}")]
    Extrinsic(parity_scale_codec::Error),
    #[error("Unable to query dispatch info.")]
    Fee(Box<Error>),
    #[error("Unable to query dispatch info.")]
    FeeUndecodable(String),
    #[error("Unable to dry run extrinsic.")]
    DryRun(Box<Error>),
    #[error("{}", .0.message())]
    Pool(#[from] PoolError),
    #[error("{0}")]
    Keystore(KeystoreError),
    #[error("{0}")]
    Engine(#[from] EngineError),
    #[error("there is no block {0:?}")]
    NoSuchBlock(H256),
    #[error(
        "how block #{number} {hash:?} was run is not known: the node remembers that of the last {REPORTS_KEPT} blocks \
         that it ran since it started"
    )]
    NoReport { number: u32, hash: H256 },
    #[error("{0}")]
    Network(#[from] NetworkError),
    #[error("nobody votes on this chain: one node seals it alone, and each of its blocks is final at once")]
    NoVotes,
    #[error("This method is unsafe to be called externally")]
    Unsafe,
    #[error("the node is shutting down")]
    Stopping,
    #[error("{0}")]
    Internal(String),
}

impl Error {
    /// What a chain error means to somebody who asked for the state at `hash`.
    pub(crate) fn client(error: ChainError, hash: H256) -> Self {
        match error {
            ChainError::UnknownBlock { .. } => Self::UnknownBlock(hash),
            ChainError::Pruned { .. } => Self::Pruned(hash),
            other => Self::Client(other),
        }
    }

    /// What a state error means to somebody who reads the state at `hash`.
    pub(crate) fn state(error: StateError, hash: H256) -> Self {
        match error {
            // The block was pruned while it was being read.
            StateError::Pruned(_) => Self::Pruned(hash),
            other => Self::State(other),
        }
    }

    /// What an error of a runtime call on top of `hash` means.
    pub(crate) fn execution(error: CallError, hash: H256) -> Self {
        match error {
            CallError::State(error) => Self::state(error, hash),
            other => Self::Execution(other),
        }
    }
}

impl From<Error> for ErrorObjectOwned {
    fn from(error: Error) -> Self {
        let message = error.to_string();
        let (code, data) = match error {
            Error::Execution(_)
            | Error::Pruned(_)
            | Error::UnknownBlock(_)
            | Error::State(_)
            | Error::Client(_) => (codes::STATE_CLIENT, None),
            Error::NoChild => (
                codes::STATE_CLIENT,
                Some("send the bytes of `:child_storage:default:`, then the 32 bytes of the storage's id".into()),
            ),
            Error::Chain(_) => (codes::CHAIN, None),
            Error::TooMany { remedy, .. } => (codes::STATE_BAD_COUNT, Some(remedy.to_owned())),
            Error::AnswerTooBig { max } => {
                (codes::ANSWER_TOO_BIG, Some(format!("Exceeded max limit of {max} bytes; ask for fewer keys")))
            }
            Error::Params(what) => (codes::INVALID_PARAMS, Some(what.to_owned())),
            Error::Extrinsic(_) => (
                codes::AUTHOR_BAD_FORMAT,
                Some("send the SCALE encoding of one extrinsic: its compact length, then that many bytes".into()),
            ),
            Error::Fee(why) => (codes::RUNTIME_ERROR, Some(why.to_string())),
            Error::FeeUndecodable(why) => (codes::DECODE_ERROR, Some(why)),
            Error::DryRun(why) => (codes::RUNTIME_ERROR, Some(why.to_string())),
            Error::Keystore(KeystoreError::UnknownType(_)) => (codes::AUTHOR_KEY_TYPE, None),
            Error::Keystore(_) => (codes::AUTHOR_KEY, None),
            Error::Pool(error) => (error.code(), error.data()),
            Error::Engine(error) => (error.code(), None),
            Error::NoSuchBlock(_) => {
                (codes::BASALT_UNKNOWN_BLOCK, Some("check the hash, or leave it out for the best block".into()))
            }
            Error::NoReport { .. } => (codes::BASALT_NO_REPORT, None),
            Error::Network(NetworkError::BadPeer { .. }) => (codes::SYSTEM_BAD_PEER, None),
            Error::Network(NetworkError::NoNetwork) => (codes::SYSTEM_NO_NETWORK, None),
            Error::NoVotes => (codes::BASALT_NO_VOTES, None),
            Error::Unsafe => (
                codes::METHOD_NOT_FOUND,
                Some(
                    "ask the node on a loopback address, or let its operator start it with --rpc-methods unsafe"
                        .into(),
                ),
            ),
            Error::Network(NetworkError::Stopping) | Error::Stopping | Error::Internal(_) => (codes::INTERNAL, None),
        };
        Self::owned(code, message, data)
    }
}
