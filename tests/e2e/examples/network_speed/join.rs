//! How fast a node that joins late catches up.

use std::time::{Duration, Instant};

use basalt_e2e::{Node, process};
use basalt_primitives::hashing::twox_128;
use basalt_runtime::MILLIUNIT;
use basalt_test_kit::Sender;
use jsonrpsee::{
    core::client::{Client, ClientT, Subscription, SubscriptionClientT},
    rpc_params,
};
use serde_json::Value;

use crate::{
    Result,
    net::{Net, connect, connect_to, genesis, head, number, send, transfer},
};

/// A batch of transfers about every so many blocks.
const BLOCKS_PER_BATCH: u32 = 20;
/// Transfers in a batch.
const BATCH: usize = 10;

/// The timestamp of a block, as its validators agreed on it.
async fn timestamp(client: &Client, hash: &str) -> Result<u64> {
    let key = [twox_128(b"Timestamp"), twox_128(b"Now")].concat();
    let value: String =
        client.request("state_getStorage", rpc_params![const_hex::encode_prefixed(key), hash]).await?;
    let bytes: [u8; 8] = const_hex::decode_to_array(value).map_err(|error| error.to_string())?;
    Ok(u64::from_le_bytes(bytes))
}

/// Waits until a block of this height is final.
async fn reaches(
    client: &Client,
    height: u32,
    mut on_head: impl AsyncFnMut(u32) -> Result<()>,
) -> Result<()> {
    let mut heads: Subscription<Value> = client
        .subscribe("chain_subscribeFinalizedHeads", rpc_params![], "chain_unsubscribeFinalizedHeads")
        .await?;
    while let Some(header) = heads.next().await {
        let number = number(&header?)?;
        if number >= height {
            return Ok(());
        }
        on_head(number).await?;
    }
    Err("the node has ended".into())
}

/// Four validators make `height` blocks, some of them with transfers; then a fifth node joins.
pub(crate) async fn join(net: &Net, height: u32) -> Result<()> {
    let alice = connect(0).await?;
    let genesis = genesis(&alice).await?;
    let (mut sender, receiver) = (Sender::dev("Alice"), Sender::dev("Bob"));
    // Genesis has no time.
    reaches(&alice, 1, async |_| Ok(())).await?;
    let (first, first_hash) = head(&alice).await?;
    let began = timestamp(&alice, &first_hash).await?;
    let mut sent_at = first;
    let mut transfers = 0;
    reaches(&alice, height, async |number| {
        if number >= sent_at + BLOCKS_PER_BATCH {
            sent_at = number;
            transfers += BATCH;
            let batch: Vec<_> =
                (0..BATCH).map(|_| sender.sign(genesis, &transfer(&receiver, MILLIUNIT))).collect();
            send(&alice, &batch).await?;
        }
        Ok(())
    })
    .await?;
    let (last, last_hash) = head(&alice).await?;
    let made = Duration::from_millis(timestamp(&alice, &last_hash).await?.saturating_sub(began));
    let made_rate = f64::from(last - first) / made.as_secs_f64();
    println!(
        "made: {} blocks with {transfers} transfers in {:.1} s by their timestamps: {made_rate:.1} blocks/s",
        last - first,
        made.as_secs_f64()
    );

    let chain = net.folder().join("chain.json");
    let data = tempfile::tempdir()?;
    let addresses: Vec<String> = alice.request("system_localListenAddresses", rpc_params![]).await?;
    let text = |path: &std::path::Path| path.to_str().map(str::to_owned).ok_or("a name is no text");
    let (chain, data_path) = (text(&chain)?, text(data.path())?);
    let address = addresses.first().ok_or("no address")?;
    let begin = Instant::now();
    let node = Node::start(&[
        "--chain",
        &chain,
        "--base-path",
        &data_path,
        "--listen-addr",
        "/ip4/127.0.0.1/tcp/0",
        "--no-mdns",
        "--bootnodes",
        address,
    ])
    .map_err(|exit| exit.output)?;
    let ready = begin.elapsed();
    let late = connect_to(&node.url).await?;
    reaches(&late, last, async |_| Ok(())).await?;
    let whole = begin.elapsed();
    let cpu = process::cpu(node.pid())?;
    let (_, peak) = process::memory(node.pid())?;
    let here: String = late.request("chain_getBlockHash", rpc_params![last]).await?;
    if here != last_hash {
        return Err(format!("block {last} is {here} here and {last_hash} there").into());
    }
    let rate = f64::from(last) / whole.as_secs_f64();
    println!(
        "caught up: {last} blocks in {:.2} s after its start, {:.2} s of which until it answered: {rate:.0} blocks/s, \
         {:.1} times as fast as they were made; {:.0} times as fast as blocks of one second; {:.1} s of processor time, \
         at most {} MiB",
        whole.as_secs_f64(),
        ready.as_secs_f64(),
        rate / made_rate,
        rate,
        cpu.as_secs_f64(),
        peak >> 20,
    );
    let (now, _) = head(&alice).await?;
    println!("meanwhile the validators went on, to block {now}");
    if node.stop().code != Some(0) {
        return Err("the node did not stop in order".into());
    }
    Ok(())
}
