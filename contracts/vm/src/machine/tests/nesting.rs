//! Contracts that call each other, on stacks of any size.

use std::{panic, thread};

use super::kit::{FUEL, contract, machine, run};
use crate::{Ended, Engines, Entry, Halt, Host, HostFunction, THREAD_STACK_BYTES, Trap, WasmMachine};

const DEPTH: usize = 24;

/// Enters the machine again from inside a host function, with the other of two codes each time.
struct Nest<'a> {
    machines: [&'a WasmMachine; 2],
    codes: &'a [Vec<u8>; 2],
    depth: usize,
    ends: Vec<(usize, Ended, u64)>,
}

impl Nest<'_> {
    fn run(&mut self, fuel: u64) {
        let depth = self.depth;
        let (machine, codes) = (self.machines[depth / 2 % 2], self.codes);
        let done = run(machine, &codes[depth % 2], Entry::Call, fuel, self).unwrap();
        self.ends.push((depth, done.ended, done.fuel_left));
    }
}

impl Host for Nest<'_> {
    fn call(
        &mut self,
        function: HostFunction,
        arguments: &[u64],
        memory: &mut [u8],
        fuel: &mut u64,
    ) -> Result<u64, Halt> {
        assert_eq!(function, HostFunction::CallerIsOrigin);
        assert_eq!(arguments.len(), 0);
        memory[0] = u8::try_from(self.depth).unwrap();
        // Some use of the host's own share of the stack.
        let block = std::hint::black_box([1_u8; 256 * 1024]);
        if self.depth < DEPTH {
            self.depth += 1;
            self.run(*fuel);
            self.depth -= 1;
        }
        // It is this frame's again.
        assert_eq!(usize::from(memory[0]), self.depth);
        *fuel -= u64::from(block[self.depth]);
        Ok(self.depth as u64)
    }
}

/// Calls the host at the deepest place that the rewritten code allows for, more or less, or goes on to its end.
fn codes() -> [Vec<u8>; 2] {
    let imports = r#"(import "seal0" "caller_is_origin" (func $ask (result i32)))"#;
    let more = r#"(func $deep (param i64 i64 i64 i64 i64) (result i64)
        (if (result i64) (i64.eqz (local.get 0))
            (then (i64.extend_i32_u (call $ask)))
            (else (i64.add
                (call $deep (i64.sub (local.get 0) (i64.const 1)) (local.get 2) (local.get 3) (local.get 4)
                    (i64.add (local.get 1) (local.get 0)))
                (i64.mul (i64.add (local.get 1) (local.get 2)) (i64.add (local.get 3) (local.get 4)))))))"#;
    let deep = |frames: &str| {
        format!(
            "(drop (call $deep (i64.const {frames}) (i64.const 1) (i64.const 2) (i64.const 3) (i64.const 4)))"
        )
    };
    [
        contract(imports, more, &deep("700")),
        contract(imports, more, &format!("{} {}", deep("700"), deep("1000000"))),
    ]
}

fn ends(machines: [&WasmMachine; 2], codes: &[Vec<u8>; 2]) -> Vec<(usize, Ended, u64)> {
    let mut nest = Nest { machines, codes, depth: 0, ends: Vec::new() };
    nest.run(FUEL);
    nest.ends
}

#[test]
fn depth_is_bounded_by_no_thread() {
    let (interpreter, compiler) = (machine(Engines::InterpreterOnly), machine(Engines::CompiledOnly));
    let codes = codes();
    let on_thread = |stack_bytes: usize, machines: [&WasmMachine; 2]| {
        thread::scope(|scope| {
            let thread = thread::Builder::new().stack_size(stack_bytes);
            let ends = thread.spawn_scoped(scope, || ends(machines, &codes)).unwrap().join();
            ends.unwrap_or_else(|panic| panic::resume_unwind(panic))
        })
    };
    let expected = on_thread(THREAD_STACK_BYTES, [&interpreter, &interpreter]);
    assert_eq!(expected.len(), DEPTH + 1);
    for (depth, ended, _) in &expected {
        let overflow = Ended::Trapped(Trap::StackOverflow);
        assert_eq!(*ended, if depth % 2 == 0 { Ended::Returned } else { overflow }, "{depth}");
    }
    for stack_bytes in [256 * 1024, 2 * 1024 * 1024, THREAD_STACK_BYTES] {
        for machines in [[&compiler, &compiler], [&compiler, &interpreter], [&interpreter, &compiler]] {
            assert_eq!(on_thread(stack_bytes, machines), expected);
        }
    }
}

/// What is lent comes back when a nested host panics, on a stack that was grown.
#[test]
fn a_panic_in_the_depth_comes_up() {
    struct Deep<'a>(&'a WasmMachine, &'a [u8], usize);
    impl Host for Deep<'_> {
        fn call(&mut self, _: HostFunction, _: &[u64], _: &mut [u8], fuel: &mut u64) -> Result<u64, Halt> {
            self.2 += 1;
            assert!(self.2 < 20, "deep enough");
            let (machine, code) = (self.0, self.1);
            run(machine, code, Entry::Call, *fuel, self).unwrap();
            Ok(0)
        }
    }
    let [code, _] = codes();
    for engines in [Engines::CompiledOnly, Engines::InterpreterOnly] {
        let machine = machine(engines);
        for _ in 0..3 {
            let panic = panic::catch_unwind(panic::AssertUnwindSafe(|| {
                run(&machine, &code, Entry::Call, FUEL, &mut Deep(&machine, &code, 0))
            }));
            assert_eq!(panic.unwrap_err().downcast_ref::<&str>(), Some(&"deep enough"));
        }
    }
}
