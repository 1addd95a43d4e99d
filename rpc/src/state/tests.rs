use basalt_state::Memory;
use proptest::prelude::*;

use super::*;

fn page(state: &Memory, prefix: &[u8], start: Option<&[u8]>, count: usize) -> Vec<Vec<u8>> {
    let mut keys = Vec::new();
    walk(state, H256::zero(), prefix, start, |key| {
        keys.push(key);
        Ok(keys.len() < count)
    })
    .unwrap();
    keys
}

proptest! {
    /// Pages put together are all keys with the prefix, in byte order, whatever the size of a page.
    #[test]
    fn pages_put_together_are_all_keys_with_the_prefix(
        keys in prop::collection::btree_set(prop::collection::vec(0u8..3, 0..4), 0..30),
        prefix in prop::collection::vec(0u8..3, 0..3),
        count in 1usize..7,
    ) {
        let state = Memory(keys.iter().map(|key| (key.clone(), vec![1])).collect());
        let expected: Vec<_> = keys.iter().filter(|key| key.starts_with(&prefix)).cloned().collect();
        let mut all = page(&state, &prefix, None, count);
        let mut last = all.len();
        while last == count {
            let next = page(&state, &prefix, all.last().map(Vec::as_slice), count);
            last = next.len();
            all.extend(next);
        }
        prop_assert_eq!(all, expected);
    }

    /// The start key itself is left out, and need not exist.
    #[test]
    fn a_page_comes_strictly_after_its_start(
        keys in prop::collection::btree_set(prop::collection::vec(0u8..3, 0..4), 0..30),
        prefix in prop::collection::vec(0u8..3, 0..3),
        start in prop::collection::vec(0u8..3, 0..4),
    ) {
        let state = Memory(keys.iter().map(|key| (key.clone(), vec![1])).collect());
        let expected: Vec<_> =
            keys.iter().filter(|key| key.starts_with(&prefix) && **key > start).cloned().collect();
        prop_assert_eq!(page(&state, &prefix, Some(&start), 1000), expected);
    }
}

#[test]
fn an_answer_over_its_budget_is_refused_before_it_is_made() {
    let mut budget = Budget::new(30);
    assert!(budget.take(&[0; 10]).is_ok());
    assert!(matches!(budget.take(&[0; 10]), Err(Error::AnswerTooBig { max: 30 })));
}
