//! What an operator is written: in order, bounded, and losses told.

use protocol::operator::Response;
use serde_json::json;

use super::*;

fn lines(outlet: &Outlet) -> Vec<String> {
    outlet.close();
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(async {
        let mut lines = Vec::new();
        while let Some(line) = outlet.next().await {
            lines.push(String::from_utf8(line.to_vec()).expect("UTF-8").trim().to_owned());
        }
        lines
    })
}

#[test]
fn a_slow_reader_loses_events_and_is_told_how_many() {
    let outlet = Outlet::default();
    for number in 0..EVENTS_WAITING_MAX as u64 + 3 {
        outlet.event(&Event::Lost(number));
    }
    let lines = lines(&outlet);
    assert_eq!(lines.len(), EVENTS_WAITING_MAX + 1);
    assert_eq!(lines.last().map(String::as_str), Some(r#"{"event":"lost","data":3}"#));
}

#[test]
fn the_end_is_told_even_to_a_slow_reader() {
    let outlet = Outlet::default();
    for number in 0..EVENTS_WAITING_MAX as u64 + 3 {
        outlet.event(&Event::Lost(number));
    }
    outlet.event(&Event::End("stopped".to_owned()));
    let lines = lines(&outlet);
    assert_eq!(lines.last().map(String::as_str), Some(r#"{"event":"end","data":"stopped"}"#));
}

#[test]
fn events_that_came_before_the_response_follow_it_unless_it_holds_them() {
    let outlet = Outlet::default();
    outlet.hold();
    outlet.event(&Event::Lost(1));
    outlet.event(&Event::Lost(2));
    outlet.release(&Response::done(Some(json!("page"))), |event| *event == Event::Lost(1));
    outlet.event(&Event::Lost(3));
    assert_eq!(
        lines(&outlet),
        [r#"{"ok":true,"data":"page"}"#, r#"{"event":"lost","data":2}"#, r#"{"event":"lost","data":3}"#]
    );
}

#[test]
fn a_line_that_is_shared_counts_like_any_event() {
    let outlet = Outlet::default();
    let line: Rc<[u8]> = b"{}\n".as_slice().into();
    outlet.hold();
    outlet.line(&line);
    outlet.release(&Response::done(None), |_| false);
    for _ in 0..EVENTS_WAITING_MAX {
        outlet.line(&line);
    }
    let lines = lines(&outlet);
    assert_eq!((lines[0].as_str(), lines[1].as_str()), (r#"{"ok":true}"#, "{}"));
    assert_eq!(lines.last().map(String::as_str), Some(r#"{"event":"lost","data":2}"#));
}

#[test]
fn nothing_is_taken_after_it_was_closed() {
    let outlet = Outlet::default();
    outlet.close();
    outlet.event(&Event::Lost(1));
    assert!(lines(&outlet).is_empty());
}
