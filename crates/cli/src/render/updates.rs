//! Keys, packages and plans of updates, for people.

use jiff::tz::TimeZone;
use protocol::operator::{
    CodedSentence, PackageVerified, SelfUpdatePlan, SelfVersions, SlotTable, TransactionPlan,
    TransactionTable, UpdateHistory, UpdatePhase, UpdatePlan,
};

use crate::amount;
use crate::output::updates::KeyRows;
use crate::render::logs::clean;
use crate::render::permissions::asked;
use crate::table::{self, Column, Fit, bare};
use crate::theme::{Paint, Theme};

/// 16 digits tell two keys apart.
const KEY_DIGITS: usize = 16;

/// 12 names of files are shown of each kind; `--json` has all.
const NAMES_MAX: usize = 12;

fn short(key: &str) -> String {
    key.chars().take(KEY_DIGITS).collect()
}

/// The tables of `key list`.
pub fn keys(theme: &Theme, rows: &KeyRows) -> String {
    const KEYS: [Column; 3] = [Column::capped("KEY", 24), Column::text("PUBLIC"), Column::rest("ROLES")];
    const MAKERS: [Column; 4] =
        [Column::capped("MAKER", 24), Column::number("ROOT"), Column::text("KEYS"), Column::rest("MODULES")];
    let mut text = String::new();
    if !rows.keys.is_empty() {
        let cells = rows.keys.iter().map(|row| {
            vec![
                bare(row.name.as_deref().unwrap_or("-")),
                bare(short(&row.key)),
                bare(if row.roles.is_empty() { "none".to_owned() } else { row.roles.join(" ") }),
            ]
        });
        text.push_str(&table::render(theme, Fit::Terminal, &KEYS, cells.collect()));
    }
    if !rows.makers.is_empty() {
        let cells = rows.makers.iter().map(|row| {
            let keys: Vec<String> = row.keys.iter().map(|key| short(key)).collect();
            vec![
                bare(&row.maker),
                bare(amount::count(row.root)),
                bare(format!("{} of {}", row.threshold, keys.join(" "))),
                bare(if row.modules.is_empty() { "all".to_owned() } else { row.modules.join(" ") }),
            ]
        });
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&table::render(theme, Fit::Terminal, &MAKERS, cells.collect()));
    }
    text
}

/// A package that holds.
pub fn verified(theme: &Theme, found: &PackageVerified) -> String {
    format!(
        "{} {} {}\n  vouched for by {} (keys: {})\n  {} files, {} unpacked, {} packed, each compared by SHA-256 and BLAKE3\n",
        theme.paint(Paint::Good, "sound"),
        theme.paint(Paint::Strong, &found.module_id),
        clean(&found.version),
        clean(&found.maker),
        clean(&found.keys),
        found.files,
        amount::bytes(found.unpacked_bytes),
        amount::bytes(found.bytes),
    )
}

/// The plan of an update.
pub fn plan(theme: &Theme, plan: &UpdatePlan) -> String {
    let mut text = verified(theme, &plan.package);
    let from = plan.from.as_deref().map_or("new here".to_owned(), |from| format!("from {}", clean(from)));
    text.push_str(&format!("  {from}, by {}\n", plan.strategy));
    for (sign, paths) in [("+", &plan.added), ("~", &plan.changed), ("-", &plan.removed)] {
        for path in paths.iter().take(NAMES_MAX) {
            text.push_str(&format!("  {sign} {}\n", clean(path)));
        }
        if paths.len() > NAMES_MAX {
            text.push_str(&format!("  {sign} and {} more\n", paths.len() - NAMES_MAX));
        }
    }
    let bytes = amount::bytes(plan.changed_bytes);
    text.push_str(&format!("  {} files stay as they are; {bytes} are new\n", plan.same));
    for (heading, permissions) in [("asks for more", &plan.asks), ("no longer asks for", &plan.leaves)] {
        if permissions.values().any(|values| !values.is_empty()) {
            text.push_str(&format!("{heading}:\n{}", asked(theme, permissions)));
        }
    }
    for one in &plan.affected {
        let services = one.services.join(", ");
        let wait = amount::span(plan.pause_ms);
        text.push_str(&format!("{} calls {services}: waits about {wait}\n", clean(&one.module_id)));
    }
    text.push_str(&judged(theme, &plan.doubts, &plan.obstacles));
    text
}

/// The plan of several packages that are one change.
pub fn plan_together(theme: &Theme, all: &TransactionPlan) -> String {
    let mut text: String = all.plans.iter().map(|one| plan(theme, one)).collect();
    text.push_str(&format!("all of it together, by {}\n", all.strategy));
    text.push_str(&judged(theme, &all.doubts, &all.obstacles));
    text
}

/// What a person has to know, and what stands in the way.
fn judged(theme: &Theme, doubts: &[CodedSentence], obstacles: &[CodedSentence]) -> String {
    let mut text = String::new();
    for doubt in doubts {
        text.push_str(&format!("{} {}\n", theme.paint(Paint::Soon, "look"), clean(&doubt.text)));
    }
    for obstacle in obstacles {
        let code = theme.paint(Paint::Dim, &obstacle.code);
        text.push_str(&format!("{} {} {code}\n", theme.paint(Paint::Bad, "no"), clean(&obstacle.text)));
    }
    text
}

/// Transactions on their way: `update status`.
pub fn transactions(theme: &Theme, table: &TransactionTable, now_ms: u64) -> String {
    let mut text = String::new();
    for row in &table.transactions {
        let since = amount::span(now_ms.saturating_sub(row.since_ms));
        let what = match (row.waits_for_approval, row.probation_ms) {
            (true, _) => ", waits for an approval".to_owned(),
            (false, Some(left)) => format!(", stays in {} unless it is worse", amount::span(left)),
            (false, None) => String::new(),
        };
        let (number, is) = (row.transaction, theme.paint(Paint::Strong, phase(row.phase)));
        text.push_str(&format!("{number} {is} for {since}{what}\n"));
        for part in &row.modules {
            let from = part.from.as_deref().map_or("new here".to_owned(), clean);
            let (id, arrow) = (&part.module_id, theme.glyph("→", "->"));
            text.push_str(&format!("  {id} {from} {arrow} {}\n", clean(&part.to)));
            if part.asks.values().any(|values| !values.is_empty()) {
                text.push_str(&asked(theme, &part.asks));
            }
        }
        if !row.evidence.is_empty() {
            text.push_str(&format!("  {}\n", clean(&row.evidence)));
        }
    }
    text
}

fn phase(phase: UpdatePhase) -> &'static str {
    match phase {
        UpdatePhase::Staged => "staged",
        UpdatePhase::Verified => "verified",
        UpdatePhase::Tried => "tried",
        UpdatePhase::Committed => "committed",
        UpdatePhase::RolledBack => "rolled back",
    }
}

/// The table of `update list`.
pub fn slots(theme: &Theme, table: &SlotTable, now_ms: u64) -> String {
    const COLUMNS: [Column; 6] = [
        Column::capped("MODULE", 24),
        Column::text("ACTIVE"),
        Column::text("FALLBACK"),
        Column::text("NEXT"),
        Column::number("TX"),
        Column::rest("PHASE"),
    ];
    let word = |text: &Option<String>| bare(text.as_deref().unwrap_or("-"));
    let cells = table.modules.iter().map(|row| {
        let since = row.since_ms.map(|since| amount::span(now_ms.saturating_sub(since)));
        let state = row.phase.map(|of| format!("{} for {}", phase(of), since.unwrap_or_default()));
        vec![
            bare(&row.module_id),
            word(&row.active),
            word(&row.fallback),
            word(&row.next),
            bare(row.transaction.map_or("-".to_owned(), |id| id.to_string())),
            bare(state.unwrap_or_else(|| "-".to_owned())),
        ]
    });
    let mut text = match table.modules.is_empty() {
        true => String::new(),
        false => table::render(theme, Fit::Terminal, &COLUMNS, cells.collect()),
    };
    for pin in &table.pins {
        text.push_str(&format!("pinned {} {}\n", clean(&pin.name), clean(&pin.release)));
    }
    text
}

/// The story of `update history`.
pub fn history(theme: &Theme, history: &UpdateHistory, now_ms: u64, zone: &TimeZone) -> String {
    let mut text = String::new();
    for ended in &history.ended {
        let versions: Vec<String> =
            ended.versions.iter().map(|(id, version)| format!("{id} {version}")).collect();
        let paint = if ended.outcome == UpdatePhase::Committed { Paint::Good } else { Paint::Bad };
        text.push_str(&format!(
            "{} {:>4} {} {}: {}\n",
            amount::moment(ended.at_ms, now_ms, zone),
            ended.transaction,
            theme.paint(paint, phase(ended.outcome)),
            clean(&versions.join(", ")),
            clean(&ended.evidence),
        ));
    }
    text
}

/// What another binary would do.
pub fn own_plan(theme: &Theme, plan: &SelfUpdatePlan) -> String {
    let mut text = format!("{} {} {}\n", plan.from, theme.glyph("→", "->"), clean(&plan.to));
    text.push_str(&format!("  sha-256   {}\n", plan.hash));
    text.push_str(&format!("  size      {}\n", amount::bytes(plan.bytes)));
    text.push_str(&format!("  run on    {}\n", plan.modules));
    if !plan.restarts.is_empty() {
        text.push_str(&format!("  restarts  {}\n", plan.restarts.join(" ")));
    }
    text
}

/// The lines of `self-update --list`, and how the last change went.
pub fn own_versions(versions: &SelfVersions) -> String {
    let slots = [("active", &versions.active), ("fallback", &versions.fallback)];
    let mut text = String::new();
    for (slot, binary) in slots {
        let Some(binary) = binary else { continue };
        let runs = if binary.runs { "  runs" } else { "" };
        let (version, hash) = (clean(&binary.version), short(&binary.hash));
        text.push_str(&format!("{slot:<8}  {version}  {hash}{runs}\n"));
    }
    if let Some(last) = &versions.last {
        let how = if last.took_over {
            format!("took over within {}", last.pause_ms.map_or_else(|| "-".to_owned(), amount::span))
        } else {
            clean(&last.why)
        };
        text.push_str(&format!("{} {}: {how}\n", clean(&last.version), short(&last.hash)));
    }
    text
}
