//! How frames look, and what a record keeps.

use serde_json::{Value, json};

use super::{DevFrame, DevWay, Recorder, read, shown};
use crate::theme::{Glyphs, Theme};

fn frame(way: DevWay, frame: Value) -> DevFrame {
    DevFrame { ts_ms: 1, module_id: "greeter".to_owned(), generation: 1, way, frame }
}

#[track_caller]
fn check(given: Value, expected: &str) {
    let theme = Theme::plain(Glyphs::Ascii);
    assert_eq!(shown(&theme, &frame(DevWay::ToModule, given), 60), expected);
}

#[test]
fn a_frame_says_what_it_is_about_and_what_it_carries() {
    check(
        json!({ "type": "rpc_request", "id": "7", "from": "a", "service": "greeter", "method": "hello", "params": { "name": "Ada" } }),
        r#"> rpc_request  greeter.hello #7 {"name":"Ada"}"#,
    );
    check(json!({ "type": "rpc_response", "id": "7", "result": "hello" }), r#"> rpc_response #7 "hello""#);
    check(json!({ "type": "rpc_response", "id": "7", "error": "no" }), r#"> rpc_response #7 error="no""#);
    check(json!({ "type": "publish", "topic": "news", "payload": 1 }), "> publish      news 1");
    check(
        json!({ "type": "call", "id": "12345678-9", "method": "config.get", "params": { "key": "a" } }),
        r#"> call         config.get #12345678 {"key":"a"}"#,
    );
    check(json!({ "type": "shutdown" }), "> shutdown     ");
}

#[test]
fn a_long_frame_is_cut_to_the_width_and_can_not_move_the_cursor() {
    let long = frame(
        DevWay::FromModule,
        json!({ "type": "publish", "topic": "t", "payload": "\u{1b}[2J".to_owned() + &"x".repeat(500) }),
    );
    let line = shown(&Theme::plain(Glyphs::Ascii), &long, 60);
    assert_eq!(line.chars().count(), 60, "{line}");
    assert!(line.starts_with("< publish") && line.ends_with('~') && !line.contains('\u{1b}'), "{line}");
}

#[test]
fn what_was_kept_is_read_again_and_a_broken_line_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("talk.jsonl");
    let mut recorder = Recorder::begin(&path).expect("it is ours");
    let kept = frame(DevWay::FromModule, json!({ "type": "pong" }));
    recorder.keep(&kept).expect("it is ours");
    assert_eq!(read(&path).expect("it is whole"), [kept]);
    let text = std::fs::read_to_string(&path).expect("text") + "{\"tsMs\": }\n";
    std::fs::write(&path, text).expect("it is ours");
    let Err(crate::failure::Stopped::Failed(failure)) = read(&path) else { panic!("it is broken") };
    assert_eq!(failure.code, "cli::replay::broken");
    assert!(failure.message.contains("talk.jsonl:2:10"), "{}", failure.message);
}
