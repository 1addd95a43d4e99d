//! `basalt tx transfer`.

use std::{str::FromStr, time::Duration};

use basalt_pallet_system::BLOCK_HASH_COUNT;
use basalt_primitives::{
    AccountId, Additional, Balance, Extra, H256, Nonce,
    generic::era::PERIOD_MIN,
    keys::{Pair, Scheme},
    ss58::{self, GENERIC_PREFIX, Ss58Error},
};
use basalt_rpc_api::types::TransactionStatus;
use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::{
    NodeFlags, Report,
    client::{Chain, Node},
    error::{NotEnough, TxError, bad_receiver},
    outcome::{Included, Outcome, describe},
    prepare::{Shortfall, Signed, Spending, sign, transfer_call},
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

    /// What to add to the fee, for a better place in the queue: an amount.
    #[arg(long, value_name = "AMOUNT", default_value = "0", allow_hyphen_values = true)]
    tip: String,

    /// Let the sender's account end if the transfer leaves less than an account must have.
    #[arg(long)]
    allow_death: bool,

    /// The nonce [default: the next one, counting transactions that wait].
    #[arg(long, value_name = "NONCE")]
    nonce: Option<Nonce>,

    /// For how many blocks the transaction is valid (4 to 4096, rounded up to a power of two), or `never` to let it
    /// never expire.
    #[arg(long, value_name = "BLOCKS|never", default_value = "64")]
    mortal: Mortality,

    /// What to wait for.
    #[arg(long, value_enum, value_name = "WHAT", default_value_t = Wait::Finalized)]
    wait: Wait,

    /// How many seconds to wait for it.
    #[arg(long, value_name = "SECONDS", default_value_t = 120)]
    timeout: u64,

    /// Send it even if the balances say that it will fail; it costs its fee all the same.
    #[arg(long)]
    force: bool,

    #[command(flatten)]
    node: NodeFlags,
}

/// What to wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Wait {
    /// For nothing: the node took it.
    None,
    /// Until it is in a block, which may still be replaced by another.
    InBlock,
    /// Until that block is final.
    Finalized,
}

impl Wait {
    /// As a state of a transaction.
    fn state(self) -> &'static str {
        match self {
            Self::None => "submitted",
            Self::InBlock => "inBlock",
            Self::Finalized => "finalized",
        }
    }
}

/// For how many blocks a transaction is valid; none for all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Mortality(Option<u64>);

impl FromStr for Mortality {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let max = u64::from(BLOCK_HASH_COUNT);
        match text.parse() {
            _ if text == "never" => Ok(Self(None)),
            Ok(period) if (PERIOD_MIN..=max).contains(&period) => Ok(Self(Some(period))),
            _ => Err(format!("'{text}' is no number of blocks from {PERIOD_MIN} to {max}, nor `never`")),
        }
    }
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
    tip: Balance,
    nonce: Nonce,
    /// With tip.
    fee: Balance,
    signed: Signed,
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
        let included = self.send(&node, &transfer).await?;
        Ok(self.report(&transfer, included.as_ref()))
    }

    /// Asks for what has to be signed, and signs it.
    async fn prepare(&self, node: &Node, pair: &Pair) -> Result<Transfer, TxError> {
        let chain = node.chain().await?;
        chain.check_runtime()?;
        let to = self.receiver(&chain)?;
        let amount =
            |flag, text: &str| chain.token.parse(text).map_err(|error| TxError::Amount { flag, error });
        let (amount, tip) = (amount("--amount", &self.amount)?, amount("--tip", &self.tip)?);
        let from = pair.account_id();
        let nonce = match self.nonce {
            Some(nonce) => nonce,
            None => node.next_nonce(from).await?,
        };
        let (era, birth_hash) = node.era(chain.genesis_hash, self.mortal.0).await?;
        let extra = Extra { era, nonce, tip, metadata_hash_mode: 0 };
        let additional = Additional {
            spec_version: chain.version.spec_version,
            transaction_version: chain.version.transaction_version,
            genesis_hash: chain.genesis_hash,
            birth_hash,
            metadata_hash: None,
        };
        let signed = sign(pair, &transfer_call(to, amount, self.allow_death), &extra, &additional);
        let fee = node.fee(&signed.encoded).await?.saturating_add(tip);
        Ok(Transfer { chain, from, to, amount, tip, nonce, fee, signed })
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
            fee: transfer.fee,
            existential_deposit: basalt_runtime::BALANCES.existential_deposit,
            allow_death: self.allow_death,
        };
        let sender = node.account(&transfer.from).await?;
        let receiver = node.account(&transfer.to).await?;
        spending.check(&sender, &receiver).map_err(|shortfall| transfer.explain(&spending, shortfall))
    }

    /// Sends it, and waits for what was asked for.
    async fn send(&self, node: &Node, transfer: &Transfer) -> Result<Option<Included>, TxError> {
        let Signed { hash, encoded } = &transfer.signed;
        if self.wait == Wait::None {
            node.submit(*hash, encoded).await?;
            return Ok(None);
        }
        let waiting = self.watch(node, transfer);
        let block = match tokio::time::timeout(Duration::from_secs(self.timeout), waiting).await {
            Ok(block) => block?,
            Err(_) => {
                let awaited = if self.wait == Wait::InBlock { "in a block" } else { "final" };
                return Err(TxError::Timeout { hash: *hash, awaited, seconds: self.timeout });
            }
        };
        let found = Included::find(node, &transfer.chain, block, *hash).await?;
        let lost = || TxError::Nonsense {
            what: "the block of the transaction",
            why: format!("block {block:#x} does not hold it"),
        };
        found.map(Some).ok_or_else(lost)
    }

    /// The block it is in, as soon as that is what was waited for.
    async fn watch(&self, node: &Node, transfer: &Transfer) -> Result<H256, TxError> {
        let hash = transfer.signed.hash;
        let mut updates = node.submit_and_watch(hash, &transfer.signed.encoded).await?;
        self.node.note(&format!("Sent {hash:#x}"));
        let gave_up = |why: &str| Err(TxError::GivenUp { hash, why: why.to_owned() });
        while let Some(update) = updates.next().await {
            let update = update.map_err(|error| TxError::Nonsense {
                what: "the state of the transaction",
                why: error.to_string(),
            })?;
            match update {
                TransactionStatus::Future => {
                    self.node.note("Waiting for transactions of this sender with lower nonces");
                }
                TransactionStatus::Ready | TransactionStatus::Broadcast(_) => {}
                TransactionStatus::InBlock(block) if self.wait == Wait::InBlock => return Ok(block.0),
                TransactionStatus::InBlock(block) => self.node.note(&format!("In block {:#x}", block.0)),
                TransactionStatus::Retracted(block) => {
                    self.node.note(&format!("Block {:#x} was replaced; waiting again", block.0));
                }
                TransactionStatus::Finalized(block) => return Ok(block.0),
                TransactionStatus::FinalityTimeout(block) => {
                    return gave_up(&format!(
                        "is in block {:#x}, which has not become final for too long; see whether the chain still \
                         finalises, or use --wait in-block",
                        block.0
                    ));
                }
                TransactionStatus::Usurped(by) => {
                    return gave_up(&format!("was replaced by {:#x}, which has the same nonce", by.0));
                }
                TransactionStatus::Dropped => {
                    return gave_up("was pushed out of the full pool; send it again with a higher --tip");
                }
                TransactionStatus::Invalid => {
                    return gave_up(
                        "is not valid any more: it expired, its nonce was used by another, or the sender cannot pay \
                         any more; send it again",
                    );
                }
            }
        }
        Err(TxError::ConnectionLost { hash })
    }

    fn report(&self, transfer: &Transfer, included: Option<&Included>) -> Report {
        let failure = included.and_then(|included| transfer.failure(included));
        let text = match &failure {
            _ if self.node.json => Some(transfer.json(self.wait, included).to_string()),
            Some(_) => None,
            None => Some(transfer.text(self.wait, included)),
        };
        Report { text, failure }
    }
}

impl Transfer {
    /// What is about to happen.
    fn plan(&self) -> String {
        let Self { chain, from, to, amount, tip, nonce, fee, .. } = self;
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
        let Self { chain, from, to, amount, fee, .. } = self;
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
            hash: self.signed.hash,
            number: included.number,
            error: describe(error),
            fee: fee.map_or_else(String::new, |fee| format!("; it cost {}", self.chain.token.show(fee))),
        })
    }

    fn text(&self, wait: Wait, included: Option<&Included>) -> String {
        let Self { chain, signed: Signed { hash, .. }, .. } = self;
        let Some(included) = included else {
            return format!("Sent {hash:#x}; see what becomes of it with `basalt tx status {hash:#x}`");
        };
        let certainty = if wait == Wait::Finalized { "final" } else { "not yet final" };
        format!(
            "Transaction {hash:#x}\n  Block:   #{} {:#x} ({certainty})\n  Outcome: {}",
            included.number,
            included.block,
            included.text(&chain.token),
        )
    }

    /// Amounts are text in the smallest unit, since JavaScript's numbers are too short for them.
    fn json(&self, wait: Wait, included: Option<&Included>) -> Value {
        let Self { chain, from, to, amount, tip, nonce, fee, signed } = self;
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
