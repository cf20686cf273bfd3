//! From an `ostoja.yaml` to what the kernel is told.

use std::collections::BTreeMap;

use kernel::Door;

use super::super::approvals::Approvals;
use super::*;

fn found(text: &str) -> BTreeMap<String, Found> {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir_all(folder.path().join("mod")).expect("made");
    let manifest = r#"{"id":"inner","name":"I","permissions":{"net":["a"]},"configKey":"deep","entry":"x.py","runtime":"python"}"#;
    std::fs::write(folder.path().join("mod/module.json"), manifest).expect("written");
    std::fs::write(folder.path().join("mod/x.py"), "").expect("written");
    let file = folder.path().join("ostoja.yaml");
    std::fs::write(&file, text).expect("written");
    let project = ProjectModules::load(&ProjectSource::File(file)).expect("a project");
    let (approvals, _) = Approvals::load(&folder.path().join("none.yaml")).expect("empty");
    let modules = folder.path().join("modules");
    let search = Search {
        modules: &modules,
        approvals: &approvals,
        project: Some(&project),
        user_home: Path::new("/u"),
    };
    let found = project.found(&search, &mut HashCache::default());
    found.into_iter().map(|found| (found.discovered.spec.id.to_string(), found)).collect()
}

#[test]
fn a_plain_command_is_open_and_one_with_permissions_is_contained() {
    let found = found("modules:\n  a: {run: sleep 1}\n  b: {run: sleep 1, permissions: {net: [x]}}\n");
    assert_eq!(found["a"].blueprint.profile, Profile::Open);
    assert_eq!(found["b"].blueprint.profile, Profile::Contained);
    assert_eq!(found["a"].discovered.spec.door, Door::Plain);
    let base = found["b"].discovered.grants.base.clone().expect("approved by the file itself");
    assert!(base.net.contains("x"));
}

#[test]
fn a_folder_keeps_its_manifest_and_takes_the_entrys_name() {
    let found = found("modules:\n  outer: {path: mod, needs: [a], provides: [s]}\n  a: {run: 'true'}\n");
    let outer = &found["outer"];
    assert_eq!(outer.discovered.refused, None);
    assert_eq!(outer.discovered.spec.door, Door::Lines);
    assert_eq!(outer.discovered.spec.config_key.as_deref(), Some("deep"));
    assert_eq!(outer.discovered.spec.needs.len(), 1);
    assert_eq!(outer.discovered.spec.provides[0].as_str(), "s");
    assert!(outer.discovered.grants.base.clone().expect("approved").net.contains("a"));
}

#[test]
fn a_folder_that_is_not_there_refuses_only_its_module() {
    let found =
        found("modules:\n  a: {run: 'true', cwd: nowhere}\n  b: {path: nowhere}\n  c: {run: 'true'}\n");
    assert!(found["a"].discovered.refused.as_ref().expect("refused").contains("nowhere"));
    assert!(found["b"].discovered.refused.as_ref().expect("refused").contains("module.json"));
    assert_eq!(found["c"].discovered.refused, None);
}

#[test]
fn one_that_is_refused_and_not_meant_to_start_is_waited_for_by_nobody() {
    let found = found(
        "modules:\n  a: {run: 'true', cwd: nowhere, autostart: false}\n  b: {path: nowhere, autostart: false}\n",
    );
    for id in ["a", "b"] {
        assert!(found[id].discovered.refused.is_some(), "{id}");
        assert!(!found[id].discovered.spec.start_at_boot, "{id}");
    }
}

#[test]
fn another_value_in_the_environment_is_another_module() {
    let print = |value: &str| {
        found(&format!("modules:\n  a: {{run: 'true', env: {{K: {value}}}}}\n"))["a"]
            .discovered
            .spec
            .fingerprint
    };
    assert_ne!(print("one"), print("two"));
}

#[test]
fn other_permissions_leave_a_module_what_it_is_unless_it_was_held_to_none() {
    let print = |permissions: &str| {
        let found = found(&format!("modules:\n  a: {{run: 'true', cwd: /{permissions}}}\n"));
        found["a"].discovered.spec.fingerprint
    };
    assert_eq!(print(", permissions: {net: [x]}"), print(", permissions: {net: [x, y], read: [/srv]}"));
    assert_ne!(print(", permissions: {}"), print(""));
}

#[test]
fn the_sections_of_modules_lie_under_their_keys() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("ostoja.yaml");
    std::fs::write(&file, "modules:\n  a: {run: 'true', config: {port: 1}}\n").expect("written");
    let project = ProjectModules::load(&ProjectSource::File(file)).expect("a project");
    let config = protocol::files::config::Config::merge(&project.layers().expect("layers"));
    assert_eq!(config.get("a.port"), Some(&serde_json::json!(1)));
}

#[test]
fn a_module_given_by_hand_is_read_as_strictly_as_a_file() {
    let id = ModuleId::parse("a").expect("a name");
    let wrong = serde_json::json!({ "run": "true", "restrat": "never" });
    let errors = ProjectModules::by_hand(&id, &wrong, Path::new("/")).expect_err("a mistyped word");
    assert!(errors.to_string().contains("restrat"), "{errors}");
}

#[test]
fn an_mcp_server_speaks_through_the_bridge_under_a_service_of_its_name() {
    let found = found(
        "modules:\n  a: {run: [srv, -x], protocol: mcp, provides: [files]}\n  b: {path: mod, protocol: mcp}\n  c: {run: x.wasm, protocol: mcp}\n",
    );
    for (id, services) in [("a", vec!["mcp.a", "files"]), ("b", vec!["mcp.b"])] {
        let Found { discovered, blueprint, .. } = &found[id];
        assert_eq!((discovered.spec.door, &discovered.refused), (Door::Lines, &None));
        let provided: Vec<&str> = discovered.spec.provides.iter().map(abi::Name::as_str).collect();
        assert_eq!(provided, services);
        assert_eq!(blueprint.bridged, discovered.spec.provides);
        assert!(discovered.spec.publishes.iter().any(|topic| topic.as_str() == format!("mcp.{id}.changed")));
        assert!(discovered.spec.features.cancel && discovered.spec.features.progress);
    }
    assert!(found["c"].discovered.refused.as_ref().expect("refused").contains("WebAssembly"));
    let own = vec!["srv".to_owned(), "-x".to_owned()];
    let bridge = ["ostoja".to_owned(), "bridge".to_owned()];
    let words =
        crate::launch::bridged(&found["a"].blueprint, own.clone(), Some(&bridge)).expect("there is one");
    let expected = "ostoja bridge --module a --service mcp.a --service files -- srv -x";
    assert_eq!(words.join(" "), expected);
    assert!(crate::launch::bridged(&found["a"].blueprint, own, None).is_err());
}
