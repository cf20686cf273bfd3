//! What every module uses, as a table that is drawn again and again.

use jiff::tz::TimeZone;
use protocol::operator::{UsageRow, UsageTable};

use crate::amount;
use crate::render::modules::{against, percent_of};
use crate::render::pools;
use crate::table::{self, Column, Fit, Painted, bare};
use crate::theme::{Paint, Theme, state_paint};

const COLUMNS: [Column; 9] = [
    Column::capped("NAME", 28),
    Column::text("STATE"),
    Column::number("PID"),
    Column::number("CPU%"),
    Column::number("TIME"),
    Column::number("MEM"),
    Column::number("FRAMES"),
    Column::number("PER S"),
    Column::text("HELD"),
];

/// One picture: a line about the whole, then the kernel, then the modules, the busiest first.
pub fn usage(theme: &Theme, usage: &UsageTable, zone: &TimeZone) -> String {
    let mut rows: Vec<&UsageRow> = usage.modules.iter().collect();
    rows.sort_by(|one, other| {
        let share = |row: &UsageRow| row.cpu_percent.unwrap_or(0.0);
        share(other)
            .total_cmp(&share(one))
            .then(other.rss_bytes.cmp(&one.rss_bytes))
            .then(one.id.cmp(&other.id))
    });
    let everything = || usage.modules.iter().chain([&usage.kernel]);
    let memory: u64 = everything().map(|row| row.rss_bytes).sum();
    let share: f64 = everything().filter_map(|row| row.cpu_percent).sum();
    let head = format!(
        "ostoja {}   {} modules   cpu {}   memory {}\n\n",
        amount::log_moment(usage.ts_ms, zone),
        usage.modules.len(),
        amount::percent(share),
        amount::bytes(memory),
    );
    let cells = [&usage.kernel].into_iter().chain(rows).map(|row| cells(theme, row)).collect();
    let modules = table::render(theme, Fit::Terminal, &COLUMNS, cells);
    // Pools that nothing bounds say no more than the rows above.
    let is_bounded = usage.pools.iter().any(|pool| !pool.limits.is_empty());
    let pools = if is_bounded { format!("\n{}", pools::table(theme, &usage.pools)) } else { String::new() };
    theme.paint(Paint::Strong, head.trim_end()) + "\n\n" + &modules + &pools
}

fn cells(theme: &Theme, row: &UsageRow) -> Vec<Painted> {
    let dash = theme.glyph("–", "-").to_owned();
    let limit = |resource: &str, show: fn(u64) -> String| row.limits.get(resource).copied().map(show);
    vec![
        bare(&row.id),
        (theme.state(&row.status), Some(state_paint(&row.status))),
        bare(row.pid.map_or_else(|| dash.clone(), |pid| pid.to_string())),
        bare(
            row.cpu_percent.map_or_else(
                || dash.clone(),
                |share| against(amount::percent(share), limit("cpu", percent_of)),
            ),
        ),
        bare(amount::cpu_time(row.cpu_ms)),
        bare(against(amount::bytes(row.rss_bytes), limit("memory", amount::bytes))),
        bare(amount::count(row.frames)),
        bare(row.frames_per_s.map_or(dash, |per_s| {
            against(format!("{per_s:.0}"), limit("messages_per_s", |per_s| per_s.to_string()))
        })),
        bare(row.held.clone().unwrap_or_default()),
    ]
}

#[cfg(test)]
mod tests;
