//! What a person reads, word by word, and what a node that is made up can say.

use std::net::SocketAddr;

use basalt_primitives::{H256, Header};
use basalt_rpc_api::{
    codes,
    text::{Bytes, Hash},
    types::{
        ExecutionConflict, ExecutionConflictKind as Kind, ExecutionMicros, ExecutionReport, StageMicros,
    },
};
use clap::Parser;
use jsonrpsee::{
    RpcModule,
    server::{ServerBuilder, ServerHandle},
    types::ErrorObjectOwned,
};
use serde_json::Value;

use super::{
    report::{advice, text},
    *,
};

#[derive(Debug, Parser)]
struct Cli {
    #[command(subcommand)]
    command: BenchCommand,
}

fn parse(args: &[&str]) -> Result<BenchCommand, clap::Error> {
    Cli::try_parse_from([&["bench"], args].concat()).map(|cli| cli.command)
}

fn conflict(item: Option<(&str, &str)>, map_key: &[&str], kind: Kind, count: u32) -> ExecutionConflict {
    ExecutionConflict {
        key: Bytes(vec![0xab, u8::try_from(map_key.len()).unwrap()]),
        pallet: item.map(|(pallet, _)| pallet.to_owned()),
        item: item.map(|(_, item)| item.to_owned()),
        map_key: map_key.iter().map(ToString::to_string).collect(),
        kind,
        count,
        first: 3,
    }
}

fn report(number: u32, conflicts: Vec<ExecutionConflict>) -> ExecutionReport {
    let again = conflicts.iter().map(|conflict| conflict.count).sum();
    ExecutionReport {
        block_hash: Hash(header(number).hash()),
        block_number: number,
        built_here: number != 2,
        mode: "parallel=4".to_owned(),
        transactions: 200,
        executions: 200 + again,
        re_executions: again,
        sequential: 1,
        parked: 20,
        conflicts,
        stage_micros: StageMicros { verify: 0, execute: 9_000, root: 500, commit: 1_100 },
        execution_micros: ExecutionMicros::default(),
    }
}

/// Headers of a chain of empty blocks.
fn header(number: u32) -> Header {
    let parent_hash = number.checked_sub(1).map_or(H256::zero(), |parent| header(parent).hash());
    Header { number, parent_hash, ..Header::default() }
}

#[test]
fn a_person_reads_a_table_and_what_to_do() {
    let alice = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY";
    let account = || conflict(Some(("System", "Account")), &[alice], Kind::Value, 4);
    let reports = [
        report(1, vec![account()]),
        report(2, vec![conflict(None, &[], Kind::Range, 9), account()]),
        report(3, vec![]),
    ];
    let expected = "\
Blocks #1 to #3, execution: parallel=4

     block  from       tx    runs   again       %   alone  parked |  verify execute    root  commit |   µs/tx
        #1  here      200     204       4     2.0       1      20 |       0    9000     500    1100 |    53.0
        #2  peer      200     213      13     6.5       1      20 |       0    9000     500    1100 |    53.0
        #3  here      200     200       0     0.0       1      20 |       0    9000     500    1100 |    53.0
       all            600     617      17     2.8       3      60 |       0   27000    1500    3300 |    53.0

tx: transactions. runs: how often they were run; again: those that had to be run again at their turn, % of tx.
alone: not run ahead. parked: waited for one before them. Then µs on the clock for each stage of the block, and for
all stages per transaction. verify is empty for blocks from here: the pool checks signatures before.

Keys that made transactions run again:
  1. 0xab00: 9 times; first transaction 3 of block #2
     These walk over keys that others insert or remove: keep what they look for in a value of its own.
  2. System.Account(5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY): 8 times, in 2 blocks; first transaction 3 of block #1
     All of these read one account's balance or nonce while others change it: spread the load over more accounts.";
    assert_eq!(text(&reports), expected);
}

#[test]
fn a_report_without_conflicts_says_so() {
    let one = text(&[report(3, vec![])]);
    let heading = format!("Block #3 {:#x}, execution: parallel=4\n", header(3).hash());
    assert!(one.starts_with(&heading), "{one}");
    assert!(one.ends_with("No transaction had to run again."), "{one}");
    assert!(!one.contains(" all "), "one line needs no sum: {one}");
    let sequential = ExecutionReport { mode: "sequential".to_owned(), ..report(3, vec![]) };
    assert!(text(&[sequential]).contains("--execution parallel"));
    let empty = ExecutionReport { transactions: 0, ..report(3, vec![]) };
    assert!(text(&[empty]).contains(" – "), "nothing is divided by zero");
}

#[test]
fn many_keys_are_cut() {
    let many = (0..15).map(|key| ExecutionConflict {
        key: Bytes(vec![key]),
        ..conflict(Some(("Balances", "TotalIssuance")), &[], Kind::Value, 1)
    });
    let text = text(&[report(3, many.collect())]);
    assert!(text.contains("\n 10. Balances.TotalIssuance: once;"), "{text}");
    assert!(text.ends_with("… and 5 more: see --json"), "{text}");
}

#[test]
fn each_kind_of_key_has_advice_of_its_own() {
    let (account, value) = (Some(("System", "Account")), Some(("Balances", "TotalIssuance")));
    let advices = [
        advice(&conflict(account, &["5Grw"], Kind::Value, 1)),
        advice(&conflict(account, &["5Grw"], Kind::Condition, 1)),
        advice(&conflict(account, &[], Kind::Range, 1)),
        advice(&conflict(value, &[], Kind::Value, 1)),
        advice(&conflict(Some(("Assets", "Asset")), &["1"], Kind::Value, 1)),
        advice(&conflict(None, &[], Kind::Value, 1)),
    ];
    for (place, advice) in advices.iter().enumerate() {
        assert!(!advices[..place].contains(advice), "{advice}");
    }
}

#[test]
fn flags_that_make_no_sense_are_refused_with_what_would() {
    for (args, hint) in [
        (&["report", "--block", "0x12"][..], "its height, such as 42"),
        (&["report", "--block", "4294967296"], "its height, such as 42"),
        (&["report", "--last", "0"], "1..=256"),
        (&["report", "--last", "257"], "1..=256"),
        (&["report", "--last", "2", "--block", "3"], "cannot be used with"),
    ] {
        let error = parse(args).unwrap_err().to_string();
        assert!(error.contains(hint), "{args:?}: {error}");
    }
    let hash = format!("0x{}", "ab".repeat(32));
    for args in [&["report"][..], &["report", "--block", "3"], &["report", "--block", &hash]] {
        assert!(parse(args).is_ok(), "{args:?}");
    }
}

/// The best block of the node that is made up.
const BEST: u32 = 6;
/// The oldest block that it remembers how it was run.
const OLDEST: u32 = 3;

/// A node that has run blocks 3 to 6, for as long as the handle lives.
async fn fake(remembers: bool) -> (String, ServerHandle) {
    let mut module = RpcModule::new(());
    let by_hash = |hash: Hash| (0..=BEST).map(header).find(|header| header.hash() == hash.0);
    module
        .register_method("chain_getBlockHash", |params, (), _| {
            let number: Option<u32> = params.sequence().optional_next().unwrap();
            let number = number.unwrap_or(BEST);
            (number <= BEST).then(|| Hash(header(number).hash()))
        })
        .unwrap();
    module.register_method("chain_getHeader", move |params, (), _| by_hash(params.one().unwrap())).unwrap();
    module
        .register_method("basalt_executionReport", move |params, (), _| {
            let no = |code, text: &str| ErrorObjectOwned::owned(code, text, None::<()>);
            match by_hash(params.one().unwrap()) {
                None => Err(no(codes::BASALT_UNKNOWN_BLOCK, "there is no such block")),
                Some(header) if remembers && header.number >= OLDEST => Ok(report(header.number, vec![])),
                Some(_) => Err(no(codes::BASALT_NO_REPORT, "the node remembers the last blocks")),
            }
        })
        .unwrap();
    let server = ServerBuilder::new().build(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
    (format!("ws://{}", server.local_addr().unwrap()), server.start(module))
}

async fn ask(url: &str, args: &[&str]) -> Result<String, BenchError> {
    parse(&[&["report", "--url", url], args].concat()).unwrap().text().await
}

/// The heights in an answer to `--json`.
fn heights(json: &str) -> Vec<u64> {
    let reports: Value = serde_json::from_str(json).unwrap();
    let height = |report: &Value| report["blockNumber"].as_u64().unwrap();
    reports.as_array().unwrap().iter().map(height).collect()
}

#[tokio::test]
async fn the_last_blocks_are_shown_as_far_as_the_node_remembers() {
    let (url, _server) = fake(true).await;
    assert_eq!(heights(&ask(&url, &["--json"]).await.unwrap()), [3, 4, 5, 6]);
    assert_eq!(heights(&ask(&url, &["--json", "--last", "2"]).await.unwrap()), [5, 6]);
    assert_eq!(heights(&ask(&url, &["--json", "--block", "4"]).await.unwrap()), [4]);
    let hash = format!("{:#x}", header(5).hash());
    assert_eq!(heights(&ask(&url, &["--json", "--block", &hash]).await.unwrap()), [5]);
}

#[tokio::test]
async fn blocks_without_a_report_are_answered_with_a_sentence() {
    let (url, _server) = fake(true).await;
    let nowhere = format!("0x{}", "ab".repeat(32));
    for (block, expected) in [
        ("2", "the node remembers the last blocks; without --block"),
        ("7", "there is no block #7: the best one is #6"),
        (nowhere.as_str(), "the node knows no block 0xabab"),
    ] {
        let error = ask(&url, &["--block", block]).await.unwrap_err().to_string();
        assert!(error.contains(expected), "{block}: {error}");
    }
    let (url, _server) = fake(false).await;
    let error = ask(&url, &[]).await.unwrap_err().to_string();
    assert!(error.contains("run no block since it started"), "{error}");
}

#[tokio::test]
async fn a_node_without_reports_and_no_node_are_told_apart() {
    let mut module = RpcModule::new(());
    module.register_method("chain_getBlockHash", |_, (), _| Some(Hash(header(1).hash()))).unwrap();
    let server = ServerBuilder::new().build(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
    let url = format!("ws://{}", server.local_addr().unwrap());
    let server = server.start(module);
    assert!(matches!(ask(&url, &[]).await.unwrap_err(), BenchError::NoReports { .. }));
    server.stop().unwrap();
    server.stopped().await;
    let error = ask(&url, &[]).await.unwrap_err().to_string();
    assert!(error.contains("no node answers at"), "{error}");
}
