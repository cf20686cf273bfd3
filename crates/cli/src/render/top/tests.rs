//! What modules use, the busiest first.

use expect_test::expect;
use jiff::tz::TimeZone;

use super::*;
use crate::samples::NOW_MS;
use crate::theme::Glyphs;

fn row(id: &str, cpu_percent: Option<f64>, rss_bytes: u64) -> UsageRow {
    UsageRow {
        id: id.to_owned(),
        status: "ready".to_owned(),
        pid: Some(100),
        cpu_percent,
        cpu_ms: 12_340,
        rss_bytes,
        frames: 1_000,
        zone: "stable".to_owned(),
        limits: std::collections::BTreeMap::new(),
        held: None,
        frames_per_s: cpu_percent.map(|share| share * 10.0),
    }
}

#[test]
fn the_busiest_module_comes_first_below_the_kernel() {
    let table = UsageTable {
        ts_ms: NOW_MS,
        kernel: row("ostoja", Some(0.1), 9 << 20),
        modules: vec![
            row("idle", Some(0.0), 5 << 20),
            row("busy", Some(98.7), 1 << 30),
            row("new", None, 1 << 20),
        ],
        pools: Vec::new(),
    };
    expect![[r#"
        ostoja 10:30:00.000   3 modules   cpu 98.8%   memory 1.0G

        NAME    STATE    PID   CPU%   TIME   MEM  FRAMES  PER S  HELD
        ostoja  ● ready  100   0.1%  12.3s  9.0M    1000      1
        busy    ● ready  100  98.7%  12.3s  1.0G    1000    987
        idle    ● ready  100   0.0%  12.3s  5.0M    1000      0
        new     ● ready  100      –  12.3s  1.0M    1000      –
    "#]]
    .assert_eq(&usage(&Theme::plain(Glyphs::Unicode), &table, &TimeZone::UTC));
}
