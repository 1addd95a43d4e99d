//! Workloads that call contracts: the examples of `contracts/examples`, as `make contracts` builds them.

use std::{env, fs, path::PathBuf, sync::Arc};

use anyhow::{Context, ensure};
use basalt_contracts_vm::{Engines, MachineConfig, WasmMachine};
use basalt_executor::{Executor, Mode};
use basalt_pallet_contracts::{Call, Determinism};
use basalt_primitives::{AccountId, H256, MultiAddress, Weight, hashing::blake2_256};
use basalt_runtime::{NativeRuntime, RuntimeCall};
use basalt_state::Memory;
use parity_scale_codec::{Compact, Encode};

use crate::{
    corpus::account,
    place::Start,
    random::{Random, Zipf},
    roomy::Roomy,
    workload::{Size, Writer, inherents},
};

/// Enough gas for any of these calls: what is not used is given back. 100 ms, and no proof, which costs nothing here.
const GAS: Weight = Weight::new(100_000_000_000, 0);
/// What each holder of a token begins with.
const TOKENS: u128 = 1_000_000_000;
/// Tokens where each call is about another one's holders.
const MANY_TOKENS: u32 = 1_000;
/// The most holders of a token, so that giving it out takes seconds at most.
const HOLDERS_MAX: u32 = 20_000;
/// Figures of an oracle, which a call reads all.
const FIGURES: u32 = 100;
/// Oracles where each call reads another one.
const MANY_ORACLES: u32 = 200;
/// Pools of the mixed workload.
const MIXED_POOLS: u32 = 16;
/// The account that deploys everything, and sends nothing afterwards.
const DEPLOYER: u32 = 0;
/// Where the built examples are, if not where `make contracts` puts them.
const FOLDER: &str = "CONTRACTS_OUT";

/// This chain's runtime without block limits, with a machine that compiles what it meets first.
pub(crate) fn runtime() -> anyhow::Result<Roomy> {
    let config = MachineConfig { engines: Engines::CompiledOnly, ..MachineConfig::default() };
    Ok(Roomy::new(NativeRuntime::new(Arc::new(WasmMachine::new(config)?))))
}

/// What a workload's calls need: who holds what, and where contracts are.
pub(crate) struct Scene {
    /// Accounts that call, from 1 on.
    holders: u32,
    tokens: Vec<AccountId>,
    pools: Vec<AccountId>,
    collection: Option<AccountId>,
    oracles: Vec<AccountId>,
    zipf: Option<Zipf>,
    /// What makes all this, in order.
    setup: Vec<(u32, RuntimeCall)>,
}

impl Scene {
    /// The scene of this workload.
    pub(crate) fn new(id: &str, size: &Size) -> anyhow::Result<Self> {
        // All but the deployer; an even number, since some are paired.
        let holders = (size.accounts() - 1).min(HOLDERS_MAX).min(size.transactions.max(64) * 2) / 2 * 2;
        let mut scene = Self {
            holders,
            tokens: Vec::new(),
            pools: Vec::new(),
            collection: None,
            oracles: Vec::new(),
            zipf: (id == "w5-zipf" || id == "w9-contracts").then(|| Zipf::new(holders, 0.8)),
            setup: Vec::new(),
        };
        match id {
            "w5-tokens" => scene.add_tokens(MANY_TOKENS.min(holders / 2))?,
            "w5-random" | "w5-zipf" => scene.add_tokens(1)?,
            "w6-1" => scene.add_pools(1)?,
            "w6-16" => scene.add_pools(16)?,
            "w6-1024" => scene.add_pools(1024)?,
            "w7-mint" => scene.add_collection()?,
            "w8-own" => scene.add_oracles(MANY_ORACLES)?,
            "w8-one" => scene.add_oracles(1)?,
            "w9-contracts" => {
                scene.add_pools(MIXED_POOLS)?;
                scene.add_collection()?;
            }
            _ => anyhow::bail!("{id} is no workload of contracts"),
        }
        Ok(scene)
    }

    /// The state in which everything is there, and the nonces that its making used up.
    pub(crate) fn start(
        &self,
        runtime: &Roomy,
        genesis: Memory,
        writer: &mut Writer,
    ) -> anyhow::Result<Start> {
        for (from, call) in &self.setup {
            writer.send(*from, call)?;
        }
        let mut place = Start::Memory(genesis).place()?;
        let executor = Executor::new(Mode::Sequential)?;
        let env = place.env();
        let mut block = inherents(runtime, env.number)?;
        let transactions = std::mem::take(&mut writer.transactions);
        block.extend(transactions.iter().cloned());
        let (executed, _) = executor.execute(runtime, place.state(), &env, &block)?;
        let failed = executed.receipts.iter().position(|receipt| receipt.result.is_err());
        if let Some(failed) = failed {
            anyhow::bail!("step {failed} of the setup fails: {:?}", executed.receipts[failed].result);
        }
        place.advance(&executed.changes, &transactions)?;
        place.into_start()
    }

    /// The call with this number, and its sender.
    pub(crate) fn call(
        &self,
        id: &str,
        number: u32,
        random: &mut Random,
    ) -> anyhow::Result<(u32, RuntimeCall)> {
        let sender = 1 + number % self.holders;
        Ok(match id {
            "w5-tokens" => {
                // Pairs of holders, each with a token that few others have.
                let half = self.holders / 2;
                let pair = number % half;
                let token = pair as usize % self.tokens.len();
                (1 + pair, self.transfer(token, 1 + half + pair))
            }
            "w5-random" | "w5-zipf" => {
                let from = self.one(random);
                (from, self.transfer(0, self.other(from, random)))
            }
            "w6-1" | "w6-16" | "w6-1024" => (sender, self.swap(sender)),
            "w7-mint" => (sender, self.mint()?),
            "w8-own" => {
                let oracle = number as usize % self.oracles.len();
                (sender, call(self.oracles[oracle], message("read_all", ())))
            }
            "w8-one" => {
                let data = match number % 100 {
                    0 => message("set", (number / 100 % FIGURES, u64::from(number))),
                    _ => message("read_all", ()),
                };
                (sender, call(self.oracles[0], data))
            }
            _ => {
                let from = self.one(random);
                let call = match random.below(100) {
                    0..60 => crate::workload::transfer(self.other(from, random)),
                    60..85 => self.transfer(0, self.other(from, random)),
                    85..95 => self.swap(from),
                    95..99 => self.mint()?,
                    // Makes another contract: a counter of all contracts is written.
                    _ => {
                        let wasm = blake2_256(&built("flipper")?);
                        let salt = number.encode();
                        instantiate(H256(wasm), message("new", true), salt)
                    }
                };
                (from, call)
            }
        })
    }

    fn one(&self, random: &mut Random) -> u32 {
        1 + match &self.zipf {
            Some(zipf) => zipf.draw(random),
            None => random.below(self.holders),
        }
    }

    fn other(&self, than: u32, random: &mut Random) -> u32 {
        let drawn = self.one(random);
        if drawn == than { 1 + drawn % self.holders } else { drawn }
    }

    fn transfer(&self, token: usize, to: u32) -> RuntimeCall {
        call(self.tokens[token], message("transfer", (account(to), 1u128)))
    }

    fn swap(&self, from: u32) -> RuntimeCall {
        let pool = self.pools[from as usize % self.pools.len()];
        call(pool, message("swap", (self.tokens[0], 1_000u128, 0u128)))
    }

    fn mint(&self) -> anyhow::Result<RuntimeCall> {
        Ok(call(self.collection.context("the scene has no collection")?, message("mint", ())))
    }

    /// Tokens, each given to those whose turn it is: all have the first one if there is only one.
    fn add_tokens(&mut self, count: u32) -> anyhow::Result<()> {
        let wasm = self.upload("token")?;
        for number in 0..count {
            let data = message("new", u128::MAX / 2);
            let token = self.instantiate(wasm, data, number);
            self.tokens.push(token);
        }
        for holder in 0..self.holders {
            // The same for both of a pair.
            let token = self.tokens[(holder % (self.holders / 2).max(1)) as usize % self.tokens.len()];
            self.setup.push((DEPLOYER, call(token, message("transfer", (account(1 + holder), TOKENS)))));
        }
        Ok(())
    }

    /// Pools of the same two tokens, with liquidity; each holder has tokens, and allows its pool to take them.
    fn add_pools(&mut self, count: u32) -> anyhow::Result<()> {
        self.add_tokens(1)?;
        let token = H256(blake2_256(&built("token")?));
        let other = self.instantiate(token, message("new", u128::MAX / 2), 1);
        self.tokens.push(other);
        let wasm = self.upload("amm")?;
        for number in 0..count {
            let data = message("new", (self.tokens[0], self.tokens[1]));
            let pool = self.instantiate(wasm, data, number);
            for token in [self.tokens[0], self.tokens[1]] {
                self.setup.push((DEPLOYER, call(token, message("approve", (pool, u128::MAX / 4)))));
            }
            let amounts = [1_000_000_000_000u128; 2];
            self.setup.push((DEPLOYER, call(pool, message("add_liquidity", (amounts, 0u128)))));
            self.pools.push(pool);
        }
        for holder in 1..=self.holders {
            let pool = self.pools[holder as usize % self.pools.len()];
            let (first, second) = (self.tokens[0], self.tokens[1]);
            self.setup.push((holder, call(first, message("approve", (pool, u128::MAX / 4)))));
            // So that a swap finds a balance there already.
            self.setup.push((DEPLOYER, call(second, message("transfer", (account(holder), TOKENS)))));
        }
        Ok(())
    }

    fn add_collection(&mut self) -> anyhow::Result<()> {
        let wasm = self.upload("nft")?;
        self.collection = Some(self.instantiate(wasm, message("new", ()), 0));
        if self.zipf.is_some() {
            self.upload("flipper")?;
        }
        Ok(())
    }

    fn add_oracles(&mut self, count: u32) -> anyhow::Result<()> {
        let wasm = self.upload("oracle")?;
        for number in 0..count {
            let oracle = self.instantiate(wasm, message("new", ()), number);
            for figure in 0..FIGURES {
                let data = message("set", (figure, u64::from(number + figure)));
                self.setup.push((DEPLOYER, call(oracle, data)));
            }
            self.setup.push((DEPLOYER, call(oracle, message("read_all", ()))));
            self.oracles.push(oracle);
        }
        Ok(())
    }

    /// Returns the code's hash.
    fn upload(&mut self, name: &str) -> anyhow::Result<H256> {
        let code = built(name)?;
        let hash = H256(blake2_256(&code));
        let upload =
            Call::upload_code { code, storage_deposit_limit: None, determinism: Determinism::Enforced };
        self.setup.push((DEPLOYER, RuntimeCall::Contracts(upload)));
        Ok(hash)
    }

    /// Returns the contract's address.
    fn instantiate(&mut self, code_hash: H256, data: Vec<u8>, number: u32) -> AccountId {
        let salt = number.encode();
        let address =
            (b"contract_addr_v1", account(DEPLOYER), code_hash, &data, &salt).using_encoded(blake2_256);
        self.setup.push((DEPLOYER, instantiate(code_hash, data, salt)));
        address.into()
    }
}

fn call(dest: AccountId, data: Vec<u8>) -> RuntimeCall {
    let dest = MultiAddress::Id(dest);
    RuntimeCall::Contracts(Call::call { dest, value: 0, gas_limit: GAS, storage_deposit_limit: None, data })
}

fn instantiate(code_hash: H256, data: Vec<u8>, salt: Vec<u8>) -> RuntimeCall {
    let call = Call::instantiate {
        value: 0,
        gas_limit: GAS,
        storage_deposit_limit: None::<Compact<_>>,
        code_hash,
        data,
        salt,
    };
    RuntimeCall::Contracts(call)
}

/// The data of a call, as ink! reads it.
fn message(name: &str, arguments: impl Encode) -> Vec<u8> {
    let mut data = blake2_256(name.as_bytes())[..4].to_vec();
    arguments.encode_to(&mut data);
    data
}

/// The code of an example.
fn built(name: &str) -> anyhow::Result<Vec<u8>> {
    let file = folder()?.join(format!("{name}.wasm"));
    let code = fs::read(&file)
        .with_context(|| format!("{} cannot be read; build it with `make contracts`", file.display()))?;
    ensure!(!code.is_empty(), "{} is empty; build it again with `make contracts`", file.display());
    Ok(code)
}

fn folder() -> anyhow::Result<PathBuf> {
    if let Some(folder) = env::var_os(FOLDER) {
        return Ok(folder.into());
    }
    // As the Makefile: beside the folder that this binary was built in.
    let target = match env::var_os("CARGO_TARGET_DIR") {
        Some(target) => PathBuf::from(target),
        None => PathBuf::from(env::var_os("HOME").context("there is no HOME")?).join(".cache/basalt/build"),
    };
    Ok(target.parent().context("the target folder has no parent")?.join("contracts/out"))
}
