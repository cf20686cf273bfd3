//! The real kernel in a fake world that follows from one number, with every rule checked after every step.
//!
//! # What is and isn't in this crate
//! A virtual clock, fake processes of every temper, a host that is late or repeats itself, an operator that wants
//! everything at once, and an observer that knows what must hold. No threads, no real time, no files but the scenarios
//! of `conformance/vectors`. The kernel is the real one, unchanged.
//!
//! ```text
//!   seed ─► house, weather, tempers
//!              │
//!   agenda ─► world ── event ──► kernel ── effect ──► observer (rules) ─► host ─► processes ─► agenda
//! ```
//! [`rights()`] compares who may do what with a naive model.
//! [`cores()`] runs the same proxies on several cores, in any order; [`loads()`] runs the governor under random load,
//! [`swaps()`] hot swaps under traffic, [`updates()`] versions of many modules, [`zones()`] nothing but faults in the sandbox zone, [`plans()`] planned restarts through a busy week.
//! [`run()`] lives through one seed, [`years()`] through a long quiet time, [`scenarios`] through stories written down.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod cores;
mod house;
mod load;
mod observer;
mod operator;
mod plans;
mod process;
mod random;
mod rights;
mod run;
mod scenario;
mod script;
mod swaps;
mod trace;
mod updates;
mod world;
mod years;
mod zones;

pub use cores::{Crossing, cores};
pub use load::{Loads, loads};
pub use plans::{Plans, plans};
pub use rights::rights;
pub use run::{Failure, Report, run, run_once, tally};
pub use scenario::{Mismatch, Scenario, rewrite, scenarios};
pub use swaps::{Swaps, swaps};
pub use updates::{Updates, updates};
pub use years::{Years, years};
pub use zones::{Borders, zones};
