//! A runtime whose blocks hold one inherent, and whose validators change every few blocks.

use basalt_primitives::{
    AccountId, Digest, DispatchClass, H256, Header, InvalidTransaction, Nonce, Pays, RuntimeVersion,
    ValidTransaction, Weight, hashing::blake2_256,
};
use basalt_runtime_api::{
    ApplyError, BlockEnv, BlockLimits, BlockRecord, CallError, DispatchInfo, Events, Fatal, GenesisError,
    Head, InherentData, InherentError, Position, Receipt, Refusal, Runtime, SignatureCheck, Transaction,
    ValidateError, ValidatorSet, Verified,
};
use basalt_state::{ChangeSet, Overlay, StateError, StateRead, StateWrite};
use parity_scale_codec::{Decode, DecodeAll, Encode};

/// After how many blocks other validators take over.
pub(crate) const SET_BLOCKS: u32 = 10;
/// Every so many blocks there is one of [`LARGE_BYTES`].
pub(crate) const LARGE_EVERY: u64 = 7;
pub(crate) const LARGE_BYTES: usize = 1 << 20;

/// The only transaction: a time and what fills the block.
type Now = (u64, Vec<u8>);

/// With large blocks now and then, or without.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Toy {
    pub(crate) large: bool,
}

/// Who decides the block of this height.
pub(crate) fn set_of(number: u32) -> u64 {
    u64::from((number - 1) / SET_BLOCKS)
}

fn refusal(detail: &str) -> Refusal {
    Refusal { error: InvalidTransaction::Call.into(), detail: detail.into() }
}

impl Runtime for Toy {
    fn version(&self) -> RuntimeVersion {
        RuntimeVersion { spec_name: "toy".into(), ..Default::default() }
    }

    fn metadata(&self, _version: u32) -> Option<Vec<u8>> {
        None
    }

    fn genesis(&self, config: &[u8]) -> Result<ChangeSet, GenesisError> {
        Ok([(b"genesis".to_vec(), Some(config.to_vec()))].into_iter().collect())
    }

    fn limits(&self, _state: &dyn StateRead) -> Result<BlockLimits, StateError> {
        Ok(BlockLimits {
            weight_max: Weight::new(1 << 20, 1 << 30),
            weight_normal_max: Weight::new(1 << 20, 1 << 30),
            weight_base: Weight::zero(),
            weight_base_transaction: Weight::zero(),
            bytes_max: 5 << 20,
            bytes_normal_max: 5 << 20,
        })
    }

    fn inspect(&self, bytes: Vec<u8>) -> Result<Transaction, Refusal> {
        Now::decode_all(&mut &bytes[..]).map_err(|error| refusal(&error.to_string()))?;
        Ok(Transaction {
            hash: H256(blake2_256(&bytes.encode())),
            call_offset: 0,
            signed: None,
            info: DispatchInfo {
                weight: Weight::new(1, 0),
                class: DispatchClass::Mandatory,
                pays_fee: Pays::Yes,
            },
            touches: Vec::new(),
            bytes,
        })
    }

    fn proof(
        &self,
        _transaction: &Transaction,
        _head: &Head<'_>,
    ) -> Result<Option<SignatureCheck>, ValidateError> {
        Ok(None)
    }

    fn validate(
        &self,
        _transaction: &Transaction,
        _head: &Head<'_>,
    ) -> Result<ValidTransaction, ValidateError> {
        Err(ValidateError::Refused(refusal("not signed")))
    }

    fn nonce(&self, _account: &AccountId, _state: &dyn StateRead) -> Result<Nonce, StateError> {
        Ok(0)
    }

    fn inherents(&self, data: &InherentData) -> Vec<Vec<u8>> {
        let large = self.large && (data.timestamp / 1000).is_multiple_of(LARGE_EVERY);
        let filler = vec![7u8; if large { LARGE_BYTES } else { 0 }];
        vec![(data.timestamp, filler).encode()]
    }

    fn check_inherents(&self, transactions: &[Verified], _data: &InherentData) -> Result<(), InherentError> {
        match transactions.len() {
            1 => Ok(()),
            _ => Err(InherentError::Missing("Now")),
        }
    }

    fn begin_block(&self, env: &BlockEnv, state: &mut Overlay<'_>) -> Result<Events, Fatal> {
        state.put(b"height", env.number.encode());
        // Who does not know the author comes to another state.
        state.put(b"author", env.author.encode());
        Ok(Events::default())
    }

    fn apply(
        &self,
        transaction: &Verified,
        _: &Position,
        _env: &BlockEnv,
        state: &mut Overlay<'_>,
    ) -> Result<Receipt, ApplyError> {
        let Ok((now, _)) = Now::decode(&mut &transaction.bytes[..]) else {
            return Err(InvalidTransaction::Call.into());
        };
        state.put(b"now", now.encode());
        let info = Default::default();
        Ok(Receipt { result: Ok(()), info, fee: 0, tip: 0, events: Events::default() })
    }

    fn end_block(
        &self,
        _env: &BlockEnv,
        _record: &BlockRecord<'_>,
        _state: &mut Overlay<'_>,
    ) -> Result<Digest, Fatal> {
        Ok(Digest::default())
    }

    fn call(
        &self,
        function: &str,
        _arguments: &[u8],
        _header: &Header,
        _state: &mut Overlay<'_>,
    ) -> Result<Vec<u8>, CallError> {
        Err(CallError::Unknown(function.into()))
    }

    fn validators(&self, state: &dyn StateRead) -> Result<ValidatorSet, StateError> {
        let height = state.get(b"height")?.and_then(|bytes| u32::decode(&mut &bytes[..]).ok()).unwrap_or(0);
        Ok(ValidatorSet { id: set_of(height + 1), validators: Vec::new() })
    }

    fn try_state(&self, _state: &dyn StateRead) -> Result<(), Fatal> {
        Ok(())
    }
}
