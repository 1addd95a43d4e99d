//! What a call really did to storage, compared with what it declared.

use std::{cell::RefCell, collections::BTreeSet};

use basalt_runtime::RuntimeCall;
use basalt_runtime_api::BlockEnv;
use basalt_state::{Key, Overlay, StateError, StateRead, Value};
use basalt_support::{CallResult, Context, Origin, RuntimeCall as _, weight};

use crate::ledger::machine;

/// What a call did.
#[derive(Debug)]
pub struct Measured {
    /// How it ended.
    pub result: CallResult,
    /// Different keys read from the state below.
    pub reads: u64,
    /// Different keys written.
    pub writes: u64,
    /// `ref_time` that its operations weigh by the shared formula.
    pub ref_time: u64,
    /// `ref_time` that it declared; or, if it gave some of that back, what it kept: what its sender pays.
    pub declared: u64,
}

impl Measured {
    /// Whether it did no more than it declared.
    pub fn is_honest(&self) -> bool {
        self.ref_time <= self.declared
    }
}

/// Runs one call on top of `state` and counts.
pub fn measure(state: &dyn StateRead, env: &BlockEnv, origin: Origin, call: RuntimeCall) -> Measured {
    let counting = Counting { below: state, read: RefCell::default() };
    let declared = call.info().weight;
    let machine = machine();
    let mut overlay = Overlay::new(&counting);
    let mut ctx = Context::new(&mut overlay, env, Some(1)).with_machine(&*machine);
    let result = call.dispatch(origin, &mut ctx);
    let post = match &result {
        Ok(post) => post,
        Err(failed) => &failed.post,
    };
    let declared = post.actual_weight.map_or(declared, |actual| actual.min(declared)).ref_time;
    let writes = overlay.changes().len() as u64;
    let reads = counting.read.borrow().len() as u64;
    Measured { result, reads, writes, ref_time: weight::operations(reads, writes).ref_time, declared }
}

/// A view that remembers which keys were read.
struct Counting<'a> {
    below: &'a dyn StateRead,
    read: RefCell<BTreeSet<Key>>,
}

impl StateRead for Counting<'_> {
    fn get(&self, key: &[u8]) -> Result<Option<Value>, StateError> {
        self.read.borrow_mut().insert(key.to_vec());
        self.below.get(key)
    }

    fn next_key(&self, key: &[u8]) -> Result<Option<Key>, StateError> {
        let next = self.below.next_key(key)?;
        self.read.borrow_mut().insert(next.clone().unwrap_or_else(|| key.to_vec()));
        Ok(next)
    }
}
