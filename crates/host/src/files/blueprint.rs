//! Everything that is needed to start one module, whatever it was described by; and what follows from a module's policy
//! for the kernel.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use abi::{ModuleId, Name, Permissions};
use kernel::{
    Bounds, Capabilities, Door, Features, Forbidden, GiveUp, Keeps, PRIORITY_DEFAULT, Resource, RestartRule,
    Spec, Strategy, Work,
};
use protocol::files::manifest::{self, Command, Manifest};
use protocol::files::policy::{
    self, Minimum, OnGiveUp, Policy, Probe, Protocol, Ready, Restart, StopSignal, Transport,
};
use sandbox::{Limits, Profile};

use crate::files::seal::Seal;
use crate::runtime::Runtime;

/// Who described a module.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A folder below the home's `modules`; it runs when it was approved.
    Home,
    /// A project file, which is its approval too.
    Project,
    /// An operator, by `ostoja run`.
    Hand,
}

/// What is run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Program {
    /// These words; the first is a program.
    Words(Vec<String>),
    /// An entry, by its runtime.
    Entry {
        /// The file, below the module's folder.
        entry: PathBuf,
        /// The `deno.json` beside the manifest.
        deno_config: Option<PathBuf>,
    },
    /// A WebAssembly component, in this process.
    Guest {
        /// The file.
        entry: PathBuf,
        /// What a command is given.
        arguments: Vec<String>,
    },
}

/// One module, ready to be started.
#[derive(Clone)]
pub(crate) struct Blueprint {
    pub(crate) id: ModuleId,
    pub(crate) origin: Origin,
    pub(crate) runtime: Runtime,
    pub(crate) program: Program,
    /// Where its process starts.
    pub(crate) cwd: PathBuf,
    /// The folder with its manifest.
    pub(crate) folder: Option<PathBuf>,
    /// Values that the project file sets.
    pub(crate) env: BTreeMap<String, String>,
    /// Names that the project file passes on.
    pub(crate) env_pass: Vec<String>,
    pub(crate) door: Door,
    /// The services of an MCP server, for which a bridge speaks; empty for what speaks for itself.
    pub(crate) bridged: Vec<Name>,
    /// How it would like its frames to go.
    pub(crate) transport: Transport,
    pub(crate) profile: Profile,
    pub(crate) limits: Limits,
    /// How much containment it asks for.
    pub(crate) minimum: Minimum,
    /// How long one entry into a WebAssembly module may take; without it as long as a call.
    pub(crate) entry_deadline: Option<Duration>,
    /// The contents of a WebAssembly module's file, as far as one number says: only they may change within a life.
    pub(crate) code: u64,
    pub(crate) ready: Ready,
    pub(crate) stop: sandbox::Signal,
    /// The members of its state that outlive planned restarts; all of it without them.
    pub(crate) kept_keys: Option<Vec<String>>,
    pub(crate) config_key: Option<String>,
    /// The file that describes its section.
    pub(crate) config_schema: Option<PathBuf>,
    pub(crate) description: Option<String>,
    pub(crate) commands: Vec<Command>,
    /// What its approval is bound to, when it needs one.
    pub(crate) seal: Option<Seal>,
}

impl std::fmt::Debug for Blueprint {
    /// Values of the environment may be secrets, so only what identifies the module is shown.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Blueprint")
            .field("id", &self.id)
            .field("origin", &self.origin)
            .field("runtime", &self.runtime)
            .field("cwd", &self.cwd)
            .finish_non_exhaustive()
    }
}

impl Blueprint {
    /// What is left of a module that can't be used: its name, so that it can be shown.
    pub(crate) fn unusable(id: &ModuleId, origin: Origin) -> Self {
        Self {
            id: id.clone(),
            origin,
            runtime: Runtime::Binary,
            program: Program::Words(Vec::new()),
            cwd: PathBuf::from("/"),
            folder: None,
            env: BTreeMap::new(),
            env_pass: Vec::new(),
            door: Door::Plain,
            bridged: Vec::new(),
            transport: Transport::Pipes,
            profile: Profile::Contained,
            limits: Limits::STANDARD,
            minimum: Minimum::None,
            entry_deadline: None,
            code: 0,
            ready: Ready::default(),
            stop: sandbox::Signal::TERM,
            kept_keys: None,
            config_key: None,
            config_schema: None,
            description: None,
            commands: Vec::new(),
            seal: None,
        }
    }

    /// The file that is run; nothing usable for a command, whose program is looked for.
    pub(crate) fn entry(&self) -> &Path {
        match &self.program {
            Program::Entry { entry, .. } | Program::Guest { entry, .. } => entry,
            Program::Words(words) => words.first().map_or(Path::new(""), Path::new),
        }
    }

    /// What a WebAssembly command is given; its own name is the first.
    pub(crate) fn arguments(&self) -> Vec<String> {
        match &self.program {
            Program::Guest { entry, arguments } => {
                std::iter::once(entry.display().to_string()).chain(arguments.iter().cloned()).collect()
            }
            Program::Entry { .. } | Program::Words(_) => Vec::new(),
        }
    }
}

/// Whether a file's name says that it is a WebAssembly component.
pub(crate) fn is_component(entry: &str) -> bool {
    Path::new(entry).extension().is_some_and(|end| end == "wasm" || end == "wat")
}

/// The bounds of a policy as the sandbox sets them. A core file is never written, whatever the policy says.
pub(crate) fn limits(limits: &policy::Limits) -> Limits {
    Limits {
        open_files: limits.files.or(Limits::STANDARD.open_files),
        processes: limits.processes,
        memory_bytes: limits.memory_bytes,
        cpu_seconds: limits.cpu_seconds,
        ..Limits::STANDARD
    }
}

/// The bounds of a policy as the kernel's governor knows them.
pub(crate) fn bounds(limits: &policy::Limits) -> Bounds {
    Bounds::default()
        .with(Resource::Cpu, limits.cpu_permille)
        .with(Resource::Memory, limits.memory_bytes)
        .with(Resource::Processes, limits.processes)
        .with(Resource::Files, limits.files)
        .with(Resource::QueueFrames, limits.queue_frames)
        .with(Resource::QueueBytes, limits.queue_bytes)
        .with(Resource::Messages, limits.messages_per_s)
        .with(Resource::Calls, limits.calls_per_s)
        .with(Resource::Births, limits.births_per_s)
}

/// The signal that asks a plain command to end.
pub(crate) fn stop_signal(signal: Option<StopSignal>) -> sandbox::Signal {
    let signal = signal.unwrap_or_default();
    sandbox::Signal::parse(signal.as_str()).unwrap_or(sandbox::Signal::TERM)
}

/// How a module talks, or why it can't. A component speaks the door's frames as values; one of `protocol: none` is a
/// plain command.
pub(crate) fn door(protocol: Protocol, runtime: Runtime) -> Result<Door, String> {
    match (protocol, runtime) {
        (Protocol::Mcp, Runtime::Wasm) => {
            Err("protocol `mcp` needs a program, and this is a WebAssembly component".to_owned())
        }
        (Protocol::Lines | Protocol::Mcp, _) | (Protocol::Wasm, Runtime::Wasm) => Ok(Door::Lines),
        (Protocol::None, _) => Ok(Door::Plain),
        (Protocol::Wasm, _) => {
            Err("protocol `wasm` needs a file that ends in .wasm or .wat, or the runtime `wasm`".to_owned())
        }
    }
}

/// What a component's world can do with the additions to the door: calls that are given up, deadlines, traces.
const GUEST_FEATURES: Features =
    Features { cancel: true, progress: false, stream: false, deadline: true, trace: true, state: false };

/// A component of the module's world takes its state over within its life, so the kernel puts none beside it. What it
/// keeps over a restart is its word.
pub(crate) fn make_guest(spec: &mut Spec) {
    spec.features = GUEST_FEATURES;
    if spec.keeps == Keeps::Nothing {
        spec.keeps = Keeps::Unsaid;
    }
}

/// A process that does not say that it knows the frames for state is asked for none, whatever else is said of it.
pub(crate) fn ask_who_answers(spec: &mut Spec) {
    if spec.keeps == Keeps::State && !spec.features.state {
        spec.keeps = Keeps::Unsaid;
    }
}

/// The members of a state that are kept, where not all of it is.
pub(crate) fn kept_keys(policy: &Policy) -> Option<Vec<String>> {
    match &policy.state {
        Some(policy::State::Keys(keys)) => Some(keys.clone()),
        Some(policy::State::None | policy::State::All) | None => None,
    }
}

/// What the bridge to an MCP server can do with the additions to the door.
const BRIDGE_FEATURES: Features =
    Features { cancel: true, progress: true, stream: false, deadline: true, trace: false, state: false };

/// An MCP server's tools are methods of the service `mcp.<module>`, and it says on `mcp.<module>.changed` that they are
/// others now. Comes after everything else that gives a module its name and its services.
pub(crate) fn apply_bridge(spec: &mut Spec, blueprint: &mut Blueprint, protocol: Option<Protocol>) {
    if protocol != Some(Protocol::Mcp) || spec.door != Door::Lines {
        return;
    }
    let named = |name: String| Name::parse(&name).expect("a module's name is short, and so are these words");
    let service = named(format!("mcp.{}", spec.id));
    if !spec.provides.contains(&service) {
        spec.provides.insert(0, service);
    }
    spec.publishes.insert(named(format!("mcp.{}.changed", spec.id)));
    spec.features = BRIDGE_FEATURES;
    ask_who_answers(spec);
    blueprint.bridged.clone_from(&spec.provides);
}

/// Takes over what a policy says into what the kernel decides by.
pub(crate) fn apply_policy(spec: &mut Spec, policy: &Policy) {
    let once = policy.ready.as_ref().is_some_and(|ready| ready.probe == Probe::Completed);
    spec.work = if once { Work::Once } else { Work::Lasting };
    spec.restart = match policy.restart.unwrap_or_default() {
        Restart::Always => RestartRule::Always,
        Restart::OnFailure => RestartRule::OnFailure,
        Restart::Never => RestartRule::Never,
    };
    spec.strategy = match policy.strategy.unwrap_or_default() {
        policy::Strategy::OneForOne => Strategy::OneForOne,
        policy::Strategy::RestForOne => Strategy::RestForOne,
        policy::Strategy::OneForAll => Strategy::OneForAll,
    };
    spec.on_give_up = match policy.on_give_up.clone().unwrap_or_default() {
        OnGiveUp::Nothing => GiveUp::Nothing,
        OnGiveUp::StopDependents => GiveUp::StopDependents,
        OnGiveUp::Shutdown => GiveUp::Shutdown,
        OnGiveUp::Start(module) => GiveUp::Start(module),
    };
    spec.keeps = match policy.state {
        Some(policy::State::None) => Keeps::Nothing,
        Some(policy::State::All | policy::State::Keys(_)) => Keeps::State,
        None => Keeps::Unsaid,
    };
    spec.max_restarts = policy.max_restarts;
    spec.ready_timeout = policy.ready.as_ref().and_then(|ready| ready.timeout);
    spec.shutdown_grace = policy.stop.grace;
    spec.bounds = bounds(&policy.limits);
    spec.zone = policy.zone.unwrap_or_default();
}

/// What the kernel is told of a module with a manifest.
pub(crate) fn spec_of_manifest(manifest: &Manifest, version: String, policy: &Policy) -> Spec {
    let mut spec = Spec {
        version,
        door: Door::Lines,
        features: features(manifest.features),
        priority: priority(manifest.priority),
        provides: manifest.provides.clone(),
        requires: manifest.requires.clone(),
        optional_requires: manifest.optional_requires.clone(),
        subscribes: set(&manifest.subscribes),
        publishes: set(&manifest.publishes),
        config_key: manifest.config_key.clone(),
        config_dependencies: manifest.config_dependencies.iter().cloned().collect(),
        declared: manifest.permissions.clone(),
        capabilities: manifest.capabilities.as_ref().map(capabilities),
        ..Spec::plain(manifest.id.clone())
    };
    apply_policy(&mut spec, policy);
    spec
}

/// Permissions that a file says nothing about are none.
pub(crate) fn declared(permissions: Option<&Permissions>) -> Permissions {
    permissions.cloned().unwrap_or_default()
}

pub(crate) fn capabilities(capabilities: &manifest::Capabilities) -> Capabilities {
    Capabilities {
        services: set(&capabilities.services),
        topics: set(&capabilities.topics),
        forbid: forbidden(&capabilities.forbid),
    }
}

pub(crate) fn forbidden(forbidden: &manifest::Forbidden) -> Forbidden {
    Forbidden { services: set(&forbidden.services), topics: set(&forbidden.topics) }
}

/// Files know priorities below zero; the kernel's start at zero, and the default stays what it is.
pub(crate) fn priority(priority: i64) -> u32 {
    u32::try_from(priority.max(0)).unwrap_or(u32::MAX)
}

pub(crate) const fn priority_default() -> i64 {
    PRIORITY_DEFAULT as i64
}

pub(crate) fn features(features: manifest::Features) -> Features {
    Features {
        cancel: features.cancel,
        progress: features.progress,
        stream: features.stream,
        deadline: features.deadline,
        trace: features.trace,
        state: features.state,
    }
}

pub(crate) fn set(names: &[Name]) -> BTreeSet<Name> {
    names.iter().cloned().collect()
}
