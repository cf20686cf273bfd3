//! Who may ask what: four roles, the least one for each request, and for whom a request is asked.
//!
//! The match over all requests has no wildcard arm: a new request does not build until somebody has said who may ask it.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ConfigVerb, Request, UpdateVerb};

#[cfg(test)]
mod tests;

/// 64 characters of a name for whom something is asked: as much as a journal's reader wants to see.
pub(super) const NAME_CHARS_MAX: usize = 64;

/// What somebody may; each role may all that those before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Sees how things are.
    Viewer,
    /// Also reads what modules say, talks with them, and keeps variables and functions.
    Developer,
    /// Also starts, stops and restarts what is approved.
    Operator,
    /// Also says what may run and what it may touch. Whoever holds the socket is one.
    Admin,
}

impl Role {
    /// All, the least one first.
    pub const ALL: [Self; 4] = [Self::Viewer, Self::Developer, Self::Operator, Self::Admin];

    /// The role's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Developer => "developer",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }

    /// Whether this role may ask this.
    pub fn may(self, request: &Request) -> bool {
        self >= request.least_role()
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// For whom a request is asked: the field `by` of its line. Whoever holds the socket vouches for it, and loses by it
/// whatever the role does not have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OnBehalf {
    /// A name for the journal: 1 to 64 characters, none of them a control character.
    pub name: String,
    /// As what they ask.
    pub role: Role,
}

impl OnBehalf {
    /// Whether the name can be written down.
    pub fn is_sound(&self) -> bool {
        let length = self.name.chars().count();
        (1..=NAME_CHARS_MAX).contains(&length) && !self.name.chars().any(char::is_control)
    }
}

/// Whether a request changes anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    /// It only looks.
    Look,
    /// It changes something, or makes a module do something; a dry run is a look.
    Change,
}

impl UpdateVerb {
    /// The least role that may ask this: what runs on the machine is an administrator's matter, the way back is not.
    pub const fn least_role(&self) -> Role {
        match self {
            Self::List {} | Self::Status {} | Self::History {} | Self::OwnList {} => Role::Viewer,
            Self::RollBack { .. } => Role::Operator,
            // A plan reads any file that the kernel may read.
            Self::Plan { .. }
            | Self::Apply { .. }
            | Self::Go { .. }
            | Self::Pin { .. }
            | Self::Unpin { .. }
            | Self::Gc {}
            | Self::Own { .. } => Role::Admin,
        }
    }
}

impl Request {
    /// The least role that may ask this.
    pub fn least_role(&self) -> Role {
        match self {
            Self::KernelStatus {}
            | Self::KernelSettle { .. }
            | Self::ModuleList {}
            | Self::ModuleStatus { .. }
            | Self::ModuleShow { .. }
            | Self::PermissionsList { .. }
            | Self::PermissionsPending {}
            | Self::Usage { .. }
            | Self::Actors { .. }
            | Self::FunctionList {}
            | Self::FunctionStats {}
            | Self::Journal(_)
            | Self::Why { .. } => Role::Viewer,
            // Lines and messages may hold what their owners would not show to everybody.
            Self::Logs(_)
            | Self::Subscribe { .. }
            | Self::Call { .. }
            | Self::Publish { .. }
            | Self::ContextList { .. }
            | Self::ContextGet(_)
            | Self::ContextSet(_)
            | Self::ContextDelete(_)
            | Self::FunctionPut { .. }
            | Self::FunctionRun { .. }
            | Self::FunctionRemove { .. } => Role::Developer,
            Self::KernelSafeMode { .. }
            | Self::KernelResume {}
            | Self::KernelReload { .. }
            | Self::ZonePromote { .. }
            | Self::ZoneRestart { .. }
            | Self::ZoneReset { .. }
            | Self::ModuleStart { .. }
            | Self::ModuleStop { .. }
            | Self::ModuleRestart { .. }
            | Self::ModuleSwap { .. } => Role::Operator,
            // These say what may run on the machine and what it may touch.
            Self::KernelStop { .. }
            | Self::ModuleInstall { .. }
            | Self::ModuleApprove { .. }
            | Self::ModuleUninstall { .. }
            | Self::ModuleUpdate { .. }
            | Self::ModuleProfile { .. }
            | Self::ModuleRun { .. }
            | Self::ModuleRemove { .. }
            | Self::PermissionsGrant(_)
            | Self::PermissionsDeny(_)
            | Self::PermissionsRevoke(_)
            | Self::SecretsUnlock { .. }
            // A configuration may hold secrets, and says what runs beside the modules.
            | Self::Config(_)
            // What modules remember is theirs, and putting it back undoes what they did.
            | Self::Snapshot(_)
            | Self::SecretsChanged(_) => Role::Admin,
            Self::Update(verb) => verb.least_role(),
            Self::Events(wanted) if wanted.hears_modules() => Role::Developer,
            Self::Events(_) => Role::Viewer,
        }
    }

    /// Whether it asks only what would happen.
    pub fn is_dry_run(&self) -> bool {
        match self {
            Self::KernelStop { dry_run }
            | Self::KernelReload { dry_run, .. }
            | Self::ModuleStart { dry_run, .. }
            | Self::ModuleStop { dry_run, .. }
            | Self::ModuleRestart { dry_run, .. }
            | Self::ModuleInstall { dry_run, .. }
            | Self::ModuleApprove { dry_run, .. }
            | Self::ModuleUninstall { dry_run, .. }
            | Self::ModuleUpdate { dry_run, .. } => *dry_run,
            Self::PermissionsGrant(change)
            | Self::PermissionsDeny(change)
            | Self::PermissionsRevoke(change) => change.dry_run,
            _ => false,
        }
    }

    /// Whether it changes anything.
    pub fn weight(&self) -> Weight {
        if self.is_dry_run() || self.only_looks() { Weight::Look } else { Weight::Change }
    }

    fn only_looks(&self) -> bool {
        let reads = matches!(
            self,
            Self::Logs(_)
                | Self::Subscribe { .. }
                | Self::Events(_)
                | Self::ContextList { .. }
                | Self::ContextGet(_)
                | Self::Update(UpdateVerb::Plan { .. })
                | Self::Config(ConfigVerb::List {})
        );
        reads || self.least_role() == Role::Viewer
    }
}
