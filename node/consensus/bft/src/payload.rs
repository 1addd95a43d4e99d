//! What is signed.

use arc_malachitebft_core_types::{NilOrVal, VoteType};
use basalt_primitives::{H256, finality::precommit_payload};
use parity_scale_codec::Encode;

use crate::context::{Height, Proposal, Vote};

pub(crate) use basalt_primitives::finality::grandpa_round;

/// What a precommit for a block signs: exactly what GRANDPA's does, so that a certificate is a GRANDPA justification.
pub(crate) fn precommit(height: u64, round: u32, set: u64, hash: &H256) -> Vec<u8> {
    let number = u32::try_from(height).unwrap_or(u32::MAX);
    precommit_payload(number, round, set, hash)
}

/// What a vote signs. All but precommits for a block name their purpose and the chain.
pub(crate) fn vote(vote: &Vote, set: u64, genesis: &H256) -> Vec<u8> {
    let Height(height) = vote.height;
    let round = vote.round.as_u32().unwrap_or(u32::MAX);
    let (purpose, hash) = match (vote.kind, &vote.value) {
        (VoteType::Precommit, NilOrVal::Val(id)) => return precommit(height, round, set, &id.0),
        (VoteType::Precommit, NilOrVal::Nil) => ("basalt/precommit", None),
        (VoteType::Prevote, NilOrVal::Val(id)) => ("basalt/prevote", Some(id.0)),
        (VoteType::Prevote, NilOrVal::Nil) => ("basalt/prevote", None),
    };
    (purpose, genesis, set, height, round, hash).encode()
}

/// What a proposal signs.
pub(crate) fn proposal(proposal: &Proposal, set: u64, genesis: &H256) -> Vec<u8> {
    let round = proposal.round.as_u32().unwrap_or(u32::MAX);
    (
        "basalt/proposal",
        genesis,
        set,
        proposal.height.0,
        round,
        proposal.pol_round.as_u32(),
        proposal.value.hash,
    )
        .encode()
}
