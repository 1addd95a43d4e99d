//! What is signed, by the core's types. The bytes themselves are made where the chain finds them too.

use arc_malachitebft_core_types::{NilOrVal, VoteType};
use basalt_primitives::{
    H256,
    votes::{Place, Proposed},
};

pub(crate) use basalt_primitives::votes::grandpa_round;

use crate::context::{Height, Proposal, Vote};

/// What a precommit for a block signs.
pub(crate) fn precommit(height: u64, round: u32, set_id: u64, hash: &H256) -> Vec<u8> {
    // The chain is not part of it.
    Place { set_id, height, round }.precommit(&H256::zero(), Some(*hash))
}

/// What a vote signs.
pub(crate) fn vote(vote: &Vote, set_id: u64, genesis: &H256) -> Vec<u8> {
    let Height(height) = vote.height;
    let place = Place { set_id, height, round: vote.round.as_u32().unwrap_or(u32::MAX) };
    let block = match &vote.value {
        NilOrVal::Nil => None,
        NilOrVal::Val(id) => Some(id.0),
    };
    match vote.kind {
        VoteType::Prevote => place.prevote(genesis, block),
        VoteType::Precommit => place.precommit(genesis, block),
    }
}

/// What a proposal signs.
pub(crate) fn proposal(proposal: &Proposal, set_id: u64, genesis: &H256) -> Vec<u8> {
    let round = proposal.round.as_u32().unwrap_or(u32::MAX);
    let place = Place { set_id, height: proposal.height.0, round };
    let pol_round = proposal.pol_round.as_u32();
    place.proposal(genesis, &Proposed { block: proposal.value.hash, pol_round })
}
