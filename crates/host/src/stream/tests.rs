//! Numbers, what is kept, what is told to be gone.

use abi::ModuleId;
use protocol::operator::Event;

use super::*;

fn stream() -> Stream {
    Stream::begin(Wall(0x10), 0x20)
}

fn module(name: &str) -> ModuleId {
    ModuleId::parse(name).expect("a name")
}

fn wanted(topics: &[EventTopic]) -> Wanted {
    Wanted::of(&EventsRequest { topics: topics.to_vec(), ..EventsRequest::default() }, Vec::new())
}

fn decide(stream: &mut Stream, code: &str) {
    stream.record(None, code, Event::Lost(0));
}

fn say(stream: &mut Stream, at: u64, listeners: usize) -> bool {
    stream.line(&module("a"), Wall(at), listeners, || Event::Lost(1)).is_some()
}

fn numbers(resumed: &Resumed) -> Vec<u64> {
    resumed.missed.iter().map(|told| told.number).collect()
}

const BOTH: [EventTopic; 2] = [EventTopic::Records, EventTopic::Logs];

#[test]
fn what_was_missed_follows_in_its_order_and_each_event_once() {
    let mut stream = stream();
    stream.keep_lines(Wall(0));
    decide(&mut stream, "a.b");
    assert!(say(&mut stream, 1, 1));
    decide(&mut stream, "a.c");
    let resumed = stream.after("10.20-1", &wanted(&BOTH)).expect("an id");
    assert_eq!((numbers(&resumed), resumed.gone), (vec![2, 3], None));
    let line = std::str::from_utf8(&resumed.missed[0].line).expect("text");
    assert_eq!(line, "{\"id\":\"10.20-2\",\"event\":\"lost\",\"data\":1}\n");
    let at_the_end = stream.after(&stream.last(), &wanted(&BOTH)).expect("an id");
    assert_eq!((numbers(&at_the_end), at_the_end.gone), (vec![], None));
}

#[test]
fn what_is_not_kept_any_more_is_told_to_be_gone_and_the_rest_follows() {
    let mut stream = stream();
    for _ in 0..KEPT_MAX + 2 {
        decide(&mut stream, "a.b");
    }
    let whole = stream.after("10.20-2", &wanted(&[])).expect("an id");
    assert_eq!((whole.missed.len(), whole.gone), (KEPT_MAX, None));
    let part = stream.after("10.20-1", &wanted(&[])).expect("an id");
    assert_eq!(part.missed.len(), KEPT_MAX);
    let gone = EventsGone { since: "10.20-1".to_owned(), reason: GoneReason::TooOld };
    assert_eq!(part.gone, Some(gone));
    // Of another kind nothing was missed.
    assert_eq!(stream.after("10.20-1", &wanted(&[EventTopic::Logs])).expect("an id").gone, None);
}

#[test]
fn an_id_of_another_kernel_or_of_the_future_gets_all_that_is_kept() {
    let mut stream = stream();
    decide(&mut stream, "a.b");
    for id in ["11.20-1", "10.20-2"] {
        let resumed = stream.after(id, &wanted(&[])).expect("an id");
        assert_eq!(resumed.gone.as_ref().map(|gone| gone.reason), Some(GoneReason::OtherEpoch), "{id}");
        assert_eq!(numbers(&resumed), [1]);
    }
    let oldest = stream.after("oldest", &wanted(&[])).expect("a word");
    assert_eq!((numbers(&oldest), oldest.gone), (vec![1], None));
    assert!(stream.after("newest", &wanted(&[])).is_none());
}

#[test]
fn lines_are_kept_while_somebody_listens_and_a_minute_longer() {
    let mut stream = stream();
    assert!(!say(&mut stream, 0, 0), "nobody has listened yet");
    stream.keep_lines(Wall(10));
    assert!(say(&mut stream, 20, 1));
    assert!(say(&mut stream, 20 + LINES_KEPT_MS, 0), "the minute is not over");
    let whole = stream.after("10.20-1", &wanted(&BOTH)).expect("an id");
    assert_eq!((numbers(&whole), whole.gone), (vec![2, 3], None));
    assert!(!say(&mut stream, 21 + LINES_KEPT_MS, 0));
    let resumed = stream.after("10.20-3", &wanted(&BOTH)).expect("an id");
    assert_eq!(resumed.gone.map(|gone| gone.reason), Some(GoneReason::TooOld));
    assert_eq!(stream.lines.kept.len(), 0);
}

#[test]
fn what_is_kept_is_bounded_in_bytes_too() {
    let mut stream = stream();
    for _ in 0..8 {
        stream.record(None, "a.b", Event::End("x".repeat(KEPT_BYTES_MAX / 4)));
    }
    assert!(stream.records.bytes <= KEPT_BYTES_MAX);
    assert_eq!(stream.records.kept.len(), 3);
    assert_eq!(stream.records.gone, 5);
}

#[test]
fn a_listener_gets_its_modules_and_its_codes_only() {
    let mut stream = stream();
    let request = EventsRequest {
        codes: vec!["module.".to_owned(), "restart.now".to_owned()],
        ..EventsRequest::default()
    };
    let of_a = Wanted::of(&request, vec![module("a")]);
    let mut takes = |id: Option<&str>, code: &str| {
        let told = stream.record(id.map(module).as_ref(), code, Event::Lost(0));
        of_a.takes(&told)
    };
    assert!(takes(Some("a"), "module.ready") && takes(Some("a"), "restart.now"));
    assert!(!takes(Some("b"), "module.ready") && !takes(None, "module.ready"));
    assert!(!takes(Some("a"), "restart.nowhere") && !takes(Some("a"), "modules"));
}

#[test]
fn the_binary_that_takes_over_goes_on_with_the_numbers_and_the_last_decisions() {
    let mut old = stream();
    for _ in 0..HANDED_OVER_MAX + 3 {
        decide(&mut old, "a.b");
    }
    let text = serde_json::to_string(&old.leave()).expect("text");
    let mut new = Stream::begin(Wall(1), 1);
    new.resume(serde_json::from_str(&text).expect("what was left"));
    decide(&mut new, "a.c");
    let first_kept = new.after("10.20-3", &wanted(&[])).expect("an id");
    assert_eq!((first_kept.missed.len(), first_kept.gone), (HANDED_OVER_MAX + 1, None));
    assert_eq!(first_kept.missed.last().map(|told| told.number), Some(HANDED_OVER_MAX as u64 + 4));
    let older = new.after("10.20-2", &wanted(&[])).expect("an id");
    assert_eq!(older.gone.map(|gone| gone.reason), Some(GoneReason::TooOld));
    // What a program leaves that knows no stream begins another numbering.
    let mut other = Stream::begin(Wall(1), 1);
    other.resume(serde_json::from_str("{}").expect("nothing"));
    assert_eq!(other.last(), "1.1-0");
}
