//! Flags, signing, balances and outcomes without a node; whole commands against a node that is made up.

mod fake;

use basalt_pallet_balances as balances;
use basalt_pallet_system::{self as system, AccountInfo, EventRecord, Phase};
use basalt_primitives::{
    AccountId, Additional, ArithmeticError, Balance, DispatchError, Era, Extra, H256, ModuleError,
    MultiAddress, OpaqueExtrinsic, Preamble, TokenError, extrinsic,
    keys::{Pair, Scheme},
    signature::verify,
};
use basalt_runtime::{RuntimeCall, RuntimeEvent};
use clap::Parser;
use parity_scale_codec::DecodeAll;
use proptest::prelude::*;
use serde_json::{Value, json};

use self::fake::{Fake, Fate};
use super::{
    outcome::{Outcome, describe},
    prepare::{Shortfall, Spending, sign, transfer_call},
    *,
};

#[derive(Debug, Parser)]
struct Cli {
    #[command(subcommand)]
    command: TxCommand,
}

fn parse(args: &[&str]) -> Result<TxCommand, clap::Error> {
    Cli::try_parse_from([&["tx"], args].concat()).map(|cli| cli.command)
}

fn pair(scheme: Scheme, suri: &str) -> Pair {
    Pair::from_suri(scheme, suri).unwrap()
}

fn account(suri: &str) -> AccountId {
    pair(Scheme::Sr25519, suri).account_id()
}

async fn run(args: &[&str]) -> Result<Report, TxError> {
    parse(args).unwrap().report().await
}

/// Runs `tx transfer` from //Alice to //Bob.
async fn transfer(node: &Fake, amount: &str, more: &[&str]) -> Result<Report, TxError> {
    let args = ["transfer", "--from", "//Alice", "--to", "//Bob", "--amount", amount, "--json"];
    run(&[&args[..], &["--url", &node.url], more].concat()).await
}

fn result(report: &Report) -> Value {
    serde_json::from_str(report.text.as_ref().unwrap()).unwrap()
}

// ---- Flags -----------------------------------------------------------------------------------------------------

#[test]
fn flags_that_make_no_sense_are_refused_with_what_would() {
    let valid = ["transfer", "--from", "//Alice", "--to", "//Bob", "--amount", "1"];
    assert!(parse(&valid).is_ok());
    for (more, hint) in [
        (&["--mortal", "3"][..], "from 4 to 4096"),
        (&["--mortal", "4097"], "never"),
        (&["--nonce", "4294967296"], "--nonce"),
        (&["--wait", "forever"], "in-block"),
        (&["--scheme", "rsa"], "sr25519, ed25519 or ecdsa"),
    ] {
        let error = parse(&[&valid[..], more].concat()).unwrap_err().to_string();
        assert!(error.contains(hint), "{more:?}: {error}");
    }
    for to in ["Bob", "0x00", "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQZ", "//", ""] {
        assert!(parse(&["transfer", "--from", "//Alice", "--to", to, "--amount", "1"]).is_err(), "{to}");
    }
    assert!(parse(&["status", "0x12"]).is_err());
    assert!(parse(&["status", &"ab".repeat(32), "--blocks", "0"]).is_err());
    assert!(parse(&["status", &"ab".repeat(32)]).is_ok());
}

#[test]
fn the_secret_is_not_shown_by_debug() {
    let args = parse(&["transfer", "--from", "hush", "--to", "//Bob", "--amount", "1"]).unwrap();
    assert!(!format!("{args:?}").contains("hush"));
}

// ---- Signing ---------------------------------------------------------------------------------------------------

proptest! {
    #[test]
    fn a_signed_transfer_reads_as_what_was_asked_for(
        amount: Balance, tip: Balance, nonce: u32, current: u32, allow_death: bool, genesis: [u8; 32],
        scheme in prop_oneof![Just(Scheme::Sr25519), Just(Scheme::Ed25519), Just(Scheme::Ecdsa)],
    ) {
        let alice = pair(scheme, "//Alice");
        let call = transfer_call(account("//Bob"), amount, allow_death);
        let extra = Extra { era: Era::mortal(64, current.into()), nonce, tip, metadata_hash_mode: 0 };
        let additional = Additional {
            spec_version: 1, transaction_version: 1, genesis_hash: H256(genesis), birth_hash: H256(genesis),
            metadata_hash: None,
        };
        let signed = sign(&alice, &call, &extra, &additional);
        let opaque = OpaqueExtrinsic::from_encoded(&signed.encoded).unwrap();
        prop_assert_eq!(opaque.hash(), signed.hash);
        let Preamble::Signed { address, signature, extra: read, call_offset, .. } = extrinsic::split(&opaque.0).unwrap()
        else {
            panic!("it is signed");
        };
        prop_assert_eq!(address, MultiAddress::Id(alice.account_id()));
        prop_assert_eq!(read, extra);
        let call_bytes = &opaque.0[call_offset..];
        prop_assert_eq!(RuntimeCall::decode_all(&mut &call_bytes[..]).unwrap(), call.clone());
        let payload = extrinsic::signing_payload(call_bytes, &extra, &additional);
        prop_assert!(verify(&signature, &payload, &alice.account_id()));
        let dest = account("//Bob").into();
        let expected = if allow_death {
            balances::Call::transfer_allow_death { dest, value: amount }
        } else {
            balances::Call::transfer_keep_alive { dest, value: amount }
        };
        prop_assert_eq!(call, RuntimeCall::Balances(expected));
    }
}

// ---- Balances --------------------------------------------------------------------------------------------------

fn owner(free: Balance, reserved: Balance, frozen: Balance) -> AccountInfo {
    let mut info = AccountInfo { providers: 1, ..AccountInfo::default() };
    (info.data.free, info.data.reserved, info.data.frozen) = (free, reserved, frozen);
    info
}

#[test]
fn a_transfer_leaves_the_deposit_and_what_is_frozen() {
    let spending = |amount, allow_death| Spending { amount, fee: 5, existential_deposit: 10, allow_death };
    let bob = owner(10, 0, 0);
    let alice = owner(100, 0, 0);
    assert_eq!(spending(85, false).check(&alice, &bob), Ok(()));
    let short = Shortfall::Sender { spendable: 90, needed: 91, enough_to_die: true };
    assert_eq!(spending(86, false).check(&alice, &bob), Err(short));
    assert_eq!(spending(95, true).check(&alice, &bob), Ok(()));
    let short = Shortfall::Sender { spendable: 100, needed: 101, enough_to_die: false };
    assert_eq!(spending(96, true).check(&alice, &bob), Err(short));
    // Reserved balance counts first towards what is frozen.
    assert_eq!(spending(65, true).check(&owner(100, 20, 50), &bob), Ok(()));
    assert!(spending(66, true).check(&owner(100, 20, 50), &bob).is_err());
    assert!(spending(Balance::MAX, true).check(&alice, &bob).is_err());
}

#[test]
fn a_new_account_needs_the_deposit() {
    let spending = |amount| Spending { amount, fee: 5, existential_deposit: 10, allow_death: false };
    let alice = owner(100, 0, 0);
    let nobody = AccountInfo::default();
    assert_eq!(spending(9).check(&alice, &nobody), Err(Shortfall::Receiver));
    assert_eq!(spending(10).check(&alice, &nobody), Ok(()));
    assert_eq!(spending(9).check(&alice, &owner(10, 0, 0)), Ok(()));
    assert_eq!(spending(0).check(&alice, &nobody), Ok(()));
}

// ---- Outcomes --------------------------------------------------------------------------------------------------

#[test]
fn an_outcome_is_that_of_the_right_transaction() {
    let at = |index, event: system::Event| EventRecord {
        phase: Phase::ApplyExtrinsic(index),
        event: RuntimeEvent::System(event),
        topics: Vec::new(),
    };
    let failed = DispatchError::Token(TokenError::Frozen);
    let events = [
        at(0, fake::success()),
        at(1, system::Event::ExtrinsicFailed { dispatch_error: failed, dispatch_info: Default::default() }),
        EventRecord { phase: Phase::Finalization, ..at(0, fake::success()) },
    ];
    assert_eq!(Outcome::of(&events, 0), Some(Outcome { error: None, fee: None }));
    assert_eq!(Outcome::of(&events, 1), Some(Outcome { error: Some(failed), fee: None }));
    assert_eq!(Outcome::of(&events, 2), None);
}

#[test]
fn errors_of_pallets_have_names() {
    let module = |index, error| DispatchError::Module(ModuleError { index, error: [error, 0, 0, 0] });
    assert_eq!(describe(&module(2, 2)), "Balances.InsufficientBalance");
    assert_eq!(describe(&module(5, 0)), "Sudo.RequireSudo");
    assert_eq!(describe(&module(99, 7)), "error 7 of the pallet with index 99");
    assert!(describe(&DispatchError::Token(TokenError::NotExpendable)).contains("--allow-death"));
    assert_eq!(describe(&ArithmeticError::Overflow.into()), "an overflow would occur");
}

// ---- Whole commands --------------------------------------------------------------------------------------------

#[tokio::test]
async fn a_transfer_is_sent_and_reported() {
    let node = Fake::start(Fate::Succeeds).await;
    let report = transfer(&node, "1.5", &["--tip", "7planck"]).await.unwrap();
    assert!(report.failure.is_none());
    let encoded = node.submitted().pop().unwrap();
    let hash = OpaqueExtrinsic::from_encoded(&encoded).unwrap().hash();
    assert_eq!(
        result(&report),
        json!({
            "hash": format!("{hash:#x}"), "status": "finalized",
            "from": account("//Alice").to_string(), "to": account("//Bob").to_string(),
            "amount": "1500000000000", "tip": "7", "nonce": 3, "feeEstimate": (fake::FEE + 7).to_string(),
            "token": { "symbol": "UNIT", "decimals": 12 },
            "block": { "number": fake::HEIGHT + 1, "hash": format!("{:#x}", node.new_block_hash()) },
            "extrinsicIndex": 1, "success": true, "error": null, "fee": fake::FEE.to_string(),
        })
    );
    // The hash leads back to the same block.
    let status = run(&["status", &format!("{hash:#x}"), "--json", "--url", &node.url]).await.unwrap();
    assert!(status.failure.is_none());
    let status = result(&status);
    assert_eq!(status["status"], "finalized");
    for member in ["hash", "block", "extrinsicIndex", "success", "error", "fee"] {
        assert_eq!(status[member], result(&report)[member], "{member}");
    }
}

#[tokio::test]
async fn what_is_signed_fits_the_chain() {
    let node = Fake::start(Fate::Succeeds).await;
    transfer(&node, "1.5", &[]).await.unwrap();
    let opaque = OpaqueExtrinsic::from_encoded(&node.submitted().pop().unwrap()).unwrap();
    let Preamble::Signed { signature, extra, call_offset, .. } = extrinsic::split(&opaque.0).unwrap() else {
        panic!("it is signed");
    };
    let birth = u32::try_from(extra.era.birth(fake::HEIGHT.into())).unwrap();
    let additional = Additional {
        spec_version: 1,
        transaction_version: 1,
        genesis_hash: node.block_hash(0),
        birth_hash: node.block_hash(birth),
        metadata_hash: None,
    };
    let payload = extrinsic::signing_payload(&opaque.0[call_offset..], &extra, &additional);
    assert!(verify(&signature, &payload, &account("//Alice")));
    assert!(!extra.era.is_immortal());
}

#[tokio::test]
async fn a_failed_transfer_is_an_error_with_its_cost() {
    let node = Fake::start(Fate::Fails).await;
    let report = transfer(&node, "1.5", &[]).await.unwrap();
    let shown = result(&report);
    assert_eq!(shown["success"], false);
    let error = shown["error"].as_str().unwrap();
    assert!(error.starts_with("Balances.LiquidityRestrictions"), "{error}");
    let failure = report.failure.unwrap().to_string();
    assert!(failure.contains("Balances.LiquidityRestrictions; it cost 0.001 UNIT"), "{failure}");
}

#[tokio::test]
async fn waiting_for_nothing_reports_the_hash() {
    let node = Fake::start(Fate::Waits).await;
    let report = transfer(&node, "1", &["--wait", "none"]).await.unwrap();
    let shown = result(&report);
    assert_eq!(
        (&shown["status"], &shown["block"], &shown["success"]),
        (&json!("submitted"), &Value::Null, &Value::Null)
    );
    let hash = shown["hash"].as_str().unwrap();
    let status = run(&["status", hash, "--json", "--url", &node.url]).await.unwrap();
    assert_eq!(result(&status)["status"], "pending");
    assert!(status.failure.is_none());
}

#[tokio::test]
async fn waiting_ends_and_says_how_to_go_on() {
    let node = Fake::start(Fate::Waits).await;
    let error = transfer(&node, "1", &["--timeout", "0"]).await.unwrap_err();
    assert!(matches!(error, TxError::Timeout { seconds: 0, .. }), "{error}");
    assert!(error.to_string().contains("basalt tx status 0x"), "{error}");
}

#[tokio::test]
async fn an_expired_transaction_is_an_error() {
    let node = Fake::start(Fate::Expires).await;
    let error = transfer(&node, "1", &[]).await.unwrap_err();
    assert!(matches!(error, TxError::GivenUp { .. }), "{error}");
}

#[tokio::test]
async fn a_refusal_shows_cause_and_remedy() {
    let node = Fake::start(Fate::IsRefused).await;
    for wait in ["none", "in-block"] {
        let error = transfer(&node, "1", &["--wait", wait]).await.unwrap_err().to_string();
        assert!(
            error.contains("Invalid Transaction (code 1010): Transaction is outdated; its nonce"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_transfer_that_would_fail_is_not_sent() {
    let node = Fake::start(Fate::Succeeds).await;
    let error = transfer(&node, "10", &[]).await.unwrap_err().to_string();
    assert_eq!(
        error,
        format!(
            "{} can spend 9.999 UNIT, but 10 UNIT and up to 0.001 UNIT of fees make 10.001 UNIT; send at most 9.998 \
             UNIT",
            account("//Alice")
        )
    );
    let error = transfer(&node, "9.9985", &[]).await.unwrap_err().to_string();
    assert!(error.contains("must keep 0.001 UNIT, end with --allow-death"), "{error}");
    let error = transfer(&node, "1planck", &[]).await.unwrap_err().to_string();
    assert!(error.contains("must have at least 0.001 UNIT"), "{error}");
    assert!(node.submitted().is_empty());
    transfer(&node, "10", &["--force"]).await.unwrap();
    assert_eq!(node.submitted().len(), 1);
}

#[tokio::test]
async fn amounts_follow_the_properties_of_the_chain() {
    let node = Fake::start(Fate::Succeeds).await;
    let error = transfer(&node, "1.0000000000001", &[]).await.unwrap_err().to_string();
    assert!(error.starts_with("--amount: '1.0000000000001' has 13 decimals"), "{error}");
    let error = transfer(&node, "1", &["--tip", "-1"]).await.unwrap_err().to_string();
    assert!(error.starts_with("--tip: '-1' is not an amount"), "{error}");
    assert!(node.submitted().is_empty());
}

#[tokio::test]
async fn a_node_with_another_runtime_gets_nothing() {
    let node = Fake::start(Fate::HasOtherRuntime).await;
    let error = transfer(&node, "1", &[]).await.unwrap_err();
    assert!(matches!(error, TxError::OtherRuntime { .. }), "{error}");
    assert!(error.to_string().contains("basalt 2 (transactions 1)"), "{error}");
    assert!(node.submitted().is_empty());
}

#[tokio::test]
async fn an_address_of_another_network_gets_nothing() {
    let node = Fake::start(Fate::Succeeds).await;
    let polkadot = basalt_primitives::ss58::encode(0, account("//Bob").as_ref());
    let args = ["transfer", "--from", "//Alice", "--to", &polkadot, "--amount", "1", "--url", &node.url];
    let error = run(&args).await.unwrap_err().to_string();
    assert!(error.contains("network 0") && error.contains(&account("//Bob").to_string()), "{error}");
    assert!(node.submitted().is_empty());
}

#[tokio::test]
async fn an_unknown_transaction_is_an_error() {
    let node = Fake::start(Fate::Succeeds).await;
    let hash = format!("0x{}", "ab".repeat(32));
    let report = run(&["status", &hash, "--json", "--url", &node.url]).await.unwrap();
    assert_eq!(result(&report)["status"], "notFound");
    let failure = report.failure.unwrap().to_string();
    assert!(failure.contains(&format!("blocks #0 to #{}", fake::HEIGHT)), "{failure}");
    let report = run(&["status", &hash, "--blocks", "2", "--url", &node.url]).await.unwrap();
    assert!(report.text.is_none());
    let failure = report.failure.unwrap().to_string();
    assert!(failure.contains(&format!("blocks #{} to #{}", fake::HEIGHT - 1, fake::HEIGHT)), "{failure}");
}

#[tokio::test]
async fn without_a_node_the_error_says_how_to_start_one() {
    // A port that was free a moment ago, and that nobody else was told of.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("ws://127.0.0.1:{port}");
    let error = run(&["status", &"ab".repeat(32), "--url", &url]).await.unwrap_err().to_string();
    assert!(error.contains(&url) && error.contains("basalt --dev"), "{error}");
}
