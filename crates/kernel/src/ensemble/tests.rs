//! Kernel and proxies together: what each holds is what the other says, and nothing is left behind.

use std::string::String;

use crate::testing::{after, heard};

#[test]
fn a_view_counts_the_calls_that_are_not_answered() {
    let script = "module a may=echo
         module b provides=echo
         discover
         up a b
         a says call 1 echo say
         a says call 2 echo say
         b says answer 1 done
         order 9 call echo say";
    let driver = after(script);
    let pending = |id: &str| driver.kernel.views().into_iter().find(|view| view.id.as_str() == id);
    assert_eq!(pending("a").map(|view| view.calls_pending), Some(1));
    assert_eq!(pending("b").map(|view| view.calls_pending), Some(0));
    assert_eq!(driver.kernel.calls_pending(), 2);
}

#[test]
fn a_snapshot_counts_the_calls_of_all() {
    let script = "module a may=echo
         module b provides=echo
         discover
         up a b
         a says call 1 echo say
         order 9 call echo say
         a says kernel 1 monitor.snapshot";
    let told = heard(script, &["snapshot"]);
    assert!(told[0].contains("pending=2"), "{told:?}");
}

#[test]
fn proxies_and_their_moments_go_with_their_lives() {
    let mut script = String::from(
        "module a may=echo\n module b provides=echo\n discover\n settings restart_base=1 restart_backoff_max=1 max_restarts=50 burst=99\n",
    );
    for _ in 0..20 {
        script += "up a b\n a says call 1 echo say\n a says call 2 echo say deadline=9000\n exit b 1\n exit a 1\n wait 5000\n";
    }
    let driver = after(&script);
    assert_eq!(driver.kernel.calls_pending(), 0);
    assert!(driver.kernel.wakes.is_empty(), "{:?}", driver.kernel.wakes);
}

#[test]
fn what_follows_from_a_violation_comes_before_what_was_said_next() {
    let told = heard(
        "module a may=echo
         module b provides=echo
         discover
         up a b
         a says call 1 other say
         a says call 2 echo say",
        &["rpc_", "journal rpc", "signal"],
    );
    assert_eq!(
        told,
        [
            "journal rpc.forbidden a#1 service=\"other\" enforcement=\"strict\"",
            "a#1 <- rpc_response 1 error: forbidden",
            "signal a#1 kill",
            "a#1 <- rpc_response 2 error: Module not ready",
        ]
    );
}
