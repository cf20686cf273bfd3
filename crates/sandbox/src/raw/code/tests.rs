//! Which mappings are code of ours, and that a program goes on without its pages.

use super::*;

#[test]
fn only_code_of_the_own_file_is_given_back() {
    let line = "55-66 r-xp 004eb000 fe:00 4711       /usr/bin/ostoja";
    assert_eq!(code_of(line, "fe:00", 4711), Some(0x55..0x66));
    assert_eq!(code_of(line, "fe:01", 4711), None);
    assert_eq!(code_of(line, "fe:00", 4712), None);
    assert_eq!(code_of(&line.replace("r-xp", "r--p"), "fe:00", 4711), None);
    assert_eq!(code_of(&line.replace("r-xp", "rwxp"), "fe:00", 4711), None);
    assert_eq!(code_of("", "fe:00", 4711), None);
}

/// The pages of our code that are in memory, in KiB, counted one by one: the sums in `status` lag behind.
fn code_in_memory() -> u64 {
    let exe = fs::read_link("/proc/self/exe").unwrap().display().to_string();
    let smaps = fs::read_to_string("/proc/self/smaps").unwrap();
    let mut lines = smaps.lines();
    lines.find(|line| line.contains(" r-xp ") && line.ends_with(&exe)).unwrap();
    let rss = lines.find_map(|line| line.strip_prefix("Rss:")).unwrap();
    rss.trim().trim_end_matches(" kB").parse().unwrap()
}

#[test]
fn the_program_goes_on_with_less_in_memory() {
    let before = code_in_memory();
    give_back_code().unwrap();
    let after = code_in_memory();
    assert!(after < before, "{before} KiB before, {after} KiB after");
}
