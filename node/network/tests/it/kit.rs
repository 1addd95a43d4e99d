//! Nodes for tests, and waiting for what they do.

use std::{fmt, future::Future, time::Duration};

use basalt_network::{
    BlockId, Config, Heads, Multiaddr, NetworkHandle, NetworkService, PeerEvent, PeerId, Receivers, Roles,
    start,
};
use basalt_primitives::H256;

/// Whatever has not happened after this never will. Generous: tests run beside others.
const SOON: Duration = Duration::from_secs(60);

/// Waits for `what`, and fails if it does not come.
pub(crate) async fn soon<T>(what: impl fmt::Display, work: impl Future<Output = T>) -> T {
    match tokio::time::timeout(SOON, work).await {
        Ok(result) => result,
        Err(_) => panic!("waited in vain for {what}"),
    }
}

/// Waits until `condition` holds, looking again and again.
pub(crate) async fn until(what: impl fmt::Display, mut condition: impl AsyncFnMut() -> bool) {
    soon(what, async {
        let mut look = tokio::time::interval(Duration::from_millis(5));
        while !condition().await {
            look.tick().await;
        }
    })
    .await;
}

pub(crate) fn genesis(byte: u8) -> H256 {
    H256::repeat_byte(byte)
}

pub(crate) fn block(number: u32) -> BlockId {
    BlockId { hash: H256([number.to_le_bytes()[0]; 32]), number }
}

/// A validator that finds nobody by itself.
pub(crate) fn config() -> Config {
    let mut config = Config::local(genesis(1), Roles::FULL.with(Roles::AUTHORITY));
    config.discovery.kademlia = false;
    config
}

pub(crate) struct Node {
    pub(crate) handle: NetworkHandle,
    pub(crate) receivers: Receivers,
    pub(crate) service: NetworkService,
    pub(crate) registry: prometheus::Registry,
}

impl Node {
    pub(crate) async fn start(config: Config) -> Self {
        let listens = config.listen.len();
        let heads = Heads { best: block(7), finalized: block(5) };
        let (handle, receivers, service) = start(config, heads).unwrap();
        soon("an address", handle.wait_listening(listens)).await;
        let registry = prometheus::Registry::new();
        handle.register_metrics(&registry).unwrap();
        Self { handle, receivers, service, registry }
    }

    pub(crate) fn id(&self) -> PeerId {
        self.handle.local_peer_id()
    }

    /// Where others find it, with its name.
    pub(crate) fn address(&self) -> Multiaddr {
        self.handle.listen_addresses().remove(0).with_peer(self.id())
    }

    /// Waits for an event that `wanted` accepts; others are dropped.
    pub(crate) async fn event(&mut self, what: &str, wanted: impl Fn(&PeerEvent) -> bool) -> PeerEvent {
        let events = &mut self.receivers.peers;
        soon(what, async {
            loop {
                let event = events.recv().await.expect("the network runs");
                if wanted(&event) {
                    return event;
                }
            }
        })
        .await
    }

    pub(crate) async fn connected(&mut self, to: PeerId) {
        self.event("a connection", |event| matches!(event, PeerEvent::Connected(id, _) if *id == to)).await;
    }

    pub(crate) async fn disconnected(&mut self, from: PeerId) {
        self.event("the end of a connection", |event| *event == PeerEvent::Disconnected(from)).await;
    }

    /// The sum of a metric over all labels that contain `labels`.
    pub(crate) fn metric(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let families = self.registry.gather();
        let metrics =
            families.iter().filter(|family| family.name() == name).flat_map(|family| family.get_metric());
        let wanted = metrics.filter(|metric| {
            labels.iter().all(|(name, value)| {
                metric.get_label().iter().any(|label| label.name() == *name && label.value() == *value)
            })
        });
        wanted.map(|metric| metric.get_counter().get_value() + metric.get_gauge().get_value()).sum()
    }

    pub(crate) async fn is_banned(&self, peer: PeerId) -> bool {
        self.handle.banned().await.unwrap().contains(&peer)
    }

    /// The next consensus message of `from`; those of others are dropped.
    pub(crate) async fn vote_of(&mut self, from: PeerId) -> Vec<u8> {
        let votes = &mut self.receivers.consensus;
        soon("a vote", async {
            loop {
                let (id, vote) = votes.recv().await.expect("the network runs");
                if id == from {
                    return vote;
                }
            }
        })
        .await
    }
}

/// `dialler` connects to `other`, and both have noticed.
pub(crate) async fn connect(dialler: &mut Node, other: &mut Node) {
    dialler.handle.dial(other.address()).await.unwrap();
    dialler.connected(other.id()).await;
    other.connected(dialler.id()).await;
}

/// Two nodes, connected.
pub(crate) async fn pair() -> (Node, Node) {
    let mut one = Node::start(config()).await;
    let mut two = Node::start(config()).await;
    connect(&mut one, &mut two).await;
    (one, two)
}

/// A vote goes from `one` to `two` and one comes back. `round` must be new.
pub(crate) async fn votes_pass(one: &mut Node, two: &mut Node, round: u32) {
    let vote = format!("there {round}").into_bytes();
    one.handle.send_consensus(two.id(), vote.clone()).unwrap();
    assert_eq!(two.vote_of(one.id()).await, vote);
    let vote = format!("back {round}").into_bytes();
    two.handle.send_consensus(one.id(), vote.clone()).unwrap();
    assert_eq!(one.vote_of(two.id()).await, vote);
}
