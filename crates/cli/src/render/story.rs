//! `why`: the story of one module. How it is now, what happened from the oldest to the newest, what to do next.

use host::words::{self, remedy, sentence};
use jiff::tz::TimeZone;
use protocol::operator::{COMPLETED, JournalRow, ModuleStatus, Story};

use crate::amount;
use crate::lang::Lang;
use crate::render::findings::fold;
use crate::render::logs::clean;
use crate::theme::{Paint, Theme};
use crate::words::Phrase;

/// 8 refusals are told once more with their grants; the rest stands in the story.
const REFUSALS_MAX: usize = 8;

/// What a module was refused and an operator could grant, or should know that nobody can.
const REFUSALS: [&str; 9] = [
    "net.refused",
    "access.refused",
    "call.refused",
    "rpc.forbidden",
    "topic.forbidden",
    "config.forbidden",
    "fn.forbidden",
    "context.forbidden",
    "secret.forbidden",
];

/// What a story is told with.
#[derive(Debug)]
pub struct Teller<'a> {
    /// How it looks.
    pub theme: &'a Theme,
    /// In which language.
    pub lang: Lang,
    /// In which zone moments are.
    pub zone: &'a TimeZone,
    /// Now, in milliseconds since the epoch.
    pub now_ms: u64,
    /// How this home is named on a command line: `ostoja`, or with `--home`.
    pub command: &'a str,
}

impl Teller<'_> {
    /// The whole story.
    pub fn tell(&self, id: &str, story: &Story) -> String {
        let mut text = self.now(id, story.status.as_ref());
        text.push_str(&self.heading(Phrase::WhyPast));
        if story.records.is_empty() {
            text.push_str(&format!("  {}\n", Phrase::WhyNothing.fill(self.lang, &[])));
        }
        let mut repeated = Repeats::default();
        for row in &story.records {
            text.push_str(&repeated.add(self, row));
        }
        text.push_str(&repeated.finish(self));
        text.push_str(&self.refusals(id, story));
        if !story.stderr_tail.is_empty() {
            text.push_str(&self.heading(Phrase::WhyWords));
            for line in &story.stderr_tail {
                text.push_str(&format!("  {} {}\n", self.theme.glyph("│", "|"), clean(line)));
            }
        }
        text.push_str(&self.heading(Phrase::WhyNext));
        for line in self.advice(id, story) {
            text.push_str(&format!("  {line}\n"));
        }
        text
    }

    fn heading(&self, phrase: Phrase) -> String {
        format!("\n{}\n", self.theme.paint(Paint::Strong, phrase.template(self.lang)))
    }

    fn now(&self, id: &str, status: Option<&ModuleStatus>) -> String {
        let mut text = self.theme.paint(Paint::Strong, Phrase::WhyNow.template(self.lang));
        text.push('\n');
        let Some(status) = status else {
            text.push_str(&format!("  {id}\n"));
            return text;
        };
        let since = amount::span(self.now_ms.saturating_sub(status.since_ms));
        let state = self.theme.state_painted(&status.status);
        text.push_str(&format!("  {id}: {}\n", Phrase::WhySince.fill(self.lang, &[&state, &since])));
        let mut add = |line: &str| text.push_str(&format!("  {}\n", self.folded(line, 2)));
        if !status.note.is_empty() {
            add(&clean(&status.note));
        }
        if !status.waiting_for.is_empty() {
            add(&Phrase::WhyWaits.fill(self.lang, &[&status.waiting_for.join(", ")]));
        }
        if let Some(probation) = &status.probation {
            let (well, wanted) = (amount::span(probation.well_ms), amount::span(probation.wanted_ms));
            let lacks = clean(&probation.lacks);
            add(&Phrase::WhyProbation.fill(self.lang, &[&well, &wanted, &lacks]));
        }
        if let Some(at_ms) = status.restart_at_ms {
            add(&Phrase::WhyAgain.fill(self.lang, &[&amount::span(at_ms.saturating_sub(self.now_ms))]));
        }
        text
    }

    /// The last different things that it was refused, each with the grant that would allow it; and what can't be known of it. Nothing
    /// when there is nothing of both.
    fn refusals(&self, id: &str, story: &Story) -> String {
        let mut said: Vec<(String, Option<String>)> = Vec::new();
        for row in story.records.iter().rev().filter(|row| REFUSALS.contains(&row.code.as_str())) {
            let one = (self.sentence(row), self.grant(row));
            if said.len() < REFUSALS_MAX && !said.contains(&one) {
                said.push(one);
            }
        }
        let is_half_seen = is_half_seen(story);
        if said.is_empty() && !is_half_seen {
            return String::new();
        }
        let mut text = self.heading(Phrase::WhyRefused);
        for (sentence, remedy) in said.iter().rev() {
            text.push_str(&format!("  {}\n", self.folded(sentence, 2)));
            if let Some(remedy) = remedy {
                // It is to be copied, so it is never folded.
                text.push_str(&format!("    {}\n", self.theme.paint(Paint::Dim, remedy)));
            }
        }
        if is_half_seen {
            let look = format!("{} module profile {id}", self.command);
            let unseen = Phrase::WhyUnseen.fill(self.lang, &[]);
            text.push_str(&format!("  {}\n", self.folded(&unseen, 2)));
            text.push_str(&format!("    {}\n", self.theme.paint(Paint::Dim, &look)));
        }
        text
    }

    /// What would allow what a record says was refused.
    fn grant(&self, row: &JournalRow) -> Option<String> {
        let service = row.facts.get("service").and_then(|service| service.as_str());
        match (row.code.as_str(), service) {
            ("rpc.forbidden", Some(service)) => {
                Some(Phrase::DevAddService.fill(self.lang, &[&clean(service)]))
            }
            _ => remedy(row).map(|remedy| clean(&self.named(&remedy))),
        }
    }

    fn folded(&self, text: &str, indent: usize) -> String {
        fold(text, self.theme.width.saturating_sub(indent), indent)
    }

    fn sentence(&self, row: &JournalRow) -> String {
        clean(&sentence(self.lang.into(), row))
    }

    /// What to do next: by the state, then the remedy of the last decision that has one.
    fn advice(&self, id: &str, story: &Story) -> Vec<String> {
        let command = |rest: &str| format!("{} {rest}", self.command);
        let say = |phrase: Phrase, rest: &str| phrase.fill(self.lang, &[&command(rest)]);
        let state = story.status.as_ref().map_or("", |status| status.status.as_str());
        let is_unapproved = last_reason(&story.records).is_some_and(|why| why.contains("approv"));
        let mut lines = match state {
            COMPLETED => return vec![Phrase::WhyDone.fill(self.lang, &[])],
            "ready" if open_wish(&story.records).is_none() => {
                return vec![Phrase::WhyFine.fill(self.lang, &[])];
            }
            "starting" => vec![say(Phrase::DoWatch, &format!("logs -f {id}"))],
            "waiting" => vec![say(Phrase::DoProvider, "ps")],
            "restarting" | "crashed" | "killed" => vec![say(Phrase::DoRead, &format!("logs {id}"))],
            "stopped" if is_unapproved => vec![say(Phrase::DoApprove, &format!("module approve {id}"))],
            "stopped" => vec![say(Phrase::DoStart, &format!("start {id}"))],
            _ => Vec::new(),
        };
        let remedy = story.records.iter().rev().find_map(remedy).map(|remedy| self.named(&remedy));
        if let Some(remedy) = remedy
            && !lines.iter().any(|line| line.ends_with(&remedy))
        {
            lines.push(Phrase::DoAct.fill(self.lang, &[&remedy]));
        }
        lines
    }

    /// A remedy with the home named where it has to be.
    fn named(&self, remedy: &str) -> String {
        match remedy.strip_prefix("ostoja ") {
            Some(rest) => format!("{} {rest}", self.command),
            None => remedy.to_owned(),
        }
    }
}

/// Whether it failed and nobody saw what files and system calls it was refused. What a WebAssembly module wants goes through the kernel.
fn is_half_seen(story: &Story) -> bool {
    let failed = story.status.as_ref().is_some_and(|status| {
        status.runtime != "wasm" && matches!(status.status.as_str(), "crashed" | "restarting")
    });
    failed && !story.records.iter().any(|row| matches!(row.code.as_str(), "access.refused" | "call.refused"))
}

/// Why it may not run, if that is the last thing that was decided.
fn last_reason(records: &[JournalRow]) -> Option<&str> {
    let refused =
        records.iter().rev().find(|row| matches!(row.code.as_str(), "module.refused" | "module.ready"))?;
    refused.facts.get("why")?.as_str()
}

/// The last wish for more, if nobody has answered it.
fn open_wish(records: &[JournalRow]) -> Option<&JournalRow> {
    let last = records.iter().rev().find(|row| row.code.starts_with("permission."))?;
    (last.code == "permission.requested").then_some(last)
}

/// Puts lines that say the same one after the other together: a module that hangs in a loop fills no screen.
#[derive(Debug, Default)]
struct Repeats {
    last: Option<(String, String)>,
    count: u32,
}

impl Repeats {
    fn add(&mut self, teller: &Teller<'_>, row: &JournalRow) -> String {
        let said = teller.sentence(row);
        if self.last.as_ref().is_some_and(|(_, last)| *last == said) {
            self.count += 1;
            return String::new();
        }
        let before = self.finish(teller);
        self.last = Some((amount::moment(row.ts_ms, teller.now_ms, teller.zone), said));
        self.count = 1;
        before
    }

    fn finish(&mut self, teller: &Teller<'_>) -> String {
        let Some((at, said)) = self.last.take() else { return String::new() };
        let times = if self.count > 1 {
            format!(" ({}{})", teller.theme.glyph("×", "x"), self.count)
        } else {
            String::new()
        };
        let indent = 2 + at.chars().count() + 2;
        let body = teller.folded(&format!("{said}{times}"), indent);
        format!("  {}  {body}\n", teller.theme.paint(Paint::Dim, &at))
    }
}

impl From<Lang> for words::Lang {
    fn from(lang: Lang) -> Self {
        match lang {
            Lang::En => Self::English,
            Lang::Pl => Self::Polish,
        }
    }
}

#[cfg(test)]
mod tests;
