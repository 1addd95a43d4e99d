//! Flags, times, what is read of a state and how it is shown, without a node. Whole commands: `tests/e2e/tests/it/staking.rs`.

use basalt_pallet_session::{self as session, CURRENT_SET, Epoch, NEXT_SET, SessionKeys};
use basalt_pallet_staking::{
    self as staking, ACTIVE_ERA, CLAIMED_REWARDS, CURRENT_ERA, ERAS_REWARD_POINTS, ERAS_STAKERS_OVERVIEW,
    ERAS_STAKERS_PAGED, ERAS_VALIDATOR_PREFS, ERAS_VALIDATOR_REWARD, LEDGER, NOMINATORS, VALIDATOR_COUNT,
    VALIDATORS,
    types::{
        ActiveEraInfo, EraRewardPoints, ExposurePage, IndividualExposure, Nominations, PagedExposureMetadata,
        StakingLedger, UnlockChunk, ValidatorPrefs,
    },
};
use basalt_primitives::{AccountId, DispatchError, H256, ModuleError, Perbill};
use basalt_runtime::{SESSION, STAKING};
use basalt_runtime_api::{Validator, ValidatorSet};
use basalt_state::{Memory, Overlay};
use clap::Parser;
use parity_scale_codec::Encode;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::{
    clock::{Clock, duration},
    error::explain,
    read::{Role, Staker, Terms},
    rewards::earned_in,
    status, table,
    validators::Validators,
    *,
};
use crate::cli::tx::{Chain, Token};

#[derive(Debug, Parser)]
struct Cli {
    #[command(subcommand)]
    command: Top,
}

#[derive(Debug, clap::Subcommand)]
enum Top {
    #[command(subcommand)]
    Staking(StakingCommand),
    #[command(subcommand)]
    Validator(ValidatorCommand),
}

fn parse(args: &[&str]) -> Result<(), String> {
    Cli::try_parse_from([&["basalt"], args].concat()).map(drop).map_err(|error| error.to_string())
}

const ALICE: &str = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY";

fn who(number: u8) -> AccountId {
    AccountId::from([number; 32])
}

fn chain() -> Chain {
    let properties = json!({ "tokenSymbol": "UNIT", "tokenDecimals": 3 });
    let Value::Object(properties) = properties else { unreachable!("it is an object") };
    Chain {
        genesis_hash: H256::zero(),
        version: basalt_runtime::version(),
        token: Token::from_properties(&Map::from_iter(properties)),
        ss58_prefix: 42,
    }
}

const CLOCK: Clock =
    Clock { head: 49, epoch: Epoch { index: 2, first: 41, length: 20 }, block_ms: Some(1_500) };

#[test]
fn flags_are_read_and_mistakes_named() {
    for args in [
        &["staking", "bond", "100", "--payee", "stash", "--from", "//Bob"][..],
        &["staking", "bond", "1.5UNIT", "--payee", ALICE],
        &["staking", "nominate", ALICE, "//Bob", "--bond", "10"],
        &["staking", "unbond", "all", "--json"],
        &["staking", "withdraw"],
        &["staking", "chill", "--wait", "in-block"],
        &["staking", "status", "//Bob"],
        &["staking", "rewards", "--epochs", "84", "--pay"],
        &["staking", "validators"],
        &["validator", "setup", "--bond", "10", "--commission", "2.5", "--blocked", "--rotate"],
        &["validator", "setup", "--blocked", "false", "--chain", "local", "--base-path", "x"],
    ] {
        assert_eq!(parse(args), Ok(()), "{args:?}");
    }
    for (args, hint) in [
        (&["staking", "nominate"][..], "ADDRESS"),
        (&["staking", "nominate", "Bob"], "give an SS58 address"),
        (&["staking", "bond", "1", "--payee", "Bob"], "or write staked, stash or none"),
        (&["staking", "rewards", "--epochs", "85"], "1..=84"),
        (&["validator", "setup", "--base-path", "x"], "--chain"),
        (&["validator", "setup", "--keystore-path", "x", "--chain", "local"], "cannot be used with"),
    ] {
        let error = parse(args).unwrap_err();
        assert!(error.contains(hint), "{args:?}: {error}");
    }
}

#[test]
fn epochs_are_shown_as_blocks_and_times() {
    // What is sent in epoch 2 is frozen at the beginning of 3, and counts in 5.
    assert_eq!(CLOCK.active_from(CLOCK.epoch_of(50)), 5);
    assert_eq!(CLOCK.when(5), "epoch 5 (block #101, in about 1 min 18 s)");
    assert_eq!(CLOCK.when(2), "epoch 2 (block #41, which has begun)");
    assert_eq!([1, 20, 21, 40, 41].map(|block| CLOCK.epoch_of(block)), [0, 0, 1, 1, 2]);
    assert_eq!(Clock { block_ms: None, ..CLOCK }.when(3), "epoch 3 (block #61)");
    for (ms, text) in [
        (0, "0 s"),
        (1, "1 s"),
        (60_000, "1 min"),
        (3_725_000, "1 h 2 min"),
        (90_000_000, "1 d 1 h"),
        (u64::MAX, "213503982334 d 14 h"),
    ] {
        assert_eq!(duration(ms), text);
    }
}

#[test]
fn shares_are_percentages_without_rounding() {
    for (text, parts) in [
        ("0", 0),
        ("5", 50_000_000),
        ("2.5%", 25_000_000),
        ("100", 1_000_000_000),
        ("0.0000001", 1),
        ("1.50", 15_000_000),
    ] {
        assert_eq!(table::parse_percent(text), Some(Perbill::from_parts(parts)), "{text}");
    }
    for text in ["", "%", "-1", "100.0000001", "101", "0.00000001", "1,5", "one", "4294967297"] {
        assert_eq!(table::parse_percent(text), None, "{text}");
    }
    assert_eq!(table::percent(Perbill::from_parts(25_000_000)), "2.5%");
}

proptest! {
    #[test]
    fn a_shown_share_reads_back(parts in 0..=Perbill::ACCURACY) {
        let share = Perbill::from_parts(parts);
        prop_assert_eq!(table::parse_percent(&table::percent(share)), Some(share));
    }
}

/// Era 2 is active: validators 1 and 2; 3 comes in era 3, 2 leaves; 4 waits; 9 nominates 1 and 3.
fn state() -> Memory {
    let mut state = Memory::default();
    change(&mut state, elections);
    state
}

/// Writes to a state.
fn change(state: &mut Memory, change: impl FnOnce(&mut Overlay<'_>)) {
    let base = state.clone();
    let mut overlay = Overlay::new(&base);
    change(&mut overlay);
    let changes = overlay.into_change_set().unwrap();
    state.apply(&changes);
}

fn elections(state: &mut Overlay<'_>) {
    let one = |account: u8, power: u64| Validator {
        account: who(account),
        vote_key: [account; 32],
        vrf_key: [account; 32],
        power,
    };
    SESSION.genesis_epochs(state, 20);
    session::CURRENT_INDEX.put(state, &2);
    CURRENT_SET.put(state, &ValidatorSet { id: 2, validators: vec![one(2, 10), one(1, 30)] });
    NEXT_SET.put(state, &vec![one(1, 30), one(3, 20)]);
    ACTIVE_ERA.put(state, &ActiveEraInfo { index: 2, start: None });
    CURRENT_ERA.put(state, &3);
    VALIDATOR_COUNT.put(state, &2);
    let overview = |total, own, nominators| PagedExposureMetadata {
        total,
        own,
        nominator_count: nominators,
        page_count: 1,
    };
    ERAS_STAKERS_OVERVIEW.put(state, &2, &who(1), &overview(30_000, 10_000, 1));
    ERAS_STAKERS_OVERVIEW.put(state, &2, &who(2), &overview(10_000, 10_000, 0));
    ERAS_STAKERS_OVERVIEW.put(state, &3, &who(3), &overview(20_000, 20_000, 0));
    ERAS_VALIDATOR_PREFS.put(state, &2, &who(1), &prefs(10));
    let points = [(who(1), 15), (who(2), 5)].into();
    ERAS_REWARD_POINTS.put(state, &2, &EraRewardPoints { total: 20, individual: points });
    for (number, commission) in [(1, 10), (3, 0), (4, 50)] {
        VALIDATORS.put(state, &who(number), &prefs(commission));
        LEDGER.put(state, &who(number), &ledger(number, 1_000 * u128::from(number), &[]));
    }
    LEDGER.put(state, &who(9), &ledger(9, 20_000, &[(500, 3), (700, 6)]));
    let targets = vec![who(1), who(3)];
    NOMINATORS.put(state, &who(9), &Nominations { targets, submitted_in: 1, suppressed: false });
}

fn prefs(percent: u32) -> ValidatorPrefs {
    ValidatorPrefs { commission: Perbill::from_percent(percent), blocked: percent == 50 }
}

fn ledger(stash: u8, active: u128, unlocking: &[(u128, u32)]) -> StakingLedger {
    let unlocking: Vec<_> =
        unlocking.iter().map(|(value, era)| UnlockChunk { value: *value, era: *era }).collect();
    let total = active + unlocking.iter().map(|chunk| chunk.value).sum::<u128>();
    StakingLedger { stash: who(stash), total, active, unlocking, legacy_claimed_rewards: Vec::new() }
}

#[test]
fn stakers_are_shown_with_what_they_do_and_what_is_on_its_way_out() {
    let (state, chain) = (state(), chain());
    let terms = Terms::read(&state).unwrap();
    assert_eq!((terms.epoch, terms.active_era, terms.current_era), (CLOCK.epoch, Some(2), 3));
    assert_eq!(terms.fixed(), None);

    let nominator = Staker::read(&state, &who(9)).unwrap();
    assert_eq!(nominator.role, Role::Nominator(vec![who(1), who(3)]));
    assert_eq!(nominator.free_in(terms.current_era), 500);
    let text = status::text(&nominator, &who(9), &chain, &terms, &CLOCK);
    for line in [
        "At stake:  20 UNIT".to_owned(),
        "Unbonding: 0.5 UNIT, free: `basalt staking withdraw`".to_owned(),
        // Era 6 is the current one when epoch 5 begins.
        "Unbonding: 0.7 UNIT, free from epoch 5 (block #101, in about 1 min 18 s)".to_owned(),
        format!("Role:      nominates {}, {}", chain.address(&who(1)), chain.address(&who(3))),
    ] {
        assert!(text.contains(&line), "{line}: {text}");
    }
    let json = status::json(&nominator, &who(9), &chain, &terms, &CLOCK);
    assert_eq!((json["active"].as_str(), json["role"].as_str()), (Some("20000"), Some("nominator")));
    assert_eq!(json["unlocking"][1]["freeFrom"], json!({ "epoch": 5, "block": 101 }));

    let mut coming = Staker::read(&state, &who(3)).unwrap();
    coming.keys = Some(SessionKeys { grandpa: [1; 32], vrf: [2; 32] });
    let text = status::text(&coming, &who(3), &chain, &terms, &CLOCK);
    assert!(
        text.contains("Next:      validates from epoch 3 (block #61, in about 18 s), backed by 20 UNIT"),
        "{text}"
    );
    assert!(text.contains(&format!("Keys:      0x{}{}", "01".repeat(32), "02".repeat(32))), "{text}");

    let waiting = status::text(&Staker::read(&state, &who(4)).unwrap(), &who(4), &chain, &terms, &CLOCK);
    assert!(waiting.contains("commission 50%, accepts no nominations"), "{waiting}");
    assert!(waiting.contains("not elected yet; what is done now counts from epoch 5"), "{waiting}");

    let nobody = status::text(&Staker::read(&state, &who(8)).unwrap(), &who(8), &chain, &terms, &CLOCK);
    assert!(
        nobody.contains("At stake:  nothing") && nobody.contains("neither validates nor nominates"),
        "{nobody}"
    );
}

#[test]
fn validators_are_shown_by_weight_with_who_comes_and_goes() {
    let (state, chain) = (state(), chain());
    let terms = Terms::read(&state).unwrap();
    let validators = Validators::read(&state).unwrap();
    let text = validators.text(&chain, &terms, &CLOCK);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "Block #49 of epoch 2, 2 seats; next epoch 3 (block #61, in about 18 s)");
    let cells = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let row = |number: u8, rest: &str| [vec![chain.address(&who(number))], cells(rest)].concat();
    assert_eq!(cells(lines[2]), row(1, "75% 30 UNIT 10 UNIT 1 10% 15 stays"));
    assert_eq!(cells(lines[3]), row(2, "25% 10 UNIT 10 UNIT 0 0% 5 leaves"));
    assert_eq!(cells(lines[6]), row(3, "3 UNIT 0% open comes"));
    assert_eq!(cells(lines[7]), row(4, "4 UNIT 50% closed waits"));

    let json = validators.json(&chain, &terms, &CLOCK);
    assert_eq!(json["validators"][0]["total"], "30000");
    assert_eq!((&json["waiting"][0]["next"], &json["waiting"][1]["next"]), (&json!(true), &json!(false)));
}

#[test]
fn chains_whose_validators_stay_say_so() {
    let (mut state, chain) = (state(), chain());
    change(&mut state, |state| VALIDATOR_COUNT.put(state, &0));
    let terms = Terms::read(&state).unwrap();
    assert!(
        Validators::read(&state).unwrap().text(&chain, &terms, &CLOCK).contains("elects no validators now")
    );
    change(&mut state, |state| session::EPOCH_LENGTH.put(state, &0));
    assert!(Terms::read(&state).unwrap().fixed().unwrap().contains("never end"));
    let nobody = Validators::read(&Memory::default()).unwrap();
    assert!(nobody.text(&chain, &terms, &CLOCK).starts_with("Nobody validates on this chain"));
}

#[test]
fn rewards_are_worked_out_as_the_chain_pays_them() {
    let mut state = state();
    change(&mut state, |state| {
        ERAS_VALIDATOR_REWARD.put(state, &2, &4_000);
        let others = vec![IndividualExposure { who: who(9), value: 20_000 }];
        ERAS_STAKERS_PAGED.put(state, &2, &who(1), &0, &ExposurePage { page_total: 20_000, others });
    });
    // 15 of 20 points: 3,000, of which 10 % are commission; the rest by stake, 1 : 2.
    let earned = |number: u8| {
        let earned = earned_in(&state, 2, &who(number)).unwrap();
        earned.iter().map(|one| (one.validator, one.amount, one.paid)).collect::<Vec<_>>()
    };
    assert_eq!(earned(1), [(who(1), 300 + 900, false)]);
    assert_eq!(earned(9), [(who(1), 1_800, false)]);
    assert_eq!(earned(2), [(who(2), 1_000, false)]);
    assert_eq!(earned(4), []);
    change(&mut state, |state| CLAIMED_REWARDS.put(state, &2, &who(1), &vec![0]));
    assert!(earned_in(&state, 2, &who(9)).unwrap()[0].paid);
    assert_eq!(earned_in(&state, 1, &who(1)), Ok(Vec::new()), "an era that is not over is worth nothing yet");
}

#[test]
fn errors_of_the_chain_come_with_what_helps() {
    let module = |index: u8, error: &dyn Fn() -> Vec<u8>| {
        let mut bytes = [0; 4];
        bytes[..error().len()].copy_from_slice(&error());
        DispatchError::Module(ModuleError { index, error: bytes })
    };
    for (error, expected) in [
        (
            module(STAKING.index, &|| staking::Error::InsufficientBond.encode()),
            "Staking.InsufficientBond; bond more, or end validating and nominating first: basalt staking chill",
        ),
        (
            module(SESSION.index, &|| session::Error::DuplicatedKey.encode()),
            "Session.DuplicatedKey; another account has these keys: make new ones with --rotate",
        ),
        (module(STAKING.index, &|| staking::Error::EmptyTargets.encode()), "Staking.EmptyTargets"),
    ] {
        assert_eq!(explain(&error), expected);
    }
}
