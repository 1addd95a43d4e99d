//! `basalt_*`: what no other node tells.

use jsonrpsee::{core::RpcResult, proc_macros::rpc};

use crate::{
    text::Hash,
    types::{ConsensusReport, ExecutionReport},
};

/// What no other node tells.
#[rpc(server, client)]
pub trait BasaltApi {
    /// How this node ran a block, the best one if none is named: how often transactions were run, over which keys they
    /// conflicted, and where the time went. Two nodes answer differently about the same block.
    #[method(name = "basalt_executionReport")]
    async fn execution_report(&self, hash: Option<Hash>) -> RpcResult<ExecutionReport>;

    /// How this node sees the agreement on the next block: height, round and step, and who has voted.
    #[method(name = "basalt_consensusStatus")]
    async fn consensus_status(&self) -> RpcResult<ConsensusReport>;
}
