//! What storage costs as long as it is used: counted frame by frame, settled when all has ended.

#[cfg(test)]
mod tests;

use alloc::vec::Vec;

use basalt_primitives::{AccountId, Balance, FixedU128};
use basalt_support::{Context, Failure};

use crate::{
    Contracts, Deposits, Error, Event, HoldReason,
    exec::Fault,
    types::{ContractInfo, StorageDeposit},
};

/// What a frame changed of its contract's storage, counted without looking at the contract's record.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Diff {
    pub(crate) bytes_added: u32,
    pub(crate) bytes_removed: u32,
    pub(crate) items_added: u32,
    pub(crate) items_removed: u32,
}

impl Diff {
    /// Counts a value that changes its length; `None` is no value.
    pub(crate) fn count(&mut self, before: Option<u32>, after: Option<u32>) {
        let (old, new) = (before.unwrap_or(0), after.unwrap_or(0));
        self.bytes_added = self.bytes_added.saturating_add(new.saturating_sub(old));
        self.bytes_removed = self.bytes_removed.saturating_add(old.saturating_sub(new));
        let (was, is) = (u32::from(before.is_some()), u32::from(after.is_some()));
        self.items_added = self.items_added.saturating_add(is.saturating_sub(was));
        self.items_removed = self.items_removed.saturating_add(was.saturating_sub(is));
    }

    /// Writes what it makes of a contract's counts and deposits into its record. Returns what is owed or comes back: what
    /// was added at today's price, what was removed as its share of what was paid, rounded down twice as in Substrate.
    pub(crate) fn apply(&self, prices: &Deposits, record: &mut ContractInfo) -> StorageDeposit {
        let bytes = settle_count(
            (self.bytes_added, self.bytes_removed),
            prices.per_byte,
            &mut record.storage_bytes,
            &mut record.storage_byte_deposit,
        );
        let items = settle_count(
            (self.items_added, self.items_removed),
            prices.per_item,
            &mut record.storage_items,
            &mut record.storage_item_deposit,
        );
        bytes.saturating_add(items)
    }
}

/// From here on a count is a negative one: a frame may remove what one below it has stored and not yet settled. When all
/// has ended, counts are what is stored; see [`settle_count`].
const NEGATIVE: u32 = 3 << 30;

/// One of the two counts. It wraps around, so that it does not matter in which order frames of one contract are settled.
fn settle_count(
    (added, removed): (u32, u32),
    price: Balance,
    count: &mut u32,
    deposit: &mut Balance,
) -> StorageDeposit {
    if added >= removed {
        let more = added - removed;
        let charge = price.saturating_mul(more.into());
        *count = count.wrapping_add(more);
        *deposit = deposit.saturating_add(charge);
        return StorageDeposit::Charge(charge);
    }
    let less = removed - added;
    let stored = if *count < NEGATIVE { *count } else { 0 };
    let share = FixedU128::checked_from_rational(less.into(), stored.into())
        .unwrap_or(FixedU128::zero())
        .min(FixedU128::one());
    let refund = share.saturating_mul_int(*deposit);
    *count = count.wrapping_sub(less);
    *deposit = deposit.saturating_sub(refund);
    StorageDeposit::Refund(refund)
}

/// What is settled with one contract when all has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) contract: AccountId,
    pub(crate) amount: StorageDeposit,
    /// Who gets all that is left, if the contract removed itself.
    pub(crate) beneficiary: Option<AccountId>,
}

/// What a frame's own storage comes to.
#[derive(Debug)]
enum Own {
    /// Not worked out yet.
    Open(Diff),
    /// Worked out, and written into the contract's record.
    Settled(StorageDeposit),
    /// The contract removed itself: all that was paid comes back.
    Terminated { refund: Balance, beneficiary: AccountId },
}

/// The deposits of one frame and of all that was called from it and ended well; or of the whole call.
#[derive(Debug)]
pub(crate) struct DepositMeter {
    limit: Balance,
    /// Whether the limit was asked for, and is not just what is left of another.
    own_limit: bool,
    total: StorageDeposit,
    own: Own,
    entries: Vec<Entry>,
}

impl DepositMeter {
    pub(crate) const fn new(limit: Balance) -> Self {
        Self {
            limit,
            own_limit: false,
            total: StorageDeposit::Charge(0),
            own: Own::Open(Diff { bytes_added: 0, bytes_removed: 0, items_added: 0, items_removed: 0 }),
            entries: Vec::new(),
        }
    }

    /// What may still be charged.
    fn available(&self) -> Balance {
        match self.total {
            StorageDeposit::Charge(charged) => self.limit.saturating_sub(charged),
            StorageDeposit::Refund(refunded) => self.limit.saturating_add(refunded),
        }
    }

    /// A meter for a frame; a `limit` of zero means no limit but what is left.
    pub(crate) fn nested(&self, limit: Balance) -> Self {
        let available = self.available();
        match available.min(limit) {
            0 => Self::new(available),
            limit => Self { own_limit: true, ..Self::new(limit) },
        }
    }

    /// What this frame changed of its contract's storage.
    pub(crate) fn diff(&mut self) -> Option<&mut Diff> {
        match &mut self.own {
            Own::Open(diff) => Some(diff),
            Own::Settled(_) | Own::Terminated { .. } => None,
        }
    }

    /// Records what is owed or comes back at once: not for stored values.
    pub(crate) fn record(&mut self, contract: AccountId, amount: StorageDeposit) {
        self.total = self.total.saturating_add(amount);
        self.push(Entry { contract, amount, beneficiary: None });
    }

    /// Counts what was paid already.
    pub(crate) fn count(&mut self, amount: Balance) {
        self.total = self.total.saturating_add(StorageDeposit::Charge(amount));
    }

    fn push(&mut self, entry: Entry) {
        let nothing = matches!(entry.amount, StorageDeposit::Charge(0) | StorageDeposit::Refund(0));
        if !nothing || entry.beneficiary.is_some() {
            self.entries.push(entry);
        }
    }

    /// The contract removed itself. What the frame had stored before does not matter any more.
    pub(crate) fn terminate(&mut self, record: &ContractInfo, beneficiary: AccountId) {
        let refund = record
            .storage_base_deposit
            .saturating_add(record.storage_byte_deposit)
            .saturating_add(record.storage_item_deposit);
        self.own = Own::Terminated { refund, beneficiary };
    }

    /// Whether this contract removed itself in what was called from here.
    pub(crate) fn has_terminated(&self, contract: &AccountId) -> bool {
        self.entries.iter().any(|entry| entry.beneficiary.is_some() && entry.contract == *contract)
    }

    /// Works out what the frame's own storage comes to, and writes it into the contract's record, which is `None` if the
    /// contract removed itself.
    fn settle_own(&mut self, prices: &Deposits, record: Option<&mut ContractInfo>) -> StorageDeposit {
        match (&self.own, record) {
            (Own::Open(diff), Some(record)) => {
                let amount = diff.apply(prices, record);
                self.own = Own::Settled(amount);
                amount
            }
            (Own::Open(_), None) => StorageDeposit::Charge(0),
            (Own::Settled(amount), _) => *amount,
            (Own::Terminated { refund, .. }, _) => StorageDeposit::Refund(*refund),
        }
    }

    /// Whether the frame changed what its record says of its storage.
    pub(crate) fn changes_record(&self) -> bool {
        matches!(&self.own, Own::Open(diff) if *diff != Diff::default())
    }

    /// Fails if the frame and all that was called from it cost more than the limit.
    pub(crate) fn enforce(
        &mut self,
        prices: &Deposits,
        record: Option<&mut ContractInfo>,
    ) -> Result<(), Error> {
        let own = self.settle_own(prices, record);
        if self.total.saturating_add(own).charge_or_zero() > self.limit {
            return Err(Error::StorageDepositLimitExhausted);
        }
        Ok(())
    }

    /// [`DepositMeter::enforce`], if the limit was asked for.
    pub(crate) fn enforce_own_limit(
        &mut self,
        prices: &Deposits,
        record: Option<&mut ContractInfo>,
    ) -> Result<(), Error> {
        if self.own_limit { self.enforce(prices, record) } else { Ok(()) }
    }

    /// Takes over what a frame comes to that ended well.
    pub(crate) fn absorb(
        &mut self,
        mut nested: Self,
        contract: AccountId,
        prices: &Deposits,
        record: Option<&mut ContractInfo>,
    ) {
        let amount = nested.settle_own(prices, record);
        let beneficiary = match nested.own {
            Own::Terminated { beneficiary, .. } => Some(beneficiary),
            Own::Open(_) | Own::Settled(_) => None,
        };
        self.total = self.total.saturating_add(nested.total).saturating_add(amount);
        if self.entries.is_empty() {
            self.entries = nested.entries;
        } else {
            self.entries.append(&mut nested.entries);
        }
        self.push(Entry { contract, amount, beneficiary });
    }

    /// What all of it comes to, and the entries to settle.
    pub(crate) fn finish(self) -> (StorageDeposit, Vec<Entry>) {
        (self.total, self.entries)
    }
}

impl<C> Contracts<C> {
    /// Moves what is owed to and from `origin`: all refunds first, then all charges, each in its order.
    ///
    /// A refund of what is only charged in this same call cannot be paid yet; it is then taken off those charges. So what
    /// is held of a contract is always what its record says.
    pub(crate) fn settle(
        &self,
        ctx: &mut Context<'_, '_>,
        origin: &AccountId,
        entries: &[Entry],
    ) -> Result<(), Fault> {
        let unaffordable = |failure: Failure| match failure {
            Failure::Dispatch(_) => Fault::Error(Error::StorageDepositNotEnoughFunds),
            Failure::State(_) => Fault::Failure(failure),
        };
        let reason = self.reason(HoldReason::StorageDepositReserve);
        let mut unpaid: Vec<(AccountId, Balance)> = Vec::new();
        for Entry { contract, amount, beneficiary } in entries {
            let StorageDeposit::Refund(amount) = *amount else { continue };
            let paid = amount.min(self.balances.balance_on_hold(ctx, reason, contract)?);
            if paid > 0 {
                self.balances.transfer_on_hold(ctx, reason, contract, origin, paid).map_err(unaffordable)?;
                let event = Event::StorageDepositTransferredAndReleased {
                    from: *contract,
                    to: *origin,
                    amount: paid,
                };
                ctx.emit(self.index, &event);
            }
            if paid < amount {
                unpaid.push((*contract, amount - paid));
            }
            if let Some(beneficiary) = beneficiary {
                self.empty(ctx, contract, beneficiary).map_err(unaffordable)?;
            }
        }
        for Entry { contract, amount, .. } in entries {
            let StorageDeposit::Charge(mut amount) = *amount else { continue };
            for (_, rest) in unpaid.iter_mut().filter(|(owed, _)| owed == contract) {
                let offset = amount.min(*rest);
                amount -= offset;
                *rest -= offset;
            }
            if amount > 0 {
                self.balances
                    .transfer_and_hold(ctx, reason, origin, contract, amount)
                    .map_err(unaffordable)?;
                let event = Event::StorageDepositTransferredAndHeld { from: *origin, to: *contract, amount };
                ctx.emit(self.index, &event);
            }
        }
        Ok(())
    }

    /// Moves all that a removed contract owns to its beneficiary.
    fn empty(
        &self,
        ctx: &mut Context<'_, '_>,
        contract: &AccountId,
        beneficiary: &AccountId,
    ) -> Result<(), Failure> {
        self.balances.system.dec_consumers(ctx, contract)?;
        let all = self.balances.reducible_balance(ctx, contract, false)?;
        self.balances.transfer(ctx, contract, beneficiary, all, false)
    }
}
