//! cgroup v2's controllers, for groups that [`crate::cgroup::Tree`] makes.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::{Caps, Control, GroupUse, PERIOD_US, Weight, field, number, quota_us, refused_births, write};
use crate::cgroup::folders;

/// The controllers that are wanted, in the order in which they are asked for.
const WANTED: [&str; 3] = ["cpu", "memory", "pids"];

/// The leaf that a kernel moves into when its own group has to be free of processes.
const LEAF: &str = "ostoja-kernel";

/// See the module above.
#[derive(Debug)]
pub(super) struct V2 {
    has: Vec<&'static str>,
    /// The group that we were in, if we have stepped aside from it.
    left: Option<PathBuf>,
}

impl V2 {
    /// Hands the controllers down to the tree's groups. Nothing, when not even one can be.
    pub(super) fn open(tree: &Path) -> Option<Self> {
        // `ostoja/<instance>` below our own group.
        let family = tree.parent()?;
        let own = family.parent()?;
        let offered = fs::read_to_string(own.join("cgroup.controllers")).ok()?;
        let offered: Vec<&str> = offered.split_ascii_whitespace().collect();
        let wanted: Vec<&'static str> = WANTED.into_iter().filter(|name| offered.contains(name)).collect();
        wanted.first()?;
        // Before the first is handed down: the system would take `cpu` and `pids` from a group with processes too, and then no
        // process could be born in any group below it.
        let is_root = !own.join("cgroup.type").exists();
        let left = if is_root || super::members(own).ok()?.is_empty() {
            None
        } else {
            step_aside(own).ok()?;
            Some(own.to_owned())
        };
        let pools = folders(tree);
        let pass = |name: &&'static str| {
            let word = format!("+{name}");
            let mut all = [own, family, tree].into_iter().chain(pools.iter().map(PathBuf::as_path));
            all.all(|dir| write(&dir.join("cgroup.subtree_control"), &word).is_ok())
        };
        let has: Vec<&'static str> = wanted.into_iter().filter(pass).collect();
        if left.is_some() && has.contains(&"cpu") {
            // Without it the kernel is one among all modules; it works as well, if not as promptly.
            let _slower = write(&own.join(LEAF).join("cpu.weight"), &Weight::KERNEL.0.to_string());
        }
        let control = Self { has, left };
        if control.has.is_empty() {
            control.close();
            return None;
        }
        Some(control)
    }

    fn has(&self, name: &str) -> bool {
        self.has.contains(&name)
    }

    fn write_caps(&self, dir: &Path, caps: Caps) -> io::Result<()> {
        let or_max = |bound: Option<u64>| bound.map_or_else(|| "max".to_owned(), |bound| bound.to_string());
        if self.has("cpu") {
            let quota = or_max(caps.cpu_permille.map(quota_us));
            write(&dir.join("cpu.max"), &format!("{quota} {PERIOD_US}"))?;
            write(&dir.join("cpu.weight"), &caps.weight.0.to_string())?;
        }
        if self.has("memory") {
            write(&dir.join("memory.max"), &or_max(caps.memory_bytes))?;
        }
        if self.has("pids") {
            write(&dir.join("pids.max"), &or_max(caps.processes))?;
        }
        Ok(())
    }
}

/// A group with processes in it can't hand controllers down: if we are its only process, we move into a leaf.
fn step_aside(own: &Path) -> io::Result<()> {
    let members = super::members(own)?;
    if members != [std::process::id()] {
        return Err(io::Error::other("the own group holds other processes"));
    }
    let leaf = own.join(LEAF);
    match fs::create_dir(&leaf) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    write(&leaf.join("cgroup.procs"), &std::process::id().to_string())
}

impl Control for V2 {
    fn name(&self) -> &'static str {
        "cgroup v2"
    }

    fn controllers(&self) -> Vec<&'static str> {
        self.has.clone()
    }

    fn hold(&self, dir: &Path, caps: Caps) -> io::Result<()> {
        self.write_caps(dir, caps)?;
        if self.has("memory") {
            // A program is killed as a whole, or what is left of it would not know that it has lost a part.
            write(&dir.join("memory.oom.group"), "1")?;
        }
        Ok(())
    }

    fn hold_pool(&self, pool: &Path, caps: Caps) -> io::Result<()> {
        self.write_caps(pool, caps)
    }

    fn join(&self, _dir: &Path, _pids: &[u32]) -> io::Result<()> {
        Ok(())
    }

    fn used(&self, dir: &Path) -> GroupUse {
        let stat = self.has("memory").then(|| fs::read_to_string(dir.join("memory.stat")).ok()).flatten();
        let events = self.has("memory").then(|| fs::read_to_string(dir.join("memory.events")).ok()).flatten();
        GroupUse {
            cpu_us: super::group_cpu_us(dir),
            memory_bytes: stat
                .and_then(|stat| Some(field(&stat, "anon")? + field(&stat, "shmem").unwrap_or(0))),
            processes: self.has("pids").then(|| number(dir.join("pids.current"))).flatten(),
            memory_kills: events.and_then(|events| field(&events, "oom_kill")),
            births_refused: self.has("pids").then(|| refused_births(dir)).flatten(),
        }
    }

    fn used_by_pool(&self, pool: &Path) -> GroupUse {
        self.used(pool)
    }

    fn forget(&self, _dir: &Path) {}

    /// Back to where we were, as we found it: else nobody could enter that group again, as the next kernel has to.
    fn close(&self) {
        let Some(own) = &self.left else { return };
        for name in &self.has {
            // Refused while another one still hands it down; then the rest can't be done either.
            let _still_used = write(&own.join("cgroup.subtree_control"), &format!("-{name}"));
        }
        let leaf = own.join(LEAF);
        for pid in super::members(&leaf).unwrap_or_default() {
            let _gone = write(&own.join("cgroup.procs"), &pid.to_string());
        }
        let _busy = crate::cgroup::remove(&leaf);
    }
}
