//! Every heading that is shown has its Polish word, and none is left over.

use std::collections::BTreeSet;

use super::{HEADINGS, heading};
use crate::lang::Lang;

/// The sources that show headings or names.
const SOURCES: [&str; 15] = [
    include_str!("../../render/context.rs"),
    include_str!("../../render/actors.rs"),
    include_str!("../../render/functions.rs"),
    include_str!("../../render/backups.rs"),
    include_str!("../../render/restarts.rs"),
    include_str!("../../render/snapshots.rs"),
    include_str!("../../render/modules.rs"),
    include_str!("../../render/status.rs"),
    include_str!("../../render/top.rs"),
    include_str!("../../render/updates.rs"),
    include_str!("../../render/audit.rs"),
    include_str!("../../render/permissions.rs"),
    include_str!("../../render/pools.rs"),
    include_str!("../../commands/config.rs"),
    include_str!("../../commands/zone.rs"),
];

/// The text that follows each of these calls.
fn shown() -> BTreeSet<&'static str> {
    const CALLS: [&str; 6] = [
        "Column::text(",
        "Column::number(",
        "Column::rest(",
        "Column::capped(",
        "lines.add(",
        "lines.add_painted(",
    ];
    let mut found = BTreeSet::new();
    for (source, call) in SOURCES.iter().flat_map(|source| CALLS.map(|call| (source, call))) {
        for (at, _) in source.match_indices(call) {
            let text = source[at + call.len()..].trim_start().strip_prefix('"');
            found.extend(text.and_then(|text| text.split('"').next()).filter(|text| !text.is_empty()));
        }
    }
    found
}

#[test]
fn every_heading_that_is_shown_has_both_languages() {
    let known: BTreeSet<&str> = HEADINGS.iter().map(|(english, _)| *english).collect();
    assert_eq!(known.len(), HEADINGS.len(), "no heading stands twice");
    assert_eq!(shown(), known);
}

#[test]
fn english_stays_as_it_is() {
    assert_eq!(heading(Lang::En, "STATE"), "STATE");
    assert_eq!(heading(Lang::Pl, "STATE"), "STAN");
}
