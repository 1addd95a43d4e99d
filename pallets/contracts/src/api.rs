//! What clients ask without a transaction: dry runs, and values that a contract stores.
//!
//! The runtime decodes arguments, encodes answers, and drops what a dry run wrote.

use alloc::{string::String, vec::Vec};

use basalt_primitives::{AccountId, Balance, DispatchError, Weight};
use basalt_state::{StateError, StateRead};
use basalt_support::{Context, Failure, RuntimeCall};

use crate::{
    CONTRACT_INFO_OF, Contracts, STORAGE_KEY_BYTES_MAX,
    exec::{Caller, Outcome, Terms},
    storage::{child_prefix, hashed_variable_key},
    types::{
        Code, CodeUploadReturnValue, ContractAccessError, ContractResult, Determinism, ExecReturnValue,
        InstantiateReturnValue, StorageDeposit,
    },
};

/// Who asks for a dry run, and what it may use.
#[derive(Debug, Clone, Copy)]
pub struct DryRun {
    /// On whose behalf. The account needs what a real call would need but for the fee.
    pub origin: AccountId,
    /// What the contract gets from it.
    pub value: Balance,
    /// The most gas; as much as a block has if absent, and never more.
    pub gas_limit: Option<Weight>,
    /// The most that storage may cost.
    pub storage_deposit_limit: Option<Balance>,
}

/// The answer to a dry run. Events are the context's.
pub type Answer<T> = ContractResult<Result<T, DispatchError>, ()>;

impl<C: RuntimeCall> Contracts<C> {
    /// What a call would do.
    pub fn dry_call(
        &self,
        ctx: &mut Context<'_, '_>,
        run: DryRun,
        dest: AccountId,
        data: Vec<u8>,
    ) -> Result<Answer<ExecReturnValue>, StateError> {
        let terms = self.terms(run, run.storage_deposit_limit);
        let outcome = self.bare_call(ctx, Caller::Signed(run.origin), dest, run.value, terms, data);
        answered(outcome, 0, |returned| returned)
    }

    /// What an instantiation would do.
    pub fn dry_instantiate(
        &self,
        ctx: &mut Context<'_, '_>,
        run: DryRun,
        code: Code,
        data: Vec<u8>,
        salt: Vec<u8>,
    ) -> Result<Answer<InstantiateReturnValue>, StateError> {
        let (code_hash, deposit) = match code {
            Code::Existing(code_hash) => (code_hash, 0),
            Code::Upload(code) => {
                let limit = run.storage_deposit_limit;
                match self.upload(ctx, &run.origin, code, limit, Determinism::Enforced) {
                    Ok(uploaded) => (uploaded.code_hash, uploaded.deposit),
                    Err(refused) => return not_uploaded(refused.failure, refused.refused),
                }
            }
        };
        let limit = run.storage_deposit_limit.map(|limit| limit.saturating_sub(deposit));
        let terms = self.terms(run, limit);
        let outcome = self.bare_instantiate(ctx, run.origin, code_hash, run.value, terms, data, salt);
        answered(outcome, deposit, |(account_id, result)| InstantiateReturnValue { result, account_id })
    }

    /// What an upload would do.
    pub fn dry_upload(
        &self,
        ctx: &mut Context<'_, '_>,
        origin: &AccountId,
        code: Vec<u8>,
        limit: Option<Balance>,
        determinism: Determinism,
    ) -> Result<Result<CodeUploadReturnValue, DispatchError>, StateError> {
        dispatched(self.upload(ctx, origin, code, limit, determinism).map_err(|refused| refused.failure))
    }

    /// A value that a contract stores under a key of its own.
    pub fn stored_value(
        &self,
        state: &(impl StateRead + ?Sized),
        contract: &AccountId,
        key: &[u8],
    ) -> Result<Result<Option<Vec<u8>>, ContractAccessError>, StateError> {
        let Some(info) = CONTRACT_INFO_OF.get(state, contract)? else {
            return Ok(Err(ContractAccessError::DoesntExist));
        };
        if key.len() > STORAGE_KEY_BYTES_MAX as usize {
            return Ok(Err(ContractAccessError::KeyDecodingFailed));
        }
        let mut full = child_prefix(&info.trie_id.0);
        full.extend(hashed_variable_key(key));
        Ok(Ok(state.get(&full)?))
    }

    fn terms(&self, run: DryRun, limit: Option<Balance>) -> Terms {
        Terms {
            // What no block can hold, nobody needs to try. Clients that know no limit ask for seconds.
            gas_limit: run.gas_limit.map_or(self.gas_max, |limit| limit.min(self.gas_max)),
            storage_deposit_limit: limit,
            debug: true,
            // As on chain, so that what a dry run shows is what a call would do.
            determinism: Determinism::Enforced,
        }
    }
}

/// A failure of the chain's rules is an answer; one of the node is not.
fn dispatched<T>(result: Result<T, Failure>) -> Result<Result<T, DispatchError>, StateError> {
    match result {
        Ok(done) => Ok(Ok(done)),
        Err(Failure::Dispatch(error)) => Ok(Err(error)),
        Err(Failure::State(error)) => Err(error),
    }
}

fn answered<T, R>(
    outcome: Outcome<T>,
    upload_deposit: Balance,
    returned: impl FnOnce(T) -> R,
) -> Result<Answer<R>, StateError> {
    Ok(ContractResult {
        gas_consumed: outcome.gas_consumed,
        gas_required: outcome.gas_required,
        storage_deposit: outcome.storage_deposit.saturating_add(StorageDeposit::Charge(upload_deposit)),
        debug_message: outcome.debug_message,
        result: dispatched(outcome.result)?.map(returned),
        events: None,
    })
}

fn not_uploaded<R>(failure: Failure, refused: Option<String>) -> Result<Answer<R>, StateError> {
    Ok(ContractResult {
        gas_consumed: Weight::zero(),
        gas_required: Weight::zero(),
        storage_deposit: StorageDeposit::default(),
        debug_message: refused.unwrap_or_default().into_bytes(),
        result: dispatched(Err(failure))?,
        events: None,
    })
}
