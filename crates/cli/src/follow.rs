//! Following logs at the operator door: the lines that are there, then those that come.

use protocol::operator::{Event, LogLine, LogPage, LogsRequest, Request};
use store::Said;

use crate::ctx::Ctx;
use crate::door::Door;
use crate::failure::Outcome;
use crate::render::logs::LogPrinter;
use crate::words::Phrase;

/// Shows a page of lines.
///
/// # Errors
/// As [`Ctx::print`].
pub(crate) fn show_page(ctx: &Ctx, printer: &mut LogPrinter, page: &LogPage) -> Outcome<()> {
    printer.expect(page.lines.iter().map(|line| line.module_id.as_str()));
    let text: String = page.lines.iter().map(|line| printer.line(line)).collect();
    ctx.print(&text)?;
    if page.lost > 0 {
        ctx.say_phrase(Phrase::LinesLost, &[&page.lost.to_string()]);
    }
    Ok(())
}

/// Prints a page as the events that its lines would have been.
///
/// # Errors
/// As [`Ctx::print`].
pub(crate) fn page_as_events(ctx: &Ctx, page: LogPage) -> Outcome<()> {
    for line in page.lines {
        ctx.json_line(&Event::Log(line))?;
    }
    if page.lost > 0 {
        ctx.json_line(&Event::Lost(page.lost))?;
    }
    Ok(())
}

/// Asks for logs and shows them as they come, until the kernel ends it.
///
/// # Errors
/// As the door and [`Ctx::print`].
pub(crate) fn follow(
    ctx: &Ctx,
    door: &mut Door,
    request: LogsRequest,
    printer: &mut LogPrinter,
) -> Outcome<()> {
    let page: LogPage = door.ask(&Request::Logs(LogsRequest { follow: true, ..request }))?;
    if ctx.is_json() {
        page_as_events(ctx, page)?;
    } else {
        show_page(ctx, printer, &page)?;
    }
    while let Some(event) = door.next_event()? {
        let is_end = matches!(event, Event::End(_));
        show_event(ctx, printer, &event)?;
        if is_end {
            break;
        }
    }
    Ok(())
}

/// Shows one event of a followed log.
///
/// # Errors
/// As [`Ctx::print`].
pub(crate) fn show_event(ctx: &Ctx, printer: &mut LogPrinter, event: &Event) -> Outcome<()> {
    if ctx.is_json() {
        return ctx.json_line(event);
    }
    match event {
        Event::Log(line) => ctx.print(&printer.line(line)),
        Event::Lost(count) => {
            ctx.say_phrase(Phrase::EventsLost, &[&count.to_string()]);
            Ok(())
        }
        Event::End(why) => {
            ctx.say_phrase(Phrase::Ended, &[why]);
            Ok(())
        }
        Event::Record(_) | Event::Message(_) | Event::Usage(_) | Event::Gone(_) => Ok(()),
    }
}

/// A page from files as the operator door would give it.
pub(crate) fn to_page(found: store::LogPage) -> LogPage {
    let mut page = LogPage { lines: Vec::new(), lost: 0 };
    for entry in found.entries {
        match entry.said {
            Said::Lost(count) => page.lost += count,
            Said::Line(line) => page.lines.push(LogLine {
                ts_ms: entry.ts.0,
                module_id: entry.module.as_str().to_owned(),
                generation: entry.generation.0,
                level: line.level.as_str().to_owned(),
                source: line.source.as_str().to_owned(),
                msg: line.msg,
                data: line.data.and_then(|data| serde_json::from_str(&data).ok()),
                topic: line.topic,
            }),
        }
    }
    page
}
