//! Secrets on their way through a real kernel: to those who were granted them, and into nothing that stays.

use std::fs;
use std::path::{Path, PathBuf};

use rustix::process::Signal;
use serde_json::json;
use vault::{Opener, Places, Secret, SecretName};

use crate::guests::Guest;
use crate::kernel::{Kernel, eventually, python};

/// Found nowhere by chance.
pub(crate) const VALUE: &str = "correct-horse-battery-4c1f";

pub(crate) const NAME: &str = "db.password";

/// A home whose vault holds the secret, its key in another folder, and a kernel that is not started yet.
pub(crate) struct Kept {
    pub(crate) kernel: Kernel,
    keys: tempfile::TempDir,
}

impl Kept {
    pub(crate) fn with(project: &str) -> Self {
        let kept = Self { kernel: Kernel::home(project), keys: tempfile::tempdir().expect("a folder") };
        let places = Places {
            home: kept.kernel.path().to_owned(),
            named: Some(kept.key_file()),
            folder: None,
            credentials: None,
        };
        let path = host::Home::at(kept.kernel.path()).vault();
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        let named = SecretName::parse(NAME).expect("a name");
        let value = Secret::new(VALUE.to_owned()).expect("short");
        vault::set(&path, &places, Opener::Files, (named, value), 1).expect("the vault is made");
        kept
    }

    fn key_file(&self) -> PathBuf {
        self.keys.path().join("key")
    }

    pub(crate) fn start(&mut self) {
        let key = self.key_file();
        self.kernel.start_with(|command| {
            command.env("OSTOJA_VAULT_KEY", key);
        });
    }
}

/// Asks for the secret when it begins, and tells a digest of the answer, or the error.
fn asker() -> String {
    python(&format!(
        "import hashlib\n\
         for f in frames():\n\
         \x20   if f['type']=='init': say(type='ready')\n\
         \x20   if f['type']=='deps_ready': say(type='call', id='s', method='secret.get', params={{'name':'{NAME}'}})\n\
         \x20   if f['type']=='call:response': say(type='log', level='info', msg='error '+f['error'] if 'error' in f else 'digest '+hashlib.sha256(f['result'].encode()).hexdigest())\n"
    ))
}

/// What [`asker`] says of [`VALUE`]: its SHA-256.
const DIGEST: &str = "digest 6eed16bc8372e610586d6824327a012058a8b13e3285c123ef66a3ffe24de8b0";

fn guest() -> Guest {
    Guest::new().reading_secrets().with(
        "on-call",
        // The name is what it was called with, between its quotes; the answer is its length, or its refusal's number.
        "(call $secret (i32.add (local.get $at) (i32.const 1)) (i32.sub (local.get $len) (i32.const 2)) (i32.const 512))
         (if (i32.load8_u (i32.const 512)) (then
           (i32.store8 (i32.const 600) (i32.add (i32.const 48) (i32.load8_u (i32.const 516))))
           (return (call $bytes (i32.const 600) (i32.const 1)))))
         (i32.store8 (i32.const 600) (i32.add (i32.const 48) (i32.div_u (i32.load (i32.const 520)) (i32.const 10))))
         (i32.store8 (i32.const 601) (i32.add (i32.const 48) (i32.rem_u (i32.load (i32.const 520)) (i32.const 10))))
         (call $bytes (i32.const 600) (i32.const 2))",
    )
}

/// The files below a folder that hold these bytes, and how many were looked at.
fn search(folder: &Path, bytes: &[u8]) -> (Vec<PathBuf>, usize) {
    let (mut found, mut looked_at) = (Vec::new(), 0);
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            let (more, count) = search(&path, bytes);
            found.extend(more);
            looked_at += count;
        } else if let Ok(text) = fs::read(&path) {
            looked_at += 1;
            if holds(&text, bytes) {
                found.push(path);
            }
        }
    }
    (found, looked_at)
}

fn holds(text: &[u8], bytes: &[u8]) -> bool {
    text.windows(bytes.len()).any(|part| part == bytes)
}

/// The secret as it could have been written: plain, backwards, as hex, and as Base64 from wherever its groups of three begin.
fn spellings() -> Vec<Vec<u8>> {
    let hex: String = VALUE.bytes().map(|byte| format!("{byte:02x}")).collect();
    let plain = [VALUE.to_owned(), VALUE.chars().rev().collect(), hex.to_uppercase(), hex];
    let grouped = (0..3).map(|from| base64(&VALUE.as_bytes()[from..]));
    plain.into_iter().map(String::into_bytes).chain(grouped).collect()
}

/// Whole groups of three bytes alone, since what follows decides about the rest.
fn base64(bytes: &[u8]) -> Vec<u8> {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let groups = bytes.chunks_exact(3).map(|three| u32::from_be_bytes([0, three[0], three[1], three[2]]));
    groups.flat_map(|group| [18, 12, 6, 0].map(|shift| DIGITS[(group >> shift) as usize & 63])).collect()
}

fn assert_nowhere_on_disk(home: &Path) {
    for bytes in spellings() {
        let (found, looked_at) = search(home, &bytes);
        assert_eq!(found, Vec::<PathBuf>::new());
        assert!(looked_at > 5, "only {looked_at} files: the journal, logs and the vault are among them");
    }
}

/// What any user of the machine may look at of a process.
fn assert_not_shown_by(pid: u32) {
    for part in ["environ", "cmdline"] {
        let text = fs::read(format!("/proc/{pid}/{part}")).expect("it runs");
        assert!(!text.is_empty(), "{part} of {pid}");
        assert!(!holds(&text, VALUE.as_bytes()), "{part} of {pid}");
    }
}

fn project() -> String {
    "security: {enforcementMode: warn}\nmodules:\n\
     \x20 owner: {run: [python3, asker.py], protocol: lines, permissions: {secrets: [db.password], env: [HOME]}}\n\
     \x20 thief: {run: [python3, asker.py], protocol: lines, permissions: {secrets: [other]}}\n\
     \x20 wasm: {run: guest.wat, provides: [wasm], permissions: {secrets: [db.password]}}\n"
        .to_owned()
}

fn granted_kernel() -> Kept {
    let mut kept = Kept::with(&project());
    kept.kernel.file("asker.py", &asker());
    kept.kernel.file("guest.wat", &guest().text());
    kept.start();
    assert_eq!(kept.kernel.settle(), Vec::<String>::new());
    kept.kernel.wait_for_log("owner", DIGEST);
    kept.kernel.wait_for_log("thief", "error Security violation: not permitted to read secret");
    kept
}

#[test]
fn a_secret_is_in_nothing_that_the_kernel_wrote_or_shows() {
    let mut kept = granted_kernel();
    let kernel = &kept.kernel;
    let asked = json!({ "cmd": "call", "service": "wasm", "method": "go", "params": NAME });
    assert_eq!(kernel.data(asked), json!(VALUE.len()), "the guest has it too");
    // It is held by modules that run; the snapshot of their variables is on disk.
    let set = json!({ "cmd": "context.set", "scope": "module:owner", "key": "step", "value": 1 });
    kernel.data(set);
    let snapshot = kernel.path().join("state/context.json");
    eventually("the snapshot is written", || fs::read(&snapshot).is_ok_and(|text| holds(&text, b"step")));
    assert!(kernel.codes("owner").contains(&"secret.handed_over".to_owned()));
    assert!(kernel.codes("thief").contains(&"secret.forbidden".to_owned()));
    for pid in [Some(kernel.pid()), kernel.module_pid("owner"), kernel.module_pid("thief")] {
        assert_not_shown_by(pid.expect("it runs"));
    }
    for request in [
        json!({ "cmd": "logs", "lines": 1000 }),
        json!({ "cmd": "module.show", "moduleId": "owner" }),
        json!({ "cmd": "module.show", "moduleId": "wasm" }),
        json!({ "cmd": "why", "moduleId": "owner", "limit": 1000 }),
        json!({ "cmd": "permissions.list" }),
        json!({ "cmd": "journal", "limit": 1000 }),
        json!({ "cmd": "usage" }),
        json!({ "cmd": "context.list" }),
        json!({ "cmd": "kernel.status" }),
    ] {
        let shown = kernel.data(request.clone()).to_string();
        for bytes in spellings() {
            assert!(!holds(shown.as_bytes(), &bytes), "{request}");
        }
    }
    assert_nowhere_on_disk(kernel.path());
    // However it ends, nothing is left: neither at once nor by the next life's clearing up.
    kept.kernel.signal(Signal::KILL);
    kept.kernel.wait();
    assert_nowhere_on_disk(kept.kernel.path());
    kept.start();
    assert_nowhere_on_disk(kept.kernel.path());
}

#[test]
fn a_webassembly_module_reads_what_it_was_granted_and_nothing_else() {
    let mut kept = granted_kernel();
    let call = |kernel: &Kernel, name: &str| {
        kernel.data(json!({ "cmd": "call", "service": "wasm", "method": "go", "params": name }))
    };
    assert_eq!(call(&kept.kernel, NAME), json!(VALUE.len()));
    assert_eq!(call(&kept.kernel, "other"), json!(0), "denied");
    assert!(kept.kernel.codes("wasm").contains(&"secret.handed_over".to_owned()));
    // Without its key the vault gives nothing, and the module learns that it is not its fault.
    fs::rename(kept.key_file(), kept.keys.path().join("elsewhere")).expect("moved");
    assert_eq!(call(&kept.kernel, NAME), json!(2), "unavailable");
    fs::rename(kept.keys.path().join("elsewhere"), kept.key_file()).expect("moved");
    assert_eq!(call(&kept.kernel, NAME), json!(VALUE.len()), "it is read afresh each time");
    fs::remove_file(host::Home::at(kept.kernel.path()).vault()).expect("removed");
    assert_eq!(call(&kept.kernel, NAME), json!(1), "missing");
    kept.kernel.signal(Signal::TERM);
    kept.kernel.wait();
}

#[test]
fn a_guest_that_imports_secrets_without_a_grant_is_refused_with_what_it_needs() {
    let mut kernel = Kernel::home("modules:\n  wasm: {run: guest.wat, provides: [wasm]}\n");
    kernel.file("guest.wat", &guest().text());
    kernel.start();
    assert_eq!(kernel.settle(), ["wasm"]);
    let story = kernel.data(json!({ "cmd": "why", "moduleId": "wasm", "limit": 1000 })).to_string();
    assert!(story.contains("at least one secret granted"), "{story}");
}

#[test]
fn variables_that_were_written_outlive_a_kernel_that_was_killed() {
    let mut kernel = Kernel::with("modules: {}\n");
    let scope = "session:chat";
    for (key, ttl) in [("long", json!(3_600_000)), ("short", json!(1))] {
        let set =
            json!({ "cmd": "context.set", "scope": scope, "key": key, "value": { "a": [1] }, "ttlMs": ttl });
        kernel.data(set);
    }
    let snapshot = kernel.path().join("state/context.json");
    eventually("the snapshot is written", || fs::read(&snapshot).is_ok_and(|text| holds(&text, b"long")));
    kernel.signal(Signal::KILL);
    kernel.wait();
    kernel.start();
    let found = kernel.data(json!({ "cmd": "context.list", "scope": scope }));
    let keys: Vec<&str> =
        found["variables"].as_array().expect("rows").iter().filter_map(|row| row["key"].as_str()).collect();
    assert_eq!(keys, ["long"], "what had ended has not come back");
    let long = kernel.data(json!({ "cmd": "context.get", "scope": scope, "key": "long" }));
    assert_eq!(long["value"], json!({ "a": [1] }));
    let left = long["expiresAtMs"].as_u64().expect("it ends");
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
    assert!(u128::from(left) <= now.as_millis() + 3_600_000, "the time between lives counts");
}
