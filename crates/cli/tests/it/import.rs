//! `import` and `init` as a person uses them; and projects that were imported, started for real.

use std::fs;
use std::path::Path;

use crate::examples::{is_on_path, skip};
use crate::runner::World;

fn case(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../conformance/import");
    fs::read_to_string(folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn write(world: &World, name: &str, text: &str) {
    fs::write(world.path().join(name), text).expect("it is ours");
}

struct Down<'a>(&'a World);

impl Drop for Down<'_> {
    fn drop(&mut self) {
        self.0.run("down --timeout 20s");
    }
}

/// Imports a case, starts what came out, and wants every module ready or done.
fn starts(name: &str, file: &str, modules: usize) {
    let world = World::new();
    write(&world, file, &case(name));
    write(&world, "ticker.js", "setInterval(() => {}, 1000);\n");
    write(&world, "ticker.py", "import time\ntime.sleep(600)\n");
    let told = world.run_words(&["--json", "import", file, "--write"]).expect(0).json();
    assert!(told["data"]["written"].as_str().expect("a path").ends_with("ostoja.yaml"), "{told}");
    let _down = Down(&world);
    let ran = world.run("--json up -d -f ostoja.yaml --timeout 50s");
    assert_eq!(ran.code, 0, "{name}: {}", ran.stdout);
    let rows = world.run("--json ps").json()["data"]["modules"].as_array().expect("a list").clone();
    assert_eq!(rows.len(), modules, "{name}: {rows:?}");
    for row in rows {
        let status = row["status"].as_str().expect("a word");
        assert!(matches!(status, "ready" | "completed"), "{name}: {row}");
        assert_eq!(row["restartsTotal"], 0, "{name}: {row}");
    }
}

#[test]
fn an_imported_procfile_starts() {
    starts("procfile/started.Procfile", "Procfile", 3);
}

#[test]
fn an_imported_compose_file_starts() {
    starts("compose/started.yaml", "compose.yaml", 3);
}

#[test]
fn an_imported_ecosystem_of_pm2_starts() {
    if !is_on_path("node") {
        return skip("no `node` on PATH, so no ecosystem of pm2 was started");
    }
    starts("pm2/started.json", "ecosystem.config.json", 3);
}

#[test]
fn an_imported_configuration_of_supervisord_starts() {
    starts("supervisord/started.conf", "supervisord.conf", 3);
}

#[test]
fn an_imported_process_compose_file_starts() {
    starts("process-compose/started.yaml", "process-compose.yaml", 3);
}

#[test]
fn an_imported_unit_of_systemd_starts() {
    starts("systemd/started.service", "waits.service", 1);
}

#[test]
fn what_it_would_write_goes_to_stdout_and_the_rest_to_stderr() {
    let world = World::new();
    write(&world, "compose.yaml", &case("compose/web-and-db.yaml"));
    let ran = world.run("import compose.yaml").expect(0);
    assert_eq!(
        ran.stdout,
        case("compose/web-and-db.yaml.expected").replace("web-and-db.yaml", "compose.yaml")
    );
    assert!(ran.stderr.contains("modules: 1, remarks: 6, left out: 1"), "{}", ran.stderr);
    assert!(world.run("import compose.yaml --lang pl").expect(0).stderr.contains("moduły: 1"));
    assert!(!world.path().join("ostoja.yaml").exists());
    let told = world.run("--json import compose.yaml").expect(0).json()["data"].clone();
    crate::kernel::check_schema("import", &told);
    assert_eq!(
        (&told["kind"], &told["modules"][0], &told["leftOut"][0]["name"]),
        (&"compose".into(), &"web".into(), &"db".into())
    );
}

#[test]
fn an_ostoja_yaml_that_is_there_is_replaced_by_a_yes_only() {
    let world = World::new();
    write(&world, "Procfile", "web: sleep 1\n");
    write(&world, "ostoja.yaml", "modules: {}\n");
    let ran = world.run("--json import Procfile --write").expect(1);
    assert_eq!(ran.error_code(), "cli::import::present");
    assert_eq!(fs::read_to_string(world.path().join("ostoja.yaml")).expect("it is there"), "modules: {}\n");
    world.run("import Procfile --write --yes").expect(0);
    assert!(
        fs::read_to_string(world.path().join("ostoja.yaml")).expect("it is there").contains("run: sleep 1")
    );
}

#[test]
fn a_broken_file_is_told_with_line_and_column() {
    let world = World::new();
    write(&world, "compose.yaml", "services:\n  a:\n    command: x\n    restart: sometimes\n");
    let ran = world.run("import compose.yaml").expect(1);
    assert!(ran.stderr.contains("compose.yaml:4:14: `restart` is `sometimes`"), "{}", ran.stderr);
    assert_eq!(world.run("--json import compose.yaml").expect(1).error_code(), "files::import::bad_value");
    assert!(ran.stdout.is_empty(), "{}", ran.stdout);
    world.run("import nowhere.yaml").expect(4);
}

#[test]
fn a_file_that_nothing_tells_about_needs_a_word() {
    let world = World::new();
    write(&world, "deploy.txt", "a text\n");
    assert_eq!(world.run("--json import deploy.txt").expect(2).error_code(), "cli::import::unclear");
    write(&world, "deploy.txt", "version: 1\nservices: { a: { command: sleep 1 } }\n");
    assert!(world.run("import deploy.txt").expect(0).stdout.contains("run: sleep 1"));
    world.run("import deploy.txt --from process-compose").expect(1);
    world.run("import deploy.txt --from pons").expect(2);
    fs::write(world.path().join("deploy.txt"), [0xff, 0xfe]).expect("it is ours");
    assert_eq!(world.run("--json import deploy.txt").expect(1).error_code(), "cli::import::no_text");
}

#[test]
fn an_ecosystem_in_javascript_is_read_by_node() {
    let world = World::new();
    let script =
        "console.log('said aside');\nmodule.exports = { apps: [{ script: 'a.js', env: { N: 1 + 1 } }] };\n";
    write(&world, "ecosystem.config.js", script);
    let mut command = world.command(["--json", "import", "ecosystem.config.js"]);
    command.env("PATH", world.path());
    let ran = crate::runner::finish(command.spawn().expect("the binary runs"));
    assert_eq!(ran.expect(1).error_code(), "cli::import::no_node");
    if !is_on_path("node") {
        return skip("no `node` on PATH, so no ecosystem in JavaScript was read");
    }
    assert!(world.run("import ecosystem.config.js").expect(0).stdout.contains("\"N\": 2\n"));
    write(&world, "ecosystem.config.mjs", "export default { apps: [{ script: 'b.js' }] };\n");
    assert!(world.run("import ecosystem.config.mjs").expect(0).stdout.contains("run: node b.js"));
    write(&world, "ecosystem.config.cjs", "throw new Error('not today');\n");
    let ran = world.run("import ecosystem.config.cjs").expect(1);
    assert!(ran.stderr.contains("not today"), "{}", ran.stderr);
}

#[test]
fn a_home_of_pons_is_a_folder() {
    let world = World::new();
    assert_eq!(world.run("--json import .").expect(1).error_code(), "cli::import::no_home");
    fs::create_dir_all(world.path().join("pons/modules/greeter")).expect("it is ours");
    let manifest = r#"{ "id": "greeter", "name": "Greeter", "permissions": {}, "entry": "greeter.py", "runtime": "python" }"#;
    write(&world, "pons/modules/greeter/module.json", manifest);
    let ran = world.run("import pons").expect(0);
    assert!(ran.stdout.contains("path: modules/greeter"), "{}", ran.stdout);
}

#[test]
fn init_proposes_a_project_for_a_folder() {
    let world = World::new();
    assert_eq!(world.run("--json init").expect(4).error_code(), "cli::init::not_found");
    write(&world, "package.json", r#"{ "scripts": { "start": "node a.js" } }"#);
    assert!(world.run("init").expect(0).stdout.contains("run: npm run start"));
    let told = world.run("--json init . --write").expect(0).json()["data"].clone();
    crate::kernel::check_schema("init", &told);
    assert_eq!(told["kind"], "folder");
    assert!(world.path().join("ostoja.yaml").exists());
    world.run("init --write").expect(1);
    write(&world, "Procfile", "what\n");
    assert!(world.run("init").expect(1).stderr.contains("Procfile:1:1"));
}
