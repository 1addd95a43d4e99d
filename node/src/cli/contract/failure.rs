//! What helps against a failure of the contracts pallet.

use basalt_pallet_contracts::Error;
use basalt_primitives::{DispatchError, TokenError};
use basalt_runtime::RuntimeError;
use parity_scale_codec::Decode;

use crate::cli::tx::describe;

/// An error by name, what it means, and what helps; `said` is what the contract said in a dry run.
pub(super) fn explain(error: &DispatchError, said: &str) -> String {
    let remedy = match contracts_error(error) {
        Some(error) => remedy(&error),
        None => match error {
            DispatchError::Token(TokenError::FundsUnavailable) => {
                Some("the sender cannot pay for value and deposits; give it more tokens first")
            }
            _ => return with_words(describe(error), said),
        },
    };
    let name = match error {
        DispatchError::Token(_) => error.to_string(),
        _ => describe(error),
    };
    with_words(remedy.map_or_else(|| name.clone(), |remedy| format!("{name}: {remedy}")), said)
}

fn with_words(text: String, said: &str) -> String {
    match said.trim() {
        "" => text,
        said => format!("{text} (it said: {said})"),
    }
}

/// The error, if it is one of the contracts pallet.
pub(super) fn contracts_error(error: &DispatchError) -> Option<Error> {
    let DispatchError::Module(module) = error else { return None };
    let mut bytes = vec![module.index];
    bytes.extend_from_slice(&module.error);
    match RuntimeError::decode(&mut &bytes[..]) {
        Ok(RuntimeError::Contracts(error)) => Some(error),
        _ => None,
    }
}

/// What the error means and what to do; none if it says it all, or should not be seen.
fn remedy(error: &Error) -> Option<&'static str> {
    Some(match error {
        Error::OutOfGas => {
            "it needs more gas than a block has, or an endless loop eats it all; do less in one call"
        }
        Error::ContractTrapped => {
            "the contract panicked, for example by an overflow, an index out of bounds, `unwrap` of nothing, or tokens sent \
             to a message that takes none"
        }
        Error::ContractReverted => {
            "the contract refused, and all it did is undone; query the message to see its error"
        }
        Error::ContractNotFound => "there is no contract at this address",
        Error::CodeNotFound => "upload the code first: `basalt contract upload FILE`",
        Error::CodeTooLarge => {
            "the code is too large for this chain; build without debug, or split the contract"
        }
        Error::CodeRejected => "the chain does not accept this module; build it with `basalt contract build`",
        Error::CodeInUse => "contracts use the code; it can be removed when the last of them has ended",
        Error::TransferFailed => {
            "a transfer failed: the contract or the sender owns too little, or too little would be left"
        }
        Error::StorageDepositNotEnoughFunds => {
            "the sender cannot pay the deposit for what is stored; give it more tokens first"
        }
        Error::StorageDepositLimitExhausted => {
            "more would be stored than the limit pays for; raise --storage-deposit-limit, or leave it out"
        }
        Error::DuplicateContract => {
            "a contract with this code, constructor call and salt exists already; choose another --salt"
        }
        Error::TerminatedInConstructor => "the constructor ended the contract; a constructor must not",
        Error::ReentranceDenied => {
            "the contract was called while it runs itself; let the caller allow it with `.allow_reentry(true)`"
        }
        Error::StateChangeDenied => "something was to be changed in a call that may only read",
        Error::MaxCallDepthReached => "contracts call each other too deeply",
        Error::OutputBufferTooSmall => {
            "what another contract or the chain returned is more than the caller expects"
        }
        Error::ValueTooLarge => "a stored value or an event is larger than 16 KiB; split it",
        Error::TooManyTopics => "an event has more topics than the chain allows, which is 4",
        Error::OutOfBounds | Error::DecodingFailed | Error::InvalidCallFlags => {
            "the contract gave the chain something wrong; it may be built for another chain, or with `unsafe` code that is"
        }
        _ => return None,
    })
}
