//! What all families share: the node's parts, and threads for long work.

use std::{
    num::NonZero,
    sync::{Arc, OnceLock},
    thread,
};

use basalt_chain::{BlockId, Chain, ChainError, StateView};
use basalt_consensus_api::EngineHandle;
use basalt_keystore::Keystore;
use basalt_pool::PoolHandle;
use basalt_primitives::{H256, Header};
use basalt_rpc_api::{text::Hash, types::ChainType};
use basalt_state::Overlay;
use serde_json::{Map, Value};
use tokio::{sync::Semaphore, task};

use crate::{ConsensusStatus, KeyNames, NetworkStatus, error::Error, limits};

/// The parts of a node that answers come from.
#[derive(Clone)]
pub struct Services {
    /// Blocks and states.
    pub chain: Arc<Chain>,
    /// Waiting transactions.
    pub pool: PoolHandle,
    /// Makes blocks on request; `None` leaves the `engine_*` methods out.
    pub engine: Option<EngineHandle>,
    /// What the node signs with; `None` leaves the methods about keys out.
    pub keystore: Option<Keystore>,
    /// The node's peers; [`NoNetwork`](crate::NoNetwork) if it has none.
    pub network: Arc<dyn NetworkStatus>,
    /// How the validators agree; `None` on a chain that one node seals alone.
    pub consensus: Option<Arc<dyn ConsensusStatus>>,
    /// What the node says about itself.
    pub chain_info: ChainInfo,
}

/// What a node says about itself and its chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainInfo {
    /// The chain's name, for people.
    pub name: String,
    /// What kind of chain it is.
    pub chain_type: ChainType,
    /// What wallets show: `ss58Format`, `tokenDecimals`, `tokenSymbol`.
    pub properties: Map<String, Value>,
    /// The program's name.
    pub node_name: String,
    /// The program's version.
    pub node_version: String,
    /// Whether this node makes blocks.
    pub authority: bool,
}

/// What all families share.
pub(crate) struct Node {
    pub(crate) chain: Arc<Chain>,
    pub(crate) pool: PoolHandle,
    pub(crate) info: ChainInfo,
    pub(crate) network: Arc<dyn NetworkStatus>,
    pub(crate) consensus: Option<Arc<dyn ConsensusStatus>>,
    /// Names of storage keys; made when they are first asked for.
    names: OnceLock<KeyNames>,
    /// Bytes that an answer may have.
    pub(crate) response_bytes_max: usize,
    /// The height at which this process began to serve.
    pub(crate) starting_block: u32,
    /// One permit per long call at work.
    workers: Arc<Semaphore>,
}

impl Node {
    pub(crate) fn new(services: Services, response_bytes_max: u32) -> Arc<Self> {
        let cores = thread::available_parallelism().map_or(1, NonZero::get);
        let node = Self {
            starting_block: services.chain.best().number,
            chain: services.chain,
            pool: services.pool,
            info: services.chain_info,
            network: services.network,
            consensus: services.consensus,
            names: OnceLock::new(),
            // A limit that exceeds the address space is none.
            response_bytes_max: usize::try_from(response_bytes_max).unwrap_or(usize::MAX),
            workers: Arc::new(Semaphore::new(cores * limits::WORKERS_PER_CORE)),
        };
        Arc::new(node)
    }

    /// Runs what may take long on a blocking thread, a bounded number at a time. The permit stays with the work, not
    /// with the caller, who may have hung up.
    pub(crate) async fn work<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Self) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let permit = Arc::clone(&self.workers).acquire_owned().await.map_err(|_| Error::Stopping)?;
        let node = Arc::clone(self);
        let done = task::spawn_blocking(move || {
            let result = work(&node);
            drop(permit);
            result
        });
        done.await.unwrap_or_else(|e| Err(Error::Internal(format!("the call did not finish: {e}"))))
    }

    /// Names of storage keys.
    pub(crate) fn names(&self) -> &KeyNames {
        self.names.get_or_init(|| KeyNames::new(self.chain.runtime().as_ref()))
    }

    /// The block that is meant: the best one if none is named.
    pub(crate) fn hash_or_best(&self, hash: Option<Hash>) -> H256 {
        hash.map_or_else(|| self.chain.best().hash, |hash| hash.0)
    }

    /// The header that is meant, which must be known.
    pub(crate) fn header(&self, at: Option<Hash>) -> Result<(H256, Header), Error> {
        let hash = self.hash_or_best(at);
        let header = self.chain.header(&hash).map_err(|e| Error::client(e, hash))?;
        Ok((hash, header.ok_or(Error::UnknownBlock(hash))?))
    }

    /// The state that is meant.
    pub(crate) fn state(&self, at: Option<Hash>) -> Result<(H256, StateView), Error> {
        let hash = self.hash_or_best(at);
        let state = self.chain.state_at(&hash).map_err(|e| Error::client(e, hash))?;
        Ok((hash, state))
    }

    /// Calls a runtime API. Long: see [`Self::work`].
    pub(crate) fn call(&self, function: &str, arguments: &[u8], at: Option<Hash>) -> Result<Vec<u8>, Error> {
        let (hash, header) = self.header(at)?;
        let (_, state) = self.state(Some(Hash(hash)))?;
        let mut overlay = Overlay::new(&state);
        self.chain
            .runtime()
            .call(function, arguments, &header, &mut overlay)
            .map_err(|e| Error::execution(e, hash))
    }

    /// The parent of a known block.
    pub(crate) fn parent(&self, block: &BlockId) -> Result<Option<BlockId>, ChainError> {
        let header = self.chain.header(&block.hash)?;
        Ok(header
            .filter(|header| header.number > 0)
            .map(|header| BlockId { hash: header.parent_hash, number: header.number - 1 }))
    }
}
