//! What a panic leaves behind, and what an earlier kernel's fault is read as.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::{Faults, forget, of_earlier};

#[test]
fn a_panic_of_the_watched_thread_leaves_its_place_and_never_its_message() {
    let folder = tempfile::tempdir().expect("a folder");
    let faults = Faults::watch(folder.path());
    assert_eq!((faults.take(), of_earlier(folder.path())), (None, None));
    let elsewhere = std::thread::spawn(|| panic!("not the kernel's"));
    assert!(elsewhere.join().is_err());
    assert_eq!((faults.take(), of_earlier(folder.path())), (None, None));
    let caught = catch_unwind(AssertUnwindSafe(|| panic!("a secret")));
    assert!(caught.is_err());
    let place = faults.take().expect("it was noticed");
    assert!(place.contains("fault/tests.rs:") && !place.contains("secret"), "{place}");
    assert_eq!(of_earlier(folder.path()), Some(place));
    forget(folder.path());
    assert_eq!(of_earlier(folder.path()), None);
}

#[test]
fn a_file_that_is_not_ours_counts_as_a_fault_at_an_unknown_place() {
    let folder = tempfile::tempdir().expect("a folder");
    for text in ["", "\n", "a\u{1b}[31m", &"x".repeat(500)] {
        std::fs::write(folder.path().join("fault"), text).expect("written");
        assert_eq!(of_earlier(folder.path()).as_deref(), Some("an unknown place"), "{text:?}");
    }
}
