//! Bytes as transactions and what contracts do in them.

use basalt_contracts_vm::{HostFunction as F, IMPORTS, ValueType};

use super::puppet::{MEMORY_BYTES, OWN, RESULT_AT};

/// The most transactions of a case.
const TRANSACTIONS_MAX: usize = 4;
/// The most steps of a script.
const STEPS_MAX: usize = 14;
/// Scripts within scripts within a transaction's.
const NESTED_MAX: u32 = 2;

/// Bytes, taken one after the other; zeros when they are at their end.
pub(super) struct Bytes<'b>(pub(super) &'b [u8]);

impl Bytes<'_> {
    pub(super) fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    fn below(&mut self, end: usize) -> usize {
        usize::from(self.byte()).checked_rem(end).unwrap_or(0)
    }

    fn pick<T: Copy>(&mut self, choices: &[T]) -> Option<T> {
        choices.get(self.below(choices.len())).copied()
    }

    fn word(&mut self) -> u32 {
        u32::from_le_bytes([self.byte(), self.byte(), self.byte(), self.byte()])
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Something that arguments may point to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) kind: Kind,
    pub(super) at: u32,
    pub(super) length: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Account,
    Hash,
    Balance,
    Length,
    Topics,
    Call,
    Script,
    Other,
}

/// What every script begins with: things of this world.
#[derive(Debug, Clone, Default)]
pub(super) struct Table {
    pub(super) bytes: Vec<u8>,
    pub(super) places: Vec<Place>,
}

/// The two offsets that an input begins with.
const HEAD_BYTES: usize = 8;

impl Table {
    pub(super) fn add(&mut self, kind: Kind, bytes: &[u8]) {
        let at = offset(HEAD_BYTES + self.bytes.len());
        self.bytes.extend_from_slice(bytes);
        self.places.push(Place { kind, at, length: offset(bytes.len()) });
    }
}

fn offset(offset: usize) -> u32 {
    u32::try_from(offset).unwrap_or(u32::MAX)
}

/// A transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Transaction {
    Call { who: usize, to: usize, terms: Terms, input: Vec<u8> },
    Instantiate { who: usize, code: usize, terms: Terms, input: Vec<u8>, salt: u8 },
    SetCode { of: usize, code: usize },
    RemoveCode { code: usize },
    EndBlock,
}

/// What a call may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Terms {
    pub(super) value: u128,
    pub(super) gas: u64,
    pub(super) deposit_limit: Option<u128>,
}

/// All that an input says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Case {
    pub(super) unstable: bool,
    pub(super) extension: bool,
    pub(super) transactions: Vec<Transaction>,
}

impl Case {
    /// The first byte says which world it is.
    pub(super) fn world(input: &[u8]) -> (bool, bool) {
        let first = input.first().copied().unwrap_or(0);
        (first & 1 == 0, first & 2 == 0)
    }

    pub(super) fn new(input: &[u8], table: &Table) -> Self {
        let (unstable, extension) = Self::world(input);
        let mut bytes = Bytes(input.get(1..).unwrap_or_default());
        let mut transactions = Vec::new();
        while !bytes.is_empty() && transactions.len() < TRANSACTIONS_MAX {
            let what = bytes.byte();
            transactions.push(match what {
                0..=9 => Transaction::EndBlock,
                10..=15 => Transaction::RemoveCode { code: bytes.below(4) },
                16..=25 => Transaction::SetCode { of: bytes.below(5), code: bytes.below(4) },
                26..=60 => Transaction::Instantiate {
                    who: bytes.below(2),
                    code: bytes.below(4),
                    terms: terms(&mut bytes),
                    salt: bytes.byte() & 3,
                    input: script(&mut bytes, table, NESTED_MAX),
                },
                _ => Transaction::Call {
                    who: bytes.below(3),
                    to: bytes.below(5),
                    terms: terms(&mut bytes),
                    input: script(&mut bytes, table, NESTED_MAX),
                },
            });
        }
        Self { unstable, extension, transactions }
    }
}

fn terms(bytes: &mut Bytes<'_>) -> Terms {
    let value = match bytes.byte() {
        0..=99 => 0,
        100..=149 => 1_000_000,
        150..=229 => u128::from(bytes.byte()) * 100,
        230..=250 => 1 << bytes.below(64),
        _ => u128::MAX - u128::from(bytes.byte()),
    };
    let gas = match bytes.byte() {
        // A few milliseconds.
        0..=199 => 20_000_000_000,
        200..=249 => 1 << bytes.below(35),
        _ => u64::from(bytes.byte()) * 1_000_000,
    };
    let deposit_limit = match bytes.byte() {
        0..=179 => None,
        180..=239 => Some(1 << bytes.below(60)),
        _ => Some(u128::from(bytes.byte()) * 10_000),
    };
    Terms { value, gas, deposit_limit }
}

/// An input of a puppet: head, table, scripts that it may pass on, steps.
fn script(bytes: &mut Bytes<'_>, table: &Table, nested: u32) -> Vec<u8> {
    let mut out = vec![0; HEAD_BYTES];
    out.extend_from_slice(&table.bytes);
    let mut places = table.places.clone();
    if nested > 0 {
        for _ in 0..bytes.below(3) {
            let inner = script(bytes, table, nested - 1);
            places.push(Place { kind: Kind::Script, at: offset(out.len()), length: offset(inner.len()) });
            out.extend(inner);
        }
    }
    let start = out.len();
    let count = bytes.below(STEPS_MAX);
    for _ in 0..count {
        if bytes.is_empty() {
            break;
        }
        let step = bytes.byte();
        match usize::from(step) {
            step if step < IMPORTS.len() => host(bytes, step, &places, &mut out),
            step => {
                // What changes memory is worth more of them than the rest.
                let own = match step % 8 {
                    0..=2 => 0,
                    3..=5 => 1,
                    6 => 4,
                    _ => 2 + bytes.below(2),
                };
                out.push(u8::try_from(IMPORTS.len() + own).unwrap_or(u8::MAX));
                let (_, arguments) = OWN[own];
                for argument in 0..arguments {
                    let word = match (own, argument) {
                        (4, 0) => u32::from(bytes.byte() & 127),
                        (3, 0) => u32::from(bytes.byte() & 3),
                        (_, 0) => bytes.pick(&places).map_or(0, |place| place.at),
                        _ => hostile(bytes),
                    };
                    out.extend(word.to_le_bytes());
                }
            }
        }
    }
    let end = out.len();
    // All of it, as its own input: recursion.
    out[..4].copy_from_slice(&offset(start).to_le_bytes());
    out[4..HEAD_BYTES].copy_from_slice(&offset(end).to_le_bytes());
    out
}

/// A step that calls a host function: most arguments are of their kind, some are not.
fn host(bytes: &mut Bytes<'_>, index: usize, places: &[Place], out: &mut Vec<u8>) {
    let import = &IMPORTS[index];
    out.push(u8::try_from(index).unwrap_or(u8::MAX));
    let kinds = kinds(import.function).bytes().chain(std::iter::repeat(b'P'));
    let of = |kind: Kind| places.iter().copied().filter(|place| place.kind == kind).collect::<Vec<_>>();
    let mut last = 0;
    for (ty, kind) in import.parameters.iter().zip(kinds) {
        let place = match kind {
            b'A' => bytes.pick(&of(Kind::Account)),
            b'H' => bytes.pick(&of(Kind::Hash)),
            b'B' => bytes.pick(&of(Kind::Balance)),
            b'N' => bytes.pick(&of(Kind::Length)),
            b'T' => bytes.pick(&of(Kind::Topics)),
            b'R' => bytes.pick(&of(Kind::Call)),
            b'S' => bytes.pick(&of(Kind::Script)).or_else(|| bytes.pick(places)),
            b'P' => bytes.pick(places),
            _ => None,
        };
        let mut word = match (place, kind) {
            (Some(place), _) => {
                last = place.length;
                u64::from(place.at)
            }
            (None, b'L' | b'#') => u64::from(last),
            // Free memory, or what is used.
            (None, b'O') => u64::from(bytes.byte()) * 64 + 0x8000,
            (None, b'F') => u64::from(bytes.byte() & 31),
            (None, b'X') => [1 << 16, 1 << 16 | 1, 1 << 16 | 2, 2 << 16][bytes.below(4)],
            (None, b'D') => bytes
                .pick(&of(Kind::Balance))
                .filter(|place| place.at & 16 != 0)
                .map_or(u64::from(u32::MAX), |place| place.at.into()),
            // No limit, mostly.
            (None, b'W') => u64::from(bytes.byte().saturating_sub(200)) << 24,
            (None, _) => u64::from(bytes.word()),
        };
        if bytes.byte() > 240 {
            word = u64::from(hostile(bytes));
            if *ty == ValueType::I64 && bytes.byte() > 128 {
                word = u64::MAX - word;
            }
        }
        match ty {
            ValueType::I32 => out.extend((word as u32).to_le_bytes()),
            ValueType::I64 => out.extend(word.to_le_bytes()),
        }
    }
}

/// Numbers at which bounds are wrong if they are wrong anywhere.
fn hostile(bytes: &mut Bytes<'_>) -> u32 {
    let near = u32::from(bytes.byte()) % 70;
    match bytes.byte() % 10 {
        0 => near,
        1 => MEMORY_BYTES - near,
        2 => MEMORY_BYTES + near,
        3 => u32::MAX - near,
        4 => (1 << 31) - near,
        5 => RESULT_AT,
        6 => 16 * 1024 + near - 35,
        7 => 1 << (near % 32),
        8 => near * 64,
        _ => bytes.word(),
    }
}

/// What the arguments of a function are: account, hash, balance, pointer, length of what the last one points to (`#`: as well),
/// output and its length, flags, weight, deposit limit, topics, runtime call, script, extension.
fn kinds(function: F) -> &'static str {
    match function {
        F::Return => "FPL",
        F::IsContract | F::AccountReentranceCount | F::TerminateV1 => "A",
        F::CodeHash => "AON",
        F::WeightToFee => "WON",
        F::WeightToFeeV1 => "WWON",
        F::SetStorage | F::SetStorageV1 => "PPL",
        F::SetStorageV2 | F::SetTransientStorage => "PLPL",
        F::ClearStorage | F::ContainsStorage => "P",
        F::ClearStorageV1
        | F::ContainsStorageV1
        | F::ClearTransientStorage
        | F::ContainsTransientStorage
        | F::XcmExecute
        | F::DebugMessage => "PL",
        F::GetStorage => "PON",
        F::GetStorageV1
        | F::TakeStorage
        | F::GetTransientStorage
        | F::TakeTransientStorage
        | F::Random
        | F::RandomV1 => "PLON",
        F::Transfer => "A#B#",
        F::Call => "A#WB#SLON",
        F::CallV1 => "FAWBSLON",
        F::CallV2 => "FAWWDBSLON",
        F::DelegateCall => "FHSLON",
        F::Instantiate => "H#WB#SLONONPL",
        F::InstantiateV1 => "HWBSLONONPL",
        F::InstantiateV2 => "HWWDBSLONONPL",
        F::Terminate => "A#",
        F::SetCodeHash | F::LockDelegateDependency | F::UnlockDelegateDependency => "H",
        F::CallRuntime => "RL",
        F::XcmSend => "PPLO",
        F::CallChainExtension => "XALON",
        F::DepositEvent => "TLPL",
        F::HashSha2256 | F::HashKeccak256 | F::HashBlake2256 | F::HashBlake2128 => "PLO",
        F::EcdsaRecover => "PHO",
        F::EcdsaToEthAddress => "PO",
        F::Sr25519Verify => "PALP",
        F::RestoreTo => "A#H#B#PL",
        F::RestoreToV1 => "AHBPL",
        F::SetRentAllowance => "B#",
        F::SetRentAllowanceV1 => "B",
        _ => "ON",
    }
}

/// A script as its steps, for people.
pub(super) fn listed(script: &[u8]) -> String {
    let word = |at: usize| {
        script.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |bytes| u32::from_le_bytes(*bytes))
    };
    let (mut at, end) = (word(0) as usize, word(4) as usize);
    let mut text = String::new();
    while at < end {
        let Some(step) = script.get(at) else { break };
        at += 1;
        let (name, types): (String, Vec<ValueType>) = match IMPORTS.get(usize::from(*step)) {
            Some(import) => (format!("{}.{}", import.module, import.name), import.parameters.to_vec()),
            None => match OWN.get(usize::from(*step) - IMPORTS.len()) {
                Some((own, arguments)) => (format!("{own:?}"), vec![ValueType::I32; *arguments]),
                None => continue,
            },
        };
        let mut arguments = Vec::new();
        for ty in types {
            if ty == ValueType::I64 {
                arguments.push(format!("{:#x}", u64::from(word(at + 4)) << 32 | u64::from(word(at))));
                at += 8;
            } else {
                arguments.push(format!("{:#x}", word(at)));
                at += 4;
            }
        }
        text += &format!("    {name}({})\n", arguments.join(", "));
    }
    text
}
