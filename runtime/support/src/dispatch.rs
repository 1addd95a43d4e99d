//! Who calls, and how a call ends.

use alloc::vec::Vec;

use basalt_primitives::{AccountId, ArithmeticError, DispatchError, ModuleError, Pays, TokenError, Weight};
use basalt_state::StateError;
use parity_scale_codec::Encode;

/// On whose behalf a call runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// The chain itself: governance, sudo.
    Root,
    /// An account that signed.
    Signed(AccountId),
    /// Nobody: inherents.
    None,
    /// A pallet's own origin, for example a council majority, encoded by that pallet.
    Pallet {
        /// Index of the pallet.
        index: u8,
        /// The pallet's own encoding.
        origin: Vec<u8>,
    },
}

impl Origin {
    /// The signer, or `BadOrigin`.
    pub fn signed(self) -> Result<AccountId, Failure> {
        match self {
            Self::Signed(account) => Ok(account),
            _ => Err(DispatchError::BadOrigin.into()),
        }
    }

    /// `BadOrigin` unless this is root.
    pub fn root(self) -> Result<(), Failure> {
        match self {
            Self::Root => Ok(()),
            _ => Err(DispatchError::BadOrigin.into()),
        }
    }

    /// `BadOrigin` unless this is an inherent.
    pub fn none(self) -> Result<(), Failure> {
        match self {
            Self::None => Ok(()),
            _ => Err(DispatchError::BadOrigin.into()),
        }
    }
}

/// Why something a pallet tried did not work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// The caller's fault or bad luck: the same on every node, reported in `System.ExtrinsicFailed`.
    Dispatch(DispatchError),
    /// The node could not read its own state: the block cannot be executed here.
    State(StateError),
}

impl From<DispatchError> for Failure {
    fn from(error: DispatchError) -> Self {
        Self::Dispatch(error)
    }
}

impl From<TokenError> for Failure {
    fn from(error: TokenError) -> Self {
        Self::Dispatch(DispatchError::Token(error))
    }
}

impl From<ArithmeticError> for Failure {
    fn from(error: ArithmeticError) -> Self {
        Self::Dispatch(DispatchError::Arithmetic(error))
    }
}

impl From<StateError> for Failure {
    fn from(error: StateError) -> Self {
        Self::State(error)
    }
}

/// A pallet's own error as clients see it: the pallet's index and the error's SCALE bytes, padded to four.
///
/// Errors of pallets are plain enums without large fields; bytes beyond the fourth are cut, as in Substrate.
pub fn module_error(pallet_index: u8, error: &impl Encode) -> Failure {
    let mut bytes = [0; 4];
    for (to, from) in bytes.iter_mut().zip(error.encode()) {
        *to = from;
    }
    Failure::Dispatch(DispatchError::Module(ModuleError { index: pallet_index, error: bytes }))
}

/// What a call says about its cost once it has run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PostInfo {
    /// What it really weighed; `None` if as much as declared. More than declared counts as declared.
    pub actual_weight: Option<Weight>,
    /// Whether the fee is due after all.
    pub pays_fee: Pays,
}

impl Default for PostInfo {
    fn default() -> Self {
        Self { actual_weight: None, pays_fee: Pays::Yes }
    }
}

/// How a call failed, and what it cost until then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallFailure {
    /// Why.
    pub failure: Failure,
    /// What it cost.
    pub post: PostInfo,
}

impl<E: Into<Failure>> From<E> for CallFailure {
    fn from(failure: E) -> Self {
        Self { failure: failure.into(), post: PostInfo::default() }
    }
}

/// The outcome of a call.
pub type CallResult = Result<PostInfo, CallFailure>;

/// Splits the outcome of a call into what the chain records and what stops the node, for whoever goes on after a
/// failed call: a batch, sudo, the executor.
pub fn recorded(result: CallResult) -> Result<(PostInfo, Result<(), DispatchError>), StateError> {
    match result {
        Ok(post) => Ok((post, Ok(()))),
        Err(CallFailure { failure: Failure::Dispatch(error), post }) => Ok((post, Err(error))),
        Err(CallFailure { failure: Failure::State(error), .. }) => Err(error),
    }
}
