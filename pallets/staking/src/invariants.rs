//! What must hold in every state.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    format,
    string::{String, ToString},
    vec::Vec,
};

use basalt_pallet_balances::HOLDS;
use basalt_primitives::{AccountId, Balance};
use basalt_state::{StateError, StateRead};
use basalt_support::{Map, Value, storage::Identity};

use crate::{
    ACTIVE_ERA, BONDED, COUNTER_FOR_NOMINATORS, COUNTER_FOR_VALIDATORS, CURRENT_ERA, ERAS_STAKERS_OVERVIEW,
    ERAS_STAKERS_PAGED, ERAS_TOTAL_STAKE, LEDGER, MAX_UNLOCKING_CHUNKS, NOMINATORS, NOMINATORS_BY_STAKE,
    PAYEE, Staking, VALIDATORS, VALIDATORS_BY_STAKE,
    order::Rank,
    types::{EraIndex, StakingLedger},
};

type Ledgers = BTreeMap<AccountId, StakingLedger>;

impl Staking {
    pub(crate) fn check(&self, state: &dyn StateRead) -> Result<(), String> {
        let ledgers: Ledgers = LEDGER.iter(state).collect::<Result<_, _>>().map_err(told)?;
        for (who, ledger) in &ledgers {
            self.check_ledger(state, who, ledger).map_err(|what| format!("{who}: {what}"))?;
        }
        self.check_holds(state, &ledgers)?;
        let validators: Vec<AccountId> = keys(VALIDATORS.iter(state))?;
        let nominators: Vec<AccountId> = keys(NOMINATORS.iter(state))?;
        if let Some(both) = validators.iter().find(|who| nominators.contains(who)) {
            return Err(format!("{both} validates and nominates"));
        }
        let roles = [
            ("Validators", &validators, VALIDATORS_BY_STAKE, COUNTER_FOR_VALIDATORS),
            ("Nominators", &nominators, NOMINATORS_BY_STAKE, COUNTER_FOR_NOMINATORS),
        ];
        for (name, members, order, counter) in roles {
            check_order(state, &ledgers, members, &order, &counter)
                .map_err(|what| format!("{name}: {what}"))?;
        }
        self.check_eras(state)
    }

    fn check_ledger(
        &self,
        state: &dyn StateRead,
        who: &AccountId,
        ledger: &StakingLedger,
    ) -> Result<(), String> {
        let unlocking =
            ledger.unlocking.iter().fold(0, |sum: Balance, chunk| sum.saturating_add(chunk.value));
        if ledger.stash != *who {
            return Err(format!("its ledger is that of {}", ledger.stash));
        }
        if ledger.total != ledger.active.saturating_add(unlocking) {
            return Err(format!(
                "its ledger's total is {}, and not {} and {unlocking}",
                ledger.total, ledger.active
            ));
        }
        let held = self.balances.balance_on_hold(state, self.hold_reason(), who).map_err(told)?;
        if held != ledger.total {
            return Err(format!("{} is bonded, and {held} held", ledger.total));
        }
        if ledger.unlocking.len() > MAX_UNLOCKING_CHUNKS as usize
            || ledger.unlocking.iter().any(|chunk| chunk.value == 0)
            || !ledger.unlocking.is_sorted_by_key(|chunk| chunk.era)
        {
            return Err(format!("what unlocks is no list of amounts by era: {:?}", ledger.unlocking));
        }
        if BONDED.get(state, who).map_err(told)? != Some(*who) {
            return Err("it has a ledger and is not bonded".to_string());
        }
        if PAYEE.get(state, who).map_err(told)?.is_none() {
            return Err("it has a ledger and no payee".to_string());
        }
        Ok(())
    }

    fn check_holds(&self, state: &dyn StateRead, ledgers: &Ledgers) -> Result<(), String> {
        for entry in HOLDS.iter(state) {
            let (who, holds) = entry.map_err(told)?;
            if holds.iter().any(|hold| hold.id == self.hold_reason()) && !ledgers.contains_key(&who) {
                return Err(format!("{who} has something held for staking and no ledger"));
            }
        }
        for entry in BONDED.iter(state) {
            let (who, _) = entry.map_err(told)?;
            if !ledgers.contains_key(&who) {
                return Err(format!("{who} is bonded and has no ledger"));
            }
        }
        Ok(())
    }

    fn check_eras(&self, state: &dyn StateRead) -> Result<(), String> {
        let Some(active) = ACTIVE_ERA.get(state).map_err(told)? else { return Ok(()) };
        let current = CURRENT_ERA.get_or_default(state).map_err(told)?;
        if current < active.index || current > active.index.saturating_add(1) {
            return Err(format!("CurrentEra is {current} in era {}", active.index));
        }
        for era in BTreeSet::from([active.index, current]) {
            check_exposures(state, era).map_err(|what| format!("era {era}: {what}"))?;
        }
        Ok(())
    }
}

/// The order by stake and the counter say the same as the members and their ledgers.
fn check_order(
    state: &dyn StateRead,
    ledgers: &Ledgers,
    members: &[AccountId],
    order: &Map<Identity, Rank, ()>,
    counter: &Value<u32>,
) -> Result<(), String> {
    let mut expected = Vec::with_capacity(members.len());
    for who in members {
        let ledger = ledgers.get(who).ok_or_else(|| format!("{who} has nothing bonded"))?;
        expected.push(Rank::new(*who, ledger.active));
    }
    expected.sort_unstable();
    let order: Vec<Rank> = keys(order.iter(state))?;
    if order != expected {
        return Err(format!("the order by stake is {order:?}, and not {expected:?}"));
    }
    let counted = counter.get_or_default(state).map_err(told)?;
    if counted as usize != members.len() {
        return Err(format!("{} are counted as {counted}", members.len()));
    }
    Ok(())
}

fn check_exposures(state: &dyn StateRead, era: EraIndex) -> Result<(), String> {
    let mut all: Balance = 0;
    for entry in ERAS_STAKERS_OVERVIEW.iter_prefix(state, &era) {
        let (who, overview) = entry.map_err(told)?;
        let (mut total, mut count) = (overview.own, 0);
        for page in 0..overview.page_count {
            let page = ERAS_STAKERS_PAGED.get(state, &era, &who, &page).map_err(told)?.unwrap_or_default();
            let sum = page.others.iter().fold(0, |sum: Balance, other| sum.saturating_add(other.value));
            if sum != page.page_total {
                return Err(format!("a page of {who} has {sum}, and says {}", page.page_total));
            }
            total = total.saturating_add(sum);
            count += page.others.len();
        }
        if total != overview.total || count != overview.nominator_count as usize {
            return Err(format!("{who} has {total} by {count} nominators, and not {overview:?}"));
        }
        all = all.saturating_add(total);
    }
    let told_total = ERAS_TOTAL_STAKE.get_or_default(state, &era).map_err(told)?;
    if all != told_total {
        return Err(format!("{all} is at stake, and not {told_total}"));
    }
    Ok(())
}

fn keys<K, V>(entries: impl Iterator<Item = Result<(K, V), StateError>>) -> Result<Vec<K>, String> {
    entries.map(|entry| entry.map(|(key, _)| key).map_err(told)).collect()
}

fn told(error: StateError) -> String {
    error.to_string()
}
