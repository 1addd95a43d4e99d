//! A runtime whose transactions are scripts: read these keys, change those, add there, and compute for so long. It stands
//! for work that this chain's pallets do not do yet, with a known price and known or hidden conflicts.

use std::{
    hint::black_box,
    sync::{Arc, OnceLock},
    time::Instant,
};

use basalt_primitives::{
    AccountId, Digest, DispatchClass, DispatchError, DispatchEventInfo, Era, H256, Header, MultiSignature,
    Nonce, Pays, RuntimeVersion, ValidTransaction, Weight,
    hashing::{blake2_256, twox_128},
};
use basalt_runtime_api::{
    ApplyError, BlockEnv, BlockLimits, BlockRecord, CallError, DispatchInfo, Event, Events, Fatal,
    GenesisError, Head, InherentData, InherentError, Position, Receipt, Refusal, Runtime, SignatureCheck,
    Signed, Touch, TouchKind, Transaction, ValidateError, Verified,
};
use basalt_state::{ChangeSet, Key, Memory, Overlay, StateError, StateRead, StateWrite};
use parity_scale_codec::{Decode, Encode};

use crate::{random::mix, roomy};

/// Bytes of a value: as many as an account has.
const VALUE_BYTES: usize = 80;
/// Keys among which [`Script::walk`] strays: few, so that every step meets what others wrote.
const WALKED_KEYS: u64 = 64;
/// The first of them, above all that workloads name.
const WALKED_FIRST: u32 = 1 << 31;

/// What one transaction does.
#[derive(Debug, Clone, Default, Encode, Decode)]
pub(crate) struct Script {
    /// Steps of computation; see [`steps`].
    pub(crate) steps: u32,
    /// Keys that it reads.
    pub(crate) reads: Vec<u32>,
    /// Keys that it reads and writes; what it writes depends on everything it read.
    pub(crate) updates: Vec<u32>,
    /// Keys to whose number it adds one without reading it.
    pub(crate) additions: Vec<u32>,
    /// How many more keys it reads and writes, each named by what it found at the one before: whoever runs it again
    /// meets other keys.
    pub(crate) walk: u8,
    /// Whether the call fails in the end, so that its writes are dropped.
    pub(crate) fails: bool,
}

impl Script {
    /// As a transaction, with its touches declared or hidden. `number` makes its hash unique.
    pub(crate) fn verified(&self, number: u32, declared: bool) -> Verified {
        let touch = |kind| move |id: &u32| Touch { key: key(*id), kind };
        let touches = if declared {
            let updates = self.updates.iter().map(touch(TouchKind::Update));
            updates.chain(self.additions.iter().map(touch(TouchKind::Credit))).collect()
        } else {
            Vec::new()
        };
        let transaction = Transaction {
            hash: H256((b"synthetic", number).using_encoded(blake2_256)),
            bytes: self.encode(),
            call_offset: 0,
            signed: Some(Signed {
                signer: AccountId::from((b"signer", number).using_encoded(blake2_256)),
                signature: MultiSignature::Sr25519([1; 64]),
                era: Era::Immortal,
                nonce: 0,
                tip: 0,
            }),
            info: DispatchInfo::normal(WEIGHT),
            touches,
        };
        Verified::assume(Arc::new(transaction), H256::zero())
    }
}

/// What every transaction weighs: the block has room for all of them.
const WEIGHT: Weight = Weight::new(1, 0);

fn key(id: u32) -> Key {
    id.using_encoded(twox_128).to_vec()
}

/// A state in which the keys below `count`, and those among which transactions stray, have values.
pub(crate) fn state(count: u32) -> Memory {
    let walked = (WALKED_FIRST..).take(WALKED_KEYS as usize);
    Memory((0..count).chain(walked).map(|id| (key(id), value(u64::from(id)))).collect())
}

fn value(number: u64) -> Vec<u8> {
    let mut bytes = u128::from(number).to_le_bytes().to_vec();
    bytes.resize(VALUE_BYTES, 0);
    bytes
}

fn number(value: Option<&[u8]>) -> u64 {
    let bytes = value.and_then(|value| value.get(..8)).and_then(|bytes| <[u8; 8]>::try_from(bytes).ok());
    bytes.map(u64::from_le_bytes).unwrap_or_default()
}

/// The computation: a chain that no compiler shortens and no core runs ahead in.
fn compute(steps: u32, seed: u64) -> u64 {
    (0..steps).fold(seed, |sum, _| mix(black_box(sum)))
}

/// How many steps take this many microseconds on this machine: measured once, the fastest of several tries.
pub(crate) fn steps(microseconds: u32) -> u32 {
    const TRIED: u32 = 200_000;
    static PER_MICROSECOND: OnceLock<f64> = OnceLock::new();
    let rate = PER_MICROSECOND.get_or_init(|| {
        let shortest = (0..7)
            .map(|seed| {
                let started = Instant::now();
                black_box(compute(TRIED, seed));
                started.elapsed()
            })
            .min()
            .unwrap_or_default();
        f64::from(TRIED) / (shortest.as_secs_f64() * 1e6)
    });
    (rate * f64::from(microseconds)) as u32
}

/// The runtime of [`Script`]s.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Synthetic;

impl Synthetic {
    fn run(script: &Script, state: &mut Overlay<'_>) -> Result<u64, StateError> {
        let mut sum = 0;
        for id in &script.reads {
            sum = mix(sum ^ number(state.get(&key(*id))?.as_deref()));
        }
        sum = compute(script.steps, sum);
        for id in &script.updates {
            let key = key(*id);
            sum = mix(sum ^ number(state.get(&key)?.as_deref()));
            state.put(&key, value(sum));
        }
        for _ in 0..script.walk {
            let next = WALKED_FIRST + u32::try_from(sum % WALKED_KEYS).unwrap_or_default();
            let key = key(next);
            sum = mix(sum ^ number(state.get(&key)?.as_deref()));
            state.put(&key, value(sum));
        }
        for id in &script.additions {
            state.add_delta(&key(*id), 1)?;
        }
        Ok(sum)
    }
}

impl Runtime for Synthetic {
    fn version(&self) -> RuntimeVersion {
        RuntimeVersion::default()
    }

    fn metadata(&self, _: u32) -> Option<Vec<u8>> {
        None
    }

    fn genesis(&self, _: &[u8]) -> Result<ChangeSet, GenesisError> {
        Ok(ChangeSet::default())
    }

    fn limits(&self, _: &dyn StateRead) -> Result<BlockLimits, StateError> {
        Ok(roomy::limits(Weight::zero()))
    }

    fn inspect(&self, _: Vec<u8>) -> Result<Transaction, Refusal> {
        unreachable!("scripts are made as transactions")
    }

    fn proof(&self, _: &Transaction, _: &Head<'_>) -> Result<Option<SignatureCheck>, ValidateError> {
        Ok(None)
    }

    fn validate(&self, _: &Transaction, _: &Head<'_>) -> Result<ValidTransaction, ValidateError> {
        unreachable!("scripts pass no pool")
    }

    fn nonce(&self, _: &AccountId, _: &dyn StateRead) -> Result<Nonce, StateError> {
        Ok(0)
    }

    fn inherents(&self, _: &InherentData) -> Vec<Vec<u8>> {
        Vec::new()
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
        _: &BlockEnv,
        state: &mut Overlay<'_>,
    ) -> Result<Receipt, ApplyError> {
        let script = Script::decode(&mut transaction.bytes.as_slice())
            .map_err(|_| basalt_primitives::InvalidTransaction::Call)?;
        state.push_layer();
        let sum = match Self::run(&script, state) {
            Ok(sum) => sum,
            Err(error) => {
                state.discard_layer();
                return Err(error.into());
            }
        };
        let result = if script.fails {
            state.discard_layer();
            Err(DispatchError::CannotLookup)
        } else {
            state.commit_layer();
            Ok(())
        };
        let info = DispatchEventInfo { weight: WEIGHT, class: DispatchClass::Normal, pays_fee: Pays::Yes };
        // What it read shows in the receipt, so that comparing receipts compares that too.
        let events = [Event { bytes: sum.encode(), topics: Vec::new() }].into_iter().collect();
        Ok(Receipt { result, info, fee: 0, tip: 0, events })
    }

    fn end_block(&self, _: &BlockEnv, _: &BlockRecord<'_>, _: &mut Overlay<'_>) -> Result<Digest, Fatal> {
        Ok(Digest::default())
    }

    fn call(&self, function: &str, _: &[u8], _: &Header, _: &mut Overlay<'_>) -> Result<Vec<u8>, CallError> {
        Err(CallError::Unknown(function.to_string()))
    }

    fn try_state(&self, _: &dyn StateRead) -> Result<(), Fatal> {
        Ok(())
    }
}
