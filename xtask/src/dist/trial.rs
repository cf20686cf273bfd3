//! What was packed, tried: by the tools that people use, below folders of its own, without a daemon or a container.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};

use super::stage::place;
use super::{Release, deb, rpm, sha256};
use crate::ci::{apt, bounded};
use crate::shell;

/// 5 min for one tool: lintian over the program takes half a minute.
const TOOL_SECONDS: u32 = 300;

/// The project that runs as process 1: a module that leaves orphans behind again and again.
const ORPHANS: &str =
    "modules:\n  orphans:\n    run: sh -c 'while :; do (sleep 0.01 &); sleep 0.02; echo another; done'\n";

/// 30 s until the module is ready: a hundred times what it takes.
const READY_MAX: Duration = Duration::from_secs(30);

/// 100 orphans, of which none may be left over for long.
const ORPHANS_COUNT: usize = 100;

/// 5: an orphan that has just ended is a zombie until the kernel looks.
const ZOMBIES_MAX: usize = 5;

/// All trials.
///
/// # Errors
/// The first that fails.
pub(super) fn all(release: &Release, out: &Path) -> Result<()> {
    let folder = out.join("trial");
    if folder.exists() {
        std::fs::remove_dir_all(&folder)?;
    }
    std::fs::create_dir_all(&folder)?;
    archive(release, out, &folder.join("archive"))?;
    debian(release, out, &folder.join("debian"))?;
    red_hat(release, out, &folder.join("rpm"))?;
    image(out)?;
    process_one(&out.join("stage/root/usr/bin/ostoja"), &folder.join("one"))?;
    std::fs::remove_dir_all(&folder)?;
    Ok(())
}

/// The archive is unpacked, installed below a prefix, says its version, and is removed again.
fn archive(release: &Release, out: &Path, folder: &Path) -> Result<()> {
    let name = format!("ostoja-{}-x86_64", release.version);
    std::fs::create_dir_all(folder)?;
    let mut unpack = bounded(TOOL_SECONDS, "tar");
    unpack.args(["--zstd", "-C"]).arg(folder).arg("-xf").arg(out.join(format!("{name}.tar.zst")));
    shell::run(&mut unpack)?;
    let (script, prefix) = (folder.join(name).join("install.sh"), folder.join("prefix"));
    let install = |more: &[&str]| shell::read(Command::new(&script).arg("--prefix").arg(&prefix).args(more));
    install(&[])?;
    says_version(&prefix.join("bin/ostoja"), release)?;
    ensure!(prefix.join("share/man/man1/ostoja.1.gz").is_file(), "the archive installs no manual");
    install(&["--uninstall"])?;
    let left = shell::read(Command::new("find").arg(&prefix).args(["-type", "f"]))?;
    ensure!(left.is_empty(), "the archive leaves behind: {left}");
    println!("the archive installs and goes");
    Ok(())
}

fn says_version(program: &Path, release: &Release) -> Result<()> {
    let said = shell::read(Command::new(program).arg("--version"))?;
    ensure!(said.trim().ends_with(&release.version), "{} says `{said}`", program.display());
    Ok(())
}

/// Lintian, then a root of its own: installed, upgraded, removed, purged.
fn debian(release: &Release, out: &Path, root: &Path) -> Result<()> {
    if shell::version_of("lintian", "--version").is_none() {
        apt(&["lintian"])?;
    }
    let package = out.join(format!("ostoja_{}_amd64.deb", deb::version(release)));
    let mut lintian = bounded(TOOL_SECONDS, "lintian");
    lintian.args(["--fail-on", "error,warning", "--allow-root"]).arg(&package);
    shell::run(&mut lintian).context("lintian")?;
    for file in ["status", "available"] {
        place(&root.join("var/lib/dpkg").join(file), b"", 0o644)?;
    }
    for folder in ["var/lib/dpkg/info", "var/lib/dpkg/updates", "var/lib/dpkg/triggers", "var/log"] {
        std::fs::create_dir_all(root.join(folder))?;
    }
    // Scripts run outside of the root, which holds no shell; they know it by DPKG_ROOT. What it depends on is not there.
    let dpkg = |words: &[&str]| {
        let mut dpkg = bounded(TOOL_SECONDS, "dpkg");
        dpkg.arg("--root").arg(root).args([
            "--force-script-chrootless",
            "--force-depends",
            "--force-not-root",
        ]);
        shell::read(dpkg.args(words))
    };
    let file = package.display().to_string();
    let kept = root.join("var/lib/ostoja/config.yaml");
    dpkg(&["--install", &file])?;
    says_version(&root.join("usr/bin/ostoja"), release)?;
    place(&kept, b"{}", 0o600)?;
    let newer = newer(release, out, &package)?;
    dpkg(&["--install", &newer.display().to_string()])?;
    ensure!(dpkg(&["--status", "ostoja"])?.contains("+upgrade"), "the upgrade is not there");
    dpkg(&["--remove", "ostoja"])?;
    ensure!(!root.join("usr/bin/ostoja").exists(), "removed, and still there");
    ensure!(kept.is_file(), "a removal takes the home away");
    dpkg(&["--purge", "ostoja"])?;
    ensure!(!root.join("var/lib/ostoja").exists(), "purged, and the home is still there");
    let left =
        shell::read(Command::new("find").arg(root.join("usr")).args(["-type", "f"])).unwrap_or_default();
    ensure!(left.is_empty(), "the package leaves behind: {left}");
    std::fs::remove_file(newer)?;
    println!("the package is installed, upgraded, removed and purged");
    Ok(())
}

/// The same package under a later version.
fn newer(release: &Release, out: &Path, package: &Path) -> Result<PathBuf> {
    let folder = out.join("trial/newer");
    shell::run(Command::new("dpkg-deb").arg("--raw-extract").arg(package).arg(&folder))?;
    let control = folder.join("DEBIAN/control");
    let old = format!("Version: {}", deb::version(release));
    let text = std::fs::read_to_string(&control)?.replace(&old, &format!("{old}+upgrade"));
    std::fs::write(&control, text)?;
    let to = out.join("trial/newer.deb");
    // Packed without squeezing: it is looked at once.
    shell::read(
        Command::new("dpkg-deb").args(["--build", "--root-owner-group", "-Znone"]).arg(&folder).arg(&to),
    )?;
    Ok(to)
}

/// The RPM in a root of its own: installed, upgraded, removed, each with its scripts.
fn red_hat(release: &Release, out: &Path, folder: &Path) -> Result<()> {
    let root = folder.join("root");
    std::fs::create_dir_all(&root)?;
    // What it depends on is not there, and the database of a foreign root is none of this machine's.
    let tool = |words: &[&str]| {
        let mut command = bounded(TOOL_SECONDS, "rpm");
        command.arg("--root").arg(&root).args(["--dbpath", "/var/lib/rpm"]);
        shell::read(command.args(words))
    };
    let package = out.join(rpm::file_name(&release.version)).display().to_string();
    tool(&["--install", "--nodeps", &package])?;
    says_version(&root.join("usr/bin/ostoja"), release)?;
    let kept = root.join("var/lib/ostoja/config.yaml");
    place(&kept, b"{}", 0o600)?;
    // The same tree under a later version.
    let newer = format!("{}^upgrade", release.version);
    let build = folder.join("newer");
    tool(&["--query", "--package", "--requires", &package]).and_then(|told| {
        ensure!(told.contains("libc.so.6"), "the package does not say that it needs the C library: {told}");
        Ok(())
    })?;
    rpm::build(release, &rpm::tree(out), &build, &newer)?;
    let newer_file = build.join("RPMS").join(rpm::file_name(&newer)).display().to_string();
    tool(&["--upgrade", "--nodeps", &newer_file])?;
    let told = tool(&["--query", "ostoja"])?;
    ensure!(told.contains("upgrade") && told.lines().count() == 1, "the upgrade is not there: {told}");
    tool(&["--verify", "--nodeps", "--nouser", "--nogroup", "ostoja"])?;
    tool(&["--erase", "ostoja"])?;
    ensure!(kept.is_file(), "a removal takes the home away");
    let left =
        shell::read(Command::new("find").arg(root.join("usr")).args(["-type", "f"])).unwrap_or_default();
    ensure!(left.is_empty(), "the RPM leaves behind: {left}");
    println!("the RPM is installed, upgraded and removed");
    Ok(())
}

/// Every blob of the layout is what its name says, and the index leads to the program.
fn image(out: &Path) -> Result<()> {
    let blobs = out.join("image/blobs/sha256");
    for blob in super::stage::sorted(&blobs)? {
        let name = blob.file_name().unwrap_or_default().to_string_lossy().into_owned();
        ensure!(sha256(&blob)? == name, "the blob {name} is not what its name says");
    }
    let read =
        |path: PathBuf| -> Result<serde_json::Value> { Ok(serde_json::from_slice(&std::fs::read(path)?)?) };
    let digest = |value: &serde_json::Value| {
        value["digest"].as_str().unwrap_or_default().trim_start_matches("sha256:").to_owned()
    };
    let index = read(out.join("image/index.json"))?;
    let manifest = read(blobs.join(digest(&index["manifests"][0])))?;
    let layer = blobs.join(digest(&manifest["layers"][0]));
    let listed = shell::read(Command::new("tar").arg("-tzf").arg(layer))?;
    ensure!(listed.lines().any(|line| line == "./usr/bin/ostoja"), "the layer lacks the program: {listed}");
    println!("the image's index leads to the program");
    Ok(())
}

/// The kernel as process 1 of a namespace of its own, as in a container: it reaps what others left to it.
fn process_one(program: &Path, folder: &Path) -> Result<()> {
    place(&folder.join("ostoja.yaml"), ORPHANS.as_bytes(), 0o644)?;
    let home = folder.join("home");
    let ostoja = |words: &[&str]| {
        let mut command = bounded(TOOL_SECONDS, &program.display().to_string());
        command.arg("--home").arg(&home).args(words);
        command
    };
    let mut unshare = Command::new("unshare");
    unshare.args(["--fork", "--pid", "--mount-proc", "--kill-child"]).arg(program).arg("--home").arg(&home);
    unshare
        .args(["up", "--quiet", "--file"])
        .arg(folder.join("ostoja.yaml"))
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    let mut one = unshare.spawn().context("unshare")?;
    let begun = Instant::now();
    while !shell::read(&mut ostoja(&["ps"])).is_ok_and(|told| told.contains("ready")) {
        ensure!(
            begun.elapsed() < READY_MAX && one.try_wait()?.is_none(),
            "as process 1 it does not become ready"
        );
    }
    // Each line is one orphan more.
    let mut follow = ostoja(&["logs", "--follow", "orphans"]).stdout(Stdio::piped()).spawn()?;
    let lines = follow.stdout.take().context("its stdout")?;
    let heard = BufReader::new(lines).lines().map_while(Result::ok).take(ORPHANS_COUNT).count();
    let kernel = shell::read(Command::new("ps").args(["-o", "pid=", "--ppid", &one.id().to_string()]))?;
    let zombies = shell::read(Command::new("ps").args(["-o", "stat=", "--ppid", kernel.trim()]))?;
    let zombies = zombies.lines().filter(|state| state.starts_with('Z')).count();
    follow.kill()?;
    follow.wait()?;
    // By a signal, as a container is stopped: `down` would wait for process 1 of this namespace, not of that one.
    shell::read(Command::new("kill").args(["-TERM", kernel.trim()]))?;
    ensure!(one.wait()?.success(), "as process 1 it does not end well");
    ensure!(heard == ORPHANS_COUNT && zombies < ZOMBIES_MAX, "{zombies} zombies after {heard} orphans");
    println!("as process 1 it has {zombies} zombies after {heard} orphans, and ends well");
    Ok(())
}
