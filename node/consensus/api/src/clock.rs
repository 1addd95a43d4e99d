//! Time, which tests turn by hand.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use basalt_primitives::Moment;
use futures::future::BoxFuture;

/// Tells the time, and wakes.
pub trait Clock: Send + Sync {
    /// Milliseconds since 1970.
    fn now_ms(&self) -> Moment;

    /// Ends after this long.
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()>;
}

/// The machine's clock. Sleeping needs a tokio runtime with time.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now_ms(&self) -> Moment {
        // A clock before 1970 is no clock: engines move on from the last block's time then.
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Moment::try_from(since.as_millis()).unwrap_or(Moment::MAX)
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(duration))
    }
}
