//! Decide by vote what the chain does.
//!
//! # Responsibility
//!
//! - Referenda from their submission to their enactment, by the rules of their track; who proposes what nobody could enact is
//!   told at once.
//! - The polls that `basalt-pallet-conviction-voting` counts ([`Polls`]).
//!
//! # Flow
//!
//! ```text
//! submit ─► prepare ─► (queue) ─► decide ─► passes? ─► confirm ─► approved ─► Scheduler: enacted as the track's origin
//!             │                     │          └── no longer: back to decide
//!             └─ no decision deposit in time: timed out
//!                                   └─ does not pass in time: rejected              cancel, kill: at any time
//! ```
//!
//! Each referendum that goes on and does not wait in a queue has one alarm: the block at which something changes even if
//! nobody does anything. A vote sets it to the next block. Alarms are a bounded list for each block, looked at before the
//! block's transactions; what does not fit goes into the next list with room. They take no place in the scheduler.
//!
//! # State
//!
//! | item                | value                                            |
//! |---------------------|--------------------------------------------------|
//! | `ReferendumCount`   | how many there were                              |
//! | `ReferendumInfoFor` | each of them                                     |
//! | `TrackQueue`        | those that wait to be decided, by their ayes     |
//! | `DecidingCount`     | how many of a track are decided                  |
//! | `MetadataOf`        | a preimage that describes it                     |
//! | `OpenCount`         | how many of a track go on                        |
//! | `Alarms`            | which to look at, by block                       |
//! | `Pace`              | by what all periods are divided, on quick chains |
//!
//! # Invariants
//!
//! - What passes is decided with integers alone, the same on every machine; curves never rise.
//! - Counts, queues and alarms are what the referenda say, and so are the holds of their deposits. Checked by `try_state`.
//! - A referendum that was approved is scheduled, in whatever block has room; it never gets lost.
//!
//! # Differences to Substrate
//!
//! What follows from the end of a referendum happens at once, not in the next block. Who proposes a call that does not
//! decode, that its origin may not make, that no block could run or that would set a parameter out of its bounds is refused.
//!
//! # Out of scope
//!
//! Tracks and what origins may call: the runtime's. Counting votes: `basalt-pallet-conviction-voting`.
#![no_std]
#![cfg_attr(not(test), deny(clippy::unwrap_used))]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod alarms;
mod calls;
mod check;
mod curve;
mod decide;
pub mod pallet;
#[cfg(test)]
mod tests;
pub mod types;

use alloc::vec::Vec;

use basalt_pallet_balances::{Balances, types::Reason};
use basalt_pallet_conviction_voting::{Poll, Polls, Tally};
use basalt_pallet_preimage::Preimages;
use basalt_pallet_scheduler::Scheduler;
use basalt_primitives::{AccountId, Balance, BlockNumber, H256, Weight};
use basalt_state::{StateError, StateRead, StateWrite};
use basalt_support::{
    Context, Failure, Map, Origin, RuntimeCall, StoredOrigin, Value, module_error,
    storage::{Blake2_128Concat, Twox64Concat},
    weight,
};

pub use curve::{Curve, FixedI64};
pub use decide::enactment_name;
pub use pallet::{Call, Error, Event, HoldReason};
pub use types::{
    DecidingStatus, Deposit, ReferendumIndex, ReferendumInfo, ReferendumStatus, TrackId, TrackInfo,
};

/// The most referenda of a track that go on at the same time: nobody fills another track's place.
pub const OPEN_MAX: u32 = 100;
/// The most referenda that one block looks at by itself.
pub const ALARMS_MAX: u32 = 64;

/// How many referenda there were.
pub const REFERENDUM_COUNT: Value<ReferendumIndex> = Value::defaulted("Referenda", "ReferendumCount");
/// Those that wait to be decided, by their ayes: the last is the next.
pub const TRACK_QUEUE: Map<Twox64Concat, TrackId, Vec<(ReferendumIndex, Balance)>> =
    Map::defaulted("Referenda", "TrackQueue");
/// How many of a track are decided.
pub const DECIDING_COUNT: Map<Twox64Concat, TrackId, u32> = Map::defaulted("Referenda", "DecidingCount");
/// A preimage that describes a referendum.
pub const METADATA_OF: Map<Blake2_128Concat, ReferendumIndex, H256> =
    Map::optional("Referenda", "MetadataOf");
/// How many of a track go on.
pub const OPEN_COUNT: Map<Twox64Concat, TrackId, u32> = Map::defaulted("Referenda", "OpenCount");
/// Which referenda to look at, by block.
pub const ALARMS: Map<Twox64Concat, BlockNumber, Vec<ReferendumIndex>> =
    Map::defaulted("Referenda", "Alarms");
/// By what all periods are divided: more than one on chains for development and tests only.
pub const PACE: Value<u32> = Value::optional("Referenda", "Pace");

/// Why a proposal is refused before anything is held for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Its origin may not make the call.
    Forbidden,
    /// It would set a parameter to what it cannot be.
    OutOfBounds,
}

/// The pallet. `C` is the runtime's call, `O` its stored origin.
#[derive(Debug)]
pub struct Referenda<C, O> {
    /// Its index in the runtime.
    pub index: u8,
    /// The token.
    pub balances: Balances,
    /// Where long calls are.
    pub preimages: Preimages,
    /// What enacts them.
    pub scheduler: Scheduler<C, O>,
    /// The tracks, by their ids.
    pub tracks: &'static [(TrackId, TrackInfo)],
    /// Which track decides for an origin.
    pub track_for: fn(&O) -> Option<TrackId>,
    /// What can be known of a proposal before it is voted on.
    pub review: fn(&O, &C) -> Result<(), Refusal>,
    /// Who may cancel referenda.
    pub canceller: fn(&Origin) -> bool,
    /// Who may kill referenda.
    pub killer: fn(&Origin) -> bool,
    /// How many tokens could support a referendum.
    pub electorate: fn(&dyn StateRead) -> Result<Balance, StateError>,
    /// What is held for a submission.
    pub submission_deposit: fn(&dyn StateRead) -> Result<Balance, StateError>,
    /// For how many blocks a referendum waits for its decision deposit.
    pub undeciding_timeout: fn(&dyn StateRead) -> Result<BlockNumber, StateError>,
    /// Both as clients are told, on chains that do not change them.
    pub defaults: (Balance, BlockNumber),
    /// Where the deposits of those that are killed go.
    pub treasury: AccountId,
}

impl<C, O> Clone for Referenda<C, O> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<C, O> Copy for Referenda<C, O> {}

/// The share of `whole` that `part` is, rounded down; nothing of nothing.
pub(crate) fn share(part: Balance, whole: Balance) -> basalt_primitives::Perbill {
    use basalt_primitives::{Perbill, U256};
    let parts = U256::from(part.min(whole)) * U256::from(Perbill::ACCURACY) / U256::from(whole.max(1));
    Perbill::from_parts(u32::try_from(parts).unwrap_or(Perbill::ACCURACY))
}

/// A period of a chain of this pace: at least one block.
pub fn paced(state: &(impl StateRead + ?Sized), period: BlockNumber) -> Result<BlockNumber, StateError> {
    Ok(match PACE.get(state)? {
        Some(pace) if period > 0 => (period / pace.max(1)).max(1),
        _ => period,
    })
}

impl<C: RuntimeCall, O: StoredOrigin> Referenda<C, O> {
    /// Each referendum.
    pub const INFO_FOR: Map<Blake2_128Concat, ReferendumIndex, ReferendumInfo<O>> =
        Map::optional("Referenda", "ReferendumInfoFor");

    /// Sets the pace at genesis.
    pub fn genesis(&self, state: &mut impl StateWrite, pace: u32) {
        if pace > 1 {
            PACE.put(state, &pace);
        }
    }

    /// The rules of a track.
    pub fn track(&self, id: TrackId) -> Option<&'static TrackInfo> {
        self.tracks.iter().find(|(of, _)| *of == id).map(|(_, track)| track)
    }

    fn rules(&self, id: TrackId) -> Result<&'static TrackInfo, Failure> {
        self.track(id).ok_or_else(|| self.error(Error::BadTrack))
    }

    fn ongoing(
        &self,
        state: &(impl StateRead + ?Sized),
        index: ReferendumIndex,
    ) -> Result<ReferendumStatus<O>, Failure> {
        match Self::INFO_FOR.get(state, &index)? {
            Some(ReferendumInfo::Ongoing(status)) => Ok(status),
            _ => Err(self.error(Error::NotOngoing)),
        }
    }

    /// What a deposit is held for, as the runtime's reasons are encoded.
    pub const fn reason(&self, reason: HoldReason) -> Reason {
        Reason { pallet: self.index, reason: reason as u8 }
    }

    fn error(&self, error: Error) -> Failure {
        module_error(self.index, &error)
    }

    /// How many lists of alarms may have to be looked through to find room: there are no more alarms than referenda.
    const fn alarm_lists(&self) -> u64 {
        (self.tracks.len() as u64) * (OPEN_MAX as u64) / (ALARMS_MAX as u64) + 1
    }

    /// What looking at a referendum weighs at most: itself and the next of its queue, with their alarms; counts, queue, pace,
    /// electorate; and its place in the scheduler.
    fn service_weight(&self) -> Weight {
        weight::operations(16 + 2 * self.alarm_lists(), 14)
            .saturating_add(basalt_pallet_scheduler::PLACE_WEIGHT)
    }
}

impl<C: RuntimeCall, O: StoredOrigin> Polls for Referenda<C, O> {
    fn has_class(&self, class: u16) -> bool {
        self.track(class).is_some()
    }

    fn classes(&self) -> u32 {
        u32::try_from(self.tracks.len()).unwrap_or(u32::MAX)
    }

    fn poll(&self, state: &(impl StateRead + ?Sized), index: u32) -> Result<Poll, StateError> {
        Ok(match Self::INFO_FOR.get(state, &index)? {
            Some(ReferendumInfo::Ongoing(status)) => Poll::Ongoing(status.tally, status.track),
            Some(ReferendumInfo::Approved(end, ..)) => Poll::Completed(end, true),
            Some(ReferendumInfo::Rejected(end, ..)) => Poll::Completed(end, false),
            _ => Poll::None,
        })
    }

    /// The next block looks at what follows from it.
    fn set_tally(&self, ctx: &mut Context<'_, '_>, index: u32, tally: Tally) -> Result<(), Failure> {
        let mut status = self.ongoing(ctx, index)?;
        status.tally = tally;
        let next = ctx.block_number().saturating_add(1);
        self.hasten_alarm(ctx, index, &mut status.alarm, next)?;
        Self::INFO_FOR.put(ctx, &index, &ReferendumInfo::Ongoing(status));
        Ok(())
    }

    fn tally_weight(&self) -> Weight {
        weight::READ.saturating_mul(1 + self.alarm_lists()).saturating_add(weight::WRITE.saturating_mul(3))
    }
}
