//! The limits of the function cache: name, unit, effect, reason.

use std::time::Duration;

use crate::engine::MEMORY_BYTES_CEILING;

/// 4 MiB of binary form: the largest function. A function is a step, not a program; a program is a module.
pub const SOURCE_BYTES_MAX: usize = 4 << 20;

/// 64 MiB: the largest compiled form that is read back. Compiled code is at most some ten times its source.
pub(super) const COMPILED_BYTES_MAX: usize = 64 << 20;

/// 1 MiB of JSON in either direction, as on the module door.
pub const JSON_BYTES_MAX: usize = abi::limits::LINE_BYTES_MAX_DEFAULT;

/// 4,096 names: each is one small file that is read at start.
pub(super) const NAMES_MAX: usize = 4_096;

/// 64 KiB of one name's record: its permissions are texts, and a manifest has dozens of them, not thousands.
pub(super) const RECORD_BYTES_MAX: usize = 64 << 10;

/// 10,000 elements of all tables of one function; compilers make tables of a few hundred.
pub(super) const TABLE_ELEMENTS_MAX: usize = 10_000;

/// 64 notices are kept until somebody takes them; older ones give way and are counted.
pub(super) const NOTICES_MAX: usize = 64;

/// 90 s: how long a caller waits for somebody else's compilation, which is itself given up after 60 s and may have
/// to wait for a place first.
pub(super) const FLIGHT_WAIT_MAX: Duration = Duration::from_secs(90);

/// 4 KiB: the fixed cost of a prepared function beside its code, counted so that many tiny ones are bounded too.
pub(super) const WARM_BYTES_EACH: u64 = 4_096;

/// How much the cache keeps, and for how long. Without a default, as the host has to think about each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keep {
    /// Bytes of compiled code in memory; the least recently used is dropped first. One function always fits.
    pub memory_bytes_max: u64,
    /// How long a function may be unused in memory.
    pub idle_max: Duration,
    /// Bytes of compiled code on disk; the least recently used is dropped first. Sources are not counted.
    pub disk_bytes_max: u64,
}

impl Keep {
    /// 64 MiB in memory for an hour, 256 MiB on disk: some thousand functions warm, all of a machine's at hand.
    pub const STANDARD: Self =
        Self { memory_bytes_max: 64 << 20, idle_max: Duration::from_secs(3_600), disk_bytes_max: 256 << 20 };
}

/// What one call may use up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunLimits {
    /// Wall-clock time of the call, host functions included; grain 1 ms.
    pub deadline: Duration,
    /// Bytes of linear memory; not above the engine's ceiling of 256 MiB.
    pub memory_bytes_max: u64,
    /// Instructions; needs an engine that counts them.
    pub fuel: Option<u64>,
}

impl RunLimits {
    /// One second and 64 MiB: a function is a step, and its caller waits.
    pub const STANDARD: Self =
        Self { deadline: Duration::from_secs(1), memory_bytes_max: 64 << 20, fuel: None };
}

const _: () = assert!(RunLimits::STANDARD.memory_bytes_max <= MEMORY_BYTES_CEILING, "the pool can give it");
const _: () = assert!(JSON_BYTES_MAX < 1 << 31, "the top bit of a length is free for the mark of an error");
