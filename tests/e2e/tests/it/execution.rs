//! How blocks are run: the flag, the report, the metrics.

use basalt_e2e::Node;
use basalt_primitives::H256;
use basalt_test_kit::Sender;
use jsonrpsee::{core::client::Error, rpc_params};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::rpc::{MILLIUNIT, Rpc};

/// Runs a command to its end, while the test's own connections go on.
async fn run(arguments: &[&str]) -> String {
    let arguments: Vec<String> = arguments.iter().map(ToString::to_string).collect();
    let command = tokio::task::spawn_blocking(move || {
        Node::run(&arguments.iter().map(String::as_str).collect::<Vec<_>>())
    });
    let exit = command.await.unwrap();
    assert_eq!(exit.code, Some(0), "{}", exit.output);
    exit.output
}

/// A block with one transfer.
async fn transfer(rpc: &Rpc) -> H256 {
    let (mut alice, bob) = (Sender::dev("Alice"), Sender::dev("Bob"));
    let transfer = rpc.transfer(&mut alice, &bob, MILLIUNIT);
    rpc.finalize(&transfer).await
}

async fn report(rpc: &Rpc, block: H256) -> Value {
    rpc.get("basalt_executionReport", rpc_params![format!("{block:?}")]).await
}

#[tokio::test]
async fn blocks_are_run_as_the_flag_says_and_come_out_the_same() {
    let mut outcomes = Vec::new();
    for (flag, told) in [("sequential", "one after the other"), ("parallel=2", "on 2 threads")] {
        let node = Node::start(&["--dev", "--tmp", "--execution", flag]).unwrap();
        let rpc = Rpc::connect(&node.url).await;
        let block = transfer(&rpc).await;
        let report = report(&rpc, block).await;
        assert_eq!(report["mode"], flag);
        assert_eq!(report["blockNumber"], 1);
        assert_eq!(report["builtHere"], true);
        assert_eq!(report["transactions"], 2, "the transfer and the time: {report}");
        // The inherent and the transfer.
        assert!(report["executions"].as_u64() >= Some(2), "{report}");
        assert!(report["stageMicros"]["execute"].as_u64() > Some(0), "{report}");
        outcomes.push(rpc.storage("Balances", "TotalIssuance", block).await);
        let exit = node.stop();
        assert!(exit.output.contains(told), "{}", exit.output);
    }
    assert_eq!(outcomes[0], outcomes[1]);
}

#[tokio::test]
async fn transactions_run_in_parallel_unless_somebody_says_otherwise() {
    let node = Node::start(&["--dev", "--tmp"]).unwrap();
    let rpc = Rpc::connect(&node.url).await;
    let block = transfer(&rpc).await;
    let mode = report(&rpc, block).await["mode"].as_str().unwrap().to_owned();
    assert!(mode.starts_with("parallel="), "{mode}");
}

#[tokio::test]
async fn blocks_that_were_never_run_here_have_no_report() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["--dev", "--base-path", folder.path().to_str().unwrap()];
    let node = Node::start(&arguments).unwrap();
    let block = transfer(&Rpc::connect(&node.url).await).await;
    node.stop();
    let node = Node::start(&arguments).unwrap();
    let answer =
        Rpc::connect(&node.url).await.call("basalt_executionReport", rpc_params![format!("{block:?}")]).await;
    let Err(Error::Call(error)) = answer else { panic!("the block was run by another process: {answer:?}") };
    assert_eq!(error.code(), 9002);
    assert!(error.message().contains("the last 256 blocks"), "{error:?}");
    let url = node.url.clone();
    let nothing = tokio::task::spawn_blocking(move || Node::run(&["bench", "report", "--url", &url]));
    let nothing = nothing.await.unwrap();
    assert_eq!(nothing.code, Some(1));
    assert!(nothing.output.contains("has run no block since it started"), "{}", nothing.output);
}

#[tokio::test]
async fn the_command_line_shows_a_block_with_a_transfer() {
    let node = Node::start(&["--dev", "--tmp"]).unwrap();
    let rpc = Rpc::connect(&node.url).await;
    let block = transfer(&rpc).await;
    let table = run(&["bench", "report", "--url", &node.url]).await;
    assert!(table.contains("Block #1 0x") && table.contains("execution: parallel="), "{table}");
    let row = table.lines().find(|line| line.trim_start().starts_with("#1 ")).expect("a row for block 1");
    let cells: Vec<&str> = row.split_whitespace().collect();
    assert_eq!(cells[..3], ["#1", "here", "2"], "{table}");

    let hash = format!("{block:?}");
    for block in ["1", hash.as_str()] {
        let json = run(&["bench", "report", "--url", &node.url, "--json", "--block", block]).await;
        let reports: Value = serde_json::from_str(&json).expect("--json prints JSON and nothing else");
        assert_eq!(reports[0], report(&rpc, H256::from_slice(&const_hex::decode(&hash).unwrap())).await);
    }
}

/// The body of `GET path`, which must be answered with this status.
async fn get(address: &str, path: &str, status: &str) -> String {
    let mut stream = TcpStream::connect(address).await.expect("an open port");
    let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).await.unwrap();
    let (head, body) = response.split_once("\r\n\r\n").expect("a head and a body");
    assert!(head.starts_with(&format!("HTTP/1.1 {status}")), "{head}");
    body.to_owned()
}

/// The value of a series.
fn value(metrics: &str, series: &str) -> f64 {
    let line = metrics.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("{series} is not in\n{metrics}")).parse().expect("a number")
}

#[tokio::test]
async fn metrics_count_what_happens() {
    let node = Node::start(&["--dev", "--tmp", "--prometheus-port", "0"]).unwrap();
    let address = node.metrics.clone().expect("the log says where metrics are");
    let rpc = Rpc::connect(&node.url).await;
    let before = get(&address, "/metrics", "200").await;
    assert_eq!(value(&before, r#"substrate_block_height{status="best"}"#), 0.0);
    assert_eq!(value(&before, "basalt_transactions_total"), 0.0);

    transfer(&rpc).await;
    // Counted by a task of its own, a moment after clients hear of the block.
    let mut after = get(&address, "/metrics", "200").await;
    while value(&after, "basalt_transactions_total") < 2.0 {
        after = get(&address, "/metrics", "200").await;
    }
    for status in ["best", "finalized"] {
        assert_eq!(value(&after, &format!(r#"substrate_block_height{{status="{status}"}}"#)), 1.0);
    }
    assert_eq!(value(&after, "basalt_transactions_total"), 2.0);
    assert_eq!(value(&after, r#"basalt_blocks_total{origin="built"}"#), 1.0);
    assert_eq!(value(&after, r#"basalt_block_stage_seconds_count{stage="commit"}"#), 1.0);
    assert_eq!(value(&after, "substrate_ready_transactions_number"), 0.0);
    assert_eq!(value(&after, "basalt_reports_missed_total"), 0.0);
    assert!(get(&address, "/", "404").await.contains("/metrics"));
    assert_eq!(node.stop().code, Some(0));
}
