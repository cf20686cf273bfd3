//! Every code has its sentence, and every sentence its facts.

use std::path::{Path, PathBuf};

use protocol::operator::JournalRow;
use serde_json::{Map, Value};

use super::{Lang, duration, remedy, sentence, table::MEANINGS};

fn row(code: &str, facts: &[(&str, Value)]) -> JournalRow {
    let facts: Map<String, Value> =
        facts.iter().map(|(name, value)| (String::from(*name), value.clone())).collect();
    JournalRow { seq: 1, ts_ms: 0, code: code.into(), module_id: Some("db".into()), generation: None, facts }
}

#[test]
fn a_planned_restart_reads_in_both_languages() {
    let facts =
        [("wait_ms", Value::from(1100)), ("attempt", Value::from(1)), ("max_restarts", Value::from(5))];
    let row = row("restart.planned", &facts);
    assert_eq!(sentence(Lang::English, &row), "restarts after 1.1 s (attempt 1 of 5)");
    assert_eq!(sentence(Lang::Polish, &row), "ruszy ponownie po 1.1 s (próba 1 z 5)");
    assert_eq!(remedy(&row).as_deref(), Some("ostoja restart db"));
}

#[test]
fn an_unknown_code_is_not_mute() {
    let row = row("later.thing", &[("size", Value::from(3))]);
    assert_eq!(sentence(Lang::Polish, &row), "later.thing size=3");
    assert_eq!(remedy(&row), None);
}

#[test]
fn a_missing_fact_leaves_a_mark() {
    assert_eq!(sentence(Lang::English, &row("module.ready", &[])), "ready after ?");
}

#[test]
fn durations_read_as_people_say_them() {
    let spans = [(0, "0 ms"), (999, "999 ms"), (1000, "1.0 s"), (59_999, "59.9 s"), (60_000, "1 min 0 s")];
    for (span_ms, text) in spans {
        assert_eq!(duration(span_ms), text);
    }
    assert_eq!(duration(3_600_000), "1 h 0 min");
    assert_eq!(duration(90_000_000), "1 d 1 h");
}

#[test]
fn both_languages_use_the_same_facts() {
    let facts_of = |text: &str| {
        let mut names: Vec<String> = text
            .split('{')
            .skip(1)
            .filter_map(|rest| rest.split_once('}'))
            .map(|(name, _)| name.into())
            .collect();
        names.sort();
        names
    };
    for meaning in MEANINGS {
        assert_eq!(facts_of(meaning.english), facts_of(meaning.polish), "{}", meaning.code);
    }
}

/// All source files below a folder.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries =
        std::fs::read_dir(folder).expect("a readable folder").map(|entry| entry.expect("an entry").path());
    let nested = entries.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] });
    nested.filter(|path| path.extension().is_some_and(|end| end == "rs")).collect()
}

/// Every code that the kernel and the host write stands in their sources as a literal of the form `area.thing`.
#[test]
fn every_code_that_is_written_has_a_sentence() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut seen = 0;
    let ours = sources(&here.join("src")).into_iter().filter(|path| !path.ends_with("words/tests.rs"));
    for path in sources(&here.join("../kernel/src")).into_iter().chain(ours) {
        let text = std::fs::read_to_string(&path).expect("a readable source file");
        let markers = ["record_of(slot, \"", "record_of(companion, \"", "Record::new(\"", "refuse_files(\""];
        for marker in markers {
            for rest in text.split(marker).skip(1) {
                let code = rest.split('"').next().unwrap_or_default();
                assert!(MEANINGS.iter().any(|meaning| meaning.code == code), "`{code}` has no sentence");
                seen += 1;
            }
        }
    }
    assert!(seen >= 30, "only {seen} codes were found: the markers no longer fit the kernel's source");
}
