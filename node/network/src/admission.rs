//! Who may connect, and how many.
//!
//! Pure: connections are known by a key, time comes in as milliseconds.

use std::{
    collections::{HashMap, HashSet},
    hash::Hash,
    net::IpAddr,
};

use basalt_primitives::Moment;

use crate::{ConnectionLimits, PeerId, Refusal, bucket::Bucket, limits, seen::Recent};

#[cfg(test)]
mod tests;

/// Why a connection is closed before a word is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Denied {
    #[error("{max} connections are waiting for their handshake already")]
    TooManyPending { max: usize },
    #[error("{ip} has {max} connections already")]
    TooManyOfAddress { ip: IpAddr, max: usize },
    #[error("the peer has {max} connections already")]
    TooManyOfPeer { max: usize },
    #[error("the peer is banned")]
    Banned,
    #[error("the peer connects too often")]
    Hasty,
}

/// The book of connections.
#[derive(Debug)]
pub(crate) struct Admission<K> {
    limits: ConnectionLimits,
    reserved_only: bool,
    reserved: HashSet<PeerId>,
    banned: HashSet<PeerId>,
    connections: HashMap<K, Connection>,
    /// How often peers may connect. The newest of them only: an id costs nothing, an address does.
    hasty: Recent<PeerId, Bucket>,
}

#[derive(Debug)]
struct Connection {
    ip: Option<IpAddr>,
    peer: Option<PeerId>,
    inbound: bool,
    /// Takes one of the places, of those for peers that dialled us (`true`) or of the others. All connections of a peer
    /// share one place.
    place: Option<bool>,
}

impl<K: Hash + Eq + Copy> Admission<K> {
    pub(crate) fn new(limits: ConnectionLimits, reserved_only: bool) -> Self {
        Self {
            limits,
            reserved_only,
            reserved: HashSet::new(),
            banned: HashSet::new(),
            connections: HashMap::new(),
            hasty: Recent::new(limits::PEERS_STORED_MAX),
        }
    }

    pub(crate) fn set_reserved(&mut self, peer: PeerId, reserved: bool) {
        match reserved {
            true => self.reserved.insert(peer),
            false => self.reserved.remove(&peer),
        };
    }

    pub(crate) fn is_reserved(&self, peer: &PeerId) -> bool {
        self.reserved.contains(peer)
    }

    /// All reserved peers.
    pub(crate) fn reserved(&self) -> impl Iterator<Item = PeerId> + '_ {
        self.reserved.iter().copied()
    }

    pub(crate) fn set_banned(&mut self, peer: PeerId, banned: bool) {
        match banned {
            true => self.banned.insert(peer),
            false => self.banned.remove(&peer),
        };
    }

    /// A socket was accepted.
    pub(crate) fn pending(&mut self, key: K, ip: Option<IpAddr>) -> Result<(), Denied> {
        self.check_pending()?;
        self.check_ip(ip)?;
        self.connections.insert(key, Connection { ip, peer: None, inbound: true, place: None });
        Ok(())
    }

    fn check_pending(&self) -> Result<(), Denied> {
        let max = limits::CONNECTIONS_PENDING_MAX;
        let pending = self.connections.values().filter(|one| one.inbound && one.place.is_none()).count();
        if pending >= max { Err(Denied::TooManyPending { max }) } else { Ok(()) }
    }

    fn check_ip(&self, ip: Option<IpAddr>) -> Result<(), Denied> {
        let max = self.limits.per_ip_max;
        let Some(ip) = ip else { return Ok(()) };
        if self.limits.loopback_exempt && ip.is_loopback() {
            return Ok(());
        }
        let same = self.connections.values().filter(|one| one.ip == Some(ip)).count();
        if same >= max { Err(Denied::TooManyOfAddress { ip, max }) } else { Ok(()) }
    }

    /// A connection has proved who is at the other end.
    pub(crate) fn established(
        &mut self,
        key: K,
        ip: Option<IpAddr>,
        peer: PeerId,
        inbound: bool,
        now: Moment,
    ) -> Result<(), Denied> {
        // Counted anew below, with all that is known now.
        let was_pending = self.connections.remove(&key).is_some();
        if self.banned.contains(&peer) {
            return Err(Denied::Banned);
        }
        let max = limits::CONNECTIONS_PER_PEER_MAX;
        if self.connections.values().filter(|one| one.peer == Some(peer)).count() >= max {
            return Err(Denied::TooManyOfPeer { max });
        }
        if inbound && !was_pending {
            self.check_pending()?;
        }
        if !self.reserved.contains(&peer) {
            self.check_ip(ip)?;
            if inbound && !self.in_time(peer, now) {
                return Err(Denied::Hasty);
            }
        }
        self.connections.insert(key, Connection { ip, peer: Some(peer), inbound, place: None });
        Ok(())
    }

    fn in_time(&mut self, peer: PeerId, now: Moment) -> bool {
        if !self.hasty.contains(&peer) {
            self.hasty.insert(peer, Bucket::new(limits::CONNECTIONS_RATE, now));
        }
        self.hasty.get_mut(&peer).is_none_or(|bucket| bucket.take(0, now))
    }

    /// Takes a place for the peer of a connection, or says why there is none.
    pub(crate) fn claim(&mut self, key: &K) -> Result<(), Refusal> {
        let Some((peer, inbound)) = self.connections.get(key).and_then(|one| Some((one.peer?, one.inbound)))
        else {
            // Closed meanwhile: nobody reads the answer.
            return Ok(());
        };
        let reserved = self.reserved.contains(&peer);
        if self.reserved_only && !reserved {
            return Err(Refusal::NotReserved);
        }
        let shared = self.connections.values().filter(|one| one.peer == Some(peer)).find_map(|one| one.place);
        let place = shared.unwrap_or(inbound);
        let max = if inbound { self.limits.inbound_max } else { self.limits.outbound_max };
        if !reserved && shared.is_none() && self.taken(inbound) >= max {
            return Err(Refusal::TooManyPeers { max: u32::try_from(max).unwrap_or(u32::MAX) });
        }
        if let Some(connection) = self.connections.get_mut(key) {
            connection.place = Some(place);
        }
        Ok(())
    }

    /// The places taken by peers that are not reserved.
    pub(crate) fn taken(&self, inbound: bool) -> usize {
        let placed = self.connections.values().filter(|one| one.place == Some(inbound));
        let peers: HashSet<PeerId> = placed.filter_map(|one| one.peer).collect();
        peers.difference(&self.reserved).count()
    }

    /// A connection is gone, at whatever stage.
    pub(crate) fn closed(&mut self, key: &K) {
        self.connections.remove(key);
    }
}
