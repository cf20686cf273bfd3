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

    /// The clock of a kernel that was in this program's place before: it began so long ago.
    pub(crate) fn inherited(age: Duration, started_wall: Wall) -> Self {
        let now = Instant::now();
        // A machine that has not run for so long has another clock than that kernel had.
        Self { started: now.checked_sub(age).unwrap_or(now), started_wall }
    }

    /// When it began, in nanoseconds of the system's monotonic clock.
    pub(crate) fn began_ns(&self) -> u64 {
        monotonic_ns().saturating_sub(u64::try_from(self.started.elapsed().as_nanos()).unwrap_or(u64::MAX))
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

/// The system's monotonic clock, which goes on when another program takes this one's place, in nanoseconds.
pub(crate) fn monotonic_ns() -> u64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    let seconds = u64::try_from(now.tv_sec).unwrap_or_default();
    seconds.saturating_mul(1_000_000_000).saturating_add(u64::try_from(now.tv_nsec).unwrap_or_default())
}

/// Now, for people.
pub(crate) fn wall_now() -> Wall {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Wall(u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX))
}
