//! Slots and depot together: a transaction over two modules, and every instant at which the power can go.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use abi::{ModuleId, Wall};
use store::{Depot, Disk, LocalDisk, SlotsFile, SlotsFileError, SlotsFound};
use update::{FileRef, Occupant, PackedPath, Release, ReleaseFile, Rights, Slots, Step, TransactionId};

use crate::depot::noise;
use crate::rehearsal::{Everything, Luck, Mixture, Nothing, Rehearsal, Syncs};

/// Where the slots and the chunks of these tests are: one folder each, as in a home.
const SLOTS: &str = "/state";
const CHUNKS: &str = "/state/chunks";

/// 24 mixtures of what was not synced, for each instant.
const MIXTURES: u64 = 24;

fn module(name: &str) -> ModuleId {
    ModuleId::parse(name).unwrap()
}

fn open(disk: &Arc<Rehearsal>) -> (SlotsFile, Depot) {
    let slots = SlotsFile::open(disk.clone(), Path::new(SLOTS)).unwrap().0;
    (slots, Depot::open(disk.clone(), Path::new(CHUNKS)).unwrap().0)
}

/// Puts a version of two files into the depot.
fn stage(depot: &mut Depot, number: u64) -> Occupant {
    let version = semver::Version::new(number, 0, 0);
    let mut intake = depot.intake();
    let mut files = Vec::new();
    for (name, length) in [("module.json", 90), ("run", 40_000)] {
        let content = intake.take(&mut noise(number, length).as_slice()).unwrap().file;
        files.push(ReleaseFile { path: PackedPath::parse(name).unwrap(), rights: Rights::Plain, content });
    }
    let text = Release { version: version.clone(), files }.to_json();
    let release = intake.take(&mut text.as_slice()).unwrap().file;
    intake.finish().unwrap();
    Occupant { version, release }
}

/// Reads every byte of a version.
fn read(depot: &mut Depot, release: &FileRef) -> Result<(), String> {
    let mut text = Vec::new();
    depot.read(release, &mut text).map_err(|error| error.to_string())?;
    let release = Release::parse(&text).map_err(|error| error.to_string())?;
    for file in &release.files {
        let mut bytes = Vec::new();
        depot.read(&file.content, &mut bytes).map_err(|error| error.to_string())?;
        if bytes != noise(release.version.major, bytes.len()) {
            return Err(format!("another content of `{}`", file.path));
        }
    }
    Ok(())
}

fn why() -> String {
    "because".to_owned()
}

fn stage_both(depot: &mut Depot, web: u64, mail: u64) -> Step {
    let versions: BTreeMap<ModuleId, Occupant> =
        [("web", web), ("mail", mail)].map(|(name, number)| (module(name), stage(depot, number))).into();
    Step::Stage(versions)
}

/// The slots after each step, with the number of file operations done by then.
type Written = Vec<(usize, Slots)>;

/// Two modules, a transaction that is committed, one that is rolled back from probation, and cleaning in between.
fn life_of_a_home(disk: &Arc<Rehearsal>) -> Written {
    let (mut slots, mut depot) = open(disk);
    let mut written = vec![(0, Slots::default())];
    let mut step = |slots: &mut SlotsFile, step: Step| {
        slots.step(step, Wall(5)).unwrap();
        written.push((disk.steps(), slots.slots().clone()));
    };
    for (name, number) in [("web", 1), ("mail", 11)] {
        let occupant = stage(&mut depot, number);
        step(&mut slots, Step::Adopt(module(name), occupant));
    }
    for (number, last) in [(0, Step::Commit as fn(TransactionId, String) -> Step), (1, Step::RollBack)] {
        let id = TransactionId(number);
        let staged = stage_both(&mut depot, number + 2, number + 12);
        for next in [staged, Step::Verify(id, why()), Step::Try(id), last(id, why())] {
            step(&mut slots, next);
        }
        let keep = depot.releases(&slots.kept().unwrap()).unwrap();
        depot.clean(&keep).unwrap();
    }
    written
}

/// What must hold when a home is opened after a cut at this step.
fn check(written: &Written, steps: usize, disk: Rehearsal) -> Result<(), String> {
    let disk = Arc::new(disk);
    let (slots, _) = SlotsFile::open(disk.clone(), Path::new(SLOTS)).map_err(|error| error.to_string())?;
    let found = slots.slots();
    let before = written.iter().rposition(|(at, _)| *at <= steps).unwrap();
    let is_old_or_new =
        *found == written[before].1 || written.get(before + 1).is_some_and(|(_, next)| *found == *next);
    if !is_old_or_new {
        return Err(format!("{found:?} is neither {:?} nor the next", written[before].1));
    }
    let (mut depot, opened) = Depot::open(disk, Path::new(CHUNKS)).map_err(|error| error.to_string())?;
    if !opened.damaged.is_empty() {
        return Err(format!("{:?} is damaged", opened.damaged));
    }
    for release in found.kept() {
        read(&mut depot, &release)?;
    }
    let keep = depot.releases(&found.kept()).map_err(|error| error.to_string())?;
    depot.clean(&keep).map_err(|error| error.to_string())?;
    found.kept().iter().try_for_each(|release| read(&mut depot, release))
}

fn every_cut(disk: &Rehearsal, written: &Written, syncs: Syncs) -> Result<(), String> {
    for steps in 0..=disk.steps() {
        let mixtures =
            (0..MIXTURES).map(|seed| Box::new(Mixture(seed * 6007 + steps as u64)) as Box<dyn Luck>);
        let extremes: [Box<dyn Luck>; 2] = [Box::new(Nothing), Box::new(Everything)];
        for (number, mut luck) in extremes.into_iter().chain(mixtures).enumerate() {
            let found = disk.after_power_cut(steps, syncs, &mut *luck);
            check(written, steps, found)
                .map_err(|what| format!("after {steps} steps, luck {number}: {what}"))?;
        }
    }
    Ok(())
}

#[test]
fn whenever_the_power_goes_a_transaction_is_old_or_new_for_all_its_modules() {
    let disk = Arc::new(Rehearsal::default());
    let written = life_of_a_home(&disk);
    every_cut(&disk, &written, Syncs::Honest).unwrap();
}

#[test]
fn the_rehearsal_of_slots_notices_missing_syncs() {
    let disk = Arc::new(Rehearsal::default());
    let written = life_of_a_home(&disk);
    every_cut(&disk, &written, Syncs::NoFolders).unwrap_err();
    every_cut(&disk, &written, Syncs::NoFiles).unwrap_err();
}

#[test]
fn a_full_disk_leaves_the_slots_as_they_were() {
    let adopt = || {
        Step::Adopt(
            module("web"),
            Occupant { version: semver::Version::new(1, 0, 0), release: FileRef::empty() },
        )
    };
    let count = {
        let disk = Arc::new(Rehearsal::default());
        let mut slots = open(&disk).0;
        slots.step(adopt(), Wall(1)).unwrap();
        disk.steps()
    };
    for left in 0..count {
        let disk = Arc::new(Rehearsal::default());
        let mut slots = open(&disk).0;
        disk.fail_after(left);
        // Only the copy may be missing from a step that is done.
        let done = slots.step(adopt(), Wall(1)).is_ok();
        assert_eq!(slots.slots().modules().len(), usize::from(done));
        disk.heal();
        // What is on the disk is the state before or the one after, and both go on from there.
        let mut again = open(&disk).0;
        if *again.slots() == Slots::default() {
            assert!(!done, "what was done is there");
            again.step(adopt(), Wall(1)).unwrap();
        }
        assert_eq!(open(&disk).0.slots().modules().len(), 1);
    }
}

#[test]
fn what_a_step_says_is_what_the_disk_holds_when_one_operation_fails() {
    let step = |number: u64| {
        let occupant = Occupant { version: semver::Version::new(number, 0, 0), release: FileRef::empty() };
        Step::Adopt(module(&format!("web-{number}")), occupant)
    };
    for left in 0..40 {
        let disk = Arc::new(Rehearsal::default());
        let mut slots = open(&disk).0;
        slots.step(step(1), Wall(1)).unwrap();
        disk.fail_once_after(left);
        let done = slots.step(step(2), Wall(2)).is_ok();
        disk.heal();
        let found = open(&disk).0.slots().modules().len();
        assert_eq!(found, if done { 2 } else { 1 }, "operation {left}");
        // A file that is damaged now is never replaced by an older copy.
        disk.spoil(Path::new("/state/slots"), |bytes| bytes[40] ^= 1);
        if let Ok((slots, _)) = SlotsFile::open(disk, Path::new(SLOTS)) {
            assert_eq!(slots.slots().modules().len(), found, "operation {left}");
        }
    }
}

#[test]
fn a_damaged_file_of_slots_is_repaired_from_its_copy_and_two_are_never_read() {
    let disk = Arc::new(Rehearsal::default());
    life_of_a_home(&disk);
    let good = open(&disk).0.slots().clone();
    let (file, copy) = (Path::new("/state/slots"), Path::new("/state/slots.copy"));
    let length = disk.read(file, 1 << 20).unwrap().len();
    for path in [file, copy] {
        for at in 0..length {
            disk.spoil(path, |bytes| bytes[at] ^= 1 << (at % 8));
            let (slots, found) = SlotsFile::open(disk.clone(), Path::new(SLOTS)).unwrap();
            assert_eq!((slots.slots(), found), (&good, SlotsFound::Repaired));
            assert_eq!(SlotsFile::open(disk.clone(), Path::new(SLOTS)).unwrap().1, SlotsFound::Sound);
        }
        disk.remove(path).unwrap();
        assert_eq!(*open(&disk).0.slots(), good);
    }
    for at in 0..length {
        disk.spoil(file, |bytes| bytes.truncate(at));
        let (slots, found) = SlotsFile::open(disk.clone(), Path::new(SLOTS)).unwrap();
        assert_eq!((slots.slots(), found), (&good, SlotsFound::Repaired), "cut at {at}");
    }
    for path in [file, copy] {
        disk.spoil(path, |bytes| bytes.truncate(length / 2));
    }
    let before = disk.contents();
    let error = SlotsFile::open(disk.clone(), Path::new(SLOTS)).unwrap_err();
    assert!(matches!(error, SlotsFileError::Damaged { .. }), "{error}");
    assert_eq!(disk.contents(), before, "nothing is removed or written");
}

#[test]
fn slots_on_a_real_disk_are_there_again() {
    let folder = tempfile::tempdir().unwrap();
    let open = || SlotsFile::open(Arc::new(LocalDisk), &folder.path().join("state")).unwrap();
    let (mut slots, found) = open();
    assert_eq!(found, SlotsFound::New);
    let version = semver::Version::new(1, 2, 3);
    let occupant = Occupant { version, release: FileRef::empty() };
    slots.step(Step::Adopt(module("web"), occupant), Wall(1)).unwrap();
    let again = open();
    assert_eq!((again.0.slots(), again.1), (slots.slots(), SlotsFound::Sound));
    let mode = std::os::unix::fs::PermissionsExt::mode(
        &std::fs::metadata(folder.path().join("state/slots")).unwrap().permissions(),
    );
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_step_that_failed_and_is_on_the_disk_all_the_same_keeps_its_files() {
    // Enough steps for the file itself, too few for its copy.
    for left in 5..14 {
        let disk = Arc::new(Rehearsal::default());
        let (mut slots, mut depot) = open(&disk);
        let occupant = stage(&mut depot, 1);
        disk.fail_after(left);
        let failed = slots.step(Step::Adopt(module("web"), occupant), Wall(1)).is_err();
        // As long as the disk refuses, nothing says what may be removed.
        assert_eq!(slots.kept().is_err(), failed, "{left}");
        disk.heal();
        let keep = depot.releases(&slots.kept().unwrap()).unwrap();
        depot.clean(&keep).unwrap();
        let (slots, mut depot) = open(&disk);
        for release in slots.slots().kept() {
            read(&mut depot, &release).unwrap();
        }
    }
}
