//! Backups by the real binary: made without and beside a kernel, put back in place and elsewhere, damaged and found out.

use std::fs;
use std::path::PathBuf;

use crate::kernel::{Running, check_schema};
use crate::runner::World;

/// A home with a configuration and one module.
fn world() -> World {
    let world = World::new();
    world.run("config set web.port 8080").expect(0);
    let module = world.home().join("modules/web");
    fs::create_dir_all(module.join("data")).expect("it is ours");
    fs::write(module.join("run.sh"), "#!/bin/sh\n").expect("it is ours");
    fs::write(module.join("data/table"), "one").expect("it is ours");
    world
}

fn table(world: &World) -> PathBuf {
    world.home().join("modules/web/data/table")
}

#[test]
fn a_module_one_file_and_everything_are_put_back_without_a_kernel() {
    let world = world();
    let made = world.run("backup create --json").expect(0).json()["data"].clone();
    assert_eq!(
        (&made["backup"]["number"], &made["backup"]["components"][1]["component"]),
        (&1.into(), &"module/web".into())
    );
    fs::write(table(&world), "two").expect("it is ours");
    world.run("config set web.port 9090").expect(0);
    assert!(world.run("backup restore --component module/web").expect(2).stderr.contains("add --yes"));
    let ran = world.run("backup restore 1 --file modules/web/data/table --yes --json").expect(0);
    check_schema("backup restore", &ran.json()["data"]);
    assert_eq!(fs::read_to_string(table(&world)).expect("it is there"), "one");
    assert_eq!(world.run("config get web.port").expect(0).stdout, "9090\n");
    world.run("backup restore 1 --yes").expect(0);
    assert_eq!(world.run("config get web.port").expect(0).stdout, "8080\n");
    let before = world.home().join("state/before-restore/backup-1/config.d/90-set.yaml");
    assert!(fs::read_to_string(before).expect("it is kept").contains("9090"));
}

#[test]
fn another_home_is_made_of_a_backup() {
    let world = world();
    world.run("backup create --label first").expect(0);
    let shown = world.run("backup show --json").expect(0).json()["data"].clone();
    check_schema("backup show", &shown);
    assert_eq!(shown["backup"]["label"], "first");
    let other = world.path().join("other");
    world.run(&format!("backup restore --to {}", other.display())).expect(0);
    assert_eq!(fs::read_to_string(other.join("modules/web/data/table")).expect("it is there"), "one");
    let port = world.run(&format!("--home {} config get web.port", other.display())).expect(0).stdout;
    assert_eq!(port, "8080\n");
    world.run(&format!("backup restore --to {}", other.display())).expect(1);
    world.run("backup restore 7").expect(4);
    world.run("backup restore --component module/none --dry-run").expect(4);
    world.run("backup create module/none").expect(4);
}

#[test]
fn a_flipped_byte_is_found_and_what_is_still_there_is_stored_anew() {
    let world = world();
    world.run("backup create").expect(0);
    world.run("backup verify").expect(0);
    let chunks = world.home().join("state/chunks");
    let bale = fs::read_dir(&chunks).expect("there are chunks").map(|entry| entry.expect("a file").path());
    let bale = bale.min().expect("one bale");
    let mut bytes = fs::read(&bale).expect("a bale");
    bytes[12] ^= 1;
    fs::write(&bale, bytes).expect("it is ours");
    let ran = world.run("backup verify --json").expect(7);
    assert_eq!(ran.json()["data"]["sound"], false);
    world.run("backup create").expect(0);
    let other = world.path().join("other");
    world.run(&format!("backup restore --to {}", other.display())).expect(0);
    assert_eq!(fs::read_to_string(other.join("modules/web/data/table")).expect("it is there"), "one");
}

#[test]
fn old_backups_go_by_the_rules_and_one_with_a_name_stays() {
    let world = world();
    world.run("config set backup.hourly 1").expect(0);
    world.run("config set backup.daily 0").expect(0);
    world.run("config set backup.weekly 0").expect(0);
    for line in ["backup create --label kept", "backup create", "backup create"] {
        world.run(line).expect(0);
    }
    let plan = world.run("backup prune --dry-run --json").expect(0).json()["data"]["backups"].clone();
    assert_eq!(plan, serde_json::json!([2]));
    world.run("backup prune").expect(0);
    let rows = world.run("backup list --json").expect(0).json()["data"]["backups"].clone();
    let numbers: Vec<u64> =
        rows.as_array().expect("a list").iter().filter_map(|row| row["number"].as_u64()).collect();
    assert_eq!(numbers, [1, 3]);
    assert!(world.run("backup create --due").expect(0).stderr.contains("nothing is due"));
}

#[test]
fn beside_a_kernel_everything_is_refused_and_a_backup_is_made() {
    let (running, _) = Running::start(&crate::kernel::project(""), 0);
    let made = running.data("backup create");
    check_schema("backup create", &made);
    let ran = running.run("backup restore --yes").expect(1);
    assert!(ran.stderr.contains("already runs on"), "{}", ran.stderr);
}

/// A module that says that it is ready, answers pings and goes when it is told to.
const READY: &str = r#"#!/bin/sh
echo '{"type":"ready","manifest":{}}'
while read -r line; do
  case "$line" in
    *'"ping"'*) echo '{"type":"pong"}' ;;
    *'"shutdown"'*) exit 0 ;;
  esac
done
"#;

#[test]
fn a_running_module_is_stopped_for_its_files_and_started_again_and_history_tells_it() {
    let (kernel, _) = Running::start(&crate::kernel::project(""), 0);
    let folder = kernel.world.path().join("second");
    fs::create_dir(&folder).expect("it is ours");
    fs::write(folder.join("run.sh"), READY).expect("it is ours");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(folder.join("run.sh"), mode).expect("it is ours");
    let manifest =
        r#"{ "id": "second", "name": "Second", "runtime": "binary", "entry": "run.sh", "permissions": {} }"#;
    fs::write(folder.join("module.json"), manifest).expect("it is ours");
    fs::write(folder.join("notes"), "one").expect("it is ours");
    kernel.run("module install second").expect(0);
    kernel.run("module approve second -y").expect(0);
    kernel.run("start second").expect(0);
    kernel.run("backup create").expect(0);
    let home = kernel.data("status")["home"].as_str().expect("a path").to_owned();
    let notes = PathBuf::from(home).join("modules/second/notes");
    fs::write(&notes, "two").expect("it is ours");
    let first = kernel.data("status second")["generation"].as_u64();
    let restored = kernel.data("backup restore --file modules/second/notes --yes");
    check_schema("backup restore", &restored);
    assert_eq!(restored["restarted"], "second");
    assert_eq!(fs::read_to_string(notes).expect("it is there"), "one");
    let status = kernel.data("status second");
    assert_eq!(status["status"], "ready");
    assert!(status["generation"].as_u64() > first, "{status}");
    kernel.run("restart greeter").expect(0);
    let history = kernel.data("restart history greeter");
    check_schema("restart history", &history);
    assert_eq!(history["restarts"][0]["result"], "ready", "{history}");
    assert_eq!(history["restarts"][0]["cause"], "requested", "{history}");
    let impact = kernel.data("restart plan greeter");
    check_schema("restart plan", &impact);
    assert_eq!(
        (&impact["affected"][0]["moduleId"], &impact["samples"]),
        (&"ticker".into(), &1.into()),
        "{impact}"
    );
    assert!(kernel.run("restart plan greeter").expect(0).stdout.contains("greeter is away for"));
}
