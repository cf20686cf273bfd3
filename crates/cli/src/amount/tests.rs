//! Numbers read as people expect them, at the edges too.

use jiff::tz::TimeZone;

use super::*;

#[test]
fn spans_show_their_two_largest_units() {
    let shown: Vec<String> =
        [0, 999, 1_000, 59_999, 60_000, 3_599_999, 3_600_000, 86_399_999, 86_400_000, u64::MAX]
            .map(span)
            .to_vec();
    let expected =
        ["0ms", "999ms", "1s", "59s", "1m00s", "59m59s", "1h00m", "23h59m", "1d00h", "213503982334d14h"];
    assert_eq!(shown, expected);
}

#[test]
fn bytes_are_shown_in_steps_of_1024() {
    let shown: Vec<String> =
        [0, 1_023, 1_024, 1_536, 102_399, 102_400, 1 << 20, 12_900_000, 5 << 30, u64::MAX]
            .map(bytes)
            .to_vec();
    assert_eq!(shown, ["0B", "1023B", "1.0K", "1.5K", "99.9K", "100K", "1.0M", "12.3M", "5.0G", "1638P"]);
}

#[test]
fn processor_time_loses_digits_as_it_grows() {
    let shown: Vec<String> = [0, 425, 9_999, 10_000, 59_999, 190_000].map(cpu_time).to_vec();
    assert_eq!(shown, ["0.00s", "0.42s", "9.99s", "10.0s", "59.9s", "3m10s"]);
}

#[test]
fn counts_are_shortened_from_ten_thousand() {
    let shown: Vec<String> = [0, 9_999, 10_000, 999_999, 1_000_000].map(count).to_vec();
    assert_eq!(shown, ["0", "9999", "10.0k", "999.9k", "1.0M"]);
}

#[test]
fn shares_lose_their_tenth_from_a_hundred() {
    let shown: Vec<String> = [0.0, 12.34, 99.94, 99.95, 180.4].map(percent).to_vec();
    assert_eq!(shown, ["0.0%", "12.3%", "99.9%", "100%", "180%"]);
}

const NOW_MS: u64 = 1_795_257_000_000;

#[test]
fn a_moment_of_another_day_has_its_date() {
    let zone = TimeZone::UTC;
    assert_eq!(moment(NOW_MS - 5_000, NOW_MS, &zone), "10:29:55");
    assert_eq!(moment(NOW_MS - 86_400_000, NOW_MS, &zone), "2026-11-20 10:30:00");
    assert_eq!(moment(u64::MAX, NOW_MS, &zone), "?");
    assert_eq!(log_moment(NOW_MS + 7, &zone), "10:30:00.007");
}

#[test]
fn since_takes_spans_times_and_dates() {
    let zone = TimeZone::UTC;
    let since = |text: &str| parse_since(text, NOW_MS, &zone);
    assert_eq!(since("10m"), Ok(NOW_MS - 600_000));
    assert_eq!(since("10:00"), Ok(NOW_MS - 1_800_000));
    assert_eq!(since("2026-11-21T10:29:00Z"), Ok(NOW_MS - 60_000));
    assert_eq!(since("2026-11-21"), Ok(NOW_MS - 37_800_000));
    assert_eq!(since("2026-11-21 10:29"), Ok(NOW_MS - 60_000));
    assert!(since("yesterday").is_err_and(|why| why.contains("`yesterday` is no moment")));
}

#[test]
fn since_before_the_epoch_is_the_epoch() {
    assert_eq!(parse_since("999999d", NOW_MS, &TimeZone::UTC), Ok(0));
}
