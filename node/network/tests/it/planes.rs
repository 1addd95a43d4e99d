//! What two and more honest nodes say to each other.

use basalt_network::{
    BlockData, BlockRequest, BlockResponse, Config, Fields, Justification, PeerEvent, Plane, RequestError,
    Roles, SendError, Start, limits,
};
use basalt_primitives::{Header, OpaqueExtrinsic};

use crate::kit::{Node, block, config, connect, pair, soon, votes_pass};

fn request(count: u32) -> BlockRequest {
    BlockRequest { start: Start::Number(3), count, fields: Fields::ALL }
}

fn block_data(bytes: usize) -> BlockData {
    BlockData {
        hash: block(3).hash,
        header: Some(Header { number: 3, ..Header::default() }),
        body: Some(vec![OpaqueExtrinsic(vec![7; bytes])]),
        justification: Some(Justification { engine: *b"FRNK", data: vec![1, 2, 3] }),
    }
}

/// Answers the next question with `response`.
async fn answer(node: &mut Node, response: BlockResponse) -> BlockRequest {
    let question = soon("a question", node.receivers.block_requests.recv()).await.unwrap();
    question.responder.respond(response);
    question.request
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn votes_pass_both_ways_in_order() {
    let (mut one, mut two) = pair().await;
    for round in 0..3 {
        votes_pass(&mut one, &mut two, round).await;
    }
    for n in 0..200u32 {
        assert_eq!(one.handle.broadcast_consensus(n.to_le_bytes().to_vec()), Ok(1));
    }
    for n in 0..200u32 {
        assert_eq!(two.vote_of(one.id()).await, n.to_le_bytes());
    }
    let largest = vec![9; limits::CONSENSUS_BYTES_MAX];
    one.handle.broadcast_consensus(largest.clone()).unwrap();
    assert_eq!(two.vote_of(one.id()).await, largest);
    let too_large = vec![9; limits::CONSENSUS_BYTES_MAX + 1];
    assert!(matches!(one.handle.broadcast_consensus(too_large), Err(SendError::TooLarge { .. })));
    assert!(one.handle.traffic().of(Plane::Consensus).messages_out >= 204);
    assert!(
        two.metric("basalt_network_bytes_total", &[("plane", "consensus"), ("direction", "in")]) > 65_536.0
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn votes_go_to_those_who_vote_or_follow_only() {
    let full = Config { roles: Roles::FULL, ..config() };
    let follower = Config { roles: Roles::FULL.with(Roles::FOLLOWER), ..config() };
    let (mut voter, mut full, mut follower) =
        (Node::start(config()).await, Node::start(full).await, Node::start(follower).await);
    connect(&mut full, &mut voter).await;
    connect(&mut follower, &mut voter).await;
    assert_eq!(voter.handle.broadcast_consensus(b"vote".to_vec()), Ok(1));
    assert_eq!(follower.vote_of(voter.id()).await, b"vote");
    let peer = full.id();
    assert_eq!(voter.handle.send_consensus(peer, vec![1]), Err(SendError::NotConnected { peer }));
    assert_eq!(full.handle.broadcast_consensus(vec![1]), Ok(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn votes_are_passed_on_along_a_line_once() {
    let (one, mut two) = pair().await;
    let mut three = Node::start(config()).await;
    connect(&mut three, &mut two).await;
    one.handle.broadcast_consensus(b"vote".to_vec()).unwrap();
    let vote = two.vote_of(one.id()).await;
    assert_eq!(two.handle.relay_consensus(vote.clone()), Ok(1), "not to the one it came from");
    assert_eq!(two.handle.relay_consensus(vote.clone()), Ok(0), "and once");
    assert_eq!(three.vote_of(two.id()).await, b"vote");
    assert_eq!(three.handle.relay_consensus(vote), Ok(0), "there is nobody else");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn transactions_are_pushed_when_short_and_asked_for_when_long_and_come_once() {
    let (one, mut two) = pair().await;
    let mut three = Node::start(config()).await;
    connect(&mut three, &mut two).await;
    let longest = limits::TRANSACTION_PUSH_BYTES_MAX;
    for (n, length) in
        [1, 150, longest, longest + 1, 100_000, limits::TRANSACTION_BYTES_MAX].into_iter().enumerate()
    {
        let transaction = vec![n as u8; length];
        one.handle.announce_transaction(transaction.clone()).unwrap();
        // Said twice, heard once.
        one.handle.announce_transaction(transaction.clone()).unwrap();
        let (from, received) = soon("a transaction", two.receivers.transactions.recv()).await.unwrap();
        assert_eq!((from, received.len()), (one.id(), length));
        assert_eq!(received, transaction);
        two.handle.announce_transaction(received).unwrap();
        let (from, received) =
            soon("a transaction passed on", three.receivers.transactions.recv()).await.unwrap();
        assert_eq!((from, received), (two.id(), transaction));
    }
    assert!(two.receivers.transactions.try_recv().is_none());
    assert_eq!(
        two.handle.traffic().of(Plane::Pull).messages_in,
        2 * 3,
        "three answers in, three questions in"
    );
    let too_large = vec![0; limits::TRANSACTION_BYTES_MAX + 1];
    assert!(matches!(one.handle.announce_transaction(too_large), Err(SendError::TooLarge { .. })));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_transactions_arrive() {
    let (one, mut two) = pair().await;
    let mut seen = std::collections::HashSet::new();
    for batch in 0..10u32 {
        for n in 0..1_000u32 {
            let mut transaction = vec![0; 140];
            transaction[..4].copy_from_slice(&(batch * 1_000 + n).to_le_bytes());
            one.handle.announce_transaction(transaction).unwrap();
        }
        for _ in 0..1_000 {
            let (_, transaction) = soon("a transaction", two.receivers.transactions.recv()).await.unwrap();
            assert!(seen.insert(transaction));
        }
    }
    assert_eq!(two.metric("basalt_network_charges_total", &[]), 0.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn blocks_come_when_asked_for() {
    let (one, mut two) = pair().await;
    let response = BlockResponse { blocks: vec![block_data(100), block_data(5 << 20)] };
    let (received, asked) =
        tokio::join!(one.handle.request_blocks(two.id(), request(2)), answer(&mut two, response.clone()));
    assert_eq!(received.as_ref(), Ok(&response));
    assert_eq!(asked, request(2));

    // What does not fit is left out, from the end.
    let large = BlockResponse { blocks: vec![block_data(5 << 20), block_data(5 << 20)] };
    let (received, _) =
        tokio::join!(one.handle.request_blocks(two.id(), request(2)), answer(&mut two, large));
    assert_eq!(received.unwrap().blocks.len(), 1);

    for (count, fields) in [(0, Fields::ALL), (65, Fields::ALL), (1, Fields(0)), (1, Fields(8))] {
        let request = BlockRequest { count, fields, ..request(1) };
        let refused = one.handle.request_blocks(two.id(), request).await;
        assert!(matches!(refused, Err(RequestError::Invalid { .. })));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn questions_are_limited_and_an_unanswered_one_says_busy() {
    let (one, mut two) = pair().await;
    let peer = two.id();
    let asking: Vec<_> = (0..limits::REQUESTS_OPEN_PER_PEER_MAX)
        .map(|_| {
            let handle = one.handle.clone();
            tokio::spawn(async move { handle.request_blocks(peer, request(1)).await })
        })
        .collect();
    let mut open = Vec::new();
    for _ in 0..limits::REQUESTS_OPEN_PER_PEER_MAX {
        open.push(soon("a question", two.receivers.block_requests.recv()).await.unwrap());
    }
    let one_more = one.handle.request_blocks(peer, request(1)).await;
    assert!(matches!(one_more, Err(RequestError::TooManyOpen { .. })));
    drop(open);
    for answer in asking {
        assert_eq!(soon("an answer", answer).await.unwrap(), Err(RequestError::Busy { peer }));
    }
    let stranger = basalt_network::PeerId::of_secret(&[3; 32]).unwrap();
    let unknown = one.handle.request_blocks(stranger, request(1)).await;
    assert_eq!(unknown, Err(RequestError::NotConnected { peer: stranger }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn votes_do_not_wait_for_blocks() {
    let (mut one, mut two) = pair().await;
    let peer = two.id();
    let mut transfers = tokio::task::JoinSet::new();
    for _ in 0..limits::REQUESTS_OPEN_PER_PEER_MAX {
        let handle = one.handle.clone();
        transfers.spawn(async move { handle.request_blocks(peer, request(1)).await });
    }
    for _ in 0..limits::REQUESTS_OPEN_PER_PEER_MAX {
        answer(&mut two, BlockResponse { blocks: vec![block_data(7 << 20)] }).await;
    }
    // 14 MiB are on their way; each vote still passes there and back.
    for round in 0..10 {
        votes_pass(&mut one, &mut two, round).await;
    }
    while let Some(transfer) = soon("a block", transfers.join_next()).await {
        assert_eq!(transfer.unwrap().unwrap().blocks.len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn peers_hear_where_we_stand() {
    let (one, mut two) = pair().await;
    let info = two.handle.peer(&one.id()).unwrap();
    assert_eq!((info.best, info.finalized), (block(7), block(5)));
    assert!(info.inbound && !one.handle.peer(&two.id()).unwrap().inbound);
    for number in 8..100 {
        one.handle.set_status(block(number), block(number - 1));
    }
    let from = one.id();
    let newest = |event: &PeerEvent| matches!(event, PeerEvent::StatusChanged(id, heads) if *id == from && heads.best == block(99));
    two.event("the newest head", newest).await;
    assert_eq!(two.handle.peer(&from).unwrap().finalized, block(98));
    assert_eq!(two.metric("basalt_network_charges_total", &[]), 0.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_passes_over_websockets() {
    let websocket = Config { listen: vec!["/ip4/127.0.0.1/tcp/0/ws".parse().unwrap()], ..config() };
    let (mut one, mut two) = (Node::start(config()).await, Node::start(websocket).await);
    assert!(two.address().to_string().contains("/ws/p2p/"), "{}", two.address());
    connect(&mut one, &mut two).await;
    votes_pass(&mut one, &mut two, 0).await;
    let response = BlockResponse { blocks: vec![block_data(3 << 20)] };
    let (received, _) =
        tokio::join!(one.handle.request_blocks(two.id(), request(1)), answer(&mut two, response.clone()));
    assert_eq!(received, Ok(response));
}

#[cfg(feature = "quic")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_passes_over_quic() {
    let quic = || Config { listen: vec!["/ip4/127.0.0.1/udp/0/quic-v1".parse().unwrap()], ..config() };
    let (mut one, mut two) = (Node::start(quic()).await, Node::start(quic()).await);
    connect(&mut one, &mut two).await;
    votes_pass(&mut one, &mut two, 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn receivers_end_when_the_network_stops() {
    let (one, mut two) = pair().await;
    let Node { handle, mut receivers, service, .. } = one;
    soon("the end", service.stop()).await;
    assert!(receivers.consensus.recv().await.is_none());
    assert!(receivers.transactions.recv().await.is_none());
    assert!(handle.peers().is_empty());
    assert!(handle.dial(two.address()).await.is_err());
    two.disconnected(handle.local_peer_id()).await;
}
