//! Refusals are told one by one while they are few, and counted when they are many.

use super::*;

#[test]
fn the_first_refusals_of_an_asker_are_told_and_the_rest_is_counted() {
    let mut refusals = Refusals::default();
    assert_eq!(refusals.count("ann"), (true, true));
    for _ in 1..RECORDS_PER_MINUTE {
        assert_eq!(refusals.count("ann"), (true, false));
    }
    assert_eq!(refusals.count("ann"), (false, false));
    assert_eq!(refusals.count("bo"), (true, false));
    assert_eq!(refusals.end(), 1);
    assert_eq!(refusals.count("ann"), (true, true));
}

#[test]
fn made_up_names_share_one_count() {
    let mut refusals = Refusals::default();
    let told = (0..1000).filter(|number| refusals.count(&number.to_string()).0).count();
    assert_eq!(told, ASKERS_MAX + RECORDS_PER_MINUTE as usize);
    assert_eq!(refusals.told.len(), ASKERS_MAX + 1);
    assert_eq!(refusals.end(), 1000 - told as u64);
}
