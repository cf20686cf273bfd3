//! Names of signals.

use super::Signal;

#[test]
fn signals_are_known_by_name_and_number() {
    for text in ["TERM", "SIGTERM", "sigterm", "15"] {
        assert_eq!(Signal::parse(text), Some(Signal::TERM), "{text}");
    }
    assert_eq!(Signal::parse("64").map(Signal::number), Some(64));
    for text in ["", "0", "65", "-1", "SIG", "SIGNOPE", "TERM "] {
        assert_eq!(Signal::parse(text), None, "{text:?}");
    }
}

#[test]
fn every_named_signal_shows_the_name_that_it_is_parsed_from() {
    for number in 1..=64 {
        let signal = Signal::parse(&number.to_string()).expect("in range");
        let shown = signal.to_string();
        assert!(shown == format!("signal {number}") || Signal::parse(&shown) == Some(signal), "{shown}");
    }
}
