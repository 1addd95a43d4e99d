//! Random blocks over all pallets: whatever is sent, nothing panics, every mode agrees, every invariant holds, and the
//! issuance changes by what the events say and by nothing else.

use std::sync::{Arc, LazyLock};

use balances::types::AdjustmentDirection;
use basalt_executor::Built;
use basalt_primitives::{AccountId, Balance, Era, Extra, H256, MultiAddress, MultiSignature, extrinsic};
use basalt_runtime::{MILLIUNIT, RuntimeCall, RuntimeEvent, UNIT};
use basalt_runtime_api::{Runtime as _, Verified};
use basalt_test_kit::Sender;
use parity_scale_codec::Encode;
use proptest::prelude::*;
use utility::derivative_account;

use crate::world::{
    START, World, as_derivative, as_root, balances, batch, batch_all, config, decoded, force_batch, remark,
    set_balance, sudo, system, tell_compared, told_remark, transfer, transfer_all, utility,
};

/// How many accounts take part: the rich ones, one that is poor, and one that is derived from Alice's.
const ACCOUNTS: usize = 5;

/// Derived once: it takes a thousand times as long as a transfer.
static ACCOUNT_IDS: LazyLock<[AccountId; ACCOUNTS]> = LazyLock::new(|| {
    let [alice, bob, charlie, eve] =
        ["Alice", "Bob", "Charlie", "Eve"].map(|name| Sender::dev(name).account());
    [alice, bob, charlie, eve, derivative_account(&alice, 0)]
});

pub(crate) fn accounts() -> [AccountId; ACCOUNTS] {
    *ACCOUNT_IDS
}

fn account() -> impl Strategy<Value = AccountId> {
    (0..ACCOUNTS).prop_map(|index| accounts()[index])
}

fn amount() -> impl Strategy<Value = Balance> {
    prop_oneof![
        2 => Just(0),
        2 => Just(1),
        2 => MILLIUNIT - 2..MILLIUNIT + 2,
        6 => 1..START,
        2 => START - UNIT..START + UNIT,
        1 => Just(i128::MAX as u128 / 2),
        1 => Just(i128::MAX as u128),
        1 => Just(u128::MAX),
    ]
}

fn leaf() -> impl Strategy<Value = RuntimeCall> {
    let balances = |call| RuntimeCall::Balances(call);
    prop_oneof![
        6 => (account(), amount()).prop_map(|(to, value)| transfer(to, value)),
        3 => (account(), amount()).prop_map(move |(to, value)| {
            balances(balances::Call::transfer_keep_alive { dest: to.into(), value })
        }),
        2 => (account(), any::<bool>()).prop_map(|(to, keep_alive)| transfer_all(to, keep_alive)),
        2 => (amount(), any::<bool>())
            .prop_map(move |(value, keep_alive)| balances(balances::Call::burn { value, keep_alive })),
        2 => (account(), amount()).prop_map(|(who, free)| set_balance(who, free)),
        2 => (account(), account(), amount()).prop_map(move |(from, to, value)| {
            balances(balances::Call::force_transfer { source: from.into(), dest: to.into(), value })
        }),
        1 => (any::<bool>(), amount()).prop_map(move |(up, delta)| {
            let direction = if up { AdjustmentDirection::Increase } else { AdjustmentDirection::Decrease };
            balances(balances::Call::force_adjust_total_issuance { direction, delta })
        }),
        1 => (account(), amount()).prop_map(move |(who, amount)| {
            balances(balances::Call::force_unreserve { who: who.into(), amount })
        }),
        1 => prop::collection::vec(account(), 0..3)
            .prop_map(move |who| balances(balances::Call::upgrade_accounts { who })),
        1 => Just(balances(balances::Call::transfer_keep_alive { dest: MultiAddress::Index, value: 1 })),
        1 => (0..50usize).prop_map(remark),
        1 => "[a-z]{0,4}".prop_map(|text| told_remark(&text)),
        1 => any::<u8>().prop_map(|key| RuntimeCall::System(system::Call::set_storage {
            items: vec![(b"random/".iter().copied().chain([key]).collect(), vec![key])],
        })),
        1 => any::<u8>().prop_map(|key| RuntimeCall::System(system::Call::kill_storage {
            keys: vec![b"random/".iter().copied().chain([key]).collect()],
        })),
        1 => Just(RuntimeCall::System(system::Call::set_code { code: vec![1] })),
    ]
}

/// Sets an account to the brink of its death and lets it spend: dust, refusals and deaths, which amounts at random
/// hardly ever hit.
fn brink() -> impl Strategy<Value = RuntimeCall> {
    (account(), account(), 0..20u128, 0..MILLIUNIT + 20, 0..3u8).prop_map(|(who, to, above, value, how)| {
        let spend = match how {
            0 => transfer(to, above / 2),
            1 => transfer(to, value),
            _ => RuntimeCall::Balances(balances::Call::burn { value: above / 2 + 1, keep_alive: false }),
        };
        let spend = RuntimeCall::Sudo(sudo::Call::sudo_as { who: who.into(), call: Box::new(spend) });
        force_batch(vec![as_root(set_balance(who, MILLIUNIT + above / 3)), spend])
    })
}

pub(crate) fn call() -> impl Strategy<Value = RuntimeCall> {
    prop_oneof![5 => leaf(), 1 => brink()].prop_recursive(4, 24, 4, |inner| {
        let several = || prop::collection::vec(inner.clone(), 0..4);
        prop_oneof![
            2 => several().prop_map(batch),
            2 => several().prop_map(batch_all),
            2 => several().prop_map(force_batch),
            2 => (0..2u16, inner.clone()).prop_map(|(index, call)| as_derivative(index, call)),
            5 => inner.clone().prop_map(as_root),
            1 => (account(), inner.clone()).prop_map(|(who, call)| {
                RuntimeCall::Sudo(sudo::Call::sudo_as { who: who.into(), call: Box::new(call) })
            }),
            1 => (0..2_000_000u64, inner).prop_map(|(microseconds, call)| {
                let weight = basalt_primitives::Weight::new(microseconds * 1_000_000, 0);
                RuntimeCall::Sudo(sudo::Call::sudo_unchecked_weight { call: Box::new(call), weight })
            }),
        ]
    })
}

/// One candidate for a block.
#[derive(Debug, Clone)]
struct Sent {
    /// Which of the first four accounts sends it; Alice, who is root, more often.
    sender: usize,
    call: RuntimeCall,
    tip: Balance,
    /// Added to the nonce that would be right.
    nonce_off: u32,
}

fn sent() -> impl Strategy<Value = Sent> {
    let sender = prop_oneof![3 => Just(0usize), 5 => 1..4usize];
    let tip = prop_oneof![6 => Just(0), 2 => 1..UNIT, 1 => amount()];
    let nonce_off = prop_oneof![15 => Just(0), 1 => Just(1)];
    (sender, call(), tip, nonce_off).prop_map(|(sender, call, tip, nonce_off)| Sent {
        sender,
        call,
        tip,
        nonce_off,
    })
}

/// As if the signature had been verified, which costs more than all the rest.
fn verified(world: &World, sent: &Sent, nonce: u32) -> Verified {
    let extra = Extra { era: Era::Immortal, nonce, tip: sent.tip, metadata_hash_mode: 0 };
    let address = MultiAddress::Id(accounts()[sent.sender]);
    let bytes =
        extrinsic::encode_signed(&address, &MultiSignature::Sr25519([1; 64]), &extra, &sent.call.encode());
    let transaction = world.ledger.runtime.inspect(bytes).expect("random calls decode");
    Verified::assume(Arc::new(transaction), world.ledger.genesis_hash)
}

/// By how much the events of a block say that the issuance changed; `None` if root set a balance, whose event does not
/// say what it was before.
fn told_change(events: &[RuntimeEvent]) -> Option<i128> {
    use balances::pallet::Event;
    let signed = |amount: &Balance| i128::try_from(*amount).expect("below the limit of the issuance");
    let mut change = 0;
    for event in events {
        let RuntimeEvent::Balances(event) = event else { continue };
        change += match event {
            Event::Burned { amount, .. } | Event::DustLost { amount, .. } | Event::Rescinded { amount } => {
                -signed(amount)
            }
            Event::TotalIssuanceForced { old, new } => signed(new) - signed(old),
            Event::BalanceSet { .. } => return None,
            Event::Minted { .. } | Event::Issued { .. } => panic!("nobody can mint: {event:?}"),
            _ => 0,
        };
    }
    Some(change)
}

/// Makes a block of these candidates in every mode, executes it in every mode, and checks what must be so whatever they
/// are.
pub(crate) fn build_and_judge(
    world: &mut World,
    candidates: &[Verified],
    stop: &(dyn Fn(u32) -> bool + Sync),
) -> Built {
    let issuance = world.issuance();
    let built = world.ledger.build_asking(candidates, stop);
    tell_compared();
    let mut events = world.final_events();
    for receipt in &built.executed.receipts {
        events.extend(decoded(&receipt.events));
        let last = events.last();
        let succeeded = matches!(last, Some(RuntimeEvent::System(system::Event::ExtrinsicSuccess { .. })));
        assert_eq!(succeeded, receipt.result.is_ok(), "{last:?}");
    }
    if let Some(change) = told_change(&events) {
        assert_eq!(world.issuance(), issuance.checked_add_signed(change).unwrap());
    }
    for (transaction, receipt) in built.included.iter().zip(&built.executed.receipts) {
        let declared = transaction.info.weight.saturating_add(basalt_runtime::TRANSACTION_WEIGHT);
        assert!(receipt.info.weight.all_lte(declared));
    }
    assert_eq!(system::EVENT_COUNT.get(&world.ledger.state).unwrap(), Some(events.len() as u32));
    built
}

proptest! {
    #![proptest_config(config(192))]

    #[test]
    fn random_blocks_keep_every_invariant_in_every_mode(
        blocks in prop::collection::vec(prop::collection::vec(sent(), 0..12), 1..8),
        author_known in any::<bool>(),
    ) {
        let mut world = World::new();
        if !author_known {
            world.ledger.author = None;
        }
        for block in &blocks {
            let mut nonces = accounts().map(|who| world.account(who).nonce);
            let candidates: Vec<Verified> = block
                .iter()
                .map(|sent| {
                    let nonce = nonces[sent.sender] + sent.nonce_off;
                    nonces[sent.sender] = nonce + 1;
                    verified(&world, sent, nonce)
                })
                .collect();
            build_and_judge(&mut world, &candidates, &|_| false);
        }
    }

    #[test]
    fn bytes_of_no_meaning_never_reach_a_block(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let world = World::new();
        if let Ok(transaction) = world.ledger.runtime.inspect(bytes) {
            let _ = world.ledger.runtime.proof(&transaction, &world.ledger.head());
            let _ = world.ledger.runtime.validate(&transaction, &world.ledger.head());
        }
    }

    #[test]
    fn a_transaction_with_one_byte_changed_is_refused_or_another_one(
        call in call(),
        at in any::<prop::sample::Index>(),
        flip in 1..=255u8,
    ) {
        let world = World::new();
        let genesis = world.ledger.genesis_hash;
        let bytes = world.alice.sign_with(genesis, &call, 0, 0, Era::mortal(64, 0), genesis);
        let honest = world.ledger.runtime.inspect(bytes.clone()).unwrap();
        let mut changed = bytes;
        let at = at.index(changed.len());
        changed[at] ^= flip;
        if let Ok(other) = world.ledger.runtime.inspect(changed) {
            prop_assert_ne!(other.hash, honest.hash);
            let head = world.ledger.head();
            if let Ok(Some(check)) = world.ledger.runtime.proof(&other, &head) {
                let ok = basalt_primitives::signature::verify(&check.signature, &check.message, &check.signer);
                prop_assert!(!ok, "byte {at} is not covered by the signature");
            }
        }
    }
}

#[test]
fn the_same_blocks_on_the_same_genesis_give_the_same_state() {
    let run = || {
        let mut world = World::new();
        for round in 0..5 {
            let block = vec![
                world.by_alice(&transfer(accounts()[3], UNIT + round)),
                world.by_bob(&batch(vec![told_remark("x"), transfer(accounts()[4], UNIT)])),
            ];
            // Schnorr signatures are random, so the transactions differ in them and in nothing else.
            world.run(block);
            world.ledger.hash = H256([round as u8; 32]);
        }
        world.ledger.state
    };
    assert_eq!(run(), run());
}
