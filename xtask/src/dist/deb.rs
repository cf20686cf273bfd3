//! The Debian package.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use super::Release;
use super::stage::{modes, place};
use crate::shell;

/// Who answers for the package. The project has no address of its own yet.
const MAINTAINER: &str = "Ostoja developers <ostoja@localhost.localdomain>";

const DESCRIPTION: &str = "kernel that runs programs and agents and carries their messages
 Ostoja starts programs in order, knows when each is ready, starts them again
 when they fall, confines them to what they may touch, and says why it did what
 it did. Programs that speak its line protocol offer services to each other,
 publish messages and read their configuration.";

/// Makes the home, and lets a new program take over where the old one ran. `DPKG_ROOT` is set where a root other than
/// the machine's own is being filled.
const POSTINST: &str = r#"#!/bin/sh
set -e
if [ "$1" = configure ] && [ -z "${DPKG_ROOT:-}" ] && [ -d /run/systemd/system ]; then
  systemd-tmpfiles --create ostoja.conf || true
  deb-systemd-invoke daemon-reload || true
  # Only where it ran: a machine on which nobody has asked for it stays as it is.
  if [ -n "$2" ]; then
    deb-systemd-invoke try-restart ostoja.service || true
  fi
fi
"#;

const PRERM: &str = r#"#!/bin/sh
set -e
if [ "$1" = remove ] && [ -z "${DPKG_ROOT:-}" ] && [ -d /run/systemd/system ]; then
  deb-systemd-invoke stop ostoja.service || true
fi
"#;

/// What the kernel kept goes with a purge only.
const POSTRM: &str = r#"#!/bin/sh
set -e
if [ "$1" = purge ]; then
  rm -rf "${DPKG_ROOT:-}/var/lib/ostoja"
fi
if [ -z "${DPKG_ROOT:-}" ] && [ -d /run/systemd/system ]; then
  deb-systemd-invoke daemon-reload || true
fi
"#;

/// What lintian is told to leave, each with its reason.
const OVERRIDES: &str = "\
# The project has no address of its own yet, and one of somebody else's would be worse.
ostoja: bogus-mail-host *
ostoja: bogus-mail-host-in-debian-changelog *
# It is built outside of Debian, so there is no bug of Debian's that it closes.
ostoja: initial-upload-closes-no-bugs *
";

/// Packs it and gives the file.
pub(super) fn pack(release: &Release, tree: &Path, out: &Path) -> Result<PathBuf> {
    let folder = out.join("stage/deb");
    shell::run(shell::program("cp").args(["-r", "--preserve=mode"]).arg(tree).arg(&folder))?;
    let docs = folder.join("usr/share/doc/ostoja");
    place(&docs.join("copyright"), copyright().as_bytes(), 0o644)?;
    place(&docs.join("changelog.Debian"), changelog(release)?.as_bytes(), 0o644)?;
    shell::run(shell::program("gzip").args(["-9", "-n"]).arg(docs.join("changelog.Debian")))?;
    place(&folder.join("usr/share/lintian/overrides/ostoja"), OVERRIDES.as_bytes(), 0o644)?;
    modes(&folder)?;
    let control = control(release, &folder)?;
    place(&folder.join("DEBIAN/control"), control.as_bytes(), 0o644)?;
    let sums = shell::read(
        shell::program("sh")
            .args(["-c", "find usr -type f | LC_ALL=C sort | xargs md5sum"])
            .current_dir(&folder),
    )?;
    place(&folder.join("DEBIAN/md5sums"), sums.as_bytes(), 0o644)?;
    for (name, text) in [("postinst", POSTINST), ("prerm", PRERM), ("postrm", POSTRM)] {
        place(&folder.join("DEBIAN").join(name), text.as_bytes(), 0o755)?;
    }
    let packed = out.join(format!("ostoja_{}_amd64.deb", version(release)));
    let mut build = shell::program("dpkg-deb");
    build.args(["--build", "--root-owner-group", "-Zxz"]).env("SOURCE_DATE_EPOCH", release.epoch.to_string());
    // Its threads cut the work by how many there are.
    build.arg("--threads-max=1").arg(&folder).arg(&packed);
    shell::read(&mut build)?;
    std::fs::remove_dir_all(&folder)?;
    Ok(packed)
}

/// As Debian writes it: with the number of the packaging.
pub(super) fn version(release: &Release) -> String {
    format!("{}-1", release.version)
}

fn control(release: &Release, folder: &Path) -> Result<String> {
    let size = shell::read(shell::program("du").args(["-sk", "--apparent-size"]).arg(folder))?;
    let size = size.split_whitespace().next().context("du says nothing")?;
    let libc = newest_libc(&std::fs::read(folder.join("usr/bin/ostoja"))?);
    Ok(format!(
        "Package: ostoja\nVersion: {}\nArchitecture: amd64\nMaintainer: {MAINTAINER}\nInstalled-Size: {size}\n\
         Depends: libc6 (>= 2.{libc}), libgcc-s1 (>= 4.2)\n\
         Section: admin\nPriority: optional\nDescription: {DESCRIPTION}\n",
        version(release)
    ))
}

/// The newest version 2.N of the C library whose symbols the program names.
fn newest_libc(program: &[u8]) -> u32 {
    let prefix = b"GLIBC_2.";
    let versions = program.windows(prefix.len() + 2).filter(|found| found.starts_with(prefix)).map(|found| {
        let digits = found[prefix.len()..].iter().take_while(|byte| byte.is_ascii_digit());
        digits.fold(0, |number, digit| number * 10 + u32::from(digit - b'0'))
    });
    versions.max().unwrap_or(0)
}

fn copyright() -> String {
    "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\
     Upstream-Name: ostoja\n\nFiles: *\nCopyright: Ostoja developers\nLicense: Apache-2.0 or MIT\n\n\
     License: Apache-2.0\n On Debian systems the text is in /usr/share/common-licenses/Apache-2.0.\n\n"
        .to_owned()
        + "License: MIT\n"
        + &std::fs::read_to_string(shell::root().join("LICENSE-MIT"))
            .unwrap_or_default()
            .lines()
            .map(|line| if line.trim().is_empty() { " .\n".to_owned() } else { format!(" {line}\n") })
            .collect::<String>()
}

fn changelog(release: &Release) -> Result<String> {
    let date = shell::read(shell::program("date").args(["-u", "-R", "-d", &format!("@{}", release.epoch)]))?;
    Ok(format!(
        "ostoja ({}) unstable; urgency=medium\n\n  * See CHANGELOG.md of the sources.\n\n -- {MAINTAINER}  {}\n",
        version(release),
        date.trim()
    ))
}

#[cfg(test)]
mod tests;
