//! The body of one block, soon.

use std::collections::VecDeque;

use basalt_network::{BlockRequest, BlockResponse, Cost, Fields, NetworkHandle, PeerId, RequestError, Start};
use basalt_primitives::{H256, OpaqueExtrinsic};
use futures::{StreamExt, stream::FuturesUnordered};
use tokio::time::{sleep, timeout};

use crate::limits::{FETCH_PAUSE, FETCH_PEERS_MAX, FETCH_STAGGER, FETCH_TIMEOUT};

/// Asks for the body of the block `hash`: `preferred` first, and another peer whenever one fails or a moment has passed.
/// None if nobody gave one that `accept` takes within [`FETCH_TIMEOUT`]. `accept` compares it with the header, which only the
/// caller has: who sends another body is charged for it.
pub async fn fetch_body(
    network: &NetworkHandle,
    hash: H256,
    preferred: Option<PeerId>,
    accept: impl Fn(&[OpaqueExtrinsic]) -> bool,
) -> Option<Vec<OpaqueExtrinsic>> {
    let connected = network.peers();
    // Voters have what they vote on.
    let (voters, others): (Vec<_>, Vec<_>) =
        connected.into_iter().partition(|peer| peer.roles.follows_consensus());
    let others = voters.into_iter().chain(others).map(|peer| peer.id);
    let peers = preferred.into_iter().chain(others.filter(|peer| Some(*peer) != preferred));
    let mut peers: VecDeque<PeerId> = peers.take(FETCH_PEERS_MAX).collect();

    let race = async {
        let mut asked = FuturesUnordered::new();
        loop {
            if let Some(peer) = peers.pop_front() {
                asked.push(async move { (peer, ask(network, peer, hash).await) });
            }
            let answer = match peers.is_empty() {
                true => asked.next().await,
                false => match timeout(FETCH_STAGGER, asked.next()).await {
                    Ok(answer) => answer,
                    Err(_) => continue,
                },
            };
            match answer {
                Some((_, Some(body))) if accept(&body) => return Some(body),
                Some((peer, Some(_))) => network.report(peer, Cost::WrongAnswer),
                Some((_, None)) => {}
                // Nobody is left.
                None => return None,
            }
        }
    };
    timeout(FETCH_TIMEOUT, race).await.ok().flatten()
}

/// Asks one peer, until it answers or refuses for good. One that does not have the body yet may get it soon.
async fn ask(network: &NetworkHandle, peer: PeerId, hash: H256) -> Option<Vec<OpaqueExtrinsic>> {
    let request = BlockRequest { start: Start::Hash(hash), count: 1, fields: Fields::BODY };
    loop {
        match network.request_blocks(peer, request).await {
            Ok(BlockResponse { blocks }) => {
                if let Some(block) = blocks.into_iter().find(|block| block.hash == hash) {
                    return block.body;
                }
            }
            Err(RequestError::Busy { .. } | RequestError::TooManyOpen { .. }) => {}
            Err(_) => return None,
        }
        sleep(FETCH_PAUSE).await;
    }
}
