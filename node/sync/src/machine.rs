//! What to ask whom, and what to import next: a state machine that reads no clock and asks nobody itself.
//!
//! ```text
//! final ─┐ base              window: ranges, each on the one before, RANGES_MAX with the one that is imported
//!        ▼
//! ●──●──●│ importing │ ready: peer A │ asked: peer B │ wanted │ asked: peer A │ ready: peer C │
//! ```

use std::{collections::VecDeque, time::Duration};

use basalt_chain::BlockId;
use basalt_network::{BlockRequest, Cost, Fields, PeerId, Start};
use basalt_primitives::BlockNumber;

use crate::{
    batch::{Batch, Fault},
    limits::{
        BATCH_BLOCKS_MAX, FAR_BEHIND, OVERTAKEN_PAUSE, RANGE_TIMEOUT, RANGES_MAX, SYNCING_ABOVE,
        TROUBLE_PAUSE,
    },
};

mod peers;
#[cfg(test)]
mod tests;

use peers::Peers;

/// Names a question.
pub type RequestId = u64;

/// What is to be done, in this order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Ask a peer, and hand what [`Batch::check`] makes of the answer to [`CatchUp::answered`].
    Request {
        /// Names the question.
        id: RequestId,
        /// Whom.
        peer: PeerId,
        /// The first block.
        first: BlockNumber,
        /// How many at most.
        count: u32,
    },
    /// Nobody waits for the answer any more.
    Cancel(RequestId),
    /// Prove and import these, and hand the result to [`CatchUp::imported`]. There is no other until then.
    Import {
        /// Who sent them.
        peer: PeerId,
        /// The blocks, the first on the last final one.
        batch: Batch,
    },
    /// Charge a peer.
    Report {
        /// Whom.
        peer: PeerId,
        /// For what.
        cost: Cost,
        /// What it did, for the log.
        why: String,
    },
}

impl Action {
    /// The question to send, for [`Action::Request`].
    pub fn request(first: BlockNumber, count: u32) -> BlockRequest {
        BlockRequest { start: Start::Number(first), count, fields: Fields::ALL }
    }
}

/// Why a question has no answer that could be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// The peer does not have the first block.
    Empty,
    /// The answer is wrong.
    Wrong(Fault),
    /// Nobody is to blame: the peer is busy, or there is no room for another question.
    Later,
    /// The peer is to blame, and has been charged.
    Charged,
}

/// What became of an import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The last final block now.
    pub finalized: BlockId,
    /// How it ended.
    pub end: End,
}

/// How an import ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// All blocks are final.
    Done,
    /// The next one is a lie.
    Wrong(Fault),
    /// Somebody else has moved the chain on meanwhile.
    Overtaken,
    /// This node failed. Says nothing about the blocks or who sent them.
    Trouble(String),
}

/// Where catching up stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Progress {
    /// The last final block here.
    pub finalized: BlockNumber,
    /// The highest that a peer calls final, of those that did no wrong lately; at least `finalized`.
    pub highest: BlockNumber,
    /// Whether that is far away.
    pub syncing: bool,
    /// Peers that are there.
    pub peers: usize,
    /// What keeps this node from importing.
    pub trouble: Option<String>,
}

/// Catches up.
#[derive(Debug)]
pub struct CatchUp {
    patience: Duration,
    /// The last final block here.
    base: BlockId,
    peers: Peers,
    /// Consecutive. The first begins at most one above `importing`, or else `base`.
    window: VecDeque<Slot>,
    importing: Option<Importing>,
    actions: Vec<Action>,
    next_id: RequestId,
    /// Whether blocks are asked for.
    active: bool,
    /// Since when others are ahead and nothing has moved here.
    behind_since: Option<Duration>,
    /// No import before.
    halted_until: Duration,
    trouble: Option<String>,
}

#[derive(Debug)]
struct Slot {
    first: BlockNumber,
    /// At least 1.
    count: u32,
    state: SlotState,
    /// Who failed here last: somebody else first.
    failed: Option<PeerId>,
}

#[derive(Debug)]
enum SlotState {
    Wanted,
    Asked { id: RequestId, peer: PeerId, until: Duration },
    Ready { peer: PeerId, batch: Batch },
}

#[derive(Debug, Clone, Copy)]
struct Importing {
    peer: PeerId,
    last: BlockNumber,
}

impl Slot {
    fn wanted(first: BlockNumber, last: BlockNumber, failed: Option<PeerId>) -> Option<Self> {
        let count = last.checked_sub(first)?.saturating_add(1);
        Some(Self { first, count, state: SlotState::Wanted, failed })
    }

    fn last(&self) -> BlockNumber {
        self.first.saturating_add(self.count - 1)
    }

    fn is_wanted(&self) -> bool {
        matches!(self.state, SlotState::Wanted)
    }
}

impl CatchUp {
    /// A node whose last final block is `base`. Blocks that others have are asked for when nothing has moved here for
    /// `patience`: zero, unless the node takes part in the agreement, which brings them sooner.
    pub fn new(base: BlockId, patience: Duration) -> Self {
        Self {
            patience,
            base,
            peers: Peers::default(),
            window: VecDeque::new(),
            importing: None,
            actions: Vec::new(),
            next_id: 0,
            active: false,
            behind_since: None,
            halted_until: Duration::ZERO,
            trouble: None,
        }
    }

    /// A peer is there, or says that another block is final.
    pub fn peer(&mut self, peer: PeerId, finalized: BlockNumber) {
        self.peers.announced(peer, finalized);
    }

    /// A peer is gone.
    pub fn gone(&mut self, peer: PeerId, now: Duration) {
        self.peers.gone(peer, now);
        for slot in &mut self.window {
            if let SlotState::Asked { id, peer: asked, .. } = slot.state
                && asked == peer
            {
                self.actions.push(Action::Cancel(id));
                slot.state = SlotState::Wanted;
            }
        }
    }

    /// The last final block here is another one, whoever brought it.
    pub fn finalized(&mut self, id: BlockId, now: Duration) {
        if id.number > self.base.number {
            self.base = id;
            self.behind_since = Some(now);
        }
    }

    /// Asks at once, without patience.
    pub fn hurry(&mut self, now: Duration) {
        self.active |= self.peers.highest(now) > Some(self.base.number);
    }

    /// What came of a question.
    pub fn answered(&mut self, id: RequestId, result: Result<Batch, Failure>, now: Duration) {
        let asked = self.window.iter().enumerate().find_map(|(place, slot)| match slot.state {
            SlotState::Asked { id: of, peer, .. } if of == id => Some((place, peer)),
            _ => None,
        });
        // Cancelled.
        let Some((place, peer)) = asked else { return };
        self.peers.closed(&peer);
        let slot = &mut self.window[place];
        let (first, last) = (slot.first, slot.last());
        slot.state = SlotState::Wanted;
        match result {
            Ok(batch) if batch.blocks().first().is_some_and(|block| block.id.number == first) => {
                self.peers.delivered(&peer, slot.count, batch.len());
                slot.count = batch.len().min(slot.count);
                slot.state = SlotState::Ready { peer, batch };
                let end = slot.last();
                // What did not fit in the answer.
                if let Some(rest) = Slot::wanted(end.saturating_add(1), last, None)
                    && end < last
                {
                    self.window.insert(place + 1, rest);
                }
            }
            // Not what `Batch::check` makes of the answer to this question.
            Ok(_) => {}
            Err(failure) => {
                slot.failed = Some(peer);
                self.failed(peer, first, failure, now);
            }
        }
    }

    fn failed(&mut self, peer: PeerId, first: BlockNumber, failure: Failure, now: Duration) {
        match failure {
            Failure::Later => self.peers.busy(&peer, now),
            Failure::Charged => self.peers.wronged(&peer, now),
            Failure::Wrong(fault) => self.blame(peer, Cost::WrongAnswer, fault.to_string(), now),
            Failure::Empty => {
                self.peers.cannot_serve(&peer, first);
                self.blame(
                    peer,
                    Cost::EmptyAnswer,
                    format!("it calls block {first} final and does not have it"),
                    now,
                );
            }
        }
    }

    /// What came of [`Action::Import`].
    pub fn imported(&mut self, outcome: Outcome, now: Duration) {
        self.finalized(outcome.finalized, now);
        let Some(Importing { peer, last }) = self.importing.take() else { return };
        let mut failed = None;
        self.trouble = None;
        match outcome.end {
            End::Done => self.peers.proved(&peer),
            End::Wrong(fault) => {
                failed = Some(peer);
                self.blame(peer, Cost::BadBlock, fault.to_string(), now);
            }
            End::Overtaken => self.halted_until = now.saturating_add(OVERTAKEN_PAUSE),
            End::Trouble(trouble) => {
                self.halted_until = now.saturating_add(TROUBLE_PAUSE);
                self.trouble = Some(trouble);
            }
        }
        let next = self.base.number.saturating_add(1);
        if self.base.number < last
            && let Some(missing) = Slot::wanted(next, last, failed)
        {
            self.window.push_front(missing);
        }
    }

    /// Decides. To be called after each change, and when [`CatchUp::deadline`] has come.
    pub fn poll(&mut self, now: Duration) -> Vec<Action> {
        self.expire(now);
        self.decide_whether(now);
        self.forget_what_is_final();
        self.import_next(now);
        if self.active {
            self.ask(now);
        }
        std::mem::take(&mut self.actions)
    }

    /// When [`CatchUp::poll`] has something to do if nothing else happens before.
    pub fn deadline(&self, now: Duration) -> Option<Duration> {
        let asked = self.window.iter().filter_map(|slot| match slot.state {
            SlotState::Asked { until, .. } => Some(until),
            _ => None,
        });
        let patience = match self.behind_since {
            Some(since) if !self.active => Some(since.saturating_add(self.patience)),
            _ => None,
        };
        let times = asked.chain(patience).chain([self.halted_until]).chain(self.peers.pauses());
        times.filter(|time| *time > now).min()
    }

    /// Where it stands.
    pub fn progress(&self, now: Duration) -> Progress {
        let finalized = self.base.number;
        let highest = self.peers.highest(now).map_or(finalized, |highest| highest.max(finalized));
        Progress {
            finalized,
            highest,
            syncing: highest - finalized > SYNCING_ABOVE,
            peers: self.peers.count(),
            trouble: self.trouble.clone(),
        }
    }

    /// Gives up questions that took too long.
    fn expire(&mut self, now: Duration) {
        let mut slow = Vec::new();
        for slot in &mut self.window {
            if let SlotState::Asked { id, peer, until } = slot.state
                && until <= now
            {
                slot.state = SlotState::Wanted;
                slot.failed = Some(peer);
                self.actions.push(Action::Cancel(id));
                slow.push(peer);
            }
        }
        for peer in slow {
            self.peers.closed(&peer);
            self.peers.too_slow(&peer);
            let why = format!("no answer within {} s", RANGE_TIMEOUT.as_secs());
            self.blame(peer, Cost::Slow, why, now);
        }
    }

    /// Whether to ask for blocks: until all are there, once it has begun.
    fn decide_whether(&mut self, now: Duration) {
        let behind = match self.peers.highest(now) {
            Some(highest) => highest.saturating_sub(self.base.number),
            None => 0,
        };
        if behind == 0 {
            self.active = false;
            self.behind_since = None;
            return;
        }
        let since = *self.behind_since.get_or_insert(now);
        self.active |= behind > FAR_BEHIND || now.saturating_sub(since) >= self.patience;
    }

    fn forget_what_is_final(&mut self) {
        while let Some(slot) = self.window.front_mut() {
            if slot.last() <= self.base.number {
                self.drop_front();
                continue;
            }
            let next = self.base.number.saturating_add(1);
            if slot.is_wanted() && slot.first < next {
                slot.count -= next - slot.first;
                slot.first = next;
            }
            break;
        }
    }

    fn drop_front(&mut self) {
        if let Some(SlotState::Asked { id, peer, .. }) = self.window.pop_front().map(|slot| slot.state) {
            self.actions.push(Action::Cancel(id));
            self.peers.closed(&peer);
        }
    }

    fn import_next(&mut self, now: Duration) {
        while self.importing.is_none() && self.halted_until <= now {
            let Some(slot) = self.window.front_mut() else { return };
            if !matches!(slot.state, SlotState::Ready { .. }) {
                return;
            }
            let (first, last) = (slot.first, slot.last());
            let SlotState::Ready { peer, batch } = std::mem::replace(&mut slot.state, SlotState::Wanted)
            else {
                return;
            };
            match batch.above(self.base) {
                Ok(Some(batch)) => {
                    self.window.pop_front();
                    self.importing = Some(Importing { peer, last });
                    self.actions.push(Action::Import { peer, batch });
                }
                // All of it is final already; `forget_what_is_final` leaves no such slot.
                Ok(None) => {
                    self.window.pop_front();
                }
                Err(fault) => {
                    slot.failed = Some(peer);
                    slot.first = first.max(self.base.number.saturating_add(1));
                    slot.count = (last - slot.first).saturating_add(1);
                    self.blame(peer, Cost::WrongAnswer, fault.to_string(), now);
                }
            }
        }
    }

    /// Gives ranges to peers, the lowest first.
    fn ask(&mut self, now: Duration) {
        let highest = self.peers.highest(now).unwrap_or(0);
        while self.window.back().is_some_and(|slot| slot.is_wanted() && slot.first > highest) {
            self.window.pop_back();
        }
        let held = self.window.iter().filter(|slot| !slot.is_wanted()).count();
        let mut room = RANGES_MAX.saturating_sub(held + usize::from(self.importing.is_some()));
        let mut place = 0;
        while room > 0 {
            if place == self.window.len() && !self.extend(highest) {
                return;
            }
            if self.window[place].is_wanted() {
                // Whoever has a later block has this one.
                if !self.assign(place, now) {
                    return;
                }
                room -= 1;
            }
            place += 1;
        }
    }

    /// Another range at the end.
    fn extend(&mut self, highest: BlockNumber) -> bool {
        let end = match (self.window.back(), self.importing) {
            (Some(slot), _) => slot.last(),
            (None, Some(importing)) => importing.last.max(self.base.number),
            (None, None) => self.base.number,
        };
        let Some(first) = end.checked_add(1) else { return false };
        let last = highest.min(end.saturating_add(BATCH_BLOCKS_MAX));
        match Slot::wanted(first, last, None) {
            Some(slot) => {
                self.window.push_back(slot);
                true
            }
            None => false,
        }
    }

    fn assign(&mut self, place: usize, now: Duration) -> bool {
        let slot = &mut self.window[place];
        let (first, last) = (slot.first, slot.last());
        let Some((peer, most)) = self.peers.choose(first, slot.failed, now) else { return false };
        let id = self.next_id;
        self.next_id += 1;
        slot.count = slot.count.min(most);
        let (count, end) = (slot.count, slot.last());
        slot.state = SlotState::Asked { id, peer, until: now.saturating_add(RANGE_TIMEOUT) };
        if end < last
            && let Some(rest) = Slot::wanted(end.saturating_add(1), last, None)
        {
            self.window.insert(place + 1, rest);
        }
        self.peers.opened(&peer, id);
        self.actions.push(Action::Request { id, peer, first, count });
        true
    }

    fn blame(&mut self, peer: PeerId, cost: Cost, why: String, now: Duration) {
        self.peers.wronged(&peer, now);
        self.actions.push(Action::Report { peer, cost, why });
    }
}
