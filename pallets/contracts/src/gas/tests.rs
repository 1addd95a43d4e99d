//! What is left, what was used, what is needed.

use alloc::vec::Vec;

use proptest::prelude::*;

use super::*;

const fn weight(ref_time: u64, proof_size: u64) -> Weight {
    Weight::new(ref_time, proof_size)
}

#[test]
fn a_charge_takes_all_or_nothing() {
    let mut gas = GasMeter::new(weight(100, 10));
    assert_eq!(gas.charge(weight(60, 5)), Ok(()));
    for too_much in [weight(41, 0), weight(0, 6), weight(41, 6)] {
        assert_eq!(gas.charge(too_much), Err(Error::OutOfGas));
        assert_eq!(gas.left(), weight(40, 5));
    }
    assert_eq!((gas.consumed(), gas.required()), (weight(60, 5), weight(60, 5)));
}

#[test]
fn what_comes_back_is_not_consumed_but_required() {
    let mut gas = GasMeter::new(weight(100, 10));
    gas.charge(weight(80, 8)).unwrap();
    gas.adjust(weight(80, 8), weight(30, 3));
    assert_eq!((gas.consumed(), gas.required()), (weight(30, 3), weight(80, 8)));
    gas.charge(weight(60, 1)).unwrap();
    assert_eq!((gas.consumed(), gas.required()), (weight(90, 4), weight(90, 8)), "each part by itself");
    gas.adjust(weight(1, 1), weight(5, 5));
    assert_eq!(gas.consumed(), weight(90, 4), "more than charged is free");
}

#[test]
fn a_frame_gets_all_where_it_asks_for_nothing_and_no_more_than_there_is() {
    for (request, limit) in [
        (weight(0, 0), weight(100, 10)),
        (weight(7, 0), weight(7, 10)),
        (weight(0, 7), weight(100, 7)),
        (weight(101, 11), weight(100, 10)),
    ] {
        let mut gas = GasMeter::new(weight(100, 10));
        let mut frame = gas.nested(request);
        assert_eq!((frame.left(), gas.left()), (limit, weight(100, 10).saturating_sub(limit)));
        frame.charge(weight(5, 5)).unwrap();
        gas.absorb(&frame);
        assert_eq!((gas.consumed(), gas.required()), (weight(5, 5), weight(5, 5)));
    }
}

#[test]
fn fuel_is_bought_in_whole_units() {
    let mut gas = GasMeter::new(weight(10 * INSTRUCTION - 1, 0));
    assert_eq!(gas.fuel(), 9);
    gas.burn(4).unwrap();
    assert_eq!(gas.fuel(), 5, "the fraction stays");
    assert_eq!(gas.burn(6), Err(Error::OutOfGas));
    assert_eq!(gas.burn(u64::MAX), Err(Error::OutOfGas));
}

/// One thing that happens to a meter.
#[derive(Debug, Clone)]
enum Step {
    Charge(Weight),
    ChargeAndAdjust(Weight, Weight),
    Nested(Weight, Vec<Step>),
}

fn run(gas: &mut GasMeter, steps: &[Step]) -> Result<(), Error> {
    for step in steps {
        match step {
            Step::Charge(amount) => gas.charge(*amount)?,
            Step::ChargeAndAdjust(charged, actual) => {
                gas.charge(*charged)?;
                gas.adjust(*charged, *actual);
            }
            Step::Nested(request, steps) => {
                let mut frame = gas.nested(*request);
                let result = run(&mut frame, steps);
                gas.absorb(&frame);
                result?;
            }
        }
    }
    Ok(())
}

fn amount() -> impl Strategy<Value = Weight> {
    (0u64..50, 0u64..50).prop_map(|(time, proof)| weight(time, proof))
}

fn step() -> impl Strategy<Value = Step> {
    let leaf = prop_oneof![
        amount().prop_map(Step::Charge),
        (amount(), amount()).prop_map(|(charged, actual)| Step::ChargeAndAdjust(charged, actual)),
    ];
    // All that is left, or surely enough: half of the cases would run out of gas otherwise.
    let part = || prop_oneof![Just(0), 10_000u64..50_000];
    leaf.prop_recursive(3, 20, 5, move |inner| {
        (part(), part(), prop::collection::vec(inner, 0..5))
            .prop_map(|(time, proof, steps)| Step::Nested(weight(time, proof), steps))
    })
}

proptest! {
    #[test]
    fn with_what_is_required_the_same_call_succeeds(steps in prop::collection::vec(step(), 0..8)) {
        let mut gas = GasMeter::new(weight(100_000, 100_000));
        prop_assume!(run(&mut gas, &steps).is_ok());
        prop_assert!(gas.consumed().all_lte(gas.required()));
        let mut again = GasMeter::new(gas.required());
        prop_assert_eq!(run(&mut again, &steps), Ok(()));
        prop_assert_eq!(again.consumed(), gas.consumed());
    }
}
