//! What a module needs to be allowed, as a difference to what it is allowed.

use std::fmt::Write;

use protocol::operator::{Held, Profiled};

use crate::amount;
use crate::render::logs::clean;
use crate::theme::{Paint, Theme};

#[cfg(test)]
mod tests;

/// The difference, a line each: what stays, what is missing, what was not used; then the calls that were refused.
pub fn profile(theme: &Theme, profiled: &Profiled) -> String {
    let held = match profiled.held {
        Held::Closed => "what it was not granted was refused",
        Held::Open => "nothing was refused",
    };
    let mut text = format!(
        "observed {} for {}, {}; {held}\n",
        theme.paint(Paint::Strong, &profiled.module_id),
        amount::span(profiled.observed_ms),
        profiled.status
    );
    let kinds = profiled.granted.keys().chain(profiled.needed.keys());
    let kinds: std::collections::BTreeSet<&String> = kinds.collect();
    let empty = Vec::new();
    for kind in kinds {
        let granted = profiled.granted.get(kind).unwrap_or(&empty);
        let needed = profiled.needed.get(kind).unwrap_or(&empty);
        for value in needed {
            let (sign, paint) = if granted.contains(value) { (" ", Paint::Dim) } else { ("+", Paint::Good) };
            line(&mut text, theme, (sign, paint), kind, value, "");
        }
        for value in granted.iter().filter(|value| !needed.contains(value)) {
            line(&mut text, theme, ("-", Paint::Bad), kind, value, "   not used meanwhile");
        }
    }
    if profiled.granted.is_empty() && profiled.needed.is_empty() {
        text.push_str("  it needs no permission\n");
    }
    if !profiled.refused_calls.is_empty() {
        let calls: Vec<String> = profiled.refused_calls.iter().map(|call| clean(call)).collect();
        let _ = writeln!(text, "system calls that no permission allows, refused: {}", calls.join(" "));
    }
    if profiled.left_out > 0 {
        let _ = writeln!(text, "{} wants more were not kept", profiled.left_out);
    }
    text
}

fn line(text: &mut String, theme: &Theme, (sign, paint): (&str, Paint), kind: &str, value: &str, note: &str) {
    let shown = format!("{sign} {kind:<5} {}", clean(value));
    let _ = writeln!(text, "{}{}", theme.paint(paint, &shown), theme.paint(Paint::Dim, note));
}
