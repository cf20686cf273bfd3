//! What can go wrong with functions, one variant per step, with whose fault it is in the code.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use abi::{Explain, NameError, Payload, Permissions};

use super::caller::Owner;
use crate::check::CheckError;

/// Why a function was not put, run or removed. Cheap to clone: one failure answers all who waited for it.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum FunctionError {
    /// The name can't be one.
    #[error("the function's name can't be used: it {0}")]
    Name(NameError),
    /// Nothing has this name.
    #[error("there is no function `{name}`")]
    Unknown {
        /// What was asked for.
        name: String,
    },
    /// Someone else put it.
    #[error("the function `{name}` belongs to {owner}")]
    NotOwner {
        /// Which.
        name: String,
        /// Whose.
        owner: Owner,
    },
    /// A module wants to give a function more than it has itself.
    #[error("the function may not have more permissions than who puts it; beyond are: {beyond}")]
    BeyondOwner {
        /// What was too much.
        beyond: Box<Permissions>,
    },
    /// There is no room for another name.
    #[error("there are {max} functions already")]
    TooMany {
        /// The bound.
        max: usize,
    },
    /// Its record would be larger than what is read back.
    #[error("the function's permissions take more than {max_bytes} bytes")]
    RecordTooLarge {
        /// The bound.
        max_bytes: usize,
    },
    /// The source is not WebAssembly that runs here.
    #[error("the function can't be used")]
    Source(#[source] CheckError),
    /// It imports something that exists but is not granted.
    #[error("the function imports `{import}`, which needs the permission `{needs}` {of}")]
    ImportRefused {
        /// Which import.
        import: String,
        /// Which permission, as in `permissions.yaml`.
        needs: String,
        /// Who lacks it: the function, or who calls it.
        of: Lacking,
    },
    /// It imports something that does not exist.
    #[error("the function imports `{import}` (at byte {offset}), which is not offered to functions")]
    ImportUnknown {
        /// Which import.
        import: String,
        /// Where in the binary form.
        offset: usize,
    },
    /// It does not export what a function has to, or with another type.
    #[error("the function does not export {expected}")]
    Signature {
        /// What is missing.
        expected: &'static str,
    },
    /// The compiler refused it.
    #[error("the function was not compiled: {reason}")]
    Compile {
        /// What the compiler said.
        reason: String,
    },
    /// Compiling took too long, or waiting for a place.
    #[error("the function was not compiled within {after:?}")]
    CompileTookTooLong {
        /// The bound.
        after: Duration,
    },
    /// The compiler itself failed.
    #[error("the compiler failed; this is a bug")]
    CompilerFailed,
    /// The input is too long.
    #[error("the input has {bytes} bytes; at most {max} are taken")]
    InputTooLarge {
        /// Found.
        bytes: usize,
        /// Allowed.
        max: usize,
    },
    /// The input is not JSON.
    #[error("the input is not JSON: wrong at column {column} of line {line}")]
    InputNotJson {
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
    },
    /// The output is too long.
    #[error("the function's output has {bytes} bytes; at most {max} are taken")]
    OutputTooLarge {
        /// Found.
        bytes: usize,
        /// Allowed.
        max: usize,
    },
    /// The output is not JSON.
    #[error("the function's output is not JSON: wrong at column {column} of line {line}")]
    OutputNotJson {
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
    },
    /// What it gave back lies outside of its memory.
    #[error("the function gave back a place outside of its memory")]
    OutOfMemoryRange,
    /// The function itself says that it failed. Its text is for the caller, not for a log.
    #[error("the function answered with an error of {} bytes", text.len())]
    Answered {
        /// What it said.
        text: Payload,
    },
    /// It ran into its deadline.
    #[error("the function was ended after {after:?}")]
    Deadline {
        /// The bound.
        after: Duration,
    },
    /// It used up its instructions.
    #[error("the function was ended after {fuel} instructions")]
    FuelSpent {
        /// The bound.
        fuel: u64,
    },
    /// Fuel was asked for, and this engine does not count.
    #[error("instructions are not counted by this engine")]
    FuelNotCounted,
    /// It wanted more memory or table elements than it may have.
    #[error("the function wanted more than {max_bytes} bytes of memory")]
    Memory {
        /// The bound.
        max_bytes: u64,
    },
    /// It did what ends it: an unreachable, a division by zero, endless recursion.
    #[error("the function was ended: {reason}")]
    Trapped {
        /// Which rule it broke.
        reason: String,
    },
    /// All places for instances are taken.
    #[error("there is no free place to run the function")]
    Busy,
    /// The folder can't be used.
    #[error("the folder of functions can't be used: {what} `{}`", path.display())]
    Folder {
        /// What was tried.
        what: &'static str,
        /// Where.
        path: PathBuf,
        /// Why.
        #[source]
        source: Arc<io::Error>,
    },
    /// Another process works in the folder.
    #[error("the folder of functions `{}` is in use by another process", path.display())]
    InUse {
        /// Where.
        path: PathBuf,
    },
    /// The key of the folder is not as it was made.
    #[error("the key `{}` can't be trusted: {why}", path.display())]
    Key {
        /// Where it is.
        path: PathBuf,
        /// What is wrong.
        why: &'static str,
    },
    /// The source on disk is gone or was changed, so there is nothing to compile from.
    #[error("the source of `{name}` on disk is missing or was changed")]
    SourceLost {
        /// Whose source.
        name: String,
    },
}

/// Who lacks a permission.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lacking {
    /// The function itself.
    Function,
    /// Who calls it.
    Caller,
}

impl std::fmt::Display for Lacking {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Function => "of its own",
            Self::Caller => "of its caller",
        })
    }
}

impl Explain for FunctionError {
    fn code(&self) -> &'static str {
        match self {
            Self::Name(_) => "wasm::function::name",
            Self::Unknown { .. } => "wasm::function::unknown",
            Self::NotOwner { .. } => "wasm::function::not_owner",
            Self::BeyondOwner { .. } => "wasm::function::beyond_owner",
            Self::TooMany { .. } => "wasm::function::too_many",
            Self::RecordTooLarge { .. } => "wasm::function::record_too_large",
            Self::Source(_) => "wasm::function::source",
            Self::ImportRefused { .. } => "wasm::function::import_refused",
            Self::ImportUnknown { .. } => "wasm::function::import_unknown",
            Self::Signature { .. } => "wasm::function::signature",
            Self::Compile { .. } => "wasm::function::compile",
            Self::CompileTookTooLong { .. } => "wasm::function::compile_took_too_long",
            Self::CompilerFailed => "wasm::function::compiler_failed",
            Self::InputTooLarge { .. } => "wasm::function::input_too_large",
            Self::InputNotJson { .. } => "wasm::function::input_not_json",
            Self::OutputTooLarge { .. } => "wasm::function::output_too_large",
            Self::OutputNotJson { .. } => "wasm::function::output_not_json",
            Self::OutOfMemoryRange => "wasm::function::out_of_memory_range",
            Self::Answered { .. } => "wasm::function::answered",
            Self::Deadline { .. } => "wasm::function::deadline",
            Self::FuelSpent { .. } => "wasm::function::fuel_spent",
            Self::FuelNotCounted => "wasm::function::fuel_not_counted",
            Self::Memory { .. } => "wasm::function::memory",
            Self::Trapped { .. } => "wasm::function::trapped",
            Self::Busy => "wasm::function::busy",
            Self::Folder { .. } => "wasm::function::folder",
            Self::InUse { .. } => "wasm::function::in_use",
            Self::Key { .. } => "wasm::function::key",
            Self::SourceLost { .. } => "wasm::function::source_lost",
        }
    }

    fn help(&self) -> Option<String> {
        let help = match self {
            Self::Unknown { .. } => "list what there is: ostoja fn list".to_owned(),
            Self::ImportRefused { needs, of: Lacking::Function, .. } => {
                format!("put it again with the permission `{needs}`, or without the import")
            }
            Self::ImportRefused { needs, of: Lacking::Caller, .. } => {
                format!("the calling module needs `{needs}` among its own permissions")
            }
            Self::ImportUnknown { .. } => {
                format!("functions can import: {}", super::kernel_imports::offered())
            }
            Self::SourceLost { name } => format!("put it again: ostoja fn put {name} FILE"),
            Self::Key { path, .. } => format!(
                "if nobody else could read or write it: chmod 600 {0}; otherwise remove the folder of {0} and put all functions again",
                path.display()
            ),
            Self::InUse { path } => format!("see who holds it: fuser -v {}", path.display()),
            Self::Folder { source, path, .. } if source.kind() == io::ErrorKind::StorageFull => {
                format!("make room: df -h {}", path.display())
            }
            Self::Busy => "call again when others have ended".to_owned(),
            _ => return None,
        };
        Some(help)
    }
}
