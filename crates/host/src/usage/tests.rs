//! What processes use, as the system tells it.

use super::*;

#[test]
fn a_name_with_brackets_does_not_shift_the_fields() {
    let stat =
        b"7 (a) b (c\xff) S 1 7 7 0 -1 4194560 100 0 0 0 30 20 4 6 20 0 1 0 100 1000 25 18446744073709551615";
    let used = parse(stat, 4096, 100).expect("parsed");
    assert_eq!(used, Used { cpu_ms: 600, rss_bytes: 25 * 4096 });
}

#[test]
fn a_cut_line_is_nothing() {
    assert_eq!(parse(b"7 (a) S 1", 4096, 100), None);
    assert_eq!(parse(b"7 (a) S 1 7 7 0 -1 4194560 100 0 0 0 30 20 4 6 20 0 1 0 100 1000", 4096, 100), None);
    assert_eq!(parse(b"", 4096, 100), None);
}

#[test]
fn this_process_uses_memory() {
    let used = of_process(std::process::id(), None).expect("it is there");
    assert!(used.rss_bytes > 0);
}

#[test]
fn all_processes_of_a_group_are_added_up_and_the_main_one_counts_once() {
    let group = tempfile::tempdir().expect("a folder");
    let own = std::process::id();
    fs::write(group.path().join("cgroup.procs"), format!("{own}\n1\n{own}\n")).expect("written");
    let (alone, first) = (of_process(own, None).expect("here"), of_process(1, None).expect("here"));
    let all = of_process(own, Some(group.path())).expect("here");
    assert!(all.rss_bytes >= first.rss_bytes && all.cpu_ms >= alone.cpu_ms + first.cpu_ms, "{all:?}");
    assert!(all.cpu_ms < 2 * alone.cpu_ms + first.cpu_ms + 1000, "{all:?}");
}

#[test]
fn who_asks_twice_at_once_is_told_the_same() {
    let lately = Lately::default();
    let first = lately.of_process(std::process::id(), None);
    assert!(first.is_some());
    // Somebody else's number: it is not even looked at.
    assert_eq!(lately.of_process(0, None), first);
}
