//! What staking must do to balances, as one would write it down without a chain: no storage, no pages, no order.

use alloc::collections::BTreeMap;

use super::*;

/// What one account has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Purse {
    pub(crate) free: Balance,
    pub(crate) active: Balance,
    /// Amounts with the era from which on they can be withdrawn, oldest first.
    pub(crate) unlocking: Vec<(u32, Balance)>,
    pub(crate) bonded: bool,
}

impl Purse {
    pub(crate) fn at_stake(&self) -> Balance {
        self.active + self.unlocking.iter().map(|(_, amount)| amount).sum::<Balance>()
    }
}

/// What somebody will lose, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Debt {
    pub(crate) due: u32,
    pub(crate) who: AccountId,
    pub(crate) amount: Balance,
    /// The era in which the stake that answers was frozen, if it was.
    pub(crate) frozen: Option<u32>,
}

/// All accounts, and what is owed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Model {
    pub(crate) purses: BTreeMap<AccountId, Purse>,
    pub(crate) issuance: Balance,
    pub(crate) debts: Vec<Debt>,
    /// What each lost in which era, for the question of what it must still have had.
    pub(crate) losses: Vec<(u32, AccountId, Balance)>,
}

impl Model {
    /// Everybody as genesis made them.
    pub(crate) fn of(world: &World) -> Self {
        let mut model = Self { issuance: world.issuance(), ..Self::default() };
        for who in (1..=14).map(account).chain([TREASURY]) {
            let mut purse = Purse { free: world.free(who), ..Purse::default() };
            if let Some(ledger) = LEDGER.get(&world.state, &who).unwrap() {
                purse.active = ledger.active;
                purse.bonded = true;
            }
            model.purses.insert(who, purse);
        }
        model
    }

    pub(crate) fn purse(&mut self, who: AccountId) -> &mut Purse {
        self.purses.entry(who).or_default()
    }

    pub(crate) fn unbond(&mut self, who: AccountId, value: Balance, era: u32) {
        let purse = self.purse(who);
        let left = purse.active.saturating_sub(value);
        let left = if left < ED { 0 } else { left };
        let amount = purse.active - left;
        purse.active = left;
        match purse.unlocking.iter_mut().find(|(until, _)| *until == era) {
            _ if amount == 0 => {}
            Some((_, sum)) => *sum += amount,
            None => purse.unlocking.push((era, amount)),
        }
    }

    pub(crate) fn rebond(&mut self, who: AccountId, value: Balance) {
        let purse = self.purse(who);
        let taken = take_newest(&mut purse.unlocking, value);
        purse.active += taken;
    }

    pub(crate) fn withdraw(&mut self, who: AccountId, era: u32) {
        let purse = self.purse(who);
        let due: Balance =
            purse.unlocking.iter().filter(|(until, _)| *until <= era).map(|(_, sum)| sum).sum();
        purse.unlocking.retain(|(until, _)| *until > era);
        purse.free += due;
        if due > 0 && purse.at_stake() == 0 {
            purse.bonded = false;
        }
    }

    /// Takes what is due in this era. What was frozen, and not lost since for something else, must be there to be taken.
    pub(crate) fn punish(&mut self, era: u32) {
        let (due, later): (Vec<Debt>, Vec<Debt>) =
            core::mem::take(&mut self.debts).into_iter().partition(|debt| debt.due <= era);
        self.debts = later;
        for debt in due {
            let purse = self.purse(debt.who);
            let from_active = purse.active.min(debt.amount);
            purse.active -= from_active;
            let taken = from_active + take_newest(&mut purse.unlocking, debt.amount - from_active);
            self.purse(TREASURY).free += taken;
            if let Some(frozen) = debt.frozen {
                let lost = self.losses.iter().filter(|(when, who, _)| *when >= frozen && *who == debt.who);
                let lost: Balance = lost.map(|(_, _, amount)| amount).sum();
                assert!(
                    taken + lost >= debt.amount,
                    "{debt:?} was dodged: {taken} of it taken, {lost} before"
                );
            }
            self.losses.push((era, debt.who, taken));
        }
    }

    /// Nothing differs from the chain.
    pub(crate) fn compare(&self, world: &World) {
        assert_eq!(world.issuance(), self.issuance);
        let owned: Balance = self.purses.values().map(|purse| purse.free + purse.at_stake()).sum();
        assert_eq!(owned, self.issuance, "the model itself adds up");
        for (who, purse) in &self.purses {
            let ledger = LEDGER.get(&world.state, who).unwrap();
            let unlocking = |ledger: &StakingLedger| {
                ledger.unlocking.iter().map(|chunk| (chunk.era, chunk.value)).collect()
            };
            let found = Purse {
                free: world.free(*who),
                active: ledger.as_ref().map_or(0, |ledger| ledger.active),
                unlocking: ledger.as_ref().map_or_else(Vec::new, unlocking),
                bonded: ledger.is_some(),
            };
            assert_eq!(&found, purse, "{who} in block {}", world.number);
        }
    }
}

fn take_newest(unlocking: &mut Vec<(u32, Balance)>, value: Balance) -> Balance {
    let mut wanted = value;
    for (_, amount) in unlocking.iter_mut().rev() {
        let part = wanted.min(*amount);
        *amount -= part;
        wanted -= part;
    }
    unlocking.retain(|(_, amount)| *amount > 0);
    value - wanted
}
