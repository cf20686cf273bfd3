//! What a group of processes may use, enforced by the system: cgroup v2's controllers or cgroup v1's, behind one trait.
//!
//! Groups themselves, for killing and for freezing, are those of [`crate::cgroup`] and need no controllers. Here are bounds on
//! processor, memory and processes: those of a module on its own group, those of a pool on the group above its modules'.
//! Where neither version gives them, [`open`] says so, and what remains are rlimits and whoever looks now and then.
//!
//! # The two versions
//! - v2: a child is born into its group, so its bounds hold before its first instruction. Controllers have to be handed down
//!   from our own group, which must hold no process then: a kernel that is alone in its group (as a service manager starts it
//!   with delegation) moves itself into a leaf first, and back at its end. With company it can't, and there are no bounds by v2.
//!   That leaf comes before all modules when a processor is contended.
//! - v1: each controller has a tree of its own. A child is moved into its groups right after its birth; what it managed to
//!   fork before that is moved after it by [`Control::join`], which is told all members of the v2 group. The pools lie
//!   directly in our own group, so that a pool's share of a processor is one against the kernel itself, and against modules
//!   that nothing bounds and that stay there. A module's quota can't be above its pool's there: such a one has none, which
//!   comes to the same.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

#[cfg(test)]
mod tests;
mod v1;
mod v2;

/// One thousandth of a processor in a period of [`PERIOD_US`] is this many microseconds.
const PERMILLE_US: u64 = PERIOD_US / 1000;

/// 20 ms: short enough that a throttled module goes on several times while a person waits, long enough that its caches pay.
const PERIOD_US: u64 = 20_000;

/// The least quota that the system takes, in microseconds.
const QUOTA_US_MIN: u64 = 1000;

/// What a group may use; where there is nothing, nothing is bounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Caps {
    /// Thousandths of one processor; at least 50 are given.
    pub cpu_permille: Option<u64>,
    /// Bytes; past it something in the group is killed by the system.
    pub memory_bytes: Option<u64>,
    /// Processes and threads; past it a fork fails.
    pub processes: Option<u64>,
    /// How much of a contended processor it gets, against others beside it.
    pub weight: Weight,
}

/// How much of a contended processor a group gets: from 1 to 10,000, where 100 is as much as anybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Weight(u64);

impl Weight {
    /// As much as anybody.
    pub const PLAIN: Self = Self(100);

    /// 1,000: so much more than its modules that the kernel is not waited for.
    const KERNEL: Self = Self(1000);

    /// This weight, or the nearest that there is.
    pub fn of(percent: u64) -> Self {
        Self(percent.clamp(1, 10_000))
    }

    /// In the words of v1, where 1,024 is as much as anybody and 2 the least.
    fn shares(self) -> u64 {
        (self.0 * 1024 / 100).max(2)
    }
}

impl Default for Weight {
    fn default() -> Self {
        Self::PLAIN
    }
}

/// What a group uses, as far as the system counts it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct GroupUse {
    /// Processor time since the group was made, in microseconds.
    pub cpu_us: Option<u64>,
    /// Memory that is its own, without what the system keeps of files it read, in bytes.
    pub memory_bytes: Option<u64>,
    /// Processes and threads.
    pub processes: Option<u64>,
    /// How often the system killed something in it for want of memory.
    pub memory_kills: Option<u64>,
    /// How often it was refused a process or a thread that was one too many.
    pub births_refused: Option<u64>,
}

/// A way to have bounds enforced.
pub trait Control: fmt::Debug {
    /// Its name, for people.
    fn name(&self) -> &'static str;

    /// The controllers that it has, for people.
    fn controllers(&self) -> Vec<&'static str>;

    /// Puts these bounds on a module's group, which is made if need be. `dir` is its v2 group here and below.
    ///
    /// # Errors
    /// The first file that could not be made or written; the bounds before it hold.
    fn hold(&self, dir: &Path, caps: Caps) -> io::Result<()>;

    /// Puts these bounds on all of a pool's modules together. `pool` is its v2 group. Where quotas were raised or taken
    /// away, those of its modules have to be put on anew by [`Control::hold`].
    ///
    /// # Errors
    /// As of [`Control::hold`].
    fn hold_pool(&self, pool: &Path, caps: Caps) -> io::Result<()>;

    /// Moves processes into a module's group, where they are not born into it.
    ///
    /// # Errors
    /// The system's own. A process that has ended meanwhile is no error.
    fn join(&self, dir: &Path, pids: &[u32]) -> io::Result<()>;

    /// What a module's group uses.
    fn used(&self, dir: &Path) -> GroupUse;

    /// What all of a pool's modules use together. `pool` is its v2 group.
    fn used_by_pool(&self, pool: &Path) -> GroupUse;

    /// Removes what [`Control::hold`] has made for a module; what is busy is removed with the tree.
    fn forget(&self, dir: &Path);

    /// Removes everything. The groups of [`crate::cgroup::Tree`] have to be gone by then.
    fn close(&self);
}

/// The best way there is: v2 with controllers, else v1, else nothing. `tree` is the folder of [`crate::cgroup::Tree`], `instance` the
/// name it was opened with; the pools are those that it has. Call it before anything is started that would be in our own
/// group with us.
pub fn open(tree: &Path, instance: &str) -> Option<Box<dyn Control>> {
    if let Some(control) = v2::V2::open(tree) {
        return Some(Box::new(control));
    }
    let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
    let mounts = fs::read_to_string("/proc/self/mounts").ok()?;
    v1::V1::open(&mounts, &groups, instance).map(|control| Box::new(control) as Box<dyn Control>)
}

/// Stops or lets go everything in a v2 group. Needs no controller.
///
/// # Errors
/// When there is no such group or no `cgroup.freeze` (it came with Linux 5.2).
pub fn freeze_cgroup(dir: &Path, motion: Motion) -> io::Result<()> {
    let word = match motion {
        Motion::Frozen => "1",
        Motion::Free => "0",
    };
    write(&dir.join("cgroup.freeze"), word)
}

/// Whether a group moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Motion {
    /// It stands still.
    Frozen,
    /// It goes on.
    Free,
}

/// All processes in a v2 group.
///
/// # Errors
/// When there is no such group.
pub fn members(dir: &Path) -> io::Result<Vec<u32>> {
    let text = fs::read_to_string(dir.join("cgroup.procs"))?;
    Ok(text.split_ascii_whitespace().filter_map(|pid| pid.parse().ok()).collect())
}

/// Processor time of a v2 group since it was made, in microseconds. Needs no controller.
pub fn group_cpu_us(dir: &Path) -> Option<u64> {
    field(&fs::read_to_string(dir.join("cpu.stat")).ok()?, "usage_usec")
}

fn quota_us(permille: u64) -> u64 {
    permille.saturating_mul(PERMILLE_US).max(QUOTA_US_MIN)
}

fn write(file: &Path, text: &str) -> io::Result<()> {
    // Never created: a file that is not there is a controller that is not there.
    use io::Write as _;
    let with_name = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", file.display()));
    let mut file_open = fs::OpenOptions::new().write(true).open(file).map_err(with_name)?;
    file_open.write_all(text.as_bytes()).map_err(with_name)
}

fn number(file: PathBuf) -> Option<u64> {
    fs::read_to_string(file).ok()?.trim().parse().ok()
}

/// What a group with a bound on processes has been refused. Linux counts it since 4.10; before that it says nothing.
fn refused_births(dir: &Path) -> Option<u64> {
    field(&fs::read_to_string(dir.join("pids.events")).ok()?, "max")
}

/// The number behind a word at the beginning of a line.
fn field(text: &str, name: &str) -> Option<u64> {
    text.lines().find_map(|line| {
        let (word, value) = line.split_once(' ')?;
        (word == name).then(|| value.trim().parse().ok())?
    })
}
