//! Tests through the public seam: the language-neutral vectors of `conformance/vectors`, the checked-in schema, and
//! properties that hold for any input.
//!
//! `UPDATE_EXPECT=1 cargo test -p protocol --features files` rewrites what the vectors and the schema expect; the
//! difference is then to be read as a change of behaviour.

mod codec;
#[cfg(feature = "files")]
mod file_properties;
#[cfg(feature = "files")]
mod files;
mod properties;
mod schema;
mod vectors;
