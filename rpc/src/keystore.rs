//! `author_*`, as far as it is about keys.

use std::sync::Arc;

use basalt_keystore::{KeyType, Keystore, KeystoreError};
use basalt_primitives::AccountId;
use basalt_rpc_api::{KeystoreApiServer, text::Bytes, types::GeneratedSessionKeys};
use jsonrpsee::core::{RpcResult, async_trait};

use crate::{error::Error, node::Node};

/// Answers what is about keys. Secrets are read from and written to disk on threads for long work.
pub(crate) struct Keys {
    pub(crate) node: Arc<Node>,
    pub(crate) keystore: Keystore,
}

/// The keys of a validator, in the order in which tools write them one after the other.
const SESSION_KEYS: [KeyType; 2] = [KeyType::Vote, KeyType::Vrf];

impl Keys {
    async fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Keystore) -> Result<T, KeystoreError> + Send + 'static,
    ) -> Result<T, Error> {
        let keystore = self.keystore.clone();
        self.node.work(move |_| work(&keystore).map_err(Error::Keystore)).await
    }
}

fn key(bytes: &[u8]) -> Result<[u8; 32], Error> {
    bytes.try_into().map_err(|_| Error::Params("a public key has 32 bytes"))
}

#[async_trait]
impl KeystoreApiServer for Keys {
    async fn insert_key(&self, key_type: String, suri: String, public_key: Bytes) -> RpcResult<()> {
        let public = key(&public_key.0)?;
        Ok(self.with(move |keystore| keystore.insert_expected(key_type.parse()?, &suri, public)).await?)
    }

    async fn rotate_keys(&self) -> RpcResult<Bytes> {
        let keys = self.with(|keystore| {
            let made = SESSION_KEYS.map(|kind| keystore.generate(kind));
            made.into_iter().collect::<Result<Vec<_>, _>>()
        });
        Ok(Bytes(keys.await?.concat()))
    }

    async fn rotate_keys_with_owner(&self, owner: Bytes) -> RpcResult<GeneratedSessionKeys> {
        let owner = <[u8; 32]>::try_from(&owner.0[..])
            .map_err(|_| Error::Params("the owner is an account: 32 bytes, in hex"))?;
        let made = self.with(move |keystore| {
            let (vote, vrf) = (keystore.generate(KeyType::Vote)?, keystore.generate(KeyType::Vrf)?);
            let proof = keystore.prove_possession(&vote, &vrf, &AccountId::from(owner))?;
            Ok(([vote, vrf].concat(), proof))
        });
        let (keys, proof) = made.await?;
        Ok(GeneratedSessionKeys { keys: Bytes(keys), proof: Some(Bytes(proof)) })
    }

    async fn has_session_keys(&self, session_keys: Bytes) -> RpcResult<bool> {
        let (keys, rest) = session_keys.0.as_chunks::<32>();
        if keys.len() != SESSION_KEYS.len() || !rest.is_empty() {
            return Err(Error::Params("session keys are 64 bytes: the vote key, then the VRF key").into());
        }
        let keys = keys.to_vec();
        let all = self.with(move |keystore| {
            for (kind, key) in SESSION_KEYS.into_iter().zip(&keys) {
                if !keystore.has(kind, key)? {
                    return Ok(false);
                }
            }
            Ok(true)
        });
        Ok(all.await?)
    }

    async fn has_key(&self, public_key: Bytes, key_type: String) -> RpcResult<bool> {
        let public = key(&public_key.0)?;
        Ok(self.with(move |keystore| keystore.has(key_type.parse()?, &public)).await?)
    }
}
