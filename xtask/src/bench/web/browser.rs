//! A real browser before the dashboard, driven by `xtask/bench/web.mjs`, which says in lines of JSON what it sees.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use super::super::process;
use crate::dashboard;
use crate::served::Served;

/// What a page took while it was watched, in percent of a core.
#[derive(Debug, Default)]
pub(super) struct Watched {
    /// The processes that run pages.
    pub(super) page_percent: f64,
    /// All of the browser.
    pub(super) browser_percent: f64,
    pub(super) kernel_percent: f64,
    pub(super) web_percent: f64,
}

/// Opens the first screen so often, each time as if for the first time.
pub(super) fn paint(served: &Served, rounds: usize, mut take: impl FnMut(f64)) -> Result<()> {
    look(served, &["paint".to_owned(), rounds.to_string()], |seen| {
        take(seen["usefulMs"].as_f64().context("the browser told no time")?);
        Ok(())
    })
}

/// Watches a page for so many seconds, and both processes over the same time.
pub(super) fn watch(served: &Served, page: &str, seconds: u32, kernel: u32, web: u32) -> Result<Watched> {
    let mut watched = Watched::default();
    let mut begun = None;
    let now = || (Instant::now(), process::cpu_ms(&[kernel]), process::cpu_ms(&[web]));
    look(served, &["watch".to_owned(), seconds.to_string(), page.to_owned()], |seen| {
        match seen["at"].as_str() {
            Some("begin") => begun = Some(now()),
            Some(_) => {
                let ((since, kernel_ms, web_ms), after) = (begun.context("it ends before it begins")?, now());
                let passed_ms = (after.0 - since).as_secs_f64() * 1e3;
                watched.kernel_percent = (after.1 - kernel_ms) / passed_ms * 100.0;
                watched.web_percent = (after.2 - web_ms) / passed_ms * 100.0;
            }
            None => {
                let number =
                    |name: &str| seen[name].as_f64().with_context(|| format!("no `{name}` was told"));
                watched.page_percent = number("pagePercent")?;
                watched.browser_percent = number("browserPercent")?;
            }
        }
        Ok(())
    })?;
    Ok(watched)
}

/// Runs the browser to its end and hands on each line that it says.
fn look(served: &Served, words: &[String], mut take: impl FnMut(&Value) -> Result<()>) -> Result<()> {
    let link = served.home.json(&["dashboard"])?;
    let url = link["data"]["url"].as_str().context("`dashboard` gave no link")?;
    let mut command = dashboard::browser_script("xtask/bench/web.mjs")?;
    command.arg(url).args(words).stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = command.spawn().context("starting node")?;
    let stdout = child.stdout.take().context("stdout is piped")?;
    for line in BufReader::new(stdout).lines() {
        let seen: Value = serde_json::from_str(&line?).context("the browser's script said no JSON")?;
        take(&seen)?;
    }
    ensure!(child.wait()?.success(), "the browser's script failed");
    Ok(())
}
