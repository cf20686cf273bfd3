//! How the screen looks: colours by theme, signs by what the terminal can show.

use clap::ValueEnum;
use jiff::tz::TimeZone;
use protocol::operator::Story;
use ratatui::style::{Color, Modifier, Style};

use crate::render::story::Teller;
use crate::theme::{Colors, Glyphs, Paint, Theme};

/// The colours: the terminal's own sixteen, some for a light or a dark ground, or bold, dim and reversed only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Palette {
    System,
    Light,
    Dark,
    None,
}

/// How everything looks.
#[derive(Debug, Clone)]
pub(super) struct Look {
    palette: Palette,
    theme: Theme,
    zone: TimeZone,
    /// How this home is named on a command line.
    command: String,
}

impl Look {
    /// No colours where the terminal or the person wants none.
    pub(super) fn new(palette: Palette, theme: Theme, zone: TimeZone, command: &str) -> Self {
        let palette = if theme.colors == Colors::Off { Palette::None } else { palette };
        Self { palette, theme, zone, command: command.to_owned() }
    }

    /// The story of a module in sentences, without colours, as wide as there is room.
    pub(super) fn story(&self, id: &str, story: &Story, now_ms: u64, width: u16) -> String {
        let theme = Theme { colors: Colors::Off, width: usize::from(width), ..self.theme };
        let (lang, zone, command) = (theme.lang, &self.zone, self.command.as_str());
        Teller { theme: &theme, lang, zone, now_ms, command }.tell(id, story)
    }

    /// The style of a highlight.
    pub(super) fn style(&self, paint: Paint) -> Style {
        let plain = Style::new();
        let color = match (self.palette, paint) {
            (_, Paint::Strong) => return plain.add_modifier(Modifier::BOLD),
            (_, Paint::Dim) => return plain.add_modifier(Modifier::DIM),
            (Palette::None, Paint::Bad) => return plain.add_modifier(Modifier::BOLD),
            (Palette::None, _) => return plain,
            (Palette::System, Paint::Good) => Color::Green,
            (Palette::System, Paint::Soon) => Color::Yellow,
            (Palette::System, Paint::Bad) => Color::Red,
            (Palette::Light, Paint::Good) => Color::Indexed(22),
            (Palette::Light, Paint::Soon) => Color::Indexed(94),
            (Palette::Light, Paint::Bad) => Color::Indexed(124),
            (Palette::Dark, Paint::Good) => Color::Indexed(114),
            (Palette::Dark, Paint::Soon) => Color::Indexed(221),
            (Palette::Dark, Paint::Bad) => Color::Indexed(210),
            (_, Paint::Speaker(_)) => Color::Cyan,
        };
        plain.fg(color)
    }

    /// The row that is chosen.
    pub(super) fn chosen(&self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }

    /// A state as symbol and word.
    pub(super) fn state(&self, state: &str) -> String {
        self.theme.state(state)
    }

    /// One of two texts: the first where Unicode can be shown.
    pub(super) fn glyph(&self, unicode: &'static str, ascii: &'static str) -> &'static str {
        self.theme.glyph(unicode, ascii)
    }

    /// A row of bars, the last `width` values; the highest is at least `full`.
    pub(super) fn bars(
        &self,
        values: impl DoubleEndedIterator<Item = u16>,
        full: u16,
        width: usize,
    ) -> String {
        let levels: [char; 8] = match self.theme.glyphs {
            Glyphs::Unicode => ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'],
            Glyphs::Ascii => ['_', '.', ':', '-', '=', '+', '*', '#'],
        };
        let mut last: Vec<u16> = values.rev().take(width).collect();
        last.reverse();
        let highest = last.iter().copied().max().unwrap_or(0).max(full);
        let level = |value: u16| usize::from(value) * (levels.len() - 1) / usize::from(highest.max(1));
        last.into_iter().map(|value| levels[level(value)]).collect()
    }
}
