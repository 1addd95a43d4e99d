//! Whether a transaction may enter the pool or a block.

use alloc::{vec, vec::Vec};

use parity_scale_codec::{Decode, Encode};
use scale_info::TypeInfo;

/// Orders transactions of the pool: higher goes first.
pub type TransactionPriority = u64;
/// For how many blocks a validity holds.
pub type TransactionLongevity = u64;
/// What a transaction requires from, or provides to, others.
pub type TransactionTag = Vec<u8>;
/// What validating a transaction yields.
pub type TransactionValidity = Result<ValidTransaction, TransactionValidityError>;

/// Why a transaction can never be valid on this state. The texts are those that wallets search for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, TypeInfo, thiserror::Error)]
#[scale_info(replace_segment("basalt_primitives", "sp_runtime"))]
pub enum InvalidTransaction {
    /// The call is not expected here.
    #[error("Transaction call is not expected")]
    Call,
    /// The sender cannot pay.
    #[error("Inability to pay some fees (e.g. account balance too low)")]
    Payment,
    /// The nonce is too high.
    #[error("Transaction will be valid in the future")]
    Future,
    /// The nonce was used, or the era ended.
    #[error("Transaction is outdated")]
    Stale,
    /// The signature does not match the signed bytes: another key, chain, spec version, era or call.
    #[error("Transaction has a bad signature")]
    BadProof,
    /// The era began before the oldest block hash that the chain keeps, or has ended.
    #[error("Transaction has an ancient birth block")]
    AncientBirthBlock,
    /// The transaction does not fit into this block, or any.
    #[error("Transaction would exhaust the block limits")]
    ExhaustsResources,
    /// An error that the chain numbers itself.
    #[error("Custom error: {0}")]
    Custom(u8),
    /// An inherent failed, which makes the block invalid.
    #[error("A call was labelled as mandatory, but resulted in an Error.")]
    BadMandatory,
    /// An inherent was sent to the pool.
    #[error("Transaction dispatch is mandatory; transactions must not be validated.")]
    MandatoryValidation,
    /// The sender cannot sign: the zero account, or an address that is no account.
    #[error("Invalid signing address")]
    BadSigner,
    /// The bytes that are signed but not sent could not be computed.
    #[error("The implicit data was unable to be calculated")]
    IndeterminateImplicit,
    /// No extension gave the transaction an origin.
    #[error("The transaction extension did not authorize any origin")]
    UnknownOrigin,
}

/// Why the validity of a transaction could not be found out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, TypeInfo, thiserror::Error)]
#[scale_info(replace_segment("basalt_primitives", "sp_runtime"))]
pub enum UnknownTransaction {
    /// Something that the transaction names could not be looked up.
    #[error("Could not lookup information required to validate the transaction")]
    CannotLookup,
    /// Nothing validates unsigned transactions of this call.
    #[error("Could not find an unsigned validator for the unsigned transaction")]
    NoUnsignedValidator,
    /// An error that the chain numbers itself.
    #[error("Custom error: {0}")]
    Custom(u8),
}

/// Why a transaction is not known to be valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, TypeInfo, thiserror::Error)]
#[scale_info(replace_segment("basalt_primitives", "sp_runtime"))]
pub enum TransactionValidityError {
    /// It is invalid.
    #[error(transparent)]
    Invalid(InvalidTransaction),
    /// One cannot tell.
    #[error(transparent)]
    Unknown(UnknownTransaction),
}

impl TransactionValidityError {
    /// Whether the block is full rather than the transaction bad: it may go into a later block.
    pub fn exhausted_resources(&self) -> bool {
        matches!(self, Self::Invalid(InvalidTransaction::ExhaustsResources))
    }
}

impl From<InvalidTransaction> for TransactionValidityError {
    fn from(error: InvalidTransaction) -> Self {
        Self::Invalid(error)
    }
}

impl From<UnknownTransaction> for TransactionValidityError {
    fn from(error: UnknownTransaction) -> Self {
        Self::Unknown(error)
    }
}

/// What the pool needs to know of a valid transaction.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[scale_info(replace_segment("basalt_primitives", "sp_runtime"))]
pub struct ValidTransaction {
    /// Higher goes first, among those whose requirements are met.
    pub priority: TransactionPriority,
    /// Tags that others must provide before.
    pub requires: Vec<TransactionTag>,
    /// Tags that this one provides, such as sender and nonce.
    pub provides: Vec<TransactionTag>,
    /// For how many blocks this holds before it has to be checked again.
    pub longevity: TransactionLongevity,
    /// Whether to pass it on to other nodes.
    pub propagate: bool,
}

impl Default for ValidTransaction {
    fn default() -> Self {
        Self { priority: 0, requires: vec![], provides: vec![], longevity: u64::MAX, propagate: true }
    }
}

/// Where a transaction came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[scale_info(replace_segment("basalt_primitives", "sp_runtime"))]
pub enum TransactionSource {
    /// It is in a block already.
    InBlock,
    /// This node made it.
    Local,
    /// A user or another node sent it.
    External,
}
