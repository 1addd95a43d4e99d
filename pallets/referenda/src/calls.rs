//! What accounts, and origins that govern, ask of this pallet.

use alloc::{
    string::{String, ToString},
    vec::Vec,
};

use basalt_pallet_preimage::{Bounded, PeekError};
use basalt_pallet_scheduler::DispatchTime;
use basalt_primitives::{AccountId, Balance, DispatchError, H256, Weight};
use basalt_state::StateRead;
use basalt_support::{
    CallResult, Context, DispatchInfo, Failure, Origin, Pallet, PostInfo, RuntimeCall, StoredOrigin,
    metadata::{Constant, PalletMetadata},
    weight,
};
use scale_info::meta_type;

use crate::{
    ALARMS, Call, DECIDING_COUNT, Deposit, Error, Event, HoldReason, METADATA_OF, OPEN_COUNT, OPEN_MAX, PACE,
    REFERENDUM_COUNT, Referenda, ReferendumIndex, ReferendumInfo, ReferendumStatus, Refusal, TRACK_QUEUE,
    Tally, TrackId, TrackInfo, paced,
};

impl<C: RuntimeCall, O: StoredOrigin> Referenda<C, O> {
    fn submit(
        &self,
        ctx: &mut Context<'_, '_>,
        who: AccountId,
        origin: O,
        proposal: Bounded,
        enactment: DispatchTime,
    ) -> Result<(), Failure> {
        let track = (self.track_for)(&origin).ok_or_else(|| self.error(Error::NoTrack))?;
        self.review_proposal(ctx, &origin, &proposal)?;
        let open = OPEN_COUNT.get_or_default(ctx, &track)?;
        if open >= OPEN_MAX {
            return Err(self.error(Error::Full));
        }
        OPEN_COUNT.put(ctx, &track, &(open + 1));
        let amount = (self.submission_deposit)(ctx)?;
        let submission_deposit = self.take_deposit(ctx, who, HoldReason::SubmissionDeposit, amount)?;
        let index = REFERENDUM_COUNT.get_or_default(ctx)?;
        let next = index.checked_add(1).ok_or_else(|| self.error(Error::Full))?;
        REFERENDUM_COUNT.put(ctx, &next);
        let now = ctx.block_number();
        let mut alarm = None;
        let timeout = now.saturating_add(paced(ctx, (self.undeciding_timeout)(ctx)?)?);
        self.set_alarm(ctx, index, &mut alarm, timeout)?;
        let status = ReferendumStatus {
            track,
            origin,
            proposal: proposal.clone(),
            enactment,
            submitted: now,
            submission_deposit,
            decision_deposit: None,
            deciding: None,
            tally: Tally::default(),
            in_queue: false,
            alarm,
        };
        Self::INFO_FOR.put(ctx, &index, &ReferendumInfo::Ongoing(status));
        ctx.emit(self.index, &Event::Submitted { index, track, proposal });
        Ok(())
    }

    /// Refuses what could never be enacted, as far as that can be known: a preimage may come later.
    fn review_proposal(&self, ctx: &Context<'_, '_>, origin: &O, proposal: &Bounded) -> Result<(), Failure> {
        match self.preimages.peek::<C>(ctx, proposal)? {
            Ok((call, length)) => {
                (self.review)(origin, &call).map_err(|refusal| {
                    self.error(match refusal {
                        Refusal::Forbidden => Error::Forbidden,
                        Refusal::OutOfBounds => Error::OutOfBounds,
                    })
                })?;
                if self.scheduler.can_ever_run(&call, length) {
                    Ok(())
                } else {
                    Err(self.error(Error::Overweight))
                }
            }
            Err(PeekError::Undecodable) => Err(self.error(Error::Undecodable)),
            Err(PeekError::Unavailable) => match proposal {
                Bounded::Lookup { hash, .. } if self.preimages.len(ctx, hash)?.is_some() => {
                    Err(self.error(Error::PreimageStoredWithDifferentLength))
                }
                _ => Ok(()),
            },
        }
    }

    fn take_deposit(
        &self,
        ctx: &mut Context<'_, '_>,
        who: AccountId,
        reason: HoldReason,
        amount: Balance,
    ) -> Result<Deposit, Failure> {
        self.balances.hold(ctx, self.reason(reason), &who, amount)?;
        Ok(Deposit { who, amount })
    }

    fn place_decision_deposit(
        &self,
        ctx: &mut Context<'_, '_>,
        who: AccountId,
        index: ReferendumIndex,
    ) -> Result<(), Failure> {
        let mut status = self.ongoing(ctx, index)?;
        if status.decision_deposit.is_some() {
            return Err(self.error(Error::HasDeposit));
        }
        let amount = self.rules(status.track)?.decision_deposit;
        status.decision_deposit = Some(self.take_deposit(ctx, who, HoldReason::DecisionDeposit, amount)?);
        ctx.emit(self.index, &Event::DecisionDepositPlaced { index, who, amount });
        self.advance(ctx, index, status)
    }

    fn refund(
        &self,
        ctx: &mut Context<'_, '_>,
        index: ReferendumIndex,
        reason: HoldReason,
    ) -> Result<(), Failure> {
        let mut info = Self::INFO_FOR.get(ctx, &index)?.ok_or_else(|| self.error(Error::BadReferendum))?;
        let deposit = match reason {
            HoldReason::DecisionDeposit => {
                info.decision_deposit().map_err(|_| self.error(Error::Unfinished))?
            }
            HoldReason::SubmissionDeposit => {
                info.submission_deposit().map_err(|_| self.error(Error::BadStatus))?
            }
        };
        let Deposit { who, amount } = deposit.ok_or_else(|| self.error(Error::NoDeposit))?;
        self.balances.release(ctx, self.reason(reason), &who, amount)?;
        Self::INFO_FOR.put(ctx, &index, &info);
        match reason {
            HoldReason::DecisionDeposit => {
                ctx.emit(self.index, &Event::DecisionDepositRefunded { index, who, amount });
            }
            HoldReason::SubmissionDeposit => {
                ctx.emit(self.index, &Event::SubmissionDepositRefunded { index, who, amount });
            }
        }
        Ok(())
    }

    fn cancel(&self, ctx: &mut Context<'_, '_>, index: ReferendumIndex) -> Result<(), Failure> {
        let mut status = self.ongoing(ctx, index)?;
        let now = ctx.block_number();
        let (submission, decision) = (Some(status.submission_deposit), status.decision_deposit);
        self.close(ctx, index, &mut status)?;
        Self::INFO_FOR.put(ctx, &index, &ReferendumInfo::Cancelled(now, submission, decision));
        ctx.emit(self.index, &Event::Cancelled { index, tally: status.tally });
        Ok(())
    }

    fn kill(&self, ctx: &mut Context<'_, '_>, index: ReferendumIndex) -> Result<(), Failure> {
        let mut status = self.ongoing(ctx, index)?;
        self.close(ctx, index, &mut status)?;
        ctx.emit(self.index, &Event::Killed { index, tally: status.tally });
        self.slash(ctx, HoldReason::SubmissionDeposit, status.submission_deposit)?;
        if let Some(deposit) = status.decision_deposit {
            self.slash(ctx, HoldReason::DecisionDeposit, deposit)?;
        }
        self.clear_metadata(ctx, index)?;
        Self::INFO_FOR.put(ctx, &index, &ReferendumInfo::Killed(ctx.block_number()));
        Ok(())
    }

    fn slash(
        &self,
        ctx: &mut Context<'_, '_>,
        reason: HoldReason,
        Deposit { who, amount }: Deposit,
    ) -> Result<(), Failure> {
        self.balances.transfer_on_hold(ctx, self.reason(reason), &who, &self.treasury, amount)?;
        ctx.emit(self.index, &Event::DepositSlashed { who, amount });
        Ok(())
    }

    fn clear_metadata(&self, ctx: &mut Context<'_, '_>, index: ReferendumIndex) -> Result<(), Failure> {
        if let Some(hash) = METADATA_OF.take(ctx, &index)? {
            ctx.emit(self.index, &Event::MetadataCleared { index, hash });
        }
        Ok(())
    }

    fn set_metadata(
        &self,
        ctx: &mut Context<'_, '_>,
        who: &AccountId,
        index: ReferendumIndex,
        hash: Option<H256>,
    ) -> Result<(), Failure> {
        let submitter = match self.ongoing(ctx, index) {
            Ok(status) => Some(status.submission_deposit.who),
            Err(Failure::Dispatch(error)) if hash.is_some() => return Err(error.into()),
            Err(Failure::Dispatch(_)) => None,
            Err(other) => return Err(other),
        };
        if submitter.is_some_and(|submitter| submitter != *who) {
            return Err(self.error(Error::NoPermission));
        }
        let Some(hash) = hash else { return self.clear_metadata(ctx, index) };
        if self.preimages.len(ctx, &hash)?.is_none() {
            return Err(self.error(Error::PreimageNotExist));
        }
        METADATA_OF.put(ctx, &index, &hash);
        ctx.emit(self.index, &Event::MetadataSet { index, hash });
        Ok(())
    }

    fn dispatch_inner(
        &self,
        call: Call<O>,
        origin: Origin,
        ctx: &mut Context<'_, '_>,
    ) -> Result<(), Failure> {
        let signed_or_root = |origin: Origin| match origin {
            Origin::Root => Ok(()),
            other => other.signed().map(drop),
        };
        let allowed = |may: bool| -> Result<(), Failure> {
            if may { Ok(()) } else { Err(DispatchError::BadOrigin.into()) }
        };
        match call {
            Call::submit { proposal_origin, proposal, enactment_moment } => {
                self.submit(ctx, origin.signed()?, *proposal_origin, proposal, enactment_moment)
            }
            Call::place_decision_deposit { index } => {
                self.place_decision_deposit(ctx, origin.signed()?, index)
            }
            Call::refund_decision_deposit { index } => {
                signed_or_root(origin)?;
                self.refund(ctx, index, HoldReason::DecisionDeposit)
            }
            Call::cancel { index } => {
                allowed((self.canceller)(&origin))?;
                self.cancel(ctx, index)
            }
            Call::kill { index } => {
                allowed((self.killer)(&origin))?;
                self.kill(ctx, index)
            }
            Call::nudge_referendum { index } => {
                origin.root()?;
                let status = self.ongoing(ctx, index)?;
                self.advance(ctx, index, status)
            }
            Call::one_fewer_deciding { track } => {
                origin.root()?;
                self.rules(track)?;
                if TRACK_QUEUE.get_or_default(ctx, &track)?.is_empty() {
                    return Err(self.error(Error::QueueEmpty));
                }
                if self.begin_next(ctx, track)? { Ok(()) } else { Err(self.error(Error::NothingToDo)) }
            }
            Call::refund_submission_deposit { index } => {
                signed_or_root(origin)?;
                self.refund(ctx, index, HoldReason::SubmissionDeposit)
            }
            Call::set_metadata { index, maybe_hash } => {
                self.set_metadata(ctx, &origin.signed()?, index, maybe_hash)
            }
        }
    }

    fn weigh(&self, call: &Call<O>) -> Weight {
        // An account, its holds, and the treasury's account.
        let hold = weight::READ.saturating_mul(2).saturating_add(weight::WRITE.saturating_mul(2));
        match call {
            Call::submit { proposal, .. } => weight::operations(8 + self.alarm_lists(), 4)
                .saturating_add(hold)
                .saturating_add(weight::bytes(2 * u64::from(proposal.lookup_len()))),
            Call::place_decision_deposit { .. } => self.service_weight().saturating_add(hold),
            Call::refund_decision_deposit { .. } | Call::refund_submission_deposit { .. } => {
                weight::operations(1, 1).saturating_add(hold)
            }
            Call::cancel { .. } | Call::nudge_referendum { .. } | Call::one_fewer_deciding { .. } => {
                self.service_weight()
            }
            Call::kill { .. } => self
                .service_weight()
                .saturating_add(hold.saturating_mul(2))
                .saturating_add(weight::READ.saturating_mul(2))
                .saturating_add(weight::WRITE.saturating_mul(2)),
            Call::set_metadata { .. } => weight::operations(3, 1),
        }
    }
}

impl<C: RuntimeCall, O: StoredOrigin> Pallet for Referenda<C, O> {
    const NAME: &'static str = "Referenda";
    type Call = Call<O>;

    fn index(&self) -> u8 {
        self.index
    }

    fn metadata(&self) -> PalletMetadata {
        let tracks: Vec<(TrackId, TrackInfo)> = self.tracks.to_vec();
        PalletMetadata {
            name: Self::NAME,
            index: self.index,
            storage: [
                REFERENDUM_COUNT.entry(&["How many referenda there were."]),
                Self::INFO_FOR.entry(&["Each referendum."]),
                TRACK_QUEUE.entry(&["Those that wait to be decided, by their ayes: the last is the next."]),
                DECIDING_COUNT.entry(&["How many of a track are decided."]),
                METADATA_OF.entry(&["A preimage that describes a referendum."]),
                OPEN_COUNT.entry(&["How many of a track go on."]),
                ALARMS.entry(&["Which referenda to look at, by block."]),
                PACE.entry(&["By what all periods are divided, on chains for development and tests."]),
            ]
            .into(),
            calls: Some(meta_type::<Call<O>>()),
            event: Some(meta_type::<Event>()),
            error: Some(meta_type::<Error>()),
            constants: [
                Constant::new("SubmissionDeposit", &self.defaults.0, &["What is held for a submission."]),
                Constant::new("MaxQueued", &OPEN_MAX, &["The most referenda in a track's queue."]),
                Constant::new(
                    "UndecidingTimeout",
                    &self.defaults.1,
                    &["For how many blocks a referendum waits for its decision deposit."],
                ),
                Constant::new("AlarmInterval", &1u32, &["Referenda are looked at in any block."]),
                Constant::new("Tracks", &tracks, &["The tracks, by their ids."]),
            ]
            .into(),
            docs: ["Decide by vote what the chain does."].into(),
        }
    }

    fn info(&self, call: &Call<O>) -> DispatchInfo {
        DispatchInfo::normal(self.weigh(call))
    }

    fn dispatch(&self, call: Call<O>, origin: Origin, ctx: &mut Context<'_, '_>) -> CallResult {
        self.dispatch_inner(call, origin, ctx)?;
        Ok(PostInfo::default())
    }

    fn try_state(&self, state: &dyn StateRead) -> Result<(), String> {
        self.check(state).map_err(|error| error.to_string())?
    }
}
