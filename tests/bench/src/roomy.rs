//! This chain's runtime in a block without limits, so that the size of a block is the benchmark's choice.

use basalt_primitives::{AccountId, Digest, Header, Nonce, RuntimeVersion, ValidTransaction, Weight};
use basalt_runtime::{LIMITS, NativeRuntime};
use basalt_runtime_api::{
    ApplyError, BlockEnv, BlockLimits, BlockRecord, CallError, Events, Fatal, GenesisError, Head,
    InherentData, InherentError, Position, Receipt, Refusal, Runtime, SignatureCheck, Transaction,
    ValidateError, Verified,
};
use basalt_state::{ChangeSet, Overlay, StateError, StateRead};

/// Far above what any benchmark fills, and far below an overflow of the sums.
const ROOM: Weight = Weight::new(u64::MAX / 4, u64::MAX / 4);

/// What fits in a block where everything fits.
pub(crate) fn limits(weight_base_transaction: Weight) -> BlockLimits {
    BlockLimits {
        weight_max: ROOM,
        weight_normal_max: ROOM,
        weight_base: Weight::zero(),
        weight_base_transaction,
        bytes_max: u32::MAX,
        bytes_normal_max: u32::MAX,
    }
}

/// [`NativeRuntime`] without block limits.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Roomy;

impl Runtime for Roomy {
    fn version(&self) -> RuntimeVersion {
        NativeRuntime::default().version()
    }

    fn metadata(&self, version: u32) -> Option<Vec<u8>> {
        NativeRuntime::default().metadata(version)
    }

    fn genesis(&self, config: &[u8]) -> Result<ChangeSet, GenesisError> {
        NativeRuntime::default().genesis(config)
    }

    fn limits(&self, _: &dyn StateRead) -> Result<BlockLimits, StateError> {
        Ok(limits(LIMITS.weight_base_transaction))
    }

    fn inspect(&self, bytes: Vec<u8>) -> Result<Transaction, Refusal> {
        NativeRuntime::default().inspect(bytes)
    }

    fn proof(
        &self,
        transaction: &Transaction,
        head: &Head<'_>,
    ) -> Result<Option<SignatureCheck>, ValidateError> {
        NativeRuntime::default().proof(transaction, head)
    }

    fn validate(
        &self,
        transaction: &Transaction,
        head: &Head<'_>,
    ) -> Result<ValidTransaction, ValidateError> {
        NativeRuntime::default().validate(transaction, head)
    }

    fn nonce(&self, account: &AccountId, state: &dyn StateRead) -> Result<Nonce, StateError> {
        NativeRuntime::default().nonce(account, state)
    }

    fn inherents(&self, data: &InherentData) -> Vec<Vec<u8>> {
        NativeRuntime::default().inherents(data)
    }

    fn check_inherents(&self, transactions: &[Verified], data: &InherentData) -> Result<(), InherentError> {
        NativeRuntime::default().check_inherents(transactions, data)
    }

    fn begin_block(&self, env: &BlockEnv, state: &mut Overlay<'_>) -> Result<Events, Fatal> {
        NativeRuntime::default().begin_block(env, state)
    }

    fn apply(
        &self,
        transaction: &Verified,
        position: &Position,
        env: &BlockEnv,
        state: &mut Overlay<'_>,
    ) -> Result<Receipt, ApplyError> {
        NativeRuntime::default().apply(transaction, position, env, state)
    }

    fn end_block(
        &self,
        env: &BlockEnv,
        record: &BlockRecord<'_>,
        state: &mut Overlay<'_>,
    ) -> Result<Digest, Fatal> {
        NativeRuntime::default().end_block(env, record, state)
    }

    fn call(
        &self,
        function: &str,
        arguments: &[u8],
        header: &Header,
        state: &mut Overlay<'_>,
    ) -> Result<Vec<u8>, CallError> {
        NativeRuntime::default().call(function, arguments, header, state)
    }

    fn try_state(&self, state: &dyn StateRead) -> Result<(), Fatal> {
        NativeRuntime::default().try_state(state)
    }
}
