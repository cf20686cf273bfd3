//! Events of the one stream as lines for people: decisions as sentences, lines as `logs` shows them, use in one line.

use host::words::sentence;
use protocol::operator::{Event, GoneReason, JournalRow, UsageTable};

use crate::amount;
use crate::ctx::Ctx;
use crate::failure::Outcome;
use crate::render::logs::{Clock, LogPrinter, clean};
use crate::theme::Paint;
use crate::words::Phrase;

/// Prints events one after the other.
pub(super) struct EventPrinter<'a> {
    ctx: &'a Ctx,
    lines: LogPrinter,
}

impl<'a> EventPrinter<'a> {
    /// A printer that knows no module yet.
    pub(super) fn new(ctx: &'a Ctx) -> Self {
        Self { ctx, lines: LogPrinter::new(ctx.theme, ctx.zone.clone(), Clock::Shown) }
    }

    /// Whether nothing more will come.
    pub(super) fn is_end(event: &Event) -> bool {
        matches!(event, Event::End(_))
    }

    /// Whether it tells of something that happened, and not of the stream itself.
    pub(super) fn is_counted(event: &Event) -> bool {
        !matches!(event, Event::Lost(_) | Event::Gone(_) | Event::End(_))
    }

    /// Shows one: what happened on stdout, what concerns the stream on stderr.
    ///
    /// # Errors
    /// As [`Ctx::print`].
    pub(super) fn show(&mut self, event: &Event) -> Outcome<()> {
        match event {
            Event::Record(row) => {
                let text = self.record(row);
                self.ctx.print(&text)
            }
            Event::Log(line) => self.ctx.print(&self.lines.line(line)),
            Event::Usage(table) => self.ctx.print(&self.usage(table)),
            Event::Message(message) => {
                let time = self.dim(message.ts_ms);
                let topic = self.ctx.theme.paint(Paint::Strong, &clean(&message.topic));
                self.ctx.print(&format!("{time} {topic} {}\n", clean(&message.payload.to_string())))
            }
            Event::Lost(count) => {
                self.ctx.say_phrase(Phrase::EventsLost, &[&count.to_string()]);
                Ok(())
            }
            Event::Gone(gone) => {
                let phrase = match gone.reason {
                    GoneReason::TooOld => Phrase::EventsTooOld,
                    GoneReason::OtherEpoch => Phrase::EventsOfAnother,
                };
                self.ctx.say_phrase(phrase, &[&clean(&gone.since)]);
                Ok(())
            }
            Event::End(why) => {
                self.ctx.say_phrase(Phrase::Ended, &[&clean(why)]);
                Ok(())
            }
        }
    }

    fn dim(&self, at_ms: u64) -> String {
        self.ctx.theme.paint(Paint::Dim, &amount::log_moment(at_ms, &self.ctx.zone))
    }

    fn record(&mut self, row: &JournalRow) -> String {
        let who = row.module_id.as_deref().unwrap_or("ostoja");
        let text = clean(&sentence(self.ctx.lang.into(), row));
        let code = self.ctx.theme.paint(Paint::Dim, &clean(&row.code));
        let told = self.lines.decision(&self.ctx.theme, who, &text);
        format!("{} {told}  {code}\n", self.dim(row.ts_ms))
    }

    fn usage(&self, table: &UsageTable) -> String {
        let everything = || table.modules.iter().chain([&table.kernel]);
        let memory: u64 = everything().map(|row| row.rss_bytes).sum();
        let share: f64 = everything().filter_map(|row| row.cpu_percent).sum();
        let values = [table.modules.len().to_string(), amount::percent(share), amount::bytes(memory)];
        let text = self.ctx.phrase(Phrase::UsedTogether, &values.each_ref().map(String::as_str));
        format!("{} {text}\n", self.dim(table.ts_ms))
    }
}
