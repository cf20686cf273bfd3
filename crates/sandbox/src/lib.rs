//! Confine a child process and launch it; signal it, reap it, and prove that the confinement holds on this machine.
//!
//! # What is and isn't in this crate
//! Here: what a module may touch turned into what its process is held to ([`Request`] to [`Confinement`]), the launcher with the
//! steps between birth and `execve`, signals by process group, ends of children, cgroup v2 groups, [`probe`], and the [`broker`]
//! that answers a child's calls to the network.
//! Not here: which module is launched when, restarts, deadlines, log lines, the meaning of permissions for a runtime's own flags.
//!
//! ```text
//! Request ──> Confinement ──> Launch::prepare ──> Prepared::launch ──> Child { pidfd, pipes }
//!   (pure)      (a value)     (once a module)     (once a life)          signal_group, reap
//! ```
//!
//! # Invariants
//! - A confinement is a value; nothing widens it after the launch.
//! - Between birth and `execve` the child allocates nothing, takes no lock and cannot panic.
//! - No number of a process is ever used after the process was reaped.
//! - A layer that a machine lacks is named by [`Confinement::level`], never passed over.
//! - No thread that launches may end before the process does: children die with the *thread* that launched them.
#![deny(unsafe_code)]
#![warn(missing_docs)]

pub mod broker;
pub mod cgroup;
mod confinement;
pub mod control;
mod house;
pub mod inherited;
mod launch;
mod layer;
mod peer;
mod policy;
pub mod probe;
mod raw;
mod reach;
mod reap;
mod rlimits;
mod ruleset;
mod seccomp;
mod signal;

pub use cgroup::kill_cgroup;
pub use confinement::{Access, Confinement, Net, PathRule};
pub use launch::{
    Apart, Berths, Blame, Child, Innermost, Launch, LaunchError, Prepared, Stdin, Step, Watched,
};
pub use layer::{Layer, Level, Proof};
pub use peer::peer_pid;
pub use policy::{Outside, Profile, Request, Runtime, SYSTEM_PATHS};
pub use reach::Reach;
pub use reap::{become_subreaper, reap, reap_any_orphan};
pub use rlimits::{Limits, OPEN_FILES_DEFAULT, Rlimit};
pub use seccomp::{
    DENIALS, DENIALS_BROKERED, DENIALS_CONTAINED, DENIALS_WITH_NET, DENIALS_WITHOUT_NET, Denial, Group, When,
    groups,
};
pub use signal::{Sent, Signal, signal_group};

/// Gives the pages of this program's own code back to the system, which brings each again when it is used next. For the
/// moment when much was run that will not be run again, as after a start.
///
/// # Errors
/// What the system says; nothing depends on it.
pub fn give_back_code() -> std::io::Result<()> {
    raw::give_back_code()
}
