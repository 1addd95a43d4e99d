//! Who signs, and what it may cost: flags that the sending commands share.

use std::str::FromStr;

use basalt_pallet_contracts::Call;
use basalt_primitives::{
    AccountId, Balance, Weight,
    keys::{Pair, Scheme},
    ss58::{self, GENERIC_PREFIX},
};
use basalt_runtime::CONTRACTS;
use basalt_support::Pallet;
use clap::Args;

use super::error::ContractError;
use crate::cli::{
    key::{SecretText, read_pair},
    tx::{Chain, Node, NodeFlags, SendFlags, TxError},
};

/// Who sends on development chains if nobody is named.
pub(super) const DEVELOPMENT_SENDER: &str = "//Alice";
/// The part that is added to what a dry run needed, since the state may be another when the transaction runs: a tenth.
const MARGIN_PART: u64 = 10;

/// Flags of commands that send a transaction to the contracts pallet.
#[derive(Debug, Clone, Args)]
pub(super) struct SenderFlags {
    /// The sender's secret: phrase//hard/soft///password, 0xseed, //Alice; `-` reads it from stdin [default: //Alice,
    /// on development chains only].
    #[arg(long, value_name = "SECRET")]
    from: Option<SecretText>,

    /// The signature scheme of the sender: sr25519, ed25519 or ecdsa.
    #[arg(long, value_name = "SCHEME", default_value_t = Scheme::Sr25519)]
    scheme: Scheme,

    #[command(flatten)]
    pub(super) send: SendFlags,

    #[command(flatten)]
    pub(super) node: NodeFlags,
}

impl SenderFlags {
    /// The key that signs.
    pub(super) async fn pair(&self, node: &Node) -> Result<Pair, ContractError> {
        let secret = match &self.from {
            Some(secret) => secret.clone(),
            None if node.is_development().await? => {
                self.node.note(&format!(
                    "{DEVELOPMENT_SENDER} sends: --from was not given, and this is a development chain"
                ));
                SecretText(DEVELOPMENT_SENDER.to_owned())
            }
            None => return Err(ContractError::NoSender),
        };
        Ok(read_pair(self.scheme, &secret).map_err(TxError::from)?)
    }
}

/// The flag of those that store something.
#[derive(Debug, Clone, Args)]
pub(super) struct DepositFlag {
    /// The most that storage may cost: an amount [default: what a dry run needs, and a tenth more].
    #[arg(long, value_name = "AMOUNT")]
    storage_deposit_limit: Option<String>,
}

impl DepositFlag {
    /// The limit that was given.
    pub(super) fn limit(&self, chain: &Chain) -> Result<Option<Balance>, ContractError> {
        let limit = self.storage_deposit_limit.as_ref();
        limit.map(|text| amount(chain, "--storage-deposit-limit", text)).transpose()
    }
}

/// An amount of a flag.
pub(super) fn amount(chain: &Chain, flag: &'static str, text: &str) -> Result<Balance, ContractError> {
    chain.token.parse(text).map_err(|error| ContractError::Amount { flag, error })
}

/// The most gas that a block has for this call, which is given without gas, beside what the call costs anyhow.
pub(super) fn gas_max(call: &Call) -> Weight {
    let limits = basalt_runtime::LIMITS;
    let taken = limits.weight_base.saturating_add(limits.weight_base_transaction);
    limits.weight_normal_max.saturating_sub(taken).saturating_sub(CONTRACTS.info(call).weight)
}

/// What a dry run needed, and a tenth more, but no more than a block has.
pub(super) fn with_margin(needed: Weight, max: Weight) -> Weight {
    let part = |needed: u64, max: u64| needed.saturating_add(needed.div_ceil(MARGIN_PART)).min(max);
    Weight::new(part(needed.ref_time, max.ref_time), part(needed.proof_size, max.proof_size))
}

/// What a dry run was charged, and a tenth more.
pub(super) fn deposit_with_margin(needed: Balance) -> Balance {
    needed.saturating_add(needed.div_ceil(Balance::from(MARGIN_PART)))
}

/// An account as people name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Address {
    account: AccountId,
    /// The network of the address, if it was one.
    prefix: Option<u16>,
}

impl Address {
    /// The account, unless its address is one of another network. Those with the generic prefix are of none.
    pub(super) fn on(&self, chain: &Chain) -> Result<AccountId, ContractError> {
        match self.prefix {
            Some(given) if given != chain.ss58_prefix && given != GENERIC_PREFIX => {
                Err(ContractError::Address {
                    text: ss58::encode(given, self.account.as_ref()),
                    why: format!(
                        "it belongs to network {given}, but this chain's addresses have prefix {}; the same account is {} here",
                        chain.ss58_prefix,
                        chain.address(&self.account)
                    ),
                })
            }
            _ => Ok(self.account),
        }
    }
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.starts_with("//") {
            let pair = Pair::from_suri(Scheme::Sr25519, text).map_err(|error| error.to_string())?;
            return Ok(Self { account: pair.account_id(), prefix: None });
        }
        let prefix = ss58::decode(text).ok().map(|(prefix, _)| prefix).filter(|_| !text.starts_with("0x"));
        let account = AccountId::from_str(text)
            .map_err(|error| format!("{error}; give an SS58 address, or 0x and 64 hex digits"))?;
        Ok(Self { account, prefix })
    }
}
