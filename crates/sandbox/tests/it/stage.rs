//! What every test here needs: a request for a confinement, a launch of the acting program, and its end with all it said.

use std::ffi::OsString;
use std::io::Write;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use abi::{ExitKind, Permissions};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use sandbox::{Apart, Child, Confinement, Launch, Limits, Profile, Request, Runtime, Stdin};

/// 20 s: far above what any test needs on a busy machine.
const DEADLINE: Duration = Duration::from_secs(20);

/// The program that acts.
pub(crate) const ACTS: &str = env!("CARGO_BIN_EXE_sandbox-acts");

/// The system's programs that the tests' own scripts call.
const PROGRAMS: &[&str] =
    &["sh", "ls", "grep", "tr", "chmod", "cp", "cat", "true", "echo", "touch", "id", "wc", "sleep", "env"];

/// How a child ended, and what it said.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Finished {
    pub(crate) end: ExitKind,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// A module with its folder. The acting program lies elsewhere and is admitted as any runtime outside the system's folders.
pub(crate) struct Stage {
    root: tempfile::TempDir,
}

impl Stage {
    pub(crate) fn new() -> Self {
        let stage = Self { root: tempfile::tempdir().expect("a temporary folder") };
        for folder in ["module", "data", "secret"] {
            std::fs::create_dir(stage.path(folder)).expect("a folder of its own");
        }
        std::fs::write(stage.path("secret/key"), "s").expect("a small file");
        stage
    }

    pub(crate) fn path(&self, below: &str) -> PathBuf {
        // The real path, since Landlock knows no links.
        self.root.path().canonicalize().expect("it is there").join(below)
    }

    /// Permissions as `kind value` pairs.
    pub(crate) fn request(&self, granted: &[(abi::PermissionKind, &str)]) -> Request {
        let mut permissions = Permissions::default();
        for (kind, value) in granted {
            permissions.of_mut(*kind).insert((*value).to_owned());
        }
        permissions.run.extend(PROGRAMS.iter().map(|name| (*name).to_owned()));
        Request {
            profile: Profile::Contained,
            runtime: Runtime::Native,
            permissions,
            folder: self.path("module"),
            home: self.path("home"),
            writable: vec![self.path("data")],
            limits: Limits::STANDARD,
            outside: sandbox::Outside::Shared,
        }
    }

    /// What a confinement with no permission is.
    pub(crate) fn bare(&self) -> Confinement {
        self.request(&[]).to_confinement()
    }

    /// The same in the machine's own namespaces, where it is the turn of the other layers.
    pub(crate) fn shared(&self) -> Confinement {
        shared(self.bare())
    }

    /// The acting program with these words, under this confinement.
    pub(crate) fn launch(&self, words: &[&str], confinement: Confinement) -> Launch {
        let mut argv: Vec<OsString> = vec![ACTS.into()];
        argv.extend(words.iter().map(OsString::from));
        command(argv, &self.path("module"), confinement)
    }

    /// Does the act and gives how it ended: 0 for success, else the errno.
    pub(crate) fn act(&self, words: &[&str], confinement: &Confinement) -> Finished {
        finish(self.launch(words, confinement.clone()))
    }

    /// The act is refused with `errno` under the confinement, and succeeds once the layer is gone.
    #[track_caller]
    pub(crate) fn refused_by(
        &self,
        layer: sandbox::Layer,
        words: &[&str],
        confinement: Confinement,
        errno: i32,
    ) {
        assert_eq!(self.act(words, &confinement).end, ExitKind::Code(errno), "{words:?} under {layer}");
        let without = confinement.without(layer);
        assert_eq!(self.act(words, &without).end, ExitKind::Code(0), "{words:?} without {layer}");
    }
}

/// A confinement without its namespaces.
pub(crate) fn shared(confinement: Confinement) -> Confinement {
    let namespaces = sandbox::Layer::ALL.into_iter().filter(|layer| layer.is_namespace());
    namespaces.fold(confinement, Confinement::without)
}

/// A launch of any program, with a small environment.
pub(crate) fn command(argv: Vec<OsString>, cwd: &Path, confinement: Confinement) -> Launch {
    Launch {
        argv,
        env: vec![("PATH".into(), "/usr/local/bin:/usr/bin:/bin".into()), ("LANG".into(), "C.UTF-8".into())],
        cwd: cwd.to_owned(),
        stdin: Stdin::Null,
        apart: Apart::Session,
        confinement,
        extra_fds: Vec::new(),
        cgroup: None,
    }
}

/// Makes a runnable file with these bytes. Another process writes it: a child that another test gives birth to at this moment would
/// hold our writing end open until its own program runs, and the file would be busy.
pub(crate) fn runnable(path: &Path, from: &Path) {
    let copied = std::process::Command::new("cp").arg(from).arg(path).status();
    assert!(copied.expect("cp is everywhere").success());
    std::fs::set_permissions(path, PermissionsExt::from_mode(0o755)).expect("it is ours");
}

/// Runs it to its end.
#[track_caller]
pub(crate) fn finish(launch: Launch) -> Finished {
    let child = launch.prepare().expect("it can be prepared").launch().expect("it can be launched");
    end_of(child)
}

/// Reads both outputs until the child has ended and closed them.
#[track_caller]
pub(crate) fn end_of(child: Child) -> Finished {
    let start = Instant::now();
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    let mut open = [true, true];
    while open.contains(&true) {
        assert!(start.elapsed() < DEADLINE, "a child did not close its output in time");
        let mut fds = [PollFd::new(&child.stdout, PollFlags::IN), PollFd::new(&child.stderr, PollFlags::IN)];
        poll(&mut fds, Some(&Timespec { tv_sec: 1, tv_nsec: 0 })).expect("pipes can be polled");
        open[0] = open[0] && drain(&child.stdout, &mut stdout);
        open[1] = open[1] && drain(&child.stderr, &mut stderr);
    }
    await_readable(&child.pidfd);
    let end = sandbox::reap(child.pidfd.as_fd()).expect("it is ours").expect("it has ended");
    if let Some(innermost) = child.innermost {
        innermost.end();
    }
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Finished { end, stdout: text(stdout), stderr: text(stderr) }
}

/// Takes what is there; false at the end.
fn drain(fd: &OwnedFd, into: &mut Vec<u8>) -> bool {
    let mut bytes = [0; 4096];
    loop {
        match rustix::io::read(fd, &mut bytes) {
            Ok(0) => return false,
            Ok(count) => into.extend_from_slice(&bytes[..count]),
            Err(rustix::io::Errno::AGAIN) => return true,
            Err(errno) => panic!("a pipe can't be read: {errno}"),
        }
    }
}

/// The first line that a child says.
#[track_caller]
pub(crate) fn first_line(fd: &OwnedFd) -> String {
    let mut bytes = Vec::new();
    let start = Instant::now();
    while !bytes.contains(&b'\n') {
        assert!(start.elapsed() < DEADLINE, "no line came in time");
        await_readable(fd);
        assert!(drain(fd, &mut bytes) || bytes.contains(&b'\n'), "the output ended before a line");
    }
    String::from_utf8_lossy(&bytes).lines().next().unwrap_or_default().to_owned()
}

/// Waits until there is something to read, or a pidfd's process has ended.
#[track_caller]
pub(crate) fn await_readable(fd: impl AsFd) {
    let wait = Timespec { tv_sec: DEADLINE.as_secs().cast_signed(), tv_nsec: 0 };
    let ready = poll(&mut [PollFd::new(&fd, PollFlags::IN)], Some(&wait)).expect("it can be polled");
    assert_eq!(ready, 1, "nothing came in time");
}

/// Says on the real stderr, past the runner's capture, that a test could not do its work here. One line each, to be counted.
pub(crate) fn skipped(test: &str, reason: &str) {
    let line = format!("SKIPPED sandbox {test}: {reason}\n");
    std::io::stderr().write_all(line.as_bytes()).expect("stderr can be written");
}
