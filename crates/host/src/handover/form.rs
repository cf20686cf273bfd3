//! What one program leaves to the next, as it is written down. Fields may be added as long as they can be left out; any other
//! change is another [`FORM`].

use std::ffi::OsString;
use std::os::fd::RawFd;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::stream::StreamLeft;

/// The form of what is handed over. A binary takes over this one alone.
pub(crate) const FORM: u32 = 1;

/// How this very program can be started again, and what it was started with.
#[derive(Debug, Clone)]
pub struct Renewal {
    /// The words after the program's name, without those that name what was handed over.
    pub words: Vec<OsString>,
    /// The flag with which the number of what is handed over is told.
    pub flag: &'static str,
    /// The number of what was handed over to this program, if it takes over.
    pub inherited: Option<RawFd>,
    /// The command that runs [`crate::handover_check_main`], without the program.
    pub check: Vec<OsString>,
}

/// Everything.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Left {
    /// The version of the program that leaves.
    pub(crate) version: String,
    /// The hash of the binary that is to take over.
    pub(crate) to: String,
    /// The binary that takes it back if that one can't.
    pub(crate) back: String,
    /// The words with which that one is started.
    pub(crate) words: Vec<String>,
    /// When modules were heard last, in nanoseconds of the monotonic clock.
    pub(crate) left_ns: u64,
    /// When the kernel's time began, in the same clock.
    pub(crate) began_ns: u64,
    /// The same on the wall clock, in milliseconds.
    pub(crate) started_wall_ms: u64,
    pub(crate) lock: RawFd,
    pub(crate) door: RawFd,
    pub(crate) sentinel: Option<RawFd>,
    pub(crate) net: Option<RawFd>,
    /// The folder of the cgroup tree.
    pub(crate) cgroups: Option<String>,
    pub(crate) frames: u64,
    pub(crate) kernel: Value,
    pub(crate) seats: Vec<SeatLeft>,
    /// Lives that were to be launched next.
    pub(crate) launches: Vec<(u32, u64)>,
    /// Lives that can't be handed over: they are started again.
    pub(crate) restarts: Vec<RestartLeft>,
    pub(crate) by_hand: Vec<ByHand>,
    #[serde(default)]
    pub(crate) stream: StreamLeft,
}

/// A module's place.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SeatLeft {
    pub(crate) id: String,
    pub(crate) slot: u32,
    /// Frames in, calls in, frames out, dropped, bad lines, lost log lines.
    pub(crate) tally: [u64; 6],
    pub(crate) stderr_tail: String,
    pub(crate) containment: String,
    pub(crate) confinement: Vec<String>,
    pub(crate) cgroup: Option<String>,
    pub(crate) groups_killed: u32,
    pub(crate) life: Option<LifeLeft>,
}

/// A process. Bytes are texts with one character for each.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct LifeLeft {
    pub(crate) generation: u64,
    pub(crate) pid: u32,
    pub(crate) pidfd: RawFd,
    pub(crate) innermost: Option<RawFd>,
    pub(crate) stdin: Option<RawFd>,
    pub(crate) stdout: RawFd,
    pub(crate) stderr: RawFd,
    pub(crate) stdout_rest: Rest,
    pub(crate) stderr_rest: Rest,
    pub(crate) waiting: String,
    pub(crate) started_ms: u64,
}

/// What is known of a line that has not ended yet.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Rest {
    pub(crate) tail: String,
    pub(crate) dropped: Option<u64>,
}

/// A life that can't be handed over.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct RestartLeft {
    pub(crate) id: String,
    pub(crate) slot: u32,
    pub(crate) generation: u64,
    /// Whether it is gone with the program, as a WebAssembly module is.
    pub(crate) is_gone: bool,
}

/// A module that an operator added by hand.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ByHand {
    pub(crate) id: String,
    pub(crate) module: Value,
    pub(crate) cwd: String,
}

/// Bytes as a text.
pub(crate) fn text_of(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(*byte)).collect()
}

/// The bytes again; nothing when it is another text.
pub(crate) fn bytes_of(text: &str) -> Option<Vec<u8>> {
    text.chars().map(|one| u8::try_from(one).ok()).collect()
}
