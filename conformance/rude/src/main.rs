//! `rude <mode>`: a module that misbehaves in one way, so that tests can see that it hurts only itself.
//!
//! It speaks the raw protocol by hand and shares no code with the kernel: a mistake in the codec must not hide here.
//! Two modes are well-behaved on purpose: `good` is what the others are compared with, `relay-probe` measures.
//!
//! The mode comes from the command line; without arguments from a file `rude.mode` beside the program, because the
//! entry of a `module.json` has no arguments.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod answers;
mod calls;
mod door;
mod floods;
mod good;
mod hogs;
mod life;
mod lines;
mod orphans;
mod probe;

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

/// One way to behave.
struct Mode {
    name: &'static str,
    about: &'static str,
    run: fn(&[String]) -> ExitCode,
}

const fn mode(name: &'static str, about: &'static str, run: fn(&[String]) -> ExitCode) -> Mode {
    Mode { name, about, run }
}

/// EX_USAGE of sysexits(3).
const EXIT_MISUSE: u8 = 64;

const MODES: &[Mode] = &[
    mode("good", "good [service=echo]: well-behaved; answers every call with its params", good::good),
    mode(
        "relay-probe",
        "relay-probe [service=echo] [calls=10000] [in-flight=1] [bytes=16]: measures calls, writes percentiles to a log frame and to $RUDE_REPORT",
        probe::relay_probe,
    ),
    mode("flood-stdout", "text lines on stdout without end", floods::stdout),
    mode("flood-frames", "publish and log frames without end", floods::frames),
    mode("flood-stderr", "text lines on stderr without end", floods::stderr),
    mode("eat-memory", "ready, then memory without end", hogs::eat_memory),
    mode("fork-bomb", "ready, then starts itself without end", hogs::fork_bomb),
    mode("half-line", "half a frame, then silence", lines::half_line),
    mode("long-line", "one line of 10 MB, then a log frame", lines::long_line),
    mode("invalid-utf8", "frames with bytes that are no UTF-8, then a log frame", lines::invalid_utf8),
    mode("deep-json", "a payload of 100,000 nested lists, then a log frame", lines::deep_json),
    mode("spam-unknown-types", "unknown and malformed frames, then a log frame", lines::spam_unknown_types),
    mode("die-mid-line", "leaves with 3 in the middle of a frame", lines::die_mid_line),
    mode("hang", "never ready", life::hang),
    mode("lying-ready", "a ready frame with another module's id, services and rights", life::lying_ready),
    mode("ready-twice", "two ready frames, then as good", life::ready_twice),
    mode("exit-at-once", "exit-at-once [code=7]: leaves before it reads anything", life::exit_at_once),
    mode("exit-in-init-with-nack", "a nack for init, then leaves with 1", life::exit_in_init_with_nack),
    mode("no-pong", "as good, but never answers a ping", life::no_pong),
    mode("ignore-shutdown", "as good, but goes on after shutdown", life::ignore_shutdown),
    mode(
        "refuse-sigterm",
        "goes on after SIGTERM, SIGINT, SIGHUP, shutdown and the end of stdin",
        life::refuse_sigterm,
    ),
    mode("eof-ignorer", "as good, but goes on after the end of stdin", life::eof_ignorer),
    mode("deaf", "ready, but never reads stdin", life::deaf),
    mode("slow-reader", "as good, but reads 64 bytes every 10 ms", life::slow_reader),
    mode("burn-cpu", "burn-cpu [threads=1]: as good, with threads that only compute", life::burn_cpu),
    mode(
        "fork-away",
        "as good, with a grandchild in a session of its own that holds the pipes",
        orphans::fork_away,
    ),
    mode("answer-wrong-id", "answers every call under another id", answers::wrong_id),
    mode("answer-foreign", "answers calls that were never its own", answers::foreign),
    mode(
        "ten-thousand-calls",
        "ten-thousand-calls [service=silent]: 10,000 calls at once; logs what came back",
        calls::ten_thousand,
    ),
    mode(
        "publish-forbidden",
        "publishes on system: and kernel. topics, then a log frame",
        calls::publish_forbidden,
    ),
    mode(
        "steal-config",
        "steal-config [key=security]...: reads and writes sections of others; logs the answers",
        calls::steal_config,
    ),
    mode(
        "request-permissions-flood",
        "10,000 different permission requests; logs what came back",
        calls::request_permissions,
    ),
];

fn main() -> ExitCode {
    let mut words = std::env::args();
    let program = words.next().unwrap_or_default();
    let mut words: Vec<String> = words.collect();
    if words.is_empty() {
        words = words_of_file(&program);
    }
    let Some((name, rest)) = words.split_first() else {
        return help(ExitCode::from(EXIT_MISUSE));
    };
    if name == "--help" || name == "-h" {
        return help(ExitCode::SUCCESS);
    }
    if name == orphans::INNER_MODE {
        return orphans::inner(rest);
    }
    match MODES.iter().find(|mode| mode.name == name) {
        Some(mode) => (mode.run)(rest),
        None => help(ExitCode::from(EXIT_MISUSE)),
    }
}

fn words_of_file(program: &str) -> Vec<String> {
    let folder = Path::new(program).parent().unwrap_or(Path::new("."));
    let text = std::fs::read_to_string(folder.join("rude.mode")).unwrap_or_default();
    text.split_whitespace().map(str::to_owned).collect()
}

fn help(code: ExitCode) -> ExitCode {
    let mut text = "rude <mode>: a module that misbehaves on purpose\n\n".to_owned();
    for mode in MODES {
        text.push_str(&format!("  {:26} {}\n", mode.name, mode.about));
    }
    let written = std::io::stdout().write_all(text.as_bytes());
    if written.is_ok() { code } else { ExitCode::FAILURE }
}
