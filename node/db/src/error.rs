//! What can go wrong, in sentences.

use std::{io, path::PathBuf};

use crate::store::FORMAT;

/// Why the database did not do what it was asked. Always this machine's affair, never the fault of a peer or a block.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// Another process, or another [`Db`](crate::Db) of this one, has it open.
    #[error(
        "the database at {} is in use by another process; stop that node or choose another --base-path",
        path.display()
    )]
    Locked {
        /// Where the database is.
        path: PathBuf,
    },
    /// A later version of this program wrote it.
    #[error(
        "the database at {} has format {found}, and this program knows formats up to {FORMAT}; use the newer program that wrote it, or choose another --base-path",
        path.display()
    )]
    NewerFormat {
        /// Where the database is.
        path: PathBuf,
        /// The format found.
        found: u32,
    },
    /// An earlier version of this program wrote it, and this one cannot read it any more.
    #[error(
        "the database at {} has format {found}, which this program no longer reads; sync again into another --base-path",
        path.display()
    )]
    OlderFormat {
        /// Where the database is.
        path: PathBuf,
        /// The format found.
        found: u32,
    },
    /// There is something else at that place.
    #[error(
        "{} is not a Basalt database ({reason}), and nothing was changed there; choose an empty --base-path",
        path.display()
    )]
    NotADatabase {
        /// The place.
        path: PathBuf,
        /// What speaks against it.
        reason: String,
    },
    /// Stored bytes are not what was written.
    #[error(
        "the database is damaged: {0}; check the disk, then restore a copy or sync again into another --base-path"
    )]
    Corrupt(String),
    /// The file system refused something.
    #[error("{action} {} failed: {source}; check that the disk is there, writable and not full", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The system gives no thread.
    #[error("no thread can be started for the database: {source}; check the limits on processes and memory")]
    Thread {
        /// What the system said.
        source: io::Error,
    },
    /// RocksDB refused something.
    #[error(
        "the database failed: {0}; check that the disk is there, writable and not full, then start again"
    )]
    Backend(String),
    /// An earlier commit failed, so nobody knows what the next one would build on; or what is committed cannot be merged
    /// into files, and memory has no room for more.
    #[error(
        "nothing more is written, because an earlier write failed ({cause}); stop this node and start it again"
    )]
    Poisoned {
        /// What happened then.
        cause: String,
    },
    /// The commit contradicts what is stored. Nothing was written: this is a mistake in the caller.
    #[error(
        "the commit was refused, and nothing was written: {0}; this is a bug in the node, please report it"
    )]
    Refused(String),
}

impl From<rocksdb::Error> for DbError {
    fn from(error: rocksdb::Error) -> Self {
        match error.kind() {
            rocksdb::ErrorKind::Corruption => Self::Corrupt(error.into_string()),
            _ => Self::Backend(error.into_string()),
        }
    }
}
