//! The text of the metrics, whole.

use std::collections::BTreeMap;

use serde_json::json;

use super::*;

fn row(code: &str, facts: serde_json::Value) -> JournalRow {
    let facts = facts.as_object().cloned().unwrap_or_default();
    JournalRow { seq: 0, ts_ms: 0, code: code.to_owned(), module_id: None, generation: None, facts }
}

#[test]
fn without_a_kernel_the_text_says_so_and_is_whole() {
    let text = text(Told::default(), &Counts::default()).expect("a text");
    assert!(text.contains("\nostoja_kernel_up"), "{text}");
    assert!(text.contains(" 0.0\n") && text.ends_with("# EOF\n"), "{text}");
}

#[test]
fn decisions_are_counted_by_code_and_reason_and_sentences_make_no_label() {
    let counts = Counts::default();
    for facts in
        [json!({"reason": "crashed"}), json!({"reason": "crashed"}), json!({"reason": "It said \"no\"\n"})]
    {
        counts.record(&row("restart.planned", facts));
    }
    let text = text(Told::default(), &counts).expect("a text");
    assert!(text.contains("ostoja_records_total{code=\"restart.planned\",reason=\"crashed\"} 2\n"), "{text}");
    assert!(text.contains("ostoja_records_total{code=\"restart.planned\",reason=\"\"} 1\n"), "{text}");
}

#[test]
fn the_number_of_codes_that_are_counted_apart_is_bounded() {
    let counts = Counts::default();
    for number in 0..CODES_MAX + 10 {
        counts.record(&row(&format!("code.{number}"), json!({})));
    }
    assert_eq!(counts.records.lock().expect("a lock").len(), CODES_MAX);
}

#[test]
fn modules_and_the_kernel_have_their_families_with_units() {
    let kernel = KernelStatus {
        pid: 1,
        version: "1".to_owned(),
        home: String::new(),
        project: None,
        started_at_ms: 0,
        uptime_ms: 1500,
        states: BTreeMap::from([("ready".to_owned(), 1)]),
        journal: String::new(),
        watchdog: String::new(),
        bounds: String::new(),
        rss_bytes: 4096,
        cpu_ms: 20,
        frames: 7,
        troubles: vec![],
        safe_mode: None,
    };
    let told = Told { kernel: Some(kernel), ..Told::default() };
    let text = text(told, &Counts::default()).expect("a text");
    for line in [
        "# TYPE ostoja_kernel_uptime_seconds gauge",
        "# UNIT ostoja_kernel_resident_memory_bytes bytes",
        "ostoja_modules{state=\"ready\"} 1.0",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
}
