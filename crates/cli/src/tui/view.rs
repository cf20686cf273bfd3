//! The picture of a state: a line above, the view, a line below. It fits 80 by 24, and what is left of it 40 by 10.

use std::collections::BTreeMap;

use protocol::operator::{ModuleStatus, PermissionRow};
use ratatui::Frame;
use ratatui::layout::{Alignment, Constraint, Layout, Rect};
use ratatui::text::{Line, Span, Text};
use ratatui::widgets::{Block, Cell, Clear, Paragraph, Row, Table, TableState};

use super::look::Look;
use super::state::{App, Input, View};
use super::words::{self, Word};
use crate::amount;
use crate::render::logs::clean;
use crate::theme::{Paint, state_paint};

#[cfg(test)]
mod tests;

/// Columns of a table's numbers, and from which width on each is there.
const CPU_FROM: u16 = 44;
const MEMORY_FROM: u16 = 52;
const RESTARTS_FROM: u16 = 58;
const RATE_FROM: u16 = 66;
const BARS_FROM: u16 = 80;

/// 12 bars: the last twelve seconds.
const BARS: u16 = 12;

/// 100 percent of one processor fill a bar.
const FULL_PERCENT: u16 = 100;

/// Draws it.
pub(super) fn draw(frame: &mut Frame<'_>, app: &App, look: &Look) {
    let [head, body, foot] =
        Layout::vertical([Constraint::Length(1), Constraint::Min(0), Constraint::Length(1)])
            .areas(frame.area());
    frame.render_widget(Paragraph::new(header(app, look, head.width)), head);
    match app.view {
        View::Modules => modules(frame, body, app, look),
        View::Logs => logs(frame, body, app, look),
        View::Describe => scrolled(frame, body, app, detail(app, look, body.width)),
        View::Approvals => approvals(frame, body, app, look),
        View::Zones => scrolled(frame, body, app, zones(app, look)),
        View::Help => scrolled(frame, body, app, help(app, look)),
    }
    frame.render_widget(Paragraph::new(footer(app, look)), foot);
    if let Some(question) = &app.question {
        ask(frame, body, &format!("{} [y/n]", question.words), look);
    }
}

fn header(app: &App, look: &Look, width: u16) -> Line<'static> {
    let name = match app.view {
        View::Modules => app.say(Word::Modules).to_owned(),
        View::Logs => format!("{} {}", app.say(Word::Logs), app.log.module),
        View::Describe => app.say(Word::Describe).to_owned(),
        View::Approvals => app.say(Word::Approvals).to_owned(),
        View::Zones => app.say(Word::Zones).to_owned(),
        View::Help => app.say(Word::Help).to_owned(),
    };
    let mut spans = vec![Span::styled(format!("ostoja {name}"), look.style(Paint::Strong))];
    if app.is_read_only() {
        spans.push(Span::raw(format!("  [{}]", app.say(Word::ReadOnly))));
    }
    if app.gone.is_some() {
        spans.push(Span::styled(format!("  {}", app.say(Word::KernelGone)), look.style(Paint::Bad)));
        return Line::from(spans);
    }
    let ready = app.modules.iter().filter(|module| module.status == "ready").count();
    spans.push(Span::raw(format!("  {ready}/{} {}", app.modules.len(), app.say(Word::Ready))));
    if let Some(kernel) = app.kernel.as_ref().filter(|_| width >= RATE_FROM) {
        spans.push(Span::raw(format!("  {}", amount::bytes(kernel.rss_bytes))));
        spans.push(Span::raw(format!("  {}", amount::span(kernel.uptime_ms))));
        if let Some(safe) = &kernel.safe_mode {
            spans.push(Span::styled(format!("  {}", clean(&safe.why)), look.style(Paint::Soon)));
        }
    }
    Line::from(spans)
}

fn footer(app: &App, look: &Look) -> Line<'static> {
    match &app.input {
        Some(Input::Command(text)) => return Line::from(format!(":{text}_")),
        Some(Input::Filter(text)) => return Line::from(format!("/{text}_")),
        None => {}
    }
    if let Some(notice) = &app.notice {
        return Line::styled(clean(notice), look.style(Paint::Soon));
    }
    let hint = match app.view {
        View::Modules => Word::HintModules,
        View::Logs => Word::HintLogs,
        View::Approvals => Word::HintApprovals,
        View::Describe | View::Zones | View::Help => Word::HintOthers,
    };
    Line::styled(app.say(hint), look.style(Paint::Dim))
}

fn empty(frame: &mut Frame<'_>, area: Rect, text: &'static str, look: &Look) {
    let text = Line::styled(text, look.style(Paint::Dim)).alignment(Alignment::Center);
    frame.render_widget(Paragraph::new(text), area);
}

fn modules(frame: &mut Frame<'_>, area: Rect, app: &App, look: &Look) {
    let shown = app.shown();
    if shown.is_empty() {
        let word = if app.modules.is_empty() { Word::Nothing } else { Word::NothingMatches };
        return empty(frame, area, app.say(word), look);
    }
    let columns: Vec<(Word, Constraint, u16)> = vec![
        (Word::Name, Constraint::Fill(1), 0),
        (Word::State, Constraint::Length(13), 0),
        (Word::Cpu, Constraint::Length(6), CPU_FROM),
        (Word::Memory, Constraint::Length(9), MEMORY_FROM),
        (Word::Restarts, Constraint::Length(4), RESTARTS_FROM),
        (Word::Rate, Constraint::Length(7), RATE_FROM),
        (Word::Minute, Constraint::Length(BARS), BARS_FROM),
    ];
    let count = columns.iter().filter(|(_, _, from)| area.width >= *from).count();
    let header = Row::new(columns[..count].iter().map(|(word, _, _)| app.say(*word)));
    let rows = shown.iter().map(|module| Row::new(cells(app, look, module).into_iter().take(count)));
    let widths: Vec<Constraint> = columns[..count].iter().map(|(_, width, _)| *width).collect();
    let table = Table::new(rows, widths)
        .header(header.style(look.style(Paint::Dim)))
        .row_highlight_style(look.chosen());
    let mut state = TableState::new().with_selected(Some(app.selected));
    frame.render_stateful_widget(table, area, &mut state);
}

fn cells(app: &App, look: &Look, module: &ModuleStatus) -> Vec<Cell<'static>> {
    let meter = app.meters.get(&module.id);
    let dash = || look.glyph("–", "-").to_owned();
    let cpu = meter.and_then(|meter| meter.cpu_percent).map_or_else(dash, amount::percent);
    let memory = meter.map_or_else(dash, |meter| amount::bytes(meter.rss_bytes));
    let rate = meter.and_then(|meter| meter.frames_per_s).map_or_else(dash, |rate| format!("{rate:.0}"));
    let bars = meter.map(|meter| look.bars(meter.history.iter().copied(), FULL_PERCENT, usize::from(BARS)));
    vec![
        Cell::from(module.id.clone()),
        Cell::from(Span::styled(look.state(&module.status), look.style(state_paint(&module.status)))),
        Cell::from(cpu),
        Cell::from(memory),
        Cell::from(module.restarts_total.to_string()),
        Cell::from(rate),
        Cell::from(bars.unwrap_or_default()),
    ]
}

fn logs(frame: &mut Frame<'_>, area: Rect, app: &App, look: &Look) {
    let [top, rest] = Layout::vertical([Constraint::Length(1), Constraint::Min(0)]).areas(area);
    let place = match app.log.back {
        0 => app.say(Word::Follows).to_owned(),
        back => app.say(Word::Back).replace("{0}", &back.to_string()),
    };
    frame.render_widget(Paragraph::new(Line::styled(place, look.style(Paint::Dim))), top);
    if app.log.lines.is_empty() {
        return empty(frame, rest, app.say(Word::Nothing), look);
    }
    let end = app.log.lines.len() - app.log.back;
    let from = end.saturating_sub(usize::from(rest.height));
    let lines = app.log.lines[from..end].iter().map(|line| {
        let text = clean(&line.msg);
        if app.log.matches(line) {
            return Line::styled(text, look.chosen());
        }
        match line.level.as_str() {
            "warn" => Line::styled(text, look.style(Paint::Soon)),
            "error" | "fatal" => Line::styled(text, look.style(Paint::Bad)),
            _ => Line::from(text),
        }
    });
    frame.render_widget(Paragraph::new(Text::from_iter(lines)), rest);
}

fn scrolled(frame: &mut Frame<'_>, area: Rect, app: &App, lines: Vec<Line<'static>>) {
    let highest = lines.len().saturating_sub(usize::from(area.height));
    let from = app.scroll.min(highest);
    let shown = lines.into_iter().skip(from).take(usize::from(area.height));
    frame.render_widget(Paragraph::new(Text::from_iter(shown)), area);
}

fn title(text: String, look: &Look) -> Line<'static> {
    Line::styled(text, look.style(Paint::Strong))
}

fn detail(app: &App, look: &Look, width: u16) -> Vec<Line<'static>> {
    let Some(detail) = &app.detail else { return Vec::new() };
    let status = &detail.status;
    let mut lines = vec![title(format!("{}  {}", status.id, status.zone), look)];
    if let Some(story) = &app.story {
        // The kernel's own now, as of its last answer: a picture reads no clock.
        let now_ms = app.kernel.as_ref().map_or(0, |kernel| kernel.started_at_ms + kernel.uptime_ms);
        let text = look.story(&status.id, story, now_ms, width);
        lines.extend(text.lines().map(|line| Line::from(line.to_owned())));
    }
    lines.push(title(app.say(Word::Command).to_owned(), look));
    lines.push(Line::from(clean(&format!("  {}", detail.command.join(" ")))));
    lines.push(title(app.say(Word::Permissions).to_owned(), look));
    lines.extend(kinds(&detail.effective).into_iter().map(Line::from));
    lines.push(title(app.say(Word::Limits).to_owned(), look));
    lines.extend(status.limits.iter().map(|(name, value)| Line::from(format!("  {name}: {value}"))));
    lines.push(title(format!("{}: {}", app.say(Word::Containment), status.containment), look));
    lines.extend(detail.confinement.iter().map(|line| Line::from(clean(&format!("  {line}")))));
    lines
}

/// Permissions as lines, one a kind.
fn kinds(permissions: &BTreeMap<String, Vec<String>>) -> Vec<String> {
    let full = permissions.iter().filter(|(_, values)| !values.is_empty());
    full.map(|(kind, values)| clean(&format!("  {kind}: {}", values.join(", ")))).collect()
}

fn approvals(frame: &mut Frame<'_>, area: Rect, app: &App, look: &Look) {
    let Some(chosen) = app.pending.get(app.selected) else {
        return empty(frame, area, app.say(Word::NothingWaits), look);
    };
    let rows = u16::try_from(app.pending.len()).unwrap_or(u16::MAX).min(area.height / 2).max(1);
    let [list, rest] = Layout::vertical([Constraint::Length(rows), Constraint::Min(0)]).areas(area);
    let names = app.pending.iter().map(|row| {
        let number = if row.request_id.is_empty() { app.say(Word::FirstApproval) } else { &row.request_id };
        Row::new([row.module_id.clone(), number.to_owned()])
    });
    let table =
        Table::new(names, [Constraint::Fill(1), Constraint::Fill(1)]).row_highlight_style(look.chosen());
    let mut state = TableState::new().with_selected(Some(app.selected));
    frame.render_stateful_widget(table, list, &mut state);
    let mut lines = vec![title(app.say(Word::Wishes).to_owned(), look)];
    let plus = |line: String| Line::styled(line.replacen("  ", "+ ", 1), look.style(Paint::Soon));
    lines.extend(kinds(&chosen.permissions).into_iter().map(plus));
    if let Some(reason) = &chosen.reason {
        lines.push(Line::from(clean(&app.say(Word::Reason).replace("{0}", reason))));
    }
    lines.push(title(app.say(Word::Has).to_owned(), look));
    let row = app.permissions.iter().find(|row| row.module_id == chosen.module_id);
    lines.extend(row.map(has).unwrap_or_default().into_iter().map(Line::from));
    frame.render_widget(Paragraph::new(Text::from_iter(lines)), rest);
}

/// What a module has been approved for, at first and later.
fn has(row: &PermissionRow) -> Vec<String> {
    let mut all = row.base.clone();
    for (kind, values) in &row.dynamic {
        all.entry(kind.clone()).or_default().extend(values.iter().cloned());
    }
    kinds(&all)
}

fn zones(app: &App, look: &Look) -> Vec<Line<'static>> {
    let mut by_zone: BTreeMap<&str, Vec<&ModuleStatus>> = BTreeMap::new();
    for module in &app.modules {
        by_zone.entry(module.zone.as_str()).or_default().push(module);
    }
    let mut lines = Vec::new();
    for (zone, modules) in by_zone {
        let ready = modules.iter().filter(|module| module.status == "ready").count();
        lines.push(title(format!("{zone}  {ready}/{}", modules.len()), look));
        for module in modules {
            let state = Span::styled(look.state(&module.status), look.style(state_paint(&module.status)));
            let held = module.held.as_deref().map(|held| format!("  {held}")).unwrap_or_default();
            lines.push(Line::from(vec![Span::raw(format!("  {}  ", module.id)), state, Span::raw(held)]));
        }
    }
    lines
}

fn help(app: &App, look: &Look) -> Vec<Line<'static>> {
    let row = |(keys, what): &(&'static str, &'static str)| {
        Line::from(vec![Span::styled(format!("{keys:<14} "), look.style(Paint::Strong)), Span::raw(*what)])
    };
    words::help(app.lang).iter().map(row).collect()
}

/// A question in the middle.
fn ask(frame: &mut Frame<'_>, area: Rect, words: &str, look: &Look) {
    let width = u16::try_from(words.chars().count() + 4).unwrap_or(u16::MAX).min(area.width);
    let height = 3.min(area.height);
    let place =
        Rect { x: area.x + (area.width - width) / 2, y: area.y + (area.height - height) / 2, width, height };
    frame.render_widget(Clear, place);
    let text = Paragraph::new(words.to_owned()).alignment(Alignment::Center);
    frame.render_widget(text.block(frame_of(look)), place);
}

fn frame_of(look: &Look) -> Block<'static> {
    use ratatui::symbols::border;
    const ASCII: border::Set<'static> = border::Set {
        top_left: "+",
        top_right: "+",
        bottom_left: "+",
        bottom_right: "+",
        vertical_left: "|",
        vertical_right: "|",
        horizontal_top: "-",
        horizontal_bottom: "-",
    };
    let is_unicode = look.glyph("u", "a") == "u";
    Block::bordered().border_set(if is_unicode { border::PLAIN } else { ASCII })
}
