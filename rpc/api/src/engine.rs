//! `engine_*`: make blocks on request.

use jsonrpsee::{core::RpcResult, proc_macros::rpc};

use crate::{
    text::{Bytes, Hash},
    types::CreatedBlock,
};

/// Make blocks on request, with an engine that does so. Unsafe.
#[rpc(server, client)]
pub trait EngineApi {
    /// Makes a block on the best one or on `parent`; `create_empty` even if no transaction waits.
    #[method(name = "engine_createBlock")]
    async fn create_block(
        &self,
        create_empty: bool,
        finalize: bool,
        parent: Option<Hash>,
    ) -> RpcResult<CreatedBlock>;

    /// Makes a block final, and with it all below. This engine needs no justification and ignores one.
    #[method(name = "engine_finalizeBlock")]
    async fn finalize_block(&self, hash: Hash, justification: Option<Bytes>) -> RpcResult<bool>;
}
