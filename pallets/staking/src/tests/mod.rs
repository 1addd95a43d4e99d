//! A chain of the pallets that staking needs, block by block, and helpers to look at what happened in it.

mod calls;
mod eras;
mod limits;
mod model;
mod properties;
mod pure;
mod rewards;
mod slashes;
mod wire;

use alloc::{vec, vec::Vec};

use basalt_pallet_balances::TOTAL_ISSUANCE;
use basalt_pallet_session::{SessionKeys, VALIDATORS as SESSION_VALIDATORS};
use basalt_pallet_system::System;
use basalt_pallet_timestamp::NOW;
use basalt_primitives::{
    AccountId32, Digest, DispatchError, H256, ModuleError, MultiSigner, RuntimeVersion, Weight,
    keys::{Pair, Scheme},
};
use basalt_state::{Memory, Overlay};
use basalt_support::{BlockEnv, BlockLimits, CallFailure, Failure};
use parity_scale_codec::DecodeAll;

use super::*;
use crate::{
    issuance::Fixed,
    types::{RewardDestination, StakingLedger},
};

pub(crate) const ED: Balance = 10;
pub(crate) const START: Balance = 1_000_000;
pub(crate) const EPOCH: u32 = 3;
pub(crate) const BLOCK_MS: Moment = 1_000;
pub(crate) const TREASURY: AccountId = AccountId32([250; 32]);
/// Per block, so that numbers stay readable.
pub(crate) const REWARD_PER_BLOCK: Balance = 1_000;

const LIMITS: BlockLimits = BlockLimits {
    weight_max: Weight::MAX,
    weight_normal_max: Weight::MAX,
    weight_base: Weight::zero(),
    weight_base_transaction: Weight::zero(),
    bytes_max: u32::MAX,
    bytes_normal_max: u32::MAX,
};
const SYSTEM: System = System { index: 0, limits: LIMITS, ss58_prefix: 42, version: RuntimeVersion::default };
pub(crate) const BALANCES: Balances = Balances { index: 2, system: SYSTEM, existential_deposit: ED };
const SESSION: Session = Session { index: 6, system: SYSTEM };
const RANDOMNESS: Randomness = Randomness { index: 12, session: SESSION };
pub(crate) const STAKING: Staking = Staking {
    index: 10,
    balances: BALANCES,
    timestamp: Timestamp { index: 1, minimum_period_ms: 1 },
    session: SESSION,
    randomness: RANDOMNESS,
    treasury: TREASURY,
    durations: Durations { bonding: 7, slash_defer: 2 },
    issuance: IssuanceModel::Fixed(Fixed {
        per_year: REWARD_PER_BLOCK * (issuance::YEAR_MS / BLOCK_MS) as u128,
    }),
    seats_by_stake: Perbill::from_percent(80),
    power_cap: Perbill::from_percent(100),
    era_duration_max_ms: 1_000 * BLOCK_MS,
};
const SUMMARY: BlockSummary = BlockSummary {
    weight_normal: Weight::zero(),
    weight_operational: Weight::zero(),
    weight_mandatory: Weight::zero(),
    weight_normal_max: Weight::MAX,
    transactions: 1,
    bytes: 0,
};

pub(crate) fn account(number: u8) -> AccountId {
    AccountId32([number; 32])
}

fn keys(number: u8) -> SessionKeys {
    let public = |scheme, what| match Pair::from_seed(scheme, &[number, what].repeat(16).try_into().unwrap())
        .unwrap()
        .public()
    {
        MultiSigner::Ed25519(key) | MultiSigner::Sr25519(key) => key,
        MultiSigner::Ecdsa(_) => panic!("no key of a validator"),
    };
    SessionKeys { grandpa: public(Scheme::Ed25519, 1), vrf: public(Scheme::Sr25519, 2) }
}

/// A chain on a map.
pub(crate) struct World {
    pub(crate) state: Memory,
    pub(crate) number: u32,
    pub(crate) now: Moment,
    /// What staking told in the last block.
    pub(crate) events: Vec<Event>,
}

/// Accounts 1 to 4 validate with 1,000 each, 11 to 13 nominate with 500; these and 5 to 9 and 14 own [`START`] each.
/// Validators 1 to 9 have keys. There are 4 seats.
pub(crate) fn four() -> StakingGenesis {
    let validators = (1..=4).map(|number| (account(number), 1_000, StakerStatus::Validator));
    let nominators = [(11, vec![1]), (12, vec![1, 2]), (13, vec![2, 3, 4])];
    let nominators = nominators.into_iter().map(|(number, targets): (u8, Vec<u8>)| {
        (account(number), 500, StakerStatus::Nominator(targets.into_iter().map(account).collect()))
    });
    StakingGenesis { stakers: validators.chain(nominators).collect(), ..StakingGenesis::default() }
}

impl World {
    pub(crate) fn new(config: &StakingGenesis) -> Self {
        Self::try_new(config).unwrap()
    }

    pub(crate) fn try_new(config: &StakingGenesis) -> Result<Self, String> {
        let base = Memory::default();
        let mut state = Overlay::new(&base);
        let owners = (1..=9).chain(11..=14).map(account).chain([TREASURY]);
        let balances: Vec<_> = owners.map(|who| (who, START)).collect();
        BALANCES.genesis(&mut state, &balances)?;
        let keys: Vec<_> = (1..=9).map(|number| (account(number), keys(number))).collect();
        SESSION.genesis_keys(&mut state, &keys).unwrap();
        SESSION.genesis_epochs(&mut state, EPOCH);
        let validators = STAKING.genesis(&mut state, config)?;
        SESSION.genesis(&mut state, validators).unwrap();
        let mut memory = Memory::default();
        memory.apply(&state.into_change_set().unwrap());
        let world = Self { state: memory, number: 0, now: 1_000_000, events: Vec::new() };
        world.check();
        Ok(world)
    }

    fn check(&self) {
        assert_eq!(STAKING.try_state(&self.state), Ok(()));
        assert_eq!(SESSION.try_state(&self.state), Ok(()));
        assert_eq!(BALANCES.try_state_with(&self.state, 0), Ok(()));
        assert_eq!(SYSTEM.try_state(&self.state), Ok(()));
    }

    /// Runs a block with this in it.
    pub(crate) fn block<R>(&mut self, body: impl FnOnce(&mut Context<'_, '_>) -> R) -> R {
        self.number += 1;
        self.now += BLOCK_MS;
        let parent_hash = H256([u8::try_from(self.number % 251).unwrap(); 32]);
        let env = BlockEnv { number: self.number, parent_hash, digest: Digest::default(), author: None };
        let mut state = Overlay::new(&self.state);
        let mut ctx = Context::new(&mut state, &env, None);
        RANDOMNESS.begin_block(&mut ctx).unwrap();
        if let Some(epoch) = SESSION.starts(&ctx).unwrap() {
            STAKING.begin_epoch(&mut ctx, epoch).unwrap();
        }
        STAKING.begin_block(&mut ctx).unwrap();
        NOW.put(&mut ctx, &self.now);
        let result = body(&mut ctx);
        STAKING.end_block(&mut ctx, &SUMMARY).unwrap();
        SESSION.end_block(&mut ctx, &SUMMARY).unwrap();
        self.events = told(&ctx);
        let changes = state.into_change_set().unwrap();
        self.state.apply(&changes);
        self.check();
        result
    }

    /// Runs blocks until the first one of this epoch has run.
    pub(crate) fn reach_epoch(&mut self, epoch: u32) {
        while self.number < epoch * EPOCH + 1 {
            self.block(|_| ());
        }
    }

    pub(crate) fn epoch(&self) -> u32 {
        (self.number - 1) / EPOCH
    }

    /// A block with one call in it.
    pub(crate) fn call(&mut self, who: u8, what: Call) -> Result<(), DispatchError> {
        self.block(|ctx| call(ctx, Origin::Signed(account(who)), what))
    }

    /// A block with one call of root in it.
    pub(crate) fn root(&mut self, what: Call) -> Result<(), DispatchError> {
        self.block(|ctx| call(ctx, Origin::Root, what))
    }

    pub(crate) fn ledger(&self, who: u8) -> Option<StakingLedger> {
        LEDGER.get(&self.state, &account(who)).unwrap()
    }

    pub(crate) fn free(&self, who: AccountId) -> Balance {
        BALANCES.free_balance(&self.state, &who).unwrap()
    }

    pub(crate) fn issuance(&self) -> Balance {
        TOTAL_ISSUANCE.get_or_default(&self.state).unwrap()
    }

    /// Who validates now, sorted.
    pub(crate) fn set(&self) -> Vec<AccountId> {
        let mut set = SESSION_VALIDATORS.get_or_default(&self.state).unwrap();
        set.sort_unstable();
        set
    }
}

/// Runs a call as the runtime does: an error leaves no trace.
pub(crate) fn call(ctx: &mut Context<'_, '_>, origin: Origin, call: Call) -> Result<(), DispatchError> {
    match ctx.layered(|ctx| STAKING.dispatch(call, origin, ctx)) {
        Ok(_) => Ok(()),
        Err(CallFailure { failure: Failure::Dispatch(error), .. }) => Err(error),
        Err(other) => panic!("{other:?}"),
    }
}

fn told(ctx: &Context<'_, '_>) -> Vec<Event> {
    let own = ctx.events().iter().filter(|event| event.bytes[0] == STAKING.index);
    own.map(|event| Event::decode_all(&mut &event.bytes[1..]).unwrap()).collect()
}

pub(crate) fn error(error: Error) -> Result<(), DispatchError> {
    Err(DispatchError::Module(ModuleError { index: 10, error: [error as u8, 0, 0, 0] }))
}

pub(crate) fn bond(value: Balance) -> Call {
    Call::bond { value, payee: RewardDestination::Stash }
}

pub(crate) fn nominate(targets: &[u8]) -> Call {
    Call::nominate { targets: targets.iter().map(|target| account(*target).into()).collect() }
}

pub(crate) fn validate(percent: u32) -> Call {
    Call::validate {
        prefs: types::ValidatorPrefs { commission: Perbill::from_percent(percent), blocked: false },
    }
}

pub(crate) fn withdraw() -> Call {
    Call::withdraw_unbonded { num_slashing_spans: 0 }
}
