//! Laying out: the files as they were stored, with their rights, or nothing.

use std::sync::Arc;

use update::PackedPath;

use super::*;
use crate::disk::LocalDisk;

fn stored(depot: &mut Depot, files: &[(&str, Rights, &[u8])]) -> FileRef {
    let mut intake = depot.intake();
    let mut list = Vec::new();
    for (path, rights, bytes) in files {
        let content = intake.take(&mut &**bytes).unwrap().file;
        list.push(ReleaseFile { path: PackedPath::parse(path).unwrap(), rights: *rights, content });
    }
    let text = Release { version: semver::Version::new(1, 0, 0), files: list }.to_json();
    let release = intake.take(&mut text.as_slice()).unwrap().file;
    intake.finish().unwrap();
    release
}

fn open(folder: &Path) -> Depot {
    Depot::open(Arc::new(LocalDisk), &folder.join("chunks")).unwrap().0
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn files_are_laid_out_with_their_bytes_and_rights() {
    let home = tempfile::tempdir().unwrap();
    let mut depot = open(home.path());
    let program = b"#!/bin/sh\necho laid out\n";
    let long = vec![b'x'; 700_000];
    let release = stored(
        &mut depot,
        &[
            ("a/b/long", Rights::Plain, &long),
            ("a/empty", Rights::Plain, b""),
            ("run", Rights::Executable, program),
        ],
    );
    let folder = home.path().join("life-1");
    depot.lay_out(&release, &folder).unwrap();
    assert_eq!(fs::read(folder.join("a/b/long")).unwrap(), long);
    assert_eq!(fs::read(folder.join("a/empty")).unwrap(), b"");
    assert_eq!((mode(&folder.join("run")), mode(&folder.join("a/empty"))), (0o500, 0o400));
    assert_eq!((mode(&folder), mode(&folder.join("a/b"))), (0o700, 0o700));
    let output = std::process::Command::new(folder.join("run")).output().unwrap();
    assert_eq!(output.stdout, b"laid out\n");
}

#[test]
fn a_folder_that_is_there_is_left_alone() {
    let home = tempfile::tempdir().unwrap();
    let mut depot = open(home.path());
    let release = stored(&mut depot, &[("run", Rights::Plain, b"x")]);
    let folder = home.path().join("there");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("mine"), b"kept").unwrap();
    assert!(matches!(depot.lay_out(&release, &folder), Err(LayoutError::Disk { .. })));
    std::os::unix::fs::symlink(&folder, home.path().join("link")).unwrap();
    assert!(matches!(depot.lay_out(&release, &home.path().join("link")), Err(LayoutError::Disk { .. })));
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
}

#[test]
fn a_damaged_chunk_leaves_no_half_laid_folder() {
    let home = tempfile::tempdir().unwrap();
    let mut depot = open(home.path());
    let release = stored(&mut depot, &[("a", Rights::Plain, &[7; 900]), ("b", Rights::Plain, b"second")]);
    let bale = fs::read_dir(home.path().join("chunks")).unwrap().next().unwrap().unwrap().path();
    let mut bytes = fs::read(&bale).unwrap();
    let at = bytes.windows(6).position(|window| window == b"second").unwrap();
    bytes[at] ^= 1;
    fs::write(&bale, bytes).unwrap();
    let folder = home.path().join("life-1");
    let error = depot.lay_out(&release, &folder).unwrap_err();
    assert_eq!(error.code(), "store::depot::damaged");
    assert!(!folder.exists());
}
