//! An engine that makes a block whenever it is asked to.

use std::sync::Arc;

use basalt_chain::{BuildRequest, Chain, ImportOptions};
use basalt_consensus_api::{Command, Created, EngineError, EngineHandle};
use basalt_primitives::H256;
use basalt_runtime_api::InherentData;

/// Its handle; it ends when the last one is dropped.
pub(crate) fn manual_engine(chain: &Arc<Chain>) -> EngineHandle {
    let (handle, mut commands) = EngineHandle::new();
    let chain = chain.clone();
    tokio::spawn(async move {
        while let Some(command) = commands.recv().await {
            // Whoever asked may have gone meanwhile.
            match command {
                Command::CreateBlock { create_empty: false, reply, .. } => {
                    drop(reply.send(Err(EngineError::EmptyPool)));
                }
                Command::CreateBlock { finalize, parent, reply, .. } => {
                    drop(reply.send(create(&chain, finalize, parent)));
                }
                Command::FinalizeBlock { hash, reply } => {
                    drop(reply.send(chain.finalize(&hash, None).map_err(EngineError::from)));
                }
            }
        }
    });
    handle
}

fn create(chain: &Chain, finalize: bool, parent: Option<H256>) -> Result<Created, EngineError> {
    let best = chain.best();
    let built = chain.build(BuildRequest {
        parent: parent.unwrap_or(best.hash),
        digest: Default::default(),
        author: None,
        inherents: InherentData::at(u64::from(best.number + 1) * 1000),
        candidates: &mut std::iter::empty(),
        deadline: None,
    })?;
    let transactions = built.transactions();
    let imported = chain.import_built(built, ImportOptions { finalize, ..Default::default() })?;
    Ok(Created { id: imported.id, new_best: imported.new_best, transactions })
}
