//! Releases laid out, links that follow, and hashes that a look at the folder finds again.

use std::io::Cursor;
use std::sync::Arc;

use semver::Version;
use store::LocalDisk;
use update::{PackedPath, Release, ReleaseFile};

use super::*;

/// A depot with one release of two files.
fn stocked(folder: &Path) -> (Home, Depot, FileRef) {
    let home = Home::at(folder);
    home.create().unwrap();
    let (mut depot, _) = Depot::open(Arc::new(LocalDisk), &home.chunks()).unwrap();
    let mut intake = depot.intake();
    let mut take = |path: &str, text: &str, rights| ReleaseFile {
        path: PackedPath::parse(path).unwrap(),
        rights,
        content: intake.take(&mut Cursor::new(text.to_owned())).unwrap().file,
    };
    let files = vec![
        take("lib/words.txt", "words", Rights::Plain),
        take("lib-2", "more", Rights::Plain),
        take("module.json", "{}", Rights::Plain),
        take("run.sh", "#!/bin/sh\n", Rights::Executable),
    ];
    let mut files = files;
    files.sort_by(|one, other| one.path.cmp(&other.path));
    let release = Release { version: Version::new(1, 0, 0), files };
    let file = intake.take(&mut release.to_json().as_slice()).unwrap().file;
    intake.finish().unwrap();
    (home, depot, file)
}

fn module() -> ModuleId {
    ModuleId::parse("greeter").unwrap()
}

#[test]
fn a_release_laid_out_has_the_hashes_that_its_approval_is_bound_to() {
    let folder = tempfile::tempdir().unwrap();
    let (home, mut depot, release) = stocked(folder.path());
    let place = lay_out(&mut depot, &home, &module(), &release).unwrap();
    for writable in [vec![], vec![place.join("lib")]] {
        let expected = hashes_of(&mut depot, &release, &place, &writable).unwrap();
        let seal = Seal { folder: place.clone(), covers: Covers::Tree };
        assert_eq!(HashCache::default().look(&seal, &writable).unwrap(), expected);
    }
}

#[test]
fn a_folder_that_was_touched_is_laid_out_anew() {
    let folder = tempfile::tempdir().unwrap();
    let (home, mut depot, release) = stocked(folder.path());
    let place = lay_out(&mut depot, &home, &module(), &release).unwrap();
    fs::remove_file(place.join("lib-2")).unwrap();
    fs::write(place.join("lib-2"), "other").unwrap();
    assert_eq!(lay_out(&mut depot, &home, &module(), &release).unwrap(), place);
    assert_eq!(fs::read_to_string(place.join("lib-2")).unwrap(), "more");
}

#[test]
fn a_place_leads_to_the_version_whether_a_folder_or_nothing_was_there() {
    let folder = tempfile::tempdir().unwrap();
    let (home, mut depot, release) = stocked(folder.path());
    lay_out(&mut depot, &home, &module(), &release).unwrap();
    let place = home.modules().join("greeter");
    fs::create_dir(&place).unwrap();
    assert!(!leads_to(&home, &module(), &release));
    for _ in 0..2 {
        point(&home, &module(), &release).unwrap();
        assert!(leads_to(&home, &module(), &release) && is_version_link(&place));
        assert_eq!(fs::read_to_string(place.join("lib-2")).unwrap(), "more");
    }
    assert_eq!(linked(&home), [module()]);
    unpoint(&home, &module()).unwrap();
    assert!(fs::symlink_metadata(&place).is_err());
}

#[test]
fn cleaning_keeps_the_folders_of_what_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let (home, mut depot, release) = stocked(folder.path());
    let place = lay_out(&mut depot, &home, &module(), &release).unwrap();
    assert_eq!(clean(&home, &[release]).unwrap(), 0);
    assert!(place.is_dir());
    assert_eq!(clean(&home, &[]).unwrap(), 1);
    assert!(!home.versions().join("greeter").exists());
}
