//! The decisions: a pure, total state machine over the life of modules, their services, calls and permissions.
//!
//! # What is and isn't in this crate
//! What is to be done when something happens, and why. No I/O, no clock, no randomness of its own, no JSON, no
//! allocation bound by input size: payloads pass through unseen. The host tells what happened by
//! [`Kernel::handle`], asks for what to do by [`Kernel::poll_effect`] until there is nothing, and comes back at
//! [`Kernel::poll_timeout`] with [`Kernel::handle_timeout`].
#![no_std]
#![forbid(unsafe_code)]
#![warn(missing_docs)]

extern crate alloc;
// The tests' driver is shared by source with the simulator, where the kernel is a crate of that name.
#[cfg(test)]
extern crate self as kernel;
#[cfg(test)]
extern crate std;

mod calls;
mod context;
mod cut;
mod effect;
mod ensemble;
mod event;
mod governor;
mod graph;
mod handover;
mod health;
mod keeping;
mod life;
mod machine;
mod module;
mod orders;
mod permits;
mod planned;
mod proxy;
mod random;
mod recover;
mod refusals;
mod reload;
mod restart;
mod routes;
mod safe;
mod saved;
mod shutdown;
mod spec;
mod stop;
mod swap;
mod table;
mod take_up;
#[cfg(test)]
mod testing;
mod timers;
mod topics;
mod turnover;
mod view;
mod waiting;
mod word;
mod zones;

pub use context::{
    CONTEXT_BYTES_MAX, CONTEXT_OWNER_BYTES_MAX, CONTEXT_VALUE_BYTES_MAX, Context, Kept, SESSION_TTL_DEFAULT,
    TTL_MAX, Unkept, Variable,
};
pub use cut::{Cut, Given};
pub use effect::{
    Answer, Change, Effect, Failure, KernelResult, Message, ModuleRow, Notice, Outgoing, Signal, Task,
    VariableRow,
};
pub use ensemble::Ensemble;
pub use event::{
    Attempt, CallContext, Carry, ContextCall, ContextVerb, Discovered, Event, FunctionCall, Incoming,
    KernelCall, NetBearer, Order, Outcome, SpawnFault, Undelivered,
};
pub use governor::{Amounts, Bounds, Grip, Measured, Pool, Pools, Reading, Resource, Step, TokenBucket};
pub use handover::{Known, Strays};
pub use keeping::Fate;
pub use machine::Kernel;
pub use planned::{Caution, Late, Ledger, Next, Permit, Planned, Sight, Waits};
pub use proxy::{Act, Badge, Letter, Note, OperatorProxy, Proxy, SERVING_MAX, Tally, Turn, Wants};
pub use routes::{Address, Decision, Header, Hearers, Refusal, Routes};
pub use saved::{Saved, Unreadable};
pub use spec::{
    Budget, Capabilities, Door, Enforcement, Features, Forbidden, GiveUp, Grants, Keeps, Manner,
    PRIORITY_DEFAULT, PendingRequest, RestartRule, Settings, Spec, Strategy, Watchdog, Work, ZoneBudget,
};
pub use swap::SwapStep;
pub use view::View;
pub use word::Word;
pub use zones::Probation;
