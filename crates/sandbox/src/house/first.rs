//! The first process of every pid namespace: a program of a few bytes that waits for ever.
//!
//! It is run from memory, sealed, so that there is no file that somebody could replace. Ended children leave nothing behind, since
//! its launcher has it ignore them; every other signal from within its namespace is kept from it by the kernel.

use std::ffi::CString;
use std::fs::File;
use std::io::Write;
use std::os::fd::OwnedFd;
use std::sync::OnceLock;

use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};
use rustix::io::fcntl_dupfd_cloexec;

use crate::launch::FDS_FROM;
use crate::raw::Strings;

/// `pause()` again and again: `mov eax, 34; syscall; jmp` back.
const CODE: [u8; 9] = [0xb8, 34, 0, 0, 0, 0x0f, 0x05, 0xeb, 0xf7];

/// Where it lies in memory: where programs have begun since there are 64-bit ones.
const BASE: u64 = 0x40_0000;

/// The lengths of an ELF file's header and of one entry of its list of segments.
const HEADERS: [u16; 2] = [64, 56];

/// Its argument list: the name that it has in lists of processes.
pub(crate) fn words() -> Strings<'static> {
    static WORDS: OnceLock<Vec<CString>> = OnceLock::new();
    Strings::of(WORDS.get_or_init(|| vec![c"ostoja-first".to_owned()]))
}

/// The program's file, made once and kept for the life of this process: every launch needs it.
///
/// # Errors
/// Why there is none: a machine may refuse to run programs from memory.
pub(super) fn program() -> Result<&'static OwnedFd, String> {
    static PROGRAM: OnceLock<Result<OwnedFd, String>> = OnceLock::new();
    let made = PROGRAM.get_or_init(|| make().map_err(|error| format!("no program from memory: {error}")));
    made.as_ref().map_err(Clone::clone)
}

fn make() -> std::io::Result<OwnedFd> {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    // Before Linux 6.3 the flag is not known, and every such file may be run.
    let made = memfd_create("ostoja-first", flags | MemfdFlags::EXEC)
        .or_else(|_| memfd_create("ostoja-first", flags))?;
    let mut file = File::from(made);
    file.write_all(&elf())?;
    fcntl_add_seals(&file, SealFlags::WRITE | SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL)?;
    Ok(fcntl_dupfd_cloexec(&file, FDS_FROM)?)
}

/// A whole 64-bit program: one header, one segment that may be read and run, the code.
fn elf() -> Vec<u8> {
    let [header, entry] = HEADERS;
    let code_at = u64::from(header + entry);
    let whole = code_at + CODE.len() as u64;
    let mut file = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    // An executable for x86_64, version 1.
    file.extend([2_u16, 62].map(u16::to_le_bytes).concat());
    file.extend(1_u32.to_le_bytes());
    file.extend([BASE + code_at, u64::from(header), 0].map(u64::to_le_bytes).concat());
    file.extend(0_u32.to_le_bytes());
    file.extend([header, entry, 1, 0, 0, 0].map(u16::to_le_bytes).concat());
    // A loaded segment, readable and runnable.
    file.extend([1_u32, 5].map(u32::to_le_bytes).concat());
    file.extend([0, BASE, BASE, whole, whole, 4096].map(u64::to_le_bytes).concat());
    file.extend(CODE);
    file
}
