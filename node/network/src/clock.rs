//! The time, as one number that never goes back.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use basalt_primitives::Moment;

/// Milliseconds since 1970 when the process began, and from there on by a clock that nobody sets.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    begin: Instant,
    wall: Moment,
}

impl Clock {
    pub(crate) fn start() -> Self {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { begin: Instant::now(), wall: u64::try_from(wall.as_millis()).unwrap_or(0) }
    }

    pub(crate) fn now(&self) -> Moment {
        let passed = u64::try_from(self.begin.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.wall.saturating_add(passed)
    }
}
