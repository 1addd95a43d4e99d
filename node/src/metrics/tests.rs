//! What is counted, against the page that says what each means.

use std::{collections::BTreeSet, path::Path};

use basalt_chain::StageTimes;
use basalt_executor::{Conflict, ConflictKind, Mode, Report};
use basalt_pallet_balances::TOTAL_ISSUANCE;
use basalt_pallet_system::ACCOUNT;
use basalt_primitives::{AccountId, H256};
use basalt_runtime::NativeRuntime;
use prometheus::proto::MetricType;

use super::*;

fn metrics() -> Metrics {
    let about = About { name: "a \"name\"", version: "1.2.3", threads: 4 };
    Metrics::new(KeyNames::new(&NativeRuntime::default()), &about).unwrap()
}

fn conflict(key: Vec<u8>, count: u32) -> Conflict {
    Conflict { key, kind: ConflictKind::Value, count, first: 1 }
}

fn report(built_here: bool) -> BlockReport {
    let account = |byte| ACCOUNT.key(&AccountId::from([byte; 32])).to_vec();
    BlockReport {
        id: BlockId { hash: H256::zero(), number: 1 },
        execution: Report {
            mode: Mode::Parallel(4.try_into().unwrap()),
            transactions: 10,
            executions: 13,
            re_executions: 3,
            sequential: 2,
            parked: 1,
            conflicts: vec![
                conflict(account(1), 1),
                conflict(account(2), 1),
                conflict(TOTAL_ISSUANCE.key().to_vec(), 1),
                conflict(b"nobody's".to_vec(), 7),
            ],
            times: Default::default(),
        },
        times: StageTimes {
            execute: Duration::from_millis(3),
            commit: Duration::from_secs(9),
            ..StageTimes::default()
        },
        built_here,
    }
}

fn text(metrics: &Metrics) -> String {
    let at = |number| BlockId { hash: H256::zero(), number };
    metrics.text(at(12), at(9), Some(PoolStatus { ready: 5, future: 6, bytes: 700 })).unwrap()
}

#[test]
fn blocks_add_up() {
    let metrics = metrics();
    metrics.count(&report(true));
    metrics.count(&report(false));
    let text = text(&metrics);
    for line in [
        r#"substrate_block_height{status="best"} 12"#,
        r#"substrate_block_height{status="finalized"} 9"#,
        r#"substrate_build_info{name="a \"name\"",version="1.2.3"} 1"#,
        "substrate_ready_transactions_number 5",
        "basalt_pool_future_transactions 6",
        "basalt_pool_bytes 700",
        "basalt_execution_threads 4",
        r#"basalt_blocks_total{origin="built"} 1"#,
        r#"basalt_blocks_total{origin="imported"} 1"#,
        "basalt_transactions_total 20",
        "basalt_executions_total 26",
        "basalt_re_executions_total 6",
        "basalt_sequential_total 4",
        "basalt_parked_total 2",
        r#"basalt_conflicts_total{item="Account",pallet="System"} 4"#,
        r#"basalt_conflicts_total{item="TotalIssuance",pallet="Balances"} 2"#,
        r#"basalt_conflicts_total{item="unknown",pallet="unknown"} 14"#,
        r#"basalt_block_stage_seconds_bucket{stage="execute",le="0.0025"} 0"#,
        r#"basalt_block_stage_seconds_bucket{stage="execute",le="0.005"} 2"#,
        r#"basalt_block_stage_seconds_bucket{stage="commit",le="2.5"} 0"#,
        r#"basalt_block_stage_seconds_sum{stage="commit"} 18"#,
        r#"basalt_execution_seconds_total{part="plan"} 0"#,
        "basalt_reports_missed_total 0",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
    }
}

#[test]
fn a_pool_without_time_leaves_its_figures() {
    let metrics = metrics();
    assert!(text(&metrics).contains("\nbasalt_pool_bytes 700\n"));
    let at = BlockId { hash: H256::zero(), number: 13 };
    let later = metrics.text(at, at, None).unwrap();
    assert!(later.contains("\nbasalt_pool_bytes 700\n"), "{later}");
    assert!(later.contains(r#"{status="best"} 13"#), "{later}");
}

#[test]
fn labels_do_not_grow_without_end() {
    let metrics = metrics();
    let occupied = (0..CONFLICT_LABELS_MAX - 1).map(|pallet| (pallet.to_string(), String::new()));
    metrics.labels.lock().unwrap().extend(occupied);
    let account = ACCOUNT.key(&AccountId::from([1; 32]));
    assert_eq!(metrics.label(&account), ("System", "Account"), "one place is left");
    assert_eq!(metrics.label(&TOTAL_ISSUANCE.key()), ("other", "other"));
    assert_eq!(metrics.label(&account), ("System", "Account"), "who is in stays in");
    assert_eq!(metrics.label(b"nobody's"), ("unknown", "unknown"));
}

/// Name, type and labels of each metric that the page lists.
fn documented() -> BTreeSet<(String, String, String)> {
    // Asked when it runs: clones share a target folder, so this test may have been built from another one.
    let manifest = std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo says where this crate is");
    let page = std::fs::read_to_string(Path::new(&manifest).join("../docs/metrics.md")).unwrap();
    let (_, list) = page.split_once("## What there is").expect("the page has a list");
    list.lines()
        .filter_map(|line| {
            let cells: Vec<&str> = line.strip_prefix("| `")?.split('|').map(str::trim).collect();
            let [name, kind, labels, ..] = cells.as_slice() else { return None };
            let labels = labels.split(", ").map(|label| label.trim_matches(['`', '–'])).collect::<Vec<_>>();
            Some((name.trim_matches('`').to_owned(), (*kind).to_owned(), labels.join(",")))
        })
        .collect()
}

#[test]
fn the_page_lists_exactly_the_metrics_that_there_are() {
    let metrics = metrics();
    metrics.count(&report(true));
    text(&metrics);
    let served: BTreeSet<_> = metrics
        .registry
        .gather()
        .iter()
        .map(|family| {
            let kind = match family.get_field_type() {
                MetricType::COUNTER => "counter",
                MetricType::GAUGE => "gauge",
                MetricType::HISTOGRAM => "histogram",
                MetricType::SUMMARY | MetricType::UNTYPED => "another",
            };
            let mut labels: Vec<&str> =
                family.get_metric()[0].get_label().iter().map(|label| label.name()).collect();
            labels.sort_unstable();
            (family.name().to_owned(), kind.to_owned(), labels.join(","))
        })
        .collect();
    assert_eq!(served, documented());
}
