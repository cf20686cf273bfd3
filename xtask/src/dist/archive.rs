//! The archive for any Linux of this architecture: the tree below a prefix, and a script that puts it there.

use std::path::{Path, PathBuf};

use anyhow::Result;

use super::stage::{modes, place};
use super::{Release, tar};
use crate::shell;

/// The script, as it lies in the archive.
const INSTALL: &str = include_str!("install.sh");

/// Packs it and gives the file.
pub(super) fn pack(release: &Release, tree: &Path, out: &Path) -> Result<PathBuf> {
    let name = format!("ostoja-{}-x86_64", release.version);
    let folder = out.join("stage/archive");
    let inner = folder.join(&name);
    std::fs::create_dir_all(&inner)?;
    // The tree without `usr`: its place is taken by the prefix. A unit names its program's place, so it is made by
    // `ostoja service install` after that, and not carried.
    shell::run(
        shell::program("cp").args(["-r", "--preserve=mode"]).arg(tree.join("usr")).arg(inner.join("tree")),
    )?;
    std::fs::remove_dir_all(inner.join("tree/lib"))?;
    place(&inner.join("install.sh"), INSTALL.as_bytes(), 0o755)?;
    for file in ["README.md", "CHANGELOG.md", "LICENSE", "LICENSE-APACHE", "LICENSE-MIT"] {
        place(&inner.join(file), &std::fs::read(shell::root().join(file))?, 0o644)?;
    }
    modes(&inner)?;
    let plain = folder.join("plain.tar");
    tar(&folder, &name, release.epoch, &plain)?;
    let packed = out.join(format!("{name}.tar.zst"));
    // One thread, so that the cuts between blocks are the same on every machine.
    let mut zstd = shell::program("zstd");
    zstd.args(["-19", "--single-thread", "--quiet", "--force"]).arg(&plain).arg("-o").arg(&packed);
    shell::run(&mut zstd)?;
    std::fs::remove_dir_all(&folder)?;
    Ok(packed)
}
