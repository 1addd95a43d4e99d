//! Random blocks whose transactions get in each other's way: some hundred of them over few accounts, in the patterns that
//! chains know. Every mode makes the same block of them, and executes it, and the raw list, with the same result.

use std::{collections::BTreeSet, sync::Arc};

use basalt_executor::Executor;
use basalt_primitives::{
    AccountId, AccountId32, Balance, Era, Extra, H256, InvalidTransaction, MultiAddress, MultiSignature,
    Nonce, TransactionValidityError, extrinsic,
};
use basalt_runtime::{MILLIUNIT, RuntimeCall, RuntimeEvent, UNIT};
use basalt_runtime_api::{Receipt, Runtime as _, Verified};
use basalt_test_kit::{MODES, check_block};
use parity_scale_codec::Encode;
use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};

use crate::{
    random::{accounts, build_and_judge, call},
    world::{
        START, World, as_derivative, as_root, balances, batch, batch_all, config, decoded, force_batch,
        heavy, remark, set_balance, system, tell_compared, told_remark, transfer, transfer_all,
    },
};

/// Accounts that own something at first; the first one is Alice, who is root.
const RICH: usize = 64;
/// Accounts that do not exist at first.
const STRANGERS: usize = 32;
/// Transactions in one pattern at most; a block has up to three.
const PATTERN_MAX: usize = 100;

/// The account with this number: rich ones first, then strangers.
fn who(number: usize) -> AccountId {
    match number {
        0..3 => accounts()[number],
        other => AccountId32([other as u8; 32]),
    }
}

fn rich() -> impl Strategy<Value = usize> {
    0..RICH
}

fn stranger() -> impl Strategy<Value = usize> {
    RICH..RICH + STRANGERS
}

/// One of a few accounts, so that they meet.
fn neighbour() -> impl Strategy<Value = usize> {
    prop_oneof![4 => 0..6usize, 1 => RICH..RICH + 3]
}

/// Mostly affordable; sometimes on the brink of the existential deposit, sometimes beyond what anybody owns.
fn amount() -> impl Strategy<Value = Balance> {
    prop_oneof![
        12 => MILLIUNIT..UNIT,
        2 => 0..2 * MILLIUNIT,
        2 => START - 2 * UNIT..START,
        1 => START..10 * START,
    ]
}

/// What a transaction's signature was made for.
#[derive(Debug, Clone, Copy)]
enum Birth {
    Immortal,
    /// The block below.
    Head,
    /// The block below, on another branch.
    Elsewhere,
    /// A block to come.
    Future,
}

#[derive(Debug, Clone)]
struct Sent {
    sender: usize,
    call: RuntimeCall,
    tip: Balance,
    /// Added to the nonce that would be right.
    nonce_off: i8,
    birth: Birth,
}

/// A transaction as wallets send it, mostly.
fn sent(
    sender: impl Strategy<Value = usize>,
    call: impl Strategy<Value = RuntimeCall>,
) -> impl Strategy<Value = Sent> {
    let tip = prop_oneof![12 => Just(0), 2 => 1..UNIT, 1 => amount()];
    let nonce_off = prop_oneof![60 => Just(0), 1 => Just(1), 1 => Just(-1)];
    let birth = prop_oneof![
        40 => Just(Birth::Immortal),
        10 => Just(Birth::Head),
        1 => Just(Birth::Elsewhere),
        1 => Just(Birth::Future),
    ];
    (sender, call, tip, nonce_off, birth).prop_map(|(sender, call, tip, nonce_off, birth)| Sent {
        sender,
        call,
        tip,
        nonce_off,
        birth,
    })
}

/// A call by which one account pays another.
fn payment(to: impl Strategy<Value = usize>) -> impl Strategy<Value = RuntimeCall> {
    let how = prop_oneof![8 => Just(0), 3 => Just(1), 1 => Just(2)];
    (to, amount(), how).prop_map(|(to, value, how)| match how {
        0 => transfer(who(to), value),
        1 => RuntimeCall::Balances(balances::Call::transfer_keep_alive { dest: who(to).into(), value }),
        _ => transfer_all(who(to), value % 2 == 0),
    })
}

/// Batches, nested and derived, in which some calls fail.
fn several() -> impl Strategy<Value = RuntimeCall> {
    payment(neighbour()).prop_recursive(3, 16, 5, |inner| {
        let calls = || prop::collection::vec(inner.clone(), 1..5);
        prop_oneof![
            calls().prop_map(batch),
            calls().prop_map(batch_all),
            calls().prop_map(force_batch),
            (0..2u16, inner.clone()).prop_map(|(index, call)| as_derivative(index, call)),
        ]
    })
}

/// What only root may do, and others try.
fn by_root() -> impl Strategy<Value = RuntimeCall> {
    prop_oneof![
        (neighbour(), amount()).prop_map(|(of, free)| as_root(set_balance(who(of), free))),
        (neighbour(), neighbour(), amount()).prop_map(|(from, to, value)| {
            let (source, dest) = (who(from).into(), who(to).into());
            as_root(RuntimeCall::Balances(balances::Call::force_transfer { source, dest, value }))
        }),
        any::<bool>().prop_map(|up| {
            let direction = match up {
                true => balances::types::AdjustmentDirection::Increase,
                false => balances::types::AdjustmentDirection::Decrease,
            };
            let adjust = balances::Call::force_adjust_total_issuance { direction, delta: MILLIUNIT };
            as_root(RuntimeCall::Balances(adjust))
        }),
        (0..3u8, any::<u8>()).prop_map(|(key, value)| {
            let items = vec![(vec![b'k', key], vec![value])];
            as_root(RuntimeCall::System(system::Call::set_storage { items }))
        }),
        (0..3u8).prop_map(|key| {
            as_root(RuntimeCall::System(system::Call::kill_storage { keys: vec![vec![b'k', key]] }))
        }),
    ]
}

/// Leaves an account with little or nothing, or brings it back.
fn on_the_brink() -> impl Strategy<Value = RuntimeCall> {
    prop_oneof![
        2 => neighbour().prop_map(|to| transfer_all(who(to), false)),
        2 => (neighbour(), MILLIUNIT - 2..MILLIUNIT + 2).prop_map(|(to, value)| transfer(who(to), value)),
        1 => (START - 2 * UNIT..START)
            .prop_map(|value| RuntimeCall::Balances(balances::Call::burn { value, keep_alive: false })),
        1 => (neighbour(), MILLIUNIT..MILLIUNIT + 4).prop_map(|(of, free)| as_root(set_balance(who(of), free))),
    ]
}

/// Transactions that together make one of the patterns.
fn pattern() -> BoxedStrategy<Vec<Sent>> {
    fn some(one: impl Strategy<Value = Sent> + 'static) -> BoxedStrategy<Vec<Sent>> {
        prop::collection::vec(one, 1..PATTERN_MAX).boxed()
    }
    let pairs = prop::collection::vec(sent(rich(), payment(rich())), 1..RICH / 2).prop_map(|mut pairs| {
        for (pair, sent) in pairs.iter_mut().enumerate() {
            sent.sender = 2 * pair;
            sent.call = transfer(who(2 * pair + 1), MILLIUNIT * (1 + pair as u128));
        }
        pairs
    });
    let circle =
        prop::collection::vec(sent(rich(), payment(rich())), 1..PATTERN_MAX).prop_map(|mut circle| {
            for (place, sent) in circle.iter_mut().enumerate() {
                sent.sender = place % 7;
                sent.call = transfer(who((place + 1) % 7), START - UNIT - place as u128);
            }
            circle
        });
    prop_oneof![
        // Distinct pairs.
        2 => pairs,
        // One sender; one to all, who exist or come into being.
        2 => rich().prop_flat_map(|one| some(sent(Just(one), payment(rich())))),
        2 => rich().prop_flat_map(|one| some(sent(Just(one), payment(stranger())))),
        // All to one, who exists or comes into being.
        2 => rich().prop_flat_map(|one| some(sent(rich(), payment(Just(one))))),
        2 => stranger().prop_flat_map(|one| some(sent(rich(), payment(Just(one))))),
        // Each passes on what it got.
        1 => circle,
        // All among few, some of whom send as soon as they exist.
        3 => some(sent(neighbour(), payment(neighbour()))),
        2 => some(sent(neighbour(), several())),
        2 => some(sent(neighbour(), on_the_brink())),
        2 => some(sent(prop_oneof![3 => Just(0), 1 => neighbour()], by_root())),
        // Whatever there is.
        2 => prop::collection::vec(sent(prop_oneof![1 => Just(0), 1 => neighbour()], call()), 1..30),
        // What fills a block: by weight, by bytes.
        1 => prop::collection::vec(sent(rich(), (100_000..700_000u64).prop_map(heavy)), 1..12),
        1 => prop::collection::vec(sent(rich(), (200_000..1_000_000usize).prop_map(remark)), 1..8),
        1 => some(sent(rich(), "[a-z]{0,4}".prop_map(|text| told_remark(&text)))),
    ]
    .boxed()
}

/// Patterns one after the other, or woven into each other.
fn block() -> impl Strategy<Value = Vec<Sent>> {
    let patterns = prop::collection::vec(pattern(), 1..4);
    (patterns, any::<bool>()).prop_map(|(patterns, woven)| {
        if !woven {
            return patterns.concat();
        }
        let longest = patterns.iter().map(Vec::len).max().unwrap_or(0);
        (0..longest).flat_map(|at| patterns.iter().filter_map(move |one| one.get(at).cloned())).collect()
    })
}

/// As if the signature had been verified, which costs more than all the rest.
fn verified(world: &World, sent: &Sent, nonce: Nonce) -> Verified {
    let ledger = &world.ledger;
    let (era, birth_hash) = match sent.birth {
        Birth::Immortal => (Era::Immortal, ledger.genesis_hash),
        Birth::Head => (Era::mortal(64, ledger.number.into()), ledger.hash),
        Birth::Elsewhere => (Era::mortal(64, ledger.number.into()), H256([9; 32])),
        Birth::Future => (Era::mortal(64, u64::from(ledger.number) + 8), ledger.hash),
    };
    let extra = Extra { era, nonce, tip: sent.tip, metadata_hash_mode: 0 };
    let address = MultiAddress::Id(who(sent.sender));
    let signature = MultiSignature::Sr25519([1; 64]);
    let bytes = extrinsic::encode_signed(&address, &signature, &extra, &sent.call.encode());
    let transaction = ledger.runtime.inspect(bytes).expect("random calls decode");
    Verified::assume(Arc::new(transaction), birth_hash)
}

fn all_verified(world: &World, block: &[Sent]) -> Vec<Verified> {
    let mut nonces: Vec<Nonce> =
        (0..RICH + STRANGERS).map(|number| world.account(who(number)).nonce).collect();
    block
        .iter()
        .map(|sent| {
            let next = &mut nonces[sent.sender];
            let nonce = next.saturating_add_signed(sent.nonce_off.into());
            // After a wrong one the sender goes on as if nothing had happened.
            *next += u32::from(sent.nonce_off == 0);
            verified(world, sent, nonce)
        })
        .collect()
}

#[test]
fn random_blocks_hold_all_that_they_are_meant_to() {
    let mut runner = TestRunner::deterministic();
    let mut seen = BTreeSet::new();
    let executor = Executor::new(MODES[4]).expect("the machine has threads");
    let (mut all, mut ahead) = (0, 0);
    let crowd: Vec<AccountId> = (3..RICH).map(who).collect();
    for _ in 0..60 {
        let mut world = World::with(&crowd);
        let block = block().new_tree(&mut runner).expect("no block is refused").current();
        let candidates = all_verified(&world, &block);
        let ledger = &world.ledger;
        let inherents = ledger.transactions(vec![]);
        let mut offered = candidates.iter().cloned();
        let report = executor
            .build(&ledger.runtime, &ledger.state, &ledger.env(), inherents, &mut offered, &|| false)
            .expect("inherents are valid")
            .report;
        all += report.transactions;
        ahead += report.transactions - report.sequential;
        let built = build_and_judge(&mut world, &candidates, &|_| false);
        seen.extend(built.refused.iter().map(|(_, error)| error.to_string()));
        let fails = |receipt: &Receipt| receipt.result.is_err();
        let events = built.executed.receipts.iter().flat_map(|receipt| decoded(&receipt.events));
        let events: Vec<RuntimeEvent> = events.collect();
        let tells = |told: fn(&system::Event) -> bool| {
            events.iter().any(|event| matches!(event, RuntimeEvent::System(event) if told(event)))
        };
        for (what, so) in [
            ("full", built.full),
            ("more than a hundred", built.included.len() > 100),
            ("some fail", built.executed.receipts.iter().any(fails)),
            ("accounts come", tells(|event| matches!(event, system::Event::NewAccount { .. }))),
            ("accounts go", tells(|event| matches!(event, system::Event::KilledAccount { .. }))),
        ] {
            seen.extend(so.then(|| what.to_owned()));
        }
    }
    assert!(ahead > all / 2, "only {ahead} of {all} transactions were run ahead: nothing to compare");
    use InvalidTransaction::{AncientBirthBlock, BadProof, Future, Payment, Stale};
    let errors = [AncientBirthBlock, BadProof, Future, Payment, Stale]
        .map(|error| TransactionValidityError::from(error).to_string());
    let others =
        ["full", "more than a hundred", "some fail", "accounts come", "accounts go"].map(str::to_owned);
    for wanted in errors.into_iter().chain(others) {
        assert!(seen.contains(&wanted), "no block with {wanted:?}, but {seen:?}");
    }
}

proptest! {
    #![proptest_config(config(96))]

    #[test]
    fn transactions_in_each_others_way_do_the_same_in_every_mode(
        blocks in prop::collection::vec(block(), 1..4),
        stop_at in prop_oneof![4 => Just(u32::MAX), 1 => 0..200u32],
    ) {
        let crowd: Vec<AccountId> = (3..RICH).map(who).collect();
        let mut world = World::with(&crowd);
        for block in &blocks {
            let candidates = all_verified(&world, block);
            // As it is, it is hardly ever a valid block: then all have to blame the same transaction.
            let raw = [world.ledger.transactions(vec![]), candidates.clone()].concat();
            let _ = check_block(&world.ledger.runtime, &world.ledger.state, &world.ledger.env(), &raw);
            tell_compared();
            let built = build_and_judge(&mut world, &candidates, &|asked| asked >= stop_at);
            prop_assert!(built.included.len() + built.refused.len() <= 1 + candidates.len());
        }
    }
}
