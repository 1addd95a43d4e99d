//! What one `transfer_keep_alive` costs on one core, stage by stage, on a state in a hash map.
//!
//! ```text
//! cargo run -p basalt-test-kit --example transfer_speed [runs] [accounts] [transfers]
//! ```
//!
//! Nothing is signed or verified: what is measured needs no signatures. `block` is the sequential executor on a whole
//! block, its hooks, its limits and its change set included; `alone` is one transaction after the other on an overlay of
//! its own, as the parallel executor runs them, without anything around it.
#![expect(clippy::print_stdout, reason = "a benchmark prints its results")]
#![expect(clippy::unwrap_used, reason = "a benchmark stops at the first thing that is wrong")]

use std::{
    hint::black_box,
    sync::Arc,
    time::{Duration, Instant},
};

use basalt_executor::{Executor, Mode};
use basalt_pallet_balances::Call;
use basalt_primitives::{
    AccountId, Era, Extra, H256, MultiAddress, MultiSignature, extrinsic,
    hashing::{blake2_256, twox_64},
};
use basalt_runtime::{Amount, BalancesGenesis, GenesisConfig, MILLIUNIT, NativeRuntime, RuntimeCall, UNIT};
use basalt_runtime_api::{BlockEnv, Head, InherentData, Position, Runtime, Verified};
use basalt_state::{Condition, Key, Overlay, StateError, StateRead, Value};
use hashbrown::HashMap;
use parity_scale_codec::Encode;

/// The allocator of the node.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A state that is read about as fast as the database's cache.
struct Hashed(HashMap<Key, Value>);

impl StateRead for Hashed {
    fn get(&self, key: &[u8]) -> Result<Option<Value>, StateError> {
        Ok(self.0.get(key).cloned())
    }

    fn holds(&self, key: &[u8], condition: &Condition) -> Result<bool, StateError> {
        Ok(condition.met_by(self.0.get(key).map(Vec::as_slice)))
    }

    fn next_key(&self, _: &[u8]) -> Result<Option<Key>, StateError> {
        Err(StateError::Backend("nothing here iterates".into()))
    }
}

fn account(number: u32) -> AccountId {
    AccountId::from((b"account", number).using_encoded(blake2_256))
}

/// Half of the accounts send in turn, each to a random one of the other half.
fn transfer(number: u32, accounts: u32) -> Vec<u8> {
    let senders = accounts / 2;
    let draw = u64::from_le_bytes(number.using_encoded(twox_64));
    let dest = account(senders + (draw % u64::from(senders)) as u32);
    let call = RuntimeCall::Balances(Call::transfer_keep_alive { dest: dest.into(), value: MILLIUNIT });
    let extra = Extra { era: Era::Immortal, nonce: number / senders, tip: 0, metadata_hash_mode: 0 };
    let sender = MultiAddress::Id(account(number % senders));
    extrinsic::encode_signed(&sender, &MultiSignature::Sr25519([0; 64]), &extra, &call.encode())
}

fn main() {
    let mut arguments = std::env::args().skip(1).map(|argument| argument.parse::<u32>().unwrap());
    let mut argument = |default| arguments.next().unwrap_or(default);
    let (runs, accounts, transfers) = (argument(5), argument(10_000), argument(10_000));

    let balances = (0..accounts).map(|number| (account(number), Amount(1_000 * UNIT))).collect();
    let config = GenesisConfig { balances: BalancesGenesis { balances }, ..GenesisConfig::default() };
    let runtime: &dyn Runtime = &NativeRuntime::default();
    let genesis = runtime.genesis(&serde_json::to_vec(&config).unwrap()).unwrap();
    let mut state = Hashed(
        genesis
            .iter()
            .filter_map(|(key, value)| Some((key.to_vec(), value?.to_vec())))
            .collect::<HashMap<_, _>>(),
    );
    // As in block 2: the genesis hash is in the state, and so is a multiplier.
    let genesis_hash = H256(blake2_256(b"genesis"));
    state.0.insert(basalt_pallet_system::BLOCK_HASH.key(&0), genesis_hash.encode());
    let multiplier = basalt_pallet_transaction_payment::MULTIPLIER_MIN;
    state.0.insert(basalt_pallet_transaction_payment::NEXT_FEE_MULTIPLIER.key(), multiplier.encode());
    let head = Head { number: 1, hash: H256(blake2_256(b"1")), state: &state };
    let env =
        BlockEnv { number: 2, parent_hash: head.hash, digest: Default::default(), author: Some(account(0)) };

    let bytes: Vec<_> = (0..transfers).map(|number| transfer(number, accounts)).collect();
    let inherents: Vec<_> = runtime
        .inherents(&InherentData::at(1))
        .into_iter()
        .map(|bytes| Verified::assume(Arc::new(runtime.inspect(bytes).unwrap()), H256::zero()))
        .collect();
    let executor = Executor::new(Mode::Sequential).unwrap();

    let mut best = [Duration::MAX; 4];
    for _ in 0..runs {
        let mut keep = |stage: usize, started: Instant| best[stage] = best[stage].min(started.elapsed());
        let input = bytes.clone();
        let started = Instant::now();
        let inspected: Vec<_> =
            input.into_iter().map(|bytes| Arc::new(runtime.inspect(bytes).unwrap())).collect();
        keep(0, started);

        // Only the first of each sender is next; the others are for later, which costs the same.
        let started = Instant::now();
        for transaction in &inspected {
            black_box(runtime.validate(transaction, &head).unwrap());
        }
        keep(1, started);

        let signed = inspected.into_iter().map(|transaction| Verified::assume(transaction, genesis_hash));
        let block: Vec<_> = inherents.iter().cloned().chain(signed).collect();
        let started = Instant::now();
        let (executed, _) = executor.execute(runtime, &state, &env, &block).unwrap();
        keep(2, started);
        assert!(executed.receipts.iter().all(|receipt| receipt.result.is_ok()));
        drop(executed);

        // The first transfer of each sender, each on the state before the block.
        let mut run = 0;
        let started = Instant::now();
        for transaction in &block[1..=block.len().saturating_sub(1).min(accounts as usize / 2)] {
            let mut overlay = Overlay::new(&state);
            let receipt = runtime.apply(transaction, &Position::new(1), &env, &mut overlay).unwrap();
            black_box((receipt, overlay.into_changes()));
            run += 1;
        }
        let elapsed = started.elapsed() * transfers / run;
        best[3] = best[3].min(elapsed);
    }
    println!("{transfers} transfers between {accounts} accounts, best of {runs} runs, µs per transfer:");
    for (name, time) in ["inspect", "validate", "block", "alone"].into_iter().zip(best) {
        println!("  {name:<10} {:>6.3}", time.as_secs_f64() * 1e6 / f64::from(transfers));
    }
}
