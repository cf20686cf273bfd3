//! One module's folder and everything that can be wrong with it.

use super::*;

fn module(manifest: &str, files: &[&str]) -> (tempfile::TempDir, Result<ModuleFolder, Unusable>) {
    let home = tempfile::tempdir().expect("a folder");
    let folder = home.path().join("web");
    fs::create_dir(&folder).expect("made");
    fs::write(folder.join("module.json"), manifest).expect("written");
    for file in files {
        fs::write(folder.join(file), "").expect("written");
    }
    let read = read(&folder, Origin::Home, &Policy::default());
    (home, read)
}

fn refusal(manifest: &str, files: &[&str]) -> (Option<String>, String) {
    match module(manifest, files).1 {
        Err(Unusable::Refused(id, why)) => (id.map(|id| id.to_string()), why),
        other => panic!("it must be refused: {other:?}"),
    }
}

#[test]
fn a_whole_manifest_gives_a_module_that_can_be_started() {
    let text = r#"{"id":"web","name":"Web","permissions":{"net":["api:443"]},"runtime":"python",
        "entry":"main.py","provides":["web.get"],"priority":-5,"version":"1.2"}"#;
    let (_home, read) = module(text, &["main.py"]);
    let module = read.expect("usable");
    assert_eq!(module.spec.version, "1.2");
    assert_eq!(module.spec.priority, 0);
    assert_eq!(module.blueprint.runtime, Runtime::Python);
    assert!(module.blueprint.seal.is_some());
}

#[test]
fn a_javascript_twin_of_the_default_entry_is_preferred() {
    let (_home, read) = module(r#"{"id":"web","name":"W","permissions":{}}"#, &["runner.ts", "runner.js"]);
    let Program::Entry { entry, .. } = read.expect("usable").blueprint.program else { panic!("an entry") };
    assert!(entry.ends_with("runner.js"), "{}", entry.display());
}

#[test]
fn the_version_of_a_deno_json_wins() {
    let home = tempfile::tempdir().expect("a folder");
    fs::write(home.path().join("module.json"), r#"{"id":"w","name":"W","permissions":{},"version":"1"}"#)
        .expect("");
    fs::write(home.path().join("deno.json"), r#"{"version":"2"}"#).expect("written");
    fs::write(home.path().join("runner.ts"), "").expect("written");
    let module = read(home.path(), Origin::Home, &Policy::default()).expect("usable");
    assert_eq!(module.spec.version, "2");
}

#[test]
fn an_entry_outside_the_folder_is_refused_even_by_a_link() {
    let home = tempfile::tempdir().expect("a folder");
    let folder = home.path().join("web");
    fs::create_dir(&folder).expect("made");
    fs::write(home.path().join("outside.ts"), "").expect("written");
    std::os::unix::fs::symlink("../outside.ts", folder.join("runner.ts")).expect("linked");
    fs::write(folder.join("module.json"), r#"{"id":"web","name":"W","permissions":{}}"#).expect("written");
    let Err(Unusable::Refused(_, why)) = read(&folder, Origin::Home, &Policy::default()) else {
        panic!("it must be refused")
    };
    assert_eq!(why, "entry `runner.ts` lies outside the module's folder");
}

#[test]
fn a_missing_entry_names_the_module_by_its_manifest() {
    let (id, why) = refusal(r#"{"id":"other","name":"W","permissions":{}}"#, &[]);
    assert_eq!((id.as_deref(), why.as_str()), (Some("other"), "entry `runner.ts` is missing"));
}

#[test]
fn a_newer_protocol_is_refused_with_both_versions() {
    let text = r#"{"id":"web","name":"W","permissions":{},"minProtocolVersion":"1.1"}"#;
    let (_, why) = refusal(text, &["runner.ts"]);
    assert!(why.contains("1.1") && why.contains("1.0"), "{why}");
}

#[test]
fn a_broken_manifest_is_shown_under_its_folders_name() {
    let (id, why) = refusal("{ not json", &[]);
    assert_eq!(id.as_deref(), Some("web"));
    assert!(why.contains("module.json:1:"), "{why}");
}

#[test]
fn a_folder_without_a_manifest_is_no_module() {
    let home = tempfile::tempdir().expect("a folder");
    let read = read(home.path(), Origin::Home, &Policy::default());
    assert_eq!(read.expect_err("no module"), Unusable::NoModule);
}
