//! Beds that are left when woken, and pages that are given back.

use std::thread;

use super::*;

#[test]
fn unpark_before_park_counts_once() {
    let platform = Hosted::new(2);
    platform.unpark(Core(1));
    platform.unpark(Core(1));
    platform.park(Core(1), None);
    let until = platform.now() + 1_000_000;
    platform.park(Core(1), Some(until));
    assert!(platform.now() >= until, "two unparks before one park are one");
}

#[test]
fn park_ends_at_its_moment_and_at_once_when_that_has_passed() {
    let platform = Hosted::new(1);
    platform.park(Core(0), Some(0));
    let until = platform.now() + 2_000_000;
    platform.park(Core(0), Some(until));
    assert!(platform.now() >= until);
}

#[test]
fn sleeping_core_is_woken_by_another_thread() {
    let platform = Hosted::new(2);
    thread::scope(|scope| {
        let sleeper = scope.spawn(|| platform.park(Core(0), None));
        platform.unpark(Core(0));
        sleeper.join().unwrap();
    });
}

#[test]
fn core_that_does_not_exist_sleeps_not_at_all() {
    let platform = Hosted::new(1);
    platform.park(Core(7), None);
    platform.unpark(Core(7));
    assert_eq!((platform.cores(), Hosted::new(0).cores(), Hosted::new(1000).cores()), (1, 1, CORES_MAX));
}

#[test]
fn pages_are_zeroed_aligned_and_writable() {
    let platform = Hosted::with_all_cores();
    for bytes in [1, 4096, Hosted::PAGE_ALIGN + 1, 2 * Hosted::PAGE_ALIGN] {
        let bytes = NonZero::new(bytes).unwrap();
        let pages = platform.alloc_pages(bytes).unwrap();
        assert_eq!(pages.as_ptr() as usize % Hosted::PAGE_ALIGN, 0);
        // SAFETY: the platform gave these bytes to us alone; they are freed once, below.
        unsafe {
            let memory = core::slice::from_raw_parts_mut(pages.as_ptr(), bytes.get());
            assert!(memory.iter().all(|byte| *byte == 0));
            memory.fill(0xA5);
            platform.free_pages(pages, bytes);
        }
    }
}

#[test]
fn request_that_no_machine_can_meet_is_refused() {
    assert_eq!(Hosted::new(1).alloc_pages(NonZero::new(usize::MAX).unwrap()), None);
    assert_eq!(Hosted::new(1).alloc_pages(NonZero::new(1 << 62).unwrap()), None);
}
