//! Hashes: what changes them, what does not, and what is not read twice.

use std::os::unix::fs::PermissionsExt;

use super::*;

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("module.json"), "{}").expect("written");
    fs::create_dir(folder.path().join("lib")).expect("made");
    fs::write(folder.path().join("lib/a.py"), "a").expect("written");
    folder
}

fn look(folder: &Path, writable: &[PathBuf]) -> Hashes {
    let seal = Seal { folder: folder.to_owned(), covers: Covers::Tree };
    HashCache::default().look(&seal, writable).expect("readable")
}

#[test]
fn any_changed_file_changes_the_tree_and_only_the_manifest_changes_its_own_hash() {
    let folder = folder();
    let before = look(folder.path(), &[]);
    fs::write(folder.path().join("lib/a.py"), "b").expect("written");
    let after = look(folder.path(), &[]);
    assert_eq!(before.manifest, after.manifest);
    assert_ne!(before.tree, after.tree);
}

#[test]
fn what_the_module_may_write_does_not_count() {
    let folder = folder();
    let data = folder.path().join("data");
    let before = look(folder.path(), std::slice::from_ref(&data));
    fs::create_dir(&data).expect("made");
    fs::write(data.join("state"), "1").expect("written");
    assert_eq!(look(folder.path(), &[data]), before);
}

#[test]
fn becoming_a_program_counts_as_a_change() {
    let folder = folder();
    let before = look(folder.path(), &[]);
    let file = folder.path().join("lib/a.py");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).expect("set");
    assert_ne!(look(folder.path(), &[]).tree, before.tree);
}

#[test]
fn a_file_that_moved_is_another_tree() {
    let folder = folder();
    let before = look(folder.path(), &[]);
    fs::rename(folder.path().join("lib/a.py"), folder.path().join("lib/b.py")).expect("moved");
    assert_ne!(look(folder.path(), &[]).tree, before.tree);
}

#[test]
fn a_second_look_reads_nothing_and_finds_the_same() {
    let folder = folder();
    let seal = Seal { folder: folder.path().to_owned(), covers: Covers::Tree };
    let mut cache = HashCache::default();
    let first = cache.look(&seal, &[]).expect("readable");
    let known = cache.0.clone();
    assert_eq!(cache.look(&seal, &[]).expect("readable"), first);
    assert_eq!(cache.0, known);
    cache.forget(folder.path());
    assert!(cache.0.is_empty());
}

#[test]
fn a_link_counts_by_where_it_leads() {
    let folder = folder();
    let link = folder.path().join("link");
    std::os::unix::fs::symlink("lib/a.py", &link).expect("linked");
    let before = look(folder.path(), &[]);
    fs::remove_file(&link).expect("removed");
    std::os::unix::fs::symlink("module.json", &link).expect("linked");
    assert_ne!(look(folder.path(), &[]).tree, before.tree);
}

#[test]
fn parts_of_a_fingerprint_do_not_run_into_each_other() {
    assert_ne!(fingerprint(&["ab", "c"]), fingerprint(&["a", "bc"]));
}
