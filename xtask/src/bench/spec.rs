//! SPECIFICATION.md holds the numbers between markers, so that a bench can write them and a person the words around.

use anyhow::{Context as _, Result};

use super::process;
use super::report::Report;
use crate::shell;

/// Replaces what stands between the markers of this bench.
///
/// # Errors
/// When the page or its markers are not there.
pub(crate) fn update(report: &Report) -> Result<()> {
    let path = shell::root().join("SPECIFICATION.md");
    let page = std::fs::read_to_string(&path).context("reading SPECIFICATION.md")?;
    let mut block =
        format!("\nMeasured on {}, {}.\n\n{}\n", process::today(), process::machine(), report.table());
    for verdict in report.verdicts() {
        block.push_str(&format!("- {verdict}\n"));
    }
    std::fs::write(&path, filled(&page, report.name, &block)?)?;
    println!("SPECIFICATION.md: filled in {}", report.name);
    Ok(())
}

/// The page with a new block.
fn filled(page: &str, name: &str, block: &str) -> Result<String> {
    let (open, close) = (format!("<!-- bench:{name} -->"), format!("<!-- /bench:{name} -->"));
    let start = page.find(&open).with_context(|| format!("no `{open}`"))? + open.len();
    let end = page[start..].find(&close).with_context(|| format!("no `{close}`"))? + start;
    Ok(format!("{}\n{}\n\n{}", &page[..start], block.trim_end(), &page[end..]))
}

#[cfg(test)]
mod tests;
