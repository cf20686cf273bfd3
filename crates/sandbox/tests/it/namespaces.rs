//! A contained child lives in namespaces of its own: what is outside is not there, and what it leaves ends with it.

use abi::{ExitKind, PermissionKind};
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use sandbox::{Confinement, Launch, Layer, Proof};

use crate::stage::{Stage, await_readable, command, end_of, finish, first_line, skipped};

/// Whether this machine gives all of them; tells when it does not.
fn given(test: &str) -> bool {
    let report = sandbox::probe::run();
    let missing = report.proofs().find(|(layer, proof)| layer.is_namespace() && *proof != Proof::Works);
    if let Some((layer, proof)) = &missing {
        skipped(test, &format!("{layer}: {proof}"));
    }
    missing.is_none()
}

/// What a shell's words print under this confinement.
fn shell(stage: &Stage, words: &str, held: Confinement) -> String {
    let argv = ["sh", "-c", words].map(Into::into).into();
    let finished = finish(command(argv, &stage.path("module"), held));
    format!("{}{}", finished.stdout, finished.stderr)
}

#[test]
fn it_is_an_ordinary_process_that_sees_only_its_own() {
    if !given("it_is_an_ordinary_process_that_sees_only_its_own") {
        return;
    }
    let stage = Stage::new();
    assert_eq!(shell(&stage, "echo $$; ls /proc | grep -c '^[0-9]'", stage.bare()), "2\n4\n");
    assert_eq!(shell(&stage, "tr '\\0' ' ' < /proc/1/cmdline", stage.bare()), "ostoja-first ");
}

#[test]
fn files_that_were_not_granted_are_not_there() {
    if !given("files_that_were_not_granted_are_not_there") {
        return;
    }
    let stage = Stage::new();
    let secret = stage.path("secret/key");
    let path = secret.to_str().expect("temporary folders have plain names");
    assert_eq!(stage.act(&["read", path], &stage.bare()).end, ExitKind::Code(libc::ENOENT));
    let without = stage.bare().without(Layer::MountNamespace);
    assert_eq!(stage.act(&["read", path], &without).end, ExitKind::Code(libc::EACCES));
    let granted = stage.request(&[(PermissionKind::Read, path)]).to_confinement();
    assert_eq!(stage.act(&["read", path], &granted).end, ExitKind::Code(0));
    // Granted for reading, so not even its rights can be changed.
    let granted = granted.without(Layer::LandlockFiles);
    let refused = shell(&stage, &format!("chmod 600 {path} 2>/dev/null || echo refused"), granted);
    assert_eq!(refused, "refused\n");
    let root = shell(&stage, "ls -A /", stage.bare().without(Layer::LandlockFiles));
    assert!(!root.contains("root") && !root.contains("home") && root.contains("usr"), "{root}");
}

#[test]
fn the_temporary_folder_is_its_own_and_holds_no_programs() {
    if !given("the_temporary_folder_is_its_own_and_holds_no_programs") {
        return;
    }
    let stage = Stage::new();
    let words = "cp /bin/true /tmp/mine && ls /tmp | grep -c mine; /tmp/mine 2>/dev/null || echo refused";
    for held in [stage.bare(), stage.bare().without(Layer::LandlockFiles)] {
        assert_eq!(shell(&stage, words, held), "1\nrefused\n");
    }
    assert!(!std::path::Path::new("/tmp/mine").exists());
}

#[test]
fn a_signal_without_a_handler_ends_it_and_its_own_end_is_told() {
    let stage = Stage::new();
    let child = stage.launch(&["hang"], stage.bare()).prepare().unwrap().launch().unwrap();
    first_line(&child.stdout);
    sandbox::signal_group(child.pid, std::os::fd::AsFd::as_fd(&child.pidfd), sandbox::Signal::TERM).unwrap();
    assert_eq!(end_of(child).end, ExitKind::Signal(15));
    assert_eq!(stage.act(&["exit", "7"], &stage.bare()).end, ExitKind::Code(7));
}

#[test]
fn what_forked_away_ends_with_the_innermost() {
    if !given("what_forked_away_ends_with_the_innermost") {
        return;
    }
    let stage = Stage::new();
    let mut child = stage.launch(&["fork-away"], stage.bare()).prepare().unwrap().launch().unwrap();
    first_line(&child.stdout);
    await_readable(&child.pidfd);
    // Its outputs are held open by what forked away, and by nothing else.
    drop(child.innermost.take().expect("it has a pid namespace"));
    end_of(child);
}

#[test]
fn all_of_it_ends_with_the_thread_that_launched_it() {
    if !given("all_of_it_ends_with_the_thread_that_launched_it") {
        return;
    }
    let stage = Stage::new();
    let mut prepared = stage.launch(&["hang"], stage.bare()).prepare().unwrap();
    let child = std::thread::spawn(move || prepared.launch().expect("it can be launched")).join().unwrap();
    assert_eq!(end_of(child).end, ExitKind::Signal(9));
}

#[test]
fn a_failing_program_leaves_nobody_behind() {
    let stage = Stage::new();
    std::fs::write(stage.path("module/script"), "#!/no/such/interpreter\n").unwrap();
    crate::stage::runnable(&stage.path("module/program"), &stage.path("module/script"));
    let argv = vec![stage.path("module/program").into()];
    let mut prepared = command(argv, &stage.path("module"), stage.bare()).prepare().unwrap();
    let error = prepared.launch().expect_err("there is no interpreter");
    assert!(matches!(error, sandbox::LaunchError::Vanished { .. }), "{error}");
}

#[test]
fn two_lives_of_one_launch_share_the_temporary_folder_and_no_process() {
    if !given("two_lives_of_one_launch_share_the_temporary_folder_and_no_process") {
        return;
    }
    let stage = Stage::new();
    let words = "echo life >> /tmp/lives; wc -l < /tmp/lives; echo $$";
    let argv = ["sh", "-c", words].map(Into::into).into();
    let mut prepared: sandbox::Prepared =
        Launch::prepare(command(argv, &stage.path("module"), stage.bare())).unwrap();
    assert_eq!(end_of(prepared.launch().unwrap()).stdout, "1\n2\n");
    assert_eq!(end_of(prepared.launch().unwrap()).stdout, "2\n2\n");
}

#[test]
fn numbers_of_users_mean_the_same_inside() {
    let stage = Stage::new();
    let uid = rustix::process::getuid().as_raw();
    let file = stage.path("data/mine");
    let words = format!("id -u; touch {}", file.display());
    assert_eq!(shell(&stage, &words, stage.bare()), format!("{uid}\n"));
    let made = std::fs::metadata(&file).expect("it was made");
    assert_eq!(std::os::unix::fs::MetadataExt::uid(&made), uid);
}

#[test]
fn pids_of_launched_children_are_those_of_the_machine() {
    let stage = Stage::new();
    let child = stage.launch(&["hang"], stage.bare()).prepare().unwrap().launch().unwrap();
    first_line(&child.stdout);
    let pid = Pid::from_raw(child.pid.cast_signed()).expect("no zero");
    let other = pidfd_open(pid, PidfdFlags::empty()).expect("it lives");
    sandbox::signal_group(child.pid, std::os::fd::AsFd::as_fd(&child.pidfd), sandbox::Signal::KILL).unwrap();
    await_readable(&other);
    assert_eq!(end_of(child).end, ExitKind::Signal(9));
}

#[test]
fn what_is_mounted_in_a_system_folder_is_seen_by_the_next_that_is_prepared_and_is_no_freer() {
    let test = "what_is_mounted_in_a_system_folder_is_seen_by_the_next_that_is_prepared_and_is_no_freer";
    let unshared = |words: &[&str]| std::process::Command::new("unshare").arg("--mount").args(words).output();
    if !given(test) || !unshared(&["true"]).is_ok_and(|tried| tried.status.success()) {
        return skipped(test, "nothing can be mounted here");
    }
    let said =
        unshared(&[crate::stage::ACTS, "scene", "mounts-below-a-system-folder"]).expect("it could before");
    assert_eq!(String::from_utf8_lossy(&said.stdout), "false\nlater refused\n", "{said:?}");
}
