use proptest::prelude::*;

use super::*;

const REDIAL: Redial = Redial {
    first: Duration::from_secs(1),
    max: Duration::from_secs(300),
    reserved_max: Duration::from_secs(10),
};

fn peer(seed: u16) -> PeerId {
    let mut secret = [1; 32];
    secret[..2].copy_from_slice(&seed.to_le_bytes());
    PeerId::of_secret(&secret).unwrap()
}

fn address(port: u16) -> Multiaddr {
    format!("/ip4/8.8.8.8/tcp/{port}").parse().unwrap()
}

#[test]
fn the_newest_addresses_are_kept_and_tried_first() {
    let mut store = PeerStore::default();
    for port in 1..=20 {
        assert!(store.add_address(peer(1), address(port).with_peer(peer(1)), 0));
    }
    assert!(!store.add_address(peer(1), address(15), 0));
    let known = store.addresses(&peer(1));
    assert_eq!(known.len(), limits::ADDRESSES_PER_PEER_MAX);
    assert_eq!(known[..3], [address(15), address(20), address(19)]);
    let long: Multiaddr = format!("/dns/{}/tcp/1", "a".repeat(300)).parse().unwrap();
    assert!(!store.add_address(peer(1), long, 0));
}

#[test]
fn a_ban_comes_ends_and_comes_back_longer() {
    let mut store = PeerStore::default();
    assert_eq!(store.charge(peer(1), Cost::WrongAnswer, 1, 0), Consequence::Ban(reputation::PAUSE_MS));
    assert_eq!(store.charge(peer(1), Cost::Flood, 1, 0), Consequence::None, "it is out already");
    assert_eq!(store.charge(peer(1), Cost::WrongAnswer, 1, 0), Consequence::Ban(reputation::BAN_FIRST_MS));
    let end = reputation::BAN_FIRST_MS;
    assert!(store.is_banned(&peer(1), end - 1) && !store.is_banned(&peer(1), end));
    assert_eq!(store.banned(end - 1), [peer(1)]);
    assert!(store.expire_bans(end - 1).is_empty());
    assert_eq!(store.expire_bans(end), [peer(1)]);
    assert!(store.expire_bans(end).is_empty());
    assert_eq!(store.charge(peer(1), Cost::BadBlock, 1, end), Consequence::Ban(3 * end));
    assert!(store.unban(&peer(1)) && !store.unban(&peer(1)));
    assert!(!store.is_banned(&peer(1), end));
}

#[test]
fn reserved_peers_are_never_banned_and_becoming_one_ends_a_ban() {
    let mut store = PeerStore::default();
    store.ban(peer(1), None, 0);
    store.set_reserved(peer(1), true, 0);
    assert!(!store.is_banned(&peer(1), 0));
    assert_eq!(store.charge(peer(1), Cost::BadBlock, 100, 0), Consequence::None);
    assert_eq!(store.ban(peer(1), None, 0), None);
    store.set_reserved(peer(1), false, 0);
    assert!(matches!(store.charge(peer(1), Cost::BadBlock, 1, 0), Consequence::Ban(_)));
}

#[test]
fn failures_make_the_pause_longer_and_success_ends_that() {
    let mut store = PeerStore::default();
    store.add_address(peer(1), address(1), 0);
    let due = |store: &PeerStore, now| !store.to_dial(9, false, |_| false, now).is_empty();
    assert!(due(&store, 0));
    (0..4).for_each(|_| store.failed(&peer(1), &REDIAL, 0, 0));
    // 8 s less a quarter.
    assert!(!due(&store, 5_999) && due(&store, 6_000));
    store.connected(peer(1), 6_000);
    assert!(!due(&store, 1 << 40));
    store.disconnected(&peer(1), &REDIAL, 0, 6_000);
    assert!(!due(&store, 6_749) && due(&store, 6_750));
}

#[test]
fn reserved_peers_are_dialled_first_and_boot_nodes_last() {
    let mut store = PeerStore::default();
    for seed in 1..=5 {
        store.add_address(peer(seed), address(seed), 0);
    }
    store.set_bootnode(peer(1), 0);
    store.set_reserved(peer(2), true, 0);
    store.connected(peer(3), 5);
    store.disconnected(&peer(3), &REDIAL, 0, 5);
    store.ban(peer(4), None, 0);
    let now = 10_000;
    assert_eq!(store.to_dial(9, false, |_| false, now), [peer(2), peer(3), peer(5), peer(1)]);
    assert_eq!(store.to_dial(1, false, |_| false, now), [peer(2), peer(3)]);
    assert_eq!(store.to_dial(9, true, |_| false, now), [peer(2)]);
    assert_eq!(store.to_dial(1, false, |id| *id == peer(3), now), [peer(2), peer(5)]);
}

#[test]
fn a_flood_of_names_evicts_neither_connected_nor_wanted_nor_banned_peers() {
    let mut store = PeerStore::default();
    store.connected(peer(1), 0);
    store.set_reserved(peer(2), true, 0);
    store.set_bootnode(peer(3), 0);
    store.ban(peer(4), None, 0);
    for seed in 100..100 + 2 * limits::PEERS_STORED_MAX as u16 {
        store.add_address(peer(seed), address(1), 0);
    }
    assert_eq!(store.len(), limits::PEERS_STORED_MAX);
    assert!(store.is_banned(&peer(4), 0));
    for seed in 1..=3 {
        assert!(store.peers.contains_key(&peer(seed)));
    }
}

#[test]
fn a_file_that_is_broken_is_put_aside_and_one_that_is_whole_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    assert!(file::read(folder.path()).unwrap().is_empty());
    let mut store = PeerStore::default();
    store.add_address(peer(1), address(1), 0);
    store.charge(peer(1), Cost::Malformed, 1, 1_000);
    store.ban(peer(2), Some(Duration::from_secs(60)), 1_000);
    store.set_bootnode(peer(3), 0);
    let entries = store.entries(1_000);
    file::write(folder.path(), &entries).unwrap();
    let back = file::read(folder.path()).unwrap();
    assert_eq!(back, entries);
    let back = PeerStore::restore(back, 2_000);
    assert_eq!(back.addresses(&peer(1)), [address(1)]);
    assert_eq!(back.score(&peer(1), 2_000), -255);
    assert!(back.is_banned(&peer(2), 60_999) && !back.is_banned(&peer(2), 61_000));
    assert_eq!(back.len(), 2, "of the third nothing is known");

    std::fs::write(folder.path().join("peers.json"), b"[{\"id\": \"half").unwrap();
    assert!(file::read(folder.path()).unwrap().is_empty());
    assert!(folder.path().join("peers.json.broken").exists() && !folder.path().join("peers.json").exists());
}

proptest! {
    #[test]
    fn the_store_stays_bounded_and_bans_are_told_right(
        steps in prop::collection::vec((0u8..9, 0u16..30, 0u64..400_000), 0..300),
    ) {
        let mut store = PeerStore::default();
        let mut now = 0;
        for (step, id, pause) in steps {
            now += pause;
            let id = peer(id);
            match step {
                0 | 1 => drop(store.add_address(id, address(now as u16), now)),
                2 => {
                    let consequence = store.charge(id, Cost::Malformed, 2, now);
                    prop_assert_eq!(matches!(consequence, Consequence::Ban(_)), store.is_banned(&id, now)
                        && consequence != Consequence::None && consequence != Consequence::Disconnect);
                }
                3 => drop(store.ban(id, None, now)),
                4 => drop(store.unban(&id)),
                5 => store.connected(id, now),
                6 => store.disconnected(&id, &REDIAL, now, now),
                7 => store.failed(&id, &REDIAL, now, now),
                _ => drop(store.expire_bans(now)),
            }
            let to_dial = store.to_dial(100, false, |_| false, now);
            prop_assert!(to_dial.iter().all(|id| !store.is_banned(id, now)));
            let again = PeerStore::restore(store.entries(now), now);
            prop_assert_eq!(again.banned(now), store.banned(now));
        }
        prop_assert!(store.len() <= 30);
    }
}
