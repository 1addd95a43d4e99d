//! Bad contracts and bad calls of contracts: each gets its own error, in the dry run and in the block, costs its fee, leaves
//! nothing else, and the node goes on.

mod life;
mod runs;
mod uploads;

use std::collections::{BTreeMap, BTreeSet};

use basalt_e2e::Node;
use basalt_pallet_balances as balances;
use basalt_pallet_contracts::{
    Call, Determinism, Error, contract_address,
    types::{Code, ContractResult, ExecReturnValue, InstantiateReturnValue},
};
use basalt_pallet_system::{self as system, ACCOUNT, AccountInfo, EventRecord, Phase};
use basalt_pallet_transaction_payment as payment;
use basalt_primitives::{
    AccountId, Balance, DispatchError, H256, ModuleError, Weight,
    hashing::{blake2_256, twox_128},
};
use basalt_runtime::{CONTRACTS, RuntimeCall, RuntimeEvent};
use basalt_test_kit::Sender;
use jsonrpsee::rpc_params;
use parity_scale_codec::{Compact, Decode, DecodeAll, Encode};

use crate::rpc::{MILLIUNIT, Rpc};

type DryRun<T> = ContractResult<Result<T, DispatchError>, EventRecord<RuntimeEvent>>;
type State = BTreeMap<Vec<u8>, Vec<u8>>;

/// 100 ms, a fifteenth of a block.
const GAS: Weight = Weight::new(100_000_000_000, 0);

fn wasm(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap_or_else(|error| panic!("{error}: {}", text.get(..2_000).unwrap_or(text)))
}

fn hash(code: &[u8]) -> H256 {
    H256(blake2_256(code))
}

fn failed(error: Error) -> Result<(), DispatchError> {
    Err(DispatchError::Module(ModuleError { index: CONTRACTS.index, error: [error as u8, 0, 0, 0] }))
}

/// What a call of a contract may use.
#[derive(Clone, Copy)]
struct Within {
    gas: Weight,
    deposit: Option<Balance>,
    value: Balance,
}

const WITHIN: Within = Within { gas: GAS, deposit: None, value: 0 };

fn upload(code: &[u8], limit: Option<Balance>) -> RuntimeCall {
    RuntimeCall::Contracts(Call::upload_code {
        code: code.to_vec(),
        storage_deposit_limit: limit.map(Compact),
        determinism: Determinism::Enforced,
    })
}

fn instantiate_with_code(code: &[u8], within: Within) -> RuntimeCall {
    RuntimeCall::Contracts(Call::instantiate_with_code {
        value: within.value,
        gas_limit: within.gas,
        storage_deposit_limit: within.deposit.map(Compact),
        code: code.to_vec(),
        data: vec![],
        salt: vec![],
    })
}

fn instantiate(code_hash: H256) -> RuntimeCall {
    RuntimeCall::Contracts(Call::instantiate {
        value: 0,
        gas_limit: GAS,
        storage_deposit_limit: None,
        code_hash,
        data: vec![],
        salt: vec![],
    })
}

fn call(dest: AccountId, data: &[u8], within: Within) -> RuntimeCall {
    RuntimeCall::Contracts(Call::call {
        dest: dest.into(),
        value: within.value,
        gas_limit: within.gas,
        storage_deposit_limit: within.deposit.map(Compact),
        data: data.to_vec(),
    })
}

/// How a transaction ended.
struct Outcome {
    result: Result<(), DispatchError>,
    fee: Balance,
}

/// A node, who pays for what is tried on it, and what a transaction changes that does nothing.
struct Chain {
    node: Node,
    rpc: Rpc,
    payer: Sender,
    other: Sender,
    usual: BTreeSet<Vec<u8>>,
}

impl Chain {
    async fn start() -> Self {
        let node = Node::start(&["--dev", "--tmp"]).unwrap_or_else(|exit| panic!("{}", exit.output));
        let rpc = Rpc::connect(&node.url).await;
        // Not Alice, who gets a part of the fees as the author of all blocks.
        let (payer, other) = (Sender::dev("Bob"), Sender::dev("Charlie"));
        let mut chain = Self { node, rpc, payer, other, usual: BTreeSet::new() };
        let nothing = RuntimeCall::System(system::Call::remark { remark: vec![] });
        // Twice: what the first block of a chain changes is not all that is usual.
        for _ in 0..2 {
            let before = chain.state().await;
            assert_eq!(chain.send(&nothing).await.result, Ok(()));
            chain.usual.extend(differing(&before, &chain.state().await));
        }
        chain
    }

    /// Stops the node, which must have gone well.
    fn stop(self) {
        assert_eq!(self.node.stop().code, Some(0));
    }

    /// Everything that the node has about the chain now.
    async fn state(&self) -> State {
        let pairs = self.rpc.get("state_getPairs", rpc_params!["0x"]).await;
        let pairs: Vec<(String, String)> = serde_json::from_value(pairs).expect("pairs of strings");
        let bytes = |text: String| const_hex::decode(text).expect("bytes are hex");
        pairs.into_iter().map(|(key, value)| (bytes(key), bytes(value))).collect()
    }

    /// Signed by the payer, in a block.
    async fn send(&mut self, call: &RuntimeCall) -> Outcome {
        let signed = self.payer.sign(self.rpc.genesis_hash, call);
        self.finalized(&signed).await
    }

    async fn finalized(&self, signed: &[u8]) -> Outcome {
        let block = self.rpc.finalize(signed).await;
        let events = self.rpc.storage("System", "Events", block).await.expect("each block has events");
        let events = Vec::<EventRecord<RuntimeEvent>>::decode_all(&mut events.as_slice()).unwrap();
        let (mut result, mut fee) = (None, None);
        // After the inherent, it is the only one.
        for record in events.into_iter().filter(|record| record.phase == Phase::ApplyExtrinsic(1)) {
            match record.event {
                RuntimeEvent::System(system::Event::ExtrinsicSuccess { .. }) => result = Some(Ok(())),
                RuntimeEvent::System(system::Event::ExtrinsicFailed { dispatch_error, .. }) => {
                    result = Some(Err(dispatch_error));
                }
                RuntimeEvent::TransactionPayment(payment::Event::TransactionFeePaid {
                    actual_fee, ..
                }) => fee = Some(actual_fee),
                _ => {}
            }
        }
        Outcome { result: result.expect("it was included"), fee: fee.expect("each transaction pays") }
    }

    /// What is done must be done.
    async fn done(&mut self, what: &str, call: &RuntimeCall) {
        assert_eq!(self.send(call).await.result, Ok(()), "{what}");
    }

    /// A contract of the payer, made of this code.
    async fn made(&mut self, what: &str, code: &[u8]) -> AccountId {
        self.done(what, &instantiate_with_code(code, Within { value: MILLIUNIT, ..WITHIN })).await;
        contract_address(&self.payer.account(), &hash(code), &[], &[])
    }

    /// Sends what ends like this and must leave nothing but its fee; then pays somebody, as on any other day.
    async fn leaves_nothing(&mut self, what: &str, sent: &RuntimeCall, result: Result<(), DispatchError>) {
        let before = self.state().await;
        let outcome = self.send(sent).await;
        assert_eq!(outcome.result, result, "{what}");
        let after = self.state().await;
        let left: Vec<_> = differing(&before, &after)
            .into_iter()
            .filter(|key| !self.usual.contains(key))
            .map(const_hex::encode)
            .collect();
        assert_eq!(left, [""; 0], "{what}");
        let key = ACCOUNT.key(&self.payer.account());
        let account = |state: &State| AccountInfo::decode_all(&mut &state[&key][..]).unwrap();
        let mut expected = account(&before);
        expected.nonce += 1;
        expected.data.free -= outcome.fee;
        assert_eq!(account(&after), expected, "{what}");

        let dest = self.other.address();
        let pay = RuntimeCall::Balances(balances::Call::transfer_keep_alive { dest, value: MILLIUNIT });
        self.done(what, &pay).await;
    }

    async fn api<T: Decode>(&self, function: &str, arguments: &impl Encode) -> T {
        let arguments = const_hex::encode_prefixed(arguments.encode());
        let answer = self.rpc.get("state_call", rpc_params![function, arguments]).await;
        let bytes = const_hex::decode(answer.as_str().expect("bytes are hex")).expect("bytes are hex");
        T::decode_all(&mut bytes.as_slice()).expect("the answer is what the metadata says")
    }

    async fn dry_call(&self, dest: AccountId, data: &[u8], within: Within) -> DryRun<ExecReturnValue> {
        let limits = (within.value, Some(within.gas), within.deposit);
        let arguments = (self.payer.account(), dest, limits, data.to_vec());
        self.api("ContractsApi_call", &arguments).await
    }

    async fn dry_instantiate(&self, code: Code, within: Within) -> DryRun<InstantiateReturnValue> {
        let none = Vec::<u8>::new();
        let limits = (within.value, Some(within.gas), within.deposit);
        let arguments = (self.payer.account(), limits, code, (none.clone(), none));
        self.api("ContractsApi_instantiate", &arguments).await
    }

    /// Calls a contract, dry and in a block: both must end with this error.
    async fn call_fails(&mut self, what: &str, dest: AccountId, data: &[u8], within: Within, error: Error) {
        assert_eq!(self.dry_call(dest, data, within).await.result.map(drop), failed(error), "{what}");
        self.leaves_nothing(what, &call(dest, data, within), failed(error)).await;
    }

    /// Makes a contract of this code, dry and in a block: both must end with this error.
    async fn making_fails(&mut self, what: &str, code: &[u8], within: Within, error: Error) {
        let dry = self.dry_instantiate(Code::Upload(code.to_vec()), within).await;
        assert_eq!(dry.result.map(drop), failed(error), "{what}");
        self.leaves_nothing(what, &instantiate_with_code(code, within), failed(error)).await;
    }
}

/// The keys of which two states have something else, but for the hashes of blocks: each block adds one.
fn differing(one: &State, other: &State) -> BTreeSet<Vec<u8>> {
    let hashes = [twox_128(b"System"), twox_128(b"BlockHash")].concat();
    // What blocks and epochs keep of themselves, whatever is sent.
    let of_epochs =
        ["Session", "Randomness", "Staking", "Authorship"].map(|pallet| twox_128(pallet.as_bytes()));
    let of_blocks =
        |key: &[u8]| key.starts_with(&hashes) || of_epochs.iter().any(|pallet| key.starts_with(pallet));
    let keys = one.keys().chain(other.keys()).filter(|key| !of_blocks(key));
    keys.filter(|key| one.get(*key) != other.get(*key)).cloned().collect()
}
