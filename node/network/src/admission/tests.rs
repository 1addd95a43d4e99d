use std::net::Ipv4Addr;

use proptest::prelude::*;

use super::*;

fn peer(seed: u8) -> PeerId {
    PeerId::of_secret(&[seed; 32]).unwrap()
}

fn ip(last: u8) -> Option<IpAddr> {
    Some(Ipv4Addr::new(8, 8, 8, last).into())
}

fn book(inbound_max: usize, outbound_max: usize, per_ip_max: usize) -> Admission<u32> {
    let limits = ConnectionLimits { inbound_max, outbound_max, per_ip_max, ..ConnectionLimits::default() };
    Admission::new(limits, false)
}

/// Connects and takes a place.
fn connect(book: &mut Admission<u32>, key: u32, from: u8, inbound: bool) -> Result<(), Refusal> {
    book.established(key, ip(from), peer(from), inbound, 0).unwrap();
    book.claim(&key)
}

#[test]
fn places_are_counted_by_peer_and_direction() {
    let mut book = book(2, 1, 8);
    assert_eq!(connect(&mut book, 1, 1, true), Ok(()));
    assert_eq!(connect(&mut book, 2, 2, true), Ok(()));
    // A second connection of the same peer takes no other place.
    assert_eq!(connect(&mut book, 3, 1, true), Ok(()));
    assert_eq!(connect(&mut book, 4, 3, true), Err(Refusal::TooManyPeers { max: 2 }));
    assert_eq!(connect(&mut book, 5, 4, false), Ok(()));
    assert_eq!(connect(&mut book, 6, 5, false), Err(Refusal::TooManyPeers { max: 1 }));
    book.closed(&2);
    assert_eq!(book.claim(&4), Ok(()));
}

#[test]
fn reserved_peers_are_welcome_beyond_all_limits() {
    let mut book = book(0, 0, 1);
    book.set_reserved(peer(1), true);
    for key in 0..limits::CONNECTIONS_PER_PEER_MAX as u32 {
        assert_eq!(connect(&mut book, key, 1, true), Ok(()));
    }
    assert_eq!(book.taken(true), 0);
    let too_many = Denied::TooManyOfPeer { max: limits::CONNECTIONS_PER_PEER_MAX };
    assert_eq!(book.established(9, ip(1), peer(1), true, 0), Err(too_many));
}

#[test]
fn nobody_but_reserved_peers_when_told_so() {
    let mut book: Admission<u32> = Admission::new(ConnectionLimits::default(), true);
    book.set_reserved(peer(1), true);
    assert_eq!(connect(&mut book, 1, 1, true), Ok(()));
    assert_eq!(connect(&mut book, 2, 2, true), Err(Refusal::NotReserved));
    assert_eq!(connect(&mut book, 3, 2, false), Err(Refusal::NotReserved));
}

#[test]
fn an_address_has_few_connections_and_loopback_only_by_flag() {
    let mut one = book(32, 16, 2);
    assert!(one.pending(1, ip(1)).is_ok() && one.pending(2, ip(1)).is_ok());
    assert!(matches!(one.pending(3, ip(1)), Err(Denied::TooManyOfAddress { .. })));
    assert!(one.pending(4, ip(2)).is_ok());
    // It counts once, as pending and then as established.
    assert!(one.established(1, ip(1), peer(1), true, 0).is_ok());

    let loopback = Some(Ipv4Addr::LOCALHOST.into());
    let mut strict = book(32, 16, 2);
    assert_eq!((0..10).filter(|key| strict.pending(*key, loopback).is_ok()).count(), 2);
    let limits = ConnectionLimits { per_ip_max: 2, loopback_exempt: true, ..ConnectionLimits::default() };
    let mut exempt: Admission<u32> = Admission::new(limits, false);
    assert_eq!((0..10).filter(|key| exempt.pending(*key, loopback).is_ok()).count(), 10);
}

#[test]
fn sockets_that_say_nothing_are_bounded_and_leave_room_when_they_go() {
    let mut book = book(32, 16, usize::MAX);
    let max = limits::CONNECTIONS_PENDING_MAX as u32;
    for key in 0..max {
        assert!(book.pending(key, None).is_ok());
    }
    assert!(matches!(book.pending(max, None), Err(Denied::TooManyPending { .. })));
    book.closed(&0);
    assert!(book.pending(max, None).is_ok());
}

#[test]
fn the_banned_are_denied_and_the_hasty_too() {
    let mut book = book(32, 16, usize::MAX);
    book.set_banned(peer(1), true);
    assert_eq!(book.established(1, None, peer(1), true, 0), Err(Denied::Banned));
    assert_eq!(book.established(1, None, peer(1), false, 0), Err(Denied::Banned));
    book.set_banned(peer(1), false);
    let tries = |book: &mut Admission<u32>, now| {
        let one = |_| {
            let admitted = book.established(1, None, peer(1), true, now).is_ok();
            book.closed(&1);
            admitted
        };
        (0..1_000).map(one).filter(|admitted| *admitted).count() as u64
    };
    assert_eq!(tries(&mut book, 0), limits::CONNECTIONS_RATE.messages_burst);
    assert_eq!(tries(&mut book, 5_000), 5 * limits::CONNECTIONS_RATE.messages_per_s);
}

proptest! {
    #[test]
    fn limits_hold_whatever_comes(
        steps in prop::collection::vec((0u8..6, 0u32..24, 0u8..12, any::<bool>()), 0..300),
    ) {
        let (inbound_max, outbound_max, per_ip_max) = (3, 2, 3);
        let mut book = book(inbound_max, outbound_max, per_ip_max);
        book.set_reserved(peer(1), true);
        for (step, key, who, inbound) in steps {
            let of = ip(who / 2);
            match step {
                0 if !book.connections.contains_key(&key) => drop(book.pending(key, of)),
                1 => drop(book.established(key, of, peer(who + 1), inbound, 0)),
                2 | 3 => drop(book.claim(&key)),
                _ => book.closed(&key),
            }
            prop_assert!(book.taken(true) <= inbound_max);
            prop_assert!(book.taken(false) <= outbound_max);
            for last in 0..6 {
                let of_strangers = book.connections.values().filter(|one| {
                    one.ip == ip(last) && one.peer != Some(peer(1))
                });
                prop_assert!(of_strangers.count() <= per_ip_max);
            }
            for id in 1..13 {
                let of_peer = book.connections.values().filter(|one| one.peer == Some(peer(id)));
                prop_assert!(of_peer.count() <= limits::CONNECTIONS_PER_PEER_MAX);
            }
        }
    }
}
