//! A folder with a home in it, and the real binary run on it: plain, or stepped through by a process of this program.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::plan::Target;

/// 60 s for one command, and twice that for a kernel that is stepped through; both take a second.
const COMMAND_SECONDS: u32 = 60;
const KERNEL_SECONDS: u32 = 120;

/// The programs as the worlds have them: whoever builds meanwhile replaces others.
pub(crate) const PROGRAM: &str = "ostoja";
pub(crate) const STEPPER: &str = "faults";

/// 30 s until something that is on its way is there.
pub(crate) const WITHIN: Duration = Duration::from_secs(30);

/// A world at a path of its own, where it also was when its templates were made: approvals and backups know paths.
#[derive(Debug)]
pub(crate) struct World {
    root: PathBuf,
    program: PathBuf,
    /// This program.
    stepper: PathBuf,
}

/// What a command came to.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    pub(crate) fn data(&self) -> Value {
        let document: Value = serde_json::from_str(&self.stdout).unwrap_or_default();
        document["data"].clone()
    }

    /// # Errors
    /// When it did not end well.
    pub(crate) fn well(self, what: &str) -> Result<Self> {
        ensure!(self.code == 0, "`{what}` ended with {}: {} {}", self.code, self.stdout, self.stderr);
        Ok(self)
    }
}

impl World {
    /// A world in a folder of its own, beside the programs.
    pub(crate) fn at(folder: &Path, name: &str) -> Result<Self> {
        let around = folder.join(name);
        fs::create_dir_all(&around).context("making a world")?;
        Ok(Self { root: around.join("w"), program: folder.join(PROGRAM), stepper: folder.join(STEPPER) })
    }

    pub(crate) fn program(&self) -> &Path {
        &self.program
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    pub(crate) fn home(&self) -> PathBuf {
        self.path("home")
    }

    /// Begins anew, with nothing in it.
    pub(crate) fn clear(&self) -> Result<()> {
        if self.root.exists() {
            fs::remove_dir_all(&self.root).context("clearing the world")?;
        }
        fs::create_dir_all(&self.root).context("making the world")
    }

    fn template(&self, name: &str) -> PathBuf {
        self.root.with_file_name(format!("template-{name}"))
    }

    /// Keeps the world as it is under a name.
    pub(crate) fn keep(&self, name: &str) -> Result<()> {
        copy(&self.root, &self.template(name))
    }

    /// Makes it what was kept under a name.
    pub(crate) fn restore(&self, name: &str) -> Result<()> {
        if self.root.exists() {
            fs::remove_dir_all(&self.root).context("clearing the world")?;
        }
        copy(&self.template(name), &self.root)
    }

    fn around(&self, command: &mut Command) {
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("HOME", &self.root).env("TMPDIR", &self.root).env("LANG", "C.UTF-8").env("TZ", "UTC");
        command.env("OSTOJA_HOME", self.home()).current_dir(&self.root).stdin(Stdio::null());
    }

    /// Runs a line of words to its end.
    pub(crate) fn run(&self, line: &str) -> Result<Ran> {
        let mut command = bounded(COMMAND_SECONDS);
        command.arg(&self.program).args(line.split_whitespace());
        self.around(&mut command);
        let output = command.output().context("running the binary")?;
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        let ran = Ran {
            code: output.status.code().unwrap_or(-1),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        };
        ensure!(!ran.stderr.contains("panicked at"), "`{line}` panicked: {}", ran.stderr);
        Ok(ran)
    }

    /// Runs it, and gives the data of its document.
    pub(crate) fn data(&self, line: &str) -> Result<Value> {
        Ok(self.run(&format!("{line} --json"))?.well(line)?.data())
    }

    /// Looks until it is so.
    pub(crate) fn until(&self, what: &str, mut is_so: impl FnMut() -> Result<bool>) -> Result<()> {
        let begun = Instant::now();
        while !is_so()? {
            ensure!(begun.elapsed() < WITHIN, "it never came that {what}");
        }
        Ok(())
    }

    /// From now on calls count.
    pub(crate) fn arm(&self) -> Result<()> {
        File::create(self.path("armed")).map(drop).context("arming")
    }

    pub(crate) fn disarm(&self) {
        let _not_there = fs::remove_file(self.path("armed"));
    }

    /// Starts the binary under the stepper.
    pub(crate) fn step(&self, target: Option<&Target>, line: &str) -> Result<Stepped> {
        let mut command = bounded(KERNEL_SECONDS);
        command.arg(&self.stepper).arg("step");
        command.arg(self.home()).arg(self.path("armed")).arg(self.path("told.json"));
        if let Some(Target { key, nth, fault }) = target {
            command.args([fault.to_string(), nth.to_string(), key.clone()]);
        }
        command.arg("--").arg(&self.program).args(line.split_whitespace());
        self.around(&mut command);
        let _old = fs::remove_file(self.path("told.json"));
        let file = |name: &str| File::create(self.path(name)).context("making a file for what is said");
        command.stdout(file("stdout")?).stderr(file("stderr")?);
        let child = command.spawn().context("starting the stepper")?;
        Ok(Stepped { child })
    }

    /// What a stepped program said and did.
    pub(crate) fn told(&self) -> Result<Steps> {
        let read = |name: &str| fs::read_to_string(self.path(name)).unwrap_or_default();
        let told: Value = serde_json::from_str(&read("told.json")).context("what the stepper told")?;
        let calls = told["calls"].as_array().context("a list of calls")?;
        let call = |call: &Value| Some((call[0].as_str()?.to_owned(), call[1].as_str()?.to_owned()));
        let code = told["code"].as_i64().and_then(|code| i32::try_from(code).ok()).unwrap_or(-1);
        let ran = Ran { code, stdout: read("stdout"), stderr: read("stderr") };
        ensure!(!ran.stderr.contains("panicked at"), "it panicked: {}", ran.stderr);
        let calls = calls.iter().filter_map(call).collect();
        Ok(Steps { calls, hit: told["hit"] == true, ran })
    }
}

/// What was seen of a stepped program.
#[derive(Debug)]
pub(crate) struct Steps {
    /// Key and kind of each call.
    pub(crate) calls: Vec<(String, String)>,
    pub(crate) hit: bool,
    pub(crate) ran: Ran,
}

/// A program under the stepper; it ends with this value.
#[derive(Debug)]
pub(crate) struct Stepped {
    child: Child,
}

impl Stepped {
    pub(crate) fn has_ended(&mut self) -> Result<bool> {
        Ok(self.child.try_wait().context("looking at the stepper")?.is_some())
    }

    pub(crate) fn wait(mut self) -> Result<()> {
        let status = self.child.wait().context("waiting for the stepper")?;
        if status.code() == Some(124) {
            bail!("it hung for {KERNEL_SECONDS} s");
        }
        ensure!(status.success(), "the stepper fell: {status}");
        Ok(())
    }
}

impl Drop for Stepped {
    fn drop(&mut self) {
        if let (Ok(None), Ok(pid)) = (self.child.try_wait(), i32::try_from(self.child.id())) {
            // `timeout` passes it on, and the stepper takes the program along.
            let _gone = kill(Pid::from_raw(pid), Signal::SIGTERM);
            let _ended = self.child.wait();
        }
    }
}

fn bounded(seconds: u32) -> Command {
    let mut command = Command::new("timeout");
    command.args(["--kill-after=5", &seconds.to_string()]);
    command
}

/// Copies a folder with rights, times and links.
fn copy(from: &Path, to: &Path) -> Result<()> {
    let status = Command::new("cp").arg("-a").arg(from).arg(to).status().context("copying a folder")?;
    ensure!(status.success(), "`cp` ended with {status}");
    Ok(())
}
