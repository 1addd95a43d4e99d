//! What a Rust program does on a fresh development node, with nothing compiled in about the chain: metadata is read
//! from the node, and calls, events and storage are described by their names.

use basalt_client_subxt::Node;
use subxt::config::{DefaultExtrinsicParamsBuilder, HashFor};
use subxt::dynamic::{self, Value};
use subxt::error::DispatchError;
use subxt::ext::scale_decode::DecodeAsType;
use subxt::rpcs::client::{RpcClient, rpc_params};
use subxt::{OnlineClient, PolkadotConfig};
use subxt_signer::sr25519::{Keypair, PublicKey, dev};

type Client = OnlineClient<PolkadotConfig>;

const UNIT: u128 = 1_000_000_000_000;

#[derive(Debug, PartialEq, Eq, DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
struct AccountInfo {
    nonce: u32,
    data: AccountData,
}

#[derive(Debug, PartialEq, Eq, DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
struct AccountData {
    free: u128,
    reserved: u128,
}

#[derive(Debug, DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
struct Transfer {
    from: [u8; 32],
    to: [u8; 32],
    amount: u128,
}

#[derive(Debug, DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
struct TransactionFeePaid {
    who: [u8; 32],
    actual_fee: u128,
    tip: u128,
}

/// What the chain knows of an account, at a block or at the newest finalised one.
async fn account(api: &Client, who: PublicKey, at: Option<HashFor<PolkadotConfig>>) -> AccountInfo {
    let at = match at {
        Some(hash) => api.at_block(hash).await.unwrap(),
        None => api.at_current_block().await.unwrap(),
    };
    let address = dynamic::storage::<([u8; 32],), AccountInfo>("System", "Account");
    at.storage().fetch(address, (who.0,)).await.unwrap().decode().unwrap()
}

fn transfer(to: PublicKey, amount: u128) -> impl subxt::transactions::Payload {
    dynamic::transaction("Balances", "transfer_keep_alive", (to.to_address::<()>(), amount))
}

/// Submits bytes and returns code and data of the refusal.
async fn refusal(rpc: &RpcClient, bytes: &[u8]) -> (i32, String) {
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    match rpc.request::<String>("author_submitExtrinsic", rpc_params![format!("0x{hex}")]).await {
        Err(subxt::rpcs::Error::User(error)) => {
            (error.code, error.data.map_or_else(String::new, |d| d.to_string()))
        }
        other => panic!("expected a refusal, got {other:?}"),
    }
}

/// A node of its own for each test, so that balances and nonces are those of genesis, in whatever order tests run.
async fn scenario() -> (Node, RpcClient, Client) {
    let node = Node::start().await;
    let rpc = RpcClient::from_url(&node.url).await.unwrap();
    let api = Client::from_rpc_client(rpc.clone()).await.unwrap();
    (node, rpc, api)
}

#[tokio::test]
async fn a_transfer_is_finalised_with_exact_balances_fee_and_events() {
    let (node, _, api) = scenario().await;
    let (bob, charlie, amount) = (dev::bob(), dev::charlie(), 5 * UNIT + 3);
    let bob_before = account(&api, bob.public_key(), None).await;
    let charlie_before = account(&api, charlie.public_key(), None).await;

    let at = api.at_current_block().await.unwrap();
    let mut transactions = at.transactions();
    let signed = transactions
        .create_signed(&transfer(charlie.public_key(), amount), &bob, Default::default())
        .await
        .unwrap();
    let promised = signed.partial_fee_estimate().await.unwrap();
    assert!(signed.validate().await.unwrap().is_valid());

    let in_block = signed.submit_and_watch().await.unwrap().wait_for_finalized().await.unwrap();
    let events = in_block.wait_for_success().await.unwrap();
    let events: Vec<_> = events.iter().map(|event| event.unwrap()).collect();
    let names: Vec<_> =
        events.iter().map(|event| format!("{}.{}", event.pallet_name(), event.event_name())).collect();
    assert_eq!(names.last().map(String::as_str), Some("System.ExtrinsicSuccess"), "{names:?}");
    let find = |name: &str| &events[names.iter().position(|found| found == name).unwrap()];

    let moved: Transfer = find("Balances.Transfer").decode_fields_unchecked_as().unwrap();
    assert_eq!((moved.from, moved.to, moved.amount), (bob.public_key().0, charlie.public_key().0, amount));
    let paid: TransactionFeePaid =
        find("TransactionPayment.TransactionFeePaid").decode_fields_unchecked_as().unwrap();
    assert_eq!((paid.who, paid.actual_fee, paid.tip), (bob.public_key().0, promised, 0));

    let hash = in_block.block_hash();
    let bob_after = account(&api, bob.public_key(), Some(hash)).await;
    let charlie_after = account(&api, charlie.public_key(), Some(hash)).await;
    assert_eq!(bob_after.data.free, bob_before.data.free - amount - promised);
    assert_eq!(bob_after.nonce, bob_before.nonce + 1);
    assert_eq!(charlie_after.data.free, charlie_before.data.free + amount);
    assert_eq!(charlie_after.nonce, charlie_before.nonce);
    node.stop().await;
}

#[tokio::test]
async fn all_accounts_are_iterated_and_add_up_to_the_issuance() {
    let (node, _, api) = scenario().await;
    let at = api.at_current_block().await.unwrap();
    let address = dynamic::storage::<([u8; 32],), AccountInfo>("System", "Account");
    let mut entries = at.storage().iter(address, ()).await.unwrap();
    let (mut accounts, mut sum) = (Vec::new(), 0u128);
    while let Some(entry) = entries.next().await {
        let entry = entry.unwrap();
        accounts.push(entry.key().unwrap().decode().unwrap().0);
        let AccountData { free, reserved } = entry.value().decode().unwrap().data;
        sum += free + reserved;
    }
    for known in [dev::alice(), dev::bob(), dev::charlie(), dev::dave(), dev::eve(), dev::ferdie()] {
        assert!(accounts.contains(&known.public_key().0), "every development account has a balance");
    }
    let issuance = dynamic::storage::<(), u128>("Balances", "TotalIssuance");
    assert_eq!(at.storage().fetch(issuance, ()).await.unwrap().decode().unwrap(), sum);

    let deposit = at.constants().entry(dynamic::constant::<u128>("Balances", "ExistentialDeposit")).unwrap();
    assert!(deposit > 0);
    let nonce =
        dynamic::runtime_api_call::<_, u32>("AccountNonceApi", "account_nonce", (dev::eve().public_key().0,));
    assert_eq!(at.runtime_apis().call(nonce).await.unwrap(), 0);
    node.stop().await;
}

#[tokio::test]
async fn blocks_are_streamed_and_their_extrinsics_decoded() {
    let (node, _, api) = scenario().await;
    let mut blocks = api.stream_blocks().await.unwrap();
    let at = api.at_current_block().await.unwrap();
    let (dave, eve) = (dev::dave(), dev::eve());
    let progress = at
        .transactions()
        .sign_and_submit_then_watch_default(&transfer(eve.public_key(), UNIT), &dave)
        .await
        .unwrap();
    let finalized = progress.wait_for_finalized().await.unwrap();
    let block = loop {
        let block = blocks.next().await.expect("the stream lasts").unwrap();
        if block.hash() == finalized.block_hash() {
            break block;
        }
    };
    let at = block.at().await.unwrap();
    let extrinsics = at.extrinsics().fetch().await.unwrap();
    let calls: Vec<_> = extrinsics
        .iter()
        .map(|extrinsic| extrinsic.unwrap())
        .map(|extrinsic| {
            (extrinsic.pallet_name().to_owned(), extrinsic.call_name().to_owned(), extrinsic.is_signed())
        })
        .collect();
    assert_eq!(
        calls,
        [
            ("Timestamp".to_owned(), "set".to_owned(), false),
            ("Balances".to_owned(), "transfer_keep_alive".to_owned(), true),
        ]
    );
    node.stop().await;
}

#[tokio::test]
async fn a_failed_call_reports_the_error_of_its_pallet_by_name() {
    let (node, _, api) = scenario().await;
    let at = api.at_current_block().await.unwrap();
    let remark = Value::named_variant("remark", [("remark", Value::from_bytes([1, 2, 3]))]);
    let remark = Value::unnamed_variant("System", [remark]);
    let sudo = dynamic::transaction("Sudo", "sudo", (remark,));
    let progress = at.transactions().sign_and_submit_then_watch_default(&sudo, &dev::bob()).await.unwrap();
    match progress.wait_for_finalized().await.unwrap().wait_for_success().await {
        Err(subxt::error::TransactionEventsError::ExtrinsicFailed(DispatchError::Module(error))) => {
            assert_eq!(error.details_string(), "Sudo::RequireSudo");
        }
        other => panic!("expected a module error, got {other:?}"),
    }
    node.stop().await;
}

#[tokio::test]
async fn bad_transactions_are_refused_with_code_1010_and_the_reason() {
    let (node, rpc, api) = scenario().await;
    let (bob, charlie) = (dev::bob(), dev::charlie());
    let at = api.at_current_block().await.unwrap();
    let first = at
        .transactions()
        .sign_and_submit_then_watch_default(&transfer(charlie.public_key(), UNIT), &bob)
        .await;
    first.unwrap().wait_for_finalized_success().await.unwrap();

    let at = api.at_current_block().await.unwrap();
    let params = |nonce| DefaultExtrinsicParamsBuilder::<PolkadotConfig>::new().nonce(nonce).build();
    let payload = transfer(charlie.public_key(), UNIT);

    let stale = at.transactions().create_signed(&payload, &bob, params(0)).await.unwrap();
    let (code, data) = refusal(&rpc, stale.encoded()).await;
    assert!(code == 1010 && data.contains("Transaction is outdated"), "{code} {data}");

    // A key that nobody else has, so its account is empty.
    let poor = Keypair::from_secret_key([7; 32]).unwrap();
    let unpayable = at.transactions().create_signed(&payload, &poor, params(0)).await.unwrap();
    let (code, data) = refusal(&rpc, unpayable.encoded()).await;
    assert!(code == 1010 && data.contains("Inability to pay some fees"), "{code} {data}");

    let good = at.transactions().create_signed(&payload, &bob, params(1)).await.unwrap();
    let mut forged = good.encoded().to_vec();
    // Two bytes of length, version, kind of address, 32 of account, kind of signature; then the signature.
    forged[2 + 1 + 1 + 32 + 1] ^= 1;
    let (code, data) = refusal(&rpc, &forged).await;
    assert!(code == 1010 && data.contains("Transaction has a bad signature"), "{code} {data}");

    good.submit_and_watch().await.unwrap().wait_for_finalized_success().await.unwrap();
    node.stop().await;
}
