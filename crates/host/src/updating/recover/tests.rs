//! Every point at which a kernel can be killed while a module becomes new: the next start finds the old version or the
//! new one, with its approval, and never a mix.

use std::collections::BTreeMap;
use std::fs;
use std::io::Cursor;

use abi::Permissions;
use semver::Version;
use update::{PackedPath, Release, ReleaseFile, Rights};

use super::*;
use crate::files::seal::{Covers, HashCache, Hashes, Seal};

const NOW: Wall = Wall(1_800_000_000_000);

struct World {
    folder: tempfile::TempDir,
    home: Home,
    approvals: Approvals,
}

fn module() -> ModuleId {
    ModuleId::parse("greeter").unwrap()
}

impl World {
    /// A home in which the module is approved for nothing special.
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::at(folder.path());
        home.create().unwrap();
        let (approvals, _) = Approvals::load(&home.permissions()).unwrap();
        Self { folder, home, approvals }
    }

    fn with_stock<R>(&self, work: impl FnOnce(&mut Stock) -> R) -> R {
        let done: Result<R, UpdateError> = Stockroom::of(&self.home).work_here(|stock| Ok(work(stock)));
        done.unwrap()
    }

    /// A version that is in the depot.
    fn version(&self, version: u64, permissions: &str) -> Occupant {
        self.version_of(&module(), version, permissions)
    }

    fn version_of(&self, module: &ModuleId, version: u64, permissions: &str) -> Occupant {
        let manifest = format!(
            "{{ \"id\": \"{module}\", \"name\": \"Greeter\", \"version\": \"{version}.0.0\", \"runtime\": \"binary\",
               \"entry\": \"run.sh\", \"permissions\": {permissions} }}"
        );
        self.with_stock(|stock| {
            let mut intake = stock.depot.intake();
            let mut take = |path: &str, text: String, rights| ReleaseFile {
                path: PackedPath::parse(path).unwrap(),
                rights,
                content: intake.take(&mut Cursor::new(text)).unwrap().file,
            };
            let files = vec![
                take("module.json", manifest, Rights::Plain),
                take("run.sh", format!("#!/bin/sh\n# {version}\n"), Rights::Executable),
            ];
            let version = Version::new(version, 0, 0);
            let release = Release { version: version.clone(), files };
            let file = intake.take(&mut release.to_json().as_slice()).unwrap().file;
            intake.finish().unwrap();
            Occupant { version, release: file }
        })
    }

    fn step(&self, step: Step) {
        self.with_stock(|stock| stock.slots.step(step, NOW).unwrap());
    }

    fn stage(&self, to: &Occupant) {
        self.step(Step::Stage(BTreeMap::from([(module(), to.clone())])));
    }

    fn verify(&self, id: u64) {
        self.step(Step::Verify(TransactionId(id), "it holds".to_owned()));
    }

    /// The module runs from a version, and its approval is bound to it.
    fn runs(&mut self, occupant: &Occupant) {
        self.runs_of(&module(), occupant);
    }

    fn runs_of(&mut self, module: &ModuleId, occupant: &Occupant) {
        let home = self.home.clone();
        let hashes = self.with_stock(|stock| {
            versions::lay_out(&mut stock.depot, &home, module, &occupant.release).unwrap();
            hashes_of(stock, &home, module, occupant, Path::new("/")).unwrap()
        });
        versions::point(&home, module, &occupant.release).unwrap();
        self.approvals.approve(module, &Permissions::default(), &hashes, NOW);
    }

    /// A start; another one right after it changes nothing.
    fn start(&mut self) -> usize {
        let found = put_right(&self.home, &mut self.approvals, Path::new("/"), NOW).unwrap();
        let trials = found.trials.len();
        let again = put_right(&self.home, &mut self.approvals, Path::new("/"), NOW).unwrap();
        assert_eq!(again.trials.len(), trials);
        trials
    }

    /// The version that is there, if its approval is bound to exactly it.
    #[track_caller]
    fn there(&self) -> Option<String> {
        self.there_of(&module())
    }

    #[track_caller]
    fn there_of(&self, module: &ModuleId) -> Option<String> {
        let place = self.home.modules().join(module.as_str());
        let text = fs::read_to_string(place.join("run.sh")).ok()?;
        let seal = Seal { folder: place.canonicalize().unwrap(), covers: Covers::Tree };
        let found = HashCache::default().look(&seal, &[]).unwrap();
        let entry = self.approvals.entry(module).expect("it is approved");
        assert_eq!(entry.tree_hash, found.tree, "the approval is bound to what is there");
        assert_eq!(entry.base_manifest_hash, Some(found.manifest));
        Some(text.lines().last().unwrap().trim_start_matches("# ").to_owned())
    }
}

/// A home in which version 1 runs and is known to the slots, and a second one is staged.
fn second_staged(permissions: &str) -> (World, Occupant, Occupant) {
    let mut world = World::new();
    let (one, two) = (world.version(1, "{}"), world.version(2, permissions));
    world.runs(&one);
    world.step(Step::Adopt(module(), one.clone()));
    world.stage(&two);
    (world, one, two)
}

#[test]
fn a_home_without_versions_is_left_alone() {
    let mut world = World::new();
    assert_eq!(world.start(), 0);
    assert!(!world.home.slots().exists(), "nothing is made where nothing is needed");
}

#[test]
fn killed_before_it_was_verified_is_undone() {
    let (mut world, ..) = second_staged("{}");
    assert_eq!(world.start(), 0);
    assert_eq!(world.there().as_deref(), Some("1"));
    world.with_stock(|stock| assert!(stock.slots.slots().open().is_empty()));
}

#[test]
fn killed_after_it_was_verified_is_tried_if_it_asks_for_no_more() {
    let (mut world, ..) = second_staged("{}");
    world.verify(0);
    assert_eq!(world.start(), 1);
    assert_eq!(world.there().as_deref(), Some("2"));

    let (mut world, ..) = second_staged("{ \"net\": [\"example.org\"] }");
    world.verify(0);
    assert_eq!(world.start(), 0);
    assert_eq!(world.there().as_deref(), Some("1"), "what asks for more waits for a person");
    world.with_stock(|stock| assert_eq!(stock.slots.slots().open().len(), 1));
}

#[test]
fn killed_after_the_flip_and_before_the_link_goes_on_to_the_new_one() {
    let (mut world, ..) = second_staged("{}");
    world.verify(0);
    world.step(Step::Try(TransactionId(0)));
    assert_eq!(world.start(), 1);
    assert_eq!(world.there().as_deref(), Some("2"));
}

#[test]
fn killed_after_it_was_undone_and_before_the_link_goes_back_to_the_old_one() {
    let (mut world, _, two) = second_staged("{}");
    world.verify(0);
    world.step(Step::Try(TransactionId(0)));
    world.runs(&two);
    world.step(Step::RollBack(TransactionId(0), "it was worse".to_owned()));
    assert_eq!(world.start(), 0);
    assert_eq!(world.there().as_deref(), Some("1"));
}

/// Two modules whose second versions are verified together; the first ones run.
fn two_verified(permissions: &str) -> (World, [ModuleId; 2], [Occupant; 2]) {
    let mut world = World::new();
    let ids = ["back", "front"].map(|id| ModuleId::parse(id).unwrap());
    let twos = ids.each_ref().map(|id| {
        let one = world.version_of(id, 1, "{}");
        world.runs_of(id, &one);
        world.step(Step::Adopt(id.clone(), one));
        world.version_of(id, 2, if id.as_str() == "back" { permissions } else { "{}" })
    });
    world.step(Step::Stage(ids.iter().cloned().zip(twos.clone()).collect()));
    world.verify(0);
    (world, ids, twos)
}

#[test]
fn several_modules_are_all_old_or_all_new_wherever_it_was_killed() {
    // What had been done to the links by then, and whether the transaction had been undone before.
    for linked in 0..=2 {
        for is_undone in [false, true] {
            let (mut world, ids, twos) = two_verified("{}");
            world.step(Step::Try(TransactionId(0)));
            for (id, two) in ids.iter().zip(&twos).take(linked) {
                world.runs_of(id, two);
            }
            if is_undone {
                world.step(Step::RollBack(TransactionId(0), "it was worse".to_owned()));
            }
            assert_eq!(world.start(), usize::from(!is_undone));
            let due = if is_undone { "1" } else { "2" };
            for id in &ids {
                assert_eq!(world.there_of(id).as_deref(), Some(due), "{id}: {linked} links, {is_undone}");
            }
        }
    }
}

#[test]
fn what_one_of_several_asks_for_beyond_what_is_approved_keeps_all_of_them_waiting() {
    let (mut world, ids, _) = two_verified("{ \"net\": [\"example.org\"] }");
    assert_eq!(world.start(), 0);
    for id in &ids {
        assert_eq!(world.there_of(id).as_deref(), Some("1"));
    }
    world.with_stock(|stock| assert_eq!(stock.slots.slots().open().len(), 1));
}

#[test]
fn a_start_gives_back_what_was_approved_with_the_version_before() {
    let (mut world, _, two) = second_staged("{ \"net\": [\"example.org\"] }");
    world.verify(0);
    world.step(Step::Try(TransactionId(0)));
    world.runs(&two);
    let net = Permissions { net: ["example.org".to_owned()].into(), ..Permissions::default() };
    let entry = world.approvals.entry(&module()).unwrap().clone();
    let hashes = Hashes { manifest: entry.base_manifest_hash.unwrap(), tree: entry.tree_hash };
    world.approvals.approve(&module(), &net, &hashes, NOW);
    world.step(Step::RollBack(TransactionId(0), "it was worse".to_owned()));
    assert_eq!(world.start(), 0);
    assert_eq!(world.there().as_deref(), Some("1"));
    assert_eq!(world.approvals.entry(&module()).unwrap().base, Some(Permissions::default()));
}

#[test]
fn a_new_module_is_there_when_it_is_tried_and_gone_when_it_is_undone() {
    let mut world = World::new();
    let one = world.version(1, "{}");
    world.stage(&one);
    world.verify(0);
    world.approvals.approve(
        &module(),
        &Permissions::default(),
        &Hashes { manifest: String::new(), tree: None },
        NOW,
    );
    assert_eq!(world.start(), 1);
    assert_eq!(world.there().as_deref(), Some("1"));
    world.step(Step::RollBack(TransactionId(0), "it was worse".to_owned()));
    assert_eq!(world.start(), 0);
    assert_eq!(world.there(), None);
}

#[test]
fn killed_in_the_middle_of_replacing_a_folder_ends_with_one_of_the_two() {
    for was_linked in [false, true] {
        let (mut world, ..) = second_staged("{}");
        // As it was installed by hand: a folder, that a link is about to replace.
        let place = world.home.modules().join("greeter");
        fs::remove_file(&place).unwrap();
        let old = world.home.modules().join(".old-greeter");
        fs::create_dir(&old).unwrap();
        fs::write(old.join("run.sh"), "#!/bin/sh\n# 1\n").unwrap();
        fs::write(old.join("module.json"), "{}").unwrap();
        world.verify(0);
        world.step(Step::Try(TransactionId(0)));
        if was_linked {
            std::os::unix::fs::symlink(
                "../versions/greeter/nowhere",
                world.home.modules().join(".incoming-greeter"),
            )
            .unwrap();
        }
        crate::files::install::recover(&world.home.modules());
        assert_eq!(world.start(), 1);
        assert_eq!(world.there().as_deref(), Some("2"));
        assert!(!old.exists());
    }
}

#[test]
fn what_a_person_put_there_stays() {
    let (mut world, ..) = second_staged("{}");
    world.step(Step::RollBack(TransactionId(0), "not now".to_owned()));
    let place = world.home.modules().join("greeter");
    fs::remove_file(&place).unwrap();
    assert_eq!(world.start(), 0);
    assert!(!place.exists(), "a module that was removed does not come back");
    fs::create_dir(&place).unwrap();
    fs::write(place.join("mine"), "mine").unwrap();
    assert_eq!(world.start(), 0);
    assert_eq!(fs::read_to_string(place.join("mine")).unwrap(), "mine");
    assert!(world.folder.path().exists());
}
