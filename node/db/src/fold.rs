//! Moves blocks from the journal into the files of state and history, on a thread of its own.
//!
//! # What a fold does
//!
//! Let all blocks below D be folded, and let the fold take the journal's blocks D ..= E, all final and durable. In this order:
//!
//! 1. write sorted files into `<path>/fold`: for `history` every change, for `state` the last change of each key;
//! 2. ingest those for `history`;
//! 3. ingest those for `state`;
//! 4. in one synced batch: note that all up to E is folded, and delete these blocks from the journal;
//! 5. in memory: note the same, and forget what need not be remembered.
//!
//! # Why a crash in between is harmless
//!
//! Until step 4 is on disk, all of D ..= E is in the journal, and an opened database has it in memory. Whatever key steps 2 and
//! 3 changed is in these blocks, and memory is asked before the files. The next fold begins at D again: it writes the same
//! history over the same, and in the state, for each key that the half fold changed, a newer or the same value. Therefore a
//! removed key is always written as removed, even if it was made within the fold: a half fold before may have left it.
//!
//! # What is folded is durable
//!
//! Ingested files are durable at once. If the log that ends with E were not, the loss of power could leave a state that is newer
//! than its block. With [`Durability::Off`] the log is synced first. The same holds for `oldest`: history that is not needed is not
//! written, so the bound must not go back.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    thread::{self, JoinHandle},
};

use basalt_primitives::BlockNumber;
use parking_lot::{Condvar, Mutex, MutexGuard, RwLock};
use rocksdb::{SstFileWriter, WriteBatch};

use crate::{
    DbError, Durability, Published,
    journal::{Record, Walk},
    schema::{
        HISTORY, JOURNAL, META, META_FOLDED, STATE, encode, number_key, put_history_key, put_history_value,
    },
    store::Store,
};

/// Where one file ends and the next begins: RocksDB merges whole files.
const FILE_BYTES: usize = 64 << 20;

/// When blocks move from the journal, in memory and on disk, into the files of state and history.
///
/// Larger bounds mean fewer and larger files, and so less work per change; they cost memory, and time to open. The defaults are
/// right for nodes; tests want smaller ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FoldLimits {
    /// Bytes of keys, old and new values. At twice as many, commits wait; one block may have more.
    pub bytes: usize,
    /// Blocks, however small: a read that misses the cache looks at each. At twice as many, commits wait.
    pub blocks: u32,
}

impl Default for FoldLimits {
    /// 64 MiB, a quarter of a million changed accounts; 64 blocks.
    fn default() -> Self {
        Self { bytes: 64 << 20, blocks: 64 }
    }
}

/// What the thread that folds shares with the others.
pub(crate) struct Fold {
    store: Arc<Store>,
    published: Arc<RwLock<Published>>,
    limits: FoldLimits,
    durability: Durability,
    /// No file has anything of this block or later ones. Raised before the files are ingested.
    reach: AtomicU32,
    /// Locked before `published`, never while files are written.
    progress: Mutex<Progress>,
    /// There may be something to do.
    wake: Condvar,
    /// A fold ended, well or not.
    done: Condvar,
    #[cfg(test)]
    pub(crate) hook: Mutex<Option<Hook>>,
}

#[cfg(test)]
type Hook = Box<dyn FnMut(Step) + Send>;

#[derive(Default)]
struct Progress {
    /// Everything below this is to be folded, whatever the limits say.
    wanted: BlockNumber,
    /// The database is being closed.
    stop: bool,
    /// Why nothing is folded any more.
    failed: Option<String>,
}

/// What a fold has just done. Tests stop there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Step {
    Written,
    HistoryIngested,
    StateIngested,
    Noted,
}

/// The thread. It ends when this is dropped, after the fold that it is at.
pub(crate) struct Folder {
    fold: Arc<Fold>,
    thread: Option<JoinHandle<()>>,
}

impl Folder {
    /// `reach`: what [`Fold::reach`] is at first.
    pub(crate) fn start(
        store: Arc<Store>,
        published: Arc<RwLock<Published>>,
        limits: FoldLimits,
        durability: Durability,
        reach: BlockNumber,
    ) -> Result<Self, DbError> {
        let fold = Arc::new(Fold {
            store,
            published,
            limits,
            durability,
            reach: AtomicU32::new(reach),
            progress: Mutex::default(),
            wake: Condvar::new(),
            done: Condvar::new(),
            #[cfg(test)]
            hook: Mutex::default(),
        });
        let shared = Arc::clone(&fold);
        let thread = thread::Builder::new().name("basalt-db-fold".into()).spawn(move || shared.run());
        let thread = thread.map_err(|source| DbError::Thread { source })?;
        Ok(Self { fold, thread: Some(thread) })
    }
}

impl std::ops::Deref for Folder {
    type Target = Fold;

    fn deref(&self) -> &Fold {
        &self.fold
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        self.fold.progress.lock().stop = true;
        self.fold.wake.notify_all();
        if let Some(thread) = self.thread.take() {
            // A panic there is on its stack trace already, and nothing is left to be done about it.
            let _ = thread.join();
        }
    }
}

impl Fold {
    /// No file has anything of this block or later ones: for a snapshot that was taken *before* this is asked.
    pub(crate) fn reach(&self) -> BlockNumber {
        self.reach.load(Ordering::Acquire)
    }

    /// To be called after blocks were published.
    pub(crate) fn blocks_came(&self) {
        if self.over(1) {
            // The lock: or else this could fall between the look and the sleep of the thread.
            drop(self.progress.lock());
            self.wake.notify_all();
        }
    }

    /// Waits until another block may come.
    pub(crate) fn wait_for_room(&self) -> Result<(), DbError> {
        let mut progress = self.progress.lock();
        loop {
            check(&progress)?;
            if !self.over(2) {
                return Ok(());
            }
            self.done.wait(&mut progress);
        }
    }

    /// Folds all that is final, and waits for it.
    pub(crate) fn all(&self) -> Result<(), DbError> {
        let end = self.published.read().final_end();
        let mut progress = self.progress.lock();
        progress.wanted = progress.wanted.max(end);
        self.wake.notify_all();
        while self.published.read().journal.folded() < end {
            check(&progress)?;
            self.done.wait(&mut progress);
        }
        Ok(())
    }

    /// Whether the journal has more than so many times the limits.
    fn over(&self, times: usize) -> bool {
        let published = self.published.read();
        let blocks = published.final_end().saturating_sub(published.journal.folded());
        blocks as usize >= times.saturating_mul(self.limits.blocks.max(1) as usize)
            || published.journal.unfolded_bytes() > times.saturating_mul(self.limits.bytes)
    }

    fn run(&self) {
        let mut progress = self.progress.lock();
        while !progress.stop {
            if !self.over(1) && self.published.read().journal.folded() >= progress.wanted {
                self.wake.wait(&mut progress);
                continue;
            }
            let result =
                MutexGuard::unlocked(&mut progress, || catch_unwind(AssertUnwindSafe(|| self.fold())));
            progress.failed = match result {
                Ok(Ok(())) => None,
                Ok(Err(error)) => Some(format!("merging blocks into files: {error}")),
                // Nobody may wait for a thread that is gone.
                Err(_) => Some("the thread that merges blocks into files panicked".into()),
            };
            self.done.notify_all();
            if let Some(cause) = &progress.failed {
                tracing::error!(cause, "the database writes nothing any more");
                return;
            }
        }
    }

    fn fold(&self) -> Result<(), DbError> {
        let (records, oldest) = {
            let published = self.published.read();
            (published.journal.range(published.journal.folded(), published.final_end()), published.oldest)
        };
        let Some(last) = records.last() else { return Ok(()) };
        let end = last.number() + 1;
        if self.durability == Durability::Off {
            self.store.sync_log()?;
        }
        self.store.expire_history(oldest);
        let Files { history, state } = write_files(&self.store, &records, oldest)?;
        self.step(Step::Written);

        self.reach.store(end, Ordering::Release);
        self.store.ingest(HISTORY, history)?;
        self.step(Step::HistoryIngested);
        self.store.ingest(STATE, state)?;
        self.step(Step::StateIngested);

        let mut batch = WriteBatch::default();
        batch.put_cf(self.store.family(META), META_FOLDED, encode(&end));
        for record in &records {
            // Each is written once: nothing need remain of either.
            batch.single_delete_cf(self.store.family(JOURNAL), number_key(record.number()));
        }
        self.store.write(batch, true)?;
        self.step(Step::Noted);
        self.store.flush_journal()?;

        let forgotten = {
            let mut published = self.published.write();
            published.journal.set_folded(end);
            let oldest = published.oldest;
            published.journal.trim(oldest)
        };
        tracing::debug!(blocks = records.len(), end, forgotten = forgotten.len(), "folded");
        Ok(())
    }

    #[cfg(test)]
    fn step(&self, step: Step) {
        if let Some(hook) = &mut *self.hook.lock() {
            hook(step);
        }
    }

    #[cfg(not(test))]
    fn step(&self, _: Step) {}
}

fn check(progress: &Progress) -> Result<(), DbError> {
    progress.failed.as_ref().map_or(Ok(()), |cause| Err(DbError::Poisoned { cause: cause.clone() }))
}

/// The files of one fold, in the order of their keys.
struct Files {
    history: Vec<PathBuf>,
    state: Vec<PathBuf>,
}

fn write_files(store: &Store, records: &[Arc<Record>], oldest: BlockNumber) -> Result<Files, DbError> {
    let (state_options, history_options) = (store.file_options(STATE), store.file_options(HISTORY));
    let mut state = Writer::new(store, STATE, &state_options);
    let mut history = Writer::new(store, HISTORY, &history_options);
    let (mut history_key, mut history_value) = (Vec::new(), Vec::new());
    let mut walk = Walk::new(records, None);
    while let Some((number, entry)) = walk.next_entry() {
        // States before `oldest` are gone, and nobody can ask for the state before genesis.
        if number > oldest {
            history_key.clear();
            put_history_key(entry.key, number, &mut history_key);
            history_value.clear();
            put_history_value(entry.old, &mut history_value);
            history.put(&history_key, Some(&history_value))?;
        }
        // The last change of a key is the one that counts.
        if walk.key() != Some(entry.key) {
            state.put(entry.key, entry.new)?;
        }
    }
    Ok(Files { history: history.finish()?, state: state.finish()? })
}

/// Writes sorted entries into files of a bounded size.
struct Writer<'a> {
    store: &'a Store,
    family: &'static str,
    options: &'a rocksdb::Options,
    file: Option<SstFileWriter<'a>>,
    bytes: usize,
    files: Vec<PathBuf>,
}

impl<'a> Writer<'a> {
    fn new(store: &'a Store, family: &'static str, options: &'a rocksdb::Options) -> Self {
        Self { store, family, options, file: None, bytes: 0, files: Vec::new() }
    }

    fn put(&mut self, key: &[u8], value: Option<&[u8]>) -> Result<(), DbError> {
        if self.bytes > FILE_BYTES {
            self.end_file()?;
        }
        let file = match &mut self.file {
            Some(file) => file,
            None => {
                let path = self.store.fold_file(self.family, self.files.len());
                let file = SstFileWriter::create(self.options);
                file.open(&path)?;
                self.files.push(path);
                self.file.insert(file)
            }
        };
        match value {
            Some(value) => file.put(key, value)?,
            None => file.delete(key)?,
        }
        self.bytes += key.len() + value.map_or(0, <[u8]>::len);
        Ok(())
    }

    /// The file is on the disk after that.
    fn end_file(&mut self) -> Result<(), DbError> {
        self.bytes = 0;
        match self.file.take() {
            Some(mut file) => Ok(file.finish()?),
            None => Ok(()),
        }
    }

    fn finish(mut self) -> Result<Vec<PathBuf>, DbError> {
        self.end_file()?;
        Ok(self.files)
    }
}
