//! The kernel's own methods, wishes for more, and what operators say to them.

use expect_test::expect;
use proptest::collection::btree_set;
use proptest::prelude::*;

use std::collections::BTreeSet;
use std::format;
use std::string::{String, ToString};
use std::vec::Vec;

use abi::limits::PERMISSION_REQUESTS_MAX;
use abi::{PermissionKind, Permissions};

use crate::testing::{check, heard};

/// One ready module with a section of its own.
const ONE: &str = "module a section=mine provides=x base=net:one
     discover
     up a
     quiet\n";

fn one(script: &str) -> String {
    format!("{ONE}{script}")
}

#[test]
fn a_module_reads_and_writes_its_own_section_through_the_host() {
    check(
        &one("a says kernel 1 config.get mine
              a says kernel 2 config.get mine.deep.er
              a says kernel 3 config.set mine.x 5
              a says kernel 4 config.sections
              a says kernel 5 module.commands"),
        expect![[r#"
            > a says kernel 1 config.get mine
              perform a#1 1 config.get mine
            > a says kernel 2 config.get mine.deep.er
              perform a#1 2 config.get mine.deep.er
            > a says kernel 3 config.set mine.x 5
              perform a#1 3 config.set mine.x 5
            > a says kernel 4 config.sections
              perform a#1 4 config.sections
            > a says kernel 5 module.commands
              perform a#1 5 module.commands
        "#]],
    );
}

#[test]
fn another_section_is_a_violation_in_the_contract_s_words() {
    check(
        &format!(
            "settings enforcement=warn\n{}",
            one("a says kernel 1 config.get theirs.key
              a says kernel 2 config.set theirs 5
              a says kernel 3 config.get minecraft")
        ),
        expect![[r#"
            > a says kernel 1 config.get theirs.key
              journal config.forbidden a#1 key="theirs.key" verb="read" enforcement="warn"
              a#1 <- call:response 1 error: Security violation: not permitted to read config key "theirs.key"
              warn a#1 refused: read config key `theirs.key`
            > a says kernel 2 config.set theirs 5
              journal config.forbidden a#1 key="theirs" verb="write" enforcement="warn"
              a#1 <- call:response 2 error: Security violation: not permitted to write config key "theirs"
              warn a#1 refused: write config key `theirs`
            > a says kernel 3 config.get minecraft
              journal config.forbidden a#1 key="minecraft" verb="read" enforcement="warn"
              a#1 <- call:response 3 error: Security violation: not permitted to read config key "minecraft"
              warn a#1 refused: read config key `minecraft`
        "#]],
    );
}

#[test]
fn the_protected_sections_can_be_written_by_nobody() {
    check(
        "settings enforcement=off
         module a section=security
         module b section=kernel
         discover
         up a b
         quiet
         a says kernel 1 config.set security.enforcementMode off
         b says kernel 2 config.set kernel.x 1
         a says kernel 3 config.get security.enforcementMode",
        expect![[r#"
            > a says kernel 1 config.set security.enforcementMode off
              journal config.forbidden a#1 key="security.enforcementMode" verb="write" enforcement="off"
              a#1 <- call:response 1 error: Security violation: not permitted to write config key "security.enforcementMode"
            > b says kernel 2 config.set kernel.x 1
              journal config.forbidden b#2 key="kernel.x" verb="write" enforcement="off"
              b#2 <- call:response 2 error: Security violation: not permitted to write config key "kernel.x"
            > a says kernel 3 config.get security.enforcementMode
              perform a#1 3 config.get security.enforcementMode
        "#]],
    );
}

#[test]
fn a_module_without_a_section_has_no_key() {
    let told = heard(
        "settings enforcement=off\n module a\n discover\n up a\n a says kernel 1 config.get a",
        &["call:response"],
    );
    assert_eq!(
        told,
        ["a#1 <- call:response 1 error: Security violation: not permitted to read config key \"a\""]
    );
}

#[test]
fn lists_tell_modules_services_and_numbers() {
    check(
        &format!(
            "module b plain\n{}",
            one("a says kernel 1 module.list
                 a says kernel 2 service.discover
                 a says kernel 3 service.resolve x
                 a says kernel 4 service.resolve y
                 wait 1500
                 a says kernel 5 monitor.snapshot
                 a says kernel 6 kernel.reboot
                 a says kernel 7 bad key is not a string")
        ),
        expect![[r#"
            > a says kernel 1 module.list
              a#1 <- call:response 1 modules a:ready:[x] b:starting:[]
            > a says kernel 2 service.discover
              a#1 <- call:response 2 services x@a
            > a says kernel 3 service.resolve x
              a#1 <- call:response 3 provider a
            > a says kernel 4 service.resolve y
              a#1 <- call:response 4 error: Service not found: y
            > wait 1500
            > a says kernel 5 monitor.snapshot
              at 1.500s
              a#1 <- call:response 5 snapshot modules=(a:ready:[x] b:starting:[]) services=(x@a) pending=0 uptime_ms=1500
            > a says kernel 6 kernel.reboot
              a#1 <- call:response 6 error: Unknown kernel method: kernel.reboot
            > a says kernel 7 bad key is not a string
              a#1 <- call:response 7 error: key is not a string
        "#]],
    );
}

#[test]
fn permissions_are_checked_against_base_and_dynamic_together() {
    check(
        "module a base=net:one dynamic=read:/two
         discover
         up a
         quiet
         a says kernel 1 permissions.check net:one,read:/two,read:/three",
        expect![[r#"
            > a says kernel 1 permissions.check net:one,read:/two,read:/three
              a#1 <- call:response 1 granted=[net one, read /two] missing=[read /three]
        "#]],
    );
}

#[test]
fn a_wish_is_kept_shown_and_asked_once() {
    check(
        &format!(
            "module w hears=kernel.permissions.pending,outbound:ws
             {}",
            one("up w
                 order 1 subscribe kernel.*
                 quiet
                 a says kernel 1 permissions.request net:two to fetch the news
                 a says kernel 2 permissions.request net:two again
                 a says kernel 3 permissions.request net:one
                 a says kernel 4 permissions.pending
                 w says kernel 5 permissions.pending")
        ),
        expect![[r#"
            > a says kernel 1 permissions.request net:two to fetch the news
              journal permission.requested a#1 permissions="net two" request="wish-1"
              save a base=[net one] dynamic=[nothing] denied=[nothing] pending=1 spawned
              w#2 <- deliver kernel.permissions.pending {a wish-1 [net two] because "to fetch the news"}
              show 1 kernel.permissions.pending {a wish-1 [net two] because "to fetch the news"}
              w#2 <- deliver outbound:ws {a wish-1 [net two] because "to fetch the news"}
              a#1 <- call:response 1 pending wish-1
            > a says kernel 2 permissions.request net:two again
              a#1 <- call:response 2 pending wish-1
            > a says kernel 3 permissions.request net:one
              a#1 <- call:response 3 granted
            > a says kernel 4 permissions.pending
              a#1 <- call:response 4 pending of a: wish-1 [net two] because "to fetch the news"
            > w says kernel 5 permissions.pending
              w#2 <- call:response 5 pending of w: 
        "#]],
    );
}

#[test]
fn a_granted_wish_gives_a_new_life_with_more() {
    check(
        &one("a says kernel 1 permissions.request net:two
              quiet
              order 7 grant-wish 1
              exit a 0
              up a
              a says kernel 2 permissions.check net:two
              order 8 grant-wish 1"),
        expect![[r#"
            > order 7 grant-wish 1
              journal permission.granted a#1 permissions="net two"
              save a base=[net one] dynamic=[net two] denied=[nothing] pending=0 spawned
              journal module.stopping a#1 reason="permission-update" grace_ms=5000
              a#1 <- shutdown
              reply 7 done
            > exit a 0
              journal module.stopped a#1 reason="permission-update" exit="exit code 0"
              journal module.starting a#2 attempt=0
              spawn a#2
            > up a
              a#2 <- init
              journal module.ready a#2 after_ms=0
              a#2 <- deps_ready
            > a says kernel 2 permissions.check net:two
              a#2 <- call:response 2 granted=[net two] missing=[nothing]
            > order 8 grant-wish 1
              reply 8 failed NotFound: there is no pending request wish-1
        "#]],
    );
}

#[test]
fn a_denied_wish_is_denied_for_good_with_all_that_holds_it() {
    check(
        &one("a says kernel 1 permissions.request net:two
              quiet
              order 7 deny-wish 1
              a says kernel 2 permissions.request net:two
              a says kernel 3 permissions.request net:two,read:/x
              a says kernel 4 permissions.request read:/x"),
        expect![[r#"
            > order 7 deny-wish 1
              journal permission.denied a#1 permissions="net two"
              save a base=[net one] dynamic=[nothing] denied=[net two] pending=0 spawned
              reply 7 done
            > a says kernel 2 permissions.request net:two
              a#1 <- call:response 2 denied
            > a says kernel 3 permissions.request net:two,read:/x
              a#1 <- call:response 3 denied
            > a says kernel 4 permissions.request read:/x
              journal permission.requested a#1 permissions="read /x" request="wish-2"
              save a base=[net one] dynamic=[nothing] denied=[net two] pending=1 spawned
              a#1 <- call:response 4 pending wish-2
        "#]],
    );
}

#[test]
fn operators_grant_deny_and_revoke_without_being_asked() {
    check(
        &one("order 1 grant a net:two
              exit a 0
              up a
              quiet
              order 2 grant a net:two
              order 3 revoke a net:two
              exit a 0
              order 4 deny a net:three
              order 5 grant a net:three
              order 6 grant ghost net:one"),
        expect![[r#"
            > order 2 grant a net:two
              journal permission.granted a#2 permissions="net two"
              save a base=[net one] dynamic=[net two] denied=[nothing] pending=0 spawned
              reply 2 done
            > order 3 revoke a net:two
              journal permission.revoked a#2 permissions="net two"
              save a base=[net one] dynamic=[nothing] denied=[nothing] pending=0 spawned
              journal module.stopping a#2 reason="permission-update" grace_ms=5000
              a#2 <- shutdown
              reply 3 done
            > exit a 0
              journal module.stopped a#2 reason="permission-update" exit="exit code 0"
              journal module.starting a#3 attempt=0
              spawn a#3
            > order 4 deny a net:three
              journal permission.denied a#3 permissions="net three"
              save a base=[net one] dynamic=[nothing] denied=[net three] pending=0 spawned
              reply 4 done
            > order 5 grant a net:three
              journal permission.granted a#3 permissions="net three"
              save a base=[net one] dynamic=[net three] denied=[nothing] pending=0 spawned
              journal module.stopping a#3 reason="permission-update" grace_ms=5000
              a#3 <- shutdown
              reply 5 done
            > order 6 grant ghost net:one
              reply 6 failed NotFound: Module "ghost" not found
        "#]],
    );
}

#[test]
fn what_was_approved_at_installation_is_not_revoked_by_an_order() {
    let told = heard(&one("order 1 revoke a net:one"), &["save", "stopping"]);
    assert_eq!(told, ["save a base=[net one] dynamic=[nothing] denied=[nothing] pending=0 spawned"]);
}

#[test]
fn a_module_can_have_a_bounded_number_of_wishes() {
    let mut script = one("");
    for number in 1..PERMISSION_REQUESTS_MAX {
        script += &format!("a says kernel {number} permissions.request net:host-{number}\n");
    }
    script += "quiet
         a says kernel last permissions.request net:last
         a says kernel over permissions.request net:over
         a says kernel again permissions.request net:last
         order 1 deny-wish 1
         a says kernel room permissions.request net:over";
    let told = heard(&script, &["call:response"]);
    assert_eq!(
        told,
        [
            "a#1 <- call:response last pending wish-64",
            "a#1 <- call:response over error: 64 requests wait for an answer already",
            "a#1 <- call:response again pending wish-64",
            "a#1 <- call:response room pending wish-65",
        ]
    );
}

#[test]
fn an_ending_module_that_breaks_a_rule_is_not_brought_back_by_it() {
    check(
        "module a
         discover
         up a
         order 1 stop a
         quiet
         a says kernel 1 config.get security
         exit a 0
         wait 100000",
        expect![[r#"
            > a says kernel 1 config.get security
              journal config.forbidden a#1 key="security" verb="read" enforcement="strict"
              a#1 <- call:response 1 error: Security violation: not permitted to read config key "security"
              warn a#1 refused: read config key `security`
            > exit a 0
              journal module.stopped a#1 reason="requested" exit="exit code 0"
              reply 1 done
            > wait 100000
        "#]],
    );
}

/// The naive twin of a permission set: pairs of words in one flat list.
type Flat = Vec<(String, String)>;

fn flat(permissions: &Permissions) -> Flat {
    let pairs = |kind| {
        permissions
            .of(kind)
            .iter()
            .map(move |value| (String::from(PermissionKind::as_str(kind)), value.clone()))
    };
    PermissionKind::ALL.into_iter().flat_map(pairs).collect()
}

fn any_permissions() -> impl Strategy<Value = Permissions> {
    btree_set((0usize..6, 0u8..4), 0..8).prop_map(|pairs: BTreeSet<(usize, u8)>| {
        let mut all = Permissions::default();
        for (kind, value) in pairs {
            all.of_mut(PermissionKind::ALL[kind]).insert(value.to_string());
        }
        all
    })
}

proptest! {
    #[test]
    fn the_difference_is_what_the_flat_twin_says(left in any_permissions(), right in any_permissions()) {
        let (flat_left, flat_right) = (flat(&left), flat(&right));
        let missing: Flat = flat_left.iter().filter(|pair| !flat_right.contains(pair)).cloned().collect();
        let common = flat_left.iter().any(|pair| flat_right.contains(pair));
        prop_assert_eq!(flat(&left.minus(&right)), missing.clone());
        prop_assert_eq!(left.is_subset(&right), missing.is_empty());
        prop_assert_eq!(left.intersects(&right), common);
        let mut both = right.clone();
        both.extend(&left);
        let mut twin: Flat = flat_right;
        twin.extend(missing);
        let (twin, both): (BTreeSet<_>, BTreeSet<_>) = (twin.into_iter().collect(), flat(&both).into_iter().collect());
        prop_assert_eq!(both, twin);
    }

    #[test]
    fn an_operator_s_orders_leave_what_the_flat_twin_keeps(
        base in any_permissions(), more in any_permissions(), denied in any_permissions(), less in any_permissions(),
    ) {
        let words = |permissions: &Permissions| {
            flat(permissions).iter().map(|(kind, value)| format!("{kind}:{value}")).collect::<Vec<_>>().join(",")
        };
        // The order's own words are split at blanks, so an empty set is given as one that base holds already.
        let or_base = |text: String| if text.is_empty() { String::from("net:0") } else { text };
        let script = format!(
            "module a base=net:0,{}\n discover\n order 1 grant a {}\n order 2 deny a {}\n order 3 revoke a {}",
            words(&base), or_base(words(&more)), or_base(words(&denied)), or_base(words(&less)),
        );
        let driver = crate::testing::after(&script);
        let grants = driver.kernel.grants(&abi::ModuleId::parse("a").expect("a slug")).expect("it is known").clone();
        let mut twin: BTreeSet<(String, String)> = flat(&more).into_iter().collect();
        for pair in flat(&denied).iter().chain(&flat(&less)) {
            twin.remove(pair);
        }
        let dynamic: BTreeSet<_> = flat(&grants.dynamic).into_iter().filter(|pair| pair.1 != "0" || pair.0 != "net").collect();
        twin.remove(&(String::from("net"), String::from("0")));
        prop_assert_eq!(dynamic, twin);
        prop_assert!(base.is_subset(&grants.effective()), "what was approved at installation stays");
    }
}
