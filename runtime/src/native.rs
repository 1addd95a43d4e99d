//! The door of this runtime, compiled in.

use alloc::{sync::Arc, vec::Vec};
use core::fmt;

use basalt_contracts_vm::Machine;
use basalt_pallet_system::ACCOUNT;
use basalt_primitives::{
    AccountId, BlockNumber, Digest, Header, Moment, Nonce, RuntimeVersion, ValidTransaction, Weight,
    votes::Evidence,
};
use basalt_runtime_api::{
    ApplyError, BlockEnv, BlockLimits, BlockRecord, CallError, Certificate, Events, Fatal, GenesisError,
    Head, InherentData, InherentError, Position, Receipt, Refusal, Runtime, SignatureCheck, Transaction,
    ValidateError, ValidatorSet, Verified,
};
use basalt_state::{ChangeSet, Overlay, StateError, StateRead};

use crate::{LIMITS, SESSION, TIMESTAMP, apis, block, genesis, offences, transaction, version};

/// This chain's logic, compiled into the node.
///
/// Without a machine (`default()`) it does everything but run contracts: a block that needs one is then this node's failure.
#[derive(Clone, Default)]
pub struct NativeRuntime {
    machine: Option<Arc<dyn Machine>>,
}

impl NativeRuntime {
    /// With what runs contracts. Who calls the runtime does so on threads with the stack that the machine asks for.
    pub fn new(machine: Arc<dyn Machine>) -> Self {
        Self { machine: Some(machine) }
    }

    fn machine(&self) -> Option<&dyn Machine> {
        self.machine.as_deref()
    }
}

impl fmt::Debug for NativeRuntime {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("NativeRuntime").field("contracts", &self.machine.is_some()).finish()
    }
}

impl Runtime for NativeRuntime {
    fn version(&self) -> RuntimeVersion {
        version()
    }

    fn metadata(&self, version: u32) -> Option<Vec<u8>> {
        apis::metadata().encode(version)
    }

    fn genesis(&self, config: &[u8]) -> Result<ChangeSet, GenesisError> {
        genesis::build(config)
    }

    fn limits(&self, _state: &dyn StateRead) -> Result<BlockLimits, StateError> {
        Ok(LIMITS)
    }

    fn earliest_time(&self, state: &dyn StateRead) -> Result<Moment, StateError> {
        TIMESTAMP.earliest(state)
    }

    fn inspect(&self, bytes: Vec<u8>) -> Result<Transaction, Refusal> {
        transaction::inspect(bytes)
    }

    fn proof(
        &self,
        transaction: &Transaction,
        head: &Head<'_>,
    ) -> Result<Option<SignatureCheck>, ValidateError> {
        transaction::proof(transaction, head)
    }

    fn validate(
        &self,
        transaction: &Transaction,
        head: &Head<'_>,
    ) -> Result<ValidTransaction, ValidateError> {
        transaction::validate(transaction, head)
    }

    fn nonce(&self, account: &AccountId, state: &dyn StateRead) -> Result<Nonce, StateError> {
        Ok(ACCOUNT.get_or_default(state, account)?.nonce)
    }

    fn inherents(&self, data: &InherentData) -> Vec<Vec<u8>> {
        block::inherents(data)
    }

    fn check_inherents(&self, transactions: &[Verified], data: &InherentData) -> Result<(), InherentError> {
        block::check_inherents(transactions, data)
    }

    fn votes(&self, certificate: &Certificate, state: &dyn StateRead) -> Result<Option<Vec<u8>>, StateError> {
        block::votes(certificate, state)
    }

    fn check_inherents_on(
        &self,
        transactions: &[Verified],
        state: &dyn StateRead,
    ) -> Result<Result<(), InherentError>, StateError> {
        block::check_inherents_on(transactions, state)
    }

    fn begin_block(&self, env: &BlockEnv, state: &mut Overlay<'_>) -> Result<Events, Fatal> {
        block::begin(env, state, self.machine())
    }

    fn opening_weight(&self, opened: &dyn StateRead) -> Result<Weight, StateError> {
        block::opening_weight(opened)
    }

    fn apply(
        &self,
        transaction: &Verified,
        position: &Position,
        env: &BlockEnv,
        state: &mut Overlay<'_>,
    ) -> Result<Receipt, ApplyError> {
        transaction::apply(transaction, position, env, state, self.machine())
    }

    fn end_block(
        &self,
        env: &BlockEnv,
        record: &BlockRecord<'_>,
        state: &mut Overlay<'_>,
    ) -> Result<Digest, Fatal> {
        block::end(env, record, state)
    }

    fn call(
        &self,
        function: &str,
        arguments: &[u8],
        header: &Header,
        state: &mut Overlay<'_>,
    ) -> Result<Vec<u8>, CallError> {
        apis::call(function, arguments, header, state, self.machine())
    }

    fn validators(&self, state: &dyn StateRead) -> Result<ValidatorSet, StateError> {
        SESSION.validators(state)
    }

    fn validators_until(&self, state: &dyn StateRead) -> Result<Option<BlockNumber>, StateError> {
        Ok(SESSION.epoch(state)?.last())
    }

    fn report(&self, evidence: &Evidence) -> Option<Vec<u8>> {
        Some(offences::transaction(evidence))
    }

    fn try_state(&self, state: &dyn StateRead) -> Result<(), Fatal> {
        block::try_state(state)
    }
}
