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

/// Heard of probations and what follows from them.
const OF_PROBATION: [&str; 3] = ["journal zone.", "save a", "spawn a"];

#[test]
fn a_module_that_was_well_for_long_enough_moves_to_stable_by_itself() {
    let lines = heard(
        "settings probation=60000 health_interval=99000000
         module a plain sandbox
         module b plain needs=a
         discover
         up a
         wait 59999",
        &OF_PROBATION,
    );
    assert!(!lines.join("\n").contains("zone."), "{lines:?}");
    let lines = heard(
        "settings probation=60000 health_interval=99000000
         module a plain sandbox
         module b plain needs=a
         discover
         up a
         up b
         wait 60000
         exit a 0",
        &OF_PROBATION,
    );
    let text = lines.join("\n");
    let (passed, promoted) = (text.find("zone.probation_passed a#1"), text.find("zone.promoted a#1"));
    assert!(passed.is_some() && passed < promoted, "{text}");
    assert!(text.contains("well_ms=60000") && text.contains("dependents=1"), "{text}");
    assert!(text.contains("zone=stable") && text.contains("spawn a#3"), "{text}");
}

#[test]
fn nobody_is_promoted_where_the_house_does_not_ask_for_it() {
    let lines = heard("module a plain sandbox\ndiscover\nup a\nwait 90000000", &["journal zone."]);
    assert!(lines.is_empty(), "{lines:?}");
}

#[test]
fn a_fault_begins_the_time_anew() {
    let story = "settings probation=60000 health_interval=99000000 enforcement=warn
         module a sandbox may=none
         discover
         up a
         wait 50000
         a says call 1 other m
         wait 59000";
    assert!(heard(story, &["journal zone."]).is_empty());
    let lines = heard(&std::format!("{story}\nwait 1000"), &["journal zone."]);
    assert!(lines.join("\n").contains("zone.probation_passed a#1 well_ms=60000"), "{lines:?}");
}

#[test]
fn who_makes_its_dependents_worse_begins_anew() {
    let lines = heard(
        "settings probation=60000 health_interval=99000000
         module a plain sandbox
         module b plain needs=a
         discover
         up a
         up b
         wait 50000
         exit b 1
         wait 5000
         up b
         wait 5000
         wait 60000",
        &["journal zone."],
    );
    let text = lines.join("\n");
    let (back, passed) = (text.find("zone.probation_set_back a#1"), text.find("zone.probation_passed a#1"));
    assert!(back.is_some() && back < passed, "{text}");
}

#[test]
fn a_passive_watchdog_only_says_that_the_time_is_up() {
    let lines = heard(
        "settings probation=60000 health_interval=99000000 watchdog=passive
         module a plain sandbox
         discover
         up a
         wait 300000",
        &OF_PROBATION,
    );
    let text = lines.join("\n");
    assert_eq!(text.matches("zone.probation_reported a#1").count(), 1, "{text}");
    assert!(!text.contains("zone.promoted") && !text.contains("spawn a#2"), "{text}");
}

#[test]
fn quarantine_is_no_probation() {
    let lines = heard(
        "settings probation=60000 health_interval=99000000 watchdog=strict
         module a may=none
         discover
         up a
         a says call 1 other m
         exit a 9
         order 1 start a
         up a
         wait 600000",
        &["journal zone."],
    );
    assert!(lines.is_empty(), "{lines:?}");
}
