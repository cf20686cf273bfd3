//! The demo's description is one that a project file may hold.

use super::project;

#[test]
fn the_description_is_understood() {
    let project = project().expect("it is right");
    let names: Vec<&str> = project.modules.iter().map(|module| module.id.as_str()).collect();
    assert_eq!(names, ["greeter", "worker", "flooder", "curious", "ticker"]);
}
