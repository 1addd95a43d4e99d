//! What clients see of this pallet: names, indices and fields are Substrate's.

use alloc::vec::Vec;

use basalt_primitives::H256;
use parity_scale_codec::{Decode, DecodeWithMemTracking, Encode};
use scale_info::TypeInfo;

/// What an account may ask of this pallet.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_preimage", "pallet_preimage"))]
#[expect(non_camel_case_types, reason = "variants are the names that clients call")]
pub enum Call {
    /// Stores bytes. Free of fee and deposit if the chain has requested them.
    #[codec(index = 0)]
    note_preimage {
        /// The bytes.
        bytes: Vec<u8>,
    },
    /// Takes bytes back that one has stored. If they are requested, they stay, and the deposit is returned.
    #[codec(index = 1)]
    unnote_preimage {
        /// Their hash.
        hash: H256,
    },
    /// Requests bytes. Root only.
    #[codec(index = 2)]
    request_preimage {
        /// Their hash.
        hash: H256,
    },
    /// Takes a request back. Root only.
    #[codec(index = 3)]
    unrequest_preimage {
        /// The hash.
        hash: H256,
    },
    /// Does nothing: there are no old deposits here.
    #[codec(index = 4)]
    ensure_updated {
        /// Hashes.
        hashes: Vec<H256>,
    },
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_preimage", "pallet_preimage"))]
pub enum Event {
    /// Bytes were stored.
    #[codec(index = 0)]
    Noted {
        /// Their hash.
        hash: H256,
    },
    /// Bytes are wanted that were not before.
    #[codec(index = 1)]
    Requested {
        /// Their hash.
        hash: H256,
    },
    /// Bytes were removed.
    #[codec(index = 2)]
    Cleared {
        /// Their hash.
        hash: H256,
    },
}

/// Why a call of this pallet failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_preimage", "pallet_preimage"))]
pub enum Error {
    /// Too many bytes.
    #[codec(index = 0)]
    TooBig,
    /// These bytes are stored already.
    #[codec(index = 1)]
    AlreadyNoted,
    /// Somebody else has paid for these bytes, or nobody.
    #[codec(index = 2)]
    NotAuthorized,
    /// No such bytes are stored or wanted.
    #[codec(index = 3)]
    NotNoted,
    /// They are requested. Not used: the deposit is returned, and the bytes stay.
    #[codec(index = 4)]
    Requested,
    /// Nobody has requested them.
    #[codec(index = 5)]
    NotRequested,
    /// Too many hashes at once.
    #[codec(index = 6)]
    TooMany,
    /// No hash at all.
    #[codec(index = 7)]
    TooFew,
}

/// What an amount of an account is held for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_preimage", "pallet_preimage"))]
pub enum HoldReason {
    /// For bytes that the account keeps.
    #[codec(index = 0)]
    Preimage,
}
