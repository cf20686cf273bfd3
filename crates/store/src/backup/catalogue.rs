//! The list of one component's files: where each was, what it was, and by which marks it is known to be unchanged.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};
use update::{ChunkId, FileRef};

/// 1,000,000 files of one component: its list has some 200 MB then, which is what is held in memory at most.
pub(super) const FILES_MAX: usize = 1_000_000;

/// By these a file is known to be the one that was read, without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Stamp {
    pub(super) bytes: u64,
    /// Nanoseconds since the Unix epoch.
    pub(super) modified_ns: i64,
    /// When its bytes, name or rights changed last, which no program can set back.
    pub(super) changed_ns: i64,
    pub(super) inode: u64,
    pub(super) device: u64,
}

/// What a place holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// A folder; what is in it is listed for itself.
    Folder,
    /// A file.
    File(FileRef),
    /// A symbolic link and where it leads.
    Link(PathBuf),
}

/// One place in a home.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// From the home's root.
    pub path: PathBuf,
    /// Its rights, as in chmod.
    pub mode: u32,
    /// When it was modified, in nanoseconds since the Unix epoch.
    pub modified_ns: i64,
    /// What it held.
    pub content: Content,
    /// Nothing for one that has to be read again next time.
    pub(super) stamp: Option<Stamp>,
}

/// A list as it is written: short names, since there are many.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    list: u32,
    files: Vec<WireFile>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireFile {
    p: String,
    m: u32,
    t: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    f: Option<WireRef>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    l: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    s: Option<(i64, u64, u64)>,
}

/// A [`FileRef`] as it is written.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct WireRef(String, u8, u64);

impl From<&FileRef> for WireRef {
    fn from(file: &FileRef) -> Self {
        Self(file.root.to_string(), file.depth, file.bytes)
    }
}

impl WireRef {
    pub(super) fn read(&self) -> Option<FileRef> {
        let file = FileRef { root: ChunkId::parse(&self.0)?, depth: self.1, bytes: self.2 };
        file.top().ok().map(|_| file)
    }
}

/// The form of lists that this program writes.
const FORM: u32 = 1;

/// Writes a list, always the same for the same files.
pub(super) fn to_bytes(files: &[Listed]) -> Vec<u8> {
    let files = files.iter().map(|file| {
        let (content, link) = match &file.content {
            Content::Folder => (None, None),
            Content::File(content) => (Some(WireRef::from(content)), None),
            Content::Link(to) => (None, Some(escaped(to.as_os_str()))),
        };
        let stamp = file.stamp.map(|stamp| (stamp.changed_ns, stamp.inode, stamp.device));
        WireFile {
            p: escaped(file.path.as_os_str()),
            m: file.mode,
            t: file.modified_ns,
            f: content,
            l: link,
            s: stamp,
        }
    });
    let wire = Wire { list: FORM, files: files.collect() };
    serde_json::to_vec(&wire).expect("plain texts and numbers are always JSON")
}

/// Reads what [`to_bytes`] wrote; nothing for anything else. Paths that lead out of a home are refused.
pub(super) fn parse(bytes: &[u8]) -> Option<Vec<Listed>> {
    let wire: Wire = serde_json::from_slice(bytes).ok()?;
    if wire.list != FORM || wire.files.len() > FILES_MAX {
        return None;
    }
    let files: Vec<Listed> = wire.files.into_iter().map(listed).collect::<Option<_>>()?;
    let in_order = |pair: &[Listed]| pair[0].path.as_os_str() < pair[1].path.as_os_str();
    files.windows(2).all(in_order).then_some(files)
}

fn listed(wire: WireFile) -> Option<Listed> {
    let path = PathBuf::from(unescaped(&wire.p)?);
    let content = match (&wire.f, &wire.l) {
        (None, None) => Content::Folder,
        (Some(content), None) => Content::File(content.read()?),
        (None, Some(to)) => Content::Link(PathBuf::from(unescaped(to)?)),
        (Some(_), Some(_)) => return None,
    };
    let stamp = match (&content, wire.s) {
        (Content::File(content), Some((changed_ns, inode, device))) => {
            Some(Stamp { bytes: content.bytes, modified_ns: wire.t, changed_ns, inode, device })
        }
        (_, None) => None,
        (Content::Folder | Content::Link(_), Some(_)) => return None,
    };
    stays_inside(&path).then_some(Listed { path, mode: wire.m, modified_ns: wire.t, content, stamp })
}

/// Whether a path goes down from where it starts, and nowhere else.
pub(super) fn stays_inside(path: &Path) -> bool {
    let mut parts = path.components().peekable();
    parts.peek().is_some() && parts.all(|part| matches!(part, Component::Normal(_)))
}

/// A name as text: what is no UTF-8 as `\xNN`, a backslash as two.
pub(super) fn escaped(name: &OsStr) -> String {
    let mut text = String::new();
    for piece in name.as_bytes().utf8_chunks() {
        for found in piece.valid().chars() {
            match found {
                '\\' => text.push_str("\\\\"),
                found => text.push(found),
            }
        }
        for byte in piece.invalid() {
            text.push_str(&format!("\\x{byte:02x}"));
        }
    }
    text
}

/// The name that [`escaped`] wrote; nothing for what it never writes.
pub(super) fn unescaped(text: &str) -> Option<OsString> {
    if !text.contains('\\') {
        return Some(OsString::from(text));
    }
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        bytes.extend_from_slice(before.as_bytes());
        rest = if let Some(after) = after.strip_prefix('\\') {
            bytes.push(b'\\');
            after
        } else {
            let digits = after.strip_prefix('x')?.get(..2)?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            &after[3..]
        };
    }
    bytes.extend_from_slice(rest.as_bytes());
    Some(OsString::from_vec(bytes))
}

/// Its length; nothing for what is no file.
pub(super) fn bytes_of(file: &Listed) -> u64 {
    match &file.content {
        Content::File(content) => content.bytes,
        Content::Folder | Content::Link(_) => 0,
    }
}

#[cfg(test)]
mod tests;
