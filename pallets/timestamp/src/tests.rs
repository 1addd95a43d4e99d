use alloc::{vec, vec::Vec};

use basalt_primitives::{AccountId, AccountId32, Digest, H256, Weight};
use basalt_state::{Memory, Overlay};
use basalt_support::{BlockEnv, CallFailure, Failure};
use parity_scale_codec::Encode;
use scale_info::TypeInfo;

use super::*;

const ALICE: AccountId = AccountId32([1; 32]);
const TIMESTAMP: Timestamp = Timestamp { index: 1, minimum_period_ms: 50 };
const SUMMARY: BlockSummary = BlockSummary {
    weight_normal: Weight::zero(),
    weight_operational: Weight::zero(),
    weight_mandatory: Weight::zero(),
    weight_normal_max: Weight::MAX,
    transactions: 1,
    bytes: 0,
};

/// The outcome of a block that tries to set these times, one after the other; all must succeed but the last.
fn block(state: &mut Overlay<'_>, times: &[Moment]) -> Vec<Result<(), DispatchError>> {
    let env = BlockEnv { number: 1, parent_hash: H256::zero(), digest: Digest::default(), author: None };
    let mut ctx = Context::new(state, &env, Some(0));
    let set = |now: &Moment| match TIMESTAMP.dispatch(Call::set { now: *now }, Origin::None, &mut ctx) {
        Ok(_) => Ok(()),
        Err(CallFailure { failure: Failure::Dispatch(error), .. }) => Err(error),
        Err(other) => panic!("{other:?}"),
    };
    let results: Vec<_> = times.iter().map(set).collect();
    if results.contains(&Ok(())) {
        TIMESTAMP.end_block(&mut ctx, &SUMMARY).unwrap();
    } else {
        assert!(matches!(TIMESTAMP.end_block(&mut ctx, &SUMMARY), Err(Fatal::Broken { .. })));
    }
    results
}

#[test]
fn time_is_set_once_per_block_and_grows_by_the_minimum_period() {
    let base = Memory::default();
    let mut state = Overlay::new(&base);
    let early = Err(DispatchError::Other("the time must grow by MinimumPeriod from block to block"));
    let twice = Err(DispatchError::Other("the time of a block can be set only once"));
    assert_eq!(block(&mut state, &[7, 100]), [Ok(()), twice]);
    assert_eq!(TIMESTAMP.now(&state), Ok(7));
    assert_eq!(block(&mut state, &[56]), [early]);
    assert_eq!(block(&mut state, &[57]), [Ok(())]);
    assert_eq!(TIMESTAMP.now(&state), Ok(57));
    assert_eq!(TIMESTAMP.earliest(&state), Ok(107));
    assert_eq!(TIMESTAMP.try_state(&state), Ok(()));
}

#[test]
fn a_block_without_time_is_fatal_and_leaves_the_old_time() {
    let base = Memory::default();
    let mut state = Overlay::new(&base);
    assert_eq!(block(&mut state, &[]), []);
    assert_eq!(TIMESTAMP.now(&state), Ok(0));
}

#[test]
fn nobody_but_the_author_sets_the_time() {
    let base = Memory::default();
    let mut state = Overlay::new(&base);
    let env = BlockEnv { number: 1, parent_hash: H256::zero(), digest: Digest::default(), author: None };
    let mut ctx = Context::new(&mut state, &env, Some(0));
    for origin in [Origin::Signed(ALICE), Origin::Root] {
        let result = TIMESTAMP.dispatch(Call::set { now: 1 }, origin, &mut ctx);
        assert_eq!(result, Err(DispatchError::BadOrigin.into()));
    }
    assert_eq!(NOW.exists(&ctx), Ok(false));
    assert_eq!(DID_UPDATE.exists(&ctx), Ok(false));
}

#[test]
fn try_state_sees_a_block_that_did_not_end() {
    let base = Memory::default();
    let mut state = Overlay::new(&base);
    DID_UPDATE.put(&mut state, &true);
    assert!(TIMESTAMP.try_state(&state).is_err());
}

#[test]
fn calls_and_metadata_are_what_clients_know() {
    assert_eq!(Call::set { now: 1 }.encode(), vec![0, 4]);
    assert_eq!(Call::type_info().path.segments, ["pallet_timestamp", "pallet", "Call"]);
    assert_eq!(TIMESTAMP.info(&Call::set { now: 1 }).class, DispatchClass::Mandatory);
    let metadata = TIMESTAMP.metadata();
    let items: Vec<_> = metadata.storage.iter().map(|entry| (entry.name, entry.default.clone())).collect();
    assert_eq!(items, [("Now", vec![0; 8]), ("DidUpdate", vec![0])]);
    assert_eq!(metadata.constants[0].name, "MinimumPeriod");
    assert_eq!(metadata.constants[0].value, 50u64.to_le_bytes());
}
