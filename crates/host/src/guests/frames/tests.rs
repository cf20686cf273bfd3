//! Frames to a guest and back: what JSON is taken, and what is refused with its reason.

use super::*;

fn text_of(bytes: &[u8]) -> Result<Option<String>, String> {
    json_of(bytes.to_vec())
        .map(|payload| payload.map(|payload| String::from_utf8_lossy(payload.as_bytes()).into()))
}

#[test]
fn what_goes_to_other_modules_is_json_in_one_line() {
    assert_eq!(text_of(b""), Ok(None));
    assert_eq!(text_of(b"{\"a\":\n1}\r\n"), Ok(Some("{\"a\": 1}  ".to_owned())));
    assert!(text_of(b"{\"a\":1}\n{\"type\":\"shutdown\"}").is_err(), "a second frame can't be slipped in");
    assert!(text_of(b"\"\xff\"").is_err(), "no UTF-8");
    assert!(text_of(b"\"a\nb\"").is_err(), "a line break in a text is no JSON");
}

#[test]
fn the_kernels_words_for_a_failed_call_are_told_apart_from_the_services_own() {
    let of = |text: &str| failure_of(text.to_owned());
    assert_eq!(of("forbidden"), CallFailure::Denied);
    assert_eq!(of("service_not_found"), CallFailure::NotFound);
    assert_eq!(of("timeout"), CallFailure::Timeout);
    assert_eq!(of("Module x stopped while processing RPC"), CallFailure::Gone);
    assert_eq!(of("it does not add up"), CallFailure::Failed("it does not add up".to_owned()));
}

#[test]
fn frames_without_an_export_are_not_told() {
    assert!(what_of(Outgoing::DepsReady).is_none());
    assert!(what_of(Outgoing::Install).is_none());
    assert!(matches!(what_of(Outgoing::Ping), Some(What::Health)));
}

#[test]
fn numbers_are_their_own_text() {
    assert_eq!(ticket_of(&word_of(u64::MAX)), Some(Ticket(u64::MAX)));
    assert_eq!(ticket_of(&Word::literal("fn:1")), None);
}
