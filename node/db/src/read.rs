//! The state of any kept block.
//!
//! # Where a value is
//!
//! On disk, family `state` has the values at some block S, and family `history` has, for each key and each block N <= H that
//! changed it, the value before N. H >= S at any moment: a fold ingests history first. Each of the two ingestions is atomic, and
//! so is a snapshot, but between the two H > S. Who reads `state` *first* and `history` *after* it without a snapshot sees
//! H >= S just as well.
//!
//! In memory there are the *journal*, the changes of recent blocks, old values and new, and the *cache*. Let D be the first block
//! that is not folded, as memory says (`Journal::folded`), and J the first block that memory has: J <= D always.
//!
//! # Why a reader never sees a mixture
//!
//! Let F be the finalised block that is published, and let a commit take it to F'. The writer does, in this order:
//!
//! 0. under the write lock: add the changes of blocks F+1 ..= F' to the journal in memory;
//! 1. write the batch: now the disk has F', in its journal. `state` and `history` stay as they are;
//! 2. put the changed values into the cache, each marked with the block N that changed it (`since`), no lock held;
//! 3. under the write lock: publish F', and forget the oldest folded blocks.
//!
//! A fold takes blocks D ..= E <= F, and does (more in `fold.rs`):
//!
//! 4. ingest history, then state: H, then S become E;
//! 5. under the write lock: set D to E+1, and forget the oldest folded blocks.
//!
//! So with D as memory says *before* somebody looks at the files, what he then finds there has S >= D-1, H >= D-1, and neither
//! is beyond the last block that memory has *afterwards*, because only published blocks are folded.
//!
//! A reader at block B has seen B <= F published. It does:
//!
//! - a. **Cache.** An entry with `since` <= B is its answer. An entry is wrong only if the key changed after `since` and the
//!   entry was not replaced; step 2 replaces before step 3 lets anybody ask for blocks >= N, and for blocks < N the old entry
//!   stays right. An entry with `since` > B is no answer: the key may have changed between.
//! - b. **Journal**, under the read lock. If a block > B has the key, and no block > B is forgotten, the oldest such has the
//!   answer: its old value. If none has it, the newest block <= B that has it has the answer: its new value. If none at all
//!   has it, it is the same in all blocks J-1 .. last, among them D-1 .. B.
//! - c. **State**, no lock held. This gives the value at some S >= D-1.
//! - d. **Journal again**, under the read lock, if it has changed since b. If no block > B is forgotten, and one has the key, the
//!   oldest such has the answer. If none has it, nothing changed from B to the last block, nor, by b, from D-1 to B: S is among
//!   all these, so c gave the answer.
//! - e. **History**, if blocks > B are forgotten. All changes up to H are there, and H >= S. The first one > B has the answer. If
//!   there is none, nothing changed from B to H. If S >= B, c gave the answer. If not, blocks > B were not forgotten in b,
//!   since J <= D <= S+1; so by b nothing changed from D-1 to B, and c gave the answer as well.
//!
//! A reader puts what it found into the cache in step b or d, *under the read lock*, with `since` = B, and only if no block > B has
//! the key. So at that moment the key is not in any batch that is being committed; and a later commit begins its step 0
//! after the insertion, and its step 2 replaces it. A stale value can therefore never be inserted over a newer one. An
//! entry that is thrown out, or too large for the cache, is simply missing, and b to e do not rely on it.
//!
//! # Lists of keys
//!
//! They merge three: the journal as it was *before* a snapshot was taken, and of the snapshot state and history. J <= D <= S+1 and
//! <= H+1, so journal and history together have all changes from B+1 to the last block of either, call it L; S and H may be
//! later than the journal's last block, if that much was committed and folded in between. For each key, the first change
//! after B is that with the smaller number of the two found, and its old value says whether the key existed. If there is
//! none, the key is the same from B to L; and the journal's newest change <= B says what it was then. If there is none either, no
//! block from J to B changed it: then S, which is J-1 or later, is in a stretch of blocks with the same value as B, and `state`
//! has the answer.
//!
//! History need not be asked if no block > B is forgotten and the journal reaches as far as the files (`Fold::reach`, asked
//! after the snapshot was taken).
//!
//! # Pruning, failures
//!
//! History up to block `oldest` may vanish from the disk once `oldest` is published and durable. A reader that
//! came to e or iterated looks at `oldest` again afterwards; if it has not passed B, nothing that B needs was gone.
//!
//! If step 1 fails, the journal in memory stays and F stays: readers are right whether or not the batch reached the disk. If
//! step 4 fails, nothing is forgotten, and files with S or H beyond D-1 are what a reader may see during a fold anyway.

use std::{hash::BuildHasher, sync::atomic::Ordering};

use basalt_primitives::BlockNumber;
use basalt_state::{ChangeSet, Key, StateError, Value};
use rocksdb::{DB, DBRawIteratorWithThreadMode, ReadOptions, Snapshot};

use crate::{
    Db, DbError,
    cache::Cached,
    journal::{Look, Walk},
    schema::{
        HISTORY, STATE, history_after, history_key, history_prefix, split_history_key, split_history_value,
    },
    store::Store,
};

impl Db {
    /// The value under `key` in the state of the finalised block number `at`. From memory it takes some 100 ns.
    ///
    /// # Errors
    ///
    /// [`StateError::Pruned`] if that state is no longer kept, [`StateError::Backend`] if that block is not final or the disk
    /// fails.
    pub fn get_at(&self, at: BlockNumber, key: &[u8]) -> Result<Option<Value>, StateError> {
        self.check_kept(at)?;
        let cached = self.cache.get(key);
        if let Some(cached) = &cached
            && cached.since <= at
        {
            return Ok(cached.value.as_deref().map(<[u8]>::to_vec));
        }
        let value = self.find(at, key, cached).map_err(backend)?;
        self.check_kept(at)?;
        Ok(value)
    }

    /// The value at the finalised block. For the writer only: it alone knows that this is the last.
    pub(crate) fn latest(&self, key: &[u8]) -> Result<Option<Value>, DbError> {
        // Let go of the lock first: whoever takes it twice waits for the fold that waits for him.
        let finalized = self.published.read().finalized;
        match finalized {
            Some(id) => self.find(id.number, key, None),
            None => Ok(None),
        }
    }

    /// Steps b to e. `later`: what the cache has, from after `at`.
    fn find(&self, at: BlockNumber, key: &[u8], later: Option<Cached>) -> Result<Option<Value>, DbError> {
        let hash = self.hashing.hash_one(key);
        let version = {
            let published = self.published.read();
            match (published.journal.look(at, hash, key), &later) {
                (Look::Changed(old), _) => return Ok(old.map(<[u8]>::to_vec)),
                (Look::Set(new), _) => {
                    self.remember(at, key, new);
                    return Ok(new.map(<[u8]>::to_vec));
                }
                // Unchanged from `at` to the last block, and `since` lies between: the same value.
                (Look::Untouched, Some(later)) => return Ok(later.value.as_deref().map(<[u8]>::to_vec)),
                (Look::Untouched, None) | (Look::Forgotten, _) => published.journal.version(),
            }
        };
        self.pause();
        let stored = self.store.get(STATE, key)?.map(|value| value.to_vec());
        self.pause();
        {
            let published = self.published.read();
            let journal = &published.journal;
            if journal.reaches(at) {
                let look =
                    if journal.version() == version { Look::Untouched } else { journal.look(at, hash, key) };
                if let Look::Changed(old) = look {
                    return Ok(old.map(<[u8]>::to_vec));
                }
                self.remember(at, key, stored.as_deref());
                return Ok(stored);
            }
        }
        Ok(self.replaced_after(at, key)?.unwrap_or(stored))
    }

    /// Here the world may change: tests make it do so.
    #[cfg(test)]
    fn pause(&self) {
        let meanwhile = self.meanwhile.lock().pop_front();
        if let Some(meanwhile) = meanwhile {
            meanwhile(self);
        }
    }

    #[cfg(not(test))]
    fn pause(&self) {}

    /// Only under the read lock, and only if no block after `at` has the key: see the module doc.
    fn remember(&self, at: BlockNumber, key: &[u8], value: Option<&[u8]>) {
        self.cache.insert(key, at, value);
    }

    /// The smallest key strictly greater than `key` in the state of the finalised block number `at`, if any.
    ///
    /// # Errors
    ///
    /// As [`Db::get_at`].
    pub fn next_key_at(&self, at: BlockNumber, key: &[u8]) -> Result<Option<Key>, StateError> {
        Ok(self.keys_at(at, key, 1)?.pop())
    }

    /// The first `limit` keys strictly greater than `after` in the state of the finalised block number `at`, in order. Much
    /// faster than asking for one after the other: some 10 µs to begin, then about 1 µs per key.
    ///
    /// # Errors
    ///
    /// As [`Db::get_at`].
    pub fn keys_at(&self, at: BlockNumber, after: &[u8], limit: usize) -> Result<Vec<Key>, StateError> {
        self.check_kept(at)?;
        let keys = self.merged_keys(at, after, limit).map_err(backend)?;
        self.check_kept(at)?;
        Ok(keys)
    }

    /// What blocks `at + 1` up to the finalised one changed, undone: the change set that turns the finalised state into that
    /// of block `at`.
    ///
    /// Of the blocks in memory, 32 or more, from there. Of older ones by reading the whole history, at some 0.5 µs for each change
    /// that is kept: seconds, if the blocks were full. There is no index by block, because only proofs at old blocks need this.
    ///
    /// # Errors
    ///
    /// As [`Db::get_at`].
    pub fn undo_to(&self, at: BlockNumber) -> Result<ChangeSet, StateError> {
        self.check_kept(at)?;
        let (records, first) = {
            let published = self.published.read();
            // Not those that are being committed.
            let records = published.journal.range(at + 1, published.final_end());
            (records, published.journal.first())
        };
        // Of a key that changed several times, the oldest value counts.
        let mut recent = Vec::new();
        let mut walk = Walk::new(&records, None);
        let mut before: Option<&[u8]> = None;
        while let Some((_, entry)) = walk.next_entry() {
            if before != Some(entry.key) {
                recent.push((entry.key.to_vec(), entry.old.map(<[u8]>::to_vec)));
            }
            before = Some(entry.key);
        }
        if first <= at + 1 {
            return Ok(ChangeSet::from_sorted(recent));
        }
        let older = self.scan_history(at, first).map_err(backend)?;
        self.check_kept(at)?;
        // The last one counts.
        Ok(recent.into_iter().chain(older).collect())
    }

    fn check_kept(&self, at: BlockNumber) -> Result<(), StateError> {
        if u64::from(at) >= self.end.load(Ordering::Acquire) {
            return Err(StateError::Backend(format!(
                "block {at} is not final, so its state is not in the database"
            )));
        }
        if at < self.oldest.load(Ordering::Acquire) {
            return Err(StateError::Pruned(format!("block {at}")));
        }
        Ok(())
    }

    /// The value that the first change after block `at` replaced; `None` if there was no such change.
    fn replaced_after(&self, at: BlockNumber, key: &[u8]) -> Result<Option<Option<Value>>, DbError> {
        let snapshot = self.store.snapshot();
        let mut options = ReadOptions::default();
        options.set_prefix_same_as_start(true);
        let mut entries = snapshot.raw_iterator_cf_opt(self.store.family(HISTORY), options);
        // Block `at` is final and another one followed it, so there is a number after it.
        let wanted = history_key(key, at + 1);
        entries.seek(&wanted);
        let replaced = match entries.item() {
            Some((found, value)) if history_prefix(found) == history_prefix(&wanted) => {
                Some(split_history_value(value)?.map(<[u8]>::to_vec))
            }
            _ => None,
        };
        entries.status()?;
        Ok(replaced)
    }

    /// See "Lists of keys" in the module doc.
    fn merged_keys(&self, at: BlockNumber, after: &[u8], limit: usize) -> Result<Vec<Key>, DbError> {
        let (records, first, next) = {
            let journal = &self.published.read().journal;
            (journal.range(journal.first(), journal.next()), journal.first(), journal.next())
        };
        self.pause();
        let snapshot = self.store.snapshot();
        let mut history = ChangedKeys { entries: all_history(&self.store, &snapshot), at };
        if first > at + 1 || self.folder.reach() > next {
            history.entries.seek(history_after(after));
        }
        let mut state = snapshot.raw_iterator_cf(self.store.family(STATE));
        let mut successor = after.to_vec();
        successor.push(0);
        state.seek(&successor);
        let mut journal = Walk::new(&records, Some(after));

        let mut keys = Vec::new();
        while keys.len() < limit {
            let known = match (state.key(), journal.key()) {
                (Some(stored), Some(recent)) => Some(stored.min(recent)),
                (stored, recent) => stored.or(recent),
            };
            let replaced = history.next(known)?;
            let Some(key) = replaced.as_ref().map(|replaced| replaced.key.as_slice()).or(known) else {
                break;
            };
            let key = key.to_vec();

            let mut existed = state.key() == Some(&key);
            if existed {
                state.next();
            }
            // Number and existence before the first change after `at`.
            let mut first_change = replaced.map(|replaced| (replaced.number, replaced.existed));
            while journal.key() == Some(&key)
                && let Some((number, entry)) = journal.next_entry()
            {
                if number <= at {
                    existed = entry.new.is_some();
                } else if first_change.is_none_or(|(first, _)| number < first) {
                    first_change = Some((number, entry.old.is_some()));
                }
            }
            if first_change.map_or(existed, |(_, existed)| existed) {
                keys.push(key);
            }
        }
        state.status()?;
        Ok(keys)
    }

    /// For each key that blocks after `at` and before `end` changed, the first value replaced.
    fn scan_history(&self, at: BlockNumber, end: BlockNumber) -> Result<ChangeSet, DbError> {
        let snapshot = self.store.snapshot();
        let mut entries = all_history(&self.store, &snapshot);
        entries.seek_to_first();
        let mut changes = ChangeSet::default();
        while let Some((key, value)) = entries.item() {
            let (key, number) = split_history_key(key)?;
            // Entries of one key ascend by number: the first after `at` counts.
            if number > at && number < end && changes.get(&key).is_none() {
                changes.insert(key, split_history_value(value)?.map(<[u8]>::to_vec));
            }
            entries.next();
        }
        entries.status()?;
        Ok(changes)
    }
}

/// The keys that changed after block `at`, in order.
struct ChangedKeys<'a> {
    /// Stands at the first entry of a key that was not looked at yet. Not seeked at all: there are none.
    entries: DBRawIteratorWithThreadMode<'a, DB>,
    at: BlockNumber,
}

/// A key, and the first block after the one asked for that changed it.
struct Replaced {
    key: Key,
    number: BlockNumber,
    /// Whether the key existed before that.
    existed: bool,
}

impl ChangedKeys<'_> {
    /// The next one up to `last` included. `None` if there is none so far: later ones stay for the next call, so nobody walks
    /// through all the history for the sake of one key.
    fn next(&mut self, last: Option<&[u8]>) -> Result<Option<Replaced>, DbError> {
        while let Some((found, value)) = self.entries.item() {
            let (key, number) = split_history_key(found)?;
            if last.is_some_and(|last| key.as_slice() > last) {
                return Ok(None);
            }
            if number > self.at {
                let existed = split_history_value(value)?.is_some();
                self.entries.seek(history_after(&key));
                return Ok(Some(Replaced { key, number, existed }));
            }
            // The key has older entries. It may have newer ones; if not, this finds the first entry of the next key.
            self.entries.seek(history_key(&key, self.at + 1));
        }
        self.entries.status()?;
        Ok(None)
    }
}

/// An iterator that does not end with the key it was set to.
fn all_history<'a>(store: &Store, snapshot: &'a Snapshot<'_>) -> DBRawIteratorWithThreadMode<'a, DB> {
    let mut options = ReadOptions::default();
    options.set_total_order_seek(true);
    snapshot.raw_iterator_cf_opt(store.family(HISTORY), options)
}

fn backend(error: DbError) -> StateError {
    StateError::Backend(error.to_string())
}
