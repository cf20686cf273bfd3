//! What processes use, as the system tells it.

use super::*;

#[test]
fn a_name_with_brackets_does_not_shift_the_fields() {
    let stat =
        "7 (a) b (c) S 1 7 7 0 -1 4194560 100 0 0 0 30 20 4 6 20 0 1 0 100 1000 25 18446744073709551615";
    let used = parse(stat, "1000 25 10 1 0 5 0", 4096, 100).expect("parsed");
    assert_eq!(used, Used { cpu_ms: 600, rss_bytes: 25 * 4096 });
}

#[test]
fn a_cut_line_is_nothing() {
    assert_eq!(parse("7 (a) S 1", "1 2", 4096, 100), None);
    assert_eq!(parse("", "", 4096, 100), None);
}

#[test]
fn this_process_uses_memory() {
    let used = of_process(std::process::id(), None).expect("it is there");
    assert!(used.rss_bytes > 0);
}
