//! From submission to enactment: what becomes of a referendum as time goes by.

use basalt_pallet_conviction_voting::Tally;
use basalt_pallet_scheduler::{DispatchTime, Scheduled, TaskName};
use basalt_primitives::{BlockNumber, Perbill, hashing::blake2_256};
use basalt_state::{StateError, StateRead};
use basalt_support::{Context, Failure, RuntimeCall, StoredOrigin};
use parity_scale_codec::Encode;

use crate::{
    DECIDING_COUNT, DecidingStatus, Event, OPEN_COUNT, Referenda, ReferendumIndex, ReferendumInfo,
    ReferendumStatus, TRACK_QUEUE, TrackId, TrackInfo, paced, share,
};

/// The priority of enactments in the scheduler: before most of what root schedules by hand, as in Substrate.
const PRIORITY: u8 = 63;
/// In how many blocks from the one that was asked for an enactment may find room.
const ENACTMENT_BLOCKS: BlockNumber = 16;

/// How a referendum ends by itself.
enum Ending {
    Approved,
    Rejected,
    TimedOut,
}

impl<C: RuntimeCall, O: StoredOrigin> Referenda<C, O> {
    /// Does what is due with a referendum whose alarm is cleared, or still set, and writes it.
    pub(crate) fn advance(
        &self,
        ctx: &mut Context<'_, '_>,
        index: ReferendumIndex,
        mut status: ReferendumStatus<O>,
    ) -> Result<(), Failure> {
        let ending = match status.deciding {
            None => self.prepare(ctx, index, &mut status)?,
            Some(deciding) => self.decide(ctx, index, &mut status, deciding)?,
        };
        match ending {
            Some(ending) => self.end(ctx, index, status, &ending),
            None => {
                Self::INFO_FOR.put(ctx, &index, &ReferendumInfo::Ongoing(status));
                Ok(())
            }
        }
    }

    /// Before the decision.
    fn prepare(
        &self,
        ctx: &mut Context<'_, '_>,
        index: ReferendumIndex,
        status: &mut ReferendumStatus<O>,
    ) -> Result<Option<Ending>, Failure> {
        let now = ctx.block_number();
        if status.in_queue {
            self.clear_alarm(ctx, index, &mut status.alarm)?;
            self.leave_queue(ctx, status.track, index)?;
            self.enqueue(ctx, status.track, (index, status.tally.ayes))?;
            return Ok(None);
        }
        let track = self.rules(status.track)?;
        if status.decision_deposit.is_none() {
            let timeout = status.submitted.saturating_add(paced(ctx, (self.undeciding_timeout)(ctx)?)?);
            if now >= timeout {
                return Ok(Some(Ending::TimedOut));
            }
            self.set_alarm(ctx, index, &mut status.alarm, timeout)?;
            return Ok(None);
        }
        let prepared = status.submitted.saturating_add(paced(ctx, track.prepare_period)?);
        if now < prepared {
            self.set_alarm(ctx, index, &mut status.alarm, prepared)?;
            return Ok(None);
        }
        let deciding = DECIDING_COUNT.get_or_default(ctx, &status.track)?;
        if deciding < track.max_deciding {
            DECIDING_COUNT.put(ctx, &status.track, &deciding.saturating_add(1));
            self.begin_deciding(ctx, index, status, track)?;
        } else {
            self.clear_alarm(ctx, index, &mut status.alarm)?;
            status.in_queue = true;
            self.enqueue(ctx, status.track, (index, status.tally.ayes))?;
        }
        Ok(None)
    }

    fn begin_deciding(
        &self,
        ctx: &mut Context<'_, '_>,
        index: ReferendumIndex,
        status: &mut ReferendumStatus<O>,
        track: &TrackInfo,
    ) -> Result<(), Failure> {
        let now = ctx.block_number();
        status.in_queue = false;
        ctx.emit(
            self.index,
            &Event::DecisionStarted {
                index,
                track: status.track,
                proposal: status.proposal.clone(),
                tally: status.tally,
            },
        );
        let deciding = DecidingStatus { since: now, confirming: None };
        self.go_on_deciding(ctx, index, status, deciding, track).map(drop)
    }

    fn decide(
        &self,
        ctx: &mut Context<'_, '_>,
        index: ReferendumIndex,
        status: &mut ReferendumStatus<O>,
        deciding: DecidingStatus,
    ) -> Result<Option<Ending>, Failure> {
        let track = self.rules(status.track)?;
        self.go_on_deciding(ctx, index, status, deciding, track)
    }

    /// Whether it passes now, what follows from that, and when to look again.
    fn go_on_deciding(
        &self,
        ctx: &mut Context<'_, '_>,
        index: ReferendumIndex,
        status: &mut ReferendumStatus<O>,
        mut deciding: DecidingStatus,
        track: &TrackInfo,
    ) -> Result<Option<Ending>, Failure> {
        let now = ctx.block_number();
        let period = paced(ctx, track.decision_period)?.max(1);
        let elapsed = now.saturating_sub(deciding.since);
        let standing = self.standing(ctx, &status.tally)?;
        let passing = standing.passes(track, share(elapsed.min(period).into(), period.into()));
        match (passing, deciding.confirming) {
            (true, Some(end)) if now >= end => return Ok(Some(Ending::Approved)),
            (true, Some(_)) => {}
            (true, None) => {
                deciding.confirming = Some(now.saturating_add(paced(ctx, track.confirm_period)?));
                ctx.emit(self.index, &Event::ConfirmStarted { index });
            }
            (false, _) if elapsed >= period => return Ok(Some(Ending::Rejected)),
            (false, Some(_)) => {
                deciding.confirming = None;
                ctx.emit(self.index, &Event::ConfirmAborted { index });
            }
            (false, None) => {}
        }
        status.deciding = Some(deciding);
        let when = deciding.confirming.unwrap_or_else(|| {
            // The first block of which the share of the period is at least the delay: the inverse of `share` above.
            let parts = u64::from(standing.delay(track).deconstruct()) * u64::from(period);
            let blocks = parts.div_ceil(Perbill::ACCURACY.into());
            deciding.since.saturating_add(u32::try_from(blocks).unwrap_or(u32::MAX))
        });
        self.set_alarm(ctx, index, &mut status.alarm, when.max(now.saturating_add(1)))?;
        Ok(None)
    }

    fn standing(&self, state: &dyn StateRead, tally: &Tally) -> Result<Standing, StateError> {
        Ok(Standing {
            approval: share(tally.ayes, tally.ayes.saturating_add(tally.nays)),
            support: share(tally.support, (self.electorate)(state)?),
        })
    }

    /// Ends a referendum by itself; an approved one stays if no block has room for it.
    fn end(
        &self,
        ctx: &mut Context<'_, '_>,
        index: ReferendumIndex,
        mut status: ReferendumStatus<O>,
        ending: &Ending,
    ) -> Result<(), Failure> {
        let now = ctx.block_number();
        let (submission, decision) = (Some(status.submission_deposit), status.decision_deposit);
        let tally = status.tally;
        let info = match ending {
            Ending::Approved => {
                if !self.enact(ctx, index, &status)? {
                    self.set_alarm(ctx, index, &mut status.alarm, now.saturating_add(1))?;
                    Self::INFO_FOR.put(ctx, &index, &ReferendumInfo::Ongoing(status));
                    return Ok(());
                }
                ctx.emit(self.index, &Event::Confirmed { index, tally });
                ctx.emit(self.index, &Event::Approved { index });
                ReferendumInfo::Approved(now, submission, decision)
            }
            Ending::Rejected => {
                ctx.emit(self.index, &Event::Rejected { index, tally });
                ReferendumInfo::Rejected(now, submission, decision)
            }
            Ending::TimedOut => {
                ctx.emit(self.index, &Event::TimedOut { index, tally });
                ReferendumInfo::TimedOut(now, submission, decision)
            }
        };
        self.close(ctx, index, &mut status)?;
        Self::INFO_FOR.put(ctx, &index, &info);
        Ok(())
    }

    /// What the end of a referendum means for its track and its alarm.
    pub(crate) fn close(
        &self,
        ctx: &mut Context<'_, '_>,
        index: ReferendumIndex,
        status: &mut ReferendumStatus<O>,
    ) -> Result<(), Failure> {
        self.clear_alarm(ctx, index, &mut status.alarm)?;
        let open = OPEN_COUNT.get_or_default(ctx, &status.track)?.saturating_sub(1);
        put_count(ctx, &OPEN_COUNT, status.track, open);
        if status.in_queue {
            self.leave_queue(ctx, status.track, index)?;
        }
        if status.deciding.is_some() {
            let left = DECIDING_COUNT.get_or_default(ctx, &status.track)?.saturating_sub(1);
            put_count(ctx, &DECIDING_COUNT, status.track, left);
            self.begin_next(ctx, status.track)?;
        }
        Ok(())
    }

    /// Begins to decide the next of a queue, if the track has room. Says whether it did.
    pub(crate) fn begin_next(&self, ctx: &mut Context<'_, '_>, id: TrackId) -> Result<bool, Failure> {
        let track = self.rules(id)?;
        let count = DECIDING_COUNT.get_or_default(ctx, &id)?;
        let mut queue = TRACK_QUEUE.get_or_default(ctx, &id)?;
        let Some((index, _)) = queue.last().copied().filter(|_| count < track.max_deciding) else {
            return Ok(false);
        };
        queue.pop();
        put_queue(ctx, id, &queue);
        DECIDING_COUNT.put(ctx, &id, &count.saturating_add(1));
        let mut status = self.ongoing(ctx, index)?;
        self.begin_deciding(ctx, index, &mut status, track)?;
        Self::INFO_FOR.put(ctx, &index, &ReferendumInfo::Ongoing(status));
        Ok(true)
    }

    /// Puts a referendum into its track's queue: those with more ayes are decided first, and of equals the older.
    fn enqueue(
        &self,
        ctx: &mut Context<'_, '_>,
        track: TrackId,
        (index, ayes): (ReferendumIndex, u128),
    ) -> Result<(), Failure> {
        let mut queue = TRACK_QUEUE.get_or_default(ctx, &track)?;
        let before =
            |other: &(ReferendumIndex, u128)| (other.1, u32::MAX - other.0) < (ayes, u32::MAX - index);
        let place = queue.partition_point(before);
        // No longer than there are referenda: `OPEN_MAX`.
        queue.insert(place, (index, ayes));
        put_queue(ctx, track, &queue);
        Ok(())
    }

    fn leave_queue(
        &self,
        ctx: &mut Context<'_, '_>,
        track: TrackId,
        index: ReferendumIndex,
    ) -> Result<(), Failure> {
        let mut queue = TRACK_QUEUE.get_or_default(ctx, &track)?;
        queue.retain(|(other, _)| *other != index);
        put_queue(ctx, track, &queue);
        Ok(())
    }

    /// Schedules an approved proposal. Says whether some block has room for it.
    fn enact(
        &self,
        ctx: &mut Context<'_, '_>,
        index: ReferendumIndex,
        status: &ReferendumStatus<O>,
    ) -> Result<bool, Failure> {
        let now = ctx.block_number();
        let track = self.rules(status.track)?;
        // Tasks of this block have been looked at, or may be: not before the next.
        let least = paced(ctx, track.min_enactment_period)?.max(1);
        let earliest = status.enactment.evaluate(now).max(now.saturating_add(least));
        self.preimages.request_call(ctx, &status.proposal)?;
        for later in 0..ENACTMENT_BLOCKS {
            let task = Scheduled {
                maybe_id: Some(enactment_name(index)),
                priority: PRIORITY,
                call: status.proposal.clone(),
                maybe_periodic: None,
                origin: status.origin.clone(),
            };
            let when = DispatchTime::At(earliest.saturating_add(later));
            match self.scheduler.schedule(ctx, when, task) {
                Ok(_) => return Ok(true),
                Err(Failure::State(error)) => return Err(error.into()),
                Err(Failure::Dispatch(_)) => {}
            }
        }
        self.preimages.drop(ctx, &status.proposal)?;
        Ok(false)
    }
}

/// The name of a referendum's enactment in the scheduler: as on Substrate chains.
pub fn enactment_name(index: ReferendumIndex) -> TaskName {
    (*b"assembly", "enactment", index).using_encoded(blake2_256)
}

/// What a referendum has, of what it needs.
struct Standing {
    approval: Perbill,
    support: Perbill,
}

impl Standing {
    fn passes(&self, track: &TrackInfo, x: Perbill) -> bool {
        track.min_support.passing(x, self.support) && track.min_approval.passing(x, self.approval)
    }

    /// The share of the period after which it would pass.
    fn delay(&self, track: &TrackInfo) -> Perbill {
        track.min_support.delay(self.support).max(track.min_approval.delay(self.approval))
    }
}

type Counts = basalt_support::Map<basalt_support::storage::Twox64Concat, TrackId, u32>;

fn put_count(ctx: &mut Context<'_, '_>, counts: &Counts, track: TrackId, count: u32) {
    if count == 0 {
        counts.remove(ctx, &track);
    } else {
        counts.put(ctx, &track, &count);
    }
}

fn put_queue(ctx: &mut Context<'_, '_>, track: TrackId, queue: &alloc::vec::Vec<(ReferendumIndex, u128)>) {
    if queue.is_empty() {
        TRACK_QUEUE.remove(ctx, &track);
    } else {
        TRACK_QUEUE.put(ctx, &track, queue);
    }
}
