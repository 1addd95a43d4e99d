//! What is known of peers, connected or not: addresses, what is held against them, bans, failures.
//!
//! Pure: time comes in as milliseconds since 1970. [`mod@file`] keeps it on disk.

use std::{collections::BTreeMap, time::Duration};

use basalt_primitives::Moment;
use serde::{Deserialize, Serialize};

use crate::{
    Cost, Multiaddr, PeerId, backoff, limits,
    reputation::{self, Score, Standing},
};

pub(crate) mod file;
#[cfg(test)]
mod tests;

/// All known peers; at most [`limits::PEERS_STORED_MAX`].
#[derive(Debug, Default)]
pub(crate) struct PeerStore {
    peers: BTreeMap<PeerId, Record>,
    changed: bool,
}

/// One of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Record {
    /// The newest last.
    addresses: Vec<Multiaddr>,
    score: Score,
    banned_until: Option<Moment>,
    bans: u32,
    /// When a handshake with it last succeeded.
    connected_at: Option<Moment>,
    /// Dials that failed since.
    failures: u32,
    dial_after: Moment,
    /// Never forgotten, never banned.
    reserved: bool,
    /// Never forgotten.
    bootnode: bool,
    connected: bool,
}

/// A peer as the file has it.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub(crate) struct Entry {
    id: PeerId,
    addresses: Vec<Multiaddr>,
    #[serde(default)]
    score: i32,
    #[serde(default)]
    scored_at: Moment,
    #[serde(default)]
    banned_until: Option<Moment>,
    #[serde(default)]
    bans: u32,
    #[serde(default)]
    connected_at: Option<Moment>,
}

/// What follows from a charge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Consequence {
    None,
    /// There is no room to remember it.
    Disconnect,
    /// Kept out until then.
    Ban(Moment),
}

impl PeerStore {
    /// Restores what a file had. Entries beyond the limits are left out.
    pub(crate) fn restore(entries: Vec<Entry>, now: Moment) -> Self {
        let mut store = Self::default();
        for entry in entries.into_iter().take(limits::PEERS_STORED_MAX) {
            let addresses =
                entry.addresses.into_iter().filter(fits).take(limits::ADDRESSES_PER_PEER_MAX).collect();
            // A ban from a clock that was wrong is not longer than one can be.
            let banned_until = entry.banned_until.map(|until| until.min(now + reputation::BAN_LONGEST_MS));
            let record = Record {
                addresses,
                score: Score::new(entry.score, entry.scored_at.min(now)),
                banned_until: banned_until.filter(|until| *until > now),
                bans: entry.bans,
                connected_at: entry.connected_at,
                ..Record::default()
            };
            store.peers.insert(entry.id, record);
        }
        store
    }

    /// What a file should have. Peers of which nothing is known but a name are left out.
    pub(crate) fn entries(&self, now: Moment) -> Vec<Entry> {
        let worth = |record: &Record| {
            !record.addresses.is_empty() || record.score.points(now) < 0 || record.banned_until.is_some()
        };
        let kept = self.peers.iter().filter(|(_, record)| worth(record));
        kept.map(|(id, record)| Entry {
            id: *id,
            addresses: record.addresses.clone(),
            score: record.score.points(now),
            scored_at: now,
            banned_until: record.banned_until,
            bans: record.bans,
            connected_at: record.connected_at,
        })
        .collect()
    }

    /// Whether anything worth writing happened since the last call.
    pub(crate) fn take_changed(&mut self) -> bool {
        std::mem::take(&mut self.changed)
    }

    /// The record of `peer`, made if there is room or somebody less useful can go.
    fn record(&mut self, peer: PeerId, now: Moment) -> Option<&mut Record> {
        if !self.peers.contains_key(&peer) && self.peers.len() >= limits::PEERS_STORED_MAX {
            let evicted = self.least_useful(now)?;
            self.peers.remove(&evicted);
        }
        self.changed = true;
        Some(self.peers.entry(peer).or_default())
    }

    /// Who can be forgotten best: nobody we are connected with, want, or keep out.
    fn least_useful(&self, now: Moment) -> Option<PeerId> {
        let bans = self.peers.values().filter(|record| record.is_banned(now)).count();
        // An attacker with many names must not fill the store with bans: half of it at most.
        let may_unban = bans > limits::PEERS_STORED_MAX / 2;
        let candidates = self.peers.iter().filter(|(_, record)| {
            !record.connected && !record.reserved && !record.bootnode && (may_unban || !record.is_banned(now))
        });
        candidates.min_by_key(|(_, record)| record.usefulness(now)).map(|(id, _)| *id)
    }

    /// Learns an address. Says whether it is new.
    pub(crate) fn add_address(&mut self, peer: PeerId, address: Multiaddr, now: Moment) -> bool {
        let address = address.without_peer();
        if !fits(&address) {
            return false;
        }
        let Some(record) = self.record(peer, now) else { return false };
        let is_new = !record.addresses.contains(&address);
        // One that is told again is moved to the end, where the newest are.
        record.addresses.retain(|other| *other != address);
        if record.addresses.len() >= limits::ADDRESSES_PER_PEER_MAX {
            record.addresses.remove(0);
        }
        record.addresses.push(address);
        is_new
    }

    /// The addresses of a peer, the newest first.
    pub(crate) fn addresses(&self, peer: &PeerId) -> Vec<Multiaddr> {
        let known = self.peers.get(peer).map(|record| record.addresses.iter().rev().cloned().collect());
        known.unwrap_or_default()
    }

    pub(crate) fn set_reserved(&mut self, peer: PeerId, reserved: bool, now: Moment) {
        if let Some(record) = self.record(peer, now) {
            record.reserved = reserved;
            if reserved {
                record.banned_until = None;
                record.dial_after = 0;
            }
        }
    }

    pub(crate) fn set_bootnode(&mut self, peer: PeerId, now: Moment) {
        if let Some(record) = self.record(peer, now) {
            record.bootnode = true;
        }
    }

    /// Charges a peer, and says what follows. A ban wipes the slate: its length is the punishment.
    pub(crate) fn charge(&mut self, peer: PeerId, cost: Cost, times: u32, now: Moment) -> Consequence {
        let Some(record) = self.record(peer, now) else { return Consequence::Disconnect };
        record.score.charge(cost, times, now);
        if record.reserved {
            return Consequence::None;
        }
        match record.score.standing(now) {
            Standing::Good => Consequence::None,
            Standing::Poor if record.is_banned(now) => Consequence::None,
            // Its score stays: who goes on where it stopped is soon banned for longer.
            Standing::Poor => {
                let until = now.saturating_add(reputation::PAUSE_MS);
                record.banned_until = Some(until);
                Consequence::Ban(until)
            }
            Standing::Bad => Consequence::Ban(self.ban(peer, None, now).unwrap_or(now)),
        }
    }

    /// Bans a peer for `time`, or as long as its record demands. `None` if it is reserved.
    pub(crate) fn ban(&mut self, peer: PeerId, time: Option<Duration>, now: Moment) -> Option<Moment> {
        let record = self.record(peer, now)?;
        if record.reserved {
            return None;
        }
        let asked_ms = time.map(|time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX));
        let length_ms = asked_ms.unwrap_or_else(|| reputation::ban_ms(record.bans));
        let until = now.saturating_add(length_ms.min(reputation::BAN_LONGEST_MS));
        record.bans = record.bans.saturating_add(1);
        record.banned_until = Some(until);
        record.score.clear(now);
        Some(until)
    }

    pub(crate) fn unban(&mut self, peer: &PeerId) -> bool {
        let Some(record) = self.peers.get_mut(peer) else { return false };
        self.changed = true;
        record.banned_until.take().is_some()
    }

    pub(crate) fn is_banned(&self, peer: &PeerId, now: Moment) -> bool {
        self.peers.get(peer).is_some_and(|record| record.is_banned(now))
    }

    pub(crate) fn banned(&self, now: Moment) -> Vec<PeerId> {
        self.peers.iter().filter(|(_, record)| record.is_banned(now)).map(|(id, _)| *id).collect()
    }

    /// Ends the bans whose time is over, and returns whose they were.
    pub(crate) fn expire_bans(&mut self, now: Moment) -> Vec<PeerId> {
        let mut freed = Vec::new();
        for (id, record) in &mut self.peers {
            if record.banned_until.is_some() && !record.is_banned(now) {
                record.banned_until = None;
                freed.push(*id);
            }
        }
        self.changed |= !freed.is_empty();
        freed
    }

    pub(crate) fn score(&self, peer: &PeerId, now: Moment) -> i32 {
        self.peers.get(peer).map_or(0, |record| record.score.points(now))
    }

    pub(crate) fn connected(&mut self, peer: PeerId, now: Moment) {
        if let Some(record) = self.record(peer, now) {
            record.connected = true;
            record.connected_at = Some(now);
            record.failures = 0;
        }
    }

    /// The last connection is gone. It is not dialled again at once: it may have closed it on purpose.
    pub(crate) fn disconnected(&mut self, peer: &PeerId, limits: &Redial, random: u64, now: Moment) {
        if let Some(record) = self.peers.get_mut(peer) {
            record.connected = false;
            record.postpone(1, limits, random, now);
        }
    }

    /// A dial, or the handshake after it, failed.
    pub(crate) fn failed(&mut self, peer: &PeerId, limits: &Redial, random: u64, now: Moment) {
        if let Some(record) = self.peers.get_mut(peer) {
            record.failures = record.failures.saturating_add(1);
            record.postpone(record.failures, limits, random, now);
        }
    }

    /// Whom to dial now: all reserved peers that are not there, and `others` more, boot nodes last. None that is banned,
    /// connected, in `skip`, or to be left alone for now.
    pub(crate) fn to_dial(
        &self,
        others: usize,
        reserved_only: bool,
        skip: impl Fn(&PeerId) -> bool,
        now: Moment,
    ) -> Vec<PeerId> {
        let free = self.peers.iter().filter(|(id, record)| {
            !record.connected
                && !record.is_banned(now)
                && record.dial_after <= now
                && !record.addresses.is_empty()
                && !skip(id)
        });
        let (reserved, mut rest): (Vec<_>, Vec<_>) = free.partition(|(_, record)| record.reserved);
        // Those that were there lately first. Boot nodes know everybody and serve everybody: only if we know too few.
        rest.sort_by_key(|(id, record)| {
            (record.failures, record.bootnode, std::cmp::Reverse(record.usefulness(now)), **id)
        });
        let others = if reserved_only { 0 } else { others };
        reserved.into_iter().chain(rest.into_iter().take(others)).map(|(id, _)| *id).collect()
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.peers.len()
    }
}

/// How lost peers are tried again.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Redial {
    pub(crate) first: Duration,
    pub(crate) max: Duration,
    pub(crate) reserved_max: Duration,
}

impl Record {
    fn is_banned(&self, now: Moment) -> bool {
        self.banned_until.is_some_and(|until| until > now)
    }

    /// More is better: first what is held against it, then when it was last there.
    fn usefulness(&self, now: Moment) -> (bool, i32, Moment) {
        (!self.is_banned(now), self.score.points(now), self.connected_at.unwrap_or(0))
    }

    fn postpone(&mut self, failures: u32, limits: &Redial, random: u64, now: Moment) {
        let max = if self.reserved { limits.reserved_max } else { limits.max };
        let pause = backoff::pause(limits.first.min(max), max, failures, random);
        self.dial_after = now.saturating_add(u64::try_from(pause.as_millis()).unwrap_or(u64::MAX));
    }
}

fn fits(address: &Multiaddr) -> bool {
    address.to_string().len() <= limits::ADDRESS_BYTES_MAX
}
