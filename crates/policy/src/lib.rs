//! Who may ask what at the operator door, as policies in the Cedar language: the four built-in roles, and what an operator
//! adds in a home's `policies` folder.
//!
//! # What is and isn't in this crate
//! Here: the part of Cedar that has a use at this door (whoever asks, verbs, modules, zones, and conditions over them), the
//! schema, the built-in roles as policies, the rules that own policies keep to, and decisions. Not here: files, the door, the
//! journal; and a home without own policies needs nothing of this, since [`protocol::operator::Request::least_role`] says the
//! same as the built-in policies, verb by verb, which a test shows.
//!
//! ```text
//! policies/*.cedar ─► lexer ─► parser ─► own ─► Policies ─► decide(Question) ─► Decision: allowed or not, and why
//!                          roles.cedar ──────────┘
//! ```
//!
//! # Invariants
//! - What is read here is Cedar and means what it means there; what of Cedar has no use here is refused by name.
//! - Own policies narrow (`forbid`), or give to one who is named (`permit` with `principal == Ostoja::User::"…"`).
//! - Nothing can fail while it is decided: each part of a condition is known to be what it should be when it is read.
//! - A word that names nothing, and a comparison that never holds, is a fault: a typing error can't make a `forbid` fall out.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod cases;
mod engine;
mod fault;
mod lexer;
mod own;
mod parser;
mod rule;
mod verbs;

pub use cases::{Case, Cases, CasesError, Expected, Tested, run};
pub use engine::{Decision, Policies, Question, Resource};
pub use fault::Fault;
pub use own::{FILE_BYTES_MAX, FILES_MAX, Source};
pub use verbs::{ROLES, SCHEMA, knows_verb, nearest_verb};
