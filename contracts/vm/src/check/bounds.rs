//! Bounds beyond those of `pallet-contracts`, so that no code of the permitted size takes long to compile or needs much
//! memory. The largest of each in 47 real contracts is in parentheses (`facts/contracts.md` §13).
//!
//! They are protocol: code that one node accepts every node must accept.

/// Memory pages if the import names no maximum (as `pallet-contracts`).
pub const MEMORY_PAGES_DEFAULT: u32 = 16;
/// Function types.
pub const TYPES_MAX: u32 = 1024;
/// Parameters of a function type (13 in the table of host functions).
pub const PARAMETERS_MAX: u32 = 64;
/// Function imports; one function may be imported more than once (21).
pub const IMPORTS_MAX: u32 = 512;
/// Functions that a module defines (93). One costs a compiler 50 to 75 µs however small.
pub const FUNCTIONS_MAX: u32 = 4096;
/// Globals (3).
pub const GLOBALS_MAX: u32 = 256;
/// Exports: `call` and `deploy`.
pub const EXPORTS_MAX: u32 = 2;
/// Elements of the table (11).
pub const TABLE_ELEMENTS_MAX: u32 = 4096;
/// Element segments.
pub const ELEMENT_SEGMENTS_MAX: u32 = 1024;
/// Data segments.
pub const DATA_SEGMENTS_MAX: u32 = 4096;
/// Bytes of a function's body (6144). Register allocation grows faster than linearly.
pub const BODY_BYTES_MAX: u32 = 24 * 1024;
/// What a function may become for the interpreter, in operations as `check::body` estimates them: at worst, the metering
/// included (8,800 for 6,144 bytes). Branches over more than 32,767 operations take a constant of their own in wasmi 1.1.0,
/// and those that go back over so many after a comparison make it panic.
pub const OPERATIONS_MAX: u32 = 32_767;
/// Parameters and locals of a function (22).
pub const LOCALS_MAX: u32 = 256;
/// Blocks within blocks (56).
pub const NESTING_MAX: u32 = 256;
/// `call_indirect` in the module (none in the contracts of this repository). One costs a compiler about 100 µs.
pub const INDIRECT_CALLS_MAX: u32 = 2048;
/// Values on the operand stack of a function.
pub const OPERANDS_MAX: u32 = 1024;
/// Targets of a `br_table` (47).
pub const BRANCH_TABLE_MAX: u32 = 1024;
/// Sum over all functions of joins × (parameters and locals): what a compiler does at worst for conversion to SSA form and
/// register allocation, since each join of control flow may need each local. Joins are the blocks, the branch targets, and
/// for each block the square of the number of branches to it, divided by [`BRANCHES_PER_JOIN`]. A module at the bound takes
/// about a second for them (7357 in 13 KB of code).
pub const JOINS_MAX: u64 = 1_000_000;
/// See [`JOINS_MAX`].
pub const BRANCHES_PER_JOIN: u64 = 64;
