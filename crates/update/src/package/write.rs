//! Writing a package: the same bytes for the same files, wherever and whenever it is packed.

use std::io::{self, Read, Write};

use super::{END_BYTES, FILES, HEAD, Head, PackageError, PackedFile, Rights, Slice, TRUST, header, padding};
use crate::digest::Digester;

/// Level 9: packing happens once, unpacking everywhere.
const LEVEL: i32 = 9;

/// 64 KiB at once from a file to the package.
const BUFFER_BYTES: usize = 64 << 10;

/// Opens the file that is to be packed under a name.
type OpenFile<'a> = &'a mut dyn FnMut(&PackedFile) -> io::Result<Box<dyn Read>>;

/// Writes a package of what `head` names, with the slice that vouches for it; `open` gives each file's bytes.
///
/// # Errors
/// `Source` when a file can't be read, `Content` when it is not the one that `head` names (it was changed since),
/// `Path` when a name of the slice does not fit, `Write`.
pub fn write_package(
    head: &Head,
    slice: &Slice,
    open: OpenFile<'_>,
    sink: &mut dyn Write,
) -> Result<(), PackageError> {
    let mut frame = zstd::stream::write::Encoder::new(sink, LEVEL).map_err(PackageError::Write)?;
    let text = head.to_json();
    entry(&mut frame, HEAD, &text)?;
    for (name, bytes) in slice {
        entry(&mut frame, &format!("{TRUST}{name}"), bytes)?;
    }
    for file in head.files() {
        let name = format!("{FILES}{}", file.path);
        let header = header(&name, file.digests.bytes, file.rights).map_err(PackageError::Path)?;
        frame.write_all(header.as_bytes()).map_err(PackageError::Write)?;
        let source = |source| PackageError::Source { path: file.path.clone(), source };
        copy(file, &mut *open(file).map_err(source)?, &mut frame)?;
        frame.write_all(&[0; 512][..padding(file.digests.bytes)]).map_err(PackageError::Write)?;
    }
    frame.write_all(&[0; END_BYTES]).map_err(PackageError::Write)?;
    frame.finish().map_err(PackageError::Write)?;
    Ok(())
}

fn entry(frame: &mut dyn Write, name: &str, bytes: &[u8]) -> Result<(), PackageError> {
    let header = header(name, bytes.len() as u64, Rights::Plain).map_err(PackageError::Path)?;
    let parts = [header.as_bytes().as_slice(), bytes, &[0; 512][..padding(bytes.len() as u64)]];
    parts.into_iter().try_for_each(|part| frame.write_all(part)).map_err(PackageError::Write)
}

/// Copies a file's bytes, and sees that they are those of `okm.json`.
fn copy(file: &PackedFile, source: &mut dyn Read, frame: &mut dyn Write) -> Result<(), PackageError> {
    let mut digester = Digester::default();
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        let count = match source.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(source) => return Err(PackageError::Source { path: file.path.clone(), source }),
        };
        digester.update(&buffer[..count]);
        if digester.bytes() > file.digests.bytes {
            break;
        }
        frame.write_all(&buffer[..count]).map_err(PackageError::Write)?;
    }
    super::read::compare(file, &digester.finish())
}
