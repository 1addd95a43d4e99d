//! Why the network could not do something.

use std::{io, path::PathBuf};

use crate::{Multiaddr, PeerId};

/// Why the network did not start, or did not do as it was told.
#[derive(Debug, thiserror::Error)]
pub enum NetworkError {
    /// A file could not be read or written.
    #[error("{}: {error}; check that the folder exists and belongs to the user of the node", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The file of the identity holds something else.
    #[error(
        "{}: {bytes} bytes are no identity, which has 32; restore the file, or remove it to get a new identity under \
         another peer id", path.display()
    )]
    Identity {
        /// Which file.
        path: PathBuf,
        /// How long it is.
        bytes: u64,
    },
    /// Others can read the identity.
    #[error("{}: its mode {mode:03o} lets others read the identity; run `chmod 600` on it", path.display())]
    IdentityMode {
        /// Which file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// The secret key is none.
    #[error("the secret key is not one of ed25519: {detail}; give 32 random bytes")]
    Secret {
        /// What is wrong.
        detail: String,
    },
    /// Cannot listen there.
    #[error("cannot listen on {address}: {detail}; choose another port or address")]
    Listen {
        /// Where.
        address: Multiaddr,
        /// Why.
        detail: String,
    },
    /// The transports could not be made.
    #[error("cannot set up {what}: {detail}")]
    Transport {
        /// Which.
        what: &'static str,
        /// Why.
        detail: String,
    },
    /// An address without a peer's name, where one is needed.
    #[error("{address} does not say which peer is there; append /p2p/12D3KooW…")]
    NoPeer {
        /// The address.
        address: Multiaddr,
    },
    /// The peer is banned.
    #[error("{peer} is banned; unban it first")]
    Banned {
        /// Who.
        peer: PeerId,
    },
    /// Too many of something.
    #[error("{what}: {max} are the most; remove some")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many there may be.
        max: usize,
    },
    /// The network has stopped.
    #[error("the network has stopped because the node is shutting down")]
    Stopped,
}

/// Why a message was not sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// No connection, or the peer does not take such messages.
    #[error("{peer} is not connected or does not take part in this")]
    NotConnected {
        /// Who.
        peer: PeerId,
    },
    /// Nobody could read it.
    #[error("the message has {bytes} bytes; {max} are the most")]
    TooLarge {
        /// Its length.
        bytes: usize,
        /// The limit.
        max: usize,
    },
}

/// Why a question has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// No connection.
    #[error("{peer} is not connected; ask another peer")]
    NotConnected {
        /// Who.
        peer: PeerId,
    },
    /// The question is none.
    #[error(
        "the request asks for {count} blocks with the fields {fields:#b}; ask for 1 to {max} and at least one field"
    )]
    Invalid {
        /// How many blocks.
        count: u32,
        /// Which parts.
        fields: u8,
        /// How many are allowed.
        max: u32,
    },
    /// We have as many questions open as we may.
    #[error("{open} requests are open already; wait for an answer")]
    TooManyOpen {
        /// How many.
        open: usize,
    },
    /// The peer is busy.
    #[error("{peer} has too much to do; ask later or another peer")]
    Busy {
        /// Who.
        peer: PeerId,
    },
    /// It took too long.
    #[error("{peer} did not answer within {seconds} s")]
    Timeout {
        /// Who.
        peer: PeerId,
        /// How long we waited.
        seconds: u64,
    },
    /// The answer is too long, does not decode, or has more than was asked for. The peer has been charged for it.
    #[error("{peer} gave an answer that is none: {detail}")]
    BadAnswer {
        /// Who.
        peer: PeerId,
        /// What is wrong with it.
        detail: String,
    },
    /// The connection broke.
    #[error("the connection to {peer} ended before the answer: {detail}")]
    Closed {
        /// Who.
        peer: PeerId,
        /// How.
        detail: String,
    },
}
