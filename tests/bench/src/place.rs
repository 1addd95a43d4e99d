//! Where a workload runs: on a state in memory, or on the view of a chain with a database.

use std::sync::Arc;

use anyhow::ensure;
use basalt_chain::{BuildRequest, Chain, ImportOptions, StateView};
use basalt_db::{Config, Db, Durability, Pruning};
use basalt_executor::Executor;
use basalt_primitives::{Digest, H256, hashing::blake2_256};
use basalt_runtime_api::{BlockEnv, InherentData, Runtime, Verified};
use basalt_state::{ChangeSet, Memory, StateRead};
use basalt_verifier::{REMEMBERED_MAX, Verifier};
use parity_scale_codec::Encode;
use tempfile::TempDir;

use crate::{
    corpus,
    roomy::Roomy,
    synthetic,
    workload::{ENDOWMENT, Kind, Size, timestamp},
};

/// The hash of block 0 where there is no chain.
pub(crate) const GENESIS: H256 = H256([7; 32]);

/// The start of a workload, which its blocks do not change: each begins with a [`Place`] of its own.
pub(crate) enum Start {
    Memory(Memory),
    /// After some blocks.
    Later {
        state: Memory,
        number: u32,
    },
    Database(Box<Database>),
}

/// A chain and the folder it lives in.
pub(crate) struct Database {
    // Dropped before the folder is removed.
    chain: Arc<Chain>,
    _folder: TempDir,
}

impl Start {
    /// In memory.
    pub(crate) fn memory(kind: Kind, size: &Size) -> anyhow::Result<Self> {
        let mut memory = Memory::default();
        match kind {
            Kind::Native | Kind::Contracts => {
                let genesis = corpus::endowed(size.accounts(), ENDOWMENT)?;
                memory.apply(&Roomy::default().genesis(&genesis)?);
            }
            Kind::Synthetic => memory = synthetic::state(size.accounts()),
        }
        Ok(Self::Memory(memory))
    }

    /// A chain with a new database.
    pub(crate) fn database(runtime: Arc<dyn Runtime>, size: &Size) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let config = Config {
            pruning: Pruning::Keep(256),
            cache_bytes: 2 * 1024 * 1024 * 1024,
            durability: Durability::Block,
        };
        let chain = Chain::open(
            Db::open(&folder.path().join("db"), config)?,
            runtime,
            &corpus::endowed(size.accounts(), ENDOWMENT)?,
            Executor::default(),
            Arc::new(Verifier::new(REMEMBERED_MAX)),
        )?;
        Ok(Self::Database(Box::new(Database { chain, _folder: folder })))
    }

    /// The hash of block 0.
    pub(crate) fn genesis_hash(&self) -> H256 {
        match self {
            Self::Memory(_) | Self::Later { .. } => GENESIS,
            Self::Database(database) => database.chain.genesis_hash(),
        }
    }

    /// A place to run one workload's blocks.
    pub(crate) fn place(&self) -> anyhow::Result<Place> {
        match self {
            Self::Memory(memory) => Ok(Place::Memory { state: memory.clone(), number: 0 }),
            Self::Later { state, number } => Ok(Place::Memory { state: state.clone(), number: *number }),
            Self::Database(database) => {
                let chain = Arc::clone(&database.chain);
                Ok(Place::Database { state: chain.state_at(&chain.best().hash)?, chain })
            }
        }
    }
}

/// The state that the next block is run on.
pub(crate) enum Place {
    Memory { state: Memory, number: u32 },
    Database { chain: Arc<Chain>, state: StateView },
}

impl Place {
    /// The state.
    pub(crate) fn state(&self) -> &(dyn StateRead + Sync) {
        match self {
            Self::Memory { state, .. } => state,
            Self::Database { state, .. } => state,
        }
    }

    /// What is fixed about the next block.
    pub(crate) fn env(&self) -> BlockEnv {
        let (number, parent_hash) = match self {
            Self::Memory { number: 0, .. } => (0, GENESIS),
            Self::Memory { number, .. } => (*number, H256(number.using_encoded(blake2_256))),
            Self::Database { chain, .. } => (chain.best().number, chain.best().hash),
        };
        BlockEnv { number: number + 1, parent_hash, digest: Digest::default(), author: None }
    }

    /// The state as it is now, for others to begin with; the height goes on.
    pub(crate) fn into_start(self) -> anyhow::Result<Start> {
        match self {
            Self::Memory { state, number } => Ok(Start::Later { state, number }),
            Self::Database { .. } => anyhow::bail!("workloads of contracts run in memory only"),
        }
    }

    /// Goes on to the state after a block with these transactions, inherents left out, and these changes.
    pub(crate) fn advance(&mut self, changes: &ChangeSet, transactions: &[Verified]) -> anyhow::Result<()> {
        match self {
            Self::Memory { state, number } => {
                state.apply(changes);
                *number += 1;
            }
            Self::Database { chain, state } => {
                let number = chain.best().number + 1;
                let built = chain.build(BuildRequest {
                    parent: chain.best().hash,
                    digest: Digest::default(),
                    author: None,
                    inherents: InherentData::at(timestamp(number)),
                    candidates: &mut transactions.iter().cloned(),
                    deadline: None,
                })?;
                let (got, expected) = (built.transactions(), transactions.len());
                ensure!(
                    got == expected,
                    "the chain takes {got} of {expected}: {:?}",
                    built.refused().first()
                );
                chain.import_built(built, ImportOptions { finalize: true, ..ImportOptions::default() })?;
                *state = chain.state_at(&chain.best().hash)?;
            }
        }
        Ok(())
    }
}
