//! What the storage items of this pallet hold. Shapes and type paths are Substrate's.

use basalt_pallet_conviction_voting::Tally;
use basalt_pallet_preimage::Bounded;
use basalt_pallet_scheduler::{DispatchTime, TaskAddress};
use basalt_primitives::{AccountId, Balance, BlockNumber};
use parity_scale_codec::{Decode, Encode};
use scale_info::TypeInfo;

use crate::curve::Curve;

/// Number of a referendum, counted from 0.
pub type ReferendumIndex = u32;
/// Which track.
pub type TrackId = u16;

/// A kind of decision: how long it takes and how much agreement it needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_referenda", "pallet_referenda"))]
pub struct TrackInfo {
    /// Its name.
    pub name: &'static str,
    /// The most referenda that are decided at once.
    pub max_deciding: u32,
    /// What somebody has to put down before it is decided.
    pub decision_deposit: Balance,
    /// For how many blocks it is only talked about.
    pub prepare_period: BlockNumber,
    /// For how many blocks it may fail to pass before it is rejected.
    pub decision_period: BlockNumber,
    /// For how many blocks it has to pass before it is approved.
    pub confirm_period: BlockNumber,
    /// After how many blocks it is enacted, at least.
    pub min_enactment_period: BlockNumber,
    /// The share of votes that have to be for it.
    pub min_approval: Curve,
    /// The share of all tokens that have to be for it or abstain.
    pub min_support: Curve,
}

/// Somebody's tokens that are held for a referendum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_referenda", "pallet_referenda"))]
pub struct Deposit {
    /// Whose.
    pub who: AccountId,
    /// How much.
    pub amount: Balance,
}

/// How far a decision is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_referenda", "pallet_referenda"))]
pub struct DecidingStatus {
    /// Since which block it is decided.
    pub since: BlockNumber,
    /// At which block it is approved, if it goes on passing.
    pub confirming: Option<BlockNumber>,
}

/// A referendum that goes on.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_referenda", "pallet_referenda"))]
pub struct ReferendumStatus<O> {
    /// Its track.
    pub track: TrackId,
    /// As whom it is enacted.
    pub origin: O,
    /// The call.
    pub proposal: Bounded,
    /// When it is to be enacted.
    pub enactment: DispatchTime,
    /// When it was submitted.
    pub submitted: BlockNumber,
    /// Who submitted it.
    pub submission_deposit: Deposit,
    /// Who put down the decision deposit.
    pub decision_deposit: Option<Deposit>,
    /// How far it is, once it is decided.
    pub deciding: Option<DecidingStatus>,
    /// Its votes.
    pub tally: Tally,
    /// Whether it waits for others of its track.
    pub in_queue: bool,
    /// When it is looked at next. The second part is for clients: the same block, and its place in that block's list when it
    /// was put there.
    pub alarm: Option<(BlockNumber, TaskAddress)>,
}

/// A referendum.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_referenda", "pallet_referenda"))]
pub enum ReferendumInfo<O> {
    /// It goes on.
    #[codec(index = 0)]
    Ongoing(ReferendumStatus<O>),
    /// It was approved.
    #[codec(index = 1)]
    Approved(BlockNumber, Option<Deposit>, Option<Deposit>),
    /// It was rejected.
    #[codec(index = 2)]
    Rejected(BlockNumber, Option<Deposit>, Option<Deposit>),
    /// It was cancelled.
    #[codec(index = 3)]
    Cancelled(BlockNumber, Option<Deposit>, Option<Deposit>),
    /// Nobody put down the decision deposit in time.
    #[codec(index = 4)]
    TimedOut(BlockNumber, Option<Deposit>, Option<Deposit>),
    /// It was cancelled, and its deposits are gone.
    #[codec(index = 5)]
    Killed(BlockNumber),
}

impl<O> ReferendumInfo<O> {
    /// The decision deposit that is still held after the end: an error before it.
    pub(crate) fn decision_deposit(&mut self) -> Result<Option<Deposit>, Unfinished> {
        match self {
            Self::Ongoing(status) if status.decision_deposit.is_none() => Ok(None),
            Self::Ongoing(_) => Err(Unfinished),
            Self::Approved(.., deposit)
            | Self::Rejected(.., deposit)
            | Self::Cancelled(.., deposit)
            | Self::TimedOut(.., deposit) => Ok(deposit.take()),
            Self::Killed(_) => Ok(None),
        }
    }

    /// The submission deposit, if the outcome returns it: who submits what is rejected or left alone loses the use of it.
    pub(crate) fn submission_deposit(&mut self) -> Result<Option<Deposit>, Unfinished> {
        match self {
            Self::Approved(_, deposit, _) | Self::Cancelled(_, deposit, _) => Ok(deposit.take()),
            Self::Ongoing(_) | Self::Rejected(..) | Self::TimedOut(..) | Self::Killed(_) => Err(Unfinished),
        }
    }

    /// All that is held for it: the submission and the decision deposit.
    pub(crate) fn deposits(&self) -> (Option<Deposit>, Option<Deposit>) {
        match self {
            Self::Ongoing(status) => (Some(status.submission_deposit), status.decision_deposit),
            Self::Approved(_, submission, decision)
            | Self::Rejected(_, submission, decision)
            | Self::Cancelled(_, submission, decision)
            | Self::TimedOut(_, submission, decision) => (*submission, *decision),
            Self::Killed(_) => (None, None),
        }
    }
}

/// The referendum is in no state to return a deposit.
pub(crate) struct Unfinished;
