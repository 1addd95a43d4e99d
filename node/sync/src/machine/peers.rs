//! What is known of each peer.

use std::{collections::BTreeMap, time::Duration};

use basalt_network::PeerId;
use basalt_primitives::BlockNumber;

use super::RequestId;
use crate::limits::{
    ABSENT_MAX, BATCH_BLOCKS_MAX, BUSY_DOUBLINGS_MAX, BUSY_PAUSE, COOL_OFF, COOL_OFF_DOUBLINGS_MAX,
    REQUESTS_PER_PEER_MAX,
};

#[derive(Debug, Default)]
pub(super) struct Peers {
    present: BTreeMap<PeerId, Peer>,
    /// Who did wrong and is gone, so that coming back clears nothing. [`ABSENT_MAX`] at most.
    absent: BTreeMap<PeerId, Record>,
}

#[derive(Debug)]
struct Peer {
    /// What it says is final.
    claim: BlockNumber,
    /// Questions that are open.
    open: usize,
    /// How many blocks it is asked for at once: what it manages in time.
    batch: u32,
    /// The last question: those who wait longest come first.
    asked: Option<RequestId>,
    busy_until: Duration,
    busy: u32,
    record: Record,
}

/// What a peer did.
#[derive(Debug, Clone, Copy, Default)]
struct Record {
    wrongs: u32,
    /// Until then it is neither asked nor believed.
    until: Duration,
}

impl Peers {
    pub(super) fn announced(&mut self, id: PeerId, claim: BlockNumber) {
        let absent = &mut self.absent;
        let peer = self.present.entry(id).or_insert_with(|| Peer {
            claim,
            open: 0,
            batch: BATCH_BLOCKS_MAX,
            asked: None,
            busy_until: Duration::ZERO,
            busy: 0,
            record: absent.remove(&id).unwrap_or_default(),
        });
        peer.claim = claim;
    }

    pub(super) fn gone(&mut self, id: PeerId, now: Duration) {
        let Some(peer) = self.present.remove(&id) else { return };
        if peer.record.wrongs == 0 {
            return;
        }
        self.absent.retain(|_, record| record.until > now);
        if self.absent.len() >= ABSENT_MAX
            && let Some(first) = self.absent.iter().min_by_key(|(_, record)| record.until).map(|(id, _)| *id)
        {
            self.absent.remove(&first);
        }
        self.absent.insert(id, peer.record);
    }

    pub(super) fn count(&self) -> usize {
        self.present.len()
    }

    /// The highest block that somebody calls final who did no wrong lately.
    pub(super) fn highest(&self, now: Duration) -> Option<BlockNumber> {
        self.present.values().filter(|peer| peer.record.until <= now).map(|peer| peer.claim).max()
    }

    /// Whom to ask for the block `first`, and for how many from there on: another than the one who failed if there is
    /// one, who has the fewest questions open, and waits longest for one.
    pub(super) fn choose(
        &self,
        first: BlockNumber,
        failed: Option<PeerId>,
        now: Duration,
    ) -> Option<(PeerId, u32)> {
        let able = self.present.iter().filter(|(_, peer)| {
            peer.record.until <= now
                && peer.busy_until <= now
                && peer.open < REQUESTS_PER_PEER_MAX
                && peer.claim >= first
        });
        let (id, peer) = able.min_by_key(|(id, peer)| (failed == Some(**id), peer.open, peer.asked))?;
        Some((*id, peer.batch.min((peer.claim - first).saturating_add(1))))
    }

    pub(super) fn opened(&mut self, id: &PeerId, request: RequestId) {
        if let Some(peer) = self.present.get_mut(id) {
            peer.open += 1;
            peer.asked = Some(request);
        }
    }

    pub(super) fn closed(&mut self, id: &PeerId) {
        if let Some(peer) = self.present.get_mut(id) {
            peer.open = peer.open.saturating_sub(1);
        }
    }

    /// It gave `got` blocks of `asked`: as many as fit in an answer.
    pub(super) fn delivered(&mut self, id: &PeerId, asked: u32, got: u32) {
        if let Some(peer) = self.present.get_mut(id) {
            let twice = got.saturating_mul(2).clamp(1, BATCH_BLOCKS_MAX);
            peer.batch = if got < asked { twice } else { peer.batch.max(twice) };
            peer.busy = 0;
        }
    }

    /// Its blocks were right: a wrong is forgiven, so who does both in turn gains nothing.
    pub(super) fn proved(&mut self, id: &PeerId) {
        if let Some(peer) = self.present.get_mut(id) {
            peer.record.wrongs = peer.record.wrongs.saturating_sub(1);
        }
    }

    pub(super) fn busy(&mut self, id: &PeerId, now: Duration) {
        if let Some(peer) = self.present.get_mut(id) {
            let pause = BUSY_PAUSE.saturating_mul(1 << peer.busy);
            peer.busy = (peer.busy + 1).min(BUSY_DOUBLINGS_MAX);
            peer.busy_until = now.saturating_add(pause);
        }
    }

    pub(super) fn too_slow(&mut self, id: &PeerId) {
        if let Some(peer) = self.present.get_mut(id) {
            peer.batch = (peer.batch / 2).max(1);
        }
    }

    /// It does not have the block `first`.
    pub(super) fn cannot_serve(&mut self, id: &PeerId, first: BlockNumber) {
        if let Some(peer) = self.present.get_mut(id) {
            peer.claim = peer.claim.min(first.saturating_sub(1));
        }
    }

    pub(super) fn wronged(&mut self, id: &PeerId, now: Duration) {
        // Blocks may turn out wrong after their sender has gone.
        let record = match self.present.get_mut(id) {
            Some(peer) => &mut peer.record,
            None if self.absent.len() >= ABSENT_MAX && !self.absent.contains_key(id) => return,
            None => self.absent.entry(*id).or_default(),
        };
        let pause = COOL_OFF.saturating_mul(1 << record.wrongs.min(COOL_OFF_DOUBLINGS_MAX));
        record.wrongs = record.wrongs.saturating_add(1);
        record.until = now.saturating_add(pause);
    }

    /// When peers may be asked again.
    pub(super) fn pauses(&self) -> impl Iterator<Item = Duration> {
        self.present.values().flat_map(|peer| [peer.record.until, peer.busy_until])
    }
}
