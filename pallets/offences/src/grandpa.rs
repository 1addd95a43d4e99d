//! The same for those who know GRANDPA: its call for two precommits of one round, in its types, so that its tools can report
//! them unmodified. Precommits for blocks are GRANDPA's; nothing else that validators sign here is.

use alloc::{boxed::Box, vec::Vec};

use basalt_pallet_session::AuthorityId;
use basalt_primitives::{
    BlockNumber, H256,
    votes::{Contradiction, Evidence, Place, Signed},
};
use basalt_support::{CallResult, Context, DispatchInfo, Origin, module_error};
use parity_scale_codec::{Decode, DecodeWithMemTracking, Encode};
use scale_info::TypeInfo;

use crate::{Error as Reason, Offences, reporter};

/// A vote of GRANDPA for a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub struct Vote {
    /// Which.
    pub target_hash: H256,
    /// Its height.
    pub target_number: BlockNumber,
}

/// Two votes of one authority in one round.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub struct Pair {
    /// Which round.
    pub round_number: u64,
    /// Whose they are.
    pub identity: AuthorityId,
    /// The one.
    pub first: (Vote, [u8; 64]),
    /// The other.
    pub second: (Vote, [u8; 64]),
}

/// What was signed twice.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub enum Equivocation {
    /// Prevotes of GRANDPA, which nobody signs here.
    #[codec(index = 0)]
    Prevote(Pair),
    /// Precommits.
    #[codec(index = 1)]
    Precommit(Pair),
}

/// That an authority signed twice.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub struct EquivocationProof {
    /// As a member of which set.
    pub set_id: u64,
    /// What.
    pub equivocation: Equivocation,
}

/// Where a key belongs. The chain keeps its sets, so nothing has to be proved: `trie_nodes` stays empty, as
/// `GrandpaApi_generate_key_ownership_proof` answers it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub struct MembershipProof {
    /// Which session. Not looked at.
    pub session: u32,
    /// Empty.
    pub trie_nodes: Vec<Vec<u8>>,
    /// How many validators there were. Not looked at.
    pub validator_count: u32,
}

/// What may be asked of `Grandpa`.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[expect(non_camel_case_types, reason = "variants are the names that clients call")]
pub enum Call {
    /// Reports two precommits of one round; the signer is the reporter, and pays no fee if the report is right.
    #[codec(index = 0)]
    report_equivocation {
        /// The precommits.
        equivocation_proof: Box<EquivocationProof>,
        /// Whose the key is.
        key_owner_proof: MembershipProof,
    },
    /// The same without a signature; the block's author is the reporter.
    #[codec(index = 1)]
    report_equivocation_unsigned {
        /// The precommits.
        equivocation_proof: Box<EquivocationProof>,
        /// Whose the key is.
        key_owner_proof: MembershipProof,
    },
}

/// Why a report was refused: the names and indices of `pallet-grandpa`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub enum Error {
    /// The key was in no set that is known and recent enough.
    #[codec(index = 4)]
    InvalidKeyOwnershipProof,
    /// It proves nothing.
    #[codec(index = 5)]
    InvalidEquivocationProof,
    /// It was reported before.
    #[codec(index = 6)]
    DuplicateOffenceReport,
}

impl From<Reason> for Error {
    fn from(reason: Reason) -> Self {
        match reason {
            Reason::NoContradiction | Reason::BadSignature | Reason::TooEarly => {
                Self::InvalidEquivocationProof
            }
            Reason::WrongSet | Reason::NotAValidator | Reason::TooOld => Self::InvalidKeyOwnershipProof,
            Reason::AlreadyReported | Reason::EnoughReports => Self::DuplicateOffenceReport,
        }
    }
}

impl EquivocationProof {
    /// The same as this chain's evidence; none if nobody signs such votes here.
    pub fn evidence(&self) -> Option<Evidence> {
        let Equivocation::Precommit(Pair { round_number, identity, first, second }) = &self.equivocation
        else {
            return None;
        };
        let height = round_number >> 32;
        let round = u32::try_from(round_number & u64::from(u32::MAX)).ok()?;
        if [first, second].iter().any(|(vote, _)| u64::from(vote.target_number) != height) {
            return None;
        }
        let signed = |(vote, signature): &(Vote, [u8; 64])| Signed {
            content: Some(vote.target_hash),
            signature: *signature,
        };
        Some(Evidence {
            place: Place { set_id: self.set_id, height, round },
            key: identity.0,
            contradiction: Contradiction::Precommits(signed(first), signed(second)),
        })
    }
}

impl Call {
    /// The proof in it, as this chain's evidence; none if it cannot be right.
    pub fn evidence(&self) -> Option<Evidence> {
        let (Self::report_equivocation { equivocation_proof, key_owner_proof }
        | Self::report_equivocation_unsigned { equivocation_proof, key_owner_proof }) = self;
        // Nothing in it that is not looked at may be long.
        equivocation_proof.evidence().filter(|_| key_owner_proof.trie_nodes.is_empty())
    }
}

/// What a call of `Grandpa` costs at most.
pub fn info(offences: &Offences) -> DispatchInfo {
    offences.report_info()
}

/// Runs a call of `Grandpa`, whose index in the runtime is `index`.
pub fn dispatch(
    offences: &Offences,
    index: u8,
    call: &Call,
    origin: Origin,
    ctx: &mut Context<'_, '_>,
) -> CallResult {
    let reporter = match call {
        Call::report_equivocation { .. } => Some(origin.signed()?),
        Call::report_equivocation_unsigned { .. } => {
            origin.clone().none()?;
            reporter(origin, ctx)?
        }
    };
    let evidence = call.evidence().ok_or_else(|| module_error(index, &Error::InvalidEquivocationProof))?;
    let post = offences
        .report(ctx, &evidence, reporter)
        .map_err(|failure| failure.into_failure(index, Error::from))?;
    Ok(post)
}
