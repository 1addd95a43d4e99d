//! A second way to count, as plain as can be: a counter is raised before each single instruction. A run that comes to its
//! end must have been charged exactly what this counts.

use wasm_encoder::{Encode, ExportKind, ExportSection, Instruction, Module, RawSection, SectionId};
use wasmparser::{Operator, Parser, Payload, TypeRef};

use crate::rewrite::cost;

/// The module with a global `counter`, which its memory growth does not count by page.
pub(crate) fn counted(code: &[u8]) -> Vec<u8> {
    let mut module = Module::new();
    let mut globals = 0;

    let mut has_globals = false;
    let mut bodies = Vec::new();
    let mut bodies_left = 0;
    for payload in Parser::new(0).parse_all(code) {
        let payload = payload.unwrap();
        let raw = |id: SectionId, range: core::ops::Range<usize>| (u8::from(id), code[range].to_vec());
        let section = match &payload {
            Payload::TypeSection(reader) => raw(SectionId::Type, reader.range()),
            Payload::ImportSection(reader) => {
                assert!(
                    reader
                        .clone()
                        .into_imports()
                        .all(|import| !matches!(import.unwrap().ty, TypeRef::Global(_)))
                );
                raw(SectionId::Import, reader.range())
            }
            Payload::FunctionSection(reader) => raw(SectionId::Function, reader.range()),
            Payload::TableSection(reader) => raw(SectionId::Table, reader.range()),
            Payload::GlobalSection(reader) => {
                has_globals = true;
                globals = reader.count();
                let mut data = Vec::new();
                (globals + 1).encode(&mut data);
                data.extend(&code[reader.original_position()..reader.range().end]);
                data.extend([0x7e, 0x01, 0x42, 0x00, 0x0b]);
                (SectionId::Global.into(), data)
            }
            Payload::ExportSection(reader) => {
                if !has_globals {
                    module.section(&RawSection {
                        id: SectionId::Global.into(),
                        data: &[1, 0x7e, 0x01, 0x42, 0x00, 0x0b],
                    });
                }
                let mut exports = ExportSection::new();
                for export in reader.clone() {
                    let export = export.unwrap();
                    exports.export(export.name, ExportKind::Func, export.index);
                }
                exports.export("counter", ExportKind::Global, globals);
                module.section(&exports);
                continue;
            }
            Payload::StartSection { range, .. } => raw(SectionId::Start, range.clone()),
            Payload::ElementSection(reader) => raw(SectionId::Element, reader.range()),
            Payload::CodeSectionStart { count, .. } => {
                bodies_left = *count;
                count.encode(&mut bodies);
                continue;
            }
            Payload::CodeSectionEntry(body) => {
                let mut out = Vec::new();
                let mut operators = body.get_operators_reader().unwrap();
                out.extend(&code[body.range().start..operators.original_position()]);
                let add = |cost: u32, out: &mut Vec<u8>| {
                    for instruction in [
                        Instruction::GlobalGet(globals),
                        Instruction::I64Const(i64::from(cost)),
                        Instruction::I64Add,
                        Instruction::GlobalSet(globals),
                    ] {
                        instruction.encode(out);
                    }
                };
                let locals: u32 =
                    body.get_locals_reader().unwrap().into_iter().map(|local| local.unwrap().0).sum();
                add(locals.div_ceil(cost::LOCALS_PER_FUEL), &mut out);
                while !operators.eof() {
                    let at = operators.original_position();
                    let cost = match operators.read().unwrap() {
                        Operator::Nop
                        | Operator::Drop
                        | Operator::Block { .. }
                        | Operator::Loop { .. }
                        | Operator::Else
                        | Operator::End
                        | Operator::Unreachable
                        | Operator::Return => 0,
                        Operator::MemoryGrow { .. } => cost::GROW_FUEL,
                        _ => 1,
                    };
                    if cost > 0 {
                        add(cost, &mut out);
                    }
                    out.extend(&code[at..operators.original_position()]);
                }
                out.encode(&mut bodies);
                bodies_left -= 1;
                if bodies_left > 0 {
                    continue;
                }
                (SectionId::Code.into(), bodies.clone())
            }
            Payload::DataSection(reader) => raw(SectionId::Data, reader.range()),
            _ => continue,
        };
        module.section(&RawSection { id: section.0, data: &section.1 });
    }

    module.finish()
}
