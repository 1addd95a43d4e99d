//! The workloads: which transactions, over which state, for which reason.

use std::{ops::Range, sync::Arc};

use anyhow::Context;
use basalt_pallet_balances::Call as Balances;
use basalt_pallet_system::Call as System;
use basalt_pallet_utility::Call as Utility;
use basalt_primitives::{Balance, Era, Extra, H256, MultiAddress, MultiSignature, Nonce, extrinsic};
use basalt_runtime::{MILLIUNIT, RuntimeCall, UNIT};
use basalt_runtime_api::{InherentData, Runtime, Verified};
use parity_scale_codec::Encode;

use crate::{
    contracts::{self, Scene},
    corpus::account,
    place::{GENESIS, Start},
    random::{Random, Zipf},
    roomy::Roomy,
    synthetic::{Script, Synthetic, steps},
};

/// What an account of a workload starts with: enough for any number of fees.
pub(crate) const ENDOWMENT: Balance = 1_000_000 * UNIT;
/// Milliseconds between two blocks.
const BLOCK_TIME_MS: u64 = 1_000;
/// As deep as calls may nest, less the one that pays.
const NESTED: u32 = basalt_support::CALL_DEPTH_MAX - 2;

/// Which runtime runs a workload, and over which state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// This chain's, over accounts.
    Native,
    /// Scripts, over plain keys.
    Synthetic,
    /// This chain's, with contracts that were deployed before.
    Contracts,
}

/// Whether a block is given, or picked from candidates of which some are invalid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    Execute,
    Build,
}

/// One workload.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Workload {
    pub(crate) id: &'static str,
    pub(crate) about: &'static str,
    pub(crate) kind: Kind,
    pub(crate) purpose: Purpose,
}

const fn native(id: &'static str, about: &'static str) -> Workload {
    Workload { id, about, kind: Kind::Native, purpose: Purpose::Execute }
}

const fn synthetic(id: &'static str, about: &'static str) -> Workload {
    Workload { id, about, kind: Kind::Synthetic, purpose: Purpose::Execute }
}

const fn calling(id: &'static str, about: &'static str) -> Workload {
    Workload { id, about, kind: Kind::Contracts, purpose: Purpose::Execute }
}

/// All workloads, in the order in which they are run.
pub(crate) const ALL: &[Workload] = &[
    native("w1", "transfers between distinct pairs"),
    native("w2", "transfers, senders and receivers random"),
    native("w3-0.8", "transfers, senders and receivers Zipf 0.8"),
    native("w3-1.0", "transfers, senders and receivers Zipf 1.0"),
    native("w3-1.2", "transfers, senders and receivers Zipf 1.2"),
    native("w4-receiver", "transfers from distinct senders to one receiver"),
    native("w4-sender", "transfers from one sender to distinct receivers"),
    native("w9", "mixed: 60 % transfers Zipf 0.8, 25 % batches, remarks, new and emptied accounts, failures"),
    native("batches", "distinct senders, batches of 4 transfers to receivers of their own"),
    native("w10-payers", "each batch pays the next one's sender, undeclared: one chain"),
    native("w10-deaths", "accounts die and come back to life"),
    native("w10-depth", "batches nested as deep as they may be"),
    native("w10-failures", "calls that fail after they have written"),
    Workload {
        id: "w10-build",
        about: "building from candidates of which half are invalid",
        kind: Kind::Native,
        purpose: Purpose::Build,
    },
    synthetic("s2", "2 µs each, independent, declared"),
    synthetic("s5", "5 µs each, independent, declared"),
    synthetic("s5-undeclared", "5 µs each, independent, undeclared"),
    synthetic("s20-undeclared", "20 µs each, independent, undeclared"),
    synthetic("s5-zipf", "5 µs each, two updates Zipf 1.0, declared"),
    synthetic("s5-zipf-undeclared", "5 µs each, two updates Zipf 1.0, undeclared"),
    synthetic("w7", "5 µs each, one counter of all, as a delta"),
    synthetic("w8", "5 µs each, all read what every 100th writes, undeclared"),
    synthetic("w10-key", "5 µs each, all update one key, undeclared"),
    synthetic("w10-key-declared", "5 µs each, all update one key, declared"),
    synthetic("w10-bombs", "5 µs each, what is read next depends on what was read, undeclared"),
    synthetic("w10-failing-key", "5 µs each, all update one key, undeclared; every other one fails"),
    calling("w5-tokens", "contract calls: a thousand tokens, transfers between distinct pairs of holders"),
    calling("w5-random", "contract calls: one token, holders random"),
    calling("w5-zipf", "contract calls: one token, holders Zipf 0.8"),
    calling("w6-1", "contract calls: swaps in one pool"),
    calling("w6-16", "contract calls: swaps in 16 pools"),
    calling("w6-1024", "contract calls: swaps in 1024 pools"),
    calling("w7-mint", "contract calls: minting with a running number, one collection"),
    calling("w8-own", "contract calls: each reads 100 figures and writes a sum, 200 oracles"),
    calling("w8-one", "contract calls: all read 100 figures of one oracle, every 100th changes one"),
    calling("w9-contracts", "mixed: 60 % transfers, 25 % tokens, 10 % swaps, 4 % mints, 1 % new contracts"),
];

/// How much of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Size {
    pub(crate) transactions: u32,
    pub(crate) accounts: u32,
    pub(crate) blocks: u32,
    pub(crate) seed: u64,
}

impl Size {
    /// Accounts that a workload may need at most: two for each transaction of a block.
    pub(crate) fn accounts(&self) -> u32 {
        self.accounts.max(self.transactions.saturating_mul(2).saturating_add(2))
    }
}

impl Workload {
    /// The workloads with these names; all of them for `all`.
    pub(crate) fn named(ids: &[String]) -> anyhow::Result<Vec<Self>> {
        if ids.iter().any(|id| id == "all") {
            return Ok(ALL.to_vec());
        }
        let find = |id: &String| {
            ALL.iter().find(|workload| workload.id == id).copied().with_context(|| {
                let known: Vec<_> = ALL.iter().map(|workload| workload.id).collect();
                format!("there is no workload {id:?}; there are: all, {}", known.join(", "))
            })
        };
        ids.iter().map(find).collect()
    }

    /// The runtime.
    pub(crate) fn runtime(&self) -> anyhow::Result<Arc<dyn Runtime>> {
        Ok(match self.kind {
            Kind::Native => Arc::new(Roomy::default()),
            Kind::Synthetic => Arc::new(Synthetic),
            Kind::Contracts => Arc::new(contracts::runtime()?),
        })
    }

    /// The transactions of each block, without inherents. Nonces go on from block to block.
    pub(crate) fn blocks(&self, size: &Size, genesis_hash: H256) -> anyhow::Result<Vec<Vec<Verified>>> {
        let mut random = Random::new(size.seed);
        match self.kind {
            Kind::Native => {
                let mut writer = Writer::new(size, genesis_hash);
                let draw = Draw::new(self.id, size);
                (0..size.blocks)
                    .map(|_| {
                        for number in 0..size.transactions {
                            writer.add(self.id, number, &draw, &mut random)?;
                        }
                        Ok(std::mem::take(&mut writer.transactions))
                    })
                    .collect()
            }
            Kind::Contracts => anyhow::bail!("{} begins with a scene", self.id),
            Kind::Synthetic => {
                let draw = Draw::new(self.id, size);
                let script = |number| scripted(self.id, number, size, &draw, &mut random);
                let all: Vec<_> = (0..size.blocks * size.transactions).map(script).collect();
                Ok(all.chunks(size.transactions.max(1) as usize).map(<[_]>::to_vec).collect())
            }
        }
    }
}

/// The state that calls of contracts begin with, and the calls of each block.
pub(crate) fn with_contracts(
    workload: &Workload,
    size: &Size,
) -> anyhow::Result<(Start, Vec<Vec<Verified>>)> {
    let Start::Memory(genesis) = Start::memory(workload.kind, size)? else {
        anyhow::bail!("a start in memory is one in memory");
    };
    let scene = Scene::new(workload.id, size)?;
    let mut writer = Writer::new(size, GENESIS);
    let start = scene.start(&contracts::runtime()?, genesis, &mut writer)?;
    let mut random = Random::new(size.seed);
    let mut blocks = Vec::new();
    for block in 0..size.blocks {
        for number in 0..size.transactions {
            let number = block * size.transactions + number;
            let (from, call) = scene.call(workload.id, number, &mut random)?;
            writer.send(from, &call)?;
        }
        blocks.push(std::mem::take(&mut writer.transactions));
    }
    Ok((start, blocks))
}

/// The time of the block at this height.
pub(crate) fn timestamp(number: u32) -> u64 {
    u64::from(number) * BLOCK_TIME_MS
}

/// The inherents of the block at this height.
pub(crate) fn inherents(runtime: &dyn Runtime, number: u32) -> anyhow::Result<Vec<Verified>> {
    let data = InherentData::at(timestamp(number));
    let verified = |bytes| match runtime.inspect(bytes) {
        Ok(inherent) => Ok(Verified::assume(Arc::new(inherent), H256::zero())),
        Err(refusal) => anyhow::bail!("the runtime refuses its own inherent: {}", refusal.detail),
    };
    runtime.inherents(&data).into_iter().map(verified).collect()
}

/// Draws accounts or keys as a workload wants them.
struct Draw {
    zipf: Option<Zipf>,
    count: u32,
}

impl Draw {
    fn new(id: &str, size: &Size) -> Self {
        let exponent = match id {
            "w3-0.8" | "w9" => Some(0.8),
            "w3-1.0" | "s5-zipf" | "s5-zipf-undeclared" => Some(1.0),
            "w3-1.2" => Some(1.2),
            _ => None,
        };
        let count = if id == "w9" { not_savers(size.accounts()) } else { size.accounts() };
        Self { zipf: exponent.map(|exponent| Zipf::new(count, exponent)), count }
    }

    fn one(&self, random: &mut Random) -> u32 {
        match &self.zipf {
            Some(zipf) => zipf.draw(random),
            None => random.below(self.count),
        }
    }

    fn other(&self, than: u32, random: &mut Random) -> u32 {
        let drawn = self.one(random);
        if drawn == than { (drawn + 1) % self.count } else { drawn }
    }
}

/// How many of these accounts send as often as they like; the last tenth are savers.
fn not_savers(accounts: u32) -> u32 {
    accounts - accounts / 10
}

/// Writes transactions with nonces in order. Their signatures are empty: nothing here looks at them.
pub(crate) struct Writer {
    genesis_hash: H256,
    nonces: Vec<Nonce>,
    /// The next account that does not exist yet.
    new_account: u32,
    /// Accounts that send one transaction, with all their money: after it they could not pay for another one.
    savers: Range<u32>,
    /// Transactions of a block.
    count: u32,
    pub(crate) transactions: Vec<Verified>,
}

impl Writer {
    pub(crate) fn new(size: &Size, genesis_hash: H256) -> Self {
        let accounts = size.accounts();
        Self {
            genesis_hash,
            nonces: vec![0; accounts as usize],
            new_account: accounts,
            savers: not_savers(accounts)..accounts,
            count: size.transactions,
            transactions: Vec::new(),
        }
    }

    fn signed(&self, from: u32, nonce: Nonce, call: &RuntimeCall) -> anyhow::Result<Verified> {
        let extra = Extra { era: Era::Immortal, nonce, tip: 0, metadata_hash_mode: 0 };
        let signature = MultiSignature::Sr25519([1; 64]);
        let bytes =
            extrinsic::encode_signed(&MultiAddress::Id(account(from)), &signature, &extra, &call.encode());
        match Roomy::default().inspect(bytes) {
            Ok(transaction) => Ok(Verified::assume(Arc::new(transaction), self.genesis_hash)),
            Err(refusal) => anyhow::bail!("the workload's transaction is refused: {}", refusal.detail),
        }
    }

    pub(crate) fn send(&mut self, from: u32, call: &RuntimeCall) -> anyhow::Result<()> {
        let transaction = self.signed(from, self.nonces[from as usize], call)?;
        self.nonces[from as usize] += 1;
        self.transactions.push(transaction);
        Ok(())
    }

    fn fresh(&mut self) -> u32 {
        self.new_account += 1;
        self.new_account
    }

    fn add(&mut self, id: &str, number: u32, draw: &Draw, random: &mut Random) -> anyhow::Result<()> {
        match id {
            "w1" => self.send(2 * number, &transfer(2 * number + 1)),
            "w4-receiver" => self.send(1 + number, &transfer(0)),
            "w4-sender" => self.send(0, &transfer(1 + number)),
            "w9" => self.mixed(draw, random),
            "batches" => {
                let calls = (0..4).map(|at| transfer(number + (1 + at) * (draw.count / 5))).collect();
                self.send(number, &batch(calls))
            }
            "w10-payers" => self.send(number, &batch(vec![transfer(number + 1)])),
            "w10-deaths" => self.death(number),
            "w10-depth" => {
                let innermost = transfer(draw.other(number, random));
                let nested = (0..NESTED).fold(innermost, |call, _| batch(vec![call]));
                self.send(number, &nested)
            }
            "w10-failures" => self.failure(number, draw, random),
            "w10-build" => self.candidate(number, draw, random),
            _ => {
                let from = draw.one(random);
                self.send(from, &transfer(draw.other(from, random)))
            }
        }
    }

    /// What a public chain might see.
    fn mixed(&mut self, draw: &Draw, random: &mut Random) -> anyhow::Result<()> {
        let from = draw.one(random);
        let to = draw.other(from, random);
        let call = match random.below(100) {
            0..60 => transfer(to),
            60..85 => {
                let count = 3 + random.below(6);
                batch((0..count).map(|_| transfer(draw.other(from, random))).collect())
            }
            85..90 => RuntimeCall::System(System::remark_with_event { remark: vec![7; 100] }),
            90..94 => transfer(self.fresh()),
            94..97 => too_much(to),
            _ => match self.savers.next() {
                Some(saver) => {
                    let all = Balances::transfer_all { dest: id(to), keep_alive: saver % 2 == 0 };
                    return self.send(saver, &RuntimeCall::Balances(all));
                }
                None => transfer(to),
            },
        };
        self.send(from, &call)
    }

    /// Three in turn: an account is emptied and dies, another one brings it back, which then pays somebody.
    fn death(&mut self, number: u32) -> anyhow::Result<()> {
        let (mortal, neighbour) = (2 * (number / 3), 2 * (number / 3) + 1);
        let whole = self.count - self.count % 3;
        match number % 3 {
            // A block ends with all alive.
            _ if number >= whole => self.send(neighbour, &transfer(neighbour + 1)),
            0 => {
                let all = Balances::transfer_all { dest: id(neighbour), keep_alive: false };
                self.send(mortal, &RuntimeCall::Balances(all))?;
                // Who dies begins again.
                self.nonces[mortal as usize] = 0;
                Ok(())
            }
            1 => self.send(neighbour, &pay(mortal, 10 * UNIT)),
            _ => self.send(mortal, &transfer(neighbour)),
        }
    }

    fn failure(&mut self, number: u32, draw: &Draw, random: &mut Random) -> anyhow::Result<()> {
        let to = draw.other(number, random);
        let mut calls: Vec<_> = (0..4).map(|_| transfer(draw.other(number, random))).collect();
        calls.push(too_much(to));
        let call = match number % 4 {
            0 => too_much(to),
            1 => RuntimeCall::Utility(Utility::batch_all { calls }),
            2 => RuntimeCall::Utility(Utility::force_batch { calls }),
            _ => batch(calls),
        };
        self.send(number, &call)
    }

    /// Every other one is invalid: used before, not yet valid, or from somebody without money.
    fn candidate(&mut self, number: u32, draw: &Draw, random: &mut Random) -> anyhow::Result<()> {
        let from = draw.one(random);
        let call = transfer(draw.other(from, random));
        let nonce = self.nonces[from as usize];
        match number % 6 {
            1 => self.transactions.push(self.signed(from, nonce.wrapping_sub(1), &call)?),
            3 => self.transactions.push(self.signed(from, nonce + 1_000, &call)?),
            5 => {
                let stranger = self.fresh();
                self.transactions.push(self.signed(stranger, 0, &call)?);
            }
            _ => self.send(from, &call)?,
        }
        Ok(())
    }
}

fn id(number: u32) -> MultiAddress {
    MultiAddress::Id(account(number))
}

fn pay(to: u32, value: Balance) -> RuntimeCall {
    RuntimeCall::Balances(Balances::transfer_keep_alive { dest: id(to), value })
}

pub(crate) fn transfer(to: u32) -> RuntimeCall {
    pay(to, MILLIUNIT)
}

/// More than anybody has.
fn too_much(to: u32) -> RuntimeCall {
    pay(to, ENDOWMENT.saturating_mul(1_000_000))
}

fn batch(calls: Vec<RuntimeCall>) -> RuntimeCall {
    RuntimeCall::Utility(Utility::batch { calls })
}

fn scripted(id: &str, number: u32, size: &Size, draw: &Draw, random: &mut Random) -> Verified {
    // Keys of its own, while the state has enough of them.
    let own = number % size.transactions.max(1);
    let mut script = Script { steps: steps(5), updates: vec![2 * own, 2 * own + 1], ..Script::default() };
    let mut declared = false;
    match id {
        "s2" => {
            script.steps = steps(2);
            declared = true;
        }
        "s5" => declared = true,
        "s20-undeclared" => script.steps = steps(20),
        "s5-zipf" | "s5-zipf-undeclared" => {
            let first = draw.one(random);
            script.updates = vec![first, draw.other(first, random)];
            declared = id == "s5-zipf";
        }
        "w7" => {
            script.updates = vec![1 + own];
            script.additions = vec![0];
        }
        "w8" => {
            script.reads = vec![0];
            script.updates = if number.is_multiple_of(100) { vec![0] } else { vec![1 + own] };
        }
        "w10-key" => script.updates = vec![0],
        "w10-key-declared" => {
            script.updates = vec![0];
            declared = true;
        }
        "w10-bombs" => {
            script.updates = vec![own];
            script.walk = 4;
        }
        "w10-failing-key" => {
            script.updates = vec![0];
            script.fails = number % 2 == 1;
        }
        _ => {}
    }
    script.verified(number, declared)
}
