//! Staging packages: what is staged is what was packed, and a package that is refused leaves nothing behind.

use std::io::{Cursor, Read};
use std::path::Path;
use std::sync::Arc;

use abi::{Explain, ModuleId};
use store::{Depot, StageError, stage_package};
use update::{Digests, Head, Occupant, PackageReader, PackedFile, PackedPath, Rights, Slice, write_package};

use crate::depot::noise;
use crate::rehearsal::Rehearsal;

/// A package of a manifest and a program, of which one byte depends on the version.
fn package(version: u64) -> (Vec<u8>, Vec<(String, Vec<u8>)>) {
    let mut program = noise(3, 700_000);
    program[350_000] = u8::try_from(version).unwrap();
    let files = vec![("module.json".to_owned(), b"{}".to_vec()), ("run".to_owned(), program)];
    let packed = files.iter().map(|(path, bytes)| PackedFile {
        path: PackedPath::parse(path).unwrap(),
        rights: Rights::Plain,
        digests: Digests::of(bytes),
    });
    let module = ModuleId::parse("web").unwrap();
    let head = Head::try_new(module, semver::Version::new(version, 0, 0), packed.collect()).unwrap();
    let mut open = |file: &PackedFile| {
        let bytes = files.iter().find(|(path, _)| path == file.path.as_str()).unwrap().1.clone();
        Ok(Box::new(Cursor::new(bytes)) as Box<dyn Read>)
    };
    let mut package = Vec::new();
    write_package(&head, &Slice::new(), &mut open, &mut package).unwrap();
    (package, files)
}

fn stage(depot: &mut Depot, package: &[u8]) -> Result<(Occupant, u64), StageError> {
    let reader = PackageReader::open(package).map_err(StageError::Package)?;
    stage_package(reader, depot).map(|(occupant, stocked)| (occupant, stocked.bytes))
}

fn open(disk: &Arc<Rehearsal>) -> Depot {
    Depot::open(disk.clone(), Path::new("/chunks")).unwrap().0
}

#[test]
fn what_is_staged_is_what_was_packed_and_the_next_version_shares_it() {
    let disk = Arc::new(Rehearsal::default());
    let mut depot = open(&disk);
    let (first, files) = package(1);
    let (occupant, _) = stage(&mut depot, &first).unwrap();
    let (second, stored) = stage(&mut depot, &package(2).0).unwrap();
    assert!(stored <= 64 << 10, "{stored} bytes for one changed byte");
    for depot in [&mut depot, &mut open(&disk)] {
        let release = depot.release(&occupant.release).unwrap();
        assert_eq!(release.version, occupant.version);
        for (file, (path, bytes)) in release.files.iter().zip(&files) {
            let mut found = Vec::new();
            depot.read(&file.content, &mut found).unwrap();
            assert_eq!((file.path.as_str(), &found), (path.as_str(), bytes));
        }
    }
    let keep = depot.releases(&[second.release]).unwrap();
    depot.clean(&keep).unwrap();
    assert!(depot.release(&second.release).is_ok());
}

#[test]
fn a_refused_package_is_refused_by_its_own_reason_and_leaves_nothing_that_is_kept() {
    let disk = Arc::new(Rehearsal::default());
    let (whole, _) = package(1);
    let tar = zstd_tar(&whole);
    let program = tar.len() - 1024 - 300_000;
    let mut changed = tar.clone();
    changed[program] ^= 1;
    for (bytes, code) in [
        (whole[..whole.len() / 2].to_vec(), "update::package::read"),
        (packed(&changed), "update::package::content"),
        (packed(&tar[..tar.len() - 100]), "update::package::short"),
        ([whole.clone(), b"x".to_vec()].concat(), "update::package::trailing"),
    ] {
        let mut depot = open(&disk);
        let error = stage(&mut depot, &bytes).unwrap_err();
        assert_eq!(error.code(), code, "{error:?}");
        depot.clean(&[]).unwrap();
        assert!(disk.contents().is_empty());
    }
}

#[test]
fn a_file_that_is_no_release_is_not_taken_for_one() {
    let disk = Arc::new(Rehearsal::default());
    let mut depot = open(&disk);
    let mut intake = depot.intake();
    let taken = intake.take(&mut &b"something else"[..]).unwrap();
    intake.finish().unwrap();
    assert_eq!(depot.release(&taken.file).unwrap_err().code(), "store::depot::release");
}

fn zstd_tar(package: &[u8]) -> Vec<u8> {
    zstd::stream::decode_all(package).unwrap()
}

fn packed(tar: &[u8]) -> Vec<u8> {
    zstd::stream::encode_all(tar, 1).unwrap()
}
