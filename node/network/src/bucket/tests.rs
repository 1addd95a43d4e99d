use proptest::prelude::*;

use super::*;

const RATE: Rate = Rate { messages_per_s: 10, messages_burst: 20, bytes_per_s: 1_000, bytes_burst: 3_000 };

#[test]
fn a_full_bucket_lets_the_burst_pass_and_no_more() {
    let mut bucket = Bucket::new(RATE, 0);
    assert_eq!((0..100).filter(|_| bucket.take(1, 0)).count(), 20);
}

#[test]
fn bytes_bound_as_messages_do() {
    let mut bucket = Bucket::new(RATE, 0);
    assert_eq!((0..100).filter(|_| bucket.take(1_000, 0)).count(), 3);
    // Nothing was taken by those that did not pass.
    assert!(bucket.take(1_000, 1_000));
    assert!(!bucket.take(1, 1_000));
}

#[test]
fn a_clock_that_goes_back_fills_nothing() {
    let mut bucket = Bucket::new(RATE, 10_000);
    while bucket.take(0, 10_000) {}
    assert!(!bucket.take(0, 0));
    assert!(!bucket.take(0, 10_000));
    assert!(bucket.take(0, 10_100));
}

#[test]
fn rates_without_bound_do_not_overflow() {
    let rate = Rate { messages_per_s: 1, messages_burst: 1, bytes_per_s: u64::MAX, bytes_burst: u64::MAX };
    let mut bucket = Bucket::new(rate, 0);
    assert!(bucket.take(u64::MAX / 1_000, 0));
    assert!(!bucket.take(u64::MAX / 1_000, u64::MAX / 2_000) || bucket.wait_ms(0, u64::MAX) == 0);
}

proptest! {
    #[test]
    fn in_any_span_no_more_passes_than_the_burst_and_what_the_time_brings(
        steps in prop::collection::vec((0u64..500, 0u64..3_000), 1..200),
    ) {
        let mut bucket = Bucket::new(RATE, 0);
        let mut now = 0;
        let (mut messages, mut bytes) = (0, 0);
        for (pause, length) in steps {
            now += pause;
            if bucket.take(length, now) {
                messages += 1;
                bytes += length;
            }
            prop_assert!(messages <= RATE.messages_burst + now * RATE.messages_per_s / 1_000);
            prop_assert!(bytes <= RATE.bytes_burst + now * RATE.bytes_per_s / 1_000);
        }
    }

    #[test]
    fn who_waits_as_long_as_told_passes_and_not_a_millisecond_sooner(
        before in prop::collection::vec(0u64..3_000, 0..50),
        length in 0u64..=3_000,
    ) {
        let mut bucket = Bucket::new(RATE, 0);
        for length in before {
            bucket.take(length, 0);
        }
        let wait = bucket.wait_ms(length, 0);
        let mut early = bucket;
        prop_assert!(wait == 0 || !early.take(length, wait - 1));
        prop_assert!(bucket.take(length, wait));
    }
}
