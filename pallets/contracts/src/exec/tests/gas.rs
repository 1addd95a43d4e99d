//! What is charged, to whom, and that a call that runs out of gas leaves nothing.

use basalt_contracts_vm::{HostFunction as F, Trap};

use super::*;
use crate::costs;

fn limited(gas_limit: Weight) -> Terms {
    Terms { gas_limit, ..terms() }
}

#[test]
fn fuel_is_paid_by_ref_time_alone() {
    let mut world = World::new();
    let contract = world.contract("code", |puppet| puppet.burn(1_000));
    let done = world.call(contract, b"");
    let load = costs::load_code(4);
    assert_eq!(
        done.outcome.gas_consumed,
        Weight::new(load.ref_time + 1_000 * costs::INSTRUCTION, load.proof_size)
    );
    assert_eq!(done.outcome.gas_required, done.outcome.gas_consumed);
    let enough = done.outcome.gas_consumed;
    world.call_as(Origin::Signed(ALICE), contract, 0, limited(enough), b"").ok();
    let done = world.call_as(
        Origin::Signed(ALICE),
        contract,
        0,
        limited(enough.saturating_sub(Weight::new(1, 0))),
        b"",
    );
    assert_eq!(done.error(), failure(Error::OutOfGas));
}

#[test]
fn a_host_call_takes_its_cost_out_of_the_fuel() {
    let mut world = World::new();
    let contract = world.contract("code", |puppet| {
        let before = puppet.fuel;
        puppet.host(F::CallerIsOrigin, &[])?;
        let used = before - puppet.fuel;
        puppet.give(0, &used.to_le_bytes())
    });
    let used = u64::from_le_bytes(world.call(contract, b"").ok().data.try_into().unwrap());
    let cost = costs::HOST_CALL.ref_time + costs::ENVIRONMENT.ref_time;
    assert_eq!(used, 1 + cost / costs::INSTRUCTION);
}

#[test]
fn storage_is_charged_by_the_largest_value_and_paid_by_the_actual_one() {
    let mut world = World::new();
    let contract = world.contract("code", |puppet| puppet.get(b"key").map(drop));
    let done = world.call(contract, b"");
    let (consumed, required) = (done.outcome.gas_consumed, done.outcome.gas_required);
    let largest = costs::get_storage(crate::PAYLOAD_BYTES_MAX).saturating_sub(costs::get_storage(0));
    assert_eq!(required, consumed.saturating_add(largest));
    world.call_as(Origin::Signed(ALICE), contract, 0, limited(required), b"").ok();
    let done = world.call_as(Origin::Signed(ALICE), contract, 0, limited(consumed), b"");
    assert_eq!(done.error(), failure(Error::OutOfGas));
}

#[test]
fn a_nested_call_has_the_gas_that_it_is_given_and_gives_the_rest_back() {
    let mut world = World::new();
    let callee = world.contract("callee", |puppet| {
        let left = puppet.host_out(F::GasLeft, &[])?.1;
        match puppet.input()?.is_empty() {
            true => puppet.give(0, &left),
            false => loop {
                puppet.burn(1_000)?;
            },
        }
    });
    let caller = world.contract("caller", move |puppet| {
        let left = |puppet: &mut Puppet<'_>| {
            Ok::<_, Stop>(u64::from_le_bytes(puppet.host_out(F::GasLeft, &[])?.1.try_into().unwrap()))
        };
        let gas = Weight::new(50_000_000, 0);
        let before = left(puppet)?;
        let seen = puppet.call_with(callee, Ask { gas, ..Ask::default() }, b"")?.1;
        let seen = u64::from_le_bytes(seen.try_into().unwrap());
        assert!(seen < gas.ref_time && seen > gas.ref_time - 2_000_000, "{seen}");
        // All of it, where it asks for none; and no more than there is.
        for ref_time in [0, u64::MAX] {
            let gas = Weight::new(ref_time, 0);
            let all = puppet.call_with(callee, Ask { gas, ..Ask::default() }, b"")?.1;
            assert!(u64::from_le_bytes(all.try_into().unwrap()) > before / 2);
        }
        let between = left(puppet)?;
        let (code, _) = puppet.call_with(callee, Ask { gas, ..Ask::default() }, b"burn")?;
        let after = left(puppet)?;
        assert!(between - after > gas.ref_time && between - after < gas.ref_time + 200_000_000);
        puppet.give32(code)
    });
    let done = world.call(caller, b"");
    let required = done.outcome.gas_required;
    assert!(required.all_lte(GAS) && required.ref_time < GAS.ref_time / 100);
    assert_eq!(done.number(), 1, "the callee ran out of what it was given");
}

#[test]
fn code_that_cannot_be_paid_for_fails_its_caller() {
    let mut world = World::new();
    let callee = world.contract("callee", |_| Ok(()));
    let caller = world.contract("caller", move |puppet| {
        // Leaves enough for the call itself, and not for the code.
        let spare = (costs::CALL.ref_time + costs::HOST_CALL.ref_time + 100_000) / costs::INSTRUCTION;
        puppet.burn(puppet.fuel - spare)?;
        puppet.call(callee, b"").map(drop)
    });
    assert_eq!(world.call(caller, b"").error(), failure(Error::OutOfGas));
}

/// Does something of everything.
fn busy(world: &mut World) -> AccountId {
    let callee = world.contract("callee", |puppet| {
        puppet.set(b"counter", b"one more")?;
        puppet.event(b"called")
    });
    world.upload("child", |puppet| puppet.set(b"child", b"value").map(drop));
    world.upload("library", |puppet| puppet.set(b"library", b"value").map(drop));
    let contract = world.contract("busy", move |puppet| {
        puppet.set(b"key", b"a value")?;
        puppet.get(b"key")?;
        puppet.call_with(callee, Ask { value: 10, ..Ask::default() }, b"")?;
        puppet.make("child", Ask { value: 5, ..Ask::default() }, b"")?;
        puppet.delegate(0, "library", b"")?;
        puppet.with_hash(F::LockDelegateDependency, hash_of("library").0)?;
        puppet.with_hash(F::SetCodeHash, hash_of("child").0)?;
        puppet.event(b"last")
    });
    world.change(|ctx| CONTRACTS.balances.transfer(ctx, &ALICE, &contract, 1_000_000, true)).unwrap();
    contract
}

#[test]
fn a_call_that_runs_out_of_gas_anywhere_leaves_nothing() {
    let mut world = World::new();
    let contract = busy(&mut world);
    let required = {
        let mut copy = World { state: world.state.clone(), ..World::new() };
        core::mem::swap(&mut copy.machine, &mut world.machine);
        let required = copy.call(contract, b"").outcome.gas_required;
        core::mem::swap(&mut copy.machine, &mut world.machine);
        required
    };
    let before = world.state.clone();
    let mut errors = BTreeMap::new();
    let steps = 400;
    for step in 0..steps {
        let gas = Weight::new(required.ref_time / steps * step, required.proof_size);
        let done = world.call_as(Origin::Signed(ALICE), contract, 0, limited(gas), b"");
        assert!(done.outcome.gas_consumed.all_lte(gas));
        assert_eq!((&world.state, &done.told), (&before, &vec![]), "with {gas:?}");
        *errors.entry(format!("{:?}", done.error())).or_insert(0) += 1;
    }
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert!(errors.contains_key(&format!("{:?}", failure(Error::OutOfGas))));
    world.call_as(Origin::Signed(ALICE), contract, 0, limited(required), b"").ok();
    assert_ne!(world.state, before);
}

#[test]
fn a_trap_keeps_what_was_not_used() {
    let mut world = World::new();
    let contract = world.contract("code", |puppet| {
        puppet.burn(77)?;
        Err(Stop::Trap(Trap::Other))
    });
    let done = world.call(contract, b"");
    assert_eq!(done.outcome.gas_consumed.ref_time, costs::load_code(4).ref_time + 77 * costs::INSTRUCTION);
    assert_eq!(done.error(), failure(Error::ContractTrapped));
}
