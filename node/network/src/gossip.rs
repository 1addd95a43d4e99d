//! Who has which transaction and which vote, and who is to get it.
//!
//! Transactions: pushed when short, to the square root of all peers (at least eight) and announced to the others, who ask for
//! what they do not have; longer ones are announced to all. Consensus messages go to everybody who follows.
//!
//! Pure: no stream, no clock.

use std::collections::{HashMap, VecDeque};

use basalt_primitives::{H256, Moment};
use bytes::Bytes;

use crate::{PeerId, limits, seen::Recent};

#[cfg(test)]
mod tests;

/// What a message is that has come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Received {
    /// Never seen, or so long ago that it was forgotten.
    New,
    /// Another peer was faster.
    Seen,
    /// The same peer has sent it before.
    Repeated,
}

/// Who else has an announced transaction while one peer is being asked for it.
const ANNOUNCERS_MAX: usize = 4;
/// Peers that are remembered as the senders of one consensus message.
const SENDERS_MAX: usize = 8;

/// Transactions.
#[derive(Debug)]
pub(crate) struct Gossip {
    /// Handed to the node, or sent by it.
    seen: Recent<H256>,
    /// What each peer has, as far as we know; half of a hash each.
    known: HashMap<PeerId, Recent<u64, Known>>,
    /// Those that were announced by us and may be asked for.
    kept: HashMap<H256, Bytes>,
    /// Their hashes, the oldest first.
    kept_order: VecDeque<H256>,
    kept_bytes: usize,
    /// Being asked for: who else has it.
    asked: HashMap<H256, Vec<PeerId>>,
}

/// How a peer came to have a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    /// It sent it.
    Theirs,
    /// It announced it, or we sent or announced it: it may cross ours on the way.
    Told,
}

impl Gossip {
    pub(crate) fn new() -> Self {
        Self {
            seen: Recent::new(limits::TRANSACTIONS_SEEN_MAX),
            known: HashMap::new(),
            kept: HashMap::new(),
            kept_order: VecDeque::new(),
            kept_bytes: 0,
            asked: HashMap::new(),
        }
    }

    pub(crate) fn connected(&mut self, peer: PeerId) {
        self.known.entry(peer).or_insert_with(|| Recent::new(limits::TRANSACTIONS_KNOWN_MAX));
    }

    pub(crate) fn disconnected(&mut self, peer: &PeerId) {
        self.known.remove(peer);
    }

    /// `peer` has sent the whole transaction.
    pub(crate) fn received(&mut self, peer: PeerId, hash: H256) -> Received {
        let Some(known) = self.known.get_mut(&peer) else { return Received::Seen };
        let repeated = known.get(&half(&hash)) == Some(&Known::Theirs);
        known.insert(half(&hash), Known::Theirs);
        match (self.seen.insert(hash, ()), repeated) {
            (true, _) => Received::New,
            (false, false) => Received::Seen,
            (false, true) => Received::Repeated,
        }
    }

    /// The node has not looked at it and will not.
    pub(crate) fn forget(&mut self, hash: &H256) {
        self.seen.remove(hash);
    }

    /// `peer` has announced it. Says whether to ask the peer for it, now.
    pub(crate) fn announced(&mut self, peer: PeerId, hash: H256) -> bool {
        let Some(known) = self.known.get_mut(&peer) else { return false };
        if !known.contains(&half(&hash)) {
            known.insert(half(&hash), Known::Told);
        }
        if self.seen.contains(&hash) {
            return false;
        }
        match self.asked.get_mut(&hash) {
            Some(others) => {
                if others.len() < ANNOUNCERS_MAX && !others.contains(&peer) {
                    others.push(peer);
                }
                false
            }
            None => true,
        }
    }

    /// `peer` is about to be asked for it. Says whether that is still of use.
    pub(crate) fn ask(&mut self, hash: H256) -> bool {
        if self.seen.contains(&hash) || self.asked.contains_key(&hash) {
            return false;
        }
        // One entry for each transaction that is being asked for: bounded by the questions open.
        self.asked.insert(hash, Vec::new());
        true
    }

    /// The peer that was asked has answered, or not. Says whom to ask next, if it is still wanted.
    pub(crate) fn asked(&mut self, hash: &H256) -> Option<PeerId> {
        let others = self.asked.remove(hash)?;
        if self.seen.contains(hash) {
            return None;
        }
        others.into_iter().find(|peer| self.known.contains_key(peer))
    }

    /// The node spreads a valid transaction: for each peer whether to push (`true`), to announce (`false`), or nothing.
    pub(crate) fn spread(&mut self, hash: H256, bytes: &Bytes, peers: &[PeerId]) -> Vec<Option<bool>> {
        self.seen.insert(hash, ());
        let short = bytes.len() <= limits::TRANSACTION_PUSH_BYTES_MAX;
        let mut pushes = peers.len().isqrt().max(limits::TRANSACTION_PUSH_PEERS_MIN);
        let mut announced = false;
        // Begin anywhere, but for all nodes elsewhere: else the same few peers would get all pushes.
        let begin = usize::try_from(half(&hash) % (peers.len().max(1) as u64)).unwrap_or(0);
        let mut plan = vec![None; peers.len()];
        for place in (begin..peers.len()).chain(0..begin) {
            let Some(known) = self.known.get_mut(&peers[place]) else { continue };
            if known.contains(&half(&hash)) {
                continue;
            }
            known.insert(half(&hash), Known::Told);
            let push = short && pushes > 0;
            if push {
                pushes -= 1;
            }
            announced |= !push;
            plan[place] = Some(push);
        }
        if announced {
            self.keep(hash, bytes.clone());
        }
        plan
    }

    fn keep(&mut self, hash: H256, bytes: Bytes) {
        let length = bytes.len();
        if self.kept.insert(hash, bytes).is_some() {
            return;
        }
        self.kept_bytes += length;
        self.kept_order.push_back(hash);
        while self.kept_bytes > limits::TRANSACTIONS_KEPT_BYTES_MAX {
            let Some(oldest) = self.kept_order.pop_front() else { break };
            self.kept_bytes -= self.kept.remove(&oldest).map_or(0, |bytes| bytes.len());
        }
    }

    /// An announced transaction that a peer asks for.
    pub(crate) fn kept(&self, hash: &H256) -> Option<Bytes> {
        self.kept.get(hash).cloned()
    }
}

/// Which consensus messages came from whom, and which were passed on.
#[derive(Debug)]
pub(crate) struct Votes(Recent<H256, Vote>);

#[derive(Debug, Default)]
struct Vote {
    /// When the node got it last, if at all.
    handed_at: Option<Moment>,
    relayed: bool,
    from: Vec<PeerId>,
}

impl Votes {
    pub(crate) fn new() -> Self {
        Self(Recent::new(limits::CONSENSUS_SEEN_MAX))
    }

    fn of(&mut self, hash: H256) -> Option<&mut Vote> {
        if !self.0.contains(&hash) {
            self.0.insert(hash, Vote::default());
        }
        self.0.get_mut(&hash)
    }

    /// `peer` has sent it. New, too, when it was handed to the node more than [`limits::CONSENSUS_REPEAT`] ago.
    pub(crate) fn received(&mut self, peer: PeerId, hash: H256, now: Moment) -> Received {
        let Some(vote) = self.of(hash) else { return Received::New };
        let pause_ms = u64::try_from(limits::CONSENSUS_REPEAT.as_millis()).unwrap_or(u64::MAX);
        let repeated = vote.from.contains(&peer);
        if !repeated && vote.from.len() < SENDERS_MAX {
            vote.from.push(peer);
        }
        match vote.handed_at {
            Some(at) if now.saturating_sub(at) < pause_ms && repeated => Received::Repeated,
            Some(at) if now.saturating_sub(at) < pause_ms => Received::Seen,
            _ => {
                vote.handed_at = Some(now);
                Received::New
            }
        }
    }

    /// It is one of our own: sent to everybody, and of no news when it comes back.
    pub(crate) fn relayed(&mut self, hash: H256, now: Moment) {
        if let Some(vote) = self.of(hash) {
            vote.relayed = true;
            vote.handed_at = Some(now);
        }
    }

    /// The node wants to pass it on: whom to leave out, or `None` if that was done.
    pub(crate) fn relay(&mut self, hash: H256, now: Moment) -> Option<Vec<PeerId>> {
        let vote = self.of(hash)?;
        if std::mem::replace(&mut vote.relayed, true) {
            return None;
        }
        vote.handed_at.get_or_insert(now);
        Some(vote.from.clone())
    }
}

fn half(hash: &H256) -> u64 {
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&hash.0[..8]);
    u64::from_le_bytes(bytes)
}
