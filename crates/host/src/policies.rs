//! An operator's own policies: read from the home's `policies` folder, and asked for each request that is made on somebody's
//! behalf. A home without any has no engine in memory: the table of roles says the same as the built-in policies.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use abi::{ModuleId, Record};
use policy::{FILE_BYTES_MAX, FILES_MAX, Fault, Policies, Question, Resource, Source};
use protocol::operator::{EventTopic, OnBehalf, Request, ZoneName};

use crate::home::Home;
use crate::shell::Shell;

/// How the trouble of this room begins.
const POLICIES_TROUBLE: &str = "the policies can't be taken over";

/// What names a file of policies.
const ENDING: &str = "cedar";

/// What holds beside the table of roles.
#[derive(Debug, Default)]
pub(crate) enum Holding {
    /// Nothing: the table is all.
    #[default]
    Roles,
    /// The operator's own policies, with the built-in ones.
    Own(Box<Policies>),
    /// There are own policies, and nobody knows what they say: only the owner may ask anything.
    Unreadable,
}

/// Why somebody may not ask what they asked.
#[derive(Debug)]
pub(crate) enum Denied {
    /// Their role does not have it.
    Role,
    /// The policies say so: which, as texts; none when nothing permits it.
    Policies(Vec<String>),
    /// The policies can't be read.
    Unreadable,
}

/// The folder of own policies.
pub fn folder(home: &Home) -> PathBuf {
    home.root().join("policies")
}

/// All own policies of a home, in the order of their names; none when there is no such folder.
///
/// # Errors
/// The file that can't be read, as a fault.
pub fn sources(home: &Home) -> Result<Vec<Source>, Fault> {
    let folder = folder(home);
    let fault = |path: &Path, error: &io::Error| Fault {
        file: path.display().to_string(),
        line: 1,
        column: 1,
        message: format!("it can't be read: {error}"),
        help: None,
    };
    let entries = match fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(fault(&folder, &error)),
    };
    let mut paths = Vec::new();
    // One more than there may be, so that too many are seen to be too many.
    for entry in entries {
        let path = entry.map_err(|error| fault(&folder, &error))?.path();
        if path.extension().is_some_and(|ending| ending == ENDING) && paths.len() <= FILES_MAX {
            paths.push(path);
        }
    }
    paths.sort();
    paths.iter().map(|path| source(path).map_err(|error| fault(path, &error))).collect()
}

/// One file of policies, as far as its bound: what is longer is seen to be.
///
/// # Errors
/// The system's own, and text that is none.
pub fn source(path: &Path) -> io::Result<Source> {
    use std::io::Read;
    let mut text = String::new();
    fs::File::open(path)?.take(FILE_BYTES_MAX as u64 + 1).read_to_string(&mut text)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Ok(Source { name, text })
}

impl Shell {
    /// Takes over the policies as they are on the disk. When they can't be read, everybody but the owner is refused.
    ///
    /// # Errors
    /// What is wrong with them, as one text.
    pub(crate) fn reload_policies(&mut self) -> Result<(), String> {
        self.no_trouble(POLICIES_TROUBLE);
        let had_own = !matches!(self.policies, Holding::Roles);
        let read = sources(&self.files.home).map_err(|fault| vec![fault]).and_then(|sources| {
            let own = (!sources.is_empty()).then(|| Policies::try_new(&sources)).transpose()?;
            Ok((sources.len(), own))
        });
        match read {
            Ok((_, None)) => self.policies = Holding::Roles,
            Ok((files, Some(own))) => {
                let policies = own.own();
                self.policies = Holding::Own(Box::new(own));
                self.record_policies(files, policies);
                return Ok(());
            }
            Err(faults) => {
                let first = faults.first().map(ToString::to_string).unwrap_or_default();
                self.policies = Holding::Unreadable;
                self.record(
                    Record::new("policy.unreadable")
                        .text("why", first.as_str())
                        .number("faults", faults.len() as u64),
                );
                self.trouble(format!("{POLICIES_TROUBLE}: {first}"));
                return Err(first);
            }
        }
        if had_own {
            self.record_policies(0, 0);
        }
        Ok(())
    }

    fn record_policies(&mut self, files: usize, policies: usize) {
        self.record(
            Record::new("policy.loaded").number("files", files as u64).number("policies", policies as u64),
        );
    }

    /// Whether somebody may ask this.
    pub(crate) fn may(
        &self,
        by: &OnBehalf,
        verb: &str,
        module: Option<&ModuleId>,
        request: &Request,
    ) -> Result<(), Denied> {
        match &self.policies {
            Holding::Roles if by.role.may(request) => Ok(()),
            Holding::Roles => Err(Denied::Role),
            Holding::Unreadable => Err(Denied::Unreadable),
            Holding::Own(policies) => self.policies_say(policies, by, verb, module, request),
        }
    }

    /// What is about several modules has to be permitted for each; what is several things in one, as each.
    fn policies_say(
        &self,
        policies: &Policies,
        by: &OnBehalf,
        verb: &str,
        module: Option<&ModuleId>,
        request: &Request,
    ) -> Result<(), Denied> {
        let about = match module {
            Some(id) => vec![id.as_str().to_owned()],
            None => self.modules_of(request),
        };
        self.ask(policies, by, (verb, &about), request)?;
        let Request::Events(events) = request else { return Ok(()) };
        if events.wants(EventTopic::Logs) {
            self.ask(policies, by, ("logs", &self.named_or_all(&events.modules)), request)?;
        }
        if events.hear.is_empty() { Ok(()) } else { self.ask(policies, by, ("subscribe", &[]), request) }
    }

    fn ask(
        &self,
        policies: &Policies,
        by: &OnBehalf,
        (verb, modules): (&str, &[String]),
        request: &Request,
    ) -> Result<(), Denied> {
        let dry_run = request.is_dry_run();
        let ask = |resource: Resource<'_>| {
            let (user, role) = (Some(by.name.as_str()), Some(by.role));
            let decision = policies.decide(&Question { user, role, verb, resource, dry_run });
            if decision.is_allowed { Ok(()) } else { Err(Denied::Policies(decision.by)) }
        };
        match request {
            Request::ZoneRestart { zone } | Request::ZoneReset { zone } => {
                ask(Resource::Zone(zone_word(*zone)))
            }
            _ if modules.is_empty() => ask(Resource::Kernel),
            _ => modules.iter().try_for_each(|id| {
                let view = self.kernel.find(id).and_then(|slot| self.kernel.view(slot));
                let zone = view.map(|view| view.zone.to_string());
                ask(Resource::Module { id, zone: zone.as_deref() })
            }),
        }
    }

    fn named_or_all(&self, named: &[String]) -> Vec<String> {
        match named {
            [] => self.kernel.views().into_iter().map(|view| view.id.to_string()).collect(),
            named => named.to_vec(),
        }
    }

    /// The modules that a request is about without naming one as `moduleId`. What is read of all is about each.
    fn modules_of(&self, request: &Request) -> Vec<String> {
        match request {
            Request::Logs(logs) => self.named_or_all(&logs.modules),
            Request::Events(events) => events.modules.clone(),
            Request::Journal(journal) => journal.module.iter().cloned().collect(),
            Request::Call { service, .. } => {
                let offers = |view: &kernel::View| view.provides.iter().any(|name| name.as_str() == service);
                self.kernel.views().into_iter().filter(offers).map(|view| view.id.to_string()).collect()
            }
            Request::ContextGet(key) | Request::ContextDelete(key) => scope_of(&key.scope),
            Request::ContextSet(change) => scope_of(&change.scope),
            _ => Vec::new(),
        }
    }
}

fn scope_of(scope: &str) -> Vec<String> {
    scope.strip_prefix("module:").map(str::to_owned).into_iter().collect()
}

fn zone_word(zone: ZoneName) -> &'static str {
    match zone {
        ZoneName::Sandbox => "sandbox",
        ZoneName::Stable => "stable",
    }
}
