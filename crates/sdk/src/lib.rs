//! Write a module for Ostoja in Rust: blocking, on threads, without an executor.
//!
//! ```no_run
//! use sdk::{Call, Failure, Module, json};
//!
//! fn main() -> std::process::ExitCode {
//!     Module::new()
//!         .service("adder", |call: Call| match call.method() {
//!             "add" => {
//!                 let (a, b): (f64, f64) = call.params()?;
//!                 Ok(json!(a + b))
//!             }
//!             other => Err(Failure::new(format!("Unknown method: {other}"))),
//!         })
//!         .on("news", |message| {
//!             message.handle().log(sdk::LogLevel::Info, "there is news")?;
//!             Ok(())
//!         })
//!         .run()
//! }
//! ```
//!
//! # What is and isn't in this crate
//! The module's side of the module door. [`Module`] says what is offered; [`Handle`] asks for things; [`Call`] and
//! [`Message`] are what arrives; [`Ongoing`] is a call that is not answered yet, with its progress and its pieces.
//! Wire types are `protocol`'s, decisions are the kernel's.
//!
//! ```text
//! fd 0 ─► reading thread ─► pings, cancels, answers: dealt with there
//!                        └► hooks, messages, calls: queued ─► your code ─► fd 1, one whole line at a time
//! ```
//!
//! With `"transport": "shm"` in `module.json` the frames go through shared memory once both sides are ready for it, and
//! stay on the pipes by themselves where that can't be had; nothing in a module's code differs.
//!
//! # Invariants
//! - Descriptor 1 belongs to the kernel alone: `run` moves it away first, so that a stray print ends on stderr.
//! - Each call gets exactly one answer, also when its handler panics, is cancelled, or gives what is no answer.
//! - At the end of stdin the process ends: no orphans.
//! - Every queue and every wait is bounded; the limits are constants of [`limits`].
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod call;
mod core;
mod engine;
mod failure;
mod handle;
mod jobs;
pub mod limits;
mod module;
mod offered;
mod ongoing;
mod stdio;
mod trace;
mod wire;

pub use call::{Call, Message};
pub use failure::{CallError, Failure, SendError};
pub use handle::Handle;
pub use module::{Handlers, Module, Outcome};
pub use ongoing::{Ongoing, Part};
pub use protocol::door::{LogItem, LogLevel, Opaque};
pub use serde_json::{Value, json};
