//! A file is replaced as a whole, with the rights asked for, or not at all.

use super::*;

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn mode_of(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_file_is_replaced_with_its_rights_and_nothing_stays_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("permissions.yaml");
    write_whole(&path, b"one", 0o600).unwrap();
    assert_eq!((fs::read(&path).unwrap().as_slice(), mode_of(&path)), (&b"one"[..], 0o600));
    // The umask takes nothing away from what was asked for.
    write_whole(&path, b"two", 0o666).unwrap();
    assert_eq!((fs::read(&path).unwrap().as_slice(), mode_of(&path)), (&b"two"[..], 0o666));
    assert_eq!(names(folder.path()), ["permissions.yaml"]);
}

#[test]
fn an_open_reader_keeps_the_old_version() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a");
    write_whole(&path, b"old", 0o600).unwrap();
    let reader = File::open(&path).unwrap();
    write_whole(&path, b"new", 0o600).unwrap();
    assert_eq!(io::read_to_string(reader).unwrap(), "old");
}

#[test]
fn a_link_stays_a_link_and_its_target_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("dotfiles");
    fs::create_dir(&target).unwrap();
    fs::write(target.join("real.yaml"), b"old").unwrap();
    let link = folder.path().join("config.yaml");
    std::os::unix::fs::symlink("dotfiles/real.yaml", &link).unwrap();
    write_whole(&link, b"new", 0o600).unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(fs::read(target.join("real.yaml")).unwrap(), b"new");
    assert_eq!(names(&target), ["real.yaml"]);
}

#[test]
fn what_cannot_be_put_in_place_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("taken");
    fs::create_dir(&path).unwrap();
    let error = write_whole(&path, b"x", 0o600).unwrap_err();
    assert_eq!((error.step, error.code()), (WriteStep::Rename, "store::write::rename"));
    assert_eq!(names(folder.path()), ["taken"]);
}

#[test]
fn a_missing_folder_and_a_path_without_a_name_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    let error = write_whole(&folder.path().join("missing").join("a"), b"x", 0o600).unwrap_err();
    assert_eq!(error.step, WriteStep::Create);
    assert!(error.to_string().starts_with("can't create the new version of `"), "{error}");
    assert_eq!(write_whole(Path::new("/"), b"x", 0o600).unwrap_err().step, WriteStep::Place);
    assert_eq!(write_whole(&folder.path().join(".."), b"x", 0o600).unwrap_err().step, WriteStep::Place);
}

#[test]
fn only_what_killed_writers_of_this_file_left_is_swept() {
    let folder = tempfile::tempdir().unwrap();
    for name in [".a.1-0.aside", ".a.77-3.aside", ".ab.1-0.aside", ".a.keep", "a", "a.aside"] {
        fs::write(folder.path().join(name), b"").unwrap();
    }
    assert_eq!(sweep_leftovers(&folder.path().join("a")), 2);
    assert_eq!(names(folder.path()), [".a.keep", ".ab.1-0.aside", "a", "a.aside"]);
    assert_eq!(sweep_leftovers(&folder.path().join("missing").join("a")), 0);
}

#[test]
fn many_writers_at_once_leave_one_whole_version() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a");
    std::thread::scope(|scope| {
        for letter in *b"abcd" {
            let path = &path;
            scope.spawn(move || (0..20).for_each(|_| write_whole(path, &[letter; 5000], 0o600).unwrap()));
        }
    });
    let found = fs::read(&path).unwrap();
    assert!(found.len() == 5000 && found.iter().all(|byte| *byte == found[0]));
    assert_eq!(names(folder.path()), ["a"]);
}
