//! The kernel itself.

use protocol::operator::KernelStatus;

use crate::amount;
use crate::render::logs::clean;
use crate::render::modules::Lines;
use crate::theme::{Paint, Theme};

/// The kernel as name and value on a line each, then what is not as it should be.
pub fn kernel(theme: &Theme, status: &KernelStatus) -> String {
    let mut lines = Lines::new(theme);
    let is_well = status.troubles.is_empty() && status.safe_mode.is_none();
    let word = if is_well { "running" } else { "degraded" };
    let paint = if is_well { Paint::Good } else { Paint::Soon };
    let state = format!("{} {word}", theme.glyph("●", "*"));
    lines.add(
        "kernel",
        &format!("{}, version {}, pid {}", theme.paint(paint, &state), status.version, status.pid),
    );
    if let Some(safe) = &status.safe_mode {
        let why = format!("{}; {}", clean(&safe.why), safe.until);
        lines.add_painted("safe mode", &theme.paint(Paint::Bad, &why));
    }
    lines.add("home", &status.home);
    lines.add("project", status.project.as_deref().unwrap_or_default());
    lines.add("up", &amount::span(status.uptime_ms));
    lines.add_painted("modules", &states(theme, status));
    lines.add("watchdog", &status.watchdog);
    lines.add("bounds", &status.bounds);
    lines.add("journal", &status.journal);
    lines.add("memory", &amount::bytes(status.rss_bytes));
    lines.add("cpu", &amount::cpu_time(status.cpu_ms));
    lines.add("frames", &amount::count(status.frames));
    for trouble in &status.troubles {
        lines.add_painted("trouble", &theme.paint(Paint::Soon, &clean(trouble)));
    }
    lines.text
}

fn states(theme: &Theme, status: &KernelStatus) -> String {
    let present = status.states.iter().filter(|(_, count)| **count > 0);
    let parts: Vec<String> =
        present.map(|(state, count)| format!("{count} {}", theme.state_painted(state))).collect();
    if parts.is_empty() { "none".to_owned() } else { parts.join(", ") }
}

#[cfg(test)]
mod tests;
