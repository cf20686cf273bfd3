//! What samples come to.

use super::{Report, Sense, number, quantile};

fn report() -> Report {
    let mut report = Report::new("supervisors");
    for value in [3.0, 1.0, 2.0] {
        report.sample("a", "start", "ms", value);
    }
    report.sample("b", "start", "ms", 5.0);
    report.sample("b", "rss", "MiB", 120.4);
    report
}

#[test]
fn the_median_is_the_middle_and_the_last_quantile_the_largest() {
    assert_eq!(quantile(&[3.0, 1.0, 2.0], 0.5), Some(2.0));
    assert_eq!(quantile(&[3.0, 1.0, 2.0], 0.99), Some(3.0));
    assert_eq!(quantile(&[3.0, 1.0, 2.0], 0.0), Some(1.0));
    assert_eq!(quantile(&[], 0.5), None);
}

#[test]
fn the_best_is_the_smallest_median_of_those_that_were_measured() {
    assert_eq!(report().best(&["a", "b", "c"], "start"), Some(2.0));
    assert_eq!(report().best(&["c"], "start"), None);
}

#[test]
fn the_table_has_a_cell_for_everything() {
    let table = report().table();
    assert!(table.starts_with("| subject | start, ms | rss, MiB |\n|---|--:|--:|\n"), "{table}");
    assert!(table.contains("| a | 2.00 (1.00–3.00) | – |\n"), "{table}");
    assert!(table.contains("| b | 5.00 | 120 |\n"), "{table}");
}

#[test]
fn promises_are_kept_missed_or_not_measured() {
    let mut report = report();
    report.promise("start", Some(2.0), Sense::AtMost, 2.0, "ms");
    report.promise("rate", Some(2.0), Sense::AtLeast, 3.0, "1/s");
    report.promise("rss", None, Sense::AtMost, 15.0, "MiB");
    let verdicts = report.verdicts();
    assert_eq!(verdicts[0], "kept: start: 2.00 ms (promised ≤ 2.00 ms)");
    assert_eq!(verdicts[1], "MISSED: rate: 2.00 1/s (promised ≥ 3.00 1/s)");
    assert_eq!(verdicts[2], "not measured: rss (promised ≤ 15.0 MiB)");
}

#[test]
fn numbers_have_three_digits() {
    assert_eq!(
        ["0", "0.05", "1.234", "12.34", "1234.5"].map(|text| number(text.parse().unwrap())),
        ["0.00", "0.0500", "1.23", "12.3", "1234"]
    );
}
