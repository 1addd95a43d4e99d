//! Make a transaction: pure, so that tests need no node.

use basalt_pallet_balances as balances;
use basalt_pallet_system::AccountInfo;
use basalt_primitives::{
    AccountId, Additional, Balance, Extra, H256, OpaqueExtrinsic,
    extrinsic::{encode_signed, signing_payload},
    keys::Pair,
};
use basalt_runtime::RuntimeCall;
use parity_scale_codec::Encode;

/// A signed transaction as it is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cli) struct Signed {
    /// With the length before it.
    pub(in crate::cli) encoded: Vec<u8>,
    /// What clients know it by.
    pub(in crate::cli) hash: H256,
}

/// The call that moves an amount.
pub(in crate::cli) fn transfer_call(to: AccountId, amount: Balance, allow_death: bool) -> RuntimeCall {
    let dest = to.into();
    RuntimeCall::Balances(if allow_death {
        balances::Call::transfer_allow_death { dest, value: amount }
    } else {
        balances::Call::transfer_keep_alive { dest, value: amount }
    })
}

/// Signs a call.
pub(in crate::cli) fn sign(
    pair: &Pair,
    call: &RuntimeCall,
    extra: &Extra,
    additional: &Additional,
) -> Signed {
    let call = call.encode();
    let signature = pair.sign(&signing_payload(&call, extra, additional));
    let extrinsic = OpaqueExtrinsic(encode_signed(&pair.account_id().into(), &signature, extra, &call));
    Signed { hash: extrinsic.hash(), encoded: extrinsic.encode() }
}

/// A transfer that may be too much.
#[derive(Debug, Clone, Copy)]
pub(in crate::cli) struct Spending {
    /// What to send.
    pub(in crate::cli) amount: Balance,
    /// The most it costs, tip included.
    pub(in crate::cli) fee: Balance,
    /// The least an account may own.
    pub(in crate::cli) existential_deposit: Balance,
    /// Whether the sender's account may end.
    pub(in crate::cli) allow_death: bool,
}

/// Why a transfer would fail, and cost its fee all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) enum Shortfall {
    /// The sender owns too little.
    Sender {
        /// What it may spend, fees included.
        spendable: Balance,
        /// What it would spend; saturating.
        needed: Balance,
        /// Whether it would do if the account were allowed to end.
        enough_to_die: bool,
    },
    /// The receiver would own too little to be.
    Receiver,
}

impl Spending {
    /// Whether `sender` can afford it and `receiver` can take it, as far as their balances tell.
    pub(in crate::cli) fn check(
        &self,
        sender: &AccountInfo,
        receiver: &AccountInfo,
    ) -> Result<(), Shortfall> {
        let needed = self.amount.saturating_add(self.fee);
        // What is reserved counts first towards what is frozen.
        let frozen = sender.data.frozen.saturating_sub(sender.data.reserved);
        let must_stay = if self.allow_death { frozen } else { frozen.max(self.existential_deposit) };
        let spendable = sender.data.free.saturating_sub(must_stay);
        if needed > spendable {
            let enough_to_die = needed <= sender.data.free.saturating_sub(frozen);
            return Err(Shortfall::Sender { spendable, needed, enough_to_die });
        }
        let received = receiver.data.free.saturating_add(self.amount);
        if receiver.providers == 0 && received < self.existential_deposit && self.amount > 0 {
            return Err(Shortfall::Receiver);
        }
        Ok(())
    }
}
