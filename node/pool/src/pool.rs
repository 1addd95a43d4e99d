//! Which transactions are held, and in which order they are offered: pure, single-threaded, without a clock.
//!
//! Each sender has a queue by nonce. Its beginning without a gap from the sender's next nonce is *ready*, what comes
//! after a gap is *future*. Two figures follow from that:
//!
//! - The order of offering: best priority first among each sender's next transaction, the older one on a tie.
//! - The order of eviction. A transaction cannot be included before its predecessors, so it is worth no more than the
//!   cheapest of them: its *floor*, the least priority from the queue's beginning up to it. The last of a queue has
//!   its lowest floor, and nothing depends on it. So evictions take the last transaction of the queue with the lowest
//!   floor; a cheap beginning cannot hide behind an expensive end, and no eviction makes a gap. Queues that end in a
//!   future transaction go first, whatever they pay: they cannot be included now.
//!
//! A transaction without a sender, which the runtime takes because it proves itself, has a queue of its own, named by what
//! it provides: so one at a time does the same. There are few of them at most ([`Limits::bare_max`]).

use std::collections::{BTreeSet, HashMap};

use basalt_primitives::{
    AccountId, BlockNumber, H256, InvalidTransaction, Nonce, ValidTransaction, hashing::blake2_256,
};
use basalt_runtime_api::{Refusal, Verified};

use crate::{
    bans::Bans,
    error::{Full, PoolError, PoolErrorKind, needed_priority},
    limits::Limits,
    queue::{Entry, HeadKey, Queue, TailKey},
    queues::Queues,
    ready::Ready,
    status::{Effects, TransactionStatus},
};

/// Slots that are looked at for each transaction that may be revalidated: most are free after a flood.
const SLOTS_PER_REVALIDATION: usize = 4;

/// A transaction that may enter the pool, with what the runtime says about it.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// The transaction.
    pub verified: Verified,
    /// What [`validate`](basalt_runtime_api::Runtime::validate) returned for the pool's head.
    pub validity: ValidTransaction,
    /// The sender's next nonce in the head's state; 0 without a sender.
    pub nonce: Nonce,
}

/// Where a new transaction went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inserted {
    /// The next block may include it.
    Ready,
    /// It waits for its predecessors.
    Future,
}

/// How much the pool holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PoolStatus {
    /// Transactions that the next block may include.
    pub ready: usize,
    /// Transactions that wait for predecessors.
    pub future: usize,
    /// Bytes of both, as they count in a block.
    pub bytes: u64,
}

/// The transactions that are valid at one head.
#[derive(Debug)]
pub struct Pool {
    limits: Limits,
    /// Height of the head that all is judged against.
    number: BlockNumber,
    pub(crate) queues: Queues,
    /// Slot and nonce of each transaction.
    places: HashMap<H256, (u32, Nonce)>,
    /// The first transaction of each queue that begins ready, best first.
    pub(crate) heads: BTreeSet<HeadKey>,
    /// The last transaction of each queue, cheapest first; none while the pool was not full lately, since then nobody
    /// asks, and to keep it costs more than the rest of an insertion.
    tails: Option<BTreeSet<TailKey>>,
    /// Mortal transactions by the last height at which they are valid.
    expiries: BTreeSet<(u64, H256)>,
    bans: Bans,
    ready: usize,
    bytes: u64,
    /// Those without a sender.
    bare: usize,
    /// Counts insertions: the older goes first when priorities are equal.
    sequence: u64,
    /// Where revalidation goes on.
    cursor: (u32, Nonce),
}

impl Pool {
    /// An empty pool at a head of height `number`.
    pub fn new(limits: Limits, number: BlockNumber) -> Self {
        Self {
            limits,
            number,
            queues: Queues::default(),
            places: HashMap::new(),
            heads: BTreeSet::new(),
            tails: None,
            expiries: BTreeSet::new(),
            bans: Bans::default(),
            ready: 0,
            bytes: 0,
            bare: 0,
            sequence: 0,
            cursor: (0, 0),
        }
    }

    /// Whether the pool would take a transaction of this hash at all, before anybody looks at its signature.
    ///
    /// # Errors
    ///
    /// `AlreadyImported` or `Banned`.
    pub fn admits(&self, hash: &H256) -> Result<(), PoolError> {
        if self.places.contains_key(hash) {
            return Err(PoolError::new(*hash, PoolErrorKind::AlreadyImported));
        }
        if self.bans.contains(hash) {
            return Err(PoolError::new(*hash, PoolErrorKind::Banned));
        }
        Ok(())
    }

    /// Whether a transaction of this hash is in the pool.
    pub fn contains(&self, hash: &H256) -> bool {
        self.places.contains_key(hash)
    }

    /// Takes a transaction in. It may replace one with the same nonce, and push out cheaper ones; that, and whatever
    /// becomes ready by it, is added to `effects`. On an error nothing changes, but that the sender's queue learns
    /// the nonce.
    ///
    /// # Errors
    ///
    /// `AlreadyImported`, `Banned`, `Refused` (no signer and nothing provided, stale nonce), `PriorityTooLow`, `SameBare`,
    /// `Full`.
    pub fn insert(&mut self, candidate: Candidate, effects: &mut Effects) -> Result<Inserted, PoolError> {
        let Candidate { verified, validity, nonce: nonce_next } = candidate;
        let hash = verified.hash;
        self.admits(&hash)?;
        let (account, nonce) = match &verified.signed {
            Some(signed) => (signed.signer, signed.nonce),
            None => (self.place_of_bare(hash, &validity)?, 0),
        };
        if nonce < nonce_next {
            let detail = format!(
                "its nonce is {nonce}, the sender's next nonce is {nonce_next}; sign it with that one"
            );
            return Err(refused(hash, InvalidTransaction::Stale, &detail));
        }
        let known = self.queues.slot(&account);
        if let Some(slot) = known {
            self.set_slot_nonce(slot, nonce_next, effects);
        }
        let replaced = self.queues.of(&account).and_then(|queue| queue.get(nonce));
        if let Some(replaced) = replaced
            && u128::from(validity.priority) < needed_priority(replaced.priority)
        {
            let kind = PoolErrorKind::PriorityTooLow { old: replaced.priority, new: validity.priority };
            return Err(PoolError::new(hash, kind));
        }

        let effects_before = effects.len();
        self.sequence += 1;
        let entry = Entry::new(verified, nonce, &validity, self.sequence, self.number);
        let (slot, replaced) = self.put(account, nonce_next, entry, effects);
        let mut victims = Vec::new();
        while let Some((full, victim)) = self.victim(slot) {
            if victim == (slot, nonce) || victims.len() == self.limits.evictions_max {
                self.undo((slot, nonce), (account, nonce_next), replaced, victims);
                effects.truncate(effects_before);
                return Err(PoolError::new(hash, PoolErrorKind::Full(full)));
            }
            let Some(queue) = self.queues.get(victim.0) else { break };
            let sender = (queue.account, queue.nonce);
            let Some(entry) = self.take(victim.0, victim.1, effects) else { break };
            victims.push((sender, entry));
        }

        if let Some(replaced) = replaced {
            effects.push((replaced.verified.hash, TransactionStatus::Usurped(hash)));
        }
        effects
            .extend(victims.into_iter().map(|(_, entry)| (entry.verified.hash, TransactionStatus::Dropped)));
        let entry = self.queues.get(slot).and_then(|queue| queue.get(nonce));
        let ready = entry.is_some_and(|entry| entry.ready == Some(true));
        Ok(if ready { Inserted::Ready } else { Inserted::Future })
    }

    /// The queue of a transaction without a sender.
    fn place_of_bare(&self, hash: H256, validity: &ValidTransaction) -> Result<AccountId, PoolError> {
        let Some(tag) = validity.provides.first() else {
            return Err(refused(
                hash,
                InvalidTransaction::Call,
                "without a sender, it must say what it does",
            ));
        };
        // No key has such an account: it would have to be found by its hash.
        let account = AccountId::from(blake2_256(&[b"bare transaction", &tag[..]].concat()));
        if self.queues.slot(&account).is_some() {
            return Err(PoolError::new(hash, PoolErrorKind::SameBare));
        }
        if self.bare >= self.limits.bare_max {
            return Err(PoolError::new(hash, PoolErrorKind::Full(Full::Bare)));
        }
        Ok(account)
    }

    /// Moves to a head of height `number`, which `enacted` blocks lead to, in order, each with the hashes of all its
    /// transactions. Takes those out, and what is over by now. Returns the senders whose state surely changed: call
    /// [`Pool::set_nonce`] for each, then revalidate.
    ///
    /// Each hash in `enacted` yields an `InBlock` effect, in the pool or not, since it may be watched all the same.
    pub fn on_block(
        &mut self,
        number: BlockNumber,
        enacted: &[(H256, Vec<H256>)],
        effects: &mut Effects,
    ) -> BTreeSet<AccountId> {
        self.number = number;
        self.bans.advance(number);
        // First take out all, then look at what is left: a gap in between would only be an artefact of the order.
        let mut nonces_next = HashMap::<u32, Nonce>::new();
        for (block, transactions) in enacted {
            effects.reserve(transactions.len());
            for hash in transactions {
                if let Some((slot, nonce)) = self.places.get(hash).copied() {
                    self.detach(slot, nonce);
                    let next = nonces_next.entry(slot).or_default();
                    *next = (*next).max(nonce.saturating_add(1));
                }
                self.ban(*hash);
                effects.push((*hash, TransactionStatus::InBlock(*block)));
            }
        }
        // By slot, so that effects come in an order that does not depend on the hash map.
        let mut nonces_next: Vec<_> = nonces_next.into_iter().collect();
        nonces_next.sort_unstable();
        let mut touched = Vec::with_capacity(nonces_next.len());
        for (slot, nonce) in nonces_next {
            let Some(queue) = self.queues.get_mut(slot) else { continue };
            touched.push(queue.account);
            queue.nonce = queue.nonce.max(nonce);
            self.settle(slot, effects);
        }
        // To make it anew takes a look at each queue, so it is kept until as many insertions have paid for that.
        if self.places.len() < self.limits.transactions_max / 2 && self.bytes < self.limits.bytes_max / 2 {
            self.tails = None;
        }
        let over: Vec<H256> = self
            .expiries
            .range(..=(u64::from(number), H256::repeat_byte(0xff)))
            .map(|(_, hash)| *hash)
            .collect();
        self.remove_invalid(&over, effects);
        touched.into_iter().collect()
    }

    /// Lets transactions of retracted blocks in again: they are no longer refused as included.
    pub fn on_retracted(&mut self, hashes: &[H256]) {
        for hash in hashes {
            self.bans.lift(hash);
        }
    }

    /// Tells the pool the next nonce of a sender in the head's state. What lies below is invalid.
    pub fn set_nonce(&mut self, account: &AccountId, nonce: Nonce, effects: &mut Effects) {
        if let Some(slot) = self.queues.slot(account) {
            self.set_slot_nonce(slot, nonce, effects);
        }
    }

    fn set_slot_nonce(&mut self, slot: u32, nonce: Nonce, effects: &mut Effects) {
        let Some(queue) = self.queues.get_mut(slot) else { return };
        if queue.nonce == nonce {
            return;
        }
        queue.nonce = nonce;
        while let Some(queue) = self.queues.get(slot)
            && let Some(stale) = queue.entries.front().map(|entry| entry.nonce).filter(|first| *first < nonce)
            && let Some(entry) = self.detach(slot, stale)
        {
            self.ban(entry.verified.hash);
            effects.push((entry.verified.hash, TransactionStatus::Invalid));
        }
        self.settle(slot, effects);
    }

    /// Takes out transactions that turned out invalid, and refuses them for a while. Unknown hashes are passed over.
    pub fn remove_invalid(&mut self, hashes: &[H256], effects: &mut Effects) {
        for hash in hashes {
            let Some((slot, nonce)) = self.places.get(hash).copied() else { continue };
            effects.push((*hash, TransactionStatus::Invalid));
            self.take(slot, nonce, effects);
            self.ban(*hash);
        }
    }

    /// Refuses a hash for a while.
    pub fn ban(&mut self, hash: H256) {
        let until = self.number.saturating_add(self.limits.ban_blocks);
        self.bans.add(hash, until, self.limits.bans_max);
    }

    /// What to validate again at a new head: half of the limit for the senders that the block touched, the rest for
    /// the others in turn, so that each transaction's turn comes.
    pub fn revalidation(&mut self, touched: &BTreeSet<AccountId>) -> Vec<Verified> {
        let max = self.limits.revalidated_max;
        let mut chosen: Vec<Verified> = touched
            .iter()
            .filter_map(|account| self.queues.of(account))
            .flat_map(|queue| &queue.entries)
            .map(|entry| entry.verified.clone())
            .take(max / 2)
            .collect();
        // One round at most, which ends where it began. Free slots cost a look each, so these are bounded too.
        let slots = self.queues.slots();
        let mut budget = self.places.len().min(max - chosen.len());
        let mut looks = max.saturating_mul(SLOTS_PER_REVALIDATION).min(slots as usize + 1);
        let (mut slot, mut nonce) = self.cursor;
        while budget > 0 && looks > 0 {
            looks -= 1;
            if slot >= slots {
                (slot, nonce) = (0, 0);
            }
            if let Some(queue) = self.queues.get(slot) {
                let (Ok(begin) | Err(begin)) = queue.place(nonce);
                let taken = queue.entries.range(begin..).take(budget);
                budget -= taken.len();
                if let Some(next) = queue.entries.get(begin + taken.len()) {
                    // Entries are left in this queue, so the budget is spent.
                    nonce = next.nonce;
                    if !touched.contains(&queue.account) {
                        chosen.extend(taken.map(|entry| entry.verified.clone()));
                    }
                    break;
                }
                if !touched.contains(&queue.account) {
                    chosen.extend(taken.map(|entry| entry.verified.clone()));
                }
            }
            (slot, nonce) = (slot.saturating_add(1), 0);
        }
        self.cursor = (slot, nonce);
        chosen
    }

    /// Takes note of a fresh validation: how long it holds from now on. The priority stays as it was, since the
    /// order among waiting transactions should not flicker with the congestion multiplier that all of them share.
    pub fn revalidated(&mut self, hash: &H256, validity: &ValidTransaction) {
        let Some((slot, nonce)) = self.places.get(hash) else { return };
        let Some(entry) = self.queues.get_mut(*slot).and_then(|queue| queue.get_mut(*nonce)) else { return };
        self.expiries.remove(&(entry.valid_till, *hash));
        entry.set_valid_till(validity, self.number);
        if entry.is_mortal() {
            self.expiries.insert((entry.valid_till, *hash));
        }
    }

    /// The transactions that the next block may include: the best first, each sender's in nonce order.
    pub fn ready(&self) -> Ready<'_> {
        Ready::new(self)
    }

    /// The nonce that the sender's next transaction should have, if it has any here: after its ready ones.
    pub fn next_nonce(&self, account: &AccountId) -> Option<Nonce> {
        self.queues.of(account).map(Queue::next_nonce)
    }

    /// How much the pool holds.
    pub fn status(&self) -> PoolStatus {
        PoolStatus { ready: self.ready, future: self.places.len() - self.ready, bytes: self.bytes }
    }

    /// Which transaction has to go before the newest in `slot` may stay, if any: its slot and nonce.
    fn victim(&mut self, slot: u32) -> Option<(Full, (u32, Nonce))> {
        let limits = &self.limits;
        if let Some(queue) = self.queues.get(slot)
            && (queue.entries.len() > limits.sender_transactions_max || queue.bytes > limits.sender_bytes_max)
            && let Some(nonce) = queue.last_nonce()
        {
            return Some((Full::Sender, (slot, nonce)));
        }
        if self.places.len() > limits.transactions_max || self.bytes > limits.bytes_max {
            let tails = self.tails.get_or_insert_with(|| self.queues.tails());
            let tail = tails.first()?;
            let nonce = self.queues.get(tail.slot)?.last_nonce()?;
            return Some((Full::Pool, (tail.slot, nonce)));
        }
        None
    }

    /// Takes back an insertion that found no room: `new` by slot and nonce, and everybody by account and next nonce.
    fn undo(
        &mut self,
        new: (u32, Nonce),
        sender: (AccountId, Nonce),
        replaced: Option<Entry>,
        victims: Vec<((AccountId, Nonce), Entry)>,
    ) {
        // All this leaves the statuses as they were, so nobody is told.
        let mut untold = Effects::new();
        self.take(new.0, new.1, &mut untold);
        let replaced = replaced.map(|replaced| (sender, replaced));
        for ((account, nonce_next), entry) in replaced.into_iter().chain(victims.into_iter().rev()) {
            self.put(account, nonce_next, entry, &mut untold);
        }
    }

    /// Puts an entry in its place, and returns the queue's slot and what was there.
    fn put(
        &mut self,
        account: AccountId,
        nonce_next: Nonce,
        entry: Entry,
        effects: &mut Effects,
    ) -> (u32, Option<Entry>) {
        let nonce = entry.nonce;
        let slot = self.queues.slot_or_new(account, nonce_next);
        let replaced = self.detach(slot, nonce);
        self.bytes += u64::from(entry.bytes);
        self.bare += usize::from(entry.verified.signed.is_none());
        self.places.insert(entry.verified.hash, (slot, nonce));
        if entry.is_mortal() {
            self.expiries.insert((entry.valid_till, entry.verified.hash));
        }
        if let Some(queue) = self.queues.get_mut(slot) {
            queue.insert(entry);
        }
        self.settle_from(slot, nonce, effects);
        (slot, replaced)
    }

    /// Takes an entry out, and settles what is left of its queue.
    fn take(&mut self, slot: u32, nonce: Nonce, effects: &mut Effects) -> Option<Entry> {
        let entry = self.detach(slot, nonce)?;
        self.settle_from(slot, nonce, effects);
        Some(entry)
    }

    /// Takes an entry out. The caller settles the queue before anything else is asked of it.
    fn detach(&mut self, slot: u32, nonce: Nonce) -> Option<Entry> {
        let mut entry = self.queues.get_mut(slot)?.remove(nonce)?;
        self.bytes -= u64::from(entry.bytes);
        self.bare -= usize::from(entry.verified.signed.is_none());
        self.places.remove(&entry.verified.hash);
        if entry.is_mortal() {
            self.expiries.remove(&(entry.valid_till, entry.verified.hash));
        }
        if entry.ready.take() == Some(true) {
            self.ready -= 1;
        }
        Some(entry)
    }

    fn settle(&mut self, slot: u32, effects: &mut Effects) {
        self.settle_queue(slot, 0, false, effects);
    }

    fn settle_from(&mut self, slot: u32, from: Nonce, effects: &mut Effects) {
        self.settle_queue(slot, from, true, effects);
    }

    /// Works out anew what is ready in a queue, and brings the indices in line.
    fn settle_queue(&mut self, slot: u32, from: Nonce, one_place: bool, effects: &mut Effects) {
        let Some(queue) = self.queues.get_mut(slot) else { return };
        let all_ready = &mut self.ready;
        queue.settle(from, one_place, |hash, now, before| {
            match (before, now) {
                (Some(true), false) => *all_ready -= 1,
                (_, true) => *all_ready += 1,
                (_, false) => {}
            }
            effects.push((hash, if now { TransactionStatus::Ready } else { TransactionStatus::Future }));
        });
        let head = queue.head_key(slot);
        if queue.head != head {
            if let Some(old) = queue.head {
                self.heads.remove(&old);
            }
            queue.head = head;
            self.heads.extend(head);
        }
        let tail = queue.tail_key(slot);
        if queue.tail != tail {
            if let Some(tails) = &mut self.tails {
                if let Some(old) = queue.tail {
                    tails.remove(&old);
                }
                tails.extend(tail);
            }
            queue.tail = tail;
        }
        if queue.entries.is_empty() {
            self.queues.remove(slot);
        }
    }
}

fn refused(hash: H256, error: InvalidTransaction, detail: &str) -> PoolError {
    PoolError::new(hash, PoolErrorKind::Refused(Refusal { error: error.into(), detail: detail.into() }))
}
