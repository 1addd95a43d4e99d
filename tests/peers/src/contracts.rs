//! `pallet-contracts`: calls of a token's `transfer`, native, on one thread, without signatures.

use std::path::Path;

use anyhow::{Context, anyhow, ensure};
use frame_support::{
    construct_runtime, derive_impl, parameter_types,
    traits::{ConstU32, ConstU64, ConstU128, Randomness},
    weights::Weight,
};
use pallet_contracts::{Code, CollectEvents, DebugInfo, Frame, Schedule};
use parity_scale_codec::Encode;
use sp_core::H256;
use sp_runtime::{
    AccountId32, BuildStorage, Storage,
    traits::{BlakeTwo256, Convert, Dispatchable, IdentityLookup},
};
use sp_state_machine::{BasicExternalities, TestExternalities};

use crate::{Backend, Measured};

type Balance = u128;
type AccountId = AccountId32;
type Block = frame_system::mocking::MockBlockU32<Runtime>;

construct_runtime!(
    pub enum Runtime {
        System: frame_system,
        Timestamp: pallet_timestamp,
        Balances: pallet_balances,
        Contracts: pallet_contracts,
    }
);

const UNIT: Balance = 1_000_000_000_000;
const MILLIUNIT: Balance = UNIT / 1_000;
/// Enough for any of these calls, as a client that found it by a dry run with a margin would send.
const GAS: Weight = Weight::from_parts(1_000_000_000_000, u64::MAX);
/// What a sender of tokens begins with.
const TOKENS: Balance = 1_000_000;

parameter_types! {
    pub ContractsSchedule: Schedule<Runtime> = Schedule::default();
    pub const DepositPerItem: Balance = MILLIUNIT;
    pub const DepositPerByte: Balance = MILLIUNIT / 1_000;
    pub const DefaultDepositLimit: Balance = 1_000 * UNIT;
}

/// No call of this benchmark asks for it.
pub struct NoRandomness;

impl Randomness<H256, u32> for NoRandomness {
    fn random(_subject: &[u8]) -> (H256, u32) {
        (H256::zero(), 0)
    }
}

/// A fee for a weight, which no call of this benchmark asks for either.
pub struct Price;

impl Convert<Weight, Balance> for Price {
    fn convert(weight: Weight) -> Balance {
        weight.ref_time().into()
    }
}

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Runtime {
    type Block = Block;
    type AccountId = AccountId;
    type Lookup = IdentityLookup<AccountId>;
    type AccountData = pallet_balances::AccountData<Balance>;
}

#[derive_impl(pallet_timestamp::config_preludes::TestDefaultConfig)]
impl pallet_timestamp::Config for Runtime {
    type MinimumPeriod = ConstU64<1>;
}

#[derive_impl(pallet_balances::config_preludes::TestDefaultConfig)]
impl pallet_balances::Config for Runtime {
    type AccountStore = System;
    type Balance = Balance;
    type ExistentialDeposit = ConstU128<MILLIUNIT>;
}

#[derive_impl(pallet_contracts::config_preludes::TestDefaultConfig)]
impl pallet_contracts::Config for Runtime {
    type Currency = Balances;
    type Schedule = ContractsSchedule;
    type CallStack = [Frame<Self>; 23];
    type MaxCodeLen = ConstU32<{ 256 * 1024 }>;
    type DepositPerItem = DepositPerItem;
    type DepositPerByte = DepositPerByte;
    type DefaultDepositLimit = DefaultDepositLimit;
    type Time = Timestamp;
    type Randomness = NoRandomness;
    type WeightPrice = Price;
}

/// A token with its senders, and the calls they make.
pub(crate) struct Corpus {
    storage: Storage,
    code: Vec<u8>,
    senders: u32,
    calls: u32,
}

fn account(number: u32) -> AccountId {
    (b"holder", number).using_encoded(sp_io::hashing::blake2_256).into()
}

fn owner() -> AccountId {
    AccountId::new([1; 32])
}

/// A message's selector with its arguments.
fn message(selector: [u8; 4], arguments: impl Encode) -> Vec<u8> {
    let mut data = selector.to_vec();
    arguments.encode_to(&mut data);
    data
}

fn transfer(to: &AccountId, value: Balance) -> Vec<u8> {
    message([0x84, 0xa1, 0x5d, 0xa1], (to, value))
}

impl Corpus {
    /// `calls` transfers among `senders` holders of the token in `wasm`.
    pub(crate) fn new(wasm: &Path, senders: u32, calls: u32) -> anyhow::Result<Self> {
        let code = std::fs::read(wasm)
            .with_context(|| format!("{} cannot be read; build it with `make contracts`", wasm.display()))?;
        let balances = std::iter::once(owner())
            .chain((0..senders).map(account))
            .map(|account| (account, 10_000 * UNIT))
            .collect();
        let storage = RuntimeGenesisConfig {
            balances: pallet_balances::GenesisConfig { balances, ..Default::default() },
            ..Default::default()
        }
        .build_storage()
        .map_err(|error| anyhow!(error))?;
        Ok(Self { storage, code, senders, calls })
    }

    /// All calls as one block.
    pub(crate) fn run(&self, backend: Backend) -> anyhow::Result<Measured> {
        match backend {
            Backend::Basic => BasicExternalities::new(self.storage.clone()).execute_with(|| self.block()),
            Backend::Trie => {
                let mut externalities = TestExternalities::<BlakeTwo256>::new(self.storage.clone());
                let token = externalities.execute_with(|| self.prepare())?;
                // So that reads go to the trie, as in a block after the one that gave out the tokens.
                externalities.commit_all().map_err(|error| anyhow!("the state is not kept: {error}"))?;
                externalities.execute_with(|| self.calls(&token))
            }
        }
    }

    fn block(&self) -> anyhow::Result<Measured> {
        let token = self.prepare()?;
        self.calls(&token)
    }

    /// Uploads the token, makes one, and gives each sender some.
    fn prepare(&self) -> anyhow::Result<AccountId> {
        System::set_block_number(1);
        pallet_timestamp::Now::<Runtime>::put(1_000);
        let supply = TOKENS * Balance::from(self.senders) * 2;
        let made = Contracts::bare_instantiate(
            owner(),
            0,
            GAS,
            None,
            Code::Upload(self.code.clone()),
            message([0x9b, 0xae, 0x9d, 0x5e], supply),
            Vec::new(),
            DebugInfo::Skip,
            CollectEvents::Skip,
        );
        let made = made.result.map_err(|error| anyhow!("the token cannot be instantiated: {error:?}"))?;
        ensure!(!made.result.did_revert(), "the token's constructor reverts: {:?}", made.result.data);
        for number in 0..self.senders {
            call(owner(), &made.account_id, transfer(&account(number), TOKENS))?;
        }
        Ok(made.account_id)
    }

    fn calls(&self, token: &AccountId) -> anyhow::Result<Measured> {
        System::reset_events();
        let ((), measured) = Measured::of(|| {
            for number in 0..self.calls {
                let to = account((crate::draw(number, 0) % u64::from(self.senders)) as u32);
                call(account(number % self.senders), token, transfer(&to, 1))?;
            }
            Ok(())
        })?;
        // Its own `Called`, and the contract's `Transfer`.
        let events = System::event_count();
        ensure!(events >= 2 * self.calls, "{} calls left {events} events", self.calls);
        Ok(measured)
    }
}

/// One call as its extrinsic dispatches it.
fn call(from: AccountId, dest: &AccountId, data: Vec<u8>) -> anyhow::Result<()> {
    let call = RuntimeCall::Contracts(pallet_contracts::Call::call {
        dest: dest.clone(),
        value: 0,
        gas_limit: GAS,
        storage_deposit_limit: None,
        data,
    });
    call.dispatch(RuntimeOrigin::signed(from))
        .map(drop)
        .map_err(|error| anyhow!("a call fails: {:?}", error.error))
}
