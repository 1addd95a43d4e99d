//! `basalt tx transfer`.

use std::str::FromStr;

use basalt_primitives::{
    AccountId, Balance,
    keys::{Pair, Scheme},
    ss58::{self, GENERIC_PREFIX, Ss58Error},
};
use clap::Args;
use serde_json::{Value, json};

use super::{
    NodeFlags, Report,
    client::{Chain, Node},
    error::{NotEnough, TxError, bad_receiver},
    outcome::{Included, Outcome, describe},
    prepare::{Shortfall, Signed, Spending, transfer_call},
    submit::{Ready, SendFlags, Wait},
};
use crate::cli::key::{SecretText, read_pair};

/// Flags of `tx transfer`.
#[derive(Debug, Args)]
pub(crate) struct TransferArgs {
    /// The sender's secret: phrase//hard/soft///password, 0xseed, //Alice; `-` reads it from stdin, which keeps it
    /// out of the shell's history.
    #[arg(long, value_name = "SECRET")]
    from: SecretText,

    /// The signature scheme of the sender: sr25519, ed25519 or ecdsa.
    #[arg(long, value_name = "SCHEME", default_value_t = Scheme::Sr25519)]
    scheme: Scheme,

    /// The receiver: an SS58 address, 0x and 64 hex digits, or a development name such as //Bob (sr25519).
    #[arg(long, value_name = "ADDRESS")]
    to: Receiver,

    /// How much: tokens of the chain as a decimal number (1.5 or 1.5UNIT), or its smallest unit (15planck).
    #[arg(long, value_name = "AMOUNT", allow_hyphen_values = true)]
    amount: String,

    /// Let the sender's account end if the transfer leaves less than an account must have.
    #[arg(long)]
    allow_death: bool,

    /// Send it even if the balances say that it will fail; it costs its fee all the same.
    #[arg(long)]
    force: bool,

    #[command(flatten)]
    send: SendFlags,

    #[command(flatten)]
    node: NodeFlags,
}

/// Who gets it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Receiver {
    account: AccountId,
    /// The network of the address, if it was one.
    prefix: Option<u16>,
}

impl FromStr for Receiver {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.starts_with("//") {
            let pair = Pair::from_suri(Scheme::Sr25519, text).map_err(|error| error.to_string())?;
            return Ok(Self { account: pair.account_id(), prefix: None });
        }
        let account = AccountId::from_str(text);
        let prefix =
            if text.starts_with("0x") { None } else { ss58::decode(text).ok().map(|(prefix, _)| prefix) };
        let account = account.map_err(|error: Ss58Error| bad_receiver(&error))?;
        Ok(Self { account, prefix })
    }
}

/// All that is known once the transaction is signed.
struct Transfer {
    chain: Chain,
    from: AccountId,
    to: AccountId,
    amount: Balance,
    ready: Ready,
}

impl TransferArgs {
    pub(super) async fn run(&self) -> Result<Report, TxError> {
        let pair = read_pair(self.scheme, &self.from)?;
        let node = Node::connect(&self.node.url).await?;
        let transfer = self.prepare(&node, &pair).await?;
        self.node.note(&transfer.plan());
        if let Err(refusal) = self.check(&node, &transfer).await {
            if !self.force {
                return Err(refusal);
            }
            self.node.note(&format!("Warning: {refusal}"));
        }
        let Transfer { chain, ready, .. } = &transfer;
        let included = self.send.send(&node, &self.node, chain, &ready.signed).await?;
        Ok(self.report(&transfer, included.as_ref()))
    }

    /// Asks for what has to be signed, and signs it.
    async fn prepare(&self, node: &Node, pair: &Pair) -> Result<Transfer, TxError> {
        let chain = node.chain().await?;
        chain.check_runtime()?;
        let to = self.receiver(&chain)?;
        let amount = chain.token.parse(&self.amount);
        let amount = amount.map_err(|error| TxError::Amount { flag: "--amount", error })?;
        let call = transfer_call(to, amount, self.allow_death);
        let ready = self.send.sign(node, &chain, pair, &call).await?;
        Ok(Transfer { chain, from: pair.account_id(), to, amount, ready })
    }

    /// The receiver, unless its address is one of another network. Those with the generic prefix are of none.
    fn receiver(&self, chain: &Chain) -> Result<AccountId, TxError> {
        match self.to.prefix {
            Some(given) if given != chain.ss58_prefix && given != GENERIC_PREFIX => {
                Err(TxError::OtherNetwork {
                    given,
                    expected: chain.ss58_prefix,
                    same: chain.address(&self.to.account),
                })
            }
            _ => Ok(self.to.account),
        }
    }

    /// Refuses a transfer that would fail and cost its fee all the same.
    async fn check(&self, node: &Node, transfer: &Transfer) -> Result<(), TxError> {
        let spending = Spending {
            amount: transfer.amount,
            fee: transfer.ready.fee,
            existential_deposit: basalt_runtime::BALANCES.existential_deposit,
            allow_death: self.allow_death,
        };
        let sender = node.account(&transfer.from).await?;
        let receiver = node.account(&transfer.to).await?;
        spending.check(&sender, &receiver).map_err(|shortfall| transfer.explain(&spending, shortfall))
    }

    fn report(&self, transfer: &Transfer, included: Option<&Included>) -> Report {
        let failure = included.and_then(|included| transfer.failure(included));
        let text = match &failure {
            _ if self.node.json => Some(transfer.json(self.send.wait, included).to_string()),
            Some(_) => None,
            None => Some(transfer.text(self.send.wait, included)),
        };
        Report { text, failure }
    }
}

impl Transfer {
    /// What is about to happen.
    fn plan(&self) -> String {
        let Self { chain, from, to, amount, ready: Ready { nonce, tip, fee, .. } } = self;
        let tip =
            if *tip == 0 { String::new() } else { format!(", tip included {}", chain.token.show(*tip)) };
        format!(
            "Sending {} from {} to {}, fee at most {}{tip}, nonce {nonce}",
            chain.token.show(*amount),
            chain.address(from),
            chain.address(to),
            chain.token.show(*fee),
        )
    }

    fn explain(&self, spending: &Spending, shortfall: Shortfall) -> TxError {
        let Self { chain, from, to, amount, ready: Ready { fee, .. } } = self;
        let token = &chain.token;
        match shortfall {
            Shortfall::Receiver => TxError::BelowMinimum {
                receiver: chain.address(to),
                least: token.show(spending.existential_deposit),
                amount: token.show(*amount),
            },
            Shortfall::Sender { spendable, needed, enough_to_die } => {
                let most = spendable.saturating_sub(*fee);
                let send = match most {
                    0 => "give it more first".to_owned(),
                    most => format!("send at most {}", token.show(most)),
                };
                let remedy = if enough_to_die {
                    let deposit = token.show(spending.existential_deposit);
                    format!("{send}, or let its account, which must keep {deposit}, end with --allow-death")
                } else {
                    send
                };
                TxError::NotEnough(Box::new(NotEnough {
                    sender: chain.address(from),
                    spendable: token.show(spendable),
                    amount: token.show(*amount),
                    fee: token.show(*fee),
                    needed: token.show(needed),
                    remedy,
                }))
            }
        }
    }

    fn failure(&self, included: &Included) -> Option<TxError> {
        let Ok(Outcome { error: Some(error), fee }) = &included.outcome else { return None };
        Some(TxError::Failed {
            hash: self.ready.signed.hash,
            number: included.number,
            error: describe(error),
            fee: fee.map_or_else(String::new, |fee| format!("; it cost {}", self.chain.token.show(fee))),
        })
    }

    fn text(&self, wait: Wait, included: Option<&Included>) -> String {
        let Self { chain, ready: Ready { signed: Signed { hash, .. }, .. }, .. } = self;
        let Some(included) = included else {
            return format!("Sent {hash:#x}; see what becomes of it with `basalt tx status {hash:#x}`");
        };
        format!(
            "Transaction {hash:#x}\n  Block:   #{} {:#x} ({})\n  Outcome: {}",
            included.number,
            included.block,
            wait.certainty(),
            included.text(&chain.token),
        )
    }

    /// Amounts are text in the smallest unit, since JavaScript's numbers are too short for them.
    fn json(&self, wait: Wait, included: Option<&Included>) -> Value {
        let Self { chain, from, to, amount, ready: Ready { nonce, tip, fee, signed } } = self;
        let mut result = json!({
            "hash": format!("{:#x}", signed.hash),
            "status": wait.state(),
            "from": chain.address(from),
            "to": chain.address(to),
            "amount": amount.to_string(),
            "tip": tip.to_string(),
            "nonce": nonce,
            "feeEstimate": fee.to_string(),
            "token": { "symbol": chain.token.symbol(), "decimals": chain.token.decimals() },
        });
        if let Value::Object(members) = &mut result {
            members.extend(Included::json(included));
        }
        result
    }
}
