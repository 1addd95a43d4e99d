use proptest::prelude::*;

use super::*;

#[test]
fn the_oldest_is_forgotten() {
    let mut recent = Recent::new(2);
    assert!(recent.insert('a', ()) && recent.insert('b', ()) && !recent.insert('a', ()));
    assert!(recent.insert('c', ()));
    assert!(!recent.contains(&'a') && recent.contains(&'b') && recent.contains(&'c'));
}

proptest! {
    #[test]
    fn memory_is_bounded_and_the_newest_are_remembered(
        steps in prop::collection::vec((0u16..60, any::<bool>()), 0..1_000),
        max in 1usize..20,
    ) {
        let mut recent = Recent::new(max);
        for (key, remove) in steps {
            if remove {
                recent.remove(&key);
                prop_assert!(!recent.contains(&key));
            } else {
                let was = recent.contains(&key);
                prop_assert_eq!(recent.insert(key, ()), !was);
                prop_assert!(recent.contains(&key));
            }
            prop_assert!(recent.len() <= max);
            prop_assert!(recent.order_len() <= 2 * max + 1);
        }
    }
}
