//! Why a key cannot be had or kept.

use std::{io, path::PathBuf};

use basalt_primitives::keys::KeyError;

use crate::{KeyType, files::FILE_BYTES_MAX, store::FILES_MAX};

/// Why a key cannot be had or kept. No text holds any part of a secret.
#[derive(Debug, thiserror::Error)]
pub enum KeystoreError {
    /// No such type.
    #[error("there is no key type '{0}': use gran (vote key, Ed25519) or bvrf (VRF key, sr25519)")]
    UnknownType(String),
    /// The secret is wrong.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The secret is another key's.
    #[error("the secret belongs to the public key 0x{}, not to 0x{}", const_hex::encode(.actual), const_hex::encode(.expected))]
    OtherKey {
        /// Whose it is.
        actual: [u8; 32],
        /// Whose it should be.
        expected: [u8; 32],
    },
    /// There is no such key.
    #[error("the keystore has no {kind} key 0x{}; put it there with `basalt key insert`", const_hex::encode(.public))]
    Missing {
        /// What it would be for.
        kind: KeyType,
        /// Which.
        public: [u8; 32],
    },
    /// The folder cannot be used.
    #[error("the keystore {path} cannot be used: {error}")]
    Folder {
        /// Which.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The folder holds too much.
    #[error("the keystore {0} holds more than {FILES_MAX} files; is it the right folder?")]
    TooManyFiles(PathBuf),
    /// A file cannot be read.
    #[error("the key file {path} cannot be read: {error}")]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// A file cannot be written.
    #[error("the key file {path} cannot be written: {error}")]
    Write {
        /// Which.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// Others may read a secret.
    #[error(
        "the key file {path} can be read or written by others (mode {mode:03o}): if they may have done so, make new keys; \
         if not: chmod 600 {path}"
    )]
    Exposed {
        /// Which.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// No secret is that long.
    #[error("the key file {path} has {bytes} bytes, and no secret has more than {FILE_BYTES_MAX}")]
    TooLarge {
        /// Which.
        path: PathBuf,
        /// How large.
        bytes: u64,
    },
    /// The content is no secret.
    #[error("the key file {0} holds something else than one JSON string with a secret, such as \"//Alice\"")]
    Malformed(PathBuf),
    /// The secret in a file is wrong.
    #[error("the {kind} key file {path} holds no usable secret: {error}")]
    Secret {
        /// Which.
        path: PathBuf,
        /// What it is for.
        kind: KeyType,
        /// Why not.
        error: KeyError,
    },
    /// The secret in a file is another key's.
    #[error("the key file {path} holds the secret of 0x{}, which is not the key that its name says", const_hex::encode(.actual))]
    Misnamed {
        /// Which.
        path: PathBuf,
        /// Whose secret it holds.
        actual: [u8; 32],
    },
}
