//! Durations and sizes, at their limits too.

use std::time::Duration;

use super::{cpu_permille, duration, size_bytes};

#[test]
fn durations_have_units() {
    for (text, ms) in [
        ("500ms", 500),
        ("10s", 10_000),
        ("2m", 120_000),
        ("2min", 120_000),
        ("1h30m", 5_400_000),
        ("1m 30s", 90_000),
        ("1.5s", 1500),
        ("0.1s", 100),
        ("0s", 0),
        ("1d", 86_400_000),
        ("365d", 31_536_000_000),
        (" 3s ", 3000),
        ("100.4ms", 100),
    ] {
        assert_eq!(duration(text), Ok(Duration::from_millis(ms)), "{text}");
    }
    for text in ["", "s", "5x", "-5s", "1.2.3s", "1e3s", "5 sec", ".s", "five seconds", "5s,", "1 s"] {
        assert!(duration(text).is_err(), "{text}");
    }
    assert_eq!(duration("5"), Err("needs a unit: `ms`, `s`, `m`, `h` or `d`"));
    assert_eq!(duration("5s5"), Err("needs a unit: `ms`, `s`, `m`, `h` or `d`"));
    for text in ["365d1ms", "99999999999999999999999d", "300d300d"] {
        assert_eq!(duration(text), Err("is longer than 365 days"), "{text}");
    }
}

#[test]
fn sizes_count_by_1024_or_say_otherwise() {
    for (text, bytes) in [
        ("0", 0),
        ("1000", 1000),
        ("1B", 1),
        ("64k", 64 << 10),
        ("64K", 64 << 10),
        ("64KiB", 64 << 10),
        ("512MiB", 512 << 20),
        ("512 M", 512 << 20),
        ("2G", 2 << 30),
        ("1Ti", 1 << 40),
        ("1.5k", 1536),
        ("64kB", 64_000),
        ("2GB", 2_000_000_000),
        ("18446744073709551615", u64::MAX),
    ] {
        assert_eq!(size_bytes(text), Ok(bytes), "{text}");
    }
    for text in ["", "k", "-1", "1X", "1 k k", "0x10", "1e3", "."] {
        assert!(size_bytes(text).is_err(), "{text}");
    }
    for text in ["18446744073709551615k", "99999999999999999999", "16777216T"] {
        assert!(size_bytes(text).is_err(), "{text}");
    }
}

#[test]
fn shares_of_processors_are_percents_of_one_or_numbers_of_them() {
    for (text, permille) in
        [("1%", 10), ("50%", 500), ("250 %", 2500), ("0.5", 500), ("2", 2000), ("1024", 1_024_000)]
    {
        assert_eq!(cpu_permille(text), Ok(permille), "{text}");
    }
    for text in ["", "%", "0", "0%", "0.9%", "-1", "1025", "half", "1e9", "nan", "inf", "50 percent", ".5"] {
        assert!(cpu_permille(text).is_err(), "{text}");
    }
}
