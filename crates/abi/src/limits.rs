//! Limits that more than one room must agree on: name, unit, effect, reason.

/// 64 bytes: a module's name is also a file name, a column in an 80-column table and a cgroup name.
pub const MODULE_ID_BYTES_MAX: usize = 64;

/// 256 UTF-16 units: the module door's own bound for ids, services, methods and topics.
pub const NAME_UNITS_MAX: usize = 256;

/// 1 MiB: the default bound of one line on the module door; a longer one is dropped up to its newline and counted.
pub const LINE_BYTES_MAX_DEFAULT: usize = 1 << 20;

/// 512 frames: the default bound of a module's outgoing queue; past it calls are answered `overloaded`.
pub const QUEUE_FRAMES_MAX_DEFAULT: usize = 512;

/// 8 MiB: the default bound of a module's outgoing queue in bytes, which lets eight largest lines wait.
pub const QUEUE_BYTES_MAX_DEFAULT: usize = 8 << 20;

/// 1,024 calls: how many unanswered calls one module may have; the next is answered `overloaded`.
pub const CALLS_PENDING_MAX: usize = 1024;

/// 4 KiB: how much of a dead module's stderr is kept for its crash report.
pub const STDERR_TAIL_BYTES: usize = 4096;

/// 4,096 modules on one kernel: the table is scanned at reload, so it stays within what one page of memory maps.
pub const MODULES_MAX: usize = 4096;

/// 64 permission requests may be pending for one module; a further one is refused, so that no module can flood an operator.
pub const PERMISSION_REQUESTS_MAX: usize = 64;
