//! A home of pons as a project.

use expect_test::expect;

use super::*;

#[test]
fn modules_come_with_what_was_approved_and_configuration_with_its_sections() {
    let manifest = |id: &str| {
        format!(
            r#"{{"id": "{id}", "name": "A", "permissions": {{"net": ["a:1"]}}, "entry": "a.py", "runtime": "python"}}"#
        )
    };
    let texts = Texts {
        manifests: vec![
            ("greeter".to_owned(), manifest("greeter")),
            ("new".to_owned(), manifest("newcomer")),
            ("bad".to_owned(), "{".to_owned()),
        ],
        config: Some("lifecycle: { maxRestarts: 3 }\nsecurity: { enforcementMode: sometimes }\ngreeter: { word: hi }\n".to_owned()),
        permissions: Some(
            "modules:\n  greeter:\n    base: { net: [\"a:1\"] }\n    baseManifestHash: \
             0000000000000000000000000000000000000000000000000000000000000000\n    dynamic:\n      - permissions: { read: [data] }\n"
                .to_owned(),
        ),
    };
    let imported = import("home", &texts).expect("it is one");
    expect![[r##"
        # Made by `ostoja import` from home.
        # `ostoja --home home up` runs this home as it is, with approvals and updates; a project is for
        #   modules that stand in a repository.
        # `security` is not carried over: a value in it is none that Ostoja takes; see `ostoja config check`

        modules:
          greeter:
            path: modules/greeter
            permissions: { net: ["a:1"], read: [data] }

          newcomer:
            # It was never approved in that home, so it is started by `ostoja start` only.
            path: modules/new
            autostart: false

          # `bad` is left out: modules/bad/module.json:1:1: EOF while parsing an object.

        config:
          greeter: {"word":"hi"}

        lifecycle: {"maxRestarts":3}
    "##]]
    .assert_eq(&imported.yaml);
    assert!(!format!("{texts:?}").contains("word"));
}

#[test]
fn a_broken_file_of_the_home_is_told_by_its_place() {
    let texts = Texts { config: Some("a: [\n".to_owned()), ..Texts::default() };
    let errors = import("home", &texts).expect_err("it is broken");
    assert!(errors.to_string().starts_with("home/config.yaml:"), "{errors}");
}
