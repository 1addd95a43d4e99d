//! Staking in the composed runtime: through signed transactions, in all modes, with every invariant after each block.

mod flow;
mod random;
pub(crate) mod weights;

pub(crate) use basalt_pallet_staking as staking;

use basalt_primitives::{
    AccountId, Balance, H256, MultiSigner, Perbill,
    keys::{Pair, Scheme},
};
use basalt_runtime::{
    BalancesGenesis, GenesisConfig, IssuanceConfig, KeysGenesis, RuntimeCall, SESSION, STAKING, SYSTEM,
    SessionGenesis, StakerStatus, StakingConfig, SudoGenesis, TREASURY_ACCOUNT, UNIT,
};
use basalt_runtime_api::{Receipt, Runtime as _};
use basalt_state::{Memory, Overlay};
use basalt_support::{Context, Failure};
use basalt_test_kit::{Ledger, Sender};
use staking::{
    Call,
    issuance::YEAR_MS,
    types::{RewardDestination, ValidatorPrefs},
};

/// What everybody owns at first.
pub(crate) const START: Balance = 1_000 * UNIT;
/// What validators and nominators have at stake at first.
pub(crate) const STAKE: Balance = 100 * UNIT;
/// Blocks of an epoch.
pub(crate) const EPOCH: u32 = 4;
/// Who takes part: three validate, two nominate, one does nothing yet.
pub(crate) const NAMES: [&str; 6] = ["Alice", "Bob", "Charlie", "Dave", "Eve", "Ferdie"];

/// A chain with stakers.
pub(crate) struct Chain {
    pub(crate) ledger: Ledger,
    pub(crate) senders: Vec<Sender>,
}

fn public(scheme: Scheme, suri: &str) -> H256 {
    match Pair::from_suri(scheme, suri).expect("the URI is valid").public() {
        MultiSigner::Ed25519(key) | MultiSigner::Sr25519(key) => H256(key),
        MultiSigner::Ecdsa(_) => panic!("no key of a validator"),
    }
}

pub(crate) fn genesis() -> GenesisConfig {
    let accounts = NAMES.map(|name| Sender::dev(name).account());
    let keys = |(name, who): (&str, &AccountId)| {
        let grandpa = public(Scheme::Ed25519, &format!("//{name}"));
        (*who, KeysGenesis { grandpa, vrf: public(Scheme::Sr25519, &format!("//{name}//vrf")) })
    };
    let validators = accounts[..3].iter().map(|who| (*who, STAKE.into(), StakerStatus::Validator));
    let targets = |targets: &[usize]| targets.iter().map(|at| accounts[*at]).collect();
    let nominators = [
        (accounts[3], STAKE.into(), StakerStatus::Nominator(targets(&[0]))),
        (accounts[4], STAKE.into(), StakerStatus::Nominator(targets(&[0, 1, 2]))),
    ];
    let balances = accounts.iter().map(|who| (*who, START.into())).chain([(TREASURY_ACCOUNT, UNIT.into())]);
    GenesisConfig {
        balances: BalancesGenesis { balances: balances.collect() },
        sudo: SudoGenesis { key: Some(accounts[0]) },
        session: SessionGenesis {
            validators: vec![],
            keys: NAMES.into_iter().zip(&accounts).map(keys).collect(),
            epoch_length: EPOCH,
        },
        staking: StakingConfig {
            stakers: validators.chain(nominators).collect(),
            validator_count: Some(4),
            minimum_validator_count: 1,
            slash_reward_fraction: 100_000_000,
            bonding_duration: Some(6),
            slash_defer_duration: Some(1),
            // One token per second.
            issuance: Some(IssuanceConfig::Fixed { per_year: (UNIT * u128::from(YEAR_MS / 1_000)).into() }),
            ..StakingConfig::default()
        },
        ..GenesisConfig::default()
    }
}

impl Chain {
    pub(crate) fn new() -> Self {
        Self { ledger: Ledger::new(&genesis()), senders: NAMES.map(Sender::dev).into() }
    }

    pub(crate) fn account(&self, who: usize) -> AccountId {
        self.senders[who].account()
    }

    pub(crate) fn sign(&mut self, who: usize, call: &RuntimeCall) -> Vec<u8> {
        self.senders[who].sign(self.ledger.genesis_hash, call)
    }

    /// A block with these calls; the receipts without the inherents'.
    pub(crate) fn block(&mut self, calls: &[(usize, RuntimeCall)]) -> Vec<Receipt> {
        let signed: Vec<_> = calls.iter().map(|(who, call)| self.sign(*who, call)).collect();
        let count = signed.len();
        let receipts = self.ledger.block(signed).expect("the block is valid").receipts;
        let inherents = receipts.len() - count;
        receipts.into_iter().skip(inherents).collect()
    }

    /// Makes a block of those of these calls whose senders can pay, as a builder does.
    pub(crate) fn build(&mut self, calls: &[(usize, RuntimeCall)]) {
        for sender in &mut self.senders {
            sender.nonce = SYSTEM.account(&self.ledger.state, &sender.account()).unwrap().nonce;
        }
        let signed: Vec<_> = calls.iter().map(|(who, call)| self.sign(*who, call)).collect();
        let candidates: Vec<_> =
            signed.into_iter().map(|bytes| self.ledger.verify(bytes).expect("it is signed")).collect();
        self.ledger.build(&candidates, &|| false);
    }

    /// Runs blocks until the first one of this epoch has run.
    pub(crate) fn reach_epoch(&mut self, epoch: u32) {
        while self.ledger.number < epoch * EPOCH + 1 {
            self.block(&[]);
        }
    }

    pub(crate) fn epoch(&self) -> u32 {
        (self.ledger.number - 1) / EPOCH
    }

    /// Does what other pallets' hooks would do between two blocks.
    pub(crate) fn directly(&mut self, body: impl FnOnce(&mut Context<'_, '_>) -> Result<(), Failure>) {
        let env = self.ledger.env();
        let mut state = Overlay::new(&self.ledger.state);
        body(&mut Context::new(&mut state, &env, None)).expect("it works");
        let changes = state.into_change_set().expect("a map can be read");
        self.ledger.state.apply(&changes);
        self.ledger.runtime.try_state(&self.ledger.state).expect("every invariant holds");
    }

    pub(crate) fn points(&mut self, points: &[(usize, u32)]) {
        let points: Vec<_> = points.iter().map(|(who, more)| (self.account(*who), *more)).collect();
        self.directly(|ctx| STAKING.reward_by_ids(ctx, &points));
    }

    pub(crate) fn slash(&mut self, who: usize, epoch: u32, percent: u32) {
        let (who, reporter) = (self.account(who), self.account(5));
        self.directly(|ctx| STAKING.slash(ctx, &who, epoch, Perbill::from_percent(percent), &[reporter]));
    }

    pub(crate) fn total(&self, who: usize) -> Balance {
        staking::LEDGER.get(&self.ledger.state, &self.account(who)).unwrap().map_or(0, |ledger| ledger.total)
    }

    pub(crate) fn set(&self) -> Vec<AccountId> {
        let set = SESSION.validators(&self.ledger.state).unwrap();
        set.validators.iter().map(|one| one.account).collect()
    }
}

pub(crate) fn of(call: Call) -> RuntimeCall {
    RuntimeCall::Staking(call)
}

pub(crate) fn bond(value: Balance) -> RuntimeCall {
    of(Call::bond { value, payee: RewardDestination::Staked })
}

pub(crate) fn validate(percent: u32) -> RuntimeCall {
    of(Call::validate {
        prefs: ValidatorPrefs { commission: Perbill::from_percent(percent), blocked: false },
    })
}

/// What was changed, as a state of its own.
pub(crate) fn changed(
    base: &Memory,
    env: &basalt_runtime_api::BlockEnv,
    body: impl FnOnce(&mut Context<'_, '_>),
) -> Memory {
    let mut state = Overlay::new(base);
    body(&mut Context::new(&mut state, env, None));
    let changes = state.into_change_set().expect("a map can be read");
    let mut changed = base.clone();
    changed.apply(&changes);
    changed
}
