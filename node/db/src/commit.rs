//! One step of the chain, written as one batch.

use std::{collections::HashMap, sync::Arc, sync::atomic::Ordering};

use basalt_primitives::{BlockNumber, H256, Header};
use parity_scale_codec::Encode;
use rocksdb::WriteBatch;

use crate::{
    BlockId, Commit, Db, DbError, Durability, Finalize, NewBlock, Pruning,
    cache::Bytes,
    journal::{Entry, Record},
    schema::{
        BODIES, CANONICAL, HEADERS, JOURNAL, JUSTIFICATIONS, META, META_BEST, META_FINALIZED, META_GENESIS,
        META_OLDEST, PENDING, encode, number_key,
    },
};

/// With [`Durability::Off`], every so many commits one is synced, so that pruned history may leave the disk.
const UNSYNCED_MAX: u32 = 64;

/// A commit worked out: nothing of it is visible yet.
struct Plan {
    batch: WriteBatch,
    finalized: Option<BlockId>,
    oldest: BlockNumber,
    genesis: Option<H256>,
    records: Vec<Arc<Record>>,
}

impl Db {
    /// Writes one step of the chain: all of it or nothing, also if the process dies meanwhile. When it returns, the step is
    /// as durable as [`Config::durability`](crate::Config::durability) says, and all see it.
    ///
    /// # Errors
    ///
    /// [`DbError::Refused`] if it contradicts what is stored; nothing happened then, and others may follow. After any other
    /// error nobody knows what is on disk: every later commit fails with [`DbError::Poisoned`], while reads go on with the
    /// state before.
    pub fn commit(&self, commit: Commit<'_>) -> Result<(), DbError> {
        let mut writer = self.writer.lock();
        if let Some(cause) = &writer.poisoned {
            return Err(DbError::Poisoned { cause: cause.clone() });
        }
        self.folder.wait_for_room()?;
        let plan = match self.plan(&commit) {
            Ok(plan) => plan,
            Err(error) => {
                if !matches!(error, DbError::Refused(_)) {
                    writer.poisoned = Some(error.to_string());
                }
                return Err(error);
            }
        };
        // Taken back at the end; a panic on the way leaves it, and so stops whoever would build on half a step.
        writer.poisoned = Some("a commit did not reach its end".into());

        // From here on readers of the old states find in memory what the cache and the files are about to replace.
        {
            let mut published = self.published.write();
            for record in &plan.records {
                published.journal.push(Arc::clone(record));
            }
        }

        let first = self.genesis_hash().is_none();
        let sync =
            first || self.config.durability == Durability::Block || writer.unsynced + 1 >= UNSYNCED_MAX;
        // The commit point: after this write a crash is harmless, before it nothing happened.
        let mut written = self.store.write(plan.batch, sync);
        if first && let Some(hash) = plan.genesis {
            written = written.and_then(|()| self.store.note_genesis(hash));
        }
        if let Err(error) = written {
            writer.poisoned = Some(error.to_string());
            return Err(error);
        }

        // Of a key that several blocks changed, the last one stays.
        for record in &plan.records {
            let since = record.number();
            for Entry { key, new, .. } in record.iter() {
                self.cache.insert(key, since, new);
            }
        }
        let forgotten = {
            let mut published = self.published.write();
            published.genesis = plan.genesis;
            published.finalized = plan.finalized;
            published.best = Some(commit.best);
            published.oldest = plan.oldest;
            self.oldest.store(plan.oldest, Ordering::Release);
            self.end.store(plan.finalized.map_or(0, |id| u64::from(id.number) + 1), Ordering::Release);
            published.journal.trim(plan.oldest)
        };
        // Outside of the lock: giving back the memory of large blocks takes longer than a reader should wait.
        drop(forgotten);
        self.folder.blocks_came();

        writer.unsynced = if sync { 0 } else { writer.unsynced + 1 };
        if sync {
            // Only now that the new bound is on disk: were it lost, the old bound would promise states whose history is gone.
            self.store.expire_history(plan.oldest);
        }
        writer.poisoned = None;
        Ok(())
    }

    /// Checks the commit and puts its batch together. Reads, but changes nothing.
    fn plan(&self, commit: &Commit<'_>) -> Result<Plan, DbError> {
        let (mut genesis, mut finalized) = {
            let published = self.published.read();
            (published.genesis, published.finalized)
        };
        let mut batch = WriteBatch::with_capacity_bytes(estimated_bytes(commit));
        for NewBlock { hash, header, body, changes } in &commit.insert {
            batch.put_cf(self.store.family(HEADERS), hash, header.encode());
            batch.put_cf(self.store.family(BODIES), hash, body.encode());
            if !commit.finalize.iter().any(|block| block.id.hash == *hash) {
                batch.put_cf(self.store.family(PENDING), hash, changes.encode());
            }
        }
        for block in &commit.finalize {
            self.check_successor(commit, finalized, block.id)?;
            let hash = block.id.hash;
            genesis = genesis.or(Some(hash));
            finalized = Some(block.id);
            batch.put_cf(self.store.family(CANONICAL), number_key(block.id.number), hash);
            batch.delete_cf(self.store.family(PENDING), hash);
            if let Some(justification) = block.justification {
                batch.put_cf(self.store.family(JUSTIFICATIONS), hash, justification.encode());
            }
        }
        for id in &commit.drop {
            self.check_droppable(commit, *id)?;
            for family in [HEADERS, BODIES, PENDING] {
                batch.delete_cf(self.store.family(family), id.hash);
            }
        }
        let (Some(genesis), Some(head)) = (genesis, finalized) else {
            return Err(DbError::Refused(
                "the database is empty, and the commit does not finalise genesis".into(),
            ));
        };
        self.check_best(commit)?;
        let records = self.changes(&commit.finalize)?;
        for record in &records {
            batch.put_cf(self.store.family(JOURNAL), number_key(record.number()), record.bytes());
        }
        let oldest = match self.config.pruning {
            Pruning::Archive => self.oldest_state(),
            Pruning::Keep(blocks) => self.oldest_state().max(head.number.saturating_sub(blocks)),
        };
        let meta = self.store.family(META);
        batch.put_cf(meta, META_GENESIS, encode(&genesis));
        batch.put_cf(meta, META_FINALIZED, encode(&head));
        batch.put_cf(meta, META_BEST, encode(&commit.best));
        batch.put_cf(meta, META_OLDEST, encode(&oldest));
        Ok(Plan { batch, finalized: Some(head), oldest, genesis: Some(genesis), records })
    }

    /// What the finalised blocks really change, and what each of them replaces.
    fn changes(&self, blocks: &[Finalize<'_>]) -> Result<Vec<Arc<Record>>, DbError> {
        let mut records = Vec::with_capacity(blocks.len());
        // What earlier blocks of this commit made of a key.
        let mut earlier: HashMap<&[u8], Option<&[u8]>> = HashMap::new();
        for block in blocks {
            let number = block.id.number;
            let mut record = Record::builder(number, block.changes);
            for (key, new) in block.changes.iter() {
                let known = if blocks.len() > 1 { earlier.insert(key, new) } else { None };
                let current;
                let old = match known {
                    Some(value) => value,
                    // Before genesis there is nothing, and no reason to look a million times.
                    None if number == 0 => None,
                    None => {
                        current = self.current(key)?;
                        current.as_deref()
                    }
                };
                if old != new {
                    record.push(Entry { key, old, new })?;
                }
            }
            records.push(Arc::new(record.finish(&self.hashing)));
        }
        Ok(records)
    }

    /// The value in the finalised state. For the writer only: it alone knows that nothing is being committed.
    fn current(&self, key: &[u8]) -> Result<Option<Bytes>, DbError> {
        match self.cache.get(key) {
            Some(cached) => Ok(cached.value),
            None => Ok(self.latest(key)?.as_deref().map(Into::into)),
        }
    }

    /// Finalised blocks follow each other without a gap, and each names the one before as its parent.
    fn check_successor(
        &self,
        commit: &Commit<'_>,
        finalized: Option<BlockId>,
        id: BlockId,
    ) -> Result<(), DbError> {
        let refuse = |why: String| Err(DbError::Refused(format!("block {id:?} cannot become final: {why}")));
        let Some(header) = self.known_header(commit, &id.hash)? else {
            return refuse("it is neither stored nor new".into());
        };
        if header.number != id.number {
            return refuse(format!("its header says number {}", header.number));
        }
        match finalized {
            None if id.number != 0 => refuse("genesis comes first".into()),
            Some(parent) if parent.number.checked_add(1) != Some(id.number) => {
                refuse(format!("the last final block is number {}", parent.number))
            }
            Some(parent) if parent.hash != header.parent_hash => refuse(format!(
                "its parent is {:?}, and the last final block {:?}",
                header.parent_hash, parent.hash
            )),
            _ => Ok(()),
        }
    }

    fn check_droppable(&self, commit: &Commit<'_>, id: BlockId) -> Result<(), DbError> {
        let becomes_final = commit.finalize.iter().any(|block| block.id.hash == id.hash);
        if becomes_final || self.hash_at(id.number)? == Some(id.hash) {
            return Err(DbError::Refused(format!("block {id:?} is final and cannot be dropped")));
        }
        Ok(())
    }

    fn check_best(&self, commit: &Commit<'_>) -> Result<(), DbError> {
        let best = commit.best;
        let dropped = commit.drop.iter().any(|id| id.hash == best.hash);
        let known = self.known_header(commit, &best.hash)?;
        if dropped || known.is_none_or(|header| header.number != best.number) {
            return Err(DbError::Refused(format!("the best block {best:?} is not among those stored")));
        }
        Ok(())
    }

    fn known_header(&self, commit: &Commit<'_>, hash: &H256) -> Result<Option<Header>, DbError> {
        match commit.insert.iter().find(|block| block.hash == *hash) {
            Some(block) => Ok(Some(block.header.clone())),
            None => self.header(hash),
        }
    }
}

/// About how many bytes the batch will have. A batch that grows copies itself again and again, into fresh memory.
fn estimated_bytes(commit: &Commit<'_>) -> usize {
    /// Lengths, at most.
    const ENTRY_BYTES: usize = 32;
    let body = |block: &NewBlock<'_>| block.body.iter().map(|extrinsic| extrinsic.0.len() + 4).sum::<usize>();
    let inserted: usize = commit.insert.iter().map(body).sum();
    let becomes_final = |hash: &H256| commit.finalize.iter().any(|block| block.id.hash == *hash);
    let pending = commit.insert.iter().filter(|block| !becomes_final(&block.hash));
    let pending: usize = pending.map(|block| block.changes.bytes() + ENTRY_BYTES * block.changes.len()).sum();
    // Old values are about as long as new ones, and keys come once.
    let finalized = commit.finalize.iter();
    let finalized: usize =
        finalized.map(|block| 2 * block.changes.bytes() + ENTRY_BYTES * block.changes.len()).sum();
    // Headers, heads, and what else is small.
    4096 + inserted + pending + finalized
}
