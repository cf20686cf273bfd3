//! Starting other programs, and where things are: one place, so that every step prints what it runs and fails with it.

use std::ffi::OsString;
use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;

use anyhow::{Context as _, Result, ensure};

/// 30 lines of what a failed program said: its error and what led to it.
const ERROR_LINES: usize = 30;

/// The repository's root.
pub(crate) fn root() -> PathBuf {
    // As cargo says now: a target folder that two checkouts share holds a program built in either of them.
    let here =
        std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| OsString::from(env!("CARGO_MANIFEST_DIR")));
    let here = PathBuf::from(here);
    here.parent().map(Path::to_path_buf).unwrap_or(here)
}

/// Where tools that are not of this repository are installed: below `target`, so that nothing outside is touched.
pub(crate) fn tools() -> PathBuf {
    target().join("tools")
}

/// Cargo's target folder.
pub(crate) fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// Cargo as it runs us.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo")));
    command.current_dir(root());
    command
}

/// Any other program, started in the root.
pub(crate) fn program(name: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(name);
    command.current_dir(root());
    command
}

/// Whether a program answers when asked for its version; its first line if so.
pub(crate) fn version_of(name: impl AsRef<std::ffi::OsStr>, flag: &str) -> Option<String> {
    let output = Command::new(name).arg(flag).stdin(Stdio::null()).output().ok()?;
    let text = if output.stdout.is_empty() { output.stderr } else { output.stdout };
    let text = String::from_utf8_lossy(&text);
    let line = text.lines().find(|line| !line.trim().is_empty()).unwrap_or("").trim().to_owned();
    output.status.success().then_some(line)
}

/// Whether a program of this name is on PATH.
pub(crate) fn on_path(name: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(name).is_file())
}

/// Runs a command that says for itself what it does.
///
/// # Errors
/// When it can't be started or does not end well.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let said = spelled(command);
    let status = command.stdin(Stdio::null()).status().with_context(|| format!("starting `{said}`"))?;
    ensure!(status.success(), "`{said}` ended with {status}");
    Ok(())
}

/// Runs a command and gives what it wrote on stdout.
///
/// # Errors
/// When it can't be started or does not end well; then the error ends with the tail of its stderr.
pub(crate) fn read(command: &mut Command) -> Result<String> {
    let said = spelled(command);
    let output = command.stdin(Stdio::null()).output().with_context(|| format!("starting `{said}`"))?;
    let stderr = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "`{said}` ended with {}: {}", output.status, tail(&stderr, ERROR_LINES));
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// What a command said, while it was also shown.
#[derive(Debug)]
pub(crate) struct Heard {
    /// Both streams, line by line, as they came.
    pub(crate) text: String,
    /// Whether it ended well.
    pub(crate) is_success: bool,
}

/// Runs a command, shows what it says as it says it, and keeps it.
///
/// # Errors
/// When it can't be started.
pub(crate) fn run_heard(command: &mut Command) -> Result<Heard> {
    let said = spelled(command);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().with_context(|| format!("starting `{said}`"))?;
    let (tx, rx) = mpsc::channel();
    let streams: [Option<Box<dyn Read + Send>>; 2] = [
        child.stdout.take().map(|out| Box::new(out) as _),
        child.stderr.take().map(|err| Box::new(err) as _),
    ];
    let readers: Vec<_> = streams.into_iter().flatten().map(|stream| forward(stream, tx.clone())).collect();
    drop(tx);
    let mut text = String::new();
    for line in rx {
        // A closed terminal must not end the run: the exit code still counts.
        let _ = std::io::stdout().write_all(line.as_bytes());
        text.push_str(&line);
    }
    for reader in readers {
        ensure!(reader.join().is_ok(), "a reader of `{said}` died");
    }
    let status = child.wait().with_context(|| format!("waiting for `{said}`"))?;
    Ok(Heard { text, is_success: status.success() })
}

/// Sends a stream's lines on from a thread of its own.
fn forward(stream: Box<dyn Read + Send>, tx: mpsc::Sender<String>) -> std::thread::JoinHandle<()> {
    std::thread::spawn(move || {
        let mut reader = BufReader::new(stream);
        let mut line = Vec::new();
        while reader.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
            if tx.send(String::from_utf8_lossy(&line).into_owned()).is_err() {
                return;
            }
            line.clear();
        }
    })
}

/// A command as one would type it.
pub(crate) fn spelled(command: &Command) -> String {
    let mut words =
        vec![Path::new(command.get_program()).file_name().unwrap_or_default().to_string_lossy().into_owned()];
    words.extend(command.get_args().map(|word| word.to_string_lossy().into_owned()));
    words.join(" ")
}

/// The last lines of a text.
pub(crate) fn tail(text: &str, lines: usize) -> String {
    let all: Vec<&str> = text.lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}
