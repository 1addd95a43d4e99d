use std::{collections::BTreeMap, sync::Arc};

use basalt_state::{ChangeSet, Memory, StateRead};
use proptest::{collection::vec, prelude::*};

use super::{change, next_key};
use crate::layer::Layer;

type Changes = Vec<(u8, Option<u8>)>;

fn layer() -> impl Strategy<Value = Changes> {
    vec((0u8..24, proptest::option::of(any::<u8>())), 0..16)
}

fn change_set(layer: &Changes) -> ChangeSet {
    layer.iter().map(|(key, value)| (vec![*key], value.map(|value| vec![value]))).collect()
}

proptest! {
    /// Keys are few, so layers overwrite, remove and restore each other's all the time.
    #[test]
    fn layers_over_a_base_read_like_the_state_they_lead_to(base in layer(), layers in vec(layer(), 0..5)) {
        let mut stored = Memory::default();
        stored.apply(&change_set(&base));
        let layers: Vec<Arc<Layer>> = layers.iter().map(|layer| Arc::new(change_set(layer).into())).collect();
        let mut whole = stored.clone();
        for layer in &layers {
            whole.apply(layer);
        }

        for key in 0..26u8 {
            let seen = match change(&layers, &[key]) {
                Some(value) => value.cloned(),
                None => stored.get(&[key]).unwrap(),
            };
            prop_assert_eq!(seen, whole.get(&[key]).unwrap());
        }

        let mut keys = Vec::new();
        let mut at = Vec::new();
        while let Some(key) = next_key(&layers, &at, |key| stored.next_key(key)).unwrap() {
            keys.push(key.clone());
            at = key;
        }
        let whole: BTreeMap<_, _> = whole.0;
        prop_assert_eq!(keys, whole.into_keys().collect::<Vec<_>>());
    }
}
