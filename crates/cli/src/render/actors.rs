//! Actors as a tree below their supervisors, or the hottest as a list.

use std::cmp::Reverse;

use protocol::operator::{ActorRow, ActorTable};

use crate::amount;
use crate::render::logs::clean;
use crate::table::{self, Column, Fit, Painted, bare};
use crate::theme::{Paint, Theme};

const COLUMNS: [Column; 8] = [
    Column::capped("ACTOR", 34),
    Column::text("WHERE"),
    Column::number("QUEUE"),
    Column::number("HANDLED"),
    Column::number("PER S"),
    Column::number("CPU%"),
    Column::number("TIME"),
    Column::number("REFUSED"),
];

/// 16 levels of a tree are indented; what lies deeper stands below the last.
const DEPTH_MAX: usize = 16;

/// Leaves only the actors that used most processor time, by messages where that is the same.
pub fn keep_hottest(table: &mut ActorTable, count: usize) {
    let heat = |row: &ActorRow| {
        let share = row.cpu_percent.unwrap_or_default();
        (share, row.handled_per_s.unwrap_or_default())
    };
    table.actors.sort_by(|one, other| {
        let ((one_share, one_rate), (other_share, other_rate)) = (heat(one), heat(other));
        other_share.total_cmp(&one_share).then(Reverse(one_rate).cmp(&Reverse(other_rate)))
    });
    table.left_out += table.actors.len().saturating_sub(count) as u64;
    table.actors.truncate(count);
}

/// Each actor below the one that supervises it.
pub fn tree(theme: &Theme, table: &ActorTable) -> String {
    let mut rows = Vec::new();
    for root in table.actors.iter().filter(|row| !has_parent(table, row)) {
        descend(theme, table, root, 0, &mut rows);
    }
    drawn(theme, table, rows)
}

/// As they stand.
pub fn list(theme: &Theme, table: &ActorTable) -> String {
    drawn(theme, table, table.actors.iter().map(|row| cells(theme, row, 0)).collect())
}

fn drawn(theme: &Theme, table: &ActorTable, rows: Vec<Vec<Painted>>) -> String {
    let mut text = table::render(theme, Fit::Terminal, &COLUMNS, rows);
    if table.left_out > 0 {
        text.push_str(&format!("+ {}\n", amount::count(table.left_out)));
    }
    text
}

fn is_same(one: &ActorRow, system: &str, id: &str) -> bool {
    one.system == system && one.id == id
}

fn has_parent(table: &ActorTable, row: &ActorRow) -> bool {
    let parent = row.supervisor.as_deref();
    parent.is_some_and(|id| table.actors.iter().any(|other| is_same(other, &row.system, id)))
}

fn descend(theme: &Theme, table: &ActorTable, row: &ActorRow, depth: usize, rows: &mut Vec<Vec<Painted>>) {
    // A tree has no circles; a table that was put together from two moments might.
    if rows.len() >= table.actors.len() {
        return;
    }
    rows.push(cells(theme, row, depth));
    let is_child = |other: &&ActorRow| {
        other.system == row.system && other.supervisor.as_deref() == Some(row.id.as_str())
    };
    for child in table.actors.iter().filter(is_child) {
        descend(theme, table, child, (depth + 1).min(DEPTH_MAX), rows);
    }
}

fn cells(theme: &Theme, row: &ActorRow, depth: usize) -> Vec<Painted> {
    let dash = theme.glyph("–", "-").to_owned();
    let name = row.name.as_deref().map_or_else(|| row.kind.clone(), |name| format!("{name} ({})", row.kind));
    let queue = amount::count(row.queued);
    let queue = if row.congested { (queue, Some(Paint::Bad)) } else { bare(queue) };
    vec![
        bare(format!("{}{}", "  ".repeat(depth), clean(&name))),
        bare(format!("{}/{}", row.system, row.core)),
        queue,
        bare(amount::count(row.handled)),
        bare(row.handled_per_s.map_or_else(|| dash.clone(), amount::count)),
        bare(row.cpu_percent.map_or(dash, amount::percent)),
        bare(amount::cpu_time(row.cpu_ms)),
        bare(amount::count(row.refused)),
    ]
}

#[cfg(test)]
mod tests;
