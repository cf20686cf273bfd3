//! What a name in a call comes to: a want, a use of what was granted, or nothing.

use std::fs;
use std::path::{Path, PathBuf};

use super::{Access, Intent, Manner, Named, PathRule, Standing, Want, Watcher, Whose, plain};

struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let place = Self { folder: tempfile::tempdir().unwrap() };
        for folder in ["own", "granted", "bin", "else"] {
            fs::create_dir(place.at(folder)).unwrap();
            fs::write(place.at(folder).join("file"), "").unwrap();
        }
        place
    }

    fn at(&self, below: &str) -> PathBuf {
        self.folder.path().canonicalize().unwrap().join(below)
    }

    fn watcher(&self, manner: Manner) -> Watcher {
        let rule = |path: &str, access, whose| (PathRule { path: self.at(path), access }, whose);
        let rules = vec![
            rule("own", Access::ReadExecute, Whose::Everybodys),
            rule("granted", Access::Write, Whose::Granted),
        ];
        Watcher::new(manner, rules)
    }

    fn judge(&self, manner: Manner, below: &str, intent: Intent) -> Option<(Want, Standing)> {
        self.watcher(manner).judge(&Named { path: self.at(below), intent })
    }
}

#[test]
fn what_every_module_may_do_is_no_want() {
    let place = Place::new();
    assert_eq!(place.judge(Manner::Held, "own/file", Intent::Read), None);
    assert_eq!(place.judge(Manner::Held, "own/none", Intent::Read), None);
    assert_eq!(place.judge(Manner::Held, "else/none", Intent::Read), None);
    let proc = Named { path: "/proc/self/status".into(), intent: Intent::Read };
    assert_eq!(place.watcher(Manner::Held).judge(&proc), None);
}

#[test]
fn what_was_granted_is_told_as_used_and_what_was_not_as_wanted() {
    let place = Place::new();
    let judged = |below: &str, intent| place.judge(Manner::Held, below, intent);
    let beyond = |want| Some((want, Standing::Beyond));
    let granted = Some((Want::Write(place.at("granted")), Standing::Granted));
    assert_eq!(judged("granted/new", Intent::Make), granted);
    assert_eq!(judged("else/file", Intent::Read), beyond(Want::Read(place.at("else/file"))));
    assert_eq!(judged("else/file", Intent::WriteOrMake), beyond(Want::Write(place.at("else/file"))));
    assert_eq!(judged("else/new", Intent::WriteOrMake), beyond(Want::Write(place.at("else"))));
    assert_eq!(judged("own/new", Intent::Make), beyond(Want::Write(place.at("own"))));
    assert_eq!(judged("own/__pycache__", Intent::Make), None);
    assert_eq!(judged("granted/file", Intent::Run), beyond(Want::Run(place.at("granted/file"))));
}

#[test]
fn to_ask_for_a_hidden_file_is_to_want_it_only_where_files_are_hidden() {
    let place = Place::new();
    let want = Some((Want::Read(place.at("else/file")), Standing::Beyond));
    assert_eq!(place.judge(Manner::Held, "else/file", Intent::Look), want);
    assert_eq!(place.judge(Manner::Held, "else", Intent::Look), None);
    assert_eq!(place.judge(Manner::Open, "else/file", Intent::Look), None);
}

#[test]
fn to_look_for_a_program_is_to_want_to_run_it() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::new();
    fs::set_permissions(place.at("bin/file"), PermissionsExt::from_mode(0o755)).unwrap();
    let want = Some((Want::Run(place.at("bin/file")), Standing::Beyond));
    assert_eq!(place.judge(Manner::Held, "bin/file", Intent::Look), want);
}

#[test]
fn its_own_temporary_files_are_nobodys_business() {
    let place = Place::new();
    let mut watcher = place.watcher(Manner::Open);
    let made = |intent| Named { path: "/tmp/ostoja-test-that-nobody-made".into(), intent };
    assert_eq!(watcher.judge(&made(Intent::WriteOrMake)), None);
    assert_eq!(watcher.judge(&made(Intent::Read)), None);
}

#[test]
fn a_link_is_judged_by_where_it_leads_too() {
    let place = Place::new();
    std::os::unix::fs::symlink(place.at("own"), place.at("link")).unwrap();
    assert_eq!(place.judge(Manner::Held, "link/file", Intent::Read), None);
}

#[test]
fn a_path_is_made_plain() {
    assert_eq!(plain(Path::new("/a/./b/../../c//d/..")), Path::new("/c"));
    assert_eq!(plain(Path::new("/../..")), Path::new("/"));
}
