//! Curves are exact, and never rise.

use proptest::prelude::*;

use super::*;

fn percent(percent: u32) -> Perbill {
    Perbill::from_percent(percent)
}

/// From the whole to half, 80 % after a seventh.
const RECIPROCAL: Curve = Curve::Reciprocal {
    factor: FixedI64(222_222_222),
    x_offset: FixedI64(333_333_333),
    y_offset: FixedI64(333_333_333),
};

#[test]
fn a_line_falls_evenly() {
    let line = Curve::LinearDecreasing { length: percent(40), floor: percent(10), ceil: percent(50) };
    for (x, y) in [(0, 50), (10, 40), (20, 30), (40, 10), (70, 10), (100, 10)] {
        assert_eq!(line.threshold(percent(x)), percent(y), "at {x} %");
    }
    assert_eq!((line.delay(percent(30)), line.delay(percent(60))), (percent(20), percent(0)));
    assert_eq!(line.delay(percent(9)), percent(100), "never");
}

#[test]
fn steps_fall_at_once() {
    let steps = Curve::SteppedDecreasing {
        begin: percent(80),
        end: percent(30),
        step: percent(10),
        period: percent(15),
    };
    let before = |x: u32| Perbill::from_parts(percent(x).deconstruct() - 1);
    for (x, y) in [(0, 80), (15, 70), (30, 60), (75, 30), (100, 30)] {
        assert_eq!(steps.threshold(percent(x)), percent(y), "at {x} %");
    }
    assert_eq!(steps.threshold(before(15)), percent(80));
    assert_eq!((steps.delay(percent(80)), steps.delay(percent(75))), (percent(0), percent(15)));
}

#[test]
fn a_reciprocal_falls_steeply_at_first() {
    let share = |x: u32| RECIPROCAL.threshold(Perbill::from_parts(x)).deconstruct();
    for (x, y) in [(0, 1_000_000_000u32), (1_000_000_000 / 7, 800_000_000), (1_000_000_000, 500_000_000)] {
        assert!(share(x).abs_diff(y) < 10, "at {x}: {}", share(x));
    }
}

#[test]
fn curves_without_sense_do_no_harm() {
    let nothing = FixedI64(0);
    let curves = [
        Curve::LinearDecreasing { length: percent(0), floor: percent(90), ceil: percent(10) },
        Curve::SteppedDecreasing {
            begin: percent(0),
            end: percent(100),
            step: percent(0),
            period: percent(0),
        },
        Curve::Reciprocal { factor: FixedI64(i64::MIN), x_offset: nothing, y_offset: FixedI64(i64::MAX) },
        Curve::Reciprocal { factor: FixedI64(1), x_offset: FixedI64(i64::MIN), y_offset: nothing },
    ];
    for curve in curves {
        for x in [0, 1, 50, 100] {
            let _ = (curve.threshold(percent(x)), curve.delay(percent(x)));
        }
    }
}

fn curve() -> impl Strategy<Value = Curve> {
    let share = || (0u32..=1_000_000_000).prop_map(Perbill::from_parts);
    prop_oneof![
        (share(), share(), share()).prop_map(|(length, one, other)| Curve::LinearDecreasing {
            length,
            floor: one.min(other),
            ceil: one.max(other),
        }),
        (share(), share(), share(), share()).prop_map(|(one, other, step, period)| {
            Curve::SteppedDecreasing { begin: one.max(other), end: one.min(other), step, period }
        }),
        (0i64..2_000_000_000, 1i64..1_000_000_000, -1_000_000_000i64..1_000_000_000).prop_map(
            |(factor, x_offset, y_offset)| Curve::Reciprocal {
                factor: FixedI64(factor),
                x_offset: FixedI64(x_offset),
                y_offset: FixedI64(y_offset),
            }
        ),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn curves_never_rise(curve in curve(), one in 0u32..=1_000_000_000, other in 0u32..=1_000_000_000) {
        let at = |x| curve.threshold(Perbill::from_parts(x));
        prop_assert!(at(one.min(other)) >= at(one.max(other)));
    }

    #[test]
    fn the_delay_is_the_first_moment_at_which_a_share_is_enough(curve in curve(), y in 0u32..=1_000_000_000) {
        let y = Perbill::from_parts(y);
        let delay = curve.delay(y);
        prop_assert!(curve.passing(delay, y) || delay == percent(100));
        if let Some(before) = delay.deconstruct().checked_sub(1) {
            prop_assert!(!curve.passing(Perbill::from_parts(before), y));
        }
    }

    #[test]
    fn shares_are_exact(part in any::<u128>(), whole in any::<u128>()) {
        let parts = share(part, whole).deconstruct();
        prop_assert!(parts <= 1_000_000_000);
        if part >= whole && whole > 0 {
            prop_assert_eq!(parts, 1_000_000_000);
        }
    }
}
