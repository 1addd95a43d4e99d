//! Running what is due, within a share of the block's weight.

use alloc::vec::Vec;

use basalt_primitives::{BlockNumber, DispatchError, Weight};
use basalt_state::StateError;
use basalt_support::{Context, Fatal, RuntimeCall, StoredOrigin, recorded, weight};

use crate::{
    AGENDA_MAX, Event, INCOMPLETE_SINCE, LOOKUP, RETRIES, RetryConfig, Scheduled, Scheduler, TaskAddress,
};

/// What a full agenda's bytes weigh: some 250 for each task, decoded and encoded.
const AGENDA_BYTES: Weight = weight::bytes(2 * 250 * AGENDA_MAX as u64);
/// To look where to begin, and to note where to go on.
pub(crate) const AGENDAS_WEIGHT: Weight = weight::operations(1, 1);
/// To read and write one block's agenda.
pub(crate) const AGENDA_WEIGHT: Weight = weight::operations(1, 1).saturating_add(AGENDA_BYTES);

/// What it weighs to schedule a task for another pallet, up to finding 16 agendas full: each is read, one is written, and so are
/// the task's name and the request of its preimage.
pub const PLACE_WEIGHT: Weight =
    weight::operations(18, 3).saturating_add(weight::bytes(17 * 250 * AGENDA_MAX as u64));

/// What a task weighs at most besides its call: its preimage, its name, its retry, and itself in a later agenda.
pub(crate) const fn task_weight(lookup_len: u32) -> Weight {
    // Preimage and its status, name and retry; once more for the task that is placed anew.
    weight::operations(6, 8).saturating_add(AGENDA_BYTES).saturating_add(weight::bytes(2 * lookup_len as u64))
}

/// Counts what tasks use of their share.
struct Meter {
    limit: Weight,
    used: Weight,
}

impl Meter {
    fn fits(&self, more: Weight) -> bool {
        self.used.saturating_add(more).all_lte(self.limit)
    }

    fn add(&mut self, more: Weight) {
        self.used = self.used.saturating_add(more);
    }
}

/// What became of a task.
enum Served<O> {
    /// It was run.
    Run,
    /// It never will be.
    Dropped,
    /// There is too little weight left in this block.
    Postponed(Scheduled<O>),
}

impl<C: RuntimeCall, O: StoredOrigin> Scheduler<C, O> {
    /// Runs the tasks that are due, those of earlier blocks first. Returns what that weighed.
    ///
    /// # Errors
    ///
    /// Only if the state cannot be read: how a task ends is its event.
    pub fn service(&self, ctx: &mut Context<'_, '_>) -> Result<Weight, Fatal> {
        let now = ctx.block_number();
        let mut meter = Meter { limit: self.weight_max, used: AGENDAS_WEIGHT };
        let waiting = INCOMPLETE_SINCE.get(ctx)?;
        let mut when = waiting.unwrap_or(now);
        let mut incomplete = None;
        while when <= now && meter.fits(AGENDA_WEIGHT) {
            if !self.service_agenda(ctx, &mut meter, now, when)? {
                incomplete = incomplete.or(Some(when));
            }
            when = when.saturating_add(1);
        }
        if when <= now {
            incomplete = incomplete.or(Some(when));
        }
        match incomplete {
            Some(when) => {
                INCOMPLETE_SINCE.put(ctx, &when);
                ctx.emit(self.index, &Event::AgendaIncomplete { when });
            }
            None if waiting.is_some() => INCOMPLETE_SINCE.remove(ctx),
            None => {}
        }
        Ok(meter.used)
    }

    /// Whether a block has so much weight for the first task of its first agenda.
    pub(crate) fn has_room_for(&self, weight: Weight) -> bool {
        AGENDAS_WEIGHT.saturating_add(AGENDA_WEIGHT).saturating_add(weight).all_lte(self.weight_max)
    }

    /// Runs the tasks of one agenda. Returns whether none is left.
    fn service_agenda(
        &self,
        ctx: &mut Context<'_, '_>,
        meter: &mut Meter,
        now: BlockNumber,
        when: BlockNumber,
    ) -> Result<bool, Fatal> {
        let agenda = Self::AGENDA.get_or_default(ctx, &when)?;
        if agenda.is_empty() {
            meter.add(weight::operations(1, 0));
            return Ok(true);
        }
        meter.add(AGENDA_WEIGHT);
        let mut order: Vec<(u8, u32)> =
            (0u32..).zip(&agenda).filter_map(|(at, task)| Some((task.as_ref()?.priority, at))).collect();
        order.sort_unstable();
        let mut left = agenda;
        let mut postponed = false;
        // Nobody finds a task that is being run: a call that cancels one of its own block is told so.
        Self::AGENDA.remove(ctx, &when);
        for (_, index) in order {
            let Some(task) = left.get_mut(index as usize).and_then(Option::take) else { continue };
            let own = task_weight(task.call.lookup_len());
            let served = if meter.fits(own) {
                self.service_task(ctx, meter, now, (when, index), task)?
            } else if self.has_room_for(own) {
                Served::Postponed(task)
            } else {
                self.give_up(ctx, (when, index), &task, |task, id| Event::PermanentlyOverweight { task, id })?
            };
            match served {
                Served::Run | Served::Dropped => {}
                Served::Postponed(task) => {
                    postponed = true;
                    if let Some(slot) = left.get_mut(index as usize) {
                        *slot = Some(task);
                    }
                }
            }
        }
        // Tasks are only ever placed into the agendas of later blocks, so nothing was added to this one meanwhile.
        Self::store(ctx, when, left);
        Ok(!postponed)
    }

    fn service_task(
        &self,
        ctx: &mut Context<'_, '_>,
        meter: &mut Meter,
        now: BlockNumber,
        address: TaskAddress,
        task: Scheduled<O>,
    ) -> Result<Served<O>, Fatal> {
        let Ok((call, looked_up)) = self.preimages.peek::<C>(ctx, &task.call)? else {
            meter.add(task_weight(task.call.lookup_len()));
            return self.give_up(ctx, address, &task, |task, id| Event::CallUnavailable { task, id });
        };
        let own = task_weight(looked_up);
        let declared = call.info().weight;
        if !meter.fits(own.saturating_add(declared)) {
            // What was looked up for nothing is not for nothing.
            meter.add(weight::operations(2, 0).saturating_add(weight::bytes(looked_up.into())));
            if self.has_room_for(own.saturating_add(declared)) {
                return Ok(Served::Postponed(task));
            }
            return self.give_up(ctx, address, &task, |task, id| Event::PermanentlyOverweight { task, id });
        }
        if let Some(name) = &task.maybe_id {
            LOOKUP.remove(ctx, name);
        }
        let retry = RETRIES.take(ctx, &address)?;
        let (post, result) = recorded(call.dispatch(task.origin.clone().into_origin(), ctx))?;
        meter.add(own);
        meter.add(post.actual_weight.map_or(declared, |actual| actual.min(declared)));
        ctx.emit(self.index, &Event::Dispatched { task: address, id: task.maybe_id, result });
        self.follow_up(ctx, now, address, task, retry, result)?;
        Ok(Served::Run)
    }

    /// Places what follows a task that was run: another try, and the next of its periods.
    fn follow_up(
        &self,
        ctx: &mut Context<'_, '_>,
        now: BlockNumber,
        address: TaskAddress,
        task: Scheduled<O>,
        retry: Option<RetryConfig>,
        result: Result<(), DispatchError>,
    ) -> Result<(), StateError> {
        let id = task.maybe_id;
        if let (Some(config), Err(_)) = (retry, result)
            && let Some(remaining) = config.remaining.checked_sub(1)
        {
            let again = Scheduled { maybe_id: None, maybe_periodic: None, ..task.clone() };
            self.preimages.request_call(ctx, &again.call)?;
            let when = now.saturating_add(config.period.max(1));
            match self.place(ctx, when, again)? {
                Ok(placed) => RETRIES.put(ctx, &placed, &RetryConfig { remaining, ..config }),
                Err(again) => {
                    self.preimages.drop(ctx, &again.call)?;
                    ctx.emit(self.index, &Event::RetryFailed { task: address, id });
                }
            }
        }
        let Some((period, count)) = task.maybe_periodic else {
            return self.preimages.drop(ctx, &task.call);
        };
        let left = count.checked_sub(1).filter(|left| *left > 0).map(|left| (period, left));
        let next = Scheduled { maybe_periodic: left, ..task };
        match self.place(ctx, now.saturating_add(period), next)? {
            Ok(placed) => {
                if let Some(config) = retry {
                    let config = RetryConfig { remaining: config.total_retries, ..config };
                    RETRIES.put(ctx, &placed, &config);
                }
            }
            Err(next) => {
                self.preimages.drop(ctx, &next.call)?;
                ctx.emit(self.index, &Event::PeriodicFailed { task: address, id });
            }
        }
        Ok(())
    }

    /// Ends a task that cannot be run.
    fn give_up(
        &self,
        ctx: &mut Context<'_, '_>,
        address: TaskAddress,
        task: &Scheduled<O>,
        event: impl FnOnce(TaskAddress, Option<crate::TaskName>) -> Event,
    ) -> Result<Served<O>, Fatal> {
        if let Some(name) = &task.maybe_id {
            LOOKUP.remove(ctx, name);
        }
        RETRIES.remove(ctx, &address);
        self.preimages.drop(ctx, &task.call)?;
        ctx.emit(self.index, &event(address, task.maybe_id));
        Ok(Served::Dropped)
    }
}
