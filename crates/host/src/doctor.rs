//! What this machine and this home are fit for: each thing looked at, how it is, and what to run to make it better.
//!
//! Looks only; changes nothing. Needs no running kernel. Costs some hundred milliseconds, most of them for asking the
//! runtimes for their versions.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use abi::Zone;
use sandbox::cgroup::Tree;
use sandbox::control;
use sandbox::probe::Report;
use sandbox::{Layer, Level, Proof};
use store::Verdict;

use crate::Home;

mod runtimes;

#[cfg(test)]
mod tests;

/// 100 MiB: below that, logs and the journal may soon find no room.
const DISK_FREE_LOW_BYTES: u64 = 100 << 20;

/// 1,024 descriptors: three pipes and one process handle for each of 250 modules.
const OPEN_FILES_LOW: u64 = 1024;

/// 3 controllers bound processor, memory and processes.
const CONTROLLERS: usize = 3;

/// What a machine lacks that gives namespaces and no new root in them.
const OTHER_ROOT: &str =
    "start it where the root can be changed: not from an initramfs (switch_root), nor where /proc is covered";

/// How a thing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Condition {
    /// As it should be.
    Good,
    /// It is not there and need not be, or not yet.
    Absent,
    /// It works with less than there could be.
    Weak,
    /// It has to be mended.
    Bad,
}

impl Condition {
    /// Its word in tables and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Absent => "absent",
            Self::Weak => "weak",
            Self::Bad => "bad",
        }
    }
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// `containment`, `runtime`, `home`, `system`.
    pub area: &'static str,
    /// Which thing.
    pub name: String,
    /// How it is.
    pub condition: Condition,
    /// What was seen, in one line.
    pub seen: String,
    /// What to run or do; empty when nothing needs doing.
    pub help: String,
}

impl Finding {
    fn new(area: &'static str, name: &str, condition: Condition, seen: impl Into<String>) -> Self {
        Self { area, name: name.to_owned(), condition, seen: seen.into(), help: String::new() }
    }

    fn help(mut self, help: impl Into<String>) -> Self {
        self.help = help.into();
        self
    }
}

/// Looks at the machine and at the home in this folder.
pub fn examine(home: &Path) -> Vec<Finding> {
    let mut findings = containment();
    findings.extend(runtimes::examine());
    findings.extend(home_findings(home));
    findings.extend(system());
    findings
}

fn containment() -> Vec<Finding> {
    findings_of(&sandbox::probe::run())
}

fn findings_of(report: &Report) -> Vec<Finding> {
    let has_users = report.proof(Layer::UserNamespace).is_works();
    let find = |(layer, proof): (Layer, Proof)| {
        let finding = layer_finding(layer, &proof);
        // Users are given namespaces here, so allowing them is no help with one that is lacking nevertheless.
        match (layer, proof) {
            (_, Proof::Works) => finding,
            (Layer::MountNamespace, _) if has_users => finding.help(OTHER_ROOT),
            (layer, _) if layer.is_namespace() && has_users => finding.help(""),
            _ => finding,
        }
    };
    std::iter::once(level_finding(report)).chain(report.proofs().map(find)).collect()
}

/// The most that a module can have here; what each really has is told by `ps -o wide`.
fn level_finding(report: &Report) -> Finding {
    let level = Level::among(|_| true, |layer| report.proof(layer).is_works());
    let condition = if level == Level::Full { Condition::Good } else { Condition::Weak };
    Finding::new("containment", "level", condition, level.to_string())
}

fn layer_finding(layer: Layer, proof: &Proof) -> Finding {
    let (condition, seen) = match proof {
        Proof::Works => (Condition::Good, "tried: holds".to_owned()),
        Proof::Weak(why) => (Condition::Weak, why.clone()),
        Proof::Missing(why) => (Condition::Weak, why.clone()),
    };
    let finding = Finding::new("containment", layer.as_str(), condition, seen);
    match (layer, proof) {
        (_, Proof::Works) => finding,
        (Layer::LandlockFiles | Layer::LandlockNet | Layer::LandlockScopes | Layer::RunList, _) => {
            finding.help("a newer Linux, with lsm=landlock among its boot parameters")
        }
        (Layer::CgroupKill, _) => {
            finding.help("run as a service: ostoja service install (it delegates a cgroup)")
        }
        (Layer::NetBroker, _) => finding.help(
            "Linux 5.14 or newer and user namespaces: sysctl -w user.max_user_namespaces=65536 kernel.apparmor_restrict_unprivileged_userns=0",
        ),
        (layer, _) if layer.is_namespace() => {
            finding.help("allow user namespaces: sysctl -w user.max_user_namespaces=65536 kernel.apparmor_restrict_unprivileged_userns=0")
        }
        _ => finding,
    }
}

fn home_findings(home: &Path) -> Vec<Finding> {
    let mut findings = Vec::new();
    let Ok(meta) = fs::metadata(home) else {
        let seen = format!("{} is not there yet", home.display());
        return vec![Finding::new("home", "folder", Condition::Absent, seen).help("ostoja up")];
    };
    findings.push(folder_finding(home, &meta));
    findings.push(disk_finding(home));
    findings.extend(journal_finding(home));
    findings
}

fn folder_finding(home: &Path, meta: &fs::Metadata) -> Finding {
    let own_uid = rustix::process::geteuid().as_raw();
    let path = home.display();
    if !meta.is_dir() {
        return Finding::new("home", "folder", Condition::Bad, format!("{path} is no folder"));
    }
    if meta.uid() != own_uid && own_uid != 0 {
        let seen = format!("{path} belongs to user {}", meta.uid());
        return Finding::new("home", "folder", Condition::Bad, seen)
            .help("use --home with a folder of yours");
    }
    if meta.mode() & 0o022 != 0 {
        let seen = format!("{path} can be written by others (mode {:o})", meta.mode() & 0o777);
        return Finding::new("home", "folder", Condition::Bad, seen).help(format!("chmod go-w {path}"));
    }
    let access = rustix::fs::Access::WRITE_OK;
    if let Err(errno) = rustix::fs::access(home, access) {
        let seen = format!("{path} can't be written: {errno}");
        return Finding::new("home", "folder", Condition::Bad, seen)
            .help("use --home with a folder of yours");
    }
    Finding::new("home", "folder", Condition::Good, format!("{path}"))
}

fn disk_finding(home: &Path) -> Finding {
    match rustix::fs::statvfs(home) {
        Ok(stat) => {
            let free = stat.f_bavail.saturating_mul(stat.f_frsize);
            let seen = format!("{} MiB free", free >> 20);
            if free < DISK_FREE_LOW_BYTES {
                return Finding::new("home", "disk", Condition::Bad, seen).help("make room; logs need it");
            }
            Finding::new("home", "disk", Condition::Good, seen)
        }
        Err(errno) => Finding::new("home", "disk", Condition::Weak, format!("can't be measured: {errno}")),
    }
}

fn journal_finding(home: &Path) -> Option<Finding> {
    let path = Home::at(home).journal();
    if !path.exists() {
        return None;
    }
    let verdict = store::JournalReader::open(&path).and_then(|reader| reader.verify());
    Some(match verdict {
        Ok(verdict @ Verdict::Sound { .. }) => {
            Finding::new("home", "journal", Condition::Good, verdict.to_string())
        }
        Ok(verdict) => {
            Finding::new("home", "journal", Condition::Bad, verdict.to_string()).help("ostoja audit --verify")
        }
        Err(error) => Finding::new("home", "journal", Condition::Bad, error.to_string())
            .help("the kernel sets a broken journal aside at its next start"),
    })
}

fn system() -> Vec<Finding> {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current.unwrap_or(u64::MAX);
    let condition = if limit < OPEN_FILES_LOW { Condition::Weak } else { Condition::Good };
    let mut files = Finding::new("system", "open files", condition, format!("{limit} at once"));
    if condition != Condition::Good {
        files = files.help("ulimit -n 65536, or LimitNOFILE= in the service");
    }
    let kernel = rustix::system::uname().release().to_string_lossy().into_owned();
    let linux = Finding::new("system", "linux", Condition::Good, kernel);
    vec![files, linux, bounds_finding(bounds_here()), pressure_finding(Path::new("/proc/pressure"))]
}

/// Who would keep the bounds of modules and pools if a kernel were started where this runs: tried, and undone.
fn bounds_here() -> Option<(&'static str, Vec<&'static str>)> {
    let instance = format!("doctor-{}", std::process::id());
    let tree = Tree::open(&instance, &Zone::ALL.map(Zone::as_str)).ok()?;
    let control = control::open(tree.dir(), &instance);
    let found = control.as_ref().map(|control| (control.name(), control.controllers()));
    // The groups have to be gone before what was handed down to them is taken back.
    let _later = tree.close();
    if let Some(control) = control {
        control.close();
    }
    found
}

fn bounds_finding(found: Option<(&'static str, Vec<&'static str>)>) -> Finding {
    let help = "run as a service: ostoja service install (it delegates a cgroup)";
    let Some((by, controllers)) = found else {
        return Finding::new("system", "bounds", Condition::Weak, "rlimits and sampling").help(help);
    };
    let seen = format!("{by} ({})", controllers.join(", "));
    if controllers.len() < CONTROLLERS {
        return Finding::new("system", "bounds", Condition::Weak, seen).help(help);
    }
    Finding::new("system", "bounds", Condition::Good, seen)
}

/// Without it the governor knows no strain of the machine, only bounds.
fn pressure_finding(folder: &Path) -> Finding {
    if folder.join("cpu").is_file() && folder.join("memory").is_file() {
        return Finding::new("system", "pressure", Condition::Good, "the system tells it");
    }
    Finding::new("system", "pressure", Condition::Absent, "the system does not tell it")
}
