//! Where a running localnet listens for `ctl`, and how that is found.
//!
//! ```text
//! FOLDER/localnet.lock     held by the localnet as long as it runs, whatever becomes of it
//! FOLDER/localnet.json     where its socket is
//! FOLDER/localnet.sock     the socket; elsewhere if that path were too long for one
//! REGISTRY/HASH.json       where FOLDER is: one file for each localnet of this user
//! ```

use std::{
    fs::{self, File, TryLockError},
    io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use basalt_primitives::hashing::blake2_256;
use serde::{Deserialize, Serialize};
use tokio::{
    io::BufReader,
    net::{UnixListener, UnixStream},
    sync::{Semaphore, mpsc, oneshot},
    task::{JoinHandle, JoinSet},
    time::timeout,
};

use super::{
    error::LocalnetError,
    protocol::{self, Answer, Request},
    supervisor::Event,
};
use crate::folder::default_base;

/// Bytes that the path of a Unix socket may have, on every system.
const SOCKET_PATH_BYTES_MAX: usize = 100;

/// Connections at once. Each is one command of a person.
const CONNECTIONS_MAX: usize = 8;

/// How long a client may take to write or read its line.
const LINE_WAIT: Duration = Duration::from_secs(5);

/// How long a client waits for an answer: several nodes that stop and start one after the other on a slow machine.
const ANSWER_WAIT: Duration = Duration::from_secs(180);

/// How long the last answers may take to leave when the localnet ends.
const LAST_ANSWERS_WAIT: Duration = Duration::from_secs(1);

/// Localnets that the registry is searched for: more than ports allow.
const LOCALNETS_MAX: usize = 64;

/// Says where the socket of a localnet is.
#[derive(Debug, Serialize, Deserialize)]
struct Place {
    pid: u32,
    socket: PathBuf,
}

/// Says where a localnet is.
#[derive(Debug, Serialize, Deserialize)]
struct Entry {
    folder: PathBuf,
}

/// A folder that belongs to this process. Dropping it removes what says where the localnet is.
#[derive(Debug)]
pub(super) struct Claim {
    folder: PathBuf,
    socket: PathBuf,
    entry: PathBuf,
    /// Holds a socket whose path in the folder would be too long.
    _elsewhere: Option<tempfile::TempDir>,
    /// Held until the process ends.
    _lock: File,
}

/// Where localnets of this user are registered.
pub(super) fn registry() -> Result<PathBuf, LocalnetError> {
    let base = default_base().map_err(|error| LocalnetError::Home(Box::new(error)))?;
    Ok(base.join("localnets"))
}

impl Claim {
    /// Takes a folder, which must exist, for this process.
    ///
    /// # Errors
    ///
    /// If a localnet runs there.
    pub(super) fn take(folder: &Path, registry: &Path) -> Result<Self, LocalnetError> {
        let folder = fs::canonicalize(folder).map_err(LocalnetError::folder(folder))?;
        let lock_file = folder.join("localnet.lock");
        let lock = File::create(&lock_file).map_err(LocalnetError::folder(&lock_file))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(LocalnetError::Running { folder }),
            Err(TryLockError::Error(error)) => return Err(LocalnetError::Folder { path: lock_file, error }),
        }
        let inside = folder.join("localnet.sock");
        let (socket, elsewhere) = if inside.as_os_str().len() <= SOCKET_PATH_BYTES_MAX {
            (inside, None)
        } else {
            let made = tempfile::Builder::new().prefix("basalt-").tempdir();
            let made = made.map_err(LocalnetError::folder(std::env::temp_dir()))?;
            (made.path().join("localnet.sock"), Some(made))
        };
        fs::create_dir_all(registry).map_err(LocalnetError::folder(registry))?;
        let hash = blake2_256(folder.as_os_str().as_encoded_bytes());
        let entry = registry.join(format!("{}.json", const_hex::encode(&hash[..8])));
        Ok(Self { folder, socket, entry, _elsewhere: elsewhere, _lock: lock })
    }

    /// Where it is, in full.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Listens for `ctl`, and passes on what it asks. Runs on the runtime it is called from.
    pub(super) fn listen(&self, events: mpsc::Sender<Event>) -> Result<Listening, LocalnetError> {
        // Left behind by one that was killed; the lock says that nobody listens there.
        let _ = fs::remove_file(&self.socket);
        let listener = UnixListener::bind(&self.socket).map_err(LocalnetError::folder(&self.socket))?;
        // Only for whoever runs the localnet.
        let only_me = fs::Permissions::from_mode(0o600);
        fs::set_permissions(&self.socket, only_me).map_err(LocalnetError::folder(&self.socket))?;
        write(
            &self.folder.join("localnet.json"),
            &Place { pid: std::process::id(), socket: self.socket.clone() },
        )?;
        write(&self.entry, &Entry { folder: self.folder.clone() })?;
        let (stop, stopped) = oneshot::channel();
        Ok(Listening { task: tokio::spawn(serve(listener, events, stopped)), stop })
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        for file in [&self.entry, &self.folder.join("localnet.json"), &self.socket] {
            // Where nobody listens is found out by whoever asks, too.
            let _ = fs::remove_file(file);
        }
    }
}

/// A listener at work.
pub(super) struct Listening {
    task: JoinHandle<()>,
    stop: oneshot::Sender<()>,
}

impl Listening {
    /// Ends once the last answers have left.
    pub(super) async fn finish(self) {
        // An error means that it has ended already.
        let _ = self.stop.send(());
        let _ = self.task.await;
    }
}

async fn serve(listener: UnixListener, events: mpsc::Sender<Event>, mut stop: oneshot::Receiver<()>) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let mut connections = JoinSet::new();
    loop {
        // Before one is accepted, so that the system keeps further ones waiting.
        let place = tokio::select! {
            place = Arc::clone(&places).acquire_owned() => place,
            _ = &mut stop => break,
        };
        let Ok(place) = place else { break };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = &mut stop => break,
        };
        // An error is that of one client, who has gone.
        let Ok((connection, _)) = accepted else { continue };
        let events = events.clone();
        connections.spawn(async move {
            converse(connection, events).await;
            drop(place);
        });
        while connections.try_join_next().is_some() {}
    }
    let all = async { while connections.join_next().await.is_some() {} };
    // Who has not read its answer by then is cut off with the set.
    let _ = timeout(LAST_ANSWERS_WAIT, all).await;
}

/// One question and its answer.
async fn converse(mut connection: UnixStream, events: mpsc::Sender<Event>) {
    let (from, mut to) = connection.split();
    let read = timeout(LINE_WAIT, protocol::read::<Request>(BufReader::new(from))).await;
    let answer = match read {
        // It says nothing: whoever looks whether somebody listens does so.
        Err(_) => return,
        Ok(Err(error)) => {
            Answer::Refused(format!("{error}; is that `basalt localnet ctl` of another version?"))
        }
        Ok(Ok(request)) => {
            let (reply, answer) = oneshot::channel();
            // An error means that the supervisor is gone, and then there is no answer either.
            let _ = events.send(Event::Control { request, reply }).await;
            answer.await.unwrap_or_else(|_| Answer::Refused("the localnet has ended".to_owned()))
        }
    };
    // Who has hung up needs no answer.
    let _ = timeout(LINE_WAIT, protocol::write(&mut to, &answer)).await;
}

/// Asks the localnet in `folder`, or the only one there is. Also says where that is.
pub(super) async fn ask(
    folder: Option<&Path>,
    registry: &Path,
    request: &Request,
) -> Result<(PathBuf, Answer), LocalnetError> {
    let (folder, connection) = find(folder, registry).await?;
    let no_answer = |why: String| LocalnetError::NoAnswer { folder: folder.clone(), why };
    let mut connection = connection;
    let (from, mut to) = connection.split();
    let talk = async {
        protocol::write(&mut to, request).await?;
        protocol::read::<Answer>(BufReader::new(from)).await
    };
    match timeout(ANSWER_WAIT, talk).await {
        Ok(Ok(answer)) => Ok((folder, answer)),
        Ok(Err(error)) => Err(no_answer(error.to_string())),
        Err(_) => Err(no_answer(format!("it took longer than {} s", ANSWER_WAIT.as_secs()))),
    }
}

async fn find(folder: Option<&Path>, registry: &Path) -> Result<(PathBuf, UnixStream), LocalnetError> {
    if let Some(folder) = folder {
        let none = || LocalnetError::NoneRunning { folder: Some(folder.to_owned()) };
        let connection = connect(folder).await.ok_or_else(none)?;
        return Ok((folder.to_owned(), connection));
    }
    let mut running = Vec::new();
    // Without a registry none was ever started.
    let entries = fs::read_dir(registry).into_iter().flatten().flatten().take(LOCALNETS_MAX);
    for file in
        entries.map(|entry| entry.path()).filter(|file| file.extension().is_some_and(|it| it == "json"))
    {
        let Some(Entry { folder }) = read(&file) else { continue };
        match connect(&folder).await {
            Some(connection) => running.push((folder, connection)),
            // Of one that was killed.
            None => drop(fs::remove_file(&file)),
        }
    }
    match running.len() {
        0 => Err(LocalnetError::NoneRunning { folder: None }),
        1 => running.pop().ok_or(LocalnetError::NoneRunning { folder: None }),
        _ => Err(LocalnetError::SeveralRunning {
            folders: running.into_iter().map(|(folder, _)| folder).collect(),
        }),
    }
}

/// A connection to the localnet in a folder, if one listens.
async fn connect(folder: &Path) -> Option<UnixStream> {
    let place: Place = read(&folder.join("localnet.json"))?;
    UnixStream::connect(place.socket).await.ok()
}

fn read<T: for<'de> Deserialize<'de>>(file: &Path) -> Option<T> {
    serde_json::from_slice(&fs::read(file).ok()?).ok()
}

/// Writes a small file so that no reader ever sees half of it.
fn write<T: Serialize>(file: &Path, value: &T) -> Result<(), LocalnetError> {
    let to_write = serde_json::to_vec(value)?;
    let beside = file.with_extension("tmp");
    let written: io::Result<()> = fs::write(&beside, to_write).and_then(|()| fs::rename(&beside, file));
    written.map_err(LocalnetError::folder(file))
}
