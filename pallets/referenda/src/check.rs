//! What must hold in every state, told from the referenda alone.

use alloc::{collections::BTreeMap, format, string::String};

use basalt_primitives::{AccountId, Balance, BlockNumber};
use basalt_state::{StateError, StateRead};
use basalt_support::{RuntimeCall, StoredOrigin};

use crate::{
    ALARMS, DECIDING_COUNT, HoldReason, METADATA_OF, OPEN_COUNT, REFERENDUM_COUNT, Referenda,
    ReferendumIndex, ReferendumInfo, ReferendumStatus, TRACK_QUEUE, TrackId,
};

/// What a track's referenda say of it.
#[derive(Default)]
struct Told {
    open: u32,
    deciding: u32,
    queued: BTreeMap<ReferendumIndex, Balance>,
}

impl<C: RuntimeCall, O: StoredOrigin> Referenda<C, O> {
    pub(crate) fn check(&self, state: &dyn StateRead) -> Result<Result<(), String>, StateError> {
        let mut tracks: BTreeMap<TrackId, Told> = BTreeMap::new();
        let mut alarms: BTreeMap<ReferendumIndex, BlockNumber> = BTreeMap::new();
        let mut held: BTreeMap<(AccountId, u8), Balance> = BTreeMap::new();
        let mut count = 0u32;
        for entry in Self::INFO_FOR.iter(state) {
            let (index, info) = entry?;
            count += 1;
            let (submission, decision) = info.deposits();
            for (reason, deposit) in
                [(HoldReason::SubmissionDeposit, submission), (HoldReason::DecisionDeposit, decision)]
            {
                if let Some(deposit) = deposit {
                    let sum = held.entry((deposit.who, reason as u8)).or_default();
                    *sum = sum.saturating_add(deposit.amount);
                }
            }
            let ReferendumInfo::Ongoing(status) = info else { continue };
            if let Err(what) = one(index, &status) {
                return Ok(Err(what));
            }
            if let Some((at, _)) = status.alarm {
                alarms.insert(index, at);
            }
            let told = tracks.entry(status.track).or_default();
            told.open += 1;
            told.deciding += u32::from(status.deciding.is_some());
            if status.in_queue {
                told.queued.insert(index, status.tally.ayes);
            }
        }
        if count != REFERENDUM_COUNT.get_or_default(state)? {
            return Ok(Err(format!("there are {count} referenda, and another number is stored")));
        }
        for entry in METADATA_OF.iter(state) {
            let (index, _) = entry?;
            if index >= count {
                return Ok(Err(format!("referendum {index} is described and does not exist")));
            }
        }
        if let Err(what) = self.check_tracks(state, &mut tracks)? {
            return Ok(Err(what));
        }
        for entry in ALARMS.iter(state) {
            let (at, list) = entry?;
            for index in list {
                if alarms.remove(&index) != Some(at) {
                    return Ok(Err(format!(
                        "block {at} looks at referendum {index}, which knows of no such alarm"
                    )));
                }
            }
        }
        if let Some((index, at)) = alarms.first_key_value() {
            return Ok(Err(format!("no list has the alarm of referendum {index} at block {at}")));
        }
        for ((who, reason), sum) in held {
            let reason = basalt_pallet_balances::types::Reason { pallet: self.index, reason };
            let stored = self.balances.balance_on_hold(state, reason, &who)?;
            if stored != sum {
                return Ok(Err(format!("{stored} is held of {who} for referenda, not {sum}")));
            }
        }
        Ok(Ok(()))
    }

    fn check_tracks(
        &self,
        state: &dyn StateRead,
        tracks: &mut BTreeMap<TrackId, Told>,
    ) -> Result<Result<(), String>, StateError> {
        for (id, track) in self.tracks {
            let told = tracks.remove(id).unwrap_or_default();
            let (open, deciding) =
                (OPEN_COUNT.get_or_default(state, id)?, DECIDING_COUNT.get_or_default(state, id)?);
            if (open, deciding) != (told.open, told.deciding) || deciding > track.max_deciding {
                return Ok(Err(format!("track {id} counts {open} open and {deciding} deciding")));
            }
            let queue = TRACK_QUEUE.get_or_default(state, id)?;
            let known = queue.iter().filter(|(index, _)| told.queued.contains_key(index)).count();
            if known != queue.len()
                || known != told.queued.len()
                || !queue.is_sorted_by_key(|(_, ayes)| *ayes)
            {
                return Ok(Err(format!("the queue of track {id} is {queue:?}, not {:?}", told.queued)));
            }
            if !queue.is_empty() && deciding < track.max_deciding {
                return Ok(Err(format!("track {id} has a queue and room")));
            }
        }
        Ok(match tracks.first_key_value() {
            Some((id, _)) => Err(format!("a referendum is on track {id}, which does not exist")),
            None => Ok(()),
        })
    }
}

fn one<O>(index: ReferendumIndex, status: &ReferendumStatus<O>) -> Result<(), String> {
    if status.in_queue && status.deciding.is_some() {
        return Err(format!("referendum {index} waits and is decided"));
    }
    if !status.in_queue && status.alarm.is_none() {
        return Err(format!("referendum {index} has no alarm"));
    }
    if status.deciding.is_some() && status.decision_deposit.is_none() {
        return Err(format!("referendum {index} is decided without a deposit"));
    }
    Ok(())
}
