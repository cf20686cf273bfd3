//! Log lines, and what modules must not be able to do to a terminal.

use expect_test::expect;
use serde_json::json;

use super::*;
use crate::samples::NOW_MS;
use crate::theme::{Colors, Glyphs};

fn line(module: &str, level: &str, source: &str, msg: &str) -> LogLine {
    LogLine {
        ts_ms: NOW_MS,
        module_id: module.to_owned(),
        generation: 1,
        level: level.to_owned(),
        source: source.to_owned(),
        msg: msg.to_owned(),
        data: None,
        topic: None,
    }
}

#[test]
fn lines_stand_below_each_other_with_their_speakers() {
    let mut printer = LogPrinter::new(Theme::plain(Glyphs::Unicode), TimeZone::UTC, Clock::Shown);
    printer.expect(["web", "worker"]);
    let with_data = LogLine { data: Some(json!({ "port": 80 })), ..line("web", "info", "log", "listening") };
    let mut text = printer.line(&with_data);
    text.push_str(&printer.line(&line("worker", "error", "log", "no route")));
    text.push_str(&printer.line(&line("worker", "warn", "stderr", "Traceback:\n  at x")));
    text.push_str(&printer.line(&line("a-module-with-a-very-long-name", "info", "stdout", "hello")));
    text.push_str(&printer.line(&line("web", "warn", "stdout", "")));
    text.push_str(&printer.note("3 lines were lost"));
    expect![[r#"
        10:30:00.000 web    │ listening {"port":80}
        10:30:00.000 worker │ error: no route
        10:30:00.000 worker │ Traceback:
        10:30:00.000 worker │   at x
        10:30:00.000 a-module-with-a-ver~ │ hello
        10:30:00.000 web                  │  
        ostoja               │ 3 lines were lost
    "#]]
    .assert_eq(&text);
}

#[test]
fn speakers_keep_their_colours() {
    let theme = Theme { colors: Colors::On, ..Theme::plain(Glyphs::Unicode) };
    let mut printer = LogPrinter::new(theme, TimeZone::UTC, Clock::Hidden);
    let first = printer.line(&line("web", "info", "log", "x"));
    let other = printer.line(&line("db", "info", "log", "x"));
    assert_ne!(first.split('m').next(), other.split('m').next());
    assert_eq!(printer.line(&line("web", "info", "log", "x")), first);
}

#[test]
fn escape_sequences_and_controls_do_not_reach_the_terminal() {
    let check = |from: &str, to: &str| assert_eq!(clean(from), to, "{from:?}");
    check("plain ąęł\ttab\n", "plain ąęł\ttab\n");
    check("\x1b[31mred\x1b[0m", "red");
    check("\x1b]0;title\x07after", "after");
    check("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link");
    check("\x1b(Bx", "Bx");
    check("a\rb\x08c\x07d\u{9b}2J", "abcd2J");
    check("\x1b", "");
    check("\x1b[", "");
    check("\x1b]never ended", "");
    check("user\u{202e}txt.exe", "usertxt.exe");
}
