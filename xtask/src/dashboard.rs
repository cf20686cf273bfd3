//! The dashboard in `web/`: its tools, its build, its tests. `web/dist` is checked in, so that `cargo build` needs no
//! Node; here it is proven that what is checked in is what the sources give.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::ci::{apt, bounded, npm_locked};
use crate::shell;
use crate::tally::Tally;

/// 2 min for the compiler, the build or the unit tests: ten times what each takes.
const COMMAND_SECONDS: u32 = 120;

/// 5 min for the pages in a real browser: four times what they take on two cores.
const BROWSER_SECONDS: u32 = 300;

/// The browser, as Debian names it.
const BROWSER: &str = "chromium";

/// What the tests came to.
pub(crate) struct Ran {
    /// How many ended how.
    pub(crate) tally: Tally,
    /// Whether every runner ended well.
    pub(crate) is_success: bool,
}

/// Builds `web/dist` from the sources.
///
/// # Errors
/// When the tools can't be had, the types do not hold, or the result is too big.
pub(crate) fn build() -> Result<()> {
    let modules = tools()?;
    shell::run(&mut types(&modules)).context("the types of the dashboard")?;
    shell::run(node().arg("web/build.mjs").arg("--modules").arg(&modules))
}

/// Checks that `web/dist` is what the sources give, and runs all tests, those in a browser too if there is one.
///
/// # Errors
/// When the tools can't be had, the types do not hold, or `web/dist` differs.
pub(crate) fn check() -> Result<Ran> {
    let modules = tools()?;
    shell::run(&mut types(&modules)).context("the types of the dashboard")?;
    shell::run(node().arg("web/build.mjs").arg("--modules").arg(&modules).arg("--check"))
        .context("web/dist is not what the sources give: run `cargo xtask dashboard --build`")?;
    let mut ran = Ran { tally: Tally::default(), is_success: true };
    ran.add(node().arg("web/test/run.mjs").arg("--modules").arg(&modules))?;
    match browser() {
        Ok(browser) => ran.add(&mut pages(&modules, &browser))?,
        Err(error) => {
            println!(
                "!! SKIPPED: the pages were not looked at in a browser, since {BROWSER} can't be had: {error:#}"
            );
            ran.tally.skipped += 1;
        }
    }
    Ok(ran)
}

/// A script of ours that drives the browser, ready to be given its words.
///
/// # Errors
/// When the tools or the browser can't be had.
pub(crate) fn browser_script(script: &str) -> Result<Command> {
    let (modules, browser) = (tools()?, browser()?);
    let mut command = bounded(BROWSER_SECONDS, "node");
    command.arg(script).env("OSTOJA_E2E_MODULES", modules).env("OSTOJA_E2E_BROWSER", browser);
    Ok(command)
}

/// What all files of the dashboard come to, gzipped, as its build counts them.
///
/// # Errors
/// When the tools can't be had, or `web/dist` is not what the sources give.
pub(crate) fn gzipped_bytes() -> Result<f64> {
    let said = shell::read(node().arg("web/build.mjs").arg("--modules").arg(tools()?).arg("--check"))?;
    let words = said.lines().find_map(|line| line.strip_prefix("dashboard: "));
    let bytes = words.and_then(|words| words.split(' ').next()?.parse().ok());
    bytes.context("the build does not say how big the dashboard is")
}

impl Ran {
    fn add(&mut self, command: &mut Command) -> Result<()> {
        let heard = shell::run_heard(command)?;
        let tally = Tally::of_output(&heard.text);
        self.is_success &= heard.is_success && tally.passed > 0;
        self.tally += tally;
        Ok(())
    }
}

/// The tools and libraries that `package-lock.json` names, in a folder of their own; and a link to them from `web`, where
/// the compiler and editors look.
fn tools() -> Result<PathBuf> {
    let folder = shell::tools().join("web");
    let sources = shell::root().join("web");
    npm_locked(&sources, &folder)?;
    let modules = folder.join("node_modules");
    let link = sources.join("node_modules");
    if link.read_link().is_ok_and(|present| present != modules) {
        std::fs::remove_file(&link).context("removing an old link to the dashboard's tools")?;
    }
    if !link.exists() {
        std::os::unix::fs::symlink(&modules, &link).context("linking the dashboard's tools")?;
    }
    Ok(modules)
}

fn types(modules: &std::path::Path) -> Command {
    let mut command = node();
    command.arg(modules.join("typescript/bin/tsc")).args(["--project", "web"]);
    command
}

fn node() -> Command {
    bounded(COMMAND_SECONDS, "node")
}

/// Debian's browser: a download of another one is no package of any registry.
fn browser() -> Result<PathBuf> {
    let found = || {
        let path = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&path).map(|folder| folder.join(BROWSER)).find(|full| full.is_file())
    };
    if found().is_none() {
        apt(&[BROWSER])?;
    }
    found().with_context(|| format!("{BROWSER} is not on PATH"))
}

/// Every page against the real program, in a real browser.
fn pages(modules: &std::path::Path, browser: &std::path::Path) -> Command {
    let mut command = bounded(BROWSER_SECONDS, "node");
    command.args(["--test", "--test-reporter=tap", "web/e2e/pages.test.mjs"]);
    command.env("OSTOJA_E2E_MODULES", modules).env("OSTOJA_E2E_BROWSER", browser);
    command.env("OSTOJA_E2E_PROGRAM", shell::target().join("debug/ostoja"));
    command
}
