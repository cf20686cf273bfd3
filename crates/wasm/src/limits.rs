//! What one instance may use up, and the bounds that are the same for all.

use std::time::Duration;

/// 16 MiB of component: the largest that is read and compiled. Programs with a whole runtime inside are below it.
pub const COMPONENT_BYTES_MAX: usize = 16 << 20;

/// 64 MiB of text: text is about four times as long as what it stands for.
pub const TEXT_BYTES_MAX: usize = 4 * COMPONENT_BYTES_MAX;

/// 1 MiB for one function's body: compiling takes more than linear time in it, so that this bounds a compilation.
pub const FUNCTION_BYTES_MAX: usize = 1 << 20;

/// 50,000 functions in one component: each costs compiling time and bookkeeping, however short it is.
pub const FUNCTIONS_MAX: u32 = 50_000;

/// 1,000 imports and exports: each is looked up by name when a component is loaded.
pub const NAMES_MAX: u32 = 1_000;

/// 32 components inside of each other: composing nests two or three deep. Each level costs kilobytes while it is read.
pub const NESTING_MAX: u32 = 32;

/// 60 s: after that a compilation is given up; it ends by itself, as its size is bounded.
pub const COMPILE_TIME_MAX: Duration = Duration::from_secs(60);

/// 2 compilations at once, those given up included: more would only take the cores from the modules.
pub const COMPILATIONS_MAX: usize = 2;

/// 1 MiB: the largest payload in either direction, as on the module door.
pub const PAYLOAD_BYTES_MAX: usize = abi::limits::LINE_BYTES_MAX_DEFAULT;

/// 16 MiB: the largest state that one instance hands to its successor.
pub const STATE_BYTES_MAX: usize = 16 << 20;

/// 4 KiB of one log line, or of a guest's own error text; the rest is cut.
pub const TEXT_KEPT_BYTES: usize = 4096;

/// 1,000 log lines in one entry; what is above is dropped and counted.
pub const LOG_LINES_PER_ENTRY: u32 = 1_000;

/// 4,096 messages in one entry; a further one is refused with `full`.
pub const PUBLISHES_PER_ENTRY: u32 = 4_096;

/// 1,024 topics open in one instance: each keeps its name.
pub const TOPICS_MAX: usize = 1_024;

/// What one instance may use up. Without a default, as the caller has to think about each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Wall-clock time of one entry, host functions and waits included. At least 1 ms is given.
    pub deadline: Duration,
    /// Bytes of linear memory; not above the engine's ceiling of 256 MiB.
    pub memory_bytes_max: u64,
    /// Elements of all tables together; not above the engine's ceiling of 10,000 for one.
    pub table_elements_max: u64,
    /// Instructions of one entry, if the engine counts them.
    pub fuel: Option<u64>,
}

impl Limits {
    /// What a module gets that asks for nothing: 30 s as calls on the module door, and 64 MiB.
    pub const MODULE: Self = Self {
        deadline: Duration::from_secs(30),
        memory_bytes_max: 64 << 20,
        table_elements_max: 10_000,
        fuel: None,
    };
}

/// `text` up to the kept length, cut at a character.
pub(crate) fn kept(text: &str) -> &str {
    let mut end = text.len().min(TEXT_KEPT_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}
