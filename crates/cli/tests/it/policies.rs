//! `policy` on a home without a kernel: faults with their places, explanations, cases.

use std::fs;

use serde_json::json;

use crate::kernel::check_schema;
use crate::runner::World;

fn world(policies: &str) -> World {
    let world = World::new();
    fs::create_dir_all(world.home().join("policies")).expect("made");
    fs::write(world.home().join("policies/own.cedar"), policies).expect("written");
    world
}

const KEEP_DB: &str = "@id(\"keep-db\")\nforbid (principal, action in Ostoja::Action::\"changes\", resource == Ostoja::Module::\"db\");\n";

#[test]
fn check_tells_each_fault_with_its_file_line_and_column() {
    let world = world("forbid (principal, action, resource);\n  permit (principal, action, resource);\n");
    let ran = world.run("policy check").expect(7);
    assert!(ran.stderr.contains("own.cedar:2:3: a `permit` must name the one it is for"), "{ran:?}");
    let told = world.run("policy check --json").expect(7).json();
    check_schema("policy check", &told["data"]);
    assert_eq!(
        (&told["data"]["faults"][0]["line"], &told["data"]["faults"][0]["column"]),
        (&json!(2), &json!(3))
    );
    fs::write(world.path().join("mine.cedar"), KEEP_DB).expect("written");
    let told = world.run("policy check mine.cedar --json").expect(0).json();
    check_schema("policy check", &told["data"]);
    assert_eq!(told["data"]["policies"], 1);
    let none = World::new();
    assert!(none.run("policy check").expect(0).stderr.contains("no policies"));
}

#[test]
fn explain_names_the_policies_that_decided() {
    let world = world(KEEP_DB);
    let told = world.run("policy explain --as ann --role operator module.restart db --json").expect(5).json();
    check_schema("policy explain", &told["data"]);
    assert_eq!(told["data"]["by"], json!(["own.cedar:1:1 (keep-db)"]));
    let ran = world.run("policy explain --role operator module.restart web").expect(0);
    assert!(ran.stdout.contains("role:operator"), "{ran:?}");
    let ran = world.run("policy explain --as ann module.restart web").expect(5);
    assert!(ran.stdout.contains("no policy permits it"), "{ran:?}");
    let ran = world.run("policy explain --role viewer module.restrat").expect(2);
    assert!(ran.stderr.contains("did you mean `module.restart`?"), "{ran:?}");
}

#[test]
fn test_ends_with_1_when_a_case_comes_out_otherwise() {
    let world = world(KEEP_DB);
    let cases = |last: &str| {
        let text =
            format!("cases:\n- {{role: operator, verb: module.stop, module: db, expect: deny}}\n- {last}\n");
        fs::write(world.path().join("cases.yaml"), text).expect("written");
    };
    cases("{role: viewer, verb: module.list, expect: allow}");
    let told = world.run("policy test cases.yaml --json").expect(0).json();
    check_schema("policy test", &told["data"]);
    assert_eq!(told["data"]["cases"], 2);
    cases("{role: viewer, verb: module.stop, module: web, expect: allow}");
    let told = world.run("policy test cases.yaml --json").expect(1).json();
    check_schema("policy test", &told["data"]);
    assert_eq!(told["data"]["differences"][0]["number"], 2);
    assert!(world.run("policy test cases.yaml").expect(1).stdout.contains("2: denied"));
    cases("{role: viewer, verb: module.lst, expect: allow}");
    assert!(world.run("policy test cases.yaml").expect(2).stderr.contains("module.list"));
}
