//! The thread that commits: one after the other, in the order in which blocks were accepted.
//!
//! ```text
//! commit_later ─► accept: fits the tree that will be? ─► queue ─► database ─► show ─► events ─► reply
//!                 under the writer's lock                         this thread alone
//! ```

use std::{
    sync::{
        Arc,
        mpsc::{Receiver, SyncSender},
    },
    time::Instant,
};

use basalt_db::{Commit, Finalize, Justification, NewBlock};

use crate::{
    BlockId, BlockReport, ChainError, ChainEvent, Imported,
    block::Run,
    recent::Contents,
    shared::Shared,
    tree::{BlockTree, Node, Route},
};

/// What the thread is asked to do.
pub(crate) enum Task {
    Commit(Box<Step>),
    /// Only to answer, when all that came before is done.
    Settle(Reply),
}

pub(crate) type Reply = SyncSender<Result<(), ChainError>>;

/// One step from one tree to the next.
pub(crate) struct Step {
    pub(crate) new: Option<New>,
    /// The blocks that become final, ascending.
    pub(crate) path: Vec<Arc<Node>>,
    /// What proves that the last of them is final.
    pub(crate) justification: Option<Justification>,
    /// The blocks that lost.
    pub(crate) dropped: Vec<BlockId>,
    pub(crate) before_best: BlockId,
    pub(crate) best: BlockId,
    pub(crate) route: Route,
    /// The tree after it.
    pub(crate) after: Arc<BlockTree>,
    pub(crate) reply: Reply,
}

/// A block that comes in.
pub(crate) struct New {
    pub(crate) node: Arc<Node>,
    pub(crate) contents: Contents,
    pub(crate) run: Run,
}

/// A block that is accepted: it is written behind the caller's back, and others may be built on it meanwhile. Nobody
/// hears of it before it is durable.
///
/// Dropping it changes nothing: the block is written all the same.
#[derive(Debug)]
#[must_use = "a commit may fail; wait for it before you tell anybody of the block"]
pub struct Pending {
    pub(crate) imported: Imported,
    /// None if there is nothing to wait for.
    pub(crate) done: Option<Receiver<Result<(), ChainError>>>,
}

impl Pending {
    /// Which block it is, and what it changes, once it is durable.
    pub fn imported(&self) -> &Imported {
        &self.imported
    }

    /// Waits until the block is durable and readable, and its events are sent. Blocks the calling thread.
    ///
    /// # Errors
    ///
    /// The commit failed, or one before it ([`ChainError::Stopped`]): the block, and all that was built on it, will
    /// never be part of this chain.
    pub fn wait(self) -> Result<Imported, ChainError> {
        if let Some(done) = self.done {
            wait(&done)?;
        }
        Ok(self.imported)
    }
}

pub(crate) fn wait(done: &Receiver<Result<(), ChainError>>) -> Result<(), ChainError> {
    done.recv().unwrap_or_else(|_| Err(gone()))
}

/// The thread ended without an answer: a panic in it, whose message is in the log.
pub(crate) fn gone() -> ChainError {
    ChainError::Stopped("the thread that commits has ended".into())
}

/// Runs until all senders are gone and the queue is empty.
pub(crate) fn run(shared: &Shared, tasks: &Receiver<Task>) {
    let _told = TellOnPanic(shared);
    while let Ok(task) = tasks.recv() {
        // Whoever asked may not want to know.
        match task {
            Task::Settle(reply) => drop(reply.send(shared.check_running())),
            Task::Commit(step) => {
                let reply = step.reply.clone();
                let result = shared.check_running().and_then(|()| commit(shared, *step));
                drop(reply.send(result));
            }
        }
    }
}

/// Writes one step as one batch, shows it, and tells others.
fn commit(shared: &Shared, step: Step) -> Result<(), ChainError> {
    let started = Instant::now();
    let Step { new, path, justification, dropped, before_best, best, route, after, .. } = step;
    let last = path.last().map(|node| node.id);
    let batch = Commit {
        insert: new
            .iter()
            .map(|New { node, contents, .. }| NewBlock {
                hash: node.id.hash,
                header: &node.header,
                body: contents.extrinsics(),
                changes: &node.changes,
            })
            .collect(),
        finalize: path
            .iter()
            .map(|node| Finalize {
                id: node.id,
                changes: &node.changes,
                // It proves the finality of the one asked for; the blocks below follow from that.
                justification: justification.as_ref().filter(|_| last == Some(node.id)),
            })
            .collect(),
        drop: dropped.clone(),
        best,
    };
    // Before this line nothing has happened; after it a crash is harmless.
    if let Err(error) = shared.db.commit(batch) {
        shared.stop(error.to_string());
        return Err(error.into());
    }

    let ids: Arc<[BlockId]> = path.iter().map(|node| node.id).collect();
    let new = new.map(|New { node, contents, run }| {
        shared.recent.keep(node.id.hash, contents);
        (node.id, node.header.parent_hash, run)
    });
    for id in &dropped {
        shared.recent.forget(&id.hash);
    }
    if let Err(error) = shared.show(after, new.as_ref().map(|(id, ..)| id.hash), path) {
        shared.stop(error.to_string());
        return Err(error);
    }
    if let Some((id, parent, Run { execution, mut times, built_here })) = new {
        times.commit = started.elapsed();
        shared.reports.keep(BlockReport { id, execution, times, built_here });
        shared.tell(ChainEvent::Imported { id, parent });
    }
    if best != before_best {
        let Route { retracted, enacted } = route;
        shared.tell(ChainEvent::NewBest { id: best, retracted: retracted.into(), enacted: enacted.into() });
    }
    if !ids.is_empty() {
        let dropped = dropped.iter().map(|id| id.hash).collect();
        shared.tell(ChainEvent::Finalized { ids, dropped });
        // Rare, and long for a large state: readers of state do not wait for it, and everybody knows by now.
        shared.merkle.write().maintain();
    }
    Ok(())
}

/// A panic on this thread reaches nobody else, and the node must not go on without it.
struct TellOnPanic<'a>(&'a Shared);

impl Drop for TellOnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.stop("the thread that commits has panicked".into());
        }
    }
}
