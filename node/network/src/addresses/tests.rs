use super::*;

fn peer(seed: u8) -> PeerId {
    PeerId::of_secret(&[seed; 32]).unwrap()
}

fn ok(address: &str, private: bool) -> bool {
    believable(&address.parse().unwrap(), &peer(1), private)
}

#[test]
fn only_the_public_net_is_believed_unless_told_otherwise() {
    for public in ["/ip4/8.8.8.8/tcp/1", "/ip6/2600::1/tcp/1", "/dns/example.org/tcp/1", "/dns4/a.b/tcp/1/ws"]
    {
        assert!(ok(public, false), "{public}");
        assert!(ok(public, true), "{public}");
    }
    let private = [
        "/ip4/127.0.0.1/tcp/1",
        "/ip4/10.0.0.1/tcp/1",
        "/ip4/192.168.1.1/tcp/1",
        "/ip4/169.254.1.1/tcp/1",
        "/ip4/100.64.0.1/tcp/1",
        "/ip6/::1/tcp/1",
        "/ip6/fe80::1/tcp/1",
        "/ip6/fd00::1/tcp/1",
        "/ip6/::ffff:10.0.0.1/tcp/1",
    ];
    for private in private {
        assert!(!ok(private, false), "{private}");
        assert!(ok(private, true), "{private}");
    }
    for never in ["/ip4/0.0.0.0/tcp/1", "/ip6/::/tcp/1", "/ip4/224.0.0.1/udp/1/quic-v1"] {
        assert!(!ok(never, false) && !ok(never, true), "{never}");
    }
}

#[test]
fn an_address_that_names_somebody_else_is_not_believed() {
    assert!(ok(&format!("/ip4/8.8.8.8/tcp/1/p2p/{}", peer(1)), false));
    assert!(!ok(&format!("/ip4/8.8.8.8/tcp/1/p2p/{}", peer(2)), false));
}
