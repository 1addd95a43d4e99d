mod count;
pub(crate) mod random;
mod run;
mod shape;

use wasmi::TrapCode;

use self::run::{End, POLICY, Rewritten};
use super::*;

/// A contract whose `call` is `body`, with `more` beside it. `$deposit` reports to the host.
fn contract(body: &str, more: &str) -> String {
    format!(
        r#"(module
            (import "seal0" "is_contract" (func $ask (param i32) (result i32)))
            (import "seal0" "seal_terminate" (func $end (param i32 i32)))
            (import "env" "memory" (memory 1 3))
            (func (export "deploy"))
            (func (export "call") {body})
            {more})"#
    )
}

fn prepared(text: &str) -> Prepared {
    let code = wat::parse_str(text).unwrap();
    let prepared = prepare(&code, &POLICY, false).unwrap();
    assert_eq!(prepare(&code, &POLICY, false).unwrap(), prepared, "the same code gives the same bytes");
    prepared
}

/// The fuel that `call` takes to come to its end.
fn fuel(body: &str, more: &str) -> i64 {
    let contract = Rewritten::new(&run::engine(), &prepared(&contract(body, more)));
    let outcome = contract.run(CALL, 1_000_000);
    assert_eq!(outcome.end, End::Returned);
    1_000_000 - outcome.fuel
}

#[test]
fn each_instruction_has_its_price() {
    assert_eq!(fuel("", ""), 0);
    assert_eq!(fuel("nop nop", ""), 0);
    assert_eq!(fuel("i32.const 1 drop", ""), 1);
    assert_eq!(fuel("i32.const 1 i32.const 2 i32.add drop", ""), 3);
    assert_eq!(fuel("block loop block end end end", ""), 0);
    assert_eq!(fuel("(local i32) nop", ""), 1);
    assert_eq!(fuel("(local i32 i64 i32 i32) nop", ""), 1);
    assert_eq!(fuel("(local i32 i64 i32 i32 i32) nop", ""), 2);
    // Parameters are paid for by who pushes them.
    assert_eq!(fuel("i32.const 1 call $f", "(func $f (param i32))"), 2);
}

#[test]
fn what_is_not_reached_is_not_paid() {
    assert_eq!(fuel("i32.const 0 drop return i32.const 1 drop", ""), 1);
    assert_eq!(fuel("block br 0 i32.const 1 drop end", ""), 1);
    assert_eq!(fuel("block br 0 block i32.const 1 drop end i32.const 1 drop end i32.const 1 drop", ""), 2);
    assert_eq!(fuel("block block return end i32.const 1 drop end i32.const 1 drop", ""), 0);
    assert_eq!(fuel("i32.const 1 if return else i32.const 1 drop end i32.const 1 drop", ""), 2);
    assert_eq!(fuel("i32.const 1 if return i32.const 1 if else end else i32.const 1 drop end", ""), 2);
}

#[test]
fn branches_pay_for_their_side() {
    let choose = |condition: u32| {
        format!("i32.const {condition} if i32.const 1 drop else i32.const 1 i32.eqz drop end")
    };
    assert_eq!(fuel(&choose(1), ""), 3);
    assert_eq!(fuel(&choose(0), ""), 4);
    let only = |condition: u32| format!("i32.const {condition} if i32.const 1 drop end i32.const 2 drop");
    assert_eq!(fuel(&only(1), ""), 4);
    assert_eq!(fuel(&only(0), ""), 3);
    let leave =
        |condition: u32| format!("block i32.const {condition} br_if 0 i32.const 1 drop end i32.const 2 drop");
    assert_eq!(fuel(&leave(1), ""), 3);
    assert_eq!(fuel(&leave(0), ""), 4);
    let table = |index: u32| {
        format!(
            "block block block i32.const {index} br_table 0 1 2 end i32.const 1 drop end i32.const 1 drop end i32.const 1 drop"
        )
    };
    assert_eq!(fuel(&table(0), ""), 5);
    assert_eq!(fuel(&table(1), ""), 4);
    assert_eq!(fuel(&table(2), ""), 3);
    assert_eq!(fuel(&table(77), ""), 3);
    // To the function's own label, out of blocks.
    assert_eq!(fuel("block i32.const 1 br_if 1 end i32.const 1 drop", ""), 2);
    assert_eq!(fuel("block i32.const 3 br_table 0 0 1 end i32.const 1 drop", ""), 2);
}

#[test]
fn loops_pay_each_time_around() {
    let times = |n: u32| {
        format!(
            "(local i32) i32.const {n} local.set 0
             loop local.get 0 i32.const 1 i32.sub local.tee 0 br_if 0 end i32.const 1 drop"
        )
    };
    // A local, two before, five each time, one after.
    assert_eq!(fuel(&times(1), ""), 1 + 2 + 5 + 1);
    assert_eq!(fuel(&times(1000), ""), 1 + 2 + 5000 + 1);
    // The end of a loop that nobody leaves early joins nothing: what follows is paid with the last part of the loop.
    assert_eq!(fuel("loop i32.const 1 drop end i32.const 1 drop", ""), 2);
}

#[test]
fn calls_pay_as_the_callee_runs() {
    let more = "(func $f (result i32) i32.const 1 i32.const 2 i32.add)";
    assert_eq!(fuel("call $f drop", more), 1 + 3);
    assert_eq!(fuel("i32.const 7 call $ask drop", ""), 2);
    let table = r#"(type $t (func (result i32))) (table 2 funcref) (elem (i32.const 0) $f $g)
        (func $f (result i32) i32.const 1) (func $g (result i32) (local i64) i32.const 1 return i32.const 2 i32.add)"#;
    assert_eq!(fuel("i32.const 0 call_indirect (type $t) drop", table), 2 + 1);
    assert_eq!(fuel("i32.const 1 call_indirect (type $t) drop", table), 2 + 2);
}

#[test]
fn memory_grows_by_the_page_up_to_its_maximum() {
    let base = 1 + i64::from(cost::GROW_FUEL);
    let page = i64::from(cost::PAGE_FUEL);
    assert_eq!(fuel("i32.const 0 memory.grow drop", ""), base);
    assert_eq!(fuel("i32.const 1 memory.grow drop", ""), base + page);
    assert_eq!(fuel("i32.const 2 memory.grow drop", ""), base + 2 * page);
    // Too much fails, and is not paid for.
    for pages in ["3", "65536", "-1", "0x80000000"] {
        let body = format!("i32.const {pages} memory.grow i32.const -1 i32.ne if unreachable end");
        assert_eq!(fuel(&body, ""), base + 3);
    }
    let body = "i32.const 1 memory.grow i32.const 1 i32.ne if unreachable end memory.size i32.const 2 i32.ne if unreachable end
        i32.const 1 memory.grow i32.const 2 i32.ne if unreachable end i32.const 1 memory.grow i32.const -1 i32.ne if unreachable end";
    fuel(body, "");
    let grower = Rewritten::new(&run::engine(), &prepared(&contract("i32.const 2 memory.grow drop", "")));
    let outcome = grower.run(CALL, base + 2 * page - 1);
    assert_eq!(outcome.trap(), Some(Trap::OutOfFuel));
    assert_eq!(outcome.memory.len(), 65_536);
}

#[test]
fn a_trap_or_a_halt_keeps_what_its_region_took() {
    let run = |body: &str| Rewritten::new(&run::engine(), &prepared(&contract(body, "")));
    let outcome = run("i32.const 1 i32.const 0 i32.div_u drop i32.const 1 drop").run(CALL, 100);
    assert_eq!((outcome.end.clone(), outcome.fuel), (End::Trapped(TrapCode::IntegerDivisionByZero), 96));
    assert_eq!(outcome.trap(), Some(Trap::Other));
    let outcome = run("i32.const 1 drop unreachable").run(CALL, 100);
    assert_eq!((outcome.trap(), outcome.fuel), (Some(Trap::Other), 99));
    let outcome = run("i32.const 0 i32.const 0 call $end i32.const 1 drop").run_until(CALL, 100, Some(1));
    assert_eq!((outcome.end.clone(), outcome.fuel, outcome.trap()), (End::Halted, 96, None));
}

/// Loops, a table, recursion, memory growth and host calls whose arguments tell how far it came.
const BUSY: &str = r#"(module
    (import "seal0" "is_contract" (func $ask (param i32) (result i32)))
    (import "env" "memory" (memory 1 2))
    (type $t (func (param i32) (result i32)))
    (table 2 funcref) (elem (i32.const 0) $ask $twice)
    (global $g (mut i64) (i64.const 5))
    (func $twice (type $t) (local i64 i64 i64 i64 i64)
        local.get 0 i32.const 3 i32.gt_u if local.get 0 i32.const 1 i32.sub call $twice return end
        local.get 0 call $ask)
    (func (export "call") (result i32) (local $i i32)
        loop $again
            block $c block $b block $a
                local.get $i br_table $a $b $c
            end i32.const 100 call $ask drop
            end i32.const 1 memory.grow drop
            end
            local.get $i i32.const 1 i32.and local.get $i i32.const 1 i32.and call_indirect (type $t) drop
            local.get $i call $twice drop
            global.get $g i64.const 1 i64.sub global.set $g
            local.get $i i32.const 1 i32.add local.tee $i i32.const 8 i32.lt_u br_if $again
        end
        local.get $i)
    (func (export "deploy")))"#;

#[test]
fn too_little_fuel_ends_every_run_before_what_it_cannot_pay() {
    let contract = Rewritten::new(&run::engine(), &prepared(BUSY));
    let all = contract.run(CALL, 1_000_000);
    assert_eq!(all.end, End::Returned);
    let total = 1_000_000 - all.fuel;
    // What each host call had cost when it was made: a call may be seen only with at least that.
    let paid: Vec<i64> = (1..=all.calls.len())
        .map(|n| 1_000_000 - contract.run_until(CALL, 1_000_000, Some(n)).fuel)
        .collect();
    assert!(paid.len() > 16 && total > 4000);
    for fuel in 0..total {
        let outcome = contract.run(CALL, fuel);
        assert_eq!(outcome.trap(), Some(Trap::OutOfFuel), "with {fuel} of {total}");
        let made = paid.iter().filter(|cost| **cost <= fuel).count();
        assert_eq!(outcome.calls, all.calls[..made], "with {fuel} of {total}");
    }
    let outcome = contract.run(CALL, total);
    assert_eq!((outcome.end, outcome.fuel), (End::Returned, 0));
}

#[test]
fn all_fuel_there_is_does_not_wrap() {
    let contract = Rewritten::new(&run::engine(), &prepared(BUSY));
    assert_eq!(contract.run(CALL, i64::MAX).end, End::Returned);
    assert_eq!(contract.run(CALL, 0).trap(), Some(Trap::OutOfFuel));
}

/// How deep `function` gets, which counts its calls in memory.
fn depth(text: &str) -> u32 {
    let contract = Rewritten::new(&run::engine(), &prepared(text));
    let outcome = contract.run(CALL, i64::MAX);
    assert_eq!(outcome.trap(), Some(Trap::StackOverflow), "{:?}", outcome.end);
    u32::from_le_bytes(outcome.memory[..4].try_into().unwrap())
}

const COUNT: &str = "i32.const 0 i32.const 0 i32.load i32.const 1 i32.add i32.store";

#[test]
fn recursion_ends_at_a_depth_that_the_code_fixes() {
    let limit = cost::STACK_UNITS;
    let direct = |locals: &str, extra: &str| {
        contract(
            "i32.const 0 call $f drop",
            &format!("(func $f (param i32) (result i32) {locals} {COUNT} {extra} local.get 0 call $f)"),
        )
    };
    // A parameter, three operands at most; values of three constants, a load, an addition, a store and a call. `call` is
    // there once.
    let entry = cost::FRAME_UNITS + 1 + 1 + 2;
    let frame = cost::FRAME_UNITS + 1 + 3 + 3 + 3 + 1 + 2 + 2;
    assert_eq!(depth(&direct("", "")), (limit - entry) / frame);
    assert_eq!(depth(&direct("(local i64 i64 i32)", "")), (limit - entry) / (frame + 3));
    let operands = "i32.const 1 i32.const 1 i32.const 1 i32.const 1 i32.const 1 drop drop drop drop drop";
    assert_eq!(depth(&direct("", operands)), (limit - entry) / (frame + 2 + 5));

    let indirect = contract(
        "i32.const 0 call_indirect (type $t)",
        &format!(
            "(type $t (func)) (table 1 funcref) (elem (i32.const 0) $f) (func $f {COUNT} i32.const 0 call_indirect (type $t))"
        ),
    );
    let entry = cost::FRAME_UNITS + 1 + 1 + 6;
    let frame = cost::FRAME_UNITS + 3 + 4 + 3 + 1 + 2 + 6;
    assert_eq!(depth(&indirect), (limit - entry) / frame);
    let mutual =
        contract("call $f", &format!("(func $f {COUNT} call $g) (func $g (local i64) {COUNT} call $f)"));
    assert!(depth(&mutual) > 1024);
    // The entry itself, and out of a block.
    let own = format!(
        r#"(module (import "env" "memory" (memory 1 1)) (func (export "deploy"))
            (func $c (export "call") {COUNT} block loop call $c end end))"#
    );
    assert!(depth(&own) > 1024);
}

#[test]
fn a_leaf_that_does_not_fit_does_not_run() {
    // The leaf needs one unit more or less than is left when the recursion calls it.
    let text = |locals: u32| {
        let locals = "i64 ".repeat(locals as usize);
        contract(
            "call $f",
            &format!("(func $f {COUNT} call $leaf call $f) (func $leaf (local {locals}) nop)"),
        )
    };
    let depths: Vec<u32> = [0, 1, 100, 200].into_iter().map(|locals| depth(&text(locals))).collect();
    assert!(depths.is_sorted_by(|a, b| a >= b) && depths[0] > depths[3], "{depths:?}");
}

#[test]
fn each_way_out_gives_the_stack_back() {
    // `run` asserts that the stack is what it was. A million calls of all shapes would run into its end otherwise.
    let more = r#"
        (func $nothing)
        (func $end call $nothing)
        (func $return call $nothing return)
        (func $value (result i64) call $nothing i64.const 1 return)
        (func $deep (param i32) (result i32) call $nothing
            block block local.get 0 i32.const 1 i32.and if i32.const 7 return end end end
            i32.const 8 local.get 0 i32.const 2 i32.and br_if 0 drop
            i32.const 9 block (param) local.get 0 br_table 0 1 0 end unreachable)
        (func $label call $nothing block block br 2 end end unreachable)
        (func $table (param i32) call $nothing block block local.get 0 br_table 0 1 2 2 end return end)"#;
    let more =
        more.replace("i32.const 9 block (param) local.get 0 br_table 0 1 0 end unreachable", "i32.const 9");
    let body = "(local i32) loop
        call $end call $return call $value drop local.get 0 call $deep drop call $label
        local.get 0 i32.const 3 i32.and call $table
        local.get 0 i32.const 1 i32.add local.tee 0 i32.const 200000 i32.lt_u br_if 0 end";
    let contract = Rewritten::new(
        &run::engine(),
        &prepared(
            &contract(body, &more.replace("$end", "$done")).replace("call $end call", "call $done call"),
        ),
    );
    assert_eq!(contract.run(CALL, i64::MAX).end, End::Returned);
}

#[test]
fn entries_and_start_are_plain_functions() {
    let text = r#"(module
        (import "seal0" "caller_is_origin" (func $origin (result i32)))
        (import "seal0" "is_contract" (func $ask (param i32) (result i32)))
        (import "env" "memory" (memory 1))
        (func $s i32.const 1 call $ask drop)
        (func $c (result i32) i32.const 2 call $ask)
        (start $s) (export "call" (func $c)) (export "deploy" (func $origin)))"#;
    let prepared = prepared(text);
    assert!(prepared.start);
    assert_eq!(prepared.memory_pages, (1, 16));
    let names: Vec<_> = prepared.imports.iter().map(|index| crate::IMPORTS[*index].name).collect();
    assert_eq!(names, ["caller_is_origin", "is_contract"]);
    let contract = Rewritten::new(&run::engine(), &prepared);
    let (ask, origin) = (prepared.imports[1], prepared.imports[0]);
    let outcome = contract.run(CALL, 100);
    assert_eq!(outcome.calls, [(ask, vec![1]), (ask, vec![2])]);
    assert_eq!(contract.run(DEPLOY, 100).calls, [(ask, vec![1]), (origin, vec![])]);
    // An end in the start section is the end.
    assert_eq!(contract.run_until(CALL, 100, Some(1)).calls, [(ask, vec![1])]);
}

#[test]
fn custom_sections_go_and_the_rest_validates() {
    let code = wat::parse_str(BUSY).unwrap();
    assert!(
        wasmparser::Parser::new(0)
            .parse_all(&code)
            .any(|part| matches!(part, Ok(wasmparser::Payload::CustomSection(_))))
    );
    let prepared = prepare(&code, &POLICY, false).unwrap();
    let features =
        crate::check::features(crate::Determinism::Enforced) | wasmparser::WasmFeatures::MUTABLE_GLOBAL;
    wasmparser::Validator::new_with_features(features).validate_all(&prepared.module).unwrap();
    assert!(
        !wasmparser::Parser::new(0)
            .parse_all(&prepared.module)
            .any(|part| matches!(part, Ok(wasmparser::Payload::CustomSection(_))))
    );
}

/// The form of rewritten code is protocol: what changes these hashes must change [`cost::METERING_VERSION`].
#[test]
fn the_form_of_rewritten_code_is_pinned() {
    let hash = |text: &str| {
        let hash = basalt_primitives::hashing::blake2_256(&prepared(text).module);
        hash.iter().map(|byte| format!("{byte:02x}")).collect::<String>()
    };
    assert_eq!(cost::METERING_VERSION, 2);
    assert_eq!(hash(&contract("", "")), "a546f06722a378f2b31d4c346be34f7046ede5ad61a74ff95dae13f1b1b13ca6");
    assert_eq!(hash(BUSY), "9144d5fef47b51c98bb8d3ff2a8a9546aee58f5bc376e05a3e4e8cbf73faaf63");
}
