//! Scenes with several processes that need a launching process of their own: the test runner has other threads, descriptors and
//! children, which these scenes count or kill. A scene prints what it saw and ends with 0, or says on stderr what was not so.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "what it prints is what the tests read")]

use std::io::Read;
use std::os::fd::{AsFd, OwnedFd};
use std::process::ExitCode;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use sandbox::{Apart, Berths, Child, Confinement, Launch, Limits, Profile, Request, Runtime, Signal, Stdin};

use crate::call;

type Scene = Result<(), Box<dyn std::error::Error>>;

/// 10 s: far above what any scene needs, below what a person waits for a hung test.
const DEADLINE: Timespec = Timespec { tv_sec: 10, tv_nsec: 0 };

pub(crate) fn play(words: &[&str]) -> ExitCode {
    let outcome = match words {
        ["many", count] => many(count),
        ["berths"] => berths(),
        ["deaf-parent", program, arguments @ ..] => deaf_parent(program, arguments),
        ["deaf-parent-stops-child"] => deaf_parent_stops_child(),
        ["parent-of-a-hanging-child"] => parent_of_a_hanging_child(),
        ["orphans"] => orphans(),
        ["nested"] => nested(),
        ["joins", group] => joins(group),
        ["mounts-below-a-system-folder"] => mounts_below_a_system_folder(),
        _ => Err("no such scene".into()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn own(words: &[&str]) -> Result<Launch, std::io::Error> {
    let mut argv = vec![std::env::current_exe()?.into_os_string()];
    argv.extend(words.iter().map(Into::into));
    Ok(Launch {
        argv,
        env: vec![("PATH".into(), "/usr/bin:/bin".into())],
        cwd: "/".into(),
        stdin: Stdin::Null,
        apart: Apart::Session,
        confinement: Confinement::none(),
        extra_fds: Vec::new(),
        cgroup: None,
    })
}

fn wait(child: &Child) -> Result<abi::ExitKind, Box<dyn std::error::Error>> {
    let ended = poll(&mut [PollFd::new(&child.pidfd, PollFlags::IN)], Some(&DEADLINE))?;
    if ended == 0 {
        return Err("a child did not end in time".into());
    }
    Ok(sandbox::reap(child.pidfd.as_fd())?.ok_or("a readable pidfd without an end")?)
}

/// The next that comes out of a pipe.
fn read_some(fd: &OwnedFd) -> Result<String, Box<dyn std::error::Error>> {
    poll(&mut [PollFd::new(fd, PollFlags::IN)], Some(&DEADLINE))?;
    let mut bytes = [0; 256];
    let count = rustix::io::read(fd, &mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes[..count]).trim().to_owned())
}

fn open_files() -> Result<usize, std::io::Error> {
    Ok(std::fs::read_dir("/proc/self/fd")?.count())
}

fn children() -> Result<String, std::io::Error> {
    let mut all = String::new();
    for thread in std::fs::read_dir("/proc/self/task")? {
        all += &std::fs::read_to_string(thread?.path().join("children"))?;
    }
    Ok(all)
}

/// Launches again and again, half of it in vain, and counts what is left.
fn many(count: &str) -> Scene {
    let mut good = own(&["exit", "7"])?.prepare()?;
    let folder = std::env::temp_dir();
    let gone = folder.join(format!("gone-{}", std::process::id()));
    std::fs::create_dir(&gone)?;
    let mut bad = Launch { cwd: gone.clone(), ..own(&["exit", "7"])? }.prepare()?;
    std::fs::remove_dir(&gone)?;
    let before = open_files()?;
    for _ in 0..count.parse::<u32>()? {
        let child = good.launch()?;
        if wait(&child)? != abi::ExitKind::Code(7) {
            return Err("a child left with another code".into());
        }
        if bad.launch().is_ok() {
            return Err("a child entered a folder that is not there".into());
        }
    }
    println!("files {} children [{}]", open_files()?.abs_diff(before), children()?.trim());
    Ok(())
}

/// Launches by way of berths out of a process with many descriptors, half of it in vain: the child has only its own, its
/// pipes end with it, and nothing is left here.
fn berths() -> Scene {
    let mut berths = Berths::reserve()?;
    if Berths::reserve().is_ok() {
        return Err("the same numbers were given away twice".into());
    }
    let crowd: Vec<std::fs::File> =
        (0..300).map(|_| std::fs::File::open("/dev/null")).collect::<Result<_, _>>()?;
    let words = "ls /proc/self/fd; read line; echo $line";
    let argv = ["/bin/sh", "-c", words].map(Into::into).to_vec();
    let one_more = vec![std::fs::File::open("/dev/zero")?.into()];
    let launch = Launch { argv, stdin: Stdin::Piped, extra_fds: one_more, ..own(&[])? };
    let mut good = Launch { confinement: Confinement::none(), ..launch }.prepare()?;
    let gone = std::env::temp_dir().join(format!("berths-{}", std::process::id()));
    std::fs::create_dir(&gone)?;
    let mut bad = Launch { cwd: gone.clone(), ..own(&["exit", "7"])? }.prepare()?;
    std::fs::remove_dir(&gone)?;
    let before = open_files()?;
    for _ in 0..20 {
        let mut child = good.launch_from(&mut berths)?;
        if let Some(stdin) = child.stdin.take() {
            rustix::io::write(&stdin, b"heard\n")?;
        }
        wait(&child)?;
        let said = read_some(&child.stdout)?.replace('\n', " ");
        // The last is the folder that `ls` reads.
        if said != "0 1 2 3 4 heard" {
            return Err(format!("a child had other descriptors: {said}").into());
        }
        if !read_some(&child.stdout)?.is_empty() {
            return Err("the end of a child's output does not come".into());
        }
        if bad.launch_from(&mut berths).is_ok() {
            return Err("a child entered a folder that is not there".into());
        }
    }
    drop(crowd);
    println!("files {} children [{}]", open_files()?.abs_diff(before - 300), children()?.trim());
    Ok(())
}

/// Launches a program from a thread that blocks and ignores signals, and passes its output on.
fn deaf_parent(program: &str, arguments: &[&str]) -> Scene {
    call::turn_deaf()?;
    let mut argv = vec![program.into()];
    argv.extend(arguments.iter().map(Into::into));
    let child = Launch { argv, ..own(&[])? }.prepare()?.launch()?;
    wait(&child)?;
    rustix::fs::fcntl_setfl(&child.stdout, rustix::fs::OFlags::empty())?;
    let mut text = String::new();
    std::fs::File::from(child.stdout).read_to_string(&mut text)?;
    print!("{text}");
    Ok(())
}

fn deaf_parent_stops_child() -> Scene {
    call::turn_deaf()?;
    let child = own(&["hang"])?.prepare()?.launch()?;
    read_some(&child.stdout)?;
    sandbox::signal_group(child.pid, child.pidfd.as_fd(), Signal::TERM)?;
    println!("{}", wait(&child)?);
    Ok(())
}

/// Prints its child's number and hangs until it is killed.
fn parent_of_a_hanging_child() -> Scene {
    let child = own(&["hang"])?.prepare()?.launch()?;
    println!("{}", read_some(&child.stdout)?);
    loop {
        std::thread::park();
    }
}

/// A child of ours and an orphan end; the orphan's reaping must leave ours alone, whichever stands first.
fn orphans() -> Scene {
    sandbox::become_subreaper()?;
    let ours = own(&["exit", "5"])?.prepare()?.launch()?;
    poll(&mut [PollFd::new(&ours.pidfd, PollFlags::IN)], Some(&DEADLINE))?;
    let middle = own(&["fork-away"])?.prepare()?.launch()?;
    let orphan: i32 = read_some(&middle.stdout)?.parse()?;
    let known = |pid| pid == ours.pid || pid == middle.pid;
    poll(&mut [PollFd::new(&middle.pidfd, PollFlags::IN)], Some(&DEADLINE))?;
    println!("while it lives: {:?}", sandbox::reap_any_orphan(known));
    let pid = rustix::process::Pid::from_raw(orphan).ok_or("no number")?;
    let pidfd = rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty())?;
    rustix::process::pidfd_send_signal(&pidfd, rustix::process::Signal::KILL)?;
    poll(&mut [PollFd::new(&pidfd, PollFlags::IN)], Some(&DEADLINE))?;
    let reaped = sandbox::reap_any_orphan(known).ok_or("the orphan was not reaped")?;
    println!("orphan: {} {}", reaped.0.cast_signed() == orphan, reaped.1);
    println!("then: {:?}", sandbox::reap_any_orphan(known));
    println!("ours: {}, {}", wait(&ours)?, wait(&middle)?);
    Ok(())
}

/// Launches from inside a confinement, where `clone3` is refused.
fn nested() -> Scene {
    let child = own(&["print", "from inside"])?.prepare()?.launch()?;
    println!("{}", read_some(&child.stdout)?);
    println!("{}", wait(&child)?);
    Ok(())
}

/// Launches a child into a cgroup from where `clone3` is refused.
fn joins(group: &str) -> Scene {
    let child = Launch { cgroup: Some(group.into()), ..own(&["hang"])? }.prepare()?.launch()?;
    read_some(&child.stdout)?;
    let members = std::fs::read_to_string(format!("{group}/cgroup.procs"))?;
    println!("{}", if members.trim() == child.pid.to_string() { "joined" } else { "elsewhere" });
    sandbox::kill_cgroup(group.as_ref())?;
    wait(&child)?;
    Ok(())
}

/// What a contained child sees of a system folder, before and after something was mounted there. In mounts of its own.
fn mounts_below_a_system_folder() -> Scene {
    let seen = || -> Result<String, Box<dyn std::error::Error>> {
        let request = Request {
            profile: Profile::Contained,
            runtime: Runtime::Native,
            permissions: abi::Permissions::default(),
            folder: "/usr".into(),
            home: "/".into(),
            writable: Vec::new(),
            limits: Limits::STANDARD,
            outside: sandbox::Outside::Shared,
        };
        let argv = ["/bin/sh", "-c", "ls /usr/local; touch /usr/local/mine 2>/dev/null || echo refused"]
            .map(Into::into)
            .to_vec();
        let child =
            Launch { argv, confinement: request.to_confinement(), ..own(&[])? }.prepare()?.launch()?;
        wait(&child)?;
        Ok(read_some(&child.stdout)?.replace('\n', " "))
    };
    println!("{}", seen()?.contains("later"));
    let mounted =
        std::process::Command::new("mount").args(["-t", "tmpfs", "later", "/usr/local"]).status()?;
    if !mounted.success() {
        return Err("nothing was mounted".into());
    }
    std::fs::write("/usr/local/later", "")?;
    println!("{}", seen()?);
    Ok(())
}
