//! A contract that does what its input says: a list of steps, each a host function with its arguments, or a change of its own
//! memory. So one module, compiled once, does what thousands of modules would.

use std::fmt::Write as _;

use basalt_contracts_vm::{IMPORTS, Import, Stability, ValueType};

/// Bytes of its memory at the start.
pub(super) const MEMORY_BYTES: u32 = 2 << 16;
/// Where it keeps the length of its input.
const LENGTH_AT: u32 = MEMORY_BYTES - 256;
/// Where the last result is.
pub(super) const RESULT_AT: u32 = LENGTH_AT + 8;
/// The most bytes of input that it takes.
const INPUT_BYTES_MAX: u32 = 1 << 16;

/// Steps that are no host functions, after those that are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Own {
    /// Stores the second argument's lowest byte where the first points.
    Store8,
    /// Stores the second argument where the first points.
    Store32,
    /// Traps.
    Trap,
    /// Grows the memory.
    Grow,
    /// Leaves out so many bytes of steps if the last result is not zero.
    Skip,
}

/// All of them, with how many arguments they have.
pub(super) const OWN: [(Own, usize); 5] =
    [(Own::Store8, 2), (Own::Store32, 2), (Own::Trap, 0), (Own::Grow, 1), (Own::Skip, 1)];

/// Which host functions a puppet imports; for it, the steps of others do nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Allowed {
    pub(super) unstable: bool,
    pub(super) deprecated: bool,
    pub(super) extension: bool,
}

impl Allowed {
    fn has(self, import: &Import) -> bool {
        let stable = match import.stability {
            Stability::Stable => true,
            Stability::Unstable => self.unstable,
            Stability::Deprecated => self.deprecated,
        };
        stable && (self.extension || import.name != "call_chain_extension")
    }
}

/// Bytes of the arguments of a host function in a step.
fn bytes(parameters: &[ValueType]) -> usize {
    parameters.iter().map(|ty| if *ty == ValueType::I64 { 8 } else { 4 }).sum()
}

/// The module. Its input begins with two offsets: where the steps begin, and where they end.
pub(super) fn module(allowed: Allowed) -> Vec<u8> {
    let mut imports = String::new();
    let name = |ty: &ValueType| if *ty == ValueType::I64 { "i64" } else { "i32" };
    // Of each step, what it does. `$at` is where it stands.
    let mut steps = Vec::new();
    for (index, import) in IMPORTS.iter().enumerate() {
        let mut step = String::new();
        let present = allowed.has(import);
        let mut offset = 1;
        for ty in import.parameters {
            if present {
                let _ = writeln!(step, "local.get $at {}.load offset={offset}", name(ty));
            }
            offset += bytes(&[*ty]);
        }
        let _ = writeln!(step, "local.get $at i32.const {offset} i32.add local.set $at");
        if present {
            let parameters: Vec<_> = import.parameters.iter().map(name).collect();
            let result = import.result.as_ref().map_or(String::new(), |ty| format!("(result {})", name(ty)));
            let _ = writeln!(
                imports,
                r#"(import "{}" "{}" (func $f{index} (param {}) {result}))"#,
                import.module,
                import.name,
                parameters.join(" ")
            );
            let _ = writeln!(step, "call $f{index}");
            match import.result {
                Some(ValueType::I32) => step.push_str("i64.extend_i32_u call $keep\n"),
                Some(ValueType::I64) => step.push_str("call $keep\n"),
                None => (),
            }
        }
        steps.push(step);
    }
    for (own, arguments) in OWN {
        let body = match own {
            Own::Store8 => "local.get $at i32.load offset=1 local.get $at i32.load offset=5 i32.store8",
            Own::Store32 => "local.get $at i32.load offset=1 local.get $at i32.load offset=5 i32.store",
            Own::Trap => "unreachable",
            Own::Grow => "local.get $at i32.load offset=1 memory.grow i64.extend_i32_u call $keep",
            Own::Skip => {
                "i32.const 0 i64.load offset=RESULT i64.eqz
                 if else local.get $at i32.load offset=1 local.get $at i32.add local.set $at end"
            }
        };
        let length = 1 + 4 * arguments;
        let body = body.replace("RESULT", &RESULT_AT.to_string());
        steps.push(format!("{body} local.get $at i32.const {length} i32.add local.set $at\n"));
    }
    let count = steps.len();
    let opened: String = (0..=count).map(|_| "block ").collect();
    let table: String = (0..=count).map(|n| format!("{n} ")).collect();
    let done: String = steps.iter().map(|step| format!("end {step} br $next\n")).collect();
    let text = format!(
        r#"(module {imports}
            (import "env" "memory" (memory 2 4))
            (func $keep (param i64) i32.const {RESULT_AT} local.get 0 i64.store)
            (func $run (local $at i32) (local $end i32)
                i32.const {LENGTH_AT} i32.const {INPUT_BYTES_MAX} i32.store
                i32.const 0 i32.const {LENGTH_AT} call $f0
                i32.const 0 i32.load local.set $at
                i32.const 4 i32.load local.set $end
                loop $next
                    local.get $at local.get $end i32.ge_u if return end
                    {opened} local.get $at i32.load8_u br_table {table}
                    {done}
                    end
                    local.get $at i32.const 1 i32.add local.set $at br $next
                end)
            (func (export "call") call $run)
            (func (export "deploy") call $run))"#
    );
    wat::parse_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}
