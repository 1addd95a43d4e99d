use proptest::prelude::*;

use super::*;

fn cost() -> impl Strategy<Value = Cost> {
    prop_oneof![
        Just(Cost::Flood),
        Just(Cost::TooManyStreams),
        Just(Cost::Oversize),
        Just(Cost::Malformed),
        Just(Cost::Slow),
        Just(Cost::BadTransaction),
        Just(Cost::BadBlock),
        any::<u16>().prop_map(Cost::Other),
    ]
}

#[test]
fn a_bad_block_is_a_ban_and_a_useless_transaction_is_nothing() {
    let mut score = Score::default();
    score.charge(Cost::UselessTransaction, 1, 0);
    assert_eq!(score.standing(0), Standing::Good);
    score.charge(Cost::BadBlock, 1, 0);
    assert_eq!(score.standing(0), Standing::Bad);
}

#[test]
fn four_malformed_messages_are_a_ban_when_they_come_at_once_and_not_over_minutes() {
    let charged = |pause_ms: u64| {
        let mut score = Score::default();
        (0..4).for_each(|n| score.charge(Cost::Malformed, 1, n * pause_ms));
        score.standing(3 * pause_ms)
    };
    assert_eq!(charged(0), Standing::Bad);
    assert_eq!(charged(60_000), Standing::Good);
}

#[test]
fn small_charges_are_forgiven_however_often_they_come() {
    // 2 points every 900 ms are less than 5 points a second.
    let mut score = Score::default();
    for n in 0..10_000 {
        score.charge(Cost::Repetition, 1, n * 900);
        assert!(score.points(n * 900) >= -2);
    }
}

#[test]
fn bans_double_up_to_a_day() {
    assert_eq!(ban_ms(0), BAN_FIRST_MS);
    assert_eq!(ban_ms(1), 2 * BAN_FIRST_MS);
    assert_eq!(ban_ms(63), BAN_LONGEST_MS);
    assert_eq!(ban_ms(u32::MAX), BAN_LONGEST_MS);
}

proptest! {
    #[test]
    fn a_score_stays_within_its_bounds_and_only_time_raises_it(
        charges in prop::collection::vec((cost(), 0u32..1_000, 0u64..100_000), 0..100),
    ) {
        let mut score = Score::default();
        let mut now = 0;
        for (cost, times, pause) in charges {
            let before = score.points(now);
            prop_assert!(score.points(now + pause) >= before);
            now += pause;
            let before = score.points(now);
            score.charge(cost, times, now);
            prop_assert!(score.points(now) <= before);
            prop_assert!((SCORE_MIN..=0).contains(&score.points(now)));
        }
    }

    #[test]
    fn everything_is_forgiven_in_the_end(points in SCORE_MIN..=0, at in 0u64..1 << 40) {
        let score = Score::new(points, at);
        let needed_ms = u64::from(points.unsigned_abs()) * 1_000 / 5;
        prop_assert_eq!(score.points(at + needed_ms), 0);
        prop_assert!(points == 0 || score.points(at) < 0);
    }

    #[test]
    fn a_clock_set_back_changes_nothing(points in SCORE_MIN..=0, at in 1_000u64..1 << 40, back in 0u64..1_000) {
        let mut score = Score::new(points, at);
        prop_assert_eq!(score.points(at - back), points);
        score.charge(Cost::Flood, 0, at - back);
        prop_assert_eq!(score.points(at), points);
    }
}
