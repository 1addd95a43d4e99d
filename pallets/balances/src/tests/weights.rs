//! Weights are what calls do at worst: no less, and no more.

use alloc::{collections::BTreeSet, vec, vec::Vec};
use core::cell::RefCell;

use basalt_state::Key;
use types::{AdjustmentDirection, Reason, Reasons};

use super::*;

/// Remembers which keys were read.
struct Counted<'a> {
    base: &'a Memory,
    read: RefCell<BTreeSet<Key>>,
}

impl StateRead for Counted<'_> {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StateError> {
        self.read.borrow_mut().insert(key.to_vec());
        self.base.get(key)
    }

    fn next_key(&self, key: &[u8]) -> Result<Option<Key>, StateError> {
        self.read.borrow_mut().insert(key.to_vec());
        self.base.next_key(key)
    }
}

/// How many keys a call reads and writes on top of `base`, whether it succeeds or not.
pub(crate) fn done(base: &Memory, origin: Origin, call: Call) -> (u64, u64) {
    let counted = Counted { base, read: RefCell::default() };
    let mut state = Overlay::new(&counted);
    let env = env();
    let _ = BALANCES.dispatch(call, origin, &mut Context::new(&mut state, &env, Some(0)));
    let writes = state.changes().len() as u64;
    let reads = counted.read.borrow().len() as u64;
    (reads, writes)
}

#[test]
fn each_call_weighs_what_its_worst_case_does() {
    let base = genesis();
    let mut state = Overlay::new(&base);
    let env = env();
    let mut ctx = Context::new(&mut state, &env, Some(0));
    BALANCES.reserve(&mut ctx, &CHARLIE, 100).unwrap();
    BALANCES.hold(&mut ctx, Reason { pallet: 7, reason: 0 }, &CHARLIE, 100).unwrap();
    BALANCES.system.inc_providers(&mut ctx, &BOB).unwrap();
    BALANCES.set_lock(&mut ctx, *b"small   ", &BOB, ED - 1, Reasons::All).unwrap();
    BALANCES.adjust_issuance(&mut ctx, AdjustmentDirection::Increase, 10).unwrap();
    let mut base = base.clone();
    base.apply(&state.into_change_set().unwrap());

    let dusty = START - 1;
    let decrease = AdjustmentDirection::Decrease;
    let cases = [
        (signed(ALICE), Call::transfer_allow_death { dest: NOBODY.into(), value: dusty }),
        (Origin::Root, Call::force_transfer { source: ALICE.into(), dest: NOBODY.into(), value: dusty }),
        (signed(ALICE), Call::transfer_keep_alive { dest: NOBODY.into(), value: 100 }),
        // Dust remains only because the lock is on it, and the account's other provider lets it go.
        (signed(BOB), Call::transfer_all { dest: NOBODY.into(), keep_alive: false }),
        (Origin::Root, Call::force_unreserve { who: CHARLIE.into(), amount: 100 }),
        (signed(ALICE), Call::upgrade_accounts { who: vec![] }),
        (Origin::Root, Call::force_set_balance { who: NOBODY.into(), new_free: START }),
        (Origin::Root, Call::force_adjust_total_issuance { direction: decrease, delta: 10 }),
        (signed(ALICE), Call::burn { value: dusty, keep_alive: false }),
    ];
    for (origin, call) in cases {
        let declared = BALANCES.info(&call).weight;
        let (reads, writes) = done(&base, origin, call.clone());
        assert_eq!(weight::operations(reads, writes), declared, "{call:?}: {reads} reads, {writes} writes");
    }
}
