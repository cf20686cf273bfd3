//! Where an attempt is made: a module's folder, one that it may write, a secret of somebody else's, and a victim that lives.

use std::ffi::OsString;
use std::fs;
use std::io::{self, BufRead, BufReader};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::process::{Child as Process, Command, Stdio};
use std::time::{Duration, Instant};

use abi::{ExitKind, Permissions};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use sandbox::{
    Apart, Child, Confinement, Launch, Layer, Limits, Profile, Reach, Request, Runtime, Signal, Stdin,
};

use crate::attempts::{Attempt, compiled};

/// 20 s for one attempt on a busy machine; the longest takes half a second on a quiet one.
const DEADLINE: Duration = Duration::from_secs(20);

/// 3 s for what outlived a module to be gone after all: it is ended, and nobody waits for it.
const GONE_SECONDS: &str = "3";

/// The limits that a module has: 256 MiB of memory, files of 16 MiB.
const LIMITS: Limits =
    Limits { memory_bytes: Some(256 << 20), file_bytes: Some(16 << 20), ..Limits::STANDARD };

/// What came of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It did what it wanted.
    Harm,
    /// It could not, for this reason.
    Refused(String),
    /// It did neither: the attempt itself is broken.
    Broken(String),
}

/// All layers that can be taken away one by one.
pub fn layers() -> Vec<Layer> {
    Layer::ALL.into_iter().filter(|layer| *layer != Layer::CgroupKill).collect()
}

/// The confinement with this layer alone, and `no_new_privs`, without which some can't be.
pub fn alone(mut whole: Confinement, layer: Layer) -> Confinement {
    for other in layers() {
        if other != layer && other != Layer::NoNewPrivs {
            whole = whole.without(other);
        }
    }
    whole
}

/// What a module is held to in this scene: without any permission, or with one port of the loopback where the attempt is about that.
pub fn full(scene: &Scene, attempt: &Attempt) -> Confinement {
    let mut permissions = Permissions::default();
    // What attempts copy and start to try something else with it.
    permissions.run.extend(["true", "env", "sh"].map(str::to_owned));
    if attempt.has_net() {
        permissions.net.insert(scene.granted());
    }
    Request {
        profile: Profile::Contained,
        runtime: Runtime::Python,
        permissions,
        folder: scene.path("module"),
        home: scene.path("outside"),
        writable: vec![scene.path("data")],
        limits: LIMITS,
        outside: sandbox::Outside::Brokered,
    }
    .to_confinement()
}

/// The scene, used for one attempt after the other.
#[derive(Debug)]
pub struct Scene {
    root: tempfile::TempDir,
    victim: Process,
    /// Its port, its datagrams' port, its semaphore, and the port that may be reached.
    told: Vec<String>,
    abstract_name: String,
}

impl Scene {
    /// Sets it up and starts the victim. `number` tells scenes of one process apart.
    ///
    /// # Errors
    /// When there is no Python or C compiler, or a file can't be made.
    pub fn new(number: usize) -> io::Result<Self> {
        let root = tempfile::tempdir()?;
        let at = |name: &str| root.path().canonicalize().map(|path| path.join(name));
        for name in ["module", "data", "outside"] {
            fs::create_dir(at(name)?)?;
        }
        compiled(&at("module")?)?;
        fs::write(at("outside/key")?, "KEY")?;
        let abstract_name = format!("ostoja-escape-{}-{number}", std::process::id());
        let mut victim = Command::new("python3")
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("victim.py"))
            .args([at("outside/key")?, at("outside/door")?])
            .args([&abstract_name, "victim-word"])
            .env("VICTIM_SECRET", "1")
            .current_dir(at("outside")?)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let output = victim.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line)?;
        let told = line.split_whitespace().map(str::to_owned).collect();
        Ok(Self { root, victim, told, abstract_name })
    }

    /// The place that attempts about the network may reach.
    fn granted(&self) -> String {
        format!("127.0.0.1:{}", self.told.get(3).map_or("0", String::as_str))
    }

    fn path(&self, below: &str) -> PathBuf {
        let root = self.root.path();
        root.canonicalize().unwrap_or_else(|_| root.to_owned()).join(below)
    }

    /// Makes one attempt under this confinement.
    ///
    /// # Errors
    /// When the scene can't be set up again, or the attempt not be started.
    pub fn play(&mut self, attempt: &Attempt, held: Confinement) -> io::Result<Outcome> {
        self.set_up()?;
        if self.victim.try_wait()?.is_some() {
            return Err(io::Error::other("the victim is dead"));
        }
        let launch = self.launch(attempt, held);
        let mut child = launch.prepare().and_then(|mut ready| ready.launch()).map_err(io::Error::other)?;
        let reach = Reach::of([self.granted().as_str()]);
        let broker = child
            .watched
            .take()
            .map(|watched| std::thread::spawn(move || sandbox::broker::serve(watched, reach, |_| {})));
        let said = listen(&child);
        // As the host does it at the end of a life.
        let _gone = sandbox::signal_group(child.pid, child.pidfd.as_fd(), Signal::KILL);
        drop(child.innermost.take());
        let said = said?;
        await_readable(&child.pidfd)?;
        let end = sandbox::reap(child.pidfd.as_fd())?;
        if let Some(broker) = broker {
            broker.join().map_err(|_| io::Error::other("the broker panicked"))??;
        }
        self.judge(attempt, end, &said)
    }

    fn set_up(&self) -> io::Result<()> {
        fs::remove_dir_all(self.path("data"))?;
        fs::create_dir(self.path("data"))?;
        for name in ["new", "key"] {
            let _not_there = fs::remove_file(self.path("outside").join(name));
        }
        fs::write(self.path("outside/key"), "KEY")?;
        let helper = Path::new(env!("CARGO_MANIFEST_DIR")).join("attempts/attempt.py");
        fs::copy(helper, self.path("module/attempt.py")).map(drop)
    }

    fn launch(&self, attempt: &Attempt, held: Confinement) -> Launch {
        let file = self.path("module").join(&attempt.file).into_os_string();
        let python = ["/usr/bin/python3", "-B", "-S"].map(OsString::from);
        let told = |at: usize| OsString::from(self.told.get(at).cloned().unwrap_or_default());
        let at = |name: &str| self.path(name).into_os_string();
        let env = [
            ("PATH", "/usr/local/bin:/usr/bin:/bin".into()),
            ("ESCAPE_SECRET", at("outside/key")),
            ("ESCAPE_OUTSIDE", at("outside")),
            ("ESCAPE_OWN", at("module")),
            ("ESCAPE_DATA", at("data")),
            ("ESCAPE_ALIVE", at("data/alive")),
            ("ESCAPE_DOOR", at("outside/door")),
            ("ESCAPE_ABSTRACT", self.abstract_name.clone().into()),
            ("ESCAPE_VICTIM", self.victim.id().to_string().into()),
            ("ESCAPE_PORT", told(0)),
            ("ESCAPE_DATAGRAMS", told(1)),
            ("ESCAPE_SEMAPHORE", told(2)),
            ("ESCAPE_GRANTED", told(3)),
        ];
        Launch {
            argv: if attempt.is_native() { vec![file] } else { python.into_iter().chain([file]).collect() },
            env: env.into_iter().map(|(name, value)| (name.into(), value)).collect(),
            cwd: self.path("module"),
            stdin: Stdin::Null,
            apart: Apart::Session,
            confinement: held,
            extra_fds: Vec::new(),
            cgroup: None,
        }
    }

    fn judge(&self, attempt: &Attempt, end: Option<ExitKind>, said: &str) -> io::Result<Outcome> {
        let last = said.lines().last().unwrap_or_default();
        Ok(match end {
            Some(ExitKind::Code(0)) if attempt.outlives() && !self.is_outlived()? => {
                Outcome::Refused("ended with it".to_owned())
            }
            Some(ExitKind::Code(0)) => Outcome::Harm,
            Some(ExitKind::Code(1)) if last.starts_with("refused: ") => {
                Outcome::Refused(last.trim_start_matches("refused: ").to_owned())
            }
            Some(ExitKind::Signal(signal)) => Outcome::Refused(format!("ended by signal {signal}")),
            end => Outcome::Broken(format!("{end:?}: {said}")),
        })
    }

    /// Whether anybody still holds the lock. Then it is told to go.
    fn is_outlived(&self) -> io::Result<bool> {
        let file = self.path("data/alive");
        let lock = Command::new("flock")
            .args(["--wait", GONE_SECONDS, "--exclusive"])
            .arg(&file)
            .arg("true")
            .status()?;
        fs::remove_file(file)?;
        Ok(!lock.success())
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        // Its input ends with this, and so does it; should it hang, it is ended.
        drop(self.victim.stdin.take());
        if self.victim.wait().is_err() {
            let _ = self.victim.kill();
        }
    }
}

/// All that it says, until it has ended or its time is up.
fn listen(child: &Child) -> io::Result<String> {
    let start = Instant::now();
    let mut said = Vec::new();
    let mut open = [true, true];
    while open.contains(&true) {
        if start.elapsed() > DEADLINE {
            said.extend_from_slice(b"\nit did not end in time");
            break;
        }
        let outputs = [&child.stdout, &child.stderr];
        let mut fds = outputs.map(|fd| PollFd::new(fd, PollFlags::IN));
        poll(&mut fds, Some(&Timespec { tv_sec: 1, tv_nsec: 0 }))?;
        for (open, fd) in open.iter_mut().zip(outputs.iter().rev()) {
            *open = *open && drain(fd, &mut said)?;
        }
    }
    Ok(String::from_utf8_lossy(&said).into_owned())
}

/// Takes what is there; false at the end.
fn drain(fd: &OwnedFd, into: &mut Vec<u8>) -> io::Result<bool> {
    let mut bytes = [0; 4096];
    loop {
        match rustix::io::read(fd, &mut bytes) {
            Ok(0) => return Ok(false),
            Ok(count) => into.extend_from_slice(&bytes[..count]),
            Err(rustix::io::Errno::AGAIN) => return Ok(true),
            Err(errno) => return Err(errno.into()),
        }
    }
}

fn await_readable(fd: &OwnedFd) -> io::Result<()> {
    let wait = Timespec { tv_sec: DEADLINE.as_secs().cast_signed(), tv_nsec: 0 };
    match poll(&mut [PollFd::new(fd, PollFlags::IN)], Some(&wait))? {
        0 => Err(io::ErrorKind::TimedOut.into()),
        _ => Ok(()),
    }
}
