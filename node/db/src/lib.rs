//! Keep blocks, state and history in RocksDB, atomically.
//!
//! # Responsibility
//!
//! - The one place that writes blocks and state to disk: [`Db::commit`] is one atomic batch, and the line after which a
//!   crash is harmless is marked in `commit.rs`.
//! - The state of every finalised block within the pruning window, exact ([`Db::get_at`]), from memory where possible.
//! - What a node must find when it starts again: heads, unfinalised blocks with their changes, the tree.
//!
//! # Flow
//!
//! ```text
//! Commit ──► check ──► publish changes ──► one WriteBatch (WAL, fsync) ──► cache ──► publish the new finalised block
//!                         │                    journal, body, heads          │
//!                         ▼                                                  ▼
//! get_at ──► cache ──► journal: recent blocks, in memory ◄── fold, every 64 MiB ──► RocksDB: state, history
//!                         └────► RocksDB: state, then history
//! ```
//!
//! # Invariants
//!
//! - After any crash the database opens at a complete block: either all of a commit is there or nothing
//!   (`tests/it/crash.rs` cuts the log at arbitrary places, `src/tests/fold.rs` kills at each step of a fold).
//! - A read at block B gives B's value, whatever is committed meanwhile, and never waits for a write of RocksDB
//!   (argument in `read.rs`; `tests/it/concurrency.rs`).
//! - Opening changes nothing that it does not understand (`tests/it/open.rs`).
//! - All reads equal those of a list of whole copies, one per block (property test `tests/it/model.rs`).
//!
//! # Assumptions
//!
//! - Block hashes identify blocks; state roots are right. Both are for `basalt-chain` to check.
//! - What is assumed of disk and load is in this crate's `README.md`.
//!
//! # Usage
//!
//! ```
//! use basalt_db::{BlockId, Commit, Config, Db, Finalize, NewBlock};
//! use basalt_primitives::Header;
//! use basalt_state::ChangeSet;
//!
//! let directory = tempfile::tempdir()?;
//! let db = Db::open(directory.path(), Config::default())?;
//! assert_eq!(db.genesis_hash(), None);
//!
//! let header = Header::default();
//! let genesis = BlockId { hash: header.hash(), number: 0 };
//! let changes = ChangeSet::from_iter([(b"name".to_vec(), Some(b"basalt".to_vec()))]);
//! db.commit(Commit {
//!     insert: vec![NewBlock { hash: genesis.hash, header: &header, body: &[], changes: &changes }],
//!     finalize: vec![Finalize { id: genesis, changes: &changes, justification: None }],
//!     drop: vec![],
//!     best: genesis,
//! })?;
//! assert_eq!(db.get_at(0, b"name")?, Some(b"basalt".to_vec()));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Out of scope
//!
//! - The tree is not stored: it follows from the state. [`Db::load_tree`] makes it anew.
//! - State of unfinalised blocks: `basalt-chain` puts their change sets above the finalised state.
#![cfg_attr(not(test), deny(clippy::unwrap_used))]

mod cache;
mod commit;
mod error;
mod fold;
mod journal;
mod read;
mod schema;
mod store;
#[cfg(test)]
mod tests;

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
};

use basalt_primitives::{BlockNumber, EngineId, H256, Header, OpaqueExtrinsic};
use basalt_state::ChangeSet;
use basalt_tree::{Tree, key_hash, value_hash};
use parity_scale_codec::{Decode, DecodeAll, Encode};
use parking_lot::{Mutex, RwLock};
use rayon::prelude::*;
use rocksdb::{DB, DBRawIteratorWithThreadMode};

pub use error::DbError;
pub use fold::FoldLimits;

use cache::Cache;
use fold::Folder;
use hashbrown::DefaultHashBuilder;
use journal::{Journal, Record, Walk};
use schema::{
    BODIES, CANONICAL, HEADERS, JOURNAL, JUSTIFICATIONS, META, META_BEST, META_FINALIZED, META_FOLDED,
    META_GENESIS, META_OLDEST, PENDING, STATE, decode, number_key,
};
use store::Store;

/// How many entries [`Db::load_tree`] reads before it hashes them on all cores.
const LOAD_ENTRIES: usize = 16 << 10;

/// A block by hash and number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
pub struct BlockId {
    /// The hash of its header.
    pub hash: H256,
    /// Its height; genesis is 0.
    pub number: BlockNumber,
}

/// Which old states are kept. Headers, bodies and justifications of finalised blocks are kept always.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pruning {
    /// The state of every block since the database was made, or since this was first set.
    Archive,
    /// The state of the finalised block and of as many blocks before it.
    Keep(u32),
}

/// When a commit counts as done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// When it is on the disk (`fsync`): it survives the loss of power.
    Block,
    /// When the operating system has it: it survives the end of this process, however violent. The loss of power may
    /// cost the last blocks, never parts of one.
    Off,
}

/// How a database is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Config {
    /// Which old states are kept.
    pub pruning: Pruning,
    /// Bound of the cache of values in memory, in bytes. A state that fits whole is never read from disk.
    pub cache_bytes: usize,
    /// When a commit counts as done.
    pub durability: Durability,
}

impl Default for Config {
    /// What a validator wants: 256 old states, 512 MiB of cache (2 million accounts), `fsync` at each block.
    fn default() -> Self {
        Self { pruning: Pruning::Keep(256), cache_bytes: 512 << 20, durability: Durability::Block }
    }
}

/// Why a block is final, in the words of a consensus engine.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Justification {
    /// Which engine.
    pub engine: EngineId,
    /// Its proof.
    pub data: Vec<u8>,
}

/// A block that is stored and not final.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingBlock {
    /// Its hash.
    pub hash: H256,
    /// Its header.
    pub header: Header,
    /// What it changes in its parent's state.
    pub changes: ChangeSet,
}

/// Everything that one step of the chain changes on disk.
#[derive(Debug)]
pub struct Commit<'a> {
    /// Blocks that are new, in any order.
    pub insert: Vec<NewBlock<'a>>,
    /// Blocks that become final: ascending and gapless above the finalised block. In an empty database genesis comes first.
    pub finalize: Vec<Finalize<'a>>,
    /// Blocks that will never be final: they are forgotten.
    pub drop: Vec<BlockId>,
    /// The best block from now on.
    pub best: BlockId,
}

/// A block to store.
#[derive(Debug)]
pub struct NewBlock<'a> {
    /// Its hash.
    pub hash: H256,
    /// Its header.
    pub header: &'a Header,
    /// Its extrinsics.
    pub body: &'a [OpaqueExtrinsic],
    /// What it changes in its parent's state: stored until it is final, unless the same commit makes it so.
    pub changes: &'a ChangeSet,
}

/// A block that becomes final.
#[derive(Debug)]
pub struct Finalize<'a> {
    /// Which.
    pub id: BlockId,
    /// What it changes in its parent's state.
    pub changes: &'a ChangeSet,
    /// Why it is final, if the engine has a proof of that.
    pub justification: Option<&'a Justification>,
}

/// A database, open. Share it in an `Arc`; all methods may be called from any thread.
pub struct Db {
    /// Declared first: its thread ends before anything else.
    folder: Folder,
    store: Arc<Store>,
    config: Config,
    cache: Cache,
    /// Number of the finalised block plus one, 0 before genesis: what readers check first, without a lock. Raised last in
    /// a commit.
    end: AtomicU64,
    /// Number of the oldest block whose state is kept.
    oldest: AtomicU32,
    /// Locked for moments only: never while RocksDB works.
    published: Arc<RwLock<Published>>,
    /// Of keys, in the journal's indices.
    hashing: DefaultHashBuilder,
    /// Held during a commit, by the one thread that writes.
    writer: Mutex<Writer>,
    /// What happens at the next pauses of readers.
    #[cfg(test)]
    meanwhile: Mutex<std::collections::VecDeque<Meanwhile>>,
}

#[cfg(test)]
type Meanwhile = Box<dyn FnOnce(&Db) + Send>;

/// What all see. Guarded by one lock, so it always fits together.
struct Published {
    genesis: Option<H256>,
    finalized: Option<BlockId>,
    best: Option<BlockId>,
    oldest: BlockNumber,
    journal: Journal,
}

impl Published {
    /// The number of the block that becomes final next.
    fn final_end(&self) -> BlockNumber {
        self.finalized.map_or(0, |id| id.number + 1)
    }
}

#[derive(Default)]
struct Writer {
    /// Why nothing may be written any more.
    poisoned: Option<String>,
    /// Commits since the last one that was synced.
    unsynced: u32,
}

impl Db {
    /// Opens the database in the directory `path`, or makes an empty one if there is nothing.
    ///
    /// Replays the log first if the last process ended without warning, and reads the journal: at most about a second.
    ///
    /// # Errors
    ///
    /// If another process has it open, if it has another format or is something else, or if it is damaged. In the first
    /// cases nothing was changed there.
    pub fn open(path: &Path, config: Config) -> Result<Self, DbError> {
        Self::open_with(path, config, FoldLimits::default())
    }

    /// As [`Db::open`], with other limits of the journal. They are not stored: each opening may have its own.
    ///
    /// # Errors
    ///
    /// As [`Db::open`].
    pub fn open_with(path: &Path, config: Config, limits: FoldLimits) -> Result<Self, DbError> {
        let store = Store::open(path)?;
        let genesis: Option<H256> = meta(&store, META_GENESIS)?;
        store.check_genesis(genesis)?;
        let finalized: Option<BlockId> = meta(&store, META_FINALIZED)?;
        let best: Option<BlockId> = meta(&store, META_BEST)?;
        let oldest: Option<BlockNumber> = meta(&store, META_OLDEST)?;
        let folded: BlockNumber = meta(&store, META_FOLDED)?.unwrap_or(0);
        let (end, oldest) = match (genesis, finalized, best, oldest) {
            (None, None, None, None) if folded == 0 => (0, 0),
            (Some(_), Some(finalized), Some(_), Some(oldest))
                if oldest <= finalized.number && folded <= finalized.number + 1 =>
            {
                (finalized.number + 1, oldest)
            }
            found => {
                let found = format!("{found:?}, folded to {folded}");
                return Err(DbError::Corrupt(format!("its heads do not fit together: {found}")));
            }
        };
        store.expire_history(oldest);
        let hashing = DefaultHashBuilder::default();
        let journal = load_journal(&store, folded, end, &hashing)?;
        tracing::debug!(path = %path.display(), ?finalized, ?best, oldest, folded, "database open");
        let store = Arc::new(store);
        let published = Arc::new(RwLock::new(Published { genesis, finalized, best, oldest, journal }));
        // A fold that was cut short may have left something of any block.
        let folder =
            Folder::start(Arc::clone(&store), Arc::clone(&published), limits, config.durability, end)?;
        Ok(Self {
            folder,
            store,
            config,
            cache: Cache::new(config.cache_bytes),
            end: AtomicU64::new(end.into()),
            oldest: AtomicU32::new(oldest),
            published,
            hashing,
            writer: Mutex::default(),
            #[cfg(test)]
            meanwhile: Mutex::default(),
        })
    }

    /// How it is kept.
    pub fn config(&self) -> Config {
        self.config
    }

    /// The hash of genesis. `None`: the database is empty.
    pub fn genesis_hash(&self) -> Option<H256> {
        self.published.read().genesis
    }

    /// The last finalised block.
    pub fn finalized(&self) -> Option<BlockId> {
        self.published.read().finalized
    }

    /// The best block, as the last commit said.
    pub fn best(&self) -> Option<BlockId> {
        self.published.read().best
    }

    /// The oldest block whose state is kept.
    pub fn oldest_state(&self) -> BlockNumber {
        self.oldest.load(Ordering::Acquire)
    }

    /// The header of a block.
    pub fn header(&self, hash: &H256) -> Result<Option<Header>, DbError> {
        self.read(HEADERS, hash.as_bytes())
    }

    /// The extrinsics of a block.
    pub fn body(&self, hash: &H256) -> Result<Option<Vec<OpaqueExtrinsic>>, DbError> {
        self.read(BODIES, hash.as_bytes())
    }

    /// Why a block is final, if it is and the engine gave a proof.
    pub fn justification(&self, hash: &H256) -> Result<Option<Justification>, DbError> {
        self.read(JUSTIFICATIONS, hash.as_bytes())
    }

    /// The finalised block of that number.
    pub fn hash_at(&self, number: BlockNumber) -> Result<Option<H256>, DbError> {
        self.read(CANONICAL, &number_key(number))
    }

    /// The stored blocks that are not final, parents before children.
    pub fn unfinalized(&self) -> Result<Vec<PendingBlock>, DbError> {
        let _no_commit_meanwhile = self.writer.lock();
        let mut blocks = Vec::new();
        let snapshot = self.store.snapshot();
        let mut entries = snapshot.raw_iterator_cf(self.store.family(PENDING));
        entries.seek_to_first();
        while let Some((key, value)) = entries.item() {
            let hash: H256 = decode("the unfinalised blocks", key, key)?;
            let header = self
                .header(&hash)?
                .ok_or_else(|| DbError::Corrupt(format!("the unfinalised block {hash:?} has no header")))?;
            blocks.push(PendingBlock { hash, header, changes: decode(PENDING, key, value)? });
            entries.next();
        }
        entries.status()?;
        blocks.sort_by_key(|block| (block.header.number, block.hash));
        Ok(blocks)
    }

    /// The tree over the finalised state, made anew from one scan of it; also fills the cache, up to its bound.
    ///
    /// Commits wait meanwhile: call it once, at the start. About 1 s of CPU time per million keys, on all cores.
    pub fn load_tree(&self) -> Result<Tree, DbError> {
        let _no_commit_meanwhile = self.writer.lock();
        // The journal first: what is folded afterwards is in both.
        let (since, records) = {
            let published = self.published.read();
            let end = published.final_end();
            (end.saturating_sub(1), published.journal.range(published.journal.folded(), end))
        };
        let mut journal = Walk::new(&records, None);
        let snapshot = self.store.snapshot();
        let mut state = snapshot.raw_iterator_cf(self.store.family(STATE));
        state.seek_to_first();
        let mut leaves = Vec::new();
        loop {
            let mut batch = Vec::with_capacity(LOAD_ENTRIES);
            while batch.len() < LOAD_ENTRIES
                && let Some((key, value)) = next_of_both(&mut state, &mut journal)
            {
                batch.extend(value.map(|value| (key, value)));
            }
            leaves.par_extend(batch.par_iter().map(|(key, value)| (key_hash(key), value_hash(value))));
            let last = batch.len() < LOAD_ENTRIES;
            for (key, value) in batch {
                if self.cache.has_room() {
                    self.cache.insert(&key, since, Some(&value));
                }
            }
            if last {
                break;
            }
        }
        state.status()?;
        Ok(Tree::build(leaves))
    }

    /// Folds the whole journal, and rewrites the files so that whatever was pruned or dropped leaves the disk. Takes minutes for
    /// a large database; reads and commits go on meanwhile. Never needed: files that change are rewritten in the background
    /// anyway.
    pub fn compact(&self) -> Result<(), DbError> {
        self.folder.all()?;
        self.store.compact()
    }

    fn read<T: DecodeAll>(&self, family: &str, key: &[u8]) -> Result<Option<T>, DbError> {
        self.store.get(family, key)?.map(|bytes| decode(family, key, &bytes)).transpose()
    }
}

fn meta<T: DecodeAll>(store: &Store, key: &[u8]) -> Result<Option<T>, DbError> {
    store.get(META, key)?.map(|bytes| decode(META, key, &bytes)).transpose()
}

/// Reads the journal of blocks `folded .. end`: what an open database has in memory.
fn load_journal(
    store: &Store,
    folded: BlockNumber,
    end: BlockNumber,
    hashing: &DefaultHashBuilder,
) -> Result<Journal, DbError> {
    let mut journal = Journal::new(folded);
    for number in folded..end {
        let bytes = store
            .get(JOURNAL, &number_key(number))?
            .ok_or_else(|| DbError::Corrupt(format!("the journal of block {number} is missing")))?;
        journal.push(Arc::new(Record::parse(number, bytes.to_vec(), hashing)?));
    }
    Ok(journal)
}

/// A key and its value, if it has one.
type KeyAndValue = (Box<[u8]>, Option<Box<[u8]>>);

/// The next key that is in the files or in the journal; the last change in the journal counts more than the files.
fn next_of_both(
    state: &mut DBRawIteratorWithThreadMode<'_, DB>,
    journal: &mut Walk<'_>,
) -> Option<KeyAndValue> {
    let changed = match (journal.key(), state.key()) {
        (Some(changed), Some(stored)) => changed <= stored,
        (Some(_), None) => true,
        (None, _) => false,
    };
    if !changed {
        let (key, value) = state.item()?;
        let found = (key.into(), Some(value.into()));
        state.next();
        return Some(found);
    }
    let (_, mut last) = journal.next_entry()?;
    while journal.key() == Some(last.key) {
        (_, last) = journal.next_entry()?;
    }
    if state.key() == Some(last.key) {
        state.next();
    }
    Some((last.key.into(), last.new.map(Into::into)))
}
