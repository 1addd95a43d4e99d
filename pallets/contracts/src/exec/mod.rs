//! Runs contracts: a stack of frames, each with its gas, its deposits and a layer of state of its own.
//!
//! ```text
//! bare_call ──► Stack ──► frame ──► Machine::run ──► host function ──► frame ──► …
//!                           │ ends well: its layer, deposits and record become its caller's
//!                           │ reverts, fails: they are gone; what it left of its gas comes back
//! all has ended ──► deposits are settled with the origin
//! ```
//!
//! # Invariants
//!
//! - The node's own failure ([`Failure::State`]) ends the whole stack: no contract sees it, no dispatch error hides it.
//! - A contract's record is written only if it changed, a value only if it changed, a balance only if something moves: so
//!   calls of one contract conflict over the values that they change, and nothing else.
//! - What is held of a contract is what its record says, between transactions.

mod fault;
mod life;
mod stack;
#[cfg(test)]
pub(crate) mod tests;

use alloc::vec::Vec;

use basalt_primitives::{AccountId, Balance, DispatchError, H256, Weight};
use basalt_state::{StateError, StateRead};
use basalt_support::{Context, Failure, RuntimeCall};

pub(crate) use fault::{ExecError, Fault};
pub(crate) use life::NestedInstantiate;
pub(crate) use stack::{End, Frame, NestedCall, Stack};

use crate::{
    Contracts, Error,
    deposit::DepositMeter,
    gas::GasMeter,
    types::{Determinism, ExecReturnValue, Origin, StorageDeposit},
};

/// Who calls a contract.
pub(crate) type Caller = Origin;

/// What a call may use, and how it runs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terms {
    /// The most gas.
    pub(crate) gas_limit: Weight,
    /// The most that storage may cost; `None` for as much as the chain and the origin's balance allow.
    pub(crate) storage_deposit_limit: Option<Balance>,
    /// Whether what contracts say is kept.
    pub(crate) debug: bool,
    /// [`Determinism::Relaxed`] in dry runs only.
    pub(crate) determinism: Determinism,
}

/// What came of a call.
#[derive(Debug)]
pub(crate) struct Outcome<T> {
    /// What it returned.
    pub(crate) result: Result<T, Failure>,
    /// What it used in the end.
    pub(crate) gas_consumed: Weight,
    /// The limit that it needs.
    pub(crate) gas_required: Weight,
    /// What storage cost.
    pub(crate) storage_deposit: StorageDeposit,
    /// What contracts said.
    pub(crate) debug_message: Vec<u8>,
}

impl<T> Outcome<T> {
    /// Nothing ran.
    fn failed(failure: Failure) -> Self {
        Self {
            result: Err(failure),
            gas_consumed: Weight::zero(),
            gas_required: Weight::zero(),
            storage_deposit: StorageDeposit::default(),
            debug_message: Vec::new(),
        }
    }
}

impl<C: RuntimeCall> Contracts<C> {
    /// Calls a contract. The caller opens a layer around it, and drops the layer if the result is an error or a revert.
    pub(crate) fn bare_call(
        &self,
        ctx: &mut Context<'_, '_>,
        caller: Caller,
        dest: AccountId,
        value: Balance,
        terms: Terms,
        data: Vec<u8>,
    ) -> Outcome<ExecReturnValue> {
        self.run(ctx, caller, value, terms, |stack, ctx| stack.call_first(ctx, dest, value, data))
    }

    /// Makes a contract of code that was uploaded before.
    #[expect(clippy::too_many_arguments, reason = "they are the call's")]
    pub(crate) fn bare_instantiate(
        &self,
        ctx: &mut Context<'_, '_>,
        caller: AccountId,
        code_hash: H256,
        value: Balance,
        terms: Terms,
        data: Vec<u8>,
        salt: Vec<u8>,
    ) -> Outcome<(AccountId, ExecReturnValue)> {
        let origin = Origin::Signed(caller);
        self.run(ctx, origin, value, terms, |stack, ctx| {
            stack.instantiate_first(ctx, caller, code_hash, value, data, &salt)
        })
    }

    fn run<'c, 's, T>(
        &self,
        ctx: &mut Context<'c, 's>,
        origin: Origin,
        value: Balance,
        terms: Terms,
        body: impl FnOnce(&mut Stack<'_, C>, &mut Context<'c, 's>) -> Result<T, ExecError>,
    ) -> Outcome<T> {
        ctx.unless_reentered(|ctx| {
            let machine = match ctx.machine() {
                Ok(machine) => machine,
                Err(error) => return Outcome::failed(error.into()),
            };
            let limit = match self.deposit_limit(ctx, &origin, value, terms.storage_deposit_limit) {
                Ok(limit) => limit,
                Err(fault) => return Outcome::failed(self.failure(fault)),
            };
            let gas = GasMeter::new(terms.gas_limit);
            let mut stack = Stack::new(self, machine, origin, &terms, gas, DepositMeter::new(limit));
            let result = body(&mut stack, ctx).map_err(|error| error.fault);
            let (gas, deposit, debug_message) = stack.finish();
            let settled = result.and_then(|value| Ok((value, self.finish(ctx, &origin, deposit)?)));
            let (result, storage_deposit) = match settled {
                Ok((value, storage_deposit)) => (Ok(value), storage_deposit),
                Err(fault) => (Err(self.failure(fault)), StorageDeposit::default()),
            };
            let (gas_consumed, gas_required) = (gas.consumed(), gas.required());
            Outcome { result, gas_consumed, gas_required, storage_deposit, debug_message }
        })
        .unwrap_or_else(|| Outcome::failed(self.error(Error::ReentranceDenied).into()))
    }

    /// Settles the deposits. Root pays none, and gets none.
    fn finish(
        &self,
        ctx: &mut Context<'_, '_>,
        origin: &Origin,
        deposit: DepositMeter,
    ) -> Result<StorageDeposit, Fault> {
        let Origin::Signed(origin) = origin else { return Ok(StorageDeposit::default()) };
        let (total, entries) = deposit.finish();
        self.settle(ctx, origin, &entries)?;
        Ok(total)
    }

    /// The most that this call's storage may cost.
    fn deposit_limit(
        &self,
        ctx: &Context<'_, '_>,
        origin: &Origin,
        value: Balance,
        limit: Option<Balance>,
    ) -> Result<Balance, Fault> {
        let Origin::Signed(origin) = origin else {
            return Ok(limit.unwrap_or(self.deposits.default_limit));
        };
        let account = self.balances.system.open_account(ctx, origin)?;
        let affordable = self
            .balances
            .reducible(&account.info, true)
            .saturating_sub(value)
            .saturating_sub(self.balances.existential_deposit);
        match limit {
            None => Ok(affordable.min(self.deposits.default_limit)),
            Some(limit) if limit <= affordable => Ok(limit),
            Some(_) => Err(Error::StorageDepositNotEnoughFunds.into()),
        }
    }

    /// A fault as the dispatcher knows it.
    pub(crate) fn failure(&self, fault: Fault) -> Failure {
        match fault {
            Fault::Error(error) => self.error(error).into(),
            Fault::Failure(failure) => failure,
        }
    }
}

/// The time of the block.
pub(crate) fn now(state: &(impl StateRead + ?Sized)) -> Result<u64, StateError> {
    basalt_pallet_timestamp::NOW.get_or_default(state)
}

impl From<DispatchError> for Fault {
    fn from(error: DispatchError) -> Self {
        Self::Failure(error.into())
    }
}
