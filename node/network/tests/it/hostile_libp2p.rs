//! Peers that abuse what libp2p brings along: identify, Kademlia, ping, streams of no protocol.

use std::time::Duration;

use basalt_network::Plane;
use futures::{AsyncReadExt, AsyncWriteExt};

use crate::{
    hostile::{all_is_well, honest_is_unaffected, victim_with},
    hostile_peer::Hostile,
    kit::{Node, config, genesis, soon, until},
};

const IDENTIFY: &str = "/ipfs/id/1.0.0";
const PUSH: &str = "/ipfs/id/push/1.0.0";
const PING: &str = "/ipfs/ping/1.0.0";

async fn victim() -> (Node, Node) {
    let mut config = config();
    config.discovery.kademlia = true;
    victim_with(config).await
}

fn kademlia() -> String {
    let digits: String = genesis(1).0.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    format!("/basalt/{digits}/kad/1")
}

/// Who is next to this name? In protobuf, with its length before it.
fn find_node() -> Vec<u8> {
    [&[36, 0x08, 4, 0x12, 32][..], &[7; 32]].concat()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_of_libp2p_but_ping_and_a_name_works_before_the_handshake() {
    let mut impatient = config();
    impatient.discovery.kademlia = true;
    impatient.connections.handshake_timeout = Duration::from_millis(1_000);
    let (mut node, mut honest) = victim_with(impatient).await;
    let mut hostile = Hostile::connect(&node).await;
    let mut stream = hostile.open_named(kademlia()).await.unwrap();
    stream.write_all(&find_node()).await.unwrap();
    stream.flush().await.unwrap();
    // The end of the connection comes, and no answer.
    let answer = soon("the end", async {
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes).await;
        bytes
    });
    assert!(answer.await.is_empty());
    honest_is_unaffected(&mut node, &mut honest).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn asking_for_names_without_end_is_a_ban() {
    let (mut node, mut honest) = victim().await;
    let mut hostile = Hostile::welcome(&node).await;
    let mut answered = 0;
    for _ in 0..20_000 {
        let Ok(mut stream) = hostile.open_named(IDENTIFY.to_owned()).await else { break };
        // What is too much is not answered.
        let answer =
            tokio::time::timeout(Duration::from_millis(50), async { stream.read(&mut [0; 1]).await });
        answered += usize::from(matches!(answer.await, Ok(Ok(1))));
    }
    assert!(answered > 5, "{answered}");
    all_is_well(&mut node, &mut honest, &hostile).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn garbage_in_libp2p_s_own_protocols_disturbs_nobody() {
    let (mut node, mut honest) = victim().await;
    for protocol in [IDENTIFY.to_owned(), PUSH.to_owned(), PING.to_owned(), kademlia()] {
        let mut hostile = Hostile::welcome(&node).await;
        for garbage in [vec![0xff; 100_000], vec![0; 100_000], b"\x7fgarbage".repeat(1_000)] {
            let Ok(mut stream) = hostile.open_named(protocol.clone()).await else { break };
            let _ = stream.write_all(&garbage).await;
            let _ = stream.close().await;
        }
    }
    honest_is_unaffected(&mut node, &mut honest).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pings_without_end_and_protocols_that_nobody_speaks_disturb_nobody() {
    let (mut node, mut honest) = victim().await;
    let mut hostile = Hostile::welcome(&node).await;
    let mut pings = hostile.open_named(PING.to_owned()).await.unwrap();
    let pinging = tokio::spawn(async move {
        while pings.write_all(&[7; 32]).await.is_ok() && pings.read_exact(&mut [0; 32]).await.is_ok() {}
    });
    for _ in 0..500 {
        let unknown = hostile.open_named("/nobody/speaks/this/1".to_owned()).await;
        assert!(unknown.is_err());
    }
    honest_is_unaffected(&mut node, &mut honest).await;
    // Answering takes no memory and no turn of others; so it is not counted.
    let _ = hostile.open(Plane::Status).await.unwrap();
    pinging.abort();
    until("the end of the pings", async || pinging.is_finished()).await;
}
