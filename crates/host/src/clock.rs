//! The clocks: a monotonic one since the start for decisions, the wall clock for people.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use abi::{Time, Wall};

/// Both clocks, read at the same moment once, so that a decision's time can be told as a wall clock time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    started: Instant,
    started_wall: Wall,
}

impl Clock {
    pub(crate) fn start() -> Self {
        Self { started: Instant::now(), started_wall: wall_now() }
    }

    /// Time as the kernel counts it.
    pub(crate) fn now(&self) -> Time {
        Time(u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX))
    }

    /// When a moment of the kernel's comes, for a timer; a moment in the past is now.
    pub(crate) fn instant(&self, at: Time) -> Instant {
        // One millisecond more, because `now` cuts off what is below: a timer must not fire before its moment.
        self.started + Duration::from_millis(at.0.saturating_add(u64::from(at.0 > 0)))
    }

    /// When a moment of the kernel's was or will be, on the wall clock as it stood at the start.
    pub(crate) fn wall_of(&self, at: Time) -> Wall {
        Wall(self.started_wall.0.saturating_add(at.0))
    }

    pub(crate) fn started_wall(&self) -> Wall {
        self.started_wall
    }
}

/// Now, for people.
pub(crate) fn wall_now() -> Wall {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Wall(u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX))
}
