//! What a transaction may cost: flags that the sending commands share.

use basalt_pallet_contracts::Call;
use basalt_primitives::{Balance, Weight};
use basalt_runtime::CONTRACTS;
use basalt_support::Pallet;
use clap::Args;

use super::error::ContractError;
use crate::cli::tx::Chain;
pub(super) use crate::cli::tx::{Address, DEVELOPMENT_SENDER, SenderFlags};

/// The part that is added to what a dry run needed, since the state may be another when the transaction runs: a tenth.
const MARGIN_PART: u64 = 10;

/// The flag of those that store something.
#[derive(Debug, Clone, Args)]
pub(super) struct DepositFlag {
    /// The most that storage may cost: an amount [default: what a dry run needs, and a tenth more].
    #[arg(long, value_name = "AMOUNT")]
    storage_deposit_limit: Option<String>,
}

impl DepositFlag {
    /// The limit that was given.
    pub(super) fn limit(&self, chain: &Chain) -> Result<Option<Balance>, ContractError> {
        let limit = self.storage_deposit_limit.as_ref();
        limit.map(|text| amount(chain, "--storage-deposit-limit", text)).transpose()
    }
}

/// An amount of a flag.
pub(super) fn amount(chain: &Chain, flag: &'static str, text: &str) -> Result<Balance, ContractError> {
    chain.token.parse(text).map_err(|error| ContractError::Amount { flag, error })
}

/// The most gas that a block has for this call, which is given without gas, beside what the call costs anyhow.
pub(super) fn gas_max(call: &Call) -> Weight {
    let limits = basalt_runtime::LIMITS;
    let taken = limits.weight_base.saturating_add(limits.weight_base_transaction);
    limits.weight_normal_max.saturating_sub(taken).saturating_sub(CONTRACTS.info(call).weight)
}

/// What a dry run needed, and a tenth more, but no more than a block has.
pub(super) fn with_margin(needed: Weight, max: Weight) -> Weight {
    let part = |needed: u64, max: u64| needed.saturating_add(needed.div_ceil(MARGIN_PART)).min(max);
    Weight::new(part(needed.ref_time, max.ref_time), part(needed.proof_size, max.proof_size))
}

/// What a dry run was charged, and a tenth more.
pub(super) fn deposit_with_margin(needed: Balance) -> Balance {
    needed.saturating_add(needed.div_ceil(Balance::from(MARGIN_PART)))
}
