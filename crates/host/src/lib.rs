//! The imperative shell on Linux: it owns every process, pipe, timer and socket of a kernel, and turns the kernel's
//! effects into system calls.
//!
//! # What is and isn't in this crate
//! Here: starting and reaping children, their pipes and queues, readiness probes, the files of a home, the operator
//! door, signals, usage, the sentences for what the journal holds. Not here: any decision about a module (`kernel`),
//! the wire formats (`protocol`), what happens between fork and exec (`sandbox`), how records and logs are kept
//! (`store`), and anything that a person types or sees (`cli`).
//!
//! ```text
//!  pipe, pidfd, socket, signal, timer            one thread, no channel in between
//!        │ readable                                        │
//!        ▼                                                 ▼
//!   translate::heard ──► Kernel::handle ──► poll_effect ──► effects ──► outboxes, launches, records, replies
//!                                                                            │ end of the turn
//!                                                                            └─► one write per module that has mail
//! ```
//!
//! # Main types
//! [`run()`] is a whole kernel process, from its first file to its last child; [`Options`] says where and how, [`News`]
//! is what it tells while it runs. [`Home`] knows where things lie. [`words`] turns records into sentences, [`doctor`]
//! looks at the machine, [`sentinel_main`] is the little process that outlives a killed kernel, [`net_helper_main`] the one that
//! opens what modules may reach of the network.
//!
//! # Invariants
//! - One thread does everything but writing journal and logs, reading large files, the births of a mass start, and
//!   running WebAssembly; nothing on it waits for a disk, a module, a guest or an operator.
//! - Every message of a life carries its generation; a process is signalled only through its pidfd.
//! - Every queue here has a bound; what does not fit is counted where it can be seen.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod backup;
mod cgroups;
mod clock;
mod companion;
pub mod doctor;
mod door;
mod effects;
mod environment;
mod error;
mod fault;
mod files;
mod functions;
mod governor;
mod guests;
mod handover;
mod home;
mod keeping;
mod lane;
mod launch;
mod life;
mod limits;
mod manager;
mod memory;
mod midwife;
mod minimum;
mod net;
mod observe;
mod outbox;
mod pipes;
mod ready;
mod reload;
mod restarts;
pub mod restore;
mod run;
mod runtime;
mod safe;
mod secrets;
mod sentinel;
mod shell;
mod signals;
pub mod snapshots;
mod stock;
mod talk;
mod tap;
mod tasks;
mod translate;
pub mod updates;
mod updating;
mod usage;
pub mod words;

pub use companion::COMPANION;
pub use door::{dial, dial_companion};
pub use error::HostError;
pub use handover::{Renewal, handover_check_main};
pub use home::{HOME_VARIABLE, Home, HomeError, PROJECT_FILE, Place, Surroundings};
pub use net::net_helper_main;
pub use observe::can_observe;
pub use run::{BootStep, FrameTold, Frames, News, Options, Presence, ProjectSource, Safety, Way, run};
pub use sandbox::peer_pid;
pub use secrets::{VAULT_KEY_VARIABLE, places as vault_places};
pub use sentinel::sentinel_main;
