//! Target `host_interface`: contracts that call host functions in any order, with any arguments, in the real pallet, on both
//! engines.
//!
//! Must hold, whatever they do:
//!
//! - Nothing panics, and the node's own failure never happens.
//! - Both engines do the same: answers of host functions, fuel, results, gas, events, debug messages, state.
//! - A transaction that fails changes nothing; a dry run succeeds if and only if the transaction does.
//! - No more gas is consumed than is required, and no more is required than is allowed.
//! - The invariants of the pallets hold after each transaction.

mod puppet;
mod script;
mod watch;
mod world;

use std::{fmt::Write as _, sync::OnceLock};

use basalt_contracts_vm::{Engines, Halt, HostFunction, MachineConfig, WasmMachine};
use basalt_pallet_contracts::{self as contracts, api::DryRun};
use basalt_primitives::{Weight, hashing::blake2_256};
use basalt_state::{Memory, Overlay};
use basalt_support::{BlockSummary, Context, Failure, Origin, Pallet};
use parity_scale_codec::{Compact, Encode};
use script::{Case, Terms, Transaction};
use watch::{Told, Watched};
use world::{ALICE, BOB, World};

use crate::Seen;

fn machines() -> &'static [WasmMachine; 2] {
    static MACHINES: OnceLock<[WasmMachine; 2]> = OnceLock::new();
    MACHINES.get_or_init(|| {
        [Engines::InterpreterOnly, Engines::CompiledOnly].map(|engines| {
            let config = MachineConfig { engines, ..MachineConfig::default() };
            WasmMachine::new(config).expect("there is room for a machine")
        })
    })
}

fn world(unstable: bool, extension: bool) -> &'static World {
    static WORLDS: [OnceLock<World>; 4] = [const { OnceLock::new() }; 4];
    let index = usize::from(unstable) * 2 + usize::from(extension);
    WORLDS[index].get_or_init(|| World::new(unstable, extension, &machines()[0]))
}

/// What one engine made of a transaction.
#[derive(Debug, PartialEq)]
struct Done {
    /// Its result, and the weight.
    result: String,
    failed: bool,
    /// All events, with their topics.
    events: Vec<u8>,
    dry: Option<String>,
    dry_told: Vec<Told>,
    told: Vec<Told>,
}

/// Runs a case.
pub fn run(input: &[u8], seen: &mut Seen) {
    let (unstable, extension) = Case::world(input);
    let world = world(unstable, extension);
    let case = Case::new(input, &world.table);
    let mut states = [world.state.clone(), world.state.clone()];
    let machines = machines().each_ref().map(Watched::new);
    let mut unsettled = false;
    for transaction in &case.transactions {
        let before = states[0].clone();
        let [interpreted, compiled] =
            [0, 1].map(|n| transact(world, transaction, &mut states[n], &machines[n]));
        assert_eq!(interpreted.told, compiled.told, "the engines ask their host differently");
        assert_eq!(interpreted, compiled, "the engines end differently");
        assert!(states[0] == states[1], "the engines leave different states");
        if interpreted.failed {
            assert!(states[0] == before, "a transaction that failed left something");
            assert!(interpreted.events.is_empty(), "a transaction that failed told something");
        }
        unsettled |= matches!(transaction, Transaction::Call { who: 2.., .. }) && !interpreted.failed;
        world.check(&states[0], unsettled);
        note(seen, transaction, &interpreted);
    }
}

fn transact(world: &World, transaction: &Transaction, state: &mut Memory, machine: &Watched<'_>) -> Done {
    let dry = dry(world, transaction, state, machine);
    let dry_told = machine.take();
    let env = world::env();
    let mut overlay = Overlay::new(state);
    let mut ctx = Context::new(&mut overlay, &env, Some(0)).with_machine(machine);
    let result = match call(world, transaction) {
        Some((call, origin)) => ctx.layered(|ctx| world.pallet.dispatch(call, origin, ctx)),
        None => {
            let summary = BlockSummary {
                weight_normal: Weight::zero(),
                weight_operational: Weight::zero(),
                weight_mandatory: Weight::zero(),
                weight_normal_max: Weight::new(1_000_000_000, u64::MAX),
                transactions: 1,
                bytes: 0,
            };
            world.pallet.end_block(&mut ctx, &summary).expect("the end of a block never fails");
            Ok(Default::default())
        }
    };
    if let Err(failure) = &result {
        assert!(
            !matches!(failure.failure, Failure::State(_)),
            "the node's own failure: {:?}",
            failure.failure
        );
    }
    let mut events = Vec::new();
    for event in ctx.into_events().iter() {
        (event.bytes, event.topics).encode_to(&mut events);
    }
    let changes = overlay.into_change_set().expect("what was written can be added up");
    state.apply(&changes);
    let failed = result.is_err();
    if let Some((_, succeeded)) = &dry {
        // Only dry runs read debug messages, so only they find one that lies outside of the memory. As in Substrate.
        let debugs = |told: &Told| matches!(told, Told::Asked { function: HostFunction::DebugMessage, .. });
        assert!(
            *succeeded != failed || (!succeeded && dry_told.iter().any(debugs)),
            "a dry run says the opposite of what happens\n{dry:?}\n{result:?}"
        );
    }
    let dry = dry.map(|(text, _)| text);
    Done { result: format!("{result:?}"), failed, events, dry, dry_told, told: machine.take() }
}

fn call(world: &World, transaction: &Transaction) -> Option<(contracts::Call, Origin)> {
    let limit = |terms: &Terms| terms.deposit_limit.map(Compact);
    let signer = |who: &usize| [ALICE, BOB].get(*who).map_or(Origin::Root, |who| Origin::Signed(*who));
    Some(match transaction {
        Transaction::Call { who, to, terms, input } => {
            let call = contracts::Call::call {
                dest: world.callees[*to].into(),
                value: terms.value,
                gas_limit: Weight::new(terms.gas, 0),
                storage_deposit_limit: limit(terms),
                data: input.clone(),
            };
            (call, signer(who))
        }
        Transaction::Instantiate { who, code, terms, input, salt } => {
            let call = contracts::Call::instantiate {
                value: terms.value,
                gas_limit: Weight::new(terms.gas, 0),
                storage_deposit_limit: limit(terms),
                code_hash: world.codes[*code],
                data: input.clone(),
                salt: vec![*salt],
            };
            (call, signer(who))
        }
        Transaction::SetCode { of, code } => {
            let (dest, code_hash) = (world.callees[*of].into(), world.codes[*code]);
            (contracts::Call::set_code { dest, code_hash }, Origin::Root)
        }
        Transaction::RemoveCode { code } => {
            (contracts::Call::remove_code { code_hash: world.codes[*code] }, Origin::Signed(BOB))
        }
        Transaction::EndBlock => return None,
    })
}

/// What a dry run says, and whether the transaction would succeed.
fn dry(
    world: &World,
    transaction: &Transaction,
    state: &Memory,
    machine: &Watched<'_>,
) -> Option<(String, bool)> {
    let (who, terms) = match transaction {
        Transaction::Call { who, terms, .. } | Transaction::Instantiate { who, terms, .. } => (who, terms),
        _ => return None,
    };
    let run = DryRun {
        origin: *[ALICE, BOB].get(*who)?,
        value: terms.value,
        gas_limit: Some(Weight::new(terms.gas, 0)),
        storage_deposit_limit: terms.deposit_limit,
    };
    let env = world::env();
    let mut overlay = Overlay::new(state);
    let mut ctx = Context::new(&mut overlay, &env, Some(0)).with_machine(machine);
    let (text, succeeded, consumed, required) = match transaction {
        Transaction::Call { to, input, .. } => {
            let answer = world
                .pallet
                .dry_call(&mut ctx, run, world.callees[*to], input.clone())
                .expect("the node does not fail");
            let succeeded = answer.result.as_ref().is_ok_and(|output| !output.did_revert());
            (format!("{answer:?}"), succeeded, answer.gas_consumed, answer.gas_required)
        }
        Transaction::Instantiate { code, input, salt, .. } => {
            let code = contracts::types::Code::Existing(world.codes[*code]);
            let answer = world
                .pallet
                .dry_instantiate(&mut ctx, run, code, input.clone(), vec![*salt])
                .expect("the node does not fail");
            let succeeded = answer.result.as_ref().is_ok_and(|output| !output.result.did_revert());
            (format!("{answer:?}"), succeeded, answer.gas_consumed, answer.gas_required)
        }
        _ => return None,
    };
    assert!(consumed.all_lte(required), "more gas is consumed than required\n{consumed:?} {required:?}");
    assert!(required.ref_time <= terms.gas, "more gas is required than allowed\n{required:?}");
    Some((text, succeeded))
}

/// What happened, as behaviours: each function with its answer and what came before it, each end, each error.
fn note(seen: &mut Seen, transaction: &Transaction, done: &Done) {
    let mut before = 0;
    for told in &done.told {
        match told {
            Told::Asked { depth, function, answer, .. } => {
                let answer = match answer {
                    Ok(small @ 0..16) => *small,
                    Ok(_) => 16,
                    Err(Halt) => 17,
                };
                let function = *function as u64;
                seen.note(&[1, (*depth).min(3).into(), function, answer]);
                seen.note(&[2, before, function, answer]);
                before = function + 1;
            }
            Told::Ended { depth, ended, entry, .. } => {
                let ended = u64::from(blake2_256(format!("{ended:?}{entry:?}").as_bytes())[0]);
                seen.note(&[3, (*depth).min(8).into(), ended, before]);
            }
        }
    }
    let kind = match transaction {
        Transaction::Call { to, .. } => 10 + *to as u64,
        Transaction::Instantiate { code, .. } => 20 + *code as u64,
        Transaction::SetCode { .. } => 30,
        Transaction::RemoveCode { .. } => 31,
        Transaction::EndBlock => 32,
    };
    // The error, without the weight.
    let error = done.result.split("post").next().unwrap_or_default();
    let error = if done.failed { u64::from(blake2_256(error.as_bytes())[0]) + 1 } else { 0 };
    seen.note(&[4, kind, error, before, done.events.len().min(8) as u64]);
}

/// A case as transactions and steps.
pub fn describe(input: &[u8]) -> String {
    let (unstable, extension) = Case::world(input);
    let world = world(unstable, extension);
    let case = Case::new(input, &world.table);
    let mut text = format!("unstable functions: {unstable}, extension: {extension}\n");
    for transaction in &case.transactions {
        match transaction {
            Transaction::Call { who, to, terms, input } => {
                let _ = writeln!(text, "call of {to} by {who}, {terms:?}\n{}", script::listed(input));
            }
            Transaction::Instantiate { who, code, terms, input, salt } => {
                let _ = writeln!(
                    text,
                    "contract of code {code} with salt {salt} by {who}, {terms:?}\n{}",
                    script::listed(input)
                );
            }
            other => {
                let _ = writeln!(text, "{other:?}");
            }
        }
    }
    text
}
