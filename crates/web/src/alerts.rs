//! Alerts: rules over what is measured, what fires, who is told.
//!
//! ```text
//! rules + sample + time ─► Watch ─► notifications ─► outputs (webhooks, mail, calls)
//! ```
//! [`watch`] decides and touches nothing; [`samples`] makes a sample of the kernel's answers; [`running`] asks for them
//! every few seconds, and hands notifications to [`outputs`], each of which has a queue of its own, so that none waits for
//! another.

pub(crate) mod answers;
pub(crate) mod outputs;
pub(crate) mod rules;
pub(crate) mod running;
pub(crate) mod samples;
pub(crate) mod watch;
