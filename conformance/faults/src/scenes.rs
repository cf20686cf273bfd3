//! What is done while something goes wrong, and what must hold when the home is opened anew by the real binary.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;

use crate::plan::{Fault, Target};
use crate::templates::{running, says, settled};
use crate::world::{Ran, Stepped, Steps, World};

/// 1.5 s for a probation of a tenth of a second and what follows it, on a busy machine.
const AT_ONCE: Duration = Duration::from_millis(1500);

/// What is done.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Act {
    /// A command that works on the home itself.
    Alone(&'static str),
    /// A command to a running kernel, which is what is stepped through.
    Beside(&'static str),
    /// A kernel's start.
    Start,
}

/// What must hold afterwards, besides what always must.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Holds {
    /// The greeter has one of these versions, and the same act leads to the last of them.
    Version(&'static [&'static str]),
    /// What is backed up is sound, and as it was or newer.
    Backups,
    /// All files are old, or all are new.
    OldOrNew,
    /// Nothing of the home has changed; the folder `copy` is not there, or whole.
    Copy,
}

/// A path through the binary.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scene {
    pub(crate) name: &'static str,
    template: &'static str,
    act: Act,
    holds: Holds,
}

/// Stage, verify, try and commit, over a folder and over a package; back; cleaning; what a start does; another binary;
/// making, pruning and putting back backups.
pub(crate) const SCENES: [Scene; 11] = [
    scene("adopt", "folder", Act::Beside("update apply greeter-2.0.0.okm"), version(&["1.0.0", "2.0.0"])),
    scene("apply", "package", Act::Beside("update apply greeter-3.0.0.okm"), version(&["2.0.0", "3.0.0"])),
    scene("rollback", "package", Act::Beside("update rollback greeter"), version(&["2.0.0", "1.0.0"])),
    scene("gc", "third", Act::Beside("update gc"), version(&["3.0.0"])),
    scene("start", "waiting", Act::Start, version(&["2.0.0", "3.0.0"])),
    scene("self", "package", Act::Beside("self-update other-ostoja --timeout 20s"), version(&["2.0.0"])),
    scene("create", "backups", Act::Alone("backup create"), Holds::Backups),
    scene("prune", "backups", Act::Alone("backup prune"), Holds::Backups),
    scene("restore", "backups", Act::Alone("backup restore 1 -y"), Holds::OldOrNew),
    scene("one", "backups", Act::Alone("backup restore 1 -y --component module/notes"), Holds::OldOrNew),
    scene("copy", "backups", Act::Alone("backup restore 1 --to copy"), Holds::Copy),
];

const fn scene(name: &'static str, template: &'static str, act: Act, holds: Holds) -> Scene {
    Scene { name, template, act, holds }
}

const fn version(versions: &'static [&'static str]) -> Holds {
    Holds::Version(versions)
}

impl Scene {
    pub(crate) fn is_alone(&self) -> bool {
        matches!(self.act, Act::Alone(_))
    }

    /// Does it with a fault, or without one, and looks whether everything holds.
    ///
    /// # Errors
    /// What does not hold.
    pub(crate) fn play(&self, world: &World, target: Option<&Target>) -> Result<Steps> {
        world.restore(self.template)?;
        world.disarm();
        let steps = match self.act {
            Act::Alone(line) => alone(world, target, line),
            Act::Beside(line) => beside(world, target, line),
            Act::Start => start(world, target),
        }?;
        world.disarm();
        let is_whole = target.is_none();
        ensure!(!is_whole || steps.ran.code == 0, "it fails without a fault: {:?}", steps.ran);
        self.judge(world, is_whole).context("when it was opened anew")?;
        Ok(steps)
    }

    fn judge(&self, world: &World, is_whole: bool) -> Result<()> {
        match self.holds {
            Holds::Version(versions) => {
                let versions = if is_whole { &versions[versions.len() - 1..] } else { versions };
                running(world, "up -d", || judge_versions(world, versions, self.act))?;
            }
            Holds::Backups => judge_backups(world, self.act)?,
            Holds::OldOrNew => running(world, "up -d", || judge_files(world, is_whole))?,
            Holds::Copy => judge_copy(world)?,
        }
        world.run("audit --verify")?.well("audit --verify")?;
        let left = leftovers(&world.home());
        ensure!(left.is_empty(), "left behind: {left:?}");
        Ok(())
    }
}

/// What a command says: it worked, or there is a code that tells why not, and a next step.
fn clear(ran: &Ran, target: Option<&Target>) -> Result<()> {
    let was_killed = target.is_some_and(|target| target.fault == Fault::Kill);
    if ran.code == 0 || was_killed {
        return Ok(());
    }
    let said: Value = serde_json::from_str(&ran.stdout).with_context(|| format!("no document: {ran:?}"))?;
    let is_told = said["error"].as_str().is_some_and(|error| !error.is_empty());
    let has_code = said["code"].as_str().is_some_and(|code| code.contains("::"));
    // What was found not to hold is told as data.
    ensure!((is_told && has_code) || said["data"].is_object(), "no clear error: {ran:?}");
    Ok(())
}

fn alone(world: &World, target: Option<&Target>, line: &str) -> Result<Steps> {
    world.arm()?;
    world.step(target, &format!("{line} --json"))?.wait()?;
    let steps = world.told()?;
    clear(&steps.ran, target)?;
    Ok(steps)
}

fn beside(world: &World, target: Option<&Target>, line: &str) -> Result<Steps> {
    let mut kernel = world.step(target, "up")?;
    ensure!(answers(world, &mut kernel)?, "the kernel does not start");
    says(world, &["1.0.0", "2.0.0", "3.0.0"])?;
    world.arm()?;
    let ran = world.run(&format!("{line} --json"))?;
    clear(&ran, target)?;
    if !kernel.has_ended()? && answers(world, &mut kernel)? && line.starts_with("update") {
        // Most of what follows comes at once; then the disk is well again, and all of it has to.
        let begun = Instant::now();
        while begun.elapsed() < AT_ONCE && is_on_its_way(world)? && !kernel.has_ended()? {}
        world.disarm();
        world.until("the transaction ends", || Ok(!is_on_its_way(world)? || kernel.has_ended()?))?;
    }
    world.disarm();
    stop(world, kernel)
}

/// Whether some version is on probation, as far as anybody answers.
fn is_on_its_way(world: &World) -> Result<bool> {
    let ran = world.run("update list --json")?;
    let rows = ran.data()["modules"].as_array().cloned().unwrap_or_default();
    Ok(rows.iter().any(|row| row["phase"] == "tried") || ran.code != 0)
}

fn start(world: &World, target: Option<&Target>) -> Result<Steps> {
    world.arm()?;
    let mut kernel = world.step(target, "--json up")?;
    if answers(world, &mut kernel)? {
        // What a start can't do is told, and done by the next one.
        let begun = Instant::now();
        while begun.elapsed() < AT_ONCE && is_on_its_way(world)? && !kernel.has_ended()? {}
    }
    world.disarm();
    stop(world, kernel)
}

/// Waits until the kernel answers or has ended; says which.
fn answers(world: &World, kernel: &mut Stepped) -> Result<bool> {
    let mut is_up = false;
    world.until("the kernel answers or ends", || {
        // One that has trouble is degraded, and answers.
        is_up = world.run("status --json")?.data()["kernel"]["pid"].is_u64();
        Ok(is_up || kernel.has_ended()?)
    })?;
    Ok(is_up)
}

fn stop(world: &World, mut kernel: Stepped) -> Result<Steps> {
    if !kernel.has_ended()? {
        let ran = world.run("down --timeout 10s --json")?;
        ensure!(ran.code == 0 || kernel.has_ended()?, "it can't be stopped: {ran:?}");
    }
    kernel.wait()?;
    world.told()
}

/// Exactly one version is active, slots, link and life are of one mind, and it goes on from there.
fn judge_versions(world: &World, versions: &[&str], act: Act) -> Result<()> {
    settled(world)?;
    let said = says(world, versions)?;
    let slots = world.data("update list")?;
    // A module that was never updated is a folder, without slots.
    if let Some(row) = slots["modules"].as_array().and_then(|rows| rows.first())
        && !row["active"].is_null()
    {
        ensure!(row["active"] == said.as_str(), "the slots say {row}, the greeter says {said}");
        let place = world.home().join("modules/greeter");
        let link = fs::read_link(&place).ok();
        let is_folder = link.is_none() && place.is_dir();
        let is_first = said == "1.0.0" && is_folder;
        ensure!(is_first || link.is_some_and(|_| place.join("run.sh").is_file()), "no version at {place:?}");
    }
    if let (Act::Beside(line), Some(last)) = (act, versions.last())
        && said != *last
    {
        world.run(line)?.well(line)?;
        says(world, &[last])?;
        settled(world)?;
    }
    let last = *versions.last().context("a version")?;
    world.run("update gc")?.well("update gc")?;
    let now = says(world, versions)?;
    ensure!(now == last || matches!(act, Act::Start), "{now} is active, {last} should be");
    world.run("backup create")?.well("backup create")?;
    world.run("backup verify")?.well("backup verify")?;
    let fallback = world.data("update list")?["modules"][0]["fallback"].clone();
    if let Some(fallback) = fallback.as_str() {
        world.run("update rollback greeter")?.well("update rollback")?;
        says(world, &[fallback])?;
        settled(world)?;
    }
    Ok(())
}

fn judge_backups(world: &World, act: Act) -> Result<()> {
    let Act::Alone(line) = act else { bail!("a backup is a command of its own") };
    world.run("backup verify")?.well("backup verify")?;
    world.run(line)?.well(line)?;
    world.run("backup verify")?.well("backup verify")?;
    for number in ["1", "2"] {
        world.run(&format!("backup restore {number} --to copy-{number}"))?.well("backup restore")?;
    }
    let table =
        |number: u8| fs::read_to_string(world.path(&format!("copy-{number}/modules/notes/data/table")));
    ensure!(table(1).context("the first copy")? == "old".repeat(1000), "the first backup is another");
    ensure!(table(2).context("the second copy")? == "new".repeat(1000), "the second backup is another");
    Ok(())
}

/// The state in which the two places of a home are.
fn judge_files(world: &World, is_whole: bool) -> Result<()> {
    let data = world.home().join("modules/notes/data");
    let table = fs::read_to_string(data.join("table")).context("the table")?;
    let file = if data.join("new.txt").exists() { "new" } else { "old" };
    ensure!(table == file.repeat(1000), "a mix: the table begins {:.9}, new.txt says {file}", table);
    ensure!(!is_whole || file == "old", "nothing was put back");
    says(world, &["2.0.0"]).map(drop)
}

fn judge_copy(world: &World) -> Result<()> {
    let copy = world.path("copy");
    let again = world.path("again");
    world.run("backup verify")?.well("backup verify")?;
    world.run("backup restore 1 --to again")?.well("backup restore")?;
    let table = |folder: &Path| fs::read_to_string(folder.join("modules/notes/data/table"));
    ensure!(table(&again).context("another copy")? == "old".repeat(1000), "the copy is another");
    if copy.join("config.yaml").exists() {
        ensure!(table(&copy).context("a copy that looks whole")? == "old".repeat(1000), "half a copy");
    }
    Ok(())
}

/// Files that are written aside and should not have stayed.
fn leftovers(folder: &Path) -> Vec<PathBuf> {
    let mut left = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        let is_aside = name.ends_with(".aside") || name == "incoming" || name.ends_with(".damaged");
        if is_aside || [".new-", ".old-", ".incoming-"].iter().any(|begin| name.starts_with(begin)) {
            left.push(path);
        } else if entry.file_type().is_ok_and(|kind| kind.is_dir()) && name != "before-restore" {
            left.extend(leftovers(&path));
        }
    }
    left
}
