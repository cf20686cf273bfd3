//! Zones: moving between them, resets, and how far a fault reaches.

use crate::testing::heard;

#[test]
fn a_sandbox_module_that_gives_up_shuts_nothing_down() {
    let lines = heard(
        "module a sandbox give-up=shutdown max=0
         module b
         discover
         up a
         up b
         exit a 1",
        &["journal zone.", "journal shutdown", "b#1 <- shutdown"],
    );
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].contains("zone.withheld a"), "{lines:?}");
}

#[test]
fn a_sandbox_module_takes_none_of_a_higher_zone_with_it() {
    for fate in ["strategy=all", "strategy=rest", "give-up=stop-dependents max=0"] {
        let lines = heard(
            &std::format!(
                "module a sandbox provides=s {fate}
                 module b requires=s
                 module c sandbox requires=s
                 discover
                 up a
                 up b
                 up c
                 exit a 1"
            ),
            &["journal module.stopping"],
        );
        assert_eq!(lines.len(), 1, "{fate}: {lines:?}");
        assert!(lines[0].contains("module.stopping c#3"), "{fate}: {lines:?}");
    }
}

#[test]
fn a_promoted_module_lives_in_stable_and_that_is_kept() {
    let lines = heard(
        "module a sandbox
         discover
         up a
         order 1 promote a
         exit a 0
         order 2 promote a",
        &["journal zone.", "save a", "reply", "spawn"],
    );
    let text = lines.join("\n");
    assert!(text.contains("zone.promoted a#1 from=\"sandbox\""), "{text}");
    assert!(
        text.contains("zone=stable") && text.contains("spawn a#2") && text.contains("reply 2 already"),
        "{text}"
    );
}

#[test]
fn a_strict_watchdog_puts_who_broke_a_rule_into_quarantine_until_an_operator_looks() {
    let lines = heard(
        "settings watchdog=strict
         module a may=none
         discover
         up a
         a says call 1 other m
         exit a 9
         order 1 start a
         up a
         order 2 promote a",
        &["journal module.quarantined", "journal zone.promoted", "save a"],
    );
    let text = lines.join("\n");
    assert!(text.contains("module.quarantined a#1"), "{text}");
    assert!(text.contains("quarantined\n") && text.contains("zone.promoted a#2"), "{text}");
    assert!(lines.last().is_some_and(|line| line.ends_with("zone=stable")), "{text}");
}

#[test]
fn a_reset_touches_its_own_zone_alone() {
    let lines = heard(
        "module a sandbox
         module b
         discover
         up a
         up b
         order 1 reset-zone sandbox",
        &["journal", "reply"],
    );
    let text = lines.join("\n");
    assert!(text.contains("zone.reset zone=\"sandbox\"") && text.contains("module.stopping a#1"), "{text}");
    assert!(!text.contains("stopping b"), "{text}");
}
