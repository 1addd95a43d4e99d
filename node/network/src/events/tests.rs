use proptest::prelude::*;

use super::*;
use crate::{BlockId, Roles, limits};

fn peer(seed: u8) -> PeerId {
    PeerId::of_secret(&[seed; 32]).unwrap()
}

fn status() -> Status {
    let (best, finalized) = (BlockId::default(), BlockId::default());
    Status { version: limits::VERSION, genesis: Default::default(), roles: Roles::FULL, best, finalized }
}

fn heads(number: u32) -> Heads {
    Heads { best: BlockId { number, ..BlockId::default() }, finalized: BlockId::default() }
}

#[test]
fn who_reads_late_sees_the_newest() {
    let mut events = PeerEvents::default();
    events.connected(peer(1), status());
    events.heads(peer(1), heads(1));
    events.heads(peer(1), heads(2));
    assert_eq!(events.pop(), Some(PeerEvent::Connected(peer(1), status())));
    assert_eq!(events.pop(), Some(PeerEvent::StatusChanged(peer(1), heads(2))));
    assert_eq!(events.pop(), None);
    events.disconnected(peer(1));
    events.connected(peer(1), status());
    assert_eq!(events.pop(), Some(PeerEvent::Disconnected(peer(1))));
    assert_eq!(events.pop(), Some(PeerEvent::Connected(peer(1), status())));
}

#[test]
fn who_came_and_went_unread_takes_no_room() {
    let mut events = PeerEvents::default();
    for seed in 1..=255 {
        events.connected(peer(seed), status());
        events.heads(peer(seed), heads(1));
        events.disconnected(peer(seed));
    }
    assert!(events.unread.is_empty() && events.turn.is_empty());
    assert_eq!(events.pop(), None);
}

proptest! {
    /// Whatever is read when: the reader ends with the same peers and heads as the writer, and hears of each in a sensible order.
    #[test]
    fn the_reader_ends_where_the_writer_is(steps in prop::collection::vec((0u8..5, 0u8..4), 0..300)) {
        use std::collections::BTreeMap;
        let mut events = PeerEvents::default();
        let mut truth: BTreeMap<PeerId, Heads> = BTreeMap::new();
        let mut read: BTreeMap<PeerId, Heads> = BTreeMap::new();
        let take = |events: &mut PeerEvents, read: &mut BTreeMap<PeerId, Heads>| {
            match events.pop() {
                Some(PeerEvent::Connected(id, _)) => assert!(read.insert(id, heads(0)).is_none()),
                Some(PeerEvent::StatusChanged(id, new)) => assert!(read.insert(id, new).is_some()),
                Some(PeerEvent::Disconnected(id)) => assert!(read.remove(&id).is_some()),
                None => return false,
            }
            true
        };
        for (n, (step, id)) in steps.into_iter().enumerate() {
            let id = peer(id + 1);
            match (step, truth.contains_key(&id)) {
                (0, false) => {
                    truth.insert(id, heads(0));
                    events.connected(id, status());
                }
                (1, true) => {
                    truth.remove(&id);
                    events.disconnected(id);
                }
                (2, true) => {
                    truth.insert(id, heads(n as u32));
                    events.heads(id, heads(n as u32));
                }
                _ => drop(take(&mut events, &mut read)),
            }
        }
        while take(&mut events, &mut read) {}
        prop_assert_eq!(read, truth);
        prop_assert!(events.unread.is_empty() && events.turn.is_empty());
    }
}
