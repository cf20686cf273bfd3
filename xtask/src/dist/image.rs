//! The OCI image layout, built without a daemon: one layer with the program and the libraries that it loads.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use super::stage::{modes, place};
use super::{Release, sha256, tar};
use crate::shell;

const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// Packs the layout as a tar, as `skopeo copy oci-archive:` and `podman load` take it, and gives the file.
pub(super) fn pack(release: &Release, tree: &Path, out: &Path) -> Result<PathBuf> {
    let folder = out.join("image");
    let blobs = folder.join("blobs/sha256");
    std::fs::create_dir_all(&blobs)?;
    let root = out.join("stage/image");
    fill(tree, &root)?;
    let plain = out.join("stage/layer.tar");
    tar(&root, ".", release.epoch, &plain)?;
    let diff = sha256(&plain)?;
    shell::run(shell::program("gzip").args(["-9", "-n", "--force"]).arg(&plain))?;
    let layer = keep_file(&blobs, &out.join("stage/layer.tar.gz"), LAYER)?;
    let config = json!({
        "architecture": "amd64",
        "os": "linux",
        "config": {
            "Entrypoint": ["/usr/bin/ostoja"],
            "Cmd": ["up"],
            "Env": ["PATH=/usr/local/bin:/usr/bin:/bin", "HOME=/var/lib/ostoja", "OSTOJA_HOME=/var/lib/ostoja"],
            "WorkingDir": "/var/lib/ostoja",
            "Volumes": { "/var/lib/ostoja": {} },
            "StopSignal": "SIGTERM",
        },
        "rootfs": { "type": "layers", "diff_ids": [format!("sha256:{diff}")] },
    });
    let config = keep(&blobs, &config, CONFIG)?;
    let manifest = json!({ "schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [layer] });
    let mut manifest = keep(&blobs, &manifest, MANIFEST)?;
    manifest["annotations"] = json!({ "org.opencontainers.image.ref.name": release.version });
    let index = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": [manifest] });
    place(&folder.join("index.json"), index.to_string().as_bytes(), 0o644)?;
    place(&folder.join("oci-layout"), br#"{"imageLayoutVersion":"1.0.0"}"#, 0o644)?;
    modes(&folder)?;
    let packed = out.join(format!("ostoja-{}-oci.tar", release.version));
    tar(&folder, ".", release.epoch, &packed)?;
    Ok(packed)
}

/// The program, the libraries that the loader would take, and the folders that a kernel wants.
fn fill(tree: &Path, root: &Path) -> Result<()> {
    let program = tree.join("usr/bin/ostoja");
    place(&root.join("usr/bin/ostoja"), &std::fs::read(&program)?, 0o755)?;
    for library in libraries(&program)? {
        let target = root.join(library.strip_prefix("/").unwrap_or(&library));
        place(&target, &std::fs::read(&library)?, 0o755)?;
    }
    place(&root.join("etc/passwd"), b"root:x:0:0:root:/var/lib/ostoja:/sbin/nologin\n", 0o644)?;
    for folder in ["tmp", "var/lib/ostoja", "proc", "sys", "dev"] {
        std::fs::create_dir_all(root.join(folder))?;
    }
    modes(root)?;
    std::fs::set_permissions(root.join("tmp"), std::fs::Permissions::from_mode(0o1777))?;
    std::fs::set_permissions(root.join("var/lib/ostoja"), std::fs::Permissions::from_mode(0o700))?;
    Ok(())
}

/// Every file that the loader maps for a program, the loader itself included.
pub(super) fn libraries(program: &Path) -> Result<Vec<PathBuf>> {
    let said = shell::read(shell::program("ldd").arg(program))?;
    let paths = said.lines().filter_map(|line| line.split_whitespace().find(|word| word.starts_with('/')));
    Ok(paths.map(PathBuf::from).collect())
}

/// Keeps a document as a blob and gives what names it.
fn keep(blobs: &Path, document: &Value, kind: &str) -> Result<Value> {
    let file = blobs.join("unnamed");
    std::fs::write(&file, document.to_string())?;
    keep_file(blobs, &file, kind)
}

fn keep_file(blobs: &Path, file: &Path, kind: &str) -> Result<Value> {
    let sum = sha256(file)?;
    let size = file.metadata()?.len();
    std::fs::rename(file, blobs.join(&sum)).context("keeping a blob")?;
    Ok(json!({ "mediaType": kind, "digest": format!("sha256:{sum}"), "size": size }))
}
