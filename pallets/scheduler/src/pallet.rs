//! What clients see of this pallet: names, indices and fields are Substrate's.

use alloc::boxed::Box;

use basalt_primitives::{BlockNumber, DispatchError};
use parity_scale_codec::{Decode, DecodeWithMemTracking, Encode};
use scale_info::TypeInfo;

use crate::{Period, TaskAddress, TaskName};

/// What root may ask of this pallet.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_scheduler", "pallet_scheduler"))]
#[expect(non_camel_case_types, reason = "variants are the names that clients call")]
pub enum Call<C> {
    /// Schedules a call.
    #[codec(index = 0)]
    schedule {
        /// At which block.
        when: BlockNumber,
        /// How often, and how many times altogether.
        maybe_periodic: Option<Period>,
        /// Lower comes first.
        priority: u8,
        /// The call.
        call: Box<C>,
    },
    /// Cancels a task.
    #[codec(index = 1)]
    cancel {
        /// At which block it is due.
        when: BlockNumber,
        /// Its place in that block's agenda.
        index: u32,
    },
    /// Schedules a call under a name.
    #[codec(index = 2)]
    schedule_named {
        /// The name.
        id: TaskName,
        /// At which block.
        when: BlockNumber,
        /// How often, and how many times altogether.
        maybe_periodic: Option<Period>,
        /// Lower comes first.
        priority: u8,
        /// The call.
        call: Box<C>,
    },
    /// Cancels a task by its name.
    #[codec(index = 3)]
    cancel_named {
        /// The name.
        id: TaskName,
    },
    /// Schedules a call after some blocks.
    #[codec(index = 4)]
    schedule_after {
        /// How many blocks lie between this one and the task's.
        after: BlockNumber,
        /// How often, and how many times altogether.
        maybe_periodic: Option<Period>,
        /// Lower comes first.
        priority: u8,
        /// The call.
        call: Box<C>,
    },
    /// Schedules a call under a name after some blocks.
    #[codec(index = 5)]
    schedule_named_after {
        /// The name.
        id: TaskName,
        /// How many blocks lie between this one and the task's.
        after: BlockNumber,
        /// How often, and how many times altogether.
        maybe_periodic: Option<Period>,
        /// Lower comes first.
        priority: u8,
        /// The call.
        call: Box<C>,
    },
    /// Tries a task again when it fails.
    #[codec(index = 6)]
    set_retry {
        /// Which.
        task: TaskAddress,
        /// How many times.
        retries: u8,
        /// After how many blocks each.
        period: BlockNumber,
    },
    /// Tries a named task again when it fails.
    #[codec(index = 7)]
    set_retry_named {
        /// Its name.
        id: TaskName,
        /// How many times.
        retries: u8,
        /// After how many blocks each.
        period: BlockNumber,
    },
    /// Does not try a task again.
    #[codec(index = 8)]
    cancel_retry {
        /// Which.
        task: TaskAddress,
    },
    /// Does not try a named task again.
    #[codec(index = 9)]
    cancel_retry_named {
        /// Its name.
        id: TaskName,
    },
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_scheduler", "pallet_scheduler"))]
pub enum Event {
    /// A task was scheduled.
    #[codec(index = 0)]
    Scheduled {
        /// At which block.
        when: BlockNumber,
        /// Its place in that block's agenda.
        index: u32,
    },
    /// A task was cancelled.
    #[codec(index = 1)]
    Canceled {
        /// At which block it was due.
        when: BlockNumber,
        /// Its place in that block's agenda.
        index: u32,
    },
    /// A task was run.
    #[codec(index = 2)]
    Dispatched {
        /// Which.
        task: TaskAddress,
        /// Its name.
        id: Option<TaskName>,
        /// How it went.
        result: Result<(), DispatchError>,
    },
    /// A task is tried again when it fails.
    #[codec(index = 3)]
    RetrySet {
        /// Which.
        task: TaskAddress,
        /// Its name.
        id: Option<TaskName>,
        /// After how many blocks.
        period: BlockNumber,
        /// How many times.
        retries: u8,
    },
    /// A task is not tried again.
    #[codec(index = 4)]
    RetryCancelled {
        /// Which.
        task: TaskAddress,
        /// Its name.
        id: Option<TaskName>,
    },
    /// A task's call is not there, or is none. The task is gone.
    #[codec(index = 5)]
    CallUnavailable {
        /// Which.
        task: TaskAddress,
        /// Its name.
        id: Option<TaskName>,
    },
    /// A periodic task ended because the agenda of its next block is full.
    #[codec(index = 6)]
    PeriodicFailed {
        /// Which.
        task: TaskAddress,
        /// Its name.
        id: Option<TaskName>,
    },
    /// A task could not be tried again, because the agenda of that block is full or this block's weight is used up.
    #[codec(index = 7)]
    RetryFailed {
        /// Which.
        task: TaskAddress,
        /// Its name.
        id: Option<TaskName>,
    },
    /// A task weighs more than any block has for tasks. It is gone.
    #[codec(index = 8)]
    PermanentlyOverweight {
        /// Which.
        task: TaskAddress,
        /// Its name.
        id: Option<TaskName>,
    },
    /// There was too little weight for all tasks: those that are left are run in the next blocks.
    #[codec(index = 9)]
    AgendaIncomplete {
        /// The first block with tasks left.
        when: BlockNumber,
    },
}

/// Why a call of this pallet failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_scheduler", "pallet_scheduler"))]
pub enum Error {
    /// The block's agenda is full, or the name is in use.
    #[codec(index = 0)]
    FailedToSchedule,
    /// There is no such task.
    #[codec(index = 1)]
    NotFound,
    /// That block is no future one.
    #[codec(index = 2)]
    TargetBlockNumberInPast,
    /// It is due at that block already.
    #[codec(index = 3)]
    RescheduleNoChange,
    /// The task has a name: use it.
    #[codec(index = 4)]
    Named,
    /// The call weighs more than any block has for tasks.
    #[codec(index = 5)]
    Overweight,
}
