//! The kernel, well and not so well.

use std::collections::BTreeMap;

use expect_test::expect;

use super::*;
use crate::theme::Glyphs;

fn status() -> KernelStatus {
    KernelStatus {
        pid: 812,
        version: "0.1.0".to_owned(),
        home: "/home/ola/.local/share/ostoja".to_owned(),
        project: Some("/home/ola/shop/ostoja.yaml".to_owned()),
        started_at_ms: crate::samples::NOW_MS - 7_380_000,
        uptime_ms: 7_380_000,
        states: BTreeMap::from([
            ("ready".to_owned(), 3),
            ("waiting".to_owned(), 1),
            ("crashed".to_owned(), 0),
        ]),
        journal: "writes".to_owned(),
        watchdog: "active".to_owned(),
        safe_mode: None,
        bounds: "cgroup v2 (cpu, memory, pids)".to_owned(),
        rss_bytes: 9_100_000,
        cpu_ms: 1_250,
        frames: 123_456,
        troubles: Vec::new(),
    }
}

#[test]
fn a_kernel_that_is_well() {
    expect![[r#"
        kernel     ● running, version 0.1.0, pid 812
        home       /home/ola/.local/share/ostoja
        project    /home/ola/shop/ostoja.yaml
        up         2h03m
        modules    3 ● ready, 1 ◌ waiting
        watchdog   active
        bounds     cgroup v2 (cpu, memory, pids)
        journal    writes
        memory     8.6M
        cpu        1.25s
        frames     123.4k
    "#]]
    .assert_eq(&kernel(&Theme::plain(Glyphs::Unicode), &status()));
}

#[test]
fn a_kernel_with_troubles_is_degraded() {
    let troubled = KernelStatus {
        troubles: vec!["the journal can't be written: no space left on device".to_owned()],
        states: BTreeMap::new(),
        project: None,
        ..status()
    };
    expect![[r#"
        kernel     * degraded, version 0.1.0, pid 812
        home       /home/ola/.local/share/ostoja
        up         2h03m
        modules    none
        watchdog   active
        bounds     cgroup v2 (cpu, memory, pids)
        journal    writes
        memory     8.6M
        cpu        1.25s
        frames     123.4k
        trouble    the journal can't be written: no space left on device
    "#]]
    .assert_eq(&kernel(&Theme::plain(Glyphs::Ascii), &troubled));
}
