//! Requests as they come, in the words that the contract has for faults.

use super::*;

fn refused(line: &str) -> String {
    request(line.as_bytes()).expect_err("refused").error
}

#[test]
fn the_contracts_errors_come_in_the_contracts_words() {
    assert_eq!(refused("{"), "Invalid JSON");
    assert_eq!(refused("[]"), "Invalid JSON");
    assert_eq!(refused(r#"{"cmd":"fly"}"#), "Unknown command: fly");
    assert_eq!(refused("{}"), "Unknown command: undefined");
    assert_eq!(refused(r#"{"cmd":"module.restart"}"#), "moduleId is required");
    assert_eq!(refused(r#"{"cmd":"module.install"}"#), "moduleDir is required");
    assert_eq!(refused(r#"{"cmd":"module.update","moduleId":"a"}"#), "moduleDir is required");
}

#[test]
fn every_request_that_needs_a_module_or_folder_is_a_known_one() {
    for cmd in NAMES_A_MODULE.into_iter().chain(NAMES_A_FOLDER) {
        let line = format!(r#"{{"cmd":"{cmd}","moduleId":"a","moduleDir":"b"}}"#);
        assert!(request(line.as_bytes()).is_ok(), "{cmd}");
    }
}

#[test]
fn an_older_tools_request_is_understood() {
    let line = br#"{"cmd":"module.install","moduleDir":"/m","symlink":true}"#;
    let expected = Request::ModuleInstall { module_dir: "/m".to_owned(), symlink: true, dry_run: false };
    assert_eq!(request(line), Ok(expected));
}

#[test]
fn a_field_of_the_wrong_kind_is_told() {
    let error = request(br#"{"cmd":"module.status","moduleId":7}"#).expect_err("refused");
    assert_eq!(error.code, "host::door::bad_request");
    assert!(error.error.contains("string"), "{}", error.error);
}
