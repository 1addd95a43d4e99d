//! Who signs, and accounts as people name them: what all commands share that send something for anybody.

use std::str::FromStr;

use basalt_primitives::{
    AccountId,
    keys::{Pair, Scheme},
    ss58::{self, GENERIC_PREFIX},
};
use clap::Args;

use super::{Chain, Node, NodeFlags, SendFlags, TxError};
use crate::cli::key::{SecretText, read_pair};

/// Who sends on development chains if nobody is named.
pub(in crate::cli) const DEVELOPMENT_SENDER: &str = "//Alice";

/// Flags of commands that send a transaction.
#[derive(Debug, Clone, Args)]
pub(in crate::cli) struct SenderFlags {
    /// The sender's secret: phrase//hard/soft///password, 0xseed, //Alice; `-` reads it from stdin [default: //Alice,
    /// on development chains only].
    #[arg(long, value_name = "SECRET")]
    from: Option<SecretText>,

    /// The signature scheme of the sender: sr25519, ed25519 or ecdsa.
    #[arg(long, value_name = "SCHEME", default_value_t = Scheme::Sr25519)]
    scheme: Scheme,

    #[command(flatten)]
    pub(in crate::cli) send: SendFlags,

    #[command(flatten)]
    pub(in crate::cli) node: NodeFlags,
}

impl SenderFlags {
    /// The key that signs.
    pub(in crate::cli) async fn pair(&self, node: &Node) -> Result<Pair, TxError> {
        let secret = match &self.from {
            Some(secret) => secret.clone(),
            None if node.is_development().await? => {
                self.node.note(&format!(
                    "{DEVELOPMENT_SENDER} sends: --from was not given, and this is a development chain"
                ));
                SecretText(DEVELOPMENT_SENDER.to_owned())
            }
            None => return Err(TxError::NoSender),
        };
        Ok(read_pair(self.scheme, &secret)?)
    }
}

/// An account as people name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) struct Address {
    account: AccountId,
    /// The network of the address, if it was one.
    prefix: Option<u16>,
}

impl Address {
    /// The account, unless its address is one of another network. Those with the generic prefix are of none.
    pub(in crate::cli) fn on(&self, chain: &Chain) -> Result<AccountId, TxError> {
        match self.prefix {
            Some(given) if given != chain.ss58_prefix && given != GENERIC_PREFIX => Err(TxError::Address {
                text: ss58::encode(given, self.account.as_ref()),
                why: format!(
                    "it belongs to network {given}, but this chain's addresses have prefix {}; the same account is {} here",
                    chain.ss58_prefix,
                    chain.address(&self.account)
                ),
            }),
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
