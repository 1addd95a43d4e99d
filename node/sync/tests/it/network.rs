//! Whole nodes on 127.0.0.1.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use basalt_network::{
    BlockRequest, BlockResponse, Config as Network, Fields, Heads, IncomingBlockRequest, NetworkHandle,
    NetworkService, PeerId, Receivers, Roles, Start,
};
use basalt_primitives::{H256, OpaqueExtrinsic};
use basalt_sync::{Config, SyncHandle, SyncService, fetch_body};
use tokio::time::{Instant, timeout};

use crate::kit::{Node, author, change, verify};

/// Far more than anything here takes, on a machine that does other things as well.
const PATIENT: Duration = Duration::from_secs(120);

struct Running {
    node: Node,
    network: NetworkHandle,
    sync: SyncHandle,
    services: (NetworkService, SyncService),
}

fn network(node: &Node) -> (NetworkHandle, Receivers, NetworkService) {
    let id = |id: basalt_chain::BlockId| basalt_network::BlockId { hash: id.hash, number: id.number };
    let heads = Heads { best: id(node.chain.best()), finalized: id(node.chain.finalized()) };
    basalt_network::start(Network::local(node.chain.genesis_hash(), Roles::FULL), heads).unwrap()
}

fn run(node: Node, proposed: Vec<(H256, Vec<OpaqueExtrinsic>)>) -> Running {
    let (network, Receivers { peers, block_requests, .. }, service) = network(&node);
    let (sync, sync_service) = basalt_sync::start(Config {
        chain: node.chain.clone(),
        network: network.clone(),
        peers,
        requests: block_requests,
        verify: verify(),
        author,
        proposed: Arc::new(move |hash: &H256| {
            proposed.iter().find(|(of, _)| of == hash).map(|(_, body)| body.clone().into())
        }),
        patience: Duration::ZERO,
    });
    Running { node, network, sync, services: (service, sync_service) }
}

impl Running {
    async fn dial(&self, other: &NetworkHandle) {
        let address = other.wait_listening(1).await.remove(0);
        self.network.dial(address.with_peer(other.local_peer_id())).await.unwrap();
    }

    /// Waits until the chain is that of `other`.
    async fn reach(&mut self, other: &Node) {
        let at = other.chain.finalized();
        let reached = self.sync.status.wait_for(|status| status.current >= at.number);
        timeout(PATIENT, reached).await.expect("it gets there").unwrap();
        assert_eq!(self.node.chain.finalized(), at);
        assert_eq!(self.node.root(), other.root());
    }

    async fn connected(&self, other: &NetworkHandle) {
        let other = other.local_peer_id();
        until("it is connected", || self.network.peer(&other).is_some()).await;
    }

    async fn stop(self) {
        self.services.1.stop().await;
        self.services.0.stop().await;
    }
}

async fn until(what: &str, condition: impl Fn() -> bool) {
    let met = async {
        let mut ticks = tokio::time::interval(Duration::from_millis(10));
        while !condition() {
            ticks.tick().await;
        }
    };
    timeout(PATIENT, met).await.expect(what);
}

struct Liar {
    network: NetworkHandle,
    service: NetworkService,
    lies: Arc<AtomicUsize>,
}

/// A peer that has the chain of `node` and changes what it gives away.
fn liar(node: Node, lie: impl Fn(&mut BlockResponse) + Send + 'static) -> Liar {
    let (network, Receivers { block_requests: mut requests, .. }, service) = network(&node);
    let lies = Arc::new(AtomicUsize::new(0));
    let told = lies.clone();
    tokio::spawn(async move {
        while let Some(IncomingBlockRequest { request, responder, .. }) = requests.recv().await {
            let mut response = node.server().answer(&request).unwrap();
            lie(&mut response);
            responder.respond(response);
            told.fetch_add(1, Ordering::Relaxed);
        }
    });
    Liar { network, service, lies }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_joins_late_catches_up_fast_and_then_serves_others_and_follows() {
    const BLOCKS: u32 = 2_000;
    let first = run(Node::with(BLOCKS, false), Vec::new());
    let mut second = run(Node::new(false), Vec::new());
    let began = Instant::now();
    second.dial(&first.network).await;
    second.reach(&first.node).await;
    let took = began.elapsed();
    assert!(took < Duration::from_secs(u64::from(BLOCKS) / 20), "20 blocks a second at least, not {took:?}");
    let status = second.sync.status.borrow().clone();
    assert_eq!((status.starting, status.highest, status.syncing), (0, BLOCKS, false));

    // All it has, it can prove to others.
    let mut third = run(Node::new(false), Vec::new());
    third.dial(&second.network).await;
    third.reach(&first.node).await;

    // And new blocks come along the line as they are made.
    for _ in 0..20 {
        first.node.grow();
        third.reach(&first.node).await;
    }
    for node in [first, second, third] {
        assert!(node.network.peers().iter().all(|peer| peer.score == 0), "{:?}", node.network.peers());
        node.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn large_blocks_come_in_smaller_answers() {
    let first = run(Node::with(150, true), Vec::new());
    let mut second = run(Node::new(true), Vec::new());
    second.dial(&first.network).await;
    second.reach(&first.node).await;
    second.stop().await;
    first.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn liars_are_found_out_and_the_honest_one_is_enough() {
    const BLOCKS: u32 = 300;
    // Rightly linked, with certificates of somebody else.
    let unproved = liar(Node::with(BLOCKS, false), |response| {
        for block in &mut response.blocks {
            block.justification.as_mut().unwrap().data[0] ^= 1;
        }
    });
    let broken = liar(Node::with(BLOCKS, false), |response| {
        let middle = response.blocks.len() / 2;
        if middle > 0 {
            change(response, middle, |header| header.state_root = H256::repeat_byte(5));
        }
    });
    // It has more blocks than there are, so it says, and gives none.
    let empty = liar(Node::with(BLOCKS + 500, false), |response| response.blocks.clear());
    let honest = run(Node::with(BLOCKS, false), Vec::new());

    let mut joining = run(Node::new(false), Vec::new());
    for liar in [&unproved, &broken, &empty] {
        joining.dial(&liar.network).await;
    }
    // Each is asked sooner or later, since nobody else has anything.
    for liar in [&unproved, &broken] {
        let peer = liar.network.local_peer_id();
        let punished = || liar.lies.load(Ordering::Relaxed) > 0 && joining.network.peer(&peer).is_none();
        until("it is disconnected for its lie", punished).await;
    }
    assert!(joining.node.chain.finalized().number < BLOCKS);
    joining.dial(&honest.network).await;
    joining.reach(&honest.node).await;
    let of = |peer: PeerId| joining.network.peer(&peer).map(|peer| peer.score);
    assert_eq!(of(honest.network.local_peer_id()), Some(0));
    // Who has nothing is asked at the latest when all others have no more, and then its height is believed no more.
    until("it is asked", || empty.lies.load(Ordering::Relaxed) > 0).await;
    let told = joining.sync.status.wait_for(|status| status.highest == BLOCKS && !status.syncing);
    timeout(PATIENT, told).await.expect("it is not believed").unwrap();
    joining.stop().await;
    honest.stop().await;
    for liar in [unproved, broken, empty] {
        liar.service.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proposed_body_is_fetched_from_whoever_has_it() {
    let hash = H256::repeat_byte(8);
    let body: Vec<OpaqueExtrinsic> = vec![vec![1, 2, 3].into(), vec![4].into()];
    let asking = run(Node::new(false), Vec::new());
    let without = run(Node::new(false), Vec::new());
    let wrong = run(Node::new(false), vec![(hash, vec![vec![9].into()])]);
    let with = run(Node::new(false), vec![(hash, body.clone())]);
    for other in [&without, &wrong] {
        asking.dial(&other.network).await;
        asking.connected(&other.network).await;
    }
    let accept = |found: &[OpaqueExtrinsic]| found == body;
    let preferred = Some(without.network.local_peer_id());
    assert_eq!(fetch_body(&asking.network, hash, preferred, accept).await, None, "nobody has it");
    asking.dial(&with.network).await;
    asking.connected(&with.network).await;
    for preferred in [&without, &wrong, &with] {
        let preferred = Some(preferred.network.local_peer_id());
        assert_eq!(fetch_body(&asking.network, hash, preferred, accept).await, Some(body.clone()));
    }
    // It is none of the chain's, so nothing else is known of it.
    let request = BlockRequest { start: Start::Hash(hash), count: 1, fields: Fields::ALL };
    let answer = asking.network.request_blocks(with.network.local_peer_id(), request).await.unwrap();
    assert_eq!(answer, BlockResponse::default());
    for node in [asking, without, wrong, with] {
        node.stop().await;
    }
}
