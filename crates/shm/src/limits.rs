//! The bounds of a lane: name, unit, effect, reason.

use std::time::Duration;

/// 64 KiB for each direction: three hundred frames of 200 bytes, in the nearest caches of most machines; a module that
/// falls further behind than this waits in the sender's own queue.
pub const RING_BYTES_DEFAULT: u32 = 64 << 10;

/// 4 KiB: a smaller ring would hold not even one usual frame.
pub const RING_BYTES_MIN: u32 = 4 << 10;

/// 16 MiB: a ring holds memory for as long as its module lives.
pub const RING_BYTES_MAX: u32 = 16 << 20;

/// 2 MiB: a module's line may be 1 MiB, and what it carries is handed on under a header that may be a little longer.
pub const FRAME_BYTES_MAX: usize = 2 << 20;

/// 50 µs: the longest look at the ring before going to sleep. A wake-up on another core takes about half of it, so that a
/// side that was just woken can still catch one that looks.
pub const SPIN_MAX: Duration = Duration::from_micros(50);

/// 2 µs: a shorter look finds nothing that was not there already, so below this there is no look at all.
pub const SPIN_MIN: Duration = Duration::from_micros(2);

/// 256 short sleeps in a row, then one long look: finds out that the peer runs on a core of its own again, and costs a
/// fifth of a microsecond a sleep where it does not.
pub const SLEEPS_PER_TRY: u32 = 256;

/// 200 µs: a sleep is short when it ended before; anything longer says that there is little traffic.
pub const SHORT_SLEEP: Duration = Duration::from_micros(200);

/// 32 glances between two looks at the clock, which costs as much as a few of them.
pub(crate) const GLANCES: u32 = 32;

/// 16 KiB: a buffer that grew beyond this is given back when its frame is out, so that one long frame does not cost its
/// memory for the rest of the lane's life.
pub(crate) const BUFFER_BYTES_KEPT: usize = 16 << 10;
