//! The formulas by themselves.

use basalt_primitives::{H256, Perbill};

use super::*;
use crate::types::DelegateDependencies;

const PRICES: Deposits =
    Deposits { per_item: 1_000, per_byte: 7, default_limit: 0, code_lockup: Perbill::from_percent(0) };

const NOTHING: StorageDeposit = StorageDeposit::Charge(0);

fn record(bytes: u32, items: u32, byte_deposit: Balance, item_deposit: Balance) -> ContractInfo {
    ContractInfo {
        trie_id: Default::default(),
        code_hash: H256::zero(),
        storage_bytes: bytes,
        storage_items: items,
        storage_byte_deposit: byte_deposit,
        storage_item_deposit: item_deposit,
        storage_base_deposit: 0,
        delegate_dependencies: DelegateDependencies::default(),
    }
}

#[test]
fn a_diff_counts_values_by_what_changes() {
    let mut diff = Diff::default();
    diff.count(None, Some(5));
    diff.count(Some(5), Some(9));
    diff.count(Some(9), Some(2));
    diff.count(Some(2), None);
    diff.count(None, None);
    assert_eq!(diff, Diff { bytes_added: 9, bytes_removed: 9, items_added: 1, items_removed: 1 });
}

#[test]
fn additions_cost_today_s_price() {
    let mut record = record(10, 1, 999, 5);
    let diff = Diff { bytes_added: 5, bytes_removed: 2, items_added: 3, items_removed: 1 };
    assert_eq!(diff.apply(&PRICES, &mut record), StorageDeposit::Charge(3 * 7 + 2 * 1_000));
    assert_eq!((record.storage_bytes, record.storage_items), (13, 3));
    assert_eq!((record.storage_byte_deposit, record.storage_item_deposit), (999 + 21, 5 + 2_000));
}

#[test]
fn removals_give_back_a_share_of_what_was_paid() {
    let mut record = record(3, 3, 1_000, 9);
    let diff = Diff { bytes_removed: 1, items_removed: 1, ..Diff::default() };
    // 0.333333333333333333 of 1,000 and of 9.
    assert_eq!(diff.apply(&PRICES, &mut record), StorageDeposit::Refund(333 + 2));
    assert_eq!((record.storage_byte_deposit, record.storage_item_deposit), (667, 7));
    let all = Diff { bytes_removed: 2, items_removed: 2, ..Diff::default() };
    assert_eq!(all.apply(&PRICES, &mut record), StorageDeposit::Refund(667 + 7));
}

#[test]
fn bytes_may_come_back_while_items_cost() {
    let mut record = record(100, 1, 700, 1_000);
    let diff = Diff { bytes_removed: 50, items_added: 1, ..Diff::default() };
    assert_eq!(diff.apply(&PRICES, &mut record), StorageDeposit::Charge(1_000 - 350));
}

#[test]
fn counts_are_exact_whichever_frame_is_settled_first() {
    let mut record = record(0, 0, 0, 0);
    // An inner frame removed what the outer one had just stored.
    let inner = Diff { bytes_removed: 10, items_removed: 1, ..Diff::default() };
    assert_eq!(inner.apply(&PRICES, &mut record), StorageDeposit::Refund(0));
    let more = Diff { bytes_removed: 1, ..Diff::default() };
    assert_eq!(more.apply(&PRICES, &mut record), NOTHING);
    let outer = Diff { bytes_added: 11, items_added: 1, ..Diff::default() };
    outer.apply(&PRICES, &mut record);
    assert_eq!((record.storage_bytes, record.storage_items), (0, 0));
}

#[test]
fn a_nested_limit_is_what_is_left_or_less() {
    let mut meter = DepositMeter::new(1_000);
    meter.record(AccountId::default(), StorageDeposit::Charge(400));
    for (asked, limit, own) in [(0, 600, false), (100, 100, true), (601, 600, true)] {
        let nested = meter.nested(asked);
        assert_eq!((nested.limit, nested.own_limit), (limit, own));
    }
    meter.record(AccountId::default(), StorageDeposit::Refund(900));
    assert_eq!(meter.nested(0).limit, 1_500, "what came back may be used again");
}

#[test]
fn nothing_is_no_entry() {
    let mut meter = DepositMeter::new(0);
    meter.record(AccountId::default(), StorageDeposit::Charge(0));
    meter.record(AccountId::default(), NOTHING);
    meter.absorb(DepositMeter::new(0), AccountId::default(), &PRICES, Some(&mut record(0, 0, 0, 0)));
    assert_eq!(meter.finish(), (StorageDeposit::Charge(0), Vec::new()));
}
