//! What of a changed grant reaches a module in the middle of its life, and what ends it.

use expect_test::expect;
use std::format;

use crate::testing::{check, heard};

/// A ready module whose network somebody carries.
const CARRIED: &str = "module a base=net:x,net:y
     discover
     net-carried a
     up a
     quiet\n";

#[test]
fn places_of_the_network_are_swapped_in_the_middle_of_a_life() {
    check(
        &format!(
            "{CARRIED}grants a base=net:x spawned-before
             grants a base=net:x,net:z spawned-before
             grants a base= spawned-before
             view a"
        ),
        expect![[r#"
            > grants a base=net:x spawned-before
              journal permission.applied a#1
              reach a#1 x
            > grants a base=net:x,net:z spawned-before
              journal permission.applied a#1
              reach a#1 x,z
            > grants a base= spawned-before
              journal permission.applied a#1
              reach a#1 
            > view a
              view a ready restarts=0 note=""
        "#]],
    );
}

#[test]
fn what_is_still_open_beyond_the_grant_ends_the_life() {
    check(
        &format!(
            "{CARRIED}grants a base=net:x spawned-before
             net-open a y:443
             net-open a y:443
             exit a 0"
        ),
        expect![[r#"
            > grants a base=net:x spawned-before
              journal permission.applied a#1
              reach a#1 x
            > net-open a y:443
              journal permission.cut a#1 places="y:443"
              journal module.stopping a#1 reason="permission-update" grace_ms=5000
              a#1 <- shutdown
            > net-open a y:443
            > exit a 0
              journal module.stopped a#1 reason="permission-update" exit="exit code 0"
              journal module.starting a#2 attempt=0
              spawn a#2
        "#]],
    );
}

#[test]
fn a_program_that_was_told_its_places_is_narrowed_at_once_and_widened_by_a_new_life() {
    check(
        "module a base=net:x,net:y
         discover
         net-carried a told
         up a
         quiet
         grants a base=net:x spawned-before
         grants a base=net:x,net:y spawned-before",
        expect![[r#"
            > grants a base=net:x spawned-before
              journal permission.applied a#1
              reach a#1 x
            > grants a base=net:x,net:y spawned-before
              journal permission.changed a#1
              journal module.stopping a#1 reason="permission-update" grace_ms=5000
              a#1 <- shutdown
        "#]],
    );
}

#[test]
fn the_whole_network_another_kind_and_a_later_life_need_what_the_system_is_told() {
    for change in ["base=net:*", "base=net:x,read:/srv"] {
        let told =
            heard(&format!("{CARRIED}grants a {change} spawned-before"), &["reach", "journal permission"]);
        assert_eq!(told, ["journal permission.changed a#1"], "{change}");
    }
    let told = heard(
        &format!("{CARRIED}exit a 1\nwait 1200\nup a\ngrants a base=net:x spawned-before"),
        &["reach", "journal permission"],
    );
    assert_eq!(told, ["journal permission.changed a#2"]);
}

#[test]
fn a_ceiling_that_sinks_narrows_the_network_at_once() {
    let told = heard(
        "module a sandbox base=net:x,net:y
         discover
         net-carried a
         up a
         settings ceiling:sandbox=net:x",
        &["reach", "journal permission"],
    );
    assert_eq!(told, ["journal permission.applied a#1", "reach a#1 x"]);
}
