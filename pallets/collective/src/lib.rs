//! Let a committee vote, one member one vote.
//!
//! # Responsibility
//!
//! - Members, their proposals and votes; what enough of them want is run with an origin that says how many they were.
//!
//! # State
//!
//! | item            | value                       | changed by                         |
//! |-----------------|-----------------------------|------------------------------------|
//! | `Members`       | the members, in order       | [`Call::set_members`], genesis     |
//! | `Prime`         | who counts for the silent   | [`Call::set_members`]              |
//! | `Proposals`     | hashes of what is voted on  | proposing, closing                 |
//! | `ProposalOf`    | the calls                   | the same                           |
//! | `Voting`        | the votes                   | the same, and voting               |
//! | `ProposalCount` | how many there were         | proposing                          |
//!
//! # Invariants
//!
//! - Each proposal has its call and its votes, and only members have votes. Checked by `try_state`.
//!
//! # Out of scope
//!
//! What so many members may do: whoever checks for the origin says so. Deposits for proposals: members are few and known.
#![no_std]
#![cfg_attr(not(test), deny(clippy::unwrap_used))]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod pallet;
#[cfg(test)]
mod tests;

use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};
use core::marker::PhantomData;

use basalt_primitives::{AccountId, BlockNumber, DispatchError, H256, Pays, Weight, hashing::blake2_256};
use basalt_state::{StateError, StateRead, StateWrite};
use basalt_support::{
    CallResult, Context, DispatchInfo, Failure, Map, Origin, Pallet, PostInfo, RuntimeCall, Value,
    metadata::{Constant, PalletMetadata},
    module_error, recorded,
    storage::Identity,
    weight,
};
use parity_scale_codec::{DecodeAll, Encode};
use scale_info::meta_type;

pub use pallet::{Call, Error, Event, RawOrigin, Votes};

/// The most members.
pub const MEMBERS_MAX: u32 = 32;
/// The most proposals at the same time.
pub const PROPOSALS_MAX: u32 = 16;

/// A committee. `C` is the runtime's call.
#[derive(Debug)]
pub struct Collective<C> {
    /// Its index in the runtime.
    pub index: u8,
    /// For how many blocks it is voted at most.
    pub motion_duration: fn(&dyn StateRead) -> Result<BlockNumber, StateError>,
    /// The most that a proposal may weigh.
    pub weight_max: Weight,
    /// Who says who the members are.
    pub chooser: fn(&Origin) -> bool,
    /// The runtime's call.
    pub calls: PhantomData<fn() -> C>,
}

/// The pallet's name: one committee has it.
const NAME: &str = "TechnicalCommittee";
/// The members, in order.
pub const MEMBERS: Value<Vec<AccountId>> = Value::defaulted(NAME, "Members");
/// Whose vote counts for those who do not vote.
pub const PRIME: Value<AccountId> = Value::optional(NAME, "Prime");
/// The hashes of what is voted on.
pub const PROPOSALS: Value<Vec<H256>> = Value::defaulted(NAME, "Proposals");
/// The votes.
pub const VOTING: Map<Identity, H256, Votes> = Map::optional(NAME, "Voting");
/// How many proposals there were.
pub const PROPOSAL_COUNT: Value<u32> = Value::defaulted(NAME, "ProposalCount");

fn hash_of(call: &impl Encode) -> (H256, u32) {
    let bytes = call.encode();
    (H256(blake2_256(&bytes)), u32::try_from(bytes.len()).unwrap_or(u32::MAX))
}

fn count(list: &[AccountId]) -> u32 {
    u32::try_from(list.len()).unwrap_or(u32::MAX)
}

impl<C: RuntimeCall> Collective<C> {
    /// The calls that are voted on.
    pub const PROPOSAL_OF: Map<Identity, H256, C> = Map::optional(NAME, "ProposalOf");

    /// Sets the members of block 0. Fails, saying why, if there are too many or one comes twice.
    pub fn genesis(&self, state: &mut impl StateWrite, mut members: Vec<AccountId>) -> Result<(), String> {
        members.sort_unstable();
        if let Some(twice) = members.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(format!("{} is listed twice among the members", twice[0]));
        }
        if members.len() > MEMBERS_MAX as usize {
            return Err(format!("{} members are too many; at most {MEMBERS_MAX}", members.len()));
        }
        if !members.is_empty() {
            MEMBERS.put(state, &members);
        }
        Ok(())
    }

    /// What calls are dispatched with.
    pub fn origin(&self, origin: RawOrigin) -> Origin {
        Origin::Pallet { index: self.index, origin: origin.encode() }
    }

    /// Which origin of this committee it is, if it is one.
    pub fn named(&self, origin: &Origin) -> Option<RawOrigin> {
        match origin {
            Origin::Pallet { index, origin } if *index == self.index => {
                RawOrigin::decode_all(&mut origin.as_slice()).ok()
            }
            _ => None,
        }
    }

    /// Whether at least this share of the members wants it.
    pub fn is_proportion(&self, origin: &Origin, numerator: u32, denominator: u32) -> bool {
        matches!(self.named(origin), Some(RawOrigin::Members(yes, all))
            if all > 0 && u64::from(yes) * u64::from(denominator) >= u64::from(all) * u64::from(numerator))
    }

    fn error(&self, error: Error) -> Failure {
        module_error(self.index, &error)
    }

    fn member(&self, ctx: &Context<'_, '_>, origin: Origin) -> Result<(AccountId, u32), Failure> {
        let who = origin.signed()?;
        let members = MEMBERS.get_or_default(ctx)?;
        if members.binary_search(&who).is_err() {
            return Err(self.error(Error::NotMember));
        }
        Ok((who, count(&members)))
    }

    fn set_members(
        &self,
        ctx: &mut Context<'_, '_>,
        mut members: Vec<AccountId>,
        prime: Option<AccountId>,
    ) -> Result<(), Failure> {
        members.sort_unstable();
        members.dedup();
        if members.len() > MEMBERS_MAX as usize {
            return Err(self.error(Error::TooManyMembers));
        }
        if prime.is_some_and(|prime| members.binary_search(&prime).is_err()) {
            return Err(self.error(Error::PrimeAccountNotMember));
        }
        for hash in PROPOSALS.get_or_default(ctx)? {
            if let Some(mut votes) = VOTING.get(ctx, &hash)? {
                votes.ayes.retain(|who| members.binary_search(who).is_ok());
                votes.nays.retain(|who| members.binary_search(who).is_ok());
                VOTING.put(ctx, &hash, &votes);
            }
        }
        MEMBERS.put(ctx, &members);
        match prime {
            Some(prime) => PRIME.put(ctx, &prime),
            None => PRIME.remove(ctx),
        }
        Ok(())
    }

    /// Runs a call, and tells how it went.
    fn run(
        &self,
        ctx: &mut Context<'_, '_>,
        call: C,
        origin: RawOrigin,
        event: impl FnOnce(Result<(), DispatchError>) -> Event,
    ) -> Result<Weight, StateError> {
        let declared = call.info().weight;
        let (post, result) = recorded(call.dispatch(self.origin(origin), ctx))?;
        ctx.emit(self.index, &event(result));
        Ok(post.actual_weight.map_or(declared, |actual| actual.min(declared)))
    }

    fn checked(&self, call: &C, length_bound: u32) -> Result<H256, Failure> {
        let (hash, length) = hash_of(call);
        if length > length_bound {
            return Err(self.error(Error::WrongProposalLength));
        }
        if call.info().weight.any_gt(self.weight_max) {
            return Err(self.error(Error::WrongProposalWeight));
        }
        Ok(hash)
    }

    fn propose(
        &self,
        ctx: &mut Context<'_, '_>,
        account: AccountId,
        threshold: u32,
        call: &C,
        length_bound: u32,
    ) -> Result<(), Failure> {
        let hash = self.checked(call, length_bound)?;
        if VOTING.contains(ctx, &hash)? {
            return Err(self.error(Error::DuplicateProposal));
        }
        let mut proposals = PROPOSALS.get_or_default(ctx)?;
        if proposals.len() >= PROPOSALS_MAX as usize {
            return Err(self.error(Error::TooManyProposals));
        }
        proposals.push(hash);
        PROPOSALS.put(ctx, &proposals);
        let index = PROPOSAL_COUNT.get_or_default(ctx)?;
        PROPOSAL_COUNT.put(ctx, &index.saturating_add(1));
        let end = ctx.block_number().saturating_add((self.motion_duration)(ctx)?);
        let votes = Votes { index, threshold, ayes: Vec::new(), nays: Vec::new(), end };
        VOTING.put(ctx, &hash, &votes);
        Self::PROPOSAL_OF.put(ctx, &hash, call);
        ctx.emit(
            self.index,
            &Event::Proposed { account, proposal_index: index, proposal_hash: hash, threshold },
        );
        Ok(())
    }

    fn votes(&self, ctx: &Context<'_, '_>, hash: &H256, index: u32) -> Result<Votes, Failure> {
        let votes = VOTING.get(ctx, hash)?.ok_or_else(|| self.error(Error::ProposalMissing))?;
        if votes.index == index { Ok(votes) } else { Err(self.error(Error::WrongIndex)) }
    }

    /// Says whether it is the member's first vote, which is free.
    fn vote(
        &self,
        ctx: &mut Context<'_, '_>,
        account: AccountId,
        hash: H256,
        index: u32,
        approve: bool,
    ) -> Result<bool, Failure> {
        let mut votes = self.votes(ctx, &hash, index)?;
        let (to, from) =
            if approve { (&mut votes.ayes, &mut votes.nays) } else { (&mut votes.nays, &mut votes.ayes) };
        if to.contains(&account) {
            return Err(self.error(Error::DuplicateVote));
        }
        let before = from.len();
        from.retain(|who| *who != account);
        let first = from.len() == before;
        to.push(account);
        VOTING.put(ctx, &hash, &votes);
        let (yes, no) = (count(&votes.ayes), count(&votes.nays));
        ctx.emit(self.index, &Event::Voted { account, proposal_hash: hash, voted: approve, yes, no });
        Ok(first)
    }

    fn close(
        &self,
        ctx: &mut Context<'_, '_>,
        hash: H256,
        index: u32,
        weight_bound: Weight,
        length_bound: u32,
    ) -> Result<PostInfo, Failure> {
        let votes = self.votes(ctx, &hash, index)?;
        let seats = count(&MEMBERS.get_or_default(ctx)?);
        let (mut yes, mut no) = (count(&votes.ayes), count(&votes.nays));
        let decided = yes >= votes.threshold || seats.saturating_sub(no) < votes.threshold;
        if !decided {
            if ctx.block_number() < votes.end {
                return Err(self.error(Error::TooEarly));
            }
            // Those who said nothing agree with the prime; without one, they are against it.
            let silent = seats.saturating_sub(yes.saturating_add(no));
            let prime = PRIME.get(ctx)?;
            if prime.is_some_and(|prime| votes.ayes.contains(&prime)) {
                yes = yes.saturating_add(silent);
            } else {
                no = no.saturating_add(silent);
            }
        }
        let call = Self::PROPOSAL_OF.get(ctx, &hash)?.ok_or_else(|| self.error(Error::ProposalMissing))?;
        let approved = yes >= votes.threshold;
        if approved {
            if hash_of(&call).1 > length_bound {
                return Err(self.error(Error::WrongProposalLength));
            }
            if call.info().weight.any_gt(weight_bound) {
                return Err(self.error(Error::WrongProposalWeight));
            }
        }
        ctx.emit(self.index, &Event::Closed { proposal_hash: hash, yes, no });
        self.remove(ctx, &hash)?;
        if !approved {
            ctx.emit(self.index, &Event::Disapproved { proposal_hash: hash });
            return Ok(PostInfo { actual_weight: Some(close_weight(0)), pays_fee: Pays::No });
        }
        ctx.emit(self.index, &Event::Approved { proposal_hash: hash });
        let origin = RawOrigin::Members(yes, seats);
        let used = self.run(ctx, call, origin, |result| Event::Executed { proposal_hash: hash, result })?;
        let own = close_weight(length_bound.into());
        Ok(PostInfo { actual_weight: Some(own.saturating_add(used)), pays_fee: Pays::Yes })
    }

    fn remove(&self, ctx: &mut Context<'_, '_>, hash: &H256) -> Result<(), Failure> {
        let mut proposals = PROPOSALS.get_or_default(ctx)?;
        let before = proposals.len();
        proposals.retain(|other| other != hash);
        if proposals.len() == before {
            return Err(self.error(Error::ProposalMissing));
        }
        PROPOSALS.put(ctx, &proposals);
        VOTING.remove(ctx, hash);
        Self::PROPOSAL_OF.remove(ctx, hash);
        Ok(())
    }

    fn check(&self, state: &dyn StateRead) -> Result<Result<(), String>, StateError> {
        let members = MEMBERS.get_or_default(state)?;
        if !members.is_sorted_by(|one, other| one < other) {
            return Ok(Err("the members are not in order".into()));
        }
        let proposals = PROPOSALS.get_or_default(state)?;
        for hash in &proposals {
            let (votes, call) = (VOTING.get(state, hash)?, Self::PROPOSAL_OF.get(state, hash)?);
            let (Some(votes), Some(call)) = (votes, call) else {
                return Ok(Err(format!("proposal {hash:?} lacks its call or its votes")));
            };
            let mut voters = votes.ayes.iter().chain(&votes.nays);
            if voters.any(|who| members.binary_search(who).is_err()) || hash_of(&call).0 != *hash {
                return Ok(Err(format!("proposal {hash:?} is another call, or no members vote on it")));
            }
        }
        let stored = VOTING.iter(state).try_fold(0usize, |sum, entry| entry.map(|_| sum + 1))?;
        if stored != proposals.len() {
            return Ok(Err(format!("{stored} proposals are voted on, and {} are listed", proposals.len())));
        }
        Ok(Ok(()))
    }
}

/// What closing weighs besides the call: votes, members, prime, call, list, duration; and the call's bytes.
const fn close_weight(bytes: u64) -> Weight {
    weight::operations(6, 3).saturating_add(weight::bytes(3 * bytes))
}

impl<C: RuntimeCall> Pallet for Collective<C> {
    const NAME: &'static str = NAME;
    type Call = Call<C>;

    fn index(&self) -> u8 {
        self.index
    }

    fn metadata(&self) -> PalletMetadata {
        PalletMetadata {
            name: NAME,
            index: self.index,
            storage: [
                PROPOSALS.entry(&["The hashes of what is voted on."]),
                Self::PROPOSAL_OF.entry(&["The calls that are voted on."]),
                VOTING.entry(&["The votes."]),
                PROPOSAL_COUNT.entry(&["How many proposals there were."]),
                MEMBERS.entry(&["The members, in order."]),
                PRIME.entry(&["Whose vote counts for those who do not vote."]),
            ]
            .into(),
            calls: Some(meta_type::<Call<C>>()),
            event: Some(meta_type::<Event>()),
            error: Some(meta_type::<Error>()),
            constants: [Constant::new(
                "MaxProposalWeight",
                &self.weight_max,
                &["The most that a proposal may weigh."],
            )]
            .into(),
            docs: ["Let a committee vote, one member one vote."].into(),
        }
    }

    fn info(&self, call: &Call<C>) -> DispatchInfo {
        let bytes = |count: u32| weight::bytes(3 * u64::from(count));
        DispatchInfo::normal(match call {
            Call::set_members { new_members, .. } => {
                weight::operations(2 + u64::from(PROPOSALS_MAX), 2 + u64::from(PROPOSALS_MAX))
                    .saturating_add(weight::bytes(64 * new_members.len() as u64))
            }
            Call::execute { proposal, length_bound } => weight::operations(1, 0)
                .saturating_add(bytes(*length_bound))
                .saturating_add(proposal.info().weight),
            Call::propose { threshold, proposal, length_bound } => {
                let own = weight::operations(5, 4).saturating_add(bytes(*length_bound));
                if *threshold < 2 { own.saturating_add(proposal.info().weight) } else { own }
            }
            Call::vote { .. } => weight::operations(2, 1),
            Call::disapprove_proposal { .. } | Call::kill { .. } => weight::operations(1, 3),
            Call::close { proposal_weight_bound, length_bound, .. } => {
                close_weight((*length_bound).into()).saturating_add(*proposal_weight_bound)
            }
        })
    }

    fn dispatch(&self, call: Call<C>, origin: Origin, ctx: &mut Context<'_, '_>) -> CallResult {
        match call {
            Call::set_members { new_members, prime, .. } => {
                if !(self.chooser)(&origin) {
                    return Err(DispatchError::BadOrigin.into());
                }
                self.set_members(ctx, new_members, prime)?;
            }
            Call::execute { proposal, length_bound } => {
                let (who, _) = self.member(ctx, origin)?;
                let proposal_hash = self.checked(&proposal, length_bound)?;
                let event = |result| Event::MemberExecuted { proposal_hash, result };
                self.run(ctx, *proposal, RawOrigin::Member(who), event)?;
            }
            Call::propose { threshold, proposal, length_bound } => {
                let (who, seats) = self.member(ctx, origin)?;
                if threshold >= 2 {
                    self.propose(ctx, who, threshold, &proposal, length_bound)?;
                    return Ok(PostInfo::default());
                }
                let proposal_hash = self.checked(&proposal, length_bound)?;
                if VOTING.contains(ctx, &proposal_hash)? {
                    return Err(self.error(Error::DuplicateProposal).into());
                }
                let event = |result| Event::Executed { proposal_hash, result };
                self.run(ctx, *proposal, RawOrigin::Members(1, seats), event)?;
            }
            Call::vote { proposal, index, approve } => {
                let (who, _) = self.member(ctx, origin)?;
                if self.vote(ctx, who, proposal, index, approve)? {
                    return Ok(PostInfo { actual_weight: None, pays_fee: Pays::No });
                }
            }
            Call::disapprove_proposal { proposal_hash } => {
                origin.root()?;
                self.remove(ctx, &proposal_hash)?;
                ctx.emit(self.index, &Event::Disapproved { proposal_hash });
            }
            Call::close { proposal_hash, index, proposal_weight_bound, length_bound } => {
                origin.signed()?;
                return Ok(self.close(ctx, proposal_hash, index, proposal_weight_bound, length_bound)?);
            }
            Call::kill { proposal_hash } => {
                origin.root()?;
                self.remove(ctx, &proposal_hash)?;
                ctx.emit(self.index, &Event::Killed { proposal_hash });
            }
        }
        Ok(PostInfo::default())
    }

    fn try_state(&self, state: &dyn StateRead) -> Result<(), String> {
        self.check(state).map_err(|error| error.to_string())?
    }
}
