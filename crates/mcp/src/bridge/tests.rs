//! What tools give, and when a silent server is given up.

use std::time::Duration;

use serde_json::{Value, json};

use super::calls::from_tool;
use super::keeper::{Sign, Verdict, judge};

#[test]
fn a_result_is_its_data_its_one_text_or_its_parts() {
    let gave = |result: Value| from_tool(result).map_err(|failure| failure.to_string());
    let text = |text: &str| json!({ "type": "text", "text": text });
    assert_eq!(
        gave(json!({ "content": [text("7")], "structuredContent": { "sum": 7 } })),
        Ok(json!({ "sum": 7 }))
    );
    assert_eq!(gave(json!({ "content": [text("7")] })), Ok(json!("7")));
    let two = json!([text("a"), { "type": "image", "data": "", "mimeType": "image/png" }]);
    assert_eq!(gave(json!({ "content": two })), Ok(two));
    assert_eq!(gave(json!({})), Ok(json!([])));
    assert_eq!(gave(json!({ "content": [text("a"), text("b")], "isError": true })), Err("a\nb".to_owned()));
    assert_eq!(gave(json!({ "isError": true })), Err("the tool failed".to_owned()));
}

#[test]
fn a_server_that_says_nothing_is_asked_and_not_ended_before_it_was() {
    for (seconds, sign, verdict) in [
        (1, Sign::NotAsked, Verdict::Wait),
        (11, Sign::NotAsked, Verdict::Ping),
        (500, Sign::NotAsked, Verdict::Ping),
        (60, Sign::Owed, Verdict::Wait),
        (91, Sign::Owed, Verdict::Hung),
    ] {
        assert_eq!(judge(Duration::from_secs(seconds), sign), verdict, "{seconds}");
    }
}

#[test]
fn names_follow_from_the_modules() {
    assert_eq!(super::service_of("files"), "mcp.files");
    assert_eq!(super::topic_of("files"), "mcp.files.changed");
}
