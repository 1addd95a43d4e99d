//! The wish to stop.

use tokio::sync::watch;

/// Asks an engine to stop: by [`Stop::stop`], or when it is dropped.
#[derive(Debug)]
pub struct Stop(watch::Sender<bool>);

/// Tells an engine that it should stop.
#[derive(Debug, Clone)]
pub struct Shutdown(watch::Receiver<bool>);

impl Shutdown {
    /// Both ends.
    pub fn new() -> (Stop, Self) {
        let (sender, receiver) = watch::channel(false);
        (Stop(sender), Self(receiver))
    }

    /// Ends when the engine should stop.
    pub async fn requested(&mut self) {
        // An error says that the other end is gone, which means the same.
        let _ = self.0.wait_for(|stop| *stop).await;
    }
}

impl Stop {
    /// Asks.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }
}
