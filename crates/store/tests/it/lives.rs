//! Random lives of a home: versions come, are tried, committed and rolled back, cleanings run, disks fill up and the power
//! goes in the middle of any of it. Whatever happens, each module has one active version, whole, and the slots are those
//! before a step or after it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use abi::{ModuleId, Wall};
use proptest::prelude::*;
use store::{Depot, DepotError, SlotsFile, SlotsFileError};
use update::{FileRef, Occupant, PackedPath, Phase, Release, ReleaseFile, Rights, Slots, Step};

use crate::depot::noise;
use crate::rehearsal::{Mixture, Rehearsal, Syncs};

/// Something that is done to a home.
#[derive(Debug, Clone)]
enum Act {
    /// New versions of these modules are stored and staged as one transaction.
    Stage(Vec<u8>),
    /// A transaction goes one step on.
    Next(usize),
    /// A transaction is undone.
    RollBack(usize),
    /// What nothing needs is removed.
    Clean,
}

/// What stops it in the middle.
#[derive(Debug, Clone, Copy)]
enum Fate {
    Nothing,
    /// The disk is full after so many steps, and the program goes on.
    Full(usize),
    /// The power goes after so many steps, with this luck.
    Cut(usize, u64),
}

fn any_act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => prop::sample::subsequence(vec![1, 2, 3], 1..3).prop_map(Act::Stage),
        6 => any::<usize>().prop_map(Act::Next),
        1 => any::<usize>().prop_map(Act::RollBack),
        2 => Just(Act::Clean),
    ]
}

fn any_fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        4 => Just(Fate::Nothing),
        1 => (0_usize..16).prop_map(Fate::Full),
        3 => (0_usize..16, any::<u64>()).prop_map(|(steps, luck)| Fate::Cut(steps, luck)),
    ]
}

/// A home, and the number of the last version.
struct Home {
    /// The slots after a step that failed, while the disk may hold them all the same.
    doubt: Option<Slots>,
    disk: Arc<Rehearsal>,
    slots: SlotsFile,
    depot: Depot,
    version: u64,
}

impl Home {
    fn open(disk: Rehearsal, version: u64) -> Self {
        let disk = Arc::new(disk);
        let (slots, _) = SlotsFile::open(disk.clone(), Path::new("/state")).unwrap();
        let (depot, found) = Depot::open(disk.clone(), Path::new("/state/chunks")).unwrap();
        assert_eq!(found.damaged.len(), 0, "a cut damages nothing");
        Self { doubt: None, disk, slots, depot, version }
    }

    /// Stores a version that shares all but a few bytes with the one before.
    fn store(&mut self) -> Result<Occupant, DepotError> {
        self.version += 1;
        let version = semver::Version::new(self.version, 0, 0);
        let mut intake = self.depot.intake();
        let content = intake.take(&mut content(self.version).as_slice())?.file;
        let path = PackedPath::parse("run").unwrap();
        let files = vec![ReleaseFile { path, rights: Rights::Executable, content }];
        let text = Release { version: version.clone(), files }.to_json();
        let release = intake.take(&mut text.as_slice())?.file;
        intake.finish()?;
        Ok(Occupant { version, release })
    }

    /// What an act comes down to for the slots; nothing when it does not touch them or failed before.
    fn step(&mut self, act: &Act) -> Option<Step> {
        let why = || "because".to_owned();
        let pick = |number: usize, slots: &Slots| {
            let open = slots.open();
            open.iter().nth(number % open.len().max(1)).map(|(id, open)| (*id, open.phase))
        };
        match act {
            Act::Stage(modules) => {
                let mut versions = BTreeMap::new();
                for module in modules {
                    versions.insert(ModuleId::parse(&format!("m{module}")).unwrap(), self.store().ok()?);
                }
                Some(Step::Stage(versions))
            }
            Act::Next(number) => pick(*number, self.slots.slots()).map(|(id, phase)| match phase {
                Phase::Staged => Step::Verify(id, why()),
                Phase::Verified => Step::Try(id),
                Phase::Tried => Step::Commit(id, why()),
            }),
            Act::RollBack(number) => {
                pick(*number, self.slots.slots()).map(|(id, _)| Step::RollBack(id, why()))
            }
            Act::Clean => {
                let kept = self.slots.kept().ok()?;
                let keep = self.depot.releases(&kept).ok()?;
                let _ = self.depot.clean(&keep);
                None
            }
        }
    }

    /// Does an act, and gives the slots that may be found afterwards.
    fn act(&mut self, act: &Act) -> Vec<Slots> {
        let before = self.slots.slots().clone();
        let mut possible: Vec<Slots> = self.doubt.iter().cloned().chain([before.clone()]).collect();
        if let Some(step) = self.step(act) {
            let next = before.after(step.clone(), Wall(1)).ok();
            possible.extend(next.clone());
            match self.slots.step(step, Wall(1)) {
                Ok(()) => self.doubt = None,
                Err(SlotsFileError::Step(_)) => {}
                Err(_) => self.doubt = self.doubt.take().or(next),
            }
        }
        possible
    }

    fn check(&mut self) -> Result<(), TestCaseError> {
        let slots = self.slots.slots().clone();
        for release in slots.kept() {
            let found = self.depot.release(&release);
            prop_assert!(found.is_ok(), "{:?}", found);
            let found = found.unwrap();
            for file in &found.files {
                prop_assert_eq!(read(&mut self.depot, &file.content), content(found.version.major));
            }
        }
        for ended in slots.history() {
            prop_assert!(!ended.evidence.is_empty(), "nothing ends without a reason");
        }
        Ok(())
    }
}

/// The bytes of a version.
fn content(version: u64) -> Vec<u8> {
    let mut bytes = noise(77, 120_000);
    let at = usize::try_from(version).unwrap() * 9_973 % bytes.len();
    bytes[at..].iter_mut().take(8).zip(version.to_le_bytes()).for_each(|(byte, new)| *byte = new);
    bytes
}

fn read(depot: &mut Depot, file: &FileRef) -> Vec<u8> {
    let mut bytes = Vec::new();
    depot.read(file, &mut bytes).unwrap();
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_each_module_has_one_active_version_and_it_is_whole(
        turns in prop::collection::vec((any_act(), any_fate()), 1..24)
    ) {
        let mut home = Home::open(Rehearsal::default(), 0);
        for (act, fate) in turns {
            if let Fate::Full(left) | Fate::Cut(left, _) = fate {
                home.disk.fail_after(left);
            }
            let possible = home.act(&act);
            home.disk.heal();
            if let Fate::Cut(_, luck) = fate {
                let found = home.disk.after_power_cut(home.disk.steps(), Syncs::Honest, &mut Mixture(luck));
                home = Home::open(found, home.version);
            }
            let found = home.slots.slots();
            prop_assert!(possible.contains(found), "{:?} is none of {:?}", found, possible);
            home.check()?;
        }
    }
}
