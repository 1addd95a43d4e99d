//! A runtime whose transactions set one key, with the runtime APIs that RPC methods ask.

use std::sync::LazyLock;

use basalt_primitives::{
    AccountId, Digest, DispatchClass, DispatchEventInfo, Era, H256, Header, InvalidTransaction,
    MultiSignature, Nonce, Pays, RuntimeVersion, ValidTransaction, Weight, api_id,
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

/// What `state_getMetadata` answers here.
pub(crate) const METADATA: &[u8] = b"meta\x0etoy";

/// An extrinsic: a time from the block maker, or a key and its new value from a signer.
#[derive(Debug, Clone, Encode, Decode)]
enum Tx {
    Now(u64),
    Put { signer: AccountId, nonce: Nonce, key: Vec<u8>, value: Option<Vec<u8>>, signature: MultiSignature },
}

/// The one who signs everything.
pub(crate) static ALICE: LazyLock<Pair> =
    LazyLock::new(|| Pair::from_suri(Scheme::Sr25519, "//Alice").expect("a valid path"));

/// A signed transaction without its length prefix.
pub(crate) fn put(nonce: Nonce, key: &[u8], value: Option<&[u8]>) -> Vec<u8> {
    let (key, value) = (key.to_vec(), value.map(<[u8]>::to_vec));
    let signature = ALICE.sign(&(nonce, &key, &value).encode());
    Tx::Put { signer: ALICE.account_id(), nonce, key, value, signature }.encode()
}

/// The same with its length prefix, as clients send it, in hex.
pub(crate) fn wire(transaction: &[u8]) -> String {
    const_hex::encode_prefixed(transaction.encode())
}

pub(crate) fn transaction_hash(transaction: &[u8]) -> H256 {
    H256(blake2_256(&transaction.encode()))
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Toy;

fn refuse(error: InvalidTransaction, detail: &str) -> Refusal {
    Refusal { error: error.into(), detail: detail.into() }
}

impl Runtime for Toy {
    fn version(&self) -> RuntimeVersion {
        RuntimeVersion {
            spec_name: "toy".into(),
            impl_name: "toy".into(),
            spec_version: 7,
            transaction_version: 3,
            system_version: 1,
            apis: vec![(api_id("Core"), 5)],
            ..RuntimeVersion::default()
        }
    }

    fn metadata(&self, version: u32) -> Option<Vec<u8>> {
        (version == 14).then(|| METADATA.to_vec())
    }

    /// The configuration is SCALE here: keys and values.
    fn genesis(&self, config: &[u8]) -> Result<ChangeSet, GenesisError> {
        let pairs = Vec::<(Vec<u8>, Vec<u8>)>::decode_all(&mut &config[..])
            .map_err(|e| GenesisError::Malformed(e.to_string()))?;
        Ok(pairs.into_iter().map(|(key, value)| (key, Some(value))).collect())
    }

    fn limits(&self, _state: &dyn StateRead) -> Result<BlockLimits, StateError> {
        let weight_max = Weight::new(1 << 40, 1 << 40);
        Ok(BlockLimits {
            weight_max,
            weight_normal_max: weight_max,
            weight_base: Weight::zero(),
            weight_base_transaction: Weight::zero(),
            bytes_max: 1 << 20,
            bytes_normal_max: 1 << 20,
        })
    }

    fn inspect(&self, bytes: Vec<u8>) -> Result<Transaction, Refusal> {
        let tx = Tx::decode_all(&mut &bytes[..])
            .map_err(|error| refuse(InvalidTransaction::Call, &error.to_string()))?;
        let (signed, class) = match tx {
            Tx::Now(_) => (None, DispatchClass::Mandatory),
            Tx::Put { signer, nonce, signature, .. } => {
                (Some(Signed { signer, signature, era: Era::Immortal, nonce, tip: 0 }), DispatchClass::Normal)
            }
        };
        Ok(Transaction {
            hash: transaction_hash(&bytes),
            call_offset: 0,
            signed,
            info: DispatchInfo { weight: Weight::new(1, 1), class, pays_fee: Pays::Yes },
            touches: Vec::new(),
            bytes,
        })
    }

    fn proof(
        &self,
        transaction: &Transaction,
        _head: &Head<'_>,
    ) -> Result<Option<SignatureCheck>, ValidateError> {
        let Ok(Tx::Put { signer, nonce, key, value, signature }) = Tx::decode(&mut &transaction.bytes[..])
        else {
            return Ok(None);
        };
        let message = (nonce, key, value).encode();
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
        if signed.nonce < self.nonce(&signed.signer, head.state)? {
            return Err(ValidateError::Refused(refuse(InvalidTransaction::Stale, "the nonce is used")));
        }
        Ok(ValidTransaction::default())
    }

    fn nonce(&self, account: &AccountId, state: &dyn StateRead) -> Result<Nonce, StateError> {
        let bytes = state.get(&nonce_key(account))?.unwrap_or_default();
        Ok(Nonce::decode(&mut bytes.as_slice()).unwrap_or_default())
    }

    fn inherents(&self, data: &InherentData) -> Vec<Vec<u8>> {
        vec![Tx::Now(data.timestamp).encode()]
    }

    fn check_inherents(&self, _: &[Verified], _: &InherentData) -> Result<(), InherentError> {
        Ok(())
    }

    fn begin_block(&self, _: &BlockEnv, _: &mut Overlay<'_>) -> Result<Events, Fatal> {
        Ok(Events::default())
    }

    fn apply(
        &self,
        transaction: &Verified,
        _: &Position,
        _env: &BlockEnv,
        state: &mut Overlay<'_>,
    ) -> Result<Receipt, ApplyError> {
        match Tx::decode(&mut &transaction.bytes[..]) {
            Ok(Tx::Now(now)) => state.put(b"now", now.encode()),
            Ok(Tx::Put { signer, nonce, key, value, .. }) => {
                state.put(&nonce_key(&signer), (nonce + 1).encode());
                match value {
                    Some(value) => state.put(&key, value),
                    None => state.remove(&key),
                }
            }
            Err(_) => return Err(InvalidTransaction::Call.into()),
        }
        let info = DispatchEventInfo { weight: transaction.info.weight, ..Default::default() };
        Ok(Receipt { result: Ok(()), info, fee: 0, tip: 0, events: Events::default() })
    }

    fn end_block(&self, _: &BlockEnv, _: &BlockRecord<'_>, _: &mut Overlay<'_>) -> Result<Digest, Fatal> {
        Ok(Digest::default())
    }

    fn call(
        &self,
        function: &str,
        arguments: &[u8],
        header: &Header,
        state: &mut Overlay<'_>,
    ) -> Result<Vec<u8>, CallError> {
        match function {
            "Toy_echo" => Ok(arguments.to_vec()),
            "Toy_number" => Ok(header.number.encode()),
            "Toy_write" => {
                state.put(b"scratch", arguments.to_vec());
                Ok(state.get(b"scratch")?.unwrap_or_default())
            }
            "Toy_panic" => panic!("asked for"),
            "TransactionPaymentApi_query_info" => {
                let (_, bytes) = extrinsic_and_length(arguments)?;
                Ok((Weight::new(bytes.into(), 2), DispatchClass::Operational, u128::MAX).encode())
            }
            "TransactionPaymentApi_query_fee_details" => match extrinsic_and_length(arguments)? {
                (Tx::Now(_), _) => Ok((None::<u8>, 0u128).encode()),
                (Tx::Put { .. }, bytes) => Ok((Some((1u128, u128::from(bytes), 255u128)), 9u128).encode()),
            },
            "BlockBuilder_apply_extrinsic" => Ok(vec![0, 0]),
            other => Err(CallError::Unknown(other.into())),
        }
    }

    fn try_state(&self, _: &dyn StateRead) -> Result<(), Fatal> {
        Ok(())
    }
}

fn nonce_key(account: &AccountId) -> Vec<u8> {
    [b"nonce/".as_slice(), &account.0].concat()
}

/// The arguments of fee queries: an extrinsic with its length prefix, and that length, which must agree.
fn extrinsic_and_length(arguments: &[u8]) -> Result<(Tx, u32), CallError> {
    let wrong = |what: &str| CallError::Arguments { function: "query".into(), what: what.into() };
    let (bytes, length) =
        <(Vec<u8>, u32)>::decode_all(&mut &arguments[..]).map_err(|_| wrong("not (extrinsic, u32)"))?;
    if usize::try_from(length) != Ok(bytes.encoded_size()) {
        return Err(wrong("the length is another"));
    }
    Ok((Tx::decode_all(&mut &bytes[..]).map_err(|_| wrong("no transaction"))?, length))
}
