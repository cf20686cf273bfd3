//! Rings: their steps, their gaps, their end.

use super::*;

const NOW: u64 = 1_763_769_600_000;

fn row(id: &str, cpu: Option<f64>) -> UsageRow {
    UsageRow {
        id: id.to_owned(),
        status: "ready".to_owned(),
        pid: None,
        cpu_percent: cpu,
        cpu_ms: 0,
        rss_bytes: 1 << 20,
        frames: 0,
        frames_per_s: cpu,
        zone: String::new(),
        limits: BTreeMap::new(),
        held: None,
    }
}

fn put(history: &History, ts_ms: u64, cpu: Option<f64>) {
    history.put(&UsageTable {
        ts_ms,
        kernel: row("kernel", cpu),
        modules: vec![row("a", cpu)],
        pools: Vec::new(),
    });
}

#[test]
fn everything_together_is_the_sum_and_frames_count_once() {
    let history = History::default();
    put(&history, NOW, Some(1.5));
    let shown = history.of_all(24);
    assert_eq!(shown.ts_ms, [NOW]);
    assert_eq!((shown.cpu_percent, shown.rss_bytes), (vec![Some(3.0)], vec![Some(2 << 20)]));
    assert_eq!(shown.frames_per_s, [Some(1.5)]);
}

#[test]
fn the_last_of_a_step_counts_and_gaps_are_empty() {
    let history = History::default();
    for (after, cpu) in [(0, None), (3_000, Some(2.0)), (31_000, Some(4.0))] {
        put(&history, NOW + after, cpu);
    }
    let shown = history.of_all(24);
    assert_eq!(shown.ts_ms, [NOW, NOW + 10_000, NOW + 20_000, NOW + 30_000]);
    assert_eq!(shown.cpu_percent, [Some(4.0), None, None, Some(8.0)]);
    assert_eq!(shown.rss_bytes[1], None);
    assert_eq!(history.of_module("a", 24).cpu_percent, [Some(4.0)]);
    assert_eq!(history.of_module("nobody", 24).ts_ms, [] as [u64; 0]);
}

#[test]
fn a_day_is_kept_and_no_more_and_less_can_be_asked() {
    let history = History::default();
    for minute in 0..25 * 60 {
        put(&history, NOW + minute * 60_000, Some(1.0));
    }
    assert_eq!(history.of_module("a", 24).ts_ms.len(), 1440);
    assert_eq!(history.of_module("a", 1).ts_ms.len(), 60);
    assert_eq!(history.of_all(u64::MAX).ts_ms.len(), 8640);
    assert_eq!(history.of_module("a", 24).ts_ms.last(), Some(&(NOW + (25 * 60 - 1) * 60_000)));
}

#[test]
fn a_clock_set_back_waits_and_one_set_far_ahead_begins_anew() {
    let history = History::default();
    put(&history, NOW, Some(1.0));
    put(&history, NOW - 60_000, Some(9.0));
    assert_eq!(history.of_all(24).cpu_percent, [Some(2.0)]);
    put(&history, NOW + 2 * SPAN_MS, Some(3.0));
    assert_eq!(history.of_all(24).cpu_percent, [Some(6.0)]);
}

#[test]
fn modules_that_are_gone_for_a_day_are_forgotten() {
    let history = History::default();
    put(&history, NOW, Some(1.0));
    history.put(&UsageTable {
        ts_ms: NOW + SPAN_MS + ONE_STEP_MS,
        kernel: row("kernel", None),
        modules: vec![],
        pools: vec![],
    });
    assert_eq!(history.of_module("a", 24).ts_ms, [] as [u64; 0]);
}
