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

/// Brings all of our code into memory: how much of it a test has touched depends on how the system maps what lies around.
fn bring_all_in() {
    let exe = fs::read_link("/proc/self/exe").unwrap().display().to_string();
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    let line = maps.lines().find(|line| line.contains(" r-xp ") && line.ends_with(&exe)).unwrap();
    let (start, end) = line.split_once(' ').unwrap().0.split_once('-').unwrap();
    let start = usize::from_str_radix(start, 16).unwrap();
    let end = usize::from_str_radix(end, 16).unwrap();
    // SAFETY: the range is a mapping of this program's own code, which stays; reading it in changes nothing.
    let done = unsafe { libc::madvise(start as *mut c_void, end - start, libc::MADV_POPULATE_READ) };
    assert_eq!(done, 0);
}

#[test]
fn the_program_goes_on_with_less_in_memory() {
    bring_all_in();
    let before = code_in_memory();
    give_back_code().unwrap();
    let after = code_in_memory();
    assert!(after < before, "{before} KiB before, {after} KiB after");
}
