//! Stop with whoever started this node.
//!
//! A supervisor holds the other end of the node's stdin and writes nothing. The system closes that end when the
//! supervisor ends, however it does: so no node is left, also after `kill -9`. It is how the supervisor asks a node to
//! stop, too: one way for both, which is therefore tested with every stop.

use std::{
    io::{self, Read},
    sync::mpsc,
    thread,
    time::Duration,
};

use tokio::sync::oneshot;

/// How long a node that lost its supervisor may take to stop: longer than a supervisor waits. Then it ends at once, as
/// on a power failure, which the database survives.
const PATIENCE: Duration = Duration::from_secs(60);

/// Hears when the supervisor has gone.
pub(crate) struct Parent(Option<oneshot::Receiver<()>>);

impl Parent {
    /// Watches stdin from now on, if there is somebody to watch.
    ///
    /// # Errors
    ///
    /// If the system gives no thread for it.
    pub(crate) fn watch(is_there: bool) -> io::Result<Self> {
        if !is_there {
            return Ok(Self(None));
        }
        let (gone, hear) = oneshot::channel();
        let watch = move || {
            let mut bytes = [0; 64];
            // Nothing is expected; an error means that stdin is of no use any more, too.
            while io::stdin().lock().read(&mut bytes).is_ok_and(|count| count > 0) {}
            // Without a listener the node is on its way down.
            let _ = gone.send(());
            let (_never, ended) = mpsc::sync_channel::<()>(1);
            let _ = ended.recv_timeout(PATIENCE);
            std::process::abort();
        };
        // The thread ends with the process.
        thread::Builder::new().name("parent".to_owned()).spawn(watch)?;
        Ok(Self(Some(hear)))
    }

    /// Waits until the supervisor has gone; for ever if there is none.
    pub(crate) async fn gone(self) {
        match self.0 {
            Some(hear) => drop(hear.await),
            None => std::future::pending().await,
        }
    }
}
