//! A machine that writes down what contracts ask of their host.

use std::sync::{Mutex, MutexGuard, PoisonError};

use basalt_contracts_vm::{
    Checked, Code, Ended, Entry, Halt, Host, HostFunction, Machine, MachineError, Policy, Refused, Run,
    WasmMachine,
};

/// What is written down of one run; more is counted only.
const EVENTS_MAX: usize = 20_000;

/// Something between a contract and its host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    /// A host function answered, or ended the run.
    Asked { depth: u32, function: HostFunction, answer: Result<u64, Halt>, fuel: u64 },
    /// A run ended.
    Ended { depth: u32, entry: Entry, ended: Ended, fuel_left: u64 },
}

#[derive(Debug, Default)]
struct Log {
    depth: u32,
    told: Vec<Told>,
}

impl Log {
    fn tell(&mut self, told: Told) {
        if self.told.len() < EVENTS_MAX {
            self.told.push(told);
        }
    }
}

/// The machine.
pub(super) struct Watched<'m> {
    machine: &'m WasmMachine,
    log: Mutex<Log>,
}

impl<'m> Watched<'m> {
    pub(super) fn new(machine: &'m WasmMachine) -> Self {
        Self { machine, log: Mutex::default() }
    }

    /// What was told since the last time.
    pub(super) fn take(&self) -> Vec<Told> {
        std::mem::take(&mut self.log().told)
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Machine for Watched<'_> {
    fn check(&self, code: &[u8], policy: &Policy) -> Result<Checked, Refused> {
        self.machine.check(code, policy)
    }

    fn run(
        &self,
        code: &Code<'_>,
        policy: &Policy,
        entry: Entry,
        fuel: u64,
        host: &mut dyn Host,
    ) -> Result<Run, MachineError> {
        self.log().depth += 1;
        let result = self.machine.run(code, policy, entry, fuel, &mut Watching { host, watched: self });
        let mut log = self.log();
        if let Ok(run) = &result {
            assert!(run.fuel_left <= fuel, "a run ended with more fuel than it had");
            let depth = log.depth;
            log.tell(Told::Ended { depth, entry, ended: run.ended, fuel_left: run.fuel_left });
        }
        log.depth -= 1;
        result
    }
}

struct Watching<'h, 'w> {
    host: &'h mut dyn Host,
    watched: &'w Watched<'w>,
}

impl Host for Watching<'_, '_> {
    fn call(
        &mut self,
        function: HostFunction,
        arguments: &[u64],
        memory: &mut [u8],
        fuel: &mut u64,
    ) -> Result<u64, Halt> {
        let answer = self.host.call(function, arguments, memory, fuel);
        let mut log = self.watched.log();
        let depth = log.depth;
        log.tell(Told::Asked { depth, function, answer, fuel: *fuel });
        answer
    }
}
