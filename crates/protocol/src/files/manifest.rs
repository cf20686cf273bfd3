//! `module.json`: what a module says about itself.
//!
//! Other people's programs wrote it, so unknown fields are ignored. A field that decides something is refused when it
//! is malformed; one that only informs (`description`, `commands`, `hooks`, `cli`) is left out with a warning.

use abi::{ModuleId, Name, Permissions};
use serde_json::Value;

use super::policy::Policy;
use super::{FileError, FileErrors};

/// What runs the module's entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[expect(missing_docs, reason = "the names are those of the programs")]
pub enum Runtime {
    #[default]
    Deno,
    Node,
    Bun,
    Go,
    Rust,
    Python,
    Php,
    /// The entry is a program of its own.
    Binary,
    /// The entry is a WebAssembly component, in the binary form or as text.
    Wasm,
}

/// What a module may do on the bus: which services it may call, which topics it hears. A `*` at a name's end, after a `:`
/// or a `.`, stands for all that begin so.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Capabilities {
    /// Services that it may call.
    pub services: Vec<Name>,
    /// Topics that it hears.
    pub topics: Vec<Name>,
    /// What it may not, whatever else allows it.
    pub forbid: Forbidden,
}

/// What a module may not do on the bus.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Forbidden {
    /// Services that it must not call.
    pub services: Vec<Name>,
    /// Topics that it neither hears nor speaks on.
    pub topics: Vec<Name>,
}

/// One argument of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandArg {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Whether it must be given.
    pub required: bool,
    /// The words it takes; empty for any.
    pub choices: Vec<String>,
}

/// A command that the module offers to people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// Its name.
    pub name: String,
    /// What it does.
    pub description: String,
    /// Its arguments.
    pub args: Vec<CommandArg>,
    /// Where it is listed.
    pub category: Option<String>,
}

/// A version of the module door.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DoorVersion {
    /// Must be the same on both sides.
    pub major: u32,
    /// May not be above the kernel's.
    pub minor: u32,
}

impl DoorVersion {
    /// The version that this crate speaks.
    pub const OURS: Self = Self { major: 1, minor: 0 };
}

/// A whole `module.json`.
#[derive(Debug, Clone, PartialEq)]
pub struct Manifest {
    /// The module's name, unique on a kernel.
    pub id: ModuleId,
    /// Its name for people.
    pub name: String,
    /// What it asks to touch.
    pub permissions: Permissions,
    /// The file to run, below the module's folder.
    pub entry: String,
    /// What runs it.
    pub runtime: Runtime,
    /// The oldest door it can live with.
    pub min_protocol_version: DoorVersion,
    /// Its own version; that of a `deno.json` beside it counts first.
    pub version: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// Spawn order, lower first.
    pub priority: i64,
    /// Services that it offers.
    pub provides: Vec<Name>,
    /// Services without which it does not start to work.
    pub requires: Vec<Name>,
    /// Services that it can do without.
    pub optional_requires: Vec<Name>,
    /// Modules that belong to it.
    pub dependencies: Vec<Name>,
    /// Modules that it can do without.
    pub optional_dependencies: Vec<Name>,
    /// Topics that it hears.
    pub subscribes: Vec<Name>,
    /// Topics that it speaks on.
    pub publishes: Vec<Name>,
    /// Its section in `config.yaml`.
    pub config_key: Option<String>,
    /// The file that describes its section.
    pub config_schema: Option<String>,
    /// Sections of others whose change restarts it.
    pub config_dependencies: Vec<String>,
    /// What it asks to do on the bus.
    pub capabilities: Option<Capabilities>,
    /// Commands for people.
    pub commands: Vec<Command>,
    /// Kept as they stand: the kernel does nothing with them.
    pub hooks: Vec<Value>,
    /// The file of its own command line.
    pub cli_entrypoint: Option<String>,
    /// Frames of part B that it understands; unknown words are ignored.
    pub features: Features,
    /// Our additions about its life.
    pub policy: Policy,
    /// What was left out because it is malformed.
    pub warnings: Vec<FileError>,
}

/// The additions to the door that a module says it understands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Features {
    /// `cancel`
    pub cancel: bool,
    /// `progress`
    pub progress: bool,
    /// `stream`: `chunk`, `end`, `credit`
    pub stream: bool,
    /// `state`: `state:save`, `state:restore`
    pub state: bool,
    /// `deadline`: the field `deadline_ms`
    pub deadline: bool,
    /// `trace`: the field `traceparent`
    pub trace: bool,
}

impl Manifest {
    /// Reads a `module.json`; `file` is its name in errors.
    ///
    /// # Errors
    /// Everything that is wrong in it, by place.
    pub fn parse(file: &str, text: &str) -> Result<Self, FileErrors> {
        read::manifest(file, text)
    }
}

mod informative;
mod read;
#[cfg(test)]
mod tests;
