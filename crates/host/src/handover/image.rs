//! What is handed over, in a piece of memory that the next program finds open: a mark, the form, the length, a sum, JSON.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::fd::OwnedFd;

use kernel::Saved;
use rustix::fs::{MemfdFlags, memfd_create};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::form::{FORM, Left};

#[cfg(test)]
mod tests;

/// What it begins with.
const MARK: &[u8; 16] = b"ostoja-handover\n";

/// Mark, form, length, sum.
const HEAD_BYTES: usize = 16 + 4 + 8 + 32;

/// 1 GiB: all queues of the most modules that are likely, and no reason to read on.
const BYTES_MAX: u64 = 1 << 30;

/// Why what was handed over can't be taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ImageError {
    /// The system's own.
    #[error("it can't be read")]
    Read(#[source] io::Error),
    /// It is something else.
    #[error("it is nothing that a kernel handed over")]
    Stranger,
    /// Another form.
    #[error("its form is {0}, and {FORM} is the one that is known")]
    Form(u32),
    /// It is cut or changed.
    #[error("it is not whole")]
    Broken,
    /// It says something else than it should.
    #[error("it can't be understood")]
    Content(#[source] serde_json::Error),
}

/// Writes it; the next program reads it from its beginning.
///
/// # Errors
/// The system's own: there is no memory for it.
pub(crate) fn write(left: &Left) -> io::Result<OwnedFd> {
    let json = serde_json::to_vec(left)?;
    let mut file = File::from(memfd_create("ostoja-handover", MemfdFlags::CLOEXEC)?);
    file.write_all(&head(&json))?;
    file.write_all(&json)?;
    file.seek(SeekFrom::Start(0))?;
    Ok(file.into())
}

fn head(json: &[u8]) -> Vec<u8> {
    let mut head = Vec::with_capacity(HEAD_BYTES);
    head.extend_from_slice(MARK);
    head.extend_from_slice(&FORM.to_le_bytes());
    head.extend_from_slice(&(json.len() as u64).to_le_bytes());
    head.extend_from_slice(&Sha256::digest(json));
    head
}

/// Reads all of it.
///
/// # Errors
/// One variant of [`ImageError`] for each step.
pub(crate) fn read(mut from: impl Read) -> Result<Left, ImageError> {
    let mut head = [0; HEAD_BYTES];
    from.read_exact(&mut head).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => ImageError::Stranger,
        _ => ImageError::Read(error),
    })?;
    let (mark, rest) = head.split_at(MARK.len());
    let (form, rest) = rest.split_at(4);
    let (length, sum) = rest.split_at(8);
    if mark != MARK {
        return Err(ImageError::Stranger);
    }
    let form = u32::from_le_bytes(form.try_into().map_err(|_| ImageError::Broken)?);
    if form != FORM {
        return Err(ImageError::Form(form));
    }
    let length = u64::from_le_bytes(length.try_into().map_err(|_| ImageError::Broken)?);
    if length > BYTES_MAX {
        return Err(ImageError::Broken);
    }
    let mut json = Vec::new();
    from.take(length).read_to_end(&mut json).map_err(ImageError::Read)?;
    if json.len() as u64 != length || Sha256::digest(&json).as_slice() != sum {
        return Err(ImageError::Broken);
    }
    serde_json::from_slice(&json).map_err(ImageError::Content)
}

/// A value of the kernel's as JSON.
pub(crate) fn json_of(saved: &Saved) -> Value {
    match saved {
        Saved::Number(number) => Value::from(*number),
        Saved::Text(text) => Value::from(text.as_str()),
        Saved::List(items) => items.iter().map(json_of).collect(),
        Saved::Fields(fields) => Value::Object(
            fields.iter().map(|(name, value)| (name.clone(), json_of(value))).collect::<Map<_, _>>(),
        ),
    }
}

/// The value again; nothing when it is none.
pub(crate) fn saved_of(value: &Value) -> Option<Saved> {
    Some(match value {
        Value::Number(number) => Saved::Number(number.as_u64()?),
        Value::String(text) => Saved::Text(text.clone()),
        Value::Array(items) => Saved::List(items.iter().map(saved_of).collect::<Option<_>>()?),
        Value::Object(fields) => {
            let field = |(name, value): (&String, &Value)| Some((name.clone(), saved_of(value)?));
            Saved::Fields(fields.iter().map(field).collect::<Option<_>>()?)
        }
        Value::Null | Value::Bool(_) => return None,
    })
}
