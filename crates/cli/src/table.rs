//! Tables without lines, as wide as the terminal and no wider: a heading, rows, and one column that gives way.

use comfy_table::{Cell, CellAlignment, ColumnConstraint, ContentArrangement, Row, Table, Width};

use crate::render::logs::clean;
use crate::theme::{Colors, Paint, Theme};
use crate::words::headings::heading;

/// 4 lines: how far a long last cell is folded before it is cut; `-o wide` shows all of it.
const LINES_OF_ROW_MAX: usize = 4;

/// 8 columns: what is left of a column that gives way; still enough to know most names by.
const CAPPED_WIDTH_MIN: usize = 8;

/// 24 columns: what the folded column should have before others give way to it.
const REST_WIDTH_WISHED: usize = 24;

/// Two blanks between columns.
const GAP: usize = 2;

/// A column: its heading and how it is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    heading: &'static str,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    /// Text that is cut when it is wider than this, or than there is room.
    Capped(u16),
    Number,
    /// Takes what is left and is folded.
    Rest,
}

impl Column {
    /// A column of text, as wide as its widest cell.
    pub const fn text(heading: &'static str) -> Self {
        Self { heading, kind: Kind::Text }
    }

    /// A column of text that gives way before others do: at most so many characters.
    pub const fn capped(heading: &'static str, width_max: u16) -> Self {
        Self { heading, kind: Kind::Capped(width_max) }
    }

    /// A column of numbers, to the right.
    pub const fn number(heading: &'static str) -> Self {
        Self { heading, kind: Kind::Number }
    }

    /// Its heading in the person's language.
    fn heading(self, theme: &Theme) -> &'static str {
        heading(theme.lang, self.heading)
    }

    /// The column that takes what is left; usually the last.
    pub const fn rest(heading: &'static str) -> Self {
        Self { heading, kind: Kind::Rest }
    }
}

/// How far a table may go to the right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fit {
    /// As far as the theme is wide.
    Terminal,
    /// As far as it needs.
    Unbounded,
}

/// A cell: a text and how it is highlighted.
pub type Painted = (String, Option<Paint>);

/// A text that is not highlighted, on one line, without anything that a terminal would act on: it may come from a module.
pub fn bare(text: impl AsRef<str>) -> Painted {
    (clean(text.as_ref()).replace(['\n', '\t'], " "), None)
}

/// The whole table as lines, each ended by a newline, none with blanks at its end.
pub fn render(theme: &Theme, fit: Fit, columns: &[Column], rows: Vec<Vec<Painted>>) -> String {
    let widths = match fit {
        Fit::Terminal => fitted_widths(theme, columns, &rows),
        Fit::Unbounded => natural_widths(theme, columns, &rows),
    };
    let mut table = empty(theme);
    // Wide enough for the columns, whose own widths decide.
    table.set_width(u16::try_from(total(&widths).max(theme.width)).unwrap_or(u16::MAX));
    let headings =
        columns.iter().map(|column| cell(theme, (column.heading(theme).to_owned(), Some(Paint::Dim))));
    table.set_header(headings.collect::<Vec<_>>());
    for row in rows {
        let cells = row.into_iter().zip(columns).zip(&widths).map(|(((text, paint), column), width)| {
            let shown = if matches!(column.kind, Kind::Capped(_)) { cut(theme, &text, *width) } else { text };
            cell(theme, (shown, paint))
        });
        let mut cells = Row::from(cells.collect::<Vec<_>>());
        if fit == Fit::Terminal {
            cells.max_height(LINES_OF_ROW_MAX);
        }
        table.add_row(cells);
    }
    lay_out(&mut table, columns, &widths);
    trimmed(&table)
}

fn empty(theme: &Theme) -> Table {
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_content_arrangement(ContentArrangement::Dynamic);
    table.set_truncation_indicator(theme.glyph("…", "."));
    match theme.colors {
        Colors::On => table.enforce_styling(),
        Colors::Off => table.force_no_tty(),
    };
    table
}

fn cell(theme: &Theme, (text, paint): Painted) -> Cell {
    let shown = Cell::new_owned(text);
    match (theme.colors, paint.and_then(Paint::to_color)) {
        (Colors::On, Some(color)) => shown.fg(color),
        _ => shown,
    }
}

/// The text, cut at this many characters, the last of which then says so.
fn cut(theme: &Theme, text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let kept = text.chars().take(width.saturating_sub(1)).collect::<String>();
    kept + theme.glyph("…", "~")
}

fn natural_widths(theme: &Theme, columns: &[Column], rows: &[Vec<Painted>]) -> Vec<usize> {
    let widest = |(index, column): (usize, &Column)| {
        let cells = rows.iter().filter_map(|row| row.get(index)).map(|(text, _)| text.chars().count());
        cells.max().unwrap_or(0).max(column.heading(theme).chars().count())
    };
    columns.iter().enumerate().map(widest).collect()
}

fn total(widths: &[usize]) -> usize {
    widths.iter().sum::<usize>() + GAP * widths.len().saturating_sub(1)
}

/// Widths that add up to no more than the line: capped columns give way until the folded ones have what they wish for,
/// then the folded ones share what is left.
fn fitted_widths(theme: &Theme, columns: &[Column], rows: &[Vec<Painted>]) -> Vec<usize> {
    let width = theme.width;
    let natural = natural_widths(theme, columns, rows);
    let mut widths = natural.clone();
    let rests: Vec<usize> = places(columns, |kind| kind == Kind::Rest);
    for (index, column) in columns.iter().enumerate() {
        match column.kind {
            Kind::Capped(width_max) => widths[index] = natural[index].min(usize::from(width_max)),
            Kind::Rest => widths[index] = natural[index].min(REST_WIDTH_WISHED),
            Kind::Text | Kind::Number => {}
        }
    }
    for index in places(columns, |kind| matches!(kind, Kind::Capped(_))) {
        let surplus = total(&widths).saturating_sub(width);
        widths[index] = widths[index].saturating_sub(surplus).max(CAPPED_WIDTH_MIN.min(widths[index]));
    }
    for index in rests {
        let others = total(&widths) - widths[index];
        widths[index] = natural[index].min(width.saturating_sub(others)).max(1);
    }
    widths
}

fn places(columns: &[Column], wanted: impl Fn(Kind) -> bool) -> Vec<usize> {
    columns.iter().enumerate().filter(|(_, column)| wanted(column.kind)).map(|(index, _)| index).collect()
}

fn lay_out(table: &mut Table, columns: &[Column], widths: &[usize]) {
    for (index, (column, width)) in columns.iter().zip(widths).enumerate() {
        let Some(laid) = table.column_mut(index) else { continue };
        let gap = if index + 1 < columns.len() { GAP } else { 0 };
        laid.set_padding((0, u16::try_from(gap).unwrap_or(0)));
        if column.kind == Kind::Number {
            laid.set_cell_alignment(CellAlignment::Right);
        }
        let padded = u16::try_from(width + gap).unwrap_or(u16::MAX);
        laid.set_constraint(ColumnConstraint::Absolute(Width::Fixed(padded)));
    }
}

fn trimmed(table: &Table) -> String {
    let mut text = String::new();
    for line in table.lines() {
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests;
