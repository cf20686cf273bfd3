//! Functions as a table, and the numbers of their cache.

use protocol::operator::{FunctionRow, FunctionStats};

use crate::amount;
use crate::render::permissions::one_line;
use crate::table::{self, Column, Fit, bare};
use crate::theme::Theme;

/// 12 digits of a hash: enough to tell two apart.
const HASH_DIGITS: usize = 12;

/// The table of `fn list`.
pub fn table(theme: &Theme, functions: &[FunctionRow]) -> String {
    const COLUMNS: [Column; 6] = [
        Column::capped("NAME", 24),
        Column::text("OWNER"),
        Column::text("FORM"),
        Column::text("IMPORTS"),
        Column::text("CONTENT"),
        Column::rest("MAY"),
    ];
    let rows = functions.iter().map(|function| {
        vec![
            bare(&function.name),
            bare(&function.owner),
            bare(&function.form),
            bare(function.imports.join(",")),
            bare(function.content.chars().take(HASH_DIGITS).collect::<String>()),
            bare(one_line(&function.permissions)),
        ]
    });
    table::render(theme, Fit::Terminal, &COLUMNS, rows.collect())
}

/// What the cache has done and holds.
pub fn stats(theme: &Theme, stats: &FunctionStats) -> String {
    const COLUMNS: [Column; 9] = [
        Column::number("FUNCTIONS"),
        Column::number("WARM"),
        Column::number("MEM"),
        Column::number("DISK"),
        Column::number("RUNS"),
        Column::number("FAILED"),
        Column::number("COMPILED"),
        Column::number("READ"),
        Column::number("DROPPED"),
    ];
    let row = vec![
        bare(amount::count(stats.functions)),
        bare(amount::count(stats.warm)),
        bare(amount::bytes(stats.warm_bytes)),
        bare(amount::bytes(stats.disk_bytes)),
        bare(amount::count(stats.runs)),
        bare(amount::count(stats.runs_failed)),
        bare(amount::count(stats.compiled)),
        bare(amount::count(stats.from_disk)),
        bare(amount::count(stats.evicted_by_weight + stats.evicted_by_age)),
    ];
    table::render(theme, Fit::Terminal, &COLUMNS, vec![row])
}
