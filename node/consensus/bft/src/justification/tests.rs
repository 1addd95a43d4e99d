use basalt_chain::{BlockId, Justification};
use basalt_primitives::{AccountId, H256};
use basalt_runtime_api::{Validator, ValidatorSet};
use ed25519_zebra::SigningKey;
use finality_grandpa as grandpa;
use parity_scale_codec::Encode;
use proptest::prelude::*;

use super::{FRNK, GrandpaJustification, JustificationError, decode, encode, verify_justification};
use crate::payload;

const BLOCK: BlockId = BlockId { hash: H256([9; 32]), number: 77 };
const ROUND: u32 = 2;

fn key(index: u8) -> SigningKey {
    SigningKey::from([index + 1; 32])
}

fn set(powers: &[u64]) -> ValidatorSet {
    let validators = (0u8..).zip(powers).map(|(index, power)| Validator {
        account: AccountId::from([index; 32]),
        vote_key: key(index).verification_key().into(),
        vrf_key: [0; 32],
        power: *power,
    });
    ValidatorSet { id: 5, validators: validators.collect() }
}

fn signed_by(signers: &[u8]) -> Justification {
    let payload = payload::precommit(77, ROUND, 5, &BLOCK.hash);
    let one = |index: &u8| (key(*index).verification_key().into(), key(*index).sign(&payload).into());
    encode(BLOCK, ROUND, signers.iter().map(one).collect())
}

struct OneBlock;

impl grandpa::Chain<H256, u32> for OneBlock {
    fn ancestry(&self, _: H256, _: H256) -> Result<Vec<H256>, grandpa::Error> {
        Ok(Vec::new())
    }
}

/// What the reference says.
fn grandpa_accepts(set: &ValidatorSet, justification: &GrandpaJustification) -> bool {
    let voters = set.validators.iter().map(|validator| (validator.vote_key, validator.power));
    let voters = grandpa::voter_set::VoterSet::new(voters).unwrap();
    let precommits = justification.precommits.iter().map(|vote| grandpa::SignedPrecommit {
        precommit: grandpa::Precommit { target_hash: vote.target_hash, target_number: vote.target_number },
        signature: vote.signature,
        id: vote.id,
    });
    let commit = grandpa::Commit {
        target_hash: justification.target_hash,
        target_number: justification.target_number,
        precommits: precommits.collect(),
    };
    grandpa::validate_commit(&commit, &voters, &OneBlock).unwrap().is_valid()
}

proptest! {
    #[test]
    fn who_may_decide_is_what_grandpa_says(
        powers in proptest::collection::vec(1u64..1000, 1..9),
        chosen in any::<u16>(),
    ) {
        let set = set(&powers);
        let signers: Vec<u8> = (0..powers.len() as u8).filter(|index| chosen >> index & 1 == 1).collect();
        let justification = signed_by(&signers);
        let ours = verify_justification(&set, &justification, &BLOCK);
        let reference = grandpa_accepts(&set, &decode(&justification).unwrap());
        prop_assert_eq!(ours.is_ok(), reference, "{:?}", ours);
    }

    #[test]
    fn a_justification_with_any_bit_changed_proves_nothing(bit in any::<prop::sample::Index>()) {
        // Just enough sign, so that none is to spare.
        let set = set(&[10, 10, 10]);
        let good = signed_by(&[0, 1, 2]);
        verify_justification(&set, &good, &BLOCK).unwrap();
        let mut bad = good.clone();
        let bit = bit.index(bad.data.len() * 8);
        bad.data[bit / 8] ^= 1 << (bit % 8);
        prop_assert!(verify_justification(&set, &bad, &BLOCK).is_err());
    }
}

#[test]
fn votes_are_grandpas_votes_byte_for_byte() {
    let message =
        grandpa::Message::Precommit(grandpa::Precommit { target_hash: BLOCK.hash, target_number: 77u32 });
    let expected = (message, 77u64 << 32 | 2, 5u64).encode();
    assert_eq!(payload::precommit(77, ROUND, 5, &BLOCK.hash), expected);
}

#[test]
fn what_proves_nothing_says_why() {
    let set = set(&[10, 10, 10, 10]);
    let good = signed_by(&[0, 1, 2]);
    let change = |change: &dyn Fn(&mut GrandpaJustification)| {
        let mut changed = decode(&good).unwrap();
        change(&mut changed);
        verify_justification(&set, &Justification { engine: FRNK, data: changed.encode() }, &BLOCK)
            .unwrap_err()
    };
    let malformed = |why| JustificationError::Malformed(77, why);
    assert_eq!(change(&|it| it.round = 78 << 32), malformed("its round is of another height"));
    assert_eq!(
        change(&|it| it.precommits[0] = it.precommits[1].clone()),
        malformed("a validator signed it twice")
    );
    assert_eq!(
        change(&|it| it.precommits[2].target_number = 78),
        malformed("a vote in it is for another block")
    );
    assert_eq!(
        change(&|it| it.precommits.truncate(2)),
        JustificationError::NotEnough { number: 77, signed: 20, total: 40 }
    );
    assert!(matches!(change(&|it| it.precommits[0].id = [7; 32]), JustificationError::BadSignature { .. }));
    // Of another set: signed for 5.
    let mut other = set.clone();
    other.id = 6;
    let refused = verify_justification(&other, &good, &BLOCK).unwrap_err();
    assert!(matches!(refused, JustificationError::BadSignature { .. }), "{refused}");
    let aura = Justification { engine: *b"aura", data: good.data.clone() };
    assert_eq!(verify_justification(&set, &aura, &BLOCK), Err(JustificationError::OtherEngine(*b"aura")));
    let cut = Justification { engine: FRNK, data: good.data[..40].to_vec() };
    assert_eq!(verify_justification(&set, &cut, &BLOCK), Err(JustificationError::Undecodable(40)));
}
