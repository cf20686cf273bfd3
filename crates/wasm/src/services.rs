//! The seam to whoever runs a module: what its imports become, and what they can answer.

use abi::Name;
use wasmtime::component::{ComponentType, Lift, Lower};

/// How much a log line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ComponentType, Lift, Lower)]
#[component(enum)]
#[repr(u8)]
pub enum Level {
    /// Every step.
    #[component(name = "trace")]
    Trace,
    /// Decisions.
    #[component(name = "debug")]
    Debug,
    /// The normal course.
    #[component(name = "info")]
    Info,
    /// Handled, worth a look.
    #[component(name = "warn")]
    Warn,
    /// Somebody must act.
    #[component(name = "error")]
    Error,
    /// The module can't go on.
    #[component(name = "fatal")]
    Fatal,
}

/// Why a configuration value is not given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ComponentType, Lift, Lower)]
#[component(enum)]
#[repr(u8)]
pub enum ConfigRefusal {
    /// Not a key of the module's own section.
    #[component(name = "denied")]
    Denied,
    /// Not a usable key.
    #[component(name = "invalid")]
    Invalid,
}

/// Why a topic is not opened or a message not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ComponentType, Lift, Lower)]
#[component(enum)]
#[repr(u8)]
pub enum BusRefusal {
    /// The module has no capability for it.
    #[component(name = "denied")]
    Denied,
    /// A number that was never opened, or a name that is too long.
    #[component(name = "invalid")]
    Invalid,
    /// Above the bound of a payload.
    #[component(name = "too-large")]
    TooLarge,
    /// No room now.
    #[component(name = "full")]
    Full,
}

/// Why a call gave no result.
#[derive(Debug, Clone, PartialEq, Eq, ComponentType, Lift, Lower)]
#[component(variant)]
pub enum CallFailure {
    /// The module has no capability for the service.
    #[component(name = "denied")]
    Denied,
    /// No module offers the service.
    #[component(name = "not-found")]
    NotFound,
    /// The service's module can't take more now.
    #[component(name = "overloaded")]
    Overloaded,
    /// No answer within the deadline.
    #[component(name = "timeout")]
    Timeout,
    /// The service's module ended while it worked on it.
    #[component(name = "gone")]
    Gone,
    /// The service's own words.
    #[component(name = "failed")]
    Failed(String),
}

/// Why a secret is not given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ComponentType, Lift, Lower)]
#[component(enum)]
#[repr(u8)]
pub enum SecretRefusal {
    /// Not granted to this module.
    #[component(name = "denied")]
    Denied,
    /// Granted, but there is no value.
    #[component(name = "missing")]
    Missing,
    /// Not now.
    #[component(name = "unavailable")]
    Unavailable,
}

/// What becomes of a wish for a secret at once.
#[derive(Clone, PartialEq, Eq)]
pub enum Wished {
    /// It is answered already.
    Answered(Result<Vec<u8>, SecretRefusal>),
    /// What the host answers will be handed to the instance, and then to [`Services::secret_of`].
    Waiting,
}

impl std::fmt::Debug for Wished {
    /// Without the secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Answered(Ok(_)) => "Answered(Ok(..))",
            Self::Answered(Err(_)) => "Answered(Err(..))",
            Self::Waiting => "Waiting",
        })
    }
}

/// What a module opens a topic for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To publish on it.
    Publish,
    /// To hear it as well.
    Subscribe,
}

/// The number of one call that an instance made; unique within the instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

/// A call of another module's service.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The number under which the answer is handed to [`Instance::resume`](crate::Instance::resume).
    pub ticket: Ticket,
    /// Which service.
    pub service: &'a str,
    /// What of it.
    pub method: &'a str,
    /// With what.
    pub params: &'a [u8],
    /// How long the caller can wait, in milliseconds; never more than what is left of its entry.
    pub deadline_ms: u64,
}

/// What becomes of a call at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Called {
    /// It is answered already.
    Answered(Result<Vec<u8>, CallFailure>),
    /// The answer will be handed to the instance; until then it waits, without a core.
    Waiting,
}

/// What a module's imports become. Every method is called on the thread that runs the instance, and its time counts
/// against the entry's deadline.
///
/// Implementations check capabilities: nothing here follows from what the guest says about itself.
pub trait Services: Send {
    /// A line for the module's own log, already cut to its bound.
    fn log(&mut self, level: Level, line: &str);

    /// The value at a dotted key, as JSON text.
    ///
    /// # Errors
    /// `ConfigRefusal::Denied` for other sections, `Invalid` for what is no key.
    fn config(&mut self, key: &Name) -> Result<Option<String>, ConfigRefusal>;

    /// A topic is opened under this number, which later messages name instead. Called once for each purpose.
    ///
    /// # Errors
    /// `BusRefusal::Denied` without the capability.
    fn open(&mut self, topic: u32, name: &Name, purpose: Purpose) -> Result<(), BusRefusal>;

    /// A message on a topic that was opened; must not wait.
    ///
    /// # Errors
    /// `BusRefusal::Denied` when the capability was taken back, `Full` when there is no room.
    fn publish(&mut self, topic: u32, payload: &[u8]) -> Result<(), BusRefusal>;

    /// A call; must not wait.
    fn call(&mut self, request: Request<'_>) -> Called;

    /// A wish for a secret by name; must not wait. Only asked for names that the grant holds.
    fn secret(&mut self, ticket: Ticket, name: &str) -> Wished;

    /// The secret in an answer that was waited for.
    ///
    /// # Errors
    /// Why it holds none.
    fn secret_of(&mut self, answer: Result<Vec<u8>, CallFailure>) -> Result<Vec<u8>, SecretRefusal>;

    /// Nanoseconds that only grow.
    fn monotonic_ns(&mut self) -> u64;

    /// Milliseconds since 1970.
    fn wall_ms(&mut self) -> u64;
}
