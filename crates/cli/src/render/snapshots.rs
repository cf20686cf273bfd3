//! Snapshots as tables.

use protocol::operator::{SnapshotBack, SnapshotModule};

use crate::amount;
use crate::ctx::Ctx;
use crate::output::snapshots::SnapshotRow;
use crate::table::{self, Column, Fit, bare};
use crate::theme::Theme;

/// The table of `snapshot list`.
pub(crate) fn list(ctx: &Ctx, snapshots: &[SnapshotRow], now_ms: u64) -> String {
    const COLUMNS: [Column; 5] = [
        Column::number("SNAPSHOT"),
        Column::text("MADE"),
        Column::number("BYTES"),
        Column::capped("LABEL", 24),
        Column::rest("MODULES"),
    ];
    if snapshots.is_empty() {
        return String::new();
    }
    let rows = snapshots.iter().map(|snapshot| {
        vec![
            bare(snapshot.number.to_string()),
            bare(amount::moment(snapshot.at_ms, now_ms, &ctx.zone)),
            bare(amount::bytes(snapshot.bytes)),
            bare(snapshot.label.as_deref().unwrap_or_default()),
            bare(snapshot.modules.join(", ")),
        ]
    });
    table::render(&ctx.theme, Fit::Terminal, &COLUMNS, rows.collect())
}

/// The table of `snapshot create` and `snapshot show`: who gave what.
pub(crate) fn modules(theme: &Theme, modules: &[SnapshotModule]) -> String {
    const COLUMNS: [Column; 5] = [
        Column::text("MODULE"),
        Column::number("LIFE"),
        Column::number("BYTES"),
        Column::capped("FORM", 24),
        Column::rest("NOTE"),
    ];
    if modules.is_empty() {
        return String::new();
    }
    let rows = modules.iter().map(|module| {
        vec![
            bare(&module.module_id),
            bare(module.life.to_string()),
            bare(amount::bytes(module.bytes)),
            bare(module.form.as_deref().unwrap_or_default()),
            bare(module.why.as_deref().unwrap_or_default()),
        ]
    });
    table::render(theme, Fit::Terminal, &COLUMNS, rows.collect())
}

/// The table of `snapshot restore`.
pub(crate) fn back(theme: &Theme, modules: &[SnapshotBack]) -> String {
    const COLUMNS: [Column; 3] = [Column::text("MODULE"), Column::text("RESTARTED"), Column::rest("NOTE")];
    if modules.is_empty() {
        return String::new();
    }
    let rows = modules.iter().map(|module| {
        vec![
            bare(&module.module_id),
            bare(if module.restarted { "yes" } else { "no" }),
            bare(module.why.as_deref().unwrap_or_default()),
        ]
    });
    table::render(theme, Fit::Terminal, &COLUMNS, rows.collect())
}
