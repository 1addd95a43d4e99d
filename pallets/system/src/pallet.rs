//! What clients see of this pallet: names, indices and fields are Substrate's.

use alloc::vec::Vec;

use basalt_primitives::{AccountId, DispatchError, DispatchEventInfo, H256};
use parity_scale_codec::{Decode, Encode};
use scale_info::TypeInfo;

/// What an account may ask of this pallet.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_system", "frame_system"))]
#[expect(non_camel_case_types, reason = "variants are the names that clients call")]
pub enum Call {
    /// Puts some text on the chain, and changes nothing else.
    #[codec(index = 0)]
    remark {
        /// The text.
        remark: Vec<u8>,
    },
    /// Replaces the runtime. Always fails: the runtime of this chain is native.
    #[codec(index = 2)]
    set_code {
        /// The new runtime.
        code: Vec<u8>,
    },
    /// Sets raw storage items. Only root.
    #[codec(index = 4)]
    set_storage {
        /// Keys and values.
        items: Vec<(Vec<u8>, Vec<u8>)>,
    },
    /// Removes raw storage items. Only root.
    #[codec(index = 5)]
    kill_storage {
        /// The keys.
        keys: Vec<Vec<u8>>,
    },
    /// Puts some text on the chain, and its hash into an event.
    #[codec(index = 7)]
    remark_with_event {
        /// The text.
        remark: Vec<u8>,
    },
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_system", "frame_system"))]
pub enum Event {
    /// An extrinsic succeeded.
    #[codec(index = 0)]
    ExtrinsicSuccess {
        /// What it cost.
        dispatch_info: DispatchEventInfo,
    },
    /// An extrinsic failed.
    #[codec(index = 1)]
    ExtrinsicFailed {
        /// Why.
        dispatch_error: DispatchError,
        /// What it cost.
        dispatch_info: DispatchEventInfo,
    },
    /// `:code` was replaced.
    #[codec(index = 2)]
    CodeUpdated,
    /// An account came into being.
    #[codec(index = 3)]
    NewAccount {
        /// The account.
        account: AccountId,
    },
    /// An account ceased to be.
    #[codec(index = 4)]
    KilledAccount {
        /// The account.
        account: AccountId,
    },
    /// A remark was made.
    #[codec(index = 5)]
    Remarked {
        /// Who made it.
        sender: AccountId,
        /// Blake2-256 of the text.
        hash: H256,
    },
}

/// Why a call of this pallet failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_system", "frame_system"))]
pub enum Error {
    /// The new runtime has another specification name.
    #[codec(index = 0)]
    InvalidSpecName,
    /// The new runtime's version is not higher.
    #[codec(index = 1)]
    SpecVersionNeedsToIncrease,
    /// The version of the new runtime could not be read: this chain's runtime is native, so no code can replace it.
    #[codec(index = 2)]
    FailedToExtractRuntimeVersion,
    /// The account still has data.
    #[codec(index = 3)]
    NonDefaultComposite,
    /// Something still refers to the account.
    #[codec(index = 4)]
    NonZeroRefCount,
    /// This origin may not make this call.
    #[codec(index = 5)]
    CallFiltered,
    /// A migration over several blocks is going on.
    #[codec(index = 6)]
    MultiBlockMigrationsOngoing,
    /// No upgrade was authorised.
    #[codec(index = 7)]
    NothingAuthorized,
    /// The upgrade is not the one that was authorised.
    #[codec(index = 8)]
    Unauthorized,
}
