//! A small chain whose contracts are closures, so that a test says in one place what its contracts do.

mod calls;
mod deposits;
mod gas;
mod life;

use alloc::{borrow::ToOwned, boxed::Box, collections::BTreeMap, format, vec, vec::Vec};
use core::cell::Cell;

use basalt_contracts_vm::{
    Checked, Code, Ended, Halt, Host, HostFunction as F, Machine, MachineError, Policy, Refused, Run, Trap,
};
use basalt_pallet_balances::{self as balances, Balances};
use basalt_pallet_system::{self as system, System};
use basalt_primitives::{AccountId32, Digest, Perbill, RuntimeVersion, hashing::blake2_256};
use basalt_state::{Condition, Key, Memory, Overlay, StateWrite, Value};
use basalt_support::{BlockEnv, BlockLimits, CallResult, DispatchInfo, Pallet, module_error};
use parity_scale_codec::{Decode, DecodeAll, Encode};
use scale_info::TypeInfo;

pub(crate) use super::*;
pub(crate) use crate::{
    CODE_INFO_OF, CONTRACT_INFO_OF, Deposits, Event, HoldReason, NONCE, contract_address,
    extension::ChainInfo,
    types::{CodeInfo, ContractInfo, ReturnFlags},
};
pub(crate) use basalt_contracts_vm::Entry;

pub(crate) const ALICE: AccountId = AccountId32([1; 32]);
pub(crate) const BOB: AccountId = AccountId32([2; 32]);
/// Has nothing at first.
pub(crate) const CHARLIE: AccountId = AccountId32([3; 32]);
pub(crate) const ED: Balance = 1_000;
pub(crate) const START: Balance = 1_000_000_000_000;
pub(crate) const PER_ITEM: Balance = 1_000_000;
pub(crate) const PER_BYTE: Balance = 1_000;
pub(crate) const PARENT: H256 = H256([9; 32]);
/// More than any test needs.
pub(crate) const GAS: Weight = Weight::new(1_000_000_000_000, 100_000_000);

const LIMITS: BlockLimits = BlockLimits {
    weight_max: Weight::MAX,
    weight_normal_max: Weight::MAX,
    weight_base: Weight::zero(),
    weight_base_transaction: Weight::zero(),
    bytes_max: u32::MAX,
    bytes_normal_max: u32::MAX,
};

const BALANCES: Balances = Balances {
    index: 2,
    system: System { index: 0, limits: LIMITS, ss58_prefix: 42, version: RuntimeVersion::default },
    existential_deposit: ED,
};

pub(crate) const CONTRACTS: Contracts<TestCall> = Contracts {
    index: 8,
    balances: BALANCES,
    deposits: Deposits {
        per_item: PER_ITEM,
        per_byte: PER_BYTE,
        default_limit: 100_000_000_000,
        code_lockup: Perbill::from_percent(30),
    },
    gas_max: GAS,
    weight_to_fee: |weight| Balance::from(weight.ref_time) / 7,
    callable: |call| !matches!(call, TestCall::Balances(balances::Call::burn { .. })),
    unstable: true,
    extensions: &[&ChainInfo],
};

/// The calls of this chain.
#[derive(Debug, Clone, PartialEq, Encode, Decode, TypeInfo)]
pub(crate) enum TestCall {
    #[codec(index = 2)]
    Balances(balances::Call),
    #[codec(index = 8)]
    Contracts(crate::Call),
}

impl RuntimeCall for TestCall {
    fn info(&self) -> DispatchInfo {
        match self {
            Self::Balances(call) => BALANCES.info(call),
            Self::Contracts(call) => CONTRACTS.info(call),
        }
    }

    fn dispatch(self, origin: basalt_support::Origin, ctx: &mut Context<'_, '_>) -> CallResult {
        ctx.layered(|ctx| match self {
            Self::Balances(call) => BALANCES.dispatch(call, origin, ctx),
            Self::Contracts(call) => CONTRACTS.dispatch(call, origin, ctx),
        })
    }
}

/// What all pallets tell.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Told {
    System(system::Event),
    Balances(balances::Event),
    Contracts(Event),
}

// ---- Contracts that are closures ----------------------------------------------------------------------------------

/// Why a closure ends early.
#[derive(Debug)]
pub(crate) enum Stop {
    Halt,
    Trap(Trap),
}

impl From<Halt> for Stop {
    fn from(Halt: Halt) -> Self {
        Self::Halt
    }
}

type Script = Box<dyn Fn(&mut Puppet<'_>) -> Result<(), Stop> + Send + Sync>;

/// A machine whose modules are names of closures.
#[derive(Default)]
pub(crate) struct Puppets(BTreeMap<H256, Script>);

/// What a closure runs with.
pub(crate) struct Puppet<'h> {
    host: &'h mut dyn Host,
    pub(crate) entry: Entry,
    pub(crate) memory: Vec<u8>,
    pub(crate) fuel: u64,
    /// Where free memory begins.
    free: usize,
}

const PAGE: usize = 64 * 1024;

impl Machine for Puppets {
    fn check(&self, _code: &[u8], policy: &Policy) -> Result<Checked, Refused> {
        Ok(Checked { determinism: policy.determinism })
    }

    fn run(
        &self,
        code: &Code<'_>,
        _policy: &Policy,
        entry: Entry,
        fuel: u64,
        host: &mut dyn Host,
    ) -> Result<Run, MachineError> {
        let source = (code.source)().map_err(|error| MachineError::Load(error.into()))?;
        assert_eq!(H256(blake2_256(&source)), code.hash);
        let Some(script) = self.0.get(&code.hash) else {
            return Err(MachineError::Engine("no such puppet".to_owned()));
        };
        let mut puppet = Puppet { host, entry, memory: vec![0; PAGE], fuel, free: 1 };
        let ended = match script(&mut puppet) {
            Ok(()) => Ended::Returned,
            Err(Stop::Halt) => Ended::Halted,
            Err(Stop::Trap(trap)) => Ended::Trapped(trap),
        };
        Ok(Run { ended, fuel_left: puppet.fuel })
    }
}

impl Puppet<'_> {
    /// Uses fuel, as instructions do.
    pub(crate) fn burn(&mut self, fuel: u64) -> Result<(), Stop> {
        match self.fuel.checked_sub(fuel) {
            Some(left) => self.fuel = left,
            None => {
                self.fuel = 0;
                return Err(Stop::Trap(Trap::OutOfFuel));
            }
        }
        Ok(())
    }

    /// Calls the host, after an instruction.
    pub(crate) fn host(&mut self, function: F, arguments: &[u64]) -> Result<u64, Stop> {
        self.burn(1)?;
        Ok(self.host.call(function, arguments, &mut self.memory, &mut self.fuel)?)
    }

    pub(crate) fn host32(&mut self, function: F, arguments: &[u64]) -> Result<u32, Stop> {
        self.host(function, arguments).map(|word| word as u32)
    }

    /// Puts bytes into free memory.
    pub(crate) fn put(&mut self, bytes: &[u8]) -> u64 {
        let at = self.free;
        self.free += bytes.len().max(1);
        self.memory[at..at + bytes.len()].copy_from_slice(bytes);
        at as u64
    }

    /// Calls a function whose last two arguments are an output buffer, and reads the output.
    pub(crate) fn host_out(&mut self, function: F, arguments: &[u64]) -> Result<(u32, Vec<u8>), Stop> {
        let mark = self.free;
        let capacity = 4096;
        let out = self.put(&[0; 4096]);
        let length = self.put(&u32::to_le_bytes(capacity));
        let code = self.host32(function, &[arguments, &[out, length]].concat())?;
        let written = u32::from_le_bytes(self.memory[length as usize..][..4].try_into().unwrap());
        let output = match written {
            4096 => Vec::new(),
            written => self.memory[out as usize..][..written as usize].to_vec(),
        };
        self.free = mark;
        Ok((code, output))
    }

    pub(crate) fn input(&mut self) -> Result<Vec<u8>, Stop> {
        Ok(self.host_out(F::Input, &[])?.1)
    }

    pub(crate) fn give(&mut self, flags: u32, data: &[u8]) -> Result<(), Stop> {
        let at = self.put(data);
        self.host(F::Return, &[flags.into(), at, data.len() as u64]).map(drop)
    }

    /// Returns a number.
    pub(crate) fn give32(&mut self, number: u32) -> Result<(), Stop> {
        self.give(0, &number.to_le_bytes())
    }

    pub(crate) fn set(&mut self, key: &[u8], value: &[u8]) -> Result<u32, Stop> {
        let (key_at, value_at) = (self.put(key), self.put(value));
        self.host32(F::SetStorageV2, &[key_at, key.len() as u64, value_at, value.len() as u64])
    }

    pub(crate) fn get(&mut self, key: &[u8]) -> Result<Option<Vec<u8>>, Stop> {
        let at = self.put(key);
        let (code, value) = self.host_out(F::GetStorageV1, &[at, key.len() as u64])?;
        Ok((code == 0).then_some(value))
    }

    pub(crate) fn clear(&mut self, key: &[u8]) -> Result<u32, Stop> {
        let at = self.put(key);
        self.host32(F::ClearStorageV1, &[at, key.len() as u64])
    }

    pub(crate) fn event(&mut self, data: &[u8]) -> Result<(), Stop> {
        let at = self.put(data);
        self.host(F::DepositEvent, &[0, 0, at, data.len() as u64]).map(drop)
    }

    /// A call with all that it can say.
    pub(crate) fn call_with(
        &mut self,
        to: AccountId,
        ask: Ask,
        input: &[u8],
    ) -> Result<(u32, Vec<u8>), Stop> {
        let callee = self.put(&to.0);
        let value = self.put(&ask.value.to_le_bytes());
        let limit = ask.deposit_limit.map_or(u64::from(u32::MAX), |limit| self.put(&limit.to_le_bytes()));
        let at = self.put(input);
        let (time, proof) = (ask.gas.ref_time, ask.gas.proof_size);
        let arguments = [ask.flags.into(), callee, time, proof, limit, value, at, input.len() as u64];
        self.host_out(F::CallV2, &arguments)
    }

    pub(crate) fn call(&mut self, to: AccountId, input: &[u8]) -> Result<(u32, Vec<u8>), Stop> {
        self.call_with(to, Ask::default(), input)
    }

    pub(crate) fn delegate(&mut self, flags: u32, code: &str, input: &[u8]) -> Result<(u32, Vec<u8>), Stop> {
        let (hash, at) = (self.put(&hash_of(code).0), self.put(input));
        self.host_out(F::DelegateCall, &[flags.into(), hash, at, input.len() as u64])
    }

    /// Makes a contract of this code; its address if it was made.
    pub(crate) fn make(
        &mut self,
        code: &str,
        ask: Ask,
        salt: &[u8],
    ) -> Result<(u32, AccountId, Vec<u8>), Stop> {
        let hash = self.put(&hash_of(code).0);
        let value = self.put(&ask.value.to_le_bytes());
        let limit = ask.deposit_limit.map_or(u64::from(u32::MAX), |limit| self.put(&limit.to_le_bytes()));
        let salt_at = self.put(salt);
        let (address, address_length) = (self.put(&[0; 32]), self.put(&32u32.to_le_bytes()));
        let (out, length) = (self.put(&[0; 64]), self.put(&64u32.to_le_bytes()));
        let (time, proof) = (ask.gas.ref_time, ask.gas.proof_size);
        let code = self.host32(
            F::InstantiateV2,
            &[
                hash,
                time,
                proof,
                limit,
                value,
                0,
                0,
                address,
                address_length,
                out,
                length,
                salt_at,
                salt.len() as u64,
            ],
        )?;
        let account = AccountId32(self.memory[address as usize..][..32].try_into().unwrap());
        let written = u32::from_le_bytes(self.memory[length as usize..][..4].try_into().unwrap()) as usize;
        Ok((code, account, self.memory[out as usize..][..written].to_vec()))
    }

    pub(crate) fn account_output(&mut self, function: F) -> Result<AccountId, Stop> {
        Ok(AccountId32(self.host_out(function, &[])?.1.try_into().unwrap()))
    }

    /// A function that takes a pointer to 32 bytes.
    pub(crate) fn with_hash(&mut self, function: F, hash: [u8; 32]) -> Result<u32, Stop> {
        let at = self.put(&hash);
        self.host32(function, &[at])
    }
}

/// How a puppet calls.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Ask {
    pub(crate) flags: u32,
    pub(crate) value: Balance,
    pub(crate) gas: Weight,
    pub(crate) deposit_limit: Option<Balance>,
}

pub(crate) const FORWARD_INPUT: u32 = 1;
pub(crate) const CLONE_INPUT: u32 = 2;
pub(crate) const TAIL_CALL: u32 = 4;
pub(crate) const ALLOW_REENTRY: u32 = 8;
pub(crate) const READ_ONLY: u32 = 16;

pub(crate) fn hash_of(code: &str) -> H256 {
    H256(blake2_256(code.as_bytes()))
}

// ---- The chain ----------------------------------------------------------------------------------------------------

/// State and contracts, between transactions.
pub(crate) struct World {
    pub(crate) state: Memory,
    pub(crate) machine: Puppets,
    pub(crate) env: BlockEnv,
}

/// A transaction that ran.
pub(crate) struct Done<T> {
    pub(crate) outcome: Outcome<T>,
    pub(crate) told: Vec<Told>,
    pub(crate) topics: Vec<Vec<H256>>,
    /// What it wrote.
    pub(crate) written: Vec<Key>,
}

impl<T> Done<T> {
    pub(crate) fn ok(self) -> T {
        self.outcome.result.unwrap()
    }

    /// This pallet's error.
    #[track_caller]
    pub(crate) fn error(self) -> Failure {
        self.outcome.result.err().expect("it must not succeed")
    }
}

impl Done<ExecReturnValue> {
    /// The number that it returned.
    #[track_caller]
    pub(crate) fn number(self) -> u32 {
        u32::from_le_bytes(self.ok().data.try_into().unwrap())
    }
}

pub(crate) fn failure(error: Error) -> Failure {
    module_error(8, &error)
}

pub(crate) const fn terms() -> Terms {
    Terms { gas_limit: GAS, storage_deposit_limit: None, debug: false, determinism: Determinism::Enforced }
}

impl World {
    /// Alice and Bob are rich.
    pub(crate) fn new() -> Self {
        let base = Memory::default();
        let mut state = Overlay::new(&base);
        BALANCES.genesis(&mut state, &[(ALICE, START), (BOB, START)]).unwrap();
        basalt_pallet_timestamp::NOW.put(&mut state, &1_700_000_000_123);
        let mut memory = Memory::default();
        memory.apply(&state.into_change_set().unwrap());
        let env = BlockEnv { number: 77, parent_hash: PARENT, digest: Digest::default(), author: None };
        Self { state: memory, machine: Puppets::default(), env }
    }

    /// Uploads a contract whose messages and constructor are this closure.
    pub(crate) fn upload(
        &mut self,
        name: &str,
        script: impl Fn(&mut Puppet<'_>) -> Result<(), Stop> + Send + Sync + 'static,
    ) -> H256 {
        self.machine.0.insert(hash_of(name), Box::new(script));
        self.change(|ctx| {
            CONTRACTS.upload(ctx, &BOB, name.as_bytes().to_vec(), None, Determinism::Enforced).unwrap()
        });
        hash_of(name)
    }

    /// Uploads a contract whose messages are this closure, and makes one of it.
    pub(crate) fn contract(
        &mut self,
        name: &str,
        script: impl Fn(&mut Puppet<'_>) -> Result<(), Stop> + Send + Sync + 'static,
    ) -> AccountId {
        self.upload(name, move |puppet| match puppet.entry {
            Entry::Deploy => Ok(()),
            Entry::Call => script(puppet),
        });
        self.make(name).ok().0
    }

    /// Runs `body` and keeps what it wrote.
    pub(crate) fn change<R>(&mut self, body: impl FnOnce(&mut Context<'_, '_>) -> R) -> R {
        let mut overlay = Overlay::new(&self.state);
        let mut ctx = Context::new(&mut overlay, &self.env, Some(0)).with_machine(&self.machine);
        let result = body(&mut ctx);
        let changes = overlay.into_change_set().unwrap();
        self.state.apply(&changes);
        result
    }

    pub(crate) fn look_at<R>(
        &self,
        state: &dyn StateRead,
        body: impl FnOnce(&mut Context<'_, '_>) -> R,
    ) -> R {
        let mut overlay = Overlay::new(state);
        body(&mut Context::new(&mut overlay, &self.env, Some(0)).with_machine(&self.machine))
    }

    /// A transaction: it leaves nothing if it fails or reverts. All invariants hold after it.
    pub(crate) fn transact<T>(
        &mut self,
        reverted: impl FnOnce(&T) -> bool,
        body: impl FnOnce(&mut Context<'_, '_>) -> Outcome<T>,
    ) -> Done<T> {
        let mut overlay = Overlay::new(&self.state);
        let mut ctx = Context::new(&mut overlay, &self.env, Some(0)).with_machine(&self.machine);
        let mut outcome = None;
        let _ = ctx.layered(|ctx| {
            let ran = body(ctx);
            let keep = ran.result.as_ref().is_ok_and(|value| !reverted(value));
            outcome = Some(ran);
            if keep { Ok(()) } else { Err(failure(Error::ContractReverted)) }
        });
        let events = ctx.into_events();
        let changes = overlay.into_change_set().unwrap();
        let written = changes.iter().map(|(key, _)| key.to_vec()).collect();
        self.state.apply(&changes);
        self.check();
        let told = events.iter().map(|event| decode_event(event.bytes)).collect();
        let topics = events.iter().map(|event| event.topics.to_vec()).collect();
        Done { outcome: outcome.unwrap(), told, topics, written }
    }

    pub(crate) fn call_as(
        &mut self,
        caller: Caller,
        to: AccountId,
        value: Balance,
        terms: Terms,
        data: &[u8],
    ) -> Done<ExecReturnValue> {
        self.transact(ExecReturnValue::did_revert, |ctx| {
            CONTRACTS.bare_call(ctx, caller, to, value, terms, data.to_vec())
        })
    }

    /// Alice calls.
    pub(crate) fn call(&mut self, to: AccountId, data: &[u8]) -> Done<ExecReturnValue> {
        self.call_as(Origin::Signed(ALICE), to, 0, terms(), data)
    }

    /// Alice makes a contract.
    pub(crate) fn make_with(
        &mut self,
        code: &str,
        value: Balance,
        terms: Terms,
        salt: &[u8],
    ) -> Done<(AccountId, ExecReturnValue)> {
        self.transact(
            |(_, output): &(AccountId, ExecReturnValue)| output.did_revert(),
            |ctx| {
                CONTRACTS.bare_instantiate(ctx, ALICE, hash_of(code), value, terms, Vec::new(), salt.to_vec())
            },
        )
    }

    pub(crate) fn make(&mut self, code: &str) -> Done<(AccountId, ExecReturnValue)> {
        self.make_with(code, 0, terms(), b"")
    }

    /// What must hold between transactions.
    #[track_caller]
    pub(crate) fn check(&self) {
        assert_eq!(CONTRACTS.try_state(&self.state), Ok(()));
        assert_eq!(BALANCES.try_state_with(&self.state, 0), Ok(()));
        let reason = CONTRACTS.reason(HoldReason::StorageDepositReserve);
        for entry in CONTRACT_INFO_OF.iter(&self.state) {
            let (account, info) = entry.unwrap();
            let held = BALANCES.balance_on_hold(&self.state, reason, &account).unwrap();
            assert_eq!(held, deposit_of(&info), "held of a contract is what its record says");
        }
    }

    pub(crate) fn info(&self, contract: AccountId) -> Option<ContractInfo> {
        CONTRACT_INFO_OF.get(&self.state, &contract).unwrap()
    }

    pub(crate) fn code_info(&self, code: &str) -> CodeInfo {
        CODE_INFO_OF.get(&self.state, &hash_of(code)).unwrap().unwrap()
    }

    pub(crate) fn free(&self, who: AccountId) -> Balance {
        BALANCES.free_balance(&self.state, &who).unwrap()
    }

    /// What a contract stores under a key of any length.
    pub(crate) fn stored(&self, contract: AccountId, key: &[u8]) -> Option<Vec<u8>> {
        CONTRACTS.stored_value(&self.state, &contract, key).unwrap().unwrap()
    }
}

pub(crate) fn deposit_of(info: &ContractInfo) -> Balance {
    info.storage_base_deposit
        + info.storage_byte_deposit
        + info.storage_item_deposit
        + info.delegate_dependencies.0.values().sum::<Balance>()
}

fn decode_event(bytes: &[u8]) -> Told {
    let (pallet, mut rest) = bytes.split_first().unwrap();
    match pallet {
        0 => Told::System(DecodeAll::decode_all(&mut rest).unwrap()),
        2 => Told::Balances(DecodeAll::decode_all(&mut rest).unwrap()),
        8 => Told::Contracts(DecodeAll::decode_all(&mut rest).unwrap()),
        other => panic!("{}", format!("nobody has index {other}")),
    }
}

/// The events of contracts themselves.
pub(crate) fn of_contracts(told: &[Told]) -> Vec<Event> {
    told.iter()
        .filter_map(|told| match told {
            Told::Contracts(event) => Some(event.clone()),
            _ => None,
        })
        .collect()
}

/// A state of which one read fails, sooner or later.
pub(crate) struct Brittle<'s> {
    pub(crate) state: &'s Memory,
    /// How many reads still work.
    pub(crate) left: Cell<u32>,
}

impl Brittle<'_> {
    fn tick(&self) -> Result<(), StateError> {
        match self.left.get().checked_sub(1) {
            Some(left) => {
                self.left.set(left);
                Ok(())
            }
            None => Err(StateError::Interrupted),
        }
    }
}

impl StateRead for Brittle<'_> {
    fn get(&self, key: &[u8]) -> Result<Option<Value>, StateError> {
        self.tick()?;
        self.state.get(key)
    }

    fn next_key(&self, key: &[u8]) -> Result<Option<Key>, StateError> {
        self.tick()?;
        self.state.next_key(key)
    }

    fn holds(&self, key: &[u8], condition: &Condition) -> Result<bool, StateError> {
        self.tick()?;
        self.state.holds(key, condition)
    }
}

#[test]
fn the_node_s_own_failure_reaches_the_top_from_any_depth() {
    let mut world = World::new();
    let inner = world.contract("inner", |puppet| {
        puppet.set(b"key", b"value")?;
        puppet.event(b"event")
    });
    let outer = world.contract("outer", move |puppet| {
        puppet.set(b"other", b"value")?;
        // Whatever happens inside, it goes on: but the node's failure is nothing that it could see.
        let _ = puppet.call(inner, b"")?;
        let ask = Ask { value: 10_000, ..Ask::default() };
        let _ = puppet.call_with(inner, ask, b"")?;
        puppet.make("inner", Ask::default(), b"salt").map(drop)
    });
    world.change(|ctx| BALANCES.transfer(ctx, &ALICE, &outer, 1_000_000, true)).unwrap();
    let mut succeeded_after = None;
    for reads in 0..200 {
        let brittle = Brittle { state: &world.state, left: Cell::new(reads) };
        let outcome = world.look_at(&brittle, |ctx| {
            CONTRACTS.bare_call(ctx, Origin::Signed(ALICE), outer, 0, terms(), Vec::new())
        });
        match outcome.result {
            Ok(_) => {
                succeeded_after = Some(reads);
                break;
            }
            Err(error) => assert_eq!(error, Failure::State(StateError::Interrupted), "after {reads} reads"),
        }
    }
    assert!(succeeded_after.is_some_and(|reads| reads > 20), "{succeeded_after:?}");
}

#[test]
fn without_a_machine_nothing_runs_and_nothing_is_concluded() {
    let mut world = World::new();
    let contract = world.contract("code", |_| Ok(()));
    let mut overlay = Overlay::new(&world.state);
    let mut ctx = Context::new(&mut overlay, &world.env, Some(0));
    let outcome = CONTRACTS.bare_call(&mut ctx, Origin::Signed(ALICE), contract, 0, terms(), Vec::new());
    assert!(matches!(outcome.result, Err(Failure::State(StateError::Machine(_)))));
}

#[test]
fn a_machine_that_fails_is_the_node_s_failure() {
    let mut world = World::new();
    let contract = world.contract("code", |_| Ok(()));
    let proxy = world.contract("proxy", move |puppet| puppet.call(contract, b"").map(drop));
    world.machine.0.remove(&hash_of("code"));
    for to in [contract, proxy] {
        assert!(matches!(world.call(to, b"").error(), Failure::State(StateError::Machine(_))));
    }
    // Code that is not where its record says.
    let key = crate::PRISTINE_CODE.key(&hash_of("proxy"));
    let mut broken = Overlay::new(&world.state);
    broken.remove(&key);
    let outcome = world.look_at(&broken, |ctx| {
        CONTRACTS.bare_call(ctx, Origin::Signed(ALICE), proxy, 0, terms(), Vec::new())
    });
    assert!(matches!(outcome.result, Err(Failure::State(StateError::Machine(_)))));
}
