//! What binds an approval to what was approved: the hash of `module.json`, and the hash of every file of its folder but
//! those that the module may write itself.
//!
//! Files that have not changed by size, times and inode since they were last read are not read again, so that a look
//! before each start costs one `stat` per file.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use serde_json::Value;
use sha2::{Digest, Sha256};

#[cfg(test)]
mod tests;

/// The file that says what a module is.
pub(super) const MANIFEST: &str = "module.json";

/// 200,000 files in one module's folder; a larger one is no module but a disk.
const FILES_MAX: usize = 200_000;

/// 64 folders deep: more is a loop or a mistake.
const DEPTH_MAX: usize = 64;

/// 256 KiB are read at once while hashing.
const PIECE_BYTES: usize = 256 << 10;

/// What is looked at before each start of a module that was approved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seal {
    /// The module's folder, its real path.
    pub(crate) folder: PathBuf,
    /// Whether its files count. They don't in a linked folder, which is somebody's workplace.
    pub(crate) covers: Covers,
}

/// How much of a folder an approval is bound to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Covers {
    /// Every file.
    Tree,
    /// Its manifest alone.
    Manifest,
}

/// What one look found, as lower-case hex.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Hashes {
    pub(crate) manifest: String,
    pub(crate) tree: Option<String>,
}

/// A file as it was when it was last read.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stamp {
    bytes: u64,
    modified: (i64, i64),
    changed: (i64, i64),
    inode: u64,
}

/// The hashes of files that were read before.
#[derive(Debug, Clone, Default)]
pub(crate) struct HashCache(BTreeMap<PathBuf, (Stamp, [u8; 32])>);

impl HashCache {
    /// Looks at a folder.
    ///
    /// # Errors
    /// A file can't be read, or there are too many.
    pub(crate) fn look(&mut self, seal: &Seal, writable: &[PathBuf]) -> io::Result<Hashes> {
        let manifest = hex(&self.of_file(&seal.folder.join(MANIFEST))?);
        let tree = match seal.covers {
            Covers::Tree => Some(self.of_tree(&seal.folder, writable)?),
            Covers::Manifest => None,
        };
        Ok(Hashes { manifest, tree })
    }

    /// One hash over what an approval is about beside the permissions: the manifest without them, and the other files. Two
    /// manifests of one rest differ in what they ask for and in nothing else.
    ///
    /// # Errors
    /// A file can't be read, there are too many, or the manifest is no JSON.
    pub(crate) fn rest(&mut self, seal: &Seal, writable: &[PathBuf]) -> io::Result<String> {
        let mut all = Sha256::new();
        all.update(manifest_rest(&seal.folder)?);
        if seal.covers == Covers::Tree {
            let manifest = seal.folder.join(MANIFEST);
            let apart: Vec<PathBuf> = writable.iter().cloned().chain([manifest]).collect();
            all.update(self.of_tree(&seal.folder, &apart)?);
        }
        Ok(hex(&all.finalize().into()))
    }

    /// One hash over names, kinds and contents of all files, in the order of their names.
    pub(crate) fn of_tree(&mut self, folder: &Path, writable: &[PathBuf]) -> io::Result<String> {
        let mut files = Vec::new();
        collect(folder, writable, 0, &mut files)?;
        files.sort();
        let mut all = Sha256::new();
        for path in files {
            let name = path.strip_prefix(folder).unwrap_or(&path).as_os_str().as_bytes();
            let meta = fs::symlink_metadata(&path)?;
            all.update((name.len() as u64).to_le_bytes());
            all.update(name);
            if meta.is_symlink() {
                all.update(b"l");
                all.update(Sha256::digest(fs::read_link(&path)?.as_os_str().as_bytes()));
            } else {
                // Whether a file can be run decides what it is, so it is part of what was approved.
                all.update(if meta.mode() & 0o111 == 0 { b"f" } else { b"x" });
                all.update(self.of_file(&path)?);
            }
        }
        Ok(hex(&all.finalize().into()))
    }

    fn of_file(&mut self, path: &Path) -> io::Result<[u8; 32]> {
        let stamp = Stamp::of(&fs::metadata(path)?);
        if let Some((known, hash)) = self.0.get(path)
            && *known == stamp
        {
            return Ok(*hash);
        }
        let mut file = File::open(path)?;
        let mut all = Sha256::new();
        let mut piece = vec![0; PIECE_BYTES];
        loop {
            match file.read(&mut piece)? {
                0 => break,
                bytes => all.update(&piece[..bytes]),
            }
        }
        let hash = all.finalize().into();
        self.0.insert(path.to_owned(), (stamp, hash));
        Ok(hash)
    }

    /// One number for a file's contents, and 0 for one that can't be read: whoever needs it will say so.
    pub(crate) fn code_of(&mut self, path: &Path) -> u64 {
        let hash = self.of_file(path).unwrap_or_default();
        let mut first = [0; 8];
        first.copy_from_slice(&hash[..8]);
        u64::from_le_bytes(first)
    }

    /// Forgets files below a folder that is gone.
    pub(crate) fn forget(&mut self, folder: &Path) {
        self.0.retain(|path, _| !path.starts_with(folder));
    }
}

/// One hash over a folder's manifest without its permissions.
///
/// # Errors
/// It can't be read, or is no JSON.
fn manifest_rest(folder: &Path) -> io::Result<String> {
    let mut manifest: Value = serde_json::from_slice(&fs::read(folder.join(MANIFEST))?)?;
    if let Some(fields) = manifest.as_object_mut() {
        // The order of the others is part of what was approved, so it is kept.
        fields.shift_remove("permissions");
    }
    Ok(hex(&Sha256::digest(manifest.to_string()).into()))
}

impl Stamp {
    fn of(meta: &fs::Metadata) -> Self {
        Self {
            bytes: meta.len(),
            modified: (meta.mtime(), meta.mtime_nsec()),
            changed: (meta.ctime(), meta.ctime_nsec()),
            inode: meta.ino(),
        }
    }
}

/// The hashes that a folder with exactly these files has: by path, whether it is a program, and its SHA-256. A look at
/// such a folder finds the same.
pub(crate) fn expected(
    folder: &Path,
    files: &BTreeMap<PathBuf, (bool, [u8; 32])>,
    writable: &[PathBuf],
) -> Hashes {
    let mut all = Sha256::new();
    let mut manifest = [0; 32];
    for (path, (is_program, hash)) in files {
        if *path == folder.join(MANIFEST) {
            manifest = *hash;
        }
        if writable.iter().any(|writable| path.starts_with(writable)) {
            continue;
        }
        let name = path.strip_prefix(folder).unwrap_or(path).as_os_str().as_bytes();
        all.update((name.len() as u64).to_le_bytes());
        all.update(name);
        all.update(if *is_program { b"x" } else { b"f" });
        all.update(hash);
    }
    Hashes { manifest: hex(&manifest), tree: Some(hex(&all.finalize().into())) }
}

fn collect(folder: &Path, writable: &[PathBuf], depth: usize, files: &mut Vec<PathBuf>) -> io::Result<()> {
    if depth > DEPTH_MAX {
        return Err(io::Error::other(format!("`{}` lies deeper than {DEPTH_MAX} folders", folder.display())));
    }
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        if writable.iter().any(|writable| path.starts_with(writable)) {
            continue;
        }
        let kind = entry.file_type()?;
        if kind.is_dir() {
            collect(&path, writable, depth + 1, files)?;
        } else if kind.is_file() || kind.is_symlink() {
            if files.len() >= FILES_MAX {
                return Err(io::Error::other(format!("there are more than {FILES_MAX} files")));
            }
            files.push(path);
        }
    }
    Ok(())
}

fn hex(hash: &[u8; 32]) -> String {
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The first eight bytes of a hash over these parts, as the kernel compares descriptions.
pub(crate) fn fingerprint(parts: &[&str]) -> u64 {
    let mut all = Sha256::new();
    for part in parts {
        all.update((part.len() as u64).to_le_bytes());
        all.update(part.as_bytes());
    }
    let hash = all.finalize();
    let mut first = [0; 8];
    first.copy_from_slice(&hash[..8]);
    u64::from_le_bytes(first)
}
