//! Which system calls touch files, where, and whether they change something: read from the registers and the memory of a
//! stopped thread. For x86-64, the one machine that is supported.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use nix::libc::{self, c_long};
use nix::sys::ptrace;
use nix::unistd::Pid;

/// 4,096 bytes, as the system: no path is longer.
const PATH_BYTES_MAX: usize = 4096;

/// 8 hex digits in a row are a hash, whose value is of no interest.
const HASH_DIGITS: usize = 8;

/// What a call does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Reads something or looks at it.
    Look,
    /// Changes something, and needs no room for it.
    Change,
    /// Changes something, and needs room.
    Grow,
    /// Grows a file by the bytes that are given: it can do so by half.
    Write,
}

/// A call that is about to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Call {
    /// Its name and the places, in a form that is the same in each run.
    pub(crate) key: String,
    pub(crate) kind: Kind,
}

/// Where a call says which file it means.
#[derive(Clone, Copy)]
enum Place {
    /// A path.
    Path(usize),
    /// A folder's descriptor, and a path from there.
    At(usize, usize),
    /// A descriptor.
    Fd(usize),
}

/// A row of the table: name, what it does, the file that it is about, and a second one.
struct Row(&'static str, Kind, Place, Option<Place>);

/// The call that a thread is about to make, if it is about a file of this home; logs and sockets are left out.
pub(crate) fn call_of(thread: Pid, home: &Path) -> Option<Call> {
    let regs = ptrace::getregs(thread).ok()?;
    let args = [regs.rdi, regs.rsi, regs.rdx, regs.r10, regs.r8, regs.r9];
    let number = c_long::try_from(regs.orig_rax).ok()?;
    let Row(name, mut kind, first, second) = row(number)?;
    if number == libc::SYS_openat || number == libc::SYS_open {
        let flags = args[if number == libc::SYS_openat { 2 } else { 1 }];
        kind = if flags & libc::O_CREAT as u64 == 0 { Kind::Look } else { Kind::Grow };
    }
    let mut key = format!("{name} {}", told(thread, &args, first, home)?);
    if let Some(second) = second {
        key = format!("{key} {}", told(thread, &args, second, home)?);
    }
    Some(Call { key, kind })
}

/// A file as it is told of: from the home on, with hashes and numbers left out.
fn told(thread: Pid, args: &[u64; 6], place: Place, home: &Path) -> Option<String> {
    let path = match place {
        Place::Path(at) => from_folder(thread, "cwd", &text(thread, args[at])?),
        Place::At(folder, at) => {
            // The low half is the descriptor; the high one is not ours to read.
            let folder = args[folder] as i32;
            let link = if folder == libc::AT_FDCWD { "cwd".to_owned() } else { format!("fd/{folder}") };
            from_folder(thread, &link, &text(thread, args[at])?)
        }
        Place::Fd(at) => link(thread, &format!("fd/{}", args[at] as i32)),
    }?;
    let inner = path.strip_prefix(home).ok()?.to_str()?;
    let is_left_out = ["logs", "run"].iter().any(|top| Path::new(inner).starts_with(top));
    (!is_left_out).then(|| plain(inner))
}

fn link(thread: Pid, name: &str) -> Option<PathBuf> {
    std::fs::read_link(format!("/proc/{thread}/{name}")).ok()
}

fn from_folder(thread: Pid, folder: &str, path: &Path) -> Option<PathBuf> {
    if path.is_absolute() { Some(path.to_owned()) } else { Some(link(thread, folder)?.join(path)) }
}

/// A text in the thread's memory, up to its zero byte.
fn text(thread: Pid, at: u64) -> Option<PathBuf> {
    let mut bytes = Vec::new();
    while bytes.len() < PATH_BYTES_MAX {
        let word = ptrace::read(thread, (at + bytes.len() as u64) as ptrace::AddressType).ok()?;
        for byte in word.to_ne_bytes() {
            if byte == 0 {
                return Some(OsString::from_vec(bytes).into());
            }
            bytes.push(byte);
        }
    }
    None
}

/// The same for each run: hashes and numbers become `#`.
fn plain(path: &str) -> String {
    let mut plain = String::new();
    let mut run = String::new();
    for char in path.chars().chain(['\n']) {
        if char.is_ascii_digit() || ('a'..='f').contains(&char) {
            run.push(char);
            continue;
        }
        let is_number = !run.is_empty() && run.chars().all(|char| char.is_ascii_digit());
        plain.push_str(if is_number || run.len() >= HASH_DIGITS { "#" } else { &run });
        run.clear();
        plain.push(char);
    }
    plain.pop();
    plain
}

fn row(number: c_long) -> Option<Row> {
    use Kind::{Change, Grow, Look, Write};
    use Place::{At, Fd, Path};
    let row = match number {
        libc::SYS_open => Row("open", Look, Path(0), None),
        libc::SYS_openat => Row("open", Look, At(0, 1), None),
        libc::SYS_stat | libc::SYS_lstat => Row("stat", Look, Path(0), None),
        libc::SYS_newfstatat | libc::SYS_statx => Row("stat", Look, At(0, 1), None),
        libc::SYS_readlink => Row("readlink", Look, Path(0), None),
        libc::SYS_readlinkat => Row("readlink", Look, At(0, 1), None),
        libc::SYS_getdents64 => Row("list", Look, Fd(0), None),
        libc::SYS_read | libc::SYS_pread64 | libc::SYS_readv => Row("read", Look, Fd(0), None),
        libc::SYS_write | libc::SYS_pwrite64 => Row("write", Write, Fd(0), None),
        libc::SYS_writev | libc::SYS_pwritev => Row("write", Grow, Fd(0), None),
        libc::SYS_copy_file_range => Row("copy", Grow, Fd(0), Some(Fd(2))),
        libc::SYS_sendfile => Row("copy", Grow, Fd(1), Some(Fd(0))),
        libc::SYS_fallocate | libc::SYS_ftruncate => Row("resize", Grow, Fd(0), None),
        libc::SYS_fsync | libc::SYS_fdatasync | libc::SYS_syncfs => Row("sync", Change, Fd(0), None),
        libc::SYS_fchmod => Row("chmod", Change, Fd(0), None),
        libc::SYS_chmod => Row("chmod", Change, Path(0), None),
        libc::SYS_fchmodat => Row("chmod", Change, At(0, 1), None),
        libc::SYS_utimensat => Row("utimens", Change, At(0, 1), None),
        libc::SYS_mkdir => Row("mkdir", Grow, Path(0), None),
        libc::SYS_mkdirat => Row("mkdir", Grow, At(0, 1), None),
        libc::SYS_symlink => Row("symlink", Grow, Path(1), None),
        libc::SYS_symlinkat => Row("symlink", Grow, At(1, 2), None),
        libc::SYS_link => Row("link", Grow, Path(0), Some(Path(1))),
        libc::SYS_linkat => Row("link", Grow, At(0, 1), Some(At(2, 3))),
        libc::SYS_rename => Row("rename", Grow, Path(0), Some(Path(1))),
        libc::SYS_renameat | libc::SYS_renameat2 => Row("rename", Grow, At(0, 1), Some(At(2, 3))),
        libc::SYS_rmdir => Row("remove", Change, Path(0), None),
        libc::SYS_unlink => Row("remove", Change, Path(0), None),
        libc::SYS_unlinkat => Row("remove", Change, At(0, 1), None),
        _ => return None,
    };
    Some(row)
}

#[cfg(test)]
mod tests;
