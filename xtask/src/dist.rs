//! `cargo xtask dist`: what people install. A tar.zst with an install script, a Debian package, an RPM package, an OCI image
//! layout, a bill of materials and checksums, all out of one release build and one tree of files.
//!
//! Everything is packed twice and has to come out the same, byte for byte; then it is tried: the package is checked by
//! lintian, installed, upgraded, removed and purged, the archive is installed and removed, and the kernel runs as process 1.

mod archive;
mod deb;
mod image;
mod materials;
mod rpm;
mod stage;
mod trial;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};

use crate::shell;

/// What is packed: a program and when it was last changed.
#[derive(Debug)]
pub(crate) struct Release {
    /// The program, with its symbols.
    pub(crate) program: PathBuf,
    /// As the program says it.
    pub(crate) version: String,
    /// Seconds since the epoch of the last commit: the time of every file in every package, so that two builds of one
    /// commit are the same.
    pub(crate) epoch: u64,
}

/// `dist [--program FILE] [--out DIR]`.
///
/// # Errors
/// When a tool is missing, a package differs from its twin, or a trial fails.
pub(crate) fn run(words: &[&str]) -> Result<()> {
    let (mut program, mut out) = (None, shell::target().join("dist"));
    let mut rest = words.iter();
    while let Some(word) = rest.next() {
        let mut value = || rest.next().with_context(|| format!("`{word}` wants a value"));
        match *word {
            "--program" => program = Some(PathBuf::from(value()?)),
            "--out" => out = PathBuf::from(value()?),
            _ => bail!("`dist` knows --program FILE and --out DIR, not `{word}`"),
        }
    }
    let program = match program {
        Some(program) => program.canonicalize().with_context(|| program.display().to_string())?,
        None => build()?,
    };
    let version = shell::read(Command::new(&program).arg("--version"))?;
    let version = version.trim().trim_start_matches("ostoja ").to_owned();
    let epoch = shell::read(shell::program("git").args(["log", "-1", "--format=%ct"]))?;
    let release =
        Release { program, version, epoch: epoch.trim().parse().context("the time of the last commit")? };
    let first = pack(&release, &out)?;
    let twin = pack(&release, &out.join("twin"))?;
    ensure!(first == twin, "packed twice, and not the same: {first:?} and {twin:?}");
    std::fs::remove_dir_all(out.join("twin"))?;
    trial::all(&release, &out)?;
    for (name, sum) in &first {
        println!("{sum}  {name}");
    }
    Ok(())
}

/// The release build.
fn build() -> Result<PathBuf> {
    shell::run(shell::cargo().args(["build", "--release", "--locked", "--package", "cli"]))?;
    Ok(shell::target().join("release/ostoja"))
}

/// Packs everything into a folder; gives the checksum of each file.
fn pack(release: &Release, out: &Path) -> Result<BTreeMap<String, String>> {
    for old in [out.join("stage"), out.join("image")] {
        if old.exists() {
            std::fs::remove_dir_all(&old)?;
        }
    }
    std::fs::create_dir_all(out)?;
    let tree = stage::stage(release, &out.join("stage"))?;
    let files = [
        archive::pack(release, &tree, out)?,
        deb::pack(release, &tree, out)?,
        rpm::pack(release, &tree, out)?,
        image::pack(release, &tree, out)?,
        materials::write(release, out)?,
    ];
    let mut sums = BTreeMap::new();
    for file in &files {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        sums.insert(name, sha256(file)?);
    }
    let text: String = sums.iter().map(|(name, sum)| format!("{sum}  {name}\n")).collect();
    std::fs::write(out.join("SHA256SUMS"), text)?;
    Ok(sums)
}

/// A file's checksum in hexadecimal.
fn sha256(file: &Path) -> Result<String> {
    let said = shell::read(shell::program("sha256sum").arg(file))?;
    Ok(said.split_whitespace().next().context("sha256sum says nothing")?.to_owned())
}

/// Writes a folder as a tar with nothing in it that differs between two machines: names in order, one time, one owner.
fn tar(folder: &Path, what: &str, epoch: u64, to: &Path) -> Result<()> {
    let mut command = shell::program("tar");
    command.args(["--sort=name", "--format=ustar", "--owner=0", "--group=0", "--numeric-owner"]);
    command.arg(format!("--mtime=@{epoch}")).arg("-C").arg(folder).arg("-cf").arg(to).arg(what);
    shell::run(&mut command)
}
