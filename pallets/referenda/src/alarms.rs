//! When to look at which referendum.

use basalt_pallet_scheduler::TaskAddress;
use basalt_primitives::{BlockNumber, DispatchError, Weight};
use basalt_support::{Context, Failure, Fatal, RuntimeCall, StoredOrigin, weight};

use crate::{ALARMS, ALARMS_MAX, Error, Referenda, ReferendumIndex, ReferendumInfo};

/// What a referendum remembers of its alarm.
pub(crate) type Alarm = Option<(BlockNumber, TaskAddress)>;

/// After how many blocks to look again at a referendum that could not be looked at, which takes a mistake in this pallet.
const AGAIN: BlockNumber = 100;

impl<C: RuntimeCall, O: StoredOrigin> Referenda<C, O> {
    /// Looks at the referenda whose alarm is this block. Returns what that weighed.
    ///
    /// # Errors
    ///
    /// Only if the state cannot be read.
    pub fn service(&self, ctx: &mut Context<'_, '_>) -> Result<Weight, Fatal> {
        let now = ctx.block_number();
        let due = ALARMS.take(ctx, &now)?.unwrap_or_default();
        if due.is_empty() {
            return Ok(weight::operations(1, 0));
        }
        let mut used = weight::operations(1, 1);
        for index in due {
            used = used.saturating_add(self.service_weight());
            match ctx.layer(|ctx| self.wake(ctx, index)) {
                Ok(more) => used = used.saturating_add(more),
                Err(Failure::State(error)) => return Err(error.into()),
                // It stays as it was, and is tried again: a chain does not stop for one referendum.
                Err(Failure::Dispatch(_)) => self.postpone(ctx, index)?,
            }
        }
        Ok(used)
    }

    /// Looks at a referendum whose alarm has gone off. Returns what its proposal's bytes weighed.
    fn wake(&self, ctx: &mut Context<'_, '_>, index: ReferendumIndex) -> Result<Weight, Failure> {
        let mut status = self.ongoing(ctx, index)?;
        status.alarm = None;
        let looked_up = weight::bytes(u64::from(status.proposal.lookup_len()));
        self.advance(ctx, index, status)?;
        Ok(looked_up)
    }

    fn postpone(&self, ctx: &mut Context<'_, '_>, index: ReferendumIndex) -> Result<(), Fatal> {
        let again = ctx.layer(|ctx| {
            let mut status = self.ongoing(ctx, index)?;
            status.alarm = None;
            let when = ctx.block_number().saturating_add(AGAIN);
            self.set_alarm(ctx, index, &mut status.alarm, when)?;
            Self::INFO_FOR.put(ctx, &index, &ReferendumInfo::Ongoing(status));
            Ok(())
        });
        match again {
            Err(Failure::State(error)) => Err(error.into()),
            Ok(()) | Err(Failure::Dispatch(_)) => Ok(()),
        }
    }

    /// Sets the alarm to this block, or the first one after it that has room.
    pub(crate) fn set_alarm(
        &self,
        ctx: &mut Context<'_, '_>,
        index: ReferendumIndex,
        alarm: &mut Alarm,
        when: BlockNumber,
    ) -> Result<(), Failure> {
        if alarm.is_some_and(|(at, _)| at == when) {
            return Ok(());
        }
        self.clear_alarm(ctx, index, alarm)?;
        for later in 0..self.alarm_lists() {
            let at = when.saturating_add(u32::try_from(later).unwrap_or(u32::MAX));
            let mut list = ALARMS.get_or_default(ctx, &at)?;
            if list.len() < ALARMS_MAX as usize {
                list.push(index);
                ALARMS.put(ctx, &at, &list);
                let place = u32::try_from(list.len() - 1).unwrap_or(u32::MAX);
                *alarm = Some((at, (at, place)));
                return Ok(());
            }
        }
        // There are fewer alarms than places in so many lists.
        Err(DispatchError::Exhausted.into())
    }

    /// Sets the alarm to this block unless it goes off before.
    pub(crate) fn hasten_alarm(
        &self,
        ctx: &mut Context<'_, '_>,
        index: ReferendumIndex,
        alarm: &mut Alarm,
        when: BlockNumber,
    ) -> Result<(), Failure> {
        match alarm {
            Some((at, _)) if *at <= when => Ok(()),
            _ => self.set_alarm(ctx, index, alarm, when),
        }
    }

    pub(crate) fn clear_alarm(
        &self,
        ctx: &mut Context<'_, '_>,
        index: ReferendumIndex,
        alarm: &mut Alarm,
    ) -> Result<(), Failure> {
        let Some((at, _)) = alarm.take() else { return Ok(()) };
        let mut list = ALARMS.get_or_default(ctx, &at)?;
        let place = list.iter().position(|other| *other == index);
        list.remove(place.ok_or_else(|| self.error(Error::BadStatus))?);
        if list.is_empty() {
            ALARMS.remove(ctx, &at);
        } else {
            ALARMS.put(ctx, &at, &list);
        }
        Ok(())
    }
}
