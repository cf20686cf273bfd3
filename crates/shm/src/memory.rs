//! The shared memory itself: made, sealed, mapped, and seen as atomic words only.
//!
//! Protocol of the unsafe code: a mapping is shared with a process that we don't trust, so no plain reference to its
//! bytes ever exists, only references to atomics. Whatever the peer writes, and whenever, is then a value that we load,
//! never undefined behaviour. The mapping can't be cut short under us, since a file without the seal against shrinking is
//! refused, and it lives until the last user of [`Memory`] is gone.
#![expect(unsafe_code, reason = "mapping memory has no safe wrapper")]

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd, RawFd};
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicU32, AtomicU64};

use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, fcntl_get_seals, fstat, ftruncate, memfd_create};
use rustix::io::{Errno, FdFlags, fcntl_setfd};
use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};

use crate::error::LaneError;

/// Mapped shared memory of a fixed length.
#[derive(Debug)]
pub(crate) struct Memory {
    base: NonNull<u8>,
    bytes: usize,
}

// SAFETY: the memory belongs to this value until it is dropped, whichever thread has it.
unsafe impl Send for Memory {}
// SAFETY: everything that is reached through a shared reference is an atomic.
unsafe impl Sync for Memory {}

impl Memory {
    /// New memory, all zeros, and the descriptor by which another process gets it.
    pub(crate) fn create(bytes: usize) -> Result<(Self, OwnedFd), LaneError> {
        let fd = sealed(bytes).map_err(|errno| LaneError::Create(errno.into()))?;
        Ok((Self::map(fd.as_fd(), bytes)?, fd))
    }

    /// The memory behind a descriptor, which must be sealed and have this length.
    pub(crate) fn open(fd: BorrowedFd<'_>, bytes: usize) -> Result<Self, LaneError> {
        let number = std::os::fd::AsRawFd::as_raw_fd(&fd);
        let no_memory = |errno: Errno| LaneError::Descriptor { fd: number, source: errno.into() };
        let seals = fcntl_get_seals(fd).map_err(no_memory)?;
        if !seals.contains(SealFlags::SHRINK) {
            return Err(LaneError::NotSealed);
        }
        let found = fstat(fd).map_err(no_memory)?.st_size.unsigned_abs();
        if found != bytes as u64 {
            return Err(LaneError::Length { found, expected: bytes as u64 });
        }
        Self::map(fd, bytes)
    }

    /// The memory behind a descriptor that this process was started with; programs that it starts don't get it.
    pub(crate) fn open_inherited(number: RawFd, bytes: usize) -> Result<Self, LaneError> {
        if number < 0 {
            let source = io::Error::from(Errno::BADF);
            return Err(LaneError::Descriptor { fd: number, source });
        }
        // SAFETY: the number is not -1. It is used for calls that only look at the file, set close-on-exec, or map it, and
        // not after this function; if nothing is open under it, each of them answers EBADF and nothing else happens.
        let fd = unsafe { BorrowedFd::borrow_raw(number) };
        let memory = Self::open(fd, bytes)?;
        fcntl_setfd(fd, FdFlags::CLOEXEC)
            .map_err(|errno| LaneError::Descriptor { fd: number, source: errno.into() })?;
        Ok(memory)
    }

    fn map(fd: BorrowedFd<'_>, bytes: usize) -> Result<Self, LaneError> {
        // SAFETY: a new mapping at a place that the system chooses touches no memory that is in use.
        let mapped = unsafe {
            mmap(ptr::null_mut(), bytes, ProtFlags::READ | ProtFlags::WRITE, MapFlags::SHARED, fd, 0)
        };
        let base = mapped.map_err(|errno| LaneError::Map(errno.into()))?;
        let base = NonNull::new(base.cast()).ok_or_else(|| LaneError::Map(Errno::NOMEM.into()))?;
        Ok(Self { base, bytes })
    }

    /// The word at this place.
    pub(crate) fn word(&self, at: usize) -> &AtomicU32 {
        assert!(at.is_multiple_of(4) && at + 4 <= self.bytes, "a word lies within the memory");
        // SAFETY: within the mapping and aligned, as just checked, since mappings begin at a page; every bit pattern is a
        // valid value; nothing but atomics is ever made of this memory; the borrow keeps the mapping alive.
        unsafe { self.base.add(at).cast::<AtomicU32>().as_ref() }
    }

    /// The long words from this place on.
    pub(crate) fn long_words(&self, at: usize, bytes: usize) -> &[AtomicU64] {
        assert!(at.is_multiple_of(8) && bytes.is_multiple_of(8), "long words are aligned");
        assert!(at + bytes <= self.bytes, "long words lie within the memory");
        // SAFETY: as for `word`, for each of them.
        unsafe { std::slice::from_raw_parts(self.base.add(at).cast::<AtomicU64>().as_ptr(), bytes / 8) }
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // SAFETY: the mapping was made with this place and length and nobody refers to it any more, since all references
        // borrow from this value.
        let unmapped = unsafe { munmap(self.base.as_ptr().cast(), self.bytes) };
        debug_assert!(unmapped.is_ok(), "the mapping was ours");
    }
}

/// A file in memory that nobody can make longer, shorter, or give other seals.
fn sealed(bytes: usize) -> Result<OwnedFd, Errno> {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    let fd = match memfd_create("ostoja-lane", flags | MemfdFlags::NOEXEC_SEAL) {
        // Linux before 6.3 does not know that it could also be sealed against being run.
        Err(Errno::INVAL) => memfd_create("ostoja-lane", flags)?,
        made => made?,
    };
    ftruncate(&fd, bytes as u64)?;
    fcntl_add_seals(&fd, SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL)?;
    Ok(fd)
}
