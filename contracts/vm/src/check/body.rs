//! What the rewriter must know of a function's body: where to charge how much, and what the function needs of the stack.

use alloc::{format, vec::Vec};
use core::ops::Range;

use wasmparser::{BlockType, FuncValidator, FunctionBody, Operator, ValidatorResources};

use super::{Refused, bounds, invalid};
use crate::rewrite::cost;

/// A function's body and how to rewrite it. All positions are bytes of the module.
#[derive(Debug)]
pub(crate) struct Body {
    /// The declarations of locals.
    pub(crate) locals: Range<usize>,
    /// The instructions.
    pub(crate) instructions: Range<usize>,
    /// Its edits, in the order of their positions, as indices into the module's list.
    pub(crate) edits: Range<usize>,
    /// What a call of it takes of the stack.
    pub(crate) units: u32,
    /// Whether it calls nothing, so that nobody below needs to know what it took.
    pub(crate) leaf: bool,
    /// What it returns.
    pub(crate) result: BlockType,
    /// Parameters and locals.
    pub(crate) variables: u32,
    /// Whether a local keeps the fuel: it has a loop, and nobody else takes fuel while it runs.
    pub(crate) keeps_fuel: bool,
}

/// One change of a body: the bytes of `range` go, something else comes.
#[derive(Debug)]
pub(crate) struct Edit {
    /// What goes; empty where something is only added.
    pub(crate) range: Range<usize>,
    /// What comes.
    pub(crate) what: What,
}

/// What comes in an [`Edit`].
#[derive(Debug, Clone, Copy)]
pub(crate) enum What {
    /// Fuel is taken.
    Charge(u32),
    /// A `return`, out of so many blocks.
    Return(u32),
    /// `memory.grow`.
    Grow,
    /// Nothing: the instructions cannot be reached.
    Nothing,
}

/// A block that is open.
struct Block {
    /// Whether its end may be reached by other ways than from above: by a branch, or past an `if`.
    joined: bool,
    /// Whether branches to it go to its start.
    is_loop: bool,
    /// How many branches go to it.
    branches: u64,
}

impl Block {
    fn new(joined: bool, is_loop: bool) -> Self {
        Self { joined, is_loop, branches: 0 }
    }
}

/// Goes through a body once, in step with its validation.
struct Walk<'e> {
    function: u32,
    edits: &'e mut Vec<Edit>,
    blocks: Vec<Block>,
    /// The edit that the region's instructions are charged by, once there is one.
    charge: Option<usize>,
    /// Where unreachable instructions began, and how many blocks opened since.
    dead: Option<(usize, u32)>,
    /// What a compiler may keep beside locals and operands.
    values: u32,
    height_max: u32,
    /// See [`bounds::JOINS_MAX`].
    joins: u64,
    leaf: bool,
    loops: bool,
    /// `memory.grow` occurred.
    grows: bool,
    indirect_calls: u32,
    /// See [`bounds::OPERATIONS_MAX`].
    operations: u32,
}

/// What a charge becomes for the interpreter, at most.
const CHARGE_OPERATIONS: u32 = 6;
/// What counts the stack at a function's start and end.
const FRAME_OPERATIONS: u32 = 24;

/// What an instruction becomes for the interpreter, at most; a part of it may come later, where its operand is copied because
/// a block begins or a local changes, or is listed as an argument. Far from exact: real code has a fifth of it.
fn operations(operator: &Operator<'_>) -> u32 {
    match operator {
        Operator::Nop | Operator::Drop | Operator::Block { .. } | Operator::Loop { .. } => 1,
        Operator::I32Const { .. }
        | Operator::I64Const { .. }
        | Operator::F32Const { .. }
        | Operator::F64Const { .. }
        | Operator::LocalGet { .. }
        | Operator::End
        | Operator::Unreachable => 2,
        Operator::BrIf { .. } | Operator::CallIndirect { .. } => 4,
        Operator::BrTable { targets } => targets.len().saturating_add(2).saturating_mul(2),
        _ => 3,
    }
}

/// What a body adds to the sums over the module.
pub(crate) struct Totals {
    /// See [`bounds::JOINS_MAX`].
    pub(crate) joins: u64,
    /// See [`bounds::INDIRECT_CALLS_MAX`].
    pub(crate) indirect_calls: u32,
    /// It uses `memory.grow`.
    pub(crate) grows: bool,
}

/// Validates `body`, and finds how to rewrite it.
pub(crate) fn walk(
    body: &FunctionBody<'_>,
    validator: &mut FuncValidator<ValidatorResources>,
    parameters: u32,
    result: BlockType,
    edits: &mut Vec<Edit>,
) -> Result<(Body, Totals), Refused> {
    let function = validator.index();
    let place = || format!("function {function}");
    let range = body.range();
    let bytes = range.len();
    if bytes > bounds::BODY_BYTES_MAX as usize {
        return Err(Refused(format!(
            "function {function} has {bytes} bytes, but a function may have {} at most",
            bounds::BODY_BYTES_MAX
        )));
    }
    let mut declarations = body.get_binary_reader();
    validator.read_locals(&mut declarations).map_err(|error| invalid(place(), &error))?;
    let locals_and_parameters = validator.len_locals();
    if locals_and_parameters > bounds::LOCALS_MAX {
        return Err(Refused(format!(
            "function {function} has {locals_and_parameters} parameters and locals, but a function may have {} at most",
            bounds::LOCALS_MAX
        )));
    }
    let locals = range.start..declarations.original_position();
    let entry = cost::entry(locals_and_parameters.saturating_sub(parameters));
    let first_edit = edits.len();
    let mut walk = Walk {
        function,
        edits,
        blocks: alloc::vec![Block::new(false, false)],
        charge: None,
        dead: None,
        values: 0,
        height_max: 0,
        joins: 1,
        leaf: true,
        loops: false,
        grows: false,
        indirect_calls: 0,
        operations: FRAME_OPERATIONS,
    };
    walk.take(locals.end, entry);

    let mut reader = body.get_operators_reader().map_err(|error| invalid(place(), &error))?;
    while !reader.eof() {
        let at = reader.original_position();
        let operator = reader.read().map_err(|error| invalid(place(), &error))?;
        validator.op(at, &operator).map_err(|error| invalid(place(), &error))?;
        walk.step(at..reader.original_position(), &operator, validator.operand_stack_height())?;
    }
    reader.finish().map_err(|error| invalid(place(), &error))?;
    if walk.operations > bounds::OPERATIONS_MAX {
        return Err(walk.refuse(format!(
            "may take {} operations to interpret, but a function may take {} at most: split it",
            walk.operations,
            bounds::OPERATIONS_MAX
        )));
    }

    let units = cost::FRAME_UNITS + locals_and_parameters + walk.height_max + walk.values;
    let totals = Totals {
        joins: walk.joins * u64::from(locals_and_parameters.max(1)),
        indirect_calls: walk.indirect_calls,
        grows: walk.grows,
    };
    let body = Body {
        instructions: locals.end..range.end,
        locals,
        edits: first_edit..walk.edits.len(),
        units,
        leaf: walk.leaf,
        result,
        variables: locals_and_parameters,
        keeps_fuel: walk.leaf && walk.loops && !walk.grows,
    };
    Ok((body, totals))
}

impl Walk<'_> {
    /// The instruction at `range`, which left `height` operands.
    fn step(&mut self, range: Range<usize>, operator: &Operator<'_>, height: u32) -> Result<(), Refused> {
        if self.skip(&range, operator) {
            return Ok(());
        }
        self.values += cost::values(operator);
        self.operations = self.operations.saturating_add(operations(operator));
        self.height_max = self.height_max.max(height);
        if height > bounds::OPERANDS_MAX {
            return Err(self.refuse(format!(
                "keeps {height} operands on its stack at byte {:#x}, but a function may keep {} at most",
                range.start,
                bounds::OPERANDS_MAX
            )));
        }
        self.take(range.start, cost::instruction(operator));
        match operator {
            Operator::Block { .. } => self.open(Block::new(false, false), range.start)?,
            Operator::Loop { .. } => {
                self.charge = None;
                self.loops = true;
                self.open(Block::new(false, true), range.start)?;
            }
            Operator::If { .. } => {
                self.charge = None;
                self.open(Block::new(true, false), range.start)?;
            }
            Operator::Else => self.charge = None,
            Operator::End => self.close(),
            Operator::Br { relative_depth } => {
                self.branch(*relative_depth);
                self.dead = Some((range.end, 0));
            }
            Operator::BrIf { relative_depth } => {
                self.branch(*relative_depth);
                self.charge = None;
            }
            Operator::BrTable { targets } => {
                if targets.len() > bounds::BRANCH_TABLE_MAX {
                    return Err(self.refuse(format!(
                        "has a br_table of {} targets at byte {:#x}, but one may have {} at most",
                        targets.len(),
                        range.start,
                        bounds::BRANCH_TABLE_MAX
                    )));
                }
                for target in targets.targets() {
                    let target =
                        target.map_err(|error| invalid(format!("function {}", self.function), &error))?;
                    self.branch(target);
                }
                self.branch(targets.default());
                self.dead = Some((range.end, 0));
            }
            Operator::Return => {
                let depth = u32::try_from(self.blocks.len().saturating_sub(1)).unwrap_or(u32::MAX);
                self.dead = Some((range.end, 0));
                self.edits.push(Edit { range, what: What::Return(depth) });
            }
            Operator::Unreachable => self.dead = Some((range.end, 0)),
            Operator::Call { .. } => self.leaf = false,
            Operator::CallIndirect { .. } => {
                self.leaf = false;
                self.indirect_calls += 1;
            }
            Operator::MemoryGrow { .. } => {
                self.grows = true;
                self.edits.push(Edit { range, what: What::Grow });
            }
            _ => (),
        }
        Ok(())
    }

    /// Whether the instruction is unreachable, and so goes. The `else` or `end` that closes an unreachable part stays.
    fn skip(&mut self, range: &Range<usize>, operator: &Operator<'_>) -> bool {
        let Some((since, opened)) = &mut self.dead else { return false };
        match operator {
            Operator::Block { .. } | Operator::Loop { .. } | Operator::If { .. } => *opened += 1,
            Operator::End if *opened > 0 => *opened -= 1,
            Operator::Else if *opened > 0 => (),
            Operator::Else | Operator::End => {
                if *since < range.start {
                    let range = *since..range.start;
                    self.edits.push(Edit { range, what: What::Nothing });
                }
                self.dead = None;
                self.charge = None;
                return false;
            }
            _ => (),
        }
        true
    }

    /// Adds `fuel` to what is taken for the region; if it is the region's first, right before the instruction at `at`.
    fn take(&mut self, at: usize, fuel: u32) {
        if fuel == 0 {
            return;
        }
        if let Some(edit) = self.charge.and_then(|index| self.edits.get_mut(index)) {
            // A body has at most `BODY_BYTES_MAX` instructions, none dearer than `GROW_FUEL`.
            if let What::Charge(sum) = &mut edit.what {
                *sum += fuel;
            }
        } else {
            self.charge = Some(self.edits.len());
            self.operations = self.operations.saturating_add(CHARGE_OPERATIONS);
            self.edits.push(Edit { range: at..at, what: What::Charge(fuel) });
        }
    }

    fn open(&mut self, block: Block, at: usize) -> Result<(), Refused> {
        self.joins += 1;
        // The function itself is the first.
        if self.blocks.len() > bounds::NESTING_MAX as usize {
            return Err(self.refuse(format!(
                "nests {} blocks at byte {at:#x}, but a function may nest {} at most",
                self.blocks.len(),
                bounds::NESTING_MAX
            )));
        }
        self.blocks.push(block);
        Ok(())
    }

    fn close(&mut self) {
        let Some(block) = self.blocks.pop() else { return };
        self.joins += block.branches * block.branches / bounds::BRANCHES_PER_JOIN;
        if block.joined {
            self.charge = None;
        }
    }

    fn branch(&mut self, depth: u32) {
        self.joins += 1;
        let index = self.blocks.len().checked_sub(1 + depth as usize);
        if let Some(block) = index.and_then(|index| self.blocks.get_mut(index)) {
            block.joined |= !block.is_loop;
            block.branches += 1;
        }
    }

    fn refuse(&self, what: alloc::string::String) -> Refused {
        Refused(format!("function {} {what}", self.function))
    }
}
