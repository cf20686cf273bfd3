//! Restarts: those that were, and what one would do.

use crate::amount;
use crate::ctx::Ctx;
use crate::output::restarts::{PastRestart, RestartImpact};
use crate::table::{self, Column, Fit, bare};
use crate::words::Phrase;

/// The table of `restart history`.
pub(crate) fn history(ctx: &Ctx, restarts: &[PastRestart], now_ms: u64) -> String {
    const COLUMNS: [Column; 5] = [
        Column::text("AT"),
        Column::capped("MODULE", 24),
        Column::number("TOOK"),
        Column::text("RESULT"),
        Column::rest("CAUSE"),
    ];
    if restarts.is_empty() {
        return String::new();
    }
    let rows = restarts.iter().map(|restart| {
        vec![
            bare(amount::moment(restart.at_ms, now_ms, &ctx.zone)),
            bare(&restart.module_id),
            bare(restart.took_ms.map(amount::span).unwrap_or_default()),
            bare(&restart.result),
            bare(&restart.cause),
        ]
    });
    table::render(&ctx.theme, Fit::Terminal, &COLUMNS, rows.collect())
}

/// What `restart plan` found: how long, then who.
pub(crate) fn impact(ctx: &Ctx, impact: &RestartImpact) -> String {
    const COLUMNS: [Column; 3] = [Column::capped("MODULE", 24), Column::text("HOW"), Column::rest("LOSES")];
    let services = match impact.services.is_empty() {
        true => "-".to_owned(),
        false => impact.services.join(", "),
    };
    let mut text = match (impact.usual_ms, impact.longest_ms) {
        (Some(usual), Some(longest)) => {
            let (usual, longest) = (amount::span(usual), amount::span(longest));
            let samples = impact.samples.to_string();
            ctx.phrase(Phrase::RestartTakes, &[&impact.module_id, &usual, &longest, &samples, &services])
        }
        _ => ctx.phrase(Phrase::RestartUnknown, &[&impact.module_id, &services]),
    };
    text.push('\n');
    if !impact.restarted_with_it.is_empty() {
        let with_it = impact.restarted_with_it.join(", ");
        text.push_str(&ctx.phrase(Phrase::RestartedWithIt, &[&with_it]));
        text.push('\n');
    }
    let rows: Vec<_> = impact
        .affected
        .iter()
        .map(|one| vec![bare(&one.module_id), bare(&one.how), bare(one.what.join(", "))])
        .collect();
    if !rows.is_empty() {
        text.push_str(&table::render(&ctx.theme, Fit::Terminal, &COLUMNS, rows));
    }
    text
}
