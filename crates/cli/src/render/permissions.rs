//! Permissions: what is approved, wished for and refused, said exactly as it would be granted.

use std::collections::BTreeMap;

use protocol::operator::{PendingRow, PermissionRow};

use crate::render::logs::clean;
use crate::table::{self, Column, Fit, bare};
use crate::theme::{Paint, Theme};

/// Permissions by kind, as the door gives them.
pub type ByKind = BTreeMap<String, Vec<String>>;

/// `net a:1 b:2, read data`; nothing for none.
pub fn one_line(permissions: &ByKind) -> String {
    let kinds = permissions.iter().filter(|(_, values)| !values.is_empty());
    kinds.map(|(kind, values)| format!("{kind} {}", values.join(" "))).collect::<Vec<_>>().join(", ")
}

/// One line a value, as an approval shows what is asked: nothing is summed up.
pub fn asked(theme: &Theme, permissions: &ByKind) -> String {
    let mut text = String::new();
    for (kind, values) in permissions {
        for value in values {
            text.push_str(&format!(
                "  {} {}\n",
                theme.paint(Paint::Soon, &format!("{kind:<5}")),
                clean(value)
            ));
        }
    }
    if text.is_empty() { format!("  {}\n", theme.paint(Paint::Dim, "nothing")) } else { text }
}

/// The table of `permissions list`: a line for each module and standing.
pub fn list(theme: &Theme, rows: &[PermissionRow]) -> String {
    const COLUMNS: [Column; 3] =
        [Column::capped("MODULE", 24), Column::text("STANDING"), Column::rest("WHAT")];
    let mut cells = Vec::new();
    for row in rows {
        let base = if row.approved { ("approved", Paint::Good) } else { ("not approved", Paint::Bad) };
        let pending: Vec<String> = row.pending.iter().map(|wish| one_line(&wish.permissions)).collect();
        let standings = [
            (base, one_line(&row.base)),
            (("granted", Paint::Good), one_line(&row.dynamic)),
            (("pending", Paint::Soon), pending.join("; ")),
            (("denied", Paint::Bad), one_line(&row.denied)),
        ];
        let mut name = row.module_id.as_str();
        for (index, ((word, paint), what)) in standings.into_iter().enumerate() {
            // The first line of a module stands even when nothing is in it: it says whether the module may run.
            if index == 0 || !what.is_empty() {
                let what = if what.is_empty() { "nothing".to_owned() } else { what };
                cells.push(vec![bare(name), (word.to_owned(), Some(paint)), bare(what)]);
                name = "";
            }
        }
    }
    table::render(theme, Fit::Terminal, &COLUMNS, cells)
}

/// The table of `permissions pending`.
pub fn pending(theme: &Theme, rows: &[PendingRow]) -> String {
    const COLUMNS: [Column; 4] = [
        Column::text("REQUEST"),
        Column::capped("MODULE", 24),
        Column::rest("WISHES"),
        Column::rest("BECAUSE"),
    ];
    let cells = rows.iter().map(|row| {
        let request =
            if row.request_id.is_empty() { "(install)".to_owned() } else { short_id(&row.request_id) };
        let reason = row.reason.clone().unwrap_or_default();
        vec![bare(request), bare(&row.module_id), bare(one_line(&row.permissions)), bare(reason)]
    });
    table::render(theme, Fit::Terminal, &COLUMNS, cells.collect())
}

/// 8 characters: what a person types of a wish's number; any beginning that only one wish has will do.
const SHORT_ID_CHARS: usize = 8;

/// The beginning of a wish's number.
pub fn short_id(id: &str) -> String {
    id.chars().take(SHORT_ID_CHARS).collect()
}

#[cfg(test)]
mod tests;
