//! How things look: colour or none, Unicode or ASCII, how wide. Decided once from the terminal and the options, then
//! handed to pure render functions, so that a test can fix all three.

use comfy_table::Color;

use crate::lang::Lang;

/// 80 columns: the width of a terminal that does not say its own, and the widest a table gets unless asked.
pub const WIDTH_DEFAULT: usize = 80;

/// Whether escape sequences are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colors {
    /// Yes.
    On,
    /// No.
    Off,
}

/// Which characters can be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Glyphs {
    /// All of them.
    Unicode,
    /// Only the first 128.
    Ascii,
}

/// How things look on one output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Theme {
    /// Whether escape sequences are written.
    pub colors: Colors,
    /// Which characters can be shown.
    pub glyphs: Glyphs,
    /// Columns.
    pub width: usize,
    /// The language of headings and sentences.
    pub lang: Lang,
}

/// A way to highlight a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paint {
    /// As it should be.
    Good,
    /// On its way, or worth a look.
    Soon,
    /// Not as it should be.
    Bad,
    /// Beside the point.
    Dim,
    /// A heading or a name.
    Strong,
    /// One of a handful of colours that tell speakers apart.
    Speaker(usize),
}

/// The colours of speakers: all readable on black and on white, none of them red, which is for errors.
const SPEAKERS: [&str; 6] = ["36", "33", "32", "35", "34", "96"];

impl Paint {
    fn sequence(self) -> &'static str {
        match self {
            Self::Good => "32",
            Self::Soon => "33",
            Self::Bad => "31",
            Self::Dim => "2",
            Self::Strong => "1",
            Self::Speaker(number) => SPEAKERS[number % SPEAKERS.len()],
        }
    }

    /// The same in a table's cell; nothing for what is no colour.
    pub fn to_color(self) -> Option<Color> {
        match self {
            Self::Good => Some(Color::DarkGreen),
            Self::Soon => Some(Color::DarkYellow),
            Self::Bad => Some(Color::DarkRed),
            Self::Dim => Some(Color::DarkGrey),
            Self::Strong | Self::Speaker(_) => None,
        }
    }
}

impl Theme {
    /// Black and white, ASCII and Unicode as given, 80 columns, English: for files, pipes and tests.
    pub fn plain(glyphs: Glyphs) -> Self {
        Self { colors: Colors::Off, glyphs, width: WIDTH_DEFAULT, lang: Lang::En }
    }

    /// The text, highlighted where colours are on.
    pub fn paint(&self, paint: Paint, text: &str) -> String {
        match self.colors {
            Colors::Off => text.to_owned(),
            Colors::On => format!("\x1b[{}m{text}\x1b[0m", paint.sequence()),
        }
    }

    /// One of two texts: the first where Unicode can be shown.
    pub fn glyph(&self, unicode: &'static str, ascii: &'static str) -> &'static str {
        match self.glyphs {
            Glyphs::Unicode => unicode,
            Glyphs::Ascii => ascii,
        }
    }

    /// A state as symbol and word: colour alone would be lost in a pipe and on some eyes.
    pub fn state(&self, state: &str) -> String {
        format!("{} {state}", self.state_symbol(state))
    }

    /// A state as symbol and word, highlighted.
    pub fn state_painted(&self, state: &str) -> String {
        self.paint(state_paint(state), &self.state(state))
    }

    fn state_symbol(&self, state: &str) -> &'static str {
        match state {
            "ready" => self.glyph("●", "*"),
            "starting" => self.glyph("◐", "~"),
            "waiting" => self.glyph("◌", "."),
            "restarting" => self.glyph("↻", "@"),
            "stopped" => self.glyph("○", "-"),
            "completed" => self.glyph("✓", "+"),
            "crashed" => self.glyph("✗", "x"),
            "killed" => self.glyph("⊘", "!"),
            "refused" => self.glyph("⊗", "/"),
            _ => "?",
        }
    }

    /// A mark before a line of a list: fine, worth a look, or wrong.
    pub fn mark(&self, paint: Paint) -> String {
        let symbol = match paint {
            Paint::Good => self.glyph("✓", "ok"),
            Paint::Soon => self.glyph("!", "!"),
            Paint::Bad => self.glyph("✗", "x"),
            Paint::Dim | Paint::Strong | Paint::Speaker(_) => self.glyph("·", "-"),
        };
        self.paint(paint, symbol)
    }
}

/// How a state is highlighted.
pub fn state_paint(state: &str) -> Paint {
    match state {
        "ready" | "completed" => Paint::Good,
        "starting" | "waiting" | "restarting" => Paint::Soon,
        "crashed" | "killed" | "refused" => Paint::Bad,
        _ => Paint::Dim,
    }
}

#[cfg(test)]
mod tests;
