//! One component, compiled for one module: checked against what the module may, linked, and ready to make instances.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use abi::Explain;
use wasmtime::component::types::{ComponentFunc, ComponentItem};
use wasmtime::component::{Component, ComponentExportIndex, InstancePre, Linker, Type};

use crate::check::{self, CheckError};
use crate::compile::{self, CompileError};
use crate::engine::Engine;
use crate::grant::Grant;
use crate::imports;
use crate::state::State;
use crate::world;

/// How an instance's entries run; follows from what the component imports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Pace {
    /// Every entry runs to its end on the caller's stack: for the turn of an actor, and the fastest.
    Turn,
    /// It imports `bus.call` or `secrets.read`: an entry may give `Outcome::Waiting`, and runs on a stack of its own (about 1 µs more).
    Waits,
    /// It imports WASI that can wait for files or timers: to be entered on a thread of its own only.
    Blocks,
}

/// Why a component is not a module that can run.
#[derive(Debug, thiserror::Error)]
pub enum ModuleError {
    /// Its bytes are refused.
    #[error("the component is refused")]
    Check(#[source] CheckError),
    /// It is valid and could not be compiled.
    #[error("the component could not be compiled")]
    Compile(#[source] CompileError),
    /// It does not export what a module does.
    #[error("the component does not export `{export}: {expected}`{}", instead(.found))]
    Export {
        /// Its name.
        export: &'static str,
        /// Its type in the contract.
        expected: &'static str,
        /// What is there under that name.
        found: Option<String>,
    },
    /// It imports something under the right name with another type.
    #[error("an import has another type than what is offered: {reason}")]
    Import {
        /// What differs.
        reason: String,
    },
    /// A path of its permissions can't be opened.
    #[error("a folder of its permissions can't be opened")]
    World(#[source] world::WorldError),
}

impl Explain for ModuleError {
    fn code(&self) -> &'static str {
        match self {
            Self::Check(CheckError::ImportDenied { .. }) => "wasm::module::import_denied",
            Self::Check(CheckError::ImportUnknown { .. }) => "wasm::module::import_unknown",
            Self::Check(_) => "wasm::module::refused",
            Self::Compile(_) => "wasm::module::not_compiled",
            Self::Export { .. } => "wasm::module::export_missing",
            Self::Import { .. } => "wasm::module::import_type",
            Self::World(_) => "wasm::module::folder",
        }
    }

    fn help(&self) -> Option<String> {
        match self {
            Self::Check(CheckError::NotAComponent) => {
                Some("make a component of it: `wasm-tools component new`".to_owned())
            }
            Self::Check(CheckError::ImportDenied { .. }) => {
                Some("grant it, or build the component without that import".to_owned())
            }
            Self::Check(_) => None,
            Self::Compile(_) => None,
            Self::Export { .. } | Self::Import { .. } => {
                Some("build the component against the world `ostoja:module@0.1.0`".to_owned())
            }
            Self::World(_) => Some("the folders that the permissions name must exist".to_owned()),
        }
    }
}

fn instead(found: &Option<String>) -> String {
    found.as_ref().map_or_else(String::new, |found| format!(", but `{found}`"))
}

/// What every module exports, with its type in the contract.
pub(crate) const EXPORTS: [(&str, &str); 7] = [
    ("init", "func() -> result<_, string>"),
    ("on-message", "func(u32, list<u8>) -> result<_, string>"),
    ("on-call", "func(string, string, list<u8>) -> result<list<u8>, string>"),
    ("health", "func() -> result<_, string>"),
    ("save-state", "func() -> result<tuple<u32, list<u8>>, string>"),
    ("restore-state", "func(u32, list<u8>) -> result<_, string>"),
    ("shutdown", "func()"),
];

/// A compiled component with what its module was granted. Cheap to clone; instances keep it alive.
#[derive(Clone)]
pub struct Module {
    engine: Engine,
    pre: InstancePre<State>,
    indices: [ComponentExportIndex; 7],
    pace: Pace,
    grant: Arc<Grant>,
    secrets: Arc<BTreeSet<String>>,
    wants_world: bool,
}

impl Module {
    /// Checks and compiles a component, given in the binary form or as text.
    ///
    /// Takes milliseconds to seconds and runs on a thread of its own, for which the caller waits; not for an event loop.
    ///
    /// # Errors
    /// `Check` for what the bytes say, `Compile` when compiling fails or takes too long, `Export` and `Import` when it
    /// is not of the world `ostoja:module`.
    pub fn compile(engine: &Engine, bytes: &[u8], grant: Grant) -> Result<Self, ModuleError> {
        let binary = check::to_binary(bytes).map_err(ModuleError::Check)?;
        check::component(&binary, &grant).map_err(ModuleError::Check)?;
        let component = compile::component(engine, &binary).map_err(ModuleError::Compile)?;
        Self::of_component(engine, &component, grant)
    }

    fn of_component(engine: &Engine, component: &Component, grant: Grant) -> Result<Self, ModuleError> {
        let needs = Needs::of(engine, component);
        let mut exports = Vec::with_capacity(EXPORTS.len());
        for (name, expected) in EXPORTS {
            exports.push(export_of(engine, component, name, expected)?);
        }
        let indices = exports.try_into().expect("one index was pushed for each of the seven exports");
        let pre = linker(engine, needs.world)
            .and_then(|linker| linker.instantiate_pre(component))
            .map_err(|error| ModuleError::Import { reason: chain(&error) })?;
        // Folders are opened once here, so that a wrong path is found before the first instance.
        if needs.world {
            world::context(&grant, world::Streams::default()).map_err(ModuleError::World)?;
        }
        let secrets = Arc::new(grant.secrets.clone());
        let (pace, wants_world) = (needs.pace, needs.world);
        Ok(Self { engine: engine.clone(), pre, indices, pace, grant: Arc::new(grant), secrets, wants_world })
    }

    /// How its entries run.
    pub fn pace(&self) -> Pace {
        self.pace
    }

    /// The engine it was compiled for.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// What it was granted.
    pub fn grant(&self) -> &Grant {
        &self.grant
    }

    pub(crate) fn pre(&self) -> &InstancePre<State> {
        &self.pre
    }

    pub(crate) fn indices(&self) -> &[ComponentExportIndex; 7] {
        &self.indices
    }

    pub(crate) fn secrets(&self) -> Arc<BTreeSet<String>> {
        Arc::clone(&self.secrets)
    }

    pub(crate) fn wants_world(&self) -> bool {
        self.wants_world
    }
}

impl fmt::Debug for Module {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Module").field("grant", &self.grant).field("pace", &self.pace).finish_non_exhaustive()
    }
}

/// What a component's imports ask of whoever runs it.
struct Needs {
    pace: Pace,
    world: bool,
}

impl Needs {
    fn of(engine: &Engine, component: &Component) -> Self {
        let mut needs = Self { pace: Pace::Turn, world: false };
        let ty = component.component_type();
        for (name, import) in ty.imports(engine.wasmtime()) {
            needs.world |= name.starts_with("wasi:");
            let pace = match import.ty {
                _ if WAITING_INTERFACES.iter().any(|waits| name.starts_with(waits)) => Pace::Blocks,
                ComponentItem::ComponentInstance(interface) => {
                    let waiting = WAITING_FUNCTIONS.iter().find(|(owner, _)| name.starts_with(owner));
                    let waits = waiting.is_some_and(|(_, function)| {
                        interface.get_export(engine.wasmtime(), function).is_some()
                    });
                    if waits { Pace::Waits } else { Pace::Turn }
                }
                _ => Pace::Turn,
            };
            needs.pace = needs.pace.max(pace);
        }
        needs
    }
}

/// Functions of the own world that leave the guest's stack until somebody answers.
const WAITING_FUNCTIONS: [(&str, &str); 2] =
    [("ostoja:module/bus@", "call"), ("ostoja:module/secrets@", "read")];

/// Parts of WASI that hold functions which may wait for files or timers.
const WAITING_INTERFACES: [&str; 3] = ["wasi:io/poll@", "wasi:io/streams@", "wasi:filesystem/types@"];

fn linker(engine: &Engine, with_world: bool) -> wasmtime::Result<Linker<State>> {
    let mut linker = Linker::new(engine.wasmtime());
    imports::add_to(&mut linker)?;
    if with_world {
        world::add_to(&mut linker)?;
    }
    Ok(linker)
}

fn export_of(
    engine: &Engine,
    component: &Component,
    export: &'static str,
    expected: &'static str,
) -> Result<ComponentExportIndex, ModuleError> {
    let ty = component.component_type();
    let found = ty.get_export(engine.wasmtime(), export).map(|export| match export.ty {
        ComponentItem::ComponentFunc(func) => describe(&func),
        _ => "no function".to_owned(),
    });
    let index = component.get_export_index(None, export);
    match (found, index) {
        (Some(found), Some(index)) if found == expected => Ok(index),
        (found, _) => Err(ModuleError::Export { export, expected, found }),
    }
}

/// A function's type, as the contract writes it but without names of parameters.
fn describe(func: &ComponentFunc) -> String {
    let params: Vec<String> = func.params().map(|(_, ty)| describe_type(&ty)).collect();
    let results: Vec<String> = func.results().map(|ty| describe_type(&ty)).collect();
    let arrow = if results.is_empty() { "" } else { " -> " };
    format!("func({}){arrow}{}", params.join(", "), results.join(", "))
}

/// A type that the contract uses in full; of others only the kind, which bounds the text.
fn describe_type(ty: &Type) -> String {
    match ty {
        Type::Bool => "bool".to_owned(),
        Type::U8 => "u8".to_owned(),
        Type::U32 => "u32".to_owned(),
        Type::U64 => "u64".to_owned(),
        Type::S32 => "s32".to_owned(),
        Type::S64 => "s64".to_owned(),
        Type::String => "string".to_owned(),
        Type::List(list) if matches!(list.ty(), Type::U8) => "list<u8>".to_owned(),
        Type::List(_) => "list<..>".to_owned(),
        Type::Tuple(tuple) => {
            let parts: Vec<String> = tuple.types().map(|part| describe_part(&part)).collect();
            format!("tuple<{}>", parts.join(", "))
        }
        Type::Result(result) => match (result.ok(), result.err()) {
            (None, None) => "result".to_owned(),
            (Some(ok), None) => format!("result<{}>", describe_part(&ok)),
            (ok, Some(err)) => {
                let ok = ok.map_or_else(|| "_".to_owned(), |ok| describe_part(&ok));
                format!("result<{ok}, {}>", describe_part(&err))
            }
        },
        Type::Option(_) => "option<..>".to_owned(),
        Type::Record(_) => "record".to_owned(),
        Type::Variant(_) => "variant".to_owned(),
        Type::Enum(_) => "enum".to_owned(),
        _ => "another type".to_owned(),
    }
}

/// A part of a type, one level deep: a tuple inside of a result, but nothing inside of that tuple.
fn describe_part(ty: &Type) -> String {
    match ty {
        Type::Tuple(tuple) => {
            let parts: Vec<&str> = tuple
                .types()
                .map(|part| match part {
                    Type::U32 => "u32",
                    Type::List(list) if matches!(list.ty(), Type::U8) => "list<u8>",
                    _ => "..",
                })
                .collect();
            format!("tuple<{}>", parts.join(", "))
        }
        Type::Result(_) => "result<..>".to_owned(),
        simple => describe_type(simple),
    }
}

/// An error with its causes in one line, bounded.
pub(crate) fn chain(error: &wasmtime::Error) -> String {
    let causes: Vec<String> = error.chain().map(ToString::to_string).collect();
    crate::limits::kept(&causes.join(": ")).replace('\n', " ")
}
