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
//! | a call of a function | [`FRAME_UNITS`] + parameters + locals + largest height of operands + instructions / [`INSTRUCTIONS_PER_UNIT`] |
//!
//! The last term is there because a compiler keeps more values alive than the code names: what it computes once and
//! uses twice.

use wasmparser::Operator;

/// Changes whenever the table or the form of the rewritten module does; names compiled artefacts.
pub const METERING_VERSION: u32 = 1;
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
/// Instructions that may leave one value more alive than the code names.
pub const INSTRUCTIONS_PER_UNIT: u32 = 4;

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
