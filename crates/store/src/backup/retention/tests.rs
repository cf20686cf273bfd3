//! What stays after a year of hourly backups, and the edges.

use super::*;

fn hours(count: u64) -> Vec<Wall> {
    (0..count).map(|hour| Wall(1_700_000_000_000 + hour * HOUR_MS)).collect()
}

#[test]
fn a_year_by_the_hour_leaves_one_for_each_hour_day_and_week() {
    let times = hours(24 * 365);
    let kept = kept_of(&times, Keep { hourly: 24, daily: 7, weekly: 4 });
    let newest = *times.last().unwrap();
    assert!(kept.contains(&newest));
    let within = |span: u64| kept.iter().filter(|at| newest.0 - at.0 < span).count();
    assert_eq!(within(24 * HOUR_MS), 24);
    // 24 hours, then the days and weeks that no hour of these already stands for.
    assert!((24 + 5 + 2..=24 + 7 + 4).contains(&kept.len()), "{}", kept.len());
    let oldest = kept.first().unwrap();
    assert!(newest.0 - oldest.0 >= 3 * 7 * DAY_MS - 7 * DAY_MS && newest.0 - oldest.0 < 4 * 7 * DAY_MS);
}

#[test]
fn of_one_hour_the_newest_stays() {
    let times = [Wall(HOUR_MS + 1), Wall(HOUR_MS + 2), Wall(HOUR_MS + 3)];
    let kept = kept_of(&times, Keep { hourly: 5, daily: 0, weekly: 0 });
    assert_eq!(kept.into_iter().collect::<Vec<_>>(), [Wall(HOUR_MS + 3)]);
}

#[test]
fn a_rule_that_keeps_nothing_keeps_the_newest() {
    let kept = kept_of(&hours(30), Keep { hourly: 0, daily: 0, weekly: 0 });
    assert_eq!(kept.len(), 1);
    assert!(kept_of(&[], Keep::default()).is_empty());
}

#[test]
fn a_week_begins_on_monday() {
    // 5 January 1970 was the first Monday.
    let (sunday, monday) = (Wall(4 * DAY_MS - 1), Wall(4 * DAY_MS));
    let keep = Keep { hourly: 0, daily: 0, weekly: 2 };
    assert_eq!(kept_of(&[sunday, monday], keep).len(), 2);
    assert_eq!(kept_of(&[monday, Wall(monday.0 + 6 * DAY_MS)], keep).len(), 1);
}

#[test]
fn pruning_again_keeps_the_same() {
    let times = hours(24 * 60);
    let keep = Keep { hourly: 3, daily: 3, weekly: 3 };
    let once = kept_of(&times, keep);
    let rest: Vec<Wall> = once.iter().copied().collect();
    assert_eq!(kept_of(&rest, keep), once);
}
