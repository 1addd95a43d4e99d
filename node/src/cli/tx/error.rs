//! Why a transaction cannot be sent or found.

use basalt_primitives::{H256, Ss58Error};
use jsonrpsee::{client_transport::ws::WsHandshakeError, core::client, types::ErrorObjectOwned};

use super::amount::AmountError;
use crate::cli::key::KeyCommandError;

/// Why a transaction cannot be sent or found, and what to do.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TxError {
    /// No tasks can run.
    #[error("the operating system refuses what every network program needs: {0}")]
    Runtime(std::io::Error),
    /// The sender's secret is wrong.
    #[error("--from: {0}")]
    From(#[from] KeyCommandError),
    /// Nobody signs.
    #[error("--from is missing: only on development chains //Alice sends if nobody is named")]
    NoSender,
    /// An address is wrong.
    #[error("'{text}' is no account: {why}")]
    Address {
        /// What was given.
        text: String,
        /// What is wrong.
        why: String,
    },
    /// An amount is wrong.
    #[error("{flag}: {error}")]
    Amount {
        /// Where it was given.
        flag: &'static str,
        /// What is wrong.
        error: AmountError,
    },
    /// The address of the node is wrong.
    #[error("--url {url}: {why}")]
    Url {
        /// What was given.
        url: String,
        /// What is wrong, and what to do.
        why: String,
    },
    /// No node there.
    #[error("no node answers at {url}: {error}; start one with `basalt --dev`, or set --url")]
    Connect {
        /// Where.
        url: String,
        /// Why.
        error: WsHandshakeError,
    },
    /// The node did not answer a question.
    #[error("the node did not tell {what}: {}", client_text(.error))]
    Ask {
        /// What was asked.
        what: &'static str,
        /// Why there is no answer.
        error: client::Error,
    },
    /// The answer makes no sense.
    #[error("the node answered nonsense about {what}: {why}; it may run another program, check --url")]
    Nonsense {
        /// What was asked.
        what: &'static str,
        /// What is wrong.
        why: String,
    },
    /// Calls could mean something else there.
    #[error(
        "the node runs {theirs} and this program knows {ours}, so a transaction made here could mean something else \
         there; use the `basalt` that the node runs"
    )]
    OtherRuntime {
        /// Name and versions at the node.
        theirs: String,
        /// Name and versions compiled in.
        ours: String,
    },
    /// An address of another network.
    #[error(
        "--to: the address belongs to network {given}, but this chain's addresses have prefix {expected}; ask the \
         receiver for an address on this chain, which would be {same} if it is the same key"
    )]
    OtherNetwork {
        /// Prefix of the address.
        given: u16,
        /// Prefix of the chain.
        expected: u16,
        /// The same account here.
        same: String,
    },
    /// The sender owns too little.
    #[error(transparent)]
    NotEnough(Box<NotEnough>),
    /// The receiver would own too little.
    #[error(
        "{receiver} has nothing yet, and an account must have at least {least}; send at least that instead of {amount}"
    )]
    BelowMinimum {
        /// Who.
        receiver: String,
        /// The existential deposit.
        least: String,
        /// What to send.
        amount: String,
    },
    /// The pool refused the transaction.
    #[error("the node refused the transaction {hash:#x}: {}{}", call_text(.error), remedy(.error))]
    Refused {
        /// Which.
        hash: H256,
        /// Why.
        error: ErrorObjectOwned,
    },
    /// The pool gave the transaction up.
    #[error("the transaction {hash:#x} {why}")]
    GivenUp {
        /// Which.
        hash: H256,
        /// What happened, and what to do.
        why: String,
    },
    /// It takes too long.
    #[error(
        "the transaction {hash:#x} was sent, but is not {awaited} after {seconds} s; that may still happen: see \
         `basalt tx status {hash:#x}`, or set a longer --timeout"
    )]
    Timeout {
        /// Which.
        hash: H256,
        /// What was waited for.
        awaited: &'static str,
        /// For how long.
        seconds: u64,
    },
    /// The node went away.
    #[error(
        "the connection ended while the transaction {hash:#x} was watched; see what became of it with \
         `basalt tx status {hash:#x}`"
    )]
    ConnectionLost {
        /// Which.
        hash: H256,
    },
    /// It is in a block, and did nothing but cost a fee.
    #[error("the transaction {hash:#x} is in block #{number} but failed: {error}{fee}")]
    Failed {
        /// Which.
        hash: H256,
        /// Height of the block.
        number: u32,
        /// Why.
        error: String,
        /// What it cost all the same, after a semicolon.
        fee: String,
    },
    /// Nowhere.
    #[error(
        "the transaction {hash:#x} is neither in the pool nor in blocks #{oldest} to #{newest}; search further back \
         with --blocks, and check that the node at {url} follows the chain it was sent to"
    )]
    NotFound {
        /// Which.
        hash: H256,
        /// First block searched.
        oldest: u32,
        /// Last block searched.
        newest: u32,
        /// The node.
        url: String,
    },
}

/// The sender owns too little. All amounts are text for people.
#[derive(Debug, thiserror::Error)]
#[error("{sender} can spend {spendable}, but {amount} and up to {fee} of fees make {needed}; {remedy}")]
pub(crate) struct NotEnough {
    /// Who.
    pub(in crate::cli) sender: String,
    /// What it may spend.
    pub(in crate::cli) spendable: String,
    /// What to send.
    pub(in crate::cli) amount: String,
    /// Fee and tip.
    pub(in crate::cli) fee: String,
    /// Both together.
    pub(in crate::cli) needed: String,
    /// What to do.
    pub(in crate::cli) remedy: String,
}

/// Why a text names no receiver.
pub(in crate::cli) fn bad_receiver(error: &Ss58Error) -> String {
    format!("{error}; give an SS58 address, 0x and 64 hex digits, or a development name such as //Bob")
}

fn client_text(error: &client::Error) -> String {
    match error {
        client::Error::Call(error) => call_text(error),
        client::Error::RequestTimeout => "it took longer than a minute; it may be overloaded".to_owned(),
        client::Error::RestartNeeded(cause) => format!("the connection ended: {cause}"),
        other => other.to_string(),
    }
}

/// Message, code and cause of an answer that is an error.
fn call_text(error: &ErrorObjectOwned) -> String {
    match data_text(error) {
        Some(data) => format!("{} (code {}): {data}", error.message(), error.code()),
        None => format!("{} (code {})", error.message(), error.code()),
    }
}

/// The cause, without the quotes of JSON.
fn data_text(error: &ErrorObjectOwned) -> Option<String> {
    let data = error.data()?.get();
    serde_json::from_str::<String>(data).ok().or_else(|| Some(data.to_owned()))
}

/// What helps against a refusal of the pool, after a semicolon. The codes are those of the reference node.
fn remedy(error: &ErrorObjectOwned) -> String {
    let data = data_text(error).unwrap_or_default();
    let is = |text: &str| data.contains(text);
    let remedy = match error.code() {
        1010 if is("outdated") => {
            "its nonce was used already: leave --nonce out, or wait for the other transaction"
        }
        1010 if is("in the future") => "its nonce is too high: leave --nonce out",
        // A node that gives amounts gives the remedy, too.
        1010 if data.ends_with("account balance too low)") => "give the sender more tokens, or send less",
        1010 if is("bad signature") => {
            "the node may follow another chain, or run another version: check --url"
        }
        1010 if is("ancient birth block") => "it expired on its way: send it again, with a larger --mortal",
        1010 if is("block limits") => "send it again when blocks are less full",
        1012 => {
            "the same transaction was invalid a short while ago: change it, for instance its --tip, or wait"
        }
        1013 => "it is in the pool already: see `basalt tx status`",
        1014 => "another transaction with this nonce waits: add a --tip to replace it, or leave --nonce out",
        1016 => "the pool is full: add a --tip, or try again later",
        _ => return String::new(),
    };
    format!("; {remedy}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(code: i32, data: Option<&str>) -> ErrorObjectOwned {
        ErrorObjectOwned::owned(code, "Invalid Transaction", data)
    }

    #[test]
    fn a_refusal_shows_code_cause_and_remedy() {
        let stale = error(1010, Some("Transaction is outdated"));
        assert_eq!(call_text(&stale), "Invalid Transaction (code 1010): Transaction is outdated");
        assert!(remedy(&stale).contains("leave --nonce out"));
        assert_eq!(call_text(&error(1012, None)), "Invalid Transaction (code 1012)");
        assert_eq!(remedy(&error(1, None)), "");
    }

    #[test]
    fn data_that_is_no_text_is_shown_as_json() {
        let error =
            ErrorObjectOwned::owned(1010, "Invalid Transaction", Some(serde_json::json!({"needs": "5"})));
        assert_eq!(call_text(&error), r#"Invalid Transaction (code 1010): {"needs":"5"}"#);
    }
}
