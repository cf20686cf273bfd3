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

/// Everything that can be told, so that every family is in the text.
fn everything() -> String {
    let kernel = json!({
        "pid": 1, "version": "1", "home": "", "project": null, "startedAtMs": 0, "uptimeMs": 1, "states": { "ready": 1 },
        "journal": "", "watchdog": "", "rssBytes": 1, "cpuMs": 1, "frames": 1, "troubles": [],
    });
    let module = json!({
        "id": "shop", "status": "ready", "pid": 1, "provides": [], "restartCount": 0, "startedAt": 1, "version": "1",
        "runtime": "", "generation": 1, "sinceMs": 1, "restartsTotal": 1, "restartAtMs": null, "note": "", "waitingFor": [],
        "containment": "", "transport": "", "rssBytes": 1, "cpuMs": 1, "framesIn": 1, "framesOut": 1, "dropped": 1,
        "badLines": 1, "logLost": 1,
    });
    let functions = json!({
        "functions": 1, "warm": 1, "warmBytes": 1, "onDisk": 1, "diskBytes": 1, "runs": 1, "runsFailed": 1, "compiled": 1,
        "fromDisk": 0, "waited": 0, "evictedByWeight": 0, "evictedByAge": 0,
    });
    let counts = Counts::default();
    counts.record(&row("restart.planned", json!({ "reason": "crashed" })));
    counts.answered(200, Duration::from_millis(1));
    let told = Told {
        kernel: Some(serde_json::from_value(kernel).expect("a status")),
        modules: vec![serde_json::from_value(module).expect("a row")],
        functions: Some(serde_json::from_value(functions).expect("numbers")),
        listeners: 1,
    };
    text(told, &counts).expect("a text")
}

/// The families as rows of a table: name, kind, labels, what.
fn rows(text: &str) -> String {
    let mut rows = String::new();
    let mut help = "";
    let lines: Vec<&str> = text.lines().collect();
    for (index, line) in lines.iter().enumerate() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            help = rest.split_once(' ').map_or("", |(_, help)| help).trim_end_matches('.');
        }
        let Some((name, kind)) = line.strip_prefix("# TYPE ").and_then(|rest| rest.split_once(' ')) else {
            continue;
        };
        let sample = lines[index..].iter().find(|line| !line.starts_with('#')).expect("a family has a value");
        let labels = sample
            .split_once('{')
            .and_then(|(_, rest)| rest.rsplit_once('}'))
            .map_or("", |(labels, _)| labels);
        let names = labels.split(',').filter_map(|label| label.split_once('=')).map(|(name, _)| name);
        let names: Vec<String> = names.filter(|name| *name != "le").map(|name| format!("`{name}`")).collect();
        let ending = if kind == "counter" { "_total" } else { "" };
        rows.push_str(&format!("| `{name}{ending}` | {kind} | {} | {help} |\n", names.join(", ")));
    }
    rows
}

#[test]
fn the_reference_lists_every_family() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/metrics.md");
    let page = std::fs::read_to_string(path).expect("the page");
    let head = "| metric | kind | labels | what |\n|---|---|---|---|\n";
    let (before, rest) = page.split_once(head).expect("the table's head");
    let after = rest.find("\n\n").map_or("", |at| &rest[at + 1..]);
    let made = format!("{before}{head}{}{after}", rows(&everything()));
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(path, &made).expect("written");
    } else {
        assert!(
            page == made,
            "docs/reference/metrics.md is not what /metrics gives: UPDATE_EXPECT=1 cargo test -p web"
        );
    }
}
