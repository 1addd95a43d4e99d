//! What a person needs once all nodes answer.

use std::fmt::Write;

use basalt_primitives::{
    keys::{Pair, Scheme},
    ss58,
};
use basalt_runtime::SS58_PREFIX;

use super::plan::Plan;
use crate::chain_spec::DEV_ACCOUNTS;

/// Names, addresses, accounts, commands.
pub(super) fn text(plan: &Plan, is_temporary: bool) -> String {
    let mut text = format!("\n{} validators on this machine\n\n", plan.nodes.len());
    let _ = writeln!(text, "  {:<8} {:<22} {:<33} peers", "node", "RPC", "metrics");
    for node in &plan.nodes {
        let metrics = format!("http://127.0.0.1:{}/metrics", node.metrics_port);
        let _ = writeln!(text, "  {:<8} {:<22} {metrics:<33} {}", node.name, node.url(), node.address);
    }
    text += "\n  accounts with 1,000,000 UNIT each, whose keys everybody knows; //Alice may use sudo\n";
    for name in DEV_ACCOUNTS {
        if let Ok(pair) = Pair::from_suri(Scheme::Sr25519, &format!("//{name}")) {
            let uri = format!("//{name}");
            let _ = writeln!(text, "    {uri:<10} {}", ss58::encode(SS58_PREFIX, pair.account_id().as_ref()));
        }
    }
    let kept = if is_temporary { "removed at the end; keep them with --base-path" } else { "kept" };
    let _ = writeln!(text, "\n  data          {} ({kept})", plan.folder.display());
    if let Some(first) = plan.nodes.first() {
        let port = first.rpc_port;
        let _ = writeln!(
            text,
            "  in a browser  https://polkadot.js.org/apps/?rpc=ws%3A%2F%2F127.0.0.1%3A{port}#/explorer"
        );
        let _ = writeln!(
            text,
            "  a transfer    basalt tx transfer --from //Alice --to //Bob --amount 1 --url {}",
            first.url()
        );
        let _ = writeln!(text, "  who votes     basalt why-not-final --url {}", first.url());
    }
    let last = plan.nodes.last().map_or("alice", |node| node.name);
    let _ =
        writeln!(text, "  one node      basalt localnet ctl kill {last}; basalt localnet ctl start {last}");
    text += "  all nodes     basalt localnet ctl status\n";
    text += "  stop          Ctrl-C here, or basalt localnet ctl stop\n";
    text
}
