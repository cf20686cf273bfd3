//! An initramfs as Linux unpacks it: the format `newc` of cpio, written without any tool.
//!
//! Source: `Documentation/driver-api/early-userspace/buffer-format.rst` of Linux.

use std::collections::BTreeMap;
use std::io::{self, Write};

#[cfg(test)]
mod tests;

/// Kind bits of a mode, as in `stat`.
const FOLDER: u32 = 0o040_000;
const FILE: u32 = 0o100_000;
const LINK: u32 = 0o120_000;

/// The name that ends an archive.
const END: &str = "TRAILER!!!";

/// Headers and contents begin at multiples of 4 bytes.
const ALIGNED_BYTES: usize = 4;

/// What lies at a path of the guest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Entry {
    /// A folder that everybody may enter.
    Folder,
    /// A file with these bytes and rights.
    File { bytes: Vec<u8>, mode: u32 },
    /// A symbolic link to this path.
    Link(String),
}

/// A file system to be, by absolute path; folders above an entry come by themselves.
#[derive(Debug, Default)]
pub(super) struct Archive {
    entries: BTreeMap<String, Entry>,
}

impl Archive {
    /// Puts an entry at a path, and folders above it. What was there first stays.
    pub(super) fn put(&mut self, path: &str, entry: Entry) {
        let path = path.trim_matches('/');
        for (at, _) in path.match_indices('/') {
            self.entries.entry(path[..at].to_owned()).or_insert(Entry::Folder);
        }
        self.entries.entry(path.to_owned()).or_insert(entry);
    }

    /// Whether something is at a path.
    pub(super) fn has(&self, path: &str) -> bool {
        self.entries.contains_key(path.trim_matches('/'))
    }

    /// Writes it all, folders before what is in them.
    ///
    /// # Errors
    /// The writer's own, and `InvalidInput` for a file of 4 GiB and more.
    pub(super) fn write(&self, to: &mut impl Write) -> io::Result<()> {
        for (number, (path, entry)) in self.entries.iter().enumerate() {
            let number = u32::try_from(number).map_err(io::Error::other)?;
            let (mode, bytes) = match entry {
                Entry::Folder => (FOLDER | 0o755, &[][..]),
                Entry::File { bytes, mode } => (FILE | mode, &bytes[..]),
                Entry::Link(target) => (LINK | 0o777, target.as_bytes()),
            };
            member(to, number + 1, mode, path, bytes)?;
        }
        member(to, 0, 0, END, &[])
    }
}

/// One header, its name and its content, each filled up to the next multiple.
fn member(to: &mut impl Write, number: u32, mode: u32, name: &str, bytes: &[u8]) -> io::Result<()> {
    let size = u32::try_from(bytes.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    let name_size = u32::try_from(name.len() + 1).map_err(|_| io::ErrorKind::InvalidInput)?;
    // Number, mode, user, group, links, time, size, device and device of it (two each), length of the name, sum.
    let fields = [number, mode, 0, 0, 1, 0, size, 0, 0, 0, 0, name_size, 0];
    let mut header = String::from("070701");
    for field in fields {
        header.push_str(&format!("{field:08x}"));
    }
    header.push_str(name);
    header.push('\0');
    filled(to, header.as_bytes())?;
    filled(to, bytes)
}

fn filled(to: &mut impl Write, bytes: &[u8]) -> io::Result<()> {
    to.write_all(bytes)?;
    let over = bytes.len() % ALIGNED_BYTES;
    let missing = if over == 0 { 0 } else { ALIGNED_BYTES - over };
    to.write_all(&[0; ALIGNED_BYTES][..missing])
}
