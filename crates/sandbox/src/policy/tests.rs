//! A request's confinement, as people read it.

use std::path::{Path, PathBuf};

use abi::{PermissionKind, Permissions};
use expect_test::{Expect, expect};

use super::{Outside, Profile, Request, Runtime};
use crate::confinement::{Access, Net};
use crate::layer::Layer;
use crate::rlimits::Limits;

fn request(granted: &[(PermissionKind, &str)]) -> Request {
    let mut permissions = Permissions::default();
    for (kind, value) in granted {
        permissions.of_mut(*kind).insert((*value).to_owned());
    }
    Request {
        profile: Profile::Contained,
        runtime: Runtime::Python,
        permissions,
        folder: "/home/ewa/modules/logger".into(),
        home: "/home/ewa".into(),
        writable: vec!["/tmp/ostoja-1/logger".into()],
        limits: Limits { memory_bytes: Some(1 << 30), cpu_seconds: Some(60), ..Limits::STANDARD },
        outside: Outside::Shared,
    }
}

#[track_caller]
fn check(request: &Request, expected: Expect) {
    expected.assert_eq(&request.to_confinement().to_string());
}

#[test]
fn a_module_with_permissions_is_held_to_them() {
    let granted = [
        (PermissionKind::Net, "api.example:443"),
        (PermissionKind::Net, "[::1]:8080"),
        (PermissionKind::Read, "~/notes"),
        (PermissionKind::Write, "state"),
        (PermissionKind::Write, "/srv/out"),
    ];
    check(
        &request(&granted),
        expect![[r#"
            layers  no_new_privs, capabilities, rlimits, seccomp, landlock_files, landlock_net, landlock_scopes, user_namespace, mount_namespace, pid_namespace, ipc_namespace, uts_namespace, run_list
            path    r-- /dev/fd
            path    dev /dev/full
            path    dev /dev/null
            path    dev /dev/random
            path    dev /dev/tty
            path    dev /dev/urandom
            path    dev /dev/zero
            path    r-- /etc
            path    r-x /home/ewa/modules/logger
            path    rw- /home/ewa/modules/logger/state
            path    r-- /home/ewa/notes
            path    r-l /lib
            path    r-x /lib/ld-musl-x86_64.so.1
            path    r-l /lib32
            path    r-l /lib64
            path    r-x /lib64/ld-linux-x86-64.so.2
            path    r-l /libx32
            path    r-l /nix/store
            path    r-- /proc
            path    r-- /run/resolvconf
            path    r-- /run/systemd/resolve/resolv.conf
            path    r-- /run/systemd/resolve/stub-resolv.conf
            path    rw- /srv/out
            path    r-- /sys/devices/system/cpu
            path    r-- /sys/devices/system/node
            path    r-- /sys/fs/cgroup
            path    r-- /sys/kernel/mm/transparent_hugepage
            path    rw- /tmp/ostoja-1/logger
            path    r-l /usr/lib
            path    r-l /usr/lib32
            path    r-l /usr/lib64
            path    r-l /usr/libx32
            path    r-l /usr/local/lib
            path    r-- /usr/local/share
            path    r-- /usr/share
            net     tcp 53 443 8080, udp all
            limit   core 0
            limit   nofile 4096
            limit   data 1073741824
            limit   cpu 60 (hard 61)
            umask   077
            calls   271: files, names, memory, threads, processes, time, events, sockets, questions, narrowing, users, sharing
            denied  64 system calls
        "#]],
    );
}

#[test]
fn a_module_without_permissions_reaches_no_network() {
    let confinement = request(&[]).to_confinement();
    assert_eq!(confinement.net(), &Net::Denied);
    let sockets = confinement.denials().iter().filter(|denial| denial.call == "socket").count();
    assert_eq!(sockets, 1);
}

#[test]
fn an_open_command_keeps_files_and_network() {
    check(
        &Request::open(Path::new("/home/ewa/project"), Limits::STANDARD),
        expect![[r#"
            layers  no_new_privs, rlimits, seccomp
            path    all
            net     all
            limit   core 0
            limit   nofile 4096
            umask   022
            denied  61 system calls
        "#]],
    );
}

#[test]
fn one_host_without_a_port_opens_all_ports() {
    let granted = [(PermissionKind::Net, "api.example:443"), (PermissionKind::Net, "other.example")];
    assert_eq!(request(&granted).to_confinement().net(), &Net::Free);
}

#[test]
fn paths_start_where_the_contract_says() {
    let located = |text: &str| request(&[]).locate(text);
    assert_eq!(located("~/a"), PathBuf::from("/home/ewa/a"));
    assert_eq!(located("~"), PathBuf::from("/home/ewa"));
    assert_eq!(located("data"), PathBuf::from("/home/ewa/modules/logger/data"));
    assert_eq!(located("/abs"), PathBuf::from("/abs"));
    assert_eq!(located("~other"), PathBuf::from("/home/ewa/modules/logger/~other"));
}

#[test]
fn two_grants_for_one_path_add_up() {
    let granted =
        [(PermissionKind::Write, ""), (PermissionKind::Read, "/srv"), (PermissionKind::Write, "/srv")];
    let confinement = request(&granted).to_confinement();
    let access = |path: &str| {
        let path = Path::new(path);
        confinement.paths().iter().find(|rule| rule.path == path).map(|rule| rule.access)
    };
    assert_eq!(access("/srv"), Some(Access::Write));
    assert_eq!(access("/home/ewa/modules/logger"), Some(Access::WriteExecute));
}

#[test]
fn the_same_request_gives_the_same_confinement() {
    let granted = [(PermissionKind::Read, "b"), (PermissionKind::Read, "a")];
    let mut turned = granted;
    turned.reverse();
    assert_eq!(request(&granted).to_confinement(), request(&turned).to_confinement());
}

#[test]
fn with_a_broker_places_are_told_apart_and_the_network_is_its_own() {
    let granted = [(PermissionKind::Net, "api.example:443"), (PermissionKind::Net, "[::1]:8080")];
    let brokered = |granted| Request { outside: Outside::Brokered, ..request(granted) }.to_confinement();
    let confinement = brokered(&granted);
    assert!(confinement.has(Layer::NetNamespace) && confinement.has(Layer::NetBroker));
    assert!(confinement.to_string().contains("net     [::1]:8080 api.example:443\n"));
    assert_eq!(confinement.ports(), Some(vec![443, 8080]));
    assert_eq!(brokered(&[(PermissionKind::Net, "api.example")]).ports(), None);
    assert_eq!(brokered(&[(PermissionKind::Net, "*")]).net(), &Net::Free);
}
