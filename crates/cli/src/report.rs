//! How a failure is told: to people on stderr with code, line, causes and help; to programs as one JSON line on stdout.

use std::error::Error;
use std::fmt;

use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme, ThemeCharacters, ThemeStyles};

use crate::failure::Failure;
use crate::theme::{Colors, Glyphs, Paint, Theme};

/// The text for people, ended by a newline: code, line, causes, further lines, and at the end what to do, unbroken, so
/// that it can be copied.
pub(crate) fn render(failure: &Failure, theme: &Theme) -> String {
    let characters = match theme.glyphs {
        Glyphs::Unicode => ThemeCharacters::unicode(),
        Glyphs::Ascii => ThemeCharacters::ascii(),
    };
    let styles = match theme.colors {
        Colors::On => ThemeStyles::ansi(),
        Colors::Off => ThemeStyles::none(),
    };
    let handler = GraphicalReportHandler::new_themed(GraphicalTheme { characters, styles })
        .with_width(theme.width)
        .with_wrap_lines(false)
        .with_links(false);
    let mut text = String::new();
    // Writing into a text can't fail.
    let _ = handler.render_report(&mut text, &Shown(failure));
    for line in &failure.details {
        let bar = theme.paint(Paint::Dim, theme.glyph("│", "|"));
        text.push_str(&format!("  {bar} {line}\n"));
    }
    if let Some(help) = &failure.help {
        text.push_str(&format!("  {} {help}\n", theme.paint(Paint::Strong, "help:")));
    }
    text
}

/// A failure as miette wants it.
struct Shown<'a>(&'a Failure);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)?;
        self.0.causes.iter().try_for_each(|cause| write!(f, "\n{cause}"))
    }
}

impl fmt::Debug for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Error for Shown<'_> {}

impl Diagnostic for Shown<'_> {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(&self.0.code))
    }
}

#[cfg(test)]
mod tests;
