//! The loop: wait for a reason, make a block.

use std::{sync::Arc, time::Duration};

use basalt_chain::{BuildRequest, Chain, ForkChoice, ImportOptions, Imported};
use basalt_consensus_api::{Clock, Command, Created, EngineError, Env, INSTANT, Shutdown, author_item};
use basalt_pool::PoolHandle;
use basalt_primitives::{BlockNumber, Digest, H256, InvalidTransaction, Moment, TransactionValidityError};
use basalt_runtime_api::{InherentData, Verified};
use tokio::sync::{mpsc, watch};

use crate::{Config, Seal};

/// What the loop waits for.
enum Wake {
    Stop,
    PoolStopped,
    Ask(Command),
    Ready,
    Tick,
}

/// The block to make.
struct Wish {
    parent: H256,
    candidates: Vec<Verified>,
    create_empty: bool,
    finalize: bool,
}

/// What came of it.
struct Outcome {
    /// None if it would have been empty.
    created: Option<Created>,
    /// Candidates that will never be valid on top of this parent.
    refused: Vec<H256>,
}

pub(crate) struct Sealer {
    config: Config,
    chain: Arc<Chain>,
    pool: PoolHandle,
    clock: Arc<dyn Clock>,
    /// None when nobody can ask any more.
    commands: Option<mpsc::Receiver<Command>>,
    shutdown: Shutdown,
    /// How many transactions became ready: changes when there may be something to do.
    ready: watch::Receiver<u64>,
    /// The block that the pool has settled on.
    settled: watch::Receiver<(H256, BlockNumber)>,
    /// The time of the last block made here.
    last: Moment,
    /// When the next block is due, in milliseconds; for [`Seal::Interval`].
    due: Moment,
}

impl Sealer {
    pub(crate) fn new(config: Config, env: Env) -> Self {
        let Env { chain, pool, clock, commands, shutdown } = env;
        let mut ready = pool.subscribe_ready();
        // What is ready already counts too.
        ready.mark_changed();
        let settled = pool.subscribe_head();
        let commands = Some(commands);
        Self { config, chain, pool, clock, commands, shutdown, ready, settled, last: 0, due: 0 }
    }

    pub(crate) async fn run(mut self) -> Result<(), EngineError> {
        self.due = self.clock.now_ms().saturating_add(self.period());
        loop {
            let done = match self.wait().await {
                Wake::Stop => return Ok(()),
                Wake::PoolStopped => Err(EngineError::PoolStopped),
                Wake::Ask(command) => self.answer(command).await,
                Wake::Ready => self.on_ready().await,
                Wake::Tick => self.on_tick().await,
            };
            match done {
                Err(EngineError::Stopped) => return Ok(()),
                Err(error) if error.is_fatal() => {
                    tracing::error!(%error, "the engine stops");
                    return Err(error);
                }
                Err(error) => tracing::warn!(%error, "no block was made"),
                Ok(()) => {}
            }
        }
    }

    async fn wait(&mut self) -> Wake {
        let (instant, interval) = match self.config.seal {
            Seal::Instant => (true, false),
            Seal::Interval(_) => (false, true),
            Seal::Manual => (false, false),
        };
        let left = self.due.saturating_sub(self.clock.now_ms());
        let tick = async {
            match interval {
                true => self.clock.sleep(Duration::from_millis(left)).await,
                false => std::future::pending().await,
            }
        };
        let command = async {
            match &mut self.commands {
                Some(commands) => commands.recv().await,
                None => std::future::pending().await,
            }
        };
        // In this order, so that requests are answered while transactions keep coming.
        let wake = tokio::select! {
            biased;
            () = self.shutdown.requested() => Wake::Stop,
            command = command => match command {
                Some(command) => Wake::Ask(command),
                None => {
                    self.commands = None;
                    return Box::pin(self.wait()).await;
                }
            },
            changed = self.ready.changed(), if instant => match changed {
                Ok(()) => Wake::Ready,
                Err(_) => Wake::PoolStopped,
            },
            () = tick => Wake::Tick,
        };
        wake
    }

    /// One block of what is ready; the loop comes back for the rest.
    async fn on_ready(&mut self) -> Result<(), EngineError> {
        self.settle().await?;
        // What becomes ready after this line wakes the loop again.
        self.ready.mark_unchanged();
        let candidates = self.pool.ready().await;
        if candidates.is_empty() {
            return Ok(());
        }
        let parent = self.chain.best().hash;
        let finalize = self.config.finalize;
        let result = self.make(Wish { parent, candidates, create_empty: false, finalize }).await;
        let progress = match &result {
            Ok(outcome) => outcome.created.is_some() || !outcome.refused.is_empty(),
            // If the head moved away while the block was made: try on the new one.
            Err(_) => self.chain.best().hash != parent,
        };
        if progress {
            self.ready.mark_changed();
        }
        result.map(drop)
    }

    async fn on_tick(&mut self) -> Result<(), EngineError> {
        // At a steady rate; beats that were missed are not made up for.
        let now = self.clock.now_ms();
        let next = self.due.saturating_add(self.period());
        self.due = if next > now { next } else { now.saturating_add(self.period()) };
        self.settle().await?;
        let candidates = self.pool.ready().await;
        let Config { create_empty, finalize, .. } = self.config;
        if candidates.is_empty() && !create_empty {
            return Ok(());
        }
        let parent = self.chain.best().hash;
        self.make(Wish { parent, candidates, create_empty, finalize }).await.map(drop)
    }

    /// Answers a request. Its errors go to who asked; only fatal ones concern the loop too.
    async fn answer(&mut self, command: Command) -> Result<(), EngineError> {
        // Whoever asked may have gone meanwhile, so failing to reply is no error.
        match command {
            Command::CreateBlock { create_empty, finalize, parent, reply } => {
                match self.create(create_empty, finalize, parent).await {
                    Err(error) if error.is_fatal() => Err(error),
                    answer => {
                        drop(reply.send(answer));
                        Ok(())
                    }
                }
            }
            Command::FinalizeBlock { hash, reply } => {
                let chain = self.chain.clone();
                let done = blocking(move || Ok(chain.finalize(&hash, None)?)).await;
                match done {
                    Err(error) if error.is_fatal() => Err(error),
                    answer => {
                        drop(reply.send(answer));
                        Ok(())
                    }
                }
            }
        }
    }

    async fn create(
        &mut self,
        create_empty: bool,
        finalize: bool,
        parent: Option<H256>,
    ) -> Result<Created, EngineError> {
        self.settle().await?;
        let candidates = self.pool.ready().await;
        let parent = parent.unwrap_or_else(|| self.chain.best().hash);
        let outcome = self.make(Wish { parent, candidates, create_empty, finalize }).await?;
        outcome.created.ok_or(EngineError::EmptyPool)
    }

    /// Waits until the pool knows the head: before that, it offers what the head includes already.
    async fn settle(&mut self) -> Result<(), EngineError> {
        let chain = &self.chain;
        tokio::select! {
            biased;
            settled = self.settled.wait_for(|(hash, _)| *hash == chain.best().hash) => match settled {
                Ok(_) => Ok(()),
                Err(_) => Err(EngineError::PoolStopped),
            },
            () = self.shutdown.requested() => Err(EngineError::Stopped),
        }
    }

    async fn make(&mut self, wish: Wish) -> Result<Outcome, EngineError> {
        let on_settled = wish.parent == self.settled.borrow().0;
        let timestamp = self.clock.now_ms().max(self.last.saturating_add(1));
        let author = self.config.author;
        let chain = self.chain.clone();
        let outcome = blocking(move || {
            let Wish { parent, candidates, create_empty, finalize } = wish;
            let logs = author.iter().map(|author| author_item(INSTANT, author)).collect();
            let built = chain.build(BuildRequest {
                parent,
                digest: Digest { logs },
                author,
                inherents: InherentData::at(timestamp),
                candidates: &mut candidates.into_iter(),
                deadline: None,
            })?;
            let refused =
                built.refused().iter().filter(|(_, error)| is_final(error)).map(|(hash, _)| *hash).collect();
            let transactions = built.transactions();
            if transactions == 0 && !create_empty {
                return Ok(Outcome { created: None, refused });
            }
            let options = ImportOptions { fork_choice: ForkChoice::Longest, finalize, ..Default::default() };
            let Imported { id, new_best, .. } = chain.import_built(built, options)?;
            // Empty blocks, which an interval makes without end, would hide everything else.
            if transactions > 0 {
                tracing::info!(number = id.number, transactions, hash = ?id.hash, "block made");
            } else {
                tracing::debug!(number = id.number, hash = ?id.hash, "empty block made");
            }
            Ok(Outcome { created: Some(Created { id, new_best, transactions }), refused })
        })
        .await?;
        if outcome.created.is_some() {
            self.last = timestamp;
        }
        // On another parent than the pool's head, a refusal says nothing about the next block there.
        if on_settled && !outcome.refused.is_empty() {
            self.pool.remove(outcome.refused.clone()).await;
        }
        Ok(outcome)
    }

    fn period(&self) -> Moment {
        match self.config.seal {
            Seal::Interval(period) => Moment::try_from(period.as_millis()).unwrap_or(Moment::MAX).max(1),
            Seal::Instant | Seal::Manual => 0,
        }
    }
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
