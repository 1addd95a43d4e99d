use alloc::vec::Vec;

use basalt_pallet_system::{ACCOUNT, System};
use basalt_primitives::{AccountId32, Digest, DispatchClass, DispatchError, RuntimeVersion, TokenError};
use basalt_state::{Memory, Overlay};
use basalt_support::BlockEnv;
use parity_scale_codec::{DecodeAll, Encode};
use proptest::prelude::*;
use scale_info::TypeInfo;

use super::*;

const ALICE: AccountId = AccountId32([1; 32]);
const AUTHOR: AccountId = AccountId32([2; 32]);
const TREASURY: AccountId = AccountId32([3; 32]);
const ED: Balance = 10;
const START: Balance = 1_000_000;

const LIMITS: BlockLimits = BlockLimits {
    weight_max: Weight::new(2_000 * MICROSECOND, u64::MAX),
    weight_normal_max: Weight::new(1_000 * MICROSECOND, u64::MAX),
    weight_base: Weight::zero(),
    weight_base_transaction: Weight::new(10 * MICROSECOND, 0),
    bytes_max: 1_000,
    bytes_normal_max: 1_000,
};

const SYSTEM: System = System { index: 0, limits: LIMITS, ss58_prefix: 42, version: RuntimeVersion::default };

const PAYMENT: TransactionPayment = TransactionPayment {
    index: 3,
    balances: Balances { index: 2, system: SYSTEM, existential_deposit: ED },
    limits: LIMITS,
    fee_per_microsecond: 7,
    fee_per_byte: 3,
    operational_fee_multiplier: 5,
    split: FeeSplit { author: Permill::from_percent(50), treasury: Permill::from_percent(30) },
    treasury: TREASURY,
};

fn genesis() -> Memory {
    let empty = Memory::default();
    let mut state = Overlay::new(&empty);
    PAYMENT.balances.genesis(&mut state, &[(ALICE, START), (AUTHOR, START), (TREASURY, START)]).unwrap();
    let mut memory = Memory::default();
    memory.apply(&state.into_change_set().unwrap());
    memory
}

/// Runs `body` in a block of this author on top of [`genesis`], and checks the invariants after it.
fn with_author<R>(author: Option<AccountId>, body: impl FnOnce(&mut Context<'_, '_>) -> R) -> R {
    let base = genesis();
    let mut state = Overlay::new(&base);
    let env = BlockEnv { number: 1, parent_hash: Default::default(), digest: Digest::default(), author };
    let result = body(&mut Context::new(&mut state, &env, Some(0)));
    let pots = PAYMENT.pots(&state).unwrap();
    assert_eq!(PAYMENT.balances.try_state_with(&state, pots), Ok(()));
    assert_eq!(PAYMENT.try_state(&state), Ok(()));
    result
}

fn with_context<R>(body: impl FnOnce(&mut Context<'_, '_>) -> R) -> R {
    with_author(Some(AUTHOR), body)
}

fn free(ctx: &Context<'_, '_>, who: AccountId) -> Balance {
    PAYMENT.balances.free_balance(ctx, &who).unwrap()
}

fn info(microseconds: u64) -> DispatchInfo {
    DispatchInfo {
        weight: Weight::new(microseconds * MICROSECOND, 0),
        class: DispatchClass::Normal,
        pays_fee: Pays::Yes,
    }
}

fn used(microseconds: u64) -> PostInfo {
    PostInfo { actual_weight: Some(Weight::new(microseconds * MICROSECOND, 0)), pays_fee: Pays::Yes }
}

fn summary(weight_normal: u64) -> BlockSummary {
    BlockSummary {
        weight_normal: Weight::new(weight_normal, 0),
        weight_operational: Weight::zero(),
        weight_mandatory: Weight::zero(),
        weight_normal_max: LIMITS.weight_normal_max,
        transactions: 1,
        bytes: 100,
    }
}

/// A block that is neither fuller nor emptier than it should be.
fn balanced() -> BlockSummary {
    summary(LIMITS.weight_normal_max.ref_time / 4)
}

fn last_fee_event(ctx: &Context<'_, '_>) -> Option<Event> {
    let event = ctx.events().last().filter(|event| event.bytes[0] == PAYMENT.index)?;
    Some(Event::decode_all(&mut &event.bytes[1..]).unwrap())
}

#[test]
fn a_fee_is_the_sum_of_its_parts_and_the_multiplier_applies_to_the_call_only() {
    with_context(|ctx| {
        let parts = |base_fee, len_fee, adjusted_weight_fee, tip| FeeDetails {
            inclusion_fee: Some(InclusionFee { base_fee, len_fee, adjusted_weight_fee }),
            tip,
        };
        assert_eq!(PAYMENT.fee(ctx, &info(100), 20, 5), Ok(parts(70, 60, 700, 5)));
        NEXT_FEE_MULTIPLIER.put(ctx, &FixedU128::from_rational(3, 2));
        assert_eq!(PAYMENT.fee(ctx, &info(100), 20, 5), Ok(parts(70, 60, 1_050, 5)));
        assert_eq!(PAYMENT.fee(ctx, &info(100), 20, 5).unwrap().total(), 70 + 60 + 1_050 + 5);
        let query = PAYMENT.query_info(ctx, &info(100), 20).unwrap();
        assert_eq!((query.partial_fee, query.weight.ref_time), (1_180, 110 * MICROSECOND));
        let free = DispatchInfo { pays_fee: Pays::No, ..info(100) };
        assert_eq!(PAYMENT.fee(ctx, &free, 20, 5), Ok(FeeDetails { inclusion_fee: None, tip: 5 }));
    });
}

#[test]
fn fractions_of_a_fee_are_rounded_down() {
    assert_eq!(PAYMENT.weight_to_fee(Weight::new(MICROSECOND / 7 - 1, 0)), 0);
    assert_eq!(PAYMENT.weight_to_fee(Weight::new(MICROSECOND / 7 + 1, u64::MAX)), 1, "proof size is free");
}

/// From Alice.
fn withdraw(
    ctx: &mut Context<'_, '_>,
    info: &DispatchInfo,
    bytes: u32,
    tip: Balance,
) -> Result<Withdrawn, Failure> {
    let mut sender = PAYMENT.balances.system.open_account(ctx, &ALICE)?;
    PAYMENT.withdraw(ctx, &mut sender, info, bytes, tip)
}

#[test]
fn what_else_changed_in_the_senders_account_is_written_whether_it_pays_or_not() {
    with_context(|ctx| {
        for (nonce, pays_fee) in [(7, Pays::Yes), (8, Pays::No)] {
            let mut sender = PAYMENT.balances.system.open_account(ctx, &ALICE).unwrap();
            sender.info.nonce = nonce;
            let info = DispatchInfo { pays_fee, ..info(100) };
            let withdrawn = PAYMENT.withdraw(ctx, &mut sender, &info, 20, 0).unwrap();
            PAYMENT.settle(ctx, &ALICE, withdrawn, &info, &PostInfo::default()).unwrap();
            assert_eq!(PAYMENT.balances.system.nonce(ctx, &ALICE), Ok(nonce));
        }
        assert_eq!(free(ctx, ALICE), START - 830);
    });
}

#[test]
fn what_is_withdrawn_is_refunded_or_collected() {
    with_context(|ctx| {
        let withdrawn = withdraw(ctx, &info(100), 20, 5).unwrap();
        assert_eq!(free(ctx, ALICE), START - 835);
        let settled = PAYMENT.settle(ctx, &ALICE, withdrawn, &info(100), &used(40)).unwrap();
        assert_eq!(settled, Settled { fee: 410, tip: 5 });
        assert_eq!((free(ctx, ALICE), PAYMENT.pots(ctx)), (START - 415, Ok(415)));
        assert_eq!(
            last_fee_event(ctx),
            Some(Event::TransactionFeePaid { who: ALICE, actual_fee: 415, tip: 5 })
        );
    });
}

#[test]
fn more_weight_than_declared_costs_no_more_than_declared() {
    with_context(|ctx| {
        let withdrawn = withdraw(ctx, &info(100), 20, 0).unwrap();
        let settled = PAYMENT.settle(ctx, &ALICE, withdrawn, &info(100), &used(9_999)).unwrap();
        assert_eq!(settled.fee, 830);
    });
}

#[test]
fn a_call_that_turns_out_free_costs_the_tip_and_one_that_is_free_costs_nothing() {
    with_context(|ctx| {
        let free_after = PostInfo { actual_weight: None, pays_fee: Pays::No };
        let withdrawn = withdraw(ctx, &info(100), 20, 5).unwrap();
        let settled = PAYMENT.settle(ctx, &ALICE, withdrawn, &info(100), &free_after).unwrap();
        assert_eq!((settled, free(ctx, ALICE)), (Settled { fee: 0, tip: 5 }, START - 5));
        let free_before = DispatchInfo { pays_fee: Pays::No, ..info(100) };
        let events = ctx.events().len();
        let withdrawn = withdraw(ctx, &free_before, 20, 0).unwrap();
        let settled = PAYMENT.settle(ctx, &ALICE, withdrawn, &free_before, &PostInfo::default()).unwrap();
        assert_eq!((settled, free(ctx, ALICE)), (Settled { fee: 0, tip: 0 }, START - 5));
        assert_eq!(ctx.events().len(), events, "no fee, no event");
        let withdrawn = withdraw(ctx, &free_before, 20, 4).unwrap();
        let settled = PAYMENT.settle(ctx, &ALICE, withdrawn, &free_before, &PostInfo::default()).unwrap();
        assert_eq!((settled, free(ctx, ALICE)), (Settled { fee: 0, tip: 4 }, START - 9));
    });
}

#[test]
fn a_sender_who_cannot_pay_and_live_pays_nothing() {
    with_context(|ctx| {
        let rest = START - 830 - ED;
        let too_much = withdraw(ctx, &info(100), 20, rest + 1);
        assert_eq!(too_much, Err(TokenError::NotExpendable.into()));
        let far_too_much = withdraw(ctx, &info(u64::MAX / MICROSECOND), u32::MAX, u128::MAX);
        assert_eq!(far_too_much, Err(Failure::Dispatch(DispatchError::Token(TokenError::FundsUnavailable))));
        assert_eq!((free(ctx, ALICE), ctx.events().len()), (START, 0));
        withdraw(ctx, &info(100), 20, rest).unwrap();
        assert_eq!(free(ctx, ALICE), ED);
        // What the call would do next does not matter: the fee is in nobody's hands, so it is put where it belongs.
        COLLECTED_FEES.add(ctx, 830).unwrap();
        COLLECTED_TIPS.add(ctx, delta(rest)).unwrap();
    });
}

#[test]
fn a_refund_to_an_account_that_died_is_collected() {
    with_context(|ctx| {
        let withdrawn = withdraw(ctx, &info(100), 20, 5).unwrap();
        let all = free(ctx, ALICE);
        PAYMENT.balances.transfer(ctx, &ALICE, &AUTHOR, all, false).unwrap();
        let settled = PAYMENT.settle(ctx, &ALICE, withdrawn, &info(100), &used(0)).unwrap();
        assert_eq!(settled, Settled { fee: 830, tip: 5 });
        assert_eq!(ACCOUNT.contains(ctx, &ALICE), Ok(false));
        assert_eq!(
            last_fee_event(ctx),
            Some(Event::TransactionFeePaid { who: ALICE, actual_fee: 835, tip: 5 })
        );
    });
}

/// Puts these fees and tips of Alice's into the pots and ends the block. Returns what author and treasury got, and
/// what was burnt.
fn shared(author: Option<AccountId>, fees: Balance, tips: Balance) -> (Balance, Balance, Balance) {
    with_author(author, |ctx| {
        PAYMENT.balances.take(ctx, &ALICE, fees + tips, false).unwrap();
        PAYMENT.collect(ctx, fees, tips).unwrap();
        PAYMENT.end_block(ctx, &balanced()).unwrap();
        assert_eq!(PAYMENT.pots(ctx), Ok(0));
        let author = author.map_or(0, |author| free(ctx, author) - if author == AUTHOR { START } else { 0 });
        let burnt = 3 * START - PAYMENT.balances.total_issuance(ctx).unwrap();
        (author, free(ctx, TREASURY) - START, burnt)
    })
}

#[test]
fn fees_are_shared_out_at_the_end_of_the_block_and_tips_are_the_authors() {
    assert_eq!(shared(Some(AUTHOR), 1_000, 7), (507, 300, 200));
    assert_eq!(shared(None, 1_000, 7), (0, 807, 200), "nobody knows the author");
    assert_eq!(shared(Some(AccountId32([9; 32])), 10, 3), (0, 3, 2 + 8), "too little to open an account");
    assert_eq!(shared(Some(AccountId32([9; 32])), 10, 5), (10, 3, 2));
    assert_eq!(shared(Some(AUTHOR), 0, 0), (0, 0, 0));
    assert_eq!(shared(Some(AUTHOR), 1, 0), (0, 0, 1));
}

#[test]
fn shares_that_promise_too_much_are_cut_at_what_there_is() {
    let greedy = TransactionPayment {
        split: FeeSplit { author: Permill::from_percent(80), treasury: Permill::from_percent(80) },
        ..PAYMENT
    };
    with_context(|ctx| {
        greedy.balances.take(ctx, &ALICE, 100, false).unwrap();
        greedy.collect(ctx, 100, 0).unwrap();
        greedy.end_block(ctx, &balanced()).unwrap();
        assert_eq!((free(ctx, AUTHOR), free(ctx, TREASURY)), (START + 80, START + 20));
    });
}

#[test]
fn an_empty_block_tells_nothing_and_writes_nothing() {
    let base = genesis();
    let mut state = Overlay::new(&base);
    let env =
        BlockEnv { number: 1, parent_hash: Default::default(), digest: Digest::default(), author: None };
    let mut ctx = Context::new(&mut state, &env, None);
    PAYMENT.end_block(&mut ctx, &summary(0)).unwrap();
    assert!(ctx.events().is_empty());
    assert!(state.changes().is_empty());
}

#[test]
fn the_multiplier_is_at_most_a_thousand_and_at_least_one_and_a_state_with_another_is_broken() {
    let max = LIMITS.weight_normal_max.ref_time;
    assert_eq!(adjusted(MULTIPLIER_MAX, &summary(max)), MULTIPLIER_MAX);
    assert_eq!(adjusted(MULTIPLIER_MIN, &summary(0)), MULTIPLIER_MIN);
    assert_eq!(adjusted(FixedU128::MAX, &summary(max)), MULTIPLIER_MAX);
    assert_eq!(adjusted(FixedU128::zero(), &summary(max)), MULTIPLIER_MIN);
    let seven = FixedU128::saturating_from_integer(7);
    assert_eq!(adjusted(seven, &balanced()), seven);
    // A full block is three quarters above the target.
    let raised = FixedU128::from_rational(7 * (1_000_000_000 + 562_500), 1_000_000_000);
    assert_eq!(adjusted(seven, &summary(max)), raised);
    let lowered = FixedU128::from_rational(7 * (1_000_000_000 - 187_500), 1_000_000_000);
    assert_eq!(adjusted(seven, &summary(0)), lowered);
    let base = genesis();
    for wrong in [FixedU128::from_inner(FixedU128::DIV - 1), FixedU128::MAX] {
        let mut state = Overlay::new(&base);
        NEXT_FEE_MULTIPLIER.put(&mut state, &wrong);
        assert!(PAYMENT.try_state(&state).unwrap_err().contains("out of its bounds"));
    }
}

#[test]
fn a_minute_of_full_blocks_raises_fees_by_as_much_as_the_documentation_says() {
    let max = LIMITS.weight_normal_max.ref_time;
    let after = (0..60).fold(MULTIPLIER_MIN, |multiplier, _| adjusted(multiplier, &summary(max)));
    assert!(after > FixedU128::from_rational(1_034, 1_000) && after < FixedU128::from_rational(1_036, 1_000));
}

#[test]
fn bytes_and_names_are_those_that_clients_know() {
    let event = Event::TransactionFeePaid { who: ALICE, actual_fee: 0x0102, tip: 3 };
    let expected: Vec<u8> = [&[0][..], &[1; 32], &0x0102u128.to_le_bytes(), &3u128.to_le_bytes()].concat();
    assert_eq!(event.encode(), expected);
    let info =
        RuntimeDispatchInfo { weight: Weight::new(1, 2), class: DispatchClass::Operational, partial_fee: 5 };
    assert_eq!(info.encode(), [&[4, 8, 1][..], &5u128.to_le_bytes()].concat());
    let details = FeeDetails { inclusion_fee: None, tip: 5 };
    assert_eq!(details.encode(), [&[0][..], &5u128.to_le_bytes()].concat());
    let fee = InclusionFee { base_fee: 1, len_fee: 2, adjusted_weight_fee: 3 };
    let with_fee = FeeDetails { inclusion_fee: Some(fee), tip: 0 };
    let amounts = [1u128, 2, 3, 0].map(u128::to_le_bytes).concat();
    assert_eq!(with_fee.encode(), [&[1][..], &amounts].concat());
    let path = |ty: scale_info::Type| ty.path.segments.join("::");
    assert_eq!(path(Event::type_info()), "pallet_transaction_payment::pallet::Event");
    assert_eq!(
        path(RuntimeDispatchInfo::type_info()),
        "pallet_transaction_payment::types::RuntimeDispatchInfo"
    );
    assert_eq!(path(FeeDetails::type_info()), "pallet_transaction_payment::types::FeeDetails");
    assert_eq!(path(InclusionFee::type_info()), "pallet_transaction_payment::types::InclusionFee");
    let metadata = PAYMENT.metadata();
    let names: Vec<_> = metadata.storage.iter().map(|entry| entry.name).collect();
    assert_eq!(names, ["NextFeeMultiplier", "CollectedFees", "CollectedTips"]);
    assert!(metadata.calls.is_none());
}

fn any_weight() -> impl Strategy<Value = u64> {
    prop_oneof![Just(0), 0..10_000 * MICROSECOND, any::<u64>(), Just(u64::MAX)]
}

fn any_pays() -> impl Strategy<Value = Pays> {
    prop_oneof![3 => Just(Pays::Yes), 1 => Just(Pays::No)]
}

/// Within the bounds or, as no state should have it, beyond.
fn any_multiplier() -> impl Strategy<Value = FixedU128> {
    let bounded = MULTIPLIER_MIN.into_inner()..=MULTIPLIER_MAX.into_inner();
    prop_oneof![3 => bounded.prop_map(FixedU128::from_inner), 1 => any::<u128>().prop_map(FixedU128::from_inner)]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_fee_overflows_and_more_of_anything_never_costs_less(
        weight in any_weight(),
        more in any_weight(),
        bytes in any::<u32>(),
        tip in any::<u128>(),
        multiplier in any_multiplier(),
        prices in any::<(u128, u128)>(),
    ) {
        let dear = TransactionPayment { fee_per_microsecond: prices.0, fee_per_byte: prices.1, ..PAYMENT };
        for payment in [PAYMENT, dear] {
            let total = |weight, bytes, tip| {
                payment.details(multiplier, Weight::new(weight, 0), Pays::Yes, bytes, tip).total()
            };
            let fee = total(weight, bytes, tip);
            prop_assert!(fee >= tip);
            prop_assert!(total(weight.saturating_add(more), bytes, tip) >= fee);
            prop_assert!(total(weight, bytes.saturating_add(1), tip) >= fee);
            prop_assert!(total(weight, bytes, tip.saturating_add(1)) >= fee);
        }
    }

    #[test]
    fn nobody_pays_more_than_was_withdrawn_and_nothing_is_lost(
        declared in 0..5_000u64,
        actual in prop::option::of(0..6_000u64),
        bytes in 0..10_000u32,
        tip in 0..START,
        before in any_pays(),
        after in any_pays(),
        raised in 1..5u128,
    ) {
        with_context(|ctx| {
            NEXT_FEE_MULTIPLIER.put(ctx, &FixedU128::saturating_from_integer(raised));
            let info = DispatchInfo { pays_fee: before, ..info(declared) };
            let post = PostInfo {
                actual_weight: actual.map(|actual| Weight::new(actual * MICROSECOND, 0)),
                pays_fee: after,
            };
            let most = PAYMENT.fee(ctx, &info, bytes, tip).unwrap().total();
            match withdraw(ctx, &info, bytes, tip) {
                Ok(withdrawn) => {
                    prop_assert_eq!(free(ctx, ALICE), START - most);
                    let settled = PAYMENT.settle(ctx, &ALICE, withdrawn, &info, &post).unwrap();
                    let paid = settled.fee + settled.tip;
                    prop_assert!(paid <= most);
                    prop_assert_eq!(settled.tip, tip);
                    prop_assert_eq!(free(ctx, ALICE), START - paid);
                    prop_assert_eq!(PAYMENT.pots(ctx), Ok(paid));
                    if before == Pays::No || after == Pays::No {
                        prop_assert_eq!(settled.fee, 0);
                    }
                }
                Err(_) => {
                    prop_assert!(most > START - ED);
                    prop_assert_eq!(free(ctx, ALICE), START);
                }
            }
            Ok(())
        })?;
    }

    #[test]
    fn what_is_collected_is_shared_out_or_burnt(
        fees in 0..START / 2,
        tips in 0..START / 2,
        author in prop_oneof![Just(None), Just(Some(AUTHOR)), Just(Some(AccountId32([9; 32])))],
    ) {
        let (to_author, to_treasury, burnt) = shared(author, fees, tips);
        // Alice may be left with dust, which is burnt too.
        let dust = START - fees - tips;
        let dust = if dust < ED { dust } else { 0 };
        prop_assert_eq!(to_author + to_treasury + burnt, fees + tips + dust);
    }

    #[test]
    fn the_multiplier_stays_within_its_bounds_and_rises_with_fullness(
        multiplier in any_multiplier(),
        weight in any_weight(),
        more in any_weight(),
        max in any_weight(),
    ) {
        let at = |weight| {
            let weight_normal_max = Weight::new(max, 0);
            adjusted(multiplier, &BlockSummary { weight_normal_max, ..summary(weight) })
        };
        let next = at(weight);
        prop_assert!((MULTIPLIER_MIN..=MULTIPLIER_MAX).contains(&next));
        prop_assert!(at(weight.saturating_add(more)) >= next);
    }

    #[test]
    fn a_higher_multiplier_stays_higher(
        low in any_multiplier(),
        high in any_multiplier(),
        weight in 0..=LIMITS.weight_normal_max.ref_time,
    ) {
        let (low, high) = (low.min(high), low.max(high));
        prop_assert!(adjusted(low, &summary(weight)) <= adjusted(high, &summary(weight)));
    }
}

#[test]
fn storage_keys_are_those_of_substrate() {
    let keys = [NEXT_FEE_MULTIPLIER.key(), COLLECTED_FEES.key(), COLLECTED_TIPS.key()];
    // twox128("TransactionPayment") ++ twox128("NextFeeMultiplier"), as on every Substrate chain.
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| alloc::format!("{byte:02x}")).collect::<String>();
    assert_eq!(hex(&keys[0]), "3f1467a096bcd71a5b6a0c8155e208103f2edf3bdf381debe331ab7446addfdc");
    assert!(keys.iter().all(|key| key[..16] == keys[0][..16]));
}
