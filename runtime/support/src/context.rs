//! The one way a pallet touches the world.

use alloc::{string::String, vec::Vec};

use basalt_contracts_vm::Machine;
use basalt_primitives::{BlockNumber, DispatchError, H256, TransactionalError};
use basalt_runtime_api::{BlockEnv, Events, Position, Touch};
use basalt_state::{Condition, Key, Overlay, StateError, StateRead, StateWrite, Value};
use parity_scale_codec::Encode;

use crate::Failure;

/// How deep calls may nest in calls (batch in batch in sudo …): enough for every honest use, far from any stack's end.
pub const CALL_DEPTH_MAX: u32 = 16;

/// How deep calls may nest in their encoding: above what can be dispatched, far below what a stack can hold.
pub const CALL_DECODE_DEPTH_MAX: u32 = 64;

/// Room for what most transactions tell: what they withdraw, do, pay, and how it ended, some 60 bytes each.
const EVENT_BYTES: usize = 256;

/// State, block and event buffer of whatever runs now: one transaction, or one of a block's hooks.
///
/// Events live here and not in shared state, so that transactions do not conflict over an event counter.
pub struct Context<'a, 's> {
    state: &'a mut Overlay<'s>,
    env: &'a BlockEnv,
    place: Place<'a>,
    known: &'a [Touch],
    events: Events,
    depth: u32,
    machine: Option<&'a dyn Machine>,
    guarded: bool,
}

/// Where in a block something runs.
#[derive(Clone, Copy)]
enum Place<'a> {
    Hook,
    Transaction(u32),
    /// A transaction whose place counts only if it asks for it.
    Guessed(&'a Position),
}

impl<'a, 's> Context<'a, 's> {
    /// A context for one transaction (`Some(index)`) or for a hook of the block (`None`).
    pub fn new(state: &'a mut Overlay<'s>, env: &'a BlockEnv, transaction_index: Option<u32>) -> Self {
        let place = transaction_index.map_or(Place::Hook, Place::Transaction);
        let events = Events::default();
        Self { state, env, place, known: &[], events, depth: 0, machine: None, guarded: false }
    }

    /// A context for one transaction at a place that its executor may have guessed. `known` are raw keys that were
    /// computed when it was inspected, and need not be computed again.
    pub fn at(
        state: &'a mut Overlay<'s>,
        env: &'a BlockEnv,
        position: &'a Position,
        known: &'a [Touch],
    ) -> Self {
        let events = Events::with_capacity(EVENT_BYTES);
        let place = Place::Guessed(position);
        Self { state, env, place, known, events, depth: 0, machine: None, guarded: false }
    }

    /// With what runs contracts.
    pub fn with_machine(self, machine: &'a dyn Machine) -> Self {
        Self { machine: Some(machine), ..self }
    }

    /// What runs contracts.
    ///
    /// # Errors
    ///
    /// The node's own failure, if whoever made the context gave it none.
    pub fn machine(&self) -> Result<&'a dyn Machine, StateError> {
        self.machine.ok_or_else(|| StateError::Machine(String::from("it was started without a Wasm machine")))
    }

    /// Raw keys that need not be computed again.
    pub fn known(&self) -> &'a [Touch] {
        self.known
    }

    /// The block this runs in.
    pub fn env(&self) -> &BlockEnv {
        self.env
    }

    /// Height of the block this runs in.
    pub fn block_number(&self) -> BlockNumber {
        self.env.number
    }

    /// The transaction's place in its block; `None` in hooks.
    pub fn transaction_index(&self) -> Option<u32> {
        match self.place {
            Place::Hook => None,
            Place::Transaction(index) => Some(index),
            Place::Guessed(position) => Some(position.index()),
        }
    }

    /// Records an event of the pallet with this index.
    pub fn emit(&mut self, pallet_index: u8, event: &impl Encode) {
        self.events.push(pallet_index, event, &[]);
    }

    /// Records an event that filters can find by topic.
    pub fn emit_with_topics(&mut self, pallet_index: u8, event: &impl Encode, topics: Vec<H256>) {
        self.events.push(pallet_index, event, &topics);
    }

    /// The events recorded so far.
    pub fn events(&self) -> &Events {
        &self.events
    }

    /// Ends the context and hands out its events.
    pub fn into_events(self) -> Events {
        self.events
    }

    /// Runs `body`, unless this already runs inside of such a call: for pallets that call the runtime's calls, and must not
    /// be called by them in turn.
    pub fn unless_reentered<T>(&mut self, body: impl FnOnce(&mut Self) -> T) -> Option<T> {
        if self.guarded {
            return None;
        }
        self.guarded = true;
        let result = body(self);
        self.guarded = false;
        Some(result)
    }

    /// Runs `body` so that an error leaves no trace: its writes and events are dropped.
    ///
    /// Refuses to nest deeper than [`CALL_DEPTH_MAX`].
    pub fn layered<T, E: From<Failure>>(
        &mut self,
        body: impl FnOnce(&mut Self) -> Result<T, E>,
    ) -> Result<T, E> {
        if self.depth >= CALL_DEPTH_MAX {
            return Err(Failure::from(DispatchError::Transactional(TransactionalError::LimitReached)).into());
        }
        self.depth += 1;
        let result = self.layer(body);
        self.depth -= 1;
        result
    }

    /// Like [`Context::layered`], for whoever has a limit of its own to how deep it nests.
    pub fn layer<T, E>(&mut self, body: impl FnOnce(&mut Self) -> Result<T, E>) -> Result<T, E> {
        let events_before = self.events.len();
        self.state.push_layer();
        let result = body(self);
        if result.is_ok() {
            self.state.commit_layer();
        } else {
            self.state.discard_layer();
            self.events.truncate(events_before);
        }
        result
    }
}

impl StateRead for Context<'_, '_> {
    fn get(&self, key: &[u8]) -> Result<Option<Value>, StateError> {
        self.state.get(key)
    }

    fn next_key(&self, key: &[u8]) -> Result<Option<Key>, StateError> {
        self.state.next_key(key)
    }

    fn holds(&self, key: &[u8], condition: &Condition) -> Result<bool, StateError> {
        self.state.holds(key, condition)
    }
}

impl StateWrite for Context<'_, '_> {
    fn put(&mut self, key: &[u8], value: Value) {
        self.state.put(key, value);
    }

    fn remove(&mut self, key: &[u8]) {
        self.state.remove(key);
    }

    fn add_delta(&mut self, key: &[u8], delta: i128) -> Result<(), StateError> {
        self.state.add_delta(key, delta)
    }

    fn add_if(&mut self, key: &[u8], condition: &Condition, delta: i128) -> Result<bool, StateError> {
        self.state.add_if(key, condition, delta)
    }
}
