//! Seeds and the randomness of epochs follow from headers as the documentation says.

use alloc::vec::Vec;

use basalt_pallet_system::System;
use basalt_primitives::{Digest, RuntimeVersion, Weight};
use basalt_runtime_api::{BlockEnv, BlockLimits};
use basalt_state::{Memory, Overlay};

use super::*;

const LIMITS: BlockLimits = BlockLimits {
    weight_max: Weight::MAX,
    weight_normal_max: Weight::MAX,
    weight_base: Weight::zero(),
    weight_base_transaction: Weight::zero(),
    bytes_max: u32::MAX,
    bytes_normal_max: u32::MAX,
};
const SYSTEM: System =
    System { index: 0, limits: LIMITS, ss58_prefix: 42, version: || RuntimeVersion::default() };
const SESSION: Session = Session { index: 6, system: SYSTEM };
const RANDOMNESS: Randomness = Randomness { index: 12, session: SESSION };
const SUMMARY: basalt_support::BlockSummary = basalt_support::BlockSummary {
    weight_normal: Weight::zero(),
    weight_operational: Weight::zero(),
    weight_mandatory: Weight::zero(),
    weight_normal_max: Weight::MAX,
    transactions: 0,
    bytes: 0,
};
const PARENT: H256 = H256([9; 32]);

fn output(number: u32) -> [u8; 32] {
    blake2_256(&number.encode())
}

/// Block `number`, with a claim or without.
fn block(state: &mut Overlay<'_>, number: u32, claimed: bool) {
    let claim = Claim { round: 0, validator: 0, vrf_output: output(number), vrf_proof: [0; 64] };
    let logs = if claimed { [claim.item()].into() } else { Vec::new() };
    let env = BlockEnv { number, parent_hash: PARENT, digest: Digest { logs }, author: None };
    let mut ctx = Context::new(state, &env, None);
    RANDOMNESS.begin_block(&mut ctx).unwrap();
    SESSION.end_block(&mut ctx, &SUMMARY).unwrap();
    RANDOMNESS.try_state(state).unwrap();
}

fn with_epochs(length: u32, then: impl FnOnce(&mut Overlay<'_>)) {
    let base = Memory::default();
    let mut state = Overlay::new(&base);
    SESSION.genesis_epochs(&mut state, length);
    RANDOMNESS.try_state(&state).unwrap();
    then(&mut state);
}

#[test]
fn the_randomness_of_an_epoch_comes_from_all_outputs_of_the_one_two_before() {
    with_epochs(4, |state| {
        let hash = |data: Vec<u8>| H256(blake2_256(&data));
        let first = |epoch: u32| hash((b"basalt/epoch", PARENT, epoch).encode());
        let rho = |epoch: u32| {
            let blocks = epoch * 4 + 1..=epoch * 4 + 4;
            blocks.fold(H256::zero(), |rho, number| hash((rho, output(number)).encode()))
        };
        let mut expected = alloc::vec![first(0), first(1)];
        for epoch in 0..12u32 {
            let last = expected[epoch as usize + 1];
            expected.push(hash((last, epoch + 2, rho(epoch)).encode()));
        }
        for number in 1..=48 {
            block(state, number, true);
            let epoch = (number - 1) / 4;
            let of = |epoch: u32| RANDOMNESS.of_epoch(state, epoch);
            assert_eq!(of(epoch), Ok(expected[epoch as usize]), "of the current epoch");
            assert_eq!(of(epoch + 1), Ok(expected[epoch as usize + 1]), "known for an epoch ahead");
            assert!(of(epoch + 2).is_err(), "and no longer");
            let oldest = (epoch + 2).saturating_sub(EPOCHS_KEPT);
            assert!(of(oldest).is_ok());
            assert!(oldest == 0 || of(oldest - 1).is_err());
        }
    });
}

#[test]
fn the_seed_is_the_one_that_draws_proposers() {
    with_epochs(0, |state| {
        for number in 1..=SEEDS_KEPT + 5 {
            block(state, number, true);
        }
        let newest = SEEDS_KEPT + 5;
        assert_eq!(RANDOMNESS.seed(state), Ok(claim::seed(&output(newest))));
        assert_eq!(RANDOMNESS.seed_of(state, 6), Ok(Some(claim::seed(&output(6)))));
        assert_eq!(RANDOMNESS.seed_of(state, 5), Ok(None));
        assert_eq!(RANDOMNESS.seed_of(state, newest + 1), Ok(None));
        assert_eq!(RANDOMNESS.is_weak(state), Ok(false));
    });
}

#[test]
fn without_a_vrf_it_says_that_it_is_weak() {
    with_epochs(2, |state| {
        block(state, 1, false);
        assert_eq!(RANDOMNESS.is_weak(state), Ok(true));
        let weak = blake2_256(&(b"basalt/weak", PARENT).encode());
        assert_eq!(RANDOMNESS.seed(state), Ok(claim::seed(&weak)));
        block(state, 2, true);
        assert_eq!(RANDOMNESS.is_weak(state), Ok(false));
        block(state, 3, false);
        assert_eq!(RANDOMNESS.is_weak(state), Ok(true));
    });
}
