//! When a pattern comes next, in its time zone. Where clocks go forward, a time that is skipped comes when they have gone;
//! where they go back, a time that comes twice counts once.

use std::str::FromStr as _;

use abi::Wall;
use croner::Cron;
use jiff::Timestamp;
use jiff::tz::TimeZone;

#[cfg(test)]
mod tests;

/// The next time after a moment; nothing when there is none.
///
/// # Errors
/// Why the pattern or the zone can't be read, in one sentence.
pub(super) fn next(pattern: &str, zone: Option<&str>, after: Wall) -> Result<Option<Wall>, String> {
    let cron = Cron::from_str(pattern).map_err(|error| format!("`{pattern}` is no cron pattern: {error}"))?;
    let zone = match zone {
        None => TimeZone::system(),
        Some(name) => TimeZone::get(name).map_err(|_| format!("there is no time zone `{name}`"))?,
    };
    let after = i64::try_from(after.0).unwrap_or(i64::MAX);
    let Ok(after) = Timestamp::from_millisecond(after) else { return Ok(None) };
    // A pattern that never comes, such as 30 February, is found out by the library's own bound.
    let Ok(next) = cron.find_next_occurrence(&after.to_zoned(zone), false) else { return Ok(None) };
    Ok(u64::try_from(next.timestamp().as_millisecond()).ok().map(Wall))
}
