//! Contracts that call contracts: what a caller sees, who may call whom, what is undone.

use basalt_contracts_vm::{HostFunction as F, Trap};

use super::*;

/// What a caller sees of a callee that does `script`.
fn seen_by_caller(
    script: impl Fn(&mut Puppet<'_>) -> Result<(), Stop> + Send + Sync + 'static,
) -> (u32, Vec<u8>) {
    let mut world = World::new();
    let callee = world.contract("callee", script);
    let caller = world.contract("caller", move |puppet| {
        let (code, output) = puppet.call(callee, b"in")?;
        puppet.give(0, &[&code.to_le_bytes()[..], &output].concat())
    });
    let data = world.call(caller, b"").ok().data;
    (u32::from_le_bytes(data[..4].try_into().unwrap()), data[4..].to_vec())
}

#[test]
fn a_caller_sees_how_its_callee_ended() {
    let nothing = Vec::new;
    assert_eq!(seen_by_caller(|_| Ok(())), (0, nothing()));
    assert_eq!(seen_by_caller(|puppet| puppet.give(0, b"out")), (0, b"out".to_vec()));
    assert_eq!(seen_by_caller(|puppet| puppet.give(1, b"no")), (2, b"no".to_vec()));
    for trap in [Trap::OutOfFuel, Trap::StackOverflow, Trap::Other] {
        assert_eq!(seen_by_caller(move |_| Err(Stop::Trap(trap))), (1, nothing()));
    }
    // An error of the host, an unknown flag, and a callee's own failing call.
    assert_eq!(
        seen_by_caller(|puppet| puppet.host(F::Return, &[0, 1, u64::MAX >> 32]).map(drop)),
        (1, nothing())
    );
    assert_eq!(seen_by_caller(|puppet| puppet.give(2, b"")), (1, nothing()));
    assert_eq!(
        seen_by_caller(|puppet| {
            let own = puppet.account_output(F::Address)?;
            puppet.call(own, b"").map(drop)
        }),
        (1, nothing()),
        "a contract that calls itself without allowing it fails, and its caller sees that"
    );
    assert_eq!(seen_by_caller(|puppet| puppet.delegate(0, "unknown", b"").map(drop)), (0, nothing()));
    assert_eq!(
        seen_by_caller(|puppet| puppet.with_hash(F::LockDelegateDependency, [7; 32]).map(drop)),
        (1, nothing()),
        "CodeNotFound in the callee is not the caller's CodeNotFound"
    );
}

#[test]
fn what_cannot_be_called_has_codes_of_its_own() {
    let mut world = World::new();
    let callee = world.contract("callee", |_| Ok(()));
    let caller = world.contract("caller", move |puppet| {
        let plain = puppet.call(BOB, b"")?.0;
        let unaffordable = puppet.call_with(callee, Ask { value: START, ..Ask::default() }, b"")?.0;
        let unknown = puppet.delegate(0, "unknown", b"")?.0;
        let not_made = puppet.make("unknown", Ask::default(), b"")?.0;
        puppet.give(0, &[plain as u8, unaffordable as u8, unknown as u8, not_made as u8])
    });
    assert_eq!(world.call(caller, b"").ok().data, [8, 5, 7, 7]);
    assert_eq!(world.call(BOB, b"").error(), failure(Error::ContractNotFound));
}

#[test]
fn what_a_failed_or_reverted_callee_did_is_undone_and_its_gas_is_spent() {
    for fails in [false, true] {
        let mut world = World::new();
        let callee = world.contract("callee", move |puppet| {
            puppet.set(b"key", b"value")?;
            puppet.event(b"gone")?;
            if fails { Err(Stop::Trap(Trap::Other)) } else { puppet.give(1, b"") }
        });
        let caller = world.contract("caller", move |puppet| {
            puppet.event(b"before")?;
            let (code, _) = puppet.call_with(callee, Ask { value: 500, ..Ask::default() }, b"")?;
            puppet.event(b"after")?;
            puppet.give32(code)
        });
        world.change(|ctx| CONTRACTS.balances.transfer(ctx, &ALICE, &caller, 10_000, true)).unwrap();
        let before = world.free(callee);
        let done = world.call(caller, b"");
        let emitted = |data: &[u8]| Event::ContractEmitted { contract: caller, data: data.to_vec() };
        assert_eq!(
            of_contracts(&done.told),
            [
                emitted(b"before"),
                emitted(b"after"),
                Event::Called { caller: Origin::Signed(ALICE), contract: caller }
            ]
        );
        assert!(done.outcome.gas_consumed.any_gt(crate::costs::load_code(12)));
        assert_eq!(done.number(), if fails { 1 } else { 2 });
        assert_eq!((world.stored(callee, b"key"), world.free(callee)), (None, before));
    }
}

#[test]
fn a_revert_at_the_root_is_a_result_and_leaves_nothing() {
    let mut world = World::new();
    let contract = world.contract("code", |puppet| {
        puppet.set(b"key", b"value")?;
        puppet.give(1, b"why")
    });
    let before = world.state.clone();
    let done = world.call(contract, b"");
    assert_eq!((done.told, done.outcome.storage_deposit), (vec![], StorageDeposit::Charge(0)));
    assert_eq!(
        done.outcome.result,
        Ok(ExecReturnValue { flags: ReturnFlags::REVERT, data: b"why".to_vec() })
    );
    assert_eq!(world.state, before);
}

#[test]
fn events_of_the_inner_come_before_those_of_the_outer() {
    let mut world = World::new();
    let inner = world.contract("inner", |puppet| puppet.event(b"inner"));
    world.upload("library", |puppet| puppet.event(b"library"));
    let outer = world.contract("outer", move |puppet| {
        puppet.event(b"first")?;
        puppet.call(inner, b"")?;
        puppet.delegate(0, "library", b"")?;
        puppet.event(b"last")
    });
    let done = world.call(outer, b"");
    let emitted = |contract, data: &[u8]| Event::ContractEmitted { contract, data: data.to_vec() };
    assert_eq!(
        of_contracts(&done.told),
        [
            emitted(outer, b"first"),
            emitted(inner, b"inner"),
            Event::Called { caller: Origin::Signed(outer), contract: inner },
            emitted(outer, b"library"),
            Event::DelegateCalled { contract: outer, code_hash: hash_of("library") },
            emitted(outer, b"last"),
            Event::Called { caller: Origin::Signed(ALICE), contract: outer },
        ]
    );
}

/// What a run has read is remembered, but not longer than nobody else may change it.
#[test]
fn a_caller_sees_what_its_callees_wrote() {
    let mut world = World::new();
    world.upload("library", |puppet| {
        assert_eq!(puppet.get(b"key")?.as_deref(), Some(&b"self"[..]));
        puppet.set(b"key", b"code").map(drop)
    });
    let contract = world.contract("contract", |puppet| {
        if !puppet.input()?.is_empty() {
            assert_eq!(puppet.set(b"key", b"self")?, 1, "it finds what the frame below wrote");
            return Ok(());
        }
        assert_eq!(puppet.get(b"key")?, None);
        puppet.set(b"key", b"1")?;
        assert_eq!(puppet.get(b"key")?.as_deref(), Some(&b"1"[..]));
        let own = puppet.account_output(F::Address)?;
        puppet.call_with(own, Ask { flags: ALLOW_REENTRY, ..Ask::default() }, b"in")?;
        assert_eq!(puppet.get(b"key")?.as_deref(), Some(&b"self"[..]));
        puppet.delegate(0, "library", b"")?;
        assert_eq!(puppet.get(b"key")?.as_deref(), Some(&b"code"[..]));
        assert_eq!(puppet.set(b"key", b"last")?, 4);
        let key = puppet.get(b"key")?.unwrap_or_default();
        puppet.give(0, &key)
    });
    assert_eq!(world.call(contract, b"").ok().data, b"last");
    assert_eq!(world.stored(contract, b"key").as_deref(), Some(&b"last"[..]));
}

#[test]
fn the_deepest_call_traps_and_its_parent_sees_it() {
    let mut world = World::new();
    // Calls itself, and returns how deep that went.
    let contract = world.contract("deep", |puppet| {
        let own = puppet.account_output(F::Address)?;
        let (code, output) = puppet.call_with(own, Ask { flags: ALLOW_REENTRY, ..Ask::default() }, b"")?;
        match code {
            0 => {
                let deeper = u32::from_le_bytes(output.try_into().unwrap());
                puppet.give32(deeper + 1)
            }
            _ => puppet.give32(1),
        }
    });
    // 24 frames; the deepest one trapped, so 23 are left to count.
    assert_eq!(world.call(contract, b"").number(), 23);
}

#[test]
fn reentrancy_must_be_allowed_by_each_call_below() {
    let mut world = World::new();
    // Calls whoever its input says.
    let proxy = world.contract("proxy", |puppet| {
        let to = AccountId32(puppet.input()?.try_into().unwrap());
        let (code, _) = puppet.call_with(to, Ask { flags: ALLOW_REENTRY, ..Ask::default() }, b"")?;
        puppet.give32(code)
    });
    for (flags, expected) in [(0, 1), (ALLOW_REENTRY, 0)] {
        let name = format!("start {flags}");
        let start = world.contract(&name, move |puppet| {
            let own = puppet.account_output(F::Address)?;
            if puppet.input()?.is_empty() {
                return Ok(());
            }
            let (code, _) = puppet.call_with(proxy, Ask { flags, ..Ask::default() }, &own.0)?;
            puppet.give32(code)
        });
        // The proxy fails if it may not call back.
        assert_eq!(world.call(start, b"go").number(), expected);
    }
    let own = world.contract("own", |puppet| {
        let own = puppet.account_output(F::Address)?;
        puppet.call(own, b"").map(drop)
    });
    assert_eq!(world.call(own, b"").error(), failure(Error::ReentranceDenied));
}

#[test]
fn the_protection_is_per_call() {
    let mut world = World::new();
    let other = world.contract("other", |_| Ok(()));
    let contract = world.contract("code", move |puppet| {
        if !puppet.input()?.is_empty() {
            return Ok(());
        }
        let own = puppet.account_output(F::Address)?;
        puppet.call(other, b"")?;
        let (code, _) = puppet.call_with(own, Ask { flags: ALLOW_REENTRY, ..Ask::default() }, b"again")?;
        puppet.give32(code)
    });
    assert_eq!(world.call(contract, b"").number(), 0);
}

#[test]
fn what_recursion_changes_is_seen_by_all_frames() {
    let mut world = World::new();
    let contract = world.contract("code", |puppet| {
        if !puppet.input()?.is_empty() {
            puppet.set(b"inner", b"12345")?;
            return puppet.clear(b"outer").map(drop);
        }
        puppet.set(b"outer", b"1234567890")?;
        let own = puppet.account_output(F::Address)?;
        puppet.call_with(own, Ask { flags: ALLOW_REENTRY, ..Ask::default() }, b"again")?;
        let inner = puppet.get(b"inner")?.unwrap();
        let outer = puppet.get(b"outer")?;
        assert_eq!((inner, outer), (b"12345".to_vec(), None));
        puppet.set(b"last", b"1").map(drop)
    });
    world.call(contract, b"").ok();
    let info = world.info(contract).unwrap();
    assert_eq!((info.storage_items, info.storage_bytes), (2, 6), "and its counts are exact");
}

#[test]
fn a_read_only_call_changes_nothing_however_deep() {
    let mut world = World::new();
    let writer = world.contract("writer", |puppet| puppet.set(b"key", b"value").map(drop));
    let middle = world.contract("middle", move |puppet| {
        let (code, _) = puppet.call(writer, b"")?;
        puppet.give32(code)
    });
    let payer = world.contract("payer", move |puppet| {
        puppet.call_with(writer, Ask { value: 1, ..Ask::default() }, b"").map(drop)
    });
    let caller = world.contract("caller", move |puppet| {
        let ask = Ask { flags: READ_ONLY, ..Ask::default() };
        let direct = puppet.call_with(writer, ask, b"")?.0;
        let below = puppet.call_with(middle, ask, b"")?;
        let paid = puppet.call_with(payer, ask, b"")?.0;
        let own = puppet.set(b"own", b"may")?;
        puppet.give(0, &[direct as u8, below.0 as u8, below.1[0], paid as u8, (own == u32::MAX).into()])
    });
    assert_eq!(world.call(caller, b"").ok().data, [1, 0, 1, 1, 1]);
    assert_eq!(world.stored(writer, b"key"), None);
    let asks = world.contract("asks", move |puppet| {
        puppet.call_with(writer, Ask { flags: READ_ONLY, value: 1, ..Ask::default() }, b"").map(drop)
    });
    assert_eq!(world.call(asks, b"").error(), failure(Error::StateChangeDenied));
}

#[test]
fn a_frame_that_may_only_read_is_refused_all_that_changes_state() {
    let mut world = World::new();
    let changing: Vec<F> = basalt_contracts_vm::IMPORTS
        .iter()
        .map(|import| import.function)
        .filter(|function| crate::host::changes_state(*function))
        .collect();
    assert_eq!(changing.len(), 19, "as many as are tagged in the table of host functions");
    for function in changing {
        let name = format!("{function:?}");
        let callee = world.contract(&name, move |puppet| puppet.host(function, &[0; 14]).map(drop));
        let caller = world.contract(&format!("{name} caller"), move |puppet| {
            let (code, _) = puppet.call_with(callee, Ask { flags: READ_ONLY, ..Ask::default() }, b"")?;
            puppet.give32(code)
        });
        assert_eq!(world.call(caller, b"").number(), 1, "{function:?}");
    }
}

#[test]
fn input_is_copied_forwarded_or_gone() {
    let mut world = World::new();
    let echo = world.contract("echo", |puppet| {
        let input = puppet.input()?;
        puppet.give(0, &input)
    });
    let cloning = world.contract("cloning", move |puppet| {
        let ask = Ask { flags: CLONE_INPUT | FORWARD_INPUT, ..Ask::default() };
        let first = puppet.call_with(echo, ask, b"ignored")?.1;
        let second = puppet.input()?;
        assert_eq!(first, second);
        puppet.give(0, &first)
    });
    assert_eq!(world.call(cloning, b"data").ok().data, b"data");
    let forwarding = world.contract("forwarding", move |puppet| {
        let output = puppet.call_with(echo, Ask { flags: FORWARD_INPUT, ..Ask::default() }, b"ignored")?.1;
        puppet.give(0, &output)
    });
    assert_eq!(world.call(forwarding, b"data").ok().data, b"data");
    for flags in [0, CLONE_INPUT, FORWARD_INPUT] {
        let again = world.contract(&format!("again {flags}"), move |puppet| {
            // There is nobody to take it, but it is gone.
            let ask = Ask { flags: FORWARD_INPUT, ..Ask::default() };
            assert_eq!(puppet.call_with(BOB, ask, b"")?.0, 8);
            match flags {
                0 => puppet.input().map(drop),
                flags => puppet.call_with(echo, Ask { flags, ..Ask::default() }, b"").map(drop),
            }
        });
        assert_eq!(world.call(again, b"data").error(), failure(Error::InputForwarded));
    }
}

#[test]
fn a_tail_call_ends_the_caller_unless_it_failed() {
    let mut world = World::new();
    let answering = world.contract("answering", |puppet| puppet.give(0, b"yes"));
    let reverting = world.contract("reverting", |puppet| puppet.give(1, b"no"));
    let trapping = world.contract("trapping", |_| Err(Stop::Trap(Trap::Other)));
    for (to, flags, data) in
        [(answering, 0, &b"yes"[..]), (reverting, 1, b"no"), (trapping, 0, &[1, 0, 0, 0])]
    {
        let caller = world.contract(&format!("caller of {to:?}"), move |puppet| {
            let (code, _) = puppet.call_with(to, Ask { flags: TAIL_CALL, ..Ask::default() }, b"")?;
            puppet.give32(code)
        });
        let expected = ExecReturnValue { flags: ReturnFlags(flags), data: data.to_vec() };
        assert_eq!(world.call(caller, b"").ok(), expected);
    }
}

#[test]
fn unknown_flags_trap() {
    let mut world = World::new();
    for flags in [1 << 5, u32::MAX] {
        let caller = world.contract(&format!("call {flags}"), move |puppet| {
            puppet.call_with(BOB, Ask { flags, ..Ask::default() }, b"").map(drop)
        });
        let delegating = world.contract(&format!("delegate {flags}"), move |puppet| {
            puppet.delegate(flags, "unknown", b"").map(drop)
        });
        let returning = world.contract(&format!("return {flags}"), move |puppet| puppet.give(flags, b""));
        for contract in [caller, delegating, returning] {
            assert_eq!(world.call(contract, b"").error(), failure(Error::InvalidCallFlags));
        }
    }
    for flags in [ALLOW_REENTRY, READ_ONLY] {
        let delegating = world.contract(&format!("delegate {flags}"), move |puppet| {
            puppet.delegate(flags, "unknown", b"").map(drop)
        });
        assert_eq!(world.call(delegating, b"").error(), failure(Error::InvalidCallFlags));
    }
}

#[test]
fn code_that_runs_as_another_s_own_has_its_account_storage_value_and_caller() {
    let mut world = World::new();
    world.upload("library", |puppet| {
        let caller = puppet.account_output(F::Caller)?;
        let own = puppet.account_output(F::Address)?;
        let value = puppet.host_out(F::ValueTransferred, &[])?.1;
        let code = puppet.host_out(F::OwnCodeHash, &[])?.1;
        let input = puppet.input()?;
        puppet.set(b"key", b"library")?;
        let origin = puppet.host32(F::CallerIsOrigin, &[])?;
        puppet.give(0, &[&caller.0[..], &own.0, &value, &code, &input, &[origin as u8]].concat())
    });
    let contract = world.contract("code", |puppet| {
        let (code, output) = puppet.delegate(0, "library", b"in")?;
        assert_eq!((code, puppet.get(b"key")?.unwrap()), (0, b"library".to_vec()));
        puppet.give(0, &output)
    });
    let done = world.call_as(Origin::Signed(BOB), contract, 77, terms(), b"");
    let expected = [&BOB.0[..], &contract.0, &77u128.to_le_bytes(), &hash_of("code").0, b"in", &[1]].concat();
    assert_eq!(done.ok().data, expected);
    assert_eq!(world.stored(contract, b"key"), Some(b"library".to_vec()));
    assert_eq!(world.free(contract), ED + 77, "the value came once");
}

#[test]
fn what_failed_code_did_as_another_s_own_is_undone() {
    let mut world = World::new();
    world.upload("library", |puppet| {
        puppet.set(b"key", b"library")?;
        puppet.with_hash(F::SetCodeHash, hash_of("library").0)?;
        puppet.give(1, b"")
    });
    let contract = world.contract("code", |puppet| {
        puppet.set(b"key", b"own")?;
        let (code, _) = puppet.delegate(0, "library", b"")?;
        assert_eq!(puppet.get(b"key")?.unwrap(), b"own");
        puppet.give32(code)
    });
    assert_eq!(world.call(contract, b"").number(), 2);
    assert_eq!(world.info(contract).unwrap().code_hash, hash_of("code"));
}

#[test]
fn who_calls_is_the_contract_below_and_the_origin_is_the_first() {
    let mut world = World::new();
    let inner = world.contract("inner", |puppet| {
        let caller = puppet.account_output(F::Caller)?;
        let is_origin = puppet.host32(F::CallerIsOrigin, &[])?;
        let is_root = puppet.host32(F::CallerIsRoot, &[])?;
        puppet.give(0, &[&caller.0[..], &[is_origin as u8, is_root as u8]].concat())
    });
    let outer = world.contract("outer", move |puppet| {
        let output = puppet.call(inner, b"")?.1;
        puppet.give(0, &output)
    });
    assert_eq!(world.call(outer, b"").ok().data, [&outer.0[..], &[0, 0]].concat());
    assert_eq!(world.call(inner, b"").ok().data, [&ALICE.0[..], &[1, 0]].concat());
}

#[test]
fn root_calls_without_an_account() {
    let mut world = World::new();
    let asking = world.contract("asking", |puppet| {
        let is = [puppet.host32(F::CallerIsOrigin, &[])? as u8, puppet.host32(F::CallerIsRoot, &[])? as u8];
        puppet.set(b"key", b"value")?;
        puppet.clear(b"key")?;
        puppet.give(0, &is)
    });
    let done = world.call_as(Origin::Root, asking, 0, terms(), b"");
    assert_eq!(of_contracts(&done.told), [Event::Called { caller: Origin::Root, contract: asking }]);
    assert_eq!(done.ok().data, [1, 1]);
    let naming = world.contract("naming", |puppet| puppet.account_output(F::Caller).map(drop));
    let root_not_allowed = Failure::Dispatch(DispatchError::RootNotAllowed);
    assert_eq!(world.call_as(Origin::Root, naming, 0, terms(), b"").error(), root_not_allowed);
    world.upload("plain", |_| Ok(()));
    let making = world.contract("making", |puppet| puppet.make("plain", Ask::default(), b"").map(drop));
    assert_eq!(world.call_as(Origin::Root, making, 0, terms(), b"").error(), root_not_allowed);
}

#[test]
fn how_often_an_account_is_on_the_stack() {
    let mut world = World::new();
    world.upload("library", |puppet| {
        let count = puppet.host32(F::ReentranceCount, &[])?;
        puppet.give32(count)
    });
    let contract = world.contract("code", |puppet| {
        let own = puppet.account_output(F::Address)?;
        let depth = puppet.input()?.len();
        if depth < 2 {
            let ask = Ask { flags: ALLOW_REENTRY, ..Ask::default() };
            let output = puppet.call_with(own, ask, &vec![0; depth + 1])?.1;
            return puppet.give(0, &output);
        }
        let count = puppet.host32(F::ReentranceCount, &[])?;
        let account = puppet.with_hash(F::AccountReentranceCount, own.0)?;
        let other = puppet.with_hash(F::AccountReentranceCount, BOB.0)?;
        let delegated = puppet.delegate(0, "library", b"")?.1[0];
        puppet.give(0, &[count as u8, account as u8, other as u8, delegated])
    });
    assert_eq!(world.call(contract, b"").ok().data, [2, 3, 0, 2]);
}

#[test]
fn a_call_that_changes_nothing_writes_nothing() {
    let mut world = World::new();
    let contract = world.contract("code", |puppet| {
        puppet.set(b"key", b"value")?;
        puppet.event(b"event")
    });
    world.call(contract, b"").ok();
    let done = world.call(contract, b"");
    assert_eq!((done.written, done.outcome.storage_deposit), (vec![], StorageDeposit::Charge(0)));
    let other = world.contract("other", |puppet| {
        let input = puppet.input()?;
        puppet.set(b"key", &input).map(drop)
    });
    world.call(other, b"first").ok();
    // As long as the first: the value changes, and nothing else.
    assert_eq!(world.call(other, b"other").written.len(), 1);
}
