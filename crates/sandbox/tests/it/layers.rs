//! Each layer refuses what it says, and the act succeeds once the layer is gone: so each of these tests can fail.

use std::net::TcpListener;

use abi::{ExitKind, PermissionKind};
use sandbox::{Confinement, Layer, Level, Limits, Profile, Proof, Request, When};

use crate::stage::{ACTS, Stage, command, finish, runnable, shared, skipped};

const FILES: Layer = Layer::LandlockFiles;

/// The words of a path that the acting program gets.
fn words<'a>(act: &'a str, path: &'a std::path::Path) -> [&'a str; 2] {
    [act, path.to_str().expect("temporary folders have plain names")]
}

#[test]
fn files_outside_the_permitted_paths_are_refused() {
    let stage = Stage::new();
    let (key, new) = (stage.path("secret/key"), stage.path("secret/new"));
    stage.refused_by(FILES, &words("read", &key), stage.shared(), libc::EACCES);
    stage.refused_by(FILES, &words("list", &stage.path("secret")), stage.shared(), libc::EACCES);
    stage.refused_by(FILES, &words("write", &new), stage.shared(), libc::EACCES);
    stage.refused_by(FILES, &words("remove", &key), stage.shared(), libc::EACCES);
}

#[test]
fn the_own_folder_is_readable_and_not_writable() {
    let stage = Stage::new();
    std::fs::write(stage.path("module/file"), "text").unwrap();
    assert_eq!(stage.act(&words("read", &stage.path("module/file")), &stage.bare()).end, ExitKind::Code(0));
    stage.refused_by(FILES, &words("write", &stage.path("module/new")), stage.shared(), libc::EACCES);
}

#[test]
fn a_writable_folder_is_writable_and_nothing_in_it_can_be_run() {
    let stage = Stage::new();
    let program = stage.path("data/dropped");
    assert_eq!(stage.act(&words("write", &stage.path("data/new")), &stage.shared()).end, ExitKind::Code(0));
    runnable(&program, ACTS.as_ref());
    assert_eq!(stage.act(&words("become", &program), &stage.shared()).end, ExitKind::Code(libc::EACCES));
    let without = stage.act(&words("become", &program), &stage.shared().without(FILES));
    assert_eq!(
        without.end,
        ExitKind::Code(254),
        "without the layer the program runs, and says that it was called wrongly"
    );
}

#[test]
fn read_and_write_permissions_open_what_they_name() {
    let stage = Stage::new();
    let secret = stage.path("secret");
    let secret = secret.to_str().expect("temporary folders have plain names");
    let key = stage.path("secret/key");
    let reader = shared(stage.request(&[(PermissionKind::Read, "../secret")]).to_confinement());
    assert_eq!(stage.act(&words("read", &key), &reader).end, ExitKind::Code(0));
    assert_eq!(stage.act(&words("write", &key), &reader).end, ExitKind::Code(libc::EACCES));
    let writer = stage.request(&[(PermissionKind::Write, secret)]).to_confinement();
    assert_eq!(stage.act(&words("write", &key), &writer).end, ExitKind::Code(0));
}

#[test]
fn without_a_net_permission_no_tcp_port_is_bound_or_reached() {
    let stage = Stage::new();
    let server = TcpListener::bind("127.0.0.1:0").expect("the loopback has ports");
    let port = server.local_addr().expect("it is bound").port().to_string();
    // The filter refuses the socket itself; here it is Landlock's turn alone.
    let held = stage.shared().without(Layer::Seccomp);
    stage.refused_by(Layer::LandlockNet, &["connect", &port], held.clone(), libc::EACCES);
    stage.refused_by(Layer::LandlockNet, &["bind", "0"], held, libc::EACCES);
}

#[test]
fn without_a_net_permission_no_internet_socket_is_made_at_all() {
    let stage = Stage::new();
    stage.refused_by(Layer::Seccomp, &["udp"], stage.bare(), libc::EPERM);
    assert_eq!(stage.act(&["pair"], &stage.bare()).end, ExitKind::Code(0), "local sockets are free");
}

#[test]
fn a_net_permission_with_ports_opens_these_ports_alone() {
    let stage = Stage::new();
    let (named, other) = (TcpListener::bind("127.0.0.1:0"), TcpListener::bind("127.0.0.1:0"));
    let port = |server: &std::io::Result<TcpListener>| {
        server.as_ref().expect("the loopback has ports").local_addr().expect("it is bound").port().to_string()
    };
    let value = format!("localhost:{}", port(&named));
    let held = stage.request(&[(PermissionKind::Net, &value)]).to_confinement();
    assert_eq!(stage.act(&["connect", &port(&named)], &held).end, ExitKind::Code(0));
    assert_eq!(stage.act(&["udp"], &held).end, ExitKind::Code(0));
    stage.refused_by(Layer::LandlockNet, &["connect", &port(&other)], held, libc::EACCES);
}

#[test]
fn processes_and_abstract_sockets_outside_are_out_of_reach() {
    use std::os::linux::net::SocketAddrExt;
    let stage = Stage::new();
    let own = std::process::id().to_string();
    stage.refused_by(Layer::LandlockScopes, &["signal", &own], stage.shared(), libc::EPERM);
    let name = format!("sandbox-test-{own}");
    let address = std::os::unix::net::SocketAddr::from_abstract_name(&name).expect("a short name");
    let _server = std::os::unix::net::UnixListener::bind_addr(&address).expect("a name of our own");
    stage.refused_by(Layer::LandlockScopes, &["abstract", &name], stage.shared(), libc::EPERM);
}

#[test]
fn calls_of_the_list_that_users_may_make_are_refused_by_the_filter_alone() {
    let stage = Stage::new();
    let call = |number: libc::c_long, arguments: &[u64]| {
        let mut words = vec!["call".to_owned(), number.to_string()];
        words.extend(arguments.iter().map(u64::to_string));
        words
    };
    let acts = [
        // PTRACE_TRACEME
        call(libc::SYS_ptrace, &[0]),
        // KEYCTL_GET_KEYRING_ID of the process's own keyring, made if need be
        call(libc::SYS_keyctl, &[0, u64::MAX - 1, 1]),
        // UFFD_USER_MODE_ONLY
        call(libc::SYS_userfaultfd, &[1]),
        // ADDR_NO_RANDOMIZE
        call(libc::SYS_personality, &[0x4_0000]),
    ];
    for act in acts {
        let act: Vec<&str> = act.iter().map(String::as_str).collect();
        stage.refused_by(Layer::Seccomp, &act, stage.bare(), libc::EPERM);
    }
}

#[test]
fn a_user_namespace_can_be_made_by_no_call() {
    let stage = Stage::new();
    let flag = libc::CLONE_NEWUSER.to_string();
    let unshare = ["call", &libc::SYS_unshare.to_string(), &flag].map(str::to_owned);
    let unshare: Vec<&str> = unshare.iter().map(String::as_str).collect();
    if stage.act(&unshare, &Confinement::none()).end != ExitKind::Code(0) {
        return skipped(
            "a_user_namespace_can_be_made_by_no_call",
            "this machine makes no user namespaces for us",
        );
    }
    stage.refused_by(Layer::Seccomp, &unshare, stage.bare(), libc::EPERM);
    let clone = libc::SYS_clone.to_string();
    stage.refused_by(
        Layer::Seccomp,
        &["call", &clone, &(libc::CLONE_NEWUSER | libc::SIGCHLD).to_string()],
        stage.bare(),
        libc::EPERM,
    );
    let clone3 = libc::SYS_clone3.to_string();
    let refused = stage.act(&["call", &clone3, "0", "0"], &stage.bare());
    assert_eq!(refused.end, ExitKind::Code(libc::ENOSYS), "its flags can't be seen, so it is not there");
}

#[test]
fn a_byte_is_not_typed_into_a_terminal() {
    let stage = Stage::new();
    let held = Request::open(&stage.path("module"), Limits::STANDARD).to_confinement();
    let free = stage.act(&["terminal"], &Confinement::none());
    if free.end != ExitKind::Code(0) {
        let reason = format!("typing is refused here to everybody: {}", free.end);
        return skipped("a_byte_is_not_typed_into_a_terminal", &reason);
    }
    stage.refused_by(Layer::Seccomp, &["terminal"], held, libc::EPERM);
}

#[test]
fn every_call_of_the_list_answers_eperm() {
    let stage = Stage::new();
    let held = stage.bare();
    let always: Vec<String> = held
        .denials()
        .iter()
        .filter(|denial| denial.when == When::Always)
        .map(|denial| denial.number().to_string())
        .collect();
    let mut words = vec!["calls"];
    words.extend(always.iter().map(String::as_str));
    let expected: String = always.iter().map(|number| format!("{number} {}\n", libc::EPERM)).collect();
    assert_eq!(stage.act(&words, &held).stdout, expected);
    assert!(always.len() > 45, "the list holds what it should: {}", always.len());
}

#[test]
fn twins_of_calls_under_x32_numbers_are_not_there() {
    let stage = Stage::new();
    let twin = (libc::SYS_ptrace | 0x4000_0000).to_string();
    assert_eq!(stage.act(&["call", &twin], &stage.bare()).end, ExitKind::Code(libc::ENOSYS));
}

#[test]
fn what_programs_need_of_refused_calls_goes_through() {
    let stage = Stage::new();
    let held = stage.bare();
    assert_eq!(stage.act(&["threads", "8"], &held).end, ExitKind::Code(0));
    assert_eq!(stage.act(&["run", "/bin/true"], &held).end, ExitKind::Code(0));
    // The question alone, and unshare without a namespace (CLONE_FILES).
    let ask = [libc::SYS_personality.to_string(), u64::from(u32::MAX).to_string()];
    assert_eq!(stage.act(&["call", &ask[0], &ask[1]], &held).end, ExitKind::Code(0));
    let unshare = [libc::SYS_unshare.to_string(), libc::CLONE_FILES.to_string()];
    assert_eq!(stage.act(&["call", &unshare[0], &unshare[1]], &held).end, ExitKind::Code(0));
}

#[test]
fn root_has_no_rights_over_the_machine() {
    let stage = Stage::new();
    // An AF_PACKET socket (SOCK_RAW) is for those who may watch the whole network.
    let raw = [libc::SYS_socket.to_string(), libc::AF_PACKET.to_string(), libc::SOCK_RAW.to_string()];
    let raw = ["call", &raw[0], &raw[1], &raw[2], "0"];
    if stage.act(&raw, &Confinement::none()).end != ExitKind::Code(0) {
        return skipped("root_has_no_rights_over_the_machine", "these tests don't run as root");
    }
    // The filter refuses this kind of socket itself; here it is the capabilities' turn alone.
    let held = shared(stage.request(&[(PermissionKind::Net, "anywhere.example")]).to_confinement());
    let held = held.without(Layer::Seccomp);
    stage.refused_by(Layer::Capabilities, &raw, held, libc::EPERM);
}

#[test]
fn limits_hold() {
    let stage = Stage::new();
    let limits = Limits { memory_bytes: Some(64 << 20), file_bytes: Some(1 << 20), ..Limits::STANDARD };
    let request = Request { limits, ..stage.request(&[]) };
    stage.refused_by(Layer::Rlimits, &["memory", "200"], request.to_confinement(), libc::ENOMEM);
    assert_eq!(stage.act(&["memory", "8"], &request.to_confinement()).end, ExitKind::Code(0));
    let argv = vec!["grep".into(), "-E".into(), "core file|open files".into(), "/proc/self/limits".into()];
    let shown = finish(command(argv, &stage.path("module"), request.to_confinement())).stdout;
    let words: Vec<&str> = shown.split_whitespace().collect();
    assert_eq!(words.join(" "), "Max core file size 0 0 bytes Max open files 4096 4096 files");
}

#[test]
fn no_program_gains_rights() {
    let stage = Stage::new();
    let ask = [
        "call".to_owned(),
        libc::SYS_prctl.to_string(),
        libc::PR_SET_NO_NEW_PRIVS.to_string(),
        "0".to_owned(),
    ];
    let ask: Vec<&str> = ask.iter().map(String::as_str).collect();
    // The flag can't be taken back: the kernel has no call for it.
    assert_eq!(stage.act(&ask, &stage.bare()).end, ExitKind::Code(libc::EINVAL));
    let status = finish(command(
        vec!["grep".into(), "NoNewPrivs".into(), "/proc/self/status".into()],
        &stage.path("module"),
        stage.bare(),
    ));
    assert_eq!(status.stdout, "NoNewPrivs:\t1\n");
}

#[test]
fn an_open_profile_leaves_files_and_network_free() {
    let stage = Stage::new();
    let held = Request::open(&stage.path("module"), Limits::STANDARD).to_confinement();
    assert_eq!(stage.act(&words("read", &stage.path("secret/key")), &held).end, ExitKind::Code(0));
    assert_eq!(stage.act(&["udp"], &held).end, ExitKind::Code(0));
    assert_eq!(stage.act(&["call", &libc::SYS_ptrace.to_string()], &held).end, ExitKind::Code(libc::EPERM));
    assert_eq!(held.has(Layer::LandlockFiles), Profile::Open == Profile::Contained);
}

#[test]
fn the_probes_find_here_what_the_tests_above_saw() {
    let report = sandbox::probe::run();
    for layer in [Layer::NoNewPrivs, Layer::Rlimits, Layer::Seccomp, Layer::LandlockFiles] {
        assert_eq!(report.proof(layer), Proof::Works, "{layer}");
    }
    let stage = Stage::new();
    let held = stage.bare();
    let missing: Vec<Layer> = report
        .proofs()
        .filter(|(layer, proof)| *layer != Layer::NetBroker && !proof.is_works())
        .map(|(layer, _)| layer)
        .collect();
    let expected = if missing.is_empty() { Level::Full } else { Level::Partial { missing } };
    assert_eq!(held.level(&report), expected);
    assert_eq!(
        held.without(Layer::RunList).level(&report).to_string(),
        match expected {
            Level::Partial { mut missing } => {
                missing.push(Layer::RunList);
                missing.sort_by_key(|layer| Layer::ALL.iter().position(|known| known == layer));
                Level::Partial { missing }
            }
            _ => Level::Partial { missing: vec![Layer::RunList] },
        }
        .to_string()
    );
    assert_eq!(Confinement::none().level(&sandbox::probe::Report::of(Vec::new())), Level::None);
}

#[test]
fn of_the_systems_programs_those_run_that_were_named() {
    let stage = Stage::new();
    let held = stage.request(&[]).to_confinement();
    assert_eq!(stage.act(&["run", "/usr/bin/true"], &held).end, ExitKind::Code(0));
    assert_eq!(stage.act(&["run", "/bin/true"], &held).end, ExitKind::Code(0));
    // Not there, and where it is there, not to be run.
    stage.refused_by(Layer::RunList, &["run", "/usr/bin/who"], held.clone(), libc::ENOENT);
    let shared = stage.shared();
    stage.refused_by(Layer::RunList, &["run", "/usr/bin/who"], shared, libc::EACCES);
}
