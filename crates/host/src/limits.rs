//! The host's own bounds, those that more than one file here keeps: name, unit, effect, reason.

use std::time::Duration;

/// 16 KiB from one pipe in one turn: some hundred frames, below a millisecond of work, so that a flooding module delays
/// the others by no more than that.
pub(crate) const READ_BYTES: usize = 16 << 10;

/// 4 KiB from one pipe of a module that is slowed: below a hundred frames, some ten microseconds of work. Fewer at a time would
/// be no kindness to others: each read meets one of their frames, however short it is.
pub(crate) const READ_BYTES_SLOWED: usize = 4 << 10;

/// 20 ms: so long at the least is a module not heard that has spent what its frames are paid from. What it says is then taken
/// fifty times a second instead of a thousand, and so many of other modules' frames meet it and not more; its own wait in
/// its pipe a little longer, which is where more than it may send belongs.
pub(crate) const OWING_REST: Duration = Duration::from_millis(20);

/// 32 reads in a row that fill the buffer are a flood; the reader then rests for [`FLOOD_REST`], so that a flooding
/// module takes less than half of the kernel's processor and is slowed down by its own full pipe.
pub(crate) const FLOOD_READS: u32 = 32;

/// 5 ms: see [`FLOOD_READS`].
pub(crate) const FLOOD_REST: Duration = Duration::from_millis(5);

/// 50 µs of looking at the pipes again and again before sleeping, after the last frame, and begun only while a call is
/// open. Waking a sleeping thread on another core costs 18 to 50 µs, so a look that finds the next frame within this
/// time is cheaper, and one that does not has cost no more than the wake-up would.
pub(crate) const LOOK_OUT: Duration = Duration::from_micros(50);

/// 8 look-outs in a row that found nothing: the modules take longer than that to answer.
pub(crate) const LOOK_OUTS_IN_VAIN_MAX: u32 = 8;

/// 64 look-outs are left out then, so that slow modules cost the kernel some microseconds a call and not 50.
pub(crate) const LOOK_OUTS_LEFT_OUT: u32 = 64;

/// 64 frames from one lane in one turn: as many as a read of a pipe gives, for the same reason.
pub(crate) const LANE_FRAMES: usize = 64;

/// 16,384 frames are taken at the most from what a dead process left in its lane: twice as many as a ring holds of the
/// smallest, so that a grandchild that goes on writing can't hold up the restart.
pub(crate) const LAST_WORDS_FRAMES_MAX: usize = 16 << 10;

/// 1 MiB is read at the most from what a dead process left in each pipe, so that a grandchild that goes on writing
/// can't hold up the restart.
pub(crate) const LAST_WORDS_BYTES_MAX: usize = 1 << 20;

/// 64 operators at once: people, a dashboard, scripts; more is a loop gone wild.
pub(crate) const CONNECTIONS_MAX: usize = 64;

/// 16,384 events wait for one operator that reads slowly, so that a burst of log lines passes whole; what comes next is
/// counted as lost. The bound in bytes is the one that keeps memory.
pub(crate) const EVENTS_WAITING_MAX: usize = 16 << 10;

/// 8 MiB of events wait for one operator at the most: two longest lines.
pub(crate) const EVENT_BYTES_WAITING_MAX: usize = 8 << 20;

/// 64 KiB: a longer line on stderr, or on the stdout of a plain command, is dropped and counted; a log keeps no longer one.
pub(crate) const LOG_LINE_BYTES_MAX: usize = 64 << 10;

const _: () = assert!(EVENT_BYTES_WAITING_MAX >= protocol::operator::OPERATOR_LINE_BYTES_MAX);
