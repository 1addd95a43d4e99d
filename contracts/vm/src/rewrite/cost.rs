//! What running code costs: part of the protocol, the same for every engine.
//!
//! | what | fuel |
//! |---|---|
//! | `nop`, `drop`, `block`, `loop`, `else`, `end`, `unreachable`, `return` | 0 |
//! | `memory.grow` | [`GROW_FUEL`], and [`PAGE_FUEL`] for each page it adds |
//! | any other instruction | 1 |
//! | entering a function | 1 for each [`LOCALS_PER_FUEL`] locals it declares, or part of as many |
//!
//! Fuel is taken in advance for a whole straight-line region: from the function's start, a loop's start, a join or the
//! instruction after a conditional branch, to the next of these. A call that does not come back does not give back.
//!
//! | what | units of stack |
//! |---|---|
//! | a call of a function | [`FRAME_UNITS`] + parameters + locals + largest height of operands + values |
//!
//! Values are what a compiler may keep alive beside locals and operands, because it computes once what the code computes
//! often (before a loop what the loop does not change, say): a loop of 1000 different products around a call took 8 KB of
//! native stack, with one local. They are also the constants that an interpreter keeps in each frame: those that the code
//! has, and those that it computes from them when it translates. So the units bound what either engine needs.
//!
//! | what | values |
//! |---|---|
//! | `local.*`, `global.set`, `drop`, `nop`, control but for the following | 0 |
//! //! | a load: the value, and the address in two steps | 3 |
//! | a store, `memory.size`, `memory.grow`, a call | 2 |
//! | `call_indirect`: index, entry, type, function, its instance | 6 |
//! | `*.const`; any other instruction that computes something; `br_table` | 1 |

use wasmparser::Operator;

/// Changes whenever the table or the form of the rewritten module does; names compiled artefacts.
pub const METERING_VERSION: u32 = 2;
/// `memory.grow`, whatever it is asked for.
pub const GROW_FUEL: u32 = 64;
/// A page that `memory.grow` adds: zeroing 64 KiB, 16 bytes for one.
pub const PAGE_FUEL: u32 = 4096;
/// Locals that one unit of fuel zeroes.
pub const LOCALS_PER_FUEL: u32 = 4;
/// The stack of a run, in units. An engine gives native stack for the worst measured use of a unit and as much again.
pub const STACK_UNITS: u32 = 65_536;
/// What a frame needs besides its values: return address, frame pointer, saved registers.
pub const FRAME_UNITS: u32 = 12;

/// What an instruction costs. Only called for instructions that passed validation.
pub(crate) fn instruction(operator: &Operator<'_>) -> u32 {
    match operator {
        Operator::Nop
        | Operator::Drop
        | Operator::Block { .. }
        | Operator::Loop { .. }
        | Operator::Else
        | Operator::End
        | Operator::Unreachable
        | Operator::Return => 0,
        Operator::MemoryGrow { .. } => GROW_FUEL,
        _ => 1,
    }
}

/// What entering a function that declares `locals` costs.
pub(crate) fn entry(locals: u32) -> u32 {
    locals.div_ceil(LOCALS_PER_FUEL)
}

/// What a compiler may keep alive for an instruction, or an interpreter in the frame, beside locals and operands.
pub(crate) fn values(operator: &Operator<'_>) -> u32 {
    match operator {
        Operator::Nop
        | Operator::Drop
        | Operator::Block { .. }
        | Operator::Loop { .. }
        | Operator::If { .. }
        | Operator::Else
        | Operator::End
        | Operator::Unreachable
        | Operator::Return
        | Operator::Br { .. }
        | Operator::BrIf { .. }
        | Operator::LocalGet { .. }
        | Operator::LocalSet { .. }
        | Operator::LocalTee { .. }
        | Operator::GlobalSet { .. } => 0,
        Operator::I32Load { .. }
        | Operator::I32Load8S { .. }
        | Operator::I32Load8U { .. }
        | Operator::I32Load16S { .. }
        | Operator::I32Load16U { .. }
        | Operator::I64Load { .. }
        | Operator::I64Load8S { .. }
        | Operator::I64Load8U { .. }
        | Operator::I64Load16S { .. }
        | Operator::I64Load16U { .. }
        | Operator::I64Load32S { .. }
        | Operator::I64Load32U { .. }
        | Operator::F32Load { .. }
        | Operator::F64Load { .. } => 3,
        Operator::I32Store { .. }
        | Operator::I32Store8 { .. }
        | Operator::I32Store16 { .. }
        | Operator::I64Store { .. }
        | Operator::I64Store8 { .. }
        | Operator::I64Store16 { .. }
        | Operator::I64Store32 { .. }
        | Operator::F32Store { .. }
        | Operator::F64Store { .. }
        | Operator::MemorySize { .. }
        | Operator::MemoryGrow { .. }
        | Operator::Call { .. } => 2,
        Operator::CallIndirect { .. } => 6,
        _ => 1,
    }
}
