//! A node that agrees with others: its keys, and its way to them.

use std::{
    collections::HashMap,
    io,
    sync::{Arc, Mutex, PoisonError},
};

use basalt_consensus_bft::{
    Incoming, Keys, Link, MESSAGES_MAX, Offence, PeerTag, Refusal, Slot, SlotStep, vrf_transcript,
};
use basalt_keystore::{
    KeyType, Keystore, VotePair, VrfPair,
    guard::{Guard, GuardFile, Record, Step as GuardStep, Turn, Verdict},
};
use basalt_network::{ConsensusReceiver, Cost, NetworkHandle, PeerId};
use basalt_primitives::{H256, OpaqueExtrinsic};
use basalt_runtime_api::ValidatorSet;
use basalt_sync::SyncHandle;
use futures::future::BoxFuture;
use tokio::sync::mpsc;

use crate::error::NodeError;

/// Peers whose tags are remembered; the oldest are forgotten beyond, and get others when they speak again.
const PEERS_MAX: usize = 4096;

/// A validator's keys, with the guard that survives what its log does not.
pub(crate) struct ValidatorKeys {
    vote: VotePair,
    vrf: VrfPair,
    file: GuardFile,
    /// With what was signed since the last sync.
    guard: Guard,
    unsynced: Option<Record>,
}

impl ValidatorKeys {
    /// The keys of the validator that this node is, or is to become.
    ///
    /// # Errors
    ///
    /// If the keystore has none, or several of which no one is in the set.
    pub(crate) fn open(keystore: &Keystore, set: &ValidatorSet) -> Result<Self, NodeError> {
        let votes = keystore.keys(KeyType::Vote)?;
        let member = set.validators.iter().find(|validator| votes.contains(&validator.vote_key));
        let vote_key = match (member, &votes[..]) {
            (Some(member), _) => member.vote_key,
            (None, [key]) => *key,
            (None, []) => return Err(NodeError::NoValidatorKeys(keystore.folder().to_owned())),
            (None, _) => return Err(NodeError::ManyValidatorKeys(keystore.folder().to_owned())),
        };
        let vrfs = keystore.keys(KeyType::Vrf)?;
        let vrf_key = match (member, &vrfs[..]) {
            (Some(member), _) => member.vrf_key,
            (None, [key]) => *key,
            (None, _) => return Err(NodeError::NoValidatorKeys(keystore.folder().to_owned())),
        };
        let missing = || NodeError::NoValidatorKeys(keystore.folder().to_owned());
        let vote = keystore.vote_pair(&vote_key)?.ok_or_else(missing)?;
        let vrf = keystore.vrf_pair(&vrf_key)?.ok_or_else(missing)?;
        let file = GuardFile::open(keystore.folder(), &vote_key)?;
        let guard = Guard { last: file.last() };
        Ok(Self { vote, vrf, file, guard, unsynced: None })
    }
}

impl Keys for ValidatorKeys {
    fn vote_key(&self) -> [u8; 32] {
        self.vote.public()
    }

    fn sign(&mut self, slot: Slot, digest: H256, payload: &[u8]) -> Result<[u8; 64], Refusal> {
        let step = match slot.step {
            SlotStep::Proposal => GuardStep::Proposal,
            SlotStep::Prevote => GuardStep::Prevote,
            SlotStep::Precommit => GuardStep::Precommit,
        };
        let next = Record { turn: Turn { height: slot.height, round: slot.round, step }, hash: digest.0 };
        match self.guard.check(&next) {
            Verdict::SameAgain => {}
            Verdict::Allowed => {
                self.guard.last = Some(next);
                self.unsynced = Some(next);
            }
            Verdict::Refused { last } => {
                return Err(Refusal(format!(
                    "the {} was signed before, and {} comes after it",
                    last.turn, next.turn
                )));
            }
        }
        Ok(self.vote.sign(payload))
    }

    fn sync(&mut self) -> io::Result<()> {
        // Turns only go on, so the last one stands for all before it.
        match self.unsynced.take() {
            Some(record) => self.file.admit(record).map_err(io::Error::other),
            None => Ok(()),
        }
    }

    fn last_height(&self) -> Option<u64> {
        self.guard.last.map(|last| last.turn.height)
    }

    fn vrf_sign(&self, input: &[u8]) -> ([u8; 32], [u8; 64]) {
        let signature = self.vrf.vrf_sign(vrf_transcript(input));
        (signature.output, signature.proof)
    }
}

/// Numbers for peers.
#[derive(Default)]
struct Tags {
    of_peer: HashMap<PeerId, PeerTag>,
    peers: HashMap<PeerTag, PeerId>,
    next: PeerTag,
}

impl Tags {
    fn tag(&mut self, peer: PeerId) -> PeerTag {
        if let Some(tag) = self.of_peer.get(&peer) {
            return *tag;
        }
        if self.peers.len() >= PEERS_MAX {
            self.of_peer.clear();
            self.peers.clear();
        }
        let tag = self.next;
        self.next += 1;
        self.of_peer.insert(peer, tag);
        self.peers.insert(tag, peer);
        tag
    }
}

/// Gets the body of a block from the network: by hash, root of its extrinsics, and who spoke of it.
pub(crate) type FetchBody =
    Arc<dyn Fn(H256, H256, Option<PeerId>) -> BoxFuture<'static, Option<Vec<OpaqueExtrinsic>>> + Send + Sync>;

/// The engine's way to the other validators.
pub(crate) struct NetworkLink {
    network: NetworkHandle,
    tags: Arc<Mutex<Tags>>,
    fetch: FetchBody,
    sync: SyncHandle,
}

impl NetworkLink {
    /// A way through this network, and the messages that come by it.
    pub(crate) fn new(
        network: NetworkHandle,
        mut received: ConsensusReceiver,
        fetch: FetchBody,
        sync: SyncHandle,
    ) -> (Self, mpsc::Receiver<Incoming>) {
        let tags: Arc<Mutex<Tags>> = Arc::default();
        let (sender, messages) = mpsc::channel(MESSAGES_MAX);
        let of_peers = tags.clone();
        // Ends with the network.
        tokio::spawn(async move {
            while let Some((peer, bytes)) = received.recv().await {
                let tag = of_peers.lock().unwrap_or_else(PoisonError::into_inner).tag(peer);
                // What finds no room is sent again by whoever still needs it heard.
                let _ = sender.try_send((tag, bytes));
            }
        });
        (Self { network, tags, fetch, sync }, messages)
    }

    /// Which peers the engine's numbers stand for.
    pub(crate) fn tagged(&self) -> Tagged {
        Tagged(self.tags.clone())
    }

    fn peer(&self, tag: PeerTag) -> Option<PeerId> {
        self.tagged().peer(tag)
    }
}

/// Which peers the engine's numbers stand for.
#[derive(Clone)]
pub(crate) struct Tagged(Arc<Mutex<Tags>>);

impl Tagged {
    pub(crate) fn peer(&self, tag: PeerTag) -> Option<PeerId> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).peers.get(&tag).copied()
    }
}

impl Link for NetworkLink {
    fn broadcast(&self, bytes: Vec<u8>) {
        if let Err(error) = self.network.broadcast_consensus(bytes) {
            tracing::warn!(%error, "a message to the other validators was not sent");
        }
    }

    fn report(&self, peer: PeerTag, offence: &Offence) {
        let Some(peer) = self.peer(peer) else { return };
        tracing::debug!(%peer, %offence, "a peer misbehaves");
        let cost = match offence {
            Offence::BadSignature | Offence::Stranger(_) | Offence::BadProposal(_) => {
                Cost::BadConsensusMessage
            }
        };
        self.network.report(peer, cost);
    }

    fn fetch(
        &self,
        hash: H256,
        root: H256,
        from: PeerTag,
    ) -> BoxFuture<'static, Option<Vec<OpaqueExtrinsic>>> {
        (self.fetch)(hash, root, self.peer(from))
    }

    fn behind(&self, _: PeerTag, _: u64) {
        self.sync.hurry();
    }
}

#[cfg(test)]
mod tests {
    use basalt_primitives::hashing::blake2_256;

    use super::*;

    #[test]
    fn keys_are_found_by_the_set_and_remember_what_they_signed() {
        let folder = tempfile::tempdir().unwrap();
        let keystore = Keystore::open(folder.path().join("keystore")).unwrap();
        let empty = ValidatorSet::default();
        assert!(matches!(ValidatorKeys::open(&keystore, &empty), Err(NodeError::NoValidatorKeys(_))));
        let vote = keystore.insert(KeyType::Vote, "//Alice").unwrap();
        keystore.insert(KeyType::Vrf, "//Alice//vrf").unwrap();
        let slot = |height, step| Slot { height, round: 0, step };
        let sign = |keys: &mut ValidatorKeys, slot, payload: &[u8]| {
            keys.sign(slot, H256(blake2_256(payload)), payload)
        };
        {
            let mut keys = ValidatorKeys::open(&keystore, &empty).unwrap();
            assert_eq!(keys.vote_key(), vote);
            assert_eq!(keys.last_height(), None);
            sign(&mut keys, slot(5, SlotStep::Prevote), b"a").unwrap();
            keys.sync().unwrap();
            // Never left, so it may be forgotten.
            sign(&mut keys, slot(6, SlotStep::Prevote), b"b").unwrap();
            assert_eq!(keys.last_height(), Some(6));
        }
        let mut keys = ValidatorKeys::open(&keystore, &empty).unwrap();
        assert_eq!(keys.last_height(), Some(5));
        assert!(sign(&mut keys, slot(5, SlotStep::Prevote), b"c").is_err());
        assert!(sign(&mut keys, slot(5, SlotStep::Proposal), b"c").is_err());
        sign(&mut keys, slot(5, SlotStep::Prevote), b"a").unwrap();
        sign(&mut keys, slot(5, SlotStep::Precommit), b"c").unwrap();
        drop(keys);
        keystore.insert(KeyType::Vote, "//Bob").unwrap();
        assert!(matches!(ValidatorKeys::open(&keystore, &empty), Err(NodeError::ManyValidatorKeys(_))));
    }
}
