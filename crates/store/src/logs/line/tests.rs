//! An entry comes back from its line, whatever a module says.

use expect_test::expect;
use proptest::prelude::*;

use super::*;

fn module() -> ModuleId {
    ModuleId::parse("m").unwrap()
}

fn entry(line: LogLine) -> LogEntry {
    LogEntry { module: module(), generation: Generation(2), ts: Wall(1), said: Said::Line(line) }
}

fn written(mut entry: LogEntry) -> String {
    let mut out = Vec::new();
    trim(&mut entry);
    push_line(&entry, &mut out);
    String::from_utf8(out).unwrap()
}

fn parse_line(line: &str) -> Option<LogEntry> {
    parse(&module(), line.strip_suffix('\n').expect("a line ends with its newline").as_bytes())
}

fn with_data(data: &str) -> LogEntry {
    entry(LogLine { data: Some(data.to_owned()), ..LogLine::new(Level::Info, Source::Log, "") })
}

#[test]
fn lines_look_as_documented() {
    let line = LogLine {
        data: Some(r#"{"b":1,"a":[2]}"#.to_owned()),
        topic: Some("t".to_owned()),
        ..LogLine::new(Level::Warn, Source::Stderr, "a \"b\"\n")
    };
    expect![[r#"
        {"ts_ms":1,"gen":2,"level":"warn","source":"stderr","msg":"a \"b\"\n","data":{"b":1,"a":[2]},"topic":"t"}
    "#]]
    .assert_eq(&written(entry(line)));
    expect![[r#"
        {"ts_ms":1,"gen":2,"level":"info","source":"kernel","msg":""}
    "#]]
    .assert_eq(&written(entry(LogLine::new(Level::Info, Source::Kernel, ""))));
    expect![[r#"
        {"ts_ms":1,"gen":2,"lost":3}
    "#]]
    .assert_eq(&written(LogEntry { said: Said::Lost(3), ..with_data("") }));
}

#[test]
fn data_is_always_one_line_of_json() {
    let data_of = |data: &str| {
        let Said::Line(line) = parse_line(&written(with_data(data))).unwrap().said else { panic!("a line") };
        line.data.unwrap()
    };
    assert_eq!(data_of("{\r\n  \"a\": \"b\\nc\"\n}"), "{    \"a\": \"b\\nc\" }");
    assert_eq!(data_of("not json"), "\"not json\"");
    assert_eq!(data_of("1 2"), "\"1 2\"");
    assert_eq!(data_of(""), "\"\"");
    let large = format!("[{}1]", "1,".repeat(DATA_BYTES_MAX));
    assert_eq!(data_of(&large), format!("\"… {} bytes left out\"", large.len()));
}

#[test]
fn long_texts_are_cut_and_the_longest_line_stays_within_its_limit() {
    let line = LogLine {
        // One control character is six bytes in JSON, which is the most that one byte can become.
        data: Some(format!("\"{}\"", "x".repeat(DATA_BYTES_MAX - 2))),
        topic: Some("\u{1}".repeat(TOPIC_BYTES_MAX * 2)),
        ..LogLine::new(Level::Fatal, Source::Stdout, "\u{1}".repeat(MSG_BYTES_MAX * 2))
    };
    let text = written(LogEntry { ts: Wall(u64::MAX), generation: Generation(u64::MAX), ..entry(line) });
    assert!(text.len() <= LINE_BYTES_MAX && text.len() > LINE_BYTES_MAX / 2, "{} bytes", text.len());
    let Said::Line(line) = parse_line(&text).unwrap().said else { panic!("a line") };
    assert!(line.msg.ends_with(CUT) && line.msg.len() <= MSG_BYTES_MAX);
    assert!(line.topic.unwrap().ends_with(CUT));
}

#[test]
fn texts_are_cut_only_past_the_limit() {
    for (length, is_cut) in [(MSG_BYTES_MAX - 1, false), (MSG_BYTES_MAX, false), (MSG_BYTES_MAX + 1, true)] {
        let mut entry = entry(LogLine::new(Level::Info, Source::Log, "x".repeat(length)));
        trim(&mut entry);
        let Said::Line(line) = entry.said else { panic!("a line") };
        assert_eq!(line.msg.ends_with(CUT), is_cut, "at {length}");
    }
}

#[test]
fn what_is_no_line_of_ours_is_nothing() {
    for text in [
        "",
        "half a li",
        "{\"ts_ms\":1,\"gen\":2,\"level\":\"warn\",\"source\":\"stderr\",\"msg\":\"half",
        "{\"ts_ms\":1,\"gen\":2}",
        "{\"ts_ms\":1,\"gen\":2,\"level\":\"loud\",\"source\":\"stderr\",\"msg\":\"\"}",
        "{\"ts_ms\":-1,\"gen\":2,\"lost\":3}",
        "[]",
    ] {
        assert_eq!(parse(&module(), text.as_bytes()), None, "{text}");
    }
    assert_eq!(parse(&module(), b"\xff\xfe"), None);
}

proptest! {
    #[test]
    fn any_entry_comes_back(
        ts: u64, generation: u64, level in 0..6_usize, source in 0..4_usize,
        msg in any::<String>(), data in proptest::option::of(any::<String>()), topic: Option<String>,
    ) {
        let said = Said::Line(LogLine { level: Level::ALL[level], source: Source::ALL[source], msg, data, topic });
        let mut entry = LogEntry { module: module(), generation: Generation(generation), ts: Wall(ts), said };
        trim(&mut entry);
        let line = written(entry.clone());
        prop_assert_eq!(line.matches('\n').count(), 1);
        prop_assert_eq!(parse_line(&line), Some(entry));
    }
}
