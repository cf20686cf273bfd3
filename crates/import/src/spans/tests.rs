//! Times and sizes, each as its program counts them.

use super::*;

#[test]
fn times_are_read_as_their_programs_read_them() {
    assert_eq!(go("1m30s"), Some(Duration::from_secs(90)));
    assert_eq!(go("500ms"), Some(Duration::from_millis(500)));
    assert_eq!(go("90"), None);
    assert_eq!(systemd("1min 30s"), Some(Duration::from_secs(90)));
    assert_eq!(systemd("90"), Some(Duration::from_secs(90)));
    assert_eq!(systemd("infinity"), None);
    assert_eq!(systemd(""), None);
    assert_eq!(seconds("1.5"), Some(Duration::from_millis(1500)));
    assert_eq!(seconds("-1"), None);
    assert_eq!(milliseconds("1600"), Some(Duration::from_millis(1600)));
    assert_eq!(milliseconds("2s"), Some(Duration::from_secs(2)));
    assert_eq!(go("99999h"), None);
}

#[test]
fn sizes_count_by_1024() {
    assert_eq!(size_bytes("512m"), Some(512 << 20));
    assert_eq!(size_bytes("1GB"), Some(1 << 30));
    assert_eq!(size_bytes("1.5k"), Some(1536));
    assert_eq!(size_bytes("64KiB"), Some(64 << 10));
    assert_eq!(size_bytes("100"), Some(100));
    assert_eq!(size_bytes("infinity"), None);
    assert_eq!(size_bytes("99999999999999999999g"), Some(u64::MAX));
}

#[test]
fn shares_of_processors_are_thousandths() {
    assert_eq!(cpu_permille("0.50"), Some(500));
    assert_eq!(cpu_permille("150%"), Some(1500));
    assert_eq!(cpu_permille("2"), Some(2000));
    for text in ["0", "0.001", "9999", "all", "NaN", "-1"] {
        assert_eq!(cpu_permille(text), None, "{text}");
    }
}
