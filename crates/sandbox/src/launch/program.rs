//! Which file a command means, and what that file needs beside itself to run when it lies outside the system's folders.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Access as Check, access};

use super::LaunchError;
use crate::confinement::{Access, Confinement, PathRule};
use crate::layer::Layer;

#[cfg(test)]
mod tests;

/// Where programs are looked for when the child's environment has no `PATH`.
const PATH_DEFAULT: &str = "/usr/local/bin:/usr/bin:/bin";

/// 8 links: what a chain of version managers may have before it is given up as a loop.
const LINKS_MAX: usize = 8;

/// Folders that hold programs of a prefix, whose libraries then lie beside them.
const PROGRAM_FOLDERS: &[&str] = &["bin", "shims", "sbin"];

/// The file that the command means.
pub(super) fn find(
    argv: &[OsString],
    env: &[(OsString, OsString)],
    cwd: &Path,
) -> Result<PathBuf, LaunchError> {
    let name = argv.first().filter(|name| !name.is_empty()).ok_or(LaunchError::EmptyCommand)?;
    let path = env.iter().rev().find(|(key, _)| key == "PATH").map(|(_, value)| value.as_os_str());
    let path = path.unwrap_or(OsStr::new(PATH_DEFAULT));
    let (candidates, searched): (Vec<PathBuf>, String) = if name.as_bytes().contains(&b'/') {
        (vec![cwd.join(name).components().collect()], format!("`{}`", cwd.display()))
    } else {
        let folders = std::env::split_paths(path);
        let found = folders.map(|folder| cwd.join(folder).join(name)).collect();
        (found, format!("PATH `{}`", path.to_string_lossy()))
    };
    if let Some(program) =
        candidates.iter().find(|file| file.is_file() && access(*file, Check::EXEC_OK).is_ok())
    {
        return Ok(program.clone());
    }
    match candidates.into_iter().find(|file| file.exists()) {
        Some(program) => Err(LaunchError::NotExecutable { program }),
        None => Err(LaunchError::ProgramNotFound { program: name.to_string_lossy().into_owned(), searched }),
    }
}

/// The confinement with the rules that the program itself needs, and those that it may run: a runtime outside the system's folders
/// brings its own libraries, which lie beside it. `find` finds a program by its name.
pub(super) fn admitted(
    mut confinement: Confinement,
    program: &Path,
    find: impl Fn(&str) -> Option<PathBuf>,
) -> Confinement {
    if !confinement.has(Layer::LandlockFiles) && !confinement.has(Layer::MountNamespace) {
        return confinement;
    }
    let inner = confinement.inner.as_deref().and_then(&find);
    let mut programs: Vec<PathBuf> = std::iter::once(program.to_owned()).chain(inner).collect();
    let is_own = |program: &PathBuf| confinement.paths.iter().any(|rule| program.starts_with(&rule.path));
    if programs.iter().any(|program| !is_own(program) && interpreters(program, &find).next().is_some()) {
        // A runtime that is a script, as version managers have them, runs whatever it likes before the real one.
        confinement = confinement.without(Layer::RunList);
    }
    if confinement.has(Layer::RunList) {
        programs.extend(confinement.programs.iter().filter_map(|name| find(name)));
        let scripts = programs.clone();
        programs.extend(scripts.iter().flat_map(|script| interpreters(script, &find)));
    }
    let mut rules = confinement.paths;
    for file in programs.iter().flat_map(|program| usual_names(program)).flat_map(|program| links(&program)) {
        rules.extend(needs(&file));
    }
    confinement.paths = PathRule::merged(rules);
    confinement
}

/// The program, and the same one where others look for it.
fn usual_names(program: &Path) -> Vec<PathBuf> {
    let same = |folder: &&str| {
        let other = Path::new(folder).join(program.file_name()?);
        (other != program && other.canonicalize().ok()? == program.canonicalize().ok()?).then_some(other)
    };
    let others = ["/bin", "/usr/bin"].iter().filter_map(same);
    std::iter::once(program.to_owned()).chain(others).collect()
}

/// 256 bytes: what the kernel reads of a script's first line.
const FIRST_LINE_BYTES_MAX: u64 = 256;

/// What a script's first line has run: its interpreter, and the program that `env` looks for. Nothing for what is no script.
fn interpreters(program: &Path, find: impl Fn(&str) -> Option<PathBuf>) -> impl Iterator<Item = PathBuf> {
    let mut line = Vec::new();
    let read = File::open(program).and_then(|file| file.take(FIRST_LINE_BYTES_MAX).read_to_end(&mut line));
    let text = read.ok().and_then(|_| line.split(|byte| *byte == b'\n').next()?.strip_prefix(b"#!"));
    let text = text.map(|text| String::from_utf8_lossy(text).into_owned()).unwrap_or_default();
    let mut words = text.split_ascii_whitespace();
    let first = words.next().map(PathBuf::from);
    let is_env = first.as_ref().is_some_and(|first| first.file_name() == Some(OsStr::new("env")));
    let second = words.find(|word| is_env && !word.starts_with('-') && !word.contains('=')).and_then(find);
    first.into_iter().chain(second)
}

/// The file, and every file it is a link to on the way: a virtual environment is found by its first name, libraries by the last.
fn links(program: &Path) -> Vec<PathBuf> {
    let mut files = vec![program.to_owned()];
    for _ in 0..LINKS_MAX {
        let last = files.last().expect("there is always the first");
        let Ok(target) = std::fs::read_link(last) else { break };
        let next = last.parent().unwrap_or(Path::new("/")).join(target);
        files.push(next);
    }
    files.extend(program.canonicalize());
    files
}

/// `prefix/bin/program` needs its prefix; any other program only itself. A prefix that holds more than
/// programs (`~/.local`, a home, the root) is opened by its program and library folders alone.
fn needs(program: &Path) -> Vec<PathRule> {
    let rule = |path: PathBuf| PathRule { path, access: Access::ReadExecute };
    let itself = vec![rule(program.to_owned())];
    let Some(folder) = program.parent() else { return itself };
    let in_prefix = folder.file_name().is_some_and(|name| PROGRAM_FOLDERS.iter().any(|known| name == *known));
    let Some(prefix) = folder.parent().filter(|_| in_prefix) else { return itself };
    let name = prefix.file_name().map(|name| name.as_bytes().to_vec()).unwrap_or_default();
    let system = prefix == Path::new("/") || prefix.starts_with("/usr");
    // `~/.deno`, `~/.nvm/versions/node/v22`, `.venv`: made for one runtime. A plain name could be a home.
    let made_for_it = (name.starts_with(b".") && name != b".local")
        || prefix.join("pyvenv.cfg").is_file()
        || prefix.join("include").is_dir();
    if system {
        itself
    } else if made_for_it {
        vec![rule(prefix.to_owned())]
    } else {
        vec![rule(folder.to_owned()), rule(prefix.join("lib"))]
    }
}
