//! A real chain with a database of its own.

use std::sync::Arc;

use anyhow::Context;
use basalt_chain::{BlockId, BuildRequest, BuiltBlock, Chain, ForkChoice, ImportOptions};
use basalt_consensus_bft::{Ground, justification::votes, seed_after};
use basalt_db::{Config, Db, Durability, Pruning};
use basalt_executor::{Executor, Mode};
use basalt_primitives::{Block, H256, Header, MultiAddress};
use basalt_runtime::{
    Amount, BalancesGenesis, GenesisConfig, NativeRuntime, RANDOMNESS, RuntimeCall, SESSION, SessionGenesis,
    UNIT, ValidatorGenesis,
};
use basalt_runtime_api::{InherentData, Runtime, ValidatorSet, Verified};
use basalt_test_kit::Sender;
use basalt_verifier::Verifier;
use tempfile::TempDir;

use super::{
    App, Body, Decided, Order, author,
    elected::{Elected, epoch_length},
};
use crate::scenario::set_of;

/// Of one block: so that no block holds all.
const TRANSFERS_PER_BLOCK: usize = 20;

/// How many accounts send.
const SENDERS: usize = 10;

/// What all nodes have: the first block, and the transactions that wait for a block, as in a pool.
pub struct Shared {
    genesis: Vec<u8>,
    offered: Vec<Verified>,
}

impl Shared {
    /// So many transfers of a few accounts, on a chain whose validators are these.
    ///
    /// # Errors
    ///
    /// If the runtime refuses them.
    pub fn new(transfers: usize, sets: &Arc<Vec<ValidatorSet>>) -> anyhow::Result<Self> {
        let mut senders: Vec<_> =
            (0..SENDERS).map(|one| Sender::from_suri(&format!("//sim/{one}"))).collect();
        let balances = senders.iter().map(|sender| (sender.account(), Amount(1_000_000 * UNIT))).collect();
        let first = set_of(sets, 1).validators.iter();
        let session = SessionGenesis {
            validators: first
                .map(|one| ValidatorGenesis {
                    account: one.account,
                    vote_key: H256(one.vote_key),
                    vrf_key: H256(one.vrf_key),
                    power: one.power,
                })
                .collect(),
            epoch_length: epoch_length(sets),
            ..SessionGenesis::default()
        };
        let config =
            GenesisConfig { balances: BalancesGenesis { balances }, session, ..GenesisConfig::default() };
        let genesis = serde_json::to_vec(&config)?;
        let chain = Full::open(&tempfile::tempdir()?, &genesis, sets)?;
        let runtime = NativeRuntime::default();
        let mut offered = Vec::new();
        for number in 0..transfers {
            let to = senders[(number * 7 + 3) % SENDERS].account();
            let call = RuntimeCall::Balances(basalt_pallet_balances::Call::transfer_keep_alive {
                dest: MultiAddress::Id(to),
                value: UNIT,
            });
            let bytes = senders[number % SENDERS].sign(chain.genesis_hash(), &call);
            let transaction = runtime.inspect(bytes).map_err(|refusal| anyhow::anyhow!(refusal.detail))?;
            offered.push(Verified::assume(Arc::new(transaction), chain.genesis_hash()));
        }
        Ok(Self { genesis, offered })
    }
}

/// A chain with the native runtime.
pub struct Full {
    shared: Arc<Shared>,
    sets: Arc<Vec<ValidatorSet>>,
    chain: Option<Arc<Chain>>,
    /// Transfers in final blocks: blocks take them in order.
    included: usize,
    folder: TempDir,
}

impl Full {
    /// A chain of the first block.
    ///
    /// # Errors
    ///
    /// Those of the disk.
    pub fn new(sets: Arc<Vec<ValidatorSet>>, shared: Arc<Shared>) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let chain = Some(Self::open(&folder, &shared.genesis, &sets)?);
        Ok(Self { shared, sets, chain, included: 0, folder })
    }

    /// Which block all begin with.
    ///
    /// # Errors
    ///
    /// Those of the database.
    pub fn genesis(&self) -> anyhow::Result<Header> {
        self.header(0)
    }

    fn open(folder: &TempDir, genesis: &[u8], sets: &Arc<Vec<ValidatorSet>>) -> anyhow::Result<Arc<Chain>> {
        let config = Config { pruning: Pruning::Archive, cache_bytes: 1 << 20, durability: Durability::Off };
        let db = Db::open(folder.path(), config)?;
        let executor = Executor::new(Mode::Sequential)?;
        let runtime = Arc::new(Elected { native: NativeRuntime::default(), sets: sets.clone() });
        Ok(Chain::open(db, runtime, genesis, executor, Arc::new(Verifier::new(4096)))?)
    }

    /// The chain, if it is open.
    ///
    /// # Errors
    ///
    /// If it could not be opened again after a crash.
    pub fn chain(&self) -> anyhow::Result<&Arc<Chain>> {
        self.chain.as_ref().context("the chain could not be opened again")
    }

    fn header(&self, height: u32) -> anyhow::Result<Header> {
        let chain = self.chain()?;
        let hash = chain.hash_at(height)?.context("no block at this height")?;
        chain.header(&hash)?.context("no such header")
    }

    /// Who decides the block above this one, by its state. What the runtime says must be what was meant, and what the
    /// engine knows of randomness.
    fn validators(&self, header: &Header) -> anyhow::Result<ValidatorSet> {
        let chain = self.chain()?;
        let state = chain.state_at(&header.hash())?;
        let set = chain.runtime().validators(&state)?;
        anyhow::ensure!(set == *set_of(&self.sets, header.number + 1), "another set at {}", header.number);
        anyhow::ensure!(
            set.id == 0 || SESSION.set_by_id(&state, set.id - 1)?.is_some(),
            "the set before is forgotten"
        );
        if header.number > 0 {
            let seed = seed_after(header, &chain.genesis_hash())?;
            anyhow::ensure!(RANDOMNESS.seed(&state)? == seed, "another seed at {}", header.number);
        }
        Ok(set)
    }

    fn run(&self, header: &Header, body: &Body) -> anyhow::Result<Option<BuiltBlock>> {
        let block = Block { header: header.clone(), extrinsics: body.clone() };
        match self.chain()?.execute(block, author(header), None) {
            Ok(built) => Ok(Some(built)),
            Err(error) if error.is_peer_fault() => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn try_block(&self, height: u32) -> anyhow::Result<Decided> {
        let header = self.header(height)?;
        let hash = header.hash();
        let chain = self.chain()?;
        let body = chain.body(&hash)?.context("no body")?;
        let justification = chain.justification(&hash)?.context("no justification")?;
        Ok(Decided { header, body, proof: (justification.engine, justification.data) })
    }
}

impl App for Full {
    fn ground(&self) -> Ground {
        let parent = self.chain.as_ref().map(|chain| chain.finalized());
        let parent = parent.unwrap_or(BlockId { hash: H256([0; 32]), number: 0 });
        let header = self.header(parent.number).expect("what is final has a header");
        let validators = self.validators(&header).expect("the state of what is final can be read");
        Ground { parent, header, validators }
    }

    fn build(&mut self, order: Order) -> anyhow::Result<(Header, Body)> {
        let left = self.shared.offered.iter().skip(self.included).take(TRANSFERS_PER_BLOCK);
        // Not all blocks are full, and those of one height differ.
        let take = usize::try_from(order.salt % 21).unwrap_or(0);
        let chain = self.chain()?;
        let state = chain.state_at(&order.parent)?;
        let timestamp = order.time.max(chain.runtime().earliest_time(&state)?);
        // After a restart, and after catching up, the host knows nothing of the block below.
        let certificate = match order.votes {
            Some(certificate) => Some(certificate),
            None => chain.justification(&order.parent)?.map(|proof| votes(&proof)).transpose()?,
        };
        let votes = match certificate {
            Some(certificate) => chain.runtime().votes(&certificate, &state)?,
            None => None,
        };
        let built = chain.build(BuildRequest {
            parent: order.parent,
            digest: order.digest,
            author: Some(order.author),
            inherents: InherentData { timestamp, votes },
            candidates: &mut left.take(take).cloned(),
            deadline: None,
        })?;
        anyhow::ensure!(built.refused().is_empty(), "the transfers are valid: {:?}", built.refused().first());
        Ok((built.block().header.clone(), built.block().extrinsics.clone()))
    }

    fn execute(&mut self, header: &Header, body: &Body) -> anyhow::Result<bool> {
        Ok(self.run(header, body)?.is_some())
    }

    fn commit(&mut self, block: Decided) -> anyhow::Result<()> {
        let built = self.run(&block.header, &block.body)?.context("the decided block is invalid")?;
        let transactions = built.transactions();
        let options = ImportOptions {
            author: author(&block.header),
            fork_choice: ForkChoice::Best,
            finalize: true,
            justification: Some(block.justification()),
            now: None,
        };
        self.chain()?.import_built(built, options)?;
        self.included += transactions;
        Ok(())
    }

    fn block(&self, height: u32) -> Option<Decided> {
        if height == 0 {
            return None;
        }
        self.try_block(height).ok()
    }

    fn reopen(&mut self) -> anyhow::Result<()> {
        self.chain = None;
        let genesis = self.shared.genesis.clone();
        self.chain = Some(Self::open(&self.folder, &genesis, &self.sets)?);
        Ok(())
    }

    // Blocks of the past are always executed, and these are, in virtual time.
    fn time(&self, _: &Body) -> u64 {
        0
    }
}
