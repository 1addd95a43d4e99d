//! A chain without a database.

use std::{
    collections::BTreeSet,
    num::NonZeroUsize,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
};

use basalt_contracts_vm::{MachineConfig, WasmMachine};
use basalt_executor::{Built, ExecuteError, Executed, Executor, Mode};
use basalt_primitives::{AccountId, Digest, H256, Moment, hashing::blake2_256, signature};
use basalt_runtime::{Amount, BalancesGenesis, GenesisConfig, NativeRuntime, SudoGenesis, UNIT};
use basalt_runtime_api::{BlockEnv, Head, InherentData, Runtime, ValidateError, Verified};
use basalt_state::{ChangeSet, Memory, StateRead};
use parity_scale_codec::Encode;

use crate::Sender;

/// All modes that a block must have the same result in. The first is the reference. More threads than the machine has
/// cores are no waste: they are interrupted anywhere.
pub const MODES: &[Mode] =
    &[Mode::Sequential, parallel(1), parallel(2), parallel(3), parallel(4), parallel(8)];

const fn parallel(threads: usize) -> Mode {
    match NonZeroUsize::new(threads) {
        Some(threads) => Mode::Parallel(threads),
        None => Mode::Sequential,
    }
}

/// An executor of each mode, in the order of [`MODES`]: made once, as a node does, and shared by all tests of a process.
///
/// # Panics
///
/// If the machine gives no threads.
pub fn executors() -> &'static [Executor] {
    static EXECUTORS: OnceLock<Vec<Executor>> = OnceLock::new();
    EXECUTORS.get_or_init(|| {
        MODES.iter().map(|mode| Executor::new(*mode).expect("the machine has threads")).collect()
    })
}

/// What runs contracts: made once, as a node does, and shared by all tests of a process.
///
/// # Panics
///
/// If the machine gives no threads or memory.
pub fn machine() -> Arc<WasmMachine> {
    static MACHINE: OnceLock<Arc<WasmMachine>> = OnceLock::new();
    let make =
        || WasmMachine::new(MachineConfig::default()).map(Arc::new).expect("there is room for a machine");
    Arc::clone(MACHINE.get_or_init(make))
}

static COMPARED: AtomicU64 = AtomicU64::new(0);

/// How many blocks this process has executed in all modes and compared so far. Those that were built count once.
pub fn blocks_compared() -> u64 {
    COMPARED.load(Ordering::Relaxed)
}

/// Runs a block in every mode and fails the test unless all results are equal.
///
/// # Panics
///
/// If two modes disagree.
pub fn check_block(
    runtime: &dyn Runtime,
    parent: &(dyn StateRead + Sync),
    env: &BlockEnv,
    transactions: &[Verified],
) -> Result<Executed, ExecuteError> {
    let run = |executor: &Executor| {
        executor.execute(runtime, parent, env, transactions).map(|(executed, _)| executed)
    };
    let (reference, others) = executors().split_first().expect("there is a reference mode");
    let expected = run(reference);
    // The reference must also agree with itself: nothing but the block and its parent may matter.
    for executor in others.iter().chain([reference]) {
        let executed = run(executor);
        let (mode, reference) = (executor.mode(), reference.mode());
        // First what decides the state's root, and briefly: whole change sets are nothing that one can read.
        if let (Ok(executed), Ok(expected)) = (&executed, &expected) {
            let differing = differing(&executed.changes, &expected.changes);
            assert!(
                differing.is_empty(),
                "mode {mode} makes something else of {differing:02x?} than {reference}"
            );
        }
        assert_eq!(executed, expected, "mode {mode} disagrees with {reference}");
    }
    COMPARED.fetch_add(1, Ordering::Relaxed);
    expected
}

/// The keys of which two change sets make something else.
fn differing<'a>(one: &'a ChangeSet, other: &'a ChangeSet) -> BTreeSet<&'a [u8]> {
    let keys = one.iter().chain(other.iter()).map(|(key, _)| key);
    keys.filter(|key| one.get(key) != other.get(key)).collect()
}

/// A chain on a map: executes blocks in all modes and checks every invariant after each.
pub struct Ledger {
    /// The runtime.
    pub runtime: NativeRuntime,
    /// State after the last block.
    pub state: Memory,
    /// Height of the last block.
    pub number: u32,
    /// Stands for the last block's hash.
    pub hash: H256,
    /// Stands for the genesis hash.
    pub genesis_hash: H256,
    /// Who makes the blocks.
    pub author: Option<AccountId>,
    now: Moment,
}

impl Ledger {
    /// A chain with this genesis.
    ///
    /// # Panics
    ///
    /// If the genesis makes no chain.
    pub fn new(genesis: &GenesisConfig) -> Self {
        let runtime = NativeRuntime::new(machine());
        let config = serde_json::to_vec(genesis).expect("a genesis configuration is JSON");
        let mut state = Memory::default();
        state.apply(&runtime.genesis(&config).expect("the genesis of a test makes a chain"));
        runtime.try_state(&state).expect("genesis keeps every invariant");
        let genesis_hash = H256(blake2_256(&config));
        Self { runtime, state, number: 0, hash: genesis_hash, genesis_hash, author: None, now: 1_000 }
    }

    /// A chain on which //Alice, //Bob and //Charlie own a million tokens each, and //Alice may use sudo.
    pub fn dev() -> Self {
        let account = |name| Sender::dev(name).account();
        let balances =
            ["Alice", "Bob", "Charlie"].map(|name| (account(name), Amount(1_000_000 * UNIT))).to_vec();
        Self::new(&GenesisConfig {
            balances: BalancesGenesis { balances },
            sudo: SudoGenesis { key: Some(account("Alice")) },
            ..GenesisConfig::default()
        })
    }

    /// The block that a transaction would follow.
    pub fn head(&self) -> Head<'_> {
        Head { number: self.number, hash: self.hash, state: &self.state }
    }

    /// Decodes and verifies a transaction.
    pub fn verify(&self, bytes: Vec<u8>) -> Result<Verified, ValidateError> {
        let transaction = Arc::new(self.runtime.inspect(bytes).map_err(ValidateError::Refused)?);
        let birth_hash = match self.runtime.proof(&transaction, &self.head())? {
            None => H256::zero(),
            Some(check) => {
                assert!(
                    signature::verify(&check.signature, &check.message, &check.signer),
                    "the transaction is badly signed"
                );
                check.birth_hash
            }
        };
        Ok(Verified::assume(transaction, birth_hash))
    }

    /// What is fixed about the next block.
    pub fn env(&self) -> BlockEnv {
        BlockEnv {
            number: self.number + 1,
            parent_hash: self.hash,
            digest: Digest::default(),
            author: self.author,
        }
    }

    /// The next block's transactions: inherents, then these.
    ///
    /// # Panics
    ///
    /// If one does not decode or is badly signed.
    pub fn transactions(&self, signed: Vec<Vec<u8>>) -> Vec<Verified> {
        self.runtime
            .inherents(&InherentData::at(self.now + 1_000))
            .into_iter()
            .chain(signed)
            .map(|bytes| self.verify(bytes).expect("the transaction decodes and is signed"))
            .collect()
    }

    /// Executes a block with these signed transactions in all modes; keeps it if it is valid.
    ///
    /// # Panics
    ///
    /// If modes disagree or an invariant of a pallet is broken afterwards.
    pub fn block(&mut self, signed: Vec<Vec<u8>>) -> Result<Executed, ExecuteError> {
        self.block_of(&self.transactions(signed))
    }

    /// Executes a block of exactly these transactions in all modes; keeps it if it is valid.
    ///
    /// # Panics
    ///
    /// If modes disagree or an invariant of a pallet is broken afterwards.
    pub fn block_of(&mut self, transactions: &[Verified]) -> Result<Executed, ExecuteError> {
        let executed = check_block(&self.runtime, &self.state, &self.env(), transactions)?;
        self.keep(&executed);
        Ok(executed)
    }

    /// Makes a block of the inherents and those candidates that fit, in all modes, executes it as an importer would,
    /// and keeps it.
    ///
    /// # Panics
    ///
    /// If modes disagree, if the block that was built is refused or does something else when it is executed, or if an
    /// invariant of a pallet is broken afterwards.
    pub fn build(&mut self, candidates: &[Verified], stop: &(dyn Fn() -> bool + Sync)) -> Built {
        self.build_asking(candidates, &|_| stop())
    }

    /// As [`Self::build`]. `stop` is told how often it was asked before for this block in this mode, and must depend on
    /// nothing else: all modes have to ask equally often.
    ///
    /// # Panics
    ///
    /// As [`Self::build`].
    pub fn build_asking(&mut self, candidates: &[Verified], stop: &(dyn Fn(u32) -> bool + Sync)) -> Built {
        let env = self.env();
        let inherents = self.transactions(Vec::new());
        let build = |executor: &Executor| {
            let asked = AtomicU32::new(0);
            let stop = || stop(asked.fetch_add(1, Ordering::Relaxed));
            let mut candidates = candidates.iter().cloned();
            let built = executor
                .build(&self.runtime, &self.state, &env, inherents.clone(), &mut candidates, &stop)
                .expect("a block of inherents is always valid, and candidates that are not are left out");
            (built, asked.load(Ordering::Relaxed))
        };
        let (reference, others) = executors().split_first().expect("there is a reference mode");
        let (built, asked) = build(reference);
        for executor in others {
            let (other, asked_other) = build(executor);
            let mode = executor.mode();
            assert_eq!(hashes(&other.included), hashes(&built.included), "mode {mode} picks others");
            assert_eq!((&other.refused, other.full), (&built.refused, built.full), "mode {mode}");
            assert_eq!(asked_other, asked, "mode {mode} asks another number of times whether to stop");
            assert_eq!(other.executed, built.executed, "mode {mode} disagrees with {}", reference.mode());
        }
        let executed = check_block(&self.runtime, &self.state, &env, &built.included)
            .expect("importers accept what builders make");
        assert_eq!(
            executed, built.executed,
            "a block does the same when it is built and when it is executed"
        );
        self.keep(&executed);
        built
    }

    fn keep(&mut self, executed: &Executed) {
        self.state.apply(&executed.changes);
        self.runtime.try_state(&self.state).expect("every invariant holds after every block");
        self.now += 1_000;
        self.number += 1;
        self.hash = H256(blake2_256(&(self.hash, self.number, executed.receipts.encode()).encode()));
    }
}

fn hashes(transactions: &[Verified]) -> Vec<H256> {
    transactions.iter().map(|transaction| transaction.hash).collect()
}
