//! Durations and sizes as people write them.

use std::time::Duration;

#[cfg(test)]
mod tests;

/// 365 days: no wait here is honestly longer, and twice of it still fits every clock.
const DURATION_MAX: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// Reads `500ms`, `10s`, `2m`, `1h30m`, `1.5s`, `1d`. A number without a unit is refused, because seconds and
/// milliseconds are both in use.
pub(super) fn duration(text: &str) -> Result<Duration, &'static str> {
    const WHY: &str = "is no duration such as `500ms`, `10s` or `2m`";
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err(WHY);
    }
    let mut total = Duration::ZERO;
    while !rest.is_empty() {
        let digits = rest
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .ok_or("needs a unit: `ms`, `s`, `m`, `h` or `d`")?;
        let (number, after) = rest.split_at(digits);
        let unit_end = after.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(after.len());
        let (unit, next) = after.split_at(unit_end);
        let unit_s = match unit {
            "ms" => 0.001,
            "s" => 1.0,
            "m" | "min" => 60.0,
            "h" => 3600.0,
            "d" => 86400.0,
            _ => return Err(WHY),
        };
        let number: f64 = number.parse().map_err(|_| WHY)?;
        let part = Duration::try_from_secs_f64(number * unit_s).map_err(|_| "is longer than 365 days")?;
        total = total.saturating_add(part);
        rest = next.trim_start();
    }
    if total > DURATION_MAX {
        return Err("is longer than 365 days");
    }
    // Thousandths of a second are the finest that a clock here knows; float noise below them would show up in texts.
    Ok(Duration::from_millis(
        u64::try_from((total.as_secs_f64() * 1000.0).round() as u128).unwrap_or(u64::MAX),
    ))
}

/// Reads `64k`, `512MiB`, `1.5G`, `1000` (bytes). `k M G T`, with or without `iB`, count by 1,024; `kB MB GB TB` by 1,000.
pub(super) fn size_bytes(text: &str) -> Result<u64, &'static str> {
    const WHY: &str = "is no size such as `64k`, `512MiB` or `2G`";
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit_bytes: u64 = match unit.trim_start() {
        "" | "B" => 1,
        "k" | "K" | "KiB" | "Ki" => 1 << 10,
        "m" | "M" | "MiB" | "Mi" => 1 << 20,
        "g" | "G" | "GiB" | "Gi" => 1 << 30,
        "t" | "T" | "TiB" | "Ti" => 1 << 40,
        "kB" | "KB" => 1_000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        "TB" => 1_000_000_000_000,
        _ => return Err(WHY),
    };
    if let Ok(whole) = number.parse::<u64>() {
        return whole.checked_mul(unit_bytes).ok_or("is larger than any machine");
    }
    let number: f64 = number.parse().map_err(|_| WHY)?;
    #[expect(clippy::cast_precision_loss, reason = "units are far below 2^53")]
    let bytes = number * unit_bytes as f64;
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "checked"
    )]
    let whole = (0.0..u64::MAX as f64).contains(&bytes).then_some(bytes.round() as u64);
    whole.ok_or("is larger than any machine")
}

/// 1,024 processors: more than any machine that this runs on.
const CPU_PERMILLE_MAX: f64 = 1_024_000.0;

/// Reads `50%` (of one processor), `0.5`, `2` (processors), in thousandths of one.
pub(super) fn cpu_permille(text: &str) -> Result<u64, &'static str> {
    const WHY: &str = "is no share of processors such as `50%`, `0.5` or `2`";
    let text = text.trim();
    let (number, unit_permille) = match text.strip_suffix('%') {
        Some(percent) => (percent.trim_end(), 10.0),
        None => (text, 1000.0),
    };
    if !number.starts_with(|c: char| c.is_ascii_digit()) {
        return Err(WHY);
    }
    let permille = number.parse::<f64>().map_err(|_| WHY)? * unit_permille;
    if !(10.0..=CPU_PERMILLE_MAX).contains(&permille) {
        return Err("is outside `1%` to `1024` processors");
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked")]
    Ok(permille.round() as u64)
}
