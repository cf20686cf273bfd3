//! The key of the folder, and the seal that says: these bytes were written here, for this place, and not changed.
//!
//! A sealed file is `magic (8) | tag (32) | body`. The tag is BLAKE3 keyed with the folder's key over the file's place
//! (its name inside of the folder, which holds the engine's and the content's hash) and the body. So a sealed file
//! that is put in the place of another is refused like one that was changed.
//!
//! What this is for: compiled code is machine code that is run as it is. Whoever can write files here but not read
//! the key, through a backup, a sync tool, another mount or a bad disk, gets nothing run. Whoever can read the key acts as this user already.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;

use super::error::FunctionError;

const MAGIC: &[u8; 8] = b"OSTFUNC1";
const TAG_BYTES: usize = 32;

/// How many bytes a seal adds to a body.
pub(super) const SEAL_BYTES: usize = MAGIC.len() + TAG_BYTES;

const KEY_BYTES: usize = 32;

/// The folder's key. `Debug` shows nothing of it.
pub(super) struct Key([u8; KEY_BYTES]);

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key")
    }
}

impl Key {
    /// Reads the key at `path`, or makes it there with mode 0600 if nothing is there.
    pub(super) fn open(path: &Path) -> Result<Self, FunctionError> {
        for _ in 0..2 {
            match Self::read(path)? {
                Some(key) => return Ok(key),
                None => Self::make(path).map_err(|source| FunctionError::Folder {
                    what: "making the key",
                    path: path.to_owned(),
                    source: Arc::new(source),
                })?,
            }
        }
        Err(FunctionError::Key { path: path.to_owned(), why: "it vanished while it was read" })
    }

    fn read(path: &Path) -> Result<Option<Self>, FunctionError> {
        let wrong = |why| FunctionError::Key { path: path.to_owned(), why };
        let file = match open_plain(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(_) => return Err(wrong("it can't be opened as a plain file")),
        };
        let facts = file.metadata().map_err(|_| wrong("its rights can't be read"))?;
        if !facts.is_file() {
            return Err(wrong("it is not a plain file"));
        }
        if facts.mode() & 0o077 != 0 {
            return Err(wrong("others can read or write it"));
        }
        if facts.uid() != rustix::process::geteuid().as_raw() {
            return Err(wrong("it belongs to another user"));
        }
        let mut bytes = Vec::new();
        let read = file.take(KEY_BYTES as u64 + 1).read_to_end(&mut bytes);
        read.map_err(|_| wrong("it can't be read"))?;
        let key = bytes.try_into().map_err(|_| wrong("it does not have 32 bytes"))?;
        Ok(Some(Self(key)))
    }

    /// Two processes may do this at once: a link never replaces, so that one key wins and both read it then.
    fn make(path: &Path) -> io::Result<()> {
        let mut key = [0; KEY_BYTES];
        let mut filled = 0;
        while filled < KEY_BYTES {
            filled += rustix::rand::getrandom(&mut key[filled..], rustix::rand::GetRandomFlags::empty())?;
        }
        let aside = path.with_file_name(format!(".key.{}{}", std::process::id(), super::shelf::ASIDE_SUFFIX));
        let _ = fs::remove_file(&aside);
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&aside)?;
        let linked = file.write_all(&key).and_then(|()| file.sync_all()).and_then(|()| {
            match fs::hard_link(&aside, path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
                other => other,
            }
        });
        let _ = fs::remove_file(&aside);
        linked?;
        File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
    }

    /// The bytes of the sealed file for `place`.
    pub(super) fn seal(&self, place: &str, body: &[u8]) -> Vec<u8> {
        let mut file = Vec::with_capacity(SEAL_BYTES + body.len());
        file.extend_from_slice(MAGIC);
        file.extend_from_slice(self.tag(place, body).as_bytes());
        file.extend_from_slice(body);
        file
    }

    /// The body of a sealed file, if it is whole, ours, and was written for `place`.
    pub(super) fn unseal<'a>(&self, place: &str, file: &'a [u8]) -> Option<&'a [u8]> {
        let rest = file.strip_prefix(MAGIC)?;
        let (tag, body) = rest.split_first_chunk::<TAG_BYTES>()?;
        // `blake3::Hash` compares in constant time.
        (self.tag(place, body) == blake3::Hash::from_bytes(*tag)).then_some(body)
    }

    fn tag(&self, place: &str, body: &[u8]) -> blake3::Hash {
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        // The length first, so that no other split into place and body has the same bytes.
        hasher.update(&(place.len() as u64).to_le_bytes());
        hasher.update(place.as_bytes());
        hasher.update(body);
        hasher.finalize()
    }
}

/// Opens what is at `path` for reading without following a last link and without waiting at a pipe.
pub(super) fn open_plain(path: &Path) -> io::Result<File> {
    use rustix::fs::OFlags;
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(path)
}

#[cfg(test)]
mod tests;
