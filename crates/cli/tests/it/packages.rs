//! Keys and packages with the real binary: what is packed is taken, what was touched is refused with its file, its check
//! and its keys.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::kernel::check_schema;
use crate::runner::World;

/// A greeter in plain shell that answers every call with its version.
pub(crate) fn greeter(folder: &Path, version: &str, more: &str) {
    fs::create_dir_all(folder).expect("it is ours");
    let manifest = format!(
        "{{ \"id\": \"greeter\", \"name\": \"Greeter\", \"version\": \"{version}\", \"runtime\": \"binary\",
           \"entry\": \"run.sh\", \"provides\": [\"greeter\"], \"permissions\": {{}}{more} }}"
    );
    fs::write(folder.join("module.json"), manifest).expect("it is ours");
    let script = format!(
        "#!/bin/sh\necho '{{\"type\":\"ready\",\"manifest\":{{}}}}'\nwhile read -r line; do\n  case \"$line\" in\n    \
         *'\"rpc_request\"'*) id=${{line#*\\\"id\\\":\\\"}}; id=${{id%%\\\"*}}\n      \
         echo \"{{\\\"type\\\":\\\"rpc_response\\\",\\\"id\\\":\\\"$id\\\",\\\"result\\\":\\\"{version}\\\"}}\" ;;\n    \
         *'\"ping\"'*) echo '{{\"type\":\"pong\"}}' ;;\n    *'\"shutdown\"'*) exit 0 ;;\n  esac\ndone\n"
    );
    fs::write(folder.join("run.sh"), script).expect("it is ours");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(folder.join("run.sh"), mode).expect("it is ours");
}

/// A maker whose packages this home takes.
pub(crate) fn trusted_maker(world: &World) {
    world.run("key generate me").expect(0);
    world.run("key root root.json").expect(0);
    world.run("key trust me root.json --for greeter").expect(0);
}

/// A package of the greeter at this version.
pub(crate) fn packed(world: &World, version: &str) -> String {
    packed_with(world, version, "")
}

/// The same with more in its manifest.
pub(crate) fn packed_with(world: &World, version: &str, more: &str) -> String {
    let file = format!("greeter-{version}.okm");
    let folder = world.path().join(format!("greeter-{version}"));
    greeter(&folder, version, more);
    world.run(&format!("module pack greeter-{version} -o {file}")).expect(0);
    file
}

fn data(world: &World, line: &str) -> Value {
    world.run(&format!("{line} --json")).expect(0).json()["data"].take()
}

#[test]
fn a_package_goes_from_a_folder_to_a_home_that_trusts_its_maker() {
    let world = World::new();
    check_schema("key generate", &data(&world, "key generate me"));
    check_schema("key root", &data(&world, "key root root.json"));
    greeter(&world.path().join("one"), "1.0.0", "");
    let made = data(&world, "module pack one");
    check_schema("module pack", &made);
    assert_eq!(made["file"], "greeter-1.0.0.okm");
    assert_eq!(
        world.run("update verify greeter-1.0.0.okm --json").expect(7).error_code(),
        "update::makers::nobody"
    );
    check_schema("key trust", &data(&world, "key trust me root.json --for greeter"));
    let found = data(&world, "update verify greeter-1.0.0.okm");
    check_schema("update verify", &found);
    assert_eq!((&found["maker"], &found["files"]), (&"me".into(), &2.into()));
    let plan = data(&world, "update plan greeter-1.0.0.okm");
    check_schema("update plan", &plan);
    assert_eq!((&plan["from"], &plan["obstacles"]), (&Value::Null, &serde_json::json!([])));
    check_schema("key list", &data(&world, "key list"));
    assert!(world.run("key list").expect(0).stdout.contains("root targets snapshot timestamp"));
    check_schema("key distrust", &data(&world, "key distrust me"));
    world.run("update verify greeter-1.0.0.okm").expect(7);
}

#[test]
fn every_touched_byte_of_a_package_ends_with_exit_7() {
    let world = World::new();
    trusted_maker(&world);
    let file = packed(&world, "1.0.0");
    let sound = fs::read(world.path().join(&file)).expect("a package");
    // Some places of the frame: its head, its middle, its end. The package's own tests turn every byte.
    for at in [0, sound.len() / 3, sound.len() / 2, sound.len() - 1] {
        let mut spoiled = sound.clone();
        spoiled[at] ^= 0x10;
        fs::write(world.path().join("spoiled.okm"), spoiled).expect("it is ours");
        let ran = world.run("update verify spoiled.okm --json").expect(7);
        assert!(ran.json()["error"].as_str().is_some_and(|error| error.contains("spoiled.okm")), "{ran:?}");
    }
    fs::write(world.path().join("cut.okm"), &sound[..sound.len() - 40]).expect("it is ours");
    world.run("update verify cut.okm").expect(7);
    world.run("update verify nowhere.okm").expect(4);
}

#[test]
fn a_stranger_is_refused_with_the_file_the_check_and_the_keys() {
    let (world, stranger) = (World::new(), World::new());
    trusted_maker(&world);
    stranger.run("key generate eve").expect(0);
    let file = packed(&stranger, "1.0.0");
    let path = stranger.path().join(file).display().to_string();
    let ran = world.run_words(&["update", "verify", &path]).expect(7);
    let key = data(&world, "key list")["keys"][0]["key"].as_str().expect("a key")[..16].to_owned();
    for said in ["greeter-1.0.0.okm", "timestamp.json", key.as_str(), "1 must sign"] {
        assert!(ran.stderr.contains(said), "{said}: {}", ran.stderr);
    }
}

#[test]
fn a_version_is_published_once_and_a_key_that_was_replaced_is_followed() {
    let world = World::new();
    trusted_maker(&world);
    packed(&world, "1.0.0");
    fs::write(world.path().join("greeter-1.0.0/extra.txt"), "more").expect("it is ours");
    let again = world.run("module pack greeter-1.0.0 --json").expect(7);
    assert_eq!(again.error_code(), "update::trust::draft");
    check_schema("key rotate", &data(&world, "key rotate me me-2"));
    let file = packed(&world, "1.1.0");
    world.run(&format!("update verify {file}")).expect(0);
    world.run("key generate second --role targets").expect(0);
    check_schema("key revoke", &data(&world, "key revoke second"));
    let only = world.run("key revoke me-2 --json").expect(7);
    assert_eq!(only.error_code(), "update::trust::draft", "the last key of a role stays");
}

#[test]
fn what_is_no_plain_file_is_not_packed() {
    let world = World::new();
    trusted_maker(&world);
    greeter(&world.path().join("one"), "1.0.0", "");
    std::os::unix::fs::symlink("/etc/passwd", world.path().join("one/words")).expect("it is ours");
    assert_eq!(world.run("module pack one --json").expect(1).error_code(), "cli::pack::kind");
    greeter(&world.path().join("two"), "first", "");
    assert_eq!(world.run("module pack two --json").expect(1).error_code(), "cli::pack::version");
}
