//! A chain of accounts and contracts, whose contracts are puppets.

use basalt_contracts_vm::Machine;
use basalt_pallet_balances::{self as balances, Balances};
use basalt_pallet_contracts::{
    self as contracts, CODE_INFO_OF, CONTRACT_INFO_OF, Contracts, Deposits, Determinism, HoldReason,
    PRISTINE_CODE, contract_address,
    extension::ChainInfo,
    types::{BoundedBytes, CodeInfo},
};
use basalt_pallet_system::System;
use basalt_primitives::{
    AccountId, AccountId32, Balance, Digest, H256, MultiAddress, Perbill, RuntimeVersion, Weight,
    hashing::blake2_256,
};
use basalt_state::{Memory, Overlay};
use basalt_support::{BlockEnv, BlockLimits, CallResult, Context, DispatchInfo, Origin, Pallet, RuntimeCall};
use parity_scale_codec::{Compact, Decode, Encode};
use scale_info::TypeInfo;

use super::{
    puppet::{self, Allowed},
    script::{Kind, Table},
};

const ED: Balance = 1_000;
const START: Balance = 1_000_000_000_000_000;
/// More than any transaction gets.
const GAS: Weight = Weight::new(1_000_000_000_000, 100_000_000);

pub(super) const ALICE: AccountId = AccountId32([1; 32]);
pub(super) const BOB: AccountId = AccountId32([2; 32]);
/// Has nothing.
const CHARLIE: AccountId = AccountId32([3; 32]);

const LIMITS: BlockLimits = BlockLimits {
    weight_max: Weight::MAX,
    weight_normal_max: Weight::MAX,
    weight_base: Weight::zero(),
    weight_base_transaction: Weight::zero(),
    bytes_max: u32::MAX,
    bytes_normal_max: u32::MAX,
};

pub(super) const BALANCES: Balances = Balances {
    index: 2,
    system: System { index: 0, limits: LIMITS, ss58_prefix: 42, version: RuntimeVersion::default },
    existential_deposit: ED,
};

pub(super) fn pallet(unstable: bool, extension: bool) -> Contracts<Call> {
    Contracts {
        index: 8,
        balances: BALANCES,
        deposits: Deposits {
            per_item: 1_000_000,
            per_byte: 1_000,
            default_limit: 100_000_000_000,
            code_lockup: Perbill::from_percent(30),
        },
        gas_max: GAS,
        weight_to_fee: |weight| Balance::from(weight.ref_time) / 7,
        callable: |call| !matches!(call, Call::Balances(balances::Call::burn { .. })),
        unstable,
        extensions: if extension { &[&ChainInfo] } else { &[] },
    }
}

/// The calls of this chain.
#[derive(Debug, Clone, PartialEq, Encode, Decode, TypeInfo)]
pub(super) enum Call {
    #[codec(index = 2)]
    Balances(balances::Call),
    #[codec(index = 8)]
    Contracts(contracts::Call),
}

impl RuntimeCall for Call {
    fn info(&self) -> DispatchInfo {
        match self {
            Self::Balances(call) => BALANCES.info(call),
            Self::Contracts(call) => pallet(true, true).info(call),
        }
    }

    fn dispatch(self, origin: Origin, ctx: &mut Context<'_, '_>) -> CallResult {
        ctx.layered(|ctx| match self {
            Self::Balances(call) => BALANCES.dispatch(call, origin, ctx),
            // What a contract calls so is refused before: contracts may not be re-entered.
            Self::Contracts(call) => pallet(true, true).dispatch(call, origin, ctx),
        })
    }
}

pub(super) fn env() -> BlockEnv {
    BlockEnv { number: 77, parent_hash: H256([9; 32]), digest: Digest::default(), author: None }
}

/// A world at its beginning.
pub(super) struct World {
    pub(super) pallet: Contracts<Call>,
    pub(super) state: Memory,
    /// Whom transactions call: three puppets, one of them with deprecated functions; an account; nobody.
    pub(super) callees: [AccountId; 5],
    /// Code that transactions name: the puppet, the deprecated one, one that does nothing, none.
    pub(super) codes: [H256; 4],
    pub(super) table: Table,
}

impl World {
    pub(super) fn new(unstable: bool, extension: bool, machine: &dyn Machine) -> Self {
        let pallet = pallet(unstable, extension);
        let allowed = Allowed { unstable, extension, deprecated: false };
        let main = puppet::module(allowed);
        let deprecated = puppet::module(Allowed { deprecated: true, ..allowed });
        let silent = wat::parse_str(
            r#"(module (import "env" "memory" (memory 1 1)) (func (export "call")) (func (export "deploy")))"#,
        )
        .expect("it is a module");
        let hash = |code: &[u8]| H256(blake2_256(code));
        let codes = [hash(&main), hash(&deprecated), hash(&silent), H256([5; 32])];

        let base = Memory::default();
        let mut overlay = Overlay::new(&base);
        BALANCES.genesis(&mut overlay, &[(ALICE, START), (BOB, START)]).expect("balances are right");
        basalt_pallet_timestamp::NOW.put(&mut overlay, &1_700_000_000_123);
        // Nobody can upload it any more.
        let info = CodeInfo {
            owner: BOB,
            deposit: 0,
            refcount: 0,
            determinism: Determinism::Enforced,
            code_len: u32::try_from(deprecated.len()).expect("it is small"),
        };
        CODE_INFO_OF.put(&mut overlay, &codes[1], &info);
        PRISTINE_CODE.put(&mut overlay, &codes[1], &BoundedBytes(deprecated));
        let env = env();
        let mut ctx = Context::new(&mut overlay, &env, Some(0)).with_machine(machine);
        let mut dispatch = |call: contracts::Call, origin: Origin| {
            pallet.dispatch(call, origin, &mut ctx).expect("the world can be made");
        };
        for code in [main, silent] {
            let determinism = Determinism::Enforced;
            dispatch(
                contracts::Call::upload_code { code, storage_deposit_limit: None, determinism },
                Origin::Signed(BOB),
            );
        }
        let mut callees = [BOB; 5];
        for (salt, callee) in (0..3_u8).zip(&mut callees) {
            *callee = contract_address(&ALICE, &codes[0], &[], &[salt]);
            let instantiate = contracts::Call::instantiate {
                value: 10_000_000_000,
                gas_limit: GAS,
                storage_deposit_limit: None,
                code_hash: codes[0],
                data: Vec::new(),
                salt: vec![salt],
            };
            dispatch(instantiate, Origin::Signed(ALICE));
        }
        callees[4] = CHARLIE;
        let set_code = contracts::Call::set_code { dest: callees[2].into(), code_hash: codes[1] };
        dispatch(set_code, Origin::Root);
        let mut state = Memory::default();
        state.apply(&overlay.into_change_set().expect("it can be written"));
        let table = table(&callees, &codes);
        Self { pallet, state, callees, codes, table }
    }

    /// What must hold between transactions.
    ///
    /// With root nothing is settled, here as in Substrate: what a contract stores or removes in a call by root, its record
    /// counts, and what is held stays. So after such a call (`unsettled`) the two may differ.
    pub(super) fn check(&self, state: &Memory, unsettled: bool) {
        assert_eq!(self.pallet.try_state(state), Ok(()), "an invariant of contracts is broken");
        assert_eq!(BALANCES.try_state_with(state, 0), Ok(()), "an invariant of balances is broken");
        let reason = self.pallet.reason(HoldReason::StorageDepositReserve);
        for entry in CONTRACT_INFO_OF.iter(state) {
            let (account, info) = entry.expect("it can be read");
            let held = BALANCES.balance_on_hold(state, reason, &account).expect("it can be read");
            let deposits = info.storage_base_deposit
                + info.storage_byte_deposit
                + info.storage_item_deposit
                + info.delegate_dependencies.0.values().sum::<Balance>();
            assert!(
                unsettled || held == deposits,
                "held of a contract is not what its record says\n{held} {deposits}"
            );
        }
    }
}

/// What scripts find in their memory.
fn table(callees: &[AccountId], codes: &[H256]) -> Table {
    let mut table = Table::default();
    for account in callees.iter().chain(&[ALICE]) {
        table.add(Kind::Account, &account.0);
    }
    for code in codes {
        table.add(Kind::Hash, &code.0);
    }
    for balance in [0, 1, ED, 1_000_000, 100_000_000, 20_000_000_000, u128::MAX] {
        table.add(Kind::Balance, &Balance::encode(&balance));
    }
    for length in [4096_u32, 64, 32, 16, 8, 0, u32::MAX] {
        table.add(Kind::Length, &length.to_le_bytes());
    }
    for topics in [0, 1, 4, 5_u8] {
        let topics: Vec<H256> = (0..topics).map(|topic| H256([topic; 32])).collect();
        table.add(Kind::Topics, &topics.encode());
    }
    let transfer = |value| {
        let dest = MultiAddress::from(BOB);
        Call::Balances(balances::Call::transfer_allow_death { dest, value })
    };
    let call = contracts::Call::call {
        dest: callees[0].into(),
        value: 0,
        gas_limit: Weight::new(1_000_000_000, 0),
        storage_deposit_limit: Some(Compact(0)),
        data: Vec::new(),
    };
    for call in [transfer(1_000_000), transfer(0), transfer(u128::MAX), Call::Contracts(call)] {
        table.add(Kind::Call, &call.encode());
    }
    table.add(Kind::Other, "text".as_bytes());
    table.add(Kind::Other, &[0xff; 140]);
    table.add(Kind::Other, &[]);
    table
}
