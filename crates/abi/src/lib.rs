//! The words every room shares: names, generations, time, payloads, permissions, states, reasons, records.
//!
//! # What is and isn't in this crate
//! Plain values with their invariants, and the limits that more than one room must agree on.
//! No behaviour, no I/O, no clock, no serialisation: wire twins of these types live in `protocol`.
#![no_std]
#![forbid(unsafe_code)]
#![warn(missing_docs)]

extern crate alloc;

mod explain;
mod id;
pub mod limits;
mod pattern;
mod payload;
mod permission;
mod record;
mod scope;
mod state;
mod time;
mod zone;

pub use explain::Explain;
pub use id::{Generation, ModuleId, Name, NameError, RequestId, Slot};
pub use pattern::Pattern;
pub use payload::Payload;
pub use permission::{PermissionKind, Permissions};
pub use record::{Fact, Record};
pub use scope::Scope;
pub use state::{ExitKind, Reason, State};
pub use time::{Time, Wall};
pub use zone::Zone;
