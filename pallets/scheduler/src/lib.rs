//! Run calls at a later block.
//!
//! # Responsibility
//!
//! - Tasks in one agenda per block, with or without a name, once or periodically, tried again when they fail.
//! - [`Scheduler::service`] runs what is due at a block's beginning, within a share of its weight.
//!
//! # Flow
//!
//! ```text
//! schedule ─► Agenda[when] ─► begin of block `when`: by priority, as long as weight lasts ─► Dispatched { result }
//!                                    └─ what does not fit ─► stays, IncompleteSince ─► next block, before its own tasks
//! ```
//!
//! # State
//!
//! | item              | value                                   | changed by                          |
//! |-------------------|-----------------------------------------|-------------------------------------|
//! | `Agenda`          | tasks of a block, with gaps             | scheduling, cancelling, running     |
//! | `Lookup`          | where a named task stands               | the same                            |
//! | `Retries`         | how often to try a task again           | `set_retry`, running                |
//! | `IncompleteSince` | the first block whose tasks are not all run | [`Scheduler::service`]          |
//!
//! # Invariants
//!
//! - A task that fails changes nothing but what this pallet says of it: it is dispatched in a layer of its own.
//! - Tasks never use more than `weight_max` of a block; what they use is reported, and counts in the block's weight.
//! - Each name points to the task that has it; each retry to a task. Checked by `try_state`.
//! - A task holds one request of its call's preimage, and takes it back when it ends.
//!
//! # Differences to Substrate
//!
//! A task that cannot be run leaves the agenda. A named one that waits for weight keeps its name. A call that no block
//! could run is refused when it is scheduled, if it is there to be weighed.
//!
//! # Out of scope
//!
//! Whether an origin may make a call: the call itself says so when it is dispatched.
#![no_std]
#![cfg_attr(not(test), deny(clippy::unwrap_used))]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod calls;
pub mod pallet;
mod service;
#[cfg(test)]
mod tests;

use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};
use core::marker::PhantomData;

use basalt_pallet_preimage::{Bounded, Preimages};
use basalt_primitives::{BlockNumber, DispatchError, Weight};
use basalt_state::{StateError, StateRead};
use basalt_support::{
    Context, Failure, Map, RuntimeCall, StoredOrigin, Value, module_error,
    storage::{Blake2_128Concat, Twox64Concat},
};
use parity_scale_codec::{Decode, Encode};
use scale_info::{Path, Type, TypeInfo, build::Variants};

pub use pallet::{Call, Error, Event};
pub use service::PLACE_WEIGHT;

/// The most tasks of one block's agenda.
pub const AGENDA_MAX: u32 = 64;

/// A task's name: 32 bytes, by custom a hash.
pub type TaskName = [u8; 32];
/// Where a task stands: the block that it is due at, and its place in that block's agenda.
pub type TaskAddress = (BlockNumber, u32);
/// After how many blocks a task is run again, and how many times.
pub type Period = (BlockNumber, u32);

/// The first block whose tasks are not all run.
pub const INCOMPLETE_SINCE: Value<BlockNumber> = Value::optional("Scheduler", "IncompleteSince");
/// How often to try a task again.
pub const RETRIES: Map<Blake2_128Concat, TaskAddress, RetryConfig> = Map::optional("Scheduler", "Retries");
/// Where a named task stands.
pub const LOOKUP: Map<Twox64Concat, TaskName, TaskAddress> = Map::optional("Scheduler", "Lookup");

/// A block's tasks, by their places; a place that was freed is empty.
pub type AgendaOf<O> = Vec<Option<Scheduled<O>>>;

/// How often to try a task again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_scheduler", "pallet_scheduler"))]
pub struct RetryConfig {
    /// How often altogether.
    pub total_retries: u8,
    /// How often still.
    pub remaining: u8,
    /// After how many blocks each.
    pub period: BlockNumber,
}

/// A task.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_scheduler", "pallet_scheduler"))]
pub struct Scheduled<O> {
    /// Its name.
    pub maybe_id: Option<TaskName>,
    /// Lower comes first.
    pub priority: u8,
    /// What is run.
    pub call: Bounded,
    /// After how many blocks it is run again, and how many times.
    pub maybe_periodic: Option<Period>,
    /// On whose behalf.
    pub origin: O,
}

/// When a task is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub enum DispatchTime {
    /// At this block.
    #[codec(index = 0)]
    At(BlockNumber),
    /// After this many blocks.
    #[codec(index = 1)]
    After(BlockNumber),
}

impl DispatchTime {
    /// The block, as seen from `now`.
    pub fn evaluate(self, now: BlockNumber) -> BlockNumber {
        match self {
            Self::At(at) => at,
            Self::After(after) => now.saturating_add(after),
        }
    }
}

impl TypeInfo for DispatchTime {
    type Identity = Self;

    fn type_info() -> Type {
        use scale_info::build::Fields;
        let block = || Fields::unnamed().field(|f| f.ty::<BlockNumber>().type_name("BlockNumber"));
        Type::builder()
            .path(Path::from_segments_unchecked(["frame_support", "traits", "schedule", "DispatchTime"]))
            .variant(
                Variants::new()
                    .variant("At", |v| v.index(0).fields(block()))
                    .variant("After", |v| v.index(1).fields(block())),
            )
    }
}

/// The pallet. `C` is the runtime's call, `O` its stored origin.
#[derive(Debug)]
pub struct Scheduler<C, O> {
    /// Its index in the runtime.
    pub index: u8,
    /// Where long calls are.
    pub preimages: Preimages,
    /// The most that tasks may weigh in a block.
    pub weight_max: Weight,
    /// The runtime's types.
    pub types: PhantomData<fn() -> (C, O)>,
}

impl<C, O> Clone for Scheduler<C, O> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<C, O> Copy for Scheduler<C, O> {}

impl<C: RuntimeCall, O: StoredOrigin> Scheduler<C, O> {
    /// The tasks of each block.
    pub const AGENDA: Map<Twox64Concat, BlockNumber, AgendaOf<O>> = Map::defaulted("Scheduler", "Agenda");

    /// Schedules a call, under a name if there is one. The task takes over a request of the call's preimage: the caller
    /// has it from [`Preimages::bound`] or [`Preimages::request_call`].
    ///
    /// Fails, having done nothing, with `TargetBlockNumberInPast`, or with `FailedToSchedule` if the agenda is full or the
    /// name in use.
    pub fn schedule(
        &self,
        ctx: &mut Context<'_, '_>,
        when: DispatchTime,
        task: Scheduled<O>,
    ) -> Result<TaskAddress, Failure> {
        let now = ctx.block_number();
        let when = match when {
            DispatchTime::At(at) => at,
            // This block's tasks have been run.
            DispatchTime::After(after) => now.saturating_add(after).saturating_add(1),
        };
        if when <= now {
            return Err(self.error(Error::TargetBlockNumberInPast));
        }
        if let Some(id) = &task.maybe_id
            && LOOKUP.contains(ctx, id)?
        {
            return Err(self.error(Error::FailedToSchedule));
        }
        // Once is what happens anyway, and what is left are the times after it.
        let maybe_periodic = task
            .maybe_periodic
            .filter(|(period, count)| *period > 0 && *count > 1)
            .map(|(period, count)| (period, count - 1));
        let task = Scheduled { maybe_periodic, ..task };
        self.place(ctx, when, task)?.map_err(|_| self.error(Error::FailedToSchedule))
    }

    /// Whether some block has the weight to run this call as a task.
    pub fn can_ever_run(&self, call: &C, lookup_len: u32) -> bool {
        self.has_room_for(service::task_weight(lookup_len).saturating_add(call.info().weight))
    }

    /// Puts a task into the first free place of an agenda; gives it back if there is none.
    fn place(
        &self,
        ctx: &mut Context<'_, '_>,
        when: BlockNumber,
        task: Scheduled<O>,
    ) -> Result<Result<TaskAddress, Scheduled<O>>, StateError> {
        let mut agenda = Self::AGENDA.get_or_default(ctx, &when)?;
        let name = task.maybe_id;
        let place = match agenda.iter().position(Option::is_none) {
            Some(gap) => gap,
            None if agenda.len() < AGENDA_MAX as usize => {
                agenda.push(None);
                agenda.len() - 1
            }
            None => return Ok(Err(task)),
        };
        let Some(slot) = agenda.get_mut(place) else { return Ok(Err(task)) };
        *slot = Some(task);
        Self::AGENDA.put(ctx, &when, &agenda);
        let address = (when, u32::try_from(place).unwrap_or(u32::MAX));
        if let Some(name) = name {
            LOOKUP.put(ctx, &name, &address);
        }
        ctx.emit(self.index, &Event::Scheduled { when, index: address.1 });
        Ok(Ok(address))
    }

    /// Cancels a task; `origin` is who asks, `None` for the chain itself.
    ///
    /// Fails with `NotFound`, or with `BadOrigin` if the task is somebody else's.
    pub fn cancel(
        &self,
        ctx: &mut Context<'_, '_>,
        origin: Option<&O>,
        (when, index): TaskAddress,
    ) -> Result<(), Failure> {
        let mut agenda = Self::AGENDA.get_or_default(ctx, &when)?;
        let slot = agenda.get_mut(index as usize).ok_or_else(|| self.error(Error::NotFound))?;
        let task = slot.take().ok_or_else(|| self.error(Error::NotFound))?;
        ensure_privilege(origin, &task.origin)?;
        self.preimages.drop(ctx, &task.call)?;
        if let Some(name) = &task.maybe_id {
            LOOKUP.remove(ctx, name);
        }
        RETRIES.remove(ctx, &(when, index));
        Self::store(ctx, when, agenda);
        ctx.emit(self.index, &Event::Canceled { when, index });
        Ok(())
    }

    /// Cancels a task by its name; see [`Scheduler::cancel`].
    pub fn cancel_named(
        &self,
        ctx: &mut Context<'_, '_>,
        origin: Option<&O>,
        id: &TaskName,
    ) -> Result<(), Failure> {
        let address = LOOKUP.get(ctx, id)?.ok_or_else(|| self.error(Error::NotFound))?;
        self.cancel(ctx, origin, address)
    }

    /// Writes an agenda without the empty places at its end; an empty one is removed.
    fn store(ctx: &mut Context<'_, '_>, when: BlockNumber, mut agenda: AgendaOf<O>) {
        while let Some(None) = agenda.last() {
            agenda.pop();
        }
        if agenda.is_empty() {
            Self::AGENDA.remove(ctx, &when);
        } else {
            Self::AGENDA.put(ctx, &when, &agenda);
        }
    }

    fn task(&self, ctx: &Context<'_, '_>, (when, index): TaskAddress) -> Result<Scheduled<O>, Failure> {
        let mut agenda = Self::AGENDA.get_or_default(ctx, &when)?;
        let slot = agenda.get_mut(index as usize).and_then(Option::take);
        slot.ok_or_else(|| self.error(Error::NotFound))
    }

    fn error(&self, error: Error) -> Failure {
        module_error(self.index, &error)
    }

    fn check(&self, state: &dyn StateRead) -> Result<Result<(), String>, StateError> {
        let mut named = 0u32;
        let mut tasks = alloc::collections::BTreeSet::new();
        for entry in Self::AGENDA.iter(state) {
            let (when, agenda) = entry?;
            if agenda.len() > AGENDA_MAX as usize || !matches!(agenda.last(), Some(Some(_))) {
                return Ok(Err(format!("the agenda of block {when} has {} places", agenda.len())));
            }
            for (index, task) in (0u32..).zip(&agenda) {
                let Some(task) = task else { continue };
                tasks.insert((when, index));
                if let Some(name) = &task.maybe_id {
                    named += 1;
                    if LOOKUP.get(state, name)? != Some((when, index)) {
                        return Ok(Err(format!("the name of task {index} of block {when} is not listed")));
                    }
                }
            }
        }
        let listed = LOOKUP.iter(state).try_fold(0u32, |count, entry| entry.map(|_| count + 1))?;
        if listed != named {
            return Ok(Err(format!("{listed} names are listed, and {named} tasks have one")));
        }
        for entry in RETRIES.iter(state) {
            let (address, _) = entry?;
            if !tasks.contains(&address) {
                return Ok(Err(format!("retries are set for {address:?}, where no task is")));
            }
        }
        Ok(Ok(()))
    }

    fn try_state_inner(&self, state: &dyn StateRead) -> Result<(), String> {
        self.check(state).map_err(|error| error.to_string())?
    }
}

/// Root, and who a task belongs to, may change it.
fn ensure_privilege<O: StoredOrigin>(asks: Option<&O>, owner: &O) -> Result<(), Failure> {
    match asks {
        None => Ok(()),
        Some(asks) if asks == owner => Ok(()),
        Some(asks) if asks.clone().into_origin() == basalt_support::Origin::Root => Ok(()),
        Some(_) => Err(DispatchError::BadOrigin.into()),
    }
}
