//! What the kernel keeps for modules, with a real kernel and a real module: context variables over a restart, and a
//! secret that reaches the one module that was granted it and nothing else.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::kernel::{Running, check_schema};
use crate::runner::World;

/// Asks for a secret when it is ready, and keeps in a variable whether it got the right one.
const KEEPER: &str = r#"
echo '{"type":"ready","manifest":{}}'
while read -r line; do
  case "$line" in
    *'"deps_ready"'*) echo '{"type":"call","id":"s","method":"secret.get","params":{"name":"db.password"}}' ;;
    *'"id":"s"'*hunter2-in-*-vault*) echo '{"type":"call","id":"c","method":"context.set","params":{"key":"got","value":"it"}}' ;;
    *'"id":"s"'*error*) echo '{"type":"call","id":"c","method":"context.set","params":{"key":"got","value":"no"}}' ;;
    *'"ping"'*) echo '{"type":"pong"}' ;;
    *'"shutdown"'*) exit 0 ;;
  esac
done
"#;

const VALUE: &str = "hunter2-in-the-vault";

fn project(secrets: &str) -> String {
    format!(
        "security: {{ enforcementMode: warn }}\nmodules:\n  \
           keeper: {{ run: [sh, -c, {KEEPER:?}], protocol: lines, permissions: {{ secrets: [{secrets}] }} }}\n"
    )
}

/// The variable, as soon as it is there.
fn got(kernel: &Running) -> Value {
    let begun = Instant::now();
    loop {
        let ran = kernel.run("context get module:keeper got --json");
        if ran.code == 0 {
            return ran.json()["data"]["value"].clone();
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "{ran:#?}");
    }
}

/// Every file below a folder that holds these bytes.
fn holders(folder: &Path, bytes: &[u8]) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(holders(&path, bytes));
        } else if fs::read(&path).is_ok_and(|text| text.windows(bytes.len()).any(|part| part == bytes)) {
            found.push(path);
        }
    }
    found
}

#[test]
fn a_secret_reaches_the_module_that_was_granted_it_and_is_nowhere_in_the_home() {
    let (kernel, _) = Running::start(&project(""), 0);
    assert_eq!(got(&kernel), "no");
    let set = kernel.world.run_with_input(&["secret", "set", "db.password", "--json"], &format!("{VALUE}\n"));
    let set = set.expect(0).json()["data"].take();
    check_schema("secret set", &set);
    assert_eq!(set["noted"], true);
    kernel.run("context delete module:keeper got").expect(0);
    fs::write(kernel.world.path().join("ostoja.yaml"), project("db.password")).expect("it is ours");
    kernel.run("reload").expect(0);
    // It may ask for it from now on, in the life that it has; it does so when it starts.
    kernel.run("restart keeper").expect(0);
    assert_eq!(got(&kernel), "it");
    let audit = kernel.run("audit").expect(0).stdout;
    for code in ["secret.forbidden", "secret.set", "secret.handed_over"] {
        assert!(audit.contains(code), "{code}: {audit}");
    }
    kernel.run("down").expect(0);
    assert_eq!(holders(&kernel.world.home(), VALUE.as_bytes()), Vec::<std::path::PathBuf>::new());
}

#[test]
fn variables_outlive_the_kernel() {
    let (kernel, _) = Running::start(&project(""), 0);
    kernel.run("context set session:chat topic weather --ttl 1h").expect(0);
    check_schema("context list", &kernel.data("context list session:chat"));
    check_schema("context get", &kernel.data("context get session:chat topic"));
    kernel.run("context get session:chat nothing").expect(4);
    kernel.run("context get chat topic").expect(1);
    kernel.run("down").expect(0);
    kernel.run("up -d -f ostoja.yaml").expect(0);
    let found = kernel.data("context get session:chat topic");
    assert_eq!(found["value"], "weather");
    assert!(found["expiresAtMs"].is_number());
    kernel.run("context delete session:chat topic").expect(0);
    kernel.run("context get session:chat topic").expect(4);
}

#[test]
fn secrets_are_kept_without_a_kernel_too() {
    let world = World::new();
    check_schema("secret list", &world.run("--json secret list").expect(0).json()["data"]);
    world.run_with_input(&["secret", "set", "token"], "one").expect(0);
    world.run_with_input(&["secret", "set", "empty"], "\n").expect(1);
    world.run_with_input(&["secret", "set", "a b"], "one").expect(1);
    let rotated = world.run("--json secret rotate").expect(0).json()["data"].take();
    check_schema("secret rotate", &rotated);
    let key_file = rotated["keyFile"].as_str().expect("a key file").to_owned();
    assert!(!Path::new(&key_file).starts_with(world.home()), "{key_file}");
    let listed = world.run("--json secret list").expect(0).json()["data"].take();
    check_schema("secret list", &listed);
    assert_eq!(listed["secrets"][0]["name"], "token");
    fs::remove_file(&key_file).expect("ours");
    assert_eq!(world.run("--json secret rm token").expect(4).error_code(), "vault::key::missing");
    assert_eq!(world.run("--json secret unlock").expect(9).error_code(), "cli::kernel::unreachable");
}
