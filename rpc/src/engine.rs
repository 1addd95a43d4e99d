//! `engine_*`.

use basalt_consensus_api::EngineHandle;
use basalt_rpc_api::{
    EngineApiServer,
    text::{Bytes, Hash},
    types::{CreatedBlock, ImportedAux},
};
use jsonrpsee::core::{RpcResult, async_trait};

use crate::error::Error;

/// Answers `engine_*`.
pub(crate) struct Engine(pub(crate) EngineHandle);

#[async_trait]
impl EngineApiServer for Engine {
    async fn create_block(
        &self,
        create_empty: bool,
        finalize: bool,
        parent: Option<Hash>,
    ) -> RpcResult<CreatedBlock> {
        let parent = parent.map(|hash| hash.0);
        let made = self.0.create_block(create_empty, finalize, parent).await.map_err(Error::Engine)?;
        let aux = ImportedAux { is_new_best: made.new_best, ..ImportedAux::default() };
        Ok(CreatedBlock { hash: Hash(made.id.hash), aux, proof_size: 0 })
    }

    async fn finalize_block(&self, hash: Hash, _justification: Option<Bytes>) -> RpcResult<bool> {
        self.0.finalize_block(hash.0).await.map_err(Error::Engine)?;
        Ok(true)
    }
}
