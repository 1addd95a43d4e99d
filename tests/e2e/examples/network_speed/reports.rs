//! What a node tells of how it ran its blocks, added up.

use jsonrpsee::{
    core::client::{ClientT, Subscription, SubscriptionClientT},
    rpc_params,
};
use serde_json::Value;
use tokio::{sync::watch, task::JoinHandle};

use crate::{
    Result,
    net::{connect, number},
};

/// The sums over all blocks.
#[derive(Debug, Default)]
pub(crate) struct Sums {
    pub(crate) blocks: u64,
    pub(crate) transactions: u64,
    pub(crate) executions: u64,
    pub(crate) re_executions: u64,
    pub(crate) sequential: u64,
    /// Blocks of which the node knew nothing any more.
    pub(crate) missed: u64,
}

/// Gathers reports of one node, block by block: it remembers few of them.
pub(crate) struct Reports {
    until: watch::Sender<Option<u32>>,
    task: JoinHandle<std::result::Result<Sums, String>>,
}

impl Reports {
    /// Of the blocks above `above`.
    pub(crate) fn gather(node: u16, above: u32) -> Self {
        let (until, end) = watch::channel(None);
        let task = tokio::spawn(async move {
            gather(node, above, end).await.map_err(|error| format!("reports: {error}"))
        });
        Self { until, task }
    }

    /// The sums, once all up to block `last` are there.
    pub(crate) async fn until(self, last: u32) -> Result<Sums> {
        self.until.send_replace(Some(last));
        Ok(self.task.await??)
    }
}

async fn gather(node: u16, above: u32, mut end: watch::Receiver<Option<u32>>) -> Result<Sums> {
    let client = connect(node).await?;
    let mut heads: Subscription<Value> = client
        .subscribe("chain_subscribeFinalizedHeads", rpc_params![], "chain_unsubscribeFinalizedHeads")
        .await?;
    let mut sums = Sums::default();
    let mut done = above;
    loop {
        if end.borrow_and_update().is_some_and(|end| done >= end) {
            return Ok(sums);
        }
        let header = tokio::select! {
            header = heads.next() => header.ok_or("the node has ended")??,
            changed = end.changed() => match changed {
                Ok(()) => continue,
                Err(_) => return Ok(sums),
            },
        };
        for height in done + 1..=number(&header)? {
            done = height;
            let hash: String = client.request("chain_getBlockHash", rpc_params![height]).await?;
            let Ok(report) = client.request::<Value, _>("basalt_executionReport", rpc_params![hash]).await
            else {
                sums.missed += 1;
                continue;
            };
            let count = |name: &str| report[name].as_u64().unwrap_or(0);
            sums.blocks += 1;
            sums.transactions += count("transactions");
            sums.executions += count("executions");
            sums.re_executions += count("reExecutions");
            sums.sequential += count("sequential");
        }
    }
}
