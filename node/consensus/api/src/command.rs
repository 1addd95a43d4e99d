//! What others ask of an engine.

use basalt_chain::BlockId;
use basalt_primitives::H256;
use tokio::sync::{mpsc, oneshot};

use crate::EngineError;

/// Requests that may wait for the engine; whoever asks beyond that waits to ask.
pub const COMMANDS_MAX: usize = 64;

/// A request. Each is answered, or its `reply` dropped when the engine stops.
#[derive(Debug)]
pub enum Command {
    /// Make a block now.
    CreateBlock {
        /// Even if there is nothing to put into it.
        create_empty: bool,
        /// And make it final.
        finalize: bool,
        /// On this block; `None`: on the head.
        parent: Option<H256>,
        /// The answer.
        reply: oneshot::Sender<Result<Created, EngineError>>,
    },
    /// Make a block final, and all below it.
    FinalizeBlock {
        /// Which.
        hash: H256,
        /// The answer.
        reply: oneshot::Sender<Result<(), EngineError>>,
    },
}

impl Command {
    /// Answers that this engine does no such thing.
    pub fn refuse(self, engine: &'static str) {
        // Whoever asked may have gone meanwhile.
        match self {
            Self::CreateBlock { reply, .. } => drop(reply.send(Err(EngineError::Unsupported { engine }))),
            Self::FinalizeBlock { reply, .. } => drop(reply.send(Err(EngineError::Unsupported { engine }))),
        }
    }
}

/// A block made on request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Created {
    /// The block.
    pub id: BlockId,
    /// Whether it became the head.
    pub new_best: bool,
    /// How many transactions it holds besides inherents.
    pub transactions: usize,
}

/// Asks the engine. Cheap to clone.
#[derive(Debug, Clone)]
pub struct EngineHandle(mpsc::Sender<Command>);

impl EngineHandle {
    /// Both ends; the other one goes into [`Env`](crate::Env).
    pub fn new() -> (Self, mpsc::Receiver<Command>) {
        let (sender, receiver) = mpsc::channel(COMMANDS_MAX);
        (Self(sender), receiver)
    }

    /// Asks for a block on `parent`, or on the head.
    ///
    /// # Errors
    ///
    /// [`EngineError::EmptyPool`] if there is nothing to put into it and `create_empty` is not set; see the others
    /// there.
    pub async fn create_block(
        &self,
        create_empty: bool,
        finalize: bool,
        parent: Option<H256>,
    ) -> Result<Created, EngineError> {
        self.ask(|reply| Command::CreateBlock { create_empty, finalize, parent, reply }).await
    }

    /// Asks to make a block final, and all below it.
    ///
    /// # Errors
    ///
    /// [`EngineError::UnknownBlock`] if there is no such block; see the others there.
    pub async fn finalize_block(&self, hash: H256) -> Result<(), EngineError> {
        self.ask(|reply| Command::FinalizeBlock { hash, reply }).await
    }

    async fn ask<T>(
        &self,
        command: impl FnOnce(oneshot::Sender<Result<T, EngineError>>) -> Command,
    ) -> Result<T, EngineError> {
        let (reply, answer) = oneshot::channel();
        self.0.send(command(reply)).await.map_err(|_| EngineError::Stopped)?;
        answer.await.unwrap_or(Err(EngineError::Stopped))
    }
}
