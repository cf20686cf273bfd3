//! cgroup v1's controllers: one tree each, and in each that there is one group per pool, and in that one per module. They are
//! made when the first module of a pool needs them, so that a kernel without bounds leaves nothing behind when it is killed.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{Caps, Control, GroupUse, PERIOD_US, field, number, quota_us, refused_births, write};
use crate::cgroup::folders;

/// See the module above.
#[derive(Debug)]
pub(super) struct V1 {
    /// Each controller with our own group in its tree.
    trees: Vec<(&'static str, PathBuf)>,
    /// What the names of this kernel's pools there begin with.
    prefix: String,
    /// By name, what each pool was told last; put on its group when that is made.
    pools: Mutex<BTreeMap<String, Caps>>,
}

impl V1 {
    /// Finds the tree of every controller that lets us make groups. Nothing, when none does.
    pub(super) fn open(mounts: &str, groups: &str, instance: &str) -> Option<Self> {
        let prefix = format!("ostoja-{instance}.");
        let find = |name: &'static str| {
            let own = locate(mounts, groups, name)?;
            remove_earlier(&own, instance);
            let trial = own.join(format!("{prefix}trial"));
            fs::create_dir_all(&trial).and_then(|()| fs::remove_dir(&trial)).ok()?;
            Some((name, own))
        };
        let trees: Vec<(&'static str, PathBuf)> =
            ["cpu", "memory", "pids"].into_iter().filter_map(find).collect();
        (!trees.is_empty()).then_some(Self { trees, prefix, pools: Mutex::default() })
    }

    /// Makes a pool's groups if need be, and puts on them what the pool was told.
    fn make_pool(&self, pool: &Path) -> io::Result<()> {
        let mut is_new = false;
        for (_, own) in &self.trees {
            let dir = self.pool(own, pool);
            match fs::create_dir(&dir) {
                Ok(()) => is_new = true,
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                Err(error) => return Err(error),
            }
            // Before Linux 5.11 a group counted what is below it only when it was told to.
            let _always_so = write(&dir.join("memory.use_hierarchy"), "1");
        }
        let told = self.told().get(&last(pool)).copied();
        match told.filter(|_| is_new) {
            Some(caps) => self.write_caps(&|own| self.pool(own, pool), caps.cpu_permille.map(quota_us), caps),
            None => Ok(()),
        }
    }

    fn told(&self) -> MutexGuard<'_, BTreeMap<String, Caps>> {
        self.pools.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A pool's group in a controller's tree, by its v2 group.
    fn pool(&self, own: &Path, pool: &Path) -> PathBuf {
        own.join(format!("{}{}", self.prefix, last(pool)))
    }

    /// A module's.
    fn group(&self, own: &Path, dir: &Path) -> PathBuf {
        self.pool(own, dir.parent().unwrap_or(Path::new(""))).join(last(dir))
    }

    fn of(&self, controller: &str) -> Option<&Path> {
        self.trees.iter().find(|(name, _)| *name == controller).map(|(_, own)| own.as_path())
    }
}

fn last(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Removes what earlier kernels of the same family (the instance without its last number) left when they were killed. What is not
/// empty belongs to somebody who lives.
fn remove_earlier(own: &Path, instance: &str) {
    let Some((family, _)) = instance.rsplit_once('-') else { return };
    let (prefix, ours) = (format!("ostoja-{family}-"), format!("ostoja-{instance}."));
    for group in folders(own) {
        let name = last(&group);
        if name.starts_with(&prefix) && !name.starts_with(&ours) && !has_members(&group) {
            remove_all(&group);
        }
    }
}

/// Whether a process is in one of a pool's groups.
fn has_members(pool: &Path) -> bool {
    folders(pool).iter().any(|group| super::members(group).is_ok_and(|pids| !pids.is_empty()))
}

/// Removes a pool of empty groups; what is busy stays, and so does the pool.
fn remove_all(pool: &Path) {
    for group in folders(pool) {
        let _busy = fs::remove_dir(group);
    }
    let _busy = fs::remove_dir(pool);
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

    fn hold(&self, dir: &Path, caps: Caps) -> io::Result<()> {
        self.make_pool(dir.parent().unwrap_or(Path::new("")))?;
        for (_, own) in &self.trees {
            match fs::create_dir(self.group(own, dir)) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
                _ => {}
            }
        }
        let pool_quota =
            dir.parent().zip(self.of("cpu")).and_then(|(pool, own)| quota_of(&self.pool(own, pool)));
        let quota = caps.cpu_permille.map(quota_us);
        let below = quota.filter(|quota| pool_quota.is_none_or(|pool| *quota < pool));
        self.write_caps(&|own| self.group(own, dir), below, caps)
    }

    fn hold_pool(&self, pool: &Path, caps: Caps) -> io::Result<()> {
        self.told().insert(last(pool), caps);
        if !self.trees.iter().all(|(_, own)| self.pool(own, pool).is_dir()) {
            return Ok(());
        }
        let quota = caps.cpu_permille.map(quota_us);
        if let (Some(own), Some(quota)) = (self.of("cpu"), quota) {
            // Refused for as long as one below it has more.
            for group in folders(&self.pool(own, pool)) {
                if quota_of(&group).is_some_and(|below| below >= quota) {
                    write(&group.join("cpu.cfs_quota_us"), "-1")?;
                }
            }
        }
        self.write_caps(&|own| self.pool(own, pool), quota, caps)
    }

    fn join(&self, dir: &Path, pids: &[u32]) -> io::Result<()> {
        for (_, own) in &self.trees {
            let procs = self.group(own, dir).join("cgroup.procs");
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

    fn used(&self, dir: &Path) -> GroupUse {
        // Every v2 group counts it, with controllers or without.
        GroupUse { cpu_us: super::group_cpu_us(dir), ..self.counted(&|own| self.group(own, dir)) }
    }

    fn used_by_pool(&self, pool: &Path) -> GroupUse {
        GroupUse { cpu_us: super::group_cpu_us(pool), ..self.counted(&|own| self.pool(own, pool)) }
    }

    fn forget(&self, dir: &Path) {
        for (_, own) in &self.trees {
            // What is busy is removed with the tree.
            let _later = fs::remove_dir(self.group(own, dir));
        }
    }

    fn close(&self) {
        for (_, own) in &self.trees {
            for pool in self.told().keys() {
                remove_all(&own.join(format!("{}{pool}", self.prefix)));
            }
        }
    }
}

impl V1 {
    /// Writes these bounds, with that quota, into the folder of each controller that is told by our own group in its tree.
    fn write_caps(&self, dir: &dyn Fn(&Path) -> PathBuf, quota: Option<u64>, caps: Caps) -> io::Result<()> {
        if let Some(dir) = self.of("cpu").map(dir) {
            write(&dir.join("cpu.cfs_period_us"), &PERIOD_US.to_string())?;
            write(&dir.join("cpu.cfs_quota_us"), &or_none(quota))?;
            write(&dir.join("cpu.shares"), &caps.weight.shares().to_string())?;
        }
        if let Some(dir) = self.of("memory").map(dir) {
            write(&dir.join("memory.limit_in_bytes"), &or_none(caps.memory_bytes))?;
        }
        if let Some(dir) = self.of("pids").map(dir) {
            let most = caps.processes.map_or_else(|| "max".to_owned(), |most| most.to_string());
            write(&dir.join("pids.max"), &most)?;
        }
        Ok(())
    }

    fn counted(&self, dir: &dyn Fn(&Path) -> PathBuf) -> GroupUse {
        let memory = self.of("memory").map(dir);
        let pids = self.of("pids").map(dir);
        let stat = memory.as_ref().and_then(|dir| fs::read_to_string(dir.join("memory.stat")).ok());
        let oom = memory.and_then(|dir| fs::read_to_string(dir.join("memory.oom_control")).ok());
        GroupUse {
            cpu_us: None,
            memory_bytes: stat.and_then(|stat| field(&stat, "total_rss")),
            processes: pids.as_ref().and_then(|dir| number(dir.join("pids.current"))),
            memory_kills: oom.and_then(|oom| field(&oom, "oom_kill")),
            births_refused: pids.and_then(|dir| refused_births(&dir)),
        }
    }
}

/// A group's quota per [`PERIOD_US`]; nothing when it has none.
fn quota_of(group: &Path) -> Option<u64> {
    number(group.join("cpu.cfs_quota_us"))
}

#[cfg(test)]
mod tests;
