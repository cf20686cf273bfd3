//! What each zone's modules use together against what they may: a table for `zone list` and `top`.

use protocol::operator::PoolRow;

use crate::amount;
use crate::render::modules::{against, percent_of};
use crate::table::{self, Column, Fit, Painted, bare};
use crate::theme::Theme;

const COLUMNS: [Column; 6] = [
    Column::text("ZONE"),
    Column::number("MODULES"),
    Column::number("SHARE"),
    Column::number("PRESSURE"),
    Column::number("RESTARTS"),
    Column::rest("USES"),
];

/// A resource by its word at the door, how it is called here, and how an amount of it is written.
type Told = (&'static str, &'static str, fn(u64) -> String);

/// All of them, in the order in which they are told.
const RESOURCES: [Told; 9] = [
    ("cpu", "cpu", percent_of),
    ("memory", "memory", amount::bytes),
    ("processes", "processes", plain),
    ("births_per_s", "births/s", plain),
    ("files", "files", plain),
    ("queue_frames", "queue", plain),
    ("queue_bytes", "queued", amount::bytes),
    ("messages_per_s", "messages/s", plain),
    ("calls_per_s", "calls/s", plain),
];

/// One row for each pool.
pub fn table(theme: &Theme, pools: &[PoolRow]) -> String {
    table::render(theme, Fit::Terminal, &COLUMNS, pools.iter().map(cells).collect())
}

fn cells(row: &PoolRow) -> Vec<Painted> {
    vec![
        bare(&row.zone),
        bare(row.modules.to_string()),
        bare(row.share.to_string()),
        bare(row.pressure_permille.map(percent_of).unwrap_or_default()),
        bare(format!("{}+{}/s", row.restarts_burst, row.restarts_per_s)),
        bare(uses(row)),
    ]
}

/// Use against bound, of what is used or bounded.
fn uses(row: &PoolRow) -> String {
    let told = RESOURCES.into_iter().filter_map(|(resource, name, show)| {
        let (used, bound) = (row.used.get(resource).copied(), row.limits.get(resource).copied());
        let is_told = used.is_some_and(|used| used > 0) || bound.is_some();
        let used = used.map_or_else(|| "?".to_owned(), show);
        is_told.then(|| format!("{name} {}", against(used, bound.map(show))))
    });
    told.collect::<Vec<String>>().join(", ")
}

fn plain(number: u64) -> String {
    number.to_string()
}

#[cfg(test)]
mod tests;
