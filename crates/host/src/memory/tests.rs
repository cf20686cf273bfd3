//! The file of context variables: what is written is read back, and what is not ours is refused.

use abi::{ModuleId, Payload, Scope, Wall};
use kernel::Word;

use super::{Entry, parse, text};

fn entry(scope: &str, key: &str, value: &str, until: Option<u64>) -> Entry {
    Entry {
        scope: Scope::parse(scope).expect("a scope"),
        key: Word::parse(key).expect("a key"),
        value: Payload::new(value.as_bytes()),
        until: until.map(Wall),
        owner: until.map(|_| ModuleId::parse("web").expect("a name")),
    }
}

#[test]
fn what_is_written_is_read_back() {
    let all = vec![
        entry("module:web", "step", r#"{"a": [1, "ż"]}"#, None),
        entry("session:chat", "topic", "1e2", Some(5_000)),
    ];
    let written = String::from_utf8(text(&all).expect("it is JSON")).expect("UTF-8");
    assert_eq!(parse(&written).expect("it is whole"), all);
}

#[test]
fn a_cut_or_foreign_file_is_refused() {
    let written =
        String::from_utf8(text(&[entry("module:a", "k", "1", None)]).expect("JSON")).expect("UTF-8");
    for end in 0..written.len() {
        assert!(parse(&written[..end]).is_err(), "{end}");
    }
    for bad in [
        r#"{"version":2,"variables":[]}"#,
        r#"{"version":1,"variables":[{"scope":"user:a","key":"k","value":1}]}"#,
        r#"{"version":1,"variables":[{"scope":"module:a","key":"k","owner":"a b","value":1}]}"#,
    ] {
        assert!(parse(bad).is_err(), "{bad}");
    }
}
