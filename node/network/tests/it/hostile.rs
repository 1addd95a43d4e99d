//! Peers that break the rules, each in one way. The node stays small, and its honest peer notices nothing.

use std::time::Duration;

use basalt_network::{BlockRequest, Fields, Plane, RequestError, Roles, Start, limits};
use futures::{AsyncReadExt, AsyncWriteExt, StreamExt};
use parity_scale_codec::Encode;
use tokio::net::TcpSocket;

use crate::{
    hostile_peer::{Hostile, receive, send},
    kit::{Node, block, config, connect, genesis, soon, until, votes_pass},
};

impl Hostile {
    /// Connects to `node` and says nothing.
    pub(crate) async fn connect(node: &Node) -> Self {
        soon("a connection", Self::dial(&node.address(), genesis(1))).await
    }

    /// Connects and goes through the handshake as a validator would.
    pub(crate) async fn welcome(node: &Node) -> Self {
        Self::served(Self::connect(node).await, node).await
    }

    /// Goes through the handshake.
    async fn served(mut hostile: Self, node: &Node) -> Self {
        hostile.shake(block(0)).await.expect("welcome");
        until("the hostile peer to be served", async || node.handle.peer(&hostile.id).is_some()).await;
        hostile
    }
}

/// A node and its honest peer.
async fn victim() -> (Node, Node) {
    victim_with(config()).await
}

pub(crate) async fn victim_with(config_of_victim: basalt_network::Config) -> (Node, Node) {
    let mut node = Node::start(config_of_victim).await;
    let mut honest = Node::start(config()).await;
    connect(&mut honest, &mut node).await;
    (node, honest)
}

/// The honest peer is served, nothing is held against it, and the hostile one is banned.
pub(crate) async fn all_is_well(node: &mut Node, honest: &mut Node, hostile: &Hostile) {
    until("the ban", async || node.is_banned(hostile.id).await).await;
    until("the end of the connection", async || node.handle.peer(&hostile.id).is_none()).await;
    honest_is_unaffected(node, honest).await;
}

pub(crate) async fn honest_is_unaffected(node: &mut Node, honest: &mut Node) {
    votes_pass(honest, node, 1_000).await;
    assert_eq!(node.handle.peer(&honest.id()).unwrap().score, 0);
    assert!(!node.is_banned(honest.id()).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn garbage_on_every_plane_is_a_ban() {
    for plane in [Plane::Consensus, Plane::Transactions, Plane::Status, Plane::Blocks, Plane::Pull] {
        let (mut node, mut honest) = victim().await;
        let mut hostile = Hostile::welcome(&node).await;
        // A consensus message is any bytes, but not none.
        let garbage: &[u8] = if plane == Plane::Consensus { &[] } else { &[0xff; 100] };
        for _ in 0..20 {
            let Ok(mut stream) = hostile.open(plane).await else { break };
            // The end of the stream is the answer, sooner or later.
            let _ = send(&mut stream, garbage).await;
            let _ = stream.read(&mut [0; 1]).await;
        }
        all_is_well(&mut node, &mut honest, &hostile).await;
        assert!(node.metric("basalt_network_charges_total", &[("cost", "malformed")]) >= 2.0, "{plane:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lengths_beyond_the_limits_are_a_ban_and_take_no_memory() {
    for plane in [Plane::Consensus, Plane::Transactions, Plane::Status, Plane::Blocks, Plane::Pull] {
        let (mut node, mut honest) = victim().await;
        let mut hostile = Hostile::welcome(&node).await;
        for _ in 0..20 {
            let Ok(mut stream) = hostile.open(plane).await else { break };
            let _ = stream.write_all(&u32::MAX.to_le_bytes()).await;
            let _ = stream.flush().await;
            let _ = stream.read(&mut [0; 1]).await;
        }
        all_is_well(&mut node, &mut honest, &hostile).await;
        assert!(node.metric("basalt_network_charges_total", &[("cost", "oversize")]) >= 2.0, "{plane:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_votes_is_bounded_and_a_ban() {
    let (mut node, mut honest) = victim().await;
    let mut hostile = Hostile::welcome(&node).await;
    let mut stream = hostile.open(Plane::Consensus).await.unwrap();
    // Nobody reads the queue meanwhile.
    for n in 0..100_000u32 {
        let mut message = [0; 64];
        message[..4].copy_from_slice(&n.to_le_bytes());
        if send(&mut stream, &message).await.is_err() {
            break;
        }
    }
    until("the ban", async || node.is_banned(hostile.id).await).await;
    let mut waiting = 0;
    while let Some((from, _)) = node.receivers.consensus.try_recv() {
        waiting += usize::from(from == hostile.id);
    }
    assert_eq!(waiting, 0, "what a banned peer sent is dropped");
    let taken = node.handle.traffic().of(Plane::Consensus).messages_in;
    assert!(taken < 3 * limits::CONSENSUS_RATE.messages_burst, "{taken} messages were decoded");
    all_is_well(&mut node, &mut honest, &hostile).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn votes_of_honest_peers_do_not_queue_behind_those_of_a_flooder() {
    let (mut node, mut honest) = victim().await;
    let mut hostile = Hostile::welcome(&node).await;
    let mut stream = hostile.open(Plane::Consensus).await.unwrap();
    // Within the rate, so not a flood, and more than anybody reads.
    for n in 0..limits::CONSENSUS_QUEUE.messages_max as u32 + 200 {
        send(&mut stream, &n.to_le_bytes()).await.unwrap();
    }
    until("the queue to be full", async || node.handle.traffic().of(Plane::Consensus).dropped >= 200).await;
    honest.handle.broadcast_consensus(b"honest".to_vec()).unwrap();
    let in_queue = || honest.handle.traffic().of(Plane::Consensus).messages_out == 1;
    until("the vote to be sent", async || in_queue()).await;
    let before = node.handle.traffic().of(Plane::Consensus).messages_in;
    until("the vote to arrive", async || before > limits::CONSENSUS_QUEUE.messages_max as u64).await;
    let mut read = 0;
    soon("the honest vote", async {
        while node.receivers.consensus.recv().await.unwrap().0 != honest.id() {
            read += 1;
        }
    })
    .await;
    assert!(read <= 512, "{read} messages of the other came before");
    votes_pass(&mut honest, &mut node, 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn floods_of_questions_and_heads_are_a_ban() {
    for plane in [Plane::Status, Plane::Blocks, Plane::Pull] {
        let (mut node, mut honest) = victim().await;
        let mut hostile = Hostile::welcome(&node).await;
        let request = BlockRequest { start: Start::Number(1), count: 1, fields: Fields::ALL };
        if plane == Plane::Status {
            let mut stream = hostile.open(plane).await.unwrap();
            for _ in 0..20_000 {
                if send(&mut stream, &(block(1), block(1)).encode()).await.is_err() {
                    break;
                }
            }
        } else {
            // Questions for blocks are answered here, each by "busy".
            let hashes = vec![genesis(9)];
            let message = if plane == Plane::Blocks { request.encode() } else { hashes.encode() };
            for _ in 0..5_000 {
                while let Some(question) = try_question(&mut node) {
                    drop(question);
                }
                let Ok(mut stream) = hostile.open(plane).await else { break };
                let _ = send(&mut stream, &message).await;
                if node.is_banned(hostile.id).await {
                    break;
                }
            }
        }
        all_is_well(&mut node, &mut honest, &hostile).await;
    }
}

fn try_question(node: &mut Node) -> Option<basalt_network::IncomingBlockRequest> {
    use futures::FutureExt;
    node.receivers.block_requests.recv().now_or_never().flatten()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thousands_of_streams_are_a_ban() {
    let (mut node, mut honest) = victim().await;
    let mut hostile = Hostile::welcome(&node).await;
    let mut open = Vec::new();
    for n in 0..2_000 {
        match hostile.open([Plane::Consensus, Plane::Transactions, Plane::Blocks][n % 3]).await {
            Ok(stream) => open.push(stream),
            Err(_) => break,
        }
    }
    all_is_well(&mut node, &mut honest, &hostile).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_does_not_read_is_cut_off_and_costs_others_nothing() {
    let mut impatient = config();
    impatient.connections.message_timeout = Duration::from_millis(500);
    let (mut node, mut honest) = victim_with(impatient).await;
    let mut hostile = Hostile::connect(&node).await;
    // It takes the stream of votes, and never reads it.
    let mut incoming = hostile.accept(Plane::Consensus);
    let holding = tokio::spawn(async move {
        let mut held = Vec::new();
        while let Some(stream) = incoming.next().await {
            held.push(stream);
        }
    });
    let mut again = Hostile::served(hostile, &node).await;
    let message = |n: u32| [n.to_le_bytes().to_vec(), vec![0; 60_000]].concat();
    // More than all windows and buffers between the two hold.
    for n in 0..2_000 {
        node.handle.broadcast_consensus(message(n)).unwrap();
        let vote = honest.vote_of(node.id()).await;
        assert_eq!(vote, message(n));
        if node.handle.peer(&again.id).is_none() {
            break;
        }
    }
    until("the slow one to be cut off", async || node.handle.peer(&again.id).is_none()).await;
    assert!(node.metric("basalt_network_charges_total", &[("cost", "slow")]) >= 1.0);
    honest_is_unaffected(&mut node, &mut honest).await;
    assert!(again.open(Plane::Handshake).await.is_err());
    holding.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sockets_that_say_nothing_do_not_keep_others_out() {
    let mut strict = config();
    strict.connections.loopback_exempt = false;
    let (mut node, mut honest) = victim_with(strict).await;
    let port = node.address().tcp_port().unwrap();
    let mut sockets = Vec::new();
    for _ in 0..300 {
        let socket = TcpSocket::new_v4().unwrap();
        // Another address than that of honest nodes.
        socket.bind("127.0.0.2:0".parse().unwrap()).unwrap();
        sockets.push(socket.connect(([127, 0, 0, 1], port).into()).await.unwrap());
    }
    let mut late = Node::start(config()).await;
    connect(&mut late, &mut node).await;
    votes_pass(&mut late, &mut node, 0).await;
    // All but a few were closed at once.
    let mut closed = 0;
    for socket in &mut sockets {
        let mut byte = [0; 1];
        let end = tokio::io::AsyncReadExt::read(socket, &mut byte);
        if matches!(tokio::time::timeout(Duration::from_millis(100), end).await, Ok(Ok(0) | Err(_))) {
            closed += 1;
        }
        if closed > 200 {
            break;
        }
    }
    assert!(closed > 200, "{closed} of 300 were closed");
    honest_is_unaffected(&mut node, &mut honest).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_served_before_the_handshake() {
    let mut impatient = config();
    impatient.connections.handshake_timeout = Duration::from_millis(300);
    let (mut node, mut honest) = victim_with(impatient).await;
    let mut hostile = Hostile::connect(&node).await;
    let mut stream = hostile.open(Plane::Consensus).await.unwrap();
    let _ = send(&mut stream, b"vote").await;
    let mut question = hostile.open(Plane::Blocks).await.unwrap();
    let request = BlockRequest { start: Start::Number(1), count: 1, fields: Fields::ALL };
    let _ = send(&mut question, &request.encode()).await;
    // The connection ends without an answer.
    let answer = soon("the end of the connection", receive(&mut question)).await;
    assert!(answer.is_err(), "{answer:?}");
    assert!(node.receivers.consensus.try_recv().is_none());
    assert!(try_question(&mut node).is_none());
    assert!(node.handle.peer(&hostile.id).is_none());
    honest_is_unaffected(&mut node, &mut honest).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_liar_at_the_handshake_is_refused_and_garbage_there_charged() {
    let (mut node, mut honest) = victim().await;
    let mut wrong = Hostile::connect(&node).await;
    let mut stream = wrong.open(Plane::Handshake).await.unwrap();
    let status = basalt_network::Status {
        version: 99,
        genesis: genesis(1),
        roles: Roles::FULL,
        best: block(0),
        finalized: block(0),
    };
    send(&mut stream, &status.encode()).await.unwrap();
    receive(&mut stream).await.unwrap();
    let verdict = receive(&mut stream).await.unwrap();
    let refusal = basalt_network::Refusal::Version { ours: limits::VERSION, theirs: 99 };
    assert_eq!(verdict, [vec![1], refusal.encode()].concat());
    let labels = [("by", "us"), ("reason", "version")];
    until("the refusal to be counted", async || node.metric("basalt_network_refused_total", &labels) == 1.0)
        .await;

    let mut garbage = Hostile::connect(&node).await;
    let mut stream = garbage.open(Plane::Handshake).await.unwrap();
    send(&mut stream, &[1; 20]).await.unwrap();
    let charged = [("cost", "malformed")];
    until("a charge", async || node.metric("basalt_network_charges_total", &charged) == 1.0).await;
    assert_eq!(node.handle.peers().len(), 1);
    honest_is_unaffected(&mut node, &mut honest).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lies_about_blocks_are_told_apart_and_charged() {
    let (mut node, mut honest) = victim().await;
    let too_many = basalt_network::BlockResponse { blocks: vec![Default::default(); 2] };
    let framed = |reply: Vec<u8>| [&u32::try_from(reply.len()).unwrap().to_le_bytes()[..], &reply].concat();
    // Two million extrinsics of no byte: 2 MiB here, 48 MiB there, if somebody read them.
    let many_parts =
        basalt_network::BlockData { body: Some(vec![Default::default(); 2 << 20]), ..Default::default() };
    let many_parts = basalt_network::BlockResponse { blocks: vec![many_parts] };
    let answers: [Vec<u8>; 4] = [
        framed(vec![0xff; 100]),
        u32::MAX.to_le_bytes().to_vec(),
        framed([vec![0], too_many.encode()].concat()),
        framed([vec![0], many_parts.encode()].concat()),
    ];
    let request = BlockRequest { start: Start::Number(1), count: 1, fields: Fields::ALL };
    let charges = |node: &Node| node.metric("basalt_network_charges_total", &[]);
    for answer in answers {
        let mut hostile = Hostile::connect(&node).await;
        let mut questions = hostile.accept(Plane::Blocks);
        let hostile = Hostile::served(hostile, &node).await;
        let before = charges(&node);
        let lie = async {
            let (_, mut stream) = questions.next().await.unwrap();
            receive(&mut stream).await.unwrap();
            let _ = stream.write_all(&answer).await;
            let _ = stream.close().await;
        };
        let (received, ()) = tokio::join!(node.handle.request_blocks(hostile.id, request), lie);
        assert!(matches!(received, Err(RequestError::BadAnswer { .. })), "{received:?}");
        until("the charge", async || charges(&node) > before).await;
    }
    honest_is_unaffected(&mut node, &mut honest).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_transaction_over_and_over_is_handed_on_once() {
    let (mut node, mut honest) = victim().await;
    let mut hostile = Hostile::welcome(&node).await;
    let mut stream = hostile.open(Plane::Transactions).await.unwrap();
    let push = [vec![0], vec![b"transaction".to_vec(); 10].encode()].concat();
    send(&mut stream, &push).await.unwrap();
    let (from, bytes) = soon("the transaction", node.receivers.transactions.recv()).await.unwrap();
    assert_eq!((from, &bytes[..]), (hostile.id, &b"transaction"[..]));
    for _ in 0..200 {
        if send(&mut stream, &push).await.is_err() {
            break;
        }
    }
    all_is_well(&mut node, &mut honest, &hostile).await;
    assert!(node.receivers.transactions.try_recv().is_none());
}
