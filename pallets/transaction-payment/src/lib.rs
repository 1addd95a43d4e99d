//! Charge transactions for what they use, and share out the fees.
//!
//! ```text
//! fee = base weight + bytes + weight × multiplier, tip on top
//! ```
//!
//! Before a call runs, the most it can cost is withdrawn from the sender; afterwards what it did not use goes back.
//! What stays is added to a pot, and the pot is shared out once, at the end of the block: so the author, the treasury
//! and the total issuance are no places over which transactions conflict.
//!
//! # State
//!
//! | item                | value       | changed by                                   |
//! |---------------------|-------------|----------------------------------------------|
//! | `NextFeeMultiplier` | `FixedU128` | the end of each block, by how full it was     |
//! | `CollectedFees`     | `u128`      | each transaction adds; empty between blocks   |
//! | `CollectedTips`     | `u128`      | each transaction adds; empty between blocks   |
//!
//! # Invariants
//!
//! - Nothing is created or lost: withdrawn = refunded + collected; collected = author + treasury + burnt.
//! - The multiplier stays within [`MULTIPLIER_MIN`] and [`MULTIPLIER_MAX`].
//!
//! # Out of scope
//!
//! Fees in other tokens. What a contract's gas costs: it is weight by the time it gets here.
#![no_std]
#![cfg_attr(not(test), deny(clippy::unwrap_used))]

extern crate alloc;

pub mod pallet;
#[cfg(test)]
extern crate std;
#[cfg(test)]
mod tests;
mod types;

use alloc::string::String;

use basalt_pallet_balances::Balances;
use basalt_pallet_system::OpenAccount;
use basalt_primitives::{AccountId, Balance, FixedU128, Pays, Permill, Weight};
use basalt_state::{StateError, StateRead};
use basalt_support::{
    BlockLimits, BlockSummary, CallResult, Context, DispatchInfo, Failure, Fatal, Origin, Pallet, PostInfo,
    Value,
    metadata::{Constant, PalletMetadata},
    weight::MICROSECOND,
};
use scale_info::meta_type;

pub use pallet::{Call, Event};
pub use types::{FeeDetails, InclusionFee, RuntimeDispatchInfo};

/// By what the weight part of the next block's fees is multiplied. Absent means one.
pub const NEXT_FEE_MULTIPLIER: Value<FixedU128> = Value::optional("TransactionPayment", "NextFeeMultiplier");
/// Fees of this block so far, without tips.
pub const COLLECTED_FEES: Value<Balance> = Value::defaulted("TransactionPayment", "CollectedFees");
/// Tips of this block so far.
pub const COLLECTED_TIPS: Value<Balance> = Value::defaulted("TransactionPayment", "CollectedTips");

/// The multiplier never falls below one: a quiet chain has predictable fees.
pub const MULTIPLIER_MIN: FixedU128 = FixedU128::one();
/// Nor does it rise beyond a thousand, whatever an attacker pays for.
pub const MULTIPLIER_MAX: FixedU128 = FixedU128::saturating_from_integer(1_000);

/// How full with normal transactions a block should be, as parts per million: beyond it fees rise.
const TARGET_FULLNESS: u128 = 250_000;
/// Change of the multiplier per block at full deviation, as parts per million: a full block raises fees by 0.06 %, a
/// minute of full blocks, one per second, by 3.6 %.
const ADJUSTMENT: u128 = 750;
const MILLION: u128 = 1_000_000;

/// Who gets the fees. What is left over is burnt.
#[derive(Debug, Clone, Copy)]
pub struct FeeSplit {
    /// The author's share. Tips are the author's as a whole.
    pub author: Permill,
    /// The treasury's share. It gets the author's too if nobody knows the author.
    pub treasury: Permill,
}

/// The pallet.
#[derive(Debug, Clone)]
pub struct TransactionPayment {
    /// Its index in the runtime.
    pub index: u8,
    /// The token.
    pub balances: Balances,
    /// How large blocks are: what fullness is measured against, and the base weight of a transaction.
    pub limits: BlockLimits,
    /// Price of a microsecond of `ref_time`, in the smallest unit.
    pub fee_per_microsecond: Balance,
    /// Price of a byte, in the smallest unit.
    pub fee_per_byte: Balance,
    /// For clients that compute priorities; operational transactions pay the same fee.
    pub operational_fee_multiplier: u8,
    /// Who gets the fees.
    pub split: FeeSplit,
    /// The treasury's account.
    pub treasury: AccountId,
}

/// What was withdrawn before a call ran.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Withdrawn {
    details: FeeDetails,
    multiplier: FixedU128,
    charged: bool,
}

/// What a transaction paid in the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settled {
    /// The fee without the tip.
    pub fee: Balance,
    /// The tip.
    pub tip: Balance,
}

impl TransactionPayment {
    /// The fee for this much weight, before the multiplier. Fractions are rounded down.
    pub fn weight_to_fee(&self, weight: Weight) -> Balance {
        u128::from(weight.ref_time).saturating_mul(self.fee_per_microsecond) / u128::from(MICROSECOND)
    }

    /// The fee for this many bytes.
    pub fn length_to_fee(&self, bytes: u32) -> Balance {
        u128::from(bytes).saturating_mul(self.fee_per_byte)
    }

    /// The most a transaction costs on top of `state`, part by part.
    pub fn fee(
        &self,
        state: &(impl StateRead + ?Sized),
        info: &DispatchInfo,
        bytes: u32,
        tip: Balance,
    ) -> Result<FeeDetails, StateError> {
        Ok(self.details(multiplier(state)?, info.weight, info.pays_fee, bytes, tip))
    }

    /// Weight, class and fee without tip, as clients ask for them.
    pub fn query_info(
        &self,
        state: &(impl StateRead + ?Sized),
        info: &DispatchInfo,
        bytes: u32,
    ) -> Result<RuntimeDispatchInfo, StateError> {
        let partial_fee = self.fee(state, info, bytes, 0)?.total();
        let weight = info.weight.saturating_add(self.limits.weight_base_transaction);
        Ok(RuntimeDispatchInfo { weight, class: info.class, partial_fee })
    }

    fn details(
        &self,
        multiplier: FixedU128,
        weight: Weight,
        pays: Pays,
        bytes: u32,
        tip: Balance,
    ) -> FeeDetails {
        let inclusion_fee = (pays == Pays::Yes).then(|| InclusionFee {
            base_fee: self.weight_to_fee(self.limits.weight_base_transaction),
            len_fee: self.length_to_fee(bytes),
            adjusted_weight_fee: multiplier.saturating_mul_int(self.weight_to_fee(weight)),
        });
        FeeDetails { inclusion_fee, tip }
    }

    /// Takes the most this transaction can cost from the sender, who must keep the existential deposit. Writes what else
    /// has changed in the sender's account, too, whether anything is taken or not.
    pub fn withdraw(
        &self,
        ctx: &mut Context<'_, '_>,
        sender: &mut OpenAccount<'_>,
        info: &DispatchInfo,
        bytes: u32,
        tip: Balance,
    ) -> Result<Withdrawn, Failure> {
        let multiplier = multiplier(ctx)?;
        let details = self.details(multiplier, info.weight, info.pays_fee, bytes, tip);
        let charged = info.pays_fee == Pays::Yes || tip > 0;
        if charged {
            self.balances.take_from(ctx, sender, details.total(), true)?;
        } else {
            self.balances.system.store_account(ctx, sender);
        }
        Ok(Withdrawn { details, multiplier, charged })
    }

    /// Gives back what was not used, collects the rest and records it.
    pub fn settle(
        &self,
        ctx: &mut Context<'_, '_>,
        who: &AccountId,
        withdrawn: Withdrawn,
        info: &DispatchInfo,
        post: &PostInfo,
    ) -> Result<Settled, StateError> {
        let most = withdrawn.details.total();
        let tip = withdrawn.details.tip;
        let pays = if info.pays_fee == Pays::No { Pays::No } else { post.pays_fee };
        let due = match (pays, post.actual_weight, withdrawn.details.inclusion_fee) {
            (Pays::No, ..) | (_, _, None) => 0,
            (Pays::Yes, actual, Some(fee)) => {
                let weight = actual.map_or(info.weight, |actual| actual.min(info.weight));
                let weight_fee = withdrawn.multiplier.saturating_mul_int(self.weight_to_fee(weight));
                fee.base_fee
                    .saturating_add(fee.len_fee)
                    .saturating_add(weight_fee.min(fee.adjusted_weight_fee))
            }
        };
        let paid = due.saturating_add(tip).min(most);
        let refund = most.saturating_sub(paid);
        let fee = paid.saturating_sub(tip);
        if withdrawn.charged {
            // An account that died in its own transaction gets no refund, which stays in the pot: it would be born
            // again with a nonce of zero, and its old transactions could be replayed.
            let lives = refund > 0 && self.balances.system.account(ctx, who)?.exists();
            let refunded = refund == 0 || (lives && self.pay(ctx, who, refund)?);
            let fee = if refunded { fee } else { fee.saturating_add(refund) };
            self.collect(ctx, fee, tip)?;
            ctx.emit(
                self.index,
                &Event::TransactionFeePaid { who: *who, actual_fee: fee.saturating_add(tip), tip },
            );
            return Ok(Settled { fee, tip });
        }
        Ok(Settled { fee: 0, tip: 0 })
    }

    /// Pays out of what was withdrawn; returns whether the account could take it.
    fn pay(&self, ctx: &mut Context<'_, '_>, who: &AccountId, amount: Balance) -> Result<bool, StateError> {
        match self.balances.give(ctx, who, amount) {
            Ok(()) => Ok(true),
            Err(Failure::Dispatch(_)) => Ok(false),
            Err(Failure::State(error)) => Err(error),
        }
    }

    fn collect(&self, ctx: &mut Context<'_, '_>, fee: Balance, tip: Balance) -> Result<(), StateError> {
        if fee > 0 {
            COLLECTED_FEES.add(ctx, delta(fee))?;
        }
        if tip > 0 {
            COLLECTED_TIPS.add(ctx, delta(tip))?;
        }
        Ok(())
    }

    /// What is collected and belongs to nobody yet: part of the issuance that no account holds.
    pub fn pots(&self, state: &(impl StateRead + ?Sized)) -> Result<Balance, StateError> {
        let fees = COLLECTED_FEES.get_or_default(state)?;
        Ok(fees.saturating_add(COLLECTED_TIPS.get_or_default(state)?))
    }

    fn share_out(&self, ctx: &mut Context<'_, '_>) -> Result<(), StateError> {
        let fees = COLLECTED_FEES.get_or_default(ctx)?;
        let tips = COLLECTED_TIPS.get_or_default(ctx)?;
        if fees == 0 && tips == 0 {
            return Ok(());
        }
        COLLECTED_FEES.remove(ctx);
        COLLECTED_TIPS.remove(ctx);
        let author_share = self.split.author.mul_floor(fees);
        let treasury_share = self.split.treasury.mul_floor(fees).min(fees.saturating_sub(author_share));
        let mut burnt = fees.saturating_sub(author_share).saturating_sub(treasury_share);
        let author_share = author_share.saturating_add(tips);
        let author = ctx.env().author.unwrap_or(self.treasury);
        for (account, share) in [(author, author_share), (self.treasury, treasury_share)] {
            // A share below the existential deposit cannot open an account: it is burnt.
            if share > 0 && !self.pay(ctx, &account, share)? {
                burnt = burnt.saturating_add(share);
            }
        }
        self.balances.burn_unowned(ctx, burnt)
    }
}

/// The multiplier in force.
pub fn multiplier(state: &(impl StateRead + ?Sized)) -> Result<FixedU128, StateError> {
    Ok(NEXT_FEE_MULTIPLIER.get(state)?.unwrap_or(MULTIPLIER_MIN))
}

/// A fee as a delta. Fees are parts of balances, and the issuance stays below `i128::MAX` (checked when issued).
fn delta(amount: Balance) -> i128 {
    i128::try_from(amount).unwrap_or(i128::MAX)
}

/// The multiplier after a block: it rises above the target fullness and falls below it, a little per block.
fn adjusted(multiplier: FixedU128, summary: &BlockSummary) -> FixedU128 {
    let max = u128::from(summary.weight_normal_max.ref_time.max(1));
    let fullness = (u128::from(summary.weight_normal.ref_time).saturating_mul(MILLION) / max).min(MILLION);
    let change = |deviation: u128| {
        FixedU128::from_rational(deviation.saturating_mul(ADJUSTMENT), MILLION * MILLION)
            .saturating_mul(multiplier)
    };
    let next = if fullness >= TARGET_FULLNESS {
        multiplier.saturating_add(change(fullness - TARGET_FULLNESS))
    } else {
        multiplier.saturating_sub(change(TARGET_FULLNESS - fullness))
    };
    next.clamp(MULTIPLIER_MIN, MULTIPLIER_MAX)
}

impl Pallet for TransactionPayment {
    const NAME: &'static str = "TransactionPayment";
    type Call = Call;

    fn index(&self) -> u8 {
        self.index
    }

    fn metadata(&self) -> PalletMetadata {
        PalletMetadata {
            name: Self::NAME,
            index: self.index,
            storage: [
                NEXT_FEE_MULTIPLIER.entry(&["By what the weight part of fees is multiplied; one if absent."]),
                COLLECTED_FEES.entry(&["Fees of this block so far, without tips; empty between blocks."]),
                COLLECTED_TIPS.entry(&["Tips of this block so far; empty between blocks."]),
            ]
            .into(),
            calls: None,
            event: Some(meta_type::<Event>()),
            error: None,
            constants: [
                Constant::new(
                    "OperationalFeeMultiplier",
                    &self.operational_fee_multiplier,
                    &["For priorities of operational transactions."],
                ),
                Constant::new(
                    "FeePerMicrosecond",
                    &self.fee_per_microsecond,
                    &["Price of a microsecond of ref_time, in the smallest unit."],
                ),
                Constant::new("FeePerByte", &self.fee_per_byte, &["Price of a byte, in the smallest unit."]),
            ]
            .into(),
            docs: ["Charge transactions for what they use, and share out the fees."].into(),
        }
    }

    fn info(&self, call: &Call) -> DispatchInfo {
        match *call {}
    }

    fn dispatch(&self, call: Call, _origin: Origin, _ctx: &mut Context<'_, '_>) -> CallResult {
        match call {}
    }

    fn end_block(&self, ctx: &mut Context<'_, '_>, summary: &BlockSummary) -> Result<(), Fatal> {
        self.share_out(ctx)?;
        let current = multiplier(ctx)?;
        let next = adjusted(current, summary);
        if next != current {
            NEXT_FEE_MULTIPLIER.put(ctx, &next);
        }
        Ok(())
    }

    fn try_state(&self, state: &dyn StateRead) -> Result<(), String> {
        let multiplier = multiplier(state).map_err(|error| alloc::format!("{error}"))?;
        if !(MULTIPLIER_MIN..=MULTIPLIER_MAX).contains(&multiplier) {
            return Err(alloc::format!("NextFeeMultiplier {multiplier:?} is out of its bounds"));
        }
        Ok(())
    }
}
