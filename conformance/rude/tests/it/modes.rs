//! One test per way to behave.

use std::process::Command;

use rustix::process::{Pid, Signal, kill_process};

use crate::spawned::{Spawned, is_gone};

#[test]
fn help_lists_every_mode_once() {
    let run = |words: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_rude")).args(words).output().expect("it runs");
        (output.status.code(), String::from_utf8(output.stdout).expect("UTF-8"))
    };
    let (code, text) = run(&["--help"]);
    assert_eq!(code, Some(0));
    let names: Vec<&str> =
        text.lines().filter(|line| line.starts_with("  ")).map(|line| &line[2..28]).collect();
    let mut unique = names.clone();
    unique.sort_unstable();
    unique.dedup();
    assert_eq!((names.len(), unique.len()), (32, 32), "{text}");
    assert_eq!(run(&[]), (Some(64), text.clone()));
    assert_eq!(run(&["unheard-of"]), (Some(64), text));
}

#[test]
fn without_arguments_the_mode_is_in_a_file_beside_the_program() {
    let folder = tempfile::tempdir().expect("a folder");
    let program = folder.path().join("entry");
    std::fs::copy(env!("CARGO_BIN_EXE_rude"), &program).expect("a copy");
    std::fs::write(folder.path().join("rude.mode"), "exit-at-once 9\n").expect("a file");
    let mut spawned = Spawned::command(Command::new(program));
    assert_eq!(spawned.exit_status().code(), Some(9));
}

#[test]
fn good_echoes_and_leaves_with_0() {
    for ending in ["shutdown", "end of stdin"] {
        let mut good = Spawned::ready("good greeter");
        assert_eq!(good.expect("ready"), "{\"type\":\"ready\",\"manifest\":{\"provides\":[\"greeter\"]}}\n");
        good.call("a\\\"b");
        assert_eq!(good.expect("rpc"), "{\"type\":\"rpc_response\",\"id\":\"a\\\"b\",\"result\":[1]}\n");
        assert!(good.lives_after_ping());
        match ending {
            "shutdown" => good.say(r#"{"type":"shutdown"}"#),
            _ => good.hang_up(),
        }
        assert_eq!(good.exit_status().code(), Some(0), "{ending}");
    }
}

#[test]
fn the_probe_reports_latencies() {
    let folder = tempfile::tempdir().expect("a folder");
    let report = folder.path().join("report.json");
    let mut command = Command::new(env!("CARGO_BIN_EXE_rude"));
    command.args(["relay-probe", "echo", "20", "4"]).env("RUDE_REPORT", &report);
    let mut probe = Spawned::command(command);
    probe.say(r#"{"type":"init"}"#);
    probe.say(r#"{"type":"deps_ready"}"#);
    probe.expect("ready");
    for id in 0..20 {
        probe.expect(&format!("\"id\":\"{id}\""));
        let outcome = if id == 0 { r#""error":"no""# } else { r#""result":1"# };
        probe.say(&format!(r#"{{"type":"rpc_response","id":"{id}",{outcome}}}"#));
    }
    let log = probe.expect("relay-probe");
    assert!(log.contains("\"calls\":20,\"failed\":1,\"in_flight\":4"), "{log}");
    probe.lives_after_ping();
    let written = std::fs::read_to_string(report).expect("the report");
    assert!(written.contains("\"p50_us\":") && log.contains(written.trim()), "{written}");
}

#[test]
fn floods_do_not_end() {
    for (mode, text) in [("flood-stdout", "no frame"), ("flood-frames", "\"publish\"")] {
        let mut flood = Spawned::ready(mode);
        flood.expect("ready");
        for _ in 0..20_000 {
            flood.expect(text);
        }
        assert!(flood.is_running());
        flood.hang_up();
        assert_eq!(flood.exit_status().code(), Some(0));
    }
    let mut flood = Spawned::ready("flood-stderr");
    assert_eq!(flood.stderr_line(), "water on stderr\n");
}

#[test]
fn half_a_line_is_followed_by_nothing() {
    let mut half = Spawned::ready("half-line");
    half.expect("ready");
    half.say(r#"{"type":"ping"}"#);
    half.hang_up();
    assert_eq!(half.line().as_deref(), Some(&b"{\"type\":\"publish\",\"topic\":\"half"[..]));
    assert_eq!(half.line(), None);
}

#[test]
fn bad_lines_are_followed_by_a_good_one() {
    let said_before_the_good_one = |mode: &str| {
        let mut module = Spawned::ready(mode);
        let mut lines: Vec<Vec<u8>> = Vec::new();
        while let Some(line) = module.line() {
            if line.windows(7).any(|part| part == b"\"after\"") {
                break;
            }
            lines.push(line);
        }
        assert!(module.lives_after_ping(), "{mode}");
        lines
    };
    let longest = |mode: &str| said_before_the_good_one(mode).iter().map(Vec::len).max();
    assert!(longest("long-line") > Some(10_000_000));
    assert!(longest("deep-json") > Some(200_000));
    assert_eq!(said_before_the_good_one("spam-unknown-types").len(), 1 + 26 * 1000);
    let lines = said_before_the_good_one("invalid-utf8");
    assert_eq!(lines.iter().filter(|line| std::str::from_utf8(line).is_err()).count(), 4);
}

#[test]
fn die_mid_line_leaves_with_3() {
    let mut dying = Spawned::ready("die-mid-line");
    dying.expect("ready");
    let last = dying.line().expect("half a line");
    assert!(!last.ends_with(b"\n"));
    assert_eq!(dying.exit_status().code(), Some(3));
}

#[test]
fn hang_says_nothing() {
    let mut hanging = Spawned::ready("hang");
    hanging.say(r#"{"type":"ping"}"#);
    hanging.hang_up();
    assert_eq!(hanging.line(), None);
    assert_eq!(hanging.exit_status().code(), Some(0));
}

#[test]
fn ready_can_be_a_lie_or_come_twice() {
    let lie = Spawned::ready("lying-ready").expect("ready");
    assert!(lie.contains("somebody-else") && lie.contains("system:module:*"), "{lie}");
    let mut twice = Spawned::ready("ready-twice");
    twice.say(r#"{"type":"ping"}"#);
    assert_eq!(twice.count_until("ready", "pong"), 2);
}

#[test]
fn early_exits_have_their_codes() {
    assert_eq!(Spawned::start("exit-at-once").exit_status().code(), Some(7));
    assert_eq!(Spawned::start("exit-at-once 0").exit_status().code(), Some(0));
    let mut failing = Spawned::ready("exit-in-init-with-nack");
    failing.expect(r#"{"type":"nack","id":"init","error":"no database"}"#);
    assert_eq!(failing.exit_status().code(), Some(1));
}

#[test]
fn no_pong_answers_calls_only() {
    let mut module = Spawned::ready("no-pong");
    module.say(r#"{"type":"ping"}"#);
    module.call("a");
    assert_eq!(module.count_until("pong", "rpc_response"), 0);
}

#[test]
fn deaf_says_ready_unasked_and_answers_nothing() {
    let mut deaf = Spawned::start("deaf");
    deaf.expect("ready");
    deaf.hang_up();
    assert!(deaf.is_running());
}

#[test]
fn shutdown_is_ignored() {
    for mode in ["ignore-shutdown", "refuse-sigterm"] {
        let mut module = Spawned::ready(mode);
        module.say(r#"{"type":"shutdown"}"#);
        assert!(module.lives_after_ping(), "{mode}");
    }
}

#[test]
fn sigterm_is_refused() {
    let mut module = Spawned::ready("refuse-sigterm");
    module.expect("ready");
    module.terminate();
    assert!(module.lives_after_ping());
    module.hang_up();
    module.terminate();
    assert!(module.is_running());
}

#[test]
fn the_end_of_stdin_is_ignored() {
    let mut module = Spawned::ready("eof-ignorer");
    assert!(module.lives_after_ping());
    module.hang_up();
    assert!(module.is_running());
    module.terminate();
    assert_eq!(module.exit_status().code(), None, "only a signal ends it");
}

#[test]
fn slow_reader_and_burner_still_answer() {
    for mode in ["slow-reader", "burn-cpu 2"] {
        let mut module = Spawned::ready(mode);
        module.call("a");
        module.expect("rpc_response");
        assert!(module.lives_after_ping(), "{mode}");
    }
}

#[test]
fn a_grandchild_forks_away_with_the_pipes() {
    let mut module = Spawned::ready("fork-away");
    let log = module.expect("forked away");
    let pid: u32 = log.chars().filter(char::is_ascii_digit).collect::<String>().parse().expect("a pid");
    module.say(r#"{"type":"shutdown"}"#);
    let raw = i32::try_from(pid).ok().and_then(Pid::from_raw).expect("a pid");
    assert_ne!(rustix::process::getpgid(Some(raw)).ok(), rustix::process::getpgid(None).ok());
    assert!(
        std::fs::exists(format!("/proc/{pid}")).expect("procfs"),
        "it outlives the shutdown of its grandparent"
    );
    kill_process(raw, Signal::KILL).expect("it runs");
    assert!(is_gone(pid));
    assert_eq!(module.exit_status().code(), Some(0), "the pipe ends only with the grandchild");
}

#[test]
fn wrong_and_foreign_answers_come() {
    let mut wrong = Spawned::ready("answer-wrong-id");
    wrong.call("a");
    assert!(wrong.expect("rpc_response").contains("\"ax\""));
    let mut foreign = Spawned::ready("answer-foreign");
    assert_eq!(foreign.count_until("stolen", "after"), 2000);
    foreign.call("mine");
    assert_eq!(foreign.count_until("stolen", "\"mine\""), 2000);
}

#[test]
fn floods_of_requests_count_their_answers() {
    for (mode, kind, answer) in [
        ("ten-thousand-calls", "rpc_request", "rpc_response"),
        ("request-permissions-flood", "permissions.request", "call:response"),
    ] {
        let mut module = Spawned::ready(mode);
        assert_eq!(module.count_until(kind, "after"), 10_000);
        for id in 0..10_000 {
            let outcome = if id < 9 { r#""result":1"# } else { r#""error":"overloaded""# };
            module.say(&format!(r#"{{"type":"{answer}","id":"{id}",{outcome}}}"#));
        }
        let log = module.expect("answers");
        assert!(log.contains(r#"{"no error":9,"overloaded":9991}"#), "{log}");
    }
}

#[test]
fn forbidden_topics_and_foreign_sections_are_asked_for() {
    let module = Spawned::ready("publish-forbidden");
    assert_eq!(module.count_until("publish", "after"), 5);
    let mut thief = Spawned::ready("steal-config other.secret");
    for method in ["config.get", "config.set"] {
        let line = thief.expect(method);
        assert!(line.contains("other.secret"), "{line}");
    }
    thief.say(r#"{"type":"call:response","id":"get other.secret","error":"Security violation"}"#);
    thief.say(r#"{"type":"call:response","id":"set other.secret","result":{"success":false}}"#);
    let log = thief.expect("answers");
    assert!(log.contains("Security violation") && log.contains("success"), "{log}");
}

#[test]
fn the_probe_and_a_good_module_need_no_kernel_between_them() {
    let folder = tempfile::tempdir().expect("a folder");
    let report = folder.path().join("report.json");
    let mut command = Command::new(env!("CARGO_BIN_EXE_rude"));
    command.args(["relay-probe", "echo", "100", "8"]).env("RUDE_REPORT", &report);
    let (mut probe, mut good) = (Spawned::command(command), Spawned::start("good"));
    for module in [&mut probe, &mut good] {
        module.say(r#"{"type":"init"}"#);
    }
    good.relay_to(&mut probe);
    let mut log = String::new();
    while !log.contains("relay-probe") {
        log = String::from_utf8(probe.line().expect("more lines")).expect("UTF-8");
        good.say(log.trim_end());
    }
    assert!(log.contains("\"calls\":100,\"failed\":0,\"in_flight\":8"), "{log}");
    assert!(std::fs::exists(report).expect("a folder"));
}
