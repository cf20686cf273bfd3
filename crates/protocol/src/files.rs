//! The user's files: `module.json`, `ostoja.yaml`, `config.yaml`, `permissions.yaml`. Text in, typed value or located
//! errors out; nothing here opens a file.
//!
//! All four go through one located tree, so that every complaint names file, line, column, the literal that
//! was found and, where a word was mistyped, the nearest valid one. Strictness differs on purpose: `ostoja.yaml` is
//! typed by hand and refuses unknown words; `module.json` and `permissions.yaml` come from other programs and ignore
//! them.
//!
//! Bounds: a file is at most [`FILE_BYTES_MAX`] long and nested at most 24 deep (JSON: 64), a map has at most 4,096
//! entries, aliases can't blow it up, and a key may come only once in YAML.

mod capabilities;
pub mod config;
mod fault;
pub mod manifest;
pub mod node;
pub mod permissions;
pub mod policy;
pub mod project;
mod reader;
mod shell;
mod units;
mod words;

pub use fault::{Area, Fault, FileError, FileErrors, Position, quoted};
pub use shell::command;
pub use words::nearest;

/// 1 MiB: the longest file that is read; the largest honest project file seen is a hundredth of it.
pub const FILE_BYTES_MAX: usize = 1 << 20;
