//! Giving back memory that maps this program's own code.
#![expect(unsafe_code, reason = "no safe library gives back what is mapped")]

use core::ffi::c_void;
use std::fs;
use std::io;
use std::ops::Range;
use std::os::unix::fs::MetadataExt;

use rustix::fs::{major, minor};

#[cfg(test)]
mod tests;

/// Unmaps the pages of this program's code. Each comes back from the file, where it never changed, when it is used next.
///
/// # Errors
/// What the system says to reading its own list of mappings, or to the request.
pub(crate) fn give_back_code() -> io::Result<()> {
    let own = fs::metadata("/proc/self/exe")?;
    let device = format!("{:02x}:{:02x}", major(own.dev()), minor(own.dev()));
    let maps = fs::read_to_string("/proc/self/maps")?;
    for range in maps.lines().filter_map(|line| code_of(line, &device, own.ino())) {
        let (start, bytes) = (core::ptr::with_exposed_provenance_mut::<c_void>(range.start), range.len());
        // SAFETY: the range is a private mapping of a file that can be run and not written, so nothing in it differs from
        // the file, and the file can't be written while it is run: whoever reads or runs it next finds the same bytes.
        if unsafe { libc::madvise(start, bytes, libc::MADV_DONTNEED) } != 0 {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(())
}

/// The range of a line of `/proc/self/maps`, if it is code of this file.
fn code_of(line: &str, device: &str, inode: u64) -> Option<Range<usize>> {
    let mut words = line.split_ascii_whitespace();
    let (range, rights, _offset) = (words.next()?, words.next()?, words.next()?);
    let is_own = words.next()? == device && words.next()?.parse() == Ok(inode);
    if rights != "r-xp" || !is_own {
        return None;
    }
    let (start, end) = range.split_once('-')?;
    Some(usize::from_str_radix(start, 16).ok()?..usize::from_str_radix(end, 16).ok()?)
}
