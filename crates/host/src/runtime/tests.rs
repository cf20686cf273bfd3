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
    assert_eq!(of(Runtime::Python), "python3 /home/m/web/runner.ts");
    assert_eq!(of(Runtime::Php), "php /home/m/web/runner.ts");
    assert_eq!(of(Runtime::Binary), "/home/m/web/runner.ts");
}
