//! A hostile peer against a validator of a running network, on each protocol in turn: whatever it does, the validators go
//! on, the one that is attacked stays small, and the peer is banned.

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::{Duration, Instant},
};

use basalt_consensus_bft::{Message, SignedProposal, SignedVote};
use basalt_e2e::{
    localnet::{PATIENCE, World},
    process,
    rpc::Rpc,
};
use basalt_network::{
    BlockData, BlockId, BlockRequest, BlockResponse, Fields, Multiaddr, Plane, Start, limits,
};
use basalt_primitives::{H256, Header, OpaqueExtrinsic};
use futures::{AsyncReadExt, AsyncWriteExt, StreamExt};
use jsonrpsee::rpc_params;
use parity_scale_codec::Encode;
use tokio::time::{sleep, timeout};

use crate::hostile_peer::{Hostile, receive, send};

/// How much more memory the validator may hold at the worst moment than before it was attacked: the answers that it may
/// be reading at once, decoded (8 of 16 MiB), and as much again for all queues and what the allocator keeps.
const MEMORY_MAX: u64 = 256 << 20;

/// The validator that is attacked.
struct Victim {
    rpc: Rpc,
    address: Multiaddr,
    metrics: u16,
    pid: u32,
}

impl Victim {
    async fn of(world: &World) -> Self {
        let rpc = Rpc::connect(&world.url(0)).await;
        let address = rpc.get("system_localListenAddresses", rpc_params![]).await;
        let address = address[0].as_str().expect("text").parse().expect("an address");
        let pid = u32::try_from(world.pids()[0]).expect("it is small");
        Self { rpc, address, metrics: world.base_port - 329, pid }
    }

    /// The sum of a metric over all its labels.
    fn metric(&self, name: &str) -> f64 {
        let mut stream = TcpStream::connect(("127.0.0.1", self.metrics)).expect("it serves metrics");
        stream
            .write_all(b"GET /metrics HTTP/1.1\r\nhost: here\r\nconnection: close\r\n\r\n")
            .expect("a request");
        let mut text = String::new();
        stream.read_to_string(&mut text).expect("an answer");
        let lines = text.lines().filter(|line| line.starts_with(name));
        lines.filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok()).sum()
    }

    fn bans(&self) -> f64 {
        self.metric("basalt_network_bans_total")
    }

    /// A peer that is not past the handshake.
    async fn stranger(&self) -> Hostile {
        let dialling = Hostile::dial(&self.address, self.rpc.genesis_hash);
        timeout(PATIENCE, dialling).await.expect("a connection")
    }

    /// A peer that is welcome, and says that it has the block `best`.
    async fn guest(&self, best: BlockId) -> Hostile {
        let mut hostile = self.stranger().await;
        hostile.shake(best).await.expect("welcome");
        let name = hostile.id.to_string();
        let looking = async {
            loop {
                let peers = self.rpc.get("system_peers", rpc_params![]).await;
                if peers
                    .as_array()
                    .is_some_and(|peers| peers.iter().any(|peer| peer["peerId"] == name.as_str()))
                {
                    return;
                }
            }
        };
        timeout(PATIENCE, looking).await.expect("it is served");
        hostile
    }

    async fn height(&self) -> u32 {
        self.rpc.finalized().await.0
    }

    /// The validators go on, all of them, and the memory is bounded.
    async fn is_well(&self, what: &str, before: u64) {
        let height = self.height().await;
        timeout(PATIENCE, self.rpc.reaches(height + 5))
            .await
            .unwrap_or_else(|_| panic!("{what}: no block becomes final"));
        let peers = self.rpc.get("system_peers", rpc_params![]).await;
        let voters = peers.as_array().expect("an array").iter().filter(|peer| {
            // The hostile one says that it votes, too, but it is nowhere near.
            peer["roles"] == "AUTHORITY"
                && peer["bestNumber"].as_u64().is_some_and(|best| best >= u64::from(height))
        });
        assert!(voters.count() >= 3, "{what}: {peers}");
        let (_, peak) = process::memory(self.pid).expect("it runs");
        let grown = peak.saturating_sub(before) >> 20;
        assert!(grown << 20 < MEMORY_MAX, "{what}: {grown} MiB more than before");
    }
}

/// Repeats `attack` until the victim has banned somebody. It gets the number of the turn, and says whether there is
/// still somebody to attack with.
async fn until_banned(victim: &Victim, what: &str, mut attack: impl AsyncFnMut(u32) -> bool) {
    let before = victim.bans();
    let begin = Instant::now();
    for turn in 0.. {
        // Who is cut off does not always hear of it.
        let alive = timeout(Duration::from_secs(1), attack(turn)).await.unwrap_or(false);
        if turn % 64 == 63 || !alive {
            if victim.bans() > before {
                return;
            }
            assert!(begin.elapsed() < PATIENCE, "{what}: nobody is banned");
            if !alive {
                sleep(Duration::from_millis(20)).await;
            }
        }
    }
}

fn nowhere() -> BlockId {
    BlockId::default()
}

fn vote(height: u32, voter: [u8; 32], turn: u32) -> Vec<u8> {
    let block = Some(H256([turn.to_le_bytes()[0]; 32]));
    let vote =
        SignedVote { precommit: false, height: height.into(), round: 0, block, voter, signature: [7; 64] };
    Message::Vote(vote).encode()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hostile_peer_is_banned_whatever_it_abuses_and_the_validators_go_on() {
    let world = World::new(4, &["--block-time", "50ms", "--empty-block-time", "100ms"]);
    let net = world.start();
    let victim = Victim::of(&world).await;
    timeout(PATIENCE, victim.rpc.reaches(5)).await.expect("finality");
    let (before, _) = process::memory(victim.pid).expect("it runs");

    // Bytes that are nothing, on sockets and in the handshake.
    let mut sockets = Vec::new();
    for _ in 0..200 {
        let port = victim.address.tcp_port().expect("a port");
        let mut socket = tokio::net::TcpStream::connect(("127.0.0.1", port)).await.expect("it listens");
        let _ = tokio::io::AsyncWriteExt::write_all(&mut socket, &[0xa5; 20_000]).await;
        sockets.push(socket);
    }
    victim.is_well("sockets", before).await;
    drop(sockets);
    for _ in 0..20 {
        let mut hostile = victim.stranger().await;
        if let Ok(mut stream) = hostile.open(Plane::Handshake).await {
            let _ = send(&mut stream, &[1; 20]).await;
            let _ = receive(&mut stream).await;
        }
    }
    victim.is_well("handshake", before).await;

    // What does not decode, on each stream and in each question.
    for plane in [Plane::Consensus, Plane::Transactions, Plane::Status, Plane::Blocks, Plane::Pull] {
        let what = format!("garbage: {plane:?}");
        let mut hostile = victim.guest(nowhere()).await;
        until_banned(&victim, &what, async |_| {
            let Ok(mut stream) = hostile.open(plane).await else { return false };
            let _ = send(&mut stream, &[0xff; 200]).await;
            if plane == Plane::Consensus {
                // The stream stays open: what is inside is looked at elsewhere.
                return send(&mut stream, &[0xff; 100]).await.is_ok();
            }
            let _ = stream.read(&mut [0; 1]).await;
            true
        })
        .await;
        victim.is_well(&what, before).await;
    }

    // Much too much of what does decode.
    for plane in [Plane::Consensus, Plane::Transactions, Plane::Status] {
        let what = format!("flood: {plane:?}");
        let mut hostile = victim.guest(nowhere()).await;
        let mut stream = hostile.open(plane).await.expect("a stream");
        until_banned(&victim, &what, async |turn| {
            let message = match plane {
                Plane::Consensus => vote(turn + 1_000_000, [1; 32], turn),
                Plane::Transactions => {
                    let hashes: Vec<H256> = (0..1_000u32)
                        .map(|n| {
                            let mut hash = [0; 32];
                            hash[..4].copy_from_slice(&turn.to_le_bytes());
                            hash[4..8].copy_from_slice(&n.to_le_bytes());
                            H256(hash)
                        })
                        .collect();
                    (1u8, hashes).encode()
                }
                _ => (BlockId { number: turn, ..nowhere() }, nowhere()).encode(),
            };
            send(&mut stream, &message).await.is_ok()
        })
        .await;
        victim.is_well(&what, before).await;
    }
    for plane in [Plane::Blocks, Plane::Pull] {
        let what = format!("questions: {plane:?}");
        let mut hostile = victim.guest(nowhere()).await;
        let question = match plane {
            Plane::Blocks => {
                BlockRequest { start: Start::Number(1), count: 64, fields: Fields::ALL }.encode()
            }
            _ => vec![H256([3; 32]); 16].encode(),
        };
        until_banned(&victim, &what, async |_| {
            let Ok(mut stream) = hostile.open(plane).await else { return false };
            send(&mut stream, &question).await.is_ok()
        })
        .await;
        victim.is_well(&what, before).await;
    }

    // Transactions that no state makes valid.
    let mut hostile = victim.guest(nowhere()).await;
    let mut stream = hostile.open(Plane::Transactions).await.expect("a stream");
    until_banned(&victim, "bad transactions", async |turn| {
        let bad: Vec<Vec<u8>> =
            (0..10u32).map(|n| [&[0x84][..], &(turn * 10 + n).to_le_bytes(), &[9; 130]].concat()).collect();
        send(&mut stream, &(0u8, bad).encode()).await.is_ok()
    })
    .await;
    victim.is_well("bad transactions", before).await;

    // Votes of nobody, and votes of a validator that it did not sign.
    let status = victim.rpc.get("basalt_consensusStatus", rpc_params![]).await;
    let bob = status["validators"][1]["voteKey"].as_str().expect("text");
    let bob: [u8; 32] = const_hex::decode_to_array(bob).expect("a key");
    for (what, voter) in [("votes of a stranger", [1; 32]), ("forged votes", bob)] {
        let mut hostile = victim.guest(nowhere()).await;
        let mut stream = hostile.open(Plane::Consensus).await.expect("a stream");
        until_banned(&victim, what, async |turn| {
            sleep(Duration::from_millis(2)).await;
            let height = victim.height().await;
            let mut alive = true;
            for ahead in 1..4 {
                alive &= send(&mut stream, &vote(height + ahead, voter, turn)).await.is_ok();
            }
            alive
        })
        .await;
        victim.is_well(what, before).await;
    }

    // Proposals with bodies that take much more memory than bytes.
    let mut hostile = victim.guest(nowhere()).await;
    let mut stream = hostile.open(Plane::Consensus).await.expect("a stream");
    until_banned(&victim, "swollen proposals", async |turn| {
        let number = victim.height().await + 2;
        let proposal = SignedProposal {
            height: number.into(),
            round: turn,
            pol_round: None,
            header: Header { number, ..Header::default() },
            proposer: bob,
            signature: [7; 64],
        };
        let body = vec![OpaqueExtrinsic::default(); 60_000];
        send(&mut stream, &Message::Proposal(proposal, Some(body)).encode()).await.is_ok()
    })
    .await;
    victim.is_well("swollen proposals", before).await;

    // Lies about blocks: the greatest height of all, and answers that are wrong in any way.
    let far = BlockId { hash: H256([9; 32]), number: 1_000_000 };
    let mut hostile = victim.stranger().await;
    let mut questions = hostile.accept(Plane::Blocks);
    hostile.shake(far).await.expect("welcome");
    let mut answers = 0;
    until_banned(&victim, "lies about blocks", async |_| {
        let Ok(Some((_, mut stream))) = timeout(Duration::from_secs(1), questions.next()).await else {
            return false;
        };
        let _ = receive(&mut stream).await;
        answers += 1;
        let blocks = match answers % 2 {
            1 => {
                let body = Some(vec![OpaqueExtrinsic::default(); limits::BLOCK_RESPONSE_BYTES_MAX - 100]);
                vec![BlockData { body, ..BlockData::default() }]
            }
            _ => vec![BlockData { header: Some(Header::default()), ..BlockData::default() }],
        };
        let _ = send(&mut stream, &(0u8, BlockResponse { blocks }).encode()).await;
        let _ = stream.close().await;
        true
    })
    .await;
    assert!(answers > 0, "it was asked nothing");
    victim.is_well("lies about blocks", before).await;

    // Transactions that are announced, and come as something else.
    let mut hostile = victim.stranger().await;
    let mut questions = hostile.accept(Plane::Pull);
    hostile.shake(nowhere()).await.expect("welcome");
    let mut stream = hostile.open(Plane::Transactions).await.expect("a stream");
    until_banned(&victim, "lies about transactions", async |turn| {
        let hash = H256([turn.to_le_bytes()[0]; 32]);
        if send(&mut stream, &(1u8, vec![hash]).encode()).await.is_err() {
            return false;
        }
        let Ok(Some((_, mut question))) = timeout(Duration::from_secs(1), questions.next()).await else {
            return false;
        };
        let _ = receive(&mut question).await;
        let empty = vec![Vec::<u8>::new(); limits::PULL_RESPONSE_BYTES_MAX - 100];
        let _ = send(&mut question, &empty.encode()).await;
        let _ = question.close().await;
        true
    })
    .await;
    victim.is_well("lies about transactions", before).await;

    // What libp2p answers by itself: names.
    let mut hostile = victim.guest(nowhere()).await;
    until_banned(&victim, "identify", async |_| {
        let Ok(mut stream) = hostile.open_named("/ipfs/id/1.0.0".to_owned()).await else { return false };
        // What is too much is not answered.
        let _ = timeout(Duration::from_millis(20), stream.read(&mut [0; 1])).await;
        true
    })
    .await;
    victim.is_well("identify", before).await;

    // And peers, and signs of life. Both stop being of use before they do harm.
    let digits = const_hex::encode(&victim.rpc.genesis_hash.0[..8]);
    let find_node = [&[36, 0x08, 4, 0x12, 32][..], &[7; 32]].concat();
    for (protocol, question) in
        [(format!("/basalt/{digits}/kad/1"), find_node), ("/ipfs/ping/1.0.0".to_owned(), vec![7; 32])]
    {
        let mut hostile = victim.guest(nowhere()).await;
        for _ in 0..500 {
            let opening = timeout(Duration::from_secs(1), hostile.open_named(protocol.clone()));
            let Ok(Ok(mut stream)) = opening.await else { break };
            let _ = stream.write_all(&question).await;
            let _ = stream.flush().await;
            let _ = timeout(Duration::from_millis(5), stream.read(&mut [0; 1])).await;
        }
        victim.is_well(&protocol, before).await;
    }

    // Nobody else was blamed for anything.
    for node in 1..4 {
        let rpc = Rpc::connect(&world.url(node)).await;
        let health = rpc.get("system_health", rpc_params![]).await;
        assert_eq!(health["peers"], 3, "{health}");
    }
    drop(net);
}
