//! The files: who may open them, their format, RocksDB's settings.
//!
//! ```text
//! <path>/FORMAT   "basalt database, format 2": read before anything else is touched
//! <path>/GENESIS  hash of genesis, from when that is on disk: if RocksDB then comes up empty, it has lost its data
//! <path>/lock     locked while the database is open; empty
//! <path>/rocks/   RocksDB
//! <path>/fold/    files that a fold is writing; RocksDB takes them over. What is found there at open is deleted
//! ```

use std::{
    fs::{self, File, TryLockError},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use basalt_primitives::H256;
use rocksdb::{
    BlockBasedOptions, Cache, ColumnFamily, ColumnFamilyDescriptor, CompactionDecision, DB,
    DBCompactionStyle, DBCompressionType, DBPinnableSlice, FlushOptions, IngestExternalFileOptions, Options,
    SliceTransform, Snapshot, WriteBatch, WriteOptions,
};

use crate::{
    DbError,
    schema::{BODIES, FAMILIES, HISTORY, JOURNAL, STATE, history_number, history_prefix},
};

/// The format this version writes, and the only one it reads.
pub(crate) const FORMAT: u32 = 2;

const FORMAT_FILE: &str = "FORMAT";
const FORMAT_FILE_NEW: &str = "FORMAT.new";
const GENESIS_FILE: &str = "GENESIS";
const FORMAT_PREFIX: &str = "basalt database, format ";
const LOCK_FILE: &str = "lock";
const ROCKS: &str = "rocks";
const FOLD: &str = "fold";

/// RocksDB's own cache of blocks of files: only for what our cache of values misses, and for history.
const BLOCK_CACHE_BYTES: usize = 64 << 20;
/// Records in memory before they become a file; two such buffers may exist. State and history need none: their files are made
/// by folds. The journal gets as much as the log: most records are folded, and so deleted, before their buffer is full, and need
/// not be written a second time.
const JOURNAL_BUFFER_BYTES: usize = 256 << 20;
const OTHER_BUFFER_BYTES: usize = 8 << 20;
/// Bodies of so many bytes and more lie in files of their own; of smaller ones there would be too many.
const BLOB_BYTES_MIN: u64 = 4 << 10;
/// So many folds before RocksDB merges their files with the rest: the more, the less it writes, and the more files a read may
/// have to ask.
const FOLDED_FILES: i32 = 12;
/// Bounds the log on disk, and so the time to open after a crash: about a second.
const LOG_BYTES_MAX: u64 = 256 << 20;

/// RocksDB with our families, locked against others.
pub(crate) struct Store {
    path: PathBuf,
    db: DB,
    /// History entries with numbers up to this one are dropped whenever RocksDB rewrites their file.
    expired: Arc<AtomicU32>,
    /// Declared last: given back after `db` has closed its files.
    _lock: File,
}

impl Store {
    /// Opens the database at `path`, or makes one if there is nothing at all.
    pub(crate) fn open(path: &Path) -> Result<Self, DbError> {
        prepare_directory(path)?;
        let lock = lock(path)?;
        check_format(path)?;
        let rocks = path.join(ROCKS);
        let fresh = is_fresh(&rocks)?;
        let expired = Arc::new(AtomicU32::new(0));
        let db = DB::open_cf_descriptors(&database_options(fresh), &rocks, families(&expired)).map_err(
            |error| {
                match error.kind() {
                    // RocksDB says so of files that are missing or of families that are not ours.
                    rocksdb::ErrorKind::InvalidArgument | rocksdb::ErrorKind::NotSupported => {
                        DbError::Corrupt(error.into_string())
                    }
                    _ => error.into(),
                }
            },
        )?;
        let store = Self { path: path.into(), db, expired, _lock: lock };
        store.clear_fold()?;
        Ok(store)
    }

    /// Deletes what a fold left that did not reach its end. RocksDB has its own link to the files that it took over.
    fn clear_fold(&self) -> Result<(), DbError> {
        let fold = self.path.join(FOLD);
        match fs::remove_dir_all(&fold) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(failed("deleting", &fold)(error)),
        }
        fs::create_dir(&fold).map_err(failed("creating", &fold))
    }

    /// Where a fold writes its file number `index` for that family.
    pub(crate) fn fold_file(&self, family: &str, index: usize) -> PathBuf {
        self.path.join(FOLD).join(format!("{family}-{index}.sst"))
    }

    /// How such files are written: as RocksDB would.
    pub(crate) fn file_options(&self, family: &str) -> Options {
        base_options(family, &table_options(family))
    }

    /// Takes sorted files over: durably, all at once, and above what the family has.
    pub(crate) fn ingest(&self, family: &str, files: Vec<PathBuf>) -> Result<(), DbError> {
        if files.is_empty() {
            return Ok(());
        }
        let mut options = IngestExternalFileOptions::default();
        options.set_move_files(true);
        Ok(self.db.ingest_external_file_cf_opts(self.family(family), &options, files)?)
    }

    /// Everything written so far is on the disk after that.
    pub(crate) fn sync_log(&self) -> Result<(), DbError> {
        Ok(self.db.flush_wal(true)?)
    }

    /// Compares what RocksDB says is genesis with what this database once had on disk. RocksDB takes the end of a damaged
    /// `MANIFEST` for a write that was cut short, and may open empty.
    pub(crate) fn check_genesis(&self, genesis: Option<H256>) -> Result<(), DbError> {
        let file = self.path.join(GENESIS_FILE);
        let noted = match fs::read_to_string(&file) {
            Ok(text) => text,
            // The process ended between the commit of genesis and the note.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return genesis.map_or(Ok(()), |hash| self.note_genesis(hash));
            }
            Err(error) => return Err(failed("reading", &file)(error)),
        };
        if genesis.map(|hash| format!("{hash:?}\n")) == Some(noted) {
            return Ok(());
        }
        Err(DbError::Corrupt(format!("genesis is {genesis:?}, which is not what {} says", file.display())))
    }

    /// Notes that genesis is on disk for good.
    pub(crate) fn note_genesis(&self, hash: H256) -> Result<(), DbError> {
        write_whole(&self.path, GENESIS_FILE, &format!("{hash:?}\n"))
    }

    pub(crate) fn family(&self, name: &str) -> &ColumnFamily {
        self.db.cf_handle(name).expect("`open` opens every family of the schema, and none is ever dropped")
    }

    pub(crate) fn get(&self, family: &str, key: &[u8]) -> Result<Option<DBPinnableSlice<'_>>, DbError> {
        Ok(self.db.get_pinned_cf(self.family(family), key)?)
    }

    pub(crate) fn snapshot(&self) -> Snapshot<'_> {
        self.db.snapshot()
    }

    /// Writes the batch, all of it or nothing. With `sync` it is on the disk, and so is every batch before it.
    pub(crate) fn write(&self, batch: WriteBatch, sync: bool) -> Result<(), DbError> {
        let mut options = WriteOptions::default();
        options.set_sync(sync);
        Ok(self.db.write_opt(batch, &options)?)
    }

    /// Moves what is left of the journal from its buffer to a file, in the background. After a fold that is little: records that
    /// are deleted in the same buffer are not written. Otherwise the buffer would be written when the log is full, whatever
    /// is in it.
    pub(crate) fn flush_journal(&self) -> Result<(), DbError> {
        let mut options = FlushOptions::default();
        options.set_wait(false);
        Ok(self.db.flush_cf_opt(self.family(JOURNAL), &options)?)
    }

    /// Lets go of history entries with numbers up to `number`. Only what is durably pruned may go: this cannot be undone.
    pub(crate) fn expire_history(&self, number: u32) {
        self.expired.fetch_max(number, Ordering::AcqRel);
    }

    /// While this is on, no file is deleted: for tests that copy them, as the end of a process would leave them.
    #[cfg(test)]
    pub(crate) fn keep_files(&self, keep: bool) {
        let switch = if keep { DB::disable_file_deletions } else { DB::enable_file_deletions };
        switch(&self.db).expect("RocksDB counts who asked");
    }

    /// Rewrites all files, without what is deleted or expired.
    pub(crate) fn compact(&self) -> Result<(), DbError> {
        for name in FAMILIES {
            let family = self.family(name);
            self.db.flush_cf(family)?;
            self.db.compact_range_cf(family, None::<&[u8]>, None::<&[u8]>);
        }
        Ok(())
    }
}

/// Makes the directory if there is nothing, and refuses what is not ours before anything is written into it.
fn prepare_directory(path: &Path) -> Result<(), DbError> {
    let foreign = |reason: String| DbError::NotADatabase { path: path.into(), reason };
    match fs::metadata(path) {
        Ok(metadata) if !metadata.is_dir() => return Err(foreign("it is a file".into())),
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return fs::create_dir_all(path).map_err(failed("creating", path));
        }
        Err(error) => return Err(failed("opening", path)(error)),
    }
    let mut other = None;
    for entry in fs::read_dir(path).map_err(failed("listing", path))? {
        let name = entry.map_err(failed("listing", path))?.file_name();
        if name == FORMAT_FILE {
            return Ok(());
        }
        // These two are what a process leaves that was killed while it made a database.
        if name != LOCK_FILE && name != FORMAT_FILE_NEW {
            other = Some(name);
        }
    }
    match other {
        None => Ok(()),
        Some(name) => {
            Err(foreign(format!("it has no file {FORMAT_FILE}, but {} is there", name.to_string_lossy())))
        }
    }
}

/// The lock is the operating system's: it ends with the process, however that ends.
fn lock(path: &Path) -> Result<File, DbError> {
    let file = path.join(LOCK_FILE);
    let lock = File::options()
        .create(true)
        .write(true)
        .truncate(false)
        .open(&file)
        .map_err(failed("opening", &file))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(DbError::Locked { path: path.into() }),
        Err(TryLockError::Error(error)) => Err(failed("locking", &file)(error)),
    }
}

/// Reads the format, or writes it if there is none: `prepare_directory` has seen that nothing else is there either.
fn check_format(path: &Path) -> Result<(), DbError> {
    let file = path.join(FORMAT_FILE);
    let bytes = match fs::read(&file) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return write_whole(path, FORMAT_FILE, &format!("{FORMAT_PREFIX}{FORMAT}\n"));
        }
        Err(error) => return Err(failed("reading", &file)(error)),
    };
    let found = std::str::from_utf8(&bytes)
        .ok()
        .and_then(|text| text.trim_end().strip_prefix(FORMAT_PREFIX))
        .and_then(|number| number.parse::<u32>().ok());
    match found {
        Some(FORMAT) => Ok(()),
        Some(found) if found > FORMAT => Err(DbError::NewerFormat { path: path.into(), found }),
        Some(found) => Err(DbError::OlderFormat { path: path.into(), found }),
        None => Err(DbError::NotADatabase {
            path: path.into(),
            reason: format!("its file {FORMAT_FILE} does not name a format"),
        }),
    }
}

/// Written aside, synced, then renamed: a crash leaves the whole file or none.
fn write_whole(directory: &Path, name: &str, text: &str) -> Result<(), DbError> {
    let aside = directory.join(format!("{name}.new"));
    let mut new = File::create(&aside).map_err(failed("creating", &aside))?;
    new.write_all(text.as_bytes()).map_err(failed("writing", &aside))?;
    new.sync_all().map_err(failed("syncing", &aside))?;
    fs::rename(&aside, directory.join(name)).map_err(failed("renaming", &aside))?;
    File::open(directory).and_then(|opened| opened.sync_all()).map_err(failed("syncing", directory))
}

/// Whether RocksDB has yet to be made. Without its file `CURRENT` RocksDB would start afresh and delete all others: that is
/// right only for what a killed creation leaves, and those are files without data.
fn is_fresh(rocks: &Path) -> Result<bool, DbError> {
    let entries = match fs::read_dir(rocks) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(true),
        Err(error) => return Err(failed("listing", rocks)(error)),
    };
    let mut data = None;
    for entry in entries {
        let name = entry.map_err(failed("listing", rocks))?.file_name();
        let name = name.to_string_lossy();
        if name == "CURRENT" {
            return Ok(false);
        }
        if name.ends_with(".sst") || name.ends_with(".log") {
            data = Some(name.into_owned());
        }
    }
    match data {
        None => Ok(true),
        Some(name) => {
            Err(DbError::Corrupt(format!("{} has data ({name}) but no file CURRENT", rocks.display())))
        }
    }
}

fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> DbError {
    let path = PathBuf::from(path);
    move |source| DbError::Io { action, path, source }
}

fn database_options(fresh: bool) -> Options {
    let mut options = Options::default();
    options.create_if_missing(fresh);
    // Families missing from an existing database: its creation was cut short. The last one is made before any data.
    options.create_missing_column_families(true);
    options.set_max_background_jobs(2);
    options.set_max_total_wal_size(LOG_BYTES_MAX);
    options.set_max_open_files(512);
    options.set_keep_log_file_num(2);
    options.set_max_log_file_size(4 << 20);
    options
}

fn families(expired: &Arc<AtomicU32>) -> Vec<ColumnFamilyDescriptor> {
    let cache = Cache::new_lru_cache(BLOCK_CACHE_BYTES);
    FAMILIES
        .into_iter()
        .map(|name| ColumnFamilyDescriptor::new(name, family_options(name, &cache, expired)))
        .collect()
}

fn family_options(name: &str, cache: &Cache, expired: &Arc<AtomicU32>) -> Options {
    let mut table = table_options(name);
    table.set_block_cache(cache);
    let mut options = base_options(name, &table);
    options.set_write_buffer_size(OTHER_BUFFER_BYTES);
    match name {
        STATE => collect_files(&mut options),
        HISTORY => {
            collect_files(&mut options);
            // The newest files are rewritten most, the rest is what takes the room.
            options.set_bottommost_compression_type(DBCompressionType::Lz4);
            // Nothing is ever replaced, so files of equal size are merged with each other, and not with all the rest.
            options.set_compaction_style(DBCompactionStyle::Universal);
            let expired = Arc::clone(expired);
            options.set_compaction_filter("pruned history", move |_, key, _| match history_number(key) {
                Some(number) if number <= expired.load(Ordering::Acquire) => CompactionDecision::Remove,
                _ => CompactionDecision::Keep,
            });
        }
        BODIES => {
            // Written once, and then left alone: merging files would copy them again and again.
            options.set_enable_blob_files(true);
            options.set_min_blob_size(BLOB_BYTES_MIN);
            options.set_blob_compression_type(compression(name));
            options.set_enable_blob_gc(true);
        }
        JOURNAL => options.set_write_buffer_size(JOURNAL_BUFFER_BYTES),
        _ => {}
    }
    options
}

/// Waits for some folds before their files are merged with the rest.
fn collect_files(options: &mut Options) {
    options.set_level_zero_file_num_compaction_trigger(FOLDED_FILES);
    // When merging cannot keep up at all.
    options.set_level_zero_slowdown_writes_trigger(3 * FOLDED_FILES);
    options.set_level_zero_stop_writes_trigger(4 * FOLDED_FILES);
}

/// What all files of a family have, whoever writes them.
fn base_options(name: &str, table: &BlockBasedOptions) -> Options {
    let mut options = Options::default();
    options.set_block_based_table_factory(table);
    options.set_compression_type(compression(name));
    if name == HISTORY {
        options.set_prefix_extractor(SliceTransform::create("storage key", history_prefix, None));
    }
    options
}

fn table_options(name: &str) -> BlockBasedOptions {
    let mut table = BlockBasedOptions::default();
    match name {
        STATE => {
            // Absent keys are asked for often (new accounts): the filter answers five times faster than the files.
            table.set_block_size(4 << 10);
            table.set_bloom_filter(10.0, false);
        }
        HISTORY => {
            // Each fold leaves a file, and most have nothing of the key asked for: a filter of keys without their numbers.
            table.set_block_size(16 << 10);
            table.set_bloom_filter(10.0, false);
            table.set_whole_key_filtering(false);
        }
        BODIES => table.set_block_size(16 << 10),
        _ => {}
    }
    table
}

/// Values in the state are mostly balances and hashes, which do not compress.
fn compression(name: &str) -> DBCompressionType {
    match name {
        BODIES => DBCompressionType::Lz4,
        _ => DBCompressionType::None,
    }
}
