//! Modules that nobody wrote, on both engines.

use std::sync::OnceLock;

use proptest::prelude::*;

use super::kit::{Both, POLICY};
use crate::{Entry, Machine, rewrite::tests::random::module};

fn machines() -> &'static Both {
    static MACHINES: OnceLock<Both> = OnceLock::new();
    MACHINES.get_or_init(Both::new)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Each function of these modules tells the host that it was entered, so the host sees the memory in between.
    #[test]
    fn generated_modules_do_the_same(seed in any::<[u8; 32]>(), fuel in 0..200_000_u64, plenty in any::<bool>()) {
        let Some(code) = module(seed) else { return Ok(()) };
        if machines().interpreter.check(&code, &POLICY).is_err() {
            return Ok(());
        }
        for entry in [Entry::Call, Entry::Deploy] {
            let told = machines().told(&code, entry, if plenty { 10_000_000 } else { fuel });
            prop_assert!(told.run.is_ok(), "{told:?}");
        }
    }
}

/// wasmi 2.0.0 gives the second value here, because it reads a register that it no longer writes.
#[test]
fn a_select_by_equality_with_zero_selects() {
    let body =
        "(if (i32.eqz (select (i32.const 1) (local.get 0) (i32.eqz (local.get 0)))) (then unreachable))";
    let code = super::kit::contract("", "", &format!("(local i32) {body}"));
    assert_eq!(machines().call(&code, 1_000).0, crate::Ended::Returned);
}
