//! How long a run takes: `cargo run -p basalt-contracts-vm --example vm_speed [-- CONTRACT.wasm:INPUT-IN-HEX ...]`.
//!
//! Prints microseconds per run, the least of several rounds, for compiled and for interpreted code; "nothing" has an empty
//! body, so it is what the instance alone costs. "alternating" runs all contracts in turn, as a block does, rather than one
//! again and again.
#![expect(clippy::print_stdout, reason = "it is a program that prints")]
#![expect(clippy::unwrap_used, reason = "it may stop at the first error")]

use std::{collections::HashMap, env, fs, time::Instant};

use basalt_contracts_vm::{
    Code, Determinism, Engines, Entry, Halt, Host, HostFunction as F, Machine, MachineConfig, Policy, Run,
    SourceError, THREAD_STACK_BYTES, WasmMachine,
};
use basalt_primitives::{H256, hashing::blake2_256};

const POLICY: Policy = Policy {
    memory_pages_max: 16,
    determinism: Determinism::Enforced,
    unstable: true,
    chain_extension: false,
};
const FUEL: u64 = 1 << 50;

/// Storage in a table; everything else as little as possible.
struct Mock {
    input: Vec<u8>,
    storage: HashMap<Vec<u8>, Vec<u8>>,
    output: Vec<u8>,
}

impl Mock {
    /// Writes what a function returns through a pointer and a pointer to the space there.
    fn give(memory: &mut [u8], at: u64, length_at: u64, value: &[u8]) {
        memory[at as usize..][..value.len()].copy_from_slice(value);
        memory[length_at as usize..][..4].copy_from_slice(&(value.len() as u32).to_le_bytes());
    }
}

impl Host for Mock {
    fn call(&mut self, function: F, a: &[u64], memory: &mut [u8], fuel: &mut u64) -> Result<u64, Halt> {
        *fuel -= 1000;
        let bytes = |at: usize, length: usize| memory[a[at] as usize..][..a[length] as usize].to_vec();
        match function {
            F::Input => {
                let input = self.input.clone();
                Self::give(memory, a[0], a[1], &input);
            }
            F::Caller | F::Address => Self::give(memory, a[0], a[1], &[7; 32]),
            F::ValueTransferred | F::Balance => Self::give(memory, a[0], a[1], &[0; 16]),
            F::Now | F::GasLeft => Self::give(memory, a[0], a[1], &[1; 8]),
            F::GetStorageV1 => {
                let Some(value) = self.storage.get(&bytes(0, 1)).cloned() else { return Ok(3) };
                Self::give(memory, a[2], a[3], &value);
            }
            F::ContainsStorageV1 => {
                let length = self.storage.get(&bytes(0, 1)).map(|value| value.len() as u64);
                return Ok(length.unwrap_or(0xffff_ffff));
            }
            F::SetStorageV2 => {
                let old = self.storage.insert(bytes(0, 1), bytes(2, 3));
                return Ok(old.map_or(0xffff_ffff, |old| old.len() as u64));
            }
            F::HashBlake2256 => {
                let hash = blake2_256(&bytes(0, 1));
                memory[a[2] as usize..][..32].copy_from_slice(&hash);
            }
            F::Return => {
                self.output = bytes(1, 2);
                return Err(Halt);
            }
            F::DepositEvent | F::DebugMessage => {}
            other => panic!("{other:?} is not mocked"),
        }
        Ok(0)
    }
}

/// As much as `flip` of ink!'s flipper does.
const FLIP: &str = r#"
    (call $input (i32.const 0x10000) (i32.const 0xfff0))
    (call $value (i32.const 0x10010) (i32.const 0xfff0))
    (drop (call $get (i32.const 8) (i32.const 4) (i32.const 0x10020) (i32.const 0xfff0)))
    (i32.store8 (i32.const 0x10020) (i32.eqz (i32.load8_u (i32.const 0x10020))))
    (drop (call $set (i32.const 8) (i32.const 4) (i32.const 0x10020) (i32.const 1)))
    (call $return (i32.const 0) (i32.const 0x10020) (i32.const 0))"#;

/// As much as `transfer` of ink!'s erc20 does: two balances by hashed keys, an event, some copying in between.
const TRANSFER: &str = r#"
    (call $input (i32.const 0x10000) (i32.const 0xfff0))
    (call $value (i32.const 0x10080) (i32.const 0xfff0))
    (drop (call $get (i32.const 8) (i32.const 4) (i32.const 0x10020) (i32.const 0xfff0)))
    (call $caller (i32.const 0x10040) (i32.const 0xfff0))
    (call $copy (i32.const 0x10100) (i32.const 0x10040) (i32.const 200))
    (call $blake (i32.const 0x10040) (i32.const 32) (i32.const 0x10060))
    (drop (call $get (i32.const 0x10060) (i32.const 32) (i32.const 0x10020) (i32.const 0xfff0)))
    (i64.store (i32.const 0x10020) (i64.sub (i64.load (i32.const 0x10020)) (i64.const 1)))
    (drop (call $set (i32.const 0x10060) (i32.const 32) (i32.const 0x10020) (i32.const 16)))
    (call $copy (i32.const 0x10200) (i32.const 0x10100) (i32.const 300))
    (drop (call $get (i32.const 0x10061) (i32.const 32) (i32.const 0x10020) (i32.const 0xfff0)))
    (i64.store (i32.const 0x10020) (i64.add (i64.load (i32.const 0x10020)) (i64.const 1)))
    (drop (call $set (i32.const 0x10061) (i32.const 32) (i32.const 0x10020) (i32.const 16)))
    (call $copy (i32.const 0x10300) (i32.const 0x10000) (i32.const 150))
    (call $event (i32.const 0x10100) (i32.const 96) (i32.const 0x10200) (i32.const 80))
    (call $return (i32.const 0) (i32.const 0x10020) (i32.const 2))"#;

/// Long computation.
const LOOP: &str = r#"(local $i i32)
    (loop (call $copy (i32.const 0x10300) (i32.const 0x10000) (i32.const 1000))
        (br_if 0 (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 100))))"#;

fn contract(body: &str) -> Vec<u8> {
    wat::parse_str(format!(
        r#"(module
            (import "seal0" "input" (func $input (param i32 i32)))
            (import "seal0" "value_transferred" (func $value (param i32 i32)))
            (import "seal0" "caller" (func $caller (param i32 i32)))
            (import "seal1" "get_storage" (func $get (param i32 i32 i32 i32) (result i32)))
            (import "seal2" "set_storage" (func $set (param i32 i32 i32 i32) (result i32)))
            (import "seal0" "hash_blake2_256" (func $blake (param i32 i32 i32)))
            (import "seal0" "deposit_event" (func $event (param i32 i32 i32 i32)))
            (import "seal0" "seal_return" (func $return (param i32 i32 i32)))
            (import "env" "memory" (memory 2 16))
            (func $copy (param $to i32) (param $from i32) (param $length i32)
                (loop
                    (i32.store8 (local.get $to) (i32.load8_u (local.get $from)))
                    (local.set $to (i32.add (local.get $to) (i32.const 1)))
                    (local.set $from (i32.add (local.get $from) (i32.const 1)))
                    (br_if 0 (local.tee $length (i32.sub (local.get $length) (i32.const 1))))))
            (data (i32.const 0x11000) "some constants and texts of panics, as compilers put them there")
            (func (export "deploy"))
            (func (export "call") {body}))"#
    ))
    .unwrap()
}

struct Subject {
    name: String,
    hash: H256,
    code: Vec<u8>,
    host: Mock,
}

impl Subject {
    fn new(name: &str, code: Vec<u8>, input: Vec<u8>) -> Self {
        let host = Mock { input, storage: HashMap::from([(vec![0; 4], vec![0])]), output: Vec::new() };
        Self { name: name.into(), hash: H256(blake2_256(&code)), code, host }
    }

    fn run(&mut self, machine: &WasmMachine, entry: Entry) -> Run {
        let source = || Ok::<_, SourceError>(self.code.clone());
        let code = Code { hash: self.hash, source: &source };
        machine.run(&code, &POLICY, entry, FUEL, &mut self.host).unwrap()
    }
}

/// Microseconds per turn of `work`: the least of some rounds.
fn measure(turns: u32, mut work: impl FnMut()) -> f64 {
    (0..12)
        .map(|_| {
            let start = Instant::now();
            (0..turns).for_each(|_| work());
            start.elapsed().as_secs_f64() * 1e6 / f64::from(turns)
        })
        .fold(f64::INFINITY, f64::min)
}

fn report() {
    let mut subjects = vec![
        Subject::new("nothing", contract(""), vec![]),
        Subject::new("flip", contract(FLIP), vec![1, 2, 3, 4]),
        Subject::new("transfer", contract(TRANSFER), vec![1; 52]),
        Subject::new("loop", contract(LOOP), vec![]),
    ];
    for argument in env::args().skip(1) {
        let (path, input) = argument.split_once(':').unwrap();
        let input = (0..input.len() / 2).map(|at| u8::from_str_radix(&input[2 * at..][..2], 16).unwrap());
        subjects.push(Subject::new(path, fs::read(path).unwrap(), input.collect()));
    }
    let machine = |engines| WasmMachine::new(MachineConfig { engines, ..MachineConfig::default() }).unwrap();
    let (compiler, interpreter) = (machine(Engines::CompiledOnly), machine(Engines::InterpreterOnly));
    println!("{:>12} {:>9} {:>12} {:>12}", "", "fuel", "compiled µs", "interpr. µs");
    for subject in &mut subjects {
        subject.run(&compiler, Entry::Deploy);
        let run = subject.run(&compiler, Entry::Call);
        let compiled = measure(2000, || _ = subject.run(&compiler, Entry::Call));
        let interpreted = measure(500, || _ = subject.run(&interpreter, Entry::Call));
        let name = subject.name.rsplit('/').next().unwrap_or_default();
        println!(
            "{name:>12} {:>9} {compiled:>12.2} {interpreted:>12.2}  {:?}",
            FUEL - run.fuel_left,
            run.ended
        );
    }
    subjects.retain(|subject| subject.name != "loop");
    let count = subjects.len() as f64;
    let mut all = |machine: &WasmMachine| {
        measure(500, || subjects.iter_mut().for_each(|subject| _ = subject.run(machine, Entry::Call))) / count
    };
    println!("{:>12} {:>9} {:>12.2} {:>12.2}", "alternating", "", all(&compiler), all(&interpreter));
}

fn main() {
    std::thread::Builder::new().stack_size(THREAD_STACK_BYTES).spawn(report).unwrap().join().unwrap();
}
