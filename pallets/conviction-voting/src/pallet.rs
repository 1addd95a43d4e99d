//! What clients see of this pallet: names, indices and fields are Substrate's.

use basalt_primitives::{AccountId, Balance, MultiAddress};
use parity_scale_codec::{Decode, DecodeWithMemTracking, Encode};
use scale_info::TypeInfo;

use crate::{conviction::Conviction, vote::AccountVote};

/// What an account may ask of this pallet.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_conviction_voting", "pallet_conviction_voting"))]
#[expect(non_camel_case_types, reason = "variants are the names that clients call")]
pub enum Call {
    /// Votes in a poll, or changes the vote. It comes before what the account has delegated.
    #[codec(index = 0)]
    vote {
        /// The poll.
        #[codec(compact)]
        poll_index: u32,
        /// The vote.
        vote: AccountVote,
    },
    /// Lets another account vote in all polls of a class in which this one does not vote itself.
    #[codec(index = 1)]
    delegate {
        /// The class.
        class: u16,
        /// Who votes.
        to: MultiAddress,
        /// With how much conviction.
        conviction: Conviction,
        /// With how many tokens.
        balance: Balance,
    },
    /// Lets nobody else vote any more. The tokens stay locked as long as the conviction says.
    #[codec(index = 2)]
    undelegate {
        /// The class.
        class: u16,
    },
    /// Unlocks what no vote, delegation or conviction of a class needs any more, of any account.
    #[codec(index = 3)]
    unlock {
        /// The class.
        class: u16,
        /// Whose tokens.
        target: MultiAddress,
    },
    /// Takes a vote back.
    #[codec(index = 4)]
    remove_vote {
        /// The class of the poll; needed if it has ended.
        class: Option<u16>,
        /// The poll.
        index: u32,
    },
    /// Takes another account's vote back, if that no longer locks anything.
    #[codec(index = 5)]
    remove_other_vote {
        /// Whose.
        target: MultiAddress,
        /// The class of the poll.
        class: u16,
        /// The poll.
        index: u32,
    },
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_conviction_voting", "pallet_conviction_voting"))]
pub enum Event {
    /// An account lets another one vote in a class.
    #[codec(index = 0)]
    Delegated(AccountId, AccountId, u16),
    /// An account no longer lets another one vote in a class.
    #[codec(index = 1)]
    Undelegated(AccountId, u16),
    /// An account has voted.
    #[codec(index = 2)]
    Voted {
        /// Who.
        who: AccountId,
        /// What.
        vote: AccountVote,
        /// In which poll.
        poll_index: u32,
    },
    /// A vote was taken back.
    #[codec(index = 3)]
    VoteRemoved {
        /// Whose.
        who: AccountId,
        /// What it was.
        vote: AccountVote,
        /// In which poll.
        poll_index: u32,
    },
    /// What a class no longer needs was unlocked.
    #[codec(index = 4)]
    VoteUnlocked {
        /// Whose.
        who: AccountId,
        /// The class.
        class: u16,
    },
}

/// Why a call of this pallet failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_conviction_voting", "pallet_conviction_voting"))]
pub enum Error {
    /// The poll cannot be voted in.
    #[codec(index = 0)]
    NotOngoing,
    /// The account has no vote in this poll.
    #[codec(index = 1)]
    NotVoter,
    /// Only the voter may do that.
    #[codec(index = 2)]
    NoPermission,
    /// Only the voter may do that as long as the conviction locks.
    #[codec(index = 3)]
    NoPermissionYet,
    /// The account delegates already: undelegate first.
    #[codec(index = 4)]
    AlreadyDelegating,
    /// Not used: who votes may delegate.
    #[codec(index = 5)]
    AlreadyVoting,
    /// The account does not own that much.
    #[codec(index = 6)]
    InsufficientFunds,
    /// The account does not delegate.
    #[codec(index = 7)]
    NotDelegating,
    /// Nobody delegates to oneself.
    #[codec(index = 8)]
    Nonsense,
    /// The account has too many votes: remove those in ended polls.
    #[codec(index = 9)]
    MaxVotesReached,
    /// The poll has ended: name its class.
    #[codec(index = 10)]
    ClassNeeded,
    /// There is no such class.
    #[codec(index = 11)]
    BadClass,
    /// Not used: votes of delegators take no room of their delegate's.
    #[codec(index = 12)]
    DelegateMaxVotesReached,
}
