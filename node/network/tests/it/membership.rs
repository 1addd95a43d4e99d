//! Who comes together, who is turned away, and who comes back.

use basalt_network::{Config, Cost, Identity, PeerEvent};

use crate::kit::{Node, config, connect, genesis, pair, soon, until, votes_pass};

fn refused(node: &Node, by: &str, reason: &str) -> f64 {
    node.metric("basalt_network_refused_total", &[("by", by), ("reason", reason)])
}

/// `dialler` is refused by `other`, and each knows why.
async fn is_refused(dialler: &Node, other: &Node, reason: &str) {
    dialler.handle.dial(other.address()).await.unwrap();
    until(format!("a refusal ({reason})"), async || {
        refused(dialler, "them", reason) + refused(dialler, "us", reason) > 0.0
            && refused(other, "us", reason) > 0.0
    })
    .await;
    assert!(!other.handle.peers().iter().any(|peer| peer.id == dialler.id()));
    assert!(dialler.handle.peers().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_genesis_is_refused_with_the_reason() {
    let other_chain = Config { genesis: genesis(2), ..config() };
    let (one, two) = (Node::start(config()).await, Node::start(other_chain).await);
    is_refused(&one, &two, "genesis").await;
    // The connection is closed, not only unused.
    until("the end of the connection", async || !one.handle.disconnect(two.id()).await.unwrap()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_finds_no_place_is_told_so_and_a_reserved_peer_finds_one() {
    let mut small = config();
    small.connections.inbound_max = 1;
    let mut small = Node::start(small).await;
    let mut first = Node::start(config()).await;
    connect(&mut first, &mut small).await;
    let mut second = Node::start(config()).await;
    is_refused(&second, &small, "full").await;
    small.handle.reserve(second.address()).await.unwrap();
    second.connected(small.id()).await;
    small.connected(second.id()).await;
    votes_pass(&mut first, &mut small, 0).await;
    votes_pass(&mut second, &mut small, 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_but_reserved_peers_when_told_so() {
    let mut friend = Node::start(config()).await;
    let closed = Config { reserved: vec![friend.address()], reserved_only: true, ..config() };
    let mut closed = Node::start(closed).await;
    closed.connected(friend.id()).await;
    friend.connected(closed.id()).await;
    assert!(closed.handle.peer(&friend.id()).unwrap().reserved);
    let stranger = Node::start(config()).await;
    is_refused(&stranger, &closed, "not-reserved").await;
    assert!(closed.handle.unreserve(friend.id()).await.unwrap());
    assert!(!closed.handle.unreserve(friend.id()).await.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reserved_peer_that_comes_back_is_found_again() {
    let secret = || Identity::Secret([5; 32].into());
    let mut away = Node::start(Config { identity: secret(), ..config() }).await;
    let (id, address) = (away.id(), away.handle.listen_addresses());
    let mut stays = Node::start(Config { reserved: vec![away.address()], ..config() }).await;
    stays.connected(id).await;
    away.connected(stays.id()).await;
    soon("the end", away.service.stop()).await;
    stays.disconnected(id).await;
    let mut back = Node::start(Config { identity: secret(), listen: address, ..config() }).await;
    assert_eq!(back.id(), id);
    stays.connected(id).await;
    back.connected(stays.id()).await;
    votes_pass(&mut stays, &mut back, 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_that_dial_each_other_at_once_get_along() {
    let secrets = [Identity::Secret([6; 32].into()), Identity::Secret([7; 32].into())];
    let [one, two] = secrets.map(|identity| Config { identity, ..config() });
    let (mut one, mut two) = (Node::start(one).await, Node::start(two).await);
    let (to_one, to_two) = (one.address(), two.address());
    let (first, second) = tokio::join!(one.handle.reserve(to_two), two.handle.reserve(to_one));
    assert_eq!((first.unwrap(), second.unwrap()), (two.id(), one.id()));
    one.connected(two.id()).await;
    two.connected(one.id()).await;
    for round in 0..20 {
        votes_pass(&mut one, &mut two, round).await;
    }
    assert_eq!((one.handle.peers().len(), two.handle.peers().len()), (1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_banned_peer_stays_out_until_it_is_unbanned() {
    let (mut one, mut two) = pair().await;
    let id = two.id();
    one.handle.ban(id, None).await.unwrap();
    one.disconnected(id).await;
    two.disconnected(one.id()).await;
    assert!(one.is_banned(id).await);
    assert!(one.handle.dial(two.address()).await.is_err());
    let failures = || two.metric("basalt_network_dials_failed_total", &[]);
    let before = failures();
    // The banned one sees its connections end before the handshake.
    two.handle.dial(one.address()).await.unwrap();
    until("the end of a try", async || {
        failures() > before || !two.handle.disconnect(one.id()).await.unwrap()
    })
    .await;
    assert!(one.handle.peers().is_empty());
    assert!(one.handle.unban(id).await.unwrap() && !one.handle.unban(id).await.unwrap());
    connect(&mut one, &mut two).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_node_reports_adds_up_to_a_ban_but_not_for_reserved_peers() {
    let (mut one, mut two) = pair().await;
    let id = two.id();
    one.handle.report(id, Cost::BadTransaction);
    until("a lower score", async || one.handle.peer(&id).is_some_and(|peer| peer.score < -50)).await;
    one.handle.report(id, Cost::BadBlock);
    until("the ban", async || one.is_banned(id).await).await;
    one.disconnected(id).await;

    one.handle.reserve(two.address()).await.unwrap();
    assert!(!one.is_banned(id).await);
    one.connected(id).await;
    two.event("the connection", |event| matches!(event, PeerEvent::Connected(..))).await;
    for _ in 0..5 {
        one.handle.report(id, Cost::BadBlock);
    }
    until("a low score", async || one.handle.peer(&id).is_some_and(|peer| peer.score < -1_000)).await;
    assert!(!one.is_banned(id).await);
    votes_pass(&mut one, &mut two, 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn peers_are_found_through_a_boot_node() {
    let with_kademlia = || {
        let mut config = config();
        config.discovery.kademlia = true;
        config
    };
    let boot = Node::start(with_kademlia()).await;
    let mut nodes = Vec::new();
    for _ in 0..3 {
        let config = Config { bootnodes: vec![boot.address()], ..with_kademlia() };
        nodes.push(Node::start(config).await);
        let last = nodes.last_mut().unwrap();
        last.connected(boot.id()).await;
    }
    // Nobody told them of each other but the boot node.
    until("everybody to know everybody", async || {
        nodes.iter().all(|node| node.handle.peers().len() == nodes.len())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn known_peers_and_bans_outlive_the_process() {
    let folder = tempfile::tempdir().unwrap();
    let here = || Config {
        folder: Some(folder.path().to_owned()),
        identity: Identity::Folder(folder.path().to_owned()),
        ..config()
    };
    let mut friend = Node::start(config()).await;
    let mut enemy = Node::start(config()).await;
    let mut node = Node::start(here()).await;
    let id = node.id();
    connect(&mut node, &mut friend).await;
    connect(&mut node, &mut enemy).await;
    node.handle.ban(enemy.id(), None).await.unwrap();
    soon("the end", node.service.stop()).await;
    friend.disconnected(id).await;

    let mut again = Node::start(here()).await;
    assert_eq!(again.id(), id);
    assert!(again.is_banned(enemy.id()).await);
    // Nobody told it this time.
    again.connected(friend.id()).await;
    assert!(again.handle.peers().iter().all(|peer| peer.id == friend.id()));
}
