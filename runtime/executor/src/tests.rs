//! The executor against a toy runtime: a transaction is signed by `account`, adds one to a counter, writes a key and
//! says how it ends.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU32, Ordering},
    },
};

use basalt_primitives::{
    AccountId, AccountId32, DispatchClass, DispatchError, DispatchEventInfo, Era, Header, InvalidTransaction,
    MultiSignature, Nonce, Pays, RuntimeVersion, ValidTransaction,
};
use basalt_runtime_api::{
    ApplyError, BlockLimits, BlockRecord, CallError, DispatchInfo, Event, Events, GenesisError, Head,
    InherentData, InherentError, Position, Refusal, SignatureCheck, Signed, Transaction, ValidateError,
};
use basalt_state::{Key, Memory, Overlay, StateWrite, Value};
use proptest::prelude::*;

use super::*;

const LIMITS: BlockLimits = BlockLimits {
    weight_max: Weight::new(1_000, 1_000),
    weight_normal_max: Weight::new(700, 700),
    weight_base: Weight::new(100, 0),
    weight_base_transaction: Weight::new(10, 0),
    bytes_max: 1_000,
    bytes_normal_max: 600,
};

/// How the application of a toy transaction ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Fine,
    /// In the block, but the call failed.
    Failed,
    /// Written, and then found invalid.
    Invalid,
    /// Our own state failed.
    Internal,
}

/// Weight that it declares, weight that it has, and its end, as its bytes.
#[derive(Debug, Clone, Copy)]
struct Toy {
    id: u8,
    account: u8,
    class: DispatchClass,
    declared: u64,
    actual: u64,
    bytes: u32,
    end: End,
}

const TOY: Toy = Toy {
    id: 0,
    account: 0,
    class: DispatchClass::Normal,
    declared: 50,
    actual: 50,
    bytes: 10,
    end: End::Fine,
};

impl Toy {
    fn verified(self) -> Verified {
        let end = match self.end {
            End::Fine => 0,
            End::Failed => 1,
            End::Invalid => 2,
            End::Internal => 3,
        };
        // The length prefix is one byte below 64, two above.
        let prefix = if self.bytes > 65 { 2 } else { 1 };
        let mut bytes = vec![self.id, end];
        bytes.extend(self.actual.to_le_bytes());
        bytes.resize((self.bytes.max(11) - prefix) as usize, 0);
        let signed = (self.class != DispatchClass::Mandatory).then_some(Signed {
            signer: AccountId32([self.account; 32]),
            signature: MultiSignature::Sr25519([0; 64]),
            era: Era::Immortal,
            nonce: 0,
            tip: 0,
        });
        let transaction = Transaction {
            hash: H256([self.id; 32]),
            bytes,
            call_offset: 0,
            signed,
            info: DispatchInfo {
                weight: Weight::new(self.declared, 0),
                class: self.class,
                pays_fee: Pays::Yes,
            },
            touches: vec![],
        };
        Verified::assume(Arc::new(transaction), H256::zero())
    }
}

#[derive(Default)]
struct ToyRuntime {
    /// How often a transaction was applied.
    applied: AtomicU32,
}

const BEGUN: &[u8] = b"begun";
const COUNTER: &[u8] = b"counter";
const ENDED: &[u8] = b"ended";

impl Runtime for ToyRuntime {
    fn version(&self) -> RuntimeVersion {
        RuntimeVersion::default()
    }
    fn metadata(&self, _: u32) -> Option<Vec<u8>> {
        None
    }
    fn genesis(&self, _: &[u8]) -> Result<ChangeSet, GenesisError> {
        Ok(ChangeSet::default())
    }
    fn limits(&self, state: &dyn StateRead) -> Result<BlockLimits, StateError> {
        state.get(b"limits")?;
        Ok(LIMITS)
    }
    fn inspect(&self, _: Vec<u8>) -> Result<Transaction, Refusal> {
        unreachable!("the executor does not decode")
    }
    fn proof(&self, _: &Transaction, _: &Head<'_>) -> Result<Option<SignatureCheck>, ValidateError> {
        unreachable!("the executor does not look at signatures")
    }
    fn validate(&self, _: &Transaction, _: &Head<'_>) -> Result<ValidTransaction, ValidateError> {
        unreachable!("the executor does not validate")
    }
    fn nonce(&self, _: &AccountId, _: &dyn StateRead) -> Result<Nonce, StateError> {
        Ok(0)
    }
    fn inherents(&self, _: &InherentData) -> Vec<Vec<u8>> {
        vec![]
    }
    fn check_inherents(&self, _: &[Verified], _: &InherentData) -> Result<(), InherentError> {
        unreachable!("whoever imports checks inherents")
    }
    fn begin_block(&self, env: &BlockEnv, state: &mut Overlay<'_>) -> Result<Events, Fatal> {
        state.put(BEGUN, vec![env.number as u8]);
        Ok(told(vec![7]))
    }
    fn apply(
        &self,
        transaction: &Verified,
        position: &Position,
        _: &BlockEnv,
        state: &mut Overlay<'_>,
    ) -> Result<Receipt, ApplyError> {
        self.applied.fetch_add(1, Ordering::Relaxed);
        let id = transaction.bytes[0];
        state.add_delta(COUNTER, 1)?;
        state.put(&[b'k', id], vec![position.index() as u8]);
        let result = match transaction.bytes[1] {
            0 => Ok(()),
            1 => Err(DispatchError::BadOrigin),
            2 => return Err(InvalidTransaction::Payment.into()),
            _ => return Err(StateError::Backend("toy".to_string()).into()),
        };
        let actual = u64::from_le_bytes(transaction.bytes[2..10].try_into().unwrap());
        let weight = Weight::new(actual, 0).saturating_add(LIMITS.weight_base_transaction);
        let info = DispatchEventInfo { weight, class: transaction.info.class, pays_fee: Pays::Yes };
        Ok(Receipt { result, info, fee: 0, tip: 0, events: told(vec![id]) })
    }
    fn end_block(
        &self,
        _: &BlockEnv,
        record: &BlockRecord<'_>,
        state: &mut Overlay<'_>,
    ) -> Result<Digest, Fatal> {
        assert_eq!(record.initialization.len(), 1, "what the beginning told");
        assert_eq!(state.depth(), 0, "no layer is left open");
        state.put(ENDED, vec![record.receipts.len() as u8, record.bytes as u8]);
        Ok(Digest::default())
    }
    fn call(&self, _: &str, _: &[u8], _: &Header, _: &mut Overlay<'_>) -> Result<Vec<u8>, CallError> {
        unreachable!("the executor makes no calls")
    }
    fn try_state(&self, _: &dyn StateRead) -> Result<(), Fatal> {
        Ok(())
    }
}

fn env() -> BlockEnv {
    BlockEnv { number: 1, parent_hash: H256::zero(), digest: Digest::default(), author: None }
}

fn sequential() -> Executor {
    Executor::new(Mode::Sequential).unwrap()
}

/// Runs a block in all modes, which must agree.
fn execute(toys: &[Toy]) -> Result<Executed, ExecuteError> {
    let transactions: Vec<Verified> = toys.iter().map(|toy| toy.verified()).collect();
    let expected = execute_in(&sequential(), &transactions);
    for executor in parallel() {
        assert_eq!(execute_in(executor, &transactions), expected, "{executor:?}");
    }
    expected
}

fn execute_in(executor: &Executor, transactions: &[Verified]) -> Result<Executed, ExecuteError> {
    let (executed, _) = executor.execute(&ToyRuntime::default(), &Memory::default(), &env(), transactions)?;
    Ok(executed)
}

/// Makes a block in all modes, which must agree.
fn build(inherents: &[Toy], toys: &[Toy]) -> Result<Built, ExecuteError> {
    let verified = |toys: &[Toy]| toys.iter().map(|toy| toy.verified()).collect::<Vec<_>>();
    let build = |executor: &Executor| {
        executor.build(
            &ToyRuntime::default(),
            &Memory::default(),
            &env(),
            verified(inherents),
            &mut verified(toys).into_iter(),
            &|| false,
        )
    };
    let expected = build(&sequential());
    for executor in parallel() {
        assert_eq!(what(build(executor)), what(expected.clone()), "{executor:?}");
    }
    expected
}

/// What a built block is, however it was run.
#[expect(clippy::type_complexity, reason = "a tuple of everything that must be equal")]
pub(crate) fn what(
    built: Result<Built, ExecuteError>,
) -> Result<(Executed, Vec<H256>, Vec<(H256, TransactionValidityError)>, bool), ExecuteError> {
    let built = built?;
    let hashes = built.included.iter().map(|transaction| transaction.hash).collect();
    Ok((built.executed, hashes, built.refused, built.full))
}

/// Executors with 1, 2, 3, 4 and 8 threads, which live as long as the tests.
pub(crate) fn parallel() -> &'static [Executor] {
    static EXECUTORS: OnceLock<Vec<Executor>> = OnceLock::new();
    EXECUTORS
        .get_or_init(|| [1, 2, 3, 4, 8].map(|threads| Executor::new(Mode::of(threads)).unwrap()).to_vec())
}

fn included(built: &Built) -> Vec<u8> {
    built.included.iter().map(|transaction| transaction.bytes[0]).collect()
}

/// One of its own account.
fn toy(id: u8) -> Toy {
    Toy { id, account: id, ..TOY }
}

fn exhausted(id: u8, index: u32) -> Result<Executed, ExecuteError> {
    let error = InvalidTransaction::ExhaustsResources.into();
    Err(ExecuteError::Invalid { index, hash: H256([id; 32]), error })
}

#[test]
fn a_block_is_what_its_beginning_its_transactions_and_its_end_write() {
    let executed = execute(&[toy(1), Toy { end: End::Failed, ..toy(2) }]).unwrap();
    let changes: Vec<(Key, Option<Value>)> =
        executed.changes.iter().map(|(key, value)| (key.to_vec(), value.map(<[u8]>::to_vec))).collect();
    assert_eq!(
        changes,
        [
            (BEGUN.to_vec(), Some(vec![1])),
            (COUNTER.to_vec(), Some(2u128.to_le_bytes().to_vec())),
            (ENDED.to_vec(), Some(vec![2, 22])),
            (vec![b'k', 1], Some(vec![0])),
            (vec![b'k', 2], Some(vec![1])),
        ]
    );
    assert_eq!(executed.receipts[1].result, Err(DispatchError::BadOrigin));
    assert_eq!((executed.weight, executed.bytes), (Weight::new(100 + 2 * 60, 0), 22));
}

#[test]
fn a_block_with_an_invalid_transaction_is_invalid_and_a_builder_leaves_it_out_without_a_trace() {
    let bad = Toy { end: End::Invalid, ..toy(2) };
    assert_eq!(
        execute(&[toy(1), bad, toy(3)]),
        Err(ExecuteError::Invalid {
            index: 1,
            hash: H256([2; 32]),
            error: InvalidTransaction::Payment.into()
        })
    );
    let built = build(&[], &[toy(1), bad, toy(3)]).unwrap();
    assert_eq!((included(&built), built.full), (vec![1, 3], false));
    assert_eq!(built.refused, [(H256([2; 32]), InvalidTransaction::Payment.into())]);
    assert_eq!(Ok(built.executed), execute(&[toy(1), toy(3)]));
}

#[test]
fn our_own_failure_ends_execution_and_building_and_blames_nobody() {
    let ours = Toy { end: End::Internal, ..toy(2) };
    let expected = ExecuteError::Internal(Fatal::State(StateError::Backend("toy".to_string())));
    assert_eq!(execute(&[toy(1), ours]), Err(expected.clone()));
    assert_eq!(build(&[], &[toy(1), ours]).unwrap_err(), expected);
    assert_eq!(build(&[ours], &[]).unwrap_err(), expected);
}

#[test]
fn an_inherent_that_fails_ends_building() {
    let bad = Toy { end: End::Invalid, class: DispatchClass::Mandatory, ..toy(2) };
    let good = Toy { class: DispatchClass::Mandatory, ..toy(1) };
    assert!(matches!(build(&[good, bad], &[]), Err(ExecuteError::Invalid { index: 1, .. })));
}

#[test]
fn weight_is_checked_as_declared_and_counted_as_it_was() {
    // The normal limit of 700 holds two of 340 with 10 each, exactly.
    let exact = |id| Toy { declared: 340, actual: 340, ..toy(id) };
    assert!(execute(&[exact(1), exact(2)]).is_ok());
    assert_eq!(execute(&[exact(1), Toy { declared: 341, ..exact(2) }]), exhausted(2, 1));
    assert_eq!(execute(&[exact(1), exact(2), Toy { declared: 0, ..toy(3) }]), exhausted(3, 2));
    let modest = |id| Toy { declared: 600, actual: 1, ..toy(id) };
    let executed = execute(&[modest(1), modest(2), modest(3)]).unwrap();
    assert_eq!(executed.weight, Weight::new(100 + 3 * 11, 0));
    assert!(execute(&[Toy { declared: 690, ..toy(1) }]).is_ok());
    assert_eq!(execute(&[Toy { declared: 691, ..toy(1) }]), exhausted(1, 0));
    assert_eq!(execute(&[Toy { declared: u64::MAX, ..toy(1) }]), exhausted(1, 0));
}

#[test]
fn bytes_are_counted_with_their_length_prefix_up_to_the_limit() {
    let exact = |id| Toy { bytes: 300, declared: 1, actual: 1, ..toy(id) };
    assert_eq!(execute(&[exact(1), exact(2)]).unwrap().bytes, 600);
    assert_eq!(execute(&[exact(1), Toy { bytes: 301, ..exact(2) }]), exhausted(2, 1));
    let operational = |id, bytes| Toy { class: DispatchClass::Operational, bytes, ..exact(id) };
    assert_eq!(execute(&[exact(1), exact(2), operational(3, 400)]).unwrap().bytes, 1_000);
    assert_eq!(execute(&[exact(1), exact(2), operational(3, 401)]), exhausted(3, 2));
    // Operational ones take room from normal ones only where the whole block is concerned.
    assert_eq!(execute(&[operational(1, 400), exact(2), exact(3)]).unwrap().bytes, 1_000);
    assert_eq!(execute(&[operational(1, 401), exact(2), exact(3)]), exhausted(3, 2));
}

#[test]
fn operational_transactions_may_fill_the_block_and_inherents_may_overfill_it() {
    let operational =
        |id, declared| Toy { class: DispatchClass::Operational, declared, actual: declared, ..toy(id) };
    // 100 for the block, 700 for normal ones, and 200 with the base of 10.
    let normal = Toy { declared: 690, actual: 690, ..toy(1) };
    assert_eq!(
        execute(&[normal, operational(2, 190)]).unwrap().weight,
        LIMITS.weight_max.min(Weight::new(1_000, 0))
    );
    assert_eq!(execute(&[normal, operational(2, 191)]), exhausted(2, 1));
    assert_eq!(execute(&[operational(2, 200), normal]), exhausted(1, 1));
    let inherent = Toy { class: DispatchClass::Mandatory, declared: 5_000, actual: 5_000, ..toy(3) };
    assert_eq!(execute(&[normal, inherent]).unwrap().weight, Weight::new(100 + 700 + 5_010, 0));
    assert_eq!(execute(&[inherent, toy(4)]), exhausted(4, 1), "and leaves no room for others");
}

#[test]
fn a_builder_tries_small_ones_behind_large_ones_but_not_for_ever() {
    let large = |id| Toy { declared: 600, actual: 600, ..toy(id) };
    let many = |count: u8| {
        let mut toys = vec![large(100)];
        toys.extend((0..count).map(large));
        toys.push(Toy { declared: 1, ..toy(200) });
        toys
    };
    let almost = u8::try_from(MISFITS_MAX - 1).unwrap();
    let built = build(&[], &many(almost)).unwrap();
    assert_eq!((included(&built), built.full), (vec![100, 200], true));
    let built = build(&[], &many(almost + 1)).unwrap();
    assert_eq!((included(&built), built.full), (vec![100], true));
    // A fitting one in between starts the count anew.
    let twice =
        [many(almost), (0..almost).map(large).collect(), vec![Toy { declared: 1, ..toy(201) }]].concat();
    assert_eq!(included(&build(&[], &twice).unwrap()), [100, 200, 201]);
}

#[test]
fn who_waits_is_not_tried_again_in_this_block() {
    let first = Toy { declared: 600, actual: 600, ..toy(1) };
    let large = Toy { declared: 600, ..toy(2) };
    let after_it = Toy { id: 3, declared: 1, ..large };
    let built = build(&[], &[first, large, after_it, Toy { declared: 1, ..toy(4) }]).unwrap();
    assert_eq!((included(&built), built.refused, built.full), (vec![1, 4], vec![], true));
}

#[test]
fn a_builder_asks_whether_to_stop_before_each_candidate_and_runs_none_after() {
    let runtime = ToyRuntime::default();
    let mut candidates = (1..10).map(|id| toy(id).verified());
    let asked = AtomicU32::new(0);
    let stop = || asked.fetch_add(1, Ordering::Relaxed) >= 3;
    let built =
        sequential().build(&runtime, &Memory::default(), &env(), vec![], &mut candidates, &stop).unwrap();
    assert_eq!((included(&built), built.full), (vec![1, 2, 3], true));
    assert_eq!(asked.into_inner(), 4);
    assert_eq!(runtime.applied.load(Ordering::Relaxed), 3);
}

#[test]
fn a_block_of_nothing_is_a_block() {
    let built = build(&[], &[]).unwrap();
    assert!(!built.full && built.included.is_empty());
    assert_eq!(Ok(built.executed), execute(&[]));
}

fn any_toy() -> impl Strategy<Value = Toy> {
    let class = prop_oneof![
        6 => Just(DispatchClass::Normal),
        2 => Just(DispatchClass::Operational),
        1 => Just(DispatchClass::Mandatory)
    ];
    let end = prop_oneof![6 => Just(End::Fine), 2 => Just(End::Failed), 2 => Just(End::Invalid)];
    let bytes = prop_oneof![20..80u32, 80..400u32];
    (any::<u8>(), 0..6u8, class, 0..400u64, 0..=100u64, bytes, end).prop_map(
        |(id, account, class, declared, percent, bytes, end)| Toy {
            id,
            account,
            class,
            declared,
            actual: declared * percent / 100,
            bytes,
            end,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_built_is_what_an_importer_executes_and_within_the_limits(
        toys in prop::collection::vec(any_toy(), 0..40),
    ) {
        let built = build(&[], &toys).unwrap();
        let runtime = ToyRuntime::default();
        let (executed, _) = sequential()
            .execute(&runtime, &Memory::default(), &env(), &built.included)
            .expect("importers accept what builders make");
        prop_assert_eq!(&executed, &built.executed);
        if built.included.iter().all(|one| one.info.class != DispatchClass::Mandatory) {
            prop_assert!(executed.weight.all_lte(LIMITS.weight_max) && executed.bytes <= LIMITS.bytes_max);
        }
        prop_assert!(built.included.len() + built.refused.len() <= toys.len());
        if !built.full {
            prop_assert_eq!(built.included.len() + built.refused.len(), toys.len());
        }
        let invalid: BTreeSet<u8> = toys.iter().filter(|toy| toy.end == End::Invalid).map(|toy| toy.id).collect();
        prop_assert!(built.refused.iter().all(|(hash, _)| invalid.contains(&hash.0[0])));
    }
}

/// One event of these bytes.
pub(crate) fn told(bytes: Vec<u8>) -> Events {
    [Event { bytes, topics: Vec::new() }].into_iter().collect()
}
