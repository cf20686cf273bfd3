//! Updates with a real kernel and real modules: a package becomes the version that answers, a bad one is undone, what asks
//! for more waits, and whatever a kernel was at when it was killed is put right by the next one.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::kernel::check_schema;
use crate::packages::{greeter, packed, packed_with, trusted_maker};
use crate::runner::{Ran, World};

/// A home with a kernel in the background, and a probation of this length.
pub(crate) struct Home {
    world: World,
}

impl Home {
    fn start(probation: &str) -> Self {
        Self::start_for(probation, &["greeter"])
    }

    /// The same for other modules.
    pub(crate) fn start_for(probation: &str, modules: &[&str]) -> Self {
        let world = World::new();
        trusted_maker(&world);
        if modules != ["greeter"] {
            world.run("key distrust me").expect(0);
            let trusted: Vec<String> = modules.iter().map(|module| format!("--for {module}")).collect();
            world.run(&format!("key trust me root.json {}", trusted.join(" "))).expect(0);
        }
        let config = format!("update: {{ probation: {probation} }}\nlifecycle: {{ restartBaseMs: 20 }}\n");
        fs::write(world.home().join("config.yaml"), config).expect("it is ours");
        let home = Self { world };
        home.up();
        home
    }

    pub(crate) fn path(&self) -> &Path {
        self.world.path()
    }

    pub(crate) fn up(&self) {
        self.world.run("up -d").expect(0);
    }

    pub(crate) fn run(&self, line: &str) -> Ran {
        self.world.run(line)
    }

    #[track_caller]
    pub(crate) fn data(&self, line: &str) -> Value {
        self.run(&format!("{line} --json")).expect(0).json()["data"].take()
    }

    /// What the greeter answers.
    #[track_caller]
    fn says(&self) -> String {
        self.run("call greeter hello").expect(0).stdout.trim().trim_matches('"').to_owned()
    }

    /// Waits until the greeter answers with this version: what was undone is turned back right after it is told.
    #[track_caller]
    fn becomes(&self, version: &str) {
        self.becomes_by("greeter", version);
    }

    /// The same of another service.
    #[track_caller]
    pub(crate) fn becomes_by(&self, service: &str, said: &str) {
        let begun = Instant::now();
        loop {
            let ran = self.run(&format!("call {service} hello"));
            if ran.code == 0 && ran.stdout.replace([' ', '\n'], "").contains(said) {
                return;
            }
            assert!(begun.elapsed() < Duration::from_secs(30), "{ran:#?}");
        }
    }

    /// Ends a probation that is not what the test is about, by another kernel whose probations are short.
    #[track_caller]
    pub(crate) fn ends_well(&self, transaction: u64) {
        let path = self.world.home().join("config.yaml");
        let config = fs::read_to_string(&path).expect("it is ours");
        if config.contains("60s") {
            fs::write(&path, config.replace("60s", "1ms")).expect("it is ours");
            self.run("down --timeout 5s").expect(0);
            self.up();
        }
        assert_eq!(self.ended(transaction)["outcome"], "committed");
        if config.contains("60s") {
            fs::write(&path, config).expect("it is ours");
            self.run("reload config").expect(0);
        }
    }

    /// Waits until the history tells of this transaction.
    #[track_caller]
    pub(crate) fn ended(&self, transaction: u64) -> Value {
        let begun = Instant::now();
        loop {
            let history = self.data("update history");
            let ended = history["ended"].as_array().expect("a list");
            if let Some(row) = ended.iter().find(|row| row["transaction"] == transaction) {
                check_schema("update history", &history);
                return row.clone();
            }
            assert!(begun.elapsed() < Duration::from_secs(30), "{history}");
        }
    }

    /// Kills the kernel as a power cut would.
    pub(crate) fn kill(&self) {
        let status = self.data("status");
        let pid = status["kernel"]["pid"].as_i64().expect("a pid");
        let pid = rustix::process::Pid::from_raw(i32::try_from(pid).expect("a pid")).expect("a pid");
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).expect("it runs");
        let begun = Instant::now();
        while self.run("status").code == 0 {
            assert!(begun.elapsed() < Duration::from_secs(30), "it was killed");
        }
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        self.world.run("down --timeout 5s");
    }
}

#[test]
fn a_package_installs_updates_and_goes_back() {
    let home = Home::start("200ms");
    let (one, two) = (packed(&home.world, "1.0.0"), packed(&home.world, "2.0.0"));
    // What was never approved waits, whatever it asks for.
    let waits = home.run(&format!("update apply {one} --json")).expect(5).json()["data"].take();
    assert_eq!((&waits["waitsForApproval"], &waits["phase"]), (&json!(true), &json!("verified")));
    home.run("call greeter hello").expect(4);
    let done = home.data("update go 0 --approve");
    check_schema("update go", &done);
    assert_eq!(home.says(), "1.0.0");
    assert_eq!(home.ended(0)["outcome"], "committed");

    let done = home.data(&format!("update apply {two}"));
    check_schema("update apply", &done);
    assert_eq!((&done["from"], &done["to"]), (&json!("1.0.0"), &json!("2.0.0")));
    assert_eq!(home.says(), "2.0.0");
    assert_eq!(home.ended(1)["outcome"], "committed");
    let table = home.data("update list");
    check_schema("update list", &table);
    assert_eq!(table["modules"][0]["fallback"], "1.0.0");

    check_schema("update rollback", &home.data("update rollback greeter"));
    assert_eq!(home.says(), "1.0.0");
    home.ended(2);
    check_schema("update pin", &home.data("update pin greeter first"));
    check_schema("update gc", &home.data("update gc"));
    check_schema("update unpin", &home.data("update unpin first"));
    assert_eq!(home.says(), "1.0.0");
    let story = home.run("why greeter").expect(0).stdout;
    assert!(story.contains("version 2.0.0 stays"), "{story}");
}

#[test]
fn a_module_is_in_one_transaction_at_a_time() {
    let home = Home::start("60s");
    let (one, two) = (packed(&home.world, "1.0.0"), packed(&home.world, "2.0.0"));
    home.run(&format!("update apply {one} --approve")).expect(0);
    let busy = home.run(&format!("update apply {two} --json")).expect(1);
    assert_eq!(busy.error_code(), "update::slots::busy");
    assert_eq!(home.says(), "1.0.0");
}

#[test]
fn what_is_worse_is_undone_and_what_never_gets_ready_too() {
    let home = Home::start("2s");
    greeter(&home.world.path().join("plain"), "1.0.0", "");
    home.run("module install plain").expect(0);
    home.run("module approve greeter -y").expect(0);
    let falls = home.world.path().join("falls");
    greeter(&falls, "2.0.0", "");
    let script = fs::read_to_string(falls.join("run.sh")).expect("it is ours");
    fs::write(falls.join("run.sh"), script.replace("id=${line#", "exit 3; id=${line#")).expect("it is ours");
    home.run("module pack falls").expect(0);
    home.run("update apply greeter-2.0.0.okm").expect(0);
    home.run("call greeter hello").expect(1);
    let ended = home.ended(0);
    assert_eq!(ended["outcome"], "rolled-back");
    // The folder that was installed by hand is the way back.
    home.becomes("1.0.0");
    assert!(home.run("why greeter").expect(0).stdout.contains("version 2.0.0 was undone"));

    let never = home.world.path().join("never");
    greeter(&never, "3.0.0", "");
    fs::write(never.join("run.sh"), "#!/bin/sh\nexit 1\n").expect("it is ours");
    home.run("module pack never").expect(0);
    assert_eq!(
        home.run("update apply greeter-3.0.0.okm --json").expect(8).error_code(),
        "host::update::rolled_back"
    );
    home.becomes("1.0.0");
}

#[test]
fn a_staged_version_comes_with_the_next_start_and_a_killed_kernel_loses_nothing() {
    let home = Home::start("60s");
    let one = packed(&home.world, "1.0.0");
    let two = packed(&home.world, "2.0.0");
    home.run(&format!("update apply {one} --approve")).expect(0);
    home.kill();
    home.up();
    assert_eq!(home.says(), "1.0.0", "a version on probation is the one that runs");
    let row = home.data("update list")["modules"][0].take();
    assert_eq!(row["phase"], "tried", "its probation goes on");
    home.data("update rollback greeter");
    assert!(!home.world.home().join("modules/greeter").exists(), "a new module goes back to nothing");

    home.run(&format!("update apply {two} --strategy staged")).expect(0);
    home.kill();
    home.up();
    assert_eq!(home.says(), "2.0.0", "what was approved before is tried at the next start");
}

#[test]
fn a_module_of_a_package_is_backed_up_with_its_version_and_cleaning_leaves_it() {
    let home = Home::start("200ms");
    let (one, two) = (packed(&home.world, "1.0.0"), packed(&home.world, "2.0.0"));
    home.run(&format!("update apply {one} --approve")).expect(0);
    home.ended(0);
    let made = home.data("backup create");
    let parts = made["backup"]["components"].as_array().expect("a list");
    let greeter = parts.iter().find(|part| part["component"] == "module/greeter").expect("it is a component");
    assert!(greeter["files"].as_u64() > Some(1), "{greeter}");
    for (package, transaction) in [(two, 1), (packed(&home.world, "3.0.0"), 2)] {
        home.run(&format!("update apply {package}")).expect(0);
        home.ended(transaction);
    }
    let cleaned = home.data("update gc");
    assert!(cleaned["foldersRemoved"].as_u64() > Some(0), "{cleaned}");
    home.run("backup verify").expect(0);
    let other = home.world.path().join("other");
    home.run(&format!("backup restore --to {}", other.display())).expect(0);
    let manifest =
        fs::read_to_string(other.join("modules/greeter/module.json")).expect("the link leads to it");
    assert!(manifest.contains("1.0.0"), "{manifest}");
}

/// 2,000 calls: far more than an update and its undoing leave time for.
const CALLS_MAX: usize = 2000;

/// The greeter keeps nothing in memory, and says so.
const STATELESS: &str = ", \"state\": \"none\"";

#[test]
fn a_hot_update_under_calls_refuses_none_and_its_undoing_is_a_flip_back_to_the_warm_life() {
    let home = Home::start("60s");
    let two = packed_with(&home.world, "2.0.0", STATELESS);
    greeter(&home.world.path().join("plain"), "1.0.0", STATELESS);
    home.run("module install plain").expect(0);
    home.run("module approve greeter -y").expect(0);
    let pid = |home: &Home| home.data("ps")["modules"][0]["pid"].as_u64().expect("it runs");
    let before = pid(&home);
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let calls = scope.spawn(|| {
            let mut said = Vec::new();
            // Bounded, so that a failure of the other thread is not waited for without an end.
            while !is_over.load(Ordering::Acquire) && said.len() < CALLS_MAX {
                said.push(home.says());
            }
            said
        });
        let done = home.data(&format!("update apply {two} --strategy hot"));
        assert_eq!((&done["phase"], &done["pauseMs"]), (&json!("tried"), &json!(0)), "{done}");
        assert_eq!(home.says(), "2.0.0");
        assert_ne!(pid(&home), before);
        let undone = home.data("update rollback greeter");
        assert_eq!(undone["phase"], "rolled-back", "{undone}");
        assert_eq!((home.says().as_str(), pid(&home)), ("1.0.0", before));
        is_over.store(true, Ordering::Release);
        let said = calls.join().expect("no call was refused");
        assert!(said.iter().all(|version| version == "1.0.0" || version == "2.0.0"), "{said:?}");
    });
}

#[test]
fn a_version_that_is_gone_back_to_has_what_was_approved_with_it() {
    let home = Home::start("200ms");
    let asks = |home: &Home, version: &str, place: &str| {
        let folder = home.path().join(format!("asks-{version}"));
        greeter(&folder, version, "");
        let manifest = fs::read_to_string(folder.join("module.json")).expect("it is ours");
        let manifest = manifest
            .replace("\"permissions\": {}", &format!("\"permissions\": {{ \"net\": [\"{place}\"] }}"));
        fs::write(folder.join("module.json"), manifest).expect("it is ours");
        home.run(&format!("module pack asks-{version} -o asks-{version}.okm")).expect(0);
    };
    asks(&home, "1.0.0", "one.example:1");
    asks(&home, "2.0.0", "two.example:2");
    home.run("update apply asks-1.0.0.okm --approve").expect(0);
    home.ended(0);
    home.run("update apply asks-2.0.0.okm").expect(5);
    home.run("update go 1 --approve").expect(0);
    home.ended(1);
    let effective = |home: &Home| home.data("module show greeter")["effective"]["net"].take();
    assert_eq!(effective(&home), json!(["two.example:2"]));
    // Both ways: each version has what was approved with its content, and nothing of the other's.
    for (transaction, place) in [(2, "one.example:1"), (3, "two.example:2"), (4, "one.example:1")] {
        let back = home.data("update rollback greeter");
        assert_eq!((&back["phase"], &back["waitsForApproval"]), (&json!("tried"), &json!(false)), "{back}");
        assert_eq!(effective(&home), json!([place]));
        home.ended(transaction);
    }
    // Bringing it again is not going back.
    home.run("update apply asks-2.0.0.okm").expect(5);
}

/// Counts its calls, answers with its version and the count, and gives and takes the count as its state.
const COUNTING: &str = r#"#!/bin/sh
n=0
echo '{"type":"ready","manifest":{}}'
field() { rest=${line#*\"$1\":}; rest=${rest#\"}; value=${rest%%[\",\}]*}; }
while read -r line; do
  case "$line" in
    *'"rpc_request"'*) n=$((n+1)); field id
      echo "{\"type\":\"rpc_response\",\"id\":\"$value\",\"result\":\"VERSION $n\"}" ;;
    *'"state:save"'*) field id
      echo "{\"type\":\"state:saved\",\"id\":\"$value\",\"state\":$n,\"version\":\"VERSION\"}" ;;
    *'"state:restore"'*) field state; n=$value; field id
      echo "{\"type\":\"state:restored\",\"id\":\"$value\"}" ;;
    *'"ping"'*) echo '{"type":"pong"}' ;;
    *'"shutdown"'*) exit 0 ;;
  esac
done
"#;

#[test]
fn an_update_that_stops_and_starts_hands_state_to_the_new_version_and_back() {
    let home = Home::start("200ms");
    let package = |version: &str| {
        let folder = home.world.path().join(format!("greeter-{version}"));
        greeter(&folder, version, r#", "features": ["state"], "state": "all""#);
        fs::write(folder.join("run.sh"), COUNTING.replace("VERSION", version)).expect("it is ours");
        home.run(&format!("module pack greeter-{version} -o {version}.okm")).expect(0);
        format!("{version}.okm")
    };
    let (one, two) = (package("1.0.0"), package("2.0.0"));
    home.run(&format!("update apply {one} --approve")).expect(0);
    assert_eq!((home.says(), home.says()), ("1.0.0 1".to_owned(), "1.0.0 2".to_owned()));
    home.ended(0);
    home.run(&format!("update apply {two} --strategy restart")).expect(0);
    assert_eq!(home.says(), "2.0.0 3");
    home.ended(1);
    home.run("update rollback greeter").expect(0);
    assert_eq!(home.says(), "1.0.0 4");
    let story = home.run("why greeter").expect(0).stdout;
    assert!(story.contains("of the form 1.0.0"), "{story}");
}
