//! What takes long, beside the loop.

use std::{sync::Arc, time::Duration};

use basalt_chain::{
    BlockId, BuildRequest, BuiltBlock, Chain, ChainError, ForkChoice, ImportOptions, Justification, StateView,
};
use basalt_consensus_api::{Clock, EngineError};
use basalt_pool::PoolHandle;
use basalt_primitives::{
    AccountId, Block, Digest, H256, Header, InvalidTransaction, OpaqueExtrinsic, TransactionValidityError,
};
use basalt_runtime_api::{Certificate, InherentData};
use tokio::sync::{mpsc, watch};

use super::Link;
use crate::{
    host::{Ground, PeerTag, Verdict},
    justification,
    limits::FETCHES_MAX,
};

/// What came of a job.
pub(super) enum Done {
    Built { round: u32, built: Box<BuiltBlock> },
    Executed { hash: H256, built: Option<Box<BuiltBlock>>, verdict: Verdict },
    Committed { ground: Box<Ground>, transactions: usize },
    Ready { at: H256, ready: bool },
    Failed(EngineError),
}

/// What jobs need.
#[derive(Clone)]
pub(super) struct Jobs {
    pub(super) chain: Arc<Chain>,
    pub(super) pool: PoolHandle,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) link: Arc<dyn Link>,
    pub(super) done: mpsc::Sender<Done>,
    /// The height that is worked on: jobs of others end.
    pub(super) height: watch::Receiver<u32>,
}

/// A block to build.
pub(super) struct Order {
    pub(super) height: u32,
    pub(super) round: u32,
    pub(super) parent: H256,
    pub(super) author: AccountId,
    pub(super) digest: Digest,
    pub(super) patience: Duration,
    pub(super) votes: Option<Certificate>,
}

/// A block to get and to execute.
pub(super) struct Work {
    pub(super) hash: H256,
    pub(super) header: Header,
    pub(super) author: Option<AccountId>,
    pub(super) body: Option<Vec<OpaqueExtrinsic>>,
    pub(super) from: PeerTag,
}

/// Between two tries to get a body, or to wait for a clock.
const AGAIN: Duration = Duration::from_millis(50);

impl Jobs {
    pub(super) fn build(&self, order: Order) {
        let jobs = self.clone();
        tokio::spawn(async move {
            let height = order.height;
            tokio::select! {
                () = jobs.left(height) => {}
                result = jobs.clone().build_one(order) => {
                    if let Err(error) = result {
                        jobs.tell(Done::Failed(error)).await;
                    }
                }
            }
        });
    }

    async fn build_one(self, order: Order) -> Result<(), EngineError> {
        let Order { round, parent, author, digest, patience, votes, .. } = order;
        // The pool offers what the head includes already until it has seen that. It must not take a round's time.
        let mut settled = self.pool.subscribe_head();
        let settled = tokio::select! {
            settled = settled.wait_for(|(hash, _)| *hash == parent) => settled.is_ok(),
            () = self.clock.sleep(patience / 4) => false,
        };
        let candidates = if settled { self.pool.ready().await } else { Vec::new() };
        let (chain, clock, pool) = (self.chain.clone(), self.clock.clone(), self.pool.clone());
        let built = blocking(move || {
            let state = chain.state_at(&parent)?;
            let timestamp = clock.now_ms().max(earliest(&chain, &state)?);
            let votes = votes_on(&chain, &parent, &state, votes)?;
            Ok(chain.build(BuildRequest {
                parent,
                digest,
                author: Some(author),
                inherents: InherentData { timestamp, votes },
                candidates: &mut candidates.into_iter(),
                deadline: Some(std::time::Instant::now() + patience / 2),
            })?)
        })
        .await?;
        let refused: Vec<_> =
            built.refused().iter().filter(|(_, error)| is_final(error)).map(|(hash, _)| *hash).collect();
        if !refused.is_empty() {
            pool.remove(refused).await;
        }
        self.tell(Done::Built { round, built: Box::new(built) }).await;
        Ok(())
    }

    pub(super) fn execute(&self, work: Work) {
        let jobs = self.clone();
        let height = work.header.number;
        tokio::spawn(async move {
            tokio::select! {
                () = jobs.left(height) => {}
                done = jobs.execute_one(work) => jobs.tell(done).await,
            }
        });
    }

    async fn execute_one(&self, work: Work) -> Done {
        let hash = work.hash;
        let unknown = Done::Executed { hash, built: None, verdict: Verdict::Unknown };
        let Some(body) = self.body(&work).await else { return unknown };
        for _ in 0..FETCHES_MAX {
            match self.run(&work, body.clone(), true).await {
                Ok(built) => {
                    return Done::Executed { hash, built: Some(Box::new(built)), verdict: Verdict::Valid };
                }
                Err(EngineError::Chain(error)) if error.is_peer_fault() => {
                    tracing::warn!(%error, ?hash, height = work.header.number, "a proposed block is invalid");
                    return Done::Executed { hash, built: None, verdict: Verdict::Invalid };
                }
                Err(error) if error.is_fatal() => return Done::Failed(error),
                // It says nothing about the block: the clock may be ahead, or the parent on its way.
                Err(error) => tracing::debug!(%error, ?hash, "a proposed block cannot be executed yet"),
            }
            self.clock.sleep(AGAIN).await;
        }
        unknown
    }

    /// What the header commits to, from whoever has it.
    async fn body(&self, work: &Work) -> Option<Vec<OpaqueExtrinsic>> {
        let is_right =
            |body: &Vec<OpaqueExtrinsic>| basalt_chain::extrinsics_root(body) == work.header.extrinsics_root;
        if let Some(body) = work.body.clone().filter(is_right) {
            return Some(body);
        }
        for _ in 0..FETCHES_MAX {
            if let Some(body) =
                self.link.fetch(work.hash, work.header.extrinsics_root, work.from).await.filter(is_right)
            {
                return Some(body);
            }
            self.clock.sleep(AGAIN).await;
        }
        None
    }

    async fn run(
        &self,
        work: &Work,
        body: Vec<OpaqueExtrinsic>,
        is_new: bool,
    ) -> Result<BuiltBlock, EngineError> {
        let (chain, author) = (self.chain.clone(), work.author);
        let now = is_new.then(|| InherentData::at(self.clock.now_ms()));
        let block = Block { header: work.header.clone(), extrinsics: body };
        blocking(move || Ok(chain.execute(block, author, now)?)).await
    }

    /// Makes a decided block final, executed here or not.
    pub(super) fn commit(
        &self,
        block: BlockId,
        work: Work,
        built: Option<Box<BuiltBlock>>,
        justification: Justification,
    ) {
        let jobs = self.clone();
        tokio::spawn(async move {
            let done = match jobs.commit_one(block, work, built, justification).await {
                Ok(Some(done)) => done,
                Ok(None) => return,
                Err(error) => Done::Failed(error),
            };
            jobs.tell(done).await;
        });
    }

    async fn commit_one(
        &self,
        block: BlockId,
        work: Work,
        built: Option<Box<BuiltBlock>>,
        justification: Justification,
    ) -> Result<Option<Done>, EngineError> {
        let built = match built {
            Some(built) => *built,
            None => loop {
                // After a restart. Whoever voted for it has it; catching up may bring it first.
                if self.chain.finalized().number >= block.number {
                    return Ok(None);
                }
                let Some(body) = self.body(&work).await else { continue };
                match self.run(&work, body, false).await {
                    Ok(built) => break built,
                    Err(EngineError::Chain(ChainError::Import(error))) if error.is_peer_fault() => {
                        return Err(EngineError::Halted(format!(
                            "the validators decided block {} ({:?}), which this node finds invalid: {error}",
                            block.number, block.hash
                        )));
                    }
                    Err(error) if error.is_fatal() => return Err(error),
                    Err(_) => self.clock.sleep(AGAIN).await,
                }
            },
        };
        let transactions = built.transactions();
        let options = ImportOptions {
            author: work.author,
            fork_choice: ForkChoice::Best,
            finalize: true,
            justification: Some(justification),
            now: None,
        };
        let chain = self.chain.clone();
        let ground = blocking(move || {
            match chain.import_built(built, options) {
                Ok(_) => {}
                // Catching up brought it first.
                Err(_) if chain.finalized().number >= block.number => return Ok(None),
                Err(error) => return Err(error.into()),
            }
            ground(&chain, block).map(Some)
        })
        .await?;
        Ok(ground.map(|ground| Done::Committed { ground: Box::new(ground), transactions }))
    }

    /// Whether transactions wait, once the pool has seen `at`.
    pub(super) fn look(&self, at: H256) {
        let jobs = self.clone();
        tokio::spawn(async move {
            let mut settled = jobs.pool.subscribe_head();
            if settled.wait_for(|(hash, _)| *hash == at).await.is_ok() {
                let ready = jobs.pool.status().await.ready > 0;
                jobs.tell(Done::Ready { at, ready }).await;
            }
        });
    }

    async fn tell(&self, done: Done) {
        // The loop may have ended.
        let _ = self.done.send(done).await;
    }

    /// When another height is worked on.
    async fn left(&self, height: u32) {
        let mut current = self.height.clone();
        // An error says that the loop has ended.
        let _ = current.wait_for(|at| *at != height).await;
    }
}

fn earliest(chain: &Chain, state: &StateView) -> Result<u64, EngineError> {
    chain.runtime().earliest_time(state).map_err(|error| EngineError::Chain(ChainError::State(error)))
}

/// How a block holds the votes for the block below: those that the host knows, or those that were stored with it.
fn votes_on(
    chain: &Chain,
    parent: &H256,
    state: &StateView,
    known: Option<Certificate>,
) -> Result<Option<Vec<u8>>, EngineError> {
    let certificate = match known {
        Some(certificate) => Some(certificate),
        None => chain.justification(parent)?.and_then(|proof| justification::votes(&proof).ok()),
    };
    let Some(certificate) = certificate else { return Ok(None) };
    chain.runtime().votes(&certificate, state).map_err(|error| EngineError::Chain(ChainError::State(error)))
}

/// What the next height stands on.
pub(super) fn ground(chain: &Chain, parent: BlockId) -> Result<Ground, EngineError> {
    let header = chain.header(&parent.hash)?.ok_or(EngineError::UnknownBlock(parent.hash))?;
    let state = chain.state_at(&parent.hash)?;
    let validators =
        chain.runtime().validators(&state).map_err(|error| EngineError::Chain(ChainError::State(error)))?;
    Ok(Ground { parent, header, validators })
}

/// Whether a refused candidate can be forgotten. What came too early, or found no room, may fit the next block.
fn is_final(error: &TransactionValidityError) -> bool {
    !matches!(
        error,
        TransactionValidityError::Invalid(InvalidTransaction::ExhaustsResources | InvalidTransaction::Future)
    )
}

/// Runs what takes long, or waits for the disk, where it holds up nobody.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, EngineError> + Send + 'static,
) -> Result<T, EngineError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(EngineError::Panicked(error.to_string())),
    }
}
