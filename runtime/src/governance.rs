//! Who may decide what: the origins of this chain's referenda, and what each may call.

use basalt_primitives::AccountId;
use basalt_support::{Origin, StoredOrigin};
use parity_scale_codec::{Decode, Encode};
use scale_info::TypeInfo;

use crate::{ORIGINS, OriginCaller};

/// An origin that every chain has.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[scale_info(replace_segment("basalt_runtime", "frame_support"))]
#[scale_info(replace_segment("governance", "dispatch"))]
pub enum RawOrigin {
    /// The chain itself.
    #[codec(index = 0)]
    Root,
    /// An account.
    #[codec(index = 1)]
    Signed(AccountId),
    /// Nobody.
    #[codec(index = 2)]
    None,
}

impl StoredOrigin for OriginCaller {
    fn into_origin(self) -> Origin {
        match self {
            Self::system(RawOrigin::Root) => Origin::Root,
            Self::system(RawOrigin::Signed(who)) => Origin::Signed(who),
            Self::system(RawOrigin::None) => Origin::None,
            Self::Origins(origin) => ORIGINS.origin(origin),
        }
    }

    fn of(origin: &Origin) -> Option<Self> {
        match origin {
            Origin::Root => Some(Self::system(RawOrigin::Root)),
            Origin::Signed(who) => Some(Self::system(RawOrigin::Signed(*who))),
            Origin::None => Some(Self::system(RawOrigin::None)),
            Origin::Pallet { .. } => ORIGINS.named(origin).map(Self::Origins),
        }
    }
}
