//! Which version a runtime's program is: asked once, and again when the file is another one.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use super::{NodeVersion, find_program};

/// 5 s: a program that does not tell its version within that is not waited for; it then runs without a guard of its own.
const ANSWER_MAX: Duration = Duration::from_secs(5);

/// 64 bytes of answer: a version is a few.
const ANSWER_BYTES_MAX: u64 = 64;

/// What a file was when it was asked.
type Stamp = (u64, u64, u64, i64, i64);

/// The versions that are known, by file.
#[derive(Debug, Clone, Default)]
pub(crate) struct Versions(BTreeMap<PathBuf, (Stamp, Option<NodeVersion>)>);

impl Versions {
    /// Which Node this path of programs leads to, if any that says so. Starts it, unless it was asked before: for where one may
    /// wait.
    pub(crate) fn node(&mut self, search_path: &str) -> Option<NodeVersion> {
        let (file, stamp) = found(search_path)?;
        if let Some((_, version)) = self.0.get(&file).filter(|(known, _)| *known == stamp) {
            return *version;
        }
        let version = ask(&file);
        self.0.insert(file, (stamp, version));
        version
    }

    /// The same without starting anything: nothing for one that was not asked, or is another file since.
    pub(crate) fn known_node(&self, search_path: &str) -> Option<NodeVersion> {
        let (file, stamp) = found(search_path)?;
        self.0.get(&file).filter(|(known, _)| *known == stamp).and_then(|(_, version)| *version)
    }
}

fn found(search_path: &str) -> Option<(PathBuf, Stamp)> {
    let file = find_program("node", search_path)?;
    let meta = fs::metadata(&file).ok()?;
    Some((file, (meta.dev(), meta.ino(), meta.len(), meta.mtime(), meta.ctime())))
}

/// Asks on a thread of its own: a program that neither answers nor ends is left alone.
fn ask(file: &Path) -> Option<NodeVersion> {
    let mut child = Command::new(file)
        .arg("--version")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let stdout = child.stdout.take()?;
    let (answer, answered) = mpsc::channel();
    let reading = thread::Builder::new().name("node-version".to_owned()).spawn(move || {
        let mut text = String::new();
        let read = stdout.take(ANSWER_BYTES_MAX).read_to_string(&mut text);
        // Whoever asked may have given up.
        let _late = answer.send(read.ok().map(|_| text));
    });
    let text = reading.ok().and_then(|_| answered.recv_timeout(ANSWER_MAX).ok().flatten());
    // One that has told its version has ended, or is about to: then whoever takes orphans takes its end.
    let _ended = child.try_wait();
    NodeVersion::parse(&text?)
}
