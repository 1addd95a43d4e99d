//! The parallel mode against the sequential one, with transactions that do anything to a few keys.

use std::sync::Arc;

use basalt_primitives::{
    AccountId, AccountId32, Digest, DispatchClass, DispatchEventInfo, Era, H256, Header, InvalidTransaction,
    MultiSignature, Nonce, Pays, RuntimeVersion, ValidTransaction, Weight,
};
use basalt_runtime_api::{
    ApplyError, BlockEnv, BlockLimits, BlockRecord, CallError, DispatchInfo, Events, Fatal, GenesisError,
    Head, InherentData, InherentError, Position, Receipt, Refusal, Runtime, SignatureCheck, Signed, Touch,
    TouchKind, Transaction, ValidateError, Verified,
};
use basalt_state::{ChangeSet, Condition, Memory, Overlay, StateError, StateRead, StateWrite};
use parity_scale_codec::{Decode, Encode};
use proptest::{prelude::*, strategy::ValueTree};

#[cfg(shuttle)]
mod timing;

#[cfg(not(shuttle))]
use std::thread::yield_now;

#[cfg(shuttle)]
use shuttle::thread::yield_now;

use crate::{
    ExecuteError, Executed, Executor, Fault, Mode,
    tests::{parallel, told, what},
};

const LIMITS: BlockLimits = BlockLimits {
    weight_max: Weight::new(100_000, 100_000),
    weight_normal_max: Weight::new(100_000, 100_000),
    weight_base: Weight::new(0, 0),
    weight_base_transaction: Weight::new(1, 0),
    bytes_max: 1_000_000,
    bytes_normal_max: 1_000_000,
};

/// What a scripted transaction does, one after the other. What it reads goes into its event.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
enum Op {
    Get(u8),
    Put(u8, u8),
    /// Writes what it has read so far, in a digest.
    PutSeen(u8),
    Remove(u8),
    Add(u8, i8),
    AddIf(u8, u8, i8),
    Holds(u8, u8),
    Next(u8),
    Index,
    /// Lets others go first, so many times.
    Yield(u8),
    /// Ends here if the number is at least this.
    InvalidIf(u8, u8),
    /// Panics if there is such a key and another: something that is never so between transactions.
    PanicIfBoth(u8, u8),
    /// Fails if there is such a key, and does nothing.
    FailIf(u8),
}

/// A scripted transaction, with keys that it claims to touch.
#[derive(Debug, Clone)]
struct Script {
    account: u8,
    ops: Vec<Op>,
    touches: Vec<(u8, bool)>,
    weight: u16,
}

fn key(key: u8) -> Vec<u8> {
    // Long enough for the end to tell keys apart in the plan.
    vec![key; 10]
}

impl Script {
    fn verified(&self, id: u32) -> Verified {
        let touch = |(at, update): &(u8, bool)| Touch {
            key: key(*at),
            kind: if *update { TouchKind::Update } else { TouchKind::Credit },
        };
        let transaction = Transaction {
            hash: H256(basalt_primitives::hashing::blake2_256(&id.encode())),
            bytes: (id, &self.ops, self.weight).encode(),
            call_offset: 0,
            signed: Some(Signed {
                signer: AccountId32([self.account; 32]),
                signature: MultiSignature::Sr25519([0; 64]),
                era: Era::Immortal,
                nonce: 0,
                tip: 0,
            }),
            info: DispatchInfo {
                weight: Weight::new(self.weight.into(), 0),
                class: DispatchClass::Normal,
                pays_fee: Pays::Yes,
            },
            touches: self.touches.iter().map(touch).collect(),
        };
        Verified::assume(Arc::new(transaction), H256::zero())
    }
}

fn blocks(scripts: &[Script]) -> Vec<Verified> {
    (0..).zip(scripts).map(|(id, script)| script.verified(id)).collect()
}

struct Scripted;

fn number(value: u8) -> Vec<u8> {
    u128::from(value).to_le_bytes().to_vec()
}

fn least(least: u8) -> Condition {
    Condition { offset: 0, least: least.into(), most: u128::MAX / 2 }
}

impl Runtime for Scripted {
    fn version(&self) -> RuntimeVersion {
        RuntimeVersion::default()
    }
    fn metadata(&self, _: u32) -> Option<Vec<u8>> {
        None
    }
    fn genesis(&self, _: &[u8]) -> Result<ChangeSet, GenesisError> {
        Ok(ChangeSet::default())
    }
    fn limits(&self, _: &dyn StateRead) -> Result<BlockLimits, StateError> {
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
    fn begin_block(&self, _: &BlockEnv, state: &mut Overlay<'_>) -> Result<Events, Fatal> {
        state.put(&key(7), number(7));
        Ok(Events::default())
    }
    fn apply(
        &self,
        transaction: &Verified,
        position: &Position,
        _: &BlockEnv,
        state: &mut Overlay<'_>,
    ) -> Result<Receipt, ApplyError> {
        let (_, ops, weight) = <(u32, Vec<Op>, u16)>::decode(&mut &transaction.bytes[..]).unwrap();
        let mut seen: Vec<u8> = Vec::new();
        let mut result = Ok(());
        state.push_layer();
        for op in ops {
            match op {
                Op::Get(at) => state.get(&key(at))?.encode_to(&mut seen),
                Op::Put(at, value) => state.put(&key(at), number(value)),
                Op::PutSeen(at) => {
                    let digest = basalt_primitives::hashing::twox_64(&seen)[0];
                    state.put(&key(at), number(digest));
                }
                Op::Remove(at) => state.remove(&key(at)),
                Op::Add(at, delta) => state.add_delta(&key(at), i128::from(delta) + 128)?,
                Op::AddIf(at, bound, delta) => {
                    state.add_if(&key(at), &least(bound), i128::from(delta).abs())?.encode_to(&mut seen);
                }
                Op::Holds(at, bound) => state.holds(&key(at), &least(bound))?.encode_to(&mut seen),
                Op::Next(at) => state.next_key(&key(at))?.encode_to(&mut seen),
                Op::Index => position.index().encode_to(&mut seen),
                Op::Yield(times) => (0..times).for_each(|_| yield_now()),
                Op::InvalidIf(at, bound) => {
                    if state.holds(&key(at), &least(bound))? {
                        return Err(InvalidTransaction::Payment.into());
                    }
                }
                Op::PanicIfBoth(at, other) => {
                    if state.get(&key(at))?.is_some() && state.get(&key(other))?.is_some() {
                        panic!("planted");
                    }
                }
                Op::FailIf(at) => {
                    if state.get(&key(at))?.is_some() {
                        result = Err(basalt_primitives::DispatchError::BadOrigin);
                        break;
                    }
                }
            }
        }
        if result.is_ok() {
            state.commit_layer();
        } else {
            state.discard_layer();
        }
        let info = DispatchEventInfo {
            weight: Weight::new(weight.into(), 0),
            class: DispatchClass::Normal,
            pays_fee: Pays::Yes,
        };
        Ok(Receipt { result, info, fee: 0, tip: 0, events: told(seen) })
    }
    fn end_block(
        &self,
        _: &BlockEnv,
        record: &BlockRecord<'_>,
        state: &mut Overlay<'_>,
    ) -> Result<Digest, Fatal> {
        let mut keys = Vec::new();
        let mut at = Vec::new();
        while let Some(next) = state.next_key(&at)? {
            keys.push((next.clone(), state.get(&next)?));
            at = next;
        }
        state.put(b"end", (record.receipts.len() as u32, keys).encode());
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

fn parent() -> Memory {
    Memory((0..4).map(|at| (key(at), number(100))).collect())
}

fn execute(executor: &Executor, transactions: &[Verified]) -> Result<Executed, ExecuteError> {
    executor.execute(&Scripted, &parent(), &env(), transactions).map(|(executed, _)| executed)
}

fn any_op() -> impl Strategy<Value = Op> {
    let at = || 0..8u8;
    prop_oneof![
        4 => at().prop_map(Op::Get),
        3 => (at(), any::<u8>()).prop_map(|(at, value)| Op::Put(at, value)),
        3 => at().prop_map(Op::PutSeen),
        1 => at().prop_map(Op::Remove),
        4 => (at(), any::<i8>()).prop_map(|(at, delta)| Op::Add(at, delta)),
        4 => (at(), any::<u8>(), -100..100i8).prop_map(|(at, bound, delta)| Op::AddIf(at, bound, delta)),
        1 => (at(), any::<u8>()).prop_map(|(at, bound)| Op::Holds(at, bound)),
        1 => at().prop_map(Op::Next),
        1 => Just(Op::Index),
        2 => (1..4u8).prop_map(Op::Yield),
    ]
}

fn any_script() -> impl Strategy<Value = Script> {
    (
        0..6u8,
        prop::collection::vec(any_op(), 1..6),
        prop::collection::vec((0..8u8, any::<bool>()), 0..3),
        prop_oneof![9 => 0..100u16, 1 => 0..60_000u16],
        prop_oneof![
            20 => Just(None),
            1 => (0..8u8, 150..=255u8).prop_map(|(at, bound)| Some(Op::InvalidIf(at, bound))),
            1 => (0..8u8).prop_map(|at| Some(Op::FailIf(at))),
        ],
    )
        .prop_map(|(account, mut ops, touches, weight, last)| {
            ops.extend(last);
            Script { account, ops, touches, weight }
        })
}

/// How many random blocks: a few hundred, or as many as `PROPTEST_CASES` says.
fn config() -> ProptestConfig {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(200);
    ProptestConfig { failure_persistence: None, cases, ..ProptestConfig::default() }
}

/// All that can be planted.
const FAULTS: [Fault; 5] =
    [Fault::SkipFirstRead, Fault::SkipConditions, Fault::SkipRanges, Fault::SkipIndex, Fault::LeaveWrites];

fn script(account: u8, ops: &[Op]) -> Script {
    Script { account, ops: ops.to_vec(), touches: vec![], weight: 1 }
}

fn executor(threads: usize) -> Executor {
    Executor::new(Mode::of(threads)).unwrap()
}

/// All that one can see of a block: executed as it is, and built of the same transactions as candidates.
fn seen(executor: &Executor, transactions: &[Verified]) -> impl PartialEq + use<> {
    let mut candidates = transactions.iter().cloned();
    let built = executor.build(&Scripted, &parent(), &env(), vec![], &mut candidates, &|| false);
    (execute(executor, transactions), what(built))
}

#[test]
fn a_planted_mistake_is_found() {
    for fault in FAULTS {
        let mut runner = proptest::test_runner::TestRunner::deterministic();
        let blocks_of = prop::collection::vec(any_script(), 20..60);
        let mut faulty = executor(4);
        faulty.fault = fault;
        // One block in ten to a hundred shows it, depending on the machine.
        let found = (0..10_000).any(|_| {
            let scripts = blocks_of.new_tree(&mut runner).unwrap().current();
            let transactions = blocks(&scripts);
            seen(&faulty, &transactions) != seen(&Executor::default(), &transactions)
        });
        assert!(found, "{fault:?}, and no block shows it");
    }
}

#[test]
fn transactions_run_ahead_are_kept_if_nothing_changed_and_run_again_if_something_did() {
    let independent: Vec<Script> =
        (10..110).map(|at| script(at, &[Op::Get(at), Op::PutSeen(at), Op::Add(200, 1)])).collect();
    let (_, report) = executor(4).execute(&Scripted, &parent(), &env(), &blocks(&independent)).unwrap();
    assert_eq!((report.executions, report.re_executions, report.sequential), (100, 0, 0));

    let conflicting: Vec<Script> =
        (10..110).map(|at| script(at, &[Op::Get(3), Op::Yield(3), Op::PutSeen(3)])).collect();
    let transactions = blocks(&conflicting);
    let (executed, report) = executor(4).execute(&Scripted, &parent(), &env(), &transactions).unwrap();
    assert_eq!(Ok(executed), execute(&Executor::default(), &transactions));
    if let Some(conflict) = report.conflicts.first() {
        assert_eq!((&conflict.key, conflict.kind), (&key(3), crate::ConflictKind::Value));
    }
    assert_eq!(report.conflicts.iter().map(|conflict| conflict.count).sum::<u32>(), report.re_executions);
}

#[test]
fn what_is_known_to_conflict_is_parked_and_never_run_again() {
    let touching = |account: u8, other: u8| Script {
        touches: vec![(account, true), (other, false)],
        ..script(account, &[Op::Get(account), Op::Yield(2), Op::PutSeen(account), Op::AddIf(other, 0, 1)])
    };
    // Everybody sends twice, and credits others before they send again.
    let scripts: Vec<Script> =
        (0..200u8).map(|number| touching(number % 100, (number.wrapping_mul(37)) % 100)).collect();
    let state = Memory((0..100).map(|at| (key(at), number(100))).collect());
    let transactions = blocks(&scripts);
    let reference = Executor::default().execute(&Scripted, &state, &env(), &transactions).unwrap().0;
    for threads in [1, 2, 4, 8] {
        let (executed, report) = executor(threads).execute(&Scripted, &state, &env(), &transactions).unwrap();
        assert_eq!(executed, reference);
        assert_eq!((report.executions, report.re_executions, report.sequential), (200, 0, 0), "{report:?}");
    }
}

#[test]
fn credits_to_one_key_conflict_with_nobody() {
    let credit = |account: u8| Script {
        touches: vec![(account, true), (3, false)],
        ..script(account, &[Op::Get(account), Op::PutSeen(account), Op::Yield(1), Op::AddIf(3, 10, 5)])
    };
    let transactions = blocks(&(10..210).map(credit).collect::<Vec<_>>());
    let (executed, report) = executor(4).execute(&Scripted, &parent(), &env(), &transactions).unwrap();
    assert_eq!((report.executions, report.re_executions, report.parked), (200, 0, 0));
    assert_eq!(Ok(executed), execute(&Executor::default(), &transactions));
}

#[test]
fn a_chain_is_run_in_sequence() {
    let link = Script { touches: vec![(1, true)], ..script(1, &[Op::Get(1), Op::PutSeen(1)]) };
    let (_, report) = executor(2).execute(&Scripted, &parent(), &env(), &blocks(&vec![link; 1_000])).unwrap();
    assert_eq!((report.executions, report.re_executions, report.sequential), (1_000, 0, 1_000));
}

fn inherent() -> Verified {
    let mut transaction = Transaction::clone(script(0, &[Op::Index]).verified(u32::MAX).transaction());
    (transaction.signed, transaction.info.class) = (None, DispatchClass::Mandatory);
    Verified::assume(Arc::new(transaction), H256::zero())
}

#[test]
fn speculation_that_is_in_vain_is_given_up_and_the_next_block_begins_with_less_trust() {
    let conflicting = script(1, &[Op::Get(3), Op::Yield(3), Op::PutSeen(3)]);
    let transactions = blocks(&vec![conflicting; 2_000]);
    let executor = executor(4);
    let report =
        |transactions: &[Verified]| executor.execute(&Scripted, &parent(), &env(), transactions).unwrap().1;
    // How much is in vain is a matter of timing, but it is much sooner or later.
    let given_up = (0..100).any(|_| report(&transactions).sequential > 1_000);
    assert!(given_up, "{:?}", report(&transactions));
    let next = [&[inherent()], &transactions[..250]].concat();
    let in_sequence = (0..100).any(|_| {
        report(&transactions);
        report(&next).sequential == 251
    });
    assert!(in_sequence, "{:?}", report(&next));
}

#[test]
fn inherents_are_counted_whether_a_block_is_executed_or_built() {
    let transactions = blocks(&[script(1, &[Op::Get(1)]), script(2, &[Op::Get(2)])]);
    let opened = [&[inherent()], &transactions[..]].concat();
    for executor in parallel().iter().chain([&Executor::default()]) {
        let (_, executed) = executor.execute(&Scripted, &parent(), &env(), &opened).unwrap();
        let mut candidates = transactions.iter().cloned();
        let built = executor
            .build(&Scripted, &parent(), &env(), vec![inherent()], &mut candidates, &|| false)
            .unwrap();
        for report in [executed, built.report] {
            assert_eq!(
                (report.transactions, report.executions, report.sequential),
                (3, 3, 3),
                "{executor:?}"
            );
        }
    }
}

#[test]
fn a_panic_ahead_of_its_turn_leaves_no_trace_and_one_at_its_turn_names_the_transaction() {
    // Between transactions there is either key 20 or key 21; who reads them while they change may see both.
    let swap = |from, to| script(1, &[Op::Get(from), Op::Put(to, 1), Op::Yield(2), Op::Remove(from)]);
    let watch = script(2, &[Op::Get(20), Op::Yield(3), Op::PanicIfBoth(20, 21), Op::PutSeen(5)]);
    let mut scripts = vec![script(1, &[Op::Put(20, 1)])];
    for _ in 0..30 {
        scripts.extend([swap(20, 21), watch.clone(), watch.clone(), swap(21, 20), watch.clone()]);
    }
    let transactions = blocks(&scripts);
    let expected = execute(&Executor::default(), &transactions);
    assert!(expected.is_ok());
    for executor in parallel() {
        assert_eq!(execute(executor, &transactions), expected);
    }

    scripts.insert(40, script(1, &[Op::Put(20, 1), Op::Put(21, 1)]));
    scripts.insert(41, watch);
    let transactions = blocks(&scripts);
    let panicked =
        ExecuteError::Panicked { index: 41, hash: transactions[41].hash, what: "planted".to_owned() };
    for executor in parallel().iter().chain([&Executor::default()]) {
        assert_eq!(execute(executor, &transactions), Err(panicked.clone()));
        let mut candidates = transactions.iter().cloned();
        let built = executor.build(&Scripted, &parent(), &env(), vec![], &mut candidates, &|| false).unwrap();
        assert_eq!(built.refused[0], (transactions[41].hash, InvalidTransaction::Call.into()));
    }
}

#[test]
fn our_own_failure_is_reported_whatever_was_run_ahead() {
    struct Broken;
    impl StateRead for Broken {
        fn get(&self, at: &[u8]) -> Result<Option<Vec<u8>>, StateError> {
            match at {
                [30, ..] => Err(StateError::Backend("broken".into())),
                _ => Ok(None),
            }
        }
        fn next_key(&self, _: &[u8]) -> Result<Option<Vec<u8>>, StateError> {
            Ok(None)
        }
    }
    let mut scripts: Vec<Script> = (40..140).map(|at| script(at, &[Op::Get(at), Op::PutSeen(at)])).collect();
    scripts[60] = script(1, &[Op::Get(30)]);
    let broken = ExecuteError::Internal(Fatal::State(StateError::Backend("broken".into())));
    for executor in parallel().iter().chain([&Executor::default()]) {
        let executed = executor.execute(&Scripted, &Broken, &env(), &blocks(&scripts));
        assert_eq!(executed.map(|_| ()), Err(broken.clone()));
    }
    // What comes before it makes it read something else: then it never happens.
    scripts[60] = script(1, &[Op::Get(31), Op::FailIf(31), Op::Get(30)]);
    scripts[20] = script(1, &[Op::Yield(5), Op::Put(31, 1)]);
    for executor in parallel().iter().chain([&Executor::default()]) {
        let executed = executor.execute(&Scripted, &Broken, &env(), &blocks(&scripts));
        assert!(executed.is_ok(), "{executor:?}: {executed:?}");
    }
}

#[test]
fn a_panic_that_nobody_catches_ends_the_block_and_not_the_work_of_others() {
    let scripts: Vec<Script> =
        (10..110).map(|at| script(at, &[Op::Get(at), Op::Yield(3), Op::PutSeen(at)])).collect();
    let transactions = blocks(&scripts);
    for executor in parallel() {
        let asked = std::sync::atomic::AtomicU32::new(0);
        let stop = || match asked.fetch_add(1, std::sync::atomic::Ordering::SeqCst) {
            20 => panic!("whoever says when to stop does not know"),
            _ => false,
        };
        let mut candidates = transactions.iter().cloned();
        let build = std::panic::AssertUnwindSafe(|| {
            executor.build(&Scripted, &parent(), &env(), vec![], &mut candidates, &stop)
        });
        assert!(std::panic::catch_unwind(build).is_err(), "{executor:?}");
        // Its threads are there for the next block.
        assert_eq!(execute(executor, &transactions), execute(&Executor::default(), &transactions));
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_block_does_the_same_in_every_mode(scripts in prop::collection::vec(any_script(), 0..60)) {
        let transactions = blocks(&scripts);
        let expected = execute(&Executor::default(), &transactions);
        for executor in parallel() {
            prop_assert_eq!(&execute(executor, &transactions), &expected, "{:?}", executor);
        }
    }

    #[test]
    fn a_builder_makes_the_same_block_in_every_mode(
        scripts in prop::collection::vec(any_script(), 0..60),
        stop_after in prop_oneof![3 => Just(u32::MAX), 1 => 0..60u32],
    ) {
        let transactions = blocks(&scripts);
        let build = |executor: &Executor| {
            let asked = std::sync::atomic::AtomicU32::new(0);
            let stop = || asked.fetch_add(1, std::sync::atomic::Ordering::SeqCst) >= stop_after;
            let mut candidates = transactions.iter().cloned();
            what(executor.build(&Scripted, &parent(), &env(), vec![], &mut candidates, &stop))
        };
        let expected = build(&Executor::default());
        for executor in parallel() {
            prop_assert_eq!(build(executor), expected.clone(), "{:?}", executor);
        }
    }
}
