//! Ids of events, and lines that readers of plain events still read.

use serde_json::json;

use super::*;
use crate::operator::{Request, Role};

#[test]
fn an_id_is_an_epoch_and_a_number_and_nothing_else_is_one() {
    let id = EventId { epoch: "19a.4d2".to_owned(), number: 17 };
    assert_eq!(id.to_string(), "19a.4d2-17");
    assert_eq!("19a.4d2-17".parse(), Ok(id));
    let long = format!("{}-1", "a".repeat(65));
    for text in ["", "-", "a", "a-", "-1", "a-+1", "a--1", "a b-1", "a-99999999999999999999", "ż-1", &long] {
        assert_eq!(text.parse::<EventId>(), Err(NoEventId), "{text}");
    }
    assert!(format!("{}-{}", "a".repeat(64), u64::MAX).parse::<EventId>().is_ok());
}

#[test]
fn a_numbered_line_is_an_event_to_those_who_know_no_numbers() {
    let line = EventLine { id: Some("e-1".to_owned()), event: Event::Lost(3) };
    let text = serde_json::to_string(&line).expect("a line");
    assert_eq!(text, r#"{"id":"e-1","event":"lost","data":3}"#);
    assert_eq!(serde_json::from_str::<Event>(&text).expect("an event"), Event::Lost(3));
    assert_eq!(serde_json::from_str::<EventLine>(&text).expect("a line"), line);
    let plain = EventLine { id: None, event: Event::End("gone".to_owned()) };
    let text = serde_json::to_string(&plain).expect("a line");
    assert_eq!(text, r#"{"event":"end","data":"gone"}"#);
    assert_eq!(serde_json::from_str::<EventLine>(&text).expect("a line"), plain);
}

#[test]
fn without_a_topic_it_is_decisions_as_ever_and_what_modules_say_takes_a_developer() {
    let plain: Request = serde_json::from_value(json!({ "cmd": "events" })).expect("a request");
    assert_eq!(plain, Request::Events(EventsRequest::default()));
    assert_eq!(plain.least_role(), Role::Viewer);
    let asked = |fields: EventsRequest| Request::Events(fields).least_role();
    let topics =
        |topics: &[EventTopic]| EventsRequest { topics: topics.to_vec(), ..EventsRequest::default() };
    assert_eq!(asked(topics(&[EventTopic::Records, EventTopic::Usage])), Role::Viewer);
    assert_eq!(asked(topics(&[EventTopic::Records, EventTopic::Logs])), Role::Developer);
    let hear = EventsRequest { hear: vec!["*".to_owned()], ..EventsRequest::default() };
    assert_eq!(asked(hear), Role::Developer);
}
