//! Makes a contract of any module that imports nothing: its memory becomes an import, each of its functions reports to the
//! host when it is entered, and `call` and `deploy` call two of them.

use wasm_encoder::{
    ConstExpr, ElementSection, Elements, Encode, EntityType, ExportKind, ExportSection, ImportSection,
    Instruction, MemoryType, Module, RawSection, SectionId, StartSection,
};
use wasmparser::{ElementItems, ElementKind, FuncType, Operator, Parser, Payload, SectionLimited, ValType};

fn extended<T>(code: &[u8], reader: &SectionLimited<'_, T>, more: u32, added: &[u8]) -> Vec<u8> {
    let mut data = Vec::new();
    (reader.count() + more).encode(&mut data);
    data.extend(&code[reader.original_position()..reader.range().end]);
    data.extend(added);
    data
}

/// The contract; none if there is no function or memory.
pub(crate) fn contract(code: &[u8]) -> Option<Vec<u8>> {
    let mut types: Vec<FuncType> = Vec::new();
    let mut functions: Vec<u32> = Vec::new();
    let payloads: Vec<_> = Parser::new(0).parse_all(code).collect::<Result<_, _>>().unwrap();
    let memory = payloads.iter().find_map(|payload| match payload {
        Payload::MemorySection(reader) => reader.clone().into_iter().next()?.ok(),
        _ => None,
    })?;

    let mut module = Module::new();
    let (mut bodies, mut bodies_read) = (Vec::new(), 0);
    let mut exports_due = true;
    for payload in &payloads {
        // Where the exports belong: before the first section that comes after them.
        let after_exports = matches!(
            payload,
            Payload::StartSection { .. } | Payload::ElementSection(_) | Payload::CodeSectionStart { .. }
        );
        if after_exports && exports_due {
            exports_due = false;
            let entries = u32::try_from(functions.len()).unwrap() + 1;
            let mut exports = ExportSection::new();
            exports.export("call", ExportKind::Func, entries).export("deploy", ExportKind::Func, entries + 1);
            module.section(&exports);
        }
        let (id, data) = match payload {
            Payload::TypeSection(reader) => {
                types = reader.clone().into_iter_err_on_gc_types().collect::<Result<_, _>>().unwrap();
                let added = [0x60, 0, 0, 0x60, 1, 0x7f, 1, 0x7f];
                let data = extended(code, reader, 2, &added);
                module.section(&RawSection { id: SectionId::Type.into(), data: &data });
                let mut imports = ImportSection::new();
                let ask = u32::try_from(types.len()).unwrap() + 1;
                imports.import("seal0", "is_contract", EntityType::Function(ask));
                let memory = MemoryType {
                    minimum: memory.initial.min(3),
                    maximum: memory.maximum.map(|maximum| maximum.clamp(memory.initial.min(3), 4)),
                    memory64: false,
                    shared: false,
                    page_size_log2: None,
                };
                imports.import("env", "memory", memory);
                module.section(&imports);
                continue;
            }
            Payload::FunctionSection(reader) => {
                functions = reader.clone().into_iter().collect::<Result<_, _>>().unwrap();
                let mut added = Vec::new();
                let plain = u32::try_from(types.len()).unwrap();
                [plain, plain].iter().for_each(|ty| ty.encode(&mut added));
                (SectionId::Function, extended(code, reader, 2, &added))
            }
            Payload::TableSection(reader) => (SectionId::Table, extended(code, reader, 0, &[])),
            Payload::GlobalSection(reader) => (SectionId::Global, extended(code, reader, 0, &[])),
            Payload::StartSection { func, .. } => {
                module.section(&StartSection { function_index: func + 1 });
                continue;
            }
            Payload::ElementSection(reader) => {
                let mut elements = ElementSection::new();
                for element in reader.clone() {
                    let element = element.unwrap();
                    let (ElementKind::Active { offset_expr, .. }, ElementItems::Functions(items)) =
                        (element.kind, element.items)
                    else {
                        unreachable!()
                    };
                    let Ok(Operator::I32Const { value }) = offset_expr.get_operators_reader().read() else {
                        return None;
                    };
                    let items: Vec<u32> = items.into_iter().map(|item| item.unwrap() + 1).collect();
                    elements.active(None, &ConstExpr::i32_const(value), Elements::Functions(items.into()));
                }
                module.section(&elements);
                continue;
            }
            Payload::CodeSectionStart { count, .. } => {
                (count + 2).encode(&mut bodies);
                continue;
            }
            Payload::CodeSectionEntry(body) => {
                let mut out = Vec::new();
                let mut operators = body.get_operators_reader().unwrap();
                out.extend(&code[body.range().start..operators.original_position()]);
                for instruction in
                    [Instruction::I32Const(bodies_read), Instruction::Call(0), Instruction::Drop]
                {
                    instruction.encode(&mut out);
                }
                while !operators.eof() {
                    let at = operators.original_position();
                    match operators.read().unwrap() {
                        Operator::Call { function_index } => {
                            Instruction::Call(function_index + 1).encode(&mut out)
                        }
                        _ => out.extend(&code[at..operators.original_position()]),
                    }
                }
                out.encode(&mut bodies);
                bodies_read += 1;
                if bodies_read as usize == functions.len() {
                    for entry in [0, functions.len() - 1] {
                        entry_of(&types[functions[entry] as usize], u32::try_from(entry).unwrap() + 1)
                            .encode(&mut bodies);
                    }
                    (SectionId::Code, core::mem::take(&mut bodies))
                } else {
                    continue;
                }
            }
            Payload::DataSection(reader) => (SectionId::Data, extended(code, reader, 0, &[])),
            _ => continue,
        };
        module.section(&RawSection { id: id.into(), data: &data });
    }
    (!functions.is_empty()).then(|| module.finish())
}

/// Calls a function with some arguments.
fn entry_of(ty: &FuncType, function: u32) -> Vec<u8> {
    let mut out = vec![0];
    for (n, parameter) in (3..).step_by(7).zip(ty.params()) {
        match parameter {
            ValType::I32 => Instruction::I32Const(n).encode(&mut out),
            _ => Instruction::I64Const(i64::from(n)).encode(&mut out),
        }
    }
    Instruction::Call(function).encode(&mut out);
    ty.results().iter().for_each(|_| Instruction::Drop.encode(&mut out));
    Instruction::End.encode(&mut out);
    out
}
