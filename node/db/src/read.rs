//! The state of any kept block.
//!
//! # Where a value is
//!
//! On disk, family `state` has the value at the last finalised block, and family `history` has, for each key and each
//! block N that changed it, the value before N. The value at block B is that of the first entry with N > B, or else the
//! one in `state`. A batch changes both together, so this holds for every version of the disk, and who reads `state`
//! *first* and `history` *after* it may do so without a lock: what was replaced in between is found in the history.
//!
//! In memory there are the *undos* of recent blocks (the same as their history) and the *cache*.
//!
//! # Why a reader never sees a mixture
//!
//! Let F be the finalised block that is published, and let a commit take it to F'. The writer does, in this order:
//!
//! 0. under the write lock: add the undos of blocks F+1 ..= F' to those published;
//! 1. write the batch: now the disk has F';
//! 2. put the changed values into the cache, each marked with the block N that changed it (`since`), no lock held;
//! 3. under the write lock: publish F', and forget the oldest undos.
//!
//! A reader at block B has seen B <= F published. It does:
//!
//! - a. **Cache.** An entry with `since` <= B is its answer. An entry is wrong only if the key changed after `since` and the
//!   entry was not replaced; step 2 replaces before step 3 lets anybody ask for blocks >= N, and for blocks < N the old entry
//!   stays right. An entry with `since` > B is no answer: the key may have changed between.
//! - b. **Disk**, no lock held. This may give the value of F or, after step 1, of F'.
//! - c. **Undos**, under the read lock. If one of a block > B has the key, the oldest such is the answer, whatever b gave. If
//!   none has it and none is forgotten, the key is the same in all blocks from B to the last one whose step 0 is done;
//!   what b gave is the value of one of these, because a batch is on disk only after its step 0. So it is the answer.
//! - d. **History**, if undos are forgotten: by the first section.
//!
//! A reader puts what it found into the cache in step c, *under the read lock*, with `since` = B, and only if no undo has
//! the key. So at that moment the key is not in any batch that is being committed; and a later commit begins its step 0
//! after the insertion, and its step 2 replaces it. A stale value can therefore never be inserted over a newer one. An
//! entry that is thrown out, or too large for the cache, is simply missing, and b and c do not rely on it.
//!
//! Pruning: history up to block `oldest` may vanish from the disk once `oldest` is published and durable. A reader that
//! came to d or iterated looks at `oldest` again afterwards; if it has not passed B, nothing that B needs was gone.
//!
//! If step 1 fails, the undos stay and F stays: readers are right whether or not the batch reached the disk.

use std::sync::atomic::Ordering;

use basalt_primitives::BlockNumber;
use basalt_state::{ChangeSet, Key, StateError, Value};
use rocksdb::{DB, DBRawIteratorWithThreadMode};

use crate::{
    BlockId, Db, DbError,
    cache::Cached,
    schema::{
        HISTORY, META, META_FINALIZED, STATE, decode, history_after, history_key, split_history_key,
        split_history_value,
    },
    undo::Recent,
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
        if let Some(cached) = self.cache.get(key) {
            if cached.since <= at {
                return Ok(cached.value.map(Vec::from));
            }
            match self.published.read().undos.look(at, key) {
                Recent::Changed(old) => return Ok(old.clone()),
                // Unchanged from `at` to the last undo, and `since` lies between: the same value.
                Recent::Unchanged => return Ok(cached.value.map(Vec::from)),
                Recent::Unknown => {}
            }
        }
        let stored = self.store.get(STATE, key).map_err(backend)?.map(|value| value.to_vec());
        {
            let published = self.published.read();
            match published.undos.look(at, key) {
                Recent::Changed(old) => return Ok(old.clone()),
                Recent::Unchanged => {
                    let value = stored.as_deref().map(Into::into);
                    self.cache.insert(key.into(), Cached { since: at, value });
                    return Ok(stored);
                }
                Recent::Unknown => {}
            }
        }
        let replaced = self.replaced_after(at, key).map_err(backend)?;
        self.check_kept(at)?;
        Ok(replaced.unwrap_or(stored))
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
    /// Of the last 32 blocks from memory. Of older ones by reading the whole history, at some 0.5 µs for each change that is
    /// kept: seconds, if the blocks were full. There is no index by block, because only proofs at old blocks need this.
    ///
    /// # Errors
    ///
    /// As [`Db::get_at`].
    pub fn undo_to(&self, at: BlockNumber) -> Result<ChangeSet, StateError> {
        self.check_kept(at)?;
        let from = {
            let published = self.published.read();
            let from = published.finalized.map_or(0, |id| id.number);
            if let Some(changes) = published.undos.collect(at, from) {
                return Ok(changes);
            }
            from
        };
        let changes = self.scan_history(at, from).map_err(backend)?;
        self.check_kept(at)?;
        Ok(changes)
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
        let mut entries = snapshot.raw_iterator_cf(self.store.family(HISTORY));
        // Block `at` is final and another one followed it, so there is a number after it.
        let wanted = history_key(key, at + 1);
        entries.seek(&wanted);
        let replaced = match entries.item() {
            Some((found, value)) if same_key(found, &wanted) => {
                Some(split_history_value(value)?.map(<[u8]>::to_vec))
            }
            _ => None,
        };
        entries.status()?;
        Ok(replaced)
    }

    /// Keys that exist at block `at`: those in `state` that did not change since, and of those that did the ones that had a
    /// value before.
    fn merged_keys(&self, at: BlockNumber, after: &[u8], limit: usize) -> Result<Vec<Key>, DbError> {
        // The snapshot may be of a later block than the published one, never of an earlier one than `at`.
        let snapshot = self.store.snapshot();
        let meta = snapshot.get_pinned_cf(self.store.family(META), META_FINALIZED)?;
        let newest = match meta {
            Some(bytes) => decode::<BlockId>(META, META_FINALIZED, &bytes)?.number,
            None => return Err(DbError::Corrupt("it has states, but no finalised block".into())),
        };
        let mut state = snapshot.raw_iterator_cf(self.store.family(STATE));
        let mut successor = after.to_vec();
        successor.push(0);
        state.seek(&successor);
        let mut changed = ChangedKeys { entries: snapshot.raw_iterator_cf(self.store.family(HISTORY)), at };
        if newest > at {
            changed.entries.seek(history_after(after));
        }

        let mut keys = Vec::new();
        while keys.len() < limit {
            match (changed.next(state.key())?, state.key()) {
                (Some((key, existed)), next) => {
                    if next == Some(key.as_slice()) {
                        state.next();
                    }
                    if existed {
                        keys.push(key);
                    }
                }
                (None, Some(key)) => {
                    keys.push(key.to_vec());
                    state.next();
                }
                (None, None) => break,
            }
        }
        state.status()?;
        Ok(keys)
    }

    fn scan_history(&self, at: BlockNumber, from: BlockNumber) -> Result<ChangeSet, DbError> {
        let snapshot = self.store.snapshot();
        let mut entries = snapshot.raw_iterator_cf(self.store.family(HISTORY));
        entries.seek_to_first();
        let mut changes = ChangeSet::default();
        while let Some((key, value)) = entries.item() {
            let (key, number) = split_history_key(key)?;
            // Entries of one key ascend by number: the first after `at` counts.
            if number > at && number <= from && changes.get(&key).is_none() {
                changes.insert(key, split_history_value(value)?.map(<[u8]>::to_vec));
            }
            entries.next();
        }
        entries.status()?;
        Ok(changes)
    }
}

/// The keys that changed after block `at`, in order, each with whether it existed at `at`.
struct ChangedKeys<'a> {
    /// Stands at the first entry of a key that was not looked at yet. Not seeked at all: there are none.
    entries: DBRawIteratorWithThreadMode<'a, DB>,
    at: BlockNumber,
}

impl ChangedKeys<'_> {
    /// The next one up to `last` included. `None` if there is none so far: later ones stay for the next call, so nobody walks
    /// through all the history for the sake of one key.
    fn next(&mut self, last: Option<&[u8]>) -> Result<Option<(Key, bool)>, DbError> {
        while let Some((found, value)) = self.entries.item() {
            let (key, number) = split_history_key(found)?;
            if last.is_some_and(|last| key.as_slice() > last) {
                return Ok(None);
            }
            if number > self.at {
                let existed = split_history_value(value)?.is_some();
                self.entries.seek(history_after(&key));
                return Ok(Some((key, existed)));
            }
            // The key has older entries. It may have newer ones; if not, this finds the first entry of the next key.
            self.entries.seek(history_key(&key, self.at + 1));
        }
        self.entries.status()?;
        Ok(None)
    }
}

/// Whether two history keys are of one storage key: they differ in the four bytes of the number at most.
fn same_key(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.len() >= 4 && a[..a.len() - 4] == b[..b.len() - 4]
}

fn backend(error: DbError) -> StateError {
    StateError::Backend(error.to_string())
}
