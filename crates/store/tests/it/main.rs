//! The store from outside: threads, kills, full and read-only disks.

#![expect(clippy::unwrap_used, reason = "helpers of tests stop at any mistake, as the tests themselves may")]
#![expect(clippy::print_stdout, reason = "children that a test starts from this binary talk to it on stdout")]

mod backup;
mod depot;
mod disk;
mod front_page;
mod kill;
mod lives;
mod logs;
mod memory;
mod rehearsal;
mod scribe;
mod slots;
mod stage;

use std::time::Duration;

/// 60 s: how long a test waits for something that takes milliseconds, before it says that it never came.
const DEADLINE: Duration = Duration::from_secs(60);
