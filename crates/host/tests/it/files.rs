//! The files of a home while a kernel runs on it: approval, changed files, reloads, broken ones, a disk that refuses.

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::kernel::{Kernel, eventually, python};

const LINES: &str = "for f in frames():\n    if f['type']=='init': say(type='ready', manifest={})\n    say(type='log', level='info', msg='got '+json.dumps(f, sort_keys=True))\n";

/// A folder with a module, outside of the home.
fn module(kernel: &Kernel, folder: &str, manifest: &Value) -> String {
    kernel.file(&format!("{folder}/module.json"), &manifest.to_string());
    let main = kernel.file(&format!("{folder}/main.py"), &python(LINES));
    main.parent().expect("a folder").to_string_lossy().into_owned()
}

fn manifest(version: &str, permissions: &Value) -> Value {
    json!({ "id": "web", "name": "Web", "runtime": "python", "entry": "main.py", "version": version,
        "permissions": permissions, "configKey": "web", "provides": ["web.get"] })
}

fn installed() -> Kernel {
    let kernel = Kernel::settled("modules: {}\n");
    let dir = module(&kernel, "source", &manifest("1", &json!({})));
    let data = kernel.data(json!({ "cmd": "module.install", "moduleDir": dir }));
    assert_eq!(data["moduleId"], "web");
    assert_eq!(data["approved"], false);
    kernel
}

fn approve(kernel: &Kernel) {
    let acted = kernel.data(json!({ "cmd": "module.approve", "moduleId": "web" }));
    assert_eq!(acted["status"]["status"], "ready", "{acted}");
}

#[test]
fn an_installed_module_runs_only_when_it_was_approved() {
    let kernel = installed();
    let status = kernel.status("web");
    assert_eq!(status["status"], "stopped");
    assert!(status["note"].as_str().expect("a note").contains("approve"), "{status}");
    let start = kernel.ask(json!({ "cmd": "module.start", "moduleId": "web" }));
    assert_eq!(start["code"], "kernel::order::denied");
    assert_eq!(kernel.data(json!({ "cmd": "permissions.pending" }))[0]["moduleId"], "web");
    approve(&kernel);
    let rows = kernel.data(json!({ "cmd": "permissions.list", "moduleId": "web" }));
    assert_eq!(rows[0]["approved"], true);
    let detail = kernel.data(json!({ "cmd": "module.show", "moduleId": "web" }));
    assert_eq!(detail["status"], "ready");
    assert_eq!(detail["manifestHash"].as_str().expect("a hash").len(), 64);
    assert!(!detail["confinement"].as_array().expect("layers").is_empty());
}

#[test]
fn a_plan_of_an_installation_installs_nothing() {
    let kernel = Kernel::settled("modules: {}\n");
    let dir = module(&kernel, "source", &manifest("1", &json!({ "net": ["a.example:443"] })));
    let plan = json!({ "cmd": "module.install", "moduleDir": dir, "dryRun": true });
    let steps = kernel.data(plan.clone())["steps"].clone();
    assert_eq!(steps[0]["moduleId"], "web");
    assert!(steps[0]["text"].as_str().expect("a text").contains("a.example:443"), "{steps}");
    assert!(!kernel.path().join("modules/web").exists());
    assert_eq!(kernel.data(json!({ "cmd": "module.list" })), json!([]));
    kernel.data(json!({ "cmd": "module.install", "moduleDir": dir }));
    assert_eq!(kernel.ask(plan)["code"], "host::install::present");
}

#[test]
fn changed_files_refuse_a_module_at_its_next_start() {
    let kernel = installed();
    approve(&kernel);
    kernel.file("modules/web/main.py", "print('evil')\n");
    let restart = kernel.ask(json!({ "cmd": "module.restart", "moduleId": "web" }));
    assert_eq!(restart["ok"], false);
    assert!(restart["error"].as_str().expect("why").contains("tree hash mismatch for web"), "{restart}");
    approve(&kernel_with_peaceful_files(kernel));
}

fn kernel_with_peaceful_files(kernel: Kernel) -> Kernel {
    kernel.file("modules/web/main.py", &python(LINES));
    kernel
}

#[test]
fn a_mismatch_is_found_by_the_next_kernel_too() {
    let mut kernel = installed();
    approve(&kernel);
    kernel.signal(Signal::TERM);
    kernel.wait();
    kernel.file("modules/web/module.json", &manifest("9", &json!({})).to_string());
    kernel.start();
    kernel.settle();
    let note = kernel.status("web")["note"].clone();
    assert!(
        note.as_str().expect("a note").contains("manifest hash mismatch for web - re-install required"),
        "{note}"
    );
}

#[test]
fn an_update_within_its_approval_is_a_hot_swap_and_beyond_it_waits() {
    let kernel = installed();
    approve(&kernel);
    let before = kernel.module_pid("web");
    let second = module(&kernel, "second", &manifest("2", &json!({})));
    let plan = kernel
        .data(json!({ "cmd": "module.update", "moduleId": "web", "moduleDir": second, "dryRun": true }));
    assert_eq!(plan["steps"][1]["code"], "module.changed");
    kernel.data(json!({ "cmd": "module.update", "moduleId": "web", "moduleDir": second }));
    eventually("the new version is ready", || {
        let status = kernel.status("web");
        status["version"] == "2" && status["status"] == "ready" && kernel.module_pid("web") != before
    });
    let third = module(&kernel, "third", &manifest("3", &json!({ "net": ["api:443"] })));
    kernel.data(json!({ "cmd": "module.update", "moduleId": "web", "moduleDir": third }));
    let restart = kernel.ask(json!({ "cmd": "module.restart", "moduleId": "web" }));
    assert_eq!(restart["ok"], false, "it asks for more than was approved");
    approve(&kernel);
    assert_eq!(kernel.status("web")["version"], "3");
}

#[test]
fn a_manifest_that_asks_for_less_by_itself_holds_at_once_and_one_that_asks_for_more_waits() {
    let kernel = Kernel::settled("modules: {}\n");
    let asks = |topics: &[&str]| manifest("1", &json!({ "context": topics }));
    let dir = module(&kernel, "source", &asks(&["session:a", "session:b"]));
    kernel.data(json!({ "cmd": "module.install", "moduleDir": dir }));
    approve(&kernel);
    let pid = kernel.module_pid("web");
    let granted =
        || kernel.data(json!({ "cmd": "module.show", "moduleId": "web" }))["effective"]["context"].clone();
    let write = |manifest: &Value| {
        kernel.file("modules/web/module.json", &manifest.to_string());
        kernel.data(json!({ "cmd": "kernel.reload" }));
    };
    write(&asks(&["session:a"]));
    eventually("less is granted", || granted() == json!(["session:a"]));
    assert_eq!(
        (kernel.state("web"), kernel.module_pid("web")),
        ("ready".to_owned(), pid),
        "in the same life"
    );
    let codes = kernel.codes("web");
    assert!(codes.contains(&"permission.narrowed".to_owned()), "{codes:?}");
    let restart = kernel.ask(json!({ "cmd": "module.restart", "moduleId": "web" }));
    assert_eq!(restart["ok"], true, "its approval is bound to what it is now: {restart}");
    // What it gave up it would have to ask for again, and what it never had too.
    for more in [asks(&["session:a", "session:b"]), asks(&["session:a", "session:c"])] {
        write(&more);
        let restart = kernel.ask(json!({ "cmd": "module.restart", "moduleId": "web" }));
        assert_eq!(restart["ok"], false, "{restart}");
        assert_eq!(granted(), json!(["session:a"]));
    }
}

#[test]
fn a_manifest_that_asks_for_less_and_changes_anything_else_waits() {
    let kernel = Kernel::settled("modules: {}\n");
    let dir = module(&kernel, "source", &manifest("1", &json!({ "context": ["session:a"] })));
    kernel.data(json!({ "cmd": "module.install", "moduleDir": dir }));
    approve(&kernel);
    let refused = |what: &str| {
        kernel.data(json!({ "cmd": "kernel.reload" }));
        let restart = kernel.ask(json!({ "cmd": "module.restart", "moduleId": "web" }));
        assert_eq!(restart["ok"], false, "{what}: {restart}");
    };
    let mut other = manifest("1", &json!({}));
    other["provides"] = json!(["web.get", "more"]);
    kernel.file("modules/web/module.json", &other.to_string());
    refused("another service");
    kernel.file("modules/web/module.json", &manifest("1", &json!({})).to_string());
    kernel.file("modules/web/main.py", "print('evil')\n");
    refused("another program");
    kernel.file("modules/web/main.py", &python(LINES));
    kernel.data(json!({ "cmd": "kernel.reload" }));
    let restart = kernel.ask(json!({ "cmd": "module.restart", "moduleId": "web" }));
    assert_eq!(restart["ok"], true, "less alone is well: {restart}");
}

#[test]
fn uninstalling_leaves_nothing_of_a_module() {
    let kernel = installed();
    approve(&kernel);
    kernel.data(json!({ "cmd": "module.uninstall", "moduleId": "web" }));
    eventually("it is forgotten", || {
        kernel.ask(json!({ "cmd": "module.status", "moduleId": "web" }))["ok"] == false
    });
    assert!(!kernel.path().join("modules/web").exists());
    let stored = std::fs::read_to_string(kernel.path().join("permissions.yaml")).expect("there");
    assert!(!stored.contains("web:"), "{stored}");
}

#[test]
fn a_changed_section_is_told_to_its_owner() {
    let kernel = installed();
    approve(&kernel);
    kernel.file("config.yaml", "web: {port: 1}\n");
    kernel.signal(Signal::USR1);
    kernel.wait_for_log(
        "web",
        r#""changedSections": ["web"], "config": {"web": {"port": 1}}, "type": "config:update""#,
    );
    kernel.file("config.yaml", "web: [\n");
    kernel.signal(Signal::USR1);
    eventually("the broken file is told", || {
        let troubles = kernel.data(json!({ "cmd": "kernel.status" }))["troubles"].to_string();
        troubles.contains("config.yaml:")
    });
    let refused = kernel.ask(json!({ "cmd": "kernel.reload", "what": "config" }));
    assert_eq!(refused["ok"], false);
    assert_eq!(kernel.state("web"), "ready");
    kernel.file("config.yaml", "web: {port: 2}\n");
    kernel.data(json!({ "cmd": "kernel.reload", "what": "config" }));
    assert_eq!(kernel.data(json!({ "cmd": "kernel.status" }))["troubles"], json!([]));
}

#[test]
fn a_revoked_approval_ends_its_module() {
    let kernel = installed();
    approve(&kernel);
    let file = kernel.path().join("permissions.yaml");
    // Written later than now it would be the kernel's word over the person's.
    eventually("the approval is saved", || {
        std::fs::read_to_string(&file).is_ok_and(|text| text.contains("web"))
    });
    std::fs::write(file, "modules: {}\n").expect("written");
    kernel.signal(Signal::USR2);
    kernel.wait_for_state("web", "stopped");
    assert!(kernel.codes("web").contains(&"permission.gone".to_owned()));
}

#[test]
fn a_contained_module_reaches_only_what_it_was_granted() {
    let mut kernel = Kernel::home(
        "modules:\n  jail: {run: 'cat secret || echo refused; cat open/it; echo done; exec sleep 1000', cwd: room, permissions: {read: [../open]}}\n",
    );
    kernel.file("room/here", "");
    kernel.file("secret", "the secret\n");
    kernel.file("open/it", "the open thing\n");
    let project = std::fs::read_to_string(kernel.path().join("ostoja.yaml")).expect("there");
    kernel.file(
        "ostoja.yaml",
        &project.replace("cat secret", "cat ../secret").replace("cat open", "cat ../open"),
    );
    kernel.start();
    kernel.wait_for_log("jail", "done");
    kernel.wait_for_log("jail", "the open thing");
    let report = sandbox::probe::run();
    if report.proof(sandbox::Layer::LandlockFiles).is_works() {
        assert!(kernel.logged("jail", "the secret").is_empty());
        kernel.wait_for_log("jail", "refused");
    }
}

#[test]
fn a_journal_that_can_not_be_written_is_a_trouble_and_no_end() {
    let mut kernel = Kernel::home("modules:\n  web: {run: sleep 1000}\n");
    // A folder in the place of the database: no user, not even root, can write that.
    std::fs::create_dir_all(kernel.path().join("state/journal.db/in-the-way")).expect("made");
    std::fs::create_dir_all(kernel.path().join("state/journal.head/in-the-way")).expect("made");
    kernel.start();
    assert_eq!(kernel.settle(), Vec::<String>::new());
    assert_eq!(kernel.state("web"), "ready");
    eventually("it says so", || {
        let status = kernel.data(json!({ "cmd": "kernel.status" }));
        status["journal"] != "well" && status["troubles"].to_string().contains("journal")
    });
    kernel.signal(Signal::TERM);
    assert_eq!(kernel.wait().code(), Some(0));
}
