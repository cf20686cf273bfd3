//! The two doors of Ostoja: wire types, sans-I/O codecs, and the formats of the user's files.
//!
//! # What is and isn't in this crate
//! Texts and bytes in, typed values out, and back. No I/O, no clock, no randomness, no decision: what a message means
//! is decided elsewhere.
//!
//! - [`lines`] splits what a pipe gives into lines, bounded.
//! - [`decode`] reads a module's line without looking into payloads; [`encode`] writes the kernel's.
//! - [`door`] holds the same messages as owned types, for SDKs, tests and the schema.
//! - `operator` (feature `operator`) holds the types of the operator door.
//! - `schema` (the same feature) gives the JSON Schemas that are checked in under `schema/`.
//! - `files` (feature `files`) reads `module.json`, `ostoja.yaml`, `config.yaml` and `permissions.yaml`.
//!
//! ```text
//! pipe ─► LineDecoder ─► decode ─► Frame (header read, payload raw) ─► the kernel ─► encode ─► pipe
//! ```
//!
//! # Invariants
//! - No input panics, and none makes a decoder hold more than its bound.
//! - A payload is never parsed into values on the kernel's path, and never shown by `Debug`.
//! - Every fault has one text and one code.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod decode;
pub mod door;
pub mod encode;
#[cfg(feature = "files")]
pub mod files;
pub mod lines;
#[cfg(feature = "operator")]
pub mod operator;
#[cfg(feature = "operator")]
pub mod schema;
