//! Modules as a table, and one module in full.

use protocol::operator::{ModuleDetail, ModuleStatus};

use crate::amount;
use crate::args::Columns;
use crate::render::logs::clean;
use crate::render::permissions;
use crate::table::{self, Column, Fit, Painted, bare};
use crate::theme::{Paint, Theme, state_paint};
use crate::words::headings::heading;

/// 24 columns: most names fit.
const NAME_COLUMNS: u16 = 24;

const SHORT: [Column; 8] = [
    Column::capped("NAME", NAME_COLUMNS),
    Column::text("STATE"),
    Column::number("PID"),
    Column::number("UP"),
    Column::number("RESTARTS"),
    Column::number("CPU"),
    Column::number("MEM"),
    Column::rest("NOTE"),
];

const WIDE: [Column; 19] = [
    Column::text("NAME"),
    Column::text("STATE"),
    Column::number("PID"),
    Column::number("UP"),
    Column::number("RESTARTS"),
    Column::number("CPU"),
    Column::number("MEM"),
    Column::text("RUNTIME"),
    Column::text("VERSION"),
    Column::number("LIFE"),
    Column::number("IN"),
    Column::number("OUT"),
    Column::number("DROPPED"),
    Column::text("TRANSPORT"),
    Column::text("ZONE"),
    Column::text("HELD"),
    Column::text("CONTAINMENT"),
    Column::text("PROVIDES"),
    Column::rest("NOTE"),
];

/// The table of `ps`.
pub fn table(theme: &Theme, columns: Columns, modules: &[ModuleStatus], now_ms: u64) -> String {
    let dash = theme.glyph("–", "-");
    match columns {
        Columns::Name => modules.iter().map(|module| format!("{}\n", module.id)).collect(),
        Columns::Short => {
            let rows = modules.iter().map(|module| short_row(theme, module, now_ms, dash)).collect();
            table::render(theme, Fit::Terminal, &SHORT, rows)
        }
        Columns::Wide => {
            let rows = modules.iter().map(|module| wide_row(theme, module, now_ms, dash)).collect();
            let (columns, rows) = without_empty(&WIDE, rows, dash);
            table::render(theme, Fit::Unbounded, &columns, rows)
        }
    }
}

/// Columns of which no row has anything are left out, so that the table stays as narrow as it can.
fn without_empty(
    columns: &[Column],
    rows: Vec<Vec<Painted>>,
    dash: &str,
) -> (Vec<Column>, Vec<Vec<Painted>>) {
    let has_any = |at: usize| {
        let cells = rows.iter().filter_map(|row| row.get(at));
        rows.is_empty() || cells.map(|(text, _)| text).any(|text| !text.is_empty() && text != dash)
    };
    let kept: Vec<usize> = (0..columns.len()).filter(|at| has_any(*at)).collect();
    let keep = |row: Vec<Painted>| {
        let cells = row.into_iter().enumerate().filter(|(at, _)| kept.contains(at));
        cells.map(|(_, cell)| cell).collect()
    };
    let columns = kept.iter().filter_map(|at| columns.get(*at)).copied().collect();
    (columns, rows.into_iter().map(keep).collect())
}

fn short_row(theme: &Theme, module: &ModuleStatus, now_ms: u64, dash: &str) -> Vec<Painted> {
    let or_dash = |text: Option<String>| bare(text.unwrap_or_else(|| dash.to_owned()));
    vec![
        bare(&module.id),
        (theme.state(&module.status), Some(state_paint(&module.status))),
        or_dash(module.pid.map(|pid| pid.to_string())),
        or_dash(uptime(module, now_ms)),
        bare(module.restarts_total.to_string()),
        or_dash(module.cpu_ms.map(amount::cpu_time)),
        or_dash(module.rss_bytes.map(amount::bytes)),
        bare(note(module, now_ms)),
    ]
}

fn wide_row(theme: &Theme, module: &ModuleStatus, now_ms: u64, dash: &str) -> Vec<Painted> {
    let or_dash = |text: &str| bare(if text.is_empty() { dash } else { text });
    let mut row = short_row(theme, module, now_ms, dash);
    let note = row.pop().unwrap_or_else(|| bare(""));
    if let (Some(cell), Some(bytes)) = (row.last_mut(), module.rss_bytes) {
        *cell =
            bare(against(amount::bytes(bytes), module.limits.get("memory").map(|most| amount::bytes(*most))));
    }
    let dropped = if module.dropped == 0 { String::new() } else { amount::count(module.dropped) };
    row.extend([
        or_dash(&module.runtime),
        or_dash(&module.version),
        bare(module.generation.map_or_else(|| dash.to_owned(), |generation| generation.to_string())),
        bare(amount::count(module.frames_in)),
        bare(amount::count(module.frames_out)),
        or_dash(&dropped),
        // Pipes are what every module has.
        or_dash(if module.transport == "pipes" { "" } else { &module.transport }),
        or_dash(uncommon_zone(&module.zone)),
        or_dash(module.held.as_deref().unwrap_or_default()),
        or_dash(containment_level(module)),
        or_dash(&module.provides.join(",")),
        note,
    ]);
    row
}

/// Use against its bound, where there is one: `12 MB/64 MB`.
pub(crate) fn against(used: String, bound: Option<String>) -> String {
    match bound {
        Some(bound) => format!("{used}/{bound}"),
        None => used,
    }
}

/// Most live in the stable zone, so only the others are worth a word.
fn uncommon_zone(zone: &str) -> &str {
    if zone == "stable" { "" } else { zone }
}

/// What it may use: `cpu 50 %, memory 64 MB, 20000 messages_per_s`.
fn limits(module: &ModuleStatus) -> String {
    let one = |(resource, bound): (&String, &u64)| match resource.as_str() {
        "cpu" => format!("cpu {}", percent_of(*bound)),
        "memory" | "queue_bytes" => format!("{resource} {}", amount::bytes(*bound)),
        _ => format!("{resource} {}", amount::count(*bound)),
    };
    module.limits.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// Thousandths of a processor as percent of one.
pub(crate) fn percent_of(permille: u64) -> String {
    if permille.is_multiple_of(10) {
        format!("{}%", permille / 10)
    } else {
        format!("{}.{}%", permille / 10, permille % 10)
    }
}

/// `full`, `partial` or `none`; what is missing is told by `module show` and `doctor`.
fn containment_level(module: &ModuleStatus) -> &str {
    module.containment.split([' ', '(']).next().unwrap_or_default()
}

/// For how long its life has lasted.
fn uptime(module: &ModuleStatus, now_ms: u64) -> Option<String> {
    // A WebAssembly module lives without a process of its own.
    if module.pid.is_none() && module.runtime != "wasm" {
        return None;
    }
    Some(amount::span(now_ms.saturating_sub(module.started_at?)))
}

/// Why it is not ready, and when it is tried again; losses when it is.
fn note(module: &ModuleStatus, now_ms: u64) -> String {
    let mut parts: Vec<String> = Vec::new();
    if !module.note.is_empty() {
        parts.push(module.note.clone());
    } else if !module.waiting_for.is_empty() {
        parts.push(format!("waits for {}", module.waiting_for.join(", ")));
    }
    if let Some(at_ms) = module.restart_at_ms {
        parts.push(format!("again in {}", amount::span(at_ms.saturating_sub(now_ms))));
    }
    if module.dropped > 0 {
        parts.push(format!("{} dropped", amount::count(module.dropped)));
    }
    if module.bad_lines > 0 {
        parts.push(format!("{} bad lines", amount::count(module.bad_lines)));
    }
    parts.join("; ")
}

/// One module in full, as name and value on a line each; what is empty is left out.
pub fn detail(theme: &Theme, module: &ModuleDetail, now_ms: u64) -> String {
    let status = &module.status;
    let mut lines = Lines::new(theme);
    lines.add_painted("module", &theme.paint(Paint::Strong, &status.id));
    lines.add_painted("state", &theme.state_painted(&status.status));
    lines.add("note", &note(status, now_ms));
    lines.add("pid", &status.pid.map(|pid| pid.to_string()).unwrap_or_default());
    lines.add("up", &uptime(status, now_ms).unwrap_or_default());
    lines.add("restarts", &status.restarts_total.to_string());
    lines.add("runtime", &status.runtime);
    lines.add("version", &status.version);
    lines.add(
        "command",
        &module.command.iter().map(|word| crate::target::shell_word(word)).collect::<Vec<_>>().join(" "),
    );
    lines.add("folder", module.folder.as_deref().unwrap_or_default());
    lines.add("provides", &status.provides.join(", "));
    lines.add("requires", &module.requires.join(", "));
    lines.add("needs", &module.needs.join(", "));
    lines.add("may call", &module.may_call.join(", "));
    lines.add("topics", &module.topics.join(", "));
    lines.add("config key", module.config_key.as_deref().unwrap_or_default());
    lines.add("asks for", &permissions::one_line(&module.declared));
    lines.add("may touch", &permissions::one_line(&module.effective));
    lines.add("manifest", module.manifest_hash.as_deref().unwrap_or_default());
    lines.add("zone", &status.zone);
    lines.add("limits", &limits(status));
    lines.add("held", status.held.as_deref().unwrap_or_default());
    lines.add("contained", &status.containment);
    for layer in &module.confinement {
        lines.add("", layer);
    }
    lines.add("frames", &frames(status));
    if !module.stderr_tail.is_empty() {
        lines.add("stderr", "its last lines");
        for line in &module.stderr_tail {
            lines.add("", line);
        }
    }
    lines.text
}

/// How many there were, and which way they go.
fn frames(status: &ModuleStatus) -> String {
    let way = if status.transport.is_empty() { String::new() } else { format!(", by {}", status.transport) };
    format!("{} in, {} out, {} dropped{way}", status.frames_in, status.frames_out, status.dropped)
}

/// Lines of a name and a value, the values below each other.
#[derive(Debug)]
pub(crate) struct Lines<'a> {
    theme: &'a Theme,
    pub(crate) text: String,
}

/// 11 columns: the longest name, `config key`, in Polish `środowisko`, and a blank.
const NAME_WIDTH: usize = 11;

impl<'a> Lines<'a> {
    pub(crate) fn new(theme: &'a Theme) -> Self {
        Self { theme, text: String::new() }
    }

    /// Adds a line; an empty value adds none. What a terminal would act on is left out: it may come from a module.
    pub(crate) fn add(&mut self, name: &'static str, value: &str) {
        self.add_painted(name, &clean(value));
    }

    /// Adds a line with a value of our own making.
    pub(crate) fn add_painted(&mut self, name: &'static str, value: &str) {
        if value.is_empty() {
            return;
        }
        let name = heading(self.theme.lang, name);
        let padded = format!("{name:<NAME_WIDTH$}");
        self.text.push_str(&self.theme.paint(Paint::Dim, &padded));
        self.text.push_str(value);
        self.text.push('\n');
    }
}

#[cfg(test)]
mod tests;
