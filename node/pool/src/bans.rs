//! Hashes that are refused for a while.

use std::collections::{HashMap, VecDeque};

use basalt_primitives::{BlockNumber, H256};

/// A bounded set of hashes with an end each.
#[derive(Debug, Default)]
pub(crate) struct Bans {
    until: HashMap<H256, BlockNumber>,
    /// Oldest first. Holds entries that were lifted or renewed since: the map decides.
    order: VecDeque<(BlockNumber, H256)>,
}

impl Bans {
    pub(crate) fn contains(&self, hash: &H256) -> bool {
        self.until.contains_key(hash)
    }

    /// Refuses `hash` up to and including block `until`, forgetting the oldest beyond `max`.
    pub(crate) fn add(&mut self, hash: H256, until: BlockNumber, max: usize) {
        self.until.insert(hash, until);
        self.order.push_back((until, hash));
        while self.order.len() > max {
            self.forget_oldest();
        }
    }

    pub(crate) fn lift(&mut self, hash: &H256) {
        self.until.remove(hash);
    }

    /// Forgets what ended before block `number`.
    pub(crate) fn advance(&mut self, number: BlockNumber) {
        while self.order.front().is_some_and(|(until, _)| *until < number) {
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        if let Some((until, hash)) = self.order.pop_front()
            && self.until.get(&hash) == Some(&until)
        {
            self.until.remove(&hash);
        }
    }
}
