//! Codes and texts are those that wallets know.

use basalt_pool::{Full, PoolError, PoolErrorKind};
use basalt_primitives::{H256, InvalidTransaction, TransactionValidityError, UnknownTransaction};
use basalt_runtime_api::Refusal;
use basalt_state::StateError;

fn error(kind: PoolErrorKind) -> PoolError {
    PoolError { hash: Some(H256::repeat_byte(0xab)), kind }
}

fn refused(error: impl Into<TransactionValidityError>, detail: &str) -> PoolErrorKind {
    PoolErrorKind::Refused(Refusal { error: error.into(), detail: detail.into() })
}

#[test]
fn codes_messages_and_the_beginning_of_data_are_the_references() {
    let hash = format!("0x{}", "ab".repeat(32));
    let limit = "The transaction couldn't enter the pool because of the limit: ";
    #[rustfmt::skip]
    let table = [
        (refused(InvalidTransaction::Stale, ""), 1010, "Invalid Transaction", "Transaction is outdated"),
        (refused(InvalidTransaction::Payment, "has 1, needs 2"), 1010, "Invalid Transaction", "Inability to pay some fees (e.g. account balance too low): has 1, needs 2"),
        (refused(InvalidTransaction::BadProof, ""), 1010, "Invalid Transaction", "Transaction has a bad signature"),
        (refused(InvalidTransaction::AncientBirthBlock, ""), 1010, "Invalid Transaction", "Transaction has an ancient birth block"),
        (refused(InvalidTransaction::ExhaustsResources, ""), 1010, "Invalid Transaction", "Transaction would exhaust the block limits"),
        (refused(InvalidTransaction::Custom(7), ""), 1010, "Invalid Transaction", "Custom error: 7"),
        (refused(UnknownTransaction::CannotLookup, ""), 1011, "Unknown Transaction Validity", "CannotLookup"),
        (PoolErrorKind::Banned, 1012, "Transaction is temporarily banned", "the transaction was included or found invalid"),
        (PoolErrorKind::AlreadyImported, 1013, "Transaction Already Imported", &hash),
        (PoolErrorKind::PriorityTooLow { old: 100, new: 105 }, 1014, "Priority is too low: (100 vs 105)", "The transaction has too low priority to replace another transaction already in the pool.: a transaction with this nonce and priority 100"),
        (PoolErrorKind::Full(Full::Pool), 1016, "Immediately Dropped", limit),
        (PoolErrorKind::Full(Full::Sender), 1016, "Immediately Dropped", limit),
        (PoolErrorKind::Full(Full::Queue), 1016, "Immediately Dropped", limit),
        (PoolErrorKind::Full(Full::Watchers), 1016, "Immediately Dropped", limit),
        (PoolErrorKind::Stopped, 1040, "The node is shutting down", "the transaction pool has stopped"),
    ];
    for (kind, code, message, data) in table {
        let error = error(kind);
        assert_eq!((error.code(), &*error.message()), (code, message));
        let text = error.data().expect("every error says something to people");
        assert!(text.starts_with(data), "{text}");
    }
}

#[test]
fn the_priority_error_says_how_much_is_enough() {
    let text = error(PoolErrorKind::PriorityTooLow { old: 101, new: 105 }).data().expect("it has data");
    assert!(text.ends_with("at least 112"), "{text}");
}

#[test]
fn a_peer_is_blamed_only_for_what_no_state_makes_good() {
    assert!(error(refused(InvalidTransaction::BadProof, "")).is_bad_transaction());
    assert!(error(refused(InvalidTransaction::Call, "")).is_bad_transaction());
    assert!(!error(refused(InvalidTransaction::Stale, "")).is_bad_transaction());
    assert!(!error(refused(InvalidTransaction::Payment, "")).is_bad_transaction());
    assert!(!error(PoolErrorKind::State(StateError::Backend("disk".into()))).is_bad_transaction());
    assert!(!error(PoolErrorKind::Full(Full::Queue)).is_bad_transaction());
}

#[test]
fn what_may_pass_later_is_transient() {
    assert!(error(refused(InvalidTransaction::Payment, "")).is_transient());
    assert!(error(PoolErrorKind::Full(Full::Pool)).is_transient());
    assert!(!error(refused(InvalidTransaction::Stale, "")).is_transient());
    assert!(!error(PoolErrorKind::AlreadyImported).is_transient());
}
