//! Backups from outside: what is read and what is not, what comes back, every instant at which the power can go, every
//! byte that can change.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use abi::Wall;
use store::{
    Backup, BackupError, BackupSource, Backups, Content, Depot, Disk, Keep, LocalDisk, Made, Trust, Wanted,
};

use crate::depot::noise;
use crate::rehearsal::{Everything, Luck, Mixture, Nothing, Rehearsal, Syncs};

/// Where the state of these tests is.
const STATE: &str = "/state";

/// 12 mixtures of what was not synced, for each instant.
const MIXTURES: u64 = 12;

/// A time at which every file of these tests has long been settled: the year 2200.
const LATER: u64 = 7_258_118_400_000;

const HOUR_MS: u64 = 3_600_000;

fn source(component: &str, place: &str) -> BackupSource {
    BackupSource { component: component.to_owned(), places: vec![PathBuf::from(place)], without: Vec::new() }
}

fn sources() -> [BackupSource; 2] {
    [source("kernel", "config.yaml"), source("module/web", "modules/web")]
}

fn put(root: &Path, name: &str, bytes: &[u8]) {
    let path = root.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

fn home() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    put(folder.path(), "config.yaml", b"logging: {level: info}\n");
    put(folder.path(), "modules/web/run.sh", b"#!/bin/sh\nexec ./server\n");
    put(folder.path(), "modules/web/data/table", &noise(3, 40_000));
    folder
}

fn shelf(disk: &Arc<Rehearsal>) -> Backups {
    Backups::new(disk.clone(), Path::new(STATE))
}

fn create(backups: &mut Backups, root: &Path, at: u64) -> Made {
    backups.create((Wall(at), None), root, &sources(), Trust::Marks).unwrap()
}

fn read_count(made: &Made) -> u64 {
    made.backup.parts.iter().map(|part| part.files_read).sum()
}

/// Every file below a folder.
fn tree(root: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut waiting = vec![root.to_owned()];
    while let Some(folder) = waiting.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                waiting.push(path);
            } else {
                found.insert(path.strip_prefix(root).unwrap().to_owned(), fs::read(&path).unwrap());
            }
        }
    }
    found
}

/// Every file of a backup, as the depot gives it back.
fn contents(disk: &Arc<Rehearsal>, backup: &Backup) -> Result<BTreeMap<PathBuf, Vec<u8>>, String> {
    let mut backups = shelf(disk);
    let mut found = BTreeMap::new();
    for part in &backup.parts {
        let files = backups.files(backup, part).map_err(|error| error.to_string())?;
        let (mut depot, _) = Depot::open(disk.clone(), &Path::new(STATE).join("chunks")).unwrap();
        for file in files {
            if let Content::File(content) = file.content {
                let mut bytes = Vec::new();
                depot.read(&content, &mut bytes).map_err(|error| error.to_string())?;
                found.insert(file.path, bytes);
            }
        }
    }
    Ok(found)
}

#[test]
fn what_has_not_changed_is_not_read_and_the_depot_not_opened() {
    let (home, disk) = (home(), Arc::new(Rehearsal::default()));
    let first = create(&mut shelf(&disk), home.path(), LATER);
    assert_eq!((read_count(&first), first.backup.number), (3, 1));
    let chunks: Vec<PathBuf> =
        disk.contents().into_keys().filter(|path| path.starts_with("/state/chunks")).collect();
    // Without its chunks the depot could give back nothing: the second backup does not ask it.
    let kept: Vec<Vec<u8>> = chunks.iter().map(|path| disk.contents()[path].clone()).collect();
    chunks.iter().for_each(|path| disk.remove(path).unwrap());
    let second = create(&mut shelf(&disk), home.path(), LATER + HOUR_MS);
    assert_eq!((read_count(&second), second.stocked.bytes), (0, 0));
    for (path, bytes) in chunks.iter().zip(kept) {
        disk.write_new(path, &bytes).unwrap();
    }
    assert_eq!(contents(&disk, &second.backup).unwrap(), tree(home.path()));
    put(home.path(), "modules/web/new", b"new");
    let third = create(&mut shelf(&disk), home.path(), LATER + 2 * HOUR_MS);
    assert_eq!(read_count(&third), 1);
    assert_eq!(contents(&disk, &third.backup).unwrap(), tree(home.path()));
}

#[test]
fn a_change_that_keeps_size_and_time_is_seen() {
    let (home, disk) = (home(), Arc::new(Rehearsal::default()));
    create(&mut shelf(&disk), home.path(), LATER);
    let path = home.path().join("modules/web/run.sh");
    let before = fs::metadata(&path).unwrap();
    let mut bytes = fs::read(&path).unwrap();
    bytes[0] ^= 1;
    fs::write(&path, bytes).unwrap();
    File::options().write(true).open(&path).unwrap().set_modified(before.modified().unwrap()).unwrap();
    let made = create(&mut shelf(&disk), home.path(), LATER + HOUR_MS);
    assert_eq!(read_count(&made), 1);
    assert_eq!(contents(&disk, &made.backup).unwrap(), tree(home.path()));
}

#[test]
fn what_changed_just_before_it_was_read_is_read_again_next_time() {
    let (home, disk) = (home(), Arc::new(Rehearsal::default()));
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let now = u64::try_from(now.as_millis()).unwrap();
    assert_eq!(read_count(&create(&mut shelf(&disk), home.path(), now)), 3);
    assert_eq!(read_count(&create(&mut shelf(&disk), home.path(), LATER)), 3);
    assert_eq!(read_count(&create(&mut shelf(&disk), home.path(), LATER + 1)), 0);
}

#[test]
fn another_home_gets_the_same_files_with_rights_links_and_times() {
    let home = home();
    let root = home.path();
    fs::set_permissions(root.join("modules/web/run.sh"), fs::Permissions::from_mode(0o750)).unwrap();
    symlink("data/table", root.join("modules/web/link")).unwrap();
    fs::create_dir(root.join("modules/web/empty")).unwrap();
    let long_ago = UNIX_EPOCH + Duration::new(1_000_000_000, 123_456_789);
    File::options().write(true).open(root.join("config.yaml")).unwrap().set_modified(long_ago).unwrap();
    let mut backups = Backups::new(Arc::new(LocalDisk), &root.join("state"));
    let backup = backups.create((Wall(LATER), None), root, &sources(), Trust::Marks).unwrap().backup;
    let other = home.path().join("other");
    let staged = backups.restore_to(&backup, Wanted::All, &other).unwrap();
    assert_eq!(
        (staged.files, fs::read_link(other.join("modules/web/link")).unwrap()),
        (3, "data/table".into())
    );
    for name in ["config.yaml", "modules/web/run.sh", "modules/web/data/table"] {
        let (one, two) = (root.join(name), other.join(name));
        assert_eq!(fs::read(&one).unwrap(), fs::read(&two).unwrap());
        let (one, two) = (fs::metadata(one).unwrap(), fs::metadata(two).unwrap());
        assert_eq!(one.permissions(), two.permissions());
        assert_eq!(one.modified().unwrap(), two.modified().unwrap());
    }
    assert!(other.join("modules/web/empty").is_dir());
    let again = backups.restore_to(&backup, Wanted::All, &other);
    assert!(matches!(again, Err(BackupError::Occupied { .. })));
}

#[test]
fn what_is_left_out_is_left_out_and_a_pipe_is_passed_over() {
    let (home, disk) = (home(), Arc::new(Rehearsal::default()));
    let _socket = std::os::unix::net::UnixListener::bind(home.path().join("modules/web/socket")).unwrap();
    let mut source = source("module/web", "modules/web");
    source.without = vec![PathBuf::from("modules/web/data")];
    let made = shelf(&disk).create((Wall(LATER), None), home.path(), &[source], Trust::Marks).unwrap();
    let names: Vec<PathBuf> = contents(&disk, &made.backup).unwrap().into_keys().collect();
    assert_eq!(names, [PathBuf::from("modules/web/run.sh")]);
    assert_eq!(made.backup.parts[0].skipped.count, 0);
}

/// What was promised when so many steps were done: these backups are there, with these contents.
struct Promises {
    by_steps: Vec<(usize, Vec<u64>)>,
    contents: BTreeMap<u64, BTreeMap<PathBuf, Vec<u8>>>,
}

/// Three backups of a changing home, and a pruning that takes the first away.
fn life(disk: &Arc<Rehearsal>, root: &Path) -> Promises {
    let mut promises = Promises { by_steps: vec![(0, Vec::new())], contents: BTreeMap::new() };
    let mut numbers = Vec::new();
    for round in 0..3 {
        put(root, "modules/web/data/table", &noise(50 + round, 20_000));
        let made = create(&mut shelf(disk), root, LATER + round * HOUR_MS);
        numbers.push(made.backup.number);
        promises.contents.insert(made.backup.number, tree(root));
        promises.by_steps.push((disk.steps(), numbers.clone()));
    }
    promises.by_steps.push((disk.steps(), numbers[1..].to_vec()));
    let pruned = shelf(disk).prune(&|_| Keep { hourly: 2, daily: 0, weekly: 0 }).unwrap();
    assert_eq!(pruned.backups, [1]);
    assert!(pruned.cleaned.chunks_removed > 0, "{pruned:?}");
    promises
}

/// Every backup that is there is whole, and those that were promised are there.
fn check(promises: &Promises, steps: usize, disk: Rehearsal) -> Result<(), String> {
    let disk = Arc::new(disk);
    let (found, damaged) = shelf(&disk).sound_and_damaged().map_err(|error| error.to_string())?;
    if !damaged.is_empty() {
        return Err(format!("{damaged:?} are damaged"));
    }
    let promised = &promises.by_steps.iter().rev().find(|(at, _)| *at <= steps).unwrap().1;
    if let Some(number) = promised.iter().find(|number| found.iter().all(|backup| backup.number != **number))
    {
        return Err(format!("backup {number} is missing"));
    }
    for backup in &found {
        if contents(&disk, backup)? != promises.contents[&backup.number] {
            return Err(format!("backup {} holds something else", backup.number));
        }
    }
    let verified = shelf(&disk).verify().map_err(|error| error.to_string())?;
    if verified.is_sound() { Ok(()) } else { Err(format!("{verified:?}")) }
}

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
fn whenever_the_power_goes_every_backup_is_whole_and_none_that_was_made_is_missing() {
    let (home, disk) = (home(), Arc::new(Rehearsal::default()));
    let promises = life(&disk, home.path());
    every_cut(&disk, &promises, Syncs::Honest).unwrap();
}

#[test]
fn the_rehearsal_of_backups_notices_missing_syncs() {
    let (home, disk) = (home(), Arc::new(Rehearsal::default()));
    let promises = life(&disk, home.path());
    every_cut(&disk, &promises, Syncs::NoFolders).unwrap_err();
    every_cut(&disk, &promises, Syncs::NoFiles).unwrap_err();
}

#[test]
fn every_changed_byte_is_found_and_the_next_backup_is_whole_again() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    put(root, "config.yaml", b"a: 1\n");
    put(root, "modules/web/run.sh", &noise(1, 60));
    let disk = Arc::new(Rehearsal::default());
    create(&mut shelf(&disk), root, LATER);
    let whole = disk.contents();
    for (path, bytes) in whole.iter().filter(|(path, _)| !path.starts_with("/state/backups/last")) {
        for at in 0..bytes.len() {
            disk.spoil(path, |bytes| bytes[at] ^= 0x40);
            let verified = shelf(&disk).verify().unwrap();
            assert!(!verified.is_sound(), "byte {at} of {} was changed unseen", path.display());
            // A damaged record stops whatever would count on knowing all of them.
            if path.starts_with("/state/backups") {
                let refused = shelf(&disk).prune(&|_| Keep::default());
                assert!(matches!(refused, Err(BackupError::Record { .. })), "{refused:?}");
                disk.remove(path).unwrap();
            }
            let made = create(&mut shelf(&disk), root, LATER + HOUR_MS);
            assert_eq!(contents(&disk, &made.backup).unwrap(), tree(root), "byte {at} of {}", path.display());
            disk.contents().keys().for_each(|path| disk.remove(path).unwrap());
            whole.iter().for_each(|(path, bytes)| disk.write_new(path, bytes).unwrap());
        }
    }
}

#[test]
fn a_changed_byte_of_the_copy_of_a_list_is_no_harm() {
    let (home, disk) = (home(), Arc::new(Rehearsal::default()));
    create(&mut shelf(&disk), home.path(), LATER);
    let last: Vec<PathBuf> =
        disk.contents().into_keys().filter(|path| path.starts_with("/state/backups/last")).collect();
    assert_eq!(last.len(), 2);
    last.iter().for_each(|path| disk.spoil(path, |bytes| bytes[10] ^= 1));
    let made = create(&mut shelf(&disk), home.path(), LATER + HOUR_MS);
    assert_eq!(contents(&disk, &made.backup).unwrap(), tree(home.path()));
}

#[test]
fn a_full_disk_at_any_step_is_an_error_and_the_old_backups_stay() {
    let (home, whole) = (home(), Arc::new(Rehearsal::default()));
    let before = |disk: &Arc<Rehearsal>| create(&mut shelf(disk), home.path(), LATER).backup;
    before(&whole);
    let first = whole.steps();
    put(home.path(), "modules/web/data/table", &noise(4, 30_000));
    let all = create(&mut shelf(&whole), home.path(), LATER + HOUR_MS);
    let steps = whole.steps() - first;
    assert_eq!(all.backup.number, 2);
    for left in 0..steps {
        put(home.path(), "modules/web/data/table", &noise(3, 40_000));
        let old_tree = tree(home.path());
        let disk = Arc::new(Rehearsal::default());
        let old = before(&disk);
        put(home.path(), "modules/web/data/table", &noise(4, 30_000));
        disk.fail_after(left);
        // The copy of a list may fail to be kept, which is no error of the backup.
        let made = shelf(&disk).create((Wall(LATER + HOUR_MS), None), home.path(), &sources(), Trust::Marks);
        disk.heal();
        assert_eq!(contents(&disk, &old).unwrap(), old_tree, "after {left} steps");
        if let Ok(made) = made {
            assert_eq!(contents(&disk, &made.backup).unwrap(), tree(home.path()));
        }
        let made = create(&mut shelf(&disk), home.path(), LATER + 2 * HOUR_MS);
        assert_eq!(contents(&disk, &made.backup).unwrap(), tree(home.path()), "after {left} steps");
    }
}

#[test]
fn a_backup_with_a_name_stays_and_each_component_has_its_own_rule() {
    let (home, disk) = (home(), Arc::new(Rehearsal::default()));
    let mut backups = shelf(&disk);
    let named =
        backups.create((Wall(LATER), Some("before 2.0".to_owned())), home.path(), &sources(), Trust::Marks);
    named.unwrap();
    for hour in 1..6 {
        create(&mut backups, home.path(), LATER + hour * HOUR_MS);
    }
    let rules =
        |component: &str| Keep { hourly: if component == "kernel" { 3 } else { 1 }, daily: 0, weekly: 0 };
    let plan = backups.prune_plan(&rules).unwrap();
    let pruned = backups.prune(&rules).unwrap();
    assert_eq!((plan.parts, plan.backups), (pruned.parts, pruned.backups));
    let left: Vec<(u64, usize)> =
        backups.all().unwrap().iter().map(|backup| (backup.number, backup.parts.len())).collect();
    assert_eq!(left, [(1, 2), (4, 1), (5, 1), (6, 2)]);
    assert!(backups.verify().unwrap().is_sound());
}
