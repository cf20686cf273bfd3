//! The supervisors that are measured side by side: how each is set up, started and stopped. Each runs the same command
//! with its own defaults; what was changed, and which default matters, is said in `settings`.

mod ostoja;
mod packaged;
mod scanned;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result};

use super::roll::{Pids, Roll};
use crate::{ci, shell};

/// One way of keeping commands alive.
#[derive(Debug)]
pub(crate) struct Peer {
    /// Its name.
    pub(crate) name: &'static str,
    /// What was set, and which of its defaults matters here.
    pub(crate) settings: &'static str,
    /// Its version, once it can be used.
    pub(crate) version: fn() -> Option<String>,
    /// Writes its configuration into the arena.
    pub(crate) prepare: fn(&Arena) -> Result<()>,
    /// The command that starts everything.
    pub(crate) start: fn(&Arena) -> Result<Command>,
    /// The process that supervises, once all children run.
    pub(crate) supervisor: fn(&Arena, &mut Child) -> Result<u32>,
    /// Asks it to stop everything.
    pub(crate) stop: fn(&Arena, u32) -> Result<()>,
    /// What becomes of the children then.
    pub(crate) children: Children,
    /// The processes of all children, where these are numbered in namespaces of their own: what such a child says of
    /// itself is somebody else's number here.
    pub(crate) pids: Option<fn(&Arena) -> Result<Pids>>,
}

/// What becomes of the children when their supervisor is told to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Children {
    Stop,
    Outlive,
}

/// One supervisor's folder for one measurement.
#[derive(Debug)]
pub(crate) struct Arena {
    /// Its own, empty at first.
    pub(crate) folder: PathBuf,
    /// The pipe on which the commands say that they run.
    roll: PathBuf,
    /// The command that is kept alive.
    pub(crate) tick: PathBuf,
    /// How many of it.
    pub(crate) count: usize,
    /// Ostoja's binary.
    pub(crate) binary: PathBuf,
}

/// Ostoja under the names of its rows: with commands like the peers', and with commands that are confined.
pub(crate) const OURS: [&str; 2] = ["ostoja", "ostoja, contained"];

/// All of them, Ostoja first.
pub(crate) fn all() -> Vec<Peer> {
    vec![
        ostoja::plain(),
        ostoja::contained(),
        scanned::s6(),
        scanned::runit(),
        scanned::daemontools(),
        packaged::supervisord(),
        packaged::circus(),
        packaged::pm2(),
        packaged::erlang(),
    ]
}

/// Installs those that are missing; what can't be had is said and left out.
pub(crate) fn install(names: &[&str]) {
    let debian: Vec<&str> =
        [("s6", "s6-svscan"), ("runit", "runsvdir"), ("daemontools", "svscan"), ("erlang-base", "erl")]
            .into_iter()
            .filter(|(package, program)| {
                names.iter().any(|name| package.starts_with(name)) && !shell::on_path(program)
            })
            .map(|(package, _)| package)
            .collect();
    let mut results = Vec::new();
    if !debian.is_empty() {
        results.push(ci::apt(&debian));
    }
    let python = ["supervisord", "circus"].into_iter().any(|name| names.contains(&name));
    if python && !(python_bin("supervisord").is_file() && python_bin("circusd").is_file()) {
        results.push(ci::pip(&["supervisor", "circus", "setuptools<81"]).map(drop));
    }
    if names.contains(&"pm2") && !ci::npm_bin().join("pm2").exists() {
        results.push(ci::npm(&["pm2"]));
    }
    for error in results.into_iter().filter_map(Result::err) {
        println!("!! {error:#}");
    }
}

/// A program of the Python environment that xtask made.
fn python_bin(name: &str) -> PathBuf {
    shell::tools().join("python/bin").join(name)
}

/// The version of a Debian package that is installed.
fn debian_version(package: &str) -> Option<String> {
    let mut query = Command::new("dpkg-query");
    let text = shell::read(query.args(["-W", "-f", "${db:Status-Status} ${Version}", package])).ok()?;
    text.strip_prefix("installed ").map(|version| format!("{package} {version}"))
}

impl Arena {
    /// A fresh folder for a supervisor.
    ///
    /// # Errors
    /// When it can't be made.
    pub(crate) fn create(
        base: &Path,
        name: &str,
        tick: &Path,
        count: usize,
        binary: &Path,
    ) -> Result<(Self, Roll)> {
        let folder = base.join(name);
        if folder.exists() {
            std::fs::remove_dir_all(&folder).context("clearing the arena")?;
        }
        std::fs::create_dir_all(&folder)?;
        let roll = Roll::open(&folder)?;
        let arena = Self {
            folder,
            roll: roll.path.clone(),
            tick: tick.to_path_buf(),
            count,
            binary: binary.to_path_buf(),
        };
        Ok((arena, roll))
    }

    /// Writes a file into the arena.
    fn write(&self, name: &str, text: &str) -> Result<PathBuf> {
        let path = self.folder.join(name);
        std::fs::write(&path, text).with_context(|| format!("writing {name}"))?;
        Ok(path)
    }

    /// The pipe as text, for configuration files.
    fn roll(&self) -> String {
        self.roll.display().to_string()
    }

    /// The command as text, for configuration files.
    fn tick(&self) -> String {
        self.tick.display().to_string()
    }

    /// Starts a command with its output kept in the arena.
    ///
    /// # Errors
    /// When it can't be started.
    pub(crate) fn spawn(&self, mut command: Command) -> Result<Child> {
        let said = File::options().create(true).append(true).open(self.folder.join("output"))?;
        command.stdin(Stdio::null()).stdout(said.try_clone()?).stderr(said);
        command.spawn().with_context(|| format!("starting {}", shell::spelled(&command)))
    }
}

/// The supervisor is the process that was started.
fn itself(_arena: &Arena, child: &mut Child) -> Result<u32> {
    Ok(child.id())
}
