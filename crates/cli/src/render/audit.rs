//! Records of the journal, a line each.

use jiff::tz::TimeZone;
use protocol::operator::JournalRow;
use serde_json::Value;

use crate::amount;
use crate::table::{self, Column, Fit, bare};
use crate::theme::{Paint, Theme};

const COLUMNS: [Column; 5] = [
    Column::number("SEQ"),
    Column::text("TIME"),
    Column::text("CODE"),
    Column::capped("MODULE", 20),
    Column::rest("FACTS"),
];

/// The table of `audit`.
pub fn records(theme: &Theme, rows: &[JournalRow], now_ms: u64, zone: &TimeZone) -> String {
    let cells = rows.iter().map(|row| {
        let module = match (&row.module_id, row.generation) {
            (None, _) => String::new(),
            (Some(id), None) => id.clone(),
            (Some(id), Some(generation)) => format!("{id}#{generation}"),
        };
        vec![
            bare(row.seq.to_string()),
            (amount::moment(row.ts_ms, now_ms, zone), Some(Paint::Dim)),
            bare(&row.code),
            bare(module),
            bare(facts(row)),
        ]
    });
    table::render(theme, Fit::Terminal, &COLUMNS, cells.collect())
}

/// The facts as `name=value`, texts as they stand.
pub fn facts(row: &JournalRow) -> String {
    let one = |(name, value): (&String, &Value)| match value {
        Value::String(text) => format!("{name}={}", crate::render::logs::clean(text)),
        other => format!("{name}={other}"),
    };
    row.facts.iter().map(one).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests;
