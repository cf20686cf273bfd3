//! Who calls a function, with which rights, and what a function can ask of the kernel.
//!
//! A function acts for its caller, never for its owner: it may do what both its own permissions and its caller's
//! allow. A function that anybody may call therefore gives nobody a right that they did not have.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use abi::{ModuleId, PermissionKind, Permissions};

use super::record::Function;

/// Who puts, runs or removes a function, as the pipe or socket says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Caller {
    /// A person or their program at the operator door; may do what the function itself may do.
    Operator,
    /// A module, with the permissions that it has now.
    Module {
        /// Which.
        id: ModuleId,
        /// What it may touch.
        permissions: Arc<Permissions>,
    },
}

impl Caller {
    /// Whether this caller may touch `value`.
    pub fn allows(&self, kind: PermissionKind, value: &str) -> bool {
        match self {
            Self::Operator => true,
            Self::Module { permissions, .. } => permissions.of(kind).contains(value),
        }
    }

    /// Whether this caller may replace or remove what `owner` put.
    pub(super) fn may_change(&self, owner: &Owner) -> bool {
        match (self, owner) {
            (Self::Operator, _) => true,
            (Self::Module { id, .. }, Owner::Module(owner)) => id == owner,
            (Self::Module { .. }, Owner::Operator) => false,
        }
    }

    pub(super) fn as_owner(&self) -> Owner {
        match self {
            Self::Operator => Owner::Operator,
            Self::Module { id, .. } => Owner::Module(id.clone()),
        }
    }
}

/// Who put a function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Owner {
    /// An operator.
    Operator,
    /// A module.
    Module(ModuleId),
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Operator => f.pad("operator"),
            Self::Module(id) => fmt::Display::fmt(id, f),
        }
    }
}

/// A running function on behalf of its caller.
#[derive(Debug, Clone)]
pub struct OnBehalf {
    pub(super) caller: Caller,
    pub(super) function: Arc<Function>,
}

impl OnBehalf {
    /// For whom it runs.
    pub fn caller(&self) -> &Caller {
        &self.caller
    }

    /// Its name.
    pub fn function(&self) -> &ModuleId {
        &self.function.name
    }

    /// Whether both the function and its caller may touch `value`.
    pub fn allows(&self, kind: PermissionKind, value: &str) -> bool {
        self.function.permissions.of(kind).contains(value) && self.caller.allows(kind, value)
    }
}

/// What a function asks of the kernel. `Debug` shows no payload.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Ask<'a> {
    /// A line for the log.
    Log(&'a str),
    /// A call of a service; `params` is JSON.
    Call {
        /// Which service.
        service: &'a str,
        /// Which method of it.
        method: &'a str,
        /// JSON, not yet checked.
        params: &'a str,
    },
    /// A message for all subscribers of a topic; `payload` is JSON.
    Publish {
        /// Which topic.
        topic: &'a str,
        /// JSON, not yet checked.
        payload: &'a str,
    },
}

impl fmt::Debug for Ask<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Log(text) => write!(f, "Log({} bytes)", text.len()),
            Self::Call { service, method, params } => {
                write!(f, "Call({service:?}, {method:?}, {} bytes)", params.len())
            }
            Self::Publish { topic, payload } => write!(f, "Publish({topic:?}, {} bytes)", payload.len()),
        }
    }
}

/// The kernel, as functions reach it. The host implements it over its routes; a test over a list.
pub trait KernelCalls: Send + Sync {
    /// Milliseconds since the Unix epoch, for `now`.
    fn wall_ms(&self) -> u64;

    /// Does what is asked for, with no more rights than `who` has, within `left`: the function's deadline goes on
    /// while this runs, but nothing can end it from outside. The answer is JSON for a call, empty otherwise.
    ///
    /// # Errors
    /// A text for the function: why it was refused or what the service answered.
    fn ask(&self, who: &OnBehalf, ask: Ask<'_>, left: Duration) -> Result<String, String>;
}
