//! What clients see of this pallet: names, indices and fields are Substrate's.

use alloc::{boxed::Box, vec::Vec};

use basalt_primitives::{AccountId, BlockNumber, DispatchError, H256, Weight};
use parity_scale_codec::{Decode, DecodeWithMemTracking, Encode};
use scale_info::TypeInfo;

/// What the pallet is asked.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_collective", "pallet_collective"))]
#[expect(non_camel_case_types, reason = "variants are the names that clients call")]
pub enum Call<C> {
    /// Says who the members are. Votes of those who leave are dropped.
    #[codec(index = 0)]
    set_members {
        /// All members.
        new_members: Vec<AccountId>,
        /// Whose vote counts for those who do not vote.
        prime: Option<AccountId>,
        /// As many as there are at most now; not needed here.
        old_count: u32,
    },
    /// Runs a call as a member.
    #[codec(index = 1)]
    execute {
        /// The call.
        proposal: Box<C>,
        /// How many bytes it has at most.
        #[codec(compact)]
        length_bound: u32,
    },
    /// Proposes a call, or runs it if one vote is enough.
    #[codec(index = 2)]
    propose {
        /// How many votes it needs.
        #[codec(compact)]
        threshold: u32,
        /// The call.
        proposal: Box<C>,
        /// How many bytes it has at most.
        #[codec(compact)]
        length_bound: u32,
    },
    /// Votes.
    #[codec(index = 3)]
    vote {
        /// Hash of the proposal.
        proposal: H256,
        /// Its number.
        #[codec(compact)]
        index: u32,
        /// For or against.
        approve: bool,
    },
    /// Ends a proposal. Root only.
    #[codec(index = 5)]
    disapprove_proposal {
        /// Its hash.
        proposal_hash: H256,
    },
    /// Ends a vote that is decided, or over; an approved call is run.
    #[codec(index = 6)]
    close {
        /// Hash of the proposal.
        proposal_hash: H256,
        /// Its number.
        #[codec(compact)]
        index: u32,
        /// What it weighs at most.
        proposal_weight_bound: Weight,
        /// How many bytes it has at most.
        #[codec(compact)]
        length_bound: u32,
    },
    /// Ends a proposal. Root only.
    #[codec(index = 7)]
    kill {
        /// Its hash.
        proposal_hash: H256,
    },
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_collective", "pallet_collective"))]
pub enum Event {
    /// A call was proposed.
    #[codec(index = 0)]
    Proposed {
        /// By whom.
        account: AccountId,
        /// Its number.
        proposal_index: u32,
        /// Its hash.
        proposal_hash: H256,
        /// How many votes it needs.
        threshold: u32,
    },
    /// A member voted.
    #[codec(index = 1)]
    Voted {
        /// Who.
        account: AccountId,
        /// On what.
        proposal_hash: H256,
        /// For or against.
        voted: bool,
        /// Votes for it.
        yes: u32,
        /// Votes against it.
        no: u32,
    },
    /// A proposal was approved.
    #[codec(index = 2)]
    Approved {
        /// Its hash.
        proposal_hash: H256,
    },
    /// A proposal was not approved.
    #[codec(index = 3)]
    Disapproved {
        /// Its hash.
        proposal_hash: H256,
    },
    /// A proposal was run.
    #[codec(index = 4)]
    Executed {
        /// Its hash.
        proposal_hash: H256,
        /// How it went.
        result: Result<(), DispatchError>,
    },
    /// A call was run for a member.
    #[codec(index = 5)]
    MemberExecuted {
        /// Its hash.
        proposal_hash: H256,
        /// How it went.
        result: Result<(), DispatchError>,
    },
    /// A vote was ended.
    #[codec(index = 6)]
    Closed {
        /// Hash of the proposal.
        proposal_hash: H256,
        /// Votes for it, those that count for others included.
        yes: u32,
        /// Votes against it.
        no: u32,
    },
    /// A proposal was ended by root.
    #[codec(index = 7)]
    Killed {
        /// Its hash.
        proposal_hash: H256,
    },
}

/// Why a call of this pallet failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_collective", "pallet_collective"))]
pub enum Error {
    /// The account is no member.
    #[codec(index = 0)]
    NotMember,
    /// This call is proposed already.
    #[codec(index = 1)]
    DuplicateProposal,
    /// There is no such proposal.
    #[codec(index = 2)]
    ProposalMissing,
    /// The proposal has another number.
    #[codec(index = 3)]
    WrongIndex,
    /// The member has voted the same.
    #[codec(index = 4)]
    DuplicateVote,
    /// Not used: members are set at genesis.
    #[codec(index = 5)]
    AlreadyInitialized,
    /// The vote is neither decided nor over.
    #[codec(index = 6)]
    TooEarly,
    /// Too many proposals are voted on.
    #[codec(index = 7)]
    TooManyProposals,
    /// The call weighs more than was said, or than may be proposed.
    #[codec(index = 8)]
    WrongProposalWeight,
    /// The call has more bytes than was said.
    #[codec(index = 9)]
    WrongProposalLength,
    /// The prime is no member.
    #[codec(index = 10)]
    PrimeAccountNotMember,
    /// Not used: proposals cost nothing.
    #[codec(index = 11)]
    ProposalActive,
    /// Too many members.
    #[codec(index = 12)]
    TooManyMembers,
}

/// On whose behalf a collective's calls run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_collective", "pallet_collective"))]
#[scale_info(replace_segment("pallet", "origin"))]
pub enum RawOrigin {
    /// So many members of so many.
    #[codec(index = 0)]
    Members(u32, u32),
    /// One member.
    #[codec(index = 1)]
    Member(AccountId),
}

/// The votes on a proposal.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_collective", "pallet_collective"))]
pub struct Votes {
    /// Number of the proposal.
    pub index: u32,
    /// How many votes it needs.
    pub threshold: u32,
    /// Who is for it.
    pub ayes: Vec<AccountId>,
    /// Who is against it.
    pub nays: Vec<AccountId>,
    /// From which block on it can be closed in any case.
    pub end: BlockNumber,
}
