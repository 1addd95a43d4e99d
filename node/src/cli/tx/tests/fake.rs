//! A node that is made up: answers what the commands ask, and does with a transaction what a test wants.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use basalt_pallet_system::{self as system, ACCOUNT, AccountInfo, EVENTS, EventRecord, Phase};
use basalt_pallet_transaction_payment as transaction_payment;
use basalt_primitives::{Balance, Block, DispatchError, H256, Header, ModuleError, OpaqueExtrinsic};
use basalt_runtime::{RuntimeEvent, UNIT};
use jsonrpsee::{
    RpcModule,
    server::{ServerBuilder, ServerHandle, SubscriptionMessage},
    types::ErrorObjectOwned,
};
use parity_scale_codec::Encode;
use serde::Serialize;
use serde_json::{Value, json, value::to_raw_value};

use super::account;

/// The height of the best block before a transaction; all up to it are final.
pub(super) const HEIGHT: u32 = 70;
/// What every transaction costs, without tip.
pub(super) const FEE: Balance = UNIT / 1_000;
/// What //Alice owns. Nobody else owns anything.
pub(super) const ALICE_FREE: Balance = 10 * UNIT;

/// What happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// A transaction gets into a block and succeeds.
    Succeeds,
    /// It gets into a block and fails.
    Fails,
    /// It stays in the pool.
    Waits,
    /// The pool gives it up.
    Expires,
    /// The pool refuses it.
    IsRefused,
    /// The node is of another version.
    HasOtherRuntime,
}

/// A node on a free port, for as long as this lives.
pub(super) struct Fake {
    pub(super) url: String,
    state: Arc<State>,
    server: ServerHandle,
}

struct State {
    fate: Fate,
    blocks: Mutex<Vec<Block>>,
    submitted: Mutex<Vec<Vec<u8>>>,
}

/// The event of a success.
pub(super) fn success() -> system::Event {
    system::Event::ExtrinsicSuccess { dispatch_info: Default::default() }
}

impl Fake {
    pub(super) async fn start(fate: Fate) -> Self {
        let mut blocks: Vec<Block> = Vec::new();
        for number in 0..=HEIGHT {
            let parent_hash = blocks.last().map(Block::hash).unwrap_or_default();
            let header = Header { number, parent_hash, ..Header::default() };
            blocks.push(Block { header, extrinsics: vec![OpaqueExtrinsic(vec![4, 1, 0])] });
        }
        let state = Arc::new(State { fate, blocks: Mutex::new(blocks), submitted: Mutex::default() });
        let server = ServerBuilder::new().build(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        let url = format!("ws://{}", server.local_addr().unwrap());
        let server = server.start(methods(state.clone()));
        Self { url, state, server }
    }

    /// All transactions that the node was given.
    pub(super) fn submitted(&self) -> Vec<Vec<u8>> {
        self.state.submitted.lock().unwrap().clone()
    }

    pub(super) fn block_hash(&self, number: u32) -> H256 {
        self.state.blocks.lock().unwrap()[number as usize].hash()
    }

    /// The hash of the block that a transaction made.
    pub(super) fn new_block_hash(&self) -> H256 {
        self.block_hash(HEIGHT + 1)
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        let _ = self.server.stop();
    }
}

impl State {
    fn version(&self) -> Value {
        let mut version = basalt_runtime::version();
        if self.fate == Fate::HasOtherRuntime {
            version.spec_version += 1;
        }
        json!(version)
    }

    fn block_hash(&self, number: Option<u64>) -> Option<H256> {
        let blocks = self.blocks.lock().unwrap();
        match number {
            None => blocks.last().map(Block::hash),
            Some(number) => blocks.get(usize::try_from(number).unwrap()).map(Block::hash),
        }
    }

    fn block(&self, hash: H256) -> Option<Block> {
        self.blocks.lock().unwrap().iter().find(|block| block.hash() == hash).cloned()
    }

    fn storage(&self, key: &str) -> Option<String> {
        let hex = |bytes: &[u8]| const_hex::encode_prefixed(bytes);
        if key == hex(&ACCOUNT.key(&account("//Alice"))) {
            let mut info = AccountInfo { providers: 1, nonce: 3, ..AccountInfo::default() };
            info.data.free = ALICE_FREE;
            return Some(hex(&info.encode()));
        }
        (key == hex(&EVENTS.key())).then(|| hex(&self.events().encode()))
    }

    /// Those of the new block: an inherent, then the transaction.
    fn events(&self) -> Vec<EventRecord<RuntimeEvent>> {
        let last = match self.fate {
            Fate::Fails => system::Event::ExtrinsicFailed {
                dispatch_error: DispatchError::Module(ModuleError { index: 2, error: [1, 0, 0, 0] }),
                dispatch_info: Default::default(),
            },
            _ => success(),
        };
        let paid = transaction_payment::Event::TransactionFeePaid {
            who: account("//Alice"),
            actual_fee: FEE,
            tip: 0,
        };
        let at =
            |index, event| EventRecord { phase: Phase::ApplyExtrinsic(index), event, topics: Vec::new() };
        vec![
            at(0, RuntimeEvent::System(success())),
            at(1, RuntimeEvent::TransactionPayment(paid)),
            at(1, RuntimeEvent::System(last)),
        ]
    }

    /// Takes a transaction, and tells its states.
    fn submit(&self, encoded: &str) -> Result<Vec<Value>, ErrorObjectOwned> {
        if self.fate == Fate::IsRefused {
            return Err(ErrorObjectOwned::owned(
                1010,
                "Invalid Transaction",
                Some("Transaction is outdated"),
            ));
        }
        let encoded = const_hex::decode(encoded).unwrap();
        self.submitted.lock().unwrap().push(encoded.clone());
        if self.fate == Fate::Expires {
            return Ok(vec![json!("ready"), json!("invalid")]);
        }
        if self.fate == Fate::Waits {
            return Ok(vec![json!("future")]);
        }
        let mut blocks = self.blocks.lock().unwrap();
        let parent = blocks.last().unwrap();
        let header = Header { number: HEIGHT + 1, parent_hash: parent.hash(), ..Header::default() };
        let extrinsics =
            vec![OpaqueExtrinsic(vec![4, 1, 0]), OpaqueExtrinsic::from_encoded(&encoded).unwrap()];
        let block = Block { header, extrinsics };
        let hash = block.hash();
        blocks.push(block);
        Ok(vec![json!("ready"), json!({ "inBlock": hash }), json!({ "finalized": hash })])
    }
}

type Params<'a> = jsonrpsee::types::Params<'a>;

fn methods(state: Arc<State>) -> RpcModule<Arc<State>> {
    let mut module = RpcModule::new(state);
    answer(&mut module, "state_getRuntimeVersion", |_, state| state.version());
    answer(
        &mut module,
        "system_properties",
        |_, _| json!({ "ss58Format": 42, "tokenDecimals": 12, "tokenSymbol": "UNIT" }),
    );
    answer(&mut module, "chain_getBlockHash", |params, state| {
        state.block_hash(params.sequence().optional_next().unwrap())
    });
    answer(&mut module, "chain_getFinalizedHead", |_, state| state.block_hash(None));
    answer(&mut module, "chain_getHeader", |params, state| {
        state.block(params.one().unwrap()).map(|block| block.header)
    });
    answer(&mut module, "chain_getBlock", |params, state| {
        state.block(params.one().unwrap()).map(|block| json!({ "block": block, "justifications": null }))
    });
    answer(&mut module, "state_getStorage", |params, state| {
        state.storage(&params.sequence().next::<String>().unwrap())
    });
    answer(&mut module, "system_accountNextIndex", |_, _| 3);
    answer(&mut module, "payment_queryInfo", |_, _| {
        let weight = json!({ "ref_time": 1, "proof_size": 0 });
        json!({ "weight": weight, "class": "normal", "partialFee": FEE.to_string() })
    });
    answer(&mut module, "author_pendingExtrinsics", |_, state| {
        let waits = state.fate == Fate::Waits;
        let submitted = state.submitted.lock().unwrap();
        submitted.iter().filter(|_| waits).map(const_hex::encode_prefixed).collect::<Vec<_>>()
    });
    module
        .register_method("author_submitExtrinsic", |params, state, _| {
            state.submit(&params.one::<String>()?).map(|_| H256::default())
        })
        .unwrap();
    module
        .register_subscription(
            "author_submitAndWatchExtrinsic",
            "author_extrinsicUpdate",
            "author_unwatchExtrinsic",
            |params, pending, state, _| async move {
                let states = match state.submit(&params.one::<String>().unwrap()) {
                    Ok(states) => states,
                    Err(error) => {
                        pending.reject(error).await;
                        return Ok(());
                    }
                };
                let sink = pending.accept().await?;
                for update in states {
                    sink.send(SubscriptionMessage::from(to_raw_value(&update)?)).await?;
                }
                if state.fate == Fate::Waits {
                    sink.closed().await;
                }
                Ok(())
            },
        )
        .unwrap();
    module
}

fn answer<T: Serialize + Clone + 'static>(
    module: &mut RpcModule<Arc<State>>,
    name: &'static str,
    answer: fn(Params<'_>, &State) -> T,
) {
    module.register_method(name, move |params, state, _| json!(answer(params, state))).unwrap();
}
