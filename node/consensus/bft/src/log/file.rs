//! A log in a file.

use std::{
    fs::{File, OpenOptions},
    io::{Read, Result, Seek, SeekFrom, Write},
    path::Path,
};

use super::Storage;

/// One file, written at its end.
#[derive(Debug)]
pub struct FileStorage {
    file: File,
    /// Whether the file's length has changed in a way that the next sync must make durable too.
    resized: bool,
}

impl FileStorage {
    /// Opens the file, or makes it: durable, with its name in the folder.
    ///
    /// # Errors
    ///
    /// Those of the disk.
    pub fn open(path: &Path) -> Result<Self> {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        file.sync_all()?;
        if let Some(folder) = path.parent() {
            File::open(folder)?.sync_all()?;
        }
        Ok(Self { file, resized: false })
    }
}

impl Storage for FileStorage {
    fn read(&mut self) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.file.seek(SeekFrom::Start(0))?;
        self.file.read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn reset(&mut self, bytes: &[u8]) -> Result<()> {
        self.file.set_len(0)?;
        self.file.seek(SeekFrom::Start(0))?;
        self.file.write_all(bytes)?;
        self.resized = true;
        Ok(())
    }

    fn truncate(&mut self, length: u64) -> Result<()> {
        self.file.set_len(length)?;
        self.file.seek(SeekFrom::Start(length))?;
        self.resized = true;
        Ok(())
    }

    fn append(&mut self, bytes: &[u8]) -> Result<()> {
        self.file.write_all(bytes)
    }

    fn sync(&mut self) -> Result<()> {
        // `sync_data` makes the length durable too where it matters for reading; a shorter one is made so by `sync_all`.
        if std::mem::take(&mut self.resized) { self.file.sync_all() } else { self.file.sync_data() }
    }
}
