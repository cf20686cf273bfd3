//! Which sockets are still open, by real ones.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsFd;

use super::{One, Opened, REMEMBERED_MAX, Row, Use, mark, place};
use crate::reach::Reach;

fn at(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

#[test]
fn places_are_read_as_the_system_writes_them() {
    assert_eq!(place("0100007F:1F90"), Some(at("127.0.0.1:8080")));
    assert_eq!(place("00000000000000000000000001000000:0050"), Some(at("[::1]:80")));
    for bad in ["", "0100007F", "0100007F:", "01:0050", "0100007G:0050", "local_address"] {
        assert_eq!(place(bad), None, "{bad}");
    }
    let line =
        "   1: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0";
    assert_eq!(Row::parse(line), Some(Row { local: at("127.0.0.1:8080"), number: 4711 }));
    assert_eq!(Row::parse("  sl  local_address rem_address   st"), None);
}

#[test]
fn a_connection_is_told_as_long_as_it_is_open_and_beyond_the_reach() {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let place = server.local_addr().unwrap();
    let client = TcpStream::connect(place).unwrap();
    let mut opened = Opened::default();
    opened.note(client.as_fd(), place, Vec::new(), Use::Connection);
    assert_eq!(opened.beyond(&Reach::of([place.to_string().as_str()])), []);
    assert_eq!(opened.beyond(&Reach::default()), [place]);
    // Both ends, or it goes on until the other one is closed.
    let (accepted, _) = server.accept().unwrap();
    drop((client, accepted));
    assert_eq!(opened.beyond(&Reach::default()), []);
}

#[test]
fn a_connection_by_a_name_stays_within_as_long_as_the_name_is_granted() {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let place = server.local_addr().unwrap();
    let client = TcpStream::connect(place).unwrap();
    let mut opened = Opened::default();
    opened.note(client.as_fd(), place, vec!["api.example".to_owned()], Use::Connection);
    assert_eq!(opened.beyond(&Reach::of(["api.example"])), []);
    assert_eq!(opened.beyond(&Reach::of(["other.example"])), [place]);
}

#[test]
fn what_was_accepted_at_a_place_counts_after_its_listener_was_closed() {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let place = server.local_addr().unwrap();
    let client = TcpStream::connect(place).unwrap();
    let (accepted, _) = server.accept().unwrap();
    let mut opened = Opened::default();
    opened.note(server.as_fd(), place, Vec::new(), Use::Listener);
    drop(server);
    assert_eq!(opened.beyond(&Reach::default()), [place]);
    drop((client, accepted));
    assert_eq!(opened.beyond(&Reach::default()), []);
}

#[test]
fn what_was_not_remembered_counts_as_open() {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let place = server.local_addr().unwrap();
    let mut opened = Opened::default();
    for _ in 0..=REMEMBERED_MAX {
        opened.note(server.as_fd(), place, Vec::new(), Use::Connection);
    }
    assert_eq!(opened.all.len(), REMEMBERED_MAX);
    assert_eq!(opened.beyond(&Reach::of([place.to_string().as_str()])), [place]);
}

#[test]
fn a_list_that_breaks_off_is_an_error_and_no_answer() {
    let one = One { number: 1, at: at("127.0.0.1:80"), names: Vec::new(), used: Use::Connection };
    let mut open = [false];
    assert!(mark(&b"\xff\xfe\n"[..], &[one], &mut open).is_err());
}
