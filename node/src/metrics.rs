//! Figures for Prometheus: how far the chain is, and how blocks are run. What each means is in `docs/metrics.md`.
//!
//! Nothing is counted where blocks are made: a task follows the chain's events and adds up the reports that the chain
//! keeps anyway; the rest is read when somebody asks.

mod server;
#[cfg(test)]
mod tests;

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use basalt_chain::{BlockId, BlockReport, Chain, ChainEvent};
use basalt_pool::{PoolHandle, PoolStatus};
use basalt_rpc::KeyNames;
use prometheus::{
    CounterVec, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts,
    Registry, TextEncoder,
};
use tokio::sync::broadcast::{Receiver, error::RecvError};

pub(crate) use server::{MetricsServer, Source};

/// Pairs of pallet and item that conflicts are counted for; those that come after them count as `other`. Each is a
/// time series in Prometheus for good. Basalt's own pallets have about 30 items in all.
pub(crate) const CONFLICT_LABELS_MAX: usize = 64;

/// How long a scrape waits for the pool, which answers between two batches of transactions. Prometheus waits 10 s.
const POOL_WAIT: Duration = Duration::from_secs(2);

/// Bounds of the histogram of stages, in seconds: from an empty block to one that takes a whole slot.
const STAGE_BUCKETS: &[f64] =
    &[0.0001, 0.000_25, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5];

/// All figures.
pub(crate) struct Metrics {
    registry: Registry,
    names: KeyNames,
    /// Pairs of pallet and item that are counted by name.
    labels: Mutex<HashSet<(String, String)>>,
    height: IntGaugeVec,
    validators: IntGauge,
    validator_set: IntGauge,
    ready: IntGauge,
    future: IntGauge,
    pool_bytes: IntGauge,
    blocks: IntCounterVec,
    transactions: IntCounter,
    executions: IntCounter,
    re_executions: IntCounter,
    sequential: IntCounter,
    parked: IntCounter,
    conflicts: IntCounterVec,
    stages: HistogramVec,
    execution: CounterVec,
    missed: IntCounter,
}

/// What a node is, as `substrate_build_info` says it.
pub(crate) struct About<'a> {
    /// Its name, for people.
    pub(crate) name: &'a str,
    /// The program's version.
    pub(crate) version: &'a str,
    /// How many threads run transactions.
    pub(crate) threads: usize,
}

impl Metrics {
    /// All figures, at 0.
    ///
    /// # Errors
    ///
    /// If two have one name: a mistake in this program.
    pub(crate) fn new(names: KeyNames, about: &About<'_>) -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        let made = Maker(&registry);
        let build =
            made.gauges("substrate_build_info", "A metric with a constant 1.", &["name", "version"])?;
        build.with_label_values(&[about.name, about.version]).set(1);
        let start = made
            .gauge("substrate_process_start_time_seconds", "When the node started, since the Unix epoch.")?;
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        start.set(signed(since_epoch.as_secs()));
        let threads = made.gauge("basalt_execution_threads", "Threads that run a block's transactions.")?;
        threads.set(signed(about.threads));
        let metrics = Self {
            names,
            labels: Mutex::default(),
            height: made.gauges(
                "substrate_block_height",
                "Height of the best and the final block.",
                &["status"],
            )?,
            validators: made
                .gauge("basalt_validators", "Validators that decide the block above the final one.")?,
            validator_set: made
                .gauge("basalt_validator_set_id", "How many sets of validators there were before theirs.")?,
            ready: made.gauge("substrate_ready_transactions_number", "Transactions for the next block.")?,
            future: made.gauge(
                "basalt_pool_future_transactions",
                "Transactions that wait for others of their sender.",
            )?,
            pool_bytes: made.gauge("basalt_pool_bytes", "Bytes of all transactions in the pool.")?,
            blocks: made.counters(
                "basalt_blocks_total",
                "Blocks that were run, on all branches.",
                &["origin"],
            )?,
            transactions: made.counter("basalt_transactions_total", "Transactions in those blocks.")?,
            executions: made.counter("basalt_executions_total", "How often transactions were run.")?,
            re_executions: made.counter(
                "basalt_re_executions_total",
                "Transactions that were run again after a conflict.",
            )?,
            sequential: made.counter("basalt_sequential_total", "Transactions that were not run ahead.")?,
            parked: made.counter("basalt_parked_total", "Transactions that waited for one before them.")?,
            conflicts: made.counters(
                "basalt_conflicts_total",
                "Re-executions by the item that caused them.",
                &["pallet", "item"],
            )?,
            stages: made.histograms(
                "basalt_block_stage_seconds",
                "Time of a block in each stage.",
                &["stage"],
            )?,
            execution: made.seconds(
                "basalt_execution_seconds_total",
                "Where the time of executing blocks went, over all threads.",
                &["part"],
            )?,
            missed: made
                .counter("basalt_reports_missed_total", "Blocks or events that were not counted here.")?,
            registry,
        };
        // Series exist from the start, so that a rate over them is right for the first block, too.
        for origin in ["built", "imported"] {
            metrics.blocks.with_label_values(&[origin]);
        }
        Ok(metrics)
    }

    /// Adds up how blocks were run, until there is no chain any more.
    async fn follow(self: Arc<Self>, chain: Arc<Chain>, mut events: Receiver<ChainEvent>) {
        loop {
            match events.recv().await {
                Ok(ChainEvent::Imported { id, .. }) => match chain.report(&id.hash) {
                    Some(report) => self.count(&report),
                    None => self.missed.inc(),
                },
                Ok(ChainEvent::NewBest { .. } | ChainEvent::Finalized { .. }) => {}
                Err(RecvError::Lagged(events)) => self.missed.inc_by(events),
                Err(RecvError::Closed) => return,
            }
        }
    }

    /// Adds one block.
    fn count(&self, report: &BlockReport) {
        let execution = &report.execution;
        self.blocks.with_label_values(&[if report.built_here { "built" } else { "imported" }]).inc();
        self.transactions.inc_by(execution.transactions.into());
        self.executions.inc_by(execution.executions.into());
        self.re_executions.inc_by(execution.re_executions.into());
        self.sequential.inc_by(execution.sequential.into());
        self.parked.inc_by(execution.parked.into());
        for conflict in &execution.conflicts {
            let (pallet, item) = self.label(&conflict.key);
            self.conflicts.with_label_values(&[pallet, item]).inc_by(conflict.count.into());
        }
        let stages = &report.times;
        for (stage, time) in [
            ("verify", stages.verify),
            ("execute", stages.execute),
            ("root", stages.root),
            ("commit", stages.commit),
        ] {
            self.stages.with_label_values(&[stage]).observe(time.as_secs_f64());
        }
        let inside = &execution.times;
        for (part, time) in [
            ("hooks", inside.hooks),
            ("plan", inside.plan),
            ("execute", inside.execute),
            ("commit", inside.commit),
            ("idle", inside.idle),
            ("collect", inside.collect),
        ] {
            self.execution.with_label_values(&[part]).inc_by(time.as_secs_f64());
        }
    }

    /// What a conflict over this key is counted as.
    fn label(&self, key: &[u8]) -> (&str, &str) {
        let Some(name) = self.names.name(key) else { return ("unknown", "unknown") };
        let mut labels = self.labels.lock().unwrap_or_else(PoisonError::into_inner);
        let pair = (name.pallet.to_owned(), name.item.to_owned());
        if labels.contains(&pair) || (labels.len() < CONFLICT_LABELS_MAX && labels.insert(pair)) {
            (name.pallet, name.item)
        } else {
            ("other", "other")
        }
    }

    /// Where other parts add their figures.
    fn registry(&self) -> Registry {
        self.registry.clone()
    }

    /// Everything as text, with these heights; `pool` is missing if it had no time.
    fn text(
        &self,
        best: BlockId,
        finalized: BlockId,
        pool: Option<PoolStatus>,
    ) -> Result<String, prometheus::Error> {
        self.height.with_label_values(&["best"]).set(best.number.into());
        self.height.with_label_values(&["finalized"]).set(finalized.number.into());
        if let Some(pool) = pool {
            self.ready.set(signed(pool.ready));
            self.future.set(signed(pool.future));
            self.pool_bytes.set(signed(pool.bytes));
        }
        TextEncoder::new().encode_to_string(&self.registry.gather())
    }

    /// Everything as text, as it is now.
    async fn scrape(&self, chain: &Chain, pool: &PoolHandle) -> Result<String, prometheus::Error> {
        // A pool at work leaves the figures of the last time.
        let status = tokio::time::timeout(POOL_WAIT, pool.status()).await.ok();
        let finalized = chain.finalized();
        // A state that is gone meanwhile leaves the figures of the last time.
        if let Ok(state) = chain.state_at(&finalized.hash)
            && let Ok(set) = chain.runtime().validators(&state)
        {
            self.validators.set(signed(set.validators.len()));
            self.validator_set.set(signed(set.id));
        }
        self.text(chain.best(), finalized, status)
    }
}

/// No figure here comes near the limit.
fn signed(figure: impl TryInto<i64>) -> i64 {
    figure.try_into().unwrap_or(i64::MAX)
}

/// Makes figures and registers them.
struct Maker<'a>(&'a Registry);

impl Maker<'_> {
    fn gauge(&self, name: &str, help: &str) -> Result<IntGauge, prometheus::Error> {
        self.registered(IntGauge::new(name, help)?)
    }

    fn gauges(&self, name: &str, help: &str, labels: &[&str]) -> Result<IntGaugeVec, prometheus::Error> {
        self.registered(IntGaugeVec::new(Opts::new(name, help), labels)?)
    }

    fn counter(&self, name: &str, help: &str) -> Result<IntCounter, prometheus::Error> {
        self.registered(IntCounter::new(name, help)?)
    }

    fn counters(&self, name: &str, help: &str, labels: &[&str]) -> Result<IntCounterVec, prometheus::Error> {
        self.registered(IntCounterVec::new(Opts::new(name, help), labels)?)
    }

    fn seconds(&self, name: &str, help: &str, labels: &[&str]) -> Result<CounterVec, prometheus::Error> {
        self.registered(CounterVec::new(Opts::new(name, help), labels)?)
    }

    fn histograms(&self, name: &str, help: &str, labels: &[&str]) -> Result<HistogramVec, prometheus::Error> {
        let options = HistogramOpts::new(name, help).buckets(STAGE_BUCKETS.to_vec());
        self.registered(HistogramVec::new(options, labels)?)
    }

    fn registered<T: prometheus::core::Collector + Clone + 'static>(
        &self,
        metric: T,
    ) -> Result<T, prometheus::Error> {
        self.0.register(Box::new(metric.clone()))?;
        Ok(metric)
    }
}
