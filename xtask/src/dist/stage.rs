//! The tree of files that every package carries, as it lies below the root of a machine.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use super::Release;
use crate::shell;

/// What systemd makes at boot: the home of the machine's own kernel, for root alone.
const TMPFILES: &str = "d /var/lib/ostoja 0700 root root -\n";

/// Completions: the shell, and where it looks.
const COMPLETIONS: [(&str, &str); 3] = [
    ("bash", "usr/share/bash-completion/completions/ostoja"),
    ("zsh", "usr/share/zsh/vendor-completions/_ostoja"),
    ("fish", "usr/share/fish/vendor_completions.d/ostoja.fish"),
];

/// Makes the tree and gives its root.
pub(super) fn stage(release: &Release, folder: &Path) -> Result<PathBuf> {
    let root = folder.join("root");
    let program = root.join("usr/bin/ostoja");
    place(&program, &std::fs::read(&release.program)?, 0o755)?;
    shell::run(shell::program("strip").args(["--strip-all", "--remove-section=.comment"]).arg(&program))?;
    let say = |words: &[&str]| shell::read(Command::new(&program).args(words).env("LANG", "C.UTF-8"));
    for (shell, path) in COMPLETIONS {
        place(&root.join(path), say(&["completion", shell])?.as_bytes(), 0o644)?;
    }
    let unit =
        say(&["service", "install", "--dry-run"])?.replace(&program.display().to_string(), "/usr/bin/ostoja");
    place(&root.join("usr/lib/systemd/system/ostoja.service"), unit.as_bytes(), 0o644)?;
    place(&root.join("usr/lib/tmpfiles.d/ostoja.conf"), TMPFILES.as_bytes(), 0o644)?;
    let manuals = root.join("usr/share/man/man1");
    std::fs::create_dir_all(&manuals)?;
    say(&["help", "man", &manuals.display().to_string()])?;
    for page in sorted(&manuals)? {
        shell::run(shell::program("gzip").args(["-9", "-n"]).arg(&page))?;
    }
    modes(&root)?;
    Ok(root)
}

/// Writes one file.
pub(super) fn place(path: &Path, bytes: &[u8], mode: u32) -> Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(path, bytes).with_context(|| path.display().to_string())?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))?;
    Ok(())
}

/// The entries of a folder, in order.
pub(super) fn sorted(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<std::io::Result<_>>()?;
    paths.sort();
    Ok(paths)
}

/// Gives every folder and file the mode that it has on a machine, whatever the mask of who builds was.
pub(super) fn modes(folder: &Path) -> Result<()> {
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755))?;
    for path in sorted(folder)? {
        let meta = path.symlink_metadata()?;
        if meta.is_dir() {
            modes(&path)?;
        } else if !meta.is_symlink() {
            let mode = if meta.permissions().mode() & 0o100 != 0 { 0o755 } else { 0o644 };
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode))?;
        }
    }
    Ok(())
}
