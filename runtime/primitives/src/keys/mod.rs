//! Signing keys: phrases, derivation paths, secrets.
//!
//! A *secret URI* names a key as Substrate's tools do: `phrase//hard/soft///password`. The phrase is 12 to 24 words
//! of BIP-39 or a seed of 32 bytes in hex after `0x`; without one it is [`DEV_PHRASE`], so `//Alice` is a whole URI.
//!
//! Secrets are wiped from memory when dropped, and no `Debug` or error text shows them.

mod suri;
#[cfg(test)]
mod tests;

use core::{fmt, str::FromStr};
use std::string::String;

use bip39::{Language, Mnemonic};
use k256::ecdsa;
use parity_scale_codec::Encode;
use schnorrkel::{ExpansionMode, MiniSecretKey, SecretKey, derive::ChainCode, derive::Derivation};
use zeroize::{Zeroize, Zeroizing};

use self::suri::{Junction, Root, SecretUri};
use crate::{AccountId, MultiSignature, MultiSigner, hashing::blake2_256, signature::SR25519_CONTEXT};

/// The phrase behind `//Alice` and the other development accounts. Everyone knows it: never keep value there.
pub const DEV_PHRASE: &str = "bottom drive obey lake curtain smoke basket hold race lonely fit walk";

/// A seed, from which a key of any scheme can be made.
type Seed = Zeroizing<[u8; 32]>;

/// Why there is no key. No text holds any part of a secret.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// An empty URI.
    #[error("the secret is empty; give a phrase, a seed (0x and 64 hex digits) or a path such as //Alice")]
    Empty,
    /// Not as many words as BIP-39 allows.
    #[error(
        "the phrase has {0} words where 12, 15, 18, 21 or 24 are needed; development accounts are written //Alice"
    )]
    WordCount(usize),
    /// A word that BIP-39 does not list.
    #[error("word number {0} of the phrase is not in the English BIP-39 word list; check its spelling")]
    UnknownWord(usize),
    /// The words do not belong together.
    #[error(
        "all words of the phrase are known but its checksum is wrong; two words may be swapped, or one replaced"
    )]
    Checksum,
    /// A generated phrase of a length that is not offered.
    #[error("a new phrase has 12 or 24 words, not {0}")]
    GeneratedWordCount(usize),
    /// A seed that is not 32 bytes of hex.
    #[error("the seed after 0x must be 64 hexadecimal digits (32 bytes)")]
    BadSeed,
    /// A number that is no ECDSA key.
    #[error(
        "the seed is no ECDSA key: it must be above 0 and below the order of secp256k1; use another seed"
    )]
    SeedOutOfRange,
    /// A path with an empty junction.
    #[error(
        "junction number {0} of the derivation path is empty; write /soft or //hard, and ///password last"
    )]
    EmptyJunction(usize),
    /// A soft junction for a scheme that has none.
    #[error(
        "junction number {position} of the derivation path is soft, which {scheme} cannot derive; write it with //"
    )]
    SoftJunction {
        /// Which junction, from 1.
        position: usize,
        /// The scheme.
        scheme: Scheme,
    },
    /// A name that is no scheme.
    #[error("unknown signature scheme; use sr25519, ed25519 or ecdsa")]
    UnknownScheme,
    /// The operating system gave no random bytes.
    #[error("the operating system gave no random bytes: {0}")]
    Randomness(getrandom::Error),
}

/// A signature scheme.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// Schnorrkel over Ristretto: what wallets make by default, and the only one with soft derivation.
    #[default]
    Sr25519,
    /// Ed25519.
    Ed25519,
    /// ECDSA over secp256k1.
    Ecdsa,
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sr25519 => "sr25519",
            Self::Ed25519 => "ed25519",
            Self::Ecdsa => "ecdsa",
        })
    }
}

impl FromStr for Scheme {
    type Err = KeyError;

    fn from_str(name: &str) -> Result<Self, KeyError> {
        match name {
            "sr25519" => Ok(Self::Sr25519),
            "ed25519" => Ok(Self::Ed25519),
            "ecdsa" => Ok(Self::Ecdsa),
            _ => Err(KeyError::UnknownScheme),
        }
    }
}

/// A new phrase, to be written down. Wiped when dropped.
pub struct Phrase(Zeroizing<String>);

impl Phrase {
    /// The words, with single spaces between them.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Phrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Phrase(…)")
    }
}

/// A secret key with its public key. Wiped when dropped.
#[derive(Clone)]
pub struct Pair {
    secret: Secret,
    /// What the secret was made from; none after a soft junction.
    seed: Option<Seed>,
}

/// All three wipe themselves: the first and the last in their own `Drop`.
#[derive(Clone)]
enum Secret {
    Sr25519(schnorrkel::Keypair),
    Ed25519(Zeroizing<ed25519_zebra::SigningKey>),
    Ecdsa(ecdsa::SigningKey),
}

impl Pair {
    /// A new key from the randomness of the operating system, and the phrase of 12 or 24 words that restores it.
    ///
    /// # Errors
    ///
    /// For another number of words, or without randomness.
    pub fn generate(scheme: Scheme, words: usize) -> Result<(Self, Phrase), KeyError> {
        let entropy_bytes = match words {
            12 => 16,
            24 => 32,
            other => return Err(KeyError::GeneratedWordCount(other)),
        };
        let mut entropy = Zeroizing::new([0; 32]);
        getrandom::fill(&mut entropy[..]).map_err(KeyError::Randomness)?;
        let mnemonic = Mnemonic::from_entropy_in(Language::English, &entropy[..entropy_bytes])
            .expect("BIP-39 takes 16 and 32 bytes of entropy");
        let mut phrase = Zeroizing::new(String::with_capacity(words * 9));
        for word in mnemonic.words() {
            if !phrase.is_empty() {
                phrase.push(' ');
            }
            phrase.push_str(word);
        }
        let pair = Self::from_seed(scheme, &seed_of_entropy(&entropy[..entropy_bytes], ""))?;
        Ok((pair, Phrase(phrase)))
    }

    /// The key that a secret URI names: `phrase//hard/soft///password`, `0xseed//hard`, `//Alice`.
    ///
    /// # Errors
    ///
    /// [`KeyError`] names the word or junction that is wrong, without repeating it.
    pub fn from_suri(scheme: Scheme, suri: &str) -> Result<Self, KeyError> {
        let uri = SecretUri::parse(suri)?;
        let root = match uri.root {
            Root::Seed(seed) => seed,
            Root::Phrase(phrase) => seed_of_phrase(phrase, uri.password)?,
        };
        let mut pair = Self::from_seed(scheme, &root)?;
        for (junction, position) in uri.junctions.iter().zip(1..) {
            pair = pair.derive(junction, position)?;
        }
        Ok(pair)
    }

    /// The key of a seed.
    ///
    /// # Errors
    ///
    /// Only with ECDSA, for zero and for numbers above the order of the curve.
    pub fn from_seed(scheme: Scheme, seed: &[u8; 32]) -> Result<Self, KeyError> {
        let secret = match scheme {
            Scheme::Sr25519 => Secret::Sr25519(
                MiniSecretKey::from_bytes(seed)
                    .expect("every 32 bytes are a mini secret key")
                    .expand_to_keypair(ExpansionMode::Ed25519),
            ),
            Scheme::Ed25519 => Secret::Ed25519(Zeroizing::new(ed25519_zebra::SigningKey::from(*seed))),
            Scheme::Ecdsa => Secret::Ecdsa(
                ecdsa::SigningKey::from_bytes(seed.into()).map_err(|_| KeyError::SeedOutOfRange)?,
            ),
        };
        Ok(Self { secret, seed: Some(Zeroizing::new(*seed)) })
    }

    /// The scheme.
    pub fn scheme(&self) -> Scheme {
        match self.secret {
            Secret::Sr25519(_) => Scheme::Sr25519,
            Secret::Ed25519(_) => Scheme::Ed25519,
            Secret::Ecdsa(_) => Scheme::Ecdsa,
        }
    }

    /// The public key.
    pub fn public(&self) -> MultiSigner {
        match &self.secret {
            Secret::Sr25519(pair) => MultiSigner::Sr25519(pair.public.to_bytes()),
            Secret::Ed25519(key) => {
                MultiSigner::Ed25519(ed25519_zebra::VerificationKeyBytes::from(&**key).into())
            }
            Secret::Ecdsa(key) => MultiSigner::Ecdsa(
                key.verifying_key()
                    .to_encoded_point(true)
                    .as_bytes()
                    .try_into()
                    .expect("a compressed point of secp256k1 has 33 bytes"),
            ),
        }
    }

    /// The account.
    pub fn account_id(&self) -> AccountId {
        self.public().account_id()
    }

    /// A signature of `message`; [`crate::signature::verify`] accepts it.
    pub fn sign(&self, message: &[u8]) -> MultiSignature {
        match &self.secret {
            Secret::Sr25519(pair) => {
                MultiSignature::Sr25519(pair.sign_simple(SR25519_CONTEXT, message).to_bytes())
            }
            Secret::Ed25519(key) => MultiSignature::Ed25519(key.sign(message).into()),
            Secret::Ecdsa(key) => {
                let (scalars, id) = key
                    .sign_prehash_recoverable(&blake2_256(message))
                    .expect("signing fails only for digests shorter than 16 bytes");
                let mut signature = [0; 65];
                signature[..64].copy_from_slice(&scalars.to_bytes());
                signature[64] = id.to_byte();
                MultiSignature::Ecdsa(signature)
            }
        }
    }

    /// The seed, which [`Pair::from_seed`] takes; none if the path ended after a soft junction.
    pub fn seed(&self) -> Option<Seed> {
        self.seed.clone()
    }

    /// The secret key itself: 64 bytes (scalar and nonce) for sr25519, else the 32 bytes of the seed.
    pub fn secret(&self) -> Zeroizing<std::vec::Vec<u8>> {
        Zeroizing::new(match &self.secret {
            Secret::Sr25519(pair) => {
                let mut bytes = pair.secret.to_bytes();
                let secret = bytes.to_vec();
                bytes.zeroize();
                secret
            }
            Secret::Ed25519(key) => key.as_ref().as_ref().to_vec(),
            Secret::Ecdsa(key) => {
                let mut bytes = key.to_bytes();
                let secret = bytes.to_vec();
                bytes.zeroize();
                secret
            }
        })
    }

    fn derive(&self, junction: &Junction, position: usize) -> Result<Self, KeyError> {
        let scheme = self.scheme();
        match (&self.secret, junction, &self.seed) {
            (Secret::Sr25519(pair), Junction::Hard(code), _) => {
                let (mini, _) = pair.secret.hard_derive_mini_secret_key(Some(ChainCode(*code)), b"");
                Self::from_seed(scheme, mini.as_bytes())
            }
            (Secret::Sr25519(pair), Junction::Soft(code), _) => {
                let (secret, _): (SecretKey, _) = pair.secret.derived_key_simple(ChainCode(*code), b"");
                Ok(Self { secret: Secret::Sr25519(secret.to_keypair()), seed: None })
            }
            (Secret::Ed25519(_), Junction::Hard(code), Some(seed)) => {
                Self::from_seed(scheme, &hard("Ed25519HDKD", seed, code))
            }
            (Secret::Ecdsa(_), Junction::Hard(code), Some(seed)) => {
                Self::from_seed(scheme, &hard("Secp256k1HDKD", seed, code))
            }
            (Secret::Ed25519(_) | Secret::Ecdsa(_), _, _) => Err(KeyError::SoftJunction { position, scheme }),
        }
    }
}

impl fmt::Debug for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pair").field("public", &self.public()).finish_non_exhaustive()
    }
}

/// Substrate's hard derivation where a scheme has none of its own.
fn hard(domain: &str, seed: &Seed, code: &[u8; 32]) -> Seed {
    let input = Zeroizing::new((domain, **seed, code).encode());
    Zeroizing::new(blake2_256(&input))
}

fn seed_of_phrase(phrase: &str, password: &str) -> Result<Seed, KeyError> {
    let mnemonic = Mnemonic::parse_in_normalized(Language::English, phrase).map_err(|error| match error {
        bip39::Error::BadWordCount(count) => KeyError::WordCount(count),
        bip39::Error::UnknownWord(index) => KeyError::UnknownWord(index.saturating_add(1)),
        bip39::Error::InvalidChecksum
        | bip39::Error::BadEntropyBitCount(_)
        | bip39::Error::AmbiguousLanguages(_) => KeyError::Checksum,
    })?;
    let (entropy, entropy_bytes) = mnemonic.to_entropy_array();
    let entropy = Zeroizing::new(entropy);
    Ok(seed_of_entropy(&entropy[..entropy_bytes], password))
}

/// Substrate's own step from BIP-39 entropy, not from the words, to a seed.
fn seed_of_entropy(entropy: &[u8], password: &str) -> Seed {
    let long = Zeroizing::new(
        substrate_bip39::seed_from_entropy(entropy, password)
            .expect("a BIP-39 phrase yields 16 to 32 bytes of entropy, in steps of 4"),
    );
    let mut seed = Zeroizing::new([0; 32]);
    seed.copy_from_slice(&long[..32]);
    seed
}
