//! A kernel in a process of its own: started detached from the terminal, watched until everything is ready.
//!
//! The child runs `internal kernel-process`. It tells its boot as JSON lines on its stdout, which is a pipe to
//! this process until everything is at rest; after that it has no stdout. Its stderr is `kernel.log` in the home.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use host::{BootStep, Safety};
use serde::{Deserialize, Serialize};

use crate::commands::internal;
use crate::ctx::Ctx;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::foreground::boot_line;
use crate::output::UpEvent;
use crate::target::Target;

/// 90 s: a module may take 30 s to become ready and as long to wait for what it requires, at the defaults; then the
/// kernel itself says which are not ready.
const SETTLE_TIMEOUT_DEFAULT: Duration = Duration::from_secs(90);

/// 64 lines of boot wait to be told: more than a boot has.
const LINES_WAITING_MAX: usize = 64;

/// 1 MiB: a kernel's log that is longer when another kernel starts is set aside as `kernel.log.1`; only warnings are in
/// it, so that is years of them.
const LOG_BYTES_MAX: u64 = 1 << 20;

/// 4 KiB: what is read from the end of the kernel's log when it did not start.
const LOG_TAIL_BYTES: u64 = 4 << 10;

/// What a started kernel came to.
#[derive(Debug)]
pub(crate) struct Settled {
    /// Modules that should be ready and are not.
    pub(crate) not_ready: Vec<String>,
}

/// Starts a kernel on this home and waits until everything is at rest.
///
/// # Errors
/// Why it did not start, as the kernel's own process told it; `cli::up::timed_out` when it takes too long (it goes on).
pub(crate) fn start(ctx: &Ctx, target: &Target, safety: Safety) -> Outcome<Settled> {
    let log = open_log(target)?;
    let log_start = log.metadata().map_or(0, |meta| meta.len());
    let mut child = spawn(ctx, target, safety, log)?;
    let stdout = child.stdout.take();
    let lines = read_lines(stdout)?;
    let timeout = ctx.timeout_or(SETTLE_TIMEOUT_DEFAULT);
    let deadline = Instant::now().checked_add(timeout);
    loop {
        let left = deadline.map_or(timeout, |deadline| deadline.saturating_duration_since(Instant::now()));
        match lines.recv_timeout(left) {
            Ok(line) => match understand(&line) {
                Said::Event(UpEvent::Booted { step, found, .. }) => tell_step(ctx, &step, &found),
                Said::Event(UpEvent::Settled { not_ready }) => return Ok(Settled { not_ready }),
                Said::Event(_) | Said::Nothing => {}
                Said::Failed(failure) => {
                    let _ = child.wait();
                    return Err(failure.into());
                }
            },
            Err(RecvTimeoutError::Timeout) => return Err(too_slow(target).into()),
            Err(RecvTimeoutError::Disconnected) => return Err(died(target, &mut child, log_start).into()),
        }
    }
}

fn tell_step(ctx: &Ctx, step: &str, found: &str) {
    let known = BootStep::ALL.into_iter().find(|one| one.as_str() == step);
    if let Some(step) = known
        && !ctx.is_json()
    {
        ctx.say(&boot_line(ctx, step, found));
    }
}

enum Said {
    Event(UpEvent),
    Failed(Failure),
    Nothing,
}

/// What the child says when it can't start: a failure, whole, so that it is told here as it would be told there.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct FailedBoot {
    code: String,
    message: String,
    causes: Vec<String>,
    help: Option<String>,
    details: Vec<String>,
}

impl From<&Failure> for FailedBoot {
    fn from(failure: &Failure) -> Self {
        Self {
            code: failure.code.clone(),
            message: failure.message.clone(),
            causes: failure.causes.clone(),
            help: failure.help.clone(),
            details: failure.details.clone(),
        }
    }
}

impl From<FailedBoot> for Failure {
    fn from(told: FailedBoot) -> Self {
        let exit = Exit::of_code(&told.code);
        let FailedBoot { code, message, causes, help, details } = told;
        Self { code, message, causes, help, details, exit }
    }
}

fn understand(line: &str) -> Said {
    if let Ok(event) = serde_json::from_str(line) {
        return Said::Event(event);
    }
    let told: Option<FailedBoot> = serde_json::from_str(line).ok();
    told.map_or(Said::Nothing, |told| Said::Failed(told.into()))
}

fn open_log(target: &Target) -> Outcome<File> {
    target.home.create()?;
    let path = target.kernel_log();
    if path.metadata().is_ok_and(|meta| meta.len() > LOG_BYTES_MAX) {
        let old = path.with_extension("log.1");
        std::fs::rename(&path, &old).map_err(|error| Failure::io("rename", &path, &error))?;
    }
    let opened = OpenOptions::new().append(true).create(true).mode(0o600).open(&path);
    opened.map_err(|error| Failure::io("open", &path, &error).into())
}

fn spawn(ctx: &Ctx, target: &Target, safety: Safety, log: File) -> Outcome<Child> {
    let program = std::env::current_exe().map_err(|error| {
        Failure::new("cli::up::program", "can't find the program's own file").caused_by(error.to_string())
    })?;
    let mut command = Command::new(&program);
    command.arg(internal::WORD).arg("--home").arg(target.home.root()).arg("kernel-process");
    if let Some(project) = &target.project {
        command.arg("--file").arg(project);
    }
    if safety == Safety::SafeMode {
        command.arg("--safe-mode");
    }
    command.args((0..ctx.global.verbose).map(|_| "-v"));
    // Its working folder would keep a disk from being unmounted for as long as it runs.
    command.current_dir("/").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log);
    command.spawn().map_err(|error| Failure::io("run", &program, &error).into())
}

/// Lines come over a queue, so that waiting for one can end at a deadline.
fn read_lines(stdout: Option<ChildStdout>) -> Outcome<Receiver<String>> {
    let (sender, receiver) = sync_channel(LINES_WAITING_MAX);
    let reader = std::thread::Builder::new().name("boot".to_owned()).spawn(move || {
        let Some(stdout) = stdout else { return };
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    // The thread ends with the pipe or with this process, whichever comes first.
    reader.map(|_| receiver).map_err(|error| {
        Failure::new("cli::up::thread", "can't start a thread").caused_by(error.to_string()).into()
    })
}

fn too_slow(target: &Target) -> Failure {
    Failure::new("cli::up::timed_out", "not everything is ready yet; the kernel goes on in the background")
        .help(format!("{} ps", target.command()))
}

/// The child ended without a word on its stdout: its log has to tell.
fn died(target: &Target, child: &mut Child, log_start: u64) -> Failure {
    let how = child.wait().map_or_else(|error| error.to_string(), |status| status.to_string());
    let lines = tail_from(target, log_start).unwrap_or_default();
    Failure::new("cli::up::died", "the kernel ended before it was up")
        .caused_by(how)
        .details(lines)
        .help(format!("cat {}", crate::target::shell_word(&target.kernel_log().to_string_lossy())))
        .exit(Exit::Failed)
}

fn tail_from(target: &Target, start: u64) -> std::io::Result<Vec<String>> {
    let mut file = File::open(target.kernel_log())?;
    let end = file.metadata()?.len();
    file.seek(SeekFrom::Start(start.max(end.saturating_sub(LOG_TAIL_BYTES))))?;
    let mut bytes = Vec::new();
    file.take(LOG_TAIL_BYTES).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).lines().map(crate::render::logs::clean).collect())
}
