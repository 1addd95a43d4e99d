//! Every workload, small, sequentially and in parallel: the results must be equal. Nothing is measured here.
#![allow(missing_docs, reason = "a test has no readers of its documentation")]

use std::process::Command;

#[test]
fn all_workloads_give_the_same_results_in_all_modes() {
    let output =
        Command::new(env!("CARGO_BIN_EXE_basalt-bench")).args(["execute", "--quick"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
