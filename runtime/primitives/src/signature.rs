//! Signatures of the three schemes that Substrate accounts use.

use alloc::vec::Vec;

use parity_scale_codec::{Decode, Encode, MaxEncodedLen};
use scale_info::{
    Type, TypeInfo,
    build::{Fields, Variants},
};

use crate::{AccountId, hashing::blake2_256, type_info::path};

#[cfg(test)]
mod tests;

/// What sr25519 signatures of Substrate are bound to.
pub const SR25519_CONTEXT: &[u8] = b"substrate";

/// What a key signs, followed by an account, to show that its owner is that account's. As in Substrate.
const POSSESSION_TAG: &[u8] = b"POP_";

/// A signature and its scheme.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen)]
pub enum MultiSignature {
    /// Ed25519, checked by the rules of ZIP-215.
    #[codec(index = 0)]
    Ed25519([u8; 64]),
    /// Schnorrkel over Ristretto, with the context `substrate`.
    #[codec(index = 1)]
    Sr25519([u8; 64]),
    /// ECDSA over secp256k1: r, s and the recovery id, of the blake2-256 of the message.
    #[codec(index = 2)]
    Ecdsa([u8; 65]),
}

/// A public key and its scheme.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode, MaxEncodedLen)]
pub enum MultiSigner {
    /// An Ed25519 key.
    #[codec(index = 0)]
    Ed25519([u8; 32]),
    /// An sr25519 key.
    #[codec(index = 1)]
    Sr25519([u8; 32]),
    /// A compressed secp256k1 point.
    #[codec(index = 2)]
    Ecdsa([u8; 33]),
}

impl MultiSigner {
    /// The account of this key: the key itself, or for ECDSA its blake2-256 hash.
    pub fn account_id(&self) -> AccountId {
        match self {
            Self::Ed25519(key) | Self::Sr25519(key) => AccountId::from(*key),
            Self::Ecdsa(key) => AccountId::from(blake2_256(key)),
        }
    }
}

impl AsRef<[u8]> for MultiSigner {
    fn as_ref(&self) -> &[u8] {
        match self {
            Self::Ed25519(key) | Self::Sr25519(key) => key,
            Self::Ecdsa(key) => key,
        }
    }
}

/// Whether `signer` signed `message`. Needs no state, so that many checks may run at once.
pub fn verify(signature: &MultiSignature, message: &[u8], signer: &AccountId) -> bool {
    match signature {
        MultiSignature::Ed25519(signature) => ed25519_verify(signature, message, &signer.0),
        MultiSignature::Sr25519(signature) => sr25519_verify(signature, message, &signer.0),
        MultiSignature::Ecdsa(signature) => ecdsa_recover(signature, &blake2_256(message))
            .is_some_and(|key| MultiSigner::Ecdsa(key).account_id() == *signer),
    }
}

/// Whether this is the sr25519 signature of `message` by `public` in [`SR25519_CONTEXT`].
pub fn sr25519_verify(signature: &[u8; 64], message: &[u8], public: &[u8; 32]) -> bool {
    let Ok(public) = schnorrkel::PublicKey::from_bytes(public) else { return false };
    let Ok(signature) = schnorrkel::Signature::from_bytes(signature) else { return false };
    public.verify_simple(SR25519_CONTEXT, message, &signature).is_ok()
}

/// Whether this is an Ed25519 signature of `message` by `public`, by the rules of ZIP-215.
pub fn ed25519_verify(signature: &[u8; 64], message: &[u8], public: &[u8; 32]) -> bool {
    let Ok(public) = ed25519_zebra::VerificationKey::try_from(*public) else { return false };
    public.verify(&ed25519_zebra::Signature::from(*signature), message).is_ok()
}

/// What the secret of a session key signs to show that it belongs to `owner`. As in Substrate, so that its tools make and
/// check it, too. Nothing else that a validator signs has this length or begins so.
pub fn possession_statement(owner: &AccountId) -> Vec<u8> {
    [POSSESSION_TAG, &owner.0].concat()
}

/// Whether these bytes are an sr25519 public key at all: signatures of others never verify.
pub fn is_sr25519_public(public: &[u8; 32]) -> bool {
    schnorrkel::PublicKey::from_bytes(public).is_ok()
}

/// Whether these bytes are an Ed25519 public key at all, by the rules of ZIP-215: signatures of others never verify.
pub fn is_ed25519_public(public: &[u8; 32]) -> bool {
    ed25519_zebra::VerificationKey::try_from(*public).is_ok()
}

/// The compressed key that signed the 32-byte digest `prehash`, if there is one.
///
/// As in Substrate, both halves of `s` are accepted, and recovery ids may be written as 0 to 3 or as 27 to 30.
pub fn ecdsa_recover(signature: &[u8; 65], prehash: &[u8; 32]) -> Option<[u8; 33]> {
    use k256::ecdsa::{RecoveryId, Signature, VerifyingKey};

    let (scalars, id) = signature.split_at(64);
    let id = match id[0] {
        written @ 27.. => written - 27,
        written => written,
    };
    let mut id = RecoveryId::from_byte(id)?;
    let mut signature = Signature::from_slice(scalars).ok()?;
    // The library refuses a high `s`; (r, -s) with the other `y` recovers the same key.
    if let Some(low) = signature.normalize_s() {
        signature = low;
        id = RecoveryId::new(!id.is_y_odd(), id.is_x_reduced());
    }
    let key = VerifyingKey::recover_from_prehash(prehash, &signature, id).ok()?;
    key.to_encoded_point(true).as_bytes().try_into().ok()
}

/// Both coordinates of the point that a compressed key stands for, if it stands for one.
pub fn ecdsa_uncompressed(key: &[u8; 33]) -> Option<[u8; 64]> {
    let key = k256::ecdsa::VerifyingKey::from_sec1_bytes(key).ok()?;
    key.to_encoded_point(false).as_bytes().get(1..)?.try_into().ok()
}

impl TypeInfo for MultiSignature {
    type Identity = Self;

    fn type_info() -> Type {
        Type::builder().path(path(["sp_runtime", "MultiSignature"])).variant(
            Variants::new()
                .variant("Ed25519", |v| {
                    v.index(0).fields(
                        Fields::unnamed().field(|f| f.ty::<[u8; 64]>().type_name("ed25519::Signature")),
                    )
                })
                .variant("Sr25519", |v| {
                    v.index(1).fields(
                        Fields::unnamed().field(|f| f.ty::<[u8; 64]>().type_name("sr25519::Signature")),
                    )
                })
                .variant("Ecdsa", |v| {
                    v.index(2)
                        .fields(Fields::unnamed().field(|f| f.ty::<[u8; 65]>().type_name("ecdsa::Signature")))
                }),
        )
    }
}

impl TypeInfo for MultiSigner {
    type Identity = Self;

    fn type_info() -> Type {
        Type::builder().path(path(["sp_runtime", "MultiSigner"])).variant(
            Variants::new()
                .variant("Ed25519", |v| {
                    v.index(0)
                        .fields(Fields::unnamed().field(|f| f.ty::<[u8; 32]>().type_name("ed25519::Public")))
                })
                .variant("Sr25519", |v| {
                    v.index(1)
                        .fields(Fields::unnamed().field(|f| f.ty::<[u8; 32]>().type_name("sr25519::Public")))
                })
                .variant("Ecdsa", |v| {
                    v.index(2)
                        .fields(Fields::unnamed().field(|f| f.ty::<[u8; 33]>().type_name("ecdsa::Public")))
                }),
        )
    }
}
