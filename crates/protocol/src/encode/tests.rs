//! What one line looks like in bytes. Whole messages stand in `conformance/vectors/codec-to-module.jsonl`.

use super::*;

#[test]
fn a_uuid_is_written_from_its_highest_digit_on() {
    let text = uuid_text(0x0f0e_0d0c_0b0a_4908_8706_0504_0302_0100);
    assert_eq!(&text, b"0f0e0d0c-0b0a-4908-8706-050403020100");
    assert_eq!(&uuid_text(0), b"00000000-0000-0000-0000-000000000000");
    assert_eq!(&uuid_text(u128::MAX), b"ffffffff-ffff-ffff-ffff-ffffffffffff");
}

#[test]
fn a_delivery_with_its_payload_put_in_later_is_the_same_line() {
    for traceparent in [None, Some("00-1-2-00"), Some("with \"quotes\"")] {
        let (mut whole, mut around) = (b"before".to_vec(), b"before".to_vec());
        deliver(&mut whole, 7, "a topic", b"[1, 2]", traceparent);
        let at = deliver_around(&mut around, 7, "a topic", traceparent);
        around.splice(at..at, *b"[1, 2]");
        assert_eq!(around, whole);
    }
    assert!(is_one_line(b"{}") && !is_one_line(b"{\n}") && !is_one_line(b"{\r}"));
}

#[test]
fn lines_are_added_to_what_is_there() {
    let mut out = b"before\n".to_vec();
    ping(&mut out);
    shutdown(&mut out);
    assert_eq!(out, b"before\n{\"type\":\"ping\"}\n{\"type\":\"shutdown\"}\n");
}

#[test]
fn line_breaks_between_tokens_become_spaces_and_nothing_else_changes() {
    let mut out = b"\n".to_vec();
    write_json(&mut out, b"[\r\n1,\n\"\\n\"\n]");
    assert_eq!(out, b"\n[  1, \"\\n\" ]");
}

#[test]
fn texts_are_escaped_where_json_demands_it() {
    for text in ["", "plain ł🦀", "quote\" and \\", "\n\r\t\u{0}\u{1f}", "\u{7f}\u{2028}"] {
        let mut out = Vec::new();
        write_text(&mut out, text);
        assert_eq!(serde_json::from_slice::<String>(&out).expect("a JSON text"), text);
        assert!(out.iter().all(|byte| *byte >= 0x20));
    }
}

#[test]
fn a_fraction_that_json_can_not_write_is_left_out() {
    for fraction in [f64::NAN, f64::INFINITY] {
        let mut out = Vec::new();
        progress(&mut out, "1", Some(fraction), None);
        assert_eq!(out, b"{\"type\":\"progress\",\"id\":\"1\"}\n");
    }
}

#[test]
fn debug_of_a_call_shows_no_params() {
    let call =
        Call { id: "1", method: "m", params: Some(b"\"secret\""), deadline_ms: None, traceparent: None };
    assert!(!format!("{call:?}").contains("115"), "not even as numbers");
    assert!(!format!("{call:?}").contains("secret"));
}
