//! The actors under everything at once: short for every change, long by hand, and under the thread sanitizer and Miri
//! where the nightly compiler with its sources is installed.

use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use crate::ci::bounded;
use crate::shell;

/// How long the actors are driven.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Length {
    /// 5 s, as tests are built: finds what a careless change breaks, within a CI run.
    Short,
    /// 10 min, built for release.
    Long,
}

impl Length {
    const fn seconds(self) -> u32 {
        match self {
            Self::Short => 5,
            Self::Long => 600,
        }
    }
}

/// 10 min to build; with the sanitizer that includes the standard library.
const BUILD_SECONDS: u32 = 600;
/// 90 s for the system to come to rest and for a machine that also does other things.
const SLACK_SECONDS: u32 = 90;
/// 60 s under the sanitizer, which is ten times as slow.
const SANITIZED_SECONDS: u32 = 60;
/// 30 min for Miri, which is a thousand times as slow as the processor.
const MIRI_SECONDS: u32 = 1800;

/// The sanitizer needs the standard library built for it, hence a triple and a target of its own.
const TRIPLE: &str = "x86_64-unknown-linux-gnu";

/// What Miri leaves out: threads that wait for time to pass or do a thing many thousand times, and the clock.
const UNFIT_FOR_MIRI: [&str; 6] = ["inject::", "pool::", "blocking::", "platform::", "ring::", "wheel::"];

/// Drives the actors for a while and looks whether everything held.
///
/// # Errors
/// When something did not hold, see `bench/actors/src/soak`.
pub(crate) fn run(length: Length) -> Result<()> {
    let profile: &[&str] = if length == Length::Long { &["--release"] } else { &[] };
    let mut build = bounded(BUILD_SECONDS, "cargo");
    build.args(["build", "--quiet", "--locked", "--package", "actor-bench", "--bin", "actor-soak"]);
    shell::run(build.args(profile))?;
    let folder = if length == Length::Long { "release" } else { "debug" };
    let program = shell::target().join(folder).join("actor-soak");
    drive(&program.display().to_string(), length.seconds())
}

fn drive(program: &str, seconds: u32) -> Result<()> {
    let mut soak = bounded(seconds + SLACK_SECONDS, program);
    shell::run(soak.arg(seconds.to_string())).context("the actors under everything at once")
}

/// The same under the thread sanitizer, and the core's unit tests under Miri.
///
/// # Errors
/// When there is no nightly compiler with its sources, or one of the two reports something.
pub(crate) fn sanitized() -> Result<()> {
    let nightly = shell::read(Command::new("rustc").args(["+nightly", "--print", "sysroot"]));
    let sources = nightly.map(|root| std::path::Path::new(root.trim()).join("lib/rustlib/src/rust/library"));
    ensure!(
        sources.is_ok_and(|sources| sources.is_dir()),
        "this needs the nightly compiler with its sources: `rustup toolchain install nightly -c rust-src -c miri`"
    );
    let built = shell::target().join("tsan");
    let mut build = bounded(BUILD_SECONDS, "cargo");
    build.args(["+nightly", "build", "--quiet", "--release", "-Zbuild-std", "--target", TRIPLE]);
    build.args(["--package", "actor-bench", "--bin", "actor-soak", "--target-dir"]).arg(&built);
    shell::run(build.env("RUSTFLAGS", "-Zsanitizer=thread")).context("building with the thread sanitizer")?;
    let program = built.join(TRIPLE).join("release").join("actor-soak");
    drive(&program.display().to_string(), SANITIZED_SECONDS)?;
    let mut miri = bounded(MIRI_SECONDS, "cargo");
    miri.args(["+nightly", "miri", "test", "--package", "actor", "--lib", "--"]);
    for word in UNFIT_FOR_MIRI {
        miri.args(["--skip", word]);
    }
    miri.env("MIRIFLAGS", "-Zmiri-disable-isolation -Zmiri-permissive-provenance");
    shell::run(miri.env("CARGO_TARGET_DIR", shell::target().join("miri")))
        .context("the unit tests under Miri")
}
