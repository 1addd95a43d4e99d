//! Random calls, offences, rewards and epochs, against a plain model. Every block is checked by `try_state`.

use alloc::collections::BTreeMap;

use proptest::prelude::*;
use types::ExposurePage;

use super::{
    model::{Debt, Model},
    *,
};

/// What happens in one block.
#[derive(Debug, Clone)]
enum Step {
    Bond(u8, Balance),
    BondExtra(u8, Balance),
    Unbond(u8, Balance),
    Rebond(u8, Balance),
    Withdraw(u8),
    Validate(u8, u32),
    Nominate(u8, Vec<u8>),
    Chill(u8),
    Kick(u8, u8),
    Payee(u8, RewardDestination),
    Transfer(u8, u8, Balance),
    Reap(u8),
    /// An offence this many epochs ago.
    Offence(u8, u32, u32),
    Absent(u8),
    Points(Vec<(u8, u32)>),
    /// Rewards of this many epochs ago.
    Payout(u8, u32),
    Blocks(u8),
}

fn step() -> impl Strategy<Value = Step> {
    let staker = || prop_oneof![1..=9u8, 11..=14u8];
    let amount = || prop_oneof![0..3_000u128, Just(START), Just(Balance::MAX)];
    let payee = prop_oneof![
        2 => Just(RewardDestination::Staked),
        1 => Just(RewardDestination::Stash),
        1 => Just(RewardDestination::None),
        1 => (1..=14u8).prop_map(|to| RewardDestination::Account(account(to))),
    ];
    prop_oneof![
        2 => (staker(), amount()).prop_map(|(who, value)| Step::Bond(who, value)),
        2 => (staker(), amount()).prop_map(|(who, value)| Step::BondExtra(who, value)),
        4 => (staker(), amount()).prop_map(|(who, value)| Step::Unbond(who, value)),
        2 => (staker(), amount()).prop_map(|(who, value)| Step::Rebond(who, value)),
        3 => staker().prop_map(Step::Withdraw),
        3 => (1..=9u8, 0..=100u32).prop_map(|(who, share)| Step::Validate(who, share)),
        3 => (staker(), prop::collection::vec(1..=9u8, 1..4)).prop_map(|(who, to)| Step::Nominate(who, to)),
        1 => staker().prop_map(Step::Chill),
        1 => (1..=9u8, staker()).prop_map(|(who, whom)| Step::Kick(who, whom)),
        2 => (staker(), payee).prop_map(|(who, payee)| Step::Payee(who, payee)),
        2 => (staker(), staker(), amount()).prop_map(|(from, to, value)| Step::Transfer(from, to, value)),
        1 => staker().prop_map(Step::Reap),
        4 => (1..=9u8, 0..4u32, 1..=100u32).prop_map(|(who, ago, share)| Step::Offence(who, ago, share)),
        1 => (1..=9u8).prop_map(Step::Absent),
        4 => prop::collection::vec((1..=9u8, 0..50u32), 1..5).prop_map(Step::Points),
        4 => (1..=9u8, 1..5u32).prop_map(|(who, ago)| Step::Payout(who, ago)),
        6 => (1..=6u8).prop_map(Step::Blocks),
    ]
}

/// A chain and what it should be.
struct Run {
    world: World,
    model: Model,
    payees: BTreeMap<AccountId, RewardDestination>,
    /// The largest fraction for each offender and epoch.
    fractions: BTreeMap<(AccountId, u32), u32>,
    /// Eras whose validators were elected from stakes that were frozen two epochs before.
    fresh: Vec<u32>,
    paid: Vec<(AccountId, u32)>,
}

/// All that is behind a validator, its own, and that of others.
type Exposed = (Balance, Balance, Vec<(AccountId, Balance)>);

impl Run {
    fn new() -> Self {
        let world = World::new(&four());
        let model = Model::of(&world);
        let genesis = (1..=4).chain(11..=13).map(|who| (account(who), RewardDestination::Staked)).collect();
        Self {
            world,
            model,
            payees: genesis,
            fractions: BTreeMap::new(),
            fresh: Vec::new(),
            paid: Vec::new(),
        }
    }

    /// Runs a block, and lets the model do what its beginning and this does.
    fn block<R>(&mut self, body: impl FnOnce(&mut Context<'_, '_>) -> R) -> R {
        let result = self.world.block(body);
        let epoch = self.world.epoch();
        if self.world.events.contains(&Event::StakersElected) {
            self.fresh.push(epoch + 1);
        }
        result
    }

    fn call(&mut self, who: u8, what: Call) -> bool {
        self.begin();
        self.block(|ctx| call(ctx, Origin::Signed(account(who)), what)).is_ok()
    }

    /// What the beginning of the next block does: in the model, before anything else.
    fn begin(&mut self) {
        let epoch = self.world.number / EPOCH;
        self.model.punish(epoch);
    }

    fn exposure(&self, era: u32, who: AccountId) -> Option<Exposed> {
        let overview = ERAS_STAKERS_OVERVIEW.get(&self.world.state, &era, &who).unwrap()?;
        let page: ExposurePage =
            ERAS_STAKERS_PAGED.get(&self.world.state, &era, &who, &0).unwrap().unwrap_or_default();
        let others = page.others.iter().map(|other| (other.who, other.value)).collect();
        Some((overview.total, overview.own, others))
    }

    fn step(&mut self, step: Step) {
        let current = (self.world.number / EPOCH) + 1;
        match step {
            Step::Bond(who, value) => {
                let purse = self.model.purse(account(who)).clone();
                if self.call(who, bond(value)) {
                    assert!(!purse.bonded);
                    let value = value.min(purse.free - ED);
                    let purse = self.model.purse(account(who));
                    (purse.free, purse.active, purse.bonded) = (purse.free - value, value, true);
                    self.payees.insert(account(who), RewardDestination::Stash);
                }
            }
            Step::BondExtra(who, value) => {
                if self.call(who, Call::bond_extra { max_additional: value }) {
                    let purse = self.model.purse(account(who));
                    let value = value.min(purse.free - ED);
                    (purse.free, purse.active) = (purse.free - value, purse.active + value);
                }
            }
            Step::Unbond(who, value) => {
                if self.call(who, Call::unbond { value }) {
                    self.model.unbond(account(who), value, current + STAKING.durations.bonding);
                }
            }
            Step::Rebond(who, value) => {
                if self.call(who, Call::rebond { value }) {
                    self.model.rebond(account(who), value);
                }
            }
            Step::Withdraw(who) => {
                if self.call(who, withdraw()) {
                    self.model.withdraw(account(who), current);
                }
            }
            Step::Validate(who, share) => drop(self.call(who, validate(share))),
            Step::Nominate(who, to) => drop(self.call(who, nominate(&to))),
            Step::Chill(who) => drop(self.call(who, Call::chill)),
            Step::Kick(who, whom) => drop(self.call(who, Call::kick { who: vec![account(whom).into()] })),
            Step::Payee(who, payee) => {
                if self.call(who, Call::set_payee { payee }) {
                    self.payees.insert(account(who), payee);
                }
            }
            Step::Transfer(from, to, value) => {
                self.begin();
                let (from, to) = (account(from), account(to));
                let moved = self
                    .block(|ctx| ctx.layered(|ctx| BALANCES.transfer(ctx, &from, &to, value, true)).is_ok());
                if moved && from != to {
                    self.model.purse(from).free -= value;
                    self.model.purse(to).free += value;
                }
            }
            Step::Reap(who) => {
                let empty = self.model.purse(account(who)).at_stake() == 0;
                let reaped = self.call(5, Call::reap_stash { stash: account(who), num_slashing_spans: 0 });
                if reaped {
                    assert!(empty);
                    self.model.purse(account(who)).bonded = false;
                }
            }
            Step::Offence(who, ago, share) => self.offence(account(who), ago, share),
            Step::Absent(who) => {
                self.begin();
                self.block(|ctx| STAKING.chill_absent(ctx, &account(who))).unwrap();
            }
            Step::Points(points) => {
                self.begin();
                let points: Vec<_> = points.into_iter().map(|(who, more)| (account(who), more)).collect();
                self.block(|ctx| STAKING.reward_by_ids(ctx, &points)).unwrap();
            }
            Step::Payout(who, ago) => self.payout(who, ago),
            Step::Blocks(count) => {
                for _ in 0..count {
                    self.begin();
                    self.block(|_| ());
                }
            }
        }
        self.model.compare(&self.world);
    }

    fn offence(&mut self, who: AccountId, ago: u32, share: u32) {
        self.begin();
        let now = self.world.number / EPOCH;
        let Some(era) = now.checked_sub(ago) else { return self.block(|_| ()) };
        let fraction = Perbill::from_percent(share);
        self.block(|ctx| STAKING.slash(ctx, &who, era, fraction, &[])).unwrap();
        // The window is two eras: what is older costs nothing.
        let counts = ago <= STAKING.durations.evidence_window().unwrap();
        let Some((_, own, others)) = self.exposure(era, who).filter(|_| counts) else { return };
        let before = self.fractions.get(&(who, era)).copied().unwrap_or(0);
        if share <= before {
            return;
        }
        self.fractions.insert((who, era), share);
        let frozen = self.fresh.contains(&era).then(|| era - 2);
        for (who, stake) in [(who, own)].into_iter().chain(others) {
            let amount = stake * u128::from(share) / 100 - stake * u128::from(before) / 100;
            self.model.debts.push(Debt { due: now + STAKING.durations.slash_defer, who, amount, frozen });
        }
    }

    fn payout(&mut self, who: u8, ago: u32) {
        let Some(era) = (self.world.number / EPOCH).checked_sub(ago) else { return };
        let who = account(who);
        if !self.call(5, Call::payout_stakers { validator_stash: who, era }) {
            return;
        }
        assert!(!self.paid.contains(&(who, era)), "nobody is paid twice");
        self.paid.push((who, era));
        let state = &self.world.state;
        // Two blocks' time for era 0, because nobody knows when block 0 was; three for all others.
        let worth = REWARD_PER_BLOCK * if era == 0 { 2 } else { 3 };
        assert_eq!(ERAS_VALIDATOR_REWARD.get(state, &era), Ok(Some(worth)));
        let points = ERAS_REWARD_POINTS.get_or_default(state, &era).unwrap();
        let earned = u128::from(points.individual.get(&who).copied().unwrap_or(0));
        let share = (worth * earned).checked_div(points.total.into()).unwrap_or(0);
        let prefs = ERAS_VALIDATOR_PREFS.get_or_default(state, &era, &who).unwrap();
        let commission = share * u128::from(prefs.commission.deconstruct()) / 1_000_000_000;
        let (total, own, others) = self.exposure(era, who).unwrap();
        let rest = share - commission;
        let mut issued = self.reward(who, commission + rest * own / total);
        for (nominator, stake) in others {
            issued += self.reward(nominator, rest * stake / total);
        }
        assert!(issued <= share);
        self.model.issuance += issued;
    }

    /// What a stash gets, where it wants it. Returns what was issued for it.
    fn reward(&mut self, stash: AccountId, amount: Balance) -> Balance {
        let bonded = self.model.purse(stash).bonded;
        let payee = if bonded { self.payees[&stash] } else { RewardDestination::Stash };
        match payee {
            RewardDestination::None => return 0,
            RewardDestination::Account(to) => self.model.purse(to).free += amount,
            RewardDestination::Staked => self.model.purse(stash).active += amount,
            _ => self.model.purse(stash).free += amount,
        }
        amount
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, ..ProptestConfig::default() })]

    #[test]
    fn stakes_rewards_slashes_and_issuance_are_what_a_plain_model_says(
        steps in prop::collection::vec(step(), 1..120),
    ) {
        let mut run = Run::new();
        for step in steps {
            run.step(step);
        }
        // All that is owed is paid.
        for _ in 0..(STAKING.durations.slash_defer + 1) * EPOCH {
            run.step(Step::Blocks(1));
        }
        prop_assert!(run.model.debts.is_empty());
    }
}
