//! Without a kernel: help, wrong words, what works from files alone, and who says what about a missing kernel.

use std::fs;

use crate::runner::World;

/// Every verb, as typed with its least arguments, that needs a kernel.
const NEED_A_KERNEL: [&str; 46] = [
    "ps",
    "status web",
    "start web",
    "stop web",
    "restart web",
    "reload",
    "logs -f",
    "call web hello",
    "publish topic 1",
    "subscribe topic",
    "events",
    "top -b -n 1",
    "top -b",
    "why web",
    "restart web --hot",
    "actors",
    "fn run double 1",
    "fn list",
    "fn rm double",
    "fn stats",
    "run -- true",
    "run -d -- true",
    "module list",
    "module install .",
    "module approve web",
    "module uninstall web",
    "module update web .",
    "module show web",
    "module perms web",
    "module profile web",
    "permissions list",
    "permissions pending",
    "context list",
    "update go 1",
    "update list",
    "update history",
    "update rollback web",
    "update pin web name",
    "update unpin name",
    "update gc",
    "context get session:chat topic",
    "context set session:chat topic 1",
    "context delete session:chat topic",
    "permissions grant web net=a:1",
    "permissions deny web net=a:1",
    "permissions revoke web net=a:1",
];

#[test]
fn every_verb_that_needs_a_kernel_says_so_with_code_9_and_how_to_start_one() {
    let world = World::new();
    for line in NEED_A_KERNEL {
        let ran = world.run(line).expect(9);
        assert!(ran.stdout.is_empty(), "{line}: {}", ran.stdout);
        assert!(ran.stderr.contains("no kernel answers on"), "{line}: {}", ran.stderr);
        assert!(ran.stderr.contains("help: ostoja up -d"), "{line}: {}", ran.stderr);
        let words = format!("--json {line}");
        let ran = world.run(&words).expect(9);
        assert_eq!(ran.error_code(), "cli::kernel::unreachable", "{line}");
        assert!(ran.stderr.is_empty(), "{line}: {}", ran.stderr);
    }
}

#[test]
fn a_home_that_was_named_is_named_in_the_help() {
    let world = World::new();
    let ran = world.run("--home other/place ps --json").expect(9);
    let help = ran.json()["help"].as_str().expect("help").to_owned();
    assert_eq!(help, format!("ostoja --home {} up -d", world.path().join("other/place").display()));
}

#[test]
fn status_answers_that_nothing_runs_and_down_is_content_with_it() {
    let world = World::new();
    let ran = world.run("status").expect(3);
    assert!(ran.stdout.starts_with("no kernel runs on "), "{}", ran.stdout);
    assert_eq!(world.run("kernel status --json").expect(3).json()["data"]["running"], false);
    assert_eq!(world.run("down --json").expect(0).json()["data"]["wasRunning"], false);
    assert!(world.run("kernel stop --lang pl").expect(0).stderr.contains("nie działa żadne jądro"));
}

#[test]
fn every_verb_has_help_that_fits_80_columns() {
    let world = World::new();
    let list = world.run("help").expect(0).stdout;
    let verbs =
        list.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let verbs: Vec<&str> = verbs.filter_map(|line| line.strip_prefix("  ")?.split(' ').next()).collect();
    let verbs: Vec<&str> = verbs.into_iter().filter(|verb| !verb.is_empty()).collect();
    assert!(verbs.len() >= 25, "{verbs:?}");
    for verb in verbs {
        let ran = world.run_words(&[verb, "--help"]).expect(0);
        assert!(ran.stdout.contains("Examples:"), "{verb}");
        assert_eq!(world.run_words(&["help", verb]).expect(0).stdout.trim(), ran.stdout.trim(), "{verb}");
    }
}

#[test]
fn wrong_words_end_with_2_and_the_nearest_right_ones() {
    let world = World::new();
    for (line, said) in [
        ("restrat web", "'restart'"),
        ("ps --jsn", "'--json'"),
        ("start", "<MODULE>"),
        ("top -d 1y", "no time span"),
        ("logs --since yesterday", "no moment"),
        ("permissions grant web nett=a", "did you mean `net`?"),
        ("call web hello {\"a\"", "is no JSON"),
        ("help upp", "ostoja help up"),
        ("ps --color pink", "pink"),
        ("config set lifecycle.maxRestarts many", "maxRestarts"),
    ] {
        let ran = world.run(line).expect(2);
        assert!(ran.stderr.contains(said), "{line}: {}", ran.stderr);
        assert!(ran.stdout.is_empty(), "{line}: {}", ran.stdout);
        let ran = world.run(&format!("--json {line}")).expect(2);
        assert_eq!(ran.json()["ok"], false, "{line}");
    }
    assert!(world.run("--version").expect(0).stdout.starts_with("ostoja "));
}

#[test]
fn alone_it_shows_how_things_stand_and_three_hints() {
    let world = World::new();
    let hints = |world: &World| {
        let seen = world.run("--json").expect(0).json()["data"].clone();
        crate::kernel::check_schema("(none)", &seen);
        seen["hints"]
            .as_array()
            .expect("a list")
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(" ")
    };
    let shown = world.run("").expect(0).stdout;
    assert!(shown.contains("no kernel runs on") && shown.contains("ostoja demo"), "{shown}");
    assert!(shown.lines().count() <= 15 + 4, "{shown}");
    assert!(world.run("--lang pl").expect(0).stdout.contains("nie działa żadne jądro"));
    fs::write(world.path().join("Procfile"), "web: sleep 1\n").expect("it is ours");
    assert!(hints(&world).contains("ostoja init"), "{}", hints(&world));
    assert!(world.run("nonsense").expect(2).stderr.contains("unrecognized"));
}

#[test]
fn the_words_are_explained() {
    let world = World::new();
    let text = world.run("help concepts").expect(0).stdout;
    assert!(text.contains("  home            The folder that holds everything of one kernel"), "{text}");
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    assert!(world.run("help concept").expect(2).stderr.contains("ostoja help concepts"));
}

#[test]
fn exit_codes_are_listed() {
    let world = World::new();
    let codes = world.run("help exit-codes --json").expect(0).json()["data"]["codes"].clone();
    let numbers: Vec<&str> = codes.as_object().expect("a map").keys().map(String::as_str).collect();
    assert_eq!(numbers, ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "130"]);
    assert!(world.run("help exit-codes").expect(0).stdout.contains("   9  no kernel answers"));
}

#[test]
fn completions_and_man_pages_are_made_from_the_registry() {
    let world = World::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = world.run_words(&["completion", shell]).expect(0).stdout;
        assert!(script.contains("permissions") && !script.contains("\u{1b}"), "{shell}");
        assert!(!script.contains("sentinel") && !script.contains("demo-module"), "{shell}");
    }
    world.run("completion tcsh").expect(2);
    let files = world.run("help man man1").expect(0).stdout;
    assert!(files.lines().count() > 50, "{files}");
    let page = fs::read_to_string(world.path().join("man1/ostoja-module-install.1")).expect("it was written");
    assert!(page.contains("symlink") || page.contains("link"), "{page}");
    assert!(!files.contains("sentinel"), "{files}");
}

#[test]
fn the_configuration_is_read_changed_and_checked_without_a_kernel() {
    let world = World::new();
    assert_eq!(world.run("config get lifecycle.maxRestarts").expect(0).stdout, "5\n");
    let ran = world.run("config set lifecycle.maxRestarts 7 --dry-run").expect(0);
    assert_eq!(ran.stdout, "lifecycle.maxRestarts: 5 -> 7\n");
    assert_eq!(world.run("config get lifecycle.maxRestarts").expect(0).stdout, "5\n");
    world.run("config set lifecycle.maxRestarts 7").expect(0);
    world.run("config set web.port 8080").expect(0);
    let entry = world.run("config get lifecycle.maxRestarts --json").expect(0).json()["data"].clone();
    assert_eq!(entry["value"], 7);
    assert!(entry["origin"].as_str().expect("text").contains("config.d/90-set.yaml:"), "{entry}");
    assert_eq!(world.run("config list").expect(0).stdout, "lifecycle.maxRestarts = 7\nweb.port = 8080\n");
    let shown = world.run("config show lifecycle --origin").expect(0).stdout;
    assert!(shown.contains("config.d/90-set.yaml") && shown.contains("default"), "{shown}");
    world.run("config unset web.port").expect(0);
    assert!(world.run("config get web.port").expect(4).stderr.contains("nothing is configured"));
    world.run("config unset web.port").expect(4);
    assert!(world.run("config reset").expect(2).stderr.contains("add --yes"));
    world.run("config reset --yes").expect(0);
    assert_eq!(world.run("config list").expect(0).stdout, "");
}

#[test]
fn a_wrong_configuration_is_told_with_file_line_and_column() {
    let world = World::new();
    fs::create_dir_all(world.home()).expect("it is ours");
    fs::write(world.home().join("config.yaml"), "lifecycle:\n  maxRestart: 3\nweb: 1\n").expect("it is ours");
    let ran = world.run("config check").expect(1);
    assert!(ran.stdout.contains("config.yaml:2:3: unknown field `maxRestart`"), "{}", ran.stdout);
    assert!(ran.stdout.contains("did you mean `maxRestarts`?"), "{}", ran.stdout);
    let doctor = world.run("config doctor --json").expect(3).json()["data"].clone();
    assert_eq!(doctor["healthy"], false);
    assert!(doctor.to_string().contains("no module of this home reads this section"), "{doctor}");
}

#[test]
fn an_edit_that_is_wrong_is_undone_and_kept_beside_the_file() {
    let world = World::new();
    let edit = |script: &str| {
        let editor = world.path().join("editor.sh");
        fs::write(&editor, format!("#!/bin/sh\n{script}\n")).expect("it is ours");
        let mut command = world.command(["config", "edit"]);
        command.env("EDITOR", format!("/bin/sh {}", editor.display()));
        crate::runner::finish(command.spawn().expect("the binary runs"))
    };
    edit("echo 'web: {port: 1}' > \"$1\"").expect(0);
    assert_eq!(world.run("config get web.port").expect(0).stdout, "1\n");
    let ran = edit("echo 'web: [' > \"$1\"").expect(8);
    assert!(ran.stderr.contains("your text is kept in"), "{}", ran.stderr);
    assert_eq!(world.run("config get web.port").expect(0).stdout, "1\n");
    edit("exit 3").expect(1);
}

#[test]
fn a_modules_folder_is_checked_without_a_kernel() {
    let world = World::new();
    let folder = world.path().join("greeter");
    fs::create_dir(&folder).expect("it is ours");
    world.run("module check greeter").expect(4);
    let manifest = r#"{ "id": "greeter", "name": "Greeter", "runtime": "binary", "entry": "run.sh", "permissions": {} }"#;
    fs::write(folder.join("module.json"), manifest).expect("it is ours");
    let ran = world.run("module check greeter").expect(1);
    assert!(ran.stdout.contains("`run.sh` is missing"), "{}", ran.stdout);
    fs::write(folder.join("run.sh"), "#!/bin/sh\n").expect("it is ours");
    let ran = world.run("module check greeter").expect(1);
    assert!(ran.stdout.contains("chmod +x"), "{}", ran.stdout);
    fs::write(folder.join("module.json"), "{ \"id\": \"gre eter\" ").expect("it is ours");
    assert!(world.run("module check greeter").expect(1).stdout.contains("module.json:1:"));
}

#[test]
fn files_that_are_not_there_are_not_found() {
    let world = World::new();
    world.run("audit").expect(4);
    world.run("audit --verify --json").expect(4);
    world.run("kernel logs").expect(4);
    world.run("logs web").expect(4);
    world.run("module install nowhere").expect(4);
    assert_eq!(world.run("logs").expect(0).stdout, "");
}

#[test]
fn the_service_unit_is_written_below_another_root_and_taken_away() {
    let world = World::new();
    let root = world.path().join("root");
    let root = root.to_str().expect("text");
    let unit = world.run_words(&["service", "install", "--root", root, "--dry-run"]).expect(0).stdout;
    assert!(unit.contains("Type=notify") && unit.contains("WatchdogSec="), "{unit}");
    let path = world.path().join("root/etc/systemd/system/ostoja.service");
    assert!(!path.exists());
    let ran = world.run_words(&["service", "install", "--root", root]).expect(0);
    assert!(ran.stdout.contains("systemctl enable --now ostoja.service"), "{}", ran.stdout);
    assert_eq!(fs::read_to_string(&path).expect("it was written"), unit);
    let told = world.run_words(&["service", "uninstall", "--root", root, "--json"]).expect(0).json();
    assert_eq!(told["data"]["path"], path.to_str().expect("text"));
    assert!(!path.exists());
    world.run_words(&["service", "uninstall", "--root", root]).expect(4);
    world.run("service install --user --dry-run --json").expect(0);
}

#[test]
fn systemd_finds_nothing_wrong_with_the_units() {
    let is_there = std::process::Command::new("systemd-analyze").arg("--version").output().is_ok();
    if !is_there {
        return crate::examples::skip("no `systemd-analyze` on PATH, so no unit was verified");
    }
    let world = World::new();
    let told = world.run("service install --user --json").expect(0).json();
    assert_eq!(told["data"]["verified"], true, "{told}");
    let path = world.path().join(".config/systemd/user/ostoja.service");
    assert_eq!(told["data"]["path"], path.to_str().expect("text"));
    assert!(fs::read_to_string(&path).expect("it was written").contains("WantedBy=default.target"));
    world.run("service uninstall --user --json").expect(0);
    assert!(!path.exists());
    let left = fs::read_dir(world.path()).expect("it is there").flatten().map(|entry| entry.file_name());
    assert_eq!(left.collect::<Vec<_>>(), [".config"], "what was lent for the look is gone");
    let told = world.run("service install --root root --json").expect(0).json();
    assert_eq!(told["data"]["verified"], true, "{told}");
}

#[test]
fn the_doctor_works_without_a_kernel() {
    let world = World::new();
    let ran = world.run("doctor --json");
    let report = ran.json()["data"].clone();
    assert_eq!(ran.code, if report["healthy"] == true { 0 } else { 3 });
    let areas: std::collections::BTreeSet<&str> = report["findings"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|finding| finding["area"].as_str())
        .collect();
    assert!(areas.is_superset(&["containment", "home", "kernel", "runtime"].into()), "{areas:?}");
}

#[test]
fn a_dry_run_of_up_tells_what_would_start() {
    let world = World::new();
    let project = "modules:\n  web: { run: 'sleep 1', priority: 5 }\n  db: { run: 'sleep 2', priority: 1 }\n";
    fs::write(world.path().join("ostoja.yaml"), project).expect("it is ours");
    let plan = world.run("up -f ostoja.yaml --dry-run").expect(0).stdout;
    assert_eq!(plan, "  1. db: would start: sleep 2\n  2. web: would start: sleep 1\n");
    fs::write(world.path().join("ostoja.yaml"), "modules:\n  web: { rnu: x }\n").expect("it is ours");
    let ran = world.run("up -f ostoja.yaml --dry-run --json").expect(1);
    assert!(ran.json()["error"].as_str().expect("text").contains("ostoja.yaml:2:"), "{}", ran.stdout);
}

#[test]
fn colours_come_only_when_they_are_wanted() {
    let world = World::new();
    assert!(!world.run("status web").expect(9).stderr.contains('\u{1b}'));
    assert!(world.run("status web --color always").expect(9).stderr.contains('\u{1b}'));
    let mut command = world.command(["status", "web"]);
    command.env("NO_COLOR", "1");
    let ran = crate::runner::finish(command.spawn().expect("the binary runs"));
    assert!(!ran.stderr.contains('\u{1b}'));
}

#[test]
fn a_terminal_that_is_not_utf8_gets_ascii() {
    let world = World::new();
    let mut command = world.command(["status", "web"]);
    command.env("LANG", "C");
    let ran = crate::runner::finish(command.spawn().expect("the binary runs")).expect(9);
    assert!(ran.stderr.is_ascii(), "{}", ran.stderr);
}
