//! A little process beside the kernel that outlives its SIGKILL: it holds the end of a pipe, and when the kernel is gone,
//! it kills what is left in the kernel's cgroup tree. Direct children die with the kernel by themselves; this is for
//! what they forked away.
//!
//! The tree belongs to one run of one kernel, so a sentinel that comes late can't meet the successor's modules.

use std::ffi::OsString;
use std::io::{self, Read};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command, ExitCode, Stdio};
use std::time::Duration;

use sandbox::cgroup::{Removed, remove_tree};
use sandbox::kill_cgroup;

/// 50 tries, 20 ms apart: killed processes leave their groups within that, or hang in the operating system.
const TRIES_MAX: u32 = 50;

/// 20 ms: see [`TRIES_MAX`].
const TRY_EVERY: Duration = Duration::from_millis(20);

/// Starts the sentinel of a tree. It acts when the returned pipe is closed, however that happens.
///
/// # Errors
/// The system's own.
pub(crate) fn start(command: &[OsString], tree: &Path) -> io::Result<ChildStdin> {
    let Some((program, words)) = command.split_first() else {
        return Err(io::Error::from(io::ErrorKind::InvalidInput));
    };
    let mut child = Command::new(program)
        .args(words)
        .arg(tree)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        // Ctrl-C in the kernel's terminal is not meant for it.
        .process_group(0)
        .spawn()?;
    child.stdin.take().ok_or_else(|| io::Error::from(io::ErrorKind::BrokenPipe))
}

/// The sentinel's whole life. `words` are those that the kernel gives it: the folder of its cgroup tree.
pub fn sentinel_main(words: &[OsString]) -> ExitCode {
    let Some(tree) = words.last().map(PathBuf::from) else { return ExitCode::FAILURE };
    let mut nothing = Vec::new();
    // Nothing is ever sent: this ends when the kernel does. An error ends it too, and means the same.
    let _gone = io::stdin().take(1).read_to_end(&mut nothing);
    if !tree.join("cgroup.kill").is_file() {
        return ExitCode::SUCCESS;
    }
    let killed = kill_cgroup(&tree);
    for _ in 0..TRIES_MAX {
        if is_removed(&tree) {
            break;
        }
        std::thread::sleep(TRY_EVERY);
    }
    if killed.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// What is still busy is tried again.
fn is_removed(tree: &Path) -> bool {
    matches!(remove_tree(tree), Ok(Removed::Gone))
}
