//! What was seen, against what is then needed.

use std::path::Path;

use abi::{PermissionKind, Permissions};

use super::{Places, Seen, Wish, host_and_port, needs, refused_calls};

fn places() -> Places<'static> {
    Places { folder: Path::new("/m/own"), home: Path::new("/home/u") }
}

fn permissions(values: &[(PermissionKind, &str)]) -> Permissions {
    let mut permissions = Permissions::default();
    for (kind, value) in values {
        permissions.of_mut(*kind).insert((*value).to_owned());
    }
    permissions
}

fn check(seen: &[(Wish, bool)], granted: &[(PermissionKind, &str)], expected: &[(PermissionKind, &str)]) {
    let seen = seen.iter().map(|(wish, is_granted)| Seen { wish: wish.clone(), is_granted: *is_granted });
    assert_eq!(needs(&seen.collect(), &permissions(granted), places()), permissions(expected));
}

fn read(path: &str) -> (Wish, bool) {
    (Wish::Read(path.to_owned()), false)
}

fn write(path: &str) -> (Wish, bool) {
    (Wish::Write(path.to_owned()), false)
}

fn net(place: &str) -> (Wish, bool) {
    (Wish::Net(place.to_owned()), false)
}

use PermissionKind::{Env, Net, Read, Run, Write};

#[test]
fn what_was_used_stays_and_what_was_not_goes() {
    check(
        &[read("/data/a")],
        &[(Read, "/data"), (Read, "/other"), (Env, "HOME")],
        &[(Read, "/data"), (Env, "HOME")],
    );
    check(&[], &[(Net, "api.example:443"), (Run, "git"), (Run, "kernel.call")], &[(Run, "kernel.call")]);
}

#[test]
fn what_was_wanted_is_said_as_narrow_as_it_can_be() {
    check(
        &[read("/data/a"), read("/home/u/notes/b"), write("/m/own/state")],
        &[],
        &[(Read, "/data/a"), (Read, "~/notes/b"), (Write, "state")],
    );
}

#[test]
fn what_is_written_need_not_be_read_as_well() {
    check(&[write("/data"), read("/data/a")], &[], &[(Write, "/data")]);
    check(&[read("/data/a")], &[(Write, "/data")], &[(Write, "/data")]);
}

#[test]
fn what_lies_within_a_wanted_folder_is_not_said_twice() {
    check(&[read("/data"), read("/data/a"), read("/data/b/c")], &[], &[(Read, "/data")]);
}

#[test]
fn many_files_of_a_folder_are_the_folder() {
    let many: Vec<(Wish, bool)> = (0..16).map(|at| read(&format!("/data/{at}"))).collect();
    check(&many, &[], &[(Read, "/data")]);
    let at_the_root: Vec<(Wish, bool)> = (0..16).map(|at| read(&format!("/f{at}"))).collect();
    let seen =
        at_the_root.iter().map(|(wish, is_granted)| Seen { wish: wish.clone(), is_granted: *is_granted });
    assert_eq!(needs(&seen.collect(), &Permissions::default(), places()).of(Read).len(), 16);
}

#[test]
fn a_place_keeps_the_value_that_holds_it() {
    check(&[net("api.example:443")], &[(Net, "*.example:443")], &[(Net, "*.example:443")]);
    check(&[net("api.example:443")], &[(Net, "other.example")], &[(Net, "api.example:443")]);
    check(&[net("[::1]:80")], &[(Net, "localhost:80")], &[(Net, "localhost:80")]);
    check(&[net("api.example"), net("api.example:443")], &[], &[(Net, "api.example:443")]);
    check(&[net("api.example")], &[], &[(Net, "api.example")]);
    check(&[net("10.0.0.1:80")], &[(Net, "*")], &[(Net, "*")]);
}

#[test]
fn a_program_is_said_by_its_name_where_it_is_found_by_it() {
    let run = |path: &str, is_granted| (Wish::Run(path.to_owned()), is_granted);
    check(&[run("/usr/bin/git", false)], &[], &[(Run, "git")]);
    check(&[run("/usr/bin/git", true)], &[(Run, "git"), (Run, "cat")], &[(Run, "git")]);
    check(&[run("/m/own/tool", true)], &[], &[]);
    check(&[run("/opt/tool/run", false)], &[], &[(Run, "/opt/tool/run")]);
}

#[test]
fn refused_calls_are_no_permission() {
    let seen = [Seen { wish: Wish::Call("bpf".to_owned()), is_granted: false }].into();
    assert_eq!(needs(&seen, &Permissions::default(), places()), Permissions::default());
    assert_eq!(refused_calls(&seen), ["bpf"]);
}

#[test]
fn a_place_is_a_host_and_a_port() {
    assert_eq!(host_and_port("a.example:1"), ("a.example", Some(1)));
    assert_eq!(host_and_port("[::1]:1"), ("::1", Some(1)));
    assert_eq!(host_and_port("a.example"), ("a.example", None));
}
