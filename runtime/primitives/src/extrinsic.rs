//! The inside of an extrinsic of version 4, and what is signed.
//!
//! ```text
//! bare    0x04 ++ call          (0x05 ++ call means the same)
//! signed  0x84 ++ address ++ signature ++ extra ++ call
//! ```
//!
//! All bytes here are *without* the compact length that precedes an extrinsic on the wire; see
//! [`OpaqueExtrinsic`](crate::OpaqueExtrinsic).
//!
//! The extensions, in this order: CheckNonZeroSender, CheckSpecVersion, CheckTxVersion, CheckGenesis,
//! CheckMortality, CheckNonce, CheckWeight, ChargeTransactionPayment, CheckMetadataHash. Clients hard-code it.

use alloc::vec::Vec;
use core::ops::Range;

use parity_scale_codec::{Compact, Decode, Encode, Error, Input};

use crate::{Balance, Era, H256, MultiAddress, MultiSignature, Nonce, hashing::blake2_256};

#[cfg(test)]
mod tests;

/// The version of signed extrinsics.
pub const VERSION: u8 = 4;
/// The first byte of an extrinsic without a signature.
pub const BARE_V4: u8 = 0x04;
/// The first byte of an extrinsic without a signature, as version 5 writes it.
pub const BARE_V5: u8 = 0x05;
/// The first byte of a signed extrinsic.
pub const SIGNED_V4: u8 = 0x84;
/// Longer payloads are hashed before they are signed.
pub const PAYLOAD_BYTES_MAX: usize = 256;

/// Why bytes are no extrinsic.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExtrinsicError {
    /// Nothing at all.
    #[error("the extrinsic is empty; it must begin with a version byte")]
    Empty,
    /// A version or a kind that this chain does not take.
    #[error("extrinsic version byte {0:#04x} is not supported; send 0x84 (signed) or 0x04 (bare)")]
    UnsupportedVersion(u8),
    /// A part that does not decode.
    #[error("the {part} of the extrinsic does not decode: {reason}")]
    Malformed {
        /// Which part.
        part: &'static str,
        /// Why not.
        reason: Error,
    },
}

/// What the extensions put into a signed extrinsic.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode)]
pub struct Extra {
    /// For which blocks it is valid.
    pub era: Era,
    /// How many transactions the sender sent before.
    #[codec(compact)]
    pub nonce: Nonce,
    /// What the sender adds to the fee.
    #[codec(compact)]
    pub tip: Balance,
    /// 1 if the signed bytes hold a metadata hash, else 0.
    pub metadata_hash_mode: u8,
}

impl Decode for Extra {
    fn decode<I: Input>(input: &mut I) -> Result<Self, Error> {
        let era = Era::decode(input)?;
        let nonce = Compact::<Nonce>::decode(input)?.0;
        let tip = Compact::<Balance>::decode(input)?.0;
        let metadata_hash_mode = input.read_byte()?;
        if metadata_hash_mode > 1 {
            return Err("metadata hash mode must be 0 (disabled) or 1 (enabled)".into());
        }
        Ok(Self { era, nonce, tip, metadata_hash_mode })
    }
}

/// What the extensions add to the signed bytes, though it is not sent.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Additional {
    /// The version of the chain's logic.
    pub spec_version: u32,
    /// The version of the extrinsic format.
    pub transaction_version: u32,
    /// The hash of block 0.
    pub genesis_hash: H256,
    /// The hash of the block at the era's birth; genesis if immortal.
    pub birth_hash: H256,
    /// The hash of the metadata, if the mode asks for it.
    pub metadata_hash: Option<[u8; 32]>,
}

/// What precedes the call in an extrinsic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Preamble {
    /// No signature: an inherent.
    Bare {
        /// Where the call begins.
        call_offset: usize,
    },
    /// A signature and what was signed with it.
    Signed {
        /// Who claims to have signed.
        address: MultiAddress,
        /// The signature.
        signature: MultiSignature,
        /// What the extensions put in.
        extra: Extra,
        /// Where `extra` lies. The signed bytes hold it as it was sent.
        extra_range: Range<usize>,
        /// Where the call begins.
        call_offset: usize,
    },
}

impl Preamble {
    /// Where the call begins; it goes on to the end of the extrinsic.
    pub fn call_offset(&self) -> usize {
        match self {
            Self::Bare { call_offset } | Self::Signed { call_offset, .. } => *call_offset,
        }
    }
}

/// Reads what precedes the call of an extrinsic, given without its length. The call itself is not looked at.
///
/// # Errors
///
/// If the version is not supported, or a part does not decode.
pub fn split(bytes: &[u8]) -> Result<Preamble, ExtrinsicError> {
    let (&version, mut rest) = bytes.split_first().ok_or(ExtrinsicError::Empty)?;
    match version {
        BARE_V4 | BARE_V5 => Ok(Preamble::Bare { call_offset: 1 }),
        SIGNED_V4 => {
            let address = part("address", &mut rest)?;
            let signature = part("signature", &mut rest)?;
            let extra_offset = bytes.len() - rest.len();
            let extra = part("extra (era, nonce, tip, metadata hash mode)", &mut rest)?;
            let call_offset = bytes.len() - rest.len();
            Ok(Preamble::Signed {
                address,
                signature,
                extra,
                extra_range: extra_offset..call_offset,
                call_offset,
            })
        }
        other => Err(ExtrinsicError::UnsupportedVersion(other)),
    }
}

fn part<T: Decode>(part: &'static str, input: &mut &[u8]) -> Result<T, ExtrinsicError> {
    T::decode(input).map_err(|reason| ExtrinsicError::Malformed { part, reason })
}

/// The bytes to sign: call, extra and additional, hashed with blake2-256 if longer than [`PAYLOAD_BYTES_MAX`].
pub fn signing_payload(call: &[u8], extra: &Extra, additional: &Additional) -> Vec<u8> {
    let mut payload = call.to_vec();
    extra.encode_to(&mut payload);
    additional.encode_to(&mut payload);
    if payload.len() > PAYLOAD_BYTES_MAX { blake2_256(&payload).to_vec() } else { payload }
}

/// A signed extrinsic without its length.
pub fn encode_signed(
    address: &MultiAddress,
    signature: &MultiSignature,
    extra: &Extra,
    call: &[u8],
) -> Vec<u8> {
    let mut bytes = [SIGNED_V4].to_vec();
    address.encode_to(&mut bytes);
    signature.encode_to(&mut bytes);
    extra.encode_to(&mut bytes);
    bytes.extend_from_slice(call);
    bytes
}

/// An extrinsic without signature, without its length.
pub fn encode_bare(call: &[u8]) -> Vec<u8> {
    [&[BARE_V4], call].concat()
}
