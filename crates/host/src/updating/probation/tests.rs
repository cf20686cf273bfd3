//! What counts as worse.

use kernel::Tally;

use super::compare;

fn tally(answered: u64, failed: u64, waited_ms: u64) -> Tally {
    Tally { answered, failed, waited_ms }
}

#[test]
fn few_answers_say_nothing() {
    assert_eq!(compare(tally(19, 19, 0), Some(tally(1000, 0, 0))), None);
    assert!(compare(tally(20, 20, 0), Some(tally(1000, 0, 0))).is_some());
}

#[test]
fn errors_are_compared_with_those_before() {
    let past = Some(tally(100, 50, 0));
    assert_eq!(compare(tally(100, 60, 0), past), None);
    let why = compare(tally(100, 61, 0), past);
    assert_eq!(why.as_deref(), Some("61 of 100 answers are errors (61 %, 50 % before)"));
    assert!(compare(tally(100, 11, 0), None).is_some());
    assert_eq!(compare(tally(100, 10, 0), None), None);
}

#[test]
fn slower_has_to_be_much_and_noticed() {
    let past = Some(tally(100, 0, 100 * 20));
    assert_eq!(compare(tally(100, 0, 100 * 70), past), None);
    assert!(compare(tally(100, 0, 100 * 71), past).is_some());
    assert_eq!(compare(tally(100, 0, 100 * 50), Some(tally(100, 0, 100))), None);
    assert_eq!(compare(tally(100, 0, 100 * 5000), None), None, "there is no past to compare with");
}
