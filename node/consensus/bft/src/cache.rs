//! Signatures, verified once.

use std::{
    collections::HashSet,
    sync::{Mutex, PoisonError},
};

use arc_malachitebft_core_types as core;
use arc_malachitebft_signing as signing;
use async_trait::async_trait;
use basalt_primitives::{H256, hashing::blake2_256};
use bytes::Bytes;
use ed25519_zebra::VerificationKey;
use signing::VerificationResult;

use crate::{
    context::{Context, Proposal, Signature, Vote},
    limits::VERIFIED_MAX,
    payload,
};

/// Verifies, and remembers what was good: the core verifies each certificate that it has put together itself again.
pub(crate) struct Verifier {
    genesis: H256,
    set: u64,
    good: Mutex<HashSet<[u8; 32]>>,
}

impl Verifier {
    pub(crate) fn new(genesis: H256, set: u64) -> Self {
        Self { genesis, set, good: Mutex::new(HashSet::new()) }
    }

    /// For another height.
    pub(crate) fn reset(&mut self, set: u64) {
        self.set = set;
        self.good.get_mut().unwrap_or_else(PoisonError::into_inner).clear();
    }

    pub(crate) fn genesis(&self) -> &H256 {
        &self.genesis
    }

    pub(crate) fn set(&self) -> u64 {
        self.set
    }

    pub(crate) fn vote(&self, vote: &Vote, signature: &Signature, key: &VerificationKey) -> bool {
        self.verify(&payload::vote(vote, self.set, &self.genesis), signature, key)
    }

    pub(crate) fn proposal(&self, proposal: &Proposal, signature: &Signature, key: &VerificationKey) -> bool {
        self.verify(&payload::proposal(proposal, self.set, &self.genesis), signature, key)
    }

    fn verify(&self, payload: &[u8], signature: &Signature, key: &VerificationKey) -> bool {
        let known = blake2_256(&[&signature.0[..], key.as_ref(), payload].concat());
        if self.good.lock().unwrap_or_else(PoisonError::into_inner).contains(&known) {
            return true;
        }
        let good = key.verify(&ed25519_zebra::Signature::from(signature.0), payload).is_ok();
        if good {
            let mut remembered = self.good.lock().unwrap_or_else(PoisonError::into_inner);
            // Beyond that, signatures are verified again, which is slow but right.
            if remembered.len() < VERIFIED_MAX {
                remembered.insert(known);
            }
        }
        good
    }
}

#[async_trait]
impl signing::Verifier<Context> for Verifier {
    async fn verify_signed_vote(
        &self,
        vote: &Vote,
        signature: &Signature,
        key: &VerificationKey,
    ) -> Result<VerificationResult, signing::Error> {
        Ok(VerificationResult::from_bool(self.vote(vote, signature, key)))
    }

    async fn verify_signed_proposal(
        &self,
        proposal: &Proposal,
        signature: &Signature,
        key: &VerificationKey,
    ) -> Result<VerificationResult, signing::Error> {
        Ok(VerificationResult::from_bool(self.proposal(proposal, signature, key)))
    }

    // There are none, so none is good.
    async fn verify_signed_vote_extension(
        &self,
        _: &core::VoteExtensionScope<Context>,
        _: &Bytes,
        _: &Signature,
        _: &VerificationKey,
    ) -> Result<VerificationResult, signing::Error> {
        Ok(VerificationResult::Invalid)
    }

    async fn verify_validator_proof(
        &self,
        _: &core::ValidatorProof<Context>,
    ) -> Result<VerificationResult, signing::Error> {
        Ok(VerificationResult::Invalid)
    }
}
