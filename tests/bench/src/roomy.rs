//! This chain's runtime in a block without limits, so that the size of a block is the benchmark's choice.

use basalt_primitives::{AccountId, Digest, Header, Nonce, RuntimeVersion, ValidTransaction, Weight};
use basalt_runtime::{LIMITS, NativeRuntime};
use basalt_runtime_api::{
    ApplyError, BlockEnv, BlockLimits, BlockRecord, CallError, Certificate, Events, Fatal, GenesisError,
    Head, InherentData, InherentError, Position, Receipt, Refusal, Runtime, SignatureCheck, Transaction,
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
#[derive(Debug, Clone, Default)]
pub(crate) struct Roomy {
    native: NativeRuntime,
}

impl Roomy {
    /// This runtime, with what it runs contracts on.
    pub(crate) fn new(native: NativeRuntime) -> Self {
        Self { native }
    }
}

impl Runtime for Roomy {
    fn version(&self) -> RuntimeVersion {
        self.native.version()
    }

    fn metadata(&self, version: u32) -> Option<Vec<u8>> {
        self.native.metadata(version)
    }

    fn genesis(&self, config: &[u8]) -> Result<ChangeSet, GenesisError> {
        self.native.genesis(config)
    }

    fn limits(&self, _: &dyn StateRead) -> Result<BlockLimits, StateError> {
        Ok(limits(LIMITS.weight_base_transaction))
    }

    fn inspect(&self, bytes: Vec<u8>) -> Result<Transaction, Refusal> {
        self.native.inspect(bytes)
    }

    fn proof(
        &self,
        transaction: &Transaction,
        head: &Head<'_>,
    ) -> Result<Option<SignatureCheck>, ValidateError> {
        self.native.proof(transaction, head)
    }

    fn validate(
        &self,
        transaction: &Transaction,
        head: &Head<'_>,
    ) -> Result<ValidTransaction, ValidateError> {
        self.native.validate(transaction, head)
    }

    fn nonce(&self, account: &AccountId, state: &dyn StateRead) -> Result<Nonce, StateError> {
        self.native.nonce(account, state)
    }

    fn inherents(&self, data: &InherentData) -> Vec<Vec<u8>> {
        self.native.inherents(data)
    }

    fn check_inherents(&self, transactions: &[Verified], data: &InherentData) -> Result<(), InherentError> {
        self.native.check_inherents(transactions, data)
    }

    fn votes(&self, certificate: &Certificate, state: &dyn StateRead) -> Result<Option<Vec<u8>>, StateError> {
        self.native.votes(certificate, state)
    }

    fn check_inherents_on(
        &self,
        transactions: &[Verified],
        state: &dyn StateRead,
    ) -> Result<Result<(), InherentError>, StateError> {
        self.native.check_inherents_on(transactions, state)
    }

    fn begin_block(&self, env: &BlockEnv, state: &mut Overlay<'_>) -> Result<Events, Fatal> {
        self.native.begin_block(env, state)
    }

    fn apply(
        &self,
        transaction: &Verified,
        position: &Position,
        env: &BlockEnv,
        state: &mut Overlay<'_>,
    ) -> Result<Receipt, ApplyError> {
        self.native.apply(transaction, position, env, state)
    }

    fn end_block(
        &self,
        env: &BlockEnv,
        record: &BlockRecord<'_>,
        state: &mut Overlay<'_>,
    ) -> Result<Digest, Fatal> {
        self.native.end_block(env, record, state)
    }

    fn call(
        &self,
        function: &str,
        arguments: &[u8],
        header: &Header,
        state: &mut Overlay<'_>,
    ) -> Result<Vec<u8>, CallError> {
        self.native.call(function, arguments, header, state)
    }

    fn try_state(&self, state: &dyn StateRead) -> Result<(), Fatal> {
        self.native.try_state(state)
    }
}
