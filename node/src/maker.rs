//! Who makes the blocks: this node alone, or the validators of a network that it belongs to.

use std::{path::Path, sync::Arc, time::Duration};

use basalt_chain::extrinsics_root;
use basalt_consensus_api::{Engine, EngineError, Env, author_of};
use basalt_consensus_bft::{BftEngine, Bodies, EngineConfig, Pace, Timeouts, verify_justification};
use basalt_consensus_instant::{Config as SealConfig, InstantEngine, Seal};
use basalt_keystore::Keystore;
use basalt_network::{Heads, NetworkHandle, NetworkService};
use basalt_primitives::{
    AccountId, CLAIM, EngineId, OpaqueExtrinsic,
    keys::{Pair, Scheme},
};
use basalt_rpc::{ConsensusStatus, NetworkStatus, NoNetwork};
use basalt_runtime_api::ValidatorSet;
use basalt_sync::{Config as SyncConfig, SyncService};
use futures::future::BoxFuture;

use crate::{
    agreement::Agreement,
    chain_spec::{ChainSpec, ChainType},
    cli::{DoppelgangerWait, NodeArgs, Sealing},
    error::NodeError,
    network::{self, Peers},
    offences,
    turnout::TurnoutFigures,
    validator::{FetchBody, NetworkLink, ValidatorKeys},
};

/// For how long a validator hears of a block that others have, before it asks for it.
const SYNC_PATIENCE: Duration = Duration::from_secs(2);

/// The consensus log's name in a chain's folder.
const LOG: &str = "consensus.log";

/// What makes blocks, and what belongs to it.
pub(crate) struct Maker {
    pub(crate) engine: Box<dyn Engine>,
    /// Whether no other node has a say.
    pub(crate) alone: bool,
    pub(crate) peers: Arc<dyn NetworkStatus>,
    pub(crate) agreement: Option<Arc<dyn ConsensusStatus>>,
    pub(crate) turnout: Option<TurnoutFigures>,
    pub(crate) network: Option<Network>,
}

/// What runs beside the engine, until it is stopped.
pub(crate) struct Network {
    pub(crate) handle: NetworkHandle,
    service: NetworkService,
    sync: SyncService,
}

impl Network {
    /// Lets go of all peers.
    pub(crate) async fn stop(self) {
        self.sync.stop().await;
        self.service.stop().await;
    }
}

impl Maker {
    /// A development chain.
    pub(crate) fn alone(arguments: &NodeArgs, spec: &ChainSpec) -> Result<Self, NodeError> {
        if arguments.validator.validator {
            return Err(NodeError::NoValidators(spec.id.clone()));
        }
        let engine = Box::new(InstantEngine::new(SealConfig {
            seal: seal(arguments.sealing),
            author: author(spec),
            ..SealConfig::default()
        }));
        Ok(Self {
            engine,
            alone: true,
            peers: Arc::new(NoNetwork),
            agreement: None,
            turnout: None,
            network: None,
        })
    }

    /// A node of a network whose validators are `set` now.
    pub(crate) fn among_others(
        arguments: &NodeArgs,
        spec: &ChainSpec,
        folder: &Path,
        keystore: &Keystore,
        set: &ValidatorSet,
        env: &Env,
    ) -> Result<Self, NodeError> {
        let Env { chain, pool, .. } = env;
        let is_validator = arguments.validator.validator;
        let pace = arguments.validator.pace()?;
        // Before anything is heard: a node that cannot vote shall not look as if it could.
        let keys = if is_validator { Some(ValidatorKeys::open(keystore, set)?) } else { None };

        let config = network::config(&arguments.network, spec, chain.genesis_hash(), folder, is_validator)?;
        let (handle, receivers, service) = basalt_network::start(
            config,
            Heads { best: id(chain.best()), finalized: id(chain.finalized()) },
        )?;
        network::carry_transactions(handle.clone(), pool.clone(), receivers.transactions);

        let bodies: Arc<Bodies> = Arc::default();
        let fetch: FetchBody = {
            let handle = handle.clone();
            Arc::new(move |hash, root, peer| {
                let handle = handle.clone();
                Box::pin(async move {
                    let is_right = |body: &[OpaqueExtrinsic]| extrinsics_root(body) == root;
                    basalt_sync::fetch_body(&handle, hash, peer, is_right).await
                })
            })
        };
        let (sync_handle, sync) = basalt_sync::start(SyncConfig {
            chain: chain.clone(),
            network: handle.clone(),
            requests: receivers.block_requests,
            peers: receivers.peers,
            verify: Arc::new(|set, justification, block| {
                verify_justification(set, justification, block).map_err(|error| error.to_string())
            }),
            author: author_of,
            proposed: {
                let bodies = bodies.clone();
                Arc::new(move |hash| bodies.get(hash))
            },
            // Validators hear of each block before it is final, so they seldom have to ask.
            patience: if is_validator { SYNC_PATIENCE } else { Duration::ZERO },
        });
        let peers = Arc::new(Peers { network: handle.clone(), progress: sync_handle.status.clone() });

        let turnout = if is_validator { Some(TurnoutFigures::new()?) } else { None };
        let (engine, agreement): (Box<dyn Engine>, Option<Arc<dyn ConsensusStatus>>) = match keys {
            None => (Box::new(Follower), None),
            Some(keys) => {
                let (link, messages) =
                    NetworkLink::new(handle.clone(), receivers.consensus, fetch, sync_handle);
                let config = EngineConfig {
                    pace: Pace { block_time: pace.block, empty_block_time: pace.empty },
                    timeouts: Timeouts::default(),
                    listen: listen(arguments.validator.doppelganger_wait, pace.block),
                    log: folder.join(LOG),
                };
                let tagged = link.tagged();
                let (engine, monitor) =
                    BftEngine::new(config, Box::new(keys), Arc::new(link), messages, bodies);
                let agreement = Agreement::new(
                    chain.clone(),
                    &monitor,
                    handle.clone(),
                    tagged,
                    pace.empty,
                    turnout.clone(),
                );
                offences::report(chain.clone(), pool.clone(), monitor.evidence, folder);
                (Box::new(engine), Some(agreement))
            }
        };
        let network = Some(Network { handle, service, sync });
        Ok(Self { engine, alone: false, peers, agreement, turnout, network })
    }
}

fn id(block: basalt_chain::BlockId) -> basalt_network::BlockId {
    basalt_network::BlockId { hash: block.hash, number: block.number }
}

/// At most a minute: whoever chose slow blocks does not want to wait for two of them.
const LISTEN_MAX: Duration = Duration::from_secs(60);

fn listen(wait: DoppelgangerWait, block_time: Duration) -> Duration {
    match wait {
        DoppelgangerWait::Off => Duration::ZERO,
        DoppelgangerWait::Blocks(blocks) => block_time.saturating_mul(blocks).min(LISTEN_MAX),
    }
}

/// Makes no blocks: they come from others, by catching up.
struct Follower;

impl Engine for Follower {
    fn id(&self) -> EngineId {
        CLAIM
    }

    fn run(self: Box<Self>, mut env: Env) -> BoxFuture<'static, Result<(), EngineError>> {
        Box::pin(async move {
            env.shutdown.requested().await;
            Ok(())
        })
    }
}

fn seal(sealing: Sealing) -> Seal {
    match sealing {
        Sealing::Instant => Seal::Instant,
        Sealing::Manual => Seal::Manual,
        Sealing::Interval(interval) => Seal::Interval(interval),
    }
}

/// Who earns the author's share of fees: on development chains //Alice, else nobody (the treasury gets it).
fn author(spec: &ChainSpec) -> Option<AccountId> {
    (spec.chain_type == ChainType::Development)
        .then(|| Pair::from_suri(Scheme::Sr25519, "//Alice").ok().map(|pair| pair.account_id()))
        .flatten()
}
