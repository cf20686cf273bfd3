//! Reading a package: one pass, each entry the one that is due, in the one form, within the limits.

use std::fmt;
use std::io::{self, BufReader, Read};

use super::{
    BLOCK, END_BYTES, FILES, FILES_MAX, HEAD, HEAD_BYTES_MAX, Head, PackageError, PackedFile,
    RATIO_FREE_BYTES, RATIO_MAX, Rights, Slice, TRUST, TRUST_BYTES_MAX, TRUST_FILES_MAX, UNPACKED_BYTES_MAX,
    WINDOW_LOG_MAX, header, padding,
};
use crate::digest::{Digester, Digests};
use crate::package::{PackedPath, PathFlaw};

/// 60 characters of a strange name are shown.
const SHOWN_CHARS: usize = 60;

/// 2 GiB of files, their headers and what vouches for them: what may come out of the frame at all.
const FRAME_BYTES_MAX: u64 = UNPACKED_BYTES_MAX
    + HEAD_BYTES_MAX
    + (FILES_MAX as u64 + TRUST_FILES_MAX as u64) * (TRUST_BYTES_MAX >> 7)
    + TRUST_FILES_MAX as u64 * TRUST_BYTES_MAX;

/// A package that is being read. What it says of itself is known once it is open, before any of its files is read;
/// nothing of it may be used before [`PackageReader::finish`] says that all of it was as it should be.
pub struct PackageReader<R: Read> {
    frame: zstd::stream::read::Decoder<'static, BufReader<Counted<R>>>,
    unpacked: u64,
    head: Head,
    head_text: Vec<u8>,
    slice: Slice,
    /// The next file of `head`.
    next: usize,
    /// The file that was handed out last, until it was read and compared.
    open: Option<Open>,
    /// The header that was read to see that the slice ends.
    ahead: Option<[u8; BLOCK]>,
}

#[derive(Debug)]
struct Open {
    left: u64,
    digester: Digester,
}

impl<R: Read> fmt::Debug for PackageReader<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PackageReader")
            .field("head", &self.head)
            .field("next", &self.next)
            .finish_non_exhaustive()
    }
}

/// One file of a package, to be read to its end.
#[derive(Debug)]
pub struct PackageFile<'a, R: Read> {
    reader: &'a mut PackageReader<R>,
}

impl<R: Read> PackageReader<R> {
    /// Reads what the package says of itself and what vouches for it.
    ///
    /// # Errors
    /// `PackageError`, with what is refused.
    pub fn open(source: R) -> Result<Self, PackageError> {
        let source = BufReader::new(Counted { inner: source, bytes: 0 });
        let mut frame = zstd::stream::read::Decoder::with_buffer(source).map_err(PackageError::Read)?;
        frame.window_log_max(WINDOW_LOG_MAX).map_err(PackageError::Read)?;
        let mut frame = Frame { frame: frame.single_frame(), unpacked: 0 };
        let first = frame.block(HEAD)?;
        let length = plain_entry(&first, HEAD, HEAD_BYTES_MAX, "bytes of okm.json")?;
        let head_text = frame.bytes(length, HEAD)?;
        let head = Head::parse(&head_text).map_err(PackageError::Head)?;
        let (slice, ahead) = read_slice(&mut frame, &due(&head, 0))?;
        let Frame { frame, unpacked } = frame;
        Ok(Self { frame, unpacked, head, head_text, slice, next: 0, open: None, ahead: Some(ahead) })
    }

    /// What the package says is in it. Not to be believed before the slice was verified for [`Self::head_text`].
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// `okm.json` byte for byte, which is what signatures vouch for.
    pub fn head_text(&self) -> &[u8] {
        &self.head_text
    }

    /// What vouches for it.
    pub fn slice(&self) -> &Slice {
        &self.slice
    }

    /// The next file, in the order of the head; nothing after the last one. The one before it is compared with what
    /// the head says of it, and what was not read of it is read.
    ///
    /// # Errors
    /// `Content` when the file before was not what the head says, and any other refusal of what comes next.
    pub fn next_file(&mut self) -> Result<Option<(PackedFile, PackageFile<'_, R>)>, PackageError> {
        self.close()?;
        let Some(file) = self.head.files().get(self.next).cloned() else { return Ok(None) };
        let name = due(&self.head, self.next);
        let block = match self.ahead.take() {
            Some(block) => block,
            None => self.block(&name)?,
        };
        expect(&block, &name, file.digests.bytes, file.rights)?;
        self.open = Some(Open { left: file.digests.bytes, digester: Digester::default() });
        Ok(Some((file, PackageFile { reader: self })))
    }

    /// Reads to the end; only then was everything as the head says.
    ///
    /// # Errors
    /// As [`Self::next_file`], and `Trailing` when something follows.
    pub fn finish(mut self) -> Result<Head, PackageError> {
        while self.next_file()?.is_some() {}
        for _ in 0..END_BYTES / BLOCK {
            let block = match self.ahead.take() {
                Some(block) => block,
                None => self.block("the end")?,
            };
            if block != [0; BLOCK] {
                return Err(PackageError::Unexpected { entry: shown(&block), due: "the end".to_owned() });
            }
        }
        let more = self.frame.read(&mut [0; 1]).map_err(PackageError::Read)?;
        let mut source = self.frame.finish();
        let behind = source.read(&mut [0; 1]).map_err(PackageError::Read)?;
        if more + behind > 0 {
            return Err(PackageError::Trailing);
        }
        Ok(self.head)
    }

    /// Reads what is left of the open file and compares it.
    fn close(&mut self) -> Result<(), PackageError> {
        let Some(mut open) = self.open.take() else { return Ok(()) };
        let mut buffer = vec![0; if open.left > 0 { 64 << 10 } else { 0 }];
        while open.left > 0 {
            if self.read_open(&mut open, &mut buffer)? == 0 {
                return Err(PackageError::Short { entry: due(&self.head, self.next) });
            }
        }
        let file = &self.head.files()[self.next];
        compare(file, &open.digester.finish())?;
        let (padding, name) = (padding(file.digests.bytes), due(&self.head, self.next));
        self.with_frame(|frame| frame.zeros(padding, &name))?;
        self.next += 1;
        Ok(())
    }

    fn read_open(&mut self, open: &mut Open, buffer: &mut [u8]) -> Result<usize, PackageError> {
        let length = buffer.len().min(usize::try_from(open.left).unwrap_or(usize::MAX));
        let count = self.with_frame(|frame| frame.read(&mut buffer[..length]))?;
        open.digester.update(&buffer[..count]);
        open.left -= count as u64;
        Ok(count)
    }

    fn block(&mut self, due: &str) -> Result<[u8; BLOCK], PackageError> {
        self.with_frame(|frame| frame.block(due))
    }

    fn with_frame<T>(
        &mut self,
        act: impl FnOnce(
            &mut Frame<&mut zstd::stream::read::Decoder<'static, BufReader<Counted<R>>>>,
        ) -> Result<T, PackageError>,
    ) -> Result<T, PackageError> {
        let mut frame = Frame { frame: &mut self.frame, unpacked: self.unpacked };
        let done = act(&mut frame);
        self.unpacked = frame.unpacked;
        done
    }
}

impl<R: Read> Read for PackageFile<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(mut open) = self.reader.open.take() else { return Ok(0) };
        let count = if open.left == 0 || buffer.is_empty() {
            Ok(0)
        } else {
            match self.reader.read_open(&mut open, buffer) {
                Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(count) => Ok(count),
                Err(error) => Err(io::Error::new(io::ErrorKind::InvalidData, error)),
            }
        };
        self.reader.open = Some(open);
        count
    }
}

/// Compares what was read with what the head says.
pub(super) fn compare(file: &PackedFile, found: &Digests) -> Result<(), PackageError> {
    let said = &file.digests;
    let differs = |what| Err(PackageError::Content { path: file.path.clone(), what });
    if found.bytes != said.bytes {
        return differs("length");
    }
    if found.sha256 != said.sha256 {
        return differs("SHA-256");
    }
    if found.blake3 != said.blake3 {
        return differs("BLAKE3");
    }
    Ok(())
}

/// The entry that is due when `index` files were read.
fn due(head: &Head, index: usize) -> String {
    head.files().get(index).map_or_else(|| "the end".to_owned(), |file| format!("{FILES}{}", file.path))
}

/// Reads the files that vouch for the head, and the header that follows them.
fn read_slice<F: Unpacking>(frame: &mut Frame<F>, due: &str) -> Result<(Slice, [u8; BLOCK]), PackageError> {
    let mut slice = Slice::new();
    loop {
        let block = frame.block(due)?;
        let Some(name) = name(&block).filter(|name| name.starts_with(TRUST)) else {
            return Ok((slice, block));
        };
        let inner = name[TRUST.len()..].to_owned();
        PackedPath::parse(&inner).map_err(PackageError::Path)?;
        let length = plain_entry(&block, &name, TRUST_BYTES_MAX, "bytes in a file that vouches for it")?;
        if slice.len() == TRUST_FILES_MAX {
            let limit = TRUST_FILES_MAX as u64;
            return Err(PackageError::Limit { limit, unit: "files that vouch for it" });
        }
        if slice.last_key_value().is_some_and(|(last, _)| *last >= inner) {
            return Err(PackageError::Unexpected { entry: name, due: due.to_owned() });
        }
        slice.insert(inner, frame.bytes(length, &name)?);
    }
}

/// The length of an entry that must be there under this name.
fn plain_entry(
    block: &[u8; BLOCK],
    name: &str,
    bytes_max: u64,
    unit: &'static str,
) -> Result<u64, PackageError> {
    let found = tar::Header::from_byte_slice(block);
    if let Some(kind) = kind(found.entry_type()) {
        return Err(PackageError::Kind { entry: shown(block), kind });
    }
    let length = found.size().map_err(|_| PackageError::Form { entry: shown(block) })?;
    if length > bytes_max {
        return Err(PackageError::Limit { limit: bytes_max, unit });
    }
    expect(block, name, length, Rights::Plain)?;
    Ok(length)
}

/// Sees that a header is the one that is due, and says how it differs.
fn expect(block: &[u8; BLOCK], due: &str, bytes: u64, rights: Rights) -> Result<(), PackageError> {
    let wanted = header(due, bytes, rights).map_err(PackageError::Path)?;
    if wanted.as_bytes() == block {
        return Ok(());
    }
    let entry = shown(block);
    if *block == [0; BLOCK] {
        return Err(PackageError::Short { entry: due.to_owned() });
    }
    if let Some(kind) = kind(tar::Header::from_byte_slice(block).entry_type()) {
        return Err(PackageError::Kind { entry, kind });
    }
    let Some(name) = name(block) else { return Err(PackageError::Path(PathFlaw::Character)) };
    for prefix in [FILES, TRUST] {
        if let Some(Err(flaw)) = name.strip_prefix(prefix).map(PackedPath::parse) {
            return Err(PackageError::Path(flaw));
        }
    }
    if let (false, Err(flaw)) = (name == due, PackedPath::parse(&name)) {
        return Err(PackageError::Path(flaw));
    }
    if name == due {
        return Err(PackageError::Form { entry });
    }
    Err(PackageError::Unexpected { entry, due: due.to_owned() })
}

/// What an entry is, if it is no file.
fn kind(entry: tar::EntryType) -> Option<&'static str> {
    use tar::EntryType;
    match entry {
        EntryType::Regular => None,
        EntryType::Symlink => Some("a symbolic link"),
        EntryType::Link => Some("a hard link"),
        EntryType::Directory => Some("a folder"),
        EntryType::Char | EntryType::Block => Some("a device"),
        EntryType::Fifo => Some("a pipe"),
        EntryType::GNUSparse => Some("a file with holes"),
        EntryType::GNULongName | EntryType::GNULongLink | EntryType::XHeader | EntryType::XGlobalHeader => {
            Some("an extension of the format")
        }
        _ => Some("of an unknown kind"),
    }
}

/// The name in a header, if it is text.
fn name(block: &[u8; BLOCK]) -> Option<String> {
    let header = tar::Header::from_byte_slice(block);
    std::str::from_utf8(&header.path_bytes()).ok().map(str::to_owned)
}

/// The name in a header, as far as a message may show it.
fn shown(block: &[u8; BLOCK]) -> String {
    let header = tar::Header::from_byte_slice(block);
    let name = String::from_utf8_lossy(&header.path_bytes()).into_owned();
    name.chars().take(SHOWN_CHARS).map(|char| if char.is_control() { '?' } else { char }).collect()
}

/// What comes out of a package's frame, and what went in so far.
trait Unpacking: Read {
    /// Packed bytes read.
    fn packed(&self) -> u64;
}

impl<R: Read> Unpacking for zstd::stream::read::Decoder<'static, BufReader<Counted<R>>> {
    fn packed(&self) -> u64 {
        self.get_ref().get_ref().bytes
    }
}

impl<U: Unpacking> Unpacking for &mut U {
    fn packed(&self) -> u64 {
        (**self).packed()
    }
}

/// The frame with its limits.
struct Frame<F: Unpacking> {
    frame: F,
    unpacked: u64,
}

impl<F: Unpacking> Frame<F> {
    /// Reads some bytes; 0 at the end of the frame.
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, PackageError> {
        let count = loop {
            match self.frame.read(buffer) {
                Ok(count) => break count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(PackageError::Read(error)),
            }
        };
        self.unpacked += count as u64;
        if self.unpacked > FRAME_BYTES_MAX {
            return Err(PackageError::Limit { limit: FRAME_BYTES_MAX, unit: "bytes" });
        }
        if self.unpacked > RATIO_FREE_BYTES && self.unpacked / RATIO_MAX > self.frame.packed() {
            return Err(PackageError::Ratio);
        }
        Ok(count)
    }

    fn fill(&mut self, buffer: &mut [u8], due: &str) -> Result<(), PackageError> {
        let mut filled = 0;
        while filled < buffer.len() {
            match self.read(&mut buffer[filled..])? {
                0 => return Err(PackageError::Short { entry: due.to_owned() }),
                count => filled += count,
            }
        }
        Ok(())
    }

    fn block(&mut self, due: &str) -> Result<[u8; BLOCK], PackageError> {
        let mut block = [0; BLOCK];
        self.fill(&mut block, due)?;
        Ok(block)
    }

    /// An entry's bytes, and what fills it up. The length was compared with its limit.
    fn bytes(&mut self, length: u64, due: &str) -> Result<Vec<u8>, PackageError> {
        let mut bytes = vec![0; usize::try_from(length).unwrap_or(0)];
        self.fill(&mut bytes, due)?;
        self.zeros(padding(length), due)?;
        Ok(bytes)
    }

    fn zeros(&mut self, length: usize, due: &str) -> Result<(), PackageError> {
        let mut filling = [0; BLOCK];
        self.fill(&mut filling[..length], due)?;
        if filling == [0; BLOCK] { Ok(()) } else { Err(PackageError::Form { entry: due.to_owned() }) }
    }
}

/// Counts what is read.
struct Counted<R> {
    inner: R,
    bytes: u64,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.bytes += count as u64;
        Ok(count)
    }
}
