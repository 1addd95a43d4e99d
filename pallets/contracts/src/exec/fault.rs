//! Why a frame fails.

use basalt_state::StateError;
use basalt_support::Failure;

use crate::Error;

/// Why something went wrong: an error of this pallet, or of another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Of this pallet.
    Error(Error),
    /// Of another, or of the node.
    Failure(Failure),
}

impl Fault {
    /// Whether it is the node's own, so that nothing may be concluded from it.
    pub(crate) const fn is_of_node(&self) -> bool {
        matches!(self, Self::Failure(Failure::State(_)))
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

impl From<Failure> for Fault {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

impl From<StateError> for Fault {
    fn from(error: StateError) -> Self {
        Self::Failure(error.into())
    }
}

/// Why a frame failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ExecError {
    /// Why.
    pub(crate) fault: Fault,
    /// Whether it happened while the frame's code ran: its caller then sees no more than that.
    pub(crate) in_code: bool,
}

impl<F: Into<Fault>> From<F> for ExecError {
    fn from(fault: F) -> Self {
        Self { fault: fault.into(), in_code: false }
    }
}
