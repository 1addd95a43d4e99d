//! Machine code on disk, so that a node that starts again need not compile.
//!
//! Such a file is code that will run with the node's rights. So the folder is this user's alone, files are written aside and
//! renamed, and one is only used if its digest is right; anything else in the folder is ignored, and written anew when the
//! code is compiled the next time.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
    time::SystemTime,
};

use basalt_primitives::hashing::blake2_256;
use parking_lot::Mutex;

const MAGIC: &[u8; 8] = b"bslt-mc1";
/// Magic, length of the machine code, digest of name and machine code.
const HEADER_BYTES: usize = 8 + 8 + 32;
const SUFFIX: &str = ".machine-code";
const ASIDE: &str = ".unfinished";

/// Names machine code: what was compiled, and by what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Name {
    /// Of the rewritten module, so that another rule of metering or another policy has another name.
    module: [u8; 32],
    /// Of the engine: version, processor, settings.
    fingerprint: u64,
}

impl Name {
    pub(crate) fn new(module: &[u8], fingerprint: u64) -> Self {
        Self { module: blake2_256(module), fingerprint }
    }

    fn file(&self) -> String {
        let mut text = String::with_capacity(96);
        for byte in self.module.iter().chain(&self.fingerprint.to_be_bytes()) {
            text.push(char::from_digit(u32::from(byte >> 4), 16).unwrap_or('0'));
            text.push(char::from_digit(u32::from(byte & 15), 16).unwrap_or('0'));
        }
        text + SUFFIX
    }

    fn digest(&self, machine_code: &[u8]) -> [u8; 32] {
        let mut text = self.file().into_bytes();
        text.extend_from_slice(&blake2_256(machine_code));
        blake2_256(&text)
    }
}

/// Machine code as this node wrote it: the digest is right.
pub(crate) struct Artefact {
    file: Vec<u8>,
}

impl Artefact {
    pub(crate) fn bytes(&self) -> &[u8] {
        self.file.get(HEADER_BYTES..).unwrap_or_default()
    }

    fn check(file: Vec<u8>, name: &Name) -> Option<Self> {
        let (header, machine_code) = file.split_at_checked(HEADER_BYTES)?;
        let length = (machine_code.len() as u64).to_le_bytes();
        let right = header.get(..8)? == MAGIC
            && header.get(8..16)? == length
            && header.get(16..)? == name.digest(machine_code);
        right.then_some(Self { file })
    }
}

/// What the folder has under a name.
pub(crate) enum Found {
    Nothing,
    /// A file that is not whole, or not ours.
    Wrong,
    Artefact(Artefact),
}

/// The folder.
pub(crate) struct Disk {
    folder: PathBuf,
    bytes_max: u64,
    /// Of all files, as far as this process knows.
    bytes: AtomicU64,
    written: AtomicU64,
    /// One thread at a time makes room.
    room: Mutex<()>,
}

impl Disk {
    /// Makes the folder if need be, and closes it to other users.
    pub(crate) fn open(folder: &Path, bytes_max: u64) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        // Also of a folder that was there. Fails if it belongs to somebody else.
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700))?;
        let disk = Self {
            folder: folder.to_owned(),
            bytes_max,
            bytes: AtomicU64::new(0),
            written: AtomicU64::new(0),
            room: Mutex::new(()),
        };
        // What a crash left.
        for (path, ..) in disk.files(ASIDE)? {
            fs::remove_file(path)?;
        }
        let bytes = disk.files(SUFFIX)?.iter().map(|(_, _, length)| length).sum();
        disk.bytes.store(bytes, Ordering::Relaxed);
        Ok(disk)
    }

    pub(crate) fn read(&self, name: &Name) -> Found {
        let Ok(mut file) = File::open(self.folder.join(name.file())) else { return Found::Nothing };
        let mut bytes = Vec::new();
        match file.read_to_end(&mut bytes) {
            Ok(_) => Artefact::check(bytes, name).map_or(Found::Wrong, Found::Artefact),
            Err(_) => Found::Wrong,
        }
    }

    /// Writes machine code that was just compiled, in place of what was there; then removes the oldest if there is too much.
    pub(crate) fn write(&self, name: &Name, machine_code: &[u8]) -> io::Result<()> {
        let number = self.written.fetch_add(1, Ordering::Relaxed);
        let aside = self.folder.join(format!("{}-{number}{ASIDE}", std::process::id()));
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&aside)?;
        let result = file
            .write_all(MAGIC)
            .and_then(|()| file.write_all(&(machine_code.len() as u64).to_le_bytes()))
            .and_then(|()| file.write_all(&name.digest(machine_code)))
            .and_then(|()| file.write_all(machine_code))
            // Not flushed to the disk: after a crash, half a file has the wrong digest.
            .and_then(|()| fs::rename(&aside, self.folder.join(name.file())));
        if result.is_err() {
            // Best effort: the first error is the one to tell.
            let _ = fs::remove_file(&aside);
        }
        result?;
        let length = (HEADER_BYTES + machine_code.len()) as u64;
        if self.bytes.fetch_add(length, Ordering::Relaxed) + length > self.bytes_max {
            self.make_room()?;
        }
        Ok(())
    }

    /// Removes the oldest until a tenth is free.
    fn make_room(&self) -> io::Result<()> {
        let _one = self.room.lock();
        let mut files = self.files(SUFFIX)?;
        files.sort_by_key(|(_, modified, _)| *modified);
        let mut bytes: u64 = files.iter().map(|(_, _, length)| length).sum();
        let target = if bytes > self.bytes_max { self.bytes_max - self.bytes_max / 10 } else { bytes };
        for (path, _, length) in files {
            if bytes <= target {
                break;
            }
            fs::remove_file(path)?;
            bytes -= length;
        }
        self.bytes.store(bytes, Ordering::Relaxed);
        Ok(())
    }

    fn files(&self, suffix: &str) -> io::Result<Vec<(PathBuf, SystemTime, u64)>> {
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            let ours = entry.file_name().to_str().is_some_and(|name| name.ends_with(suffix));
            let metadata = entry.metadata()?;
            if ours && metadata.is_file() {
                files.push((entry.path(), metadata.modified()?, metadata.len()));
            }
        }
        Ok(files)
    }
}
