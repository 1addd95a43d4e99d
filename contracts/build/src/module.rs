//! A module as chains take it: how to make one, and how to know one.

use basalt_contracts_vm::{Stability, ValueType, find_import};
use thiserror::Error;
use wasm_encoder::{
    ConstExpr, DataSection, EntityType, ExportKind, ExportSection, ImportSection, MemoryType, Module,
    RawSection,
};
use wasmparser::{
    BinaryReaderError, DataKind, DataSectionReader, Export, ExternalKind, Import, Operator, Parser, Payload,
    TypeRef, ValType, Validator, WasmFeatures, types::TypesRef,
};

/// Pages of 64 KiB that a contract's memory may have: 1 MiB.
const MEMORY_PAGES: u64 = 16;

/// Zeroes in a row that are worth a new piece of data, whose head takes up to nine bytes.
const ZEROES: usize = 16;

/// The functions that a chain calls.
const ENTRIES: [&str; 2] = ["deploy", "call"];

/// What a chain runs: Wasm 1.0 with sign extension, without floats, of which processors have different opinions.
const FEATURES: WasmFeatures =
    WasmFeatures::WASM1.difference(WasmFeatures::FLOATS).union(WasmFeatures::SIGN_EXTENSION);

/// Why a module is not one that chains take.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum ModuleError {
    /// Not Wasm, or of a later version of it.
    #[error(
        "{reason} (at byte {offset}); compile for wasm32v1-none, or with `-C target-cpu=mvp`, `core` included, and \
         without floats"
    )]
    Invalid {
        /// What is wrong.
        reason: String,
        /// Where.
        offset: usize,
    },
    /// A function that no chain offers.
    #[error(
        "it imports {module}.{name}, which contracts have not got; is `no_std` missing in some dependency?"
    )]
    UnknownImport {
        /// The module.
        module: String,
        /// The function.
        name: String,
    },
    /// A function that only test chains offer, or none any more.
    #[error("it imports {module}.{name}, which is {why}; do without it")]
    UnavailableImport {
        /// The module.
        module: String,
        /// The function.
        name: String,
        /// `unstable` or `deprecated`.
        why: &'static str,
    },
    /// A function that takes or returns something else.
    #[error("it imports {module}.{name} with other parameters than the function has")]
    WrongImport {
        /// The module.
        module: String,
        /// The function.
        name: String,
    },
    /// A table or a global from outside.
    #[error(
        "it imports {module}.{name}, which is no function; only functions and env.memory are there to import"
    )]
    NotAFunction {
        /// The module.
        module: String,
        /// The import.
        name: String,
    },
    /// No memory from outside.
    #[error("it does not import env.memory; link with `--import-memory`")]
    NoMemory,
    /// More memory than there is.
    #[error(
        "it wants {pages} pages of memory, and contracts have 16 of 64 KiB; keep less in statics and on the stack"
    )]
    TooMuchMemory {
        /// The pages that it begins with, or may grow to.
        pages: u64,
    },
    /// No entry point.
    #[error("it exports no function `{0}`; a contract has both `call` and `deploy`")]
    NoEntry(&'static str),
    /// Something else than an entry point.
    #[error("it exports {0:?}; a contract exports `call` and `deploy` and nothing else")]
    Export(String),
    /// An entry point that wants arguments.
    #[error("its `{0}` takes arguments; input comes from the host function `input`")]
    Entry(String),
}

impl From<BinaryReaderError> for ModuleError {
    fn from(error: BinaryReaderError) -> Self {
        Self::Invalid { reason: error.message().to_owned(), offset: error.offset() }
    }
}

/// Makes a linked module one that chains take: memory limited to what there is, no exports but the entry points, no custom
/// sections, no zeroes in data. Everything else stays as it is, byte for byte; [`check`] tells whether that was enough.
pub fn finish(wasm: &[u8]) -> Result<Vec<u8>, ModuleError> {
    let mut module = Module::new();
    for payload in Parser::new(0).parse_all(wasm) {
        let payload = payload?;
        match &payload {
            Payload::CustomSection(_) => {}
            Payload::ImportSection(imports) => {
                let mut section = ImportSection::new();
                for import in imports.clone().into_imports() {
                    let import = import?;
                    section.import(import.module, import.name, imported(&import)?);
                }
                module.section(&section);
            }
            Payload::ExportSection(exports) => {
                let mut section = ExportSection::new();
                for export in exports.clone() {
                    let export = export?;
                    if export.kind == ExternalKind::Func && ENTRIES.contains(&export.name) {
                        section.export(export.name, ExportKind::Func, export.index);
                    }
                }
                module.section(&section);
            }
            Payload::DataSection(data) if let Some(section) = without_zeroes(data.clone())? => {
                module.section(&section);
            }
            other => {
                if let Some((id, range)) = other.as_section() {
                    let data = wasm.get(range).unwrap_or_default();
                    module.section(&RawSection { id, data });
                }
            }
        }
    }
    Ok(module.finish())
}

/// The same data without long runs of zeroes, which memory is full of before. Linkers write out the zeroes of every static,
/// 16 KiB for ink!'s buffer alone, because they do not know that of a memory from outside.
///
/// `None` if the section is not as linkers write it: one piece behind the other at constant addresses.
fn without_zeroes(section: DataSectionReader<'_>) -> Result<Option<DataSection>, ModuleError> {
    let mut shorter = DataSection::new();
    let mut end = 0;
    for piece in section {
        let piece = piece?;
        let Some(start) = constant_address(&piece.kind)? else { return Ok(None) };
        // One that overlapped would overwrite with its zeroes what came before.
        if start < end {
            return Ok(None);
        }
        end = start.saturating_add(piece.data.len() as u64);
        for (offset, bytes) in runs(piece.data) {
            // As it was given: an address is 32 bits that may be written as a negative number.
            let address = start.saturating_add(offset as u64) as u32;
            shorter.active(0, &ConstExpr::i32_const(address as i32), bytes.iter().copied());
        }
    }
    Ok(Some(shorter))
}

/// The address of a piece of data, if it is a number.
fn constant_address(kind: &DataKind<'_>) -> Result<Option<u64>, ModuleError> {
    let DataKind::Active { memory_index: 0, offset_expr } = kind else { return Ok(None) };
    let mut operators = offset_expr.get_operators_reader();
    let Operator::I32Const { value } = operators.read()? else { return Ok(None) };
    let ends = matches!(operators.read()?, Operator::End);
    Ok(ends.then_some(u64::from(value as u32)))
}

/// What is left of `data` without its long runs of zeroes, with the places.
fn runs(data: &[u8]) -> Vec<(usize, &[u8])> {
    let mut runs: Vec<(usize, usize)> = Vec::new();
    for (place, _) in data.iter().enumerate().filter(|(_, byte)| **byte != 0) {
        match runs.last_mut() {
            Some((_, end)) if place - *end < ZEROES => *end = place + 1,
            _ => runs.push((place, place + 1)),
        }
    }
    runs.into_iter().map(|(start, end)| (start, &data[start..end])).collect()
}

/// The same import, with memory limited.
fn imported(import: &Import<'_>) -> Result<EntityType, ModuleError> {
    match import.ty {
        TypeRef::Func(signature) => Ok(EntityType::Function(signature)),
        TypeRef::Memory(memory) => Ok(EntityType::Memory(MemoryType {
            minimum: memory.initial,
            maximum: Some(memory.maximum.unwrap_or(MEMORY_PAGES).min(MEMORY_PAGES).max(memory.initial)),
            memory64: memory.memory64,
            shared: memory.shared,
            page_size_log2: memory.page_size_log2,
        })),
        _ => Err(ModuleError::NotAFunction { module: import.module.into(), name: import.name.into() }),
    }
}

/// Does a chain with `pallet-contracts` take `wasm`? All its rules but the limit of size, which each chain sets.
pub fn check(wasm: &[u8]) -> Result<(), ModuleError> {
    let types = Validator::new_with_features(FEATURES).validate_all(wasm)?;
    let types = types.as_ref();
    let mut memory = None;
    let mut entries = Vec::new();
    for payload in Parser::new(0).parse_all(wasm) {
        match payload? {
            Payload::ImportSection(imports) => {
                for import in imports.into_imports() {
                    memory = check_import(&import?, types)?.or(memory);
                }
            }
            Payload::ExportSection(exports) => {
                for export in exports {
                    entries.push(check_export(&export?, types)?);
                }
            }
            _ => {}
        }
    }
    let pages = memory.ok_or(ModuleError::NoMemory)?;
    if pages > MEMORY_PAGES {
        return Err(ModuleError::TooMuchMemory { pages });
    }
    match ENTRIES.into_iter().find(|entry| !entries.contains(entry)) {
        Some(entry) => Err(ModuleError::NoEntry(entry)),
        None => Ok(()),
    }
}

/// Checks one import. Returns the greatest number of pages if it is the memory.
fn check_import(import: &Import<'_>, types: TypesRef<'_>) -> Result<Option<u64>, ModuleError> {
    let named = || (import.module.to_owned(), import.name.to_owned());
    let signature = match import.ty {
        TypeRef::Memory(memory) if (import.module, import.name) == ("env", "memory") => {
            return Ok(Some(memory.maximum.unwrap_or(MEMORY_PAGES).max(memory.initial)));
        }
        TypeRef::Func(signature) => signature,
        _ => {
            let (module, name) = named();
            return Err(ModuleError::NotAFunction { module, name });
        }
    };
    let (module, name) = named();
    let known = match find_import(import.module, import.name) {
        None => return Err(ModuleError::UnknownImport { module, name }),
        Some(known) => known,
    };
    match known.stability {
        Stability::Stable => {}
        Stability::Unstable => return Err(ModuleError::UnavailableImport { module, name, why: "unstable" }),
        Stability::Deprecated => {
            return Err(ModuleError::UnavailableImport { module, name, why: "deprecated" });
        }
    }
    let found = types[types.core_type_at_in_module(signature)].unwrap_func();
    let same = found.params().iter().copied().eq(known.parameters.iter().copied().map(val_type))
        && found.results().iter().copied().eq(known.result.into_iter().map(val_type));
    if same { Ok(None) } else { Err(ModuleError::WrongImport { module, name }) }
}

/// Checks one export, which must be an entry point.
fn check_export<'a>(export: &Export<'a>, types: TypesRef<'_>) -> Result<&'a str, ModuleError> {
    if export.kind != ExternalKind::Func || !ENTRIES.contains(&export.name) {
        return Err(ModuleError::Export(export.name.to_owned()));
    }
    let entry = types[types.core_function_at(export.index)].unwrap_func();
    // An i32 was a status once; it is still tolerated and ignored.
    if entry.params().is_empty() && matches!(entry.results(), [] | [ValType::I32]) {
        Ok(export.name)
    } else {
        Err(ModuleError::Entry(export.name.to_owned()))
    }
}

fn val_type(plain: ValueType) -> ValType {
    match plain {
        ValueType::I32 => ValType::I32,
        ValueType::I64 => ValType::I64,
    }
}

#[cfg(test)]
mod tests;
