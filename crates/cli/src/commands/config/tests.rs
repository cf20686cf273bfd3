//! How values are printed.

use serde_json::json;

use super::*;

#[test]
fn a_text_is_printed_bare_and_everything_else_as_json() {
    assert_eq!(plain(&json!("a b")), "a b");
    assert_eq!(plain(&json!(5)), "5");
    assert_eq!(plain(&json!({ "a": [1] })), "{\"a\":[1]}");
}

#[test]
fn a_mistyped_key_gets_the_nearest() {
    let failure = no_key("lifecycle.maxRestart", &["lifecycle.maxRestarts", "logging.level"]);
    assert_eq!(failure.help.as_deref(), Some("did you mean `lifecycle.maxRestarts`?"));
    assert_eq!(failure.exit, Exit::NotFound);
}
