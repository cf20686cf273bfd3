//! Context variables and secrets as tables: what they are called and how they stand, never a secret's value.

use protocol::operator::VariableRow;

use crate::amount;
use crate::output::SecretRow;
use crate::render::logs::clean;
use crate::table::{self, Column, Fit, bare};
use crate::theme::Theme;

/// The table of `context list`.
pub fn list(theme: &Theme, rows: &[VariableRow], now_ms: u64) -> String {
    const COLUMNS: [Column; 4] = [
        Column::capped("SCOPE", 32),
        Column::rest("KEY"),
        Column::number("BYTES"),
        Column::number("ENDS IN"),
    ];
    if rows.is_empty() {
        return String::new();
    }
    let dash = theme.glyph("–", "-");
    let cells = rows.iter().map(|row| {
        let left = row.expires_at_ms.map(|at| amount::span(at.saturating_sub(now_ms)));
        let left = left.unwrap_or_else(|| dash.to_owned());
        vec![bare(&row.scope), bare(clean(&row.key)), bare(row.bytes.to_string()), bare(left)]
    });
    table::render(theme, Fit::Terminal, &COLUMNS, cells.collect())
}

/// The table of `secret list`.
pub fn secrets(theme: &Theme, rows: &[SecretRow], now_ms: u64) -> String {
    const COLUMNS: [Column; 4] = [
        Column::rest("SECRET"),
        Column::number("VERSION"),
        Column::number("BYTES"),
        Column::number("SET BEFORE"),
    ];
    if rows.is_empty() {
        return String::new();
    }
    let cells = rows.iter().map(|row| {
        let since = amount::span(now_ms.saturating_sub(row.set_at_ms));
        vec![bare(&row.name), bare(row.version.to_string()), bare(row.bytes.to_string()), bare(since)]
    });
    table::render(theme, Fit::Terminal, &COLUMNS, cells.collect())
}
