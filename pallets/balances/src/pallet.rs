//! What clients see of this pallet: names, indices and fields are Substrate's.

use alloc::vec::Vec;

use basalt_primitives::{AccountId, Balance, MultiAddress};
use parity_scale_codec::{Decode, Encode};
use scale_info::TypeInfo;

use crate::types::{AdjustmentDirection, BalanceStatus, Reason};

/// What an account may ask of this pallet.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_balances", "pallet_balances"))]
#[expect(non_camel_case_types, reason = "variants are the names that clients call")]
pub enum Call {
    /// Moves an amount from the sender to another account. The sender's account may die of it; what is left below
    /// the existential deposit is then lost.
    #[codec(index = 0)]
    transfer_allow_death {
        /// The receiver.
        dest: MultiAddress,
        /// The amount in the smallest unit.
        #[codec(compact)]
        value: Balance,
    },
    /// Moves an amount from any account to another. Only root.
    #[codec(index = 2)]
    force_transfer {
        /// Who pays.
        source: MultiAddress,
        /// The receiver.
        dest: MultiAddress,
        /// The amount in the smallest unit.
        #[codec(compact)]
        value: Balance,
    },
    /// Moves an amount from the sender to another account, unless the sender's account would die of it.
    #[codec(index = 3)]
    transfer_keep_alive {
        /// The receiver.
        dest: MultiAddress,
        /// The amount in the smallest unit.
        #[codec(compact)]
        value: Balance,
    },
    /// Moves all that the sender may move to another account. What is reserved or frozen stays.
    #[codec(index = 4)]
    transfer_all {
        /// The receiver.
        dest: MultiAddress,
        /// Whether to leave the existential deposit, so that the sender's account lives on.
        keep_alive: bool,
    },
    /// Frees a reserved amount. Only root.
    #[codec(index = 5)]
    force_unreserve {
        /// Whose.
        who: MultiAddress,
        /// The most to free, in the smallest unit.
        amount: Balance,
    },
    /// Brings accounts to the newest rules. All accounts of this chain follow them already.
    #[codec(index = 6)]
    upgrade_accounts {
        /// The accounts.
        who: Vec<AccountId>,
    },
    /// Sets the free balance of an account, and issues or burns the difference. Only root.
    #[codec(index = 8)]
    force_set_balance {
        /// Whose.
        who: MultiAddress,
        /// The new free balance; below the existential deposit it counts as zero.
        #[codec(compact)]
        new_free: Balance,
    },
    /// Changes the total issuance without changing any balance. Only root. A decrease can only take back what was
    /// increased so before.
    #[codec(index = 9)]
    force_adjust_total_issuance {
        /// Up or down.
        direction: AdjustmentDirection,
        /// By how much, in the smallest unit; not zero.
        #[codec(compact)]
        delta: Balance,
    },
    /// Destroys an amount of the sender's, and lowers the total issuance by it.
    #[codec(index = 10)]
    burn {
        /// The amount in the smallest unit.
        #[codec(compact)]
        value: Balance,
        /// Whether the sender's account must live on.
        keep_alive: bool,
    },
}

/// What happened. `R` is how reasons are named: two bytes always, but a runtime tells clients which pallets have which.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_balances", "pallet_balances"))]
pub enum Event<R = Reason> {
    /// An account that owned nothing now owns something.
    #[codec(index = 0)]
    Endowed {
        /// The account.
        account: AccountId,
        /// What it owns and may use.
        free_balance: Balance,
    },
    /// An account fell below the existential deposit; the rest was destroyed.
    #[codec(index = 1)]
    DustLost {
        /// The account.
        account: AccountId,
        /// The rest.
        amount: Balance,
    },
    /// A transfer succeeded.
    #[codec(index = 2)]
    Transfer {
        /// Who paid.
        from: AccountId,
        /// Who got it.
        to: AccountId,
        /// The amount.
        amount: Balance,
    },
    /// Root set a balance.
    #[codec(index = 3)]
    BalanceSet {
        /// Whose.
        who: AccountId,
        /// The new free balance.
        free: Balance,
    },
    /// Free balance became reserved.
    #[codec(index = 4)]
    Reserved {
        /// Whose.
        who: AccountId,
        /// How much.
        amount: Balance,
    },
    /// Reserved balance became free.
    #[codec(index = 5)]
    Unreserved {
        /// Whose.
        who: AccountId,
        /// How much.
        amount: Balance,
    },
    /// Reserved balance went to another account.
    #[codec(index = 6)]
    ReserveRepatriated {
        /// Who lost it.
        from: AccountId,
        /// Who got it.
        to: AccountId,
        /// How much.
        amount: Balance,
        /// As what.
        destination_status: BalanceStatus,
    },
    /// An amount was paid in, for example a share of fees.
    #[codec(index = 7)]
    Deposit {
        /// To whom.
        who: AccountId,
        /// How much.
        amount: Balance,
    },
    /// An amount was taken, for example a fee.
    #[codec(index = 8)]
    Withdraw {
        /// From whom.
        who: AccountId,
        /// How much.
        amount: Balance,
    },
    /// An amount was taken as a punishment.
    #[codec(index = 9)]
    Slashed {
        /// From whom.
        who: AccountId,
        /// How much.
        amount: Balance,
    },
    /// An amount was newly issued to an account.
    #[codec(index = 10)]
    Minted {
        /// To whom.
        who: AccountId,
        /// How much.
        amount: Balance,
    },
    /// An amount of an account was destroyed.
    #[codec(index = 11)]
    Burned {
        /// Whose.
        who: AccountId,
        /// How much.
        amount: Balance,
    },
    /// An amount was suspended; it can be restored.
    #[codec(index = 12)]
    Suspended {
        /// Whose.
        who: AccountId,
        /// How much.
        amount: Balance,
    },
    /// A suspended amount was restored.
    #[codec(index = 13)]
    Restored {
        /// Whose.
        who: AccountId,
        /// How much.
        amount: Balance,
    },
    /// An account now follows the newest rules.
    #[codec(index = 14)]
    Upgraded {
        /// The account.
        who: AccountId,
    },
    /// The issuance rose, and nobody owns the difference yet.
    #[codec(index = 15)]
    Issued {
        /// How much.
        amount: Balance,
    },
    /// The issuance fell by what nobody owned.
    #[codec(index = 16)]
    Rescinded {
        /// How much.
        amount: Balance,
    },
    /// More became locked.
    #[codec(index = 17)]
    Locked {
        /// Whose.
        who: AccountId,
        /// How much more.
        amount: Balance,
    },
    /// Less is locked.
    #[codec(index = 18)]
    Unlocked {
        /// Whose.
        who: AccountId,
        /// How much less.
        amount: Balance,
    },
    /// More became frozen.
    #[codec(index = 19)]
    Frozen {
        /// Whose.
        who: AccountId,
        /// How much more.
        amount: Balance,
    },
    /// Less is frozen.
    #[codec(index = 20)]
    Thawed {
        /// Whose.
        who: AccountId,
        /// How much less.
        amount: Balance,
    },
    /// Root changed the total issuance.
    #[codec(index = 21)]
    TotalIssuanceForced {
        /// Before.
        old: Balance,
        /// After.
        new: Balance,
    },
    /// Free balance was set aside.
    #[codec(index = 22)]
    Held {
        /// What for.
        reason: R,
        /// Whose.
        who: AccountId,
        /// How much.
        amount: Balance,
    },
    /// What was set aside was destroyed.
    #[codec(index = 23)]
    BurnedHeld {
        /// What it was for.
        reason: R,
        /// Whose.
        who: AccountId,
        /// How much.
        amount: Balance,
    },
    /// What was set aside went to another account.
    #[codec(index = 24)]
    TransferOnHold {
        /// What it was for.
        reason: R,
        /// Who lost it.
        source: AccountId,
        /// Who got it.
        dest: AccountId,
        /// How much.
        amount: Balance,
    },
    /// Free balance went to another account, where it is set aside.
    #[codec(index = 25)]
    TransferAndHold {
        /// What for.
        reason: R,
        /// Who paid.
        source: AccountId,
        /// Where it is.
        dest: AccountId,
        /// How much.
        transferred: Balance,
    },
    /// What was set aside is free again.
    #[codec(index = 26)]
    Released {
        /// What it was for.
        reason: R,
        /// Whose.
        who: AccountId,
        /// How much.
        amount: Balance,
    },
}

/// Why a call of this pallet failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_balances", "pallet_balances"))]
pub enum Error {
    /// Too much is vesting still.
    #[codec(index = 0)]
    VestingBalance,
    /// Locks or freezes forbid it.
    #[codec(index = 1)]
    LiquidityRestrictions,
    /// The account owns too little.
    #[codec(index = 2)]
    InsufficientBalance,
    /// The amount is too small to create an account.
    #[codec(index = 3)]
    ExistentialDeposit,
    /// The account would die of it.
    #[codec(index = 4)]
    Expendability,
    /// There is a vesting schedule already.
    #[codec(index = 5)]
    ExistingVestingSchedule,
    /// The receiver must exist.
    #[codec(index = 6)]
    DeadAccount,
    /// The account has `MaxReserves` named reserves already.
    #[codec(index = 7)]
    TooManyReserves,
    /// The account has as many holds as it may have.
    #[codec(index = 8)]
    TooManyHolds,
    /// The account has `MaxFreezes` freezes, or `MaxLocks` locks, already.
    #[codec(index = 9)]
    TooManyFreezes,
    /// The issuance would fall below its inactive part.
    #[codec(index = 10)]
    IssuanceDeactivated,
    /// The change is zero.
    #[codec(index = 11)]
    DeltaZero,
}
