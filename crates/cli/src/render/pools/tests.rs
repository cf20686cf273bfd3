//! Use against bounds, pool by pool.

use super::*;
use crate::theme::Glyphs;

fn row(zone: &str, used: &[(&str, u64)], limits: &[(&str, u64)]) -> PoolRow {
    let map = |all: &[(&str, u64)]| all.iter().map(|(name, amount)| ((*name).to_owned(), *amount)).collect();
    PoolRow {
        zone: zone.to_owned(),
        modules: 3,
        share: if zone == "sandbox" { 20 } else { 100 },
        used: map(used),
        limits: map(limits),
        pressure_permille: (zone == "sandbox").then_some(125),
        restarts_burst: 100,
        restarts_per_s: 25,
    }
}

#[test]
fn each_pool_shows_what_it_uses_against_what_it_may() {
    let pools = [
        row(
            "sandbox",
            &[("cpu", 470), ("memory", 64 << 20), ("processes", 12), ("files", 40), ("messages_per_s", 900)],
            &[("cpu", 500), ("memory", 1 << 30), ("messages_per_s", 1000), ("calls_per_s", 10)],
        ),
        row("stable", &[("memory", 5 << 20), ("processes", 4), ("files", 0), ("queue_frames", 2)], &[]),
    ];
    let sandbox = "cpu 47%/50%, memory 64.0M/1.0G, processes 12, files 40, messages/s 900/1000, calls/s ?/10";
    assert_eq!(pools.each_ref().map(uses), [sandbox, "memory 5.0M, processes 4, queue 2"]);
    let shown = table(&Theme::plain(Glyphs::Unicode), &pools);
    for part in ["sandbox", "12.5%", "100+25/s", "USES"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
}
