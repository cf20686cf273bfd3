//! Times and sizes as other programs write them.

use std::time::Duration;

#[cfg(test)]
mod tests;

/// 365 days: the longest time that `ostoja.yaml` takes.
const SPAN_MAX: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// Go's and compose's: `1h30m`, `10s`, `500ms`, `250us`.
pub(crate) fn go(text: &str) -> Option<Duration> {
    sum(text, None, |unit| {
        Some(match unit {
            "ns" => 1e-9,
            "us" | "µs" => 1e-6,
            "ms" => 1e-3,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            "d" => 86_400.0,
            _ => return None,
        })
    })
}

/// systemd's: `5min 20s`, `1h`, `90`; a bare number counts seconds.
pub(crate) fn systemd(text: &str) -> Option<Duration> {
    sum(text, Some(1.0), |unit| {
        Some(match unit {
            "us" | "usec" | "µs" => 1e-6,
            "ms" | "msec" => 1e-3,
            "s" | "sec" | "second" | "seconds" => 1.0,
            "m" | "min" | "minute" | "minutes" => 60.0,
            "h" | "hr" | "hour" | "hours" => 3600.0,
            "d" | "day" | "days" => 86_400.0,
            "w" | "week" | "weeks" => 604_800.0,
            _ => return None,
        })
    })
}

fn sum(text: &str, bare: Option<f64>, unit_s: fn(&str) -> Option<f64>) -> Option<Duration> {
    let mut rest = text.trim();
    let mut total = 0.0;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, after) = rest.split_at(digits);
        let after = after.trim_start();
        let end = after.find(|c: char| !c.is_alphabetic()).unwrap_or(after.len());
        let (unit, next) = after.split_at(end);
        let seconds = if unit.is_empty() { bare? } else { unit_s(unit)? };
        total += number.parse::<f64>().ok()? * seconds;
        rest = next.trim_start();
    }
    bounded(total)
}

/// A whole or broken number of seconds.
pub(crate) fn seconds(text: &str) -> Option<Duration> {
    bounded(text.trim().parse().ok()?)
}

/// A number of milliseconds, or with a unit as in [`go`].
pub(crate) fn milliseconds(text: &str) -> Option<Duration> {
    match text.trim().parse::<f64>() {
        Ok(ms) => bounded(ms / 1000.0),
        Err(_) => go(text),
    }
}

/// To the thousandth of a second, as our files have it.
fn bounded(seconds: f64) -> Option<Duration> {
    let span = Duration::try_from_secs_f64(seconds).ok()?;
    let ms = u64::try_from(span.as_millis()).ok()?;
    Some(Duration::from_millis(ms)).filter(|span| *span <= SPAN_MAX)
}

/// 1,024 processors, in thousandths: the largest share that `ostoja.yaml` takes; the smallest is a hundredth of one.
const CPU_PERMILLE: std::ops::RangeInclusive<f64> = 10.0..=1_024_000.0;

/// A share of processors in thousandths: `0.5`, `2`, `50%`.
pub(crate) fn cpu_permille(text: &str) -> Option<u64> {
    let text = text.trim();
    let (number, unit) = text.strip_suffix('%').map_or((text, 1000.0), |percent| (percent, 10.0));
    let permille = number.parse::<f64>().ok()? * unit;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be in the range")]
    let whole = CPU_PERMILLE.contains(&permille).then_some(permille.round() as u64);
    whole
}

/// Docker's and systemd's: `512m`, `1g`, `2GB`, `64K`, all by 1,024; a bare number counts bytes.
pub(crate) fn size_bytes(text: &str) -> Option<u64> {
    let text = text.trim().to_lowercase();
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit = unit.trim().trim_end_matches("ib").trim_end_matches('b');
    let shift = match unit {
        "" => 0,
        "k" => 10,
        "m" => 20,
        "g" => 30,
        "t" => 40,
        _ => return None,
    };
    if let Ok(whole) = number.parse::<u64>() {
        return whole.checked_mul(1 << shift);
    }
    let number: f64 = number.parse().ok()?;
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the digits hold no sign, and what is too large saturates"
    )]
    let bytes = (number * (1_u64 << shift) as f64).round() as u64;
    Some(bytes)
}
