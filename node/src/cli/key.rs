//! `basalt key`: make and inspect keys and addresses. The output is laid out as that of `subkey`, which people and
//! scripts know.

use std::{
    fmt,
    io::{IsTerminal, Read, Write},
    str::FromStr,
};

use basalt_primitives::{
    AccountId, MultiSigner,
    keys::{KeyError, Pair, Phrase, Scheme},
    ss58::{self, GENERIC_PREFIX, PREFIX_MAX, Ss58Error},
};
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::stdout;

mod validator;

pub(super) use validator::open_keystore;

#[cfg(test)]
mod tests;

/// The most bytes of a secret URI on stdin: 24 words, a long path and a long password fit.
const STDIN_BYTES_MAX: u64 = 16 * 1024;

/// The networks whose prefix has a name in the output of `subkey`.
const NETWORK_NAMES: [(&str, u16); 3] = [("polkadot", 0), ("kusama", 2), ("substrate", GENERIC_PREFIX)];

/// Make and inspect keys and addresses.
#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    /// Make a new key and print it, with the phrase that restores it
    Generate(GenerateArgs),
    /// Show the public key and the addresses of a secret or of an address
    Inspect(InspectArgs),
    /// Put a secret key into a node's keystore
    Insert(validator::InsertArgs),
    /// Make the keys of a new validator in a node's keystore, and print its entry for a chain specification
    GenerateValidator(validator::GenerateValidatorArgs),
}

/// Flags of `key generate`.
#[derive(Debug, Args)]
pub(crate) struct GenerateArgs {
    /// The signature scheme: sr25519, ed25519 or ecdsa.
    #[arg(long, value_name = "SCHEME", default_value_t = Scheme::Sr25519)]
    scheme: Scheme,

    /// How many words the phrase has: 12 or 24.
    #[arg(long, value_name = "COUNT", default_value_t = 12)]
    words: usize,

    /// For which network to write addresses: a prefix from 0 to 16383, or polkadot, kusama, substrate.
    #[arg(long, value_name = "PREFIX", default_value_t = Network(GENERIC_PREFIX))]
    network: Network,

    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Flags of `key inspect`.
#[derive(Debug, Args)]
pub(crate) struct InspectArgs {
    /// A secret (phrase//hard/soft///password, 0xseed, //Alice), an SS58 address, or with --public a public key;
    /// `-` or nothing reads it from stdin, which keeps secrets out of the shell's history.
    #[arg(value_name = "SECRET|ADDRESS|KEY")]
    text: Vec<SecretText>,

    /// The signature scheme of a secret: sr25519 (the default), ed25519 or ecdsa. An address does not tell.
    #[arg(long, value_name = "SCHEME")]
    scheme: Option<Scheme>,

    /// For which network to write addresses: a prefix from 0 to 16383, or polkadot, kusama, substrate
    /// [default: the network of the address, else 42].
    #[arg(long, value_name = "PREFIX")]
    network: Option<Network>,

    /// What is given is a public key in hex. Without this, 32 bytes of hex are taken for a secret seed.
    #[arg(long)]
    public: bool,

    /// Print the secret, too.
    #[arg(long, conflicts_with = "public")]
    show_secret: bool,

    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Why a key or an address cannot be shown. No text repeats what was given, since that may be a secret.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum KeyCommandError {
    /// The secret is wrong.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// One word that is no address.
    #[error(
        "this is neither a secret (12 to 24 words, 0x and 64 hex digits, or //Alice) nor an address: {0}"
    )]
    NotAnAddress(Ss58Error),
    /// An address of something else.
    #[error("the address holds {0} bytes where an account has 32 and an ECDSA public key 33")]
    NotAKey(usize),
    /// Not a public key.
    #[error(
        "a public key is 0x and 64 hex digits (sr25519, ed25519), or 0x and 66 hex digits that begin with 02 or 03 \
         (ecdsa)"
    )]
    BadPublic,
    /// A public key of another scheme.
    #[error("this public key has {bytes} bytes, which is not one of {scheme}; set --scheme, or leave it out")]
    OtherScheme {
        /// Bytes of the key.
        bytes: usize,
        /// The scheme that was asked for.
        scheme: Scheme,
    },
    /// Stdin cannot be read.
    #[error("the secret could not be read from stdin: {0}")]
    Stdin(String),
    /// Nothing, or not a line.
    #[error("stdin held {0} where one line with a secret or an address is expected")]
    BadStdin(&'static str),
}

impl KeyCommand {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let text = match self {
            Self::Generate(args) => generate(&args)?,
            Self::Inspect(args) => {
                let text = args.text.iter().map(|word| word.0.as_str()).collect::<Vec<_>>().join(" ");
                let text =
                    if text.is_empty() || text == "-" { read_stdin("Secret or address")? } else { text };
                inspect(&args, &text)?
            }
            Self::Insert(args) => args.run()?,
            Self::GenerateValidator(args) => args.run()?,
        };
        stdout::line(&text);
        Ok(())
    }
}

/// A new key, as text or JSON.
fn generate(args: &GenerateArgs) -> Result<String, KeyCommandError> {
    let (pair, phrase) = Pair::generate(args.scheme, args.words)?;
    let shown = Shown {
        heading: Heading::Phrase(phrase),
        network: args.network,
        seed: Some(seed_text(&pair)),
        key: Some((Some(pair.scheme()), pair.public())),
        account: pair.account_id(),
    };
    Ok(shown.print(args.json))
}

/// What is known about a secret, an address or a public key, as text or JSON.
fn inspect(args: &InspectArgs, text: &str) -> Result<String, KeyCommandError> {
    let generic = args.network.unwrap_or(Network(GENERIC_PREFIX));
    let shown = if args.public {
        let key = public_key(text, args.scheme)?;
        Shown {
            heading: Heading::Public,
            network: generic,
            seed: None,
            account: key.1.account_id(),
            key: Some(key),
        }
    } else if looks_like_address(text) {
        let (prefix, payload) = ss58::decode(text).map_err(KeyCommandError::NotAnAddress)?;
        let (account, key) = of_address(&payload, args.scheme)?;
        Shown {
            heading: Heading::Address(prefix),
            network: args.network.unwrap_or(Network(prefix)),
            seed: None,
            key,
            account,
        }
    } else {
        let pair = Pair::from_suri(args.scheme.unwrap_or_default(), text)?;
        Shown {
            heading: Heading::Secret(args.show_secret.then(|| text.to_owned())),
            network: generic,
            seed: args.show_secret.then(|| seed_text(&pair)),
            key: Some((Some(pair.scheme()), pair.public())),
            account: pair.account_id(),
        }
    };
    Ok(shown.print(args.json))
}

/// No secret is a single word, unless it is a path or hex.
fn looks_like_address(text: &str) -> bool {
    !text.is_empty() && !text.starts_with("0x") && !text.contains(|c: char| c.is_whitespace() || c == '/')
}

/// A public key and its scheme, if that is known: 32 bytes belong to either of two schemes.
type KnownKey = (Option<Scheme>, MultiSigner);

/// The account that an address means, and its public key if the address holds one.
fn of_address(
    payload: &[u8],
    scheme: Option<Scheme>,
) -> Result<(AccountId, Option<KnownKey>), KeyCommandError> {
    match <[u8; 32]>::try_from(payload) {
        // The account of an ECDSA key is its hash, from which nothing leads back.
        Ok(bytes) if scheme == Some(Scheme::Ecdsa) => Ok((AccountId::from(bytes), None)),
        Ok(bytes) => Ok((AccountId::from(bytes), Some(key_of(payload, scheme)?))),
        Err(_) => {
            let key = key_of(payload, scheme)?;
            Ok((key.1.account_id(), Some(key)))
        }
    }
}

fn public_key(text: &str, scheme: Option<Scheme>) -> Result<KnownKey, KeyCommandError> {
    let digits = text.strip_prefix("0x").ok_or(KeyCommandError::BadPublic)?;
    // Without the check a second prefix `0x` would pass.
    if digits.starts_with("0x") {
        return Err(KeyCommandError::BadPublic);
    }
    let bytes = const_hex::decode(digits).map_err(|_| KeyCommandError::BadPublic)?;
    key_of(&bytes, scheme).map_err(|error| match error {
        KeyCommandError::NotAKey(_) => KeyCommandError::BadPublic,
        other => other,
    })
}

fn key_of(bytes: &[u8], scheme: Option<Scheme>) -> Result<KnownKey, KeyCommandError> {
    let other_scheme = |scheme| KeyCommandError::OtherScheme { bytes: bytes.len(), scheme };
    match (bytes.len(), scheme) {
        (32, None | Some(Scheme::Sr25519 | Scheme::Ed25519)) => {
            let key = bytes.try_into().map_err(|_| KeyCommandError::BadPublic)?;
            let signer = match scheme {
                Some(Scheme::Ed25519) => MultiSigner::Ed25519(key),
                _ => MultiSigner::Sr25519(key),
            };
            Ok((scheme, signer))
        }
        (33, None | Some(Scheme::Ecdsa)) if matches!(bytes[0], 2 | 3) => {
            let key = bytes.try_into().map_err(|_| KeyCommandError::BadPublic)?;
            Ok((Some(Scheme::Ecdsa), MultiSigner::Ecdsa(key)))
        }
        (32 | 33, Some(scheme)) => Err(other_scheme(scheme)),
        (length, _) => Err(KeyCommandError::NotAKey(length)),
    }
}

fn seed_text(pair: &Pair) -> String {
    // A key after a soft junction has no seed: `subkey` writes this, too.
    pair.seed().map_or_else(|| "n/a".to_owned(), |seed| const_hex::encode_prefixed(&seed[..]))
}

/// What is printed.
struct Shown {
    heading: Heading,
    network: Network,
    /// In hex; none if it is not known or not asked for.
    seed: Option<String>,
    key: Option<KnownKey>,
    account: AccountId,
}

/// What the key came from.
enum Heading {
    /// It is new.
    Phrase(Phrase),
    /// A secret URI; with it only if it may be shown.
    Secret(Option<String>),
    /// An address of the network with this prefix.
    Address(u16),
    /// A public key.
    Public,
}

impl Shown {
    fn print(&self, json: bool) -> String {
        if json { self.json().to_string() } else { self.text() }
    }

    fn address(&self) -> String {
        ss58::encode(self.network.0, self.account.as_ref())
    }

    fn text(&self) -> String {
        let mut text = match &self.heading {
            Heading::Phrase(phrase) => format!("Secret phrase:       {}", phrase.as_str()),
            Heading::Secret(Some(uri)) => format!("Secret Key URI `{uri}` is account:"),
            Heading::Secret(None) => "Secret Key URI is account:".to_owned(),
            Heading::Address(prefix) => format!("Address of network {prefix} is account:"),
            Heading::Public => "Public key is account:".to_owned(),
        };
        let mut line = |name: &str, value: &str| {
            text.push_str(&format!("\n  {:<18} {value}", format!("{name}:")));
        };
        line("Network ID", &self.network.to_string());
        if let Some(seed) = &self.seed {
            line("Secret seed", seed);
        }
        if let Some((scheme, key)) = &self.key {
            line(
                "Scheme",
                &scheme.map_or_else(|| "sr25519 or ed25519".to_owned(), |scheme| scheme.to_string()),
            );
            line("Public key (hex)", &const_hex::encode_prefixed(key));
        }
        line("Account ID", &const_hex::encode_prefixed(self.account.0));
        if let Some((_, key)) = &self.key {
            line("Public key (SS58)", &ss58::encode(self.network.0, key.as_ref()));
        }
        line("SS58 Address", &self.address());
        text
    }

    /// The names of `subkey --output-type json`, and `scheme`, `networkPrefix`.
    fn json(&self) -> Value {
        let mut object = json!({
            "networkId": self.network.to_string(),
            "networkPrefix": self.network.0,
            "scheme": self.key.as_ref().and_then(|(scheme, _)| scheme.map(|scheme| scheme.to_string())),
            "publicKey": self.key.as_ref().map(|(_, key)| const_hex::encode_prefixed(key)),
            "accountId": const_hex::encode_prefixed(self.account.0),
            "ss58PublicKey": self.key.as_ref().map(|(_, key)| ss58::encode(self.network.0, key.as_ref())),
            "ss58Address": self.address(),
        });
        match &self.heading {
            Heading::Phrase(phrase) => object["secretPhrase"] = json!(phrase.as_str()),
            Heading::Secret(Some(uri)) => object["secretKeyUri"] = json!(uri),
            Heading::Secret(None) | Heading::Address(_) | Heading::Public => {}
        }
        if let Some(seed) = &self.seed {
            object["secretSeed"] = json!(seed);
        }
        object
    }
}

/// The prefix of a network's addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Network(u16);

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match NETWORK_NAMES.iter().find(|(_, prefix)| *prefix == self.0) {
            Some((name, _)) => f.write_str(name),
            None => write!(f, "{}", self.0),
        }
    }
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some((_, prefix)) = NETWORK_NAMES.iter().find(|(name, _)| *name == text) {
            return Ok(Self(*prefix));
        }
        text.parse().ok().filter(|prefix| *prefix <= PREFIX_MAX).map(Self).ok_or_else(|| {
            let names = NETWORK_NAMES.map(|(name, _)| name).join(", ");
            format!("'{text}' is no network: use a prefix from 0 to {PREFIX_MAX}, or a name ({names})")
        })
    }
}

/// Text that may be a secret, so that `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct SecretText(pub(super) String);

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretText(…)")
    }
}

impl From<String> for SecretText {
    fn from(text: String) -> Self {
        Self(text)
    }
}

/// The key that a flag names; `-` reads it from stdin.
pub(super) fn read_pair(scheme: Scheme, secret: &SecretText) -> Result<Pair, KeyCommandError> {
    let pair = match secret.0.as_str() {
        "-" => Pair::from_suri(scheme, &read_stdin("Secret")?),
        uri => Pair::from_suri(scheme, uri),
    };
    Ok(pair?)
}

/// One line of stdin. Asks for it if a person types.
fn read_stdin(what: &str) -> Result<String, KeyCommandError> {
    let stdin = std::io::stdin();
    if stdin.is_terminal() {
        let _ = write!(std::io::stderr(), "{what} (can be seen as you type), then Enter and Ctrl-D: ");
    }
    one_line(stdin.lock())
}

/// The only line of `input`. Space at its end is kept: it may belong to a password.
fn one_line(input: impl Read) -> Result<String, KeyCommandError> {
    let mut bytes = Vec::new();
    // One byte more than allowed tells a longer text from one that just fits.
    input
        .take(STDIN_BYTES_MAX + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| KeyCommandError::Stdin(error.to_string()))?;
    if bytes.len() as u64 > STDIN_BYTES_MAX {
        return Err(KeyCommandError::BadStdin("more than 16 KiB"));
    }
    let text =
        String::from_utf8(bytes).map_err(|_| KeyCommandError::BadStdin("something that is not text"))?;
    let line = text.trim_start().trim_end_matches(['\r', '\n']);
    if line.is_empty() {
        return Err(KeyCommandError::BadStdin("nothing"));
    }
    if line.contains('\n') {
        return Err(KeyCommandError::BadStdin("several lines"));
    }
    Ok(line.to_owned())
}
