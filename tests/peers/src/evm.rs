//! revm: plain transfers, one after the other, without signatures.

use std::time::{Duration, Instant};

use anyhow::{anyhow, ensure};
use revm::{
    Context, DatabaseCommit, ExecuteEvm, MainBuilder, MainContext,
    context::TxEnv,
    database::{CacheDB, EmptyDB},
    primitives::{Address, TxKind, U256},
    state::AccountInfo,
};

use crate::Transfers;

const GAS: u64 = 21_000;

fn address(number: u32) -> Address {
    let mut bytes = [0; 20];
    bytes.copy_from_slice(&sp_io::hashing::blake2_256(&number.to_le_bytes())[..20]);
    Address::from(bytes)
}

/// Transfers, and the state that they begin with.
pub(crate) struct Corpus {
    accounts: u32,
    transactions: Vec<TxEnv>,
}

impl Corpus {
    pub(crate) fn new(transfers: &Transfers) -> anyhow::Result<Self> {
        let senders = transfers.senders();
        let others = transfers.accounts().saturating_sub(senders);
        let mut transactions = Vec::new();
        for nonce in 0..transfers.rounds() {
            for from in 0..senders {
                let to = transfers.to(from, nonce, others);
                let transaction = TxEnv::builder()
                    .caller(address(from))
                    .kind(TxKind::Call(address(senders + to)))
                    .value(U256::from(1_000_000_000_u64))
                    .gas_limit(GAS)
                    .gas_price(1)
                    .nonce(u64::from(nonce))
                    .build()
                    .map_err(|error| anyhow!("the transfer cannot be made: {error:?}"))?;
                transactions.push(transaction);
            }
        }
        Ok(Self { accounts: transfers.accounts(), transactions })
    }

    /// All transfers, and their changes taken over.
    pub(crate) fn run(&self) -> anyhow::Result<Duration> {
        let mut database = CacheDB::new(EmptyDB::default());
        for number in 0..self.accounts {
            let info = AccountInfo { balance: U256::from(10_u128.pow(21)), ..AccountInfo::default() };
            database.insert_account_info(address(number), info);
        }
        let transactions = self.transactions.clone();
        let mut evm = Context::mainnet()
            .with_db(database)
            .modify_cfg_chained(|cfg| cfg.tx_chain_id_check = false)
            .modify_block_chained(|block| block.gas_limit = u64::MAX)
            .build_mainnet();
        let started = Instant::now();
        for transaction in transactions {
            let result =
                evm.transact_one(transaction).map_err(|error| anyhow!("revm refuses a transfer: {error:?}"))?;
            ensure!(result.is_success(), "a transfer fails in revm: {result:?}");
        }
        let changes = evm.finalize();
        evm.ctx.journaled_state.database.commit(changes);
        Ok(started.elapsed())
    }
}
