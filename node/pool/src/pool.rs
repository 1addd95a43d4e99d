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

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    ops::Bound::{Excluded, Included, Unbounded},
};

use basalt_primitives::{AccountId, BlockNumber, H256, InvalidTransaction, Nonce, ValidTransaction};
use basalt_runtime_api::{Refusal, Verified};

use crate::{
    bans::Bans,
    error::{Full, PoolError, PoolErrorKind, needed_priority},
    limits::Limits,
    queue::{Entry, HeadKey, Queue, TailKey},
    ready::Ready,
    status::{Effects, TransactionStatus},
};

/// A transaction that may enter the pool, with what the runtime says about it.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// The transaction.
    pub verified: Verified,
    /// What [`validate`](basalt_runtime_api::Runtime::validate) returned for the pool's head.
    pub validity: ValidTransaction,
    /// The sender's next nonce in the head's state.
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
    pub(crate) queues: BTreeMap<AccountId, Queue>,
    places: HashMap<H256, (AccountId, Nonce)>,
    /// The first transaction of each queue that begins ready, best first.
    pub(crate) heads: BTreeSet<HeadKey>,
    /// The last transaction of each queue, cheapest first.
    tails: BTreeSet<TailKey>,
    /// Mortal transactions by the last height at which they are valid.
    expiries: BTreeSet<(u64, H256)>,
    bans: Bans,
    ready: usize,
    bytes: u64,
    /// Counts insertions: the older goes first when priorities are equal.
    sequence: u64,
    /// Where revalidation goes on.
    cursor: (AccountId, Nonce),
}

impl Pool {
    /// An empty pool at a head of height `number`.
    pub fn new(limits: Limits, number: BlockNumber) -> Self {
        Self {
            limits,
            number,
            queues: BTreeMap::new(),
            places: HashMap::new(),
            heads: BTreeSet::new(),
            tails: BTreeSet::new(),
            expiries: BTreeSet::new(),
            bans: Bans::default(),
            ready: 0,
            bytes: 0,
            sequence: 0,
            cursor: (AccountId::default(), 0),
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
    /// `AlreadyImported`, `Banned`, `Refused` (no signer, stale nonce), `PriorityTooLow`, `Full`.
    pub fn insert(&mut self, candidate: Candidate, effects: &mut Effects) -> Result<Inserted, PoolError> {
        let Candidate { verified, validity, nonce: nonce_next } = candidate;
        let hash = verified.hash;
        self.admits(&hash)?;
        let Some(signed) = &verified.signed else {
            return Err(refused(hash, InvalidTransaction::Call, "only signed transactions are pooled"));
        };
        let (account, nonce) = (signed.signer, signed.nonce);
        if nonce < nonce_next {
            let detail = format!(
                "its nonce is {nonce}, the sender's next nonce is {nonce_next}; sign it with that one"
            );
            return Err(refused(hash, InvalidTransaction::Stale, &detail));
        }
        self.set_nonce(&account, nonce_next, effects);

        let replaced = self.queues.get(&account).and_then(|queue| queue.entries.get(&nonce));
        if let Some(replaced) = replaced
            && u128::from(validity.priority) < needed_priority(replaced.priority)
        {
            let kind = PoolErrorKind::PriorityTooLow { old: replaced.priority, new: validity.priority };
            return Err(PoolError::new(hash, kind));
        }

        let effects_before = effects.len();
        self.sequence += 1;
        let entry = Entry::new(verified, &validity, self.sequence, self.number);
        let replaced = self.put(account, nonce, nonce_next, entry, effects);
        let mut victims = Vec::new();
        while let Some((full, victim)) = self.victim(&account) {
            if victim == (account, nonce) || victims.len() == self.limits.evictions_max {
                self.undo(account, nonce, nonce_next, replaced, victims);
                effects.truncate(effects_before);
                return Err(PoolError::new(hash, PoolErrorKind::Full(full)));
            }
            let queue_nonce = self.queues.get(&victim.0).map_or(0, |queue| queue.nonce);
            let Some(entry) = self.take(&victim.0, victim.1, effects) else { break };
            victims.push((victim, queue_nonce, entry));
        }

        if let Some(replaced) = replaced {
            effects.push((replaced.verified.hash, TransactionStatus::Usurped(hash)));
        }
        effects
            .extend(victims.into_iter().map(|(.., entry)| (entry.verified.hash, TransactionStatus::Dropped)));
        let ready = self.queues.get(&account).is_some_and(|queue| queue.is_ready(nonce));
        Ok(if ready { Inserted::Ready } else { Inserted::Future })
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
        let mut nonces_next = BTreeMap::<AccountId, Nonce>::new();
        for (block, transactions) in enacted {
            for hash in transactions {
                if let Some((account, nonce)) = self.places.get(hash).copied() {
                    self.detach(&account, nonce);
                    let next = nonces_next.entry(account).or_default();
                    *next = (*next).max(nonce.saturating_add(1));
                }
                self.ban(*hash);
                effects.push((*hash, TransactionStatus::InBlock(*block)));
            }
        }
        for (account, nonce) in &nonces_next {
            self.set_nonce(account, *nonce, effects);
            // Entries lie at or above the queue's nonce, so it moved and all is settled, but for the very last nonce.
            self.settle(account, effects);
        }
        let over: Vec<H256> = self
            .expiries
            .range(..=(u64::from(number), H256::repeat_byte(0xff)))
            .map(|(_, hash)| *hash)
            .collect();
        self.remove_invalid(&over, effects);
        nonces_next.into_keys().collect()
    }

    /// Lets transactions of retracted blocks in again: they are no longer refused as included.
    pub fn on_retracted(&mut self, hashes: &[H256]) {
        for hash in hashes {
            self.bans.lift(hash);
        }
    }

    /// Tells the pool the next nonce of a sender in the head's state. What lies below is invalid.
    pub fn set_nonce(&mut self, account: &AccountId, nonce: Nonce, effects: &mut Effects) {
        let Some(queue) = self.queues.get_mut(account) else { return };
        if queue.nonce == nonce {
            return;
        }
        queue.nonce = nonce;
        let stale: Vec<Nonce> = queue.entries.range(..nonce).map(|(nonce, _)| *nonce).collect();
        for nonce in stale {
            if let Some(entry) = self.detach(account, nonce) {
                self.ban(entry.verified.hash);
                effects.push((entry.verified.hash, TransactionStatus::Invalid));
            }
        }
        self.settle(account, effects);
    }

    /// Takes out transactions that turned out invalid, and refuses them for a while. Unknown hashes are passed over.
    pub fn remove_invalid(&mut self, hashes: &[H256], effects: &mut Effects) {
        for hash in hashes {
            let Some((account, nonce)) = self.places.get(hash).copied() else { continue };
            effects.push((*hash, TransactionStatus::Invalid));
            self.take(&account, nonce, effects);
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
            .filter_map(|account| self.queues.get(account))
            .flat_map(|queue| queue.entries.values())
            .map(|entry| entry.verified.clone())
            .take(max / 2)
            .collect();
        let (account, nonce) = self.cursor;
        let here = self.queues.get(&account).into_iter().flat_map(|queue| queue.entries.range(nonce..));
        let here = here.map(|(nonce, entry)| (account, *nonce, entry));
        let others = self
            .queues
            .range((Excluded(account), Unbounded))
            .chain(self.queues.range((Unbounded, Included(account))))
            .flat_map(|(account, queue)| {
                queue.entries.iter().map(|(nonce, entry)| (*account, *nonce, entry))
            });
        // One round at most. The one after it is where the next round begins.
        let budget = self.places.len().min(max - chosen.len());
        for (place, (account, nonce, entry)) in here.chain(others).take(budget + 1).enumerate() {
            self.cursor = (account, nonce);
            if place < budget && !touched.contains(&account) {
                chosen.push(entry.verified.clone());
            }
        }
        chosen
    }

    /// Takes note of a fresh validation: how long it holds from now on. The priority stays as it was, since the
    /// order among waiting transactions should not flicker with the congestion multiplier that all of them share.
    pub fn revalidated(&mut self, hash: &H256, validity: &ValidTransaction) {
        let Some((account, nonce)) = self.places.get(hash) else { return };
        let Some(entry) = self.queues.get_mut(account).and_then(|queue| queue.entries.get_mut(nonce)) else {
            return;
        };
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
        self.queues.get(account).map(Queue::next_nonce)
    }

    /// How much the pool holds.
    pub fn status(&self) -> PoolStatus {
        PoolStatus { ready: self.ready, future: self.places.len() - self.ready, bytes: self.bytes }
    }

    /// Which transaction has to go before `account`'s newest may stay, if any.
    fn victim(&self, account: &AccountId) -> Option<(Full, (AccountId, Nonce))> {
        let limits = &self.limits;
        if let Some(queue) = self.queues.get(account)
            && (queue.entries.len() > limits.sender_transactions_max || queue.bytes > limits.sender_bytes_max)
            && let Some(nonce) = queue.last_nonce()
        {
            return Some((Full::Sender, (*account, nonce)));
        }
        if self.places.len() > limits.transactions_max || self.bytes > limits.bytes_max {
            let tail = self.tails.first()?;
            let nonce = self.queues.get(&tail.account)?.last_nonce()?;
            return Some((Full::Pool, (tail.account, nonce)));
        }
        None
    }

    /// Takes back an insertion that found no room.
    fn undo(
        &mut self,
        account: AccountId,
        nonce: Nonce,
        nonce_next: Nonce,
        replaced: Option<Entry>,
        victims: Vec<((AccountId, Nonce), Nonce, Entry)>,
    ) {
        // All this leaves the statuses as they were, so nobody is told.
        let mut untold = Effects::new();
        self.take(&account, nonce, &mut untold);
        if let Some(replaced) = replaced {
            self.put(account, nonce, nonce_next, replaced, &mut untold);
        }
        for ((account, nonce), nonce_next, entry) in victims.into_iter().rev() {
            self.put(account, nonce, nonce_next, entry, &mut untold);
        }
    }

    /// Puts an entry in its place, and returns what was there.
    fn put(
        &mut self,
        account: AccountId,
        nonce: Nonce,
        nonce_next: Nonce,
        entry: Entry,
        effects: &mut Effects,
    ) -> Option<Entry> {
        let replaced = self.detach(&account, nonce);
        self.bytes += u64::from(entry.bytes);
        self.places.insert(entry.verified.hash, (account, nonce));
        if entry.is_mortal() {
            self.expiries.insert((entry.valid_till, entry.verified.hash));
        }
        let queue = self.queues.entry(account).or_insert_with(|| Queue::new(nonce_next));
        queue.bytes += u64::from(entry.bytes);
        queue.entries.insert(nonce, entry);
        self.settle_from(&account, nonce, effects);
        replaced
    }

    /// Takes an entry out, and settles what is left of its queue.
    fn take(&mut self, account: &AccountId, nonce: Nonce, effects: &mut Effects) -> Option<Entry> {
        let entry = self.detach(account, nonce)?;
        self.settle_from(account, nonce, effects);
        Some(entry)
    }

    /// Takes an entry out. The caller settles the queue before anything else is asked of it.
    fn detach(&mut self, account: &AccountId, nonce: Nonce) -> Option<Entry> {
        let queue = self.queues.get_mut(account)?;
        let mut entry = queue.entries.remove(&nonce)?;
        queue.bytes -= u64::from(entry.bytes);
        self.bytes -= u64::from(entry.bytes);
        self.places.remove(&entry.verified.hash);
        self.expiries.remove(&(entry.valid_till, entry.verified.hash));
        if entry.ready.take() == Some(true) {
            self.ready -= 1;
        }
        Some(entry)
    }

    fn settle(&mut self, account: &AccountId, effects: &mut Effects) {
        self.settle_queue(account, 0, false, effects);
    }

    fn settle_from(&mut self, account: &AccountId, from: Nonce, effects: &mut Effects) {
        self.settle_queue(account, from, true, effects);
    }

    /// Works out anew what is ready in a queue, and brings the indices in line.
    fn settle_queue(&mut self, account: &AccountId, from: Nonce, one_place: bool, effects: &mut Effects) {
        let Some(queue) = self.queues.get_mut(account) else { return };
        for (hash, now, before) in queue.settle(from, one_place) {
            match (before, now) {
                (Some(true), false) => self.ready -= 1,
                (_, true) => self.ready += 1,
                (_, false) => {}
            }
            effects.push((hash, if now { TransactionStatus::Ready } else { TransactionStatus::Future }));
        }
        let head = queue.head_key(*account);
        if queue.head != head {
            if let Some(old) = queue.head.take() {
                self.heads.remove(&old);
            }
            queue.head.clone_from(&head);
            self.heads.extend(head);
        }
        let tail = queue.tail_key(*account);
        if queue.tail != tail {
            if let Some(old) = queue.tail.take() {
                self.tails.remove(&old);
            }
            queue.tail.clone_from(&tail);
            self.tails.extend(tail);
        }
        if queue.entries.is_empty() {
            self.queues.remove(account);
        }
    }
}

fn refused(hash: H256, error: InvalidTransaction, detail: &str) -> PoolError {
    PoolError::new(hash, PoolErrorKind::Refused(Refusal { error: error.into(), detail: detail.into() }))
}
