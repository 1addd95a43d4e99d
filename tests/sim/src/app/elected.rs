//! The native runtime with somebody who announces sets that are known before: all the rest of a hand-over is real.

use std::sync::Arc;

use basalt_primitives::{
    AccountId, BlockNumber, Digest, Header, Moment, Nonce, RuntimeVersion, ValidTransaction, Weight,
    votes::Evidence,
};
use basalt_runtime::{NativeRuntime, SESSION};
use basalt_runtime_api::{
    ApplyError, BlockEnv, BlockLimits, BlockRecord, CallError, Certificate, Events, Fatal, GenesisError,
    Head, InherentData, InherentError, Position, Receipt, Refusal, Runtime, SignatureCheck, Transaction,
    ValidateError, ValidatorSet, Verified,
};
use basalt_state::{ChangeSet, Overlay, StateError, StateRead};

use crate::scenario::set_of;

/// The native runtime in which sets follow a list.
#[derive(Debug)]
pub(super) struct Elected {
    pub(super) native: NativeRuntime,
    /// Who decides which height, from height 1 on: another set after each epoch at most. None: the runtime elects.
    pub(super) sets: Option<Arc<Vec<ValidatorSet>>>,
}

impl Runtime for Elected {
    /// In the first block of an epoch the set of the next one is announced, as by staking.
    fn begin_block(&self, env: &BlockEnv, state: &mut Overlay<'_>) -> Result<Events, Fatal> {
        let events = self.native.begin_block(env, state)?;
        let epoch = SESSION.epoch(state)?;
        if let Some(sets) = &self.sets
            && epoch.length > 0
            && env.number == epoch.first
        {
            let next = set_of(sets, epoch.first + epoch.length);
            SESSION
                .announce(state, next.validators.clone())
                .map_err(|error| Fatal::Broken { pallet: "Session", what: error.to_string() })?;
        }
        Ok(events)
    }

    fn version(&self) -> RuntimeVersion {
        self.native.version()
    }

    fn metadata(&self, version: u32) -> Option<Vec<u8>> {
        self.native.metadata(version)
    }

    fn genesis(&self, config: &[u8]) -> Result<ChangeSet, GenesisError> {
        self.native.genesis(config)
    }

    fn limits(&self, state: &dyn StateRead) -> Result<BlockLimits, StateError> {
        self.native.limits(state)
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

    fn validators(&self, state: &dyn StateRead) -> Result<ValidatorSet, StateError> {
        self.native.validators(state)
    }

    fn validators_until(&self, state: &dyn StateRead) -> Result<Option<BlockNumber>, StateError> {
        self.native.validators_until(state)
    }

    fn opening_weight(&self, opened: &dyn StateRead) -> Result<Weight, StateError> {
        self.native.opening_weight(opened)
    }

    fn earliest_time(&self, state: &dyn StateRead) -> Result<Moment, StateError> {
        self.native.earliest_time(state)
    }

    fn report(&self, evidence: &Evidence) -> Option<Vec<u8>> {
        self.native.report(evidence)
    }

    fn try_state(&self, state: &dyn StateRead) -> Result<(), Fatal> {
        self.native.try_state(state)
    }
}

/// How many blocks each set decides: the length of an epoch. 0 if there is one set only.
pub(super) fn epoch_length(sets: &[ValidatorSet]) -> BlockNumber {
    let first = sets.iter().position(|set| set.id > 0);
    first.and_then(|place| BlockNumber::try_from(place).ok()).unwrap_or(0)
}
