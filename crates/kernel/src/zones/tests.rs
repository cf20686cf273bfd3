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
                "module a sandbox provides=s base=bridge:s {fate}
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

#[test]
fn a_topic_of_one_zone_is_not_heard_in_the_other() {
    let story = "module a speaks=t hears=t
         module b hears=t
         module c sandbox hears=t BRIDGE
         discover
         up a
         up b
         up c
         quiet
         a says publish t 1
         c says publish t 2";
    let delivered = |bridge: &str| heard(&story.replace("BRIDGE", bridge), &["deliver"]);
    let lines = delivered("");
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].starts_with("b#2"), "{lines:?}");
    // To b and c, then to a and b.
    assert_eq!(delivered("base=bridge:t").len(), 4);
    assert_eq!(delivered("base=bridge:other").len(), 1);
    // What is forbidden stays so on either side of a bridge.
    let lines = delivered("base=bridge:t forbid-hears=t");
    assert!(lines.iter().all(|line| !line.starts_with("c#3")), "{lines:?}");
}

#[test]
fn a_service_of_the_other_zone_is_not_there_until_somebody_bridges_it() {
    let story = "settings enforcement=strict
         module a provides=s A
         module c sandbox may=s C
         discover
         up a
         up c
         quiet
         c says call 1 s m";
    let answered = |a: &str, c: &str| {
        let story = story.replace(" A\n", &std::format!(" {a}\n")).replace(" C\n", &std::format!(" {c}\n"));
        heard(&story, &["<- rpc_", "journal"]).join("\n")
    };
    let alone = answered("", "");
    assert!(alone.contains("service_not_found") && !alone.contains("forbidden"), "{alone}");
    for (a, c) in [("base=bridge:s", ""), ("", "base=bridge:s")] {
        let bridged = answered(a, c);
        assert!(bridged.contains("a#1 <- rpc_request"), "{a} {c}: {bridged}");
    }
    let forbidden = answered("", "base=bridge:s forbid-may=s");
    assert!(forbidden.contains("rpc.forbidden c#2"), "{forbidden}");
}

#[test]
fn who_requires_a_service_of_the_other_zone_waits_for_the_bridge_and_says_so() {
    let story = "module a provides=s
         module c sandbox requires=s
         discover
         up a
         up c";
    let lines = heard(&std::format!("{story}\nview c"), &["view c"]);
    assert!(lines.join("\n").contains("needs the permission `bridge s`"), "{lines:?}");
    let lines = heard(&std::format!("{story}\nquiet\norder 1 grant c bridge:s"), &["journal module.ready"]);
    assert_eq!(lines.len(), 1, "{lines:?}");
}

#[test]
fn a_zone_s_ceiling_is_above_whatever_is_approved() {
    let lines = heard(
        "settings ceiling:sandbox=secrets:known
         module a sandbox base=secrets:known,secrets:other
         module b base=secrets:other
         discover
         up a
         up b
         quiet
         a says kernel 1 secret.get known
         b says kernel 2 secret.get other
         a says kernel 3 secret.get other",
        &["journal secret."],
    );
    let text = lines.join("\n");
    assert!(text.contains("secret.handed_over a#1") && text.contains("secret.handed_over b#2"), "{text}");
    assert!(text.contains("secret.forbidden a#1"), "{text}");
}

#[test]
fn a_ceiling_that_falls_gives_a_new_life_to_those_below_it_alone() {
    let lines = heard(
        "module a sandbox base=net:x
         module b sandbox
         module c base=net:x
         discover
         up a
         up b
         up c
         quiet
         settings ceiling:sandbox=read:/srv",
        &["journal"],
    );
    let text = lines.join("\n");
    assert!(text.contains("permission.changed a#1"), "{text}");
    assert!(!text.contains(" b#2") && !text.contains(" c#3"), "{text}");
}
