//! What root asks of this pallet.

use alloc::string::String;

use basalt_primitives::{DispatchError, Weight};
use basalt_state::StateRead;
use basalt_support::{
    CallResult, Context, DispatchInfo, Failure, Origin, Pallet, PostInfo, RuntimeCall, StoredOrigin,
    metadata::{Constant, PalletMetadata},
    weight,
};
use scale_info::meta_type;

use crate::{
    AGENDA_MAX, Call, DispatchTime, Error, Event, INCOMPLETE_SINCE, LOOKUP, RETRIES, RetryConfig, Scheduled,
    Scheduler, TaskAddress, TaskName, ensure_privilege,
    pallet::Call::{
        cancel, cancel_named, cancel_retry, cancel_retry_named, schedule, schedule_after, schedule_named,
        schedule_named_after, set_retry, set_retry_named,
    },
    service::AGENDA_WEIGHT,
};

impl<C: RuntimeCall, O: StoredOrigin> Scheduler<C, O> {
    fn schedule_call(
        &self,
        ctx: &mut Context<'_, '_>,
        when: DispatchTime,
        origin: O,
        rest: (Option<TaskName>, Option<crate::Period>, u8),
        call: &C,
    ) -> Result<(), Failure> {
        let (maybe_id, maybe_periodic, priority) = rest;
        // A long call's bytes are looked up when it runs.
        let length = u32::try_from(call.encoded_size()).unwrap_or(u32::MAX);
        if !self.can_ever_run(call, length) {
            return Err(self.error(Error::Overweight));
        }
        let call = self.preimages.bound(ctx, call)?;
        let task = Scheduled { maybe_id, priority, call, maybe_periodic, origin };
        self.schedule(ctx, when, task).map(drop)
    }

    fn set_retry(
        &self,
        ctx: &mut Context<'_, '_>,
        origin: &O,
        (task, id): (TaskAddress, Option<TaskName>),
        retries: u8,
        period: u32,
    ) -> Result<(), Failure> {
        let scheduled = self.task(ctx, task)?;
        ensure_privilege(Some(origin), &scheduled.origin)?;
        if id.is_none() && scheduled.maybe_id.is_some() {
            return Err(self.error(Error::Named));
        }
        RETRIES.put(ctx, &task, &RetryConfig { total_retries: retries, remaining: retries, period });
        ctx.emit(self.index, &Event::RetrySet { task, id, period, retries });
        Ok(())
    }

    fn cancel_retry(
        &self,
        ctx: &mut Context<'_, '_>,
        origin: &O,
        (task, id): (TaskAddress, Option<TaskName>),
    ) -> Result<(), Failure> {
        let scheduled = self.task(ctx, task)?;
        ensure_privilege(Some(origin), &scheduled.origin)?;
        if id.is_none() && scheduled.maybe_id.is_some() {
            return Err(self.error(Error::Named));
        }
        RETRIES.remove(ctx, &task);
        ctx.emit(self.index, &Event::RetryCancelled { task, id });
        Ok(())
    }

    fn named(&self, ctx: &Context<'_, '_>, id: TaskName) -> Result<(TaskAddress, Option<TaskName>), Failure> {
        let address = LOOKUP.get(ctx, &id)?.ok_or_else(|| self.error(Error::NotFound))?;
        Ok((address, Some(id)))
    }

    fn dispatch_inner(
        &self,
        call: Call<C>,
        origin: Origin,
        ctx: &mut Context<'_, '_>,
    ) -> Result<(), Failure> {
        origin.clone().root()?;
        let by = O::of(&origin).ok_or(DispatchError::BadOrigin)?;
        match call {
            schedule { when, maybe_periodic, priority, call } => {
                let rest = (None, maybe_periodic, priority);
                self.schedule_call(ctx, DispatchTime::At(when), by, rest, &call)
            }
            schedule_named { id, when, maybe_periodic, priority, call } => {
                let rest = (Some(id), maybe_periodic, priority);
                self.schedule_call(ctx, DispatchTime::At(when), by, rest, &call)
            }
            schedule_after { after, maybe_periodic, priority, call } => {
                let rest = (None, maybe_periodic, priority);
                self.schedule_call(ctx, DispatchTime::After(after), by, rest, &call)
            }
            schedule_named_after { id, after, maybe_periodic, priority, call } => {
                let rest = (Some(id), maybe_periodic, priority);
                self.schedule_call(ctx, DispatchTime::After(after), by, rest, &call)
            }
            cancel { when, index } => self.cancel(ctx, Some(&by), (when, index)),
            cancel_named { id } => self.cancel_named(ctx, Some(&by), &id),
            set_retry { task, retries, period } => self.set_retry(ctx, &by, (task, None), retries, period),
            set_retry_named { id, retries, period } => {
                let task = self.named(ctx, id)?;
                self.set_retry(ctx, &by, task, retries, period)
            }
            cancel_retry { task } => self.cancel_retry(ctx, &by, (task, None)),
            cancel_retry_named { id } => {
                let task = self.named(ctx, id)?;
                self.cancel_retry(ctx, &by, task)
            }
        }
    }
}

/// What calls weigh at most: an agenda each, names and retries, and the preimage of a long call, which is hashed and stored.
fn weigh<C: RuntimeCall>(call: &Call<C>) -> Weight {
    let bytes = |call: &C| weight::bytes(3 * call.encoded_size() as u64);
    match call {
        schedule { call, .. } | schedule_after { call, .. } => {
            AGENDA_WEIGHT.saturating_add(weight::operations(2, 3)).saturating_add(bytes(call))
        }
        schedule_named { call, .. } | schedule_named_after { call, .. } => {
            AGENDA_WEIGHT.saturating_add(weight::operations(3, 4)).saturating_add(bytes(call))
        }
        cancel { .. } => AGENDA_WEIGHT.saturating_add(weight::operations(1, 4)),
        cancel_named { .. } => AGENDA_WEIGHT.saturating_add(weight::operations(2, 4)),
        set_retry { .. } | cancel_retry { .. } => AGENDA_WEIGHT.saturating_add(weight::operations(0, 1)),
        set_retry_named { .. } | cancel_retry_named { .. } => {
            AGENDA_WEIGHT.saturating_add(weight::operations(1, 1))
        }
    }
}

impl<C: RuntimeCall, O: StoredOrigin> Pallet for Scheduler<C, O> {
    const NAME: &'static str = "Scheduler";
    type Call = Call<C>;

    fn index(&self) -> u8 {
        self.index
    }

    fn metadata(&self) -> PalletMetadata {
        PalletMetadata {
            name: Self::NAME,
            index: self.index,
            storage: [
                INCOMPLETE_SINCE.entry(&["The first block whose tasks are not all run."]),
                Self::AGENDA.entry(&["The tasks of each block."]),
                RETRIES.entry(&["How often to try a task again when it fails."]),
                LOOKUP.entry(&["Where a named task stands."]),
            ]
            .into(),
            calls: Some(meta_type::<Call<C>>()),
            event: Some(meta_type::<Event>()),
            error: Some(meta_type::<Error>()),
            constants: [
                Constant::new(
                    "MaximumWeight",
                    &self.weight_max,
                    &["The most that tasks may weigh in a block."],
                ),
                Constant::new("MaxScheduledPerBlock", &AGENDA_MAX, &["The most tasks of one block."]),
            ]
            .into(),
            docs: ["Run calls at a later block."].into(),
        }
    }

    fn info(&self, call: &Call<C>) -> DispatchInfo {
        DispatchInfo::normal(weigh(call))
    }

    fn dispatch(&self, call: Call<C>, origin: Origin, ctx: &mut Context<'_, '_>) -> CallResult {
        self.dispatch_inner(call, origin, ctx)?;
        Ok(PostInfo::default())
    }

    fn try_state(&self, state: &dyn StateRead) -> Result<(), String> {
        self.try_state_inner(state)
    }
}
