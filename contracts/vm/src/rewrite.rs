//! Turns a contract into a module that counts for itself: any engine that runs it takes the same fuel and stops at the
//! same place.
//!
//! What an engine finds in the rewritten module:
//!
//! - **Imports**: functions only, from module [`MODULE`], named by their decimal index into [`IMPORTS`](crate::IMPORTS),
//!   in the order of [`Prepared::imports`]; the same one may come more than once.
//! - **Exports**: [`MEMORY`]; the functions [`CALL`] and [`DEPLOY`], and [`START`] if the contract has a start section, to
//!   be called before the entry, all `() -> ()`; the mutable globals [`FUEL`] (`i64`) and [`STACK`] (`i32`), and each other
//!   mutable global, named [`GLOBAL`] and its index. So an engine can see and set all that a run may change: memory, and
//!   these globals. Tables cannot change, nor can segments be dropped.
//! - **Fuel**: the engine sets it before the run, to [`FUEL_MAX`] at most. Each straight-line region takes its cost when it
//!   is entered, and the code traps if less than nothing is left.
//! - **Stack**: the module sets it to [`cost::STACK_UNITS`]. Each call takes what the function needs, and gives it back.
//! - **Traps**: which it was is seen from the two globals after the trap, see [`trap`].

pub mod cost;

use alloc::{format, vec::Vec};

use wasm_encoder::{
    CodeSection, ConstExpr, Encode, EntityType, ExportKind, ExportSection, GlobalSection, GlobalType,
    ImportSection, Instruction, MemorySection, MemoryType, Module, RawSection, SectionId,
};
use wasmparser::BlockType;

use crate::{
    Checked, Policy, Refused, Trap,
    check::{Body, CheckedModule, Edit, Section, What, check_stored},
};

/// The module that functions are imported from.
pub const MODULE: &str = "seal";
/// The exported memory.
pub const MEMORY: &str = "memory";
/// The exported entry of messages.
pub const CALL: &str = "call";
/// The exported entry of constructors.
pub const DEPLOY: &str = "deploy";
/// The exported function of the start section.
pub const START: &str = "start";
/// The exported global that holds the fuel left.
pub const FUEL: &str = "fuel";
/// The exported global that holds the stack left.
pub const STACK: &str = "stack";
/// What the names of the contract's own mutable globals begin with.
pub const GLOBAL: &str = "global";
/// The most fuel that a run can have: taking any cost from any amount must not wrap.
pub const FUEL_MAX: u64 = i64::MAX as u64;

/// A contract, ready for an engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prepared {
    /// The rewritten module.
    pub module: Vec<u8>,
    /// What the check says about the contract.
    pub checked: Checked,
    /// Pages of memory: at the start, and at most.
    pub memory_pages: (u32, u32),
    /// The function imports in order, as indices into [`IMPORTS`](crate::IMPORTS).
    pub imports: Vec<usize>,
    /// Whether a deprecated function is among them: then `deploy` may not run.
    pub deprecated: bool,
    /// Whether [`START`] is exported.
    pub start: bool,
}

/// Checks and rewrites code; `deprecated` functions may be imported by code that is stored already, to run messages.
///
/// # Errors
///
/// [`Refused`] if it is not a contract.
pub fn prepare(code: &[u8], policy: &Policy, deprecated: bool) -> Result<Prepared, Refused> {
    let module = check_stored(code, policy, deprecated)?;
    Ok(rewrite(&module))
}

/// Why rewritten code trapped, from its globals after the trap.
pub fn trap(fuel: i64, stack: i32) -> Trap {
    if fuel < 0 {
        Trap::OutOfFuel
    } else if stack < 0 {
        Trap::StackOverflow
    } else {
        Trap::Other
    }
}

/// Rewrites a module. The same module always gives the same bytes.
pub fn rewrite(module: &CheckedModule<'_>) -> Prepared {
    Rewrite::new(module).run()
}

/// Indices of what is added to a module, always behind its own, so that its own stay.
struct Rewrite<'m, 'a> {
    module: &'m CheckedModule<'a>,
    /// Globals.
    fuel: u32,
    stack: u32,
    /// The function that does `memory.grow`.
    grow: u32,
    /// The type of functions that take and return nothing.
    plain: u32,
    /// The type of `grow`.
    grow_type: u32,
}

impl<'m, 'a> Rewrite<'m, 'a> {
    fn new(module: &'m CheckedModule<'a>) -> Self {
        let globals = module.sections.globals.count;
        let types = module.sections.types.count;
        Self {
            module,
            fuel: globals,
            stack: globals + 1,
            grow: count(module.import_types.len() + module.functions.len()),
            plain: types,
            grow_type: types + 1,
        }
    }

    fn run(&self) -> Prepared {
        let module = self.module;
        let sections = &module.sections;
        let mut output = Module::new();

        let mut data = self.extended(&sections.types, 2);
        data.extend([0x60, 0x00, 0x00]);
        data.extend([0x60, 0x01, 0x7f, 0x01, 0x7f]);
        output.section(&RawSection { id: SectionId::Type.into(), data: &data });

        let mut imports = ImportSection::new();
        for (index, ty) in module.imports.iter().zip(&module.import_types) {
            imports.import(MODULE, &format!("{index}"), EntityType::Function(*ty));
        }
        output.section(&imports);

        // What is added: `memory.grow`, and entries that do not have the plain type.
        let mut code = CodeSection::new();
        let mut added = Vec::new();
        let mut bytes = Vec::new();
        let mut rest = module.edits.as_slice();
        for body in &module.bodies {
            let (edits, others) = rest.split_at(body.edits.len().min(rest.len()));
            rest = others;
            bytes.clear();
            self.body(body, edits, &mut bytes);
            code.raw(&bytes);
        }
        if module.grows {
            bytes.clear();
            self.grow_body(&mut bytes);
            code.raw(&bytes);
            added.push(self.grow_type);
        }
        let mut exports = ExportSection::new();
        exports.export(MEMORY, ExportKind::Memory, 0);
        exports.export(FUEL, ExportKind::Global, self.fuel);
        exports.export(STACK, ExportKind::Global, self.stack);
        for global in &module.mutable_globals {
            exports.export(&format!("{GLOBAL}{global}"), ExportKind::Global, *global);
        }
        let entries = [(CALL, Some(module.call)), (DEPLOY, Some(module.deploy)), (START, module.start)];
        for (name, function) in entries {
            let Some(mut function) = function else { continue };
            if let Some(body) = self.entry(function) {
                code.raw(&body);
                function = self.grow + count(added.len());
                added.push(self.plain);
            }
            exports.export(name, ExportKind::Func, function);
        }

        let mut data = self.extended(&sections.functions, count(added.len()));
        added.iter().for_each(|ty| ty.encode(&mut data));
        output.section(&RawSection { id: SectionId::Function.into(), data: &data });
        self.copy(&mut output, SectionId::Table, &sections.tables);
        let (minimum, maximum) = module.memory_pages;
        let mut memories = MemorySection::new();
        memories.memory(MemoryType {
            minimum: u64::from(minimum),
            maximum: Some(u64::from(maximum)),
            memory64: false,
            shared: false,
            page_size_log2: None,
        });
        output.section(&memories);
        self.globals(&mut output);
        output.section(&exports);
        self.copy(&mut output, SectionId::Element, &sections.elements);
        if !code.is_empty() {
            output.section(&code);
        }
        self.copy(&mut output, SectionId::Data, &sections.data);

        Prepared {
            module: output.finish(),
            checked: module.checked,
            memory_pages: module.memory_pages,
            imports: module.imports.clone(),
            deprecated: module.deprecated,
            start: module.start.is_some(),
        }
    }

    /// A function's body, without its length.
    fn body(&self, body: &Body, edits: &[Edit], out: &mut Vec<u8>) {
        let code = self.module.code;
        let locals = bytes(code, body.locals.clone());
        // A global is memory to an engine: charged there, each turn of a loop waits for what the one before has written. A
        // local is a register; the global gets the same, but nobody waits for that.
        let kept = body.keeps_fuel.then_some(body.variables);
        match kept {
            Some(_) => one_more_local(locals, out),
            None => out.extend(locals),
        }
        let units = body.units.cast_signed();
        if body.leaf {
            emit(
                out,
                &[
                    Instruction::GlobalGet(self.stack),
                    Instruction::I32Const(units),
                    Instruction::I32LtS,
                    Instruction::If(wasm_encoder::BlockType::Empty),
                    // Whoever asks why it trapped finds that nothing is left.
                    Instruction::I32Const(-1),
                    Instruction::GlobalSet(self.stack),
                    Instruction::Unreachable,
                    Instruction::End,
                ],
            );
        } else {
            emit(
                out,
                &[
                    Instruction::GlobalGet(self.stack),
                    Instruction::I32Const(units),
                    Instruction::I32Sub,
                    Instruction::GlobalSet(self.stack),
                    Instruction::GlobalGet(self.stack),
                    Instruction::I32Const(0),
                    Instruction::I32LtS,
                    Instruction::If(wasm_encoder::BlockType::Empty),
                    Instruction::Unreachable,
                    Instruction::End,
                    // The body becomes a block, so that each way out of it leads past its end. Its labels keep their depth:
                    // what was the function is now this block.
                    Instruction::Block(block_type(body.result)),
                ],
            );
        }
        if let Some(local) = kept {
            emit(out, &[Instruction::GlobalGet(self.fuel), Instruction::LocalSet(local)]);
        }
        let mut position = body.instructions.start;
        for edit in edits {
            out.extend(bytes(code, position..edit.range.start));
            position = edit.range.end;
            match edit.what {
                What::Charge(fuel) => self.charge(fuel, kept, out),
                What::Return(depth) if !body.leaf => Instruction::Br(depth).encode(out),
                What::Return(_) => Instruction::Return.encode(out),
                What::Grow => Instruction::Call(self.grow).encode(out),
                What::Nothing => (),
            }
        }
        out.extend(bytes(code, position..body.instructions.end));
        if !body.leaf {
            emit(
                out,
                &[
                    Instruction::GlobalGet(self.stack),
                    Instruction::I32Const(units),
                    Instruction::I32Add,
                    Instruction::GlobalSet(self.stack),
                    Instruction::End,
                ],
            );
        }
    }

    /// Takes fuel, from the local that keeps it if there is one.
    fn charge(&self, fuel: u32, kept: Option<u32>, out: &mut Vec<u8>) {
        let fuel = Instruction::I64Const(i64::from(fuel));
        match kept {
            None => {
                emit(out, &[Instruction::GlobalGet(self.fuel), fuel, Instruction::I64Sub]);
                Instruction::GlobalSet(self.fuel).encode(out);
                Self::trap_without_fuel(Instruction::GlobalGet(self.fuel), out);
            }
            Some(local) => {
                emit(out, &[Instruction::LocalGet(local), fuel, Instruction::I64Sub]);
                emit(out, &[Instruction::LocalTee(local), Instruction::GlobalSet(self.fuel)]);
                Self::trap_without_fuel(Instruction::LocalGet(local), out);
            }
        }
    }

    fn trap_without_fuel(left: Instruction<'_>, out: &mut Vec<u8>) {
        emit(
            out,
            &[
                left,
                Instruction::I64Const(0),
                Instruction::I64LtS,
                Instruction::If(wasm_encoder::BlockType::Empty),
                Instruction::Unreachable,
                Instruction::End,
            ],
        );
    }

    /// `memory.grow` with a price for each page. What cannot succeed costs nothing here and does not reach the engine.
    fn grow_body(&self, out: &mut Vec<u8>) {
        let (_, maximum) = self.module.memory_pages;
        emit(
            out,
            &[
                Instruction::LocalGet(0),
                Instruction::I32Const(maximum.cast_signed()),
                Instruction::MemorySize(0),
                Instruction::I32Sub,
                Instruction::I32GtU,
                Instruction::If(wasm_encoder::BlockType::Empty),
                Instruction::I32Const(-1),
                Instruction::Return,
                Instruction::End,
                Instruction::GlobalGet(self.fuel),
                Instruction::LocalGet(0),
                Instruction::I64ExtendI32U,
                Instruction::I64Const(i64::from(cost::PAGE_FUEL)),
                Instruction::I64Mul,
                Instruction::I64Sub,
                Instruction::GlobalSet(self.fuel),
            ],
        );
        Self::trap_without_fuel(Instruction::GlobalGet(self.fuel), out);
        emit(out, &[Instruction::LocalGet(0), Instruction::MemoryGrow(0), Instruction::End]);
        // No locals, said first.
        out.insert(0, 0);
    }

    /// The body of a function that stands for an entry which is imported or returns something.
    fn entry(&self, function: u32) -> Option<Vec<u8>> {
        let module = self.module;
        let ty = module.type_of(function)?;
        let returns = module.types.get(ty as usize).is_some_and(|ty| !ty.results().is_empty());
        let imported = (function as usize) < module.import_types.len();
        if !returns && !imported {
            return None;
        }
        let mut out = alloc::vec![0];
        Instruction::Call(function).encode(&mut out);
        if returns {
            Instruction::Drop.encode(&mut out);
        }
        Instruction::End.encode(&mut out);
        Some(out)
    }

    fn globals(&self, output: &mut Module) {
        let section = &self.module.sections.globals;
        let mut data = self.extended(section, 2);
        let mut added = GlobalSection::new();
        let ty = |val_type| GlobalType { val_type, mutable: true, shared: false };
        let stack = cost::STACK_UNITS.cast_signed();
        added.global(ty(wasm_encoder::ValType::I64), &ConstExpr::i64_const(0));
        added.global(ty(wasm_encoder::ValType::I32), &ConstExpr::i32_const(stack));
        // A section's own bytes are its length, its count (2, one byte), and its items.
        let mut encoded = Vec::new();
        added.encode(&mut encoded);
        data.extend(encoded.iter().skip(2));
        output.section(&RawSection { id: SectionId::Global.into(), data: &data });
    }

    /// A section with more items than it had: the new count and the old items.
    fn extended(&self, section: &Section, more: u32) -> Vec<u8> {
        let mut data = Vec::new();
        (section.count + more).encode(&mut data);
        data.extend(bytes(self.module.code, section.items.clone()));
        data
    }

    fn copy(&self, output: &mut Module, id: SectionId, section: &Section) {
        if section.count > 0 {
            output.section(&RawSection { id: id.into(), data: &self.extended(section, 0) });
        }
    }
}

/// The bytes of a range that the parser gave.
fn bytes(code: &[u8], range: core::ops::Range<usize>) -> &[u8] {
    code.get(range).unwrap_or_default()
}

/// Declarations of locals with an `i64` more, behind the others.
fn one_more_local(declarations: &[u8], out: &mut Vec<u8>) {
    let mut reader = wasmparser::BinaryReader::new(declarations, 0);
    // They passed validation: a count, and as many groups.
    let groups = reader.read_var_u32().unwrap_or_default();
    (groups + 1).encode(out);
    out.extend(bytes(declarations, reader.original_position()..declarations.len()));
    1_u32.encode(out);
    wasm_encoder::ValType::I64.encode(out);
}

fn emit(out: &mut Vec<u8>, instructions: &[Instruction<'_>]) {
    for instruction in instructions {
        instruction.encode(out);
    }
}

fn block_type(result: BlockType) -> wasm_encoder::BlockType {
    match result {
        BlockType::Type(wasmparser::ValType::I32) => {
            wasm_encoder::BlockType::Result(wasm_encoder::ValType::I32)
        }
        BlockType::Type(wasmparser::ValType::I64) => {
            wasm_encoder::BlockType::Result(wasm_encoder::ValType::I64)
        }
        BlockType::Type(wasmparser::ValType::F32) => {
            wasm_encoder::BlockType::Result(wasm_encoder::ValType::F32)
        }
        BlockType::Type(wasmparser::ValType::F64) => {
            wasm_encoder::BlockType::Result(wasm_encoder::ValType::F64)
        }
        // Without multi-value a function returns one number or nothing.
        _ => wasm_encoder::BlockType::Empty,
    }
}

/// A count that a bound of the check keeps far below 2³².
fn count(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

#[cfg(test)]
pub(crate) mod tests;
