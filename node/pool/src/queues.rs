//! All senders' queues, each in a numbered slot.
//!
//! The pool's indices name a queue by its slot: four bytes instead of an account's 32 to copy and compare, and a place
//! in memory instead of a search.

use std::collections::HashMap;

use basalt_primitives::{AccountId, Nonce};

use crate::queue::Queue;

/// The queues of all senders that have transactions here.
#[derive(Debug, Default)]
pub(crate) struct Queues {
    slots: Vec<Option<Queue>>,
    free: Vec<u32>,
    by_account: HashMap<AccountId, u32>,
}

impl Queues {
    pub(crate) fn get(&self, slot: u32) -> Option<&Queue> {
        self.slots.get(usize::try_from(slot).ok()?)?.as_ref()
    }

    pub(crate) fn get_mut(&mut self, slot: u32) -> Option<&mut Queue> {
        self.slots.get_mut(usize::try_from(slot).ok()?)?.as_mut()
    }

    pub(crate) fn slot(&self, account: &AccountId) -> Option<u32> {
        self.by_account.get(account).copied()
    }

    pub(crate) fn of(&self, account: &AccountId) -> Option<&Queue> {
        self.get(self.slot(account)?)
    }

    /// The slot of the sender's queue, which is begun at this nonce if there is none.
    pub(crate) fn slot_or_new(&mut self, account: AccountId, nonce: Nonce) -> u32 {
        *self.by_account.entry(account).or_insert_with(|| {
            let queue = Some(Queue::new(account, nonce));
            if let Some(slot) = self.free.pop() {
                // Free slots exist.
                if let Some(place) = self.slots.get_mut(slot as usize) {
                    *place = queue;
                }
                return slot;
            }
            self.slots.push(queue);
            // A pool of 4 billion senders does not fit any memory.
            u32::try_from(self.slots.len() - 1).unwrap_or(u32::MAX)
        })
    }

    pub(crate) fn remove(&mut self, slot: u32) {
        let Some(queue) = self.slots.get_mut(slot as usize).and_then(Option::take) else { return };
        self.by_account.remove(&queue.account);
        if self.by_account.is_empty() {
            // Also what a flood left behind is given back now.
            self.slots.clear();
            self.free.clear();
        } else {
            self.free.push(slot);
        }
    }

    /// How many slots there are, of queues or free.
    pub(crate) fn slots(&self) -> u32 {
        u32::try_from(self.slots.len()).unwrap_or(u32::MAX)
    }
}
