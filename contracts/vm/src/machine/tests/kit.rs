//! Hosts, codes and machines for the tests.

use basalt_primitives::{H256, hashing::blake2_256};

use crate::{
    Code, Determinism, Ended, Engines, Entry, Halt, Host, HostFunction, LoadError, Machine, MachineConfig,
    MachineError, Policy, Run, SourceError, WasmMachine, engine::left,
};

pub(super) const POLICY: Policy = Policy {
    memory_pages_max: 16,
    determinism: Determinism::Enforced,
    unstable: true,
    chain_extension: true,
};

pub(super) const FUEL: u64 = 20_000_000;

pub(super) fn machine(engines: Engines) -> WasmMachine {
    WasmMachine::new(MachineConfig { engines, ..MachineConfig::default() }).unwrap()
}

/// One call of a host function: which, with what, on which memory, at which fuel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) function: HostFunction,
    pub(super) arguments: Vec<u64>,
    pub(super) memory: [u8; 32],
    pub(super) fuel: u64,
}

/// A host that writes everything down and answers by rules that depend on nothing else.
#[derive(Default)]
pub(super) struct Recorder {
    pub(super) trace: Vec<Asked>,
}

impl Host for Recorder {
    fn call(
        &mut self,
        function: HostFunction,
        arguments: &[u64],
        memory: &mut [u8],
        fuel: &mut u64,
    ) -> Result<u64, Halt> {
        self.trace.push(Asked {
            function,
            arguments: arguments.to_vec(),
            memory: blake2_256(memory),
            fuel: *fuel,
        });
        if self.trace.len() > 10_000 {
            return Err(Halt);
        }
        match function {
            HostFunction::Return | HostFunction::Terminate | HostFunction::TerminateV1 => return Err(Halt),
            HostFunction::DebugMessage => panic!("the host panics"),
            HostFunction::Caller => *fuel /= 2,
            HostFunction::Address => *fuel = 0,
            _ => {
                *fuel = fuel.saturating_sub(100);
                // An answer where the first argument points to.
                let at = arguments.first().copied().unwrap_or(0) as usize;
                let digest = blake2_256(&(self.trace.len() as u64).to_le_bytes());
                if let Some(place) = memory.get_mut(at..).and_then(|rest| rest.get_mut(..32)) {
                    place.copy_from_slice(&digest);
                }
            }
        }
        Ok(self.trace.len() as u64 * 0x1_0000_0003)
    }
}

pub(super) fn with_source<R>(code: &[u8], work: impl FnOnce(&Code<'_>) -> R) -> R {
    let source = || Ok::<_, SourceError>(code.to_vec());
    work(&Code { hash: H256(blake2_256(code)), source: &source })
}

pub(super) fn hash(code: &[u8]) -> H256 {
    H256(blake2_256(code))
}

pub(super) fn run(
    machine: &WasmMachine,
    code: &[u8],
    entry: Entry,
    fuel: u64,
    host: &mut dyn Host,
) -> Result<Run, MachineError> {
    with_source(code, |code| machine.run(code, &POLICY, entry, fuel, host))
}

/// A contract with `body` in `call`, `constructor` in `deploy`, and `more` beside it.
pub(super) fn contract(imports: &str, more: &str, body: &str) -> Vec<u8> {
    let text = format!(
        r#"(module
            {imports}
            (import "env" "memory" (memory 2 16))
            {more}
            (func (export "deploy"))
            (func (export "call") {body}))"#
    );
    wat::parse_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// What must be equal: the run, everything the host was asked, and the last memory.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) run: Result<Run, String>,
    pub(super) trace: Vec<Asked>,
    memory: [u8; 32],
}

pub(super) fn told(machine: &WasmMachine, code: &[u8], entry: Entry, fuel: u64) -> Told {
    let mut host = Recorder::default();
    left::take();
    let run = run(machine, code, entry, fuel, &mut host).map_err(|error| error.to_string());
    Told { run, trace: host.trace, memory: left::take() }
}

/// Both engines, alone.
pub(super) struct Both {
    pub(super) interpreter: WasmMachine,
    pub(super) compiler: WasmMachine,
}

impl Both {
    pub(super) fn new() -> Self {
        Self { interpreter: machine(Engines::InterpreterOnly), compiler: machine(Engines::CompiledOnly) }
    }

    /// Runs on each, twice: what a run leaves behind must not reach the next.
    pub(super) fn told(&self, code: &[u8], entry: Entry, fuel: u64) -> Told {
        let interpreted = told(&self.interpreter, code, entry, fuel);
        for machine in [&self.compiler, &self.interpreter, &self.compiler] {
            assert_eq!(told(machine, code, entry, fuel), interpreted);
        }
        interpreted
    }

    pub(super) fn call(&self, code: &[u8], fuel: u64) -> (Ended, u64, Vec<Asked>) {
        let told = self.told(code, Entry::Call, fuel);
        let run = told.run.unwrap();
        (run.ended, run.fuel_left, told.trace)
    }
}

/// The reason of a refusal when loading.
pub(super) fn refusal(result: Result<Run, MachineError>) -> String {
    match result {
        Err(MachineError::Load(LoadError::Refused { refused, .. })) => refused.0,
        other => panic!("not refused: {other:?}"),
    }
}
