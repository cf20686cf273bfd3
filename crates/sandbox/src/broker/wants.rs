//! What an observed child wants: every file that its calls name, every program it runs, every place it connects to and every call that its
//! filter refuses, judged by what it may use.
//!
//! Looking takes nothing from it and gives it nothing: a call that names a file goes on as if nobody had looked, under whatever holds
//! the child, and one that its filter refuses is refused. What is seen is what the call named at that moment, so a child that means to
//! can show something else than it does; it is for programs that do what they do.

use std::collections::HashSet;
use std::ffi::OsString;
use std::fs::{self, File};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::{Component, Path, PathBuf};

use crate::confinement::{Access, PathRule};
use crate::raw::watch::Call;
use crate::seccomp::{Deed, NAMINGS, Naming};

#[cfg(test)]
mod tests;

/// 4,096 bytes: the longest name that the kernel takes.
const NAME_BYTES_MAX: usize = 4_096;

/// 4,096 bytes: what is read of a child's memory at once; the next page may not be there.
const PAGE_BYTES: u64 = 4_096;

/// 1,024 files that the child made itself in the temporary folder are remembered.
const MADE_MAX: usize = 1_024;

/// The temporary folder, which every contained module has for itself.
const TEMPORARY: &str = "/tmp";

/// What is no file of the machine.
const PROCESSES: &str = "/proc";

/// What programs would like to keep beside their files and do well without.
const CACHE_FOLDERS: [&str; 1] = ["__pycache__"];

/// Where programs lie.
const PROGRAM_FOLDERS: [&str; 2] = ["bin", "sbin"];

/// Something that a child wanted.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Want {
    /// To read this file or folder.
    Read(PathBuf),
    /// To write this file, or to make names in this folder.
    Write(PathBuf),
    /// To run this program.
    Run(PathBuf),
    /// To reach this place, or to listen there: a `net` value.
    Net(String),
    /// To make this system call, which no permission allows.
    Call(String),
}

/// Whether what a child may use holds what it wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Standing {
    /// It does.
    Granted,
    /// It does not; a contained child was refused.
    Beyond,
}

/// Why a child may use a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// Every module may.
    Everybodys,
    /// It was granted.
    Granted,
}

/// How a child is held while it is observed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// As always: what it was not granted is refused.
    Held,
    /// No file, program or place is refused, so that one run shows all that it wants.
    Open,
}

/// What an observed child may use.
#[derive(Debug, Clone)]
pub struct Grounds {
    /// How it is held.
    pub manner: Manner,
    /// The paths that it may use, with the reason of each.
    pub rules: Vec<(PathRule, Whose)>,
}

/// What is to be done at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Need {
    Read,
    Write,
    Run,
}

/// Who looks at the names in a child's calls.
#[derive(Debug)]
pub(super) struct Watcher {
    manner: Manner,
    rules: Vec<(PathRule, Whose)>,
    /// Where the paths of the rules really lie, in their order.
    real: Vec<PathBuf>,
    /// What it made in the temporary folder.
    made: HashSet<PathBuf>,
}

/// A name as a child's call has it, made whole, and what the call does with it.
pub(super) struct Named {
    path: PathBuf,
    intent: Intent,
}

/// What a call means to do, as far as its arguments tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Intent {
    Look,
    Read,
    /// To write what is there, or to make it.
    WriteOrMake,
    /// To write what is there.
    Write,
    Make,
    Run,
}

/// Whether this is a call that names files.
pub(super) fn names_files(call: &Call) -> bool {
    NAMINGS.iter().any(|naming| naming.number == call.number)
}

/// The names in a call. What can't be read is left out: the kernel will not find it either.
pub(super) fn names_of(call: &Call) -> Vec<Named> {
    let namings = NAMINGS.iter().filter(|naming| naming.number == call.number);
    namings.filter_map(|naming| named(call, naming)).collect()
}

fn named(call: &Call, naming: &Naming) -> Option<Named> {
    let memory = File::open(format!("/proc/{}/mem", call.thread)).ok()?;
    let argument = |at: u8| call.arguments[usize::from(at)];
    let name = name_at(&memory, argument(naming.name)).filter(|name| !name.as_os_str().is_empty())?;
    let intent = match naming.deed {
        Deed::Look => Intent::Look,
        Deed::Open(at) => Intent::of_flags(argument(at) as u32 as i32),
        Deed::OpenHow(at) => {
            let mut flags = [0; 8];
            memory.read_exact_at(&mut flags, argument(at)).ok()?;
            Intent::of_flags(u64::from_ne_bytes(flags) as u32 as i32)
        }
        Deed::Make => Intent::Make,
        Deed::Change => Intent::Write,
        Deed::Run => Intent::Run,
    };
    if name.is_absolute() {
        return Some(Named { path: plain(&name), intent });
    }
    let folder = naming.folder.map(|at| argument(at) as u32 as i32).filter(|fd| *fd != libc::AT_FDCWD);
    let link = match folder {
        Some(fd) => format!("/proc/{}/fd/{fd}", call.thread),
        None => format!("/proc/{}/cwd", call.thread),
    };
    let folder = fs::read_link(link).ok().filter(|folder| folder.is_absolute())?;
    Some(Named { path: plain(&folder.join(name)), intent })
}

impl Intent {
    fn of_flags(flags: i32) -> Self {
        let writes = flags & libc::O_ACCMODE != libc::O_RDONLY;
        match (flags & libc::O_CREAT != 0, writes) {
            _ if flags & libc::O_PATH != 0 => Self::Look,
            (true, _) => Self::WriteOrMake,
            (false, true) => Self::Write,
            (false, false) => Self::Read,
        }
    }
}

/// The path at this place of a child's memory, up to its zero byte.
fn name_at(memory: &File, start: u64) -> Option<PathBuf> {
    let mut name = Vec::new();
    let mut at = start;
    while name.len() < NAME_BYTES_MAX {
        let mut page = [0; PAGE_BYTES as usize];
        let rest = usize::try_from(PAGE_BYTES - at % PAGE_BYTES).ok()?;
        let got = memory.read_at(&mut page[..rest], at).ok().filter(|got| *got > 0)?;
        if let Some(end) = page[..got].iter().position(|byte| *byte == 0) {
            name.extend(&page[..end]);
            return Some(PathBuf::from(OsString::from_vec(name)));
        }
        name.extend(&page[..got]);
        at = at.checked_add(u64::try_from(got).ok()?)?;
    }
    None
}

/// The path without `.` and `..`.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::from("/");
    for part in path.components() {
        match part {
            Component::ParentDir => {
                plain.pop();
            }
            Component::Normal(name) => plain.push(name),
            Component::RootDir | Component::CurDir | Component::Prefix(_) => {}
        }
    }
    plain
}

impl Watcher {
    pub(super) fn new(manner: Manner, rules: Vec<(PathRule, Whose)>) -> Self {
        let real = |rule: &PathRule| rule.path.canonicalize().unwrap_or_else(|_| rule.path.clone());
        let real = rules.iter().map(|(rule, _)| real(rule)).collect();
        Self { manner, rules, real, made: HashSet::new() }
    }

    /// What the child wants with a name; nothing when every module may do that, or when nothing is there.
    pub(super) fn judge(&mut self, named: &Named) -> Option<(Want, Standing)> {
        let path = &named.path;
        if path.parent().is_none() || path.starts_with(PROCESSES) || self.is_made(path) {
            return None;
        }
        let there = fs::metadata(path).ok();
        let (need, path) = match (named.intent, there) {
            // Where nothing is hidden, what is of use is opened next.
            (Intent::Look, _) if self.manner == Manner::Open => return None,
            (Intent::Look, Some(there)) if there.is_file() && is_program(path, &there) => {
                (Need::Run, path.clone())
            }
            (Intent::Look, Some(there)) if there.is_file() => (Need::Read, path.clone()),
            (Intent::Look, _) => return None,
            (Intent::Read, Some(_)) => (Need::Read, path.clone()),
            (Intent::Run, Some(there)) if there.is_file() => (Need::Run, path.clone()),
            (Intent::Write | Intent::WriteOrMake, Some(_)) => (Need::Write, path.clone()),
            (Intent::Make | Intent::WriteOrMake, _) => (Need::Write, self.folder_to_make_in(path)?),
            (Intent::Read | Intent::Run | Intent::Write, _) => return None,
        };
        if need == Need::Write && is_cache(&named.path) {
            return None;
        }
        let standing = match self.whose(&path, need) {
            // Whose program it is, is told by its name and not by its place.
            Some(Whose::Everybodys) if need != Need::Run => return None,
            Some(_) => Standing::Granted,
            None => Standing::Beyond,
        };
        let want = match need {
            Need::Read => Want::Read(path),
            Need::Write => Want::Write(path),
            Need::Run => Want::Run(path),
        };
        Some((want, standing))
    }

    fn is_made(&self, path: &Path) -> bool {
        path.starts_with(TEMPORARY) && path.ancestors().any(|above| self.made.contains(above))
    }

    /// The folder in which a name is made; nothing when it is the child's own temporary one, or not there.
    fn folder_to_make_in(&mut self, path: &Path) -> Option<PathBuf> {
        let folder = path.parent()?;
        if folder == Path::new(TEMPORARY) {
            if self.made.len() < MADE_MAX {
                self.made.insert(path.to_owned());
            }
            return None;
        }
        folder.is_dir().then(|| folder.to_owned())
    }

    /// Why it may do that; the reason that is everybody's comes first.
    fn whose(&self, path: &Path, need: Need) -> Option<Whose> {
        let real = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let is_within = |above: &Path| path.starts_with(above) || real.starts_with(above);
        let rules = self.rules.iter().zip(&self.real);
        let covering = rules.filter(|((rule, _), lies_at)| {
            allows(rule.access, need) && (is_within(&rule.path) || is_within(lies_at))
        });
        let mut all = covering.map(|((_, whose), _)| *whose);
        let first = all.next()?;
        let is_everybodys = first == Whose::Everybodys || all.any(|whose| whose == Whose::Everybodys);
        Some(if is_everybodys { Whose::Everybodys } else { Whose::Granted })
    }
}

/// Whether asking for a file means to run it.
fn is_program(path: &Path, there: &fs::Metadata) -> bool {
    let folder = path.parent().and_then(Path::file_name);
    let is_there = folder.is_some_and(|folder| PROGRAM_FOLDERS.iter().any(|known| folder == *known));
    is_there && there.permissions().mode() & 0o111 != 0
}

fn is_cache(path: &Path) -> bool {
    path.components().any(|part| CACHE_FOLDERS.iter().any(|known| part.as_os_str() == *known))
}

fn allows(access: Access, need: Need) -> bool {
    match need {
        Need::Read => true,
        Need::Write => matches!(access, Access::Write | Access::WriteExecute | Access::Device),
        Need::Run => matches!(access, Access::ReadExecute | Access::WriteExecute),
    }
}
