//! Code that makes the interpreter keep as much as it can in each frame: recursion still ends where the units end, on both
//! engines, and not at a limit of one of them.

use std::fmt::Write as _;

use super::kit::{Both, POLICY, contract};
use crate::{Ended::Trapped, Machine, Trap, check::bounds, rewrite::prepare};

/// Calls itself before it does anything, so that the rest costs a frame its size and no time.
fn recursion(signature: &str, arguments: &str, body: &str) -> Vec<u8> {
    let more =
        format!("(global $g (mut i64) (i64.const 1)) (func $f {signature} {arguments} call $f {body})");
    contract("", &more, &format!("{} call $f", arguments.replace("local.get 0", "i64.const 5")))
}

fn repeated(count: usize, piece: impl Fn(&mut String, usize)) -> String {
    let mut text = String::new();
    (0..count).for_each(|n| piece(&mut text, n));
    text
}

/// How many pieces fit into a function that has so many bytes and, by the check's estimate, operations each.
fn pieces(bytes: u32, operations: u32) -> usize {
    ((bounds::BODY_BYTES_MAX - 300) / bytes).min((bounds::OPERATIONS_MAX - 100) / operations) as usize
}

/// By name: what is kept, and the code.
fn worst() -> Vec<(&'static str, Vec<u8>)> {
    let one = ("(param i64)", "local.get 0");
    // Too large for an instruction, so wasmi keeps each in the frame. Six bytes a piece.
    let constants = repeated(pieces(6, 5), |text, n| {
        let _ = write!(text, "i64.const {} global.set $g ", 40_000 + n);
    });
    // A product of constants is a constant; it is kept because it goes into a local. Six bytes a piece.
    let products = repeated(pieces(6, 8), |text, n| {
        let _ = write!(text, "i64.const {} i64.mul local.tee 0 ", 3 + 2 * (n % 20));
    });
    let locals = "(param i64) (local ".to_owned() + &"i64 ".repeat(bounds::LOCALS_MAX as usize - 1) + ")";
    let operands = repeated(1000, |text, n| {
        let _ = write!(text, "i64.const {} ", 40_000 + n);
    }) + &"global.set $g ".repeat(1000);
    vec![
        ("constants", recursion(one.0, one.1, &constants)),
        ("nothing but constants", recursion("", "", &constants)),
        ("products", recursion(one.0, one.1, &format!("i64.const 40001 {products} drop"))),
        ("locals", recursion(&locals, one.1, "")),
        ("operands", recursion(one.0, one.1, &operands)),
        // The smallest frames: as many as there can be.
        ("nothing", recursion("", "", "")),
        ("nothing but a call", contract("", "(func $f call $f)", "call $f")),
    ]
}

#[test]
fn recursion_ends_where_the_units_end_whatever_a_frame_keeps() {
    let both = Both::new();
    for (name, code) in worst() {
        // Compares both engines: the fuel that is left says how deep it went.
        let (ended, fuel_left, _) = both.call(&code, 20_000_000);
        assert_eq!(ended, Trapped(Trap::StackOverflow), "{name}");
        assert!(fuel_left > 0, "{name}");
    }
}

/// The frame that the units do not suffice for is there before its code says so: it may be the largest there is.
#[test]
fn the_last_frame_may_be_large() {
    let both = Both::new();
    let constants = repeated(pieces(6, 5), |text, n| {
        let _ = write!(text, "i64.const {} global.set $g ", 40_000 + n);
    });
    let more = format!(
        "(global $g (mut i64) (i64.const 1))
         (func $f (param i64)
            (if (i64.eqz (local.get 0)) (then (call $large)) (else (call $f (i64.sub (local.get 0) (i64.const 1))))))
         (func $large {constants})"
    );
    let mut ends = Vec::new();
    for depth in [10, 1_000, 2_000, 2_400, 2_600, 2_800, 3_000, 4_000] {
        let code = contract("", &more, &format!("(call $f (i64.const {depth}))"));
        ends.push(both.call(&code, 20_000_000).0 == Trapped(Trap::StackOverflow));
    }
    assert!(ends.is_sorted() && !ends[0] && ends[7], "{ends:?}");
}

/// wasmi 1.1.0 panics over a comparison and a branch that go back over more than 32,767 operations. So no function may become
/// so many, whatever it is made of: the check's estimate must not be less than what wasmi makes of it.
#[test]
fn no_function_is_too_long_for_the_interpreter() {
    let pieces = [
        "local.get 0 i64.eqz br_if 0 ",
        "local.get 1 br_if 0 ",
        "local.get 0 i64.eqz if end ",
        "local.get 1 if nop else end ",
        "block local.get 1 br_if 0 end ",
        "loop end ",
        "local.get 0 global.set $g ",
        "global.get $g local.set 0 ",
        "i64.const 77777777777 local.set 0 ",
        "local.get 0 local.get 0 i64.const 1 local.set 0 i64.add drop ",
        "local.get 0 local.get 0 local.get 0 block end drop drop drop ",
        "i64.const 5 block end drop ",
        "block (result i64) i64.const 5 local.get 1 br_if 0 end drop ",
        "block (result i64) local.get 0 local.get 1 br_if 0 end drop ",
        "local.get 1 if (result i64) i64.const 5 else local.get 0 end drop ",
        "local.get 1 local.get 0 i64.store offset=100000 ",
        "local.get 1 i64.load offset=100000 drop ",
        "local.get 1 i64.const 777777777777 i64.store offset=1 ",
        "local.get 0 i64.const 3 local.get 1 select drop ",
        "local.get 1 i32.eqz drop ",
        "local.get 0 i64.const 77777777 i64.div_s drop ",
        "local.get 1 memory.grow drop ",
        "memory.size drop ",
        "call $nothing ",
        "local.get 0 local.get 0 local.get 0 i64.const 4 i64.const 5 local.get 0 local.get 0 call $many drop ",
        "local.get 1 call_indirect (type $t) ",
        "block local.get 1 br_table 0 0 0 0 end ",
        "block (result i64) local.get 0 local.get 1 br_table 0 0 0 0 0 0 end drop ",
        "block (result i64) i64.const 77777777777 local.get 1 br_table 0 0 0 0 0 0 end drop ",
        "block br 0 end ",
        "local.get 1 if return end ",
    ];
    let code = |piece: &str, count: usize| {
        let more = format!(
            "(type $t (func)) (table 1 funcref) (elem (i32.const 0) $nothing) (func $nothing) (global $g (mut i64) (i64.const 1))
            (func $many (param i64 i64 i64 i64 i64 i64 i64) (result i64) local.get 0)
            (func $f (param i64) (local i32)
                (loop {} (br_if 0 (i64.lt_u (local.get 0) (i64.const 1)))))",
            piece.repeat(count)
        );
        contract("", &more, "")
    };
    let both = Both::new();
    for piece in pieces {
        // As long as it may be.
        let (mut fits, mut too_long) = (1, 24_000);
        while too_long - fits > 1 {
            let count = (fits + too_long) / 2;
            match prepare(&code(piece, count), &POLICY, false) {
                Ok(_) => fits = count,
                Err(_) => too_long = count,
            }
        }
        assert!(fits > 100, "{piece}: {fits}");
        let checked = both.interpreter.check(&code(piece, fits), &POLICY);
        assert!(checked.is_ok(), "{piece} {fits} times: {checked:?}");
    }
}
