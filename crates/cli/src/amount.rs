//! Numbers as people read them: time spans, moments, bytes, shares of a processor.

use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

/// A span such as `840ms`, `12s`, `3m10s`, `2h04m`, `5d03h`: the two largest units, at most six characters.
pub fn span(ms: u64) -> String {
    let seconds = ms / 1_000;
    match seconds {
        0 => format!("{ms}ms"),
        1..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        3_600..86_400 => format!("{}h{:02}m", seconds / 3_600, seconds / 60 % 60),
        _ => format!("{}d{:02}h", seconds / 86_400, seconds / 3_600 % 24),
    }
}

/// Bytes such as `812B`, `12.4M`, `1.9G`, in steps of 1,024.
pub fn bytes(count: u64) -> String {
    const UNITS: [&str; 5] = ["K", "M", "G", "T", "P"];
    if count < 1_024 {
        return format!("{count}B");
    }
    // Tenths of a unit, in whole numbers: no rounding surprises.
    let mut tenths = count.saturating_mul(10) / 1_024;
    let mut unit = 0;
    while tenths >= 10_240 && unit + 1 < UNITS.len() {
        tenths /= 1_024;
        unit += 1;
    }
    if tenths >= 1_000 {
        format!("{}{}", tenths / 10, UNITS[unit])
    } else {
        format!("{}.{}{}", tenths / 10, tenths % 10, UNITS[unit])
    }
}

/// Processor time such as `0.42s`, `12.0s`, `3m10s`.
pub fn cpu_time(ms: u64) -> String {
    match ms {
        0..10_000 => format!("{}.{:02}s", ms / 1_000, ms / 10 % 100),
        10_000..60_000 => format!("{}.{}s", ms / 1_000, ms / 100 % 10),
        _ => span(ms),
    }
}

/// A count such as `812`, `12.3k`, `4.1M`.
pub fn count(value: u64) -> String {
    match value {
        0..10_000 => value.to_string(),
        10_000..1_000_000 => format!("{}.{}k", value / 1_000, value / 100 % 10),
        _ => format!("{}.{}M", value / 1_000_000, value / 100_000 % 10),
    }
}

/// A share of one processor such as `0.0%`, `12.5%`, `180%`.
pub fn percent(share: f64) -> String {
    if share >= 99.95 { format!("{share:.0}%") } else { format!("{share:.1}%") }
}

/// A moment in the given zone, as a date when it was not on the day of `now`: `14:03:22`, `2026-11-20 14:03:22`.
pub fn moment(at_ms: u64, now_ms: u64, zone: &TimeZone) -> String {
    match (zoned(at_ms, zone), zoned(now_ms, zone)) {
        (Some(at), Some(now)) if at.date() == now.date() => at.strftime("%H:%M:%S").to_string(),
        (Some(at), _) => at.strftime("%Y-%m-%d %H:%M:%S").to_string(),
        (None, _) => "?".to_owned(),
    }
}

/// A moment to the millisecond, without its date: for log lines.
pub fn log_moment(at_ms: u64, zone: &TimeZone) -> String {
    zoned(at_ms, zone).map_or_else(|| "?".to_owned(), |at| at.strftime("%H:%M:%S%.3f").to_string())
}

fn zoned(at_ms: u64, zone: &TimeZone) -> Option<Zoned> {
    let timestamp = Timestamp::from_millisecond(i64::try_from(at_ms).ok()?).ok()?;
    Some(timestamp.to_zoned(zone.clone()))
}

/// Now, in milliseconds since the epoch.
pub fn now_ms() -> u64 {
    u64::try_from(Timestamp::now().as_millisecond()).unwrap_or(0)
}

/// Reads `--since`: a span before now (`10m`), a moment of today (`14:03`), or a date with or without a time.
///
/// # Errors
/// A sentence that says what is accepted.
pub fn parse_since(text: &str, now_ms: u64, zone: &TimeZone) -> Result<u64, String> {
    if let Ok(back) = crate::args::parse_duration(text) {
        let back_ms = u64::try_from(back.as_millis()).unwrap_or(u64::MAX);
        return Ok(now_ms.saturating_sub(back_ms));
    }
    let to_ms = |at: Timestamp| u64::try_from(at.as_millisecond()).ok();
    let found = text
        .parse::<Timestamp>()
        .ok()
        .and_then(to_ms)
        .or_else(|| today_at(text, now_ms, zone).and_then(to_ms))
        .or_else(|| local_moment(text, zone).and_then(to_ms));
    found.ok_or_else(|| {
        format!("`{text}` is no moment; write for example 10m, 14:03, 2026-11-20 or 2026-11-20T14:03:00Z")
    })
}

fn today_at(text: &str, now_ms: u64, zone: &TimeZone) -> Option<Timestamp> {
    let time: jiff::civil::Time = text.parse().ok()?;
    let today = zoned(now_ms, zone)?.date();
    Some(today.to_datetime(time).to_zoned(zone.clone()).ok()?.timestamp())
}

fn local_moment(text: &str, zone: &TimeZone) -> Option<Timestamp> {
    let at: jiff::civil::DateTime = text.parse().ok()?;
    Some(at.to_zoned(zone.clone()).ok()?.timestamp())
}

#[cfg(test)]
mod tests;
