//! Flags, margins and what is said about errors, without a node. Whole commands: `tests/e2e/tests/it/contracts.rs`.

use basalt_pallet_contracts::{self as contracts, Error};
use basalt_pallet_system::{self as system, EventRecord, Phase};
use basalt_primitives::{AccountId, DispatchError, H256, ModuleError, TokenError, Weight};
use basalt_runtime::{CONTRACTS, RuntimeEvent};
use clap::Parser;
use parity_scale_codec::{Decode, Encode};

use super::{failure::explain, outcome::Effects, sender::*, *};

#[derive(Debug, Parser)]
struct Cli {
    #[command(subcommand)]
    command: ContractCommand,
}

fn parse(args: &[&str]) -> Result<ContractCommand, String> {
    Cli::try_parse_from([&["contract"], args].concat())
        .map(|cli| cli.command)
        .map_err(|error| error.to_string())
}

const ALICE: &str = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY";

#[test]
fn flags_stand_anywhere_and_negative_numbers_are_arguments() {
    assert!(parse(&["call", ALICE, "add", "-5", "2", "--from", "//Bob", "--value", "1.5"]).is_ok());
    assert!(parse(&["call", "--from", "//Bob", ALICE, "add", "-5"]).is_ok());
    assert!(parse(&["instantiate", "x.contract", "-5", "--salt", "0x01"]).is_ok());
    let hash = format!("0x{}", "07".repeat(32));
    for args in [&["remove"][..], &["remove", "x.wasm"], &["remove", &hash, "--from", "//Bob"]] {
        assert!(parse(args).is_ok(), "{args:?}");
    }
    for (args, hint) in [
        (&["call", "Alice", "flip"][..], "give an SS58 address, or 0x and 64 hex digits"),
        (&["instantiate", "--code-hash", "0x12"], "the hash of code is 0x and 64 hex digits"),
        (&["instantiate", "--salt", "1"], "give bytes in hex"),
        (&["decode", "event", "0x00", "--topic", "0x01"], "a topic is 0x and 64 hex digits"),
        (&["query", ALICE, "get", "--tip", "1"], "--tip"),
        (&["remove", "0x12"], "the hash of code is 0x and 64 hex digits"),
        // It stores nothing.
        (&["remove", "--storage-deposit-limit", "1"], "--storage-deposit-limit"),
    ] {
        let error = parse(args).unwrap_err();
        assert!(error.contains(hint), "{args:?}: {error}");
    }
}

#[test]
fn limits_leave_room_for_another_state_but_not_more_than_a_block_has() {
    let max = Weight::new(1_000, 1_000);
    assert_eq!(with_margin(Weight::new(100, 5), max), Weight::new(110, 6));
    assert_eq!(with_margin(Weight::new(1_000, u64::MAX), max), max);
    assert_eq!(with_margin(Weight::zero(), max), Weight::zero());
    assert_eq!(deposit_with_margin(0), 0);
    assert_eq!(deposit_with_margin(1), 2);
    assert_eq!(deposit_with_margin(u128::MAX), u128::MAX);
}

fn module(error: u8) -> DispatchError {
    DispatchError::Module(ModuleError { index: CONTRACTS.index, error: [error, 0, 0, 0] })
}

#[test]
fn every_error_has_its_name_and_common_ones_a_remedy() {
    for index in 0..=Error::OutOfTransientStorage as u8 {
        let error = Error::decode(&mut &[index][..]).unwrap();
        let text = explain(&module(index), "");
        assert!(text.starts_with(&format!("Contracts.{error:?}")), "{text}");
    }
    let text = explain(&module(Error::ContractTrapped as u8), "index 5 of 3\n");
    assert!(text.contains("the contract panicked") && text.ends_with("(it said: index 5 of 3)"), "{text}");
    let poor = explain(&DispatchError::Token(TokenError::FundsUnavailable), "");
    assert!(poor.contains("give it more tokens"), "{poor}");
    assert_eq!(explain(&DispatchError::BadOrigin, ""), DispatchError::BadOrigin.to_string());
}

#[test]
fn events_of_a_transaction_say_what_it_cost_and_made() {
    let (alice, contract) = (AccountId::from([1; 32]), AccountId::from([2; 32]));
    let at = |index, event, topics| EventRecord { phase: Phase::ApplyExtrinsic(index), event, topics };
    let held =
        |amount| contracts::Event::StorageDepositTransferredAndHeld { from: alice, to: contract, amount };
    let emitted = contracts::Event::ContractEmitted { contract, data: vec![7] };
    let mut succeeded = system::Event::ExtrinsicSuccess { dispatch_info: Default::default() };
    if let system::Event::ExtrinsicSuccess { dispatch_info } = &mut succeeded {
        dispatch_info.weight = Weight::new(5, 6);
    }
    let events = vec![
        // Of another transaction.
        at(1, RuntimeEvent::Contracts(held(1_000_000)), Vec::new()),
        at(
            2,
            RuntimeEvent::Contracts(contracts::Event::Instantiated { deployer: alice, contract }),
            Vec::new(),
        ),
        at(2, RuntimeEvent::Contracts(held(10)), Vec::new()),
        at(2, RuntimeEvent::Contracts(emitted), vec![H256([9; 32])]),
        at(2, RuntimeEvent::System(succeeded), Vec::new()),
    ];
    // As the node sends them.
    let events = Vec::decode(&mut &events.encode()[..]).unwrap();
    let effects = Effects::of(&events, 2, &alice);
    assert_eq!(effects.instantiated, [contract]);
    let deposit = basalt_runtime::BALANCES.existential_deposit + 10;
    assert!(format!("{effects:?}").contains(&format!("charged: {deposit}, returned: 0")), "{effects:?}");
    // Somebody else's deposit is not charged to the sender.
    let others = Effects::of(&events, 2, &contract);
    assert!(!format!("{others:?}").contains(&format!("charged: {deposit}")), "{others:?}");

    let removed =
        contracts::Event::CodeRemoved { code_hash: H256([3; 32]), deposit_released: 8, remover: alice };
    let effects = Effects::of(&[at(0, RuntimeEvent::Contracts(removed), Vec::new())], 0, &alice);
    assert!(format!("{effects:?}").contains("charged: 0, returned: 8"), "{effects:?}");
}
