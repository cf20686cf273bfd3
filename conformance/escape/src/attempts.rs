//! The list of attempts, read from their folder: a program in Python or C each, whose first line says what it tries.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What the attempts share; no attempts themselves.
const HELPERS: [&str; 3] = ["attempt", "away", "passing"];

/// One idea.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Attempt {
    /// Its file's name without the ending.
    pub name: String,
    /// What it tries, in one sentence.
    pub idea: String,
    /// The program's file.
    pub(crate) file: String,
}

impl Attempt {
    /// Whether what it does is seen only after its end.
    pub(crate) fn outlives(&self) -> bool {
        self.name.starts_with("survive") || self.name == "cut_the_tie"
    }

    /// Whether it begins with a port that it may reach.
    pub(crate) fn has_net(&self) -> bool {
        self.name.starts_with("net_")
    }

    /// Whether its file is a program itself.
    pub(crate) fn is_native(&self) -> bool {
        !self.file.contains('.')
    }
}

/// Where the attempts are.
fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("attempts")
}

/// All attempts, sorted by name.
///
/// # Errors
/// When the folder can't be read.
pub fn all() -> io::Result<Vec<Attempt>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder())? {
        let path = entry?.path();
        let part = |part: Option<&std::ffi::OsStr>| part.map(|text| text.to_string_lossy().into_owned());
        let (Some(name), Some(kind)) = (part(path.file_stem()), part(path.extension())) else { continue };
        if HELPERS.contains(&name.as_str()) || !["py", "c"].contains(&kind.as_str()) {
            continue;
        }
        let text = fs::read_to_string(&path)?;
        let first = text.lines().next().unwrap_or_default();
        let idea = first.trim_matches(['"', '/', '*', ' ']).to_owned();
        let file = if kind == "c" { name.clone() } else { format!("{name}.py") };
        found.push(Attempt { name, idea, file });
    }
    found.sort();
    Ok(found)
}

/// Copies all of them into a module's folder, those in C as programs.
///
/// # Errors
/// When a file can't be copied, or there is no C compiler.
pub fn compiled(into: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder())? {
        let path = entry?.path();
        let Some(name) = path.file_name() else { continue };
        if path.extension().is_some_and(|kind| kind == "c") {
            let target = into.join(path.file_stem().unwrap_or(name));
            let built = Command::new("cc").args(["-O1", "-o"]).arg(&target).arg(&path).status()?;
            if !built.success() {
                return Err(io::Error::other(format!("{} does not compile", path.display())));
            }
        } else if path.extension().is_some_and(|kind| kind == "py") {
            fs::copy(&path, into.join(name))?;
        }
    }
    Ok(())
}
