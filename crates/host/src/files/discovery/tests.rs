//! What is found in the folders of a home, good and bad.

use abi::Wall;
use std::fs;

use super::*;

struct Home {
    folder: tempfile::TempDir,
    approvals: Approvals,
}

impl Home {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir(folder.path().join("modules")).expect("made");
        let (approvals, _) = Approvals::load(&folder.path().join("permissions.yaml")).expect("empty");
        Self { folder, approvals }
    }

    fn module(&self, name: &str, manifest: &str) -> PathBuf {
        let folder = self.folder.path().join("modules").join(name);
        fs::create_dir_all(&folder).expect("made");
        fs::write(folder.join("module.json"), manifest).expect("written");
        fs::write(folder.join("runner.ts"), "").expect("written");
        folder
    }

    fn search(&self) -> Finding {
        let modules = self.folder.path().join("modules");
        let wanted = Search {
            modules: &modules,
            approvals: &self.approvals,
            project: None,
            user_home: Path::new("/u"),
        };
        search(&wanted, &mut HashCache::default())
    }

    fn approve(&mut self, id: &str, folder: &Path) {
        let id = ModuleId::parse(id).expect("a name");
        let seal = Seal { folder: folder.to_owned(), covers: Covers::Tree };
        let hashes = HashCache::default().look(&seal, &[]).expect("readable");
        self.approvals.approve(&id, &Permissions::default(), &hashes, Wall(1));
    }

    fn why(&self, id: &str) -> Option<String> {
        self.search().modules.get(id).expect("found").discovered.refused.clone()
    }
}

fn manifest(id: &str) -> String {
    format!(r#"{{"id":"{id}","name":"M","permissions":{{}}}}"#)
}

#[test]
fn one_broken_module_hides_no_other() {
    let home = Home::new();
    home.module("good", &manifest("good"));
    home.module("bad", "{");
    fs::write(home.folder.path().join("modules/a-file"), "").expect("written");
    let finding = home.search();
    let names: Vec<&str> = finding.modules.keys().map(ModuleId::as_str).collect();
    assert_eq!(names, ["bad", "good"]);
    assert_eq!(finding.refused(), 1);
}

#[test]
fn a_second_module_of_the_same_name_is_a_complaint() {
    let home = Home::new();
    home.module("a", &manifest("web"));
    home.module("b", &manifest("web"));
    let finding = home.search();
    assert_eq!(finding.modules.len(), 1);
    assert!(finding.complaints[0].contains("there is a module `web` already"), "{:?}", finding.complaints);
}

#[test]
fn changed_files_of_an_approved_module_refuse_it() {
    let mut home = Home::new();
    let folder = home.module("web", &manifest("web"));
    home.approve("web", &folder);
    assert_eq!(home.why("web"), None);
    fs::write(folder.join("runner.ts"), "evil()").expect("written");
    assert_eq!(home.why("web").as_deref(), Some("tree hash mismatch for web - re-install required"));
    fs::write(folder.join("module.json"), manifest("web") + " ").expect("written");
    assert_eq!(home.why("web").as_deref(), Some("manifest hash mismatch for web - re-install required"));
}

#[test]
fn an_approval_without_a_tree_hash_gets_one() {
    let mut home = Home::new();
    let folder = home.module("web", &manifest("web"));
    home.approve("web", &folder);
    let id = ModuleId::parse("web").expect("a name");
    let seal = Seal { folder, covers: Covers::Manifest };
    let hashes = HashCache::default().look(&seal, &[]).expect("readable");
    home.approvals.bind(&id, &hashes);
    let finding = home.search();
    assert_eq!(finding.new_trees.len(), 1);
    assert_eq!(finding.new_trees[0].0, id);
}

#[test]
fn a_linked_folder_may_change_and_is_then_another_module_to_the_kernel() {
    let mut home = Home::new();
    let work = tempfile::tempdir().expect("a folder");
    fs::write(work.path().join("module.json"), manifest("web")).expect("written");
    fs::write(work.path().join("runner.ts"), "1").expect("written");
    std::os::unix::fs::symlink(work.path(), home.folder.path().join("modules/web")).expect("linked");
    home.approve("web", work.path());
    let print = |home: &Home| home.search().modules.get("web").expect("found").discovered.spec.fingerprint;
    let before = print(&home);
    fs::write(work.path().join("runner.ts"), "2").expect("written");
    assert_eq!(home.why("web"), None);
    assert_ne!(print(&home), before);
}

#[test]
fn a_module_may_not_except_its_whole_folder_from_its_approval() {
    let seal = Seal { folder: PathBuf::from("/m/web"), covers: Covers::Tree };
    let mut permissions = Permissions::default();
    for path in [".", "", "data", "/etc", "~/x"] {
        permissions.write.insert(path.to_owned());
    }
    assert_eq!(writable(&permissions, &seal, Path::new("/u")), [PathBuf::from("/m/web/data")]);
}
