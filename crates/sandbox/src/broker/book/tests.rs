//! What is known of names, with a network that answers as told.

use std::io;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::{Book, Lookup, Permit, Reach, Resolver};

/// 10 s: far above what a thread needs to start on a busy machine.
const DEADLINE: Duration = Duration::from_secs(10);

fn answers(name: &str) -> io::Result<Vec<IpAddr>> {
    let texts: &[&str] = match name {
        "api.example" => &["10.0.0.7", "2001:db8::7"],
        "liar.example" => &["127.0.0.1", "169.254.169.254", "::ffff:127.0.0.1", "10.0.0.8"],
        _ => return Err(io::ErrorKind::NotFound.into()),
    };
    Ok(texts.iter().map(|text| text.parse().unwrap()).collect())
}

fn book(values: &[&str]) -> Book {
    let resolver: Resolver = answers;
    Book::new(Reach::of(values.iter().copied()), resolver).unwrap()
}

/// Waits until something was found.
fn wait(book: &mut Book) {
    let wait = Timespec { tv_sec: DEADLINE.as_secs().cast_signed(), tv_nsec: 0 };
    assert_eq!(poll(&mut [PollFd::new(book.bell(), PollFlags::IN)], Some(&wait)), Ok(1));
    book.take_found();
}

fn settled(book: &mut Book, at: &str) -> Permit {
    let start = Instant::now();
    loop {
        match book.permit(at.parse().unwrap()) {
            Permit::Undecided => wait(book),
            permit => return permit,
        }
        assert!(start.elapsed() < DEADLINE);
    }
}

#[test]
fn an_address_is_granted_by_its_name_at_its_port() {
    let mut book = book(&["api.example:443", "other.example:80"]);
    assert_eq!(settled(&mut book, "10.0.0.7:443"), Permit::Granted);
    assert_eq!(settled(&mut book, "[2001:db8::7]:443"), Permit::Granted);
    assert_eq!(settled(&mut book, "10.0.0.7:80"), Permit::Refused);
    assert_eq!(settled(&mut book, "10.0.0.9:443"), Permit::Refused);
}

#[test]
fn a_name_that_lies_opens_nothing_of_this_machine() {
    let mut book = book(&["liar.example"]);
    assert_eq!(settled(&mut book, "10.0.0.8:1"), Permit::Granted);
    for here in ["127.0.0.1:1", "169.254.169.254:80", "[::1]:1"] {
        assert_eq!(settled(&mut book, here), Permit::Refused, "{here}");
    }
    assert_eq!(book.look_up("liar.example"), Lookup::Known(vec!["10.0.0.8".parse().unwrap()]));
}

#[test]
fn a_name_that_nobody_knows_fails_and_is_not_asked_for_again_at_once() {
    let mut book = book(&["gone.example"]);
    assert_eq!(book.look_up("gone.example"), Lookup::UnderWay);
    wait(&mut book);
    assert_eq!(book.look_up("gone.example"), Lookup::Failed);
    assert_eq!(book.under_way, 0);
}

#[test]
fn names_of_a_star_are_known_once_they_were_asked_for() {
    let mut book = book(&["*.example:443"]);
    assert_eq!(settled(&mut book, "10.0.0.7:443"), Permit::Refused);
    book.look_up("api.example");
    wait(&mut book);
    assert_eq!(settled(&mut book, "10.0.0.7:443"), Permit::Granted);
}
