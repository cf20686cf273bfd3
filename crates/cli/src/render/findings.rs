//! What a check found, by area, with what to do about it.

use crate::lang::Lang;
use crate::output::{Finding, Findings, Grade};
use crate::theme::{Paint, Theme};
use crate::words::findings::finding as said;

/// The longest heading of a finding that the others are laid out by.
const WHAT_COLUMNS_MAX: usize = 22;

/// A block for each area, in the order in which the areas come up.
pub fn findings(theme: &Theme, all: &Findings) -> String {
    let widths = all.findings.iter().map(|finding| said(theme.lang, &finding.what).chars().count());
    let widest = widths.max().unwrap_or(0);
    let width = widest.min(WHAT_COLUMNS_MAX);
    let mut text = String::new();
    let mut area = "";
    for finding in &all.findings {
        if finding.area != area {
            if !text.is_empty() {
                text.push('\n');
            }
            area = &finding.area;
            text.push_str(&theme.paint(Paint::Strong, &said(theme.lang, area)));
            text.push('\n');
        }
        text.push_str(&one(theme, finding, width));
    }
    text
}

fn one(theme: &Theme, finding: &Finding, width: usize) -> String {
    let paint = match finding.grade {
        Grade::Good => Paint::Good,
        Grade::Absent => Paint::Dim,
        Grade::Weak => Paint::Soon,
        Grade::Bad => Paint::Bad,
    };
    // A sign alone would be lost without colours, so the word stands beside it where something is wrong.
    let word = match (finding.grade, theme.lang) {
        (Grade::Good, _) => "",
        (Grade::Absent, Lang::En) => "absent: ",
        (Grade::Absent, Lang::Pl) => "brak: ",
        (Grade::Weak, Lang::En) => "weak: ",
        (Grade::Weak, Lang::Pl) => "słabe: ",
        (Grade::Bad, Lang::En) => "bad: ",
        (Grade::Bad, Lang::Pl) => "źle: ",
    };
    let indent = 2 + 3 + width + 2;
    let body = fold(
        &format!("{word}{}", said(theme.lang, &finding.text)),
        theme.width.saturating_sub(indent),
        indent,
    );
    let mark_width = match finding.grade {
        Grade::Good => theme.glyph("✓", "ok").chars().count(),
        Grade::Absent | Grade::Weak | Grade::Bad => 1,
    };
    let gap = " ".repeat(3 - mark_width);
    let mut text =
        format!("  {}{gap}{:<width$}  {body}\n", theme.mark(paint), said(theme.lang, &finding.what));
    if let Some(help) = &finding.help {
        text.push_str(&" ".repeat(indent));
        text.push_str(&format!("{} {}\n", theme.glyph("→", "->"), said(theme.lang, help)));
    }
    text
}

/// Folds a text at blanks to this width; the lines after the first begin at the indent.
pub(crate) fn fold(text: &str, width: usize, indent: usize) -> String {
    let mut lines: Vec<String> = vec![String::new()];
    for word in text.split_whitespace() {
        let Some(line) = lines.last_mut() else { break };
        let taken = line.chars().count();
        if taken > 0 && taken + 1 + word.chars().count() > width {
            lines.push(word.to_owned());
        } else {
            if taken > 0 {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines.join(&format!("\n{}", " ".repeat(indent)))
}

#[cfg(test)]
mod tests;
