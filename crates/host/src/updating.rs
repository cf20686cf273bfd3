//! Making modules new: a package is staged into the depot and verified, its version becomes the active one, and after a
//! probation it stays, or the one before it comes back.
//!
//! ```text
//! stage ─► Staged ─► verify ─► Verified ─► approved? ─► Tried ─► turn ─► ready ─► probation ─► Committed
//!                       └── refused ──┐                            └── not ───┐       └── worse ──┐
//!                                     ▼                                       ▼                   ▼
//!                                 RolledBack ◄────────────────────────────────┴───────────────────┘
//! ```
//! Each arrow is a step of the slots, on the disk before anything follows from it. Links, approvals and lives follow the
//! slots: a start finds out which of them did not, and makes them. A transaction of several modules takes each arrow with
//! all of them.

mod ahead;
mod error;
mod flip;
mod keep;
mod prepare;
mod probation;
mod recover;

pub(crate) use ahead::{plan, plan_together};
pub(crate) use error::UpdateError;
pub(crate) use flip::{Consent, apply, go, roll_back_module};
pub(crate) use keep::{collect, forget, history, list, pin, status, unpin};
pub(crate) use recover::{Recovered, put_right, resume};
