//! Programs that try to get out of their containment, and what came of each.
//!
//! # What is and isn't in this crate
//! Here: the attempts (`attempts/`, one small program per idea), the rest of the machine that they go for (`victim.py`), and the runs: with
//! full containment, with none, with each layer taken away, and with each layer alone.
//! Not here: the layers themselves.
//!
//! # Invariants
//! - With full containment no attempt does harm.
//! - An attempt that does no harm without any containment shows nothing: it is told as not possible here.
//! - What an attempt could do to this machine, it undoes itself.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod attempts;
mod report;
mod scene;

pub use attempts::{Attempt, all, compiled};
pub use report::{Row, Table};
pub use scene::{Outcome, Scene, alone, full, layers};
