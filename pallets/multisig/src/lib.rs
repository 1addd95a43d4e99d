//! Act together: accounts that some of several owners control.
//!
//! # State
//!
//! | item        | key                       | value                                            |
//! |-------------|---------------------------|--------------------------------------------------|
//! | `Multisigs` | account, hash of the call | who opened the operation, when, and who approves |
//!
//! # Flow
//!
//! ```text
//! as_multi / approve_as_multi (first owner)  ─► operation opened, deposit reserved
//! approve_as_multi (further owners)          ─► approval noted
//! as_multi (the one that makes it enough)    ─► deposit returned, call made from the common account
//! cancel_as_multi (who opened it)            ─► deposit returned
//! ```
//!
//! # Invariants
//!
//! - The common account follows from owners and threshold alone ([`multi_account_id`]), as on Substrate chains: nobody
//!   registers it.
//! - A call is made from it only if `threshold` distinct owners approved exactly this call, in one operation.
//! - Each operation has the deposit of whom opened it reserved, and gives it back when it ends.
//!
//! # Assumptions
//!
//! Owners send the account list sorted, so that it has one form. Clients do.
//!
//! # Out of scope
//!
//! Storing the call itself: who sends the last approval sends it. Changing owners: that makes another account.
#![no_std]
#![cfg_attr(not(test), deny(clippy::unwrap_used))]

extern crate alloc;

pub mod pallet;
#[cfg(test)]
mod tests;

use alloc::{boxed::Box, vec::Vec};
use core::marker::PhantomData;

use basalt_pallet_balances::Balances;
use basalt_primitives::{
    AccountId, ArithmeticError, Balance, BlockNumber, DispatchClass, Pays, Weight, hashing::blake2_256,
};
use basalt_support::{
    CallFailure, CallResult, Context, DispatchInfo, DoubleMap, Failure, Origin, Pallet, PostInfo,
    RuntimeCall,
    metadata::{Constant, PalletMetadata},
    module_error, recorded,
    storage::{Blake2_128Concat, Twox64Concat},
    weight,
};
use parity_scale_codec::Encode;
use scale_info::meta_type;

pub use pallet::{Call, Error, Event, Multisig, Operation, Timepoint};

/// The operations that wait for approvals.
pub const MULTISIGS: DoubleMap<Twox64Concat, AccountId, Blake2_128Concat, [u8; 32], Operation> =
    DoubleMap::optional("Multisig", "Multisigs");

/// The pallet. `C` is the runtime's call.
#[derive(Debug)]
pub struct Multisigs<C> {
    /// Its index in the runtime.
    pub index: u8,
    /// Where deposits are reserved.
    pub balances: Balances,
    /// What an open operation reserves of its opener.
    pub deposit_base: Balance,
    /// And for each that must approve.
    pub deposit_factor: Balance,
    /// The most owners of an account.
    pub signatories_max: u32,
    /// The runtime's call.
    pub calls: PhantomData<fn() -> C>,
}

/// An account of several owners, as one of them names it.
struct Common {
    id: AccountId,
    threshold: u16,
}

/// The account that any `threshold` of `owners` control: the same one as on Substrate chains. `owners` are in order.
pub fn multi_account_id(owners: &[AccountId], threshold: u16) -> AccountId {
    AccountId::from((b"modlpy/utilisuba", owners, threshold).using_encoded(blake2_256))
}

impl<C: RuntimeCall> Pallet for Multisigs<C> {
    const NAME: &'static str = "Multisig";
    type Call = Call<C>;

    fn index(&self) -> u8 {
        self.index
    }

    fn metadata(&self) -> PalletMetadata {
        PalletMetadata {
            name: Self::NAME,
            index: self.index,
            storage: [MULTISIGS.entry(&["The operations that wait for approvals."])].into(),
            calls: Some(meta_type::<Call<C>>()),
            event: Some(meta_type::<Event>()),
            error: Some(meta_type::<Error>()),
            constants: [
                Constant::new("DepositBase", &self.deposit_base, &["What an open operation reserves."]),
                Constant::new(
                    "DepositFactor",
                    &self.deposit_factor,
                    &["What it reserves in addition for each that must approve."],
                ),
                Constant::new("MaxSignatories", &self.signatories_max, &["The most owners of an account."]),
            ]
            .into(),
            docs: ["Act together: accounts that some of several owners control."].into(),
        }
    }

    fn info(&self, call: &Call<C>) -> DispatchInfo {
        match call {
            Call::as_multi_threshold_1 { other_signatories, call } => {
                let inner = call.info();
                let own = weight::CALL.saturating_add(of_owners(other_signatories));
                DispatchInfo {
                    weight: own.saturating_add(inner.weight),
                    // An account of several owners may not borrow a class that only inherents have.
                    class: match inner.class {
                        DispatchClass::Operational => DispatchClass::Operational,
                        _ => DispatchClass::Normal,
                    },
                    pays_fee: Pays::Yes,
                }
            }
            Call::as_multi { other_signatories, call, max_weight, .. } => {
                let length = u64::try_from(call.encoded_size()).unwrap_or(u64::MAX);
                let own = self.own_weight(other_signatories).saturating_add(weight::bytes(length));
                DispatchInfo::normal(own.saturating_add(*max_weight))
            }
            Call::approve_as_multi { other_signatories, .. }
            | Call::cancel_as_multi { other_signatories, .. } => {
                DispatchInfo::normal(self.own_weight(other_signatories))
            }
        }
    }

    fn dispatch(&self, call: Call<C>, origin: Origin, ctx: &mut Context<'_, '_>) -> CallResult {
        let who = origin.signed()?;
        match call {
            Call::as_multi_threshold_1 { other_signatories, call } => {
                let own = weight::CALL.saturating_add(of_owners(&other_signatories));
                let common = self.common(&who, other_signatories, 1)?;
                let declared = call.info().weight;
                let (post, result) = recorded(call.dispatch(Origin::Signed(common.id), ctx))?;
                let used = own.saturating_add(post.actual_weight.unwrap_or(declared));
                let post = PostInfo { actual_weight: Some(used), pays_fee: post.pays_fee };
                match result {
                    Ok(()) => Ok(post),
                    Err(error) => Err(CallFailure { failure: error.into(), post }),
                }
            }
            Call::as_multi { threshold, other_signatories, maybe_timepoint, call, max_weight } => {
                let info = self.own_weight(&other_signatories);
                let common = self.several(&who, other_signatories, threshold)?;
                self.propose(who, &common, maybe_timepoint, call, max_weight, info, ctx)
            }
            Call::approve_as_multi { threshold, other_signatories, maybe_timepoint, call_hash, .. } => {
                let common = self.several(&who, other_signatories, threshold)?;
                self.approve(who, &common, maybe_timepoint, call_hash, ctx)?;
                Ok(PostInfo::default())
            }
            Call::cancel_as_multi { threshold, other_signatories, timepoint, call_hash } => {
                let common = self.several(&who, other_signatories, threshold)?;
                self.cancel(who, &common, timepoint, call_hash, ctx)?;
                Ok(PostInfo::default())
            }
        }
    }
}

/// Sorting in and comparing the owners of an account, and hashing them.
fn of_owners(others: &[AccountId]) -> Weight {
    weight::bytes(u64::try_from(others.len()).unwrap_or(u64::MAX).saturating_mul(64))
}

impl<C: RuntimeCall> Multisigs<C> {
    fn error(&self, error: Error) -> Failure {
        module_error(self.index, &error)
    }

    /// The operation, the opener's account with what is reserved: read and written each.
    fn own_weight(&self, others: &[AccountId]) -> Weight {
        weight::operations(3, 3).saturating_add(of_owners(others))
    }

    fn several(&self, who: &AccountId, others: Vec<AccountId>, threshold: u16) -> Result<Common, Failure> {
        if threshold < 2 {
            return Err(self.error(Error::MinimumThreshold));
        }
        self.common(who, others, threshold)
    }

    /// The account that `who` and these others own.
    fn common(&self, who: &AccountId, others: Vec<AccountId>, threshold: u16) -> Result<Common, Failure> {
        if others.is_empty() || others.len() + 1 < usize::from(threshold) {
            return Err(self.error(Error::TooFewSignatories));
        }
        if others.len() >= usize::try_from(self.signatories_max).unwrap_or(usize::MAX) {
            return Err(self.error(Error::TooManySignatories));
        }
        if !others.is_sorted_by(|left, right| left < right) {
            return Err(self.error(Error::SignatoriesOutOfOrder));
        }
        let Err(place) = others.binary_search(who) else {
            return Err(self.error(Error::SenderInSignatories));
        };
        let mut owners = others;
        owners.insert(place, *who);
        Ok(Common { id: multi_account_id(&owners, threshold), threshold })
    }

    /// The operation, if it is the one that the sender means.
    fn meant(
        &self,
        ctx: &Context<'_, '_>,
        common: &Common,
        hash: &[u8; 32],
        when: Option<Timepoint<BlockNumber>>,
    ) -> Result<Option<Operation>, Failure> {
        let operation = MULTISIGS.get(ctx, &common.id, hash)?;
        match (&operation, when) {
            (None, None) => {}
            (None, Some(_)) => return Err(self.error(Error::UnexpectedTimepoint)),
            (Some(_), None) => return Err(self.error(Error::NoTimepoint)),
            (Some(open), Some(when)) if open.when != when => {
                return Err(self.error(Error::WrongTimepoint));
            }
            (Some(_), Some(_)) => {}
        }
        Ok(operation)
    }

    #[expect(clippy::too_many_arguments, reason = "the arguments of the call, and where it runs")]
    fn propose(
        &self,
        who: AccountId,
        common: &Common,
        when: Option<Timepoint<BlockNumber>>,
        call: Box<C>,
        max_weight: Weight,
        own: Weight,
        ctx: &mut Context<'_, '_>,
    ) -> CallResult {
        let length = u64::try_from(call.encoded_size()).unwrap_or(u64::MAX);
        let own = own.saturating_add(weight::bytes(length));
        let spent = PostInfo { actual_weight: Some(own), ..PostInfo::default() };
        let call_hash = call.using_encoded(blake2_256);
        let operation = self.meant(ctx, common, &call_hash, when)?;
        let Some(operation) = operation else {
            self.open(who, common, call_hash, ctx)?;
            return Ok(spent);
        };
        let fresh = operation.approvals.binary_search(&who).is_err();
        if operation.approvals.len() + usize::from(fresh) < usize::from(common.threshold) {
            self.note(who, common, call_hash, operation, ctx)?;
            return Ok(spent);
        }
        let declared = call.info().weight;
        if declared.any_gt(max_weight) {
            return Err(self.error(Error::MaxWeightTooLow).into());
        }
        // Gone before the call runs: made from inside itself, it would be another operation.
        MULTISIGS.remove(ctx, &common.id, &call_hash);
        self.balances.unreserve(ctx, &operation.depositor, operation.deposit)?;
        let (post, result) = recorded(call.dispatch(Origin::Signed(common.id), ctx))?;
        ctx.emit(
            self.index,
            &Event::MultisigExecuted {
                approving: who,
                timepoint: operation.when,
                multisig: common.id,
                call_hash,
                result,
            },
        );
        let used = own.saturating_add(post.actual_weight.unwrap_or(declared));
        Ok(PostInfo { actual_weight: Some(used), ..PostInfo::default() })
    }

    fn approve(
        &self,
        who: AccountId,
        common: &Common,
        when: Option<Timepoint<BlockNumber>>,
        call_hash: [u8; 32],
        ctx: &mut Context<'_, '_>,
    ) -> Result<(), Failure> {
        match self.meant(ctx, common, &call_hash, when)? {
            None => self.open(who, common, call_hash, ctx),
            Some(operation) if operation.approvals.len() >= usize::from(common.threshold) => {
                Err(self.error(Error::NoApprovalsNeeded))
            }
            Some(operation) => self.note(who, common, call_hash, operation, ctx),
        }
    }

    /// Notes one more approval.
    fn note(
        &self,
        who: AccountId,
        common: &Common,
        call_hash: [u8; 32],
        mut operation: Operation,
        ctx: &mut Context<'_, '_>,
    ) -> Result<(), Failure> {
        let Err(place) = operation.approvals.binary_search(&who) else {
            return Err(self.error(Error::AlreadyApproved));
        };
        operation.approvals.insert(place, who);
        MULTISIGS.put(ctx, &common.id, &call_hash, &operation);
        ctx.emit(
            self.index,
            &Event::MultisigApproval {
                approving: who,
                timepoint: operation.when,
                multisig: common.id,
                call_hash,
            },
        );
        Ok(())
    }

    /// Opens an operation with the sender's approval.
    fn open(
        &self,
        who: AccountId,
        common: &Common,
        call_hash: [u8; 32],
        ctx: &mut Context<'_, '_>,
    ) -> Result<(), Failure> {
        let deposit = self
            .deposit_factor
            .checked_mul(common.threshold.into())
            .and_then(|factor| factor.checked_add(self.deposit_base))
            .ok_or(ArithmeticError::Overflow)?;
        self.balances.reserve(ctx, &who, deposit)?;
        // Calls run in transactions; the scheduler's have no place in the block, and count as its first.
        let when =
            Timepoint { height: ctx.block_number(), index: ctx.transaction_index().unwrap_or_default() };
        let operation = Multisig { when, deposit, depositor: who, approvals: [who].into() };
        MULTISIGS.put(ctx, &common.id, &call_hash, &operation);
        ctx.emit(self.index, &Event::NewMultisig { approving: who, multisig: common.id, call_hash });
        Ok(())
    }

    fn cancel(
        &self,
        who: AccountId,
        common: &Common,
        timepoint: Timepoint<BlockNumber>,
        call_hash: [u8; 32],
        ctx: &mut Context<'_, '_>,
    ) -> Result<(), Failure> {
        let operation =
            MULTISIGS.get(ctx, &common.id, &call_hash)?.ok_or_else(|| self.error(Error::NotFound))?;
        if operation.when != timepoint {
            return Err(self.error(Error::WrongTimepoint));
        }
        if operation.depositor != who {
            return Err(self.error(Error::NotOwner));
        }
        self.balances.unreserve(ctx, &who, operation.deposit)?;
        MULTISIGS.remove(ctx, &common.id, &call_hash);
        ctx.emit(
            self.index,
            &Event::MultisigCancelled { cancelling: who, timepoint, multisig: common.id, call_hash },
        );
        Ok(())
    }
}
