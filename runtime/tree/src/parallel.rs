//! The only place that knows whether there are other cores. Results never depend on it.

use alloc::vec::Vec;
use core::cmp::Ordering;

use crate::Change;

/// Apply `f` to each item, results in the order of the items.
pub(crate) fn map<T: Sync, R: Send>(items: &[T], f: impl Fn(&T) -> R + Send + Sync) -> Vec<R> {
    #[cfg(feature = "parallel")]
    if items.len() > 1 {
        use rayon::prelude::*;
        return items.par_iter().map(f).collect();
    }
    items.iter().map(f).collect()
}

/// Sort by key hash; changes of one key stay in their order.
pub(crate) fn sort(changes: &mut [Change]) {
    #[cfg(feature = "parallel")]
    if changes.len() > 4096 {
        use rayon::prelude::*;
        return changes.par_sort_by(by_key);
    }
    changes.sort_by(by_key);
}

/// The order of the bytes; the first eight nearly always decide, and are compared at once.
fn by_key(a: &Change, b: &Change) -> Ordering {
    let head = |change: &Change| change.0.first_chunk().map(|head| u64::from_be_bytes(*head));
    head(a).cmp(&head(b)).then_with(|| a.0.cmp(&b.0))
}
