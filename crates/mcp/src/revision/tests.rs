//! Names, eras and what is agreed on.

use super::*;

#[test]
fn every_revision_is_found_by_its_name() {
    for revision in Revision::ALL {
        assert_eq!(Revision::parse(revision.as_str()), Some(revision));
    }
    assert_eq!(Revision::parse("2023-01-01"), None);
}

#[test]
fn a_session_is_agreed_on_in_the_revision_asked_for_or_the_newest_that_has_sessions() {
    assert_eq!(Revision::agreed("2024-11-05"), Revision::November2024);
    assert_eq!(Revision::agreed("2026-07-28"), Revision::November2025);
    assert_eq!(Revision::agreed("1.0"), Revision::November2025);
}

#[test]
fn only_the_revisions_that_have_a_thing_have_it() {
    let with = |has: fn(Revision) -> bool| Revision::ALL.map(has);
    assert_eq!(with(Revision::has_batches), [false, true, false, false, false]);
    assert_eq!(with(Revision::has_questions), [false, false, true, true, true]);
    assert_eq!(with(Revision::has_structure), [false, false, true, true, true]);
}
