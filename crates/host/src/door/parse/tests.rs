//! Requests as they come, in the words that the contract has for faults.

use super::*;

fn request(line: &[u8]) -> Result<Request, Refusal> {
    asked(line).map(|asked| asked.request)
}

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

#[test]
fn for_whom_something_is_asked_stands_beside_it() {
    let line = br#"{"cmd":"module.stop","moduleId":"a","by":{"name":"ann","role":"operator"}}"#;
    let asked = asked(line).expect("a request");
    let by = asked.by.expect("somebody");
    assert_eq!((by.name.as_str(), by.role.as_str()), ("ann", "operator"));
    assert_eq!((asked.cmd.as_str(), asked.module.expect("one").as_str()), ("module.stop", "a"));
}

#[test]
fn an_unreadable_asker_refuses_the_request_instead_of_asking_it_with_every_right() {
    let long = format!(r#"{{"name":"{}","role":"admin"}}"#, "x".repeat(65));
    for by in ["null", "7", "{}", r#"{"name":"ann","role":"king"}"#, r#"{"name":"","role":"viewer"}"#, &long]
    {
        let line = format!(r#"{{"cmd":"module.list","by":{by}}}"#);
        assert_eq!(asked(line.as_bytes()).expect_err("refused").code, "host::door::bad_request", "{by}");
    }
}
