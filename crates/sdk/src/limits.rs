//! The bounds of this crate: name, unit, effect, reason.

use std::time::Duration;

/// 1 MiB: the kernel drops longer lines, so they are refused here, where the cause is known.
pub const LINE_BYTES_MAX: usize = 1 << 20;

/// 16 MiB: a longer line from the kernel is dropped, which bounds memory on a broken pipe.
pub const INBOUND_BYTES_MAX: usize = 16 << 20;

/// 256 UTF-16 units: the contract's bound for ids, services, methods and topics.
pub const NAME_UNITS_MAX: usize = 256;

/// 1,024 calls wait for a free handler; the next is answered `overloaded`. The kernel's own bound of unanswered calls.
pub const CALLS_QUEUED_MAX: usize = 1024;

/// 4,096 messages and hooks wait for a free handler; the next message is lost and counted in the log.
pub const MESSAGES_QUEUED_MAX: usize = 4096;

/// 16 pieces of a stream may be sent before its reader grants more, so that memory stays bounded on both sides.
pub const STREAM_WINDOW: u64 = 16;

/// 32 pieces of a stream wait for their reader: twice the window, so that only a sender that ignores its credit can
/// get there. The call then fails with `stream overrun`.
pub const CHUNKS_QUEUED_MAX: usize = 32;

/// 30 s without a grant, and a stream is given up: its reader has forgotten it.
pub const CREDIT_WAIT: Duration = Duration::from_secs(30);

/// 1 h: the kernel answers every call long before; this ends a wait on a broken kernel.
pub const CALL_WAIT_MAX: Duration = Duration::from_secs(3600);

/// 4 s for running handlers and the shutdown hook, inside the kernel's default grace of 5 s.
pub const DRAIN: Duration = Duration::from_secs(4);

/// 16 KiB are read at once: most lines fit whole, and a thousand small modules stay small.
pub(crate) const READ_BYTES: usize = 16 << 10;

/// 1 MiB of stack for the reading thread: it parses nested JSON, to the parser's own depth limit, and runs no handler.
pub(crate) const READER_STACK_BYTES: usize = 1 << 20;

/// 100 ms: how long a sender waits for room in a lane before it looks whether the kernel is still there.
pub(crate) const LANE_WAIT: Duration = Duration::from_millis(100);

/// 64 frames are taken from a lane before the kernel is told of the room.
pub(crate) const LANE_FRAMES: usize = 64;
