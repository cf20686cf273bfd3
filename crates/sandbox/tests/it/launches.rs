//! The launcher keeps its word: exact environment, no descriptor too many, clean signals, errors that name the step.

use std::os::fd::OwnedFd;
use std::path::PathBuf;

use abi::{ExitKind, Explain};
use expect_test::{Expect, expect};
use sandbox::{Apart, Blame, Confinement, Launch, LaunchError, Limits, Stdin};

use crate::stage::{ACTS, Stage, await_readable, command, end_of, finish, first_line, runnable};

#[test]
fn the_environment_is_exactly_what_was_given() {
    let stage = Stage::new();
    let env = vec![("B".into(), "2 = two".into()), ("A".into(), "".into())];
    let finished = finish(Launch { env, ..stage.launch(&["environ"], stage.bare()) });
    assert_eq!(finished.stdout, "B=2 = two\0A=\0");
}

#[test]
fn no_descriptor_of_ours_reaches_the_child() {
    let stage = Stage::new();
    let ours = std::fs::File::open("/dev/null").expect("it is everywhere");
    // Without the close-on-exec flag, as a careless library may open it.
    rustix::io::fcntl_setfd(&ours, rustix::io::FdFlags::empty()).expect("it is ours");
    let finished = stage.act(&["fds"], &stage.bare());
    let mut numbers: Vec<&str> = finished.stdout.lines().filter_map(|line| line.split(' ').next()).collect();
    numbers.sort_unstable();
    // 3 is the folder that is being listed.
    assert_eq!(numbers, ["0", "1", "2", "3"], "{}", finished.stdout);
}

#[test]
fn extra_descriptors_come_as_three_and_on() {
    let stage = Stage::new();
    let open = |path: &str| OwnedFd::from(std::fs::File::open(path).expect("it is everywhere"));
    let extra_fds = vec![open("/dev/zero"), open("/dev/full")];
    let finished = finish(Launch { extra_fds, ..stage.launch(&["fds"], stage.bare()) });
    assert!(finished.stdout.contains("3 /dev/zero\n4 /dev/full\n"), "{}", finished.stdout);
    let many = (0..13).map(|_| open("/dev/null")).collect();
    let error =
        Launch { extra_fds: many, ..stage.launch(&["fds"], stage.bare()) }.prepare().expect_err("too many");
    assert!(matches!(error, LaunchError::TooManyFds { given: 13, most: 12 }), "{error}");
}

#[test]
fn a_child_of_a_deaf_parent_hears_all_signals() {
    let deaf = |arguments: &[&str]| {
        let stage = Stage::new();
        let mut words = vec!["scene", "deaf-parent"];
        words.extend(arguments);
        stage.act(&words, &Confinement::none()).stdout
    };
    let masks = deaf(&["grep", "-E", "^Sig(Blk|Ign)", "/proc/self/status"]);
    let zero = "0".repeat(16);
    assert_eq!(masks, format!("SigBlk:\t{zero}\nSigIgn:\t{zero}\n"));
    let stage = Stage::new();
    let stopped = stage.act(&["scene", "deaf-parent-stops-child"], &Confinement::none());
    assert_eq!(stopped.stdout, "signal 15\n", "{}", stopped.stderr);
}

#[test]
fn killing_the_launching_process_leaves_no_child() {
    let stage = Stage::new();
    let mut prepared =
        stage.launch(&["scene", "parent-of-a-hanging-child"], Confinement::none()).prepare().unwrap();
    let parent = prepared.launch().expect("it can be launched");
    let child: i32 = first_line(&parent.stdout).parse().expect("a number");
    let child = rustix::process::Pid::from_raw(child).expect("no zero");
    let watch = rustix::process::pidfd_open(child, rustix::process::PidfdFlags::empty()).expect("it lives");
    // Only the parent is killed: its child leads a session of its own, so nothing but the tie can end it.
    rustix::process::pidfd_send_signal(&parent.pidfd, rustix::process::Signal::KILL).expect("it lives");
    await_readable(&watch);
    assert_eq!(end_of(parent).end, ExitKind::Signal(9));
}

#[test]
fn a_child_dies_with_the_thread_that_launched_it() {
    let stage = Stage::new();
    let mut prepared = stage.launch(&["hang"], Confinement::none()).prepare().unwrap();
    let child = std::thread::spawn(move || prepared.launch().expect("it can be launched")).join().unwrap();
    assert_eq!(end_of(child).end, ExitKind::Signal(9));
}

#[test]
fn files_that_a_contained_child_makes_are_its_user_s_alone() {
    let stage = Stage::new();
    let open = sandbox::Request::open(&stage.path("module"), Limits::STANDARD).to_confinement();
    for (held, expected) in [(stage.bare(), "0077\n"), (open, "0022\n")] {
        let argv = vec!["sh".into(), "-c".into(), "umask".into()];
        assert_eq!(finish(command(argv, &stage.path("module"), held)).stdout, expected);
    }
}

#[test]
fn paths_that_are_not_there_are_told() {
    let stage = Stage::new();
    let granted = [(abi::PermissionKind::Read, "../data"), (abi::PermissionKind::Write, "later")];
    let held = stage.request(&granted).to_confinement();
    let prepared = stage.launch(&["exit", "0"], held).prepare().unwrap();
    assert_eq!(prepared.skipped(), [stage.path("module/later")]);
}

#[test]
fn three_hundred_launches_leave_no_descriptor_and_no_zombie() {
    let stage = Stage::new();
    let finished = stage.act(&["scene", "many", "300"], &Confinement::none());
    assert_eq!((finished.stdout.as_str(), finished.stderr.as_str()), ("files 0 children []\n", ""));
}

#[test]
fn launches_from_berths_leave_and_hand_over_nothing_else() {
    let stage = Stage::new();
    let finished = stage.act(&["scene", "berths"], &Confinement::none());
    assert_eq!((finished.stdout.as_str(), finished.stderr.as_str()), ("files 0 children []\n", ""));
}

#[test]
fn a_confined_child_can_launch_children_itself() {
    let stage = Stage::new();
    let finished = stage.act(&["scene", "nested"], &stage.bare());
    assert_eq!((finished.stdout.as_str(), finished.stderr.as_str()), ("from inside\nexit code 0\n", ""));
}

#[test]
fn a_child_leads_its_own_session_or_group() {
    let stage = Stage::new();
    for apart in [Apart::Session, Apart::Group] {
        let launch = Launch { apart, ..stage.launch(&["hang"], stage.bare()) };
        let child = launch.prepare().unwrap().launch().unwrap();
        first_line(&child.stdout);
        let pid = rustix::process::Pid::from_raw(child.pid.cast_signed()).expect("no zero");
        assert_eq!(rustix::process::getpgid(Some(pid)), Ok(pid), "{apart:?}");
        assert_eq!(session_of(pid) == pid.as_raw_nonzero().get(), apart == Apart::Session, "{apart:?}");
        rustix::process::pidfd_send_signal(&child.pidfd, rustix::process::Signal::KILL).expect("it lives");
        end_of(child);
    }
}

/// The session of a process, read as text: it is 0 where the leader lives outside of our pid
/// namespace, as in many containers, and a typed pid can't say that.
fn session_of(pid: rustix::process::Pid) -> i32 {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).expect("it lives");
    let (_, after_name) = stat.rsplit_once(") ").expect("the name stands in parentheses");
    after_name.split(' ').nth(3).and_then(|field| field.parse().ok()).expect("the fourth is the session")
}

#[test]
fn piped_input_reaches_the_child_and_its_end_too() {
    let stage = Stage::new();
    let launch = Launch { stdin: Stdin::Piped, ..stage.launch(&["echo"], stage.bare()) };
    let mut child = launch.prepare().unwrap().launch().unwrap();
    let stdin = child.stdin.take().expect("it was asked for");
    assert_eq!(rustix::io::write(&stdin, "zażółć\n".as_bytes()), Ok(11));
    drop(stdin);
    assert_eq!(end_of(child).stdout, "zażółć\n");
}

#[test]
fn our_pipe_ends_never_block_and_the_child_s_do() {
    use rustix::fs::{OFlags, fcntl_getfl};
    let stage = Stage::new();
    let launch = Launch { stdin: Stdin::Piped, ..stage.launch(&["hang"], stage.bare()) };
    let child = launch.prepare().unwrap().launch().unwrap();
    first_line(&child.stdout);
    for fd in [child.stdin.as_ref().expect("piped"), &child.stdout, &child.stderr] {
        assert!(fcntl_getfl(fd).unwrap().contains(OFlags::NONBLOCK));
    }
    for number in 0..3 {
        let info = std::fs::read_to_string(format!("/proc/{}/fdinfo/{number}", child.pid)).unwrap();
        let flags = info.lines().find_map(|line| line.strip_prefix("flags:\t0")).expect("octal flags");
        let flags = u32::from_str_radix(flags, 8).unwrap();
        assert!(!OFlags::from_bits_retain(flags).contains(OFlags::NONBLOCK), "{number}: {flags:o}");
    }
    rustix::process::pidfd_send_signal(&child.pidfd, rustix::process::Signal::KILL).expect("it lives");
    end_of(child);
}

#[test]
fn a_program_is_found_by_the_path_of_its_own_environment() {
    let stage = Stage::new();
    runnable(&stage.path("module/acts"), ACTS.as_ref());
    let env = vec![("PATH".into(), stage.path("module").into_os_string())];
    let argv = vec!["acts".into(), "cwd".into()];
    let finished = finish(Launch { argv, env, ..stage.launch(&[], stage.bare()) });
    assert_eq!(finished.stdout.trim(), stage.path("module").to_str().unwrap());
}

fn words(stage: &Stage, argv: Vec<&str>) -> Launch {
    command(argv.into_iter().map(Into::into).collect(), &stage.path("module"), stage.bare())
}

/// Code, message, blame and help of the error that the launch gives, with the stage's folder called `ROOT`.
#[track_caller]
fn check(stage: &Stage, launch: Launch, expected: Expect) {
    let error = launch.prepare().and_then(|mut prepared| prepared.launch()).expect_err("it can't run");
    let text = format!(
        "{}: {error}\nblame {:?}\nhelp {}",
        error.code(),
        error.blame(),
        error.help().unwrap_or_default()
    );
    let root = stage.path("");
    let root = root.to_str().expect("temporary folders have plain names").trim_end_matches('/');
    expected.assert_eq(&text.replace(root, "ROOT"));
}

#[test]
fn a_program_that_can_t_run_is_told_with_what_to_do() {
    let stage = Stage::new();
    let own = |argv: Vec<&str>| words(&stage, argv);
    check(
        &stage,
        own(vec![]),
        expect![[r#"
        sandbox::launch::empty_command: the command is empty
        blame Operator
        help "#]],
    );
    check(
        &stage,
        own(vec!["no-such-program"]),
        expect![[r#"
        sandbox::launch::program_not_found: program `no-such-program` was not found in PATH `/usr/local/bin:/usr/bin:/bin`
        blame Operator
        help install it, or give its full path; `command -v no-such-program` shows where a shell finds it"#]],
    );
    check(
        &stage,
        own(vec!["./entry"]),
        expect![[r#"
        sandbox::launch::program_not_found: program `./entry` was not found in `ROOT/module`
        blame Operator
        help ls -l ./entry"#]],
    );
    std::fs::write(stage.path("module/plain"), "text").unwrap();
    check(
        &stage,
        own(vec!["./plain"]),
        expect![[r#"
        sandbox::launch::not_executable: program `ROOT/module/plain` may not be run
        blame Operator
        help chmod +x ROOT/module/plain"#]],
    );
    let script = stage.path("module/script");
    std::fs::write(stage.path("text"), "#!/no/such/interpreter\n").unwrap();
    runnable(&script, &stage.path("text"));
    check(
        &stage,
        own(vec!["./script"]),
        expect![[r#"
        sandbox::launch::program_gone: program `ROOT/module/script` or the interpreter it names is gone
        blame Operator
        help head -n 1 ROOT/module/script shows the interpreter that a script names"#]],
    );
    std::fs::write(stage.path("text"), "\u{7f}ELF nonsense").unwrap();
    runnable(&script, &stage.path("text"));
    check(
        &stage,
        own(vec!["./script"]),
        expect![[r#"
        sandbox::launch::exec: program `ROOT/module/script` can't be run
        blame Operator
        help file ROOT/module/script shows what kind of program it is"#]],
    );
}

#[test]
fn what_surrounds_a_program_is_checked_too() {
    let stage = Stage::new();
    let own = |argv: Vec<&str>| words(&stage, argv);
    check(
        &stage,
        own(vec!["true", "a\0b"]),
        expect![[r#"
        sandbox::launch::zero_byte: the argument holds a zero byte
        blame Operator
        help "#]],
    );
    let cwd = PathBuf::from("/no/such/folder");
    check(
        &stage,
        Launch { cwd, ..own(vec!["true"]) },
        expect![[r#"
        sandbox::launch::folder: folder `/no/such/folder` can't be entered
        blame Operator
        help ls -ld /no/such/folder"#]],
    );
    let cgroup = Some(stage.path("no-group"));
    check(
        &stage,
        Launch { cgroup, ..own(vec!["true"]) },
        expect![[r#"
        sandbox::launch::cgroup: cgroup `ROOT/no-group` can't be opened
        blame Machine
        help ostoja doctor shows which layers of containment work here"#]],
    );
    let env = vec![("A=B".into(), "c".into())];
    check(
        &stage,
        Launch { env, ..own(vec!["/bin/true"]) },
        expect![[r#"
        sandbox::launch::variable_name: the name of an environment variable is empty or holds `=`
        blame Operator
        help "#]],
    );
}

#[test]
fn secrets_are_not_in_the_debug_text() {
    let stage = Stage::new();
    let env = vec![("TOKEN".into(), "hunter2".into())];
    let launch = Launch { env, ..stage.launch(&["print", "hunter2"], Confinement::none()) };
    let shown = format!("{launch:?}");
    let text = format!("{shown} {:?}", launch.prepare().unwrap());
    assert!(!text.contains("hunter2"), "{text}");
    assert_eq!(Blame::Operator, LaunchError::EmptyCommand.blame());
}
