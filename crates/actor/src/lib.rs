//! The core of the data plane: actors are values, messages are cache lines, each core owns what lives on it.
//!
//! # What is and isn't in this crate
//! In it: shards and their message logs, the rings between cores, addresses with rights, bounds, questions, timers,
//! containment, statistics; three ways to run them ([`hosted`], [`pumped`], [`dice`]). Not in it: what a message means,
//! who may talk to whom (the kernel's routes decide that), processes and files.
//!
//! # The flow
//! ```text
//! ctx.send ──► routing word ──► log of the own core ──────────────► dispatch ──► Actor::handle
//!                   │                                                  ▲
//!                   └─► ring to another core (overflow behind it) ─────┘ in place
//! System::send ──► injection queue of the owner's core ────────────────┘
//! ```
//!
//! # Invariants
//! - One core at a time owns an actor; only it touches its slot.
//! - Messages of one sender to one receiver keep their order within a lane.
//! - A stale address reaches nobody: generations of a place only grow.
//! - Nothing here blocks a core: who can't be served now is refused, told or deferred.
//! - A payload is taken or discarded exactly once.
//!
//! # Example
//! ```
//! use actor::{Actor, Context};
//!
//! struct Sum(u64);
//!
//! impl Actor for Sum {
//!     type Message = u64;
//!     fn handle(&mut self, message: u64, _ctx: &mut Context<'_>) {
//!         self.0 += message;
//!     }
//! }
//! ```
#![no_std]
#![warn(missing_docs)]
#![expect(unexpected_cfgs, reason = "loom and shuttle are switched on by RUSTFLAGS, for the models only")]
#![expect(unsafe_code, reason = "this room holds the shared memory of cores; each block carries its proof")]

extern crate alloc;
#[cfg(any(test, feature = "std"))]
extern crate std;

mod address;
mod ask;
#[cfg(feature = "std")]
pub mod blocking;
mod bound;
pub mod bytes;
mod commons;
mod contain;
mod context;
mod deadletters;
mod deferred;
pub mod dice;
mod grace;
mod groups;
#[cfg(feature = "std")]
pub mod hosted;
mod inject;
#[cfg(feature = "std")]
pub mod job;
mod kind;
mod life;
mod links;
mod lock;
mod log;
mod message;
mod migrate;
mod name;
mod observe;
mod opaque;
pub mod park;
pub mod platform;
#[cfg(feature = "std")]
pub mod pool;
pub mod pumped;
mod quota;
mod registry;
mod revoke;
pub mod ring;
mod send;
mod shard;
mod shared;
mod shared_quota;
mod statistics;
pub mod supervise;
mod swap;
mod sync;
mod system;
mod table;
pub mod trace;
mod tracing;
pub mod wheel;

pub use address::{Addr, Address, Rights};
pub use ask::{AskError, Reply, Sink};
pub use bound::{BOUND_DEFAULT, BOUND_MAX, Bound, Policy};
pub use context::Context;
pub use deadletters::{DeadLetter, DeadLetters, Undelivered};
pub use groups::{GROUPS_MAX, Group, MEMBERS_MAX, Told};
pub use inject::INJECTED_MAX;
pub use kind::{Actor, STATE_INLINE_BYTES_MAX};
pub use life::{Exit, Failure, Reason, Restart, StopAll, Verdict, Warden};
pub use links::{Down, WatchId};
pub use message::{INLINE_BYTES_MAX, Lane};
pub use migrate::Balance;
pub use name::{NAME_BYTES_MAX, Name, NameError};
pub use observe::{Beat, Door, OBSERVED_DEFAULT, Observation, Observed, Rate};
pub use opaque::{OPAQUE_INLINE_BYTES_MAX, Opaque};
pub use quota::{Excess, Quota};
pub use registry::{NAMES_MAX, Unnamed};
pub use revoke::{WARDS_MAX, Ward};
pub use send::{Refusal, Refused, Sent};
pub use shard::{Did, Shard, Spawn, TimerId};
pub use shared::{Config, SYSTEM_CORES_MAX};
pub use shared_quota::SharedQuota;
pub use statistics::{ActorStatistics, CoreStatistics, Load};
pub use swap::{Change, PLAN_MAX, SwapOutcome, Unswapped};
pub use system::{System, assemble};
pub use table::ACTORS_MAX;
pub use tracing::{Happening, Happenings, RequestId, Span, SpanId, What};

#[cfg(all(test, loom))]
mod models;
