//! A runtime of six calls, so that blocks can be tested without pallets.
//!
//! A block opens with one bare `Now`. All else is signed; ten transactions fill a block.

use std::sync::{Arc, LazyLock};

use basalt_primitives::{
    AccountId, Digest, DigestItem, DispatchClass, DispatchError, DispatchEventInfo, Era, H256, Header,
    InvalidTransaction, MultiSignature, Nonce, Pays, RuntimeVersion, ValidTransaction, Weight,
    hashing::blake2_256,
    keys::{Pair, Scheme},
};
use basalt_runtime_api::{
    ApplyError, BlockEnv, BlockLimits, BlockRecord, CallError, DispatchInfo, Events, Fatal, GenesisError,
    Head, InherentData, InherentError, Position, Receipt, Refusal, Runtime, SignatureCheck, Signed,
    Transaction, ValidateError, Verified,
};
use basalt_state::{ChangeSet, Overlay, StateError, StateRead, StateWrite};
use parity_scale_codec::{Decode, DecodeAll, Encode};

/// How many transactions fill a block.
pub(crate) const BLOCK_TRANSACTIONS: u64 = 10;
const WEIGHT: u64 = 1000;
/// How far ahead of ours a block's time may be, in milliseconds.
pub(crate) const DRIFT_MAX: u64 = 1000;

#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(crate) enum Call {
    Put(Vec<u8>, Vec<u8>),
    Add(Vec<u8>, i128),
    Remove(Vec<u8>),
    Fail,
    Now(u64),
}

#[derive(Debug, Clone, Encode, Decode)]
pub(crate) enum Tx {
    Bare(Call),
    Signed { signer: AccountId, nonce: Nonce, call: Call, signature: MultiSignature },
}

/// The one who signs everything.
pub(crate) static ALICE: LazyLock<Pair> =
    LazyLock::new(|| Pair::from_suri(Scheme::Sr25519, "//Alice").expect("a valid path"));

pub(crate) fn bare(call: Call) -> Vec<u8> {
    Tx::Bare(call).encode()
}

pub(crate) fn signed(nonce: Nonce, call: Call) -> Vec<u8> {
    let signature = ALICE.sign(&(&call, nonce).encode());
    Tx::Signed { signer: ALICE.account_id(), nonce, call, signature }.encode()
}

pub(crate) fn put(nonce: Nonce, key: &[u8], value: &[u8]) -> Vec<u8> {
    signed(nonce, Call::Put(key.to_vec(), value.to_vec()))
}

/// As if the signature had been checked.
pub(crate) fn verified(bytes: Vec<u8>) -> Verified {
    Verified::assume(Arc::new(Toy.inspect(bytes).expect("a transaction")), H256::zero())
}

pub(crate) fn nonce_key(account: &AccountId) -> Vec<u8> {
    [b"nonce/".as_slice(), &account.0].concat()
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Toy;

fn refuse(error: InvalidTransaction, detail: &str) -> Refusal {
    Refusal { error: error.into(), detail: detail.into() }
}

fn number<T: Decode + Default>(state: &dyn StateRead, key: &[u8]) -> Result<T, StateError> {
    Ok(state.get(key)?.and_then(|bytes| T::decode(&mut &bytes[..]).ok()).unwrap_or_default())
}

fn check_nonce(signed: &Signed, state: &dyn StateRead) -> Result<Result<(), InvalidTransaction>, StateError> {
    let expected: Nonce = number(state, &nonce_key(&signed.signer))?;
    Ok(match signed.nonce.cmp(&expected) {
        std::cmp::Ordering::Less => Err(InvalidTransaction::Stale),
        std::cmp::Ordering::Equal => Ok(()),
        std::cmp::Ordering::Greater => Err(InvalidTransaction::Future),
    })
}

impl Runtime for Toy {
    fn version(&self) -> RuntimeVersion {
        RuntimeVersion { spec_name: "toy".into(), ..Default::default() }
    }

    fn metadata(&self, _version: u32) -> Option<Vec<u8>> {
        None
    }

    /// Not JSON: the configuration itself is the state's one value.
    fn genesis(&self, config: &[u8]) -> Result<ChangeSet, GenesisError> {
        Ok([(b"genesis".to_vec(), Some(config.to_vec()))].into_iter().collect())
    }

    fn limits(&self, _state: &dyn StateRead) -> Result<BlockLimits, StateError> {
        let weight_normal_max = Weight::new(BLOCK_TRANSACTIONS * WEIGHT, u64::MAX / 4);
        Ok(BlockLimits {
            weight_max: weight_normal_max.saturating_add(Weight::new(WEIGHT, 0)),
            weight_normal_max,
            weight_base: Weight::zero(),
            weight_base_transaction: Weight::zero(),
            bytes_max: 1 << 20,
            bytes_normal_max: 1 << 20,
        })
    }

    fn inspect(&self, bytes: Vec<u8>) -> Result<Transaction, Refusal> {
        let tx = Tx::decode_all(&mut &bytes[..])
            .map_err(|error| refuse(InvalidTransaction::Call, &error.to_string()))?;
        let (signed, call) = match tx {
            Tx::Bare(call) => (None, call),
            Tx::Signed { signer, nonce, call, signature } => {
                (Some(Signed { signer, signature, era: Era::Immortal, nonce, tip: 0 }), call)
            }
        };
        let class = match call {
            Call::Now(_) => DispatchClass::Mandatory,
            _ => DispatchClass::Normal,
        };
        Ok(Transaction {
            hash: H256(blake2_256(&bytes.encode())),
            call_offset: 1,
            signed,
            info: DispatchInfo { weight: Weight::new(WEIGHT, 0), class, pays_fee: Pays::Yes },
            touches: Vec::new(),
            bytes,
        })
    }

    fn proof(
        &self,
        transaction: &Transaction,
        _head: &Head<'_>,
    ) -> Result<Option<SignatureCheck>, ValidateError> {
        let Ok(Tx::Signed { signer, nonce, call, signature }) = Tx::decode(&mut &transaction.bytes[..])
        else {
            return Ok(None);
        };
        let message = (call, nonce).encode();
        Ok(Some(SignatureCheck { signer, signature, message, birth_hash: H256::zero() }))
    }

    fn validate(
        &self,
        transaction: &Transaction,
        head: &Head<'_>,
    ) -> Result<ValidTransaction, ValidateError> {
        let Some(signed) = &transaction.signed else {
            return Err(ValidateError::Refused(refuse(InvalidTransaction::Call, "not signed")));
        };
        let tag = |nonce: Nonce| (&signed.signer, nonce).encode();
        let requires = match check_nonce(signed, head.state)? {
            Ok(()) => Vec::new(),
            Err(InvalidTransaction::Future) => vec![tag(signed.nonce - 1)],
            Err(error) => return Err(ValidateError::Refused(refuse(error, "nonce"))),
        };
        Ok(ValidTransaction { requires, provides: vec![tag(signed.nonce)], ..Default::default() })
    }

    fn nonce(&self, account: &AccountId, state: &dyn StateRead) -> Result<Nonce, StateError> {
        number(state, &nonce_key(account))
    }

    fn inherents(&self, data: &InherentData) -> Vec<Vec<u8>> {
        vec![bare(Call::Now(data.timestamp))]
    }

    fn check_inherents(&self, transactions: &[Verified], data: &InherentData) -> Result<(), InherentError> {
        let call = transactions.first().and_then(|first| Tx::decode(&mut &first.bytes[..]).ok());
        let Some(Tx::Bare(Call::Now(block_ms))) = call else {
            return Err(InherentError::Missing("Now"));
        };
        if block_ms > data.timestamp + DRIFT_MAX {
            let now_ms = data.timestamp;
            return Err(InherentError::TooFarAhead { block_ms, now_ms, drift_max_ms: DRIFT_MAX });
        }
        match (0..).zip(transactions).skip(1).find(|(_, transaction)| transaction.signed.is_none()) {
            Some((index, _)) => Err(InherentError::Misplaced { index }),
            None => Ok(()),
        }
    }

    fn begin_block(&self, env: &BlockEnv, state: &mut Overlay<'_>) -> Result<Events, Fatal> {
        state.put(&[b"block/".as_slice(), &env.number.to_be_bytes()].concat(), env.parent_hash.0.to_vec());
        if let Some(author) = &env.author {
            state.put(b"author", author.0.to_vec());
        }
        Ok(Events::default())
    }

    fn apply(
        &self,
        transaction: &Verified,
        _: &Position,
        _env: &BlockEnv,
        state: &mut Overlay<'_>,
    ) -> Result<Receipt, ApplyError> {
        let call = match Tx::decode(&mut &transaction.bytes[..]) {
            Ok(Tx::Bare(call) | Tx::Signed { call, .. }) => call,
            Err(_) => return Err(InvalidTransaction::Call.into()),
        };
        if let Some(signed) = &transaction.signed {
            check_nonce(signed, state)??;
            state.put(&nonce_key(&signed.signer), (signed.nonce + 1).encode());
        }
        let mut result = Ok(());
        match call {
            Call::Put(key, value) => state.put(&key, value),
            Call::Add(key, delta) => state.add_delta(&key, delta)?,
            Call::Remove(key) => state.remove(&key),
            Call::Fail => result = Err(DispatchError::Other("asked for")),
            Call::Now(now) if now > number::<u64>(state, b"now")? => state.put(b"now", now.encode()),
            Call::Now(_) => return Err(InvalidTransaction::BadMandatory.into()),
        }
        let info = DispatchEventInfo { weight: transaction.info.weight, ..Default::default() };
        Ok(Receipt { result, info, fee: 0, tip: 0, events: Events::default() })
    }

    fn end_block(
        &self,
        _env: &BlockEnv,
        record: &BlockRecord<'_>,
        _state: &mut Overlay<'_>,
    ) -> Result<Digest, Fatal> {
        let count = record.receipts.len() as u32;
        Ok(Digest { logs: vec![DigestItem::Consensus(*b"toy_", count.encode())] })
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

    fn try_state(&self, _state: &dyn StateRead) -> Result<(), Fatal> {
        Ok(())
    }
}
