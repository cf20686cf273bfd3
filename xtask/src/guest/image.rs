//! The guest's file system: our programs, stripped, with the libraries that they need; a few of this machine's programs; Debian's
//! Python and busybox; the checks and the plan of what is run.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use super::archive::{Archive, Entry};
use super::checks::{Check, Form, Runs};
use super::parts::Parts;
use crate::ci::bounded;
use crate::shell;

/// 60 s for `ldd`, `strip` or a compiler over one file.
const TOOL_SECONDS: u32 = 60;

/// 900 s to build our programs and tests.
const BUILD_SECONDS: u32 = 900;

/// This machine's programs that checks and tests use.
const PROGRAMS: [&str; 33] = [
    "sh", "cat", "chmod", "cp", "dd", "echo", "env", "false", "flock", "grep", "head", "id", "kill", "ln",
    "ls", "mkdir", "mount", "mv", "ps", "rm", "sed", "setsid", "sleep", "stat", "tail", "timeout", "touch",
    "tr", "true", "umount", "wc", "who", "xargs",
];

/// Files that programs look for, and what is in them.
const SETTINGS: [(&str, &str); 4] = [
    (
        "/etc/passwd",
        "root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000:user:/home/user:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/bin/false\n",
    ),
    ("/etc/group", "root:x:0:\nuser:x:1000:\nnogroup:x:65534:\n"),
    ("/etc/shadow", "root:*:19000:0:99999:7:::\n"),
    ("/etc/hosts", "127.0.0.1 localhost\n::1 localhost\n"),
];

/// A compiler for those who ask for one: it hands out what was compiled here. The last word is the source, the one behind `-o` the target.
const COMPILER: &str = "#!/bin/sh\nwhile [ \"$1\" != -o ]; do shift; done\nname=${3##*/}\nexec cp \"/guest/compiled/${name%.c}\" \"$2\"\n";

/// A file system in the making.
struct Image<'a> {
    archive: Archive,
    parts: &'a Parts,
    scratch: PathBuf,
}

/// Makes the guest's file system for these checks and gives its file.
///
/// # Errors
/// When something does not build or is not there.
pub(super) fn make(folder: &Path, parts: &Parts, checks: &[Check], form: Form) -> Result<PathBuf> {
    let scratch = folder.join("scratch");
    std::fs::create_dir_all(&scratch)?;
    let mut image = Image { archive: Archive::default(), parts, scratch };
    image.system()?;
    image.python()?;
    image.checks(checks, form)?;
    let file = folder.join("initramfs");
    let mut writer = std::io::BufWriter::new(std::fs::File::create(&file)?);
    image.archive.write(&mut writer)?;
    std::io::Write::flush(&mut writer)?;
    Ok(file)
}

impl Image<'_> {
    /// The frame: links at the top as here, settings, busybox, this machine's programs.
    fn system(&mut self) -> Result<()> {
        for name in ["bin", "sbin", "lib", "lib64"] {
            if let Ok(target) = std::fs::read_link(Path::new("/").join(name)) {
                let target = target.to_string_lossy().into_owned();
                self.archive.put(&format!("/{target}"), Entry::Folder);
                self.archive.put(&format!("/{name}"), Entry::Link(target));
            }
        }
        for folder in ["proc", "sys", "dev", "tmp", "run", "root", "home/user", "var/tmp", "mnt"] {
            self.archive.put(&format!("/{folder}"), Entry::Folder);
        }
        for (path, text) in SETTINGS {
            self.text(path, text, 0o644);
        }
        let busybox = ["bin/busybox", "usr/bin/busybox"].map(|at| self.parts.root.join(at));
        let busybox = busybox.iter().find(|path| path.is_file()).context("busybox was not unpacked")?;
        self.file("/guest/busybox", busybox)?;
        for name in PROGRAMS {
            let folders = ["/usr/bin", "/bin", "/usr/sbin"].map(|folder| Path::new(folder).join(name));
            let program = folders.iter().find(|path| path.is_file());
            let program = program.with_context(|| format!("there is no program `{name}` here"))?;
            self.program(&format!("/usr/bin/{name}"), program)?;
        }
        Ok(())
    }

    /// Python with its library, without what needs libraries that are not here.
    fn python(&mut self) -> Result<()> {
        let root = self.parts.root.clone();
        self.program("/usr/bin/python3.11", &root.join("usr/bin/python3.11"))?;
        self.archive.put("/usr/bin/python3", Entry::Link("python3.11".to_owned()));
        let library = root.join("usr/lib/python3.11");
        for path in files_below(&library)? {
            let below = path.strip_prefix(&root).context("it is below")?.display().to_string();
            let is_extension = path.extension().is_some_and(|kind| kind == "so");
            if is_extension && self.libraries(&path).is_err() {
                continue;
            }
            self.file(&format!("/{below}"), &path)?;
        }
        Ok(())
    }

    fn checks(&mut self, checks: &[Check], form: Form) -> Result<()> {
        let here = shell::root().join("conformance/guest");
        self.file("/guest/begin.sh", &here.join("begin.sh"))?;
        self.archive.put("/init", Entry::Link("/guest/begin.sh".to_owned()));
        for path in files_below(&here.join("checks"))? {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            self.file(&format!("/guest/checks/{name}"), &path)?;
        }
        let ostoja = built(&["--package", "cli", "--bin", "ostoja"], "ostoja")?;
        self.stripped("/usr/bin/ostoja", &ostoja)?;
        let mut plan = String::new();
        for check in checks {
            let command = self.command(check)?;
            plan.push_str(&format!(
                "{} {} GUEST_FORM={} {command}\n",
                check.name,
                check.seconds,
                form.as_str()
            ));
        }
        self.text("/guest/plan", &plan, 0o644);
        Ok(())
    }

    /// What the guest's shell runs for a check; what it needs is put where it looks for it.
    fn command(&mut self, check: &Check) -> Result<String> {
        Ok(match check.runs {
            Runs::Script => format!("python3 /guest/checks/{}.py", check.name),
            Runs::Attempts => {
                let attempts = built(&["--package", "escape", "--bin", "escape"], "escape")?;
                self.stripped("/guest/escape", &attempts)?;
                self.attempts()?;
                "/guest/escape".to_owned()
            }
            Runs::Tests { package, of, but } => {
                let at = format!("/guest/tests-{package}");
                for (name, program) in test_programs(package)? {
                    // Tests know the programs of their own crate by their full paths.
                    let place = if name == "it" { at.clone() } else { program.display().to_string() };
                    self.stripped(&place, &program)?;
                }
                let but: String = but.iter().map(|name| format!(" --skip {name}")).collect();
                format!("{at} --test-threads=1 {}{but}", of.join(" "))
            }
        })
    }

    /// The attempts where their runner looks for them, and those in C compiled.
    fn attempts(&mut self) -> Result<()> {
        let folder = shell::root().join("conformance/escape");
        for path in files_below(&folder.join("attempts"))?.into_iter().chain([folder.join("victim.py")]) {
            self.file(&path.display().to_string(), &path)?;
            if path.extension().is_some_and(|kind| kind == "c") {
                let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
                let program = self.scratch.join(&name);
                shell::run(bounded(TOOL_SECONDS, "cc").args(["-O1", "-o"]).arg(&program).arg(&path))?;
                self.program(&format!("/guest/compiled/{name}"), &program)?;
            }
        }
        self.text("/usr/bin/cc", COMPILER, 0o755);
        Ok(())
    }

    fn text(&mut self, path: &str, text: &str, mode: u32) {
        self.archive.put(path, Entry::File { bytes: text.as_bytes().to_vec(), mode });
    }

    fn file(&mut self, place: &str, from: &Path) -> Result<()> {
        let bytes = std::fs::read(from).with_context(|| format!("reading {}", from.display()))?;
        let mode = std::fs::metadata(from)?.permissions().mode() & 0o777;
        self.archive.put(place, Entry::File { bytes, mode });
        Ok(())
    }

    /// A program with its libraries.
    fn program(&mut self, place: &str, from: &Path) -> Result<()> {
        self.libraries(from)?;
        self.file(place, from)
    }

    /// One of ours, without what only a debugger reads: that is most of it.
    fn stripped(&mut self, place: &str, from: &Path) -> Result<()> {
        self.libraries(from)?;
        let small = self.scratch.join("stripped");
        shell::run(bounded(TOOL_SECONDS, "strip").arg("--strip-debug").arg("-o").arg(&small).arg(from))?;
        self.file(place, &small)
    }

    /// Puts the libraries that a program or library asks for where it will look for them.
    fn libraries(&mut self, of: &Path) -> Result<()> {
        let Ok(text) = shell::read(bounded(TOOL_SECONDS, "ldd").arg(of)) else {
            // Linked with everything it needs.
            return Ok(());
        };
        if let Some(line) = text.lines().find(|line| line.contains("not found")) {
            bail!("{} needs {}", of.display(), line.trim());
        }
        for path in text.split_ascii_whitespace().filter(|word| word.starts_with('/')) {
            let path = Path::new(path.trim_end_matches(':'));
            let folder = path.parent().context("a library lies in a folder")?.canonicalize()?;
            let place = folder.join(path.file_name().unwrap_or_default()).display().to_string();
            if !self.archive.has(&place) {
                self.file(&place, path)?;
            }
        }
        Ok(())
    }
}

/// All files below a folder, sorted.
fn files_below(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).with_context(|| format!("reading {}", folder.display()))? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.is_file() {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// A program of this workspace.
fn built(words: &[&str], name: &str) -> Result<PathBuf> {
    shell::run(bounded(BUILD_SECONDS, "cargo").args(["build", "--quiet", "--locked"]).args(words))?;
    Ok(shell::target().join("debug").join(name))
}

/// The programs that a crate's integration tests are, and those of its own that they run, by name.
fn test_programs(package: &str) -> Result<Vec<(String, PathBuf)>> {
    let mut build = bounded(BUILD_SECONDS, "cargo");
    build.args([
        "test",
        "--quiet",
        "--locked",
        "--no-run",
        "--message-format=json",
        "--test",
        "it",
        "--package",
        package,
    ]);
    let text = shell::read(&mut build)?;
    let found = text.lines().filter_map(|line| {
        let message: serde_json::Value = serde_json::from_str(line).ok()?;
        let name = message["target"]["name"].as_str()?.to_owned();
        Some((name, PathBuf::from(message["executable"].as_str()?)))
    });
    let found: Vec<(String, PathBuf)> = found.collect();
    if !found.iter().any(|(name, _)| name == "it") {
        bail!("{package} has no program of tests");
    }
    Ok(found)
}
