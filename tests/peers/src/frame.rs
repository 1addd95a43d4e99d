//! FRAME: `frame-executive` with the pallets that a transfer meets, native, on one thread.

use std::time::{Duration, Instant};

use anyhow::{anyhow, ensure};
use frame_support::{
    construct_runtime, derive_impl, parameter_types,
    traits::{ConstU8, ConstU64, ConstU128},
    weights::{IdentityFee, Weight, constants::RocksDbWeight},
};
use pallet_transaction_payment::FungibleAdapter;
use parity_scale_codec::{Decode, Encode};
use sp_core::{Pair, sr25519};
use sp_runtime::{
    AccountId32, BuildStorage, MultiAddress, MultiSignature, Storage,
    generic::{self, Era, SignedPayload},
    traits::{AccountIdLookup, BlakeTwo256, Header as _, IdentifyAccount, Verify},
};
use sp_state_machine::{BasicExternalities, TestExternalities};

use crate::{Backend, Transfers};

type Balance = u128;
type AccountId = AccountId32;
type Signature = MultiSignature;
type Extension = (
    frame_system::CheckNonZeroSender<Runtime>,
    frame_system::CheckSpecVersion<Runtime>,
    frame_system::CheckTxVersion<Runtime>,
    frame_system::CheckGenesis<Runtime>,
    frame_system::CheckEra<Runtime>,
    frame_system::CheckNonce<Runtime>,
    frame_system::CheckWeight<Runtime>,
    pallet_transaction_payment::ChargeTransactionPayment<Runtime>,
);
type UncheckedExtrinsic =
    generic::UncheckedExtrinsic<MultiAddress<AccountId, ()>, RuntimeCall, Signature, Extension>;
type Header = generic::Header<u32, BlakeTwo256>;
type Block = generic::Block<Header, UncheckedExtrinsic>;
type Executive = frame_executive::Executive<
    Runtime,
    Block,
    frame_system::ChainContext<Runtime>,
    Runtime,
    AllPalletsWithSystem,
>;

construct_runtime!(
    pub enum Runtime {
        System: frame_system,
        Timestamp: pallet_timestamp,
        Balances: pallet_balances,
        TransactionPayment: pallet_transaction_payment,
        Utility: pallet_utility,
    }
);

const UNIT: Balance = 1_000_000_000_000;
const MILLIUNIT: Balance = UNIT / 1_000;

parameter_types! {
    /// A block in which everything fits, so that the size of a block is the benchmark's choice.
    pub BlockWeights: frame_system::limits::BlockWeights =
        frame_system::limits::BlockWeights::simple_max(Weight::MAX);
    pub BlockLength: frame_system::limits::BlockLength =
        frame_system::limits::BlockLength::builder().max_length(u32::MAX).build();
    pub Version: sp_version::RuntimeVersion = sp_version::RuntimeVersion {
        spec_name: "peer".into(),
        impl_name: "peer".into(),
        authoring_version: 1,
        spec_version: 1,
        impl_version: 1,
        apis: Default::default(),
        transaction_version: 1,
        system_version: 1,
    };
}

#[derive_impl(frame_system::config_preludes::SolochainDefaultConfig)]
impl frame_system::Config for Runtime {
    type Block = Block;
    type BlockWeights = BlockWeights;
    type BlockLength = BlockLength;
    type AccountId = AccountId;
    type Lookup = AccountIdLookup<AccountId, ()>;
    type Nonce = u32;
    type DbWeight = RocksDbWeight;
    type Version = Version;
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
    type WeightInfo = pallet_balances::weights::SubstrateWeight<Runtime>;
}

impl pallet_transaction_payment::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type OnChargeTransaction = FungibleAdapter<Balances, ()>;
    type OperationalFeeMultiplier = ConstU8<5>;
    type WeightToFee = IdentityFee<Balance>;
    type LengthToFee = IdentityFee<Balance>;
    type FeeMultiplierUpdate = ();
    type WeightInfo = pallet_transaction_payment::weights::SubstrateWeight<Runtime>;
}

impl pallet_utility::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type RuntimeCall = RuntimeCall;
    type PalletsOrigin = OriginCaller;
    type WeightInfo = pallet_utility::weights::SubstrateWeight<Runtime>;
}

fn sender(number: u32) -> sr25519::Pair {
    sr25519::Pair::from_seed(&(b"sender", number).using_encoded(sp_io::hashing::blake2_256))
}

fn account(pair: &sr25519::Pair) -> AccountId {
    <Signature as Verify>::Signer::from(pair.public()).into_account()
}

fn receiver(number: u32) -> AccountId {
    (b"receiver", number).using_encoded(sp_io::hashing::blake2_256).into()
}

/// Signed transfers as bytes, and the state that they begin with.
pub(crate) struct Corpus {
    storage: Storage,
    extrinsics: Vec<Vec<u8>>,
    timestamp: Vec<u8>,
}

impl Corpus {
    /// The same transfers that `basalt-bench block` makes.
    pub(crate) fn new(transfers: &Transfers) -> anyhow::Result<Self> {
        let pairs: Vec<_> = (0..transfers.senders()).map(sender).collect();
        let others = transfers.accounts().saturating_sub(transfers.senders());
        let balances = pairs
            .iter()
            .map(account)
            .chain((0..others).map(receiver))
            .map(|account| (account, 1_000 * UNIT))
            .collect();
        let storage = RuntimeGenesisConfig {
            balances: pallet_balances::GenesisConfig { balances, ..Default::default() },
            ..Default::default()
        }
        .build_storage()
        .map_err(|error| anyhow!(error))?;

        let mut corpus = Self { storage, extrinsics: Vec::new(), timestamp: Vec::new() };
        let mut externalities = BasicExternalities::new(corpus.storage.clone());
        let extrinsics = externalities.execute_with(|| {
            let mut all = Vec::new();
            for nonce in 0..transfers.rounds() {
                for (from, pair) in (0..).zip(&pairs) {
                    let to = transfers.to(from, nonce, others);
                    all.push(signed(pair, nonce, receiver(to))?);
                }
            }
            anyhow::Ok(all)
        })?;
        corpus.extrinsics = extrinsics;
        let set = RuntimeCall::Timestamp(pallet_timestamp::Call::set { now: 1_000 });
        corpus.timestamp = UncheckedExtrinsic::new_bare(set).encode();
        Ok(corpus)
    }

    /// One block of all transfers, from bytes to the header with its state root.
    pub(crate) fn run(&self, backend: Backend) -> anyhow::Result<Duration> {
        match backend {
            Backend::Basic => {
                let mut externalities = BasicExternalities::new(self.storage.clone());
                externalities.execute_with(|| self.block())
            }
            Backend::Trie => {
                let mut externalities = TestExternalities::<BlakeTwo256>::new(self.storage.clone());
                externalities.execute_with(|| self.block())
            }
        }
    }

    fn block(&self) -> anyhow::Result<Duration> {
        let started = Instant::now();
        let parent = frame_system::Pallet::<Runtime>::block_hash(0);
        let header = Header::new(1, Default::default(), Default::default(), parent, Default::default());
        Executive::initialize_block(&header);
        apply(&self.timestamp)?;
        for bytes in &self.extrinsics {
            apply(bytes)?;
        }
        let header = Executive::finalize_block();
        let elapsed = started.elapsed();
        ensure!(header.number == 1, "it is another block");
        ensure!(
            frame_system::Pallet::<Runtime>::extrinsic_count() == 0,
            "the block was finalised"
        );
        Ok(elapsed)
    }
}

fn apply(mut bytes: &[u8]) -> anyhow::Result<()> {
    let extrinsic = UncheckedExtrinsic::decode(&mut bytes)?;
    Executive::apply_extrinsic(extrinsic)
        .map_err(|error| anyhow!("FRAME refuses a transfer: {error:?}"))?
        .map_err(|error| anyhow!("a transfer fails in FRAME: {error:?}"))
}

fn signed(pair: &sr25519::Pair, nonce: u32, to: AccountId) -> anyhow::Result<Vec<u8>> {
    let call = RuntimeCall::Balances(pallet_balances::Call::transfer_keep_alive {
        dest: MultiAddress::Id(to),
        value: MILLIUNIT,
    });
    let extension: Extension = (
        frame_system::CheckNonZeroSender::new(),
        frame_system::CheckSpecVersion::new(),
        frame_system::CheckTxVersion::new(),
        frame_system::CheckGenesis::new(),
        frame_system::CheckEra::from(Era::Immortal),
        frame_system::CheckNonce::from(nonce),
        frame_system::CheckWeight::new(),
        pallet_transaction_payment::ChargeTransactionPayment::from(0),
    );
    let payload = SignedPayload::new(call.clone(), extension.clone())
        .map_err(|error| anyhow!("the payload cannot be made: {error:?}"))?;
    let signature = payload.using_encoded(|bytes| pair.sign(bytes));
    let address = MultiAddress::Id(account(pair));
    Ok(UncheckedExtrinsic::new_signed(call, address, signature.into(), extension).encode())
}
