//! The peer store on disk: `peers.json`, always whole.

use std::{
    fs,
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use super::Entry;
use crate::{NetworkError, limits};

/// The name of the file.
const NAME: &str = "peers.json";

/// Reads the file in `folder`. One that is broken is put aside with a warning: peers are found anew, and a node that does
/// not start for their sake helps nobody.
pub(crate) fn read(folder: &Path) -> Result<Vec<Entry>, NetworkError> {
    let path = folder.join(NAME);
    let at = |error| NetworkError::File { path: path.clone(), error };
    let file = match fs::File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(at(error)),
    };
    let mut text = String::new();
    let read = file.take(limits::PEER_FILE_BYTES_MAX).read_to_string(&mut text);
    let parsed = match read {
        Ok(_) => serde_json::from_str(&text).map_err(|e| e.to_string()),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => Err(error.to_string()),
        Err(error) => return Err(at(error)),
    };
    match parsed {
        Ok(entries) => Ok(entries),
        Err(detail) => {
            let aside = folder.join(format!("{NAME}.broken"));
            tracing::warn!(
                file = %path.display(), %detail, kept_as = %aside.display(),
                "the file of known peers does not parse; starting without it"
            );
            fs::rename(&path, &aside).map_err(at)?;
            Ok(Vec::new())
        }
    }
}

/// Writes the file anew beside the old one, and puts it in its place.
pub(crate) fn write(folder: &Path, entries: &[Entry]) -> Result<(), NetworkError> {
    let path = folder.join(NAME);
    let text = serde_json::to_vec_pretty(entries)
        .map_err(|e| NetworkError::File { path: path.clone(), error: io::Error::other(e) })?;
    replace(&path, &text)
}

/// Puts `bytes` in the place of a file, so that there is always the old or the new one, whole.
fn replace(path: &Path, bytes: &[u8]) -> Result<(), NetworkError> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let beside = PathBuf::from(beside);
    let work = || {
        let mut file = fs::File::create(&beside)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&beside, path)
    };
    work().map_err(|error| NetworkError::File { path: path.to_owned(), error })
}
