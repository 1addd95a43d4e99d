//! How long four validators on this machine take to make transactions final, and how many they manage.
//!
//! ```sh
//! cargo run --release --example network_speed -- latency 300 [localnet flags]
//! cargo run --release --example network_speed -- throughput 60 4000 [localnet flags]
//! ```
//!
//! The four validators, the sender and whatever else runs share the machine's cores and its disk. Set TMPDIR to a file
//! system in memory to see what the disk costs.
#![expect(clippy::print_stdout, reason = "a program for people")]

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use basalt_e2e::binary;
use basalt_primitives::H256;
use basalt_runtime::{MILLIUNIT, RuntimeCall, UNIT};
use basalt_test_kit::Sender;
use jsonrpsee::{
    client_transport::ws::{Url, WsTransportClientBuilder},
    core::{
        client::{BatchResponse, Client, ClientBuilder, ClientT, Subscription, SubscriptionClientT},
        params::BatchRequestBuilder,
    },
    rpc_params,
};
use parity_scale_codec::Encode;
use serde_json::Value;
use tokio::{sync::Semaphore, task::JoinSet};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// The RPC port of the first validator.
const PORT: u16 = 19_944;
/// Accounts that send in the throughput run: no two transactions of a batch share any.
const ACCOUNTS: usize = 4_000;
/// Transactions of one JSON-RPC request.
const BATCH: usize = 100;
/// Requests that wait for their answers at once.
const IN_FLIGHT: usize = 8;

struct Net(Child);

impl Drop for Net {
    fn drop(&mut self) {
        // Its nodes end with it.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start(flags: &[String]) -> Result<Net> {
    let mut child = Command::new(binary())
        .args(["localnet", "--validators", "4", "--tmp", "--base-port", &PORT.to_string(), "--log", "warn"])
        .args(flags)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()?;
    let output = child.stdout.take().ok_or("no output")?;
    for line in BufReader::new(output).lines() {
        if line?.contains("Ctrl-C here") {
            return Ok(Net(child));
        }
    }
    Err("the localnet did not start".into())
}

async fn connect(node: u16) -> Result<Client> {
    let url = Url::parse(&format!("ws://127.0.0.1:{}", PORT + node))?;
    let (sender, receiver) =
        WsTransportClientBuilder::default().max_response_size(256 << 20).build(url).await?;
    Ok(ClientBuilder::default().build_with_tokio(sender, receiver))
}

async fn genesis(client: &Client) -> Result<H256> {
    let hash: String = client.request("chain_getBlockHash", rpc_params![0]).await?;
    Ok(H256(const_hex::decode_to_array(hash).map_err(|error| error.to_string())?))
}

fn hex(transaction: &[u8]) -> String {
    const_hex::encode_prefixed(transaction.encode())
}

fn transfer(to: &Sender, value: u128) -> RuntimeCall {
    RuntimeCall::Balances(basalt_pallet_balances::Call::transfer_keep_alive { dest: to.address(), value })
}

fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    sorted.get(sorted.len() * percent / 100).or(sorted.last()).copied().unwrap_or_default()
}

/// One transaction at a time, from being sent to being final, as its sender sees it.
async fn latency(count: usize) -> Result<()> {
    let client = connect(0).await?;
    let genesis = genesis(&client).await?;
    let (mut alice, bob) = (Sender::dev("Alice"), Sender::dev("Bob"));
    let mut times = Vec::new();
    for round in 0..count + 10 {
        let bytes = alice.sign(genesis, &transfer(&bob, MILLIUNIT));
        let begin = Instant::now();
        let mut updates: Subscription<Value> = client
            .subscribe("author_submitAndWatchExtrinsic", rpc_params![hex(&bytes)], "author_unwatchExtrinsic")
            .await?;
        while let Some(update) = updates.next().await {
            if update?.get("finalized").is_some() {
                break;
            }
        }
        // The first ones also wait for caches.
        if round >= 10 {
            times.push(begin.elapsed());
        }
    }
    times.sort_unstable();
    println!(
        "sent to final, {count} transactions: p50 {:.1} ms, p90 {:.1} ms, p99 {:.1} ms",
        percentile(&times, 50).as_secs_f64() * 1e3,
        percentile(&times, 90).as_secs_f64() * 1e3,
        percentile(&times, 99).as_secs_f64() * 1e3,
    );
    Ok(())
}

async fn head(client: &Client) -> Result<(u32, String)> {
    let hash: String = client.request("chain_getFinalizedHead", rpc_params![]).await?;
    let header: Value = client.request("chain_getHeader", rpc_params![&hash]).await?;
    let number = header["number"].as_str().ok_or("no number")?;
    let root = header["stateRoot"].as_str().ok_or("no root")?.to_owned();
    Ok((u32::from_str_radix(number.trim_start_matches("0x"), 16)?, root))
}

async fn send(client: &Client, transactions: &[Vec<u8>]) -> Result<()> {
    let mut batch = BatchRequestBuilder::new();
    for transaction in transactions {
        batch.insert("author_submitExtrinsic", rpc_params![hex(transaction)])?;
    }
    let answers: BatchResponse<'_, String> = client.batch_request(batch).await?;
    if let Some(error) = answers.into_iter().find_map(std::result::Result::err) {
        return Err(format!("a transaction was refused: {error}").into());
    }
    Ok(())
}

async fn nonce(client: &Client, sender: &Sender) -> Result<u64> {
    Ok(client.request("system_accountNextIndex", rpc_params![sender.account().to_string()]).await?)
}

/// `rate` transfers a second between distinct accounts, for `seconds`, half to each of two validators.
async fn throughput(seconds: usize, rate: usize) -> Result<()> {
    let clients = [Arc::new(connect(0).await?), Arc::new(connect(1).await?)];
    let genesis = genesis(&clients[0]).await?;
    println!("{ACCOUNTS} accounts get funds");
    let mut accounts: Vec<Sender> =
        (0..ACCOUNTS).map(|index| Sender::from_suri(&format!("//speed/{index}"))).collect();
    let mut alice = Sender::dev("Alice");
    let funds: Vec<_> = accounts.iter().map(|to| alice.sign(genesis, &transfer(to, 10 * UNIT))).collect();
    for batch in funds.chunks(BATCH) {
        send(&clients[0], batch).await?;
    }
    let all = u64::try_from(ACCOUNTS)?;
    while nonce(&clients[0], &alice).await? < all
        || !clients[0].request::<Vec<String>, _>("author_pendingExtrinsics", rpc_params![]).await?.is_empty()
    {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    println!("{} transfers are signed", seconds * rate);
    let receivers: Vec<Sender> =
        (0..ACCOUNTS).map(|index| Sender::from_suri(&format!("//to/{index}"))).collect();
    let signed: Vec<Vec<u8>> = (0..seconds * rate)
        .map(|index| {
            let at = index % ACCOUNTS;
            accounts[at].sign(genesis, &transfer(&receivers[at], 2 * MILLIUNIT))
        })
        .collect();
    let (before, _) = head(&clients[0]).await?;
    let begin = Instant::now();
    let mut late = Duration::ZERO;
    let room = Arc::new(Semaphore::new(IN_FLIGHT));
    let mut sending = JoinSet::new();
    for (index, batch) in signed.chunks(BATCH).enumerate() {
        let due = Duration::from_secs_f64((index * BATCH) as f64 / rate as f64);
        match due.checked_sub(begin.elapsed()) {
            Some(early) => tokio::time::sleep(early).await,
            None => late = late.max(begin.elapsed() - due),
        }
        let permit = room.clone().acquire_owned().await?;
        let (client, batch) = (clients[index % 2].clone(), batch.to_vec());
        sending.spawn(async move {
            let sent = send(&client, &batch).await.map_err(|error| error.to_string());
            drop(permit);
            sent
        });
        while let Some(done) = sending.try_join_next() {
            done??;
        }
    }
    while let Some(done) = sending.join_next().await {
        done??;
    }
    let sent = begin.elapsed();
    let expected: Vec<u64> = (0..ACCOUNTS)
        .map(|at| u64::try_from((seconds * rate).saturating_sub(at).div_ceil(ACCOUNTS)).unwrap_or(0))
        .collect();
    for at in [0, ACCOUNTS / 2, ACCOUNTS - 1] {
        while nonce(&clients[0], &accounts[at]).await? < expected[at] {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    while !clients[0].request::<Vec<String>, _>("author_pendingExtrinsics", rpc_params![]).await?.is_empty() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let done = begin.elapsed();
    let (after, _) = head(&clients[0]).await?;
    let mut heads = Vec::new();
    for node in 0..4 {
        heads.push(head(&connect(node).await?).await?.0);
    }
    println!(
        "{} transfers: sent in {:.1} s (at most {:.1} s behind the rate), all final after {:.1} s: {:.0}/s, in {} blocks; \
         heads of the four: {heads:?}",
        signed.len(),
        sent.as_secs_f64(),
        late.as_secs_f64(),
        done.as_secs_f64(),
        signed.len() as f64 / done.as_secs_f64(),
        after - before,
    );
    Ok(())
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize, default: usize| {
        arguments.get(at).map_or(Ok(default), |text| text.parse::<usize>()).map_err(|error| error.to_string())
    };
    match arguments.first().map(String::as_str) {
        Some("latency") => {
            let _net = start(arguments.get(2..).unwrap_or_default())?;
            latency(number(1, 300)?).await
        }
        Some("throughput") => {
            let _net = start(arguments.get(3..).unwrap_or_default())?;
            throughput(number(1, 60)?, number(2, 4000)?).await
        }
        _ => {
            Err("say latency [COUNT] or throughput [SECONDS] [RATE], and then flags of `basalt localnet`"
                .into())
        }
    }
}
