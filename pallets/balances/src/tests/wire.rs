use alloc::{string::String, vec, vec::Vec};

use parity_scale_codec::Encode;
use scale_info::TypeInfo;
use types::{AdjustmentDirection, BalanceStatus, ExtraFlags, Reason, Reasons};

use super::*;

/// `0x00 ++ account`, what clients send as an address.
fn address(account: AccountId) -> Vec<u8> {
    [&[0][..], &account.0].concat()
}

#[test]
fn calls_have_the_bytes_that_clients_send() {
    let (a, b) = (address(ALICE), address(BOB));
    // 1_000_000 as a compact: four bytes, lowest bits 10.
    let million = (1_000_000u32 << 2 | 2).to_le_bytes().to_vec();
    let value = 1_000_000;
    let cases: [(Call, Vec<Vec<u8>>); 9] = [
        (Call::transfer_allow_death { dest: BOB.into(), value }, vec![vec![0], b.clone(), million.clone()]),
        (
            Call::force_transfer { source: ALICE.into(), dest: BOB.into(), value },
            vec![vec![2], a.clone(), b.clone(), million.clone()],
        ),
        (Call::transfer_keep_alive { dest: BOB.into(), value }, vec![vec![3], b.clone(), million.clone()]),
        (Call::transfer_all { dest: BOB.into(), keep_alive: true }, vec![vec![4], b.clone(), vec![1]]),
        (
            Call::force_unreserve { who: BOB.into(), amount: value },
            vec![vec![5], b.clone(), value.to_le_bytes().to_vec()],
        ),
        (Call::upgrade_accounts { who: vec![BOB] }, vec![vec![6, 4], BOB.0.to_vec()]),
        (Call::force_set_balance { who: ALICE.into(), new_free: value }, vec![vec![8], a, million.clone()]),
        (
            Call::force_adjust_total_issuance { direction: AdjustmentDirection::Decrease, delta: value },
            vec![vec![9, 1], million.clone()],
        ),
        (Call::burn { value, keep_alive: false }, vec![vec![10], million, vec![0]]),
    ];
    for (call, expected) in cases {
        assert_eq!(call.encode(), expected.concat(), "{call:?}");
        assert_eq!(Call::decode_all(&mut &call.encode()[..]), Ok(call));
    }
}

/// The variants of an enum in the metadata: index, name, names of fields.
fn variants<T: TypeInfo>() -> Vec<(u8, &'static str, Vec<&'static str>)> {
    match T::type_info().type_def {
        scale_info::TypeDef::Variant(def) => def
            .variants
            .iter()
            .map(|v| (v.index, v.name, v.fields.iter().filter_map(|field| field.name).collect()))
            .collect(),
        other => panic!("{other:?} is no enum"),
    }
}

#[test]
fn events_have_substrates_indices_names_and_fields() {
    let who = || vec!["who", "amount"];
    assert_eq!(
        variants::<Event>(),
        [
            (0, "Endowed", vec!["account", "free_balance"]),
            (1, "DustLost", vec!["account", "amount"]),
            (2, "Transfer", vec!["from", "to", "amount"]),
            (3, "BalanceSet", vec!["who", "free"]),
            (4, "Reserved", who()),
            (5, "Unreserved", who()),
            (6, "ReserveRepatriated", vec!["from", "to", "amount", "destination_status"]),
            (7, "Deposit", who()),
            (8, "Withdraw", who()),
            (9, "Slashed", who()),
            (10, "Minted", who()),
            (11, "Burned", who()),
            (12, "Suspended", who()),
            (13, "Restored", who()),
            (14, "Upgraded", vec!["who"]),
            (15, "Issued", vec!["amount"]),
            (16, "Rescinded", vec!["amount"]),
            (17, "Locked", who()),
            (18, "Unlocked", who()),
            (19, "Frozen", who()),
            (20, "Thawed", who()),
            (21, "TotalIssuanceForced", vec!["old", "new"]),
            (22, "Held", vec!["reason", "who", "amount"]),
            (23, "BurnedHeld", vec!["reason", "who", "amount"]),
            (24, "TransferOnHold", vec!["reason", "source", "dest", "amount"]),
            (25, "TransferAndHold", vec!["reason", "source", "dest", "transferred"]),
            (26, "Released", vec!["reason", "who", "amount"]),
        ]
    );
    let transfer = Event::Transfer { from: ALICE, to: BOB, amount: 5 };
    assert_eq!(transfer.encode(), [&[2][..], &[1; 32], &[2; 32], &5u128.to_le_bytes()].concat());
}

#[test]
fn errors_have_substrates_indices_and_names() {
    let names: Vec<_> = variants::<Error>().into_iter().map(|(index, name, _)| (index, name)).collect();
    assert_eq!(
        names,
        [
            (0, "VestingBalance"),
            (1, "LiquidityRestrictions"),
            (2, "InsufficientBalance"),
            (3, "ExistentialDeposit"),
            (4, "Expendability"),
            (5, "ExistingVestingSchedule"),
            (6, "DeadAccount"),
            (7, "TooManyReserves"),
            (8, "TooManyHolds"),
            (9, "TooManyFreezes"),
            (10, "IssuanceDeactivated"),
            (11, "DeltaZero"),
        ]
    );
}

fn path<T: TypeInfo>() -> String {
    T::type_info().path.segments.join("::")
}

#[test]
fn type_paths_are_the_ones_that_clients_look_up() {
    assert_eq!(path::<Call>(), "pallet_balances::pallet::Call");
    assert_eq!(path::<Event>(), "pallet_balances::pallet::Event");
    assert_eq!(path::<Error>(), "pallet_balances::pallet::Error");
    assert_eq!(path::<AccountData>(), "pallet_balances::types::AccountData");
    assert_eq!(path::<ExtraFlags>(), "pallet_balances::types::ExtraFlags");
    assert_eq!(path::<BalanceLock>(), "pallet_balances::types::BalanceLock");
    assert_eq!(path::<Reasons>(), "pallet_balances::types::Reasons");
    assert_eq!(path::<ReserveData>(), "pallet_balances::types::ReserveData");
    assert_eq!(path::<AdjustmentDirection>(), "pallet_balances::types::AdjustmentDirection");
    assert_eq!(path::<IdAmount>(), "frame_support::traits::tokens::misc::IdAmount");
    assert_eq!(path::<BalanceStatus>(), "frame_support::traits::tokens::misc::BalanceStatus");
}

#[test]
fn stored_lists_have_substrates_bytes() {
    let lock = BalanceLock { id: *b"staking ", amount: 3, reasons: Reasons::All };
    assert_eq!(lock.encode(), [&b"staking "[..], &3u128.to_le_bytes(), &[2]].concat());
    let hold = IdAmount { id: Reason { pallet: 8, reason: 1 }, amount: 3 };
    assert_eq!(hold.encode(), [&[8, 1][..], &3u128.to_le_bytes()].concat());
}

#[test]
fn metadata_lists_substrates_storage_items_with_their_defaults() {
    let metadata = BALANCES.metadata();
    let items: Vec<_> = metadata.storage.iter().map(|entry| (entry.name, entry.default.len())).collect();
    assert_eq!(
        items,
        [
            ("TotalIssuance", 16),
            ("InactiveIssuance", 16),
            ("ForcedIssuance", 16),
            ("Account", 64),
            ("Locks", 1),
            ("Reserves", 1),
            ("Holds", 1),
            ("Freezes", 1),
        ]
    );
    let constants: Vec<_> = metadata.constants.iter().map(|constant| constant.name).collect();
    assert_eq!(constants, ["ExistentialDeposit", "MaxLocks", "MaxReserves", "MaxFreezes"]);
    assert_eq!(metadata.constants[0].value, ED.to_le_bytes());
    assert!(metadata.storage.iter().all(|entry| !entry.docs.is_empty()));
}
