//! Older Linux, as far as this one can play it: calls that it has answer as if they were not there. What is lacking is named, what is left
//! holds, and nothing is weaker in silence.
//!
//! A real older Linux is checked by `cargo xtask guest`.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::faults::skipped;
use crate::runner::{Ran, World, finish};

/// Refuses one call with an errno from here on, if one of its arguments has one of these bits or no bits are named, and goes on as
/// another program. A filter of the system's, which no program can put off.
const REFUSE: &str = r#"import ctypes, os, struct, sys
number, errno, argument, bits = (int(word) for word in sys.argv[1:5])
LOAD, IS, HAS, RETURN = 0x20, 0x15, 0x45, 0x06
ALLOW, REFUSE = 0x7fff0000, 0x00050000 | errno
code = [(LOAD, 0, 0, 0), (IS, 0, 2 if bits else 1, number)]
if bits:
    code = [(LOAD, 0, 0, 0), (IS, 0, 3, number), (LOAD, 0, 0, 16 + 8 * argument), (HAS, 0, 1, bits)]
code += [(RETURN, 0, 0, REFUSE), (RETURN, 0, 0, ALLOW)]
text = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *one) for one in code))
program = struct.pack("HxxxxxxQ", len(code), ctypes.addressof(text))
libc = ctypes.CDLL(None, use_errno=True)
if libc.prctl(38, 1, 0, 0, 0) or libc.prctl(22, 2, program, 0, 0):
    sys.exit(f"no filter here: errno {ctypes.get_errno()}")
os.execv(sys.argv[5], sys.argv[5:])
"#;

/// A way to lack something.
struct Form {
    /// The command that goes on as another one.
    prefix: Vec<String>,
    /// What is set for it beside its own variables.
    set: Vec<(String, String)>,
    /// The layers that are lacking then.
    lacks: &'static [&'static str],
}

impl Form {
    fn refusing(call: i64, errno: i32, argument: u32, bits: u32, lacks: &'static [&'static str]) -> Self {
        let words = [call.to_string(), errno.to_string(), argument.to_string(), bits.to_string()];
        let python = ["/usr/bin/python3".to_owned(), "-c".to_owned(), REFUSE.to_owned()];
        Self { prefix: python.into_iter().chain(words).collect(), set: Vec::new(), lacks }
    }

    /// A Linux whose Landlock is of an earlier version, played by a library between `ostoja` and the system.
    fn landlock(library: &Path, abi: u32) -> Self {
        // What each version brought, from the newest: scopes, ports, and a right to cut files short.
        let lacks: &[&str] = match abi {
            ..3 => &["landlock_files", "landlock_net", "landlock_scopes"],
            3 => &["landlock_net", "landlock_scopes"],
            4 | 5 => &["landlock_scopes"],
            6.. => &[],
        };
        let library = library.display().to_string();
        let set = vec![("LD_PRELOAD".to_owned(), library), ("PLAYED_ABI".to_owned(), abi.to_string())];
        Self { prefix: Vec::new(), set, lacks }
    }

    /// Runs `ostoja` in it.
    fn run(&self, world: &World, line: &[&str]) -> Ran {
        let own = world.command(line);
        let mut words = self.prefix.iter().map(AsRef::as_ref).chain([own.get_program()]);
        let mut command = Command::new(words.next().expect("at least itself"));
        command.args(words).args(own.get_args()).env_clear().envs(self.set.iter().cloned());
        command.envs(own.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.current_dir(world.path()).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        finish(command.spawn().expect("it runs"))
    }
}

const LANDLOCK_CREATE_RULESET: i64 = 444;
const SECCOMP: i64 = 317;
const ENOSYS: i32 = 38;
const EINVAL: i32 = 22;

/// `SECCOMP_FILTER_FLAG_NEW_LISTENER`, since Linux 5.0.
const NEW_LISTENER: u32 = 1 << 3;

/// Answers calls about Landlock as a kernel would that knows less: another version, and of what is asked for exactly what that
/// version knows; everything else goes to the real one, with its errors. Rules are thus applied for real, with the masks
/// of that version.
const EARLIER: &str = r#"
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
static int played;
__attribute__((constructor)) static void begin(void) {
    const char *text = getenv("PLAYED_ABI");
    played = text ? atoi(text) : 0;
}
static long real(long number, long a, long b, long c, long d, long e, long f) {
    long result;
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}
static long create(const uint64_t *wanted, unsigned long bytes, long flags) {
    static const uint64_t files[] = {0, 0x1fff, 0x3fff, 0x7fff, 0x7fff, 0xffff, 0xffff};
    const uint64_t known[] = {files[played], played >= 4 ? 3 : 0, played >= 6 ? 3 : 0};
    const unsigned long words = played >= 6 ? 3 : played >= 4 ? 2 : 1;
    if (flags == 1) {
        long version = real(444, 0, 0, 1, 0, 0, 0);
        return version < played ? version : played;
    }
    if (flags) return -EINVAL;
    for (unsigned long at = 0; at < bytes / 8; at++) {
        if (at >= words && wanted[at]) return -E2BIG;
        if (at < words && (wanted[at] & ~known[at])) return -EINVAL;
    }
    return real(444, (long)wanted, bytes, 0, 0, 0, 0);
}
long syscall(long number, ...) {
    va_list all;
    va_start(all, number);
    long a = va_arg(all, long), b = va_arg(all, long), c = va_arg(all, long);
    long d = va_arg(all, long), e = va_arg(all, long), f = va_arg(all, long);
    va_end(all);
    long result;
    if (played && number == 444) result = create((const uint64_t *)a, b, (unsigned)c);
    else if (played && number == 445 && b == 2 && played < 4) result = -EINVAL;
    else if (played && number == 446 && b && played < 7) result = -EINVAL;
    else result = real(number, a, b, c, d, e, f);
    if (result < 0 && result > -4096) {
        errno = -result;
        return -1;
    }
    return result;
}
"#;

/// The layers that stand, by what `doctor` says.
fn standing(ran: &Ran) -> Vec<String> {
    let document: Value =
        serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran:#?}"));
    let findings = document["data"]["findings"].as_array().expect("findings").clone();
    let is_layer = |finding: &&Value| finding["area"] == "containment" && finding["what"] != "level";
    let good = findings.iter().filter(is_layer).filter(|finding| finding["grade"] == "good");
    good.map(|finding| finding["what"].as_str().expect("a name").to_owned()).collect()
}

/// What holds in every form: it is named, a contained module runs without reaching what it was not granted, and one that wants
/// more containment than there is does not start.
fn holds(test: &str, form: &Form) {
    let world = World::new();
    let whole = standing(&world.run("--json doctor"));
    let left = standing(&form.run(&world, &["--json", "doctor"]));
    let expected: Vec<String> =
        whole.iter().filter(|layer| !form.lacks.contains(&layer.as_str())).cloned().collect();
    if !form.lacks.iter().any(|layer| whole.iter().any(|one| one == layer)) {
        return skipped(test, "what is to be taken away is not there");
    }
    assert_eq!(left, expected, "what is lacking is named, and nothing else is lost with it");
    fs::write(world.path().join("secret"), "the secret\n").expect("it is ours");
    fs::create_dir(world.path().join("room")).expect("it is ours");
    let project = format!(
        "modules:\n  held:\n    run: 'cat {secret} || echo refused; echo looked; exec sleep 1000'\n    cwd: room\n    \
         ready: {{ log: looked }}\n    permissions: {{ run: [cat, sleep] }}\n  \
         strict:\n    run: sleep 1000\n    cwd: room\n    autostart: false\n    permissions: {{ run: [sleep], net: [\"127.0.0.1:9\"] }}\n    \
         security: {{ minimum: full }}\n",
        secret = world.path().join("secret").display()
    );
    fs::write(world.path().join("ostoja.yaml"), project).expect("it is ours");
    form.run(&world, &["up", "-d", "-f", "ostoja.yaml"]).expect(0);
    let said = world.run("logs held").expect(0).stdout;
    assert!(said.contains("refused") && !said.contains("the secret"), "{said}");
    let level = world.run("--json status held").expect(0).json()["data"]["containment"].to_string();
    let refused = world.run("start strict");
    assert_ne!(refused.code, 0, "it was started below what it asks for");
    assert!(refused.stderr.contains("security.minimum"), "{}", refused.stderr);
    let own = form.lacks.iter().filter(|layer| **layer != "net_broker");
    own.for_each(|layer| assert!(level.contains(layer), "{level} does not name {layer}"));
    world.run("down").expect(0);
}

/// Whether these programs are there.
fn given(test: &str, programs: &[&str]) -> bool {
    let lacking = programs.iter().find(|program| !Path::new(program).exists());
    if let Some(program) = lacking {
        skipped(test, &format!("{program} is not there"));
    }
    lacking.is_none()
}

#[test]
fn without_landlock_the_other_layers_hold() {
    let test = "without_landlock_the_other_layers_hold";
    if given(test, &["/usr/bin/python3"]) {
        let lacks = &["landlock_files", "landlock_net", "landlock_scopes", "run_list"];
        holds(test, &Form::refusing(LANDLOCK_CREATE_RULESET, ENOSYS, 0, 0, lacks));
    }
}

#[test]
fn with_each_earlier_landlock_its_own_masks_are_applied_and_what_it_lacks_is_named() {
    let test = "with_each_earlier_landlock_its_own_masks_are_applied_and_what_it_lacks_is_named";
    if !cfg!(target_arch = "x86_64") {
        return skipped(test, "the library that plays it is for another processor");
    }
    let world = World::new();
    let (source, library) = (world.path().join("earlier.c"), world.path().join("earlier.so"));
    fs::write(&source, EARLIER).expect("it is ours");
    let made = Command::new("cc").args(["-O1", "-shared", "-fPIC", "-o"]).arg(&library).arg(&source).output();
    if !made.is_ok_and(|output| output.status.success()) {
        return skipped(test, "there is no cc here");
    }
    let whole = standing(&world.run("--json doctor"));
    for abi in 1..=6 {
        let form = Form::landlock(&library, abi);
        if form.lacks.is_empty() {
            let left = standing(&form.run(&world, &["--json", "doctor"]));
            assert_eq!(left, whole, "the version {abi} has all that is used");
        } else {
            holds(test, &form);
        }
    }
}

#[test]
fn without_the_notification_of_calls_the_other_layers_hold() {
    let test = "without_the_notification_of_calls_the_other_layers_hold";
    if given(test, &["/usr/bin/python3"]) {
        holds(test, &Form::refusing(SECCOMP, EINVAL, 1, NEW_LISTENER, &["net_broker"]));
    }
}

#[test]
fn without_a_group_of_processes_the_layers_hold_and_bounds_are_told() {
    let test = "without_a_group_of_processes_the_layers_hold_and_bounds_are_told";
    let words = ["unshare", "--mount"];
    let tried = Command::new(words[0]).args(&words[1..]).args(["umount", "-l", "/sys/fs/cgroup"]).output();
    if !tried.is_ok_and(|output| output.status.success()) {
        return skipped(test, "no mount namespace without /sys/fs/cgroup here");
    }
    let world = World::new();
    fs::write(
        world.path().join("ostoja.yaml"),
        "modules:\n  web: { run: sleep 1000, limits: { processes: 9 } }\n",
    )
    .expect("it is ours");
    let line = ["sh", "-c", "umount -l /sys/fs/cgroup && exec \"$@\"", "sh"];
    let prefix = words.iter().chain(&line).map(|word| (*word).to_owned()).collect();
    let form = Form { prefix, set: Vec::new(), lacks: &[] };
    form.run(&world, &["up", "-d", "-f", "ostoja.yaml"]).expect(0);
    let bounds = world.run("--json kernel status").expect(0).json()["data"]["kernel"]["bounds"].to_string();
    assert!(!bounds.contains("cgroup"), "{bounds}");
    world.run("status web").expect(0);
    world.run("down").expect(0);
}
