//! What the tests need and a new machine lacks: installed by name with the ordinary clients, into `target/tools` where
//! that is possible. What can't be had is said loudly, and the tests that need it skip by themselves.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use super::{Extent, Outcome};
use crate::shell;

/// A program, how it is asked for its version, and the Debian package that holds it.
const PROGRAMS: [(&str, &str, &str); 6] = [
    ("python3", "--version", "python3"),
    ("node", "--version", "nodejs"),
    ("npm", "--version", "npm"),
    ("php", "--version", "php-cli"),
    ("go", "version", "golang-go"),
    // Verifies the unit that `service install` writes; no part of it has to run.
    ("systemd-analyze", "--version", "systemd"),
];

/// Runtimes that npm carries as ready programs.
const FROM_NPM: [&str; 2] = ["deno", "bun"];

/// A public MCP server and a public client, for modules of `protocol: mcp` and for `ostoja mcp serve`; the server's program
/// tells whether they are here.
const MCP_FROM_NPM: [&str; 2] =
    ["@modelcontextprotocol/server-everything@2026.8.31", "@modelcontextprotocol/client@2.4.0"];
const MCP_PROGRAM: &str = "mcp-server-everything";

/// 300 s for one install: twice what the slowest one took.
const INSTALL_SECONDS: u32 = 300;

/// Where npm puts programs for us.
pub(crate) fn npm_bin() -> PathBuf {
    shell::tools().join("npm/node_modules/.bin")
}

/// Checks and installs every runtime that the tests use.
pub(super) fn tools(_extent: Extent) -> Result<Outcome> {
    let mut lacking = Vec::new();
    for (name, flag, package) in PROGRAMS {
        if shell::version_of(name, flag).is_none()
            && let Err(error) = apt(&[package])
        {
            lacking.push(format!("{name} ({error:#})"));
        }
    }
    for name in FROM_NPM {
        if npm_version(name).is_none()
            && let Err(error) = npm(&[name])
        {
            lacking.push(format!("{name} ({error:#})"));
        }
    }
    if !npm_bin().join(MCP_PROGRAM).exists()
        && let Err(error) = npm(&MCP_FROM_NPM)
    {
        lacking.push(format!("{MCP_PROGRAM} ({error:#})"));
    }
    for (name, version) in [
        ("rustc", shell::version_of("rustc", "--version")),
        ("cargo-nextest", shell::version_of("cargo-nextest", "--version")),
        ("python3", shell::version_of("python3", "--version")),
        ("node", shell::version_of("node", "--version")),
        ("deno", npm_version("deno")),
        ("bun", npm_version("bun")),
        ("php", shell::version_of("php", "--version")),
        ("go", shell::version_of("go", "version")),
        ("systemd", shell::version_of("systemd-analyze", "--version")),
    ] {
        println!("{name:<14} {}", version.as_deref().unwrap_or("not here: what needs it skips and says so"));
    }
    Ok(if lacking.is_empty() {
        Outcome::Held
    } else {
        Outcome::Skipped(format!("could not get {}", lacking.join(", ")))
    })
}

/// A runtime from our folder or from PATH.
pub(super) fn npm_version(name: &str) -> Option<String> {
    shell::version_of(npm_bin().join(name), "--version").or_else(|| shell::version_of(name, "--version"))
}

/// Installs Debian packages; needs root, as on a CI machine.
///
/// # Errors
/// When apt is not there or says no.
pub(crate) fn apt(packages: &[&str]) -> Result<()> {
    println!("installing from Debian: {}", packages.join(" "));
    let mut update = bounded("apt-get");
    // Lists may be there already; the install below decides.
    let _ = shell::read(update.args(["update", "-qq"]));
    let mut install = bounded("apt-get");
    install.env("DEBIAN_FRONTEND", "noninteractive").args([
        "install",
        "-y",
        "-qq",
        "--no-install-recommends",
    ]);
    shell::read(install.args(packages)).map(drop).context("apt-get install")
}

/// Installs npm packages below `target/tools/npm`.
///
/// # Errors
/// When npm is not there or says no.
pub(crate) fn npm(packages: &[&str]) -> Result<()> {
    npm_into(&shell::tools().join("npm"), packages)
}

/// Installs npm packages below a folder of their own.
///
/// # Errors
/// When npm is not there or says no.
pub(super) fn npm_into(folder: &Path, packages: &[&str]) -> Result<()> {
    println!("installing from npm: {}", packages.join(" "));
    std::fs::create_dir_all(folder)?;
    let mut install = bounded("npm");
    install.args(["install", "--no-audit", "--no-fund", "--loglevel=error", "--prefix"]).arg(folder);
    shell::read(install.args(packages)).map(drop).context("npm install")
}

/// Installs exactly what the lock file beside a `package.json` names, below a folder of its own; what lies there already
/// is left as it is.
///
/// # Errors
/// When npm is not there or says no, or a file can't be copied.
pub(crate) fn npm_locked(sources: &Path, folder: &Path) -> Result<()> {
    let lock = std::fs::read(sources.join("package-lock.json")).context("reading package-lock.json")?;
    let stamp = folder.join("installed.json");
    if std::fs::read(&stamp).is_ok_and(|present| present == lock) {
        return Ok(());
    }
    println!("installing from npm: what {} names", sources.join("package-lock.json").display());
    std::fs::create_dir_all(folder)?;
    for name in ["package.json", "package-lock.json"] {
        std::fs::copy(sources.join(name), folder.join(name)).with_context(|| format!("copying {name}"))?;
    }
    let mut install = bounded("npm");
    install.args(["ci", "--no-audit", "--no-fund", "--loglevel=error", "--prefix"]).arg(folder);
    shell::read(&mut install).context("npm ci")?;
    std::fs::write(&stamp, lock).context("noting what was installed")
}

/// Installs Python packages into an environment of its own below `target/tools/python` and gives its `bin`.
///
/// # Errors
/// When Python or pip is not there or says no.
pub(crate) fn pip(packages: &[&str]) -> Result<PathBuf> {
    println!("installing from PyPI: {}", packages.join(" "));
    let folder = shell::tools().join("python");
    if !folder.join("bin/pip").is_file() {
        shell::read(bounded("python3").args(["-m", "venv"]).arg(&folder)).context("python3 -m venv")?;
    }
    let mut install = bounded(folder.join("bin/pip"));
    install.args(["install", "--quiet", "--disable-pip-version-check"]).args(packages);
    shell::read(&mut install).context("pip install")?;
    Ok(folder.join("bin"))
}

/// A program that is ended when an install hangs.
fn bounded(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = shell::program("timeout");
    command.arg(INSTALL_SECONDS.to_string()).arg(program);
    command
}
