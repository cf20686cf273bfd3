//! Cases: read, run, and what is none.

use super::*;
use crate::own::Source;

#[test]
fn cases_are_run_and_differences_are_told() {
    let own = "forbid (principal, action, resource == Ostoja::Module::\"db\");".to_owned();
    let policies = Policies::try_new(&[Source { name: "a.cedar".to_owned(), text: own }]).expect("well");
    let cases = Cases::parse(
        "cases:\n- {role: operator, verb: module.stop, module: db, expect: deny}\n\
         - {user: ann, role: operator, verb: module.stop, module: web, zone: stable, expect: allow}\n\
         - {role: viewer, verb: zone.restart, zone: sandbox, expect: allow}\n\
         - {role: viewer, verb: module.list, dryRun: true, expect: allow}\n",
    );
    let tested = run(&policies, cases.expect("cases"));
    assert_eq!(tested.iter().map(Tested::is_met).collect::<Vec<_>>(), [true, true, false, true]);
    assert_eq!(tested[0].decision.by, ["a.cedar:1:1"]);
}

#[test]
fn what_is_no_case_is_told() {
    let refused = |text: &str| Cases::parse(text).expect_err("refused").to_string();
    assert!(refused("cases: [{verb: module.list}]").contains("expect"));
    assert!(refused("cases: [{verb: module.list, expect: allow, who: ann}]").contains("who"));
    assert!(refused("cases: [{role: king, verb: module.list, expect: allow}]").contains("king"));
    let verb = refused("cases:\n- {verb: module.list, expect: allow}\n- {verb: module.lst, expect: deny}\n");
    assert_eq!(verb, "case 2: `module.lst` is no verb; did you mean `module.list`?");
    let many = format!("cases:\n{}", "- {verb: module.list, expect: deny}\n".repeat(CASES_MAX + 1));
    assert!(refused(&many).contains("10001"));
}
