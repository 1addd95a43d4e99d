//! Answers the questions of peers for blocks.

use std::{fmt, sync::Arc};

use basalt_chain::{Chain, ChainError};
use basalt_network::{
    BlockData, BlockRequest, BlockRequestReceiver, BlockResponse, Fields, IncomingBlockRequest,
    Justification, Start,
    limits::{BLOCK_RESPONSE_BYTES_MAX, BLOCKS_PER_REQUEST_MAX},
};
use basalt_primitives::{BlockNumber, H256, OpaqueExtrinsic};
use parity_scale_codec::Encode;
use tokio::{sync::Semaphore, task::JoinSet};

use crate::limits::{SERVED_AT_ONCE, SERVED_WAITING_MAX};

/// The body of a block that was proposed and is not in the chain yet, if it is at hand.
pub type Proposed = Arc<dyn Fn(&H256) -> Option<Arc<[OpaqueExtrinsic]>> + Send + std::marker::Sync>;

/// What questions are answered from.
#[derive(Clone)]
pub struct Server {
    /// Blocks.
    pub chain: Arc<Chain>,
    /// Bodies that voters wait for.
    pub proposed: Proposed,
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("chain", &self.chain).finish_non_exhaustive()
    }
}

impl Server {
    /// Answers until the network has stopped. Proposed bodies at once, since voters wait for them; what is read from the
    /// disk, [`SERVED_AT_ONCE`] at a time. Who asks while [`SERVED_WAITING_MAX`] wait is told that we are busy.
    pub(crate) async fn run(self, mut requests: BlockRequestReceiver) {
        let readers = Arc::new(Semaphore::new(SERVED_AT_ONCE));
        let mut answers = JoinSet::new();
        while let Some(IncomingBlockRequest { request, responder, .. }) = requests.recv().await {
            while answers.try_join_next().is_some() {}
            if let Some(response) = self.proposal(&request) {
                responder.respond(response);
                continue;
            }
            if answers.len() >= SERVED_WAITING_MAX {
                // Dropping the responder says it.
                continue;
            }
            let (server, readers) = (self.clone(), readers.clone());
            answers.spawn(async move {
                let Ok(_turn) = readers.acquire().await else { return };
                let read = tokio::task::spawn_blocking(move || server.answer(&request)).await;
                match read {
                    Ok(Ok(response)) => responder.respond(response),
                    Ok(Err(error)) => tracing::warn!(%error, "blocks that a peer asked for cannot be read"),
                    // The runtime has reported the panic, or shuts down.
                    Err(_) => {}
                }
            });
        }
    }

    /// A body that is asked for by hash and nothing else, if it is one of those not yet in the chain.
    fn proposal(&self, request: &BlockRequest) -> Option<BlockResponse> {
        let (Start::Hash(hash), Fields::BODY) = (request.start, request.fields) else { return None };
        let body = (self.proposed)(&hash)?;
        let block = BlockData { hash, body: Some(body.to_vec()), ..Default::default() };
        Some(BlockResponse { blocks: vec![block] })
    }

    /// The blocks that are asked for, as many as fit. None if the first is not here, or alone is too large.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub fn answer(&self, request: &BlockRequest) -> Result<BlockResponse, ChainError> {
        let mut response = BlockResponse::default();
        let Some((first, mut hash)) = self.first(request.start)? else { return Ok(response) };
        let mut bytes = 5;
        let mut below = None;
        for number in (first..=BlockNumber::MAX).take(request.count.min(BLOCKS_PER_REQUEST_MAX) as usize) {
            let Some(block) = self.block(hash, below, request.fields)? else { break };
            bytes += block.encoded_size();
            if bytes > BLOCK_RESPONSE_BYTES_MAX {
                break;
            }
            response.blocks.push(block);
            below = Some(hash);
            match number.checked_add(1).map(|next| self.chain.hash_at(next)) {
                Some(next) => match next? {
                    Some(next) => hash = next,
                    None => break,
                },
                None => break,
            }
        }
        Ok(response)
    }

    fn first(&self, start: Start) -> Result<Option<(BlockNumber, H256)>, ChainError> {
        match start {
            Start::Number(number) => Ok(self.chain.hash_at(number)?.map(|hash| (number, hash))),
            Start::Hash(hash) => Ok(self.chain.header(&hash)?.map(|header| (header.number, hash))),
        }
    }

    /// A block that stands on `below`, if that is known: not after a change of branch, nor on another one.
    fn block(
        &self,
        hash: H256,
        below: Option<H256>,
        fields: Fields,
    ) -> Result<Option<BlockData>, ChainError> {
        let Some(header) = self.chain.header(&hash)? else { return Ok(None) };
        if below.is_some_and(|below| below != header.parent_hash) {
            return Ok(None);
        }
        let mut block = BlockData { hash, ..Default::default() };
        if fields.contains(Fields::BODY) {
            block.body = self.chain.body(&hash)?;
            if block.body.is_none() {
                return Ok(None);
            }
        }
        if fields.contains(Fields::JUSTIFICATION) {
            let justification = self.chain.justification(&hash)?;
            block.justification = justification.map(|justification| Justification {
                engine: justification.engine,
                data: justification.data,
            });
        }
        if fields.contains(Fields::HEADER) {
            block.header = Some(header);
        }
        Ok(Some(block))
    }
}
