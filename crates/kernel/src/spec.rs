//! What the kernel is told about a module and about the rules of the house, before anything runs.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use abi::{ModuleId, Name, PermissionKind, Permissions, Zone};

use crate::governor::{Bounds, Pools};

/// How the kernel talks with a module's process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// JSON lines on stdin and stdout: the module door.
    Lines,
    /// Not at all: any command; the host watches for its readiness.
    Plain,
}

/// What a module is there for, and by that when those who need it may begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Work {
    /// It runs until it is ended; it can be needed while it is ready.
    #[default]
    Lasting,
    /// It does one thing and leaves with 0; it can be needed from then on.
    Once,
}

/// Optional frames of the module door that a module asked for; it never sees the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Features {
    /// `cancel` frames are sent to it.
    pub cancel: bool,
    /// `progress` frames are sent to it.
    pub progress: bool,
    /// `chunk`, `end` and `credit` frames are sent to it.
    pub stream: bool,
    /// `deadline_ms` is added to what it is sent.
    pub deadline: bool,
    /// `traceparent` is added to what it is sent.
    pub trace: bool,
    /// `state:save` and `state:restore` are sent to it.
    pub state: bool,
}

/// What a module says of the state that it holds in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Keeps {
    /// Nothing: whether it hands state over follows from [`Features::state`] alone.
    #[default]
    Unsaid,
    /// That it has none: another life is as good as this one.
    Nothing,
    /// That it outlives planned restarts: `state:save` and `state:restore` are sent for that, so whoever says this of a
    /// module sees to it that it knows them.
    State,
}

/// How a change of a module's files is taken up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Manner {
    /// New beside old where the module can, else stop and start; the old one ends after the swap.
    #[default]
    Swap,
    /// The same, and the old one is kept until [`crate::Order::Release`].
    SwapAndKeep,
    /// Stop and start.
    Restart,
}

/// Which endings are answered with a new start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RestartRule {
    /// Every unexpected one, whatever its code.
    #[default]
    Always,
    /// Every one but exit code 0.
    OnFailure,
    /// None.
    Never,
}

/// Who is started again together with a module that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Strategy {
    /// Only the module itself.
    #[default]
    OneForOne,
    /// It and everything that needs it, directly or not.
    RestForOne,
    /// Everything that is tied to it by needs, in either direction.
    OneForAll,
}

/// The one thing that is done when a module has used up its restarts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum GiveUp {
    /// Nothing but saying so.
    #[default]
    Nothing,
    /// Everything that needs it is stopped.
    StopDependents,
    /// Another module is started in its place.
    Start(ModuleId),
    /// The whole system is shut down.
    Shutdown,
}

/// Services a module may call and topics it hears. A `*` at the end of a name, after a `:` or a `.`, stands for every
/// name that begins so; what is forbidden is not allowed, whatever allows it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Capabilities {
    /// Services it may call.
    pub services: BTreeSet<Name>,
    /// Topics it is subscribed to; `system:module:*` stands for all life-cycle topics.
    pub topics: BTreeSet<Name>,
    /// What it may not, however much is allowed.
    pub forbid: Forbidden,
}

/// What a module may not do on the bus. Names are written as in [`Capabilities`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Forbidden {
    /// Services it must not call.
    pub services: BTreeSet<Name>,
    /// Topics it neither hears nor speaks on.
    pub topics: BTreeSet<Name>,
}

impl Forbidden {
    /// Adds all of `other`.
    pub fn extend(&mut self, other: &Self) {
        self.services.extend(other.services.iter().cloned());
        self.topics.extend(other.topics.iter().cloned());
    }
}

/// One module as its manifest or project file describes it. The host keeps what it needs to start the process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spec {
    /// Its name.
    pub id: ModuleId,
    /// Its version, told in `system:module:ready`.
    pub version: String,
    /// How it is talked with.
    pub door: Door,
    /// What it is there for.
    pub work: Work,
    /// Optional frames it understands.
    pub features: Features,
    /// What it says of the state in its memory.
    pub keeps: Keeps,
    /// Order of starts: lower first.
    pub priority: u32,
    /// Services it offers.
    pub provides: Vec<Name>,
    /// Services it can't work without.
    pub requires: Vec<Name>,
    /// Services it likes to have and is told about.
    pub optional_requires: Vec<Name>,
    /// Modules that must be ready before it is started (plain commands) or activated (lines).
    pub needs: Vec<ModuleId>,
    /// Topics it hears.
    pub subscribes: BTreeSet<Name>,
    /// Topics it speaks on; used only to derive capabilities.
    pub publishes: BTreeSet<Name>,
    /// Its own section of the configuration.
    pub config_key: Option<String>,
    /// Other sections whose change restarts it.
    pub config_dependencies: BTreeSet<String>,
    /// What its manifest asks for.
    pub declared: Permissions,
    /// The capabilities its manifest states.
    pub capabilities: Option<Capabilities>,
    /// Which endings are answered with a new start.
    pub restart: RestartRule,
    /// Who is started again with it.
    pub strategy: Strategy,
    /// What is done when its restarts are used up.
    pub on_give_up: GiveUp,
    /// Its own bound on restarts, instead of the house's.
    pub max_restarts: Option<u32>,
    /// Its own time to become ready, instead of the house's. One-time work without it takes as long as it takes.
    pub ready_timeout: Option<Duration>,
    /// Its own time to end, instead of the house's.
    pub shutdown_grace: Option<Duration>,
    /// Whether it is started at boot.
    pub start_at_boot: bool,
    /// Where it lives.
    pub zone: Zone,
    /// What it may use; where it says nothing, what its zone's pool gives each.
    pub bounds: Bounds,
    /// A digest of everything about it that needs a new life when it changes.
    pub fingerprint: u64,
}

impl Spec {
    /// A plain command with nothing special about it.
    pub fn plain(id: ModuleId) -> Self {
        Self {
            id,
            version: String::new(),
            door: Door::Plain,
            work: Work::Lasting,
            features: Features::default(),
            keeps: Keeps::Unsaid,
            priority: PRIORITY_DEFAULT,
            provides: Vec::new(),
            requires: Vec::new(),
            optional_requires: Vec::new(),
            needs: Vec::new(),
            subscribes: BTreeSet::new(),
            publishes: BTreeSet::new(),
            config_key: None,
            config_dependencies: BTreeSet::new(),
            declared: Permissions::default(),
            capabilities: None,
            restart: RestartRule::Always,
            strategy: Strategy::OneForOne,
            on_give_up: GiveUp::Nothing,
            max_restarts: None,
            ready_timeout: None,
            shutdown_grace: None,
            start_at_boot: true,
            zone: Zone::default(),
            bounds: Bounds::default(),
            fingerprint: 0,
        }
    }
}

/// The module door's default place in the order of starts.
pub const PRIORITY_DEFAULT: u32 = 100;

/// A wish for more permissions that no operator has answered yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingRequest {
    /// Its number, as a uuid.
    pub id: u128,
    /// What is wished for.
    pub permissions: Permissions,
    /// The module's own words.
    pub reason: Option<String>,
}

/// What has been approved, asked and refused for one module.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Grants {
    /// Approved at installation; without it the module is never started.
    pub base: Option<Permissions>,
    /// Approved later, at the module's request or by an operator.
    pub dynamic: Permissions,
    /// Wishes not answered yet.
    pub pending: Vec<PendingRequest>,
    /// Refused once: a wish that holds any of it is refused.
    pub denied: Permissions,
    /// Capabilities that stand instead of the manifest's.
    pub capabilities: Option<Capabilities>,
    /// What an operator forbids on the bus, whatever else is stated.
    pub forbid: Forbidden,
    /// Whether the module has ever been started.
    pub spawned_before: bool,
    /// Where an operator put it, whatever its files say.
    pub zone: Option<Zone>,
    /// It broke rules under a strict watchdog: until an operator has looked, it lives in the sandbox zone without any right.
    pub is_quarantined: bool,
}

impl Grants {
    /// Whether any value of a kind that is granted now passes a test; costs no copy. None does in quarantine.
    pub fn any(&self, kind: PermissionKind, test: impl Fn(&str) -> bool) -> bool {
        if self.is_quarantined {
            return false;
        }
        let base = self.base.iter().flat_map(|base| base.of(kind));
        base.chain(self.dynamic.of(kind)).any(|value| test(value))
    }

    /// What the module may do now: base and dynamic together, and nothing in quarantine.
    pub fn effective(&self) -> Permissions {
        if self.is_quarantined {
            return Permissions::default();
        }
        let mut all = self.base.clone().unwrap_or_default();
        all.extend(&self.dynamic);
        all
    }
}

/// How much the kernel does about faults by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Watchdog {
    /// It reports and touches nothing.
    Passive,
    /// It repairs.
    #[default]
    Active,
    /// It repairs, and a module that broke a rule stays stopped.
    Strict,
}

/// What follows a module's attempt at something it may not do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Enforcement {
    /// It is killed.
    #[default]
    Strict,
    /// It is refused, with a warning.
    Warn,
    /// It is refused.
    Off,
}

/// How many restarts may be begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// At once, after a time without any.
    pub burst: u32,
    /// Per second after that.
    pub per_s: u32,
}

/// What a zone's own budget is set to; what is not follows from the machine's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ZoneBudget {
    /// See [`Budget::burst`].
    pub burst: Option<u32>,
    /// See [`Budget::per_s`].
    pub per_s: Option<u32>,
}

/// The rules of the house: the module door's `lifecycle` section and ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Between two pings; default 30 s.
    pub health_interval: Duration,
    /// For a pong; default 10 s.
    pub ping_timeout: Duration,
    /// Missed pongs in a row until a module counts as hung; default 3.
    pub health_max_failures: u32,
    /// From start to `ready`; default 30 s.
    pub ready_timeout: Duration,
    /// From `ready` to having all it requires; default 30 s.
    pub requires_timeout: Duration,
    /// From `shutdown` to SIGKILL; default 5 s.
    pub shutdown_grace: Duration,
    /// Restarts until a module counts as crashed; default 5.
    pub max_restarts: u32,
    /// Before the first counted restart; default 1 s.
    pub restart_base: Duration,
    /// Longest wait before a restart; default 60 s.
    pub restart_backoff_max: Duration,
    /// For an answer to a call; default 30 s.
    pub rpc_timeout: Duration,
    /// Restarts of one zone's modules that may be begun at once, unless it has a budget of its own; default 200.
    pub machine_restarts_burst: u32,
    /// Restarts per second after that; default 50.
    pub machine_restarts_per_s: u32,
    /// The zones' own; see [`Settings::budget_of`] for a zone that is not here.
    pub budgets: BTreeMap<Zone, ZoneBudget>,
    /// What follows a violation; default strict.
    pub enforcement: Enforcement,
    /// How much is repaired; default active.
    pub watchdog: Watchdog,
    /// Services that only this module may offer: `serviceProviders` of the permission store.
    pub providers: BTreeMap<Name, ModuleId>,
    /// What the zones' pools give.
    pub pools: Pools,
    /// How long a sandbox module has to be well until it moves to the stable zone by itself, from 1 s; default none: by
    /// command alone.
    pub probation: Option<Duration>,
    /// The most that a module of a zone may do, whatever is approved for it; where there is none, what is approved.
    pub ceilings: BTreeMap<Zone, Permissions>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            health_interval: Duration::from_secs(30),
            ping_timeout: Duration::from_secs(10),
            health_max_failures: 3,
            ready_timeout: Duration::from_secs(30),
            requires_timeout: Duration::from_secs(30),
            shutdown_grace: Duration::from_secs(5),
            max_restarts: 5,
            restart_base: Duration::from_secs(1),
            restart_backoff_max: Duration::from_secs(60),
            rpc_timeout: Duration::from_secs(30),
            machine_restarts_burst: 200,
            machine_restarts_per_s: 50,
            budgets: BTreeMap::new(),
            enforcement: Enforcement::Strict,
            watchdog: Watchdog::Active,
            providers: BTreeMap::new(),
            pools: Pools::default(),
            probation: None,
            ceilings: BTreeMap::new(),
        }
    }
}

impl Settings {
    /// How many restarts of a zone's modules may be begun: what is set for it, and by default as many as for the machine,
    /// of the sandbox zone half as many. Each zone's are counted apart, so that what crashes again and again in one
    /// never makes a restart in another wait.
    pub fn budget_of(&self, zone: Zone) -> Budget {
        let part = |whole: u32| match zone {
            Zone::Sandbox => whole / 2,
            Zone::Stable | Zone::System => whole,
        };
        let set = self.budgets.get(&zone).copied().unwrap_or_default();
        Budget {
            burst: set.burst.unwrap_or(part(self.machine_restarts_burst)),
            per_s: set.per_s.unwrap_or(part(self.machine_restarts_per_s)),
        }
    }
}

crate::saved::keep_variants!(Manner { Swap {}, SwapAndKeep {}, Restart {} });
crate::saved::keep_fields!(Features { cancel, progress, stream, deadline, trace, state });
crate::saved::keep_fields!(Capabilities { services, topics, forbid });
crate::saved::keep_fields!(Forbidden { services, topics });
