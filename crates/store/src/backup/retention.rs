//! Which backups of a component stay: the newest of each of the last hours, days and weeks that have one.

use std::collections::BTreeSet;

use abi::Wall;

const HOUR_MS: u64 = 3_600_000;
const DAY_MS: u64 = 24 * HOUR_MS;

/// How many stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keep {
    /// So many hours, one each.
    pub hourly: u32,
    /// So many days, one each.
    pub daily: u32,
    /// So many weeks (from Monday, in UTC), one each.
    pub weekly: u32,
}

impl Default for Keep {
    /// A day by the hour, a week by the day, a month by the week.
    fn default() -> Self {
        Self { hourly: 24, daily: 7, weekly: 4 }
    }
}

/// The times, of these, whose backups stay. The newest always does, whatever is asked for: a rule that keeps nothing is
/// a slip of the keyboard.
pub fn kept_of(times: &[Wall], keep: Keep) -> BTreeSet<Wall> {
    let mut newest_first: Vec<Wall> = times.to_vec();
    newest_first.sort_unstable_by(|one, other| other.cmp(one));
    let mut kept: BTreeSet<Wall> = newest_first.first().copied().into_iter().collect();
    // 1 January 1970 was a Thursday, so that Monday's week begins three days earlier.
    let week = |at: Wall| (at.0 / DAY_MS + 3) / 7;
    keep_newest(&newest_first, keep.hourly, &mut kept, |at| at.0 / HOUR_MS);
    keep_newest(&newest_first, keep.daily, &mut kept, |at| at.0 / DAY_MS);
    keep_newest(&newest_first, keep.weekly, &mut kept, week);
    kept
}

/// Keeps the newest of each span, of the last so many spans that have one.
fn keep_newest(newest_first: &[Wall], spans: u32, kept: &mut BTreeSet<Wall>, span: impl Fn(Wall) -> u64) {
    let (mut left, mut last) = (spans, None);
    for at in newest_first {
        if left == 0 {
            return;
        }
        if last != Some(span(*at)) {
            last = Some(span(*at));
            left -= 1;
            kept.insert(*at);
        }
    }
}

#[cfg(test)]
mod tests;
