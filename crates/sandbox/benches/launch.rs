//! What a launch costs: from the call to the reaped end of a program that does nothing, with and without containment.
//!
//! All kinds take turns in one run, so that a noisy machine disturbs them alike; medians are printed. The comparison is
//! `std::process`, which knows no containment, and a program that is 132 bytes long keeps the program's own start out of it.
#![expect(clippy::print_stdout, reason = "a bench prints its numbers")]

use std::fs;
use std::os::fd::AsFd;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use sandbox::{Apart, Confinement, Launch, Layer, Limits, Prepared, Profile, Request, Runtime, Stdin};

/// 400 turns: the median then moves by less than 3 % between runs on a quiet machine.
const TURNS: usize = 400;

/// 21 times: the probes run once in a kernel's life.
const PROBES: usize = 21;

/// `exit(0)` as a whole 64-bit program: one header, one segment, 12 bytes of code.
fn smallest_program() -> Vec<u8> {
    let code: [u8; 12] = [0xb8, 60, 0, 0, 0, 0x31, 0xff, 0x0f, 0x05, 0x90, 0x90, 0x90];
    let (base, headers) = (0x40_0000_u64, 64 + 56_u64);
    let whole = headers + code.len() as u64;
    let mut file = vec![0x7f, b'E', b'L', b'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let half = |file: &mut Vec<u8>, value: u16| file.extend(value.to_le_bytes());
    let word = |file: &mut Vec<u8>, value: u32| file.extend(value.to_le_bytes());
    let long = |file: &mut Vec<u8>, value: u64| file.extend(value.to_le_bytes());
    half(&mut file, 2);
    half(&mut file, 62);
    word(&mut file, 1);
    for value in [base + headers, 64, 0] {
        long(&mut file, value);
    }
    word(&mut file, 0);
    for value in [64, 56, 1, 0, 0, 0] {
        half(&mut file, value);
    }
    word(&mut file, 1);
    word(&mut file, 5);
    for value in [0, base, base, whole, whole, 4096] {
        long(&mut file, value);
    }
    file.extend(code);
    file
}

fn prepared(program: &Path, confinement: Confinement) -> Prepared {
    let launch = Launch {
        argv: vec![program.into()],
        env: vec![("PATH".into(), "/usr/bin:/bin".into())],
        cwd: "/".into(),
        stdin: Stdin::Piped,
        apart: Apart::Session,
        confinement,
        extra_fds: Vec::new(),
        cgroup: None,
    };
    launch.prepare().expect("the smallest program can be prepared")
}

/// (the call alone, up to the reaped end)
fn launch(prepared: &mut Prepared) -> (Duration, Duration) {
    let start = Instant::now();
    let child = prepared.launch().expect("the smallest program runs");
    let launched = start.elapsed();
    let ended = ended(&child, start);
    // The rest of its namespace goes by itself; here it is waited for, so that no turn pays for the one before.
    if let Some(innermost) = child.innermost {
        innermost.end();
    }
    (launched, ended)
}

fn ended(child: &sandbox::Child, start: Instant) -> Duration {
    rustix::event::poll(&mut [rustix::event::PollFd::new(&child.pidfd, rustix::event::PollFlags::IN)], None)
        .expect("a pidfd can be polled");
    sandbox::reap(child.pidfd.as_fd()).expect("it is ours").expect("it has ended");
    start.elapsed()
}

/// The peer with the same aim: all namespaces, a new root with the same parts of the machine, no new rights.
fn bubblewrap(program: &Path) -> Option<(Duration, Duration)> {
    let start = Instant::now();
    let folder = program.parent().expect("a file lies in a folder");
    let mut command = Command::new("bwrap");
    command.args(["--unshare-all", "--die-with-parent", "--new-session", "--proc", "/proc", "--dev", "/dev"]);
    command.args(["--ro-bind", "/usr", "/usr", "--ro-bind", "/etc", "/etc", "--tmpfs", "/tmp"]);
    command.arg("--ro-bind").args([folder, folder]).arg(program);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().ok()?;
    let launched = start.elapsed();
    child.wait().expect("it is ours").success().then(|| (launched, start.elapsed()))
}

/// What comes before a module's first launch, and that launch: its namespaces are built, its rules opened; its first life makes the
/// network of all of them. Nothing is given back meanwhile.
fn preparation(program: &Path, confinement: &Confinement) -> (Duration, (Duration, Duration)) {
    let start = Instant::now();
    let mut prepared = std::hint::black_box(prepared(program, confinement.clone()));
    (start.elapsed(), launch(&mut prepared))
}

fn plain_spawn(program: &Path) -> (Duration, Duration) {
    let start = Instant::now();
    let mut command = Command::new(program);
    command.env_clear().stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the smallest program runs");
    let launched = start.elapsed();
    child.wait().expect("it is ours");
    (launched, start.elapsed())
}

fn probe() -> Duration {
    let start = Instant::now();
    std::hint::black_box(sandbox::probe::run());
    start.elapsed()
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn main() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let program = folder.path().join("nothing");
    fs::write(&program, smallest_program()).expect("a small file can be written");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("it is ours");
    let contained = Request {
        profile: Profile::Contained,
        runtime: Runtime::Native,
        permissions: abi::Permissions::default(),
        folder: folder.path().to_owned(),
        home: "/".into(),
        writable: Vec::new(),
        limits: Limits::STANDARD,
        outside: sandbox::Outside::Shared,
    }
    .to_confinement();
    let shared = Layer::ALL.into_iter().filter(|layer| layer.is_namespace());
    let shared = shared.fold(contained.clone(), Confinement::without);
    let whole = contained.clone();
    let open = Request::open(folder.path(), Limits::STANDARD).to_confinement();
    let kinds = [
        ("no containment", Confinement::none()),
        ("open: rlimits, seccomp", open),
        ("contained without seccomp", contained.clone().without(Layer::Seccomp)),
        ("contained without namespaces", shared),
        ("contained without net namespace", contained.clone().without(Layer::NetNamespace)),
        ("contained", contained),
    ];
    let mut kinds: Vec<_> =
        kinds.map(|(name, kind)| (name, prepared(&program, kind), Vec::new(), Vec::new())).into();
    let mut plain = (Vec::new(), Vec::new());
    let mut peer = (Vec::new(), Vec::new());
    let mut preparations = Vec::new();
    let mut firsts = (Vec::new(), Vec::new());
    for _ in 0..TURNS {
        let (launched, ended) = plain_spawn(&program);
        plain.0.push(launched);
        plain.1.push(ended);
        if let Some((launched, ended)) = bubblewrap(&program) {
            peer.0.push(launched);
            peer.1.push(ended);
        }
        let (preparation, (launched, ended)) = preparation(&program, &whole);
        preparations.push(preparation);
        firsts.0.push(launched);
        firsts.1.push(ended);
        for (_, prepared, launches, ends) in &mut kinds {
            let (launched, ended) = launch(prepared);
            launches.push(launched);
            ends.push(ended);
        }
    }
    let mut probes: Vec<Duration> = (0..PROBES).map(|_| probe()).collect();
    let mut lines = vec![("std::process::Command", Some(median(&mut plain.0)), Some(median(&mut plain.1)))];
    if !peer.1.is_empty() {
        // Its own call returns before its namespaces are there, so only the end can be compared.
        lines.push((PEER, None, Some(median(&mut peer.1))));
    }
    lines.extend(kinds.into_iter().map(|(name, _, mut launches, mut ends)| {
        (name, Some(median(&mut launches)), Some(median(&mut ends)))
    }));
    lines.push(("contained, the first life", Some(median(&mut firsts.0)), Some(median(&mut firsts.1))));
    lines.push(("preparing, once a module", Some(median(&mut preparations)), None));
    lines.push(("all probes of the machine", Some(median(&mut probes)), None));
    show(&lines);
}

/// The peer's name in the table.
const PEER: &str = "bwrap --unshare-all";

/// A name, the call alone, up to the reaped end.
type Line = (&'static str, Option<Duration>, Option<Duration>);

/// A table for people; with `--tabs`, whole microseconds between tabs for a program that reads them.
fn show(lines: &[Line]) {
    if std::env::args().any(|word| word == "--tabs") {
        let micros =
            |time: &Option<Duration>| time.map_or_else(String::new, |time| time.as_micros().to_string());
        for (name, launched, ended) in lines {
            println!("{name}\t{}\t{}", micros(launched), micros(ended));
        }
        return;
    }
    let words = |time: &Option<Duration>| time.map_or_else(|| "–".to_owned(), |time| format!("{time:.0?}"));
    println!("{:33} {:>9} {:>9}", format!("median of {TURNS} turns"), "launched", "reaped");
    for (name, launched, ended) in lines {
        println!("{name:33} {:>9} {:>9}", words(launched), words(ended));
    }
}
