//! How contracts come to be, change and end.

use basalt_contracts_vm::{HostFunction as F, Trap};

use super::*;

#[test]
fn a_contract_is_made_at_its_address_with_all_that_belongs_to_it() {
    let mut world = World::new();
    world.upload("code", |puppet| {
        assert_eq!(puppet.entry, Entry::Deploy);
        puppet.event(b"made")?;
        puppet.give(0, b"out")
    });
    let done = world.make_with("code", 5_000, terms(), b"salt");
    let address = contract_address(&ALICE, &hash_of("code"), b"", b"salt");
    let info = world.info(address).unwrap();
    // 30 % of what the upload cost, and the record.
    let upload = (4 + 61) * PER_BYTE + 2 * PER_ITEM;
    let base = 122 * PER_BYTE + PER_ITEM + upload * 30 / 100;
    assert_eq!(world.code_info("code").deposit, upload);
    let expected = ContractInfo {
        trie_id: crate::storage::trie_id(&address, 1),
        code_hash: hash_of("code"),
        storage_bytes: 0,
        storage_items: 0,
        storage_byte_deposit: 0,
        storage_item_deposit: 0,
        storage_base_deposit: base,
        delegate_dependencies: Default::default(),
    };
    assert_eq!((info.encoded_size(), info), (122, expected));
    assert_eq!(world.code_info("code").refcount, 1);
    assert_eq!(NONCE.get(&world.state), Ok(Some(1)));
    assert_eq!(done.outcome.storage_deposit, StorageDeposit::Charge(base + ED));
    let reason = CONTRACTS.reason(HoldReason::StorageDepositReserve);
    assert_eq!(
        done.told,
        [
            Told::System(system::Event::NewAccount { account: address }),
            Told::Balances(balances::Event::Endowed { account: address, free_balance: ED }),
            Told::Balances(balances::Event::Transfer { from: ALICE, to: address, amount: ED }),
            Told::Balances(balances::Event::Transfer { from: ALICE, to: address, amount: 5_000 }),
            Told::Contracts(Event::ContractEmitted { contract: address, data: b"made".to_vec() }),
            Told::Contracts(Event::Instantiated { deployer: ALICE, contract: address }),
            Told::Balances(balances::Event::TransferAndHold {
                reason,
                source: ALICE,
                dest: address,
                transferred: base
            }),
            Told::Contracts(Event::StorageDepositTransferredAndHeld {
                from: ALICE,
                to: address,
                amount: base
            }),
        ]
    );
    assert_eq!(done.ok().1.data, b"out");
    assert_eq!((world.free(address), world.free(ALICE)), (ED + 5_000, START - ED - 5_000 - base));
}

#[test]
fn an_address_is_taken_once() {
    let mut world = World::new();
    world.upload("code", |_| Ok(()));
    world.make("code").ok();
    assert_eq!(world.make("code").error(), failure(Error::DuplicateContract));
    assert_eq!(world.make_with("code", 0, terms(), b"other").ok().1.data, b"");
    assert_eq!(world.make("unknown").error(), failure(Error::CodeNotFound));
}

#[test]
fn a_failing_constructor_leaves_nothing_and_gives_its_number_back() {
    let mut world = World::new();
    world.upload("traps", |_| Err(Stop::Trap(Trap::Other)));
    world.upload("reverts", |puppet| puppet.give(1, b"why"));
    world.upload("good", |_| Ok(()));
    let before = world.state.clone();
    assert_eq!(world.make("traps").error(), failure(Error::ContractTrapped));
    assert_eq!(world.make("reverts").ok().1.data, b"why");
    assert_eq!(world.state, before);
    let factory = world.contract("factory", |puppet| {
        let codes = [
            puppet.make("traps", Ask::default(), b"")?.0,
            puppet.make("reverts", Ask::default(), b"")?.0,
            puppet.make("good", Ask::default(), b"")?.0,
        ];
        puppet.give(0, &codes.map(|code| code as u8))
    });
    let nonce = NONCE.get(&world.state).unwrap().unwrap();
    assert_eq!(world.call(factory, b"").ok().data, [1, 2, 0]);
    assert_eq!(NONCE.get(&world.state), Ok(Some(nonce + 1)));
    assert_eq!((world.code_info("traps").refcount, world.code_info("good").refcount), (0, 1));
}

#[test]
fn a_contract_makes_another_and_the_origin_pays() {
    let mut world = World::new();
    world.upload("child", |puppet| puppet.give(0, b"hello"));
    let parent = world.contract("parent", |puppet| {
        let (code, address, output) = puppet.make("child", Ask { value: 100, ..Ask::default() }, b"s")?;
        assert_eq!((code, &output[..]), (0, &b"hello"[..]));
        puppet.give(0, &address.0)
    });
    world.change(|ctx| CONTRACTS.balances.transfer(ctx, &ALICE, &parent, 1_000, true)).unwrap();
    let alice = world.free(ALICE);
    let done = world.call(parent, b"");
    let child = contract_address(&parent, &hash_of("child"), b"", b"s");
    let StorageDeposit::Charge(deposit) = done.outcome.storage_deposit else { panic!("it costs") };
    assert_eq!(
        of_contracts(&done.told)[..2],
        [
            Event::Instantiated { deployer: parent, contract: child },
            Event::Called { caller: Origin::Signed(ALICE), contract: parent }
        ]
    );
    assert_eq!(done.ok().data, child.0);
    assert_eq!((world.free(parent), world.free(child)), (ED + 900, ED + 100));
    assert_eq!(world.free(ALICE), alice - deposit);
}

#[test]
fn a_contract_in_the_making_has_no_record_and_cannot_be_called() {
    let mut world = World::new();
    world.upload("other", move |_| Ok(()));
    world.upload("code", |puppet| {
        let own = puppet.account_output(F::Address)?;
        let is = puppet.with_hash(F::IsContract, own.0)?;
        let at = puppet.put(&own.0);
        let hash = puppet.host_out(F::CodeHash, &[at])?.0;
        let code = puppet.call_with(own, Ask { flags: ALLOW_REENTRY, ..Ask::default() }, b"")?.0;
        // Nor from what runs as its own.
        let delegated = puppet.delegate(0, "library", b"")?.1[0];
        let balance = puppet.host_out(F::Balance, &[])?.1;
        puppet.set(b"key", b"value")?;
        puppet.give(0, &[&[is as u8, hash as u8, code as u8, delegated], &balance[..]].concat())
    });
    world.upload("library", |puppet| {
        let own = puppet.account_output(F::Address)?;
        let code = puppet.call_with(own, Ask { flags: ALLOW_REENTRY, ..Ask::default() }, b"")?.0;
        puppet.set(b"library", b"value")?;
        puppet.give(0, &[code as u8])
    });
    let (address, output) = world.make("code").ok();
    assert_eq!(output.data, [&[0, 3, 8, 8][..], &[0; 16]].concat());
    assert_eq!(world.stored(address, b"key"), Some(b"value".to_vec()));
    assert_eq!(world.stored(address, b"library"), Some(b"value".to_vec()));
}

#[test]
fn numbers_of_contracts_are_cached_within_a_call() {
    let mut world = World::new();
    world.upload("child", |_| Ok(()));
    let parent = world.contract("parent", |puppet| {
        let before = puppet.host(F::InstantiationNonce, &[])?;
        puppet.make("child", Ask::default(), b"")?;
        let after = puppet.host(F::InstantiationNonce, &[])?;
        puppet.give(0, &[before as u8, after as u8])
    });
    assert_eq!(world.call(parent, b"").ok().data, [1, 2]);
}

#[test]
fn a_contract_that_ends_gives_all_back() {
    let mut world = World::new();
    let contract = world.contract("code", |puppet| {
        if puppet.input()?.is_empty() {
            return puppet.set(b"key", b"value").map(drop);
        }
        puppet.with_hash(F::TerminateV1, CHARLIE.0)?;
        panic!("it does not return");
    });
    world.call(contract, b"").ok();
    world.change(|ctx| CONTRACTS.balances.transfer(ctx, &BOB, &contract, 700, true)).unwrap();
    let info = world.info(contract).unwrap();
    let (held, alice) = (deposit_of(&info), world.free(ALICE));
    let done = world.call(contract, b"end");
    let reason = CONTRACTS.reason(HoldReason::StorageDepositReserve);
    assert_eq!(
        done.told,
        [
            Told::Contracts(Event::Terminated { contract, beneficiary: CHARLIE }),
            Told::Contracts(Event::Called { caller: Origin::Signed(ALICE), contract }),
            Told::Balances(balances::Event::TransferOnHold {
                reason,
                source: contract,
                dest: ALICE,
                amount: held
            }),
            Told::Contracts(Event::StorageDepositTransferredAndReleased {
                from: contract,
                to: ALICE,
                amount: held
            }),
            Told::System(system::Event::KilledAccount { account: contract }),
            Told::System(system::Event::NewAccount { account: CHARLIE }),
            Told::Balances(balances::Event::Endowed { account: CHARLIE, free_balance: ED + 700 }),
            Told::Balances(balances::Event::Transfer { from: contract, to: CHARLIE, amount: ED + 700 }),
        ]
    );
    assert_eq!(done.outcome.storage_deposit, StorageDeposit::Refund(held));
    assert_eq!((world.free(ALICE), world.free(CHARLIE)), (alice + held, ED + 700));
    assert_eq!((world.info(contract), world.code_info("code").refcount), (None, 0));
    let queue = crate::DELETION_QUEUE_COUNTER.get_or_default(&world.state).unwrap();
    assert_eq!((queue.insert_counter, queue.delete_counter), (1, 0));
    assert_eq!(crate::DELETION_QUEUE.get(&world.state, &0), Ok(Some(info.trie_id)));
    assert_eq!(world.call(contract, b"").error(), failure(Error::ContractNotFound));
    // The same address may be used again, with storage of its own.
    assert_eq!(world.make("code").ok().0, contract);
    assert_eq!(world.stored(contract, b"key"), None);
}

#[test]
fn who_may_not_end() {
    let mut world = World::new();
    world.upload("constructor", |puppet| puppet.with_hash(F::TerminateV1, CHARLIE.0).map(drop));
    assert_eq!(world.make("constructor").error(), failure(Error::TerminatedInConstructor));
    let maker = world.contract("maker", |puppet| puppet.make("constructor", Ask::default(), b"").map(drop));
    assert_eq!(world.call(maker, b"").error(), failure(Error::TerminatedInConstructor));
    world.upload("library", |puppet| puppet.with_hash(F::TerminateV1, CHARLIE.0).map(drop));
    let delegating = world.contract("delegating", |puppet| {
        let code = puppet.delegate(0, "library", b"")?.0;
        puppet.give32(code)
    });
    assert_eq!(world.call(delegating, b"").number(), 1);
    let recursive = world.contract("recursive", |puppet| {
        if puppet.input()?.is_empty() {
            let own = puppet.account_output(F::Address)?;
            let ask = Ask { flags: ALLOW_REENTRY, ..Ask::default() };
            let code = puppet.call_with(own, ask, b"end")?.0;
            return puppet.give32(code);
        }
        puppet.with_hash(F::TerminateV1, CHARLIE.0).map(drop)
    });
    assert_eq!(world.call(recursive, b"").number(), 1);
    assert_eq!(world.call(recursive, b"end").ok().data, b"");
}

#[test]
fn a_child_may_be_made_and_ended_in_one_call() {
    let mut world = World::new();
    world.upload("child", |puppet| match puppet.entry {
        Entry::Deploy => puppet.set(b"key", b"value").map(drop),
        Entry::Call => match puppet.input()?.is_empty() {
            true => puppet.set(b"more", b"values").map(drop),
            false => puppet.with_hash(F::TerminateV1, CHARLIE.0).map(drop),
        },
    });
    let parent = world.contract("parent", |puppet| {
        let child = puppet.make("child", Ask::default(), b"")?.1;
        assert_eq!(puppet.call(child, b"")?.0, 0);
        assert_eq!(puppet.call(child, b"end")?.0, 0);
        assert_eq!(puppet.call(child, b"")?.0, 8, "it is gone at once");
        puppet.give32(0)
    });
    let alice = world.free(ALICE);
    let done = world.call(parent, b"");
    // What it cost came back but the existential deposit, which went to the beneficiary.
    assert_eq!(done.outcome.storage_deposit, StorageDeposit::Charge(ED));
    assert_eq!(done.number(), 0);
    assert_eq!((world.free(ALICE), world.free(CHARLIE)), (alice - ED, ED));
    let again = world.contract("again", |puppet| {
        let child = puppet.make("child", Ask::default(), b"")?.1;
        puppet.call(child, b"end")?;
        puppet.make("child", Ask::default(), b"").map(drop)
    });
    assert_eq!(world.call(again, b"").error(), failure(Error::DuplicateContract), "not in the same call");
}

#[test]
fn a_contract_that_ends_takes_what_it_paid_in_the_same_call() {
    let mut world = World::new();
    let child = world.contract("child", |puppet| match puppet.input()?.is_empty() {
        true => puppet.set(b"more", b"values").map(drop),
        false => {
            puppet.set(b"other", b"values")?;
            puppet.with_hash(F::TerminateV1, BOB.0).map(drop)
        }
    });
    let parent = world.contract("parent", move |puppet| {
        puppet.call(child, b"")?;
        puppet.call(child, b"end").map(drop)
    });
    let held = deposit_of(&world.info(child).unwrap());
    let alice = world.free(ALICE);
    assert_eq!(world.call(parent, b"").outcome.storage_deposit, StorageDeposit::Refund(held));
    assert_eq!(world.free(ALICE), alice + held);
}

#[test]
fn a_terminated_callee_whose_caller_fails_lives_on() {
    let mut world = World::new();
    let child = world.contract("child", |puppet| puppet.with_hash(F::TerminateV1, CHARLIE.0).map(drop));
    let middle = world.contract("middle", move |puppet| {
        assert_eq!(puppet.call(child, b"")?.0, 0);
        puppet.give(1, b"")
    });
    let outer = world.contract("outer", move |puppet| {
        let code = puppet.call(middle, b"")?.0;
        puppet.give32(code)
    });
    assert_eq!(world.call(outer, b"").number(), 2);
    assert!(world.info(child).is_some());
}

#[test]
fn other_code_runs_from_the_next_call_on() {
    let mut world = World::new();
    world.upload("a longer name", |puppet| puppet.give(0, b"new"));
    let contract = world.contract("code", |puppet| {
        puppet.set(b"key", b"value")?;
        let code = puppet.with_hash(F::SetCodeHash, hash_of("a longer name").0)?;
        let own = puppet.account_output(F::Address)?;
        // The next call begins right here.
        let ask = Ask { flags: ALLOW_REENTRY, ..Ask::default() };
        let output = puppet.call_with(own, ask, b"")?.1;
        let hash = puppet.host_out(F::OwnCodeHash, &[])?.1;
        puppet.give(0, &[&[code as u8], &output[..], &hash].concat())
    });
    let before = world.info(contract).unwrap();
    let done = world.call(contract, b"");
    let update = Event::ContractCodeUpdated {
        contract,
        new_code_hash: hash_of("a longer name"),
        old_code_hash: hash_of("code"),
    };
    assert_eq!(of_contracts(&done.told)[0], update);
    // 30 % of nine bytes more, and the value.
    let longer = 9 * PER_BYTE * 30 / 100;
    assert_eq!(done.outcome.storage_deposit, StorageDeposit::Charge(longer + 5 * PER_BYTE + PER_ITEM));
    assert_eq!(done.ok().data, [&[0][..], b"new", &hash_of("a longer name").0].concat());
    let info = world.info(contract).unwrap();
    assert_eq!(info.storage_base_deposit, before.storage_base_deposit + longer);
    assert_eq!((world.code_info("code").refcount, world.code_info("a longer name").refcount), (0, 1));
    assert_eq!(world.call(contract, b"").ok().data, b"new");
    let unknown = world.contract("unknown", |puppet| {
        let code = puppet.with_hash(F::SetCodeHash, [7; 32])?;
        puppet.give32(code)
    });
    assert_eq!(world.call(unknown, b"").number(), 7);
}

#[test]
fn code_that_a_contract_relies_on_stays() {
    let mut world = World::new();
    world.upload("library", |_| Ok(()));
    let contract = world.contract("code", |puppet| match puppet.input()?[0] {
        0 => puppet.with_hash(F::LockDelegateDependency, hash_of("library").0).map(drop),
        1 => puppet.with_hash(F::UnlockDelegateDependency, hash_of("library").0).map(drop),
        2 => puppet.with_hash(F::LockDelegateDependency, hash_of("code").0).map(drop),
        3 => puppet.with_hash(F::LockDelegateDependency, [7; 32]).map(drop),
        _ => puppet.with_hash(F::TerminateV1, BOB.0).map(drop),
    });
    let lockup = world.code_info("library").deposit * 30 / 100;
    assert_eq!(world.call(contract, &[1]).error(), failure(Error::DelegateDependencyNotFound));
    assert_eq!(world.call(contract, &[2]).error(), failure(Error::CannotAddSelfAsDelegateDependency));
    assert_eq!(world.call(contract, &[3]).error(), failure(Error::CodeNotFound));
    assert_eq!(world.call(contract, &[0]).outcome.storage_deposit, StorageDeposit::Charge(lockup));
    assert_eq!(world.call(contract, &[0]).error(), failure(Error::DelegateDependencyAlreadyExists));
    assert_eq!(world.code_info("library").refcount, 1);
    assert_eq!(world.call(contract, &[1]).outcome.storage_deposit, StorageDeposit::Refund(lockup));
    assert_eq!(world.code_info("library").refcount, 0);
    world.call(contract, &[0]).ok();
    let held = deposit_of(&world.info(contract).unwrap());
    let done = world.call(contract, &[4]);
    assert_eq!(done.outcome.storage_deposit, StorageDeposit::Refund(held));
    assert_eq!(world.code_info("library").refcount, 0);
}

#[test]
fn a_contract_relies_on_so_much_code_and_no_more() {
    let mut world = World::new();
    for number in 0..33 {
        world.upload(&format!("library {number}"), |_| Ok(()));
    }
    let contract = world.contract("code", |puppet| {
        let number = puppet.input()?[0];
        puppet.with_hash(F::LockDelegateDependency, hash_of(&format!("library {number}")).0).map(drop)
    });
    for number in 0..32 {
        world.call(contract, &[number]).ok();
    }
    assert_eq!(world.call(contract, &[32]).error(), failure(Error::MaxDelegateDependenciesReached));
}

#[test]
fn code_that_differs_between_machines_runs_in_dry_runs_by_delegate_call_only() {
    let mut world = World::new();
    world.machine.0.insert(hash_of("floats"), Box::new(|puppet| puppet.give(0, b"1.5")));
    world.change(|ctx| CONTRACTS.upload(ctx, &BOB, b"floats".to_vec(), None, Determinism::Relaxed).unwrap());
    assert_eq!(world.code_info("floats").determinism, Determinism::Relaxed);
    assert_eq!(world.make("floats").error(), failure(Error::Indeterministic));
    let contract = world.contract("code", |puppet| match puppet.input()?[0] {
        0 => {
            let output = puppet.delegate(0, "floats", b"")?.1;
            puppet.give(0, &output)
        }
        1 => puppet.with_hash(F::SetCodeHash, hash_of("floats").0).map(drop),
        _ => puppet.make("floats", Ask::default(), b"").map(drop),
    });
    let relaxed = Terms { determinism: Determinism::Relaxed, ..terms() };
    for kind in 0..3 {
        assert_eq!(world.call(contract, &[kind]).error(), failure(Error::Indeterministic));
        let done = world.call_as(Origin::Signed(ALICE), contract, 0, relaxed, &[kind]);
        match kind {
            0 => assert_eq!(done.ok().data, b"1.5"),
            _ => assert_eq!(done.error(), failure(Error::Indeterministic)),
        }
    }
}
