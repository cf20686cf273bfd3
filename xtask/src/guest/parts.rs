//! What the guest is made of and this repository does not hold: Debian's kernel, busybox and Python, and qemu where it is not
//! installed. Downloaded by apt and unpacked below `target`, nothing is installed and no right of root is needed.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};

use crate::ci::bounded;
use crate::shell;

/// 300 s for a download: 50 MB in all.
const DOWNLOAD_SECONDS: u32 = 300;

/// 120 s to unpack one package or to compile Python's library.
const UNPACK_SECONDS: u32 = 120;

/// Its name holds the version of the kernel it stands for.
const KERNEL_OF_THE_RELEASE: &str = "linux-image-cloud-amd64";

/// The kernel that the checks are about, with what older machines lack: Landlock ABI 2, full cgroup v2.
const KERNEL: &str = "linux-image-6.1.";

/// What runs the checks inside.
const INSIDE: [&str; 4] =
    ["busybox-static", "python3.11-minimal", "libpython3.11-minimal", "libpython3.11-stdlib"];

/// The emulator, as a package and as a program.
const QEMU: (&str, &str) = ("qemu-system-x86", "qemu-system-x86_64");

/// Where everything is.
#[derive(Debug)]
pub(super) struct Parts {
    /// The root that packages were unpacked to.
    pub(super) root: PathBuf,
    /// The kernel's file.
    pub(super) kernel: PathBuf,
    is_qemu_installed: bool,
}

impl Parts {
    /// Finds them, and gets what is not there.
    ///
    /// # Errors
    /// When a package can't be had, with what to do.
    pub(super) fn get(folder: &Path) -> Result<Self> {
        let is_qemu_installed = shell::on_path(QEMU.1);
        let root = folder.join("root");
        if kernel_in(&root).is_none() || !(is_qemu_installed || root.join("usr/bin").join(QEMU.1).is_file()) {
            ensure!(
                shell::on_path("apt-get") && shell::on_path("dpkg-deb"),
                "the guest is made of Debian's packages, and there is no apt-get here"
            );
            download(folder, is_qemu_installed)?;
            compile_python(&root)?;
        }
        let kernel =
            kernel_in(&root).with_context(|| format!("no kernel was unpacked to {}", root.display()))?;
        Ok(Self { root, kernel, is_qemu_installed })
    }

    /// The emulator, ready for more words.
    pub(super) fn qemu(&self, seconds: u32) -> std::process::Command {
        if self.is_qemu_installed {
            return bounded(seconds, QEMU.1);
        }
        let program = self.root.join("usr/bin").join(QEMU.1);
        let mut command = bounded(seconds, &program.display().to_string());
        let libraries =
            ["usr/lib/x86_64-linux-gnu", "lib/x86_64-linux-gnu"].map(|below| self.root.join(below));
        let firmware = ["usr/share/qemu", "usr/share/seabios"].map(|below| self.root.join(below));
        if let Ok(path) = std::env::join_paths(libraries) {
            command.env("LD_LIBRARY_PATH", path);
        }
        for folder in firmware {
            command.arg("-L").arg(folder);
        }
        command
    }
}

fn kernel_in(root: &Path) -> Option<PathBuf> {
    let files = std::fs::read_dir(root.join("boot")).ok()?.flatten().map(|entry| entry.path());
    files
        .filter(|path| {
            path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("vmlinuz-6.1."))
        })
        .max()
}

fn download(folder: &Path, is_qemu_installed: bool) -> Result<()> {
    // Lists may be there already, or not be ours to renew; what follows decides.
    let _ = shell::read(bounded(DOWNLOAD_SECONDS, "apt-get").args(["update", "-qq"]));
    let mut names = vec![kernel_package()?];
    names.extend(INSIDE.map(str::to_owned));
    if !is_qemu_installed {
        names.extend(lacking(QEMU.0)?);
    }
    println!("downloading from Debian: {}", names.join(" "));
    let packages = folder.join("packages");
    std::fs::create_dir_all(&packages)?;
    let mut get = bounded(DOWNLOAD_SECONDS, "apt-get");
    shell::read(get.current_dir(&packages).args(["download", "-qq"]).args(&names))
        .context("apt-get download")?;
    for entry in std::fs::read_dir(&packages)?.flatten() {
        let mut unpack = bounded(UNPACK_SECONDS, "dpkg-deb");
        shell::read(unpack.arg("-x").arg(entry.path()).arg(folder.join("root"))).context("dpkg-deb -x")?;
    }
    std::fs::remove_dir_all(&packages).context("what was unpacked is not kept twice")
}

/// The package of the kernel itself.
fn kernel_package() -> Result<String> {
    let text = shell::read(bounded(DOWNLOAD_SECONDS, "apt-cache").args(["depends", KERNEL_OF_THE_RELEASE]))?;
    let names = text.lines().filter_map(|line| line.trim().strip_prefix("Depends: "));
    let all: Vec<&str> = names.collect();
    match all.iter().find(|name| name.starts_with(KERNEL)) {
        Some(name) => Ok((*name).to_owned()),
        None => bail!("Debian 12 has Linux 6.1, which the guest is about; here there is {}", all.join(", ")),
    }
}

/// A package and those that it needs and the machine lacks.
fn lacking(package: &str) -> Result<Vec<String>> {
    let mut simulate = bounded(DOWNLOAD_SECONDS, "apt-get");
    let text = shell::read(simulate.args(["--simulate", "install", "--no-install-recommends", package]))?;
    let names = text.lines().filter_map(|line| line.strip_prefix("Inst ")?.split(' ').next());
    Ok(names.map(str::to_owned).collect())
}

/// Compiled by itself, since Debian's package does that when it is installed; an emulated processor would take minutes for it
/// again and again.
fn compile_python(root: &Path) -> Result<()> {
    let mut compile = bounded(UNPACK_SECONDS, &root.join("usr/bin/python3.11").display().to_string());
    compile.env("PYTHONHOME", root.join("usr"));
    compile.args(["-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash"]);
    shell::read(compile.arg(root.join("usr/lib/python3.11"))).map(drop).context("compiling Python's library")
}
