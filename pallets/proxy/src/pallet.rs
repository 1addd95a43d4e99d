//! What clients see of this pallet: names, indices and fields are Substrate's.

use alloc::boxed::Box;

use basalt_primitives::{AccountId, BlockNumber, DispatchError, H256, MultiAddress};
use parity_scale_codec::{Decode, DecodeWithMemTracking, Encode};
use scale_info::TypeInfo;

/// An account that may act for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Encode, Decode, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_proxy", "pallet_proxy"))]
pub struct ProxyDefinition<AccountId, ProxyType, BlockNumber> {
    /// Who may act.
    pub delegate: AccountId,
    /// What it may do.
    pub proxy_type: ProxyType,
    /// How many blocks it must announce a call before it makes it; 0: not at all.
    pub delay: BlockNumber,
}

/// A call that a delegate will make.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_proxy", "pallet_proxy"))]
pub struct Announcement<AccountId, Hash, BlockNumber> {
    /// For whom.
    pub real: AccountId,
    /// Blake2-256 of the call.
    pub call_hash: Hash,
    /// In which block it was announced.
    pub height: BlockNumber,
}

/// What an account may ask of this pallet. `C` is the runtime's call, `T` its kinds of permission.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_proxy", "pallet_proxy"))]
#[expect(non_camel_case_types, reason = "variants are the names that clients call")]
pub enum Call<C, T> {
    /// Makes a call for another account.
    #[codec(index = 0)]
    proxy {
        /// For whom.
        real: MultiAddress,
        /// Which permission to use; the first that the sender has if none is named.
        force_proxy_type: Option<T>,
        /// The call.
        call: Box<C>,
    },
    /// Lets another account act for the sender.
    #[codec(index = 1)]
    add_proxy {
        /// Who may act.
        delegate: MultiAddress,
        /// What it may do.
        proxy_type: T,
        /// How many blocks it must announce a call before.
        delay: BlockNumber,
    },
    /// Takes one permission back.
    #[codec(index = 2)]
    remove_proxy {
        /// Who acted.
        delegate: MultiAddress,
        /// What it could do.
        proxy_type: T,
        /// How many blocks it had to announce a call before.
        delay: BlockNumber,
    },
    /// Takes all permissions back. A pure account is lost by this.
    #[codec(index = 3)]
    remove_proxies,
    /// Makes an account without a key, for which the sender may act.
    #[codec(index = 4)]
    create_pure {
        /// What the sender may do for it.
        proxy_type: T,
        /// How many blocks it must announce a call before.
        delay: BlockNumber,
        /// Tells several of one transaction apart.
        index: u16,
    },
    /// Ends a pure account; what it owns beside the deposit is lost. Sent by itself.
    #[codec(index = 5)]
    kill_pure {
        /// Who made it.
        spawner: MultiAddress,
        /// With which permission.
        proxy_type: T,
        /// With which index.
        index: u16,
        /// In which block.
        #[codec(compact)]
        height: BlockNumber,
        /// At which place of the block.
        #[codec(compact)]
        ext_index: u32,
    },
    /// Says that the sender will make a call for another account.
    #[codec(index = 6)]
    announce {
        /// For whom.
        real: MultiAddress,
        /// Blake2-256 of the call.
        call_hash: H256,
    },
    /// Takes an own announcement back.
    #[codec(index = 7)]
    remove_announcement {
        /// For whom.
        real: MultiAddress,
        /// Blake2-256 of the call.
        call_hash: H256,
    },
    /// Refuses what a delegate announced for the sender.
    #[codec(index = 8)]
    reject_announcement {
        /// Who announced it.
        delegate: MultiAddress,
        /// Blake2-256 of the call.
        call_hash: H256,
    },
    /// Makes a call that a delegate announced long enough ago. Anybody may.
    #[codec(index = 9)]
    proxy_announced {
        /// Who announced it.
        delegate: MultiAddress,
        /// For whom.
        real: MultiAddress,
        /// Which permission to use.
        force_proxy_type: Option<T>,
        /// The call.
        call: Box<C>,
    },
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_proxy", "pallet_proxy"))]
pub enum Event<T> {
    /// A call was made for somebody.
    #[codec(index = 0)]
    ProxyExecuted {
        /// How it ended.
        result: Result<(), DispatchError>,
    },
    /// An account without a key was made.
    #[codec(index = 1)]
    PureCreated {
        /// The account.
        pure: AccountId,
        /// Who may act for it.
        who: AccountId,
        /// And do what.
        proxy_type: T,
        /// Tells several of one transaction apart.
        disambiguation_index: u16,
    },
    /// A call was announced.
    #[codec(index = 2)]
    Announced {
        /// For whom.
        real: AccountId,
        /// By whom.
        proxy: AccountId,
        /// Blake2-256 of the call.
        call_hash: H256,
    },
    /// An account may act for another.
    #[codec(index = 3)]
    ProxyAdded {
        /// For whom.
        delegator: AccountId,
        /// Who.
        delegatee: AccountId,
        /// And do what.
        proxy_type: T,
        /// How many blocks it must announce a call before.
        delay: BlockNumber,
    },
    /// An account may no longer act for another.
    #[codec(index = 4)]
    ProxyRemoved {
        /// For whom.
        delegator: AccountId,
        /// Who.
        delegatee: AccountId,
        /// What it could do.
        proxy_type: T,
        /// How many blocks it had to announce a call before.
        delay: BlockNumber,
    },
}

/// Why a call of this pallet failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_proxy", "pallet_proxy"))]
pub enum Error {
    /// There are as many proxies or announcements as allowed.
    #[codec(index = 0)]
    TooMany,
    /// There is no such proxy or announcement.
    #[codec(index = 1)]
    NotFound,
    /// The sender is no proxy of this account, with this permission.
    #[codec(index = 2)]
    NotProxy,
    /// The permission does not cover this call.
    #[codec(index = 3)]
    Unproxyable,
    /// The account has this proxy already.
    #[codec(index = 4)]
    Duplicate,
    /// The sender is not this pure account, or would give more than it may do itself.
    #[codec(index = 5)]
    NoPermission,
    /// The call was not announced, or not long enough ago.
    #[codec(index = 6)]
    Unannounced,
    /// An account is no proxy of itself.
    #[codec(index = 7)]
    NoSelfProxy,
}
