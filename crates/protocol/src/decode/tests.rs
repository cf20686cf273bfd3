//! The header fields at their limits. Whole lines stand in `conformance/vectors/codec-*.jsonl`.

use super::fields::units_beyond_limit;
use super::*;

fn seq_of(json: &str) -> Option<u64> {
    let line = format!(r#"{{"type":"chunk","id":"1","seq":{json}}}"#);
    match decode(line.as_bytes()) {
        Decoded::Frame(Frame::Chunk { seq, .. }) => Some(seq),
        Decoded::Invalid(Rejected::NotWhole { frame: "chunk", field: "seq" }) => None,
        other => panic!("{line} is {other:?}"),
    }
}

#[test]
fn whole_numbers_may_be_written_as_floats_while_those_are_exact() {
    for (json, whole) in [
        ("0", 0),
        ("18446744073709551615", u64::MAX),
        ("3.0", 3),
        ("1e3", 1000),
        ("9007199254740992.0", 1 << 53),
        ("0.0", 0),
    ] {
        assert_eq!(seq_of(json), Some(whole), "{json}");
    }
    for json in ["18446744073709551616", "9007199254740994.0", "0.5", "-1", "-0.5", "true", "[]", "\"1\""] {
        assert_eq!(seq_of(json), None, "{json}");
    }
}

#[test]
fn length_is_counted_in_utf_16_units() {
    assert_eq!(units_beyond_limit(&"x".repeat(256)), None);
    assert_eq!(units_beyond_limit(&"x".repeat(257)), Some(257));
    assert_eq!(units_beyond_limit(&"€".repeat(256)), None);
    assert_eq!(units_beyond_limit(&"€".repeat(257)), Some(257));
    assert_eq!(units_beyond_limit(&"🦀".repeat(128)), None);
    assert_eq!(units_beyond_limit(&"🦀".repeat(129)), Some(258));
}

#[test]
fn a_raw_value_knows_its_place_only_in_its_own_line() {
    let line = br#"{"type":"publish","topic":"t","payload":[1]}"#.to_vec();
    let other = line.clone();
    let Decoded::Frame(Frame::Publish { payload, .. }) = decode(&line) else { panic!("a publish") };
    assert_eq!(payload.range_in(&line), Some(40..43));
    assert_eq!(payload.range_in(&other), None);
    assert_eq!(payload.range_in(&line[..41]), None);
}

#[test]
fn a_header_text_without_escapes_is_borrowed() {
    let line = br#"{"type":"publish","topic":"pogoda:\u0142","payload":1}"#;
    assert!(matches!(decode(line), Decoded::Frame(Frame::Publish { topic: Cow::Owned(_), .. })));
    let line = "{\"type\":\"publish\",\"topic\":\"pogoda:ł\",\"payload\":1}";
    assert!(matches!(
        decode(line.as_bytes()),
        Decoded::Frame(Frame::Publish { topic: Cow::Borrowed("pogoda:ł"), .. })
    ));
}

#[test]
fn a_deep_payload_is_not_walked() {
    let deep = format!(
        r#"{{"type":"publish","topic":"t","payload":{}{}}}"#,
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    assert!(matches!(decode(deep.as_bytes()), Decoded::Frame(Frame::Publish { .. })));
}

#[test]
fn an_unpaired_surrogate_in_a_payload_is_handed_on_as_it_is() {
    let line = br#"{"type":"publish","topic":"t","payload":"\ud83d"}"#;
    let Decoded::Frame(Frame::Publish { payload, .. }) = decode(line) else { panic!("a publish") };
    assert_eq!(payload.as_str(), r#""\ud83d""#);
}

#[test]
fn every_fault_has_a_code_of_its_own() {
    use abi::Explain;
    let (frame, field) = ("call", "id");
    let faults = [
        Rejected::NotAnObject,
        Rejected::TypeMissing,
        Rejected::TypeNotText,
        Rejected::UnknownType("x".to_owned()),
        Rejected::Missing { frame, field },
        Rejected::NotText { frame, field },
        Rejected::TooLong { frame, field, units: 300 },
        Rejected::NotWhole { frame, field },
        Rejected::NotNumber { frame, field },
        Rejected::BadItems,
    ];
    let codes: std::collections::BTreeSet<_> = faults.iter().map(Explain::code).collect();
    assert_eq!(codes.len(), faults.len());
    assert!(codes.iter().all(|code| code.starts_with("protocol::frame::")));
}
