//! The depot from outside: what it gives back, what versions share, and every instant at which the power can go.

use std::path::Path;
use std::sync::Arc;

use store::{Depot, DepotError, Disk, Holding, LocalDisk, Taken};
use update::{Digests, FileRef};

use crate::rehearsal::{Everything, Luck, Mixture, Nothing, Rehearsal, Syncs};

/// Where the depots of these tests are.
const FOLDER: &str = "/chunks";

/// 24 mixtures of what was not synced, for each instant.
const MIXTURES: u64 = 24;

/// Bytes without order, the same for the same seed (xorshift).
pub(crate) fn noise(mut seed: u64, length: usize) -> Vec<u8> {
    seed = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let words = std::iter::repeat_with(|| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed.to_le_bytes()
    });
    words.take(length / 8 + 1).flatten().take(length).collect()
}

fn open(disk: &Arc<Rehearsal>) -> Depot {
    Depot::open(disk.clone(), Path::new(FOLDER)).unwrap().0
}

fn take(depot: &mut Depot, bytes: &[u8]) -> Result<Taken, DepotError> {
    let mut intake = depot.intake();
    let taken = intake.take(&mut &*bytes)?;
    intake.finish()?;
    Ok(taken)
}

fn read(depot: &mut Depot, file: &FileRef) -> Result<Vec<u8>, DepotError> {
    let mut bytes = Vec::new();
    depot.read(file, &mut bytes).map(|()| bytes)
}

/// A file of some chunks, and the same with one byte changed.
fn two_versions() -> (Vec<u8>, Vec<u8>) {
    let old = noise(11, 300_000);
    let mut new = old.clone();
    new[150_000] ^= 1;
    (old, new)
}

#[test]
fn files_of_every_length_come_back_from_a_real_disk() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Arc::new(LocalDisk);
    let (mut depot, _) = Depot::open(disk.clone(), &folder.path().join("chunks")).unwrap();
    let files: Vec<Vec<u8>> = [0, 1, 4096, 32 << 10, (32 << 10) + 1, 4 << 20, (4 << 20) + 1, 21 << 20]
        .into_iter()
        .map(|length| noise(5, length))
        .collect();
    let mut intake = depot.intake();
    let taken: Vec<Taken> = files.iter().map(|bytes| intake.take(&mut bytes.as_slice()).unwrap()).collect();
    let stocked = intake.finish().unwrap();
    assert!(stocked.bales >= 2, "{stocked:?}");
    drop(depot);
    let (mut depot, found) = Depot::open(disk, &folder.path().join("chunks")).unwrap();
    assert_eq!((found.damaged.len(), found.leftovers), (0, 0));
    for (bytes, taken) in files.iter().zip(taken) {
        assert_eq!(taken.digests, Digests::of(bytes));
        assert_eq!(read(&mut depot, &taken.file).unwrap(), *bytes);
        assert_eq!(depot.holds(&taken.file).unwrap(), Holding::Whole);
    }
    assert!(depot.inspect(&store::Meter::default()).unwrap().damaged.is_empty());
}

#[test]
fn a_changed_byte_stores_at_most_64_kib() {
    let folder = tempfile::tempdir().unwrap();
    let (mut depot, _) = Depot::open(Arc::new(LocalDisk), folder.path()).unwrap();
    let mut bytes = noise(6, 6 << 20);
    take(&mut depot, &bytes).unwrap();
    for at in (0..bytes.len()).step_by(277_777) {
        bytes[at] ^= 0x55;
        let mut intake = depot.intake();
        intake.take(&mut bytes.as_slice()).unwrap();
        let stocked = intake.finish().unwrap();
        assert!((1..=64 << 10).contains(&stocked.bytes), "{stocked:?} for the byte at {at}");
    }
}

#[test]
fn taking_the_same_again_stores_nothing() {
    let disk = Arc::new(Rehearsal::default());
    let mut depot = open(&disk);
    let (old, _) = two_versions();
    let first = take(&mut depot, &old).unwrap();
    let steps = disk.steps();
    assert_eq!(take(&mut depot, &old).unwrap(), first);
    assert_eq!(take(&mut open(&disk), &old).unwrap(), first);
    assert_eq!(disk.steps(), steps);
}

#[test]
fn cleaning_keeps_what_is_needed_and_removes_the_rest() {
    let disk = Arc::new(Rehearsal::default());
    let mut depot = open(&disk);
    let (old, new) = two_versions();
    let (old_file, new_file) = (take(&mut depot, &old).unwrap().file, take(&mut depot, &new).unwrap().file);
    let other = take(&mut depot, &noise(12, 200_000)).unwrap().file;
    let cleaned = depot.clean(&[old_file, new_file]).unwrap();
    assert_eq!((cleaned.bales_removed, cleaned.bales_written), (1, 0));
    assert_eq!(depot.holds(&other).unwrap(), Holding::Partly);
    assert!(matches!(read(&mut depot, &other), Err(DepotError::Missing { .. })));
    for depot in [&mut depot, &mut open(&disk)] {
        assert_eq!(read(depot, &old_file).unwrap(), old);
        assert_eq!(read(depot, &new_file).unwrap(), new);
    }
    depot.clean(&[]).unwrap();
    assert!(disk.contents().is_empty(), "nothing is needed, nothing is left");
}

#[test]
fn a_file_that_is_not_all_there_stops_a_cleaning_before_it_removes_anything() {
    let disk = Arc::new(Rehearsal::default());
    let mut depot = open(&disk);
    let (old, new) = two_versions();
    let (old_file, new_file) = (take(&mut depot, &old).unwrap().file, take(&mut depot, &new).unwrap().file);
    depot.clean(&[old_file]).unwrap();
    let before = disk.contents();
    assert!(matches!(depot.clean(&[new_file]), Err(DepotError::Missing { .. })));
    assert_eq!(disk.contents(), before);
}

#[test]
fn many_small_bales_become_few() {
    let disk = Arc::new(Rehearsal::default());
    let mut depot = open(&disk);
    let versions: Vec<Vec<u8>> = (0..40).map(|seed| noise(seed, 9_000)).collect();
    let files: Vec<FileRef> = versions.iter().map(|bytes| take(&mut depot, bytes).unwrap().file).collect();
    assert_eq!(disk.contents().len(), 40);
    depot.clean(&files).unwrap();
    assert_eq!(disk.contents().len(), 1);
    for (bytes, file) in versions.iter().zip(&files) {
        assert_eq!(read(&mut depot, file).unwrap(), *bytes);
    }
}

#[test]
fn every_changed_byte_of_a_bale_is_found_and_staging_again_repairs_it() {
    let disk = Arc::new(Rehearsal::default());
    let bytes = [noise(1, 100), vec![b'a'; 600]].concat();
    let file = take(&mut open(&disk), &bytes).unwrap().file;
    let (path, whole) = disk.contents().pop_first().unwrap();
    for at in 0..whole.len() {
        disk.spoil(&path, |bytes| bytes[at] ^= 0x40);
        let mut depot = open(&disk);
        match read(&mut depot, &file) {
            // The magic at the start is not needed to read what follows.
            Ok(found) => assert!(at < 8 && found == bytes, "byte {at} was changed unseen"),
            Err(DepotError::Missing { .. } | DepotError::Damaged { .. }) => {}
            Err(error) => panic!("{error}"),
        }
        depot.inspect(&store::Meter::default()).unwrap();
        assert_eq!(take(&mut depot, &bytes).unwrap().file, file);
        assert_eq!(read(&mut depot, &file).unwrap(), bytes);
        assert_eq!(read(&mut open(&disk), &file).unwrap(), bytes);
        disk.contents().keys().for_each(|path| disk.remove(path).unwrap());
        disk.write_new(&path, &whole).unwrap();
    }
}

#[test]
fn a_cut_bale_is_set_aside_and_the_rest_goes_on() {
    let disk = Arc::new(Rehearsal::default());
    let (old, new) = two_versions();
    let file = take(&mut open(&disk), &old).unwrap().file;
    let (path, _) = disk.contents().pop_first().unwrap();
    take(&mut open(&disk), &new).unwrap();
    disk.spoil(&path, |bytes| bytes.truncate(bytes.len() - 1));
    let (mut depot, found) = Depot::open(disk.clone(), Path::new(FOLDER)).unwrap();
    assert_eq!((found.damaged.len(), found.bales), (1, 1));
    assert!(matches!(read(&mut depot, &file), Err(DepotError::Missing { .. })));
    assert_eq!(take(&mut depot, &old).unwrap().file, file);
    assert_eq!(read(&mut depot, &file).unwrap(), old);
}

/// What was promised when so many steps were done: these files are there.
type Promises = Vec<(usize, Vec<(FileRef, Vec<u8>)>)>;

/// Two versions, a third file, a cleaning that moves and one that removes.
fn life_of_a_depot(disk: &Arc<Rehearsal>) -> Promises {
    let mut depot = open(disk);
    let (old, new) = two_versions();
    let (first, third) = (noise(21, 60_000), noise(22, 50_000));
    let mut promises: Promises = vec![(0, Vec::new())];
    let mut intake = depot.intake();
    let old_file = intake.take(&mut old.as_slice()).unwrap().file;
    let first_file = intake.take(&mut first.as_slice()).unwrap().file;
    intake.finish().unwrap();
    promises.push((disk.steps(), vec![(old_file, old.clone()), (first_file, first.clone())]));
    let new_file = take(&mut depot, &new).unwrap().file;
    let third_file = take(&mut depot, &third).unwrap().file;
    promises.push((
        disk.steps(),
        vec![(old_file, old), (first_file, first.clone()), (new_file, new), (third_file, third.clone())],
    ));
    // From here on only these two are needed: the first bale loses most of its chunks and is written anew.
    let kept = vec![(first_file, first), (third_file, third)];
    promises.push((disk.steps(), kept.clone()));
    let cleaned = depot.clean(&[first_file, third_file]).unwrap();
    assert!(cleaned.bales_written > 0 && cleaned.bales_removed > 1, "{cleaned:?}");
    promises.push((disk.steps(), kept));
    promises
}

/// Opens the disk after a cut and looks whether what was promised by then is there, also after another cleaning.
fn check(promises: &Promises, steps: usize, disk: Rehearsal) -> Result<(), String> {
    let promised = &promises.iter().rev().find(|(at, _)| *at <= steps).unwrap().1;
    let disk = Arc::new(disk);
    let (mut depot, found) =
        Depot::open(disk.clone(), Path::new(FOLDER)).map_err(|error| error.to_string())?;
    if !found.damaged.is_empty() {
        return Err(format!("{:?} is damaged", found.damaged));
    }
    let whole = |depot: &mut Depot| {
        for (file, bytes) in promised {
            if read(depot, file).map_err(|error| error.to_string())? != *bytes {
                return Err("another content".to_owned());
            }
        }
        Ok(())
    };
    whole(&mut depot)?;
    let kept: Vec<FileRef> = promised.iter().map(|(file, _)| *file).collect();
    depot.clean(&kept).map_err(|error| error.to_string())?;
    whole(&mut depot)?;
    whole(&mut open(&disk))
}

/// Every instant, and several mixtures of what was not synced at each.
fn every_cut(disk: &Rehearsal, promises: &Promises, syncs: Syncs) -> Result<(), String> {
    for steps in 0..=disk.steps() {
        let mixtures =
            (0..MIXTURES).map(|seed| Box::new(Mixture(seed * 7919 + steps as u64)) as Box<dyn Luck>);
        let extremes: [Box<dyn Luck>; 2] = [Box::new(Nothing), Box::new(Everything)];
        for (number, mut luck) in extremes.into_iter().chain(mixtures).enumerate() {
            let found = disk.after_power_cut(steps, syncs, &mut *luck);
            check(promises, steps, found)
                .map_err(|what| format!("after {steps} steps, luck {number}: {what}"))?;
        }
    }
    Ok(())
}

#[test]
fn whenever_the_power_goes_what_was_promised_is_there() {
    let disk = Arc::new(Rehearsal::default());
    let promises = life_of_a_depot(&disk);
    every_cut(&disk, &promises, Syncs::Honest).unwrap();
}

#[test]
fn the_rehearsal_notices_missing_syncs() {
    let disk = Arc::new(Rehearsal::default());
    let promises = life_of_a_depot(&disk);
    every_cut(&disk, &promises, Syncs::NoFolders).unwrap_err();
    every_cut(&disk, &promises, Syncs::NoFiles).unwrap_err();
}

#[test]
fn a_full_disk_at_any_step_is_an_error_and_the_next_try_succeeds() {
    let (old, new) = two_versions();
    let whole = Arc::new(Rehearsal::default());
    let steps = {
        let mut depot = open(&whole);
        take(&mut depot, &old).unwrap();
        whole.steps()
    };
    for left in 0..steps {
        let disk = Arc::new(Rehearsal::default());
        let mut depot = open(&disk);
        disk.fail_after(left);
        let error = take(&mut depot, &old).unwrap_err();
        assert!(matches!(error, DepotError::Disk { .. }), "{error}");
        disk.heal();
        let file = take(&mut depot, &old).unwrap().file;
        let other = take(&mut depot, &new).unwrap().file;
        for depot in [&mut depot, &mut open(&disk)] {
            assert_eq!(read(depot, &file).unwrap(), old);
            assert_eq!(read(depot, &other).unwrap(), new);
        }
    }
}

#[test]
fn a_full_disk_at_any_step_of_a_cleaning_loses_nothing_that_is_needed() {
    let life = || {
        let disk = Arc::new(Rehearsal::default());
        let mut depot = open(&disk);
        let kept = noise(31, 90_000);
        let mut intake = depot.intake();
        let file = intake.take(&mut kept.as_slice()).unwrap().file;
        intake.take(&mut noise(32, 400_000).as_slice()).unwrap();
        intake.finish().unwrap();
        (disk, depot, file, kept)
    };
    let (disk, mut depot, file, _) = life();
    let before = disk.steps();
    let cleaned = depot.clean(&[file]).unwrap();
    assert_eq!((cleaned.bales_written, cleaned.bales_removed), (1, 1));
    for left in 0..disk.steps() - before {
        let (disk, mut depot, file, kept) = life();
        disk.fail_after(left);
        assert!(matches!(depot.clean(&[file]), Err(DepotError::Disk { .. })), "after {left} steps");
        disk.heal();
        for depot in [&mut depot, &mut open(&disk)] {
            assert_eq!(read(depot, &file).unwrap(), kept);
        }
        depot.clean(&[file]).unwrap();
        assert_eq!(read(&mut open(&disk), &file).unwrap(), kept);
    }
}

#[test]
fn a_cleaning_that_was_cut_short_is_finished_by_the_next_one_and_never_undone() {
    // Which of two bales with the same chunks is looked at first depends on their names: several tries see both.
    for seed in 40..56 {
        let disk = Arc::new(Rehearsal::default());
        let mut depot = open(&disk);
        let kept = noise(seed, 90_000);
        let mut intake = depot.intake();
        let file = intake.take(&mut kept.as_slice()).unwrap().file;
        intake.take(&mut noise(seed + 100, 400_000).as_slice()).unwrap();
        intake.finish().unwrap();
        let before = disk.steps();
        depot.clean(&[file]).unwrap();
        for steps in before..=disk.steps() {
            let found = Arc::new(disk.after_power_cut(steps, Syncs::Honest, &mut Everything));
            let mut depot = open(&found);
            depot.clean(&[file]).unwrap();
            assert_eq!(found.contents().len(), 1, "seed {seed}, after {steps} steps");
            for depot in [&mut depot, &mut open(&found)] {
                assert_eq!(read(depot, &file).unwrap(), kept);
            }
        }
    }
}
