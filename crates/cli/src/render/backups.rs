//! Backups as tables.

use crate::amount;
use crate::ctx::Ctx;
use crate::output::backups::{BackupFile, BackupMade, BackupRow, BackupVerified};
use crate::table::{self, Column, Fit, bare};
use crate::theme::Theme;

/// The table of `backup list`.
pub(crate) fn list(ctx: &Ctx, backups: &[BackupRow], now_ms: u64) -> String {
    const COLUMNS: [Column; 6] = [
        Column::number("BACKUP"),
        Column::text("MADE"),
        Column::number("FILES"),
        Column::number("BYTES"),
        Column::capped("LABEL", 24),
        Column::rest("COMPONENTS"),
    ];
    if backups.is_empty() {
        return String::new();
    }
    let rows = backups.iter().map(|backup| {
        let sum = |of: fn(&crate::output::backups::BackupComponent) -> u64| -> u64 {
            backup.components.iter().map(of).sum()
        };
        let names: Vec<&str> = backup.components.iter().map(|part| part.component.as_str()).collect();
        vec![
            bare(backup.number.to_string()),
            bare(amount::moment(backup.at_ms, now_ms, &ctx.zone)),
            bare(amount::count(sum(|part| part.files))),
            bare(amount::bytes(sum(|part| part.bytes))),
            bare(backup.label.as_deref().unwrap_or_default()),
            bare(names.join(", ")),
        ]
    });
    table::render(&ctx.theme, Fit::Terminal, &COLUMNS, rows.collect())
}

/// The table of `backup create`: what each component came to.
pub(crate) fn made(theme: &Theme, made: &BackupMade) -> String {
    const COLUMNS: [Column; 5] = [
        Column::text("COMPONENT"),
        Column::number("FILES"),
        Column::number("BYTES"),
        Column::number("READ"),
        Column::number("SKIPPED"),
    ];
    let Some(backup) = &made.backup else { return String::new() };
    let rows = backup.components.iter().map(|part| {
        vec![
            bare(&part.component),
            bare(amount::count(part.files)),
            bare(amount::bytes(part.bytes)),
            bare(amount::count(part.files_read)),
            bare(amount::count(part.skipped)),
        ]
    });
    table::render(theme, Fit::Terminal, &COLUMNS, rows.collect())
}

/// The table of `backup show`.
pub(crate) fn files(theme: &Theme, files: &[BackupFile]) -> String {
    const COLUMNS: [Column; 4] =
        [Column::text("MODE"), Column::text("KIND"), Column::number("BYTES"), Column::rest("PATH")];
    let rows = files.iter().map(|file| {
        vec![bare(&file.mode), bare(&file.kind), bare(amount::bytes(file.bytes)), bare(&file.path)]
    });
    table::render(theme, Fit::Terminal, &COLUMNS, rows.collect())
}

/// What `backup verify` found wrong, one line each.
pub(crate) fn verified(verified: &BackupVerified) -> String {
    let damaged = verified.damaged.iter().map(|path| format!("damaged  {path}\n"));
    let lost = verified.lost.iter().map(|loss| {
        let path = loss.path.as_deref().unwrap_or("the whole list of files");
        format!("lost     {}  {}  {path}\n", loss.number, loss.component)
    });
    damaged.chain(lost).collect()
}
