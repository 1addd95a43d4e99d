//! Measures the database: `cargo run -p basalt-db --example db_speed [keys] [changes]`, by default 1,000,000 and 20,000; and
//! `… db_speed transfers`: the CPU time of the whole process for transfers between 10,000 and 1,000,000 accounts.
//!
//! Keys look like `System.Account` (80 bytes), values like accounts (80 bytes); each commit changes random keys, one in ten
//! of them new. Everything happens in a temporary directory (`TMPDIR` chooses the disk).
//!
//! Flattering: one writer and nothing else runs, changed keys are in the cache, and compaction has time between commits only
//! as far as the commits leave it.

#![expect(clippy::print_stdout, reason = "a program whose purpose is to print figures")]

use std::{
    error::Error,
    hint::black_box,
    path::Path,
    time::{Duration, Instant},
};

use basalt_db::{BlockId, Commit, Config, Db, Durability, Finalize, NewBlock, Pruning};
use basalt_primitives::{H256, Header, OpaqueExtrinsic};
use basalt_state::ChangeSet;

/// As in the node.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const ROUNDS: u32 = 20;
/// Blocks, and transfers in each, of `db_speed transfers`: enough that files are written and merged many times.
const TRANSFER_BLOCKS: u32 = 300;
const BLOCK_TRANSFERS: u64 = 10_000;

/// A sequence of numbers without pattern: SplitMix64.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    }

    fn bytes(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(length);
        while bytes.len() < length {
            bytes.extend(self.next().to_le_bytes());
        }
        bytes.truncate(length);
        bytes
    }
}

fn key(index: u64) -> Vec<u8> {
    let mut key = vec![0x26; 32];
    key.extend(Dice(index).bytes(48));
    key
}

/// Time by the clock, and of it what this thread had a core: on a busy machine only the latter means anything.
struct Watch {
    start: Instant,
    cpu: Duration,
}

impl Watch {
    fn start() -> Self {
        Self { cpu: thread_cpu(), start: Instant::now() }
    }

    /// Nanoseconds per item: by the clock and of this thread.
    fn each(&self, count: usize) -> (f64, f64) {
        let (wall, cpu) = (self.start.elapsed(), thread_cpu() - self.cpu);
        (wall.as_nanos() as f64 / count as f64, cpu.as_nanos() as f64 / count as f64)
    }
}

/// Linux counts it in nanoseconds; elsewhere it is shown as zero.
fn thread_cpu() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    Duration::from_nanos(text.split(' ').next().and_then(|number| number.parse().ok()).unwrap_or(0))
}

/// All threads, in Linux's ticks of 10 ms; elsewhere zero.
fn process_cpu() -> Duration {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // After the name, which ends with the last bracket: field 14 and 15 of the whole line.
    let fields = text.rsplit(')').next().unwrap_or_default().split_whitespace().skip(11).take(2);
    let ticks: u64 = fields.filter_map(|field| field.parse::<u64>().ok()).sum();
    Duration::from_millis(10 * ticks)
}

/// Waits until background threads rest.
#[expect(clippy::disallowed_methods, reason = "RocksDB tells nobody when it has nothing left to do")]
fn settle() {
    let mut before = process_cpu();
    loop {
        std::thread::sleep(Duration::from_millis(400));
        let now = process_cpu();
        if now - before < Duration::from_millis(20) {
            return;
        }
        before = now;
    }
}

/// Nanoseconds per changed key.
fn commit(db: &Db, changes: &ChangeSet) -> Result<(f64, f64), Box<dyn Error>> {
    commit_block(db, &[], changes)
}

fn commit_block(
    db: &Db,
    body: &[OpaqueExtrinsic],
    changes: &ChangeSet,
) -> Result<(f64, f64), Box<dyn Error>> {
    let parent = db.finalized();
    let header = Header {
        parent_hash: parent.map_or_else(H256::zero, |id| id.hash),
        number: parent.map_or(0, |id| id.number + 1),
        ..Header::default()
    };
    let id = BlockId { hash: header.hash(), number: header.number };
    let watch = Watch::start();
    db.commit(Commit {
        insert: vec![NewBlock { hash: id.hash, header: &header, body, changes }],
        finalize: vec![Finalize { id, changes, justification: None }],
        drop: vec![],
        best: id,
    })?;
    Ok(watch.each(changes.len()))
}

fn open(path: &Path, durability: Durability) -> Result<Db, Box<dyn Error>> {
    let config = Config { pruning: Pruning::Keep(256), cache_bytes: 1 << 30, durability };
    Ok(Db::open(path, config)?)
}

fn commits(db: &Db, keys: u64, count: u64, name: &str) -> Result<(), Box<dyn Error>> {
    let mut dice = Dice(db.finalized().map_or(0, |id| id.number.into()));
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        let changes: ChangeSet =
            (0..count).map(|_| (key(dice.next() % (keys + keys / 10)), Some(dice.bytes(80)))).collect();
        times.push(commit(db, &changes)?);
    }
    times.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (best, best_cpu) = times[0];
    let (middle, middle_cpu) = times[times.len() / 2];
    println!(
        "commit of {count} changes, {name}: {:.2} us per key at best, {:.2} in the middle of {ROUNDS} (CPU {:.2}, {:.2})",
        best / 1e3,
        middle / 1e3,
        best_cpu / 1e3,
        middle_cpu / 1e3
    );
    Ok(())
}

fn gets(db: &Db, at: u32, name: &str, chosen: &[Vec<u8>]) -> Result<(), Box<dyn Error>> {
    let watch = Watch::start();
    for key in chosen {
        black_box(db.get_at(at, key)?);
    }
    let (each, cpu) = watch.each(chosen.len());
    println!("get, {name}: {each:.0} ns (CPU {cpu:.0})");
    Ok(())
}

/// Blocks of transfers between random accounts, with bodies. Background work counts until it rests.
fn transfers(accounts: u64, durability: Durability) -> Result<(), Box<dyn Error>> {
    let directory = tempfile::tempdir()?;
    let mut dice = Dice(accounts);
    let db = open(directory.path(), durability)?;
    let genesis = (0..accounts).map(|index| (key(index), Some(dice.bytes(80)))).collect();
    commit(&db, &genesis)?;
    db.compact()?;
    db.load_tree()?;
    settle();
    let (start, start_cpu) = (Instant::now(), process_cpu());
    let (mut own, mut thread, mut changed) = (Duration::ZERO, Duration::ZERO, 0);
    for _ in 0..TRANSFER_BLOCKS {
        let making = thread_cpu();
        let body: Vec<_> = (0..BLOCK_TRANSFERS).map(|_| OpaqueExtrinsic(dice.bytes(140))).collect();
        let changes: ChangeSet =
            (0..2 * BLOCK_TRANSFERS).map(|_| (key(dice.next() % accounts), Some(dice.bytes(80)))).collect();
        let committing = thread_cpu();
        commit_block(&db, &body, &changes)?;
        thread += thread_cpu() - committing;
        changed += changes.len();
        drop((body, changes));
        own += thread_cpu() - making;
    }
    own -= thread;
    let wall = start.elapsed();
    settle();
    let all = process_cpu() - start_cpu - own;
    let count = f64::from(TRANSFER_BLOCKS) * BLOCK_TRANSFERS as f64;
    let each = |time: Duration, count: f64| time.as_secs_f64() * 1e6 / count;
    println!(
        "{accounts} accounts, {changed} changes: per transfer {:.2} us CPU of the process, {:.2} of the committing thread; \
         per changed key {:.2} and {:.2}; {:.1} s by the clock",
        each(all, count),
        each(thread, count),
        each(all, changed as f64),
        each(thread, changed as f64),
        wall.as_secs_f64(),
    );
    let at = db.finalized().map_or(0, |id| id.number);
    let any: Vec<_> = (0..200_000).map(|_| key(dice.next() % accounts)).collect();
    gets(&db, at, "any of all accounts, cached", &any)?;
    gets(&db, at - 3, "any of all accounts, 3 blocks back", &any)?;
    drop(db);
    let config = Config { pruning: Pruning::Keep(256), cache_bytes: 0, durability };
    let opening = Instant::now();
    let db = Db::open(directory.path(), config)?;
    println!("open: {:.0} ms", opening.elapsed().as_secs_f64() * 1e3);
    gets(&db, at, "any of all accounts, no cache", &any)?;
    gets(&db, at - 3, "any of all accounts, 3 blocks back, no cache", &any)?;
    gets(&db, at - 70, "any of all accounts, 70 blocks back, no cache", &any[..20_000])?;
    let watch = Watch::start();
    for key in &any[..2_000] {
        black_box(db.next_key_at(at, key)?);
    }
    let (each, cpu) = watch.each(2_000);
    println!("next key: {each:.0} ns (CPU {cpu:.0})");
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    if std::env::args().nth(1).as_deref() == Some("transfers") {
        for accounts in [10_000, 1_000_000] {
            transfers(accounts, Durability::Block)?;
        }
        return Ok(());
    }
    let mut arguments = std::env::args().skip(1).map(|text| text.parse::<u64>());
    let keys = arguments.next().transpose()?.unwrap_or(1_000_000);
    let count = arguments.next().transpose()?.unwrap_or(20_000);
    let directory = tempfile::tempdir()?;
    let mut dice = Dice(7);

    {
        let db = open(directory.path(), Durability::Block)?;
        let genesis = (0..keys).map(|index| (key(index), Some(dice.bytes(80)))).collect();
        let (each, cpu) = commit(&db, &genesis)?;
        println!("genesis of {keys} keys: {:.2} us per key (CPU {:.2})", each / 1e3, cpu / 1e3);
    }
    {
        let start = Instant::now();
        let db = open(directory.path(), Durability::Block)?;
        println!("open: {:.0} ms", start.elapsed().as_secs_f64() * 1e3);
        let start = Instant::now();
        let tree = db.load_tree()?;
        println!("tree of {} keys, and cache: {:.0} ms", tree.len(), start.elapsed().as_secs_f64() * 1e3);
        drop(tree);
        commits(&db, keys, count, "fsync")?;

        let at = db.finalized().map_or(0, |id| id.number);
        let hot: Vec<_> = (0..1000).map(key).collect();
        let hot: Vec<_> = (0..1_000_000).map(|index| hot[index % hot.len()].clone()).collect();
        gets(&db, at, "1,000 keys in turn", &hot[..1000])?;
        gets(&db, at, "1,000 keys in turn, cached", &hot)?;
        let any: Vec<_> = (0..1_000_000).map(|_| key(dice.next() % keys)).collect();
        gets(&db, at, "any of all keys, cached", &any)?;
        let absent: Vec<_> = (0..100_000).map(|index| key(index + 2 * keys)).collect();
        gets(&db, at, "absent, first time", &absent)?;
        gets(&db, at, "absent, second time", &absent)?;
        gets(&db, at - 5, "any of all keys, 5 blocks back", &any)?;
    }
    {
        let start = Instant::now();
        let db = open(directory.path(), Durability::Off)?;
        println!("open after that: {:.0} ms", start.elapsed().as_secs_f64() * 1e3);
        let at = db.finalized().map_or(0, |id| id.number);
        let any: Vec<_> = (0..50_000).map(|_| key(dice.next() % keys)).collect();
        gets(&db, at, "any of all keys, from RocksDB", &any)?;
        gets(&db, at - 5, "any of all keys, 5 blocks back, through the history", &any)?;
        db.load_tree()?;
        commits(&db, keys, count, "no fsync")?;
        let start = Instant::now();
        let listed = db.keys_at(db.oldest_state(), &[], 100_000)?.len();
        println!(
            "listing keys of the oldest state: {:.2} us each",
            start.elapsed().as_secs_f64() * 1e6 / listed as f64
        );
        let start = Instant::now();
        let undone = db.undo_to(db.oldest_state())?.len();
        println!("undoing {undone} changes of all blocks: {:.0} ms", start.elapsed().as_secs_f64() * 1e3);
    }
    Ok(())
}
