//! The operator door from the terminal's side: one request, one typed answer; or one request and then events.
//!
//! Everything here blocks: a command has nothing else to do than wait for its answer, and Ctrl-C ends it.

use std::io;
use std::time::{Duration, Instant};

use protocol::operator::{
    ConfigVerb, Event, EventLine, ModuleStatus, OnBehalf, Request, Response, UpdateVerb,
};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::ctx::Ctx;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::target::Target;

mod socket;

use self::socket::{Line, Socket};

/// 60 s: longer than every deadline of the kernel's own at its defaults, so that its own answer comes first.
pub(crate) const ANSWER_TIMEOUT_DEFAULT: Duration = Duration::from_secs(60);

/// An open door.
#[derive(Debug)]
pub(crate) struct Door {
    socket: Socket,
    timeout: Duration,
    /// How this home is named on a command line, for help that can be typed.
    target: Target,
}

impl Door {
    /// Opens the door of the home that the options name.
    ///
    /// # Errors
    /// `cli::kernel::unreachable` when no kernel answers there.
    pub(crate) fn open(ctx: &Ctx) -> Outcome<Self> {
        Self::open_at(&Target::of(ctx)?, ctx.timeout_or(ANSWER_TIMEOUT_DEFAULT))
    }

    /// Opens the door of this home.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub(crate) fn open_at(target: &Target, timeout: Duration) -> Outcome<Self> {
        match Socket::connect(&target.home) {
            Ok(socket) => Ok(Self { socket, timeout, target: target.clone() }),
            Err(error) => Err(unreachable(target, &error).into()),
        }
    }

    /// Opens the door if a kernel is behind it.
    pub(crate) fn try_open_at(target: &Target, timeout: Duration) -> Option<Self> {
        let socket = Socket::connect(&target.home).ok()?;
        Some(Self { socket, timeout, target: target.clone() })
    }

    /// The number that whoever opened the door has here; none when it has none here.
    pub(crate) fn peer(&self) -> Option<u32> {
        self.socket.peer()
    }

    /// Asks, waits, and reads the answer as what it should be.
    ///
    /// # Errors
    /// What the kernel refused, with the nearest valid name where one was mistyped; `cli::door::timed_out`;
    /// `cli::door::hung_up`; `cli::door::garbled`.
    pub(crate) fn ask<T: DeserializeOwned>(&mut self, request: &Request) -> Outcome<T> {
        let data = self.ask_raw(request)?.unwrap_or(Value::Null);
        serde_json::from_value(data).map_err(|error| garbled(&error).into())
    }

    /// Asks and waits; gives the answer's data as it is.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub(crate) fn ask_raw(&mut self, request: &Request) -> Outcome<Option<Value>> {
        let response = self.exchange(request)?;
        match Failure::of_response(&response) {
            None => Ok(response.data),
            Some(failure) if matches!(request, Request::Call { .. }) => {
                let failure = Failure { exit: exit_of_call(&failure), ..failure };
                Err(self.with_suggestion(failure, request).into())
            }
            Some(failure) => Err(self.with_suggestion(failure, request).into()),
        }
    }

    /// Asks on behalf of somebody, and gives the whole answer, good or bad.
    ///
    /// # Errors
    /// As [`Self::ask`], but for what the kernel refuses.
    pub(crate) fn ask_on_behalf(&mut self, request: &Request, by: &OnBehalf) -> Outcome<Response> {
        let mut line = crate::ctx::to_value(request)?;
        line["by"] = crate::ctx::to_value(by)?;
        self.exchange_line(&line.to_string())
    }

    fn exchange(&mut self, request: &Request) -> Outcome<Response> {
        let line = serde_json::to_string(request).map_err(|error| garbled(&error))?;
        self.exchange_line(&line)
    }

    fn exchange_line(&mut self, line: &str) -> Outcome<Response> {
        self.socket.send(line).map_err(|error| hung_up(&error.to_string()))?;
        let deadline = Instant::now().checked_add(self.timeout);
        match self.socket.read_line(deadline).map_err(|error| hung_up(&error.to_string()))? {
            Line::Got(line) => serde_json::from_slice(&line).map_err(|error| garbled(&error).into()),
            Line::End => Err(hung_up("it closed the connection").into()),
            Line::TimedOut => Err(timed_out(self.timeout).into()),
        }
    }

    /// The next event after a request that follows something; nothing when the kernel hung up.
    ///
    /// # Errors
    /// `cli::door::garbled` for a line that is no event.
    pub(crate) fn next_event(&mut self) -> Outcome<Option<Event>> {
        self.next_event_until(None)
    }

    /// The next event, if it comes before this moment.
    ///
    /// # Errors
    /// As [`Self::next_event`], and `cli::door::timed_out`.
    pub(crate) fn next_event_until(&mut self, deadline: Option<Instant>) -> Outcome<Option<Event>> {
        self.next_of_stream(deadline)
    }

    /// The next event with its id.
    ///
    /// # Errors
    /// As [`Self::next_event`].
    pub(crate) fn next_numbered(&mut self) -> Outcome<Option<EventLine>> {
        self.next_of_stream(None)
    }

    fn next_of_stream<T: DeserializeOwned>(&mut self, deadline: Option<Instant>) -> Outcome<Option<T>> {
        match self.socket.read_line(deadline).map_err(|error| hung_up(&error.to_string()))? {
            Line::Got(line) => {
                serde_json::from_slice(&line).map(Some).map_err(|error| garbled(&error).into())
            }
            Line::End => Ok(None),
            Line::TimedOut => Err(timed_out(self.timeout).into()),
        }
    }

    /// The beginning of a command line that means this kernel.
    pub(crate) fn command(&self) -> &str {
        self.target.command()
    }

    /// All modules.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub(crate) fn modules(&mut self) -> Outcome<Vec<ModuleStatus>> {
        self.ask(&Request::ModuleList {})
    }

    /// Makes the kernel's help typeable from here, and gives a mistyped name the nearest one there is.
    fn with_suggestion(&mut self, failure: Failure, request: &Request) -> Failure {
        let failure = match failure.help.as_deref().and_then(|help| help.strip_prefix("ostoja ")) {
            Some(rest) => {
                let help = format!("{} {rest}", self.target.command());
                failure.help(help)
            }
            None => failure,
        };
        let (Exit::NotFound, Some(wanted)) = (failure.exit, wanted_name(request)) else { return failure };
        let Ok(modules) = self.modules() else { return failure };
        let names: Vec<&str> = match request {
            Request::Call { .. } => {
                modules.iter().flat_map(|module| module.provides.iter().map(String::as_str)).collect()
            }
            _ => modules.iter().map(|module| module.id.as_str()).collect(),
        };
        match nearest(wanted, &names) {
            Some(name) => failure.help(format!("did you mean `{name}`?")),
            None => failure,
        }
    }
}

/// The valid name nearest to a mistyped one; nothing when none is near.
pub(crate) fn nearest<'a>(wanted: &str, names: &[&'a str]) -> Option<&'a str> {
    protocol::files::nearest(wanted, names.iter().copied())
}

/// How a call that failed ends: the module door's own words for errors say what kind each is.
fn exit_of_call(failure: &Failure) -> Exit {
    match failure.message.as_str() {
        "service_not_found" => Exit::NotFound,
        "forbidden" => Exit::Denied,
        "timeout" => Exit::TimedOut,
        "module_not_ready" | "overloaded" => Exit::Degraded,
        _ => failure.exit,
    }
}

fn wanted_name(request: &Request) -> Option<&str> {
    match request {
        Request::ModuleStatus { module_id }
        | Request::ModuleShow { module_id }
        | Request::ModuleStart { module_id, .. }
        | Request::ModuleStop { module_id, .. }
        | Request::ModuleRestart { module_id, .. }
        | Request::ModuleApprove { module_id, .. }
        | Request::ModuleUninstall { module_id, .. }
        | Request::ModuleUpdate { module_id, .. }
        | Request::ModuleRemove { module_id }
        | Request::ModuleSwap { module_id, .. }
        | Request::ModuleProfile { module_id, .. }
        | Request::ZonePromote { module_id }
        | Request::Why { module_id, .. } => Some(module_id),
        Request::PermissionsList { module_id } => module_id.as_deref(),
        Request::PermissionsGrant(change)
        | Request::PermissionsDeny(change)
        | Request::PermissionsRevoke(change) => change.module_id.as_deref(),
        Request::Call { service, .. } => Some(service),
        Request::Logs(logs) => logs.modules.first().map(String::as_str),
        Request::Update(verb) => wanted_version(verb),
        Request::Config(ConfigVerb::Set { key, .. } | ConfigVerb::Unset { key, .. }) => Some(key),
        Request::Snapshot(_)
        | Request::KernelStatus {}
        | Request::KernelStop { .. }
        | Request::KernelSettle { .. }
        | Request::KernelSafeMode { .. }
        | Request::KernelResume {}
        | Request::ZoneRestart { .. }
        | Request::ZoneReset { .. }
        | Request::KernelReload { .. }
        | Request::Config(ConfigVerb::List {})
        | Request::ModuleList {}
        | Request::ModuleInstall { .. }
        | Request::ModuleRun { .. }
        | Request::ContextList { .. }
        | Request::ContextGet(_)
        | Request::ContextSet(_)
        | Request::ContextDelete(_)
        | Request::SecretsUnlock { .. }
        | Request::SecretsChanged(_)
        | Request::PermissionsPending {}
        | Request::Publish { .. }
        | Request::Subscribe { .. }
        | Request::Events(_)
        | Request::Actors { .. }
        | Request::FunctionPut { .. }
        | Request::FunctionRun { .. }
        | Request::FunctionList {}
        | Request::FunctionRemove { .. }
        | Request::FunctionStats {}
        | Request::Journal(_)
        | Request::Usage { .. } => None,
    }
}

fn wanted_version(verb: &UpdateVerb) -> Option<&str> {
    match verb {
        UpdateVerb::RollBack { module_id } | UpdateVerb::Pin { module_id, .. } => Some(module_id),
        UpdateVerb::Plan { .. }
        | UpdateVerb::Apply { .. }
        | UpdateVerb::Go { .. }
        | UpdateVerb::List {}
        | UpdateVerb::Status {}
        | UpdateVerb::History {}
        | UpdateVerb::Unpin { .. }
        | UpdateVerb::Gc {}
        | UpdateVerb::Own { .. }
        | UpdateVerb::OwnList {} => None,
    }
}

/// No kernel answers on this home.
pub(crate) fn unreachable(target: &Target, error: &io::Error) -> Failure {
    let failure = Failure::new(
        "cli::kernel::unreachable",
        format!("no kernel answers on `{}`", target.home.root().display()),
    );
    match error.kind() {
        io::ErrorKind::PermissionDenied => failure
            .caused_by("the socket belongs to somebody else")
            .help("run it as the user that started the kernel"),
        // Without a socket, or with one that nobody listens on, nothing runs: no cause to tell.
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => {
            failure.help(format!("{} up -d", target.command()))
        }
        _ => failure.caused_by(error.to_string()).help(format!("{} up -d", target.command())),
    }
}

/// The kernel went away.
pub(crate) fn hung_up(why: &str) -> Failure {
    Failure::new("cli::door::hung_up", "the kernel went away before it answered")
        .caused_by(why)
        .help("ostoja status")
}

fn timed_out(after: Duration) -> Failure {
    let after_ms = u64::try_from(after.as_millis()).unwrap_or(u64::MAX);
    Failure::new("cli::door::timed_out", format!("no answer within {}", crate::amount::span(after_ms)))
        .help("allow more with --timeout")
}

fn garbled(error: &serde_json::Error) -> Failure {
    Failure::new("cli::door::garbled", "the answer is not what this version of ostoja expects")
        .caused_by(error.to_string())
        .help("use the same version for kernel and command: ostoja --version; ostoja kernel status")
}

#[cfg(test)]
mod tests;
