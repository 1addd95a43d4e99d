use proptest::prelude::*;

use super::*;

fn peer(seed: u8) -> PeerId {
    PeerId::of_secret(&[seed; 32]).unwrap()
}

fn hash(n: u64) -> H256 {
    let mut hash = H256::zero();
    hash.0[..8].copy_from_slice(&n.to_le_bytes());
    hash
}

fn with_peers(count: u8) -> (Gossip, Vec<PeerId>) {
    let mut gossip = Gossip::new();
    let peers: Vec<PeerId> = (1..=count).map(peer).collect();
    peers.iter().for_each(|peer| gossip.connected(*peer));
    (gossip, peers)
}

#[test]
fn a_transaction_is_new_once_and_a_repetition_is_told_apart_from_slowness() {
    let (mut gossip, peers) = with_peers(2);
    assert_eq!(gossip.received(peers[0], hash(1)), Received::New);
    assert_eq!(gossip.received(peers[1], hash(1)), Received::Seen);
    assert_eq!(gossip.received(peers[0], hash(1)), Received::Repeated);
    // It crosses ours on the way: no fault.
    gossip.spread(hash(2), &Bytes::from_static(b"x"), &peers);
    assert_eq!(gossip.received(peers[0], hash(2)), Received::Seen);
}

#[test]
fn what_the_node_did_not_look_at_is_new_again_from_somebody_else() {
    let (mut gossip, peers) = with_peers(2);
    gossip.received(peers[0], hash(1));
    gossip.forget(&hash(1));
    assert_eq!(gossip.received(peers[1], hash(1)), Received::New);
}

#[test]
fn short_ones_are_pushed_to_some_and_long_ones_to_nobody() {
    let (mut gossip, peers) = with_peers(100);
    let short = Bytes::from_static(b"short");
    let plan = gossip.spread(hash(1), &short, &peers);
    assert_eq!(plan.iter().filter(|push| **push == Some(true)).count(), 10);
    assert_eq!(plan.iter().filter(|push| **push == Some(false)).count(), 90);
    assert_eq!(gossip.kept(&hash(1)), Some(short.clone()));
    assert!(gossip.spread(hash(1), &short, &peers).iter().all(Option::is_none));

    let long = Bytes::from(vec![0; limits::TRANSACTION_PUSH_BYTES_MAX + 1]);
    let plan = gossip.spread(hash(2), &long, &peers);
    assert!(plan.iter().all(|push| *push == Some(false)));
}

#[test]
fn in_a_small_network_everything_short_is_pushed_and_nothing_kept() {
    let (mut gossip, peers) = with_peers(3);
    gossip.received(peers[1], hash(1));
    let plan = gossip.spread(hash(1), &Bytes::from_static(b"x"), &peers);
    assert_eq!(plan, [Some(true), None, Some(true)]);
    assert_eq!(gossip.kept(&hash(1)), None);
}

#[test]
fn an_announced_transaction_is_asked_of_one_peer_at_a_time_until_it_comes() {
    let (mut gossip, peers) = with_peers(3);
    assert!(gossip.announced(peers[0], hash(1)));
    assert!(gossip.ask(hash(1)));
    assert!(!gossip.announced(peers[1], hash(1)) && !gossip.announced(peers[2], hash(1)));
    assert!(!gossip.ask(hash(1)));
    gossip.disconnected(&peers[1]);
    assert_eq!(gossip.asked(&hash(1)), Some(peers[2]));
    assert!(gossip.ask(hash(1)));
    assert_eq!(gossip.received(peers[2], hash(1)), Received::New);
    assert_eq!(gossip.asked(&hash(1)), None);
    assert!(!gossip.announced(peers[0], hash(1)) && !gossip.ask(hash(1)));
    assert!(gossip.asked.is_empty());
}

#[test]
fn what_is_kept_is_bounded_by_bytes() {
    let (mut gossip, peers) = with_peers(1);
    let large = Bytes::from(vec![0; limits::TRANSACTION_BYTES_MAX]);
    let fit = (limits::TRANSACTIONS_KEPT_BYTES_MAX / large.len()) as u64;
    for n in 0..2 * fit {
        gossip.spread(hash(n), &large, &peers);
        assert!(gossip.kept_bytes <= limits::TRANSACTIONS_KEPT_BYTES_MAX);
    }
    assert_eq!(gossip.kept.len() as u64, fit);
    assert!(gossip.kept(&hash(fit - 1)).is_none() && gossip.kept(&hash(fit)).is_some());
}

#[test]
fn votes_come_once_in_a_while_and_are_passed_on_once() {
    let mut votes = Votes::new();
    assert_eq!(votes.received(peer(1), hash(1), 0), Received::New);
    assert_eq!(votes.received(peer(2), hash(1), 10), Received::Seen);
    assert_eq!(votes.received(peer(1), hash(1), 10), Received::Repeated);
    // The engine says it again, for those who were not ready.
    assert_eq!(votes.received(peer(1), hash(1), 400), Received::New);
    assert_eq!(votes.relay(hash(1), 400), Some(vec![peer(1), peer(2)]));
    assert_eq!(votes.relay(hash(1), 400), None);
    votes.relayed(hash(2), 400);
    assert_eq!(votes.relay(hash(2), 400), None);
    assert_eq!(votes.received(peer(1), hash(2), 410), Received::Seen);
}

proptest! {
    /// Whatever peers do, each transaction is handed on once, nothing goes to who has it, and no memory grows.
    #[test]
    fn gossip_keeps_its_promises(steps in prop::collection::vec((0u8..7, 0u8..4, 0u64..8), 0..400)) {
        let (mut gossip, peers) = with_peers(4);
        let mut handed = std::collections::HashSet::new();
        let mut told = std::collections::HashSet::new();
        let mut up = [true; 4];
        for (step, who, n) in steps {
            let id = peers[who as usize];
            match step {
                0 => {
                    if gossip.received(id, hash(n)) == Received::New {
                        prop_assert!(up[who as usize] && handed.insert(n));
                    }
                    told.insert((who, n));
                }
                1 => {
                    let connected: Vec<PeerId> =
                        peers.iter().zip(up).filter(|(_, up)| *up).map(|(peer, _)| *peer).collect();
                    let plan = gossip.spread(hash(n), &Bytes::from_static(b"x"), &connected);
                    handed.insert(n);
                    for (peer, push) in connected.iter().zip(plan) {
                        let who = peers.iter().position(|other| other == peer).unwrap() as u8;
                        prop_assert_eq!(push.is_none(), !told.insert((who, n)));
                    }
                }
                2 => {
                    let wanted = gossip.announced(id, hash(n));
                    prop_assert!(!wanted || !handed.contains(&n));
                    told.insert((who, n));
                }
                3 => prop_assert!(!gossip.ask(hash(n)) || !handed.contains(&n)),
                4 => {
                    let next = gossip.asked(&hash(n));
                    prop_assert!(next.is_none() || !handed.contains(&n));
                }
                5 => {
                    gossip.disconnected(&id);
                    up[who as usize] = false;
                    told.retain(|(other, _)| *other != who);
                }
                _ => {
                    gossip.connected(id);
                    if !std::mem::replace(&mut up[who as usize], true) {
                        told.retain(|(other, _)| *other != who);
                    }
                }
            }
        }
    }
}
