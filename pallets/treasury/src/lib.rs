//! Spend what belongs to everybody.
//!
//! # Responsibility
//!
//! - The account that a share of fees goes to, and what is paid from it: at the end of a spend period (`spend_local`), or when
//!   the payee collects it (`spend`, `payout`).
//!
//! # State
//!
//! | item            | value                                  | changed by                             |
//! |-----------------|----------------------------------------|----------------------------------------|
//! | `Proposals`     | approved payments, by number           | `spend_local`, paying                  |
//! | `Approvals`     | those that wait for the period's end   | `spend_local`, `remove_approval`, paying |
//! | `Spends`        | payments to be collected               | `spend`, `payout`, `check_status`, `void_spend` |
//! | `ProposalCount`, `SpendCount` | the next numbers         | the same                               |
//! | `Deactivated`   | what of the treasury is not in the electorate | the end of each period          |
//!
//! # Invariants
//!
//! - No origin spends more with one call than its limit; the treasury's account is never emptied below the existential
//!   deposit, and nothing is paid twice.
//! - Each approval has its proposal, and numbers are below their counts. Checked by `try_state`.
//!
//! # Assumptions
//!
//! Origins of referenda cannot batch calls, so a limit for a call is one for a referendum.
//!
//! # Out of scope
//!
//! Other tokens than the native one: its kind is encoded as nothing. Bounties.
#![no_std]
#![cfg_attr(not(test), deny(clippy::unwrap_used))]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod pallet;
#[cfg(test)]
mod tests;

use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};

use basalt_pallet_balances::{Balances, INACTIVE_ISSUANCE};
use basalt_primitives::{
    AccountId, Balance, BlockNumber, DispatchClass, DispatchError, MultiAddress, Pays, Permill, Weight,
};
use basalt_state::{StateError, StateRead};
use basalt_support::{
    CallResult, Context, DispatchInfo, Failure, Fatal, Map, Origin, Pallet, PostInfo, Value,
    metadata::{Constant, PalletMetadata},
    module_error,
    storage::Twox64Concat,
    weight,
};
use parity_scale_codec::{Decode, Encode};
use scale_info::{TypeInfo, meta_type};

pub use pallet::{Call, Error, Event};

/// The most payments that wait for the end of a period.
pub const APPROVALS_MAX: u32 = 100;

/// How many payments were approved by `spend_local`.
pub const PROPOSAL_COUNT: Value<u32> = Value::defaulted("Treasury", "ProposalCount");
/// Approved payments that are not made yet.
pub const PROPOSALS: Map<Twox64Concat, u32, Proposal> = Map::optional("Treasury", "Proposals");
/// What of the treasury is counted as taking no part in governance.
pub const DEACTIVATED: Value<Balance> = Value::defaulted("Treasury", "Deactivated");
/// The payments that wait for the end of the period.
pub const APPROVALS: Value<Vec<u32>> = Value::defaulted("Treasury", "Approvals");
/// How many payments were approved by `spend`.
pub const SPEND_COUNT: Value<u32> = Value::defaulted("Treasury", "SpendCount");
/// Payments to be collected.
pub const SPENDS: Map<Twox64Concat, u32, SpendStatus> = Map::optional("Treasury", "Spends");

/// An approved payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_treasury", "pallet_treasury"))]
pub struct Proposal {
    /// The same as the beneficiary.
    pub proposer: AccountId,
    /// How much.
    pub value: Balance,
    /// To whom.
    pub beneficiary: AccountId,
    /// Always nothing.
    pub bond: Balance,
}

/// How far a payment is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_treasury", "pallet_treasury"))]
pub enum PaymentState {
    /// It can be collected.
    #[codec(index = 0)]
    Pending,
    /// It was made.
    #[codec(index = 1)]
    Attempted {
        /// Payments of the native token have no number.
        id: (),
    },
    /// It failed. Not used: a payment that fails is as if nobody had asked for it.
    #[codec(index = 2)]
    Failed,
}

/// A payment to be collected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_treasury", "pallet_treasury"))]
pub struct SpendStatus {
    /// The native token.
    pub asset_kind: (),
    /// How much.
    pub amount: Balance,
    /// To whom.
    pub beneficiary: AccountId,
    /// From which block.
    pub valid_from: BlockNumber,
    /// Up to which block, that one not included.
    pub expire_at: BlockNumber,
    /// How far it is.
    pub status: PaymentState,
}

/// The pallet.
#[derive(Debug, Clone, Copy)]
pub struct Treasury {
    /// Its index in the runtime.
    pub index: u8,
    /// The token.
    pub balances: Balances,
    /// The treasury's account.
    pub account: AccountId,
    /// After how many blocks what was approved is paid.
    pub spend_period: fn(&dyn StateRead) -> Result<BlockNumber, StateError>,
    /// The same as clients are told, on chains that do not change it.
    pub spend_period_default: BlockNumber,
    /// Which share of what is left is burnt then.
    pub burn: fn(&dyn StateRead) -> Result<Permill, StateError>,
    /// The same as clients are told.
    pub burn_default: Permill,
    /// For how many blocks a payment can be collected.
    pub payout_period: BlockNumber,
    /// How much an origin may spend with one call; nothing if `None`.
    pub spend_limit: fn(&dyn StateRead, &Origin) -> Result<Option<Balance>, StateError>,
    /// Who may take an approval back.
    pub rejecter: fn(&Origin) -> bool,
}

impl Treasury {
    fn error(&self, error: Error) -> Failure {
        module_error(self.index, &error)
    }

    /// What can be spent: the account lives on.
    pub fn pot(&self, state: &(impl StateRead + ?Sized)) -> Result<Balance, StateError> {
        self.balances.reducible_balance(state, &self.account, true)
    }

    /// At the end of a spend period: pays what was approved as long as it lasts, and burns a share of the rest. Returns what that
    /// weighed.
    ///
    /// # Errors
    ///
    /// Only if the state cannot be read.
    pub fn service(&self, ctx: &mut Context<'_, '_>) -> Result<Weight, Fatal> {
        let period = (self.spend_period)(ctx)?.max(1);
        if !ctx.block_number().is_multiple_of(period) {
            return Ok(weight::operations(1, 0));
        }
        ctx.emit(self.index, &Event::Spending { budget_remaining: self.pot(ctx)? });
        let approvals = APPROVALS.get_or_default(ctx)?;
        let used = weight::operations(7, 5).saturating_add(
            weight::operations(2, 3).saturating_mul(u64::try_from(approvals.len()).unwrap_or(u64::MAX)),
        );
        let mut waiting = Vec::new();
        for index in &approvals {
            let paid = ctx.layer(|ctx| self.award(ctx, *index));
            match paid {
                Ok(()) => {}
                Err(Failure::State(error)) => return Err(error.into()),
                // Too little for this one, or its payee cannot be paid so little: the next period may be better.
                Err(Failure::Dispatch(_)) => waiting.push(*index),
            }
        }
        if waiting != approvals {
            put_or_remove(ctx, &waiting);
        }
        if waiting.is_empty() {
            self.burn_surplus(ctx)?;
        }
        self.deactivate(ctx)?;
        ctx.emit(self.index, &Event::Rollover { rollover_balance: self.pot(ctx)? });
        Ok(used)
    }

    fn award(&self, ctx: &mut Context<'_, '_>, index: u32) -> Result<(), Failure> {
        let Some(Proposal { value, beneficiary, .. }) = PROPOSALS.take(ctx, &index)? else { return Ok(()) };
        self.balances.transfer(ctx, &self.account, &beneficiary, value, true)?;
        ctx.emit(self.index, &Event::Awarded { proposal_index: index, award: value, account: beneficiary });
        Ok(())
    }

    fn burn_surplus(&self, ctx: &mut Context<'_, '_>) -> Result<(), StateError> {
        let burnt_funds = (self.burn)(ctx)?.mul_floor(self.pot(ctx)?);
        if burnt_funds == 0 {
            return Ok(());
        }
        match self.balances.burn_from(ctx, &self.account, burnt_funds, true) {
            Ok(()) => {
                ctx.emit(self.index, &Event::Burnt { burnt_funds });
                Ok(())
            }
            Err(Failure::State(error)) => Err(error),
            // Less than the pot can always be burnt; if not, nothing is.
            Err(Failure::Dispatch(_)) => Ok(()),
        }
    }

    /// Nobody votes with the treasury: it does not count when a referendum needs support.
    fn deactivate(&self, ctx: &mut Context<'_, '_>) -> Result<(), StateError> {
        let (pot, before) = (self.pot(ctx)?, DEACTIVATED.get_or_default(ctx)?);
        if pot == before {
            return Ok(());
        }
        let inactive = INACTIVE_ISSUANCE.get_or_default(ctx)?;
        INACTIVE_ISSUANCE.put(ctx, &inactive.saturating_sub(before).saturating_add(pot));
        DEACTIVATED.put(ctx, &pot);
        ctx.emit(self.index, &Event::UpdatedInactive { reactivated: before, deactivated: pot });
        Ok(())
    }

    /// Whether the origin may spend this much.
    fn ensure_limit(&self, ctx: &Context<'_, '_>, origin: &Origin, amount: Balance) -> Result<(), Failure> {
        match (self.spend_limit)(ctx, origin)? {
            None => Err(DispatchError::BadOrigin.into()),
            Some(limit) if amount > limit => Err(self.error(Error::InsufficientPermission)),
            Some(_) => Ok(()),
        }
    }

    fn spend_local(
        &self,
        ctx: &mut Context<'_, '_>,
        amount: Balance,
        beneficiary: AccountId,
    ) -> Result<(), Failure> {
        let mut approvals = APPROVALS.get_or_default(ctx)?;
        if approvals.len() >= APPROVALS_MAX as usize {
            return Err(self.error(Error::TooManyApprovals));
        }
        let proposal_index = PROPOSAL_COUNT.get_or_default(ctx)?;
        PROPOSAL_COUNT.put(ctx, &next(proposal_index)?);
        approvals.push(proposal_index);
        APPROVALS.put(ctx, &approvals);
        let proposal = Proposal { proposer: beneficiary, value: amount, beneficiary, bond: 0 };
        PROPOSALS.put(ctx, &proposal_index, &proposal);
        ctx.emit(self.index, &Event::SpendApproved { proposal_index, amount, beneficiary });
        Ok(())
    }

    fn remove_approval(&self, ctx: &mut Context<'_, '_>, index: u32) -> Result<(), Failure> {
        let mut approvals = APPROVALS.get_or_default(ctx)?;
        let place = approvals.iter().position(|other| *other == index);
        approvals.remove(place.ok_or_else(|| self.error(Error::ProposalNotApproved))?);
        put_or_remove(ctx, &approvals);
        PROPOSALS.remove(ctx, &index);
        Ok(())
    }

    fn spend(
        &self,
        ctx: &mut Context<'_, '_>,
        amount: Balance,
        beneficiary: AccountId,
        valid_from: Option<BlockNumber>,
    ) -> Result<(), Failure> {
        let now = ctx.block_number();
        let valid_from = valid_from.unwrap_or(now);
        let expire_at = valid_from.saturating_add(self.payout_period);
        if expire_at <= now {
            return Err(self.error(Error::SpendExpired));
        }
        let index = SPEND_COUNT.get_or_default(ctx)?;
        SPEND_COUNT.put(ctx, &next(index)?);
        let status = PaymentState::Pending;
        let spend = SpendStatus { asset_kind: (), amount, beneficiary, valid_from, expire_at, status };
        SPENDS.put(ctx, &index, &spend);
        ctx.emit(
            self.index,
            &Event::AssetSpendApproved { index, asset_kind: (), amount, beneficiary, valid_from, expire_at },
        );
        Ok(())
    }

    fn spend_of(&self, state: &impl StateRead, index: u32) -> Result<SpendStatus, Failure> {
        SPENDS.get(state, &index)?.ok_or_else(|| self.error(Error::InvalidIndex))
    }

    fn payout(&self, ctx: &mut Context<'_, '_>, index: u32) -> Result<(), Failure> {
        let spend = self.spend_of(ctx, index)?;
        let now = ctx.block_number();
        if now < spend.valid_from {
            return Err(self.error(Error::EarlyPayout));
        }
        if now >= spend.expire_at {
            return Err(self.error(Error::SpendExpired));
        }
        if spend.status != PaymentState::Pending {
            return Err(self.error(Error::AlreadyAttempted));
        }
        match self.balances.transfer(ctx, &self.account, &spend.beneficiary, spend.amount, true) {
            Ok(()) => {}
            Err(Failure::Dispatch(_)) => return Err(self.error(Error::PayoutError)),
            Err(broken) => return Err(broken),
        }
        SPENDS.put(ctx, &index, &SpendStatus { status: PaymentState::Attempted { id: () }, ..spend });
        ctx.emit(self.index, &Event::Paid { index, payment_id: () });
        Ok(())
    }

    /// Removes a payment that was made, or that nobody collected.
    fn check_status(&self, ctx: &mut Context<'_, '_>, index: u32) -> Result<(), Failure> {
        let spend = self.spend_of(ctx, index)?;
        if spend.status == PaymentState::Pending && ctx.block_number() < spend.expire_at {
            return Err(self.error(Error::NotAttempted));
        }
        SPENDS.remove(ctx, &index);
        ctx.emit(self.index, &Event::SpendProcessed { index });
        Ok(())
    }

    fn void_spend(&self, ctx: &mut Context<'_, '_>, index: u32) -> Result<(), Failure> {
        if self.spend_of(ctx, index)?.status != PaymentState::Pending {
            return Err(self.error(Error::AlreadyAttempted));
        }
        SPENDS.remove(ctx, &index);
        ctx.emit(self.index, &Event::AssetSpendVoided { index });
        Ok(())
    }

    fn check(&self, state: &dyn StateRead) -> Result<Result<(), String>, StateError> {
        let (proposals, spends) = (PROPOSAL_COUNT.get_or_default(state)?, SPEND_COUNT.get_or_default(state)?);
        let approvals = APPROVALS.get_or_default(state)?;
        for index in &approvals {
            if !PROPOSALS.contains(state, index)? {
                return Ok(Err(format!("payment {index} is approved and does not exist")));
            }
        }
        let mut known = 0usize;
        for entry in PROPOSALS.iter(state) {
            let (index, _) = entry?;
            known += 1;
            if index >= proposals {
                return Ok(Err(format!("payment {index} is beyond the count {proposals}")));
            }
        }
        if known != approvals.len() {
            return Ok(Err(format!("{known} payments, {} of which are approved", approvals.len())));
        }
        for entry in SPENDS.iter(state) {
            let (index, spend) = entry?;
            if index >= spends || spend.valid_from >= spend.expire_at {
                return Ok(Err(format!("payment {index} of {spends} is {spend:?}")));
            }
        }
        if DEACTIVATED.get_or_default(state)? > INACTIVE_ISSUANCE.get_or_default(state)? {
            return Ok(Err("more of the treasury is inactive than there is inactive".into()));
        }
        Ok(Ok(()))
    }
}

fn next(index: u32) -> Result<u32, Failure> {
    Ok(index.checked_add(1).ok_or(basalt_primitives::ArithmeticError::Overflow)?)
}

fn put_or_remove(ctx: &mut Context<'_, '_>, approvals: &Vec<u32>) {
    if approvals.is_empty() {
        APPROVALS.remove(ctx);
    } else {
        APPROVALS.put(ctx, approvals);
    }
}

/// The account that an address names.
fn lookup(address: &MultiAddress) -> Result<AccountId, Failure> {
    address.account_id().ok_or(Failure::Dispatch(DispatchError::CannotLookup))
}

impl Pallet for Treasury {
    const NAME: &'static str = "Treasury";
    type Call = Call;

    fn index(&self) -> u8 {
        self.index
    }

    fn metadata(&self) -> PalletMetadata {
        PalletMetadata {
            name: Self::NAME,
            index: self.index,
            storage: [
                PROPOSAL_COUNT.entry(&["How many payments were approved by `spend_local`."]),
                PROPOSALS.entry(&["Approved payments that are not made yet."]),
                DEACTIVATED.entry(&["What of the treasury is counted as taking no part in governance."]),
                APPROVALS.entry(&["The payments that wait for the end of the period."]),
                SPEND_COUNT.entry(&["How many payments were approved by `spend`."]),
                SPENDS.entry(&["Payments to be collected."]),
            ]
            .into(),
            calls: Some(meta_type::<Call>()),
            event: Some(meta_type::<Event>()),
            error: Some(meta_type::<Error>()),
            constants: [
                Constant::new("SpendPeriod", &self.spend_period_default, &["After how many blocks is paid."]),
                Constant::new("Burn", &self.burn_default, &["Which share of what is left is burnt then."]),
                Constant::new("PalletId", b"py/trsry", &["By what the treasury's account is made."]),
                Constant::new("MaxApprovals", &APPROVALS_MAX, &["The most payments that wait."]),
                Constant::new(
                    "PayoutPeriod",
                    &self.payout_period,
                    &["For how many blocks a payment can be collected."],
                ),
                Constant::new("pot_account", &self.account, &["The treasury's account."]),
            ]
            .into(),
            docs: ["Spend what belongs to everybody."].into(),
        }
    }

    fn info(&self, call: &Call) -> DispatchInfo {
        let weight = match call {
            Call::spend_local { .. } => weight::operations(3, 3),
            Call::remove_approval { .. } => weight::operations(1, 2),
            Call::spend { .. } => weight::operations(2, 2),
            Call::payout { .. } => weight::operations(3, 4),
            Call::check_status { .. } | Call::void_spend { .. } => weight::operations(1, 1),
        };
        DispatchInfo { weight, class: DispatchClass::Normal, pays_fee: Pays::Yes }
    }

    fn dispatch(&self, call: Call, origin: Origin, ctx: &mut Context<'_, '_>) -> CallResult {
        let rejecter = |origin: &Origin| -> Result<(), Failure> {
            if (self.rejecter)(origin) { Ok(()) } else { Err(DispatchError::BadOrigin.into()) }
        };
        match call {
            Call::spend_local { amount, beneficiary } => {
                self.ensure_limit(ctx, &origin, amount)?;
                self.spend_local(ctx, amount, lookup(&beneficiary)?)?;
            }
            Call::remove_approval { proposal_id } => {
                rejecter(&origin)?;
                self.remove_approval(ctx, proposal_id)?;
            }
            Call::spend { asset_kind: _, amount, beneficiary, valid_from } => {
                self.ensure_limit(ctx, &origin, amount)?;
                self.spend(ctx, amount, lookup(&beneficiary)?, valid_from)?;
            }
            Call::payout { index } => {
                origin.signed()?;
                self.payout(ctx, index)?;
            }
            Call::check_status { index } => {
                origin.signed()?;
                self.check_status(ctx, index)?;
                return Ok(PostInfo { actual_weight: None, pays_fee: Pays::No });
            }
            Call::void_spend { index } => {
                rejecter(&origin)?;
                self.void_spend(ctx, index)?;
            }
        }
        Ok(PostInfo::default())
    }

    fn try_state(&self, state: &dyn StateRead) -> Result<(), String> {
        self.check(state).map_err(|error| error.to_string())?
    }
}
