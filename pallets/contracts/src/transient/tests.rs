//! What it costs, what is left of it, what is taken back.

use alloc::vec;

use super::*;

/// As an account and a hashed key.
const KEY: [u8; 48] = [1; 48];

#[test]
fn a_write_counts_its_value_its_key_and_its_records() {
    let mut transient = Transient::default();
    let mut frame = transient.begin(None);
    assert_eq!(frame.limit, TRANSIENT_STORAGE_BYTES_MAX);
    assert_eq!(transient.set(&mut frame, &KEY, Some(vec![1; 10])), Ok(None));
    assert_eq!(frame.used, 10 + 48 + 24 + 48 + 12, "a new key");
    assert_eq!(transient.set(&mut frame, &KEY, Some(vec![1; 10])), Ok(Some(vec![1; 10])));
    assert_eq!(frame.used, 142, "the same again");
    assert_eq!(transient.set(&mut frame, &KEY, Some(vec![])), Ok(Some(vec![1; 10])));
    assert_eq!(frame.used, 142 + 48 + 24, "an empty value is a value");
    assert_eq!(transient.set(&mut frame, &KEY, None), Ok(Some(vec![])));
    assert_eq!(transient.set(&mut frame, &KEY, None), Ok(None));
    assert_eq!(frame.used, 214, "removing is free, and gives nothing back");
}

#[test]
fn a_frame_may_use_what_the_one_below_has_left_but_a_sixteenth() {
    let transient = Transient::default();
    let below = TransientFrame { begin: 0, used: 1_000, limit: 17_000 };
    assert_eq!(transient.begin(Some(&below)).limit, 15_000);
}

#[test]
fn nothing_is_written_beyond_the_limit() {
    let mut transient = Transient::default();
    let mut frame = TransientFrame { begin: 0, used: 0, limit: 141 };
    assert_eq!(transient.set(&mut frame, &KEY, Some(vec![1; 10])), Err(Error::OutOfTransientStorage));
    assert_eq!((transient.get(&KEY), frame.used), (None, 0));
    assert_eq!(transient.set(&mut frame, &KEY, Some(vec![1; 9])), Ok(None));
}

#[test]
fn what_a_frame_wrote_is_taken_back_and_no_more() {
    let mut transient = Transient::default();
    let mut first = transient.begin(None);
    transient.set(&mut first, b"a", Some(vec![1])).unwrap();
    let mut second = transient.begin(Some(&first));
    transient.set(&mut second, b"a", Some(vec![2])).unwrap();
    transient.set(&mut second, b"a", None).unwrap();
    transient.set(&mut second, b"b", Some(vec![3])).unwrap();
    let mut third = transient.begin(Some(&second));
    transient.set(&mut third, b"a", Some(vec![4])).unwrap();
    second.absorb(&third);
    transient.roll_back(&second);
    assert_eq!((transient.get(b"a"), transient.get(b"b")), (Some(&vec![1]), None));
    transient.roll_back(&first);
    assert!(transient.values.is_empty());
}
