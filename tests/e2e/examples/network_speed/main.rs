//! How long four validators on this machine take to make transactions final, how many they manage, what they cost when
//! there are none, and how fast a fifth node catches up with them.
//!
//! ```sh
//! cargo run --release --example network_speed -- latency 300 [localnet flags]
//! cargo run --release --example network_speed -- throughput 60 4000 [localnet flags]
//! cargo run --release --example network_speed -- idle 60 [localnet flags]
//! cargo run --release --example network_speed -- join 2000 [localnet flags]
//! ```
//!
//! The four validators, the sender and whatever else runs share the machine's cores and its disk. Set TMPDIR to a file
//! system in memory to see what the disk costs.
#![expect(clippy::print_stdout, reason = "a program for people")]

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use basalt_runtime::{MILLIUNIT, UNIT};
use basalt_test_kit::Sender;
use jsonrpsee::{
    core::client::{ClientT, Subscription, SubscriptionClientT},
    rpc_params,
};
use serde_json::Value;
use tokio::{sync::Semaphore, task::JoinSet};

mod idle;
mod join;
mod net;
mod reports;

use self::{
    net::{Net, connect, genesis, head, hex, nonce, send, transfer},
    reports::Reports,
};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Accounts that send in the throughput run: no two transactions of a batch share any.
const ACCOUNTS: usize = 4_000;
/// Transactions of one JSON-RPC request.
const BATCH: usize = 100;
/// Requests that wait for their answers at once.
const IN_FLIGHT: usize = 8;

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

/// `rate` transfers a second between distinct accounts, for `seconds`, half to each of two validators.
async fn throughput(net: &Net, seconds: usize, rate: usize) -> Result<()> {
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
    let reports = Reports::gather(0, before);
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
    let sums = reports.until(after).await?;
    println!(
        "node 0 ran {} transactions of {} blocks {} times: {} again for conflicts ({:.3} %), {} in sequence; {} blocks \
         without a report",
        sums.transactions,
        sums.blocks,
        sums.executions,
        sums.re_executions,
        sums.re_executions as f64 / sums.transactions.max(1) as f64 * 100.0,
        sums.sequential,
        sums.missed,
    );
    println!("durability: fsync of consensus log, keys and database for each block, on {}", net.disk()?);
    Ok(())
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize, default: usize| {
        arguments.get(at).map_or(Ok(default), |text| text.parse::<usize>()).map_err(|error| error.to_string())
    };
    let flags = |from: usize, default: &[&str]| match arguments.get(from..) {
        None | Some([]) => default.iter().map(ToString::to_string).collect(),
        Some(given) => given.to_vec(),
    };
    match arguments.first().map(String::as_str) {
        Some("latency") => {
            let _net = Net::start(&flags(2, &[]))?;
            latency(number(1, 300)?).await
        }
        Some("throughput") => {
            let net = Net::start(&flags(3, &[]))?;
            throughput(&net, number(1, 60)?, number(2, 4000)?).await
        }
        Some("idle") => {
            let net = Net::start(&flags(2, &["--block-time", "1s", "--empty-block-time", "1s"]))?;
            idle::idle(&net, u64::try_from(number(1, 60)?)?).await
        }
        Some("join") => {
            let net = Net::start(&flags(2, &["--block-time", "30ms", "--empty-block-time", "30ms"]))?;
            join::join(&net, u32::try_from(number(1, 2000)?)?).await
        }
        _ => Err("say latency [COUNT], throughput [SECONDS] [RATE], idle [SECONDS] or join [HEIGHT], and then flags of \
                  `basalt localnet`"
            .into()),
    }
}
