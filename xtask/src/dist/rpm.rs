//! The RPM package, for Fedora and its kin, by the tools of RPM itself.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use super::Release;
use super::stage::{modes, place};
use crate::ci::{apt, bounded};
use crate::shell;

/// 10 min: squeezing a program of some 40 MB on one thread takes half a minute.
const BUILD_SECONDS: u32 = 600;

/// Scripts are in RPM's own language, so that they run where there is no shell yet: in an image that is being filled.
const SPEC: &str = r#"Name: ostoja
Version: @VERSION@
Release: 1
Summary: Kernel that runs programs and agents and carries their messages
License: MIT OR Apache-2.0
BuildArch: x86_64
AutoProv: no

%description
Ostoja starts programs in order, knows when each is ready, starts them again
when they fall, confines them to what they may touch, and says why it did what
it did. Programs that speak its line protocol offer services to each other,
publish messages and read their configuration.

%install
cp -a @TREE@/. %{buildroot}/

%post -p <lua>
if posix.stat("/run/systemd/system") then
  os.execute("systemd-tmpfiles --create ostoja.conf")
  os.execute("systemctl daemon-reload")
end

%preun -p <lua>
if tonumber(arg[2]) == 0 and posix.stat("/run/systemd/system") then
  os.execute("systemctl --no-reload disable --now ostoja.service")
end

%postun -p <lua>
if posix.stat("/run/systemd/system") then
  os.execute("systemctl daemon-reload")
  if tonumber(arg[2]) > 0 then
    os.execute("systemctl try-restart ostoja.service")
  end
end

%files
%license /usr/share/licenses/ostoja/*
%doc /usr/share/doc/ostoja/*
/usr/bin/ostoja
/usr/lib/systemd/system/ostoja.service
/usr/lib/tmpfiles.d/ostoja.conf
/usr/share/bash-completion/completions/ostoja
/usr/share/zsh/site-functions/_ostoja
/usr/share/fish/vendor_completions.d/ostoja.fish
/usr/share/man/man1/*
"#;

/// What makes two builds the same, and leaves the files as they are: no time or name of the machine, no stripping anew.
const DEFINES: [&str; 10] = [
    "_buildhost localhost",
    "use_source_date_epoch_as_buildtime 1",
    "clamp_mtime_to_source_date_epoch 1",
    "_build_id_links none",
    "debug_package %{nil}",
    "__os_install_post %{nil}",
    "_binary_payload w19.zstdio",
    "_source_filedigest_algorithm 8",
    "_binary_filedigest_algorithm 8",
    "_rpmfilename %{NAME}-%{VERSION}-%{RELEASE}.%{ARCH}.rpm",
];

/// Packs it and gives the file.
pub(super) fn pack(release: &Release, tree: &Path, out: &Path) -> Result<PathBuf> {
    if shell::version_of("rpmbuild", "--version").is_none() {
        apt(&["rpm"])?;
    }
    let folder = out.join("stage/rpm");
    let root = self::tree(out);
    std::fs::create_dir_all(&folder)?;
    shell::run(shell::program("cp").args(["-r", "--preserve=mode"]).arg(tree).arg(&root))?;
    let zsh = root.join("usr/share/zsh");
    std::fs::rename(zsh.join("vendor-completions"), zsh.join("site-functions"))
        .context("the completions for zsh")?;
    for (to, files) in
        [("licenses", ["LICENSE-APACHE", "LICENSE-MIT"].as_slice()), ("doc", &["README.md", "CHANGELOG.md"])]
    {
        for file in files {
            let text = std::fs::read(shell::root().join(file))?;
            place(&root.join("usr/share").join(to).join("ostoja").join(file), &text, 0o644)?;
        }
    }
    modes(&root)?;
    build(release, &root, &folder, &release.version)?;
    let name = file_name(&release.version);
    let packed = out.join(&name);
    std::fs::rename(folder.join("RPMS").join(&name), &packed).with_context(|| name.clone())?;
    Ok(packed)
}

/// Runs `rpmbuild` over a tree; the package lies below `RPMS` in the folder.
pub(super) fn build(release: &Release, tree: &Path, folder: &Path, version: &str) -> Result<()> {
    let spec = folder.join("ostoja.spec");
    let text = SPEC.replace("@VERSION@", version).replace("@TREE@", &tree.display().to_string());
    place(&spec, text.as_bytes(), 0o644)?;
    let mut rpmbuild = bounded(BUILD_SECONDS, "rpmbuild");
    rpmbuild.arg("-bb").arg("--define").arg(format!("_topdir {}", folder.display()));
    for define in DEFINES {
        rpmbuild.args(["--define", define]);
    }
    rpmbuild.env("SOURCE_DATE_EPOCH", release.epoch.to_string()).env("LC_ALL", "C").arg(&spec);
    shell::read(&mut rpmbuild).map(drop).context("rpmbuild")
}

/// The files of the package as they were packed, for a trial under another version.
pub(super) fn tree(out: &Path) -> PathBuf {
    out.join("stage/rpm/tree")
}

/// As RPM names it.
pub(super) fn file_name(version: &str) -> String {
    format!("ostoja-{version}-1.x86_64.rpm")
}
