//! Compiles codes on a thread of its own, the most used first.
//!
//! A compilation cannot be stopped. One that takes longer than it may, while others wait, is given up: its code stays with the
//! interpreter, a new thread takes over, and the old one ends when it can. Few may be left behind like that at a time.

use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, atomic::Ordering},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use parking_lot::{Condvar, Mutex};

use super::tools::Tools;
use crate::cache::{Known, Stage};

/// Threads that compile what was given up, beside those that work.
const LEFT_BEHIND_MAX: usize = 2;

/// How long the end of the machine waits for a compilation that runs. Longer ones end on their own, without effect.
const END_WAIT: Duration = Duration::from_secs(2);

/// Cranelift recurses over what it compiles.
const STACK_BYTES: usize = 8 * 1024 * 1024;

/// The queue and its threads.
pub(super) struct Background {
    shared: Arc<Shared>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

struct Shared {
    tools: Arc<Tools>,
    time_max: Duration,
    queue_max: usize,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
pub(super) struct State {
    waiting: VecDeque<Arc<Known>>,
    running: Vec<Running>,
    next_id: u64,
    /// Threads that have not ended.
    alive: usize,
    left_behind: usize,
    ending: bool,
}

struct Running {
    id: u64,
    known: Arc<Known>,
    since: Instant,
    given_up: bool,
}

impl Background {
    pub(super) fn start(
        tools: Arc<Tools>,
        threads: usize,
        time_max: Duration,
        queue_max: usize,
    ) -> Result<Self, std::io::Error> {
        let shared = Shared { tools, time_max, queue_max, state: Mutex::default(), changed: Condvar::new() };
        let background = Self { shared: Arc::new(shared), threads: Mutex::default() };
        for _ in 0..threads {
            background.spawn()?;
        }
        Ok(background)
    }

    fn spawn(&self) -> Result<(), std::io::Error> {
        let shared = Arc::clone(&self.shared);
        shared.state.lock().alive += 1;
        let spawned = thread::Builder::new()
            .name("compile".into())
            .stack_size(STACK_BYTES)
            .spawn(move || shared.work());
        match spawned {
            Ok(thread) => {
                let mut threads = self.threads.lock();
                threads.retain(|thread| !thread.is_finished());
                threads.push(thread);
                Ok(())
            }
            Err(error) => {
                self.shared.state.lock().alive -= 1;
                Err(error)
            }
        }
    }

    /// Has `known` compiled some time, if the queue has room. Returns whether it will be.
    pub(super) fn ask(&self, known: &Arc<Known>) -> bool {
        let mut state = self.shared.state.lock();
        match known.stage() {
            Stage::Waiting => return true,
            Stage::Compiled | Stage::Never => return false,
            Stage::Idle => {}
        }
        let replace = state.give_up_overdue(self.shared.time_max);
        let room = state.waiting.len() < self.shared.queue_max && !state.ending;
        if room {
            known.set_stage(Stage::Waiting);
            state.push(Arc::clone(known));
        }
        drop(state);
        self.shared.changed.notify_all();
        for _ in 0..replace {
            if let Err(error) = self.spawn() {
                tracing::warn!(%error, "no thread to compile contracts: they stay interpreted");
            }
        }
        room
    }

    /// Waits until `known` is compiled or will not be.
    pub(super) fn wait(&self, known: &Known, timeout: Duration) {
        let mut state = self.shared.state.lock();
        let deadline = Instant::now() + timeout;
        while known.stage() == Stage::Waiting {
            if self.shared.changed.wait_until(&mut state, deadline).timed_out() {
                return;
            }
        }
    }

    pub(super) fn waiting(&self) -> usize {
        self.shared.state.lock().waiting.len()
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        let mut state = self.shared.state.lock();
        state.ending = true;
        for known in state.waiting.drain(..) {
            known.set_stage(Stage::Idle);
        }
        self.shared.changed.notify_all();
        let deadline = Instant::now() + END_WAIT;
        while state.alive > 0 {
            if self.shared.changed.wait_until(&mut state, deadline).timed_out() {
                tracing::debug!(threads = state.alive, "left while they compile");
                return;
            }
        }
        drop(state);
        for thread in self.threads.lock().drain(..) {
            if thread.join().is_err() {
                tracing::warn!("a thread that compiles contracts panicked");
            }
        }
    }
}

impl State {
    /// Gives up what has run for longer than `time_max`. Returns how many threads to start in place of theirs.
    fn give_up_overdue(&mut self, time_max: Duration) -> usize {
        let mut count = 0;
        for running in &mut self.running {
            let overdue = !running.given_up && running.since.elapsed() > time_max;
            if overdue && self.left_behind < LEFT_BEHIND_MAX {
                running.given_up = true;
                running.known.set_stage(Stage::Never);
                self.left_behind += 1;
                count += 1;
                tracing::warn!(code = ?running.known.hash, "takes too long to compile: stays interpreted");
            }
        }
        count
    }

    pub(super) fn push(&mut self, known: Arc<Known>) {
        self.waiting.push_back(known);
    }

    pub(super) fn take_hottest(&mut self) -> Option<Arc<Known>> {
        let heat = |known: &Arc<Known>| known.heat.load(Ordering::Relaxed);
        // Of equals the one that waits longest: `max_by_key` gives the last.
        let (index, _) = self.waiting.iter().enumerate().rev().max_by_key(|(_, known)| heat(known))?;
        self.waiting.remove(index)
    }
}

impl Shared {
    fn work(&self) {
        let mut state = self.state.lock();
        while !state.ending {
            let Some(known) = state.take_hottest() else {
                self.changed.wait(&mut state);
                continue;
            };
            let id = state.next_id;
            state.next_id += 1;
            state.running.push(Running {
                id,
                known: Arc::clone(&known),
                since: Instant::now(),
                given_up: false,
            });
            drop(state);

            let compiled = catch_unwind(AssertUnwindSafe(|| self.tools.compile(&known)))
                .unwrap_or_else(|_| Err("the compiler panicked".into()));

            state = self.state.lock();
            let given_up = state
                .running
                .iter()
                .position(|running| running.id == id)
                .is_some_and(|index| state.running.swap_remove(index).given_up);
            if given_up {
                state.left_behind -= 1;
                break;
            }
            match compiled {
                Ok(compiled) => {
                    // Nobody else sets it: a code waits once.
                    let _ = known.compiled.set(compiled);
                    known.set_stage(Stage::Compiled);
                }
                Err(error) => {
                    tracing::warn!(code = ?known.hash, error, "cannot be compiled: stays interpreted");
                    known.set_stage(Stage::Never);
                }
            }
            self.changed.notify_all();
        }
        state.alive -= 1;
        self.changed.notify_all();
    }
}
