//! `author_*`, as far as it is about keys: what the node signs with.

use jsonrpsee::{core::RpcResult, proc_macros::rpc};

use crate::{text::Bytes, types::GeneratedSessionKeys};

/// Keys that the node signs with. Key types are `gran` (votes, Ed25519) and `bvrf` (randomness, sr25519). Unsafe.
#[rpc(server, client)]
pub trait KeystoreApi {
    /// Keeps the key of a secret URI, if `public_key` is its public key.
    #[method(name = "author_insertKey")]
    async fn insert_key(&self, key_type: String, suri: String, public_key: Bytes) -> RpcResult<()>;

    /// Makes and keeps new keys for a validator; answers their public keys one after the other: votes, randomness.
    #[method(name = "author_rotateKeys")]
    async fn rotate_keys(&self) -> RpcResult<Bytes>;

    /// The same, with the proof for `session.setKeys` that whoever has them is `owner`: an account, as SCALE bytes.
    #[method(name = "author_rotateKeysWithOwner")]
    async fn rotate_keys_with_owner(&self, owner: Bytes) -> RpcResult<GeneratedSessionKeys>;

    /// Whether the node has all of these keys, as `author_rotateKeys` answers them.
    #[method(name = "author_hasSessionKeys")]
    async fn has_session_keys(&self, session_keys: Bytes) -> RpcResult<bool>;

    /// Whether the node has a key.
    #[method(name = "author_hasKey")]
    async fn has_key(&self, public_key: Bytes, key_type: String) -> RpcResult<bool>;
}
