//! Log lines, each speaker in a colour of its own; what modules print can't reach the terminal's controls.

use host::words::sentence;
use jiff::tz::TimeZone;
use protocol::operator::{JournalRow, LogLine};

use crate::amount;
use crate::ctx::Ctx;
use crate::theme::{Paint, Theme};

/// 20 columns: longer names of modules are cut before their lines.
const SPEAKER_COLUMNS_MAX: usize = 20;

/// Writes log lines one after the other, with the speakers' column as wide as the longest name so far.
#[derive(Debug)]
pub struct LogPrinter {
    theme: Theme,
    zone: TimeZone,
    clock: Clock,
    /// The speakers in the order in which they came up: the place decides the colour.
    speakers: Vec<String>,
    width: usize,
}

/// Whether lines begin with their time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    /// They do.
    Shown,
    /// They don't.
    Hidden,
}

impl LogPrinter {
    /// A printer that knows no speaker yet.
    pub fn new(theme: Theme, zone: TimeZone, clock: Clock) -> Self {
        Self { theme, zone, clock, speakers: Vec::new(), width: 0 }
    }

    /// Makes room for these names, so that the column does not jump.
    pub fn expect<'a>(&mut self, names: impl IntoIterator<Item = &'a str>) {
        for name in names {
            self.speaker(name);
        }
    }

    /// One entry as one line or more, ended by a newline.
    pub fn line(&mut self, line: &LogLine) -> String {
        let speaker = self.speaker(&line.module_id);
        let name = shortened(&line.module_id);
        let bar = self.theme.glyph("│", "|");
        let width = self.width;
        let prefix = self.theme.paint(Paint::Speaker(speaker), &format!("{name:<width$} {bar}"));
        let time = match self.clock {
            Clock::Shown => {
                format!("{} ", self.theme.paint(Paint::Dim, &amount::log_moment(line.ts_ms, &self.zone)))
            }
            Clock::Hidden => String::new(),
        };
        let mut text = String::new();
        for part in self.words(line).lines() {
            text.push_str(&format!("{time}{prefix} {part}\n"));
        }
        text
    }

    /// A line of the kernel's own, such as a loss.
    pub fn note(&mut self, text: &str) -> String {
        let bar = self.theme.glyph("│", "|");
        let width = self.width.max("ostoja".len());
        self.width = width;
        format!("{}\n", self.theme.paint(Paint::Dim, &format!("{:<width$} {bar} {text}", "ostoja")))
    }

    /// A decision about somebody, on the other output, laid out like the lines around it.
    pub fn decision(&mut self, talk: &Theme, who: &str, text: &str) -> String {
        let speaker = self.speaker(who);
        let name = shortened(who);
        let bar = talk.glyph("┆", ":");
        let width = self.width;
        let prefix = talk.paint(Paint::Speaker(speaker), &format!("{name:<width$} {bar}"));
        format!("{prefix} {text}")
    }

    /// The columns that a line's speaker and the bar behind it take so far.
    pub fn columns(&self) -> usize {
        self.width + 3
    }

    fn words(&self, line: &LogLine) -> String {
        let mut text = clean(&line.msg);
        if let Some(data) = &line.data {
            text.push(' ');
            text.push_str(&self.theme.paint(Paint::Dim, &clean(&data.to_string())));
        }
        let paint = match line.level.as_str() {
            "error" | "fatal" => Paint::Bad,
            "warn" => Paint::Soon,
            _ => Paint::Dim,
        };
        // What a plain command prints has no level of its own; stdout and stderr stand as they were printed.
        if matches!(line.source.as_str(), "stdout" | "stderr") || line.level == "info" {
            return if text.is_empty() { " ".to_owned() } else { text };
        }
        format!("{} {text}", self.theme.paint(paint, &format!("{}:", line.level)))
    }

    fn speaker(&mut self, name: &str) -> usize {
        if let Some(place) = self.speakers.iter().position(|known| known == name) {
            return place;
        }
        self.speakers.push(name.to_owned());
        self.width = self.width.max(shortened(name).chars().count());
        self.speakers.len() - 1
    }
}

fn shortened(name: &str) -> String {
    match name.char_indices().nth(SPEAKER_COLUMNS_MAX) {
        None => name.to_owned(),
        Some(_) => name.chars().take(SPEAKER_COLUMNS_MAX - 1).chain(['~']).collect(),
    }
}

/// What a person in front of a running kernel is told of a decision; nothing of the many that only say that things go
/// on as they should, unless asked for more.
pub fn decision(ctx: &Ctx, row: &JournalRow) -> Option<String> {
    let paint = match row.code.as_str() {
        "module.ready" | "module.completed" => Paint::Good,
        "module.refused"
        | "module.exited"
        | "module.spawn_failed"
        | "module.init_failed"
        | "module.unkillable"
        | "restart.gave_up"
        | "ready.timeout"
        | "requires.timeout"
        | "service.duplicate"
        | "service.cycle"
        | "rpc.forbidden"
        | "topic.forbidden"
        | "lane.broken"
        | "net.refused"
        | "access.refused"
        | "call.refused"
        | "config.forbidden"
        | "refusals.summed_up" => Paint::Bad,
        "module.killed"
        | "module.waiting"
        | "module.kept"
        | "restart.now"
        | "restart.planned"
        | "restart.paced"
        | "restart.withheld"
        | "strategy.restart"
        | "health.missed"
        | "health.reported"
        | "timeout.reported"
        | "permission.requested"
        | "module.changed"
        | "module.gone" => Paint::Soon,
        _ if ctx.global.verbose > 0 => Paint::Dim,
        _ => return None,
    };
    Some(ctx.talk.paint(paint, &clean(&sentence(ctx.lang.into(), row))))
}

/// The text without escape sequences and control characters: a module must not be able to move the cursor, change the
/// title or hide lines of an operator's terminal. Tabs stay.
pub fn clean(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(found) = rest.next() {
        match found {
            '\x1b' => skip_sequence(&mut rest),
            '\t' => shown.push('\t'),
            '\n' => shown.push('\n'),
            _ if found.is_control() => {}
            // These turn the direction of what follows, so that a line can read as what it is not.
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {}
            _ => shown.push(found),
        }
    }
    shown
}

/// Skips what belongs to an escape sequence, by the syntax of ECMA-48: `ESC [ … final`, `ESC ] … BEL`, `ESC x`.
fn skip_sequence(rest: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    match rest.next() {
        Some('[') => {
            for found in rest.by_ref() {
                if ('@'..='~').contains(&found) {
                    return;
                }
            }
        }
        Some(']' | 'P' | '^' | '_') => {
            while let Some(found) = rest.next() {
                if found == '\x07' {
                    return;
                }
                if found == '\x1b' {
                    // The string terminator is ESC and a backslash.
                    rest.next_if_eq(&'\\');
                    return;
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests;
