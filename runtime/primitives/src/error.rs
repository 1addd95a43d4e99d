//! Why a dispatched call failed, as events tell it to clients.

use parity_scale_codec::{Decode, Encode, MaxEncodedLen};
use scale_info::{
    Type, TypeInfo,
    build::{Fields, Variants},
};

use crate::type_info::path;

/// Why a call failed. The extrinsic stays in the block and its fee stays paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, thiserror::Error)]
pub enum DispatchError {
    /// Something without an own variant. The text is for logs of this node: it is not encoded, and decodes empty.
    #[codec(index = 0)]
    #[error("other error: {0}")]
    Other(#[codec(skip)] &'static str),
    /// An address could not be resolved to an account.
    #[codec(index = 1)]
    #[error("cannot look up the address")]
    CannotLookup,
    /// This origin may not make this call.
    #[codec(index = 2)]
    #[error("bad origin: this sender may not make this call")]
    BadOrigin,
    /// An error of a pallet.
    #[codec(index = 3)]
    #[error("pallet {} failed with error {}", .0.index, .0.error[0])]
    Module(ModuleError),
    /// The account still has consumers, so it cannot be destroyed.
    #[codec(index = 4)]
    #[error("consumer remaining: the account is still in use")]
    ConsumerRemaining,
    /// The account does not exist, so nothing may refer to it.
    #[codec(index = 5)]
    #[error("no providers: the account does not exist yet")]
    NoProviders,
    /// More things refer to the account than are allowed.
    #[codec(index = 6)]
    #[error("too many consumers of the account")]
    TooManyConsumers,
    /// Tokens could not be moved.
    #[codec(index = 7)]
    #[error(transparent)]
    Token(TokenError),
    /// A number would not fit.
    #[codec(index = 8)]
    #[error(transparent)]
    Arithmetic(ArithmeticError),
    /// Storage transactions nest too deeply, or one is missing.
    #[codec(index = 9)]
    #[error(transparent)]
    Transactional(TransactionalError),
    /// Resources are exhausted; a later attempt may succeed.
    #[codec(index = 10)]
    #[error("resources exhausted")]
    Exhausted,
    /// The state is corrupt; this is not the caller's fault.
    #[codec(index = 11)]
    #[error("state corrupt")]
    Corruption,
    /// Something needed, such as a preimage, is not there; a later attempt may succeed.
    #[codec(index = 12)]
    #[error("unavailable")]
    Unavailable,
    /// The root origin may not make this call.
    #[codec(index = 13)]
    #[error("root not allowed: this call wants another origin than root")]
    RootNotAllowed,
}

/// An error of a pallet: which pallet, and which of its errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen)]
pub struct ModuleError {
    /// The pallet's index in the metadata.
    pub index: u8,
    /// The encoded error; the first byte is its index in the pallet, the rest is for nested errors.
    pub error: [u8; 4],
}

/// Why tokens could not be moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, thiserror::Error)]
pub enum TokenError {
    /// Too few tokens, or they are not free.
    #[error("funds are unavailable")]
    FundsUnavailable,
    /// These tokens keep the account alive.
    #[error("account that must exist would die")]
    OnlyProvider,
    /// The receiver would own less than an account must.
    #[error("account cannot exist with the funds that would be given")]
    BelowMinimum,
    /// The receiver cannot be created.
    #[error("account cannot be created")]
    CannotCreate,
    /// No such asset.
    #[error("the asset in question is unknown")]
    UnknownAsset,
    /// The funds exist but are frozen.
    #[error("funds exist but are frozen")]
    Frozen,
    /// This asset cannot do that.
    #[error("operation is not supported by the asset")]
    Unsupported,
    /// The account cannot hold funds on hold.
    #[error("account cannot be created for recording amount on hold")]
    CannotCreateHold,
    /// Spending would kill an account that must live.
    #[error("account that is desired to remain would die")]
    NotExpendable,
    /// The account may not receive the asset.
    #[error("account cannot receive the assets")]
    Blocked,
}

/// Why a calculation failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, thiserror::Error)]
pub enum ArithmeticError {
    /// A result below the least value.
    #[error("an underflow would occur")]
    Underflow,
    /// A result above the largest value.
    #[error("an overflow would occur")]
    Overflow,
    /// A division by zero.
    #[error("division by zero")]
    DivisionByZero,
}

/// Why a storage transaction failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, thiserror::Error)]
pub enum TransactionalError {
    /// Too many transactions inside each other.
    #[error("too many transactional layers have been spawned")]
    LimitReached,
    /// A transaction was expected and there is none.
    #[error("a transactional layer was expected, but does not exist")]
    NoLayer,
}

impl From<ModuleError> for DispatchError {
    fn from(error: ModuleError) -> Self {
        Self::Module(error)
    }
}

impl From<TokenError> for DispatchError {
    fn from(error: TokenError) -> Self {
        Self::Token(error)
    }
}

impl From<ArithmeticError> for DispatchError {
    fn from(error: ArithmeticError) -> Self {
        Self::Arithmetic(error)
    }
}

impl From<TransactionalError> for DispatchError {
    fn from(error: TransactionalError) -> Self {
        Self::Transactional(error)
    }
}

impl From<&'static str> for DispatchError {
    fn from(text: &'static str) -> Self {
        Self::Other(text)
    }
}

impl TypeInfo for DispatchError {
    type Identity = Self;

    fn type_info() -> Type {
        Type::builder().path(path(["sp_runtime", "DispatchError"])).variant(
            Variants::new()
                .variant_unit("Other", 0)
                .variant_unit("CannotLookup", 1)
                .variant_unit("BadOrigin", 2)
                .variant("Module", |v| {
                    v.index(3)
                        .fields(Fields::unnamed().field(|f| f.ty::<ModuleError>().type_name("ModuleError")))
                })
                .variant_unit("ConsumerRemaining", 4)
                .variant_unit("NoProviders", 5)
                .variant_unit("TooManyConsumers", 6)
                .variant("Token", |v| {
                    v.index(7)
                        .fields(Fields::unnamed().field(|f| f.ty::<TokenError>().type_name("TokenError")))
                })
                .variant("Arithmetic", |v| {
                    v.index(8).fields(
                        Fields::unnamed().field(|f| f.ty::<ArithmeticError>().type_name("ArithmeticError")),
                    )
                })
                .variant("Transactional", |v| {
                    v.index(9).fields(
                        Fields::unnamed()
                            .field(|f| f.ty::<TransactionalError>().type_name("TransactionalError")),
                    )
                })
                .variant_unit("Exhausted", 10)
                .variant_unit("Corruption", 11)
                .variant_unit("Unavailable", 12)
                .variant_unit("RootNotAllowed", 13),
        )
    }
}

impl TypeInfo for ModuleError {
    type Identity = Self;

    fn type_info() -> Type {
        Type::builder().path(path(["sp_runtime", "ModuleError"])).composite(
            Fields::named()
                .field(|f| f.ty::<u8>().name("index").type_name("u8"))
                .field(|f| f.ty::<[u8; 4]>().name("error").type_name("[u8; MAX_MODULE_ERROR_ENCODED_SIZE]")),
        )
    }
}

impl TypeInfo for TokenError {
    type Identity = Self;

    fn type_info() -> Type {
        Type::builder().path(path(["sp_runtime", "TokenError"])).variant(
            Variants::new()
                .variant_unit("FundsUnavailable", 0)
                .variant_unit("OnlyProvider", 1)
                .variant_unit("BelowMinimum", 2)
                .variant_unit("CannotCreate", 3)
                .variant_unit("UnknownAsset", 4)
                .variant_unit("Frozen", 5)
                .variant_unit("Unsupported", 6)
                .variant_unit("CannotCreateHold", 7)
                .variant_unit("NotExpendable", 8)
                .variant_unit("Blocked", 9),
        )
    }
}

impl TypeInfo for ArithmeticError {
    type Identity = Self;

    fn type_info() -> Type {
        Type::builder().path(path(["sp_arithmetic", "ArithmeticError"])).variant(
            Variants::new()
                .variant_unit("Underflow", 0)
                .variant_unit("Overflow", 1)
                .variant_unit("DivisionByZero", 2),
        )
    }
}

impl TypeInfo for TransactionalError {
    type Identity = Self;

    fn type_info() -> Type {
        Type::builder()
            .path(path(["sp_runtime", "TransactionalError"]))
            .variant(Variants::new().variant_unit("LimitReached", 0).variant_unit("NoLayer", 1))
    }
}
