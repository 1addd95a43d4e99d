//! Dry runs: what a call would do, asked before it is sent.

use basalt_pallet_contracts::types::{
    Code, CodeUploadReturnValue, Determinism, ExecReturnValue, InstantiateReturnValue, StorageDeposit,
};
use basalt_primitives::{AccountId, Balance, DispatchError, Weight};
use parity_scale_codec::{Decode, Encode};

use crate::cli::tx::{Node, TxError, decode_all, decode_head};

/// What a call would do.
#[derive(Debug, Clone)]
pub(super) struct DryRun<T> {
    /// The gas that it needs.
    pub(super) gas_required: Weight,
    /// What storage would cost.
    pub(super) deposit: StorageDeposit,
    /// What the contract said, or why code was refused.
    pub(super) said: String,
    /// What it returns.
    pub(super) result: Result<T, DispatchError>,
}

/// Who would call, and with what.
#[derive(Debug, Clone, Copy)]
pub(super) struct Terms {
    pub(super) origin: AccountId,
    pub(super) value: Balance,
    /// The most that storage may cost.
    pub(super) limit: Option<Balance>,
}

/// As much as a block has.
const NO_GAS_LIMIT: Option<Weight> = None;

/// What a call of a contract would do.
pub(super) async fn call(
    node: &Node,
    terms: Terms,
    contract: AccountId,
    data: &[u8],
) -> Result<DryRun<ExecReturnValue>, TxError> {
    let Terms { origin, value, limit } = terms;
    let arguments = (origin, contract, value, NO_GAS_LIMIT, limit, data).encode();
    answer("what the call would do", node, "ContractsApi_call", arguments).await
}

/// What an instantiation would do.
pub(super) async fn instantiate(
    node: &Node,
    terms: Terms,
    code: &Code,
    data: &[u8],
    salt: &[u8],
) -> Result<DryRun<InstantiateReturnValue>, TxError> {
    let Terms { origin, value, limit } = terms;
    let arguments = (origin, value, NO_GAS_LIMIT, limit, code, data, salt).encode();
    answer("what the instantiation would do", node, "ContractsApi_instantiate", arguments).await
}

/// What an upload would do.
pub(super) async fn upload(
    node: &Node,
    origin: AccountId,
    code: &[u8],
    limit: Option<Balance>,
) -> Result<Result<CodeUploadReturnValue, DispatchError>, TxError> {
    let what = "what the upload would do";
    let arguments = (origin, code, limit, Determinism::Enforced).encode();
    let bytes = node.runtime_call(what, "ContractsApi_upload_code", arguments).await?;
    decode_all(what, &bytes)
}

async fn answer<T: Decode>(
    what: &'static str,
    node: &Node,
    method: &str,
    arguments: Vec<u8>,
) -> Result<DryRun<T>, TxError> {
    type Head<T> = (Weight, Weight, StorageDeposit, Vec<u8>, Result<T, DispatchError>);
    let bytes = node.runtime_call(what, method, arguments).await?;
    // Events may follow.
    let (_consumed, gas_required, deposit, said, result) = decode_head::<Head<T>>(what, &bytes)?;
    Ok(DryRun { gas_required, deposit, said: String::from_utf8_lossy(&said).into_owned(), result })
}
