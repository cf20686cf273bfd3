//! Model Context Protocol, in both directions: Ostoja as a server for agents, and any MCP server as a module.
//!
//! # What is and isn't in this crate
//! - [`serve::Server`] is Ostoja as an MCP server: a value that reads a client's lines and asks the operator door on
//!   behalf of a role. Its owner does the I/O.
//! - [`bridge`] stands between a kernel and an MCP server that it starts: the module door on one side, MCP on the other.
//! - [`rpc`] and [`revision`] are what both share: JSON-RPC and the revisions of MCP.
//!
//! ```text
//! agent ─stdio─► serve::Server ─► operator door          module door ◄─► bridge ◄─stdio─► any MCP server
//! ```
//!
//! Not here: any decision about what may be done. The kernel holds each request against the role, and confines the bridge
//! together with its server like any module.
//!
//! # Invariants
//! - No input panics; every line, list, queue and wait is bounded by a named limit.
//! - A tool that changes something acts only after a dry run was shown and agreed to.
//! - What a server or a module says is handed on as material, never acted upon.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod bridge;
pub mod revision;
pub mod rpc;
pub mod serve;
