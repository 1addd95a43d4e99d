//! A chain of almost nothing: enough of a [`Runtime`] to drive verifier and pool. Shared by the tests of both.
//!
//! Its state: `nonce/<account>` is a `u32`, `poor/<account>` marks accounts that cannot pay, `birth` is the birth
//! hash of all transactions.
#![allow(
    dead_code,
    unreachable_pub,
    reason = "a module of several test binaries, each of which uses its part"
)]

use basalt_primitives::{
    AccountId, Balance, BlockNumber, Digest, DispatchClass, Era, H256, Header, InvalidTransaction,
    MultiSignature, Nonce, Pays, RuntimeVersion, TransactionValidityError, ValidTransaction, Weight,
    hashing::blake2_256,
    keys::{Pair, Scheme},
};
use basalt_runtime_api::{
    ApplyError, BlockEnv, BlockLimits, BlockRecord, CallError, DispatchInfo, Events, Fatal, GenesisError,
    Head, InherentData, InherentError, Position, Receipt, Refusal, Runtime, SignatureCheck, Signed,
    Transaction, ValidateError, Verified,
};
use basalt_state::{ChangeSet, Memory, Overlay, StateError, StateRead};
use parity_scale_codec::{Decode, Encode};

/// What [`Toy::limits`] says about the bytes of a block.
pub const BLOCK_BYTES_MAX: u32 = 100_000;

/// The chain.
pub struct Toy;

/// What is signed in a toy transaction.
#[derive(Clone, Debug, Encode, Decode)]
pub struct Order {
    pub nonce: Nonce,
    pub tip: u64,
    pub longevity: u64,
    pub payload: Vec<u8>,
}

impl Order {
    pub fn new(nonce: Nonce, tip: u64) -> Self {
        Self { nonce, tip, longevity: u64::MAX, payload: Vec::new() }
    }
}

/// A toy transaction: a bare payload, or an order with its signer and signature. A bare one that begins with [`PROOF`] proves
/// itself, and does what the byte after it says; one that goes on with a 0 proves nothing.
#[derive(Clone, Debug, Encode, Decode)]
pub enum Wire {
    Bare(Vec<u8>),
    Signed { signer: [u8; 32], signature: MultiSignature, order: Order },
}

/// What a bare transaction begins with that proves itself.
pub const PROOF: &[u8] = b"proof";

/// A transaction that proves that `tag` was done, in one of many ways.
pub fn proof_of(tag: u8, way: u8) -> Vec<u8> {
    Wire::Bare([PROOF, &[tag, way]].concat()).encode()
}

/// The key of a made-up person.
pub fn pair(scheme: Scheme, seed: u8) -> Pair {
    Pair::from_seed(scheme, &[seed.max(1); 32]).expect("small numbers are keys of every scheme")
}

/// The bytes of a signed transaction, whose birth hash is zero.
pub fn signed(pair: &Pair, order: Order) -> Vec<u8> {
    let signature = pair.sign(&message(&order, H256::zero()));
    Wire::Signed { signer: pair.account_id().0, signature, order }.encode()
}

/// The same with a signature of something else.
pub fn badly_signed(pair: &Pair, order: Order) -> Vec<u8> {
    let signature = pair.sign(b"something else");
    Wire::Signed { signer: pair.account_id().0, signature, order }.encode()
}

/// What is signed.
pub fn message(order: &Order, birth_hash: H256) -> Vec<u8> {
    (order, birth_hash).encode()
}

/// The hash of these bytes as a transaction.
pub fn hash(bytes: &[u8]) -> H256 {
    H256::from(blake2_256(&bytes.encode()))
}

pub fn nonce_key(account: &AccountId) -> Vec<u8> {
    [b"nonce/", &account.0[..]].concat()
}

pub fn poor_key(account: &AccountId) -> Vec<u8> {
    [b"poor/", &account.0[..]].concat()
}

pub fn set_nonce(state: &mut Memory, account: &AccountId, nonce: Nonce) {
    state.0.insert(nonce_key(account), nonce.encode());
}

fn refuse(error: InvalidTransaction, detail: &str) -> ValidateError {
    ValidateError::Refused(Refusal { error: error.into(), detail: detail.into() })
}

fn birth_hash(state: &dyn StateRead) -> Result<H256, StateError> {
    Ok(state.get(b"birth")?.map(|bytes| H256::from_slice(&bytes)).unwrap_or_default())
}

impl Runtime for Toy {
    fn inspect(&self, bytes: Vec<u8>) -> Result<Transaction, Refusal> {
        let undecodable = |_| Refusal {
            error: TransactionValidityError::Invalid(InvalidTransaction::Call),
            detail: "does not decode".into(),
        };
        let wire = Wire::decode(&mut &bytes[..]).map_err(undecodable)?;
        let signed = match wire {
            Wire::Bare(_) => None,
            Wire::Signed { signer, signature, order } => Some(Signed {
                signer: AccountId::from(signer),
                signature,
                era: Era::Immortal,
                nonce: order.nonce,
                tip: Balance::from(order.tip),
            }),
        };
        Ok(Transaction {
            hash: hash(&bytes),
            bytes,
            call_offset: 0,
            signed,
            info: DispatchInfo {
                weight: Weight::default(),
                class: DispatchClass::Normal,
                pays_fee: Pays::Yes,
            },
            touches: Vec::new(),
        })
    }

    fn proof(
        &self,
        transaction: &Transaction,
        head: &Head<'_>,
    ) -> Result<Option<SignatureCheck>, ValidateError> {
        match Wire::decode(&mut &transaction.bytes[..]).expect("`inspect` decoded it") {
            Wire::Bare(_) => Ok(None),
            Wire::Signed { signer, signature, order } => {
                let birth_hash = birth_hash(head.state)?;
                let message = message(&order, birth_hash);
                Ok(Some(SignatureCheck { signer: signer.into(), signature, message, birth_hash }))
            }
        }
    }

    fn validate(
        &self,
        transaction: &Transaction,
        head: &Head<'_>,
    ) -> Result<ValidTransaction, ValidateError> {
        let (signer, order) = match Wire::decode(&mut &transaction.bytes[..]).expect("`inspect` decoded it") {
            Wire::Signed { signer, order, .. } => (signer, order),
            Wire::Bare(payload) => {
                return match payload.strip_prefix(PROOF) {
                    Some([0, ..]) => Err(refuse(InvalidTransaction::BadProof, "it proves nothing")),
                    Some([tag, ..]) if head.state.get(&[*tag])?.is_some() => {
                        Err(refuse(InvalidTransaction::Stale, "that is known"))
                    }
                    Some([tag, ..]) => Ok(ValidTransaction {
                        priority: u64::MAX,
                        provides: vec![vec![*tag]],
                        ..ValidTransaction::default()
                    }),
                    _ => Err(refuse(InvalidTransaction::Call, "not signed")),
                };
            }
        };
        let account = AccountId::from(signer);
        if order.nonce < self.nonce(&account, head.state)? {
            return Err(refuse(InvalidTransaction::Stale, "the nonce was used"));
        }
        if head.state.get(&poor_key(&account))?.is_some() {
            return Err(refuse(InvalidTransaction::Payment, "has 0, needs 1"));
        }
        Ok(ValidTransaction {
            priority: order.tip,
            longevity: order.longevity,
            provides: vec![(signer, order.nonce).encode()],
            ..ValidTransaction::default()
        })
    }

    fn nonce(&self, account: &AccountId, state: &dyn StateRead) -> Result<Nonce, StateError> {
        Ok(state
            .get(&nonce_key(account))?
            .map_or(0, |bytes| Nonce::decode(&mut &bytes[..]).expect("tests write nonces")))
    }

    fn limits(&self, _: &dyn StateRead) -> Result<BlockLimits, StateError> {
        Ok(BlockLimits {
            weight_max: Weight::default(),
            weight_normal_max: Weight::default(),
            weight_base: Weight::default(),
            weight_base_transaction: Weight::default(),
            bytes_max: BLOCK_BYTES_MAX,
            bytes_normal_max: BLOCK_BYTES_MAX,
        })
    }

    fn version(&self) -> RuntimeVersion {
        unreachable!("neither pool nor verifier asks for the version")
    }

    fn metadata(&self, _: u32) -> Option<Vec<u8>> {
        None
    }

    fn genesis(&self, _: &[u8]) -> Result<ChangeSet, GenesisError> {
        unreachable!("neither pool nor verifier makes a genesis")
    }

    fn inherents(&self, _: &InherentData) -> Vec<Vec<u8>> {
        Vec::new()
    }

    fn check_inherents(&self, _: &[Verified], _: &InherentData) -> Result<(), InherentError> {
        Ok(())
    }

    fn begin_block(&self, _: &BlockEnv, _: &mut Overlay<'_>) -> Result<Events, Fatal> {
        unreachable!("neither pool nor verifier executes")
    }

    fn apply(
        &self,
        _: &Verified,
        _: &Position,
        _: &BlockEnv,
        _: &mut Overlay<'_>,
    ) -> Result<Receipt, ApplyError> {
        unreachable!("neither pool nor verifier executes")
    }

    fn end_block(&self, _: &BlockEnv, _: &BlockRecord<'_>, _: &mut Overlay<'_>) -> Result<Digest, Fatal> {
        unreachable!("neither pool nor verifier executes")
    }

    fn call(&self, function: &str, _: &[u8], _: &Header, _: &mut Overlay<'_>) -> Result<Vec<u8>, CallError> {
        Err(CallError::Unknown(function.into()))
    }

    fn try_state(&self, _: &dyn StateRead) -> Result<(), Fatal> {
        Ok(())
    }
}

/// A block's hash for tests.
pub fn block_hash(number: BlockNumber) -> H256 {
    H256::from(blake2_256(&number.encode()))
}
