//! cgroup v1's controllers: one tree each, and one group per module in each that there is.

use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use super::{Caps, Control, GroupUse, PERIOD_US, Weight, field, number, quota_us, write};

/// 128 against the 1,024 that every process and every group has by itself.
const SHARES_BACKGROUND: &str = "128";

/// 4,096 groups are removed in one sweep: as many as one kernel can have modules.
const GROUPS_MAX: usize = 4096;

/// See the module above.
#[derive(Debug)]
pub(super) struct V1 {
    /// Each controller with the folder of this kernel's groups.
    trees: Vec<(&'static str, PathBuf)>,
}

impl V1 {
    /// Makes this kernel's folder in the tree of every controller that lets us. Nothing, when none does.
    pub(super) fn open(mounts: &str, groups: &str, instance: &str) -> Option<Self> {
        let make = |name: &'static str| {
            let own = locate(mounts, groups, name)?;
            let root = own.join(format!("ostoja-{instance}"));
            remove_earlier(&own, &root, instance);
            fs::create_dir_all(&root).ok()?;
            Some((name, root))
        };
        let trees: Vec<(&'static str, PathBuf)> =
            ["cpu", "memory", "pids"].into_iter().filter_map(make).collect();
        (!trees.is_empty()).then_some(Self { trees })
    }

    fn dir(&self, controller: &str, module: &str) -> Option<PathBuf> {
        self.trees.iter().find(|(name, _)| *name == controller).map(|(_, root)| root.join(module))
    }
}

/// Removes what earlier kernels of the same family (the instance without its last number) left when they were killed. What is not
/// empty belongs to somebody who lives.
fn remove_earlier(own: &Path, root: &Path, instance: &str) {
    let Some((family, _)) = instance.rsplit_once('-') else { return };
    let prefix = format!("ostoja-{family}-");
    for entry in fs::read_dir(own).into_iter().flatten().flatten().take(GROUPS_MAX) {
        let is_earlier = entry.file_name().to_string_lossy().starts_with(&prefix) && entry.path() != root;
        if is_earlier && !has_members(&entry.path()) {
            remove_all(&entry.path());
        }
    }
}

/// Whether a process is in one of a tree's groups.
fn has_members(root: &Path) -> bool {
    let groups = fs::read_dir(root).into_iter().flatten().flatten().take(GROUPS_MAX);
    groups.map(|group| group.path()).any(|group| super::members(&group).is_ok_and(|pids| !pids.is_empty()))
}

/// Removes a tree of empty groups; what is busy stays, and so does the tree.
fn remove_all(root: &Path) {
    for entry in fs::read_dir(root).into_iter().flatten().flatten().take(GROUPS_MAX) {
        let _busy = fs::remove_dir(entry.path());
    }
    let _busy = fs::remove_dir(root);
}

/// The folder of our own group in a controller's tree.
fn locate(mounts: &str, groups: &str, controller: &str) -> Option<PathBuf> {
    let mount = mounts.lines().find_map(|line| {
        let mut words = line.split_ascii_whitespace();
        let (point, kind, options) = (words.nth(1)?, words.next()?, words.next()?);
        (kind == "cgroup" && options.split(',').any(|option| option == controller)).then_some(point)
    })?;
    let own = groups.lines().find_map(|line| {
        let mut parts = line.splitn(3, ':');
        let (controllers, path) = (parts.nth(1)?, parts.next()?);
        controllers.split(',').any(|name| name == controller).then_some(path)
    })?;
    let own = Path::new(own.trim_start_matches('/'));
    // A group above the root of our view can't be named from here.
    let outside = own.components().any(|part| part == Component::ParentDir);
    (!outside).then(|| Path::new(mount).join(own))
}

fn or_none(bound: Option<u64>) -> String {
    bound.map_or_else(|| "-1".to_owned(), |bound| bound.to_string())
}

impl Control for V1 {
    fn name(&self) -> &'static str {
        "cgroup v1"
    }

    fn controllers(&self) -> Vec<&'static str> {
        self.trees.iter().map(|(name, _)| *name).collect()
    }

    fn hold(&self, module: &str, _dir: &Path, caps: Caps) -> io::Result<()> {
        for (_, root) in &self.trees {
            match fs::create_dir(root.join(module)) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
                _ => {}
            }
        }
        if let Some(dir) = self.dir("cpu", module) {
            write(&dir.join("cpu.cfs_period_us"), &PERIOD_US.to_string())?;
            write(&dir.join("cpu.cfs_quota_us"), &or_none(caps.cpu_permille.map(quota_us)))?;
            let shares = match caps.weight {
                Weight::Plain => "1024",
                Weight::Background => SHARES_BACKGROUND,
            };
            write(&dir.join("cpu.shares"), shares)?;
        }
        if let Some(dir) = self.dir("memory", module) {
            write(&dir.join("memory.limit_in_bytes"), &or_none(caps.memory_bytes))?;
        }
        if let Some(dir) = self.dir("pids", module) {
            let most = caps.processes.map_or_else(|| "max".to_owned(), |most| most.to_string());
            write(&dir.join("pids.max"), &most)?;
        }
        Ok(())
    }

    fn join(&self, module: &str, pids: &[u32]) -> io::Result<()> {
        for (_, root) in &self.trees {
            let procs = root.join(module).join("cgroup.procs");
            for pid in pids {
                match write(&procs, &pid.to_string()) {
                    Ok(()) => {}
                    // It has ended meanwhile.
                    Err(_) if !Path::new(&format!("/proc/{pid}")).exists() => {}
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(())
    }

    fn used(&self, module: &str, dir: &Path) -> GroupUse {
        let memory = self.dir("memory", module);
        let stat = memory.as_ref().and_then(|dir| fs::read_to_string(dir.join("memory.stat")).ok());
        let oom = memory.and_then(|dir| fs::read_to_string(dir.join("memory.oom_control")).ok());
        GroupUse {
            // Every v2 group counts it, with controllers or without.
            cpu_us: super::group_cpu_us(dir),
            memory_bytes: stat.and_then(|stat| field(&stat, "total_rss")),
            processes: self.dir("pids", module).and_then(|dir| number(dir.join("pids.current"))),
            memory_kills: oom.and_then(|oom| field(&oom, "oom_kill")),
        }
    }

    fn forget(&self, module: &str) {
        for (_, root) in &self.trees {
            // What is busy is removed with the tree.
            let _later = fs::remove_dir(root.join(module));
        }
    }

    fn close(&self) {
        for (_, root) in &self.trees {
            remove_all(root);
        }
    }
}

#[cfg(test)]
mod tests;
