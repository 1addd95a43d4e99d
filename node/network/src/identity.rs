//! The name of this node: an ed25519 key that stays the same over restarts.

use std::{
    fs::{self, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use libp2p::identity::Keypair;
use zeroize::Zeroizing;

use crate::{Identity, NetworkError};

#[cfg(test)]
mod tests;

/// The name of the file in the folder of the identity.
pub const SECRET_FILE: &str = "network-secret";
const SECRET_BYTES: usize = 32;

/// Reads or makes the key.
pub(crate) fn load(identity: &Identity) -> Result<Keypair, NetworkError> {
    match identity {
        Identity::Random => Ok(Keypair::generate_ed25519()),
        Identity::Secret(secret) => keypair(secret.clone()),
        Identity::Folder(folder) => {
            let path = folder.join(SECRET_FILE);
            match read(&path)? {
                Some(secret) => keypair(secret),
                None => make(folder, &path),
            }
        }
    }
}

fn keypair(mut secret: Zeroizing<[u8; SECRET_BYTES]>) -> Result<Keypair, NetworkError> {
    Keypair::ed25519_from_bytes(&mut secret[..]).map_err(|e| NetworkError::Secret { detail: e.to_string() })
}

fn read(path: &Path) -> Result<Option<Zeroizing<[u8; SECRET_BYTES]>>, NetworkError> {
    let at = |error| NetworkError::File { path: path.to_owned(), error };
    let mut file = match fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(at(error)),
    };
    let meta = file.metadata().map_err(at)?;
    let mode = meta.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(NetworkError::IdentityMode { path: path.to_owned(), mode });
    }
    if meta.len() != SECRET_BYTES as u64 {
        return Err(NetworkError::Identity { path: path.to_owned(), bytes: meta.len() });
    }
    let mut secret = Zeroizing::new([0; SECRET_BYTES]);
    file.read_exact(&mut secret[..]).map_err(at)?;
    Ok(Some(secret))
}

/// Makes a key and stores it, whole or not at all: it is written beside and put in its place when it is on disk.
fn make(folder: &Path, path: &Path) -> Result<Keypair, NetworkError> {
    let keypair = Keypair::generate_ed25519();
    let ed25519 =
        keypair.clone().try_into_ed25519().map_err(|e| NetworkError::Secret { detail: e.to_string() })?;
    let secret = ed25519.secret();
    let beside = PathBuf::from(format!("{}.new", path.display()));
    let work = || {
        fs::create_dir_all(folder)?;
        // What a crash may have left half-written is of no use to anybody.
        match fs::remove_file(&beside) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
        file.write_all(secret.as_ref())?;
        file.sync_all()?;
        fs::rename(&beside, path)?;
        fs::File::open(folder)?.sync_all()
    };
    work().map_err(|error| NetworkError::File { path: path.to_owned(), error })?;
    Ok(keypair)
}
