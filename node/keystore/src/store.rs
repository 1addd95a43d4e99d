//! The folder.

use std::{
    fs::{self, File},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::{Path, PathBuf},
};

use basalt_primitives::{AccountId, keys::Pair, signature};
use zeroize::Zeroizing;

use crate::{
    KeyType, KeystoreError, VotePair, VrfPair,
    files::{self, FILE_BYTES_MAX},
};

/// The most files of a keystore: a validator needs three, and keeps old keys after it rotated them.
pub(crate) const FILES_MAX: usize = 10_000;

/// A folder of secret keys.
///
/// Nothing is cached: a key that another process put there is found the next time, and secrets are in memory only as long
/// as their pairs.
#[derive(Debug, Clone)]
pub struct Keystore {
    folder: PathBuf,
}

impl Keystore {
    /// Opens the folder, or makes it, and checks every key of ours in it.
    ///
    /// # Errors
    ///
    /// Also if a single file is wrong or can be read by others: a validator should find out when it starts, not when it is
    /// its turn.
    pub fn open(folder: impl Into<PathBuf>) -> Result<Self, KeystoreError> {
        let keystore = Self { folder: folder.into() };
        make_private(&keystore.folder).map_err(|error| keystore.unusable(error))?;
        for kind in KeyType::ALL {
            for public in keystore.keys(kind)? {
                keystore.pair(kind, &public)?;
            }
        }
        Ok(keystore)
    }

    /// Where it is.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Keeps the key of a secret URI; answers its public key. What is kept already is no error.
    pub fn insert(&self, kind: KeyType, suri: &str) -> Result<[u8; 32], KeystoreError> {
        let (_, public) = files::pair(kind, suri)?;
        self.write(kind, &public, suri)?;
        Ok(public)
    }

    /// Keeps the key of a secret URI if it is the one that the caller expects.
    pub fn insert_expected(
        &self,
        kind: KeyType,
        suri: &str,
        expected: [u8; 32],
    ) -> Result<(), KeystoreError> {
        let (_, actual) = files::pair(kind, suri)?;
        if actual != expected {
            return Err(KeystoreError::OtherKey { actual, expected });
        }
        self.write(kind, &actual, suri)
    }

    /// Makes a new key, and keeps it; answers its public key.
    pub fn generate(&self, kind: KeyType) -> Result<[u8; 32], KeystoreError> {
        let (_, phrase) = Pair::generate(kind.scheme(), 12)?;
        self.insert(kind, phrase.as_str())
    }

    /// Whether there is a key.
    pub fn has(&self, kind: KeyType, public: &[u8; 32]) -> Result<bool, KeystoreError> {
        let path = self.path(kind, public);
        path.try_exists().map_err(|error| KeystoreError::Read { path, error })
    }

    /// The public keys of a type, sorted.
    pub fn keys(&self, kind: KeyType) -> Result<Vec<[u8; 32]>, KeystoreError> {
        let mut keys = Vec::new();
        let entries = fs::read_dir(&self.folder).map_err(|error| self.unusable(error))?;
        for (entry, count) in entries.zip(0..) {
            if count == FILES_MAX {
                return Err(KeystoreError::TooManyFiles(self.folder.clone()));
            }
            let name = entry.map_err(|error| self.unusable(error))?.file_name();
            match name.to_str().and_then(files::parse_name) {
                Some((found, public)) if found == kind => keys.push(public),
                _ => {}
            }
        }
        keys.sort_unstable();
        Ok(keys)
    }

    /// The vote key with this public key, if it is here.
    pub fn vote_pair(&self, public: &[u8; 32]) -> Result<Option<VotePair>, KeystoreError> {
        Ok(self.pair(KeyType::Vote, public)?.map(|pair| VotePair::new(pair, *public)))
    }

    /// The VRF key with this public key, if it is here.
    pub fn vrf_pair(&self, public: &[u8; 32]) -> Result<Option<VrfPair>, KeystoreError> {
        Ok(self.pair(KeyType::Vrf, public)?.map(|pair| VrfPair::new(&pair)))
    }

    /// That whoever has this keystore is `owner`: both keys' signatures of
    /// [`possession_statement`](signature::possession_statement), as `session.setKeys` takes them.
    ///
    /// # Errors
    ///
    /// If a key is not here.
    pub fn prove_possession(
        &self,
        vote: &[u8; 32],
        vrf: &[u8; 32],
        owner: &AccountId,
    ) -> Result<Vec<u8>, KeystoreError> {
        let missing = |kind, public: &[u8; 32]| KeystoreError::Missing { kind, public: *public };
        let statement = signature::possession_statement(owner);
        let vote = self.vote_pair(vote)?.ok_or_else(|| missing(KeyType::Vote, vote))?.sign(&statement);
        let vrf = self.vrf_pair(vrf)?.ok_or_else(|| missing(KeyType::Vrf, vrf))?.sign(&statement);
        Ok([vote, vrf].concat())
    }

    fn path(&self, kind: KeyType, public: &[u8; 32]) -> PathBuf {
        self.folder.join(files::name(kind, public))
    }

    fn unusable(&self, error: io::Error) -> KeystoreError {
        KeystoreError::Folder { path: self.folder.clone(), error }
    }

    fn pair(&self, kind: KeyType, public: &[u8; 32]) -> Result<Option<Pair>, KeystoreError> {
        let path = self.path(kind, public);
        let Some(bytes) = read_private(&path)? else { return Ok(None) };
        let Some(secret) = files::parse_content(&bytes) else { return Err(KeystoreError::Malformed(path)) };
        match files::pair(kind, &secret) {
            Ok((pair, actual)) if actual == *public => Ok(Some(pair)),
            Ok((_, actual)) => Err(KeystoreError::Misnamed { path, actual }),
            Err(error) => Err(KeystoreError::Secret { path, kind, error }),
        }
    }

    /// Writes a file as a whole or not at all, for its owner only.
    fn write(&self, kind: KeyType, public: &[u8; 32], secret: &str) -> Result<(), KeystoreError> {
        let path = self.path(kind, public);
        let content = files::content(secret);
        if content.len() as u64 > FILE_BYTES_MAX {
            return Err(KeystoreError::TooLarge { path, bytes: content.len() as u64 });
        }
        let write = || -> io::Result<()> {
            // It is made with mode 600, and removed if we do not get to the end.
            let mut file = tempfile::NamedTempFile::new_in(&self.folder)?;
            file.write_all(&content)?;
            file.as_file().sync_all()?;
            file.persist(&path).map_err(|error| error.error)?;
            File::open(&self.folder)?.sync_all()
        };
        write().map_err(|error| KeystoreError::Write { path, error })
    }
}

/// Makes a folder for its owner only, unless it is there. Those above it are made as usual.
fn make_private(folder: &Path) -> io::Result<()> {
    if let Some(above) = folder.parent() {
        fs::create_dir_all(above)?;
    }
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// A file that nobody but its owner can read or write; none if there is none.
fn read_private(path: &Path) -> Result<Option<Zeroizing<Vec<u8>>>, KeystoreError> {
    let unreadable = |error| KeystoreError::Read { path: path.to_owned(), error };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable(error)),
    };
    // Of what is open, not of what stands there by now.
    let metadata = file.metadata().map_err(unreadable)?;
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(KeystoreError::Exposed { path: path.to_owned(), mode });
    }
    if metadata.len() > FILE_BYTES_MAX {
        return Err(KeystoreError::TooLarge { path: path.to_owned(), bytes: metadata.len() });
    }
    // The buffer never grows, so no copy of a secret stays behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(FILE_BYTES_MAX as usize + 1));
    file.take(FILE_BYTES_MAX).read_to_end(&mut bytes).map_err(unreadable)?;
    Ok(Some(bytes))
}
