//! `basalt_*`.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use basalt_chain::BlockReport;
use basalt_executor::{Conflict, ConflictKind};
use basalt_rpc_api::{
    BasaltApiServer,
    text::{Bytes, Hash},
    types::{
        ConsensusReport, ExecutionConflict, ExecutionConflictKind, ExecutionMicros, ExecutionReport,
        StageMicros,
    },
};
use jsonrpsee::core::{RpcResult, async_trait};

use crate::{ChildId, KeyNames, error::Error, limits, node::Node};

/// Answers `basalt_*`.
pub(crate) struct Basalt(pub(crate) Arc<Node>);

#[async_trait]
impl BasaltApiServer for Basalt {
    async fn execution_report(&self, hash: Option<Hash>) -> RpcResult<ExecutionReport> {
        // The first call reads the metadata, and a header may come from disk.
        let read = move |node: &Node| {
            let hash = node.hash_or_best(hash);
            if let Some(report) = node.chain.report(&hash) {
                return Ok(written(node.names(), &contracts(node, &report), &report));
            }
            let header = node.chain.header(&hash).map_err(Error::Chain)?;
            let number = header.ok_or(Error::NoSuchBlock(hash))?.number;
            Err(Error::NoReport { number, hash })
        };
        Ok(self.0.work(read).await?)
    }

    async fn consensus_status(&self) -> RpcResult<ConsensusReport> {
        match &self.0.consensus {
            Some(consensus) => Ok(consensus.report().await),
            None => Err(Error::NoVotes.into()),
        }
    }
}

/// The addresses of the contracts whose storage is in the report; without those that are not found.
fn contracts(node: &Node, report: &BlockReport) -> BTreeMap<ChildId, String> {
    let names = node.names();
    let keys = report.execution.conflicts.iter().map(|conflict| &conflict.key);
    let ids: BTreeSet<ChildId> = keys.filter_map(|key| names.child_id(key)).collect();
    if ids.is_empty() {
        return BTreeMap::new();
    }
    let found = node.state(Some(Hash(report.id.hash))).and_then(|(hash, state)| {
        let most = limits::CONTRACTS_SEARCHED_MAX;
        names.contracts(&state, &ids, most).map_err(|error| Error::state(error, hash))
    });
    // The report is as true without them, for instance when the state is no longer kept.
    found.unwrap_or_default()
}

/// A report as clients read it.
fn written(names: &KeyNames, contracts: &BTreeMap<ChildId, String>, report: &BlockReport) -> ExecutionReport {
    let (stages, execution) = (&report.times, &report.execution);
    let inside = &execution.times;
    ExecutionReport {
        block_hash: Hash(report.id.hash),
        block_number: report.id.number,
        built_here: report.built_here,
        mode: execution.mode.to_string(),
        transactions: execution.transactions,
        executions: execution.executions,
        re_executions: execution.re_executions,
        sequential: execution.sequential,
        parked: execution.parked,
        conflicts: execution.conflicts.iter().map(|conflict| named(names, contracts, conflict)).collect(),
        stage_micros: StageMicros {
            verify: micros(stages.verify),
            execute: micros(stages.execute),
            root: micros(stages.root),
            commit: micros(stages.commit),
        },
        execution_micros: ExecutionMicros {
            whole: micros(inside.whole),
            hooks: micros(inside.hooks),
            plan: micros(inside.plan),
            execute: micros(inside.execute),
            commit: micros(inside.commit),
            idle: micros(inside.idle),
            collect: micros(inside.collect),
        },
    }
}

fn named(names: &KeyNames, contracts: &BTreeMap<ChildId, String>, conflict: &Conflict) -> ExecutionConflict {
    let name = names.name(&conflict.key);
    let mut map_key = names.map_key(&conflict.key);
    let contract = names.child_id(&conflict.key).and_then(|id| contracts.get(&id));
    if let (Some(first), Some(contract)) = (map_key.first_mut(), contract) {
        *first = format!("contract {contract}");
    }
    ExecutionConflict {
        key: Bytes(conflict.key.to_vec()),
        pallet: name.map(|name| name.pallet.to_owned()),
        item: name.map(|name| name.item.to_owned()),
        map_key,
        kind: match conflict.kind {
            ConflictKind::Value => ExecutionConflictKind::Value,
            ConflictKind::Condition => ExecutionConflictKind::Condition,
            ConflictKind::Range => ExecutionConflictKind::Range,
        },
        count: conflict.count,
        first: conflict.first,
    }
}

/// No block takes half a million years.
fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
