//! What is counted lately, and what stays while nobody answers.

use super::*;

#[test]
fn a_count_is_what_it_went_up_by_within_ten_minutes() {
    let mut all = BTreeMap::new();
    let minute = 60_000;
    let seen: Vec<f64> = [(0, 5), (1, 5), (5, 8), (9, 8), (11, 9), (16, 9), (30, 9)]
        .map(|(at, total)| lately(&mut all, "web", at * minute, total))
        .to_vec();
    assert_eq!(seen, [0.0, 0.0, 3.0, 3.0, 4.0, 1.0, 0.0]);
}

#[test]
fn a_kernel_that_counts_from_nothing_is_counted_from_nothing() {
    let mut all = BTreeMap::new();
    assert_eq!(
        [(0, 50), (1, 2), (2, 3)].map(|(at, total)| lately(&mut all, "web", at, total)),
        [0.0, 2.0, 3.0]
    );
}

#[test]
fn only_so_many_counts_are_kept() {
    let mut all = BTreeMap::new();
    for at in 0..2 * COUNTS_MAX as u64 {
        lately(&mut all, "web", at, at);
    }
    assert_eq!(all["web"].len(), COUNTS_MAX);
}

#[test]
fn while_no_kernel_answers_all_else_is_as_it_was() {
    let last = Value { what: Measure::ModuleDown, subject: "web".to_owned(), value: 1.0 };
    let mut trail = Trail { last: vec![last.clone()], ..Trail::default() };
    let gone = Value { what: Measure::KernelGone, subject: String::new(), value: 1.0 };
    assert_eq!(trail.sample(0, &Answers::default()), [last, gone]);
}

#[test]
fn what_was_not_answered_is_as_it_was() {
    let one = |what| Value { what, subject: "web".to_owned(), value: 1.0 };
    let last = vec![one(Measure::ModuleDown), one(Measure::Memory)];
    let mut trail = Trail { last, ..Trail::default() };
    let kernel = serde_json::json!({
        "pid": 1, "version": "1", "home": "", "project": null, "startedAtMs": 0, "uptimeMs": 0, "states": {},
        "journal": "", "watchdog": "", "rssBytes": 0, "cpuMs": 0, "frames": 0, "troubles": [],
    });
    let kernel: Option<KernelStatus> = serde_json::from_value(kernel).expect("a status");
    let answers = Answers { kernel, modules: Some(Vec::new()), usage: None };
    let sample = trail.sample(0, &answers);
    assert!(
        sample.contains(&one(Measure::Memory)) && !sample.contains(&one(Measure::ModuleDown)),
        "{sample:?}"
    );
}
