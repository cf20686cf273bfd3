//! How children end: by signals to their group, by their cgroup, and reaped by whom they belong to.

use std::io::{Read as _, Write as _};
use std::os::fd::AsFd;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use abi::ExitKind;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use sandbox::cgroup::{Removed, Tree, is_populated, remove};
use sandbox::control::{self, Caps, Control};
use sandbox::{Confinement, Launch, Layer, Sent, Signal, kill_cgroup, reap, signal_group};

use crate::stage::{ACTS, Stage, await_readable, end_of, first_line, skipped};

#[test]
fn a_running_child_has_no_end_and_a_reaped_one_none_any_more() {
    let stage = Stage::new();
    let child = stage.launch(&["hang"], stage.bare()).prepare().unwrap().launch().unwrap();
    first_line(&child.stdout);
    assert_eq!(reap(child.pidfd.as_fd()).unwrap(), None);
    assert_eq!(signal_group(child.pid, child.pidfd.as_fd(), Signal::TERM).unwrap(), Sent::Delivered);
    await_readable(&child.pidfd);
    assert_eq!(reap(child.pidfd.as_fd()).unwrap(), Some(ExitKind::Signal(15)));
    let again = reap(child.pidfd.as_fd()).expect_err("its end was given");
    assert_eq!(again.raw_os_error(), Some(libc::ECHILD));
    assert_eq!(signal_group(child.pid, child.pidfd.as_fd(), Signal::TERM).unwrap(), Sent::Gone);
}

#[test]
fn a_signal_reaches_the_whole_group() {
    let stage = Stage::new();
    let script = format!("{} hang & wait", ACTS);
    let argv = vec!["sh".into(), "-c".into(), script.into()];
    let child =
        Launch { argv, ..stage.launch(&[], Confinement::none()) }.prepare().unwrap().launch().unwrap();
    let grandchild: i32 = first_line(&child.stdout).parse().unwrap();
    let grandchild = rustix::process::Pid::from_raw(grandchild).unwrap();
    let watch = rustix::process::pidfd_open(grandchild, rustix::process::PidfdFlags::empty()).unwrap();
    assert_eq!(signal_group(child.pid, child.pidfd.as_fd(), Signal::KILL).unwrap(), Sent::Delivered);
    await_readable(&watch);
    assert_eq!(end_of(child).end, ExitKind::Signal(9));
}

/// A killed process leaves its group a moment after its end is known.
fn await_empty(group: &Path) {
    while is_populated(group).expect("the group is there") {
        let events = std::fs::File::open(group.join("cgroup.events")).expect("the group is there");
        let mut changed = [PollFd::new(&events, PollFlags::PRI)];
        let second = Timespec { tv_sec: 1, tv_nsec: 0 };
        poll(&mut changed, Some(&second)).expect("it can be polled");
    }
}

#[test]
fn a_cgroup_kills_what_forked_away() {
    let name = format!("test-{}", std::process::id());
    let tree = match Tree::open(&name, &["sandbox"]) {
        Ok(tree) => tree,
        Err(reason) => return skipped("a_cgroup_kills_what_forked_away", &reason.to_string()),
    };
    let stage = Stage::new();
    for (module, held) in
        [("by-birth", Confinement::none()), ("confined", stage.bare().without(Layer::PidNamespace))]
    {
        let group = tree.group("sandbox", module).unwrap();
        let launch = Launch { cgroup: Some(group.clone()), ..stage.launch(&["fork-away"], held) };
        let child = launch.prepare().unwrap().launch().unwrap();
        // Without a pid namespace, in which its number would be another.
        let away: i32 = first_line(&child.stdout).parse().unwrap();
        let away = rustix::process::Pid::from_raw(away).unwrap();
        let watch = rustix::process::pidfd_open(away, rustix::process::PidfdFlags::empty()).unwrap();
        assert_eq!(remove(&group).unwrap(), Removed::Busy, "{module}");
        assert!(is_populated(&group).unwrap(), "{module}");
        kill_cgroup(&group).unwrap();
        await_readable(&watch);
        end_of(child);
        await_empty(&group);
    }
    assert_eq!(tree.kill_leftovers(), 2);
    assert_eq!(tree.close().unwrap(), Removed::Gone);
}

#[test]
fn a_nested_launcher_joins_a_cgroup_without_clone3() {
    let name = format!("join-{}", std::process::id());
    let tree = match Tree::open(&name, &["stable"]) {
        Ok(tree) => tree,
        Err(reason) => {
            return skipped("a_nested_launcher_joins_a_cgroup_without_clone3", &reason.to_string());
        }
    };
    let group = tree.group("stable", "joined").unwrap();
    let stage = Stage::new();
    let open = sandbox::Request::open(&stage.path("module"), sandbox::Limits::STANDARD).to_confinement();
    let dir = group.to_str().unwrap();
    let finished = stage.act(&["scene", "joins", dir], &open);
    assert_eq!((finished.stdout.as_str(), finished.stderr.as_str()), ("joined\n", ""));
    await_empty(&group);
    assert_eq!(remove(&group).unwrap(), Removed::Gone);
    assert_eq!(tree.close().unwrap(), Removed::Gone);
}

/// A shell in this group that forks once when it is told to, and says whether it could.
fn forker(control: &dyn Control, group: &Path) -> Child {
    let mut shell = Command::new("sh");
    shell.args(["-c", "read line; if /bin/true; then echo forked; fi"]);
    let child = shell
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("a shell starts");
    std::fs::write(group.join("cgroup.procs"), child.id().to_string()).expect("the group takes it");
    control.join(group, &[child.id()]).expect("the control takes it");
    child
}

#[test]
fn a_pool_bounds_what_its_modules_use_together_and_no_other_pool() {
    let name = format!("pool-{}", std::process::id());
    let tree = match Tree::open(&name, &["sandbox", "stable"]) {
        Ok(tree) => tree,
        Err(reason) => return skipped("a_pool_bounds_what_its_modules_use_together", &reason.to_string()),
    };
    let Some(control) = control::open(tree.dir(), &name).filter(|all| all.controllers().contains(&"pids"))
    else {
        tree.close().unwrap();
        return skipped(
            "a_pool_bounds_what_its_modules_use_together",
            "there is no controller for processes",
        );
    };
    control.hold_pool(&tree.dir().join("sandbox"), Caps { processes: Some(2), ..Caps::default() }).unwrap();
    let places = [("sandbox", "a"), ("sandbox", "b"), ("stable", "c")];
    let mut children = places.map(|(pool, module)| {
        let group = tree.group(pool, module).unwrap();
        control.hold(&group, Caps { processes: Some(50), ..Caps::default() }).unwrap();
        forker(control.as_ref(), &group)
    });
    assert_eq!(control.used_by_pool(&tree.dir().join("sandbox")).processes, Some(2));
    let said = [0, 2].map(|place| {
        let child = &mut children[place];
        child.stdin.take().unwrap().write_all(b"go\n").unwrap();
        let mut said = String::new();
        child.stdout.take().unwrap().read_to_string(&mut said).unwrap();
        child.wait().unwrap();
        said
    });
    assert_eq!(
        said,
        ["", "forked\n"],
        "the pool is full, though each of its modules is far below its own bound"
    );
    drop(children[1].stdin.take());
    children[1].wait().unwrap();
    for (pool, module) in places {
        await_empty(&tree.dir().join(pool).join(module));
        control.forget(&tree.dir().join(pool).join(module));
    }
    tree.kill_leftovers();
    let dir = tree.dir().to_owned();
    assert_eq!(tree.close().unwrap(), Removed::Gone);
    control.close();
    assert!(!dir.exists());
}

#[test]
fn a_name_that_leads_elsewhere_is_no_cgroup() {
    for name in ["", "..", "a/b", ".hidden", &"x".repeat(81)] {
        let error = Tree::open(name, &[]).expect_err("no name of a folder");
        assert_eq!(error.to_string(), format!("`{name}` can't be the name of a cgroup"));
    }
}

#[test]
fn orphans_are_reaped_and_a_module_s_own_end_is_left_alone() {
    let stage = Stage::new();
    let finished = stage.act(&["scene", "orphans"], &Confinement::none());
    let expected =
        "while it lives: None\norphan: true signal 9\nthen: None\nours: exit code 5, exit code 0\n";
    assert_eq!((finished.stdout.as_str(), finished.stderr.as_str()), (expected, ""));
}
