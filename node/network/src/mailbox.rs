//! A queue of any kind between one task and another, with one that reads.

use parking_lot::Mutex;
use tokio::sync::Notify;

/// Holds a queue that several may change and one waits for. Bounded as the queue is.
#[derive(Debug)]
pub(crate) struct Mailbox<Q> {
    /// Held for single operations of the queue only.
    state: Mutex<State<Q>>,
    changed: Notify,
}

#[derive(Debug)]
struct State<Q> {
    queue: Q,
    closed: bool,
}

impl<Q> Mailbox<Q> {
    pub(crate) fn new(queue: Q) -> Self {
        Self { state: Mutex::new(State { queue, closed: false }), changed: Notify::new() }
    }

    /// Changes the queue and wakes the reader.
    pub(crate) fn update<R>(&self, change: impl FnOnce(&mut Q) -> R) -> R {
        let result = change(&mut self.state.lock().queue);
        self.changed.notify_one();
        result
    }

    /// Waits until `take` finds something. `None` after [`Mailbox::close`], when nothing is left. May be cancelled.
    pub(crate) async fn take<R>(&self, mut take: impl FnMut(&mut Q) -> Option<R>) -> Option<R> {
        loop {
            {
                let mut state = self.state.lock();
                if let Some(found) = take(&mut state.queue) {
                    return Some(found);
                }
                if state.closed {
                    return None;
                }
            }
            self.changed.notified().await;
        }
    }

    /// Takes without waiting.
    pub(crate) fn try_take<R>(&self, take: impl FnOnce(&mut Q) -> Option<R>) -> Option<R> {
        take(&mut self.state.lock().queue)
    }

    /// Nothing more comes.
    pub(crate) fn close(&self) {
        self.state.lock().closed = true;
        self.changed.notify_one();
    }
}
