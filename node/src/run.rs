//! A node from its start to its end.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::Path,
    sync::Arc,
};

use basalt_chain::Chain;
use basalt_consensus_api::{EngineError, EngineHandle, Env, Shutdown, SystemClock, feed_pool};
use basalt_contracts_vm::{MachineConfig, THREAD_STACK_BYTES, WasmMachine};
use basalt_db::{Config as DbConfig, Db, Durability, Pruning};
use basalt_executor::{Executor, Mode};
use basalt_keystore::Keystore;
use basalt_pool::{Head, Limits, PoolHandle};
use basalt_rpc::{ChainInfo, Config as RpcConfig, Cors, KeyNames, Server, Services, UnsafeMethods};
use basalt_rpc_api::types::ChainType as RpcChainType;
use basalt_runtime::NativeRuntime;
use basalt_verifier::{REMEMBERED_MAX, Verifier};
use tokio::signal::unix::{SignalKind, signal};

use crate::{
    chain_spec::{ChainSpec, ChainType},
    cli::{NodeArgs, PruningArg, RpcMethods, Sealing},
    error::NodeError,
    folder::Folder,
    logging,
    maker::Maker,
    metrics::{About, Metrics, MetricsServer, Source},
    parent::Parent,
};

/// Where metrics are if nobody says otherwise, as with Substrate's nodes.
const METRICS_PORT: u16 = 9615;

/// Runs a node until it is asked to stop or a part of it fails.
pub(crate) fn run(arguments: &NodeArgs) -> Result<(), NodeError> {
    // First of all, so that nothing that takes long outlives the supervisor.
    let parent = Parent::watch(arguments.stop_with_parent)
        .map_err(|error| NodeError::System { what: "the thread that watches stdin did not start", error })?;
    logging::start(&arguments.log, arguments.log_format)?;
    let chain = match (arguments.dev, &arguments.chain) {
        (true, _) => "dev",
        (false, Some(chain)) => chain,
        (false, None) => return Err(NodeError::NoChain),
    };
    let spec = ChainSpec::load(chain)?;
    let folder = Folder::choose(arguments, &spec)?;
    // Blocks are made and dry runs run on its threads, where contracts call each other. The stacks are only reserved.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_stack_size(THREAD_STACK_BYTES)
        .build()
        .map_err(|error| NodeError::System {
            what: "the threads for input and output did not start",
            error,
        })?;
    runtime.block_on(serve(arguments, spec, folder.path(), parent))
    // The temporary folder, if there is one, is removed here: after the database is closed.
}

async fn serve(
    arguments: &NodeArgs,
    spec: ChainSpec,
    folder: &Path,
    parent: Parent,
) -> Result<(), NodeError> {
    let verifier = Arc::new(Verifier::new(REMEMBERED_MAX));
    let keys = arguments.validator.keystore_path.clone();
    let keystore = Keystore::open(keys.unwrap_or_else(|| crate::folder::keystore(folder)))?;
    let chain = open_chain(arguments, &spec, folder, Arc::clone(&verifier)).await?;
    let best = chain.best();
    let head = Head { hash: best.hash, number: best.number, state: Arc::new(chain.state_at(&best.hash)?) };
    let (pool, pool_service) =
        basalt_pool::start(Arc::clone(chain.runtime()), verifier, head, Limits::production())
            .map_err(|error| NodeError::System { what: "the pool's thread did not start", error })?;

    // Before anybody makes a block, so that all blocks are counted.
    let metrics = serve_metrics(arguments, &chain, &pool).await?;

    let mut feeding = tokio::spawn(feed_pool(Arc::clone(&chain), pool.clone()));
    let set = chain
        .runtime()
        .validators(&chain.state_at(&chain.finalized().hash)?)
        .map_err(|error| NodeError::Chain(basalt_chain::ChainError::State(error)))?;
    let (engine_handle, commands) = EngineHandle::new();
    let (stop, shutdown) = Shutdown::new();
    let env = Env {
        chain: Arc::clone(&chain),
        pool: pool.clone(),
        clock: Arc::new(SystemClock),
        commands,
        shutdown,
    };
    let maker = if set.validators.is_empty() {
        Maker::alone(arguments, &spec)?
    } else {
        Maker::among_others(arguments, &spec, folder, &keystore, &set, &env)?
    };
    let Maker { engine, alone, peers, agreement, turnout, network } = maker;
    if let (Some(network), Some(metrics)) = (&network, &metrics) {
        network.handle.register_metrics(&metrics.registry)?;
    }
    if let (Some(turnout), Some(metrics)) = (&turnout, &metrics) {
        turnout.register(&metrics.registry)?;
    }
    let mut engine = tokio::spawn(engine.run(env));

    let services = Services {
        chain: Arc::clone(&chain),
        pool: pool.clone(),
        engine: alone.then_some(engine_handle),
        keystore: Some(keystore),
        network: peers,
        consensus: agreement,
        chain_info: chain_info(&spec, alone || arguments.validator.validator),
    };
    let server = Server::start(rpc_config(arguments, &spec), services).await?;
    announce(arguments, &spec, folder, metrics.as_ref().map(|metrics| metrics.local_addr), server.local_addr);

    let mut fatal = chain.fatal();
    let outcome = tokio::select! {
        () = asked_to_stop() => Ok(()),
        () = parent.gone() => Ok(()),
        ended = &mut engine => Err(part_stopped("block making", ended)),
        ended = &mut feeding => Err(part_stopped("keeping the pool up to date", ended)),
        why = async { fatal.wait_for(Option::is_some).await.map(|why| why.clone()) } => {
            let why = why.ok().flatten();
            Err(NodeError::PartStopped { part: "the database", why: why.map_or_else(String::new, |why| why.to_string()) })
        }
    };

    // In this order: nothing new comes in, no new block begins, then the pool, and the database last.
    tracing::info!("stopping");
    server.stop().await;
    if let Some(metrics) = metrics {
        metrics.stop().await;
    }
    stop.stop();
    if !engine.is_finished() {
        // What it could still fail at no longer matters.
        let _ = engine.await;
    }
    if let Some(network) = network {
        network.stop().await;
    }
    feeding.abort();
    drop(pool);
    // It joins a thread, which asynchronous code must not wait for.
    let _ = tokio::task::spawn_blocking(move || pool_service.stop()).await;
    let at = chain.finalized();
    drop(chain);
    tracing::info!(finalized = at.number, hash = ?at.hash, "stopped");
    outcome
}

fn part_stopped(
    part: &'static str,
    ended: Result<Result<(), EngineError>, tokio::task::JoinError>,
) -> NodeError {
    let why = match ended {
        Ok(Ok(())) => "it ended without being asked to".to_owned(),
        Ok(Err(error)) => error.to_string(),
        Err(panic) => panic.to_string(),
    };
    NodeError::PartStopped { part, why }
}

async fn open_chain(
    arguments: &NodeArgs,
    spec: &ChainSpec,
    folder: &Path,
    verifier: Arc<Verifier>,
) -> Result<Arc<Chain>, NodeError> {
    let config = DbConfig {
        pruning: match arguments.pruning {
            PruningArg::Archive => Pruning::Archive,
            PruningArg::Keep(blocks) => Pruning::Keep(blocks),
        },
        cache_bytes: arguments.state_cache.saturating_mul(1024 * 1024),
        durability: Durability::Block,
    };
    let mode = arguments.execution;
    let path = folder.join("db");
    let machine = MachineConfig { folder: Some(folder.join("contracts")), ..MachineConfig::default() };
    let genesis = spec.genesis_json();
    let opened = tokio::task::spawn_blocking(move || -> Result<_, NodeError> {
        let db = Db::open(&path, config)?;
        let executor = Executor::with_stacks(mode, Some(THREAD_STACK_BYTES))?;
        let runtime = NativeRuntime::new(Arc::new(WasmMachine::new(machine)?));
        Ok(Chain::open(db, Arc::new(runtime), &genesis, executor, verifier)?)
    });
    opened.await.unwrap_or_else(|panic| {
        Err(NodeError::PartStopped { part: "opening the database", why: panic.to_string() })
    })
}

fn chain_info(spec: &ChainSpec, authority: bool) -> ChainInfo {
    ChainInfo {
        name: spec.name.clone(),
        chain_type: match &spec.chain_type {
            ChainType::Development => RpcChainType::Development,
            ChainType::Local => RpcChainType::Local,
            ChainType::Live => RpcChainType::Live,
            ChainType::Custom(name) => RpcChainType::Custom(name.clone()),
        },
        properties: spec.properties.clone(),
        node_name: "Basalt Node".to_owned(),
        node_version: env!("CARGO_PKG_VERSION").to_owned(),
        authority,
    }
}

fn rpc_config(arguments: &NodeArgs, spec: &ChainSpec) -> RpcConfig {
    let cors = match arguments.rpc_cors.as_deref() {
        Some("all") => Cors::All,
        Some(origins) => Cors::LocalAnd(origins.split(',').map(|origin| origin.trim().to_owned()).collect()),
        None if spec.chain_type == ChainType::Development => Cors::All,
        None => Cors::default(),
    };
    RpcConfig {
        listen: SocketAddr::new(arguments.rpc_listen, arguments.rpc_port),
        connections_max: arguments.rpc_max_connections,
        cors,
        unsafe_methods: match arguments.rpc_methods {
            RpcMethods::Auto => UnsafeMethods::Loopback,
            RpcMethods::Safe => UnsafeMethods::Deny,
            RpcMethods::Unsafe => UnsafeMethods::Allow,
        },
        ..RpcConfig::default()
    }
}

/// Metrics, unless nobody wants them. A second node on one machine goes on without, if nobody asked for a port.
async fn serve_metrics(
    arguments: &NodeArgs,
    chain: &Arc<Chain>,
    pool: &PoolHandle,
) -> Result<Option<MetricsServer>, NodeError> {
    if arguments.no_prometheus {
        return Ok(None);
    }
    let ip = if arguments.prometheus_external { Ipv4Addr::UNSPECIFIED } else { Ipv4Addr::LOCALHOST };
    let address = SocketAddr::new(IpAddr::V4(ip), arguments.prometheus_port.unwrap_or(METRICS_PORT));
    let about = About {
        name: &arguments.name,
        version: env!("CARGO_PKG_VERSION"),
        threads: arguments.execution.threads(),
    };
    let metrics = Arc::new(Metrics::new(KeyNames::new(chain.runtime().as_ref()), &about)?);
    let source = Source { metrics, chain: Arc::clone(chain), pool: pool.clone() };
    let started = MetricsServer::start(address, source).await;
    or_without(started, address, arguments.prometheus_port.is_some())
}

/// What is served, or why a node without it does not start. Where nobody asked for a port, it does.
fn or_without<T>(
    started: io::Result<T>,
    address: SocketAddr,
    asked_for: bool,
) -> Result<Option<T>, NodeError> {
    match started {
        Ok(server) => Ok(Some(server)),
        Err(error) if asked_for => Err(NodeError::Metrics { address, error }),
        Err(error) => {
            tracing::warn!(
                "no metrics: {address}: {error}; choose a port with --prometheus-port, or none with --no-prometheus"
            );
            Ok(None)
        }
    }
}

/// What a person, or a script, needs to go on.
fn announce(
    arguments: &NodeArgs,
    spec: &ChainSpec,
    folder: &Path,
    metrics: Option<SocketAddr>,
    rpc: SocketAddr,
) {
    let sealing = match (spec.has_validators(), arguments.sealing) {
        (true, _) if arguments.validator.validator => "agreed on with the other validators".to_owned(),
        (true, _) => "as the validators agree on them".to_owned(),
        (false, Sealing::Instant) => "when a transaction arrives".to_owned(),
        (false, Sealing::Manual) => "on engine_createBlock".to_owned(),
        (false, Sealing::Interval(interval)) => format!("every {} ms", interval.as_millis()),
    };
    tracing::info!("{} ({}), blocks {sealing}", spec.name, arguments.name);
    tracing::info!("data in {}", folder.display());
    match arguments.execution {
        Mode::Sequential => tracing::info!("transactions run one after the other"),
        mode @ Mode::Parallel(threads) => tracing::info!("transactions run on {threads} threads ({mode})"),
    }
    if let Some(metrics) = metrics {
        tracing::info!("metrics: http://{metrics}/metrics");
    }
    if spec.chain_type == ChainType::Development {
        tracing::info!("//Alice … //Ferdie own 1,000,000 UNIT each; //Alice may use sudo");
        tracing::info!("in a browser: https://polkadot.js.org/apps/?rpc=ws%3A%2F%2F{rpc}#/explorer");
    }
    tracing::info!("ready: ws://{rpc} (http://{rpc} for single requests); stop with Ctrl-C");
}

async fn asked_to_stop() {
    let terminated = async {
        match signal(SignalKind::terminate()) {
            Ok(mut signals) => {
                signals.recv().await;
            }
            // Without that signal there is still Ctrl-C.
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        () = terminated => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_runs_without_metrics_unless_somebody_asked_for_their_port() {
        let address = SocketAddr::from(([127, 0, 0, 1], METRICS_PORT));
        let taken = || Err::<(), _>(io::Error::from(io::ErrorKind::AddrInUse));
        assert_eq!(or_without(Ok(()), address, true).unwrap(), Some(()));
        assert_eq!(or_without(taken(), address, false).unwrap(), None);
        let error = or_without(taken(), address, true).unwrap_err().to_string();
        assert!(error.contains("127.0.0.1:9615") && error.contains("--prometheus-port"), "{error}");
    }
}
