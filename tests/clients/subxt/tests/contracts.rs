//! An ink! contract as a Rust program uses it: uploaded, tried, made, called and read with what subxt has, and with no
//! library for contracts. What the contract's own bytes mean is in the metadata that its build wrote.

use std::path::PathBuf;

use basalt_client_subxt::Node;
use serde_json::Value as Json;
use subxt::config::HashFor;
use subxt::dynamic::{self, Value};
use subxt::error::{DispatchError, TransactionEventsError};
use subxt::events::Event;
use subxt::ext::codec::{Decode, DecodeAll, Encode};
use subxt::ext::scale_decode::DecodeAsType;
use subxt::ext::scale_encode::EncodeAsType;
use subxt::extrinsics::ExtrinsicEvents;
use subxt::rpcs::client::{RpcClient, rpc_params};
use subxt::transactions::Payload;
use subxt::utils::{AccountId32, MultiAddress};
use subxt::{OnlineClient, PolkadotConfig};
use subxt_signer::sr25519::{Keypair, dev};

type Client = OnlineClient<PolkadotConfig>;
type Hash = HashFor<PolkadotConfig>;
type Account = [u8; 32];

/// More than there is: what a call may at most cost is asked of its dry run.
const NO_LIMIT: Option<u128> = None;

#[derive(Debug, Clone, Copy, PartialEq, Eq, DecodeAsType, EncodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
#[encode_as_type(crate_path = "subxt::ext::scale_encode")]
struct Weight {
    ref_time: u64,
    proof_size: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
enum StorageDeposit {
    Refund(u128),
    Charge(u128),
}

impl StorageDeposit {
    fn charged(self) -> u128 {
        match self {
            Self::Charge(amount) => amount,
            Self::Refund(_) => 0,
        }
    }
}

/// What a dry run answers. Its events are left out: subxt decodes what is asked for.
#[derive(Debug, DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
struct DryRun<T> {
    gas_consumed: Weight,
    gas_required: Weight,
    storage_deposit: StorageDeposit,
    debug_message: Vec<u8>,
    result: Result<T, Value>,
}

#[derive(Debug, DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
struct Returned {
    flags: u32,
    data: Vec<u8>,
}

#[derive(Debug, DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
struct Made {
    result: Returned,
    account_id: Account,
}

#[derive(Debug, DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
struct CodeStored {
    code_hash: [u8; 32],
    deposit_held: u128,
    uploader: Account,
}

#[derive(Debug, DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
struct Instantiated {
    deployer: Account,
    contract: Account,
}

#[derive(Debug, PartialEq, Eq, DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
enum Origin {
    Root,
    Signed(Account),
}

#[derive(Debug, DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
struct Called {
    caller: Origin,
    contract: Account,
}

#[derive(Debug, DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
struct ContractEmitted {
    contract: Account,
    data: Vec<u8>,
}

#[derive(Debug, DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
struct Held {
    from: Account,
    to: Account,
    amount: u128,
}

#[derive(Debug, DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
struct ContractInfo {
    trie_id: Vec<u8>,
    code_hash: [u8; 32],
    storage_bytes: u32,
    storage_items: u32,
    storage_byte_deposit: u128,
    storage_item_deposit: u128,
    storage_base_deposit: u128,
}

/// The fields of the token's `Transfer`, in order.
type Transfer = (Option<Account>, Option<Account>, u128);

/// A file that `make contracts` has built.
fn built(name: &str) -> PathBuf {
    // Where `make contracts` puts them, or where CONTRACTS_OUT says they are. The binary is in `BASE/build/debug`.
    let out = std::env::var_os("CONTRACTS_OUT").map(PathBuf::from).unwrap_or_else(|| {
        let bin =
            PathBuf::from(std::env::var_os("BASALT_BIN").expect("BASALT_BIN is the path of the binary"));
        bin.ancestors().nth(3).expect("the binary is in a target folder").join("contracts/out")
    });
    out.join(name)
}

fn bytes(hex: &str) -> Vec<u8> {
    let digits = hex.trim_start_matches("0x");
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
}

fn hex(bytes: &[u8]) -> String {
    let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("0x{digits}")
}

/// The token of `contracts/examples`: its code, and what its metadata says.
struct Token {
    wasm: Vec<u8>,
    metadata: Json,
}

impl Token {
    fn load() -> Self {
        let read = |name| {
            let path = built(name);
            std::fs::read(&path)
                .unwrap_or_else(|error| panic!("{}: {error}: run `make contracts`", path.display()))
        };
        Self { wasm: read("token.wasm"), metadata: serde_json::from_slice(&read("token.json")).unwrap() }
    }

    fn labelled(&self, kind: &str, label: &str) -> &Json {
        let entries = self.metadata["spec"][kind].as_array().unwrap();
        entries.iter().find(|entry| entry["label"] == label).unwrap_or_else(|| panic!("no {label} in {kind}"))
    }

    /// The input of a constructor or message: its selector and its arguments.
    fn input(&self, kind: &str, label: &str, arguments: impl Encode) -> Vec<u8> {
        let selector = bytes(self.labelled(kind, label)["selector"].as_str().unwrap());
        [selector, arguments.encode()].concat()
    }

    fn message(&self, label: &str, arguments: impl Encode) -> Vec<u8> {
        self.input("messages", label, arguments)
    }

    /// The key of a value in a mapping.
    fn key(&self, mapping: &str, key: impl Encode) -> Vec<u8> {
        let fields = self.metadata["storage"]["root"]["layout"]["struct"]["fields"].as_array().unwrap();
        let field = fields.iter().find(|field| field["name"] == mapping).unwrap();
        [bytes(field["layout"]["root"]["root_key"].as_str().unwrap()), key.encode()].concat()
    }

    fn hash(&self) -> Vec<u8> {
        bytes(self.metadata["source"]["hash"].as_str().unwrap())
    }
}

fn variant(name: &str, fields: Vec<Value>) -> Value {
    Value::unnamed_variant(name, fields)
}

fn address(account: Account) -> MultiAddress<AccountId32, ()> {
    MultiAddress::Id(AccountId32(account))
}

fn call(contract: Account, gas: Weight, limit: Option<u128>, input: Vec<u8>) -> impl Payload {
    dynamic::transaction("Contracts", "call", (address(contract), 0u128, gas, limit, input))
}

/// What a call would do now. With all the gas that a block has, unless less is said.
async fn dry_call(
    api: &Client,
    origin: Account,
    contract: Account,
    gas: Option<Weight>,
    input: Vec<u8>,
) -> DryRun<Returned> {
    let at = api.at_current_block().await.unwrap();
    let arguments = (origin, contract, 0u128, gas, NO_LIMIT, input);
    let asked = dynamic::runtime_api_call::<_, DryRun<Returned>>("ContractsApi", "call", arguments);
    at.runtime_apis().call(asked).await.unwrap()
}

/// What a message that changes nothing returns.
async fn query<T: Decode>(api: &Client, contract: Account, input: Vec<u8>) -> T {
    let answer = dry_call(api, dev::alice().public_key().0, contract, None, input).await;
    let returned = answer.result.expect("a query succeeds");
    assert_eq!(returned.flags, 0);
    // What a message returns is within `Result<_, LangError>`.
    Result::<T, u8>::decode_all(&mut &returned.data[..]).unwrap().unwrap()
}

/// The block in which a transaction became final, and its events or the error it ended with.
async fn finalize(
    api: &Client,
    call: &impl Payload,
    signer: &Keypair,
) -> (Hash, Result<ExtrinsicEvents<PolkadotConfig>, String>) {
    let at = api.at_current_block().await.unwrap();
    let progress = at.transactions().sign_and_submit_then_watch_default(call, signer).await.unwrap();
    let in_block = progress.wait_for_finalized().await.unwrap();
    let events = in_block.wait_for_success().await.map_err(|error| match error {
        TransactionEventsError::ExtrinsicFailed(DispatchError::Module(error)) => error.details_string(),
        other => panic!("expected a module error, got {other:?}"),
    });
    (in_block.block_hash(), events)
}

/// The events of one kind, in order.
fn of_kind<'a>(events: &'a ExtrinsicEvents<PolkadotConfig>, name: &str) -> Vec<Event<'a, PolkadotConfig>> {
    let all = events.iter().map(|event| event.unwrap());
    all.filter(|event| format!("{}.{}", event.pallet_name(), event.event_name()) == name).collect()
}

fn only<T: subxt::ext::scale_decode::DecodeAsFields>(
    events: &ExtrinsicEvents<PolkadotConfig>,
    name: &str,
) -> T {
    let found = of_kind(events, name);
    assert_eq!(found.len(), 1, "{name}");
    found[0].decode_fields_unchecked_as().unwrap()
}

/// The contract's own event: told by its first topic, its fields in the data.
fn transfer_told(token: &Token, contract: Account, events: &ExtrinsicEvents<PolkadotConfig>) -> Transfer {
    let found = of_kind(events, "Contracts.ContractEmitted");
    assert_eq!(found.len(), 1);
    let signature = bytes(token.labelled("events", "Transfer")["signature_topic"].as_str().unwrap());
    assert_eq!(found[0].topics()[0].0[..], signature);
    let emitted: ContractEmitted = found[0].decode_fields_unchecked_as().unwrap();
    assert_eq!(emitted.contract, contract);
    let told = Transfer::decode_all(&mut &emitted.data[..]).unwrap();
    // Of an indexed account the topic is the account; that there is none is a zero.
    let topics: Vec<Account> = found[0].topics()[1..].iter().map(|topic| topic.0).collect();
    assert_eq!(topics, [told.0.unwrap_or_default(), told.1.unwrap_or_default()]);
    told
}

async fn info(api: &Client, contract: Account, at: Hash) -> ContractInfo {
    let at = api.at_block(at).await.unwrap();
    let address = dynamic::storage::<(Account,), ContractInfo>("Contracts", "ContractInfoOf");
    at.storage().fetch(address, (contract,)).await.unwrap().decode().unwrap()
}

/// A value of a contract, by its own key, asked of the runtime.
async fn stored(api: &Client, contract: Account, key: Vec<u8>) -> Option<Vec<u8>> {
    let at = api.at_current_block().await.unwrap();
    let asked = dynamic::runtime_api_call::<_, Result<Option<Vec<u8>>, Value>>(
        "ContractsApi",
        "get_storage",
        (contract, key),
    );
    at.runtime_apis().call(asked).await.unwrap().unwrap()
}

/// The same, asked of the node: its child storage has each key with its hash in front.
async fn child_values(rpc: &RpcClient, info: &ContractInfo) -> Vec<(Vec<u8>, Vec<u8>)> {
    let child = hex(&[b":child_storage:default:", &info.trie_id[..]].concat());
    let keys: Vec<String> =
        rpc.request("childstate_getKeysPaged", rpc_params![&child, "0x", 100]).await.unwrap();
    let mut values = Vec::new();
    for key in keys {
        let value: String = rpc.request("childstate_getStorage", rpc_params![&child, &key]).await.unwrap();
        values.push((bytes(&key)[16..].to_vec(), bytes(&value)));
    }
    values
}

#[tokio::test]
async fn a_token_is_uploaded_tried_made_called_and_read() {
    let node = Node::start().await;
    let rpc = RpcClient::from_url(&node.url).await.unwrap();
    let api = Client::from_rpc_client(rpc.clone()).await.unwrap();
    let token = Token::load();
    let (alice, bob) = (dev::alice(), dev::bob());
    let (owner, receiver) = (alice.public_key().0, bob.public_key().0);

    // Uploaded: under the hash that the build has written down.
    let upload = (token.wasm.clone(), NO_LIMIT, variant("Enforced", vec![]));
    let (_, events) = finalize(&api, &dynamic::transaction("Contracts", "upload_code", upload), &alice).await;
    let uploaded: CodeStored = only(&events.unwrap(), "Contracts.CodeStored");
    assert_eq!((uploaded.code_hash.to_vec(), uploaded.uploader), (token.hash(), owner));
    assert!(uploaded.deposit_held > 0);

    // Tried: what the dry run promises is what happens.
    let input = token.input("constructors", "new", 1_000u128);
    let none: Vec<u8> = vec![];
    let code = variant("Existing", vec![Value::from_bytes(uploaded.code_hash)]);
    let arguments = (owner, 0u128, None::<Weight>, NO_LIMIT, code, input.clone(), none.clone());
    let asked = dynamic::runtime_api_call::<_, DryRun<Made>>("ContractsApi", "instantiate", arguments);
    let at = api.at_current_block().await.unwrap();
    let promised = at.runtime_apis().call(asked).await.unwrap();
    let made = promised.result.expect("the constructor succeeds");
    assert_eq!((made.result.flags, &made.result.data[..]), (0, &[0, 0][..]));
    let contract = made.account_id;

    // Made.
    let (gas, limit) = (promised.gas_required, Some(promised.storage_deposit.charged()));
    let arguments = (0u128, gas, limit, uploaded.code_hash, input, none);
    let instantiate = dynamic::transaction("Contracts", "instantiate", arguments);
    let (block, events) = finalize(&api, &instantiate, &alice).await;
    let events = events.unwrap();
    let instantiated: Instantiated = only(&events, "Contracts.Instantiated");
    assert_eq!((instantiated.deployer, instantiated.contract), (owner, contract));
    assert_eq!(transfer_told(&token, contract, &events), (None, Some(owner), 1_000));
    let held: u128 = of_kind(&events, "Contracts.StorageDepositTransferredAndHeld")
        .iter()
        .map(|event| event.decode_fields_unchecked_as::<Held>().unwrap())
        .inspect(|held| assert_eq!((held.from, held.to), (owner, contract)))
        .map(|held| held.amount)
        .sum();
    // What stays free on the contract's account is in the dry run's deposit too.
    let constants = api.at_current_block().await.unwrap();
    let existential = dynamic::constant::<u128>("Balances", "ExistentialDeposit");
    assert_eq!(limit, Some(held + constants.constants().entry(existential).unwrap()));
    let record = info(&api, contract, block).await;
    assert_eq!(record.code_hash, uploaded.code_hash);
    assert_eq!(held, record.storage_base_deposit + record.storage_byte_deposit + record.storage_item_deposit);

    // Called, with the gas and the deposit of its dry run.
    let input = token.message("transfer", (receiver, 300u128));
    let tried = dry_call(&api, owner, contract, None, input.clone()).await;
    assert_eq!(tried.result.expect("the transfer succeeds").data, [0, 0]);
    assert!(tried.gas_consumed.ref_time <= tried.gas_required.ref_time);
    let StorageDeposit::Charge(deposit) = tried.storage_deposit else { panic!("a new balance is stored") };
    let transfer = call(contract, tried.gas_required, Some(deposit), input);
    let (block, events) = finalize(&api, &transfer, &alice).await;
    let events = events.unwrap();
    assert_eq!(transfer_told(&token, contract, &events), (Some(owner), Some(receiver), 300));
    let called: Called = only(&events, "Contracts.Called");
    assert_eq!((called.caller, called.contract), (Origin::Signed(owner), contract));
    let held: Held = only(&events, "Contracts.StorageDepositTransferredAndHeld");
    assert_eq!((held.from, held.to, held.amount), (owner, contract, deposit));

    // Read in each way that there is.
    assert_eq!(query::<u128>(&api, contract, token.message("balance_of", receiver)).await, 300);
    assert_eq!(query::<u128>(&api, contract, token.message("balance_of", owner)).await, 700);
    let of_receiver = token.key("balances", receiver);
    assert_eq!(stored(&api, contract, of_receiver.clone()).await, Some(300u128.encode()));
    assert_eq!(stored(&api, contract, vec![0; 4]).await, Some(1_000u128.encode()));
    assert_eq!(stored(&api, contract, token.key("balances", [9u8; 32])).await, None);
    let after = info(&api, contract, block).await;
    assert_eq!((after.storage_items, after.storage_bytes), (3, 48));
    assert_eq!(after.storage_items, record.storage_items + 1);
    let mut values = child_values(&rpc, &after).await;
    let mut expected = vec![
        (vec![0; 4], 1_000u128.encode()),
        (token.key("balances", owner), 700u128.encode()),
        (of_receiver, 300u128.encode()),
    ];
    values.sort();
    expected.sort();
    assert_eq!(values, expected);
    node.stop().await;
}

#[tokio::test]
async fn what_a_contract_refuses_is_told_by_the_dry_run_and_by_the_transaction() {
    let node = Node::start().await;
    let api = Client::from_url(&node.url).await.unwrap();
    let token = Token::load();
    let (alice, bob) = (dev::alice(), dev::bob());
    let enough = Weight { ref_time: 10_000_000_000, proof_size: 0 };
    let none: Vec<u8> = vec![];

    let input = token.input("constructors", "new", 5u128);
    let arguments = (0u128, enough, NO_LIMIT, token.wasm.clone(), input, none);
    let instantiate = dynamic::transaction("Contracts", "instantiate_with_code", arguments);
    let (_, events) = finalize(&api, &instantiate, &alice).await;
    let contract = only::<Instantiated>(&events.unwrap(), "Contracts.Instantiated").contract;

    let of_bob = bob.public_key().0;
    let little = Weight { ref_time: 1_000_000, proof_size: 0 };
    let transfer = |amount: u128| token.message("transfer", (of_bob, amount));
    // More than there is: `Err(InsufficientBalance)`, by which the contract reverts. No selector of it:
    // `Err(CouldNotReadInput)`.
    for (input, answered) in [(transfer(6), [0, 1, 0].to_vec()), (vec![1, 2, 3, 4], vec![1, 1])] {
        let tried = dry_call(&api, alice.public_key().0, contract, None, input.clone()).await;
        let returned = tried.result.expect("a revert is an answer");
        assert_eq!((returned.flags, returned.data), (1, answered));
        assert_eq!(tried.storage_deposit, StorageDeposit::Charge(0));
        let (_, events) = finalize(&api, &call(contract, enough, NO_LIMIT, input), &alice).await;
        assert_eq!(events.map(drop), Err("Contracts::ContractReverted".to_owned()));
    }
    let tried = dry_call(&api, alice.public_key().0, contract, Some(little), transfer(1)).await;
    assert!(tried.debug_message.is_empty());
    assert!(tried.result.is_err());
    for (gas, limit, error) in [
        (little, NO_LIMIT, "Contracts::OutOfGas"),
        (enough, Some(1), "Contracts::StorageDepositLimitExhausted"),
    ] {
        let (_, events) = finalize(&api, &call(contract, gas, limit, transfer(1)), &alice).await;
        assert_eq!(events.map(drop), Err(error.to_owned()));
    }
    // Nothing of all that is left.
    assert_eq!(query::<u128>(&api, contract, token.message("balance_of", of_bob)).await, 0);
    let (_, events) = finalize(&api, &call(contract, enough, NO_LIMIT, transfer(5)), &alice).await;
    assert!(events.is_ok());
    assert_eq!(query::<u128>(&api, contract, token.message("balance_of", of_bob)).await, 5);
    node.stop().await;
}
