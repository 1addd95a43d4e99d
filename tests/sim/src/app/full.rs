//! A real chain with a database of its own.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use anyhow::Context;
use basalt_chain::{BlockId, BuildRequest, BuiltBlock, Chain, ForkChoice, ImportOptions, StateView};
use basalt_consensus_bft::{Ground, justification::votes, seed_after};
use basalt_db::{Config, Db, Durability, Pruning};
use basalt_executor::{Executor, Mode};
use basalt_pallet_offences::{OFFENDERS, OLDEST_EPOCH};
use basalt_pallet_staking::LEDGER;
use basalt_primitives::{
    AccountId, Balance, Block, H256, Header, InvalidTransaction, MultiAddress, OpaqueExtrinsic, Preamble,
    TransactionValidityError, extrinsic, votes::Evidence,
};
use basalt_runtime::{
    Amount, BalancesGenesis, GenesisConfig, KeysGenesis, NativeRuntime, OFFENCES, RANDOMNESS, RuntimeCall,
    SESSION, SessionGenesis, StakerStatus, StakingConfig, UNIT, ValidatorGenesis,
};
use basalt_runtime_api::{Head, InherentData, Runtime, ValidateError, ValidatorSet, Verified};
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

/// Blocks of an epoch on chains that elect their validators.
const STAKED_EPOCH: u32 = 8;

/// What a validator has at stake by itself.
pub const fn stake(power: u64) -> Balance {
    power as Balance * 1_000_003 * (UNIT / 1_000)
}

/// Who nominates the validator of this place and nobody else, and with how much.
pub fn nominator(place: u8) -> (AccountId, Balance) {
    (AccountId::from([100 + place; 32]), (Balance::from(place) * 77 + 501) * UNIT / 3)
}

/// What all nodes have: the first block, and the transactions that wait for a block, as in a pool.
pub struct Shared {
    genesis: Vec<u8>,
    offered: Vec<Verified>,
    /// Validators are elected by stake, and sets follow no list.
    staked: bool,
}

/// A chain whose sets follow a list.
fn listed(sets: &[ValidatorSet]) -> GenesisConfig {
    let validators = set_of(sets, 1).validators.iter().map(|one| ValidatorGenesis {
        account: one.account,
        vote_key: H256(one.vote_key),
        vrf_key: H256(one.vrf_key),
        power: one.power,
    });
    let session = SessionGenesis {
        validators: validators.collect(),
        epoch_length: epoch_length(sets),
        ..SessionGenesis::default()
    };
    GenesisConfig { session, ..GenesisConfig::default() }
}

/// A chain that elects: those of the first set have stakes like their powers, and a nominator each. What is slashed is so an
/// epoch after its report.
fn elected(sets: &[ValidatorSet]) -> GenesisConfig {
    let first = &set_of(sets, 1).validators;
    let keys = first
        .iter()
        .map(|one| (one.account, KeysGenesis { grandpa: H256(one.vote_key), vrf: H256(one.vrf_key) }));
    let session =
        SessionGenesis { keys: keys.collect(), epoch_length: STAKED_EPOCH, ..SessionGenesis::default() };
    let mut stakers = Vec::new();
    let mut balances = Vec::new();
    for (place, one) in (0..).zip(first) {
        let (who, amount) = nominator(place);
        stakers.push((one.account, Amount(stake(one.power)), StakerStatus::Validator));
        stakers.push((who, Amount(amount), StakerStatus::Nominator(vec![one.account])));
        balances.push((one.account, Amount(stake(one.power) + UNIT)));
        balances.push((who, Amount(amount + UNIT)));
    }
    let staking = StakingConfig {
        stakers,
        minimum_validator_count: 1,
        slash_reward_fraction: 100_000_000,
        // Reports are kept for eight epochs: longer than any run.
        bonding_duration: Some(12),
        slash_defer_duration: Some(1),
        ..StakingConfig::default()
    };
    GenesisConfig { balances: BalancesGenesis { balances }, session, staking, ..GenesisConfig::default() }
}

impl Shared {
    /// So many transfers of a few accounts, on a chain whose validators are these.
    ///
    /// # Errors
    ///
    /// If the runtime refuses them.
    pub fn new(transfers: usize, sets: &Arc<Vec<ValidatorSet>>) -> anyhow::Result<Self> {
        Self::on(transfers, listed(sets), Some(sets))
    }

    /// The same on a chain whose validators are these at first, and then who is elected.
    ///
    /// # Errors
    ///
    /// If the runtime refuses them.
    pub fn staked(transfers: usize, sets: &Arc<Vec<ValidatorSet>>) -> anyhow::Result<Self> {
        Self::on(transfers, elected(sets), None)
    }

    fn on(
        transfers: usize,
        mut config: GenesisConfig,
        sets: Option<&Arc<Vec<ValidatorSet>>>,
    ) -> anyhow::Result<Self> {
        let mut senders: Vec<_> =
            (0..SENDERS).map(|one| Sender::from_suri(&format!("//sim/{one}"))).collect();
        let rich = senders.iter().map(|sender| (sender.account(), Amount(1_000_000 * UNIT)));
        config.balances.balances.extend(rich);
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
        Ok(Self { genesis, offered, staked: sets.is_none() })
    }
}

/// A chain with the native runtime.
pub struct Full {
    shared: Arc<Shared>,
    sets: Arc<Vec<ValidatorSet>>,
    chain: Option<Arc<Chain>>,
    /// Transfers in final blocks: blocks take them in order.
    included: usize,
    /// Reports of offences that wait for a block.
    reports: Vec<Vec<u8>>,
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
        let chain = Some(Self::open(&folder, &shared.genesis, (!shared.staked).then_some(&sets))?);
        Ok(Self { shared, sets, chain, included: 0, reports: Vec::new(), folder })
    }

    /// Which block all begin with.
    ///
    /// # Errors
    ///
    /// Those of the database.
    pub fn genesis(&self) -> anyhow::Result<Header> {
        self.header(0)
    }

    fn open(
        folder: &TempDir,
        genesis: &[u8],
        sets: Option<&Arc<Vec<ValidatorSet>>>,
    ) -> anyhow::Result<Arc<Chain>> {
        let config = Config { pruning: Pruning::Archive, cache_bytes: 1 << 20, durability: Durability::Off };
        let db = Db::open(folder.path(), config)?;
        let executor = Executor::new(Mode::Sequential)?;
        let runtime = Arc::new(Elected { native: NativeRuntime::default(), sets: sets.cloned() });
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
        anyhow::ensure!(
            self.shared.staked || set == *set_of(&self.sets, header.number + 1),
            "another set at {}",
            header.number
        );
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

    /// What the chain says about a report on top of its last block.
    fn judge(&self, report: &[u8]) -> anyhow::Result<Judgement> {
        let chain = self.chain()?;
        let BlockId { hash, number } = chain.finalized();
        let state = chain.state_at(&hash)?;
        let Ok(transaction) = chain.runtime().inspect(report.to_vec()) else { return Ok(Judgement::Never) };
        match chain.runtime().validate(&transaction, &Head { number, hash, state: &state }) {
            Ok(validity) => {
                let verified = Verified::assume(Arc::new(transaction), H256::zero());
                Ok(Judgement::Now(validity.provides, verified))
            }
            Err(ValidateError::Refused(refusal)) => {
                let future = TransactionValidityError::Invalid(InvalidTransaction::Future);
                Ok(if refusal.error == future { Judgement::Later } else { Judgement::Never })
            }
            Err(ValidateError::State(error)) => Err(error.into()),
        }
    }

    /// The reports that the next block may hold, each offence once. Others are forgotten, if their time will not come.
    fn reports(&mut self) -> anyhow::Result<Vec<Verified>> {
        let mut wanted = BTreeMap::new();
        for report in std::mem::take(&mut self.reports) {
            match self.judge(&report)? {
                Judgement::Never => continue,
                Judgement::Later => {}
                Judgement::Now(tags, verified) => {
                    wanted.entry(tags).or_insert(verified);
                }
            }
            self.reports.push(report);
        }
        Ok(wanted.into_values().collect())
    }

    fn at_finalized<T>(&self, read: impl FnOnce(&StateView) -> anyhow::Result<T>) -> anyhow::Result<T> {
        let chain = self.chain()?;
        read(&chain.state_at(&chain.finalized().hash)?)
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

/// What the chain says about a report.
enum Judgement {
    /// Nothing else may do the same.
    Now(Vec<Vec<u8>>, Verified),
    Later,
    Never,
}

/// Whether an extrinsic has a sender.
fn is_signed(extrinsic: &OpaqueExtrinsic) -> bool {
    matches!(extrinsic::split(&extrinsic.0), Ok(Preamble::Signed { .. }))
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
        let reports = self.reports()?;
        let reported: BTreeSet<H256> = reports.iter().map(|report| report.hash).collect();
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
            candidates: &mut reports.into_iter().chain(left.take(take).cloned()),
            deadline: None,
        })?;
        // Of one offender only so many reports are taken: each is valid, and not all of them.
        let wrong = built.refused().iter().find(|(hash, _)| !reported.contains(hash));
        anyhow::ensure!(wrong.is_none(), "the transfers are valid: {wrong:?}");
        Ok((built.block().header.clone(), built.block().extrinsics.clone()))
    }

    fn execute(&mut self, header: &Header, body: &Body) -> anyhow::Result<bool> {
        Ok(self.run(header, body)?.is_some())
    }

    fn commit(&mut self, block: Decided) -> anyhow::Result<()> {
        let built = self.run(&block.header, &block.body)?.context("the decided block is invalid")?;
        let transfers = block.body.iter().filter(|extrinsic| is_signed(extrinsic)).count();
        let options = ImportOptions {
            author: author(&block.header),
            fork_choice: ForkChoice::Best,
            finalize: true,
            justification: Some(block.justification()),
            now: None,
        };
        self.chain()?.import_built(built, options)?;
        self.included += transfers;
        // What is on the chain waits no more.
        self.reports()?;
        let chain = self.chain()?;
        self.at_finalized(|state| Ok(chain.runtime().try_state(state)?))
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
        let sets = (!self.shared.staked).then_some(&self.sets);
        self.chain = Some(Self::open(&self.folder, &genesis, sets)?);
        Ok(())
    }

    fn set(&self, height: u32) -> Option<ValidatorSet> {
        if !self.shared.staked {
            return None;
        }
        let known = self.header(height.saturating_sub(1)).and_then(|header| self.validators(&header));
        Some(known.unwrap_or_else(|_| self.ground().validators))
    }

    fn report(&mut self, report: &[u8]) -> bool {
        let known = self.reports.iter().any(|known| known == report);
        let wanted =
            !known && self.judge(report).is_ok_and(|judgement| !matches!(judgement, Judgement::Never));
        if wanted {
            self.reports.push(report.to_vec());
        }
        wanted
    }

    fn waiting(&self) -> Vec<Vec<u8>> {
        self.reports.clone()
    }

    fn report_of(&self, evidence: &Evidence) -> Option<Vec<u8>> {
        self.chain().ok()?.runtime().report(evidence)
    }

    fn offenders(&self) -> anyhow::Result<Vec<(u32, AccountId)>> {
        self.at_finalized(|state| {
            let oldest = OLDEST_EPOCH.get_or_default(state)?;
            let mut all = Vec::new();
            for epoch in oldest..=SESSION.epoch(state)?.index {
                for entry in OFFENDERS.iter_prefix(state, &epoch) {
                    all.push((epoch, entry?.0));
                }
            }
            Ok(all)
        })
    }

    fn is_reported(&self, height: u32, offender: &AccountId) -> anyhow::Result<bool> {
        self.at_finalized(|state| {
            let epoch = SESSION.epoch_of(state, height)?;
            let window = (OFFENCES.window)(state)?;
            let too_late = epoch.saturating_add(window) < SESSION.epoch(state)?.index;
            Ok(too_late || OFFENDERS.get(state, &epoch, offender)?.is_some())
        })
    }

    fn stakes(&self) -> anyhow::Result<BTreeMap<AccountId, Balance>> {
        self.at_finalized(|state| {
            let ledgers = LEDGER.iter(state).map(|entry| entry.map(|(who, ledger)| (who, ledger.total)));
            Ok(ledgers.collect::<Result<_, _>>()?)
        })
    }

    // Blocks of the past are always executed, and these are, in virtual time.
    fn time(&self, _: &Body) -> u64 {
        0
    }
}
