//! An operator's own policies at the door: what they narrow and give, what is journaled, and what happens when they are wrong.

use serde_json::{Value, json};

use crate::kernel::Kernel;

const TWO: &str = "modules:\n  db: {run: sleep 1000}\n  web: {run: sleep 1000}\n";

fn as_role(name: &str, role: &str, mut request: Value) -> Value {
    request["by"] = json!({ "name": name, "role": role });
    request
}

fn kernel_with(policies: &str) -> Kernel {
    let mut kernel = Kernel::home(TWO);
    kernel.file("policies/own.cedar", policies);
    kernel.start();
    kernel.settle();
    kernel
}

fn code(answer: &Value) -> &str {
    answer["code"].as_str().unwrap_or("done")
}

fn records(kernel: &Kernel, wanted: &str) -> Vec<Value> {
    let page = kernel.data(json!({ "cmd": "journal", "code": wanted, "limit": 1000 }));
    page["records"].as_array().expect("records").clone()
}

#[test]
fn own_policies_narrow_a_role_and_give_to_one_by_name() {
    let kernel = kernel_with(
        "@id(\"keep-db\") forbid (principal, action in Ostoja::Action::\"module.*\", resource == Ostoja::Module::\"db\");\n\
         forbid (principal, action == Ostoja::Action::\"logs\", resource == Ostoja::Module::\"db\");\n\
         permit (principal == Ostoja::User::\"ci\", action == Ostoja::Action::\"module.restart\", resource == Ostoja::Module::\"web\");\n",
    );
    let restart = |name, role, module| {
        kernel.ask(as_role(name, role, json!({ "cmd": "module.restart", "moduleId": module })))
    };
    assert_eq!(code(&restart("ann", "operator", "db")), "host::door::forbidden");
    assert_eq!(code(&restart("ann", "operator", "web")), "done");
    assert_eq!(code(&restart("ci", "viewer", "web")), "done");
    assert_eq!(code(&restart("bo", "viewer", "web")), "host::door::forbidden");
    // The owner is asked about by no policy.
    assert_eq!(code(&kernel.ask(json!({ "cmd": "module.restart", "moduleId": "db" }))), "done");
    let logs = |modules: Value| {
        kernel.ask(as_role("ann", "developer", json!({ "cmd": "logs", "modules": modules })))
    };
    assert_eq!(code(&logs(json!(["web"]))), "done");
    assert_eq!(code(&logs(json!([]))), "host::door::forbidden");
    let events =
        |topics: Value| kernel.ask(as_role("ann", "developer", json!({ "cmd": "events", "topics": topics })));
    assert_eq!(code(&events(json!(["records"]))), "done");
    assert_eq!(code(&events(json!(["logs"]))), "host::door::forbidden");
    let refused = records(&kernel, "operator.refused");
    let first = &refused[0]["facts"];
    assert_eq!((&first["by"], &first["cmd"]), (&json!("ann"), &json!("module.restart")));
    assert_eq!(first["policy"], "own.cedar:1:1 (keep-db)");
    assert_eq!(refused[1]["facts"]["policy"], "none permits it");
}

#[test]
fn policies_that_can_not_be_read_refuse_all_but_the_owner_until_they_are_mended() {
    let kernel = kernel_with("forbid (principal, action == Ostoja::Action::\"module.lst\", resource);");
    let list = || kernel.ask(as_role("ann", "admin", json!({ "cmd": "module.list" })));
    assert_eq!(code(&list()), "host::policy::unreadable");
    let troubles = kernel.data(json!({ "cmd": "kernel.status" }))["troubles"].to_string();
    assert!(troubles.contains("own.cedar:1:"), "{troubles}");
    assert_eq!(records(&kernel, "policy.unreadable").len(), 1);
    kernel.file(
        "policies/own.cedar",
        "forbid (principal, action == Ostoja::Action::\"module.list\", resource);",
    );
    kernel.data(json!({ "cmd": "kernel.reload", "what": "permissions" }));
    assert_eq!(code(&list()), "host::door::forbidden");
    std::fs::remove_dir_all(kernel.path().join("policies")).expect("removed");
    kernel.data(json!({ "cmd": "kernel.reload", "what": "permissions" }));
    assert_eq!(code(&list()), "done");
    assert_eq!(kernel.data(json!({ "cmd": "kernel.status" }))["troubles"], json!([]));
    kernel.file("policies/own.cedar", "permit (principal, action, resource);");
    let reload = kernel.ask(json!({ "cmd": "kernel.reload", "what": "permissions" }));
    assert_eq!(code(&reload), "host::reload::refused");
    assert_eq!(code(&list()), "host::policy::unreadable");
}

#[test]
fn a_flood_of_refusals_does_not_fill_the_journal() {
    let kernel = Kernel::settled(TWO);
    for _ in 0..50 {
        let answer = kernel.ask(as_role("ann", "viewer", json!({ "cmd": "kernel.stop" })));
        assert_eq!(code(&answer), "host::door::forbidden");
    }
    assert_eq!(records(&kernel, "operator.refused").len(), 10);
}
