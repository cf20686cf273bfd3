//! Patterns in time zones, over both changes of clocks.

use super::*;

/// The next few times, as a person there reads them.
fn times(pattern: &str, zone: &str, from: &str, count: usize) -> Vec<String> {
    let from: jiff::Zoned = from.parse().unwrap();
    let mut at = Wall(u64::try_from(from.timestamp().as_millisecond()).unwrap());
    let mut times = Vec::new();
    for _ in 0..count {
        at = next(pattern, Some(zone), at).unwrap().unwrap();
        let moment = Timestamp::from_millisecond(i64::try_from(at.0).unwrap()).unwrap();
        times.push(moment.to_zoned(TimeZone::get(zone).unwrap()).strftime("%d %H:%M %z").to_string());
    }
    times
}

#[test]
fn a_nightly_plan_keeps_its_hour_when_clocks_change() {
    let spring = times("0 3 * * *", "Europe/Warsaw", "2026-03-28T00:00:00[Europe/Warsaw]", 3);
    assert_eq!(spring, ["28 03:00 +0100", "29 03:00 +0200", "30 03:00 +0200"]);
    let autumn = times("0 4 * * *", "Europe/Warsaw", "2026-10-24T00:00:00[Europe/Warsaw]", 3);
    assert_eq!(autumn, ["24 04:00 +0200", "25 04:00 +0100", "26 04:00 +0100"]);
}

#[test]
fn an_hour_that_is_skipped_is_made_up_for_and_one_that_comes_twice_counts_once() {
    let spring = times("30 2 * * *", "Europe/Warsaw", "2026-03-28T12:00:00[Europe/Warsaw]", 2);
    assert_eq!(spring.len(), 2);
    assert!(spring[0].starts_with("29 03:"), "{spring:?}");
    assert_eq!(spring[1], "30 02:30 +0200");
    let autumn = times("30 2 * * *", "Europe/Warsaw", "2026-10-24T12:00:00[Europe/Warsaw]", 2);
    assert!(autumn[0].starts_with("25 02:30"), "{autumn:?}");
    assert_eq!(autumn[1], "26 02:30 +0100");
}

#[test]
fn what_can_not_be_read_says_why_and_what_never_comes_is_nothing() {
    assert!(next("every day", None, Wall(0)).unwrap_err().contains("no cron pattern"));
    assert!(next("0 3 * * *", Some("Europe/Atlantis"), Wall(0)).unwrap_err().contains("no time zone"));
    assert_eq!(next("0 0 30 2 *", Some("UTC"), Wall(0)).unwrap(), None);
}
