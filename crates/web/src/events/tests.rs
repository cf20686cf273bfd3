//! The stream's numbers, its ring, and listeners that are slow or gone.

use super::*;

fn wanted(topics: &[Topic], modules: &[&str]) -> Wanted {
    Wanted {
        topics: topics.iter().copied().collect(),
        modules: modules.iter().map(|id| (*id).to_owned()).collect(),
    }
}

fn hub() -> Arc<Hub> {
    Arc::new(Hub::new("life".to_owned()))
}

fn text(bytes: &Bytes) -> &str {
    std::str::from_utf8(bytes).expect("text")
}

fn drain(heard: &mut Heard) -> Vec<String> {
    let mut all: Vec<String> = heard.first.drain(..).skip(1).map(|bytes| text(&bytes).to_owned()).collect();
    while let Ok(bytes) = heard.receiver.try_recv() {
        all.push(text(&bytes).to_owned());
    }
    all
}

#[test]
fn an_event_has_a_number_and_one_line_of_data_whatever_it_holds() {
    let hub = hub();
    let mut heard = hub.listen(wanted(&[Topic::Records], &[]), None).expect("room");
    hub.tell(Topic::Records, Some("a"), &"x\n\ndata: y\r\n<script>");
    let expected = "id: life-1\nevent: record\ndata: \"x\\n\\ndata: y\\r\\n<script>\"\n\n";
    assert_eq!(drain(&mut heard), [expected]);
}

#[test]
fn a_listener_gets_its_topics_and_its_modules_only() {
    let hub = hub();
    let mut heard = hub.listen(wanted(&[Topic::Logs, Topic::Usage], &["a"]), None).expect("room");
    hub.tell(Topic::Logs, Some("a"), &1);
    hub.tell(Topic::Logs, Some("b"), &2);
    hub.tell(Topic::Records, Some("a"), &3);
    hub.tell(Topic::Usage, None, &4);
    assert_eq!(drain(&mut heard), ["id: life-1\nevent: log\ndata: 1\n\n", "event: usage\ndata: 4\n\n"]);
}

#[test]
fn what_was_missed_comes_first_and_each_event_once() {
    let hub = hub();
    for number in 1..=5 {
        hub.tell(Topic::Records, None, &number);
    }
    let mut heard = hub.listen(wanted(&[Topic::Records], &[]), Some("life-3")).expect("room");
    hub.tell(Topic::Records, None, &6);
    let numbers: Vec<String> = drain(&mut heard).iter().map(|event| event[4..10].to_owned()).collect();
    assert_eq!(numbers, ["life-4", "life-5", "life-6"]);
    let mut all = hub.listen(wanted(&[Topic::Records], &[]), Some("life-6")).expect("room");
    assert_eq!(drain(&mut all), [] as [String; 0]);
}

#[test]
fn ids_of_another_life_of_the_future_or_too_old_ask_for_a_fresh_look() {
    let hub = hub();
    for number in 0..RING_EVENTS_MAX + 2 {
        hub.tell(Topic::Records, None, &number);
    }
    for id in ["other-3", "life-999999", "life-1", "life", "", "life-x"] {
        let mut heard = hub.listen(wanted(&[Topic::Records], &[]), Some(id)).expect("room");
        assert_eq!(drain(&mut heard), ["event: reset\ndata: {}\n\n"], "{id}");
    }
    let mut oldest = hub.listen(wanted(&[Topic::Records], &[]), Some("life-2")).expect("room");
    assert_eq!(drain(&mut oldest).len(), RING_EVENTS_MAX);
}

#[test]
fn a_listener_that_sleeps_loses_events_and_they_are_counted() {
    let hub = hub();
    let mut heard = hub.listen(wanted(&[Topic::Records], &[]), None).expect("room");
    for number in 0..WAITING_MAX + 3 {
        hub.tell(Topic::Records, None, &number);
    }
    assert_eq!(drain(&mut heard).len(), WAITING_MAX);
    assert_eq!(heard.lost.load(Ordering::Relaxed), 3);
}

#[test]
fn the_ring_is_bounded_in_bytes_too() {
    let hub = hub();
    let long = "x".repeat(1 << 20);
    for _ in 0..8 {
        hub.tell(Topic::Records, None, &long);
    }
    let inner = hub.inner();
    assert!(inner.ring_bytes <= RING_BYTES_MAX && inner.ring.len() == 3, "{}", inner.ring.len());
}

#[test]
fn nothing_is_demanded_for_listeners_that_are_gone() {
    let hub = hub();
    let demand = hub.demand();
    let heard = hub.listen(wanted(&[Topic::Logs], &[]), None).expect("room");
    assert_eq!(*demand.borrow(), Demand { logs: 1, usage: 0 });
    drop(heard);
    assert_eq!((*demand.borrow(), hub.listeners()), (Demand::default(), 0));
}

#[test]
fn there_is_room_for_so_many_listeners_and_no_more() {
    let hub = hub();
    let listen = || hub.listen(wanted(&[Topic::Records], &[]), None);
    let mut all: Vec<Heard> = (0..LISTENERS_MAX).map(|_| listen().expect("room")).collect();
    assert!(listen().is_none());
    all.pop();
    assert!(listen().is_some());
}

#[test]
fn the_kernels_coming_and_going_is_told_once_and_to_everybody() {
    let hub = hub();
    let mut heard = hub.listen(wanted(&[], &[]), None).expect("room");
    for connected in [true, true, false] {
        hub.tell_connected(connected);
    }
    let expected =
        ["event: kernel\ndata: {\"connected\":true}\n\n", "event: kernel\ndata: {\"connected\":false}\n\n"];
    assert_eq!(drain(&mut heard), expected);
}
