//! Accounts and signed transactions, made before the clock starts.

use basalt_pallet_balances::Call;
use basalt_primitives::{
    AccountId, Additional, Balance, Era, Extra, H256, MultiAddress, extrinsic,
    hashing::blake2_256,
    keys::{Pair, Scheme},
};
use basalt_runtime::{Amount, BalancesGenesis, GenesisConfig, MILLIUNIT, RuntimeCall, UNIT};
use clap::Args;
use parity_scale_codec::Encode;
use rayon::prelude::*;

/// The key of the sender with this number.
fn sender(number: u32) -> anyhow::Result<Pair> {
    Ok(Pair::from_seed(Scheme::Sr25519, &(b"sender", number).using_encoded(blake2_256))?)
}

/// An account that only receives.
fn receiver(number: u32) -> AccountId {
    AccountId::from((b"receiver", number).using_encoded(blake2_256))
}

/// An account of a workload that needs no signatures.
pub(crate) fn account(number: u32) -> AccountId {
    AccountId::from((b"account", number).using_encoded(blake2_256))
}

/// A genesis, as JSON, in which each of these accounts has this much.
pub(crate) fn endowed(accounts: u32, amount: Balance) -> anyhow::Result<Vec<u8>> {
    let balances = (0..accounts).map(|number| (account(number), Amount(amount))).collect();
    Ok(serde_json::to_vec(&GenesisConfig {
        balances: BalancesGenesis { balances },
        ..GenesisConfig::default()
    })?)
}

/// A genesis with this many accounts, of which the first `senders` have keys.
pub(crate) fn genesis(accounts: u32, senders: u32) -> anyhow::Result<GenesisConfig> {
    let with_keys: Vec<AccountId> = (0..senders)
        .into_par_iter()
        .map(|number| sender(number).map(|pair| pair.account_id()))
        .collect::<anyhow::Result<_>>()?;
    let others = (0..accounts.saturating_sub(senders)).map(receiver);
    let balances =
        with_keys.into_iter().chain(others).map(|account| (account, Amount(1_000 * UNIT))).collect();
    Ok(GenesisConfig { balances: BalancesGenesis { balances }, ..GenesisConfig::default() })
}

/// Which signed transfers to make.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Transfers {
    /// Accounts in the state
    #[arg(long, default_value_t = 10_000)]
    pub(crate) accounts: u32,
    /// How many of them send
    #[arg(long, default_value_t = 5_000)]
    pub(crate) senders: u32,
    /// Transfers of each sender
    #[arg(long, default_value_t = 12)]
    pub(crate) rounds: u32,
    /// Each sender to a receiver of its own instead of to random ones
    #[arg(long)]
    pub(crate) pairs: bool,
}

impl Transfers {
    /// How many there are.
    pub(crate) fn count(&self) -> u32 {
        self.senders.saturating_mul(self.rounds)
    }
}

/// Transfers between existing accounts: `rounds` from each of `senders`, in rounds. Without length prefix.
pub(crate) fn transfers(genesis_hash: H256, transfers: &Transfers) -> anyhow::Result<Vec<Vec<u8>>> {
    let Transfers { accounts, senders, rounds, pairs: distinct } = *transfers;
    let version = basalt_runtime::version();
    let additional = Additional {
        spec_version: version.spec_version,
        transaction_version: version.transaction_version,
        genesis_hash,
        birth_hash: genesis_hash,
        metadata_hash: None,
    };
    let pairs: Vec<Pair> = (0..senders).into_par_iter().map(sender).collect::<anyhow::Result<_>>()?;
    let others = accounts.saturating_sub(senders);
    let round = |nonce: u32| {
        let pairs = &pairs;
        let additional = &additional;
        (0..senders as usize).into_par_iter().map(move |from| {
            let pair = &pairs[from];
            let draw = (from as u32, nonce).using_encoded(basalt_primitives::hashing::twox_64);
            let draw = u64::from_le_bytes(draw);
            let dest = if distinct && others > 0 {
                receiver(from as u32 % others)
            } else if others > 0 {
                receiver((draw % u64::from(others)) as u32)
            } else {
                pairs[(draw % u64::from(senders)) as usize].account_id()
            };
            let call = RuntimeCall::Balances(Call::transfer_keep_alive {
                dest: MultiAddress::Id(dest),
                value: MILLIUNIT,
            })
            .encode();
            let extra = Extra { era: Era::Immortal, nonce, tip: 0, metadata_hash_mode: 0 };
            let signature = pair.sign(&extrinsic::signing_payload(&call, &extra, additional));
            extrinsic::encode_signed(&MultiAddress::Id(pair.account_id()), &signature, &extra, &call)
        })
    };
    let mut all = Vec::new();
    for nonce in 0..rounds {
        all.par_extend(round(nonce));
    }
    Ok(all)
}
