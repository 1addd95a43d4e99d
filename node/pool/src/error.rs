//! Why a transaction is not in the pool, in the words and numbers that Substrate's clients know.

use basalt_primitives::{
    H256, InvalidTransaction, TransactionValidityError, transaction_validity::TransactionPriority,
};
use basalt_runtime_api::{Refusal, ValidateError};
use basalt_state::StateError;

/// Why a transaction was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind}")]
pub struct PoolError {
    /// Which transaction; none if it was not even decoded.
    pub hash: Option<H256>,
    /// Why.
    pub kind: PoolErrorKind,
}

/// The reasons.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PoolErrorKind {
    /// The runtime refuses it.
    #[error("{}: {}", .0.error, .0.detail)]
    Refused(Refusal),
    /// The same transaction was included or found invalid a short time ago.
    #[error(
        "the transaction was included or found invalid within the last blocks; send another one, or wait some blocks"
    )]
    Banned,
    /// The same transaction is in the pool.
    #[error("the transaction is in the pool already")]
    AlreadyImported,
    /// The sender has another transaction with this nonce that pays about as much or more.
    #[error(
        "a transaction with this nonce and priority {old} is in the pool; to replace it, raise the tip until the priority \
         {new} becomes at least {}", needed_priority(*old)
    )]
    PriorityTooLow {
        /// The priority of the one in the pool.
        old: TransactionPriority,
        /// The priority of this one.
        new: TransactionPriority,
    },
    /// Another transaction without a sender does the same.
    #[error("a transaction that does the same is in the pool already; wait until it is included")]
    SameBare,
    /// The pool has no room for it.
    #[error("{0}")]
    Full(Full),
    /// The state could not be read: no fault of the transaction.
    #[error("the transaction could not be checked: {0}")]
    State(StateError),
    /// The node is shutting down.
    #[error("the transaction pool has stopped because the node is shutting down")]
    Stopped,
}

/// What is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Full {
    /// The sender's share.
    #[error(
        "the sender has as many transactions or bytes in the pool as one sender may; wait until some are included"
    )]
    Sender,
    /// The part for transactions without a sender.
    #[error("the pool holds as many transactions without a sender as it may; wait until some are included")]
    Bare,
    /// The pool, with transactions that pay more.
    #[error("the pool is full of transactions that pay more; raise the tip, or wait")]
    Pool,
    /// The way to the pool.
    #[error("more transactions are waiting to be checked than this node can hold; send it again in a moment")]
    Queue,
    /// The list of watched transactions.
    #[error("this node watches as many transactions as it can; submit it without watching, or wait")]
    Watchers,
}

/// The least priority that replaces a transaction of priority `old`: 10 % more, and 1 more at least. Without such a
/// step, a sender could make all nodes exchange a transaction again and again for next to nothing.
pub(crate) fn needed_priority(old: TransactionPriority) -> u128 {
    let old = u128::from(old);
    (old + old.div_ceil(10)).max(old + 1)
}

impl PoolError {
    pub(crate) fn new(hash: H256, kind: PoolErrorKind) -> Self {
        Self { hash: Some(hash), kind }
    }

    pub(crate) fn stopped() -> Self {
        Self { hash: None, kind: PoolErrorKind::Stopped }
    }

    pub(crate) fn queue_full() -> Self {
        Self { hash: None, kind: PoolErrorKind::Full(Full::Queue) }
    }

    pub(crate) fn of_validation(hash: H256, error: ValidateError) -> Self {
        Self::new(
            hash,
            match error {
                ValidateError::Refused(refusal) => PoolErrorKind::Refused(refusal),
                ValidateError::State(error) => PoolErrorKind::State(error),
            },
        )
    }

    /// The code of the JSON-RPC error, as Substrate's nodes number them.
    pub fn code(&self) -> i32 {
        match &self.kind {
            PoolErrorKind::Refused(Refusal { error: TransactionValidityError::Invalid(_), .. }) => 1010,
            PoolErrorKind::Refused(Refusal { error: TransactionValidityError::Unknown(_), .. }) => 1011,
            PoolErrorKind::Banned => 1012,
            PoolErrorKind::AlreadyImported | PoolErrorKind::SameBare => 1013,
            PoolErrorKind::PriorityTooLow { .. } => 1014,
            PoolErrorKind::Full(_) => 1016,
            PoolErrorKind::State(_) | PoolErrorKind::Stopped => 1040,
        }
    }

    /// The message of the JSON-RPC error, as Substrate's nodes write it.
    pub fn message(&self) -> String {
        match &self.kind {
            PoolErrorKind::Refused(Refusal { error: TransactionValidityError::Invalid(_), .. }) => {
                "Invalid Transaction".into()
            }
            PoolErrorKind::Refused(Refusal { error: TransactionValidityError::Unknown(_), .. }) => {
                "Unknown Transaction Validity".into()
            }
            PoolErrorKind::Banned => "Transaction is temporarily banned".into(),
            PoolErrorKind::AlreadyImported | PoolErrorKind::SameBare => "Transaction Already Imported".into(),
            PoolErrorKind::PriorityTooLow { old, new } => format!("Priority is too low: ({old} vs {new})"),
            PoolErrorKind::Full(_) => "Immediately Dropped".into(),
            PoolErrorKind::State(_) => "Client error: the transaction could not be checked".into(),
            PoolErrorKind::Stopped => "The node is shutting down".into(),
        }
    }

    /// The data of the JSON-RPC error: first the text that wallets search for, then cause and remedy for people.
    pub fn data(&self) -> Option<String> {
        Some(match &self.kind {
            PoolErrorKind::Refused(Refusal { error, detail }) => match error {
                TransactionValidityError::Invalid(error) => with_detail(&error.to_string(), detail),
                // The reference writes the variant's name here.
                TransactionValidityError::Unknown(error) => with_detail(&format!("{error:?}"), detail),
            },
            PoolErrorKind::AlreadyImported => format!("{:?}", self.hash.unwrap_or_default()),
            kind @ PoolErrorKind::PriorityTooLow { .. } => with_detail(
                "The transaction has too low priority to replace another transaction already in the pool.",
                &kind.to_string(),
            ),
            PoolErrorKind::Full(full) => {
                with_detail("The transaction couldn't enter the pool because of the limit", &full.to_string())
            }
            kind @ (PoolErrorKind::Banned
            | PoolErrorKind::SameBare
            | PoolErrorKind::State(_)
            | PoolErrorKind::Stopped) => kind.to_string(),
        })
    }

    /// Whether an honest node would never have passed this transaction on: its sender may be blamed, and its hash be
    /// refused for a while without another look.
    pub fn is_bad_transaction(&self) -> bool {
        match &self.kind {
            PoolErrorKind::Refused(Refusal { error, .. }) => match error {
                TransactionValidityError::Invalid(error) => match error {
                    // No state makes these good: whoever sends them did not look.
                    InvalidTransaction::Call
                    | InvalidTransaction::BadProof
                    | InvalidTransaction::BadMandatory
                    | InvalidTransaction::MandatoryValidation
                    | InvalidTransaction::BadSigner => true,
                    // These depend on the head, and the other node may have another one.
                    InvalidTransaction::Payment
                    | InvalidTransaction::Future
                    | InvalidTransaction::Stale
                    | InvalidTransaction::AncientBirthBlock
                    | InvalidTransaction::ExhaustsResources
                    | InvalidTransaction::Custom(_)
                    | InvalidTransaction::IndeterminateImplicit
                    | InvalidTransaction::UnknownOrigin => false,
                },
                // It could not be found out, so nobody is to blame.
                TransactionValidityError::Unknown(_) => false,
            },
            // Gossip brings the same transaction from many sides, and late.
            PoolErrorKind::Banned
            | PoolErrorKind::AlreadyImported
            | PoolErrorKind::SameBare
            | PoolErrorKind::PriorityTooLow { .. } => false,
            // Ours.
            PoolErrorKind::Full(_) | PoolErrorKind::State(_) | PoolErrorKind::Stopped => false,
        }
    }

    /// Whether the very same transaction may be taken later.
    pub fn is_transient(&self) -> bool {
        match &self.kind {
            PoolErrorKind::Refused(Refusal { error, .. }) => match error {
                TransactionValidityError::Invalid(error) => match error {
                    // Funds may arrive, predecessors too, and the next block has room again.
                    InvalidTransaction::Payment
                    | InvalidTransaction::Future
                    | InvalidTransaction::ExhaustsResources => true,
                    // Nonces and eras only move on; the rest is in the bytes.
                    InvalidTransaction::Stale
                    | InvalidTransaction::AncientBirthBlock
                    | InvalidTransaction::Call
                    | InvalidTransaction::BadProof
                    | InvalidTransaction::BadMandatory
                    | InvalidTransaction::MandatoryValidation
                    | InvalidTransaction::BadSigner
                    | InvalidTransaction::IndeterminateImplicit
                    | InvalidTransaction::UnknownOrigin
                    | InvalidTransaction::Custom(_) => false,
                },
                TransactionValidityError::Unknown(_) => true,
            },
            // Bans end, and room is made by every block.
            PoolErrorKind::Banned | PoolErrorKind::Full(_) => true,
            // It is there, or a better one is.
            PoolErrorKind::AlreadyImported
            | PoolErrorKind::SameBare
            | PoolErrorKind::PriorityTooLow { .. } => false,
            PoolErrorKind::State(_) | PoolErrorKind::Stopped => true,
        }
    }
}

fn with_detail(text: &str, detail: &str) -> String {
    if detail.is_empty() { text.to_owned() } else { format!("{text}: {detail}") }
}
