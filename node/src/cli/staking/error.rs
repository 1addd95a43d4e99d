//! Why a staking command fails.

use basalt_keystore::KeystoreError;
use basalt_pallet_session as session;
use basalt_pallet_staking as staking;
use basalt_primitives::{DispatchError, H256};
use basalt_runtime::RuntimeError;
use parity_scale_codec::Decode;

use crate::cli::tx::{TxError, describe};

/// Why a staking command fails, and what to do. Amounts and addresses are text for people.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StakingError {
    /// The node cannot be asked, or the transaction cannot be sent.
    #[error(transparent)]
    Tx(#[from] TxError),
    /// The keystore cannot be used.
    #[error(transparent)]
    Keystore(#[from] KeystoreError),
    /// The folder of the keystore is not known.
    #[error("{0:#}")]
    Place(anyhow::Error),
    /// Nothing is at stake.
    #[error("{account} has nothing bonded; bond first: basalt staking bond AMOUNT")]
    NotBonded {
        /// Who.
        account: String,
    },
    /// More than there is.
    #[error(
        "{account} can spend {spendable}, but {needed} are needed: {amount} to bond and up to {fee} of fees; {remedy}"
    )]
    NotEnough {
        /// Who.
        account: String,
        /// What it may spend.
        spendable: String,
        /// What it would spend.
        needed: String,
        /// What is to be bonded.
        amount: String,
        /// Fee and tip.
        fee: String,
        /// What to do.
        remedy: String,
    },
    /// Less than the least.
    #[error("{what} must have at least {least} bonded, and {account} would have {have}; {remedy}")]
    BelowLeast {
        /// A validator, or a nominator.
        what: &'static str,
        /// The least.
        least: String,
        /// Who.
        account: String,
        /// How much it would have.
        have: String,
        /// What to do.
        remedy: String,
    },
    /// An amount that changes nothing.
    #[error("an amount of 0 changes nothing; give one above it")]
    Zero,
    /// More than is at stake.
    #[error("{account} has {active} at stake, which is less than {amount}; unbond that, or less")]
    UnbondTooMuch {
        /// Who.
        account: String,
        /// What it has.
        active: String,
        /// What was asked for.
        amount: String,
    },
    /// Nothing to free.
    #[error("nothing of {account}'s is free to withdraw yet; {next}")]
    NothingToWithdraw {
        /// Who.
        account: String,
        /// What is free when.
        next: String,
    },
    /// It does neither.
    #[error("{account} neither validates nor nominates, so there is nothing to end")]
    NothingToChill {
        /// Who.
        account: String,
    },
    /// Nobody of that name validates.
    #[error("{target} does not offer to validate; see who does: basalt staking validators")]
    NotAValidator {
        /// Who.
        target: String,
    },
    /// It accepts nobody.
    #[error("{target} accepts no nominations; choose another: basalt staking validators")]
    Blocked {
        /// Who.
        target: String,
    },
    /// Too many are named.
    #[error(
        "{given} validators are named, and at most {most} can be nominated; the stake is spread among them anyway"
    )]
    TooManyTargets {
        /// How many.
        given: usize,
        /// The most.
        most: u32,
    },
    /// One is named twice.
    #[error("{target} is named twice; name each validator once")]
    NamedTwice {
        /// Who.
        target: String,
    },
    /// The commission is none.
    #[error(
        "--commission '{0}' is no share; write a percentage from 0 to 100 with at most seven decimals, such as 5 or 2.5"
    )]
    Commission(String),
    /// The commission is less than the chain allows.
    #[error("--commission {given} is below this chain's least, which is {least}; use --commission {least}")]
    CommissionTooLow {
        /// What was asked for.
        given: String,
        /// The least.
        least: String,
    },
    /// The node makes no keys for others.
    #[error(
        "the node at {url} does not make session keys: {why}; ask on the validator's own machine, where such methods are \
         served, or give its keystore with --keystore-path (or --chain and --base-path), and restart it afterwards"
    )]
    NoKeysOverRpc {
        /// The node.
        url: String,
        /// Why.
        why: String,
    },
    /// All is as it should be.
    #[error(
        "{account} validates on these terms already, with keys that are there; say what to change: --bond, --commission, --blocked, --rotate"
    )]
    NothingToDo {
        /// Who.
        account: String,
    },
    /// There is nothing to be paid.
    #[error(
        "no rewards of {account} wait to be paid for the last {eras} epochs; rewards of an epoch can be paid once it is over"
    )]
    NoRewards {
        /// Whose.
        account: String,
        /// In how many.
        eras: u32,
    },
    /// It is in a block, and did nothing but cost a fee.
    #[error("the transaction {hash:#x} is in block #{number} but failed: {why}{fee}")]
    Failed {
        /// Which.
        hash: H256,
        /// Height of the block.
        number: u32,
        /// Why, and what to do.
        why: String,
        /// What it cost all the same, after a semicolon.
        fee: String,
    },
}

/// An error of a transaction, and what helps against it.
pub(super) fn explain(error: &DispatchError) -> String {
    let text = describe(error);
    remedy(error).map_or_else(|| text.clone(), |remedy| format!("{text}; {remedy}"))
}

fn remedy(error: &DispatchError) -> Option<&'static str> {
    let DispatchError::Module(module) = error else { return None };
    let mut bytes = vec![module.index];
    bytes.extend_from_slice(&module.error);
    Some(match RuntimeError::decode(&mut &bytes[..]).ok()? {
        RuntimeError::Staking(error) => match error {
            staking::Error::NotStash | staking::Error::NotController => {
                "bond first: basalt staking bond AMOUNT"
            }
            staking::Error::InsufficientBond => {
                "bond more, or end validating and nominating first: basalt staking chill"
            }
            staking::Error::NoMoreChunks => {
                "too much is unbonding at once: wait, then free some: basalt staking withdraw"
            }
            staking::Error::BadTarget => {
                "see who validates and accepts nominations: basalt staking validators"
            }
            staking::Error::CommissionTooLow => "set a higher --commission",
            staking::Error::TooManyValidators | staking::Error::TooManyNominators => {
                "the chain takes no more: wait until somebody leaves"
            }
            staking::Error::AlreadyClaimed => "somebody had them paid already: see basalt staking rewards",
            _ => return None,
        },
        RuntimeError::Session(error) => match error {
            session::Error::InvalidProof => {
                "the keys were made for another account: run basalt validator setup with the account that bonds"
            }
            session::Error::DuplicatedKey => "another account has these keys: make new ones with --rotate",
            session::Error::NoAccount => "give the account some tokens first",
            _ => return None,
        },
        _ => return None,
    })
}
