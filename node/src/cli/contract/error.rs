//! Why a contract command fails.

use std::path::PathBuf;

use basalt_contracts_build::BuildError;
use basalt_contracts_codec::{ArgumentError, DecodeError, EventError, MetadataError, UnknownName};
use basalt_primitives::H256;

use crate::cli::tx::{AmountError, TxError};

/// Why a contract command fails, and what to do.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ContractError {
    /// The node cannot be asked, or the transaction cannot be sent.
    #[error(transparent)]
    Tx(#[from] TxError),
    /// The contract cannot be made or built.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// No such constructor or message.
    #[error(transparent)]
    Name(#[from] UnknownName),
    /// The arguments do not fit.
    #[error(transparent)]
    Argument(#[from] ArgumentError),
    /// A file cannot be read.
    #[error("{path} cannot be read: {error}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// A file is no metadata.
    #[error("{path}: {error}")]
    Metadata {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        error: MetadataError,
    },
    /// A folder has no contract, or several.
    #[error("{0}; name the .contract file")]
    WhichFile(String),
    /// A file without code cannot be uploaded.
    #[error(
        "{0} has no code in it, and the chain does not know that code; give the .contract file instead of the .json"
    )]
    NoCode(PathBuf),
    /// Nobody knows what the contract's bytes mean.
    #[error(
        "no metadata is known for code {code_hash:#x}: it is neither in target/ink of this project nor remembered from an \
         upload on this machine; name its .contract or .json file with --metadata"
    )]
    NoMetadata {
        /// The code.
        code_hash: H256,
    },
    /// Nothing there.
    #[error("there is no contract at {address}; it may be on another chain (--url), or have ended")]
    NoContract {
        /// Where.
        address: String,
    },
    /// No code there.
    #[error("the chain has no code {0:#x}; upload it first: `basalt contract upload FILE`")]
    NoSuchCode(H256),
    /// Nothing to remove.
    #[error(
        "the chain has no code {0:#x}: it may be on another chain (--url), or removed already; nothing was sent"
    )]
    NoCodeToRemove(H256),
    /// Code that is needed cannot be removed.
    #[error(
        "code {code_hash:#x} is in use by {users} {}: it can be removed when the last of them has ended or has other \
         code; nothing was sent",
        if *.users == 1 { "contract" } else { "contracts" }
    )]
    CodeInUse {
        /// Which.
        code_hash: H256,
        /// Contracts that have it or depend on it.
        users: u64,
    },
    /// Somebody else's code.
    #[error(
        "code {code_hash:#x} was uploaded by {owner}, who alone can remove it, not {sender}; nothing was sent"
    )]
    NotCodeOwner {
        /// Which.
        code_hash: H256,
        /// Who uploaded it.
        owner: String,
        /// Who wants it removed.
        sender: String,
    },
    /// An amount is wrong.
    #[error("{flag}: {error}")]
    Amount {
        /// Where it was given.
        flag: &'static str,
        /// What is wrong.
        error: AmountError,
    },
    /// Tokens for a message that takes none.
    #[error(
        "`{0}` takes no tokens, and would fail; leave --value out, or ask the contract's author to make it payable"
    )]
    NotPayable(String),
    /// Nothing would change.
    #[error(
        "`{0}` changes nothing, so that a transaction would only cost its fee; ask it with `basalt contract query`, or \
         send it all the same with --force"
    )]
    NotMutating(String),
    /// No constructor was named.
    #[error("`{contract}` has several constructors; choose one with --constructor: {available}")]
    WhichConstructor {
        /// The contract.
        contract: String,
        /// What there is.
        available: String,
    },
    /// The dry run failed, so that a transaction would, too.
    #[error("{what} would fail: {why}; nothing was sent")]
    WouldFail {
        /// What was tried.
        what: String,
        /// Why, and what helps.
        why: String,
    },
    /// A query failed.
    #[error("{what} failed: {why}")]
    QueryFailed {
        /// What was asked.
        what: String,
        /// Why, and what helps.
        why: String,
    },
    /// It is in a block, and did nothing but cost a fee.
    #[error("the transaction {hash:#x} is in block #{number} but failed: {why}{fee}")]
    Failed {
        /// Which.
        hash: H256,
        /// Height of the block.
        number: u32,
        /// Why, and what helps.
        why: String,
        /// What it cost all the same, after a semicolon.
        fee: String,
    },
    /// What the contract returned fits no type.
    #[error(
        "what `{function}` returned, 0x{}, is not what the metadata says: {error}; the metadata may be of another version, \
         name the right file with --metadata",
        const_hex::encode(.data)
    )]
    Returned {
        /// What was called.
        function: String,
        /// What it returned.
        data: Vec<u8>,
        /// Why that cannot be read.
        error: DecodeError,
    },
    /// Bytes are not what they are said to be.
    #[error("the data is not what the metadata says: {0}")]
    Data(#[from] DecodeError),
    /// An event is not what it is said to be.
    #[error(transparent)]
    Event(#[from] EventError),
    /// A call of nothing.
    #[error("no message and no constructor of `{contract}` has selector 0x{}; name other metadata with --metadata", const_hex::encode(.selector))]
    NoSelector {
        /// The contract.
        contract: String,
        /// The first bytes of the data.
        selector: Vec<u8>,
    },
    /// It has more than is shown.
    #[error("the contract stores more than {0} values; show more with --limit")]
    TooMuchStored(u32),
}
