//! Copying, linking and removing folders, and what a kill in the middle leaves.

use super::*;

struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir(folder.path().join("modules")).expect("made");
        Self { folder }
    }

    fn modules(&self) -> PathBuf {
        self.folder.path().join("modules")
    }

    fn source(&self, name: &str, id: &str, body: &str) -> PathBuf {
        let dir = self.folder.path().join(name);
        fs::create_dir_all(dir.join("lib")).expect("made");
        fs::write(dir.join("module.json"), format!(r#"{{"id":"{id}","name":"M","permissions":{{}}}}"#))
            .expect("");
        fs::write(dir.join("runner.ts"), body).expect("written");
        fs::write(dir.join("lib/a.ts"), "a").expect("written");
        dir
    }
}

#[test]
fn a_copy_is_a_module_of_its_own() {
    let place = Place::new();
    let dir = place.source("src", "web", "1");
    let module = install(&dir, &place.modules(), Way::Copy).expect("installed");
    assert_eq!(module.manifest.id.as_str(), "web");
    fs::write(dir.join("runner.ts"), "2").expect("written");
    assert_eq!(fs::read_to_string(place.modules().join("web/runner.ts")).expect("copied"), "1");
    let again = install(&dir, &place.modules(), Way::Copy);
    assert!(matches!(again, Err(InstallError::Present(_))));
}

#[test]
fn a_link_follows_its_folder_and_removing_it_leaves_the_folder() {
    let place = Place::new();
    let dir = place.source("src", "web", "1");
    let module = install(&dir, &place.modules(), Way::Link).expect("installed");
    remove(&module.manifest.id, &place.modules()).expect("removed");
    assert!(!place.modules().join("web").exists());
    assert!(dir.join("runner.ts").exists());
    remove(&module.manifest.id, &place.modules()).expect("removing what is gone is no error");
}

#[test]
fn an_update_replaces_the_folder_and_leaves_nothing_behind() {
    let place = Place::new();
    let old = place.source("old", "web", "1");
    let new = place.source("new", "web", "2");
    let other = place.source("other", "db", "3");
    let id = install(&old, &place.modules(), Way::Copy).expect("installed").manifest.id;
    update(&id, &new, &place.modules()).expect("updated");
    assert_eq!(fs::read_to_string(place.modules().join("web/runner.ts")).expect("there"), "2");
    assert_eq!(fs::read_dir(place.modules()).expect("listed").count(), 1);
    assert!(matches!(update(&id, &other, &place.modules()), Err(InstallError::OtherModule { .. })));
}

#[test]
fn a_folder_that_is_not_there_is_told_in_the_contracts_words() {
    let place = Place::new();
    let error = install(Path::new("/no/such/folder"), &place.modules(), Way::Copy).expect_err("no folder");
    assert_eq!(error.to_string(), "Module directory not found: /no/such/folder");
}

#[test]
fn more_than_fits_is_refused() {
    let place = Place::new();
    let dir = place.source("src", "web", "1");
    let mut room = Room { files: 2, bytes: 1000 };
    let copied = copy(&dir, &place.folder.path().join("target"), &mut room);
    assert!(matches!(copied, Err(InstallError::TooLarge)));
}

#[test]
fn an_update_that_was_cut_off_is_taken_back_at_the_next_start() {
    let place = Place::new();
    let modules = place.modules();
    fs::create_dir(modules.join(".old-web")).expect("made");
    fs::create_dir(modules.join(".incoming-web")).expect("made");
    fs::create_dir(modules.join(".old-db")).expect("made");
    fs::create_dir(modules.join("db")).expect("made");
    recover(&modules);
    let mut names: Vec<_> =
        fs::read_dir(&modules).expect("listed").flatten().map(|e| e.file_name()).collect();
    names.sort();
    assert_eq!(names, ["db", "web"]);
}
