//! The proof that kernel and actor core need neither std nor libc: `bare/proof` is built, looked at and run.

use std::path::Path;

use anyhow::{Context as _, Result, ensure};

use crate::ci::bounded;
use crate::shell;

/// 5 min to build and lint three small crates without their std.
const BUILD_SECONDS: u32 = 300;

/// 60 s for a program that needs a fraction of one.
const RUN_SECONDS: u32 = 60;

/// Program headers that name a loader or libraries to load (ELF specification: `PT_DYNAMIC`, `PT_INTERP`).
const DYNAMIC: [u32; 2] = [2, 3];

/// Builds it, makes sure that it is static, runs it.
///
/// # Errors
/// When it does not build, needs anything at run time, or does not leave with 0.
pub(crate) fn run() -> Result<()> {
    let folder = shell::root().join("bare").join("proof");
    let built = shell::target().join("proof");
    for act in
        [&["fmt", "--check"][..], &["clippy", "--quiet", "--locked"], &["build", "--quiet", "--locked"]]
    {
        let mut command = bounded(BUILD_SECONDS, "cargo");
        command.args(act).env("CARGO_TARGET_DIR", &built).current_dir(&folder);
        if act[0] == "clippy" {
            command.args(["--", "-D", "warnings"]);
        }
        shell::run(&mut command)?;
    }
    let program = built.join("debug").join("proof");
    let image = std::fs::read(&program).with_context(|| format!("reading {}", program.display()))?;
    let wants = dynamic_parts(&image).context("it is no 64-bit ELF program")?;
    ensure!(wants == 0, "bare/proof is not static: it names a loader or libraries");
    shell::run(&mut bounded(RUN_SECONDS, &path(&program)))
}

fn path(program: &Path) -> String {
    program.display().to_string()
}

/// How many program headers ask for a loader or for libraries; nothing when this is no 64-bit little-endian ELF file.
fn dynamic_parts(image: &[u8]) -> Option<usize> {
    let number = |at: usize, bytes: usize| {
        let field = image.get(at..at.checked_add(bytes)?)?;
        Some(field.iter().rev().fold(0_usize, |sum, byte| (sum << 8) | usize::from(*byte)))
    };
    if image.get(..6)? != b"\x7fELF\x02\x01" {
        return None;
    }
    let (start, size, count) = (number(32, 8)?, number(54, 2)?, number(56, 2)?);
    let mut found = 0;
    for header in 0..count {
        let kind = number(start.checked_add(header * size)?, 4)?;
        found += usize::from(DYNAMIC.iter().any(|wanted| *wanted as usize == kind));
    }
    Some(found)
}

#[cfg(test)]
mod tests;
