//! How things stand, in at most fifteen lines, and the hints below them.

use protocol::operator::COMPLETED;

use crate::output::{Overview, OverviewModule};
use crate::render::logs::clean;
use crate::render::modules::Lines;
use crate::theme::{Paint, Theme};

/// 6 modules are named: with what stands above them and the line that counts the rest, that makes fewer than 15 lines.
const MODULES_NAMED_MAX: usize = 6;

/// 3 troubles, for the same reason.
const TROUBLES_MAX: usize = 3;

/// The overview; `heading` says what stands in the place of a kernel that does not run.
pub fn overview(theme: &Theme, seen: &Overview, heading: &str) -> String {
    let mut lines = Lines::new(theme);
    match &seen.kernel {
        Some(kernel) => {
            let state = format!("{} running", theme.glyph("●", "*"));
            lines.add_painted("kernel", &format!("{}, pid {}", theme.paint(Paint::Good, &state), kernel.pid));
            lines.add("home", &seen.home);
            for trouble in kernel.troubles.iter().take(TROUBLES_MAX) {
                lines.add_painted("trouble", &theme.paint(Paint::Soon, &clean(trouble)));
            }
        }
        None => lines.add("kernel", heading),
    }
    lines.add("project", seen.project.as_deref().unwrap_or_default());
    if !seen.modules.is_empty() {
        let is_well = |module: &&OverviewModule| matches!(module.state.as_str(), "ready" | COMPLETED);
        let well = seen.modules.iter().filter(is_well).count();
        lines.add("modules", &format!("{} / {}", well, seen.modules.len()));
        let unwell: Vec<&OverviewModule> = seen.modules.iter().filter(|module| !is_well(module)).collect();
        for module in unwell.iter().take(MODULES_NAMED_MAX) {
            let note =
                if module.note.is_empty() { String::new() } else { format!(": {}", clean(&module.note)) };
            lines.add_painted(
                "module",
                &format!("{} {}{note}", clean(&module.module_id), theme.state_painted(&module.state)),
            );
        }
        if unwell.len() > MODULES_NAMED_MAX {
            lines.add("module", &format!("+ {}", unwell.len() - MODULES_NAMED_MAX));
        }
    }
    if seen.pending > 0 {
        lines.add("asks for", &seen.pending.to_string());
    }
    let mut text = lines.text;
    text.push('\n');
    for hint in &seen.hints {
        text.push_str(&format!("  {} {hint}\n", theme.glyph("→", "->")));
    }
    text
}

#[cfg(test)]
mod tests;
