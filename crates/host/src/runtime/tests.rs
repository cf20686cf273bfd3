//! The command of each runtime, flag by flag.

use super::*;

fn entry(runtime: Runtime) -> Entry<'static> {
    Entry {
        runtime,
        entry: Path::new("/home/m/web/runner.ts"),
        folder: Path::new("/home/m/web"),
        deno_config: None,
        user_home: Path::new("/home/ada"),
        search_path: "/bin:/usr/bin",
        temporary: None,
        set: &[],
        node: None,
    }
}

fn set(values: &[&str]) -> std::collections::BTreeSet<String> {
    values.iter().map(|value| (*value).to_owned()).collect()
}

#[test]
fn without_permissions_deno_denies_everything_but_the_common_variables() {
    let command = entry(Runtime::Deno).command(&Permissions::default());
    assert_eq!(
        command,
        [
            "deno",
            "run",
            "--deny-net",
            "--deny-read",
            "--deny-write",
            "--allow-env=DEBUG,HOME,USERPROFILE,PONS_HOME,NODE_ENV,LANG,TERM,TZ",
            "--deny-run",
            "--deny-sys",
            "--unstable-sloppy-imports",
            "/home/m/web/runner.ts",
        ]
    );
}

#[test]
fn paths_are_located_and_programs_must_be_on_the_path() {
    let permissions = Permissions {
        read: set(&["data", "~/notes", "/etc/hosts"]),
        run: set(&["sh", "/bin/cat", "no-such-program-anywhere"]),
        env: set(&["HOME", "TOKEN"]),
        ..Permissions::default()
    };
    let command = entry(Runtime::Deno).command(&permissions);
    assert!(
        command.contains(&"--allow-read=/etc/hosts,/home/m/web/data,/home/ada/notes".to_owned()),
        "{command:?}"
    );
    assert!(command.contains(&"--allow-run=sh".to_owned()), "{command:?}");
    assert!(command.iter().any(|flag| flag.ends_with(",TZ,TOKEN")), "{command:?}");
    assert!(!command.iter().any(|flag| flag.contains("allow-all")));
}

#[test]
fn a_comma_in_a_path_does_not_become_a_second_path() {
    let permissions = Permissions { read: set(&["/a,/etc"]), ..Permissions::default() };
    let command = entry(Runtime::Deno).command(&permissions);
    assert!(command.contains(&"--allow-read=/a,,/etc".to_owned()), "{command:?}");
}

#[test]
fn the_other_runtimes_get_their_entry_and_nothing_else() {
    let of = |runtime| entry(runtime).command(&Permissions::default()).join(" ");
    assert_eq!(of(Runtime::Node), "node /home/m/web/runner.ts");
    assert_eq!(of(Runtime::Bun), "bun run /home/m/web/runner.ts");
    assert_eq!(of(Runtime::Php), "php /home/m/web/runner.ts");
    assert_eq!(of(Runtime::Binary), "/home/m/web/runner.ts");
}

fn node(version: &str, permissions: &Permissions) -> Vec<String> {
    let folder = Path::new("/home/m/.cache/tmp/web");
    let node = NodeVersion::parse(version);
    Entry { temporary: Some(folder), node, ..entry(Runtime::Node) }.command(permissions)
}

#[test]
fn the_guard_of_node_says_the_same_as_the_permissions() {
    let permissions =
        Permissions { read: set(&["data", "~/notes"]), write: set(&["/var/out"]), ..Permissions::default() };
    let command = node("v20.20.2\n", &permissions);
    let of = |kind: &str| -> Vec<&str> {
        let values = command.iter().filter_map(|flag| flag.strip_prefix(kind));
        values.filter(|path| !guard_shows(path)).collect()
    };
    let own = ["/home/m/web", "/home/m/web/data", "/home/ada/notes"];
    let written = ["/var/out", "/home/m/.cache/tmp/web"];
    assert_eq!(of("--allow-fs-read="), [&own[..], &written].concat());
    assert_eq!(of("--allow-fs-write="), written);
    assert_eq!((command[0].as_str(), command[1].as_str()), ("node", "--experimental-permission"));
    assert_eq!(command.last().map(String::as_str), Some("/home/m/web/runner.ts"));
    assert!(!command.contains(&"--allow-child-process".to_owned()), "{command:?}");
}

/// Whether a place is one that every module sees.
fn guard_shows(path: &str) -> bool {
    ["/dev", "/etc", "/lib", "/lib64", "/proc", "/sys", "/tmp", "/usr", "/dev/null", "/dev/tty"]
        .contains(&path)
}

#[test]
fn programs_are_granted_to_node_when_one_is_and_the_network_from_the_version_on_that_knows_it() {
    let has = |version: &str, permissions: &Permissions, flag: &str| {
        node(version, permissions).contains(&flag.to_owned())
    };
    let child = "--allow-child-process";
    assert!(has("v22.13.0", &Permissions { run: set(&["sh"]), ..Permissions::default() }, child));
    assert!(has("v22.13.0", &Permissions { run: set(&["/opt/tool"]), ..Permissions::default() }, child));
    assert!(!has("v22.13.0", &Permissions { run: set(&["kernel.fn"]), ..Permissions::default() }, child));
    let net = Permissions { net: set(&["a:1"]), ..Permissions::default() };
    assert!(has("v25.0.0", &net, "--allow-net"));
    assert!(!has("v25.0.0", &Permissions::default(), "--allow-net"));
    assert!(!has("v24.9.0", &net, "--allow-net"), "it would be refused as a bad option");
}

#[test]
fn each_version_of_node_gets_the_name_that_its_guard_has_and_others_none() {
    let guard = |version: &str| node(version, &Permissions::default()).get(1).cloned().unwrap_or_default();
    for version in ["v20.16.0", "v20.20.2", "v22.3.0", "v22.12.9", "v23.4.0"] {
        assert_eq!(guard(version), "--experimental-permission", "{version}");
    }
    for version in ["v22.13.0", "v23.5.0", "v24.0.0", "v25.1.0", "v31.0.0"] {
        assert_eq!(guard(version), "--permission", "{version}");
    }
    for version in ["v18.20.0", "v20.15.1", "v21.7.3", "v22.2.0", "20.20.2", "", "v20", "vx.1"] {
        assert_eq!(guard(version), "/home/m/web/runner.ts", "{version}");
    }
}

#[test]
fn python_takes_no_code_from_variables_and_the_users_packages_unless_they_were_granted() {
    let of = |set: &[String], permissions: Permissions| {
        Entry { set, ..entry(Runtime::Python) }.command(&permissions).join(" ")
    };
    let entry = "/home/m/web/runner.ts";
    assert_eq!(of(&[], Permissions::default()), format!("python3 -E -s {entry}"));
    let granted = Permissions { env: set(&["PYTHONPATH"]), ..Permissions::default() };
    assert_eq!(of(&[], granted), format!("python3 -s {entry}"));
    assert_eq!(of(&["PYTHONHASHSEED".to_owned()], Permissions::default()), format!("python3 -s {entry}"));
    for path in ["~/.local", "~", "/", "~/.local/lib/python3.11"] {
        let granted = Permissions { read: set(&[path]), ..Permissions::default() };
        assert_eq!(of(&[], granted), format!("python3 -E {entry}"), "{path}");
    }
}

/// Tries what its flags are about, and says what came of each.
const TRIES: &str = "import fs from 'node:fs';\nimport cp from 'node:child_process';\nimport { Worker } from 'node:worker_threads';\n\
    const [secret, readable, writable, program] = process.env.PLACES.split(':');\n\
    const say = (what, act) => { try { act(); console.log(what, 'done'); } catch (error) { console.log(what, error.code); } };\n\
    say('own', () => fs.readFileSync(new URL(import.meta.url)));\n\
    say('secret', () => fs.readFileSync(secret + '/it'));\n\
    say('readable', () => fs.readFileSync(readable + '/it'));\n\
    say('change readable', () => fs.writeFileSync(readable + '/it', ''));\n\
    say('writable', () => fs.writeFileSync(writable + '/it', ''));\n\
    say('system', () => fs.readFileSync('/etc/passwd'));\n\
    say('program', () => cp.execFileSync(program, ['-c', 'true']));\n\
    say('thread', () => new Worker('', { eval: true }));\n";

/// What the real Node says to all tries, with nothing around it but its own guard.
fn tried(permissions: &Permissions, folder: &Path, places: &str) -> Option<Vec<String>> {
    let path = std::env::var("PATH").unwrap_or_default();
    let Some(version) = Versions::default().node(&path) else {
        eprintln!("skipped: there is no `node` on PATH");
        return None;
    };
    if version < NodeVersion::parse("v22.3.0").expect("a version")
        && NodeVersion::parse("v20.16.0") > Some(version)
    {
        eprintln!("skipped: this Node has no guard");
        return None;
    }
    let main = folder.join("main.mjs");
    std::fs::write(&main, TRIES).expect("written");
    let entry =
        Entry { entry: &main, folder, node: Some(version), search_path: &path, ..entry(Runtime::Node) };
    let words = entry.command(permissions);
    let run = std::process::Command::new(&words[0]).args(&words[1..]).env("PLACES", places).output();
    let run = run.expect("node runs");
    assert_eq!(String::from_utf8_lossy(&run.stderr), "", "no warning reaches a module's log");
    Some(String::from_utf8_lossy(&run.stdout).lines().map(str::to_owned).collect())
}

#[test]
fn the_guard_of_the_real_node_holds_without_any_other_layer() {
    // The temporary folder of the system is shown to every module, so this one lies elsewhere.
    let base = tempfile::tempdir_in("/var/tmp").expect("a folder");
    let place = |name: &str| {
        let folder = base.path().join(name);
        std::fs::create_dir(&folder).expect("made");
        std::fs::write(folder.join("it"), "x").expect("written");
        folder.display().to_string()
    };
    let [module, secret, readable, writable] = ["module", "secret", "readable", "writable"].map(place);
    let places = format!("{secret}:{readable}:{writable}:sh");
    let granted = Permissions {
        read: set(&[&readable]),
        write: set(&[&writable]),
        run: set(&["sh"]),
        ..Permissions::default()
    };
    let denied = "ERR_ACCESS_DENIED";
    let Some(without) = tried(&Permissions::default(), Path::new(&module), &places) else { return };
    assert_eq!(
        without,
        [
            "own done".to_owned(),
            format!("secret {denied}"),
            format!("readable {denied}"),
            format!("change readable {denied}"),
            format!("writable {denied}"),
            "system done".to_owned(),
            format!("program {denied}"),
            "thread done".to_owned(),
        ]
    );
    let with = tried(&granted, Path::new(&module), &places).expect("it is there");
    assert_eq!(
        with,
        [
            "own done".to_owned(),
            format!("secret {denied}"),
            "readable done".to_owned(),
            format!("change readable {denied}"),
            "writable done".to_owned(),
            "system done".to_owned(),
            "program done".to_owned(),
            "thread done".to_owned(),
        ]
    );
}
