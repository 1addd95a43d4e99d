//! Which modules are contracts: the rules of `pallet-contracts`, and bounds on what compiling one may take.

mod body;
pub mod bounds;

use alloc::{format, string::String, vec::Vec};
use core::{fmt::Display, ops::Range};

use wasmparser::{
    BlockType, DataKind, ElementItems, ElementKind, Export, ExternalKind, FuncType, FuncValidatorAllocations,
    Import, MemoryType, Operator, Parser, Payload, TypeRef, ValType, ValidPayload, Validator, WasmFeatures,
};

pub(crate) use self::body::{Body, Edit, What};
use crate::{Checked, Determinism, IMPORTS, Policy, Refused, Stability, ValueType, find_import};

/// Bytes of a page of memory.
const PAGE_BYTES: u64 = 65_536;

/// A module that passed the check, and what its rewriting needs to know.
#[derive(Debug)]
pub struct CheckedModule<'a> {
    pub(crate) code: &'a [u8],
    /// What the chain remembers of it.
    pub checked: Checked,
    /// Pages of memory: at the start, and at most.
    pub memory_pages: (u32, u32),
    /// The function imports, as indices into [`IMPORTS`].
    pub imports: Vec<usize>,
    /// Whether a deprecated function is among them: then it has no constructor, only messages.
    pub deprecated: bool,
    /// Of each function import, in order.
    pub(crate) import_types: Vec<u32>,
    pub(crate) types: Vec<FuncType>,
    /// Of each function that the module defines.
    pub(crate) functions: Vec<u32>,
    pub(crate) bodies: Vec<Body>,
    pub(crate) edits: Vec<Edit>,
    /// Whether `memory.grow` occurs.
    pub(crate) grows: bool,
    /// Globals that can be set.
    pub(crate) mutable_globals: Vec<u32>,
    pub(crate) start: Option<u32>,
    /// The functions that are exported as `call` and `deploy`.
    pub(crate) call: u32,
    pub(crate) deploy: u32,
    /// Sections that stay as they are, or are added to.
    pub(crate) sections: Sections,
}

/// Where sections are in the code, from their count on; empty if there is none.
#[derive(Debug, Default)]
pub(crate) struct Sections {
    pub(crate) types: Section,
    pub(crate) functions: Section,
    pub(crate) tables: Section,
    pub(crate) globals: Section,
    pub(crate) elements: Section,
    pub(crate) data: Section,
}

/// A section's items.
#[derive(Debug, Default)]
pub(crate) struct Section {
    pub(crate) count: u32,
    /// Their bytes in the code.
    pub(crate) items: Range<usize>,
}

/// Checks code that somebody wants to upload.
///
/// # Errors
///
/// [`Refused`] names the place and the rule.
pub fn check<'a>(code: &'a [u8], policy: &Policy) -> Result<CheckedModule<'a>, Refused> {
    check_stored(code, policy, false)
}

/// Checks code, which may import deprecated functions if it is `deprecated`: such code was uploaded when they were not.
///
/// # Errors
///
/// [`Refused`] names the place and the rule.
pub fn check_stored<'a>(
    code: &'a [u8],
    policy: &Policy,
    deprecated: bool,
) -> Result<CheckedModule<'a>, Refused> {
    match Check::run(code, policy, deprecated, Determinism::Enforced) {
        Err(_) if policy.determinism == Determinism::Relaxed => {
            Check::run(code, policy, deprecated, Determinism::Relaxed)
        }
        outcome => outcome,
    }
}

/// The check on its way through the sections.
struct Check<'a, 'p> {
    policy: &'p Policy,
    deprecated: bool,
    memory: Option<(u32, u32)>,
    call: Option<u32>,
    deploy: Option<u32>,
    table_elements: u64,
    joins: u64,
    indirect_calls: u32,
    allocations: FuncValidatorAllocations,
    module: CheckedModule<'a>,
}

impl<'a, 'p> Check<'a, 'p> {
    fn run(
        code: &'a [u8],
        policy: &'p Policy,
        deprecated: bool,
        determinism: Determinism,
    ) -> Result<CheckedModule<'a>, Refused> {
        let features = features(determinism);
        let mut validator = Validator::new_with_features(features);
        let mut parser = Parser::new(0);
        parser.set_features(features);
        let mut check = Check {
            policy,
            deprecated,
            memory: None,
            call: None,
            deploy: None,
            table_elements: 0,
            joins: 0,
            indirect_calls: 0,
            allocations: FuncValidatorAllocations::default(),
            module: CheckedModule {
                code,
                checked: Checked { determinism },
                memory_pages: (0, 0),
                imports: Vec::new(),
                deprecated: false,
                import_types: Vec::new(),
                types: Vec::new(),
                functions: Vec::new(),
                bodies: Vec::new(),
                edits: Vec::new(),
                grows: false,
                mutable_globals: Vec::new(),
                start: None,
                call: 0,
                deploy: 0,
                sections: Sections::default(),
            },
        };
        for payload in parser.parse_all(code) {
            let payload = payload.map_err(|error| invalid("the module", &error))?;
            // Ours first: where both have something to say, ours is the better message.
            check.section(&payload)?;
            let valid = validator.payload(&payload).map_err(|error| invalid("the module", &error))?;
            if let ValidPayload::Func(function, body) = valid {
                check.function(function, &body)?;
            }
        }
        check.finish()
    }

    fn section(&mut self, payload: &Payload<'a>) -> Result<(), Refused> {
        let sections = &mut self.module.sections;
        match payload {
            Payload::TypeSection(reader) => {
                at_most("function types", reader.count(), bounds::TYPES_MAX)?;
                sections.types = section(reader.count(), reader.original_position(), reader.range());
                for ty in reader.clone().into_iter_err_on_gc_types() {
                    let ty = ty.map_err(|error| invalid("the type section", &error))?;
                    let count = u32::try_from(ty.params().len()).unwrap_or(u32::MAX);
                    at_most(
                        format_args!("parameters in function type {}", self.module.types.len()),
                        count,
                        bounds::PARAMETERS_MAX,
                    )?;
                    self.module.types.push(ty);
                }
            }
            Payload::ImportSection(reader) => {
                at_most("imports", reader.count(), bounds::IMPORTS_MAX)?;
                for import in reader.clone().into_imports() {
                    self.import(&import.map_err(|error| invalid("the import section", &error))?)?;
                }
            }
            Payload::FunctionSection(reader) => {
                at_most("functions", reader.count(), bounds::FUNCTIONS_MAX)?;
                sections.functions = section(reader.count(), reader.original_position(), reader.range());
                for ty in reader.clone() {
                    self.module.functions.push(ty.map_err(|error| invalid("the function section", &error))?);
                }
            }
            Payload::TableSection(reader) => {
                at_most("tables", reader.count(), 1)?;
                sections.tables = section(reader.count(), reader.original_position(), reader.range());
                for table in reader.clone() {
                    let table = table.map_err(|error| invalid("the table section", &error))?;
                    if table.ty.initial > u64::from(bounds::TABLE_ELEMENTS_MAX) {
                        return Err(Refused(format!(
                            "the table has {} elements, but it may have {} at most",
                            table.ty.initial,
                            bounds::TABLE_ELEMENTS_MAX
                        )));
                    }
                    self.table_elements = table.ty.initial;
                }
            }
            Payload::MemorySection(reader) if reader.count() > 0 => {
                return Err(refused(
                    "the module defines its own memory, but it must import `memory` from `env` instead",
                ));
            }
            Payload::GlobalSection(reader) => {
                at_most("globals", reader.count(), bounds::GLOBALS_MAX)?;
                sections.globals = section(reader.count(), reader.original_position(), reader.range());
                for (index, global) in (0..).zip(reader.clone()) {
                    if global.map_err(|error| invalid("the global section", &error))?.ty.mutable {
                        self.module.mutable_globals.push(index);
                    }
                }
            }
            Payload::ExportSection(reader) => {
                for export in reader.clone() {
                    self.export(&export.map_err(|error| invalid("the export section", &error))?)?;
                }
            }
            Payload::StartSection { func, .. } => self.module.start = Some(*func),
            Payload::ElementSection(reader) => {
                at_most("element segments", reader.count(), bounds::ELEMENT_SEGMENTS_MAX)?;
                sections.elements = section(reader.count(), reader.original_position(), reader.range());
                for (index, element) in reader.clone().into_iter().enumerate() {
                    let element = element.map_err(|error| invalid("the element section", &error))?;
                    let (ElementKind::Active { offset_expr, .. }, ElementItems::Functions(items)) =
                        (&element.kind, &element.items)
                    else {
                        return Err(Refused(format!(
                            "element segment {index} is not an active one of functions, and others are not allowed"
                        )));
                    };
                    let end = constant(&mut offset_expr.get_operators_reader()) + u64::from(items.count());
                    if end > self.table_elements {
                        return Err(Refused(format!(
                            "element segment {index} ends at {end}, but the table has {} elements",
                            self.table_elements
                        )));
                    }
                }
            }
            Payload::DataSection(reader) => {
                at_most("data segments", reader.count(), bounds::DATA_SEGMENTS_MAX)?;
                sections.data = section(reader.count(), reader.original_position(), reader.range());
                let bytes = self.memory.map_or(0, |(pages, _)| u64::from(pages) * PAGE_BYTES);
                for (index, data) in reader.clone().into_iter().enumerate() {
                    let data = data.map_err(|error| invalid("the data section", &error))?;
                    let DataKind::Active { offset_expr, .. } = &data.kind else {
                        return Err(Refused(format!(
                            "data segment {index} is not active, and others are not allowed"
                        )));
                    };
                    let end = constant(&mut offset_expr.get_operators_reader()) + data.data.len() as u64;
                    if end > bytes {
                        return Err(Refused(format!(
                            "data segment {index} ends at byte {end}, but the memory has {bytes} bytes at the start"
                        )));
                    }
                }
            }
            _ => (),
        }
        Ok(())
    }

    fn import(&mut self, import: &Import<'a>) -> Result<(), Refused> {
        let Import { module, name, ty } = *import;
        match ty {
            TypeRef::Memory(memory) if (module, name) == ("env", "memory") => self.memory(&memory),
            TypeRef::Func(ty) => self.host_function(module, name, ty),
            _ => Err(Refused(format!(
                "the import `{module}.{name}` is not allowed: only the memory `env.memory` and functions may be imported"
            ))),
        }
    }

    fn memory(&mut self, memory: &MemoryType) -> Result<(), Refused> {
        if self.memory.is_some() {
            return Err(refused("`env.memory` is imported twice, but a contract has one memory"));
        }
        let limit = self.policy.memory_pages_max;
        let maximum = memory.maximum.unwrap_or(u64::from(bounds::MEMORY_PAGES_DEFAULT));
        if memory.initial > maximum {
            return Err(Refused(format!(
                "`env.memory` starts with {} pages, but its maximum is {maximum}",
                memory.initial
            )));
        }
        match (u32::try_from(memory.initial), u32::try_from(maximum)) {
            (Ok(initial), Ok(maximum)) if maximum <= limit => {
                self.memory = Some((initial, maximum));
                Ok(())
            }
            _ => Err(Refused(format!(
                "`env.memory` may grow to {maximum} pages, but a contract may have {limit} at most"
            ))),
        }
    }

    fn host_function(&mut self, module: &str, name: &str, ty: u32) -> Result<(), Refused> {
        let Some(function) = find_import(module, name) else {
            return Err(Refused(format!("there is no function `{module}.{name}` to import")));
        };
        match function.stability {
            Stability::Stable => (),
            Stability::Unstable if self.policy.unstable => (),
            Stability::Unstable => {
                return Err(Refused(format!(
                    "`{module}.{name}` is unstable, and this chain does not allow unstable functions"
                )));
            }
            Stability::Deprecated if self.deprecated => self.module.deprecated = true,
            Stability::Deprecated => {
                return Err(Refused(format!("`{module}.{name}` is deprecated: new code may not import it")));
            }
        }
        if function.function == crate::HostFunction::CallChainExtension && !self.policy.chain_extension {
            return Err(Refused(format!("`{module}.{name}` is imported, but this chain has no extension")));
        }
        let expected = |side: &[ValueType]| side.iter().map(|ty| value_type(*ty)).collect::<Vec<_>>();
        let (parameters, results) = (expected(function.parameters), expected(function.result.as_slice()));
        let given = self.function_type(ty)?;
        if given.params() != parameters.as_slice() || given.results() != results.as_slice() {
            return Err(Refused(format!(
                "`{module}.{name}` is imported as {}, but it is {}",
                signature(given.params(), given.results()),
                signature(&parameters, &results)
            )));
        }
        // Found in it above, so it has an index.
        let index = IMPORTS.iter().position(|import| import == function).unwrap_or(usize::MAX);
        self.module.imports.push(index);
        self.module.import_types.push(ty);
        Ok(())
    }

    fn export(&mut self, export: &Export<'a>) -> Result<(), Refused> {
        let entry = match (export.name, export.kind) {
            ("call", ExternalKind::Func) => &mut self.call,
            ("deploy", ExternalKind::Func) => &mut self.deploy,
            _ => {
                return Err(Refused(format!(
                    "the export `{}` is not allowed: a contract exports the functions `call` and `deploy` and nothing else",
                    export.name
                )));
            }
        };
        if entry.replace(export.index).is_some() {
            return Err(Refused(format!("`{}` is exported twice", export.name)));
        }
        let ty = self.module.type_of(export.index).ok_or_else(|| {
            Refused(format!(
                "`{}` is exported as function {}, which does not exist",
                export.name, export.index
            ))
        })?;
        let ty = self.function_type(ty)?;
        if !ty.params().is_empty() || !matches!(ty.results(), [] | [ValType::I32]) {
            return Err(Refused(format!(
                "`{}` is {}, but it must be () -> () or () -> i32",
                export.name,
                signature(ty.params(), ty.results())
            )));
        }
        Ok(())
    }

    fn function(
        &mut self,
        function: wasmparser::FuncToValidate<wasmparser::ValidatorResources>,
        body: &wasmparser::FunctionBody<'a>,
    ) -> Result<(), Refused> {
        let ty = self.function_type(function.ty)?;
        let parameters = u32::try_from(ty.params().len()).unwrap_or(u32::MAX);
        let result = ty.results().first().map_or(BlockType::Empty, |ty| BlockType::Type(*ty));
        let allocations = core::mem::take(&mut self.allocations);
        let mut validator = function.into_validator(allocations);
        let (body, totals) = body::walk(body, &mut validator, parameters, result, &mut self.module.edits)?;
        self.joins += totals.joins;
        if self.joins > bounds::JOINS_MAX {
            return Err(Refused(format!(
                "up to function {}, joins of control flow times parameters and locals are {}, but they may be {} at most: it \
                 would take too long to compile",
                validator.index(),
                self.joins,
                bounds::JOINS_MAX
            )));
        }
        self.indirect_calls += totals.indirect_calls;
        at_most("instructions call_indirect", self.indirect_calls, bounds::INDIRECT_CALLS_MAX)?;
        self.module.grows |= totals.grows;
        self.module.bodies.push(body);
        self.allocations = validator.into_allocations();
        Ok(())
    }

    fn finish(mut self) -> Result<CheckedModule<'a>, Refused> {
        let missing = |name| Refused(format!("the export `{name}` is missing"));
        self.module.memory_pages =
            self.memory.ok_or_else(|| refused("the import of the memory `env.memory` is missing"))?;
        self.module.call = self.call.ok_or_else(|| missing("call"))?;
        self.module.deploy = self.deploy.ok_or_else(|| missing("deploy"))?;
        Ok(self.module)
    }

    fn function_type(&self, index: u32) -> Result<&FuncType, Refused> {
        self.module
            .types
            .get(index as usize)
            .ok_or_else(|| Refused(format!("function type {index} is used, but there is none")))
    }
}

impl CheckedModule<'_> {
    /// The type of a function, imported or defined.
    pub(crate) fn type_of(&self, function: u32) -> Option<u32> {
        self.import_types.iter().chain(&self.functions).nth(function as usize).copied()
    }
}

/// WebAssembly's first release, with sign extension.
pub(crate) fn features(determinism: Determinism) -> WasmFeatures {
    let mut features = WasmFeatures::MVP | WasmFeatures::SIGN_EXTENSION;
    features.set(WasmFeatures::FLOATS, determinism == Determinism::Relaxed);
    features
}

fn value_type(ty: ValueType) -> ValType {
    match ty {
        ValueType::I32 => ValType::I32,
        ValueType::I64 => ValType::I64,
    }
}

fn signature(parameters: &[ValType], results: &[ValType]) -> String {
    let list = |types: &[ValType]| {
        let names: Vec<_> = types.iter().map(|ty| format!("{ty}")).collect();
        names.join(", ")
    };
    match results {
        [result] => format!("({}) -> {result}", list(parameters)),
        results => format!("({}) -> ({})", list(parameters), list(results)),
    }
}

fn section(count: u32, items: usize, range: Range<usize>) -> Section {
    Section { count, items: items..range.end }
}

/// The value of a constant expression. Offsets can only be `i32.const`, since no globals can be imported; whether this one
/// is, the validator says.
fn constant(reader: &mut wasmparser::OperatorsReader<'_>) -> u64 {
    match reader.read() {
        Ok(Operator::I32Const { value }) => u64::from(value.cast_unsigned()),
        _ => 0,
    }
}

fn at_most(what: impl Display, count: u32, most: u32) -> Result<(), Refused> {
    if count > most {
        return Err(Refused(format!("there are {count} {what}, but there may be {most} at most")));
    }
    Ok(())
}

fn refused(why: &str) -> Refused {
    Refused(why.into())
}

/// What the validator says, with the rule that most of its refusals come from.
pub(crate) fn invalid(place: impl Display, error: &wasmparser::Error) -> Refused {
    Refused(format!(
        "{place} is not valid at byte {:#x}: {} (contracts are WebAssembly 1.0 with sign extension, without floating \
         point)",
        error.offset(),
        error.message()
    ))
}

#[cfg(test)]
mod tests;
