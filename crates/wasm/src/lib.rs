//! WebAssembly components as modules, commands and cached functions: checked, bounded, swappable.
//!
//! # What is and isn't in this crate
//! In it: the engine and its clock, the check of what a component is and imports, instances with their limits, plain
//! `wasi:cli` commands, the swap of one instance for another, the cache of user functions. Not in it: who may talk to
//! whom (the host's side of [`Services`] decides that), the life cycle (the kernel decides it), files of its own but
//! the function cache's.
//!
//! # The flow
//! ```text
//! bytes ──► check: size, form, imports against the Grant ──► compile, on a thread, in time ──► Module
//!                                                                                               │
//! message, call, health ──► Instance (one at a time, deadline, limits) ◄── Instance::try_new ◄──┘
//!                              │  ▲
//!                   imports ▼  │  │ answer: Instance::resume
//!                         Services: log, config, bus, secrets, clock
//! ```
//! The contract with a guest is `wit/ostoja.wit`, the world `ostoja:module`.
//!
//! # Invariants
//! - A guest that trapped, was late or left is dropped before its fault is told, and is never entered again.
//! - A deadline is wall-clock time over the whole entry: its own code, host functions, waits.
//! - Nothing is ambient: what a guest reaches beyond its own memory follows from its [`Grant`].
//! - Nothing is compiled before its size is known to be bounded and its imports are allowed.
//! - No `unsafe` but in the one file of `functions` that maps compiled code and enters it.
//!
//! # Example
//! ```no_run
//! use wasm::{Context, Engine, EngineOptions, Grant, Identity, Instance, Limits, Module, Services};
//!
//! fn greet(bytes: &[u8], id: abi::ModuleId, services: Box<dyn Services>) -> Result<(), Box<dyn std::error::Error>> {
//!     let engine = Engine::try_new(EngineOptions::STANDARD)?;
//!     let module = Module::compile(&engine, bytes, Grant::nothing(id.clone()))?;
//!     let identity = Identity { module: id, generation: abi::Generation(1) };
//!     let mut instance = Instance::try_new(&module, identity, Limits::MODULE, services)?;
//!     instance.init(Context::default())?;
//!     Ok(())
//! }
//! ```
#![deny(unsafe_code)]
#![warn(missing_docs)]

mod check;
mod clock;
mod command;
mod compile;
mod engine;
mod fault;
mod grant;
mod guest;
mod imports;
mod instance;
mod limits;
mod module;
mod services;
mod state;
mod stdio;
mod stop;
mod swap;
mod world;

pub mod actor;
pub mod functions;

pub use check::CheckError;
pub use clock::Running;
pub use command::{Command, CommandLimits, Exit};
pub use compile::CompileError;
pub use engine::{
    BACKTRACE_FRAMES_MAX, BOOKKEEPING_BYTES_MAX, CORE_INSTANCES_PER_COMPONENT, Engine, EngineError,
    EngineOptions, FIBER_BYTES, FUNCTION_CALLS_MAX, INSTANCES_MAX_DEFAULT, MEMORY_BYTES_CEILING, Metering,
    Reach, STACK_BYTES_MAX, TABLE_ELEMENTS_CEILING, TICK, ticks_of,
};
pub use fault::{EntryPoint, FRAME_NAME_BYTES, FRAMES_KEPT, Fault, Frames};
pub use grant::{Grant, Verdict, judge};
pub use guest::{Answer, Saved};
pub use instance::{Instance, Outcome};
pub use limits::{
    COMPILATIONS_MAX, COMPILE_TIME_MAX, COMPONENT_BYTES_MAX, FUNCTION_BYTES_MAX, FUNCTIONS_MAX,
    LOG_LINES_PER_ENTRY, Limits, NAMES_MAX, NESTING_MAX, PAYLOAD_BYTES_MAX, PUBLISHES_PER_ENTRY,
    STATE_BYTES_MAX, TEXT_BYTES_MAX, TEXT_KEPT_BYTES, TOPICS_MAX,
};
pub use module::{Module, ModuleError, Pace};
pub use services::{
    BusRefusal, CallFailure, Called, ConfigRefusal, Level, Purpose, Request, SecretRefusal, Services, Ticket,
    Wished,
};
pub use state::{Bound, Context, Identity};
pub use stdio::{INLET_BYTES_MAX, Inlet, Outlet, Sink, Taken};
pub use stop::{Meter, Stop};
pub use swap::{SwapError, Swapped, swap};
pub use world::WorldError;
