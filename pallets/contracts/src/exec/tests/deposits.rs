//! What storage costs, to the unit.

use basalt_contracts_vm::HostFunction as F;
use proptest::prelude::*;

use super::*;

/// A contract that sets and clears as its input says: key, length of the value or 255 for none.
fn storing(puppet: &mut Puppet<'_>) -> Result<(), Stop> {
    let input = puppet.input()?;
    for step in input.chunks(2) {
        match step[1] {
            255 => puppet.clear(&step[..1])?,
            length => puppet.set(&step[..1], &vec![step[0]; length.into()])?,
        };
    }
    Ok(())
}

fn with_limit(limit: Option<Balance>) -> Terms {
    Terms { storage_deposit_limit: limit, ..terms() }
}

#[test]
fn values_cost_their_bytes_and_one_item_each() {
    let mut world = World::new();
    let contract = world.contract("code", storing);
    let mut deposit = |input: &[u8]| world.call(contract, input).outcome.storage_deposit;
    assert_eq!(deposit(&[1, 10]), StorageDeposit::Charge(10 * PER_BYTE + PER_ITEM));
    assert_eq!(deposit(&[1, 12]), StorageDeposit::Charge(2 * PER_BYTE));
    assert_eq!(deposit(&[1, 12]), StorageDeposit::Charge(0));
    assert_eq!(deposit(&[1, 0]), StorageDeposit::Refund(12 * PER_BYTE), "an empty value is an item");
    assert_eq!(deposit(&[1, 5, 2, 5, 1, 255]), StorageDeposit::Charge(5 * PER_BYTE), "only the net counts");
    assert_eq!(deposit(&[2, 255]), StorageDeposit::Refund(5 * PER_BYTE + PER_ITEM));
    assert_eq!(deposit(&[2, 255]), StorageDeposit::Charge(0));
}

#[test]
fn a_refund_is_a_share_rounded_down_twice() {
    let mut world = World::new();
    let contract = world.contract("code", storing);
    world.call(contract, &[1, 1, 2, 2]).ok();
    let info = world.info(contract).unwrap();
    assert_eq!((info.storage_byte_deposit, info.storage_item_deposit), (3 * PER_BYTE, 2 * PER_ITEM));
    // 1/3 has 18 decimals: a third of 3,000 is 999. Of the items half comes back.
    let done = world.call(contract, &[1, 255]);
    assert_eq!(done.outcome.storage_deposit, StorageDeposit::Refund(999 + PER_ITEM));
    assert_eq!(world.info(contract).unwrap().storage_byte_deposit, 2_001);
    // All that is left comes back with the last byte.
    let done = world.call(contract, &[2, 255]);
    assert_eq!(done.outcome.storage_deposit, StorageDeposit::Refund(2_001 + PER_ITEM));
}

#[test]
fn frames_are_settled_one_by_one_refunds_first() {
    let mut world = World::new();
    let first = world.contract("first", storing);
    let second = world.contract("second", storing);
    world.upload("child", |puppet| puppet.set(b"key", b"12").map(drop));
    let outer = world.contract("outer", move |puppet| {
        puppet.set(b"mine", b"1")?;
        puppet.call(first, &[1, 4])?;
        puppet.call(second, &[7, 255])?;
        puppet.call(first, &[2, 1])?;
        puppet.make("child", Ask::default(), b"")?;
        Ok(())
    });
    world.call(second, &[7, 3]).ok();
    let done = world.call(outer, b"");
    let child = contract_address(&outer, &hash_of("child"), b"", b"");
    let settled: Vec<_> = of_contracts(&done.told)
        .into_iter()
        .filter_map(|event| match event {
            Event::StorageDepositTransferredAndHeld { from: ALICE, to, amount } => Some((to, amount as i128)),
            Event::StorageDepositTransferredAndReleased { from, to: ALICE, amount } => {
                Some((from, -(amount as i128)))
            }
            _ => None,
        })
        .collect();
    let (item, byte) = (PER_ITEM as i128, PER_BYTE as i128);
    let base = world.info(child).unwrap().storage_base_deposit as i128;
    assert_eq!(
        settled,
        [
            (second, -(item + 3 * byte)),
            (first, item + 4 * byte),
            (first, item + byte),
            (child, base),
            (child, item + 2 * byte),
            (outer, item + byte)
        ]
    );
    let total: i128 = settled.iter().map(|(_, amount)| amount).sum();
    assert_eq!(done.outcome.storage_deposit, StorageDeposit::Charge(total as u128 + ED));
}

#[test]
fn the_limit_is_for_the_net_of_all() {
    let mut world = World::new();
    let contract = world.contract("code", storing);
    let cost = 10 * PER_BYTE + PER_ITEM;
    let before = world.state.clone();
    let done = world.call_as(Origin::Signed(ALICE), contract, 0, with_limit(Some(cost - 1)), &[1, 10]);
    assert_eq!(done.error(), failure(Error::StorageDepositLimitExhausted));
    assert_eq!(world.state, before);
    // What is stored and removed again needs no limit.
    world.call_as(Origin::Signed(ALICE), contract, 0, with_limit(Some(0)), &[2, 200, 2, 255]).ok();
    world.call_as(Origin::Signed(ALICE), contract, 0, with_limit(Some(cost)), &[1, 10]).ok();
    world.call_as(Origin::Signed(ALICE), contract, 0, with_limit(Some(0)), &[1, 255]).ok();
}

#[test]
fn a_limit_must_be_affordable() {
    let mut world = World::new();
    let contract = world.contract("code", storing);
    // Keeps the existential deposit for itself, and one more for a new account.
    let affordable = world.free(ALICE) - ED - ED - 500;
    let call = |world: &mut World, limit| {
        world.call_as(Origin::Signed(ALICE), contract, 500, with_limit(Some(limit)), b"").outcome.result
    };
    assert_eq!(call(&mut world, affordable + 1), Err(failure(Error::StorageDepositNotEnoughFunds)));
    assert!(call(&mut world, affordable).is_ok());
    // Without a limit it is what there is.
    let poor = AccountId32([4; 32]);
    world.change(|ctx| CONTRACTS.balances.transfer(ctx, &BOB, &poor, 2 * ED + PER_ITEM, true)).unwrap();
    let done = world.call_as(Origin::Signed(poor), contract, 0, terms(), &[1, 1]);
    assert_eq!(done.error(), failure(Error::StorageDepositLimitExhausted));
    world.call_as(Origin::Signed(poor), contract, 0, terms(), &[1, 0]).ok();
}

#[test]
fn value_is_set_aside_before_the_deposit() {
    let mut world = World::new();
    let contract = world.contract("code", storing);
    let poor = AccountId32([4; 32]);
    world.change(|ctx| CONTRACTS.balances.transfer(ctx, &BOB, &poor, 2 * ED + 2 * PER_ITEM, true)).unwrap();
    let done = world.call_as(Origin::Signed(poor), contract, PER_ITEM + 1, terms(), &[1, 0]);
    assert_eq!(done.error(), failure(Error::StorageDepositLimitExhausted));
    world.call_as(Origin::Signed(poor), contract, PER_ITEM, terms(), &[1, 0]).ok();
    assert_eq!(world.free(poor), 2 * ED);
}

#[test]
fn a_nested_call_may_have_a_limit_of_its_own() {
    let mut world = World::new();
    let callee = world.contract("callee", storing);
    let cost = 10 * PER_BYTE + PER_ITEM;
    let caller = world.contract("caller", move |puppet| {
        let limit = u128::from_le_bytes(puppet.input()?.try_into().unwrap());
        let ask = Ask { deposit_limit: Some(limit), ..Ask::default() };
        let code = puppet.call_with(callee, ask, &[1, 10])?.0;
        puppet.give32(code)
    });
    let call = |world: &mut World, own: Balance, limit| {
        world.call_as(Origin::Signed(ALICE), caller, 0, with_limit(limit), &own.to_le_bytes())
    };
    let exhausted = failure(Error::StorageDepositLimitExhausted);
    assert_eq!(call(&mut world, cost - 1, None).error(), exhausted.clone(), "the caller fails with it");
    // A limit above what the caller has is what the caller has.
    assert_eq!(call(&mut world, cost, Some(cost - 1)).error(), exhausted.clone());
    // Zero is no limit of its own: the whole call fails in the end.
    assert_eq!(call(&mut world, 0, Some(cost - 1)).error(), exhausted);
    assert_eq!(call(&mut world, cost, None).number(), 0);
    world.upload("child", |puppet| puppet.set(b"key", b"value").map(drop));
    let maker = world.contract("maker", |puppet| {
        let ask = Ask { deposit_limit: Some(1), ..Ask::default() };
        puppet.make("child", ask, b"").map(drop)
    });
    assert_eq!(world.call(maker, b"").error(), failure(Error::StorageDepositLimitExhausted));
}

#[test]
fn what_is_charged_and_comes_back_in_one_call_costs_nothing() {
    let mut world = World::new();
    let inner = world.contract("inner", storing);
    let outer = world.contract("outer", move |puppet| {
        puppet.call(inner, &[1, 10])?;
        puppet.call(inner, &[1, 255]).map(drop)
    });
    let alice = world.free(ALICE);
    let done = world.call(outer, b"");
    assert_eq!(done.outcome.storage_deposit, StorageDeposit::Charge(0));
    let cost = PER_ITEM + 10 * PER_BYTE;
    assert_eq!(
        of_contracts(&done.told)[3..],
        [
            Event::StorageDepositTransferredAndReleased { from: inner, to: ALICE, amount: cost },
            Event::StorageDepositTransferredAndHeld { from: ALICE, to: inner, amount: cost },
        ],
        "the refund comes first, out of what is held for the record"
    );
    assert_eq!(world.free(ALICE), alice);
}

#[test]
fn a_contract_without_balance_of_its_own_may_store() {
    let mut world = World::new();
    let contract = world.contract("code", |puppet| {
        let balance = puppet.host_out(F::Balance, &[])?.1;
        puppet.set(b"key", &balance).map(drop)
    });
    world.call(contract, b"").ok();
    assert_eq!(world.stored(contract, b"key"), Some(vec![0; 16]));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Two contracts that store, clear, call each other and fail, in any order: what is held is what the records say, and
    /// these say what is stored ([`World::check`]).
    #[test]
    fn records_and_holds_stay_exact(
        rounds in prop::collection::vec(prop::collection::vec((0u8..8, 0u8..4, any::<u8>()), 1..12), 1..5)
    ) {
        let mut world = World::new();
        let script = |puppet: &mut Puppet<'_>| {
            let input = puppet.input()?;
            let Some(steps) = input.get(64..) else { return Ok(()) };
            for (place, step) in steps.chunks_exact(3).enumerate() {
                let rest = [&input[32..64], &input[..32], &steps[(place + 1) * 3..]].concat();
                let partner = AccountId32(input[32..64].try_into().unwrap());
                match step[0] {
                    0..=2 => drop(puppet.set(&step[1..2], &vec![1; usize::from(step[2]) / 8])?),
                    3 | 4 => drop(puppet.clear(&step[1..2])?),
                    5 => {
                        let ask = Ask { flags: ALLOW_REENTRY, ..Ask::default() };
                        puppet.call_with(partner, ask, &rest)?;
                        return Ok(());
                    }
                    6 => {
                        let ask = Ask { flags: ALLOW_REENTRY, ..Ask::default() };
                        let own = AccountId32(input[..32].try_into().unwrap());
                        puppet.call_with(own, ask, &[&input[..64], &steps[(place + 1) * 3..]].concat())?;
                    }
                    _ if step[2] < 128 => return puppet.give(1, b""),
                    _ => drop(puppet.delegate(0, "library", &[&input[..64], &steps[(place + 1) * 3..]].concat())?),
                }
            }
            Ok(())
        };
        let one = world.contract("one", script);
        let other = world.contract("other", script);
        world.upload("library", script);
        for round in rounds {
            let steps: Vec<u8> = round.iter().flat_map(|(kind, key, size)| [*kind, *key, *size]).collect();
            world.call(one, &[&one.0[..], &other.0, &steps].concat());
        }
    }
}
